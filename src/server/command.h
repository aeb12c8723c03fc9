/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - a piece of work on its way from an HTTP thread over the bus to the worker, and its
 * answer on the way back. The HTTP thread fills the question and does not touch the command again
 * until done() has been called, from the worker's thread, exactly once.
 */
#ifndef IDEM_SERVER_COMMAND_H
#define IDEM_SERVER_COMMAND_H

#include "server/constants.h"
#include "server/problem.h"
#include "wire/alarm.h"

enum idem_command_kind {
    IDEM_COMMAND_OPEN,
    IDEM_COMMAND_WINDOWS,
    IDEM_COMMAND_ALARMS,
    IDEM_COMMAND_CLOSE,
    IDEM_COMMAND_UNLOCK,
    IDEM_COMMAND_SESSION,
    IDEM_COMMAND_SESSIONS,
    IDEM_COMMAND_PERSON
};

/* One window of a request: its CBOR lies in the command's payload. */
struct idem_item {
    uint32_t seq, at, len;
    int64_t row; /* worker: in the store, 0: held before */
};

struct idem_session;

struct idem_command {
    enum idem_command_kind kind;
    void (*done)(struct idem_command *command, bool more);
    int64_t received_ms;
    bool has_clock;
    int64_t clock_ms;

    /* Which session (or person): its id, and the slot where it probably is. */
    int32_t slot;
    uint8_t id[IDEM_ID_BYTES];

    /* OPEN */
    uint8_t person[IDEM_ID_BYTES];
    uint8_t device_class;
    char seat[IDEM_NAME_MAX + 1];

    /* WINDOWS, ALARMS */
    uint32_t item_count;
    const uint8_t *payload;
    union {
        struct idem_item items[IDEM_WIRE_WINDOWS_MAX];
        struct idem_wire_alarm alarms[IDEM_WIRE_ALARMS_MAX];
    };

    /* The answer: a problem with its detail, or a status with a body. */
    enum idem_problem problem;
    char detail[IDEM_PROBLEM_DETAIL_MAX];
    unsigned status;
    struct idem_text answer; /* the HTTP thread brings the buffer */

    struct idem_session *session; /* worker: while the command is in a transaction */
};

__attribute__((format(printf, 3, 4))) void
idem_command_refuse(struct idem_command *command, enum idem_problem problem, const char *fmt, ...);

#endif
