/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - a piece of work on its way from an HTTP thread over the bus to the worker, and its
 * answer on the way back. The HTTP thread fills the question and does not touch the command again
 * until done() has been called, from the worker's thread, exactly once.
 */
#ifndef IDEM_SERVER_COMMAND_H
#define IDEM_SERVER_COMMAND_H

#include "server/auth.h"
#include "server/constants.h"
#include "server/problem.h"
#include "wire/alarm.h"

#include <jansson.h>

enum idem_command_kind {
    IDEM_COMMAND_OPEN,
    IDEM_COMMAND_WINDOWS,
    IDEM_COMMAND_ALARMS,
    IDEM_COMMAND_CLOSE,
    IDEM_COMMAND_UNLOCK,
    IDEM_COMMAND_SESSION,
    IDEM_COMMAND_SESSIONS,
    IDEM_COMMAND_PERSON,
    IDEM_COMMAND_CALL /* whatever is rare: a function of its own, alone */
};

/* How a session came to be. What a browser sends is not signed: it is believed less. */
enum idem_session_kind { IDEM_SESSION_DEMO = 0, IDEM_SESSION_WEB = 1, IDEM_SESSION_AGENT = 2 };

/* What vouched for the person when it began. Enrolling takes more than nothing. */
enum idem_session_start {
    IDEM_START_NONE = 0,
    IDEM_START_STRONG = 1,    /* strong authentication on an enrolled seat */
    IDEM_START_SUPERVISED = 2 /* a supervisor's confirmation */
};

/* What an opening says besides who: the person's and the seat's place in the policy. */
struct idem_opening {
    int64_t organisation;
    enum idem_session_kind kind;
    enum idem_session_start start;
    int64_t api_key; /* that opens it, 0: none */
    char site[IDEM_GROUP_MAX + 1], country[IDEM_GROUP_MAX + 1], job[IDEM_GROUP_MAX + 1];
    bool has_nonce;
    uint8_t nonce[IDEM_NONCE_BYTES];
    int64_t token_ms; /* how long the token is good, 0: as long as the session */
    int64_t seat;     /* the row of the enrolled seat that signs, 0: none */
    uint8_t instance[IDEM_SEAL_INSTANCE]; /* the run of the machine that it signs in */
    int64_t clock_off_ms;                 /* how far its clock is ahead of the server's */
};

/* One window of a request: its CBOR lies in the command's payload. */
struct idem_item {
    uint32_t seq, at, len;
    int64_t row; /* worker: in the store, 0: held before */
};

struct idem_session;
struct idem_worker;

struct idem_command {
    enum idem_command_kind kind;
    void (*done)(struct idem_command *command, bool more);
    int64_t received_ms;
    bool has_clock;
    int64_t clock_ms;
    struct idem_grant grant; /* who asks */

    /* Which session (or person): its id, and the slot where it probably is. */
    int32_t slot;
    uint8_t id[IDEM_ID_BYTES];

    /* OPEN. handle: of the name (people.h); person: who it is, found by the worker. */
    uint8_t handle[IDEM_ID_BYTES], person[IDEM_ID_BYTES];
    char name[IDEM_NAME_MAX + 1];
    uint8_t device_class;
    char seat[IDEM_NAME_MAX + 1];
    struct idem_opening opening;

    /* WINDOWS, ALARMS */
    uint32_t item_count;
    const uint8_t *payload;
    /* WINDOWS of a seat, whose signature was good: the link before them, and one after each. */
    bool sealed;
    uint8_t previous[IDEM_SEAL_LINK];
    const uint8_t *links;
    union {
        struct idem_item items[IDEM_WIRE_WINDOWS_MAX];
        struct idem_wire_alarm alarms[IDEM_WIRE_ALARMS_MAX];
    };

    /* CALL: runs on the worker, answers and calls done(). json: the body, the request's. */
    void (*call)(struct idem_worker *worker, struct idem_command *command);
    json_t *json;
    void *arg;
    void (*free_arg)(void *arg); /* with the request, unless it is NULL */

    /* The answer: a problem with its detail, or a status with a body. */
    enum idem_problem problem;
    char detail[IDEM_PROBLEM_DETAIL_MAX];
    unsigned status;
    unsigned retry_s; /* of a refusal: when to come again, 0: not said */
    struct idem_text answer; /* the HTTP thread brings the buffer */

    struct idem_session *session; /* worker: while the command is in a transaction */
};

__attribute__((format(printf, 3, 4))) void
idem_command_refuse(struct idem_command *command, enum idem_problem problem, const char *fmt, ...);

#endif
