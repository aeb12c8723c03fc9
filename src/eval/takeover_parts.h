/* SPDX-License-Identifier: Apache-2.0 */
/* takeover_parts.h - what the files of takeover.h share while they play. */
#ifndef IDEM_EVAL_TAKEOVER_PARTS_H
#define IDEM_EVAL_TAKEOVER_PARTS_H

#include <stdatomic.h>

#include "eval/takeover.h"

enum { IDEM_TAKEOVER_LADDER = 256 }; /* most thresholds tried */

/* A path of the statistic and where the filter began anew on it. */
struct idem_takeover_path {
    double *statistic;
    int64_t *t_us;
    uint32_t *alarms, *spare; /* room for count each */
    uint32_t count, alarm_count;
    bool played;
};

struct idem_takeover_item {
    uint32_t seat, session;
    struct idem_takeover_path path;
    uint32_t alarms[IDEM_TAKEOVER_LADDER];
};

struct idem_takeover_play {
    const struct idem_cast *cast;
    const struct idem_takeover_options *o;
    struct idem_seat *seats; /* [people]; those left out have no sessions */
    struct idem_takeover_item *items;
    uint32_t item_count;
    double threshold; /* under way */
    int rung;
    struct idem_takeover out;
    atomic_int err;
    atomic_uint done;
};

/* Remembers the first error. */
void idem_takeover_fail(struct idem_takeover_play *play, int err);
struct idem_alarm idem_takeover_rule(const struct idem_takeover_play *play, double threshold);
int idem_takeover_path_new(const struct idem_seat_session *s, uint32_t count,
                           struct idem_takeover_path *out);
void idem_takeover_path_free(struct idem_takeover_path *path);
/* Would this threshold raise alarms at other places than those the path was played with? */
bool idem_takeover_stale(const struct idem_takeover_path *path, struct idem_alarm alarm);

/* The first window with an alarm, or their count: a miss. An alarm under way when the stranger sat
 * down silences his first ones. */
uint32_t idem_takeover_found(struct idem_alarm alarm, const double *statistic,
                             const struct idem_reel_windows *after);

/* Draws and plays all takeovers into play->out. */
int idem_takeover_trials(struct idem_takeover_play *play);

#endif
