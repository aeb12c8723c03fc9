/* SPDX-License-Identifier: Apache-2.0 */
/*
 * courier.h - the courier's parts and what they share. One process, one thread (beside the one that
 * looks up names), one loop:
 *
 *   main.c       the beginning: settings, key, inherited sockets, confinement
 *   lines.c      broker and sensors: who they are, what they say and are told
 *   presence.c   what the broker says of the seat, and what follows from it
 *   session.c    one idem session after the other: which request is the next
 *   opening.c    challenge, opening, closing, renewing: a session's own requests
 *   sending.c    windows and alarms, from the sensor through the spool to the server
 *   learning.c   what the server says: rules, front, acknowledgement, what stands
 *   ask.c        what the person asks (control.h)
 *   upkeep.c     what waited too long, and saying what was given up
 *
 * Everything of the courier's own is in struct idem_courier; each part writes to its own section of
 * it and reads the others'.
 */
#ifndef IDEM_AGENT_COURIER_COURIER_H
#define IDEM_AGENT_COURIER_COURIER_H

#include "agent/courier/act.h"
#include "agent/courier/backoff.h"
#include "agent/courier/config.h"
#include "agent/courier/control.h"
#include "agent/courier/http.h"
#include "agent/courier/keep.h"
#include "agent/courier/key.h"
#include "agent/courier/rules.h"
#include "agent/courier/spool.h"
#include "agent/courier/withdrawn.h"
#include "agent/line.h"

enum {
    IDEM_COURIER_SECOND = 1000000,
    IDEM_COURIER_BEAT_S = 40,       /* the server misses a seat after 60 */
    IDEM_COURIER_SLOW_BEAT_S = 600, /* locked, away: it ends a session after 1800 */
    IDEM_COURIER_ASKS = 4,          /* questions of people that wait for the server */
    IDEM_COURIER_SAID_MAX = 400,    /* bytes of a sentence for the log and for status */
    IDEM_SESSION_AGAIN = 1,         /* of an operation's begin */
};

struct idem_courier;
struct idem_operation;

/* A line to one of the other processes. */
struct idem_courier_line {
    struct idem_courier *courier;
    struct idem_watch watch;           /* fd -1: there is none */
    const char *name;                  /* for logs */
    struct idem_state_message state;   /* a sensor's, noughts before the first */
    struct idem_settings_message told; /* a sensor's, the last that it was told */
    bool has_front;
    bool has_said;    /* how it stands, since the line began */
    bool leave;       /* windows may come: it was told to make some, and has not said since that it
                         has stopped */
    uint32_t windows; /* of the ration, that were taken; by now */
    int64_t rationed_us;
};

/* A question that waits. */
struct idem_courier_ask {
    uint32_t ticket;
    uint32_t uid; /* who was at the seat then */
    struct idem_control_said said;
};

struct idem_courier {
    struct idem_loop loop;
    struct idem_courier_config config;
    struct idem_http http;
    int dir; /* of the state */

    /* the seat's key and what hangs on it: nothing before it is enrolled */
    bool enrolled;
    struct idem_seat_key key;
    uint8_t instance[IDEM_SEAL_INSTANCE];
    struct idem_keep *keep;
    struct idem_spool *spool;

    /* lines.c */
    struct idem_watch door, x11_door; /* listening */
    struct idem_courier_line broker, sensor, x11;
    char collected[IDEM_NAME_MAX + 1]; /* whose windows the sensors make, "" nobody's */
    char before[IDEM_NAME_MAX + 1];    /* who was here last */
    char guarded[IDEM_NAME_MAX + 1];   /* whose alarms the sensor tells of */
    bool guarded_left;                 /* the sensor has said that nobody is there, since then */
    int64_t changed_us;                /* c->person */
    uint32_t turned_away;              /* windows and alarms that nobody had asked for */

    /* presence.c */
    struct idem_presence_message seat;
    bool seat_known;                /* the broker has said so, since this process began */
    char person[IDEM_NAME_MAX + 1]; /* whom the server knows the user as; "": nobody */
    struct idem_timer offline, pausing;
    uint32_t offline_at; /* seat.unlocked of the last lock for want of a server */
    bool offline_done, told_collecting;
    struct idem_pause pause;
    bool pause_wanted; /* the server is to hear of it */
    bool announced;    /* that little will be heard of a seat that nobody works at */
    bool held_back;    /* the server is at a pause: it takes no windows until that is over */

    /* learning.c */
    struct idem_front *front;
    int front_fd;
    size_t front_len;
    struct idem_window *windows[IDEM_MODALITIES];
    struct idem_rules rules;
    char rules_of[IDEM_NAME_MAX + 1]; /* whose rules these are, "" nobody's */
    json_t *rules_json;
    enum idem_control_acknowledgement acknowledgement; /* of rules_of */
    char version[IDEM_CONTROL_NAME_MAX];
    char acknowledged_hour[24]; /* as the server writes it, or "" */
    json_t *withdrawn;          /* withdrawn.h */
    json_t *untold;             /* likewise: of whom the server has yet to be told that */
    struct idem_standing standing;
    struct idem_act_once acted;
    bool front_wanted, rules_wanted, acknowledgement_wanted, told_acknowledge;

    /* session.c, opening.c */
    struct idem_keep_session session;       /* id "": there is none */
    const struct idem_operation *operation; /* under way */
    struct idem_timer wake;
    struct idem_backoff backoff, opening;
    int64_t not_before_us, open_not_before_us; /* of any request; of opening */
    int64_t sent_us, reached_us, renew_us, begun_us;
    int64_t still_us;   /* since then nobody works here */
    int64_t reached_ms; /* Unix time */
    bool challenged, token_stale, reached, was_told_to_wait;
    uint8_t challenge[IDEM_SEAL_NONCE];
    uint32_t strong_told, opened_with; /* seat.unlocked that was told, or is on its way */
    char said[IDEM_COURIER_SAID_MAX];  /* the last trouble, "" */

    /* sending.c */
    uint8_t link[IDEM_SEAL_LINK]; /* after the windows under way */
    uint32_t sent_last;           /* their last number */
    bool may_send;                /* the session's person has acknowledged */
    bool alarm_is_new;            /* one is kept that was not tried yet */

    /* upkeep.c */
    struct idem_timer upkeep;
    bool upkeep_set;
    struct idem_spool_counts given_up; /* what was said of it by this process */

    /* ask.c */
    struct idem_control *control;
    struct idem_courier_ask asks[IDEM_COURIER_ASKS];
    uint32_t ask_count;
};

/* ------------------------------------------------------------------ main.c */

/* The key has come: what hangs on it is opened. Logs why not. */
int idem_courier_enrolled(struct idem_courier *c);
int64_t idem_courier_unix_ms(void);

/* ------------------------------------------------------------------ lines.c */

/* Takes the inherited sockets over. IDEM_ERR_NOT_FOUND: the broker's is missing. */
int idem_lines_open(struct idem_courier *c);
void idem_lines_close(struct idem_courier *c);
/* What has changed of front and settings goes to the sensors. */
void idem_lines_update(struct idem_courier *c);
/* To the sensor that has the devices. */
void idem_lines_act(struct idem_courier *c, const struct idem_act_message *act);
void idem_lines_notify(struct idem_courier *c, enum idem_notice notice);
/* Whose alarms these are, when it is time. */
void idem_lines_settle(struct idem_courier *c);
/* The X sensor is somebody's own process: not another user's. */
void idem_lines_shut_x11(struct idem_courier *c);
static inline bool idem_lines_stand(const struct idem_courier_line *line)
{
    return line->watch.fd >= 0;
}

/* ------------------------------------------------------------------ presence.c */

void idem_presence_init(struct idem_courier *c);
void idem_presence_take(struct idem_courier *c, const struct idem_presence_message *message);
void idem_presence_lost(struct idem_courier *c); /* the broker has gone */
bool idem_presence_is_here(const struct idem_courier *c);
/* May windows be made now, of c->person? */
bool idem_presence_may_collect(const struct idem_courier *c);
/* The server was reached, or the rules have changed: when is the seat to lock for want of it? */
void idem_presence_offline(struct idem_courier *c);
void idem_presence_paused(struct idem_courier *c, enum idem_pause_step step);

/* ------------------------------------------------------------------ session.c */

/* One kind of request. The first row that is due is the next one. */
struct idem_operation {
    const char *name;
    bool (*due)(struct idem_courier *c);
    /* 0: it is under way (idem_session_ask()); IDEM_SESSION_AGAIN: there was nothing to send after
     * all, the table is to be looked at again; an error. */
    int (*begin)(struct idem_courier *c);
    /* Any answer but trouble on the way (0, 429, 5xx). */
    void (*answered)(struct idem_courier *c, const struct idem_http_answer *answer);
    /* There was trouble on the way, or NULL: it will be due again. */
    void (*failed)(struct idem_courier *c, const char *why);
};

void idem_session_init(struct idem_courier *c);
/* Sends what is due, or sets the timer. Harmless at any time. */
void idem_session_step(struct idem_courier *c);
int idem_session_ask(struct idem_courier *c, const struct idem_http_request *request);
int idem_session_post(struct idem_courier *c, const char *path, const char *token,
                      const struct idem_text *body);
static inline bool idem_session_is_open(const struct idem_courier *c)
{
    return c->session.id[0] != 0;
}
/* Of somebody who is not at the seat any more. */
bool idem_session_is_left(const struct idem_courier *c);
/* The session is over, here; the server may know or not. why: the server's reason or the machine's,
 * for the log; NULL: the person's, which is not logged. */
void idem_session_lose(struct idem_courier *c, const char *why);
/* A refusal of a request with the session's token: true when it is dealt with. */
bool idem_session_refused(struct idem_courier *c, const struct idem_http_answer *answer);
/* For the log and for status: what, and the server's own words. */
void idem_session_say(struct idem_courier *c, const char *what,
                      const struct idem_http_answer *answer);
/* What was kept of a former process. */
void idem_session_restore(struct idem_courier *c);
int idem_session_keep(struct idem_courier *c);

/* ------------------------------------------------------------------ operations */

extern const struct idem_operation idem_operation_open, idem_operation_close, idem_operation_renew,
    idem_operation_beat, idem_operation_strong, idem_operation_pause;
extern const struct idem_operation idem_operation_windows, idem_operation_alarms;
extern const struct idem_operation idem_operation_front, idem_operation_rules,
    idem_operation_acknowledgement;
extern const struct idem_operation idem_operation_enrol, idem_operation_people,
    idem_operation_withdrawal;

/* ------------------------------------------------------------------ sending.c */

void idem_sending_window(struct idem_courier *c, const struct idem_line_buffer *message);
/* True when the sensor need not keep it any more: it is on disk, or given up for good. */
bool idem_sending_alarm(struct idem_courier *c, const char *whose,
                        const struct idem_alarm_message *message);
bool idem_sending_waits(struct idem_courier *c, enum idem_spool_kind kind, const char *person);

/* ------------------------------------------------------------------ upkeep.c */

/* The spool is open. */
void idem_upkeep_begin(struct idem_courier *c);
/* Something waits in it. */
void idem_upkeep_wait(struct idem_courier *c);
/* As idem_spool_counts(), and what was given up and said since this process was started. */
void idem_upkeep_counts(const struct idem_courier *c, struct idem_spool_counts *out);

/* ------------------------------------------------------------------ learning.c */

void idem_learning_restore(struct idem_courier *c);
/* The answer to an opening or to a question for rules: 0 or IDEM_ERR_INVALID. */
int idem_learning_rules(struct idem_courier *c, const json_t *object);
/* The session object of an answer. */
void idem_learning_standing(struct idem_courier *c, const json_t *session);
bool idem_learning_is_acknowledged(const struct idem_courier *c);
void idem_learning_acknowledgement(struct idem_courier *c, enum idem_control_acknowledgement state,
                                   const char *version);
/* What is known goes to the disk. */
void idem_learning_keep(struct idem_courier *c);
/* Whose rules are known is another: nothing is known of them until the server says so. */
void idem_learning_forget(struct idem_courier *c);
void idem_learning_close(struct idem_courier *c);

/* ------------------------------------------------------------------ ask.c */

int idem_ask_open(struct idem_courier *c);
void idem_ask_changed(struct idem_courier *c);
/* All who wait are told so. */
void idem_ask_refuse_all(struct idem_courier *c, const char *error, const char *message);

#endif
