/* SPDX-License-Identifier: Apache-2.0 */
/*
 * takeover.h - how often the owner is troubled and how soon a stranger is noticed, measured by
 * playing genuine sessions and thousands of spliced ones through the real collectors and filter.
 *
 * Every threshold is played for itself where it matters: the filter begins anew after an alarm, so
 * a path is shared by all thresholds under which the alarms on it fall at the same places.
 *
 * A takeover trial: an owner drawn in turn, one of his genuine sessions and a moment in it uniform
 * in active time, a stranger who may replace him (cast.h), one of his sessions and a moment in it,
 * likewise, with horizon_s of it left where the session is long enough. A stranger who is not
 * noticed within the horizon, or before his recording ends, is a miss: infinite.
 */
#ifndef IDEM_EVAL_TAKEOVER_H
#define IDEM_EVAL_TAKEOVER_H

#include "eval/seat.h"

enum {
    IDEM_TAKEOVER_THRESHOLDS = 64,  /* most points of the curve */
    IDEM_TAKEOVER_TRIALS = 1000000, /* most trials */
};

struct idem_takeover_options {
    struct idem_seat_options seat;
    uint32_t trials;
    uint64_t seed;
    double horizon_s;
    double rates[2]; /* false alarms per active hour that must be among the thresholds */
    void (*progress)(void *arg, uint32_t done, uint32_t of);
    void *progress_arg;
};

/* A genuine session's outcome. */
struct idem_takeover_session {
    uint32_t seat;
    double active_s;
    uint32_t alarms[IDEM_TAKEOVER_THRESHOLDS]; /* under each threshold */
};

struct idem_takeover_trial {
    uint32_t session;  /* index into sessions: the owner's */
    uint32_t stranger; /* a seat, or seats + k: the k-th of the people left out */
    float strokes[IDEM_TAKEOVER_THRESHOLDS]; /* to detection, INFINITY: missed */
    float seconds[IDEM_TAKEOVER_THRESHOLDS]; /* of the stranger's active time */
};

struct idem_takeover {
    const char **names;                          /* [seats] */
    uint32_t seats;                              /* people who enrolled and had something left */
    uint32_t left_out;                           /* people who had not */
    double active_hours;                         /* of all genuine sessions */
    double thresholds[IDEM_TAKEOVER_THRESHOLDS]; /* ascending */
    uint32_t threshold_count;
    int point[2];                           /* index of the threshold for each of rates, or -1 */
    struct idem_takeover_session *sessions; /* a seat's stand together */
    uint32_t session_count;
    struct idem_takeover_trial *trials;
    uint32_t trial_count;
    double *minima; /* lowest statistic in each quarter of an active hour, no alarm raised */
    uint32_t minima_count;
    double windows_per_second; /* of a seat's active time, all modalities */
    double bytes_per_window;   /* CBOR, as in src/wire */
};

int idem_takeover_run(const struct idem_cast *cast, const struct idem_takeover_options *options,
                      struct idem_takeover *out);
void idem_takeover_free(struct idem_takeover *t);

#endif
