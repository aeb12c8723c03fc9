/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_calls.h - what the worker does for the gate, between runs of windows: handing out
 * nonces, binding a cookie, locking for silence, reading the record back.
 */
#ifndef IDEM_SERVER_GATE_CALLS_H
#define IDEM_SERVER_GATE_CALLS_H

#include "server/bindings.h"
#include "server/command.h"
#include "store/gate_log.h"

struct idem_bus;

/* What an application asks to be bound, in command->arg: of the session command->slot and id, if
 * its person has command->handle. by_nonce: the session itself has asked for it; otherwise it must
 * be one that the application's own key has opened. */
struct idem_gate_bind {
    bool by_nonce;
    struct idem_binding binding;
};

/* What an auditor asks, in command->arg. */
struct idem_gate_question_of_record {
    struct idem_gate_search search;
    char what[IDEM_GATE_RESOURCE_MAX + 1];
    bool by_person;
};

enum { IDEM_GATE_RECORDS_MAX = 100, IDEM_GATE_RECORDS_BYTES = 128 * 1024 };

void idem_gate_nonce_call(struct idem_worker *w, struct idem_command *c);
void idem_gate_bind_call(struct idem_worker *w, struct idem_command *c);
void idem_gate_records_call(struct idem_worker *w, struct idem_command *c);
/* Any thread: the worker shall lock the session because of its silence. IDEM_ERR_FULL,
 * IDEM_ERR_NOMEM, IDEM_ERR_NOT_FOUND. */
int idem_gate_order_lock(struct idem_bus *bus, int32_t slot, const uint8_t id[IDEM_ID_BYTES]);

#endif
