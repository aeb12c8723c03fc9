/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - the courier's local socket: what the person at the seat is shown and may say. Anybody
 * on the machine may connect; who it is, the kernel says (SO_PEERCRED), never the caller.
 *
 *     idem-agent ---- one JSON object a line ----> courier
 *                <--- one JSON object a line -----
 *
 *   {"request": "status"}                     what is on; how much, depends on who asks
 *   {"request": "watch"}                      a stream: each window as it is sent, each alarm, each
 *                                             change of the status; "over" at the session's end
 *   {"request": "text", "language": "de"}     what is to be acknowledged
 *   {"request": "acknowledge", "version": "3"}
 *   {"request": "withdraw"}
 *   {"request": "pause", "seconds": 1800}     locks the screen first (pause.h)
 *   {"request": "resume"}
 *   {"request": "nonce"}                      for a web log-in at this seat, once
 *   {"request": "enrol", "code": "HXY2K-…"}   root
 *
 *   {"ok": true, ...}        {"ok": false, "error": "not-yours", "message": "…"}
 *   {"event": "status" | "window" | "alarm" | "over", ...}
 *
 * Who may what:
 *   everybody        status: the service is on, server, whether the seat is enrolled
 *   root             besides: whether the processes stand, devices, the server, the spool; enrol.
 *                    Nothing of the person: root sees windows only by taking the machine apart
 *   the person       all but enrol, as long as it is his session that the seat is about
 * Whoever is at the seat is what the broker's presence says. When that changes, the streams of the
 * one before end and what was asked for him is answered to nobody.
 *
 * Bounds: 16 connections, 4 of them kept for the person and 4 for root, 4 of any one user; a
 * request is at most 4 KiB, an answer 64 KiB; a connection that has asked nothing for 30 s is
 * closed, but a watcher's; one question at a time, the next one is read when the last was answered;
 * who does not read what he is sent loses the connection. A request that does not parse is answered
 * with an error and ends the connection.
 */
#ifndef IDEM_AGENT_COURIER_CONTROL_H
#define IDEM_AGENT_COURIER_CONTROL_H

#include <jansson.h>

#include "agent/courier/pause.h"
#include "agent/loop.h"
#include "agent/message.h"

enum {
    IDEM_CONTROL_REQUEST_MAX = 4 * 1024,
    IDEM_CONTROL_ANSWER_MAX = 64 * 1024,
    IDEM_CONTROL_CONNECTIONS = 16,
    IDEM_CONTROL_OTHERS = 8, /* neither root nor the person */
    IDEM_CONTROL_OF_ONE = 4,
    IDEM_CONTROL_IDLE_S = 30,
    IDEM_CONTROL_ARGUMENT_MAX = 144, /* bytes of a language, version or code, its nought included */
};

enum idem_control_request {
    IDEM_CONTROL_STATUS = 0,
    IDEM_CONTROL_WATCH,
    IDEM_CONTROL_TEXT,
    IDEM_CONTROL_ACKNOWLEDGE,
    IDEM_CONTROL_WITHDRAW,
    IDEM_CONTROL_PAUSE,
    IDEM_CONTROL_RESUME,
    IDEM_CONTROL_NONCE,
    IDEM_CONTROL_ENROL,
    IDEM_CONTROL_REQUESTS,
};

/* A request as it was read. */
struct idem_control_said {
    enum idem_control_request request;
    char argument[IDEM_CONTROL_ARGUMENT_MAX]; /* language, version, code; "" without one */
    uint32_t seconds;                         /* of a pause, 1..86400 */
};

/* Why nothing is collected; the first one that holds. */
enum idem_control_why {
    IDEM_WHY_COLLECTING = 0, /* it is */
    IDEM_WHY_NOT_ENROLLED,
    IDEM_WHY_NO_BROKER,
    IDEM_WHY_NO_SENSOR,
    IDEM_WHY_NOBODY, /* at the seat */
    IDEM_WHY_REMOTE,
    IDEM_WHY_LOCKED,
    IDEM_WHY_AWAY,
    IDEM_WHY_SUSPENDED,
    IDEM_WHY_NO_SESSION, /* the server could not be asked for one yet */
    IDEM_WHY_EXEMPT,     /* policy takes this person out */
    IDEM_WHY_NOT_ACKNOWLEDGED,
    IDEM_WHY_PAUSED,
    IDEM_WHY_NO_DEVICES, /* no keyboard and no pointer */
    IDEM_WHY_PERSONAL,   /* told to root instead of the person's own reasons */
    IDEM_WHYS,
};

enum idem_control_acknowledgement {
    IDEM_ACK_UNKNOWN = 0, /* the server has not said yet */
    IDEM_ACK_NOT_ASKED,   /* policy asks for none here */
    IDEM_ACK_MISSING,
    IDEM_ACK_OUTDATED, /* an older version was acknowledged */
    IDEM_ACK_GIVEN,
    IDEM_ACKS,
};

enum { IDEM_CONTROL_SERVER_MAX = 256, IDEM_CONTROL_NAME_MAX = 144, IDEM_CONTROL_TEXT_MAX = 512 };

/* What the courier knows, filled in by it when somebody asks. Times are Unix milliseconds. */
struct idem_control_status {
    /* everybody */
    bool enrolled;
    char server[IDEM_CONTROL_SERVER_MAX]; /* as configured; "": none */
    char policy[IDEM_CONTROL_NAME_MAX];   /* its id; "": not known yet */
    /* root and the person */
    bool broker, sensor; /* their lines stand */
    enum idem_presence presence;
    enum idem_control_why why;
    uint32_t keyboards, pointers;
    bool reached;           /* the last request to the server was answered */
    int64_t reached_ms;     /* when one was last answered, or 0 */
    uint32_t spool_waiting; /* windows and alarms */
    /* given up since this courier was started, or before and not said yet (spool.h) */
    uint64_t spool_dropped, spool_expired, spool_refused, spool_unreadable;
    bool spool_begun_anew;
    /* the person */
    enum idem_control_acknowledgement acknowledgement;
    char acknowledged[IDEM_CONTROL_NAME_MAX]; /* the version */
    char acknowledged_hour[24];               /* as the server writes it, or "" */
    char level[16];                           /* of privacy: "hand" */
    uint32_t window_keys, window_gestures;
    bool has_rules;                        /* the next five are the server's */
    struct idem_settings_message settings; /* rows, untouched_s, step_up_locks */
    bool fail_closed;
    uint32_t fail_after_s;
    bool pause_allowed, unlock_counts;
    uint32_t pause_at_most_s;
    char standing[16]; /* the session object's state: "ok", "step-up", "locked"; "": no session */
    char cause[IDEM_CONTROL_TEXT_MAX]; /* of a step-up or lock, in words, or "" */
    enum idem_pause_state pause;
    uint32_t pause_left_s; /* of IDEM_PAUSE_ON; of IDEM_PAUSE_ASKED: to unlock */
};

/*
 * ticket: what the answer names. An answer to a ticket whose caller has gone is thrown away. A
 * request that is taken (0) is answered exactly once, now or later, by idem_control_answer() or
 * idem_control_refuse(); for a callback's error the caller is told "failed" at once.
 */
struct idem_control_calls {
    void (*status)(void *arg, struct idem_control_status *out); /* out: noughts */
    /* All requests but STATUS and WATCH, from those only who may. */
    int (*ask)(void *arg, uint32_t ticket, const struct idem_control_said *said);
};

struct idem_control;

/* listening: the inherited socket "control" (line.h), which stays the caller's. calls is copied. */
int idem_control_new(struct idem_loop *loop, int listening, const struct idem_control_calls *calls,
                     void *arg, struct idem_control **out);
void idem_control_free(struct idem_control *control); /* closes all connections */

/* Who is at the seat: the broker's message as it came, NULL when the broker is gone. */
void idem_control_presence(struct idem_control *control,
                           const struct idem_presence_message *presence);

/* {"ok": true} and the members of an object (borrowed) or nothing (NULL). */
void idem_control_answer(struct idem_control *control, uint32_t ticket, const json_t *members);
/* error: as a word, "offline"; message: one sentence for the person. */
void idem_control_refuse(struct idem_control *control, uint32_t ticket, const char *error,
                         const char *message);

/* For watchers; without one nothing is done. A window when it has been sent, or put by for sending
 * (waiting: the server is away). */
void idem_control_window(struct idem_control *control, const struct idem_front *front,
                         const struct idem_window *window, uint32_t seq, bool waiting);
/* alarm: as the sensor said it. */
void idem_control_alarm(struct idem_control *control, const struct idem_alarm_message *alarm);
/* Something of the status is another: call it freely, what has not changed is not told. */
void idem_control_changed(struct idem_control *control);
/* The session is over: the streams end. */
void idem_control_over(struct idem_control *control);

/* Reads one request, without its line's end. IDEM_ERR_FORMAT, INVALID: *why is a sentence. */
int idem_control_read(const char *bytes, size_t len, struct idem_control_said *out,
                      const char **why);

/* What the one who asks may see. */
enum idem_control_audience { IDEM_FOR_ANYBODY, IDEM_FOR_ROOT, IDEM_FOR_PERSON };
/* A new object, or NULL. */
json_t *idem_control_status_json(const struct idem_control_status *status,
                                 enum idem_control_audience audience);

#endif
