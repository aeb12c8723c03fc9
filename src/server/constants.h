/* SPDX-License-Identifier: Apache-2.0 */
/*
 * constants.h - the numbers of the server: what it asks for, what it decides by, and the maximum of
 * every table and buffer. Nothing here is tuned at run time.
 */
#ifndef IDEM_SERVER_CONSTANTS_H
#define IDEM_SERVER_CONSTANTS_H

#include "store/store.h"
#include "wire/objects.h"
#include "wire/wire.h"

enum {
    /* Strokes until a modality counts as enrolled. */
    IDEM_ENROL_KEYS = 400,
    IDEM_ENROL_GESTURES = 150,
    /* Sessions that count begin so many hours of the clock after the one before: one to two. */
    IDEM_ENROL_APART_H = 2,

    IDEM_SESSIONS_MAX = 65536, /* live */
    IDEM_CLOSED_KEPT = 1024,   /* closed sessions that can still be read */
    IDEM_SESSION_SLOTS_MAX = IDEM_SESSIONS_MAX + IDEM_CLOSED_KEPT + 1,
    IDEM_LIST_MAX = 200, /* sessions in one answer */
    IDEM_SESSION_WINDOWS_MAX = 50000,
    IDEM_SESSION_IDLE_MS = 30 * 60 * 1000,
    IDEM_SEQ_AHEAD_MAX = 100000,

    IDEM_TOKEN_LIFE_S = 15 * 60, /* of a session's token, unless told otherwise */
    IDEM_TOKEN_LIFE_MAX_S = 86400,
    IDEM_TOKEN_OVERLAP_MS = 60 * 1000, /* the one before is good for so long, or a fifth of it */
    IDEM_TOKENS_RETIRED = 65536,       /* that are known again when somebody uses them */
    IDEM_SESSION_LIFE_MS = 24 * 3600 * 1000, /* no token is renewed after that */
    IDEM_CODE_LIFE_H = 72,
    IDEM_CODE_LIFE_MAX_H = 720,
    IDEM_HEARD_AGAIN_MAX_S = 15 * 60, /* a seat says that it will be heard within so long */
    IDEM_STATEMENTS_MOST = 8, /* of a seat about one session: unlocked, paused, within ... */
    IDEM_STATEMENTS_MS = 10 * 60 * 1000,
    IDEM_SEAT_ALIVE_MS = 30 * 1000,          /* a seat that was heard is there for so long */
    IDEM_CLOCK_TOLERANCE_MS = 5 * 60 * 1000, /* of a seat's clock; more is noted */
    IDEM_NOTICES_MAX = 1024,          /* lines that wait, a share for each kind (notices.h) */
    IDEM_NOTICE_EVERY_MS = 10 * 1000, /* one line of a kind and a subject */

    IDEM_SEEN_BITS = 22, /* 2^22 windows are known again whoever sends them: 32 MiB once full */

    IDEM_QUEUE_MAX = 8192,     /* commands between the HTTP threads and the worker */
    IDEM_BATCH_MAX = 512,      /* commands in one transaction */
    IDEM_TICK_MS = 100,        /* the worker's clock: streams, idle sessions */
    IDEM_SWEEP_MAX = 2048,     /* sessions looked at in one tick */
    IDEM_SWEEP_CLOSE_MAX = 32, /* idle ones closed in one tick */
    IDEM_FORGET_EVERY_MS = 3600 * 1000,

    IDEM_CONNECTIONS_MAX = 16384,
    IDEM_CONNECTION_MEMORY = 8 * 1024, /* request line and headers */
    IDEM_CONNECTION_IDLE_S = 75,
    IDEM_CONNECTIONS_PER_ADDRESS = 4096, /* an office is one address */
    IDEM_FAILURES_PER_MINUTE = 60,
    IDEM_FIRST_HEAD_MS = 20 * 1000, /* with the handshake */
    IDEM_BODY_MS = 30 * 1000,
    IDEM_ANSWER_MS = 120 * 1000,
    IDEM_DISCARD_MAX = 1024 * 1024, /* of a refused body, read so that the refusal arrives */
    IDEM_THREADS_MAX = 16,
    IDEM_REQUESTS_KEPT = 1024, /* request objects kept for the next request */

    IDEM_GUARD_EVENT_MAX = 1024,
    IDEM_STREAMS_MAX = 64,
    IDEM_STREAM_BUFFER = 512 * 1024, /* a client further behind is disconnected */
    IDEM_STREAM_KERNEL_BUFFER = 64 * 1024,
    IDEM_STREAM_BEAT_MS = 15 * 1000,

    IDEM_ASSETS_MAX = 256,
    IDEM_ASSET_BYTES_MAX = 8 * 1024 * 1024,
    IDEM_POPULATION_FILE_MAX = 64 * 1024 * 1024,
    IDEM_DRAIN_MS = 10 * 1000, /* for requests under way when the server is told to stop */
};

/* What is kept how long, where no policy says it. */
#define IDEM_KEEP_SESSIONS_MS (INT64_C(24) * 3600 * 1000)
#define IDEM_KEEP_WINDOWS_MS  (INT64_C(4) * 3600 * 1000)
#define IDEM_KEEP_AUDIT_MS    (INT64_C(400) * 24 * 3600 * 1000)
#define IDEM_KEEP_GATE_MS     (INT64_C(90) * 24 * 3600 * 1000)

/*
 * Decisions on the filter's trust where there is no policy; a policy has thresholds of its own, by
 * measured false alarms (model/false_alarms.h). The lock compares what came after the last strong
 * authentication, as `idem eval takeover` does, the step-up the whole session.
 */
#define IDEM_TRUST_STEP_UP 0.5
#define IDEM_TRUST_LOCK    0.05

/* Quarantine: which windows of a closed session a profile may learn. How much: model/adapt.h. */
#define IDEM_TRUST_DIP                                                                             \
    0.8 /* below: an alarm too small to act on, near which nothing is learned                      \
         */
enum {
    IDEM_QUARANTINE_MARGIN = 3, /* windows left out on either side of a dip, and at the end */
    IDEM_QUARANTINE_DIPS_MAX = 16,
};

/* An explanation is made anew when trust has moved so far, after so many windows, and when read. */
#define IDEM_EXPLAIN_STEP 0.05
enum { IDEM_EXPLAIN_EVERY = 8 };
/* What is told of somebody's session while he types: steps, so that nobody counts his windows. */
enum { IDEM_TOLD_EVERY_MS = 15 * 60 * 1000 };
#define IDEM_TOLD_TRUST 0.05
#define IDEM_TOLD_LLR   5.0

#endif
