/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - what is on its way to the courier, and waits while there is none or it does not read.
 *
 *   alarms     up to 64; the oldest gives way, which nothing but a courier that has long been gone
 *              can bring about. Each has a number, and stays until the courier has said that it
 *              has heard it: a new line begins with all that have not been
 *   windows    up to 64; the oldest gives way and is counted
 *
 * Alarms go first. Memory is taken for a window that has to wait, and for nothing else.
 */
#ifndef IDEM_AGENT_SENSOR_OUTBOX_H
#define IDEM_AGENT_SENSOR_OUTBOX_H

#include "agent/message.h"

enum { IDEM_OUTBOX_ALARMS = 64, IDEM_OUTBOX_WINDOWS = 64 };

struct idem_outbox {
    struct idem_alarm_message alarm[IDEM_OUTBOX_ALARMS];
    uint32_t first_alarm, alarms;
    uint32_t sent;                     /* of these, on this line */
    uint64_t numbers;                  /* given, ever */
    void *window[IDEM_OUTBOX_WINDOWS]; /* each a whole message */
    uint32_t first_window, windows;
    uint32_t dropped; /* windows, ever */
    uint32_t lost;    /* alarms, ever */
};

/* Sent at once, or kept. line: -1: there is none. IDEM_ERR_IO: the line is at its end;
 * IDEM_ERR_FULL: the courier does not read now. What was given is kept in both cases. The alarm's
 * number is the outbox's to give. */
int idem_outbox_alarm(struct idem_outbox *box, int line, const struct idem_alarm_message *alarm);
int idem_outbox_window(struct idem_outbox *box, int line, const struct idem_window *window);
/* Sends what waits. 0: nothing is left; IDEM_ERR_FULL, IDEM_ERR_IO as above. */
int idem_outbox_flush(struct idem_outbox *box, int line);
/* There is a new line: what was not heard on the last one is to be sent on it. */
void idem_outbox_renew(struct idem_outbox *box);
/* Of alarms up to that number. */
void idem_outbox_heard(struct idem_outbox *box, uint64_t number);
void idem_outbox_clear(struct idem_outbox *box);

#endif
