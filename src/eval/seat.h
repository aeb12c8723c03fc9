/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seat.h - one person at his seat: a profile from the first part of what he recorded, the rest as
 * genuine sessions through the real filter.
 *
 * Enrolment takes windows in the order in which they were finished, whatever the session, until
 * every modality in use holds its amount; what the person does meanwhile in a modality that is
 * complete already is used up, too. What is left of the reel where enrolment ended is his first
 * genuine session, every later reel a further one. Each begins with a fresh filter.
 */
#ifndef IDEM_EVAL_SEAT_H
#define IDEM_EVAL_SEAT_H

#include "eval/alarm.h"
#include "eval/cast.h"

struct idem_seat_options {
    struct idem_reel_targets targets; /* strokes per window */
    uint32_t enrol[IDEM_MODALITIES];  /* strokes of the profile */
    double enrol_share;               /* above 0: this share of a person's strokes instead */
    bool use[IDEM_MODALITIES];        /* profiles that the filter gets to see */
    bool perform[IDEM_MODALITIES];    /* windows that reach the filter */
    struct idem_trust_params params;
    double refractory_s;
};

struct idem_seat_session {
    uint32_t reel;
    struct idem_reel_windows windows; /* of the whole reel */
    uint32_t first;                   /* the first that is not enrolment */
    uint32_t first_event;             /* of the reel, after enrolment */
    int64_t start_us;                 /* when the filter starts */
    double start_s, active_s;         /* active time before, and of the session */
};

struct idem_seat {
    uint32_t person; /* of the cast */
    struct idem_profile *profiles[IDEM_MODALITIES];
    struct idem_seat_session *sessions;
    uint32_t count;
    double active_s;
};

/* IDEM_ERR_TOO_LITTLE when the person cannot enrol, or has no window left after it. */
int idem_seat_new(const struct idem_cast *cast, uint32_t person,
                  const struct idem_seat_options *options, struct idem_seat *out);
void idem_seat_free(struct idem_seat *seat);

/* A filter under way, with what it needs. */
struct idem_seat_watch {
    const struct idem_seat_options *options;
    const struct idem_profile *profiles[IDEM_MODALITIES];
    struct idem_scorer *scorer;
    struct idem_trust *trust;
};

int idem_seat_watch_new(const struct idem_cast *cast, const struct idem_seat *seat,
                        const struct idem_seat_options *options, struct idem_seat_watch *out);
void idem_seat_watch_free(struct idem_seat_watch *watch);
/* A fresh filter, as after a log-in. */
int idem_seat_watch_start(struct idem_seat_watch *watch, const struct idem_cast *cast,
                          const struct idem_seat *seat, int64_t now_us);
/* One window; *statistic is the filter's after it. */
int idem_seat_watch_step(struct idem_seat_watch *watch, const struct idem_reel_window *window,
                         double *statistic);

/*
 * The session's first `count` genuine windows from its start, under the rule of alarm.h: statistic
 * and alarms have room for count. The watch is left where the windows end, and *alarm too.
 */
int idem_seat_play(struct idem_seat_watch *watch, const struct idem_cast *cast,
                   const struct idem_seat *seat, uint32_t session, uint32_t count,
                   struct idem_alarm *alarm, double *statistic, uint32_t *alarms,
                   uint32_t *alarm_count);

static inline uint32_t idem_seat_windows(const struct idem_seat_session *s)
{
    return s->windows.count - s->first;
}

#endif
