/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - what the person at the seat is told, in the words of the table in notify.c and no
 * others. The desktop is spoken to by a child that has become that person first and holds nothing
 * of the broker's. A session without a desktop, or one that shows nothing, is no failure: the log
 * has the words too, but for those about what the person does, which are nobody else's business.
 */
#ifndef IDEM_BROKER_NOTIFY_H
#define IDEM_BROKER_NOTIFY_H

#include "agent/broker/child.h"
#include "agent/message.h"

struct idem_notify {
    struct idem_children children; /* one at a time */
    uint32_t waiting;              /* 1 << enum idem_notice: each once */
    const char *bus;               /* address of the person's bus; NULL: /run/user/UID/bus */
    const struct idem_presence_message *who; /* in front */
};

/* number: enum idem_notice. IDEM_ERR_NOT_FOUND: nobody is there. */
int idem_notify_show(struct idem_notify *notify, uint32_t number);

#endif
