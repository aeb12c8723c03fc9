/* SPDX-License-Identifier: Apache-2.0 */
/*
 * takeover_trials.c - draws who takes over from whom and when, and plays it, see takeover.h. A
 * trial depends on the seed and its number alone.
 */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "eval/parallel.h"
#include "eval/takeover_parts.h"

/* A splice and what was collected of it. */
struct trial {
    const struct idem_seat *seat;
    uint32_t session, prefix; /* genuine windows before the cut */
    struct idem_reel_windows after;
    struct idem_takeover_path path; /* of the prefix */
    double *statistic;              /* [after.count] */
    int64_t quiet_until_us;
};

/* An item in proportion to its active time among the owner's. */
static uint32_t draw_session(const struct idem_takeover_play *run, uint32_t seat,
                             struct idem_rng *rng)
{
    double at = idem_rng_uniform(rng) * run->seats[seat].active_s;
    uint32_t i = 0, last;
    while (run->items[i].seat != seat)
        i++;
    last = i + run->seats[seat].count - 1;
    while (i < last && at >= run->seats[seat].sessions[run->items[i].session].active_s) {
        at -= run->seats[seat].sessions[run->items[i].session].active_s;
        i++;
    }
    return i;
}

/* A stranger, or UINT32_MAX when the owner has none. */
static uint32_t draw_stranger(const struct idem_takeover_play *run, uint32_t owner,
                              struct idem_rng *rng)
{
    uint32_t others = 0;
    for (uint32_t p = 0; p < run->cast->count; p++)
        others += idem_cast_strangers(run->cast, owner, p);
    if (others == 0)
        return UINT32_MAX;
    uint32_t at = idem_rng_below(rng, others);
    for (uint32_t p = 0; p < run->cast->count; p++)
        if (idem_cast_strangers(run->cast, owner, p) && at-- == 0)
            return p;
    return UINT32_MAX;
}

/* Where the stranger begins; false when his recordings are empty. */
static bool draw_entrance(const struct idem_takeover_play *run, uint32_t stranger,
                          struct idem_rng *rng, struct idem_reel_splice *splice)
{
    const struct idem_reels *reels = &run->cast->people[stranger].reels;
    double total = 0, at;
    uint32_t i = 0;
    for (uint32_t k = 0; k < reels->count; k++)
        total += reels->list[k].active_s;
    at = idem_rng_uniform(rng) * total;
    while (i + 1 < reels->count && at >= reels->list[i].active_s)
        at -= reels->list[i++].active_s;
    double room = reels->list[i].active_s - run->o->horizon_s;
    splice->other = &reels->list[i];
    splice->from = idem_reel_at(splice->other, idem_rng_uniform(rng) * (room > 0 ? room : 0));
    return splice->from < splice->other->count;
}

static bool draw(const struct idem_takeover_play *run, uint32_t seat, struct idem_rng *rng,
                 struct idem_takeover_trial *t, struct idem_reel_splice *splice)
{
    t->session = draw_session(run, seat, rng);
    const struct idem_seat_session *s = &run->seats[seat].sessions[run->items[t->session].session];
    splice->owner = &run->cast->people[seat].reels.list[s->reel];
    splice->cut = idem_reel_at(splice->owner, s->start_s + idem_rng_uniform(rng) * s->active_s);
    if (splice->cut < s->first_event)
        splice->cut = s->first_event;
    t->stranger = draw_stranger(run, seat, rng);
    return t->stranger != UINT32_MAX && draw_entrance(run, t->stranger, rng, splice);
}

static int trial_collect(const struct idem_takeover_play *run, uint32_t item,
                         const struct idem_reel_splice *splice, struct trial *t)
{
    const struct idem_seat *seat = &run->seats[run->items[item].seat];
    const struct idem_seat_session *s = &seat->sessions[run->items[item].session];
    const struct idem_front *front =
        idem_population_front(idem_cast_population(run->cast, seat->person));
    *t = (struct trial){.seat = seat, .session = run->items[item].session};
    while (s->first + t->prefix < s->windows.count &&
           s->windows.list[s->first + t->prefix].event < splice->cut)
        t->prefix++;
    int r = idem_reel_collect_splice(front, &run->o->seat.targets, splice, run->o->horizon_s,
                                     &t->after);
    if (r == 0)
        r = idem_takeover_path_new(s, t->prefix, &t->path);
    if (r == 0 && !(t->statistic = malloc((t->after.count + 1) * sizeof *t->statistic)))
        r = IDEM_ERR_NOMEM;
    return r;
}

static void trial_free(struct trial *t)
{
    idem_reel_windows_free(&t->after);
    idem_takeover_path_free(&t->path);
    free(t->statistic);
}

/* Plays the owner's part under the rule, then the stranger's to its end, alarms or not. */
static int trial_play(const struct idem_takeover_play *run, struct trial *t,
                      struct idem_alarm alarm, struct idem_seat_watch *watch)
{
    int r = idem_seat_play(watch, run->cast, t->seat, t->session, t->prefix, &alarm,
                           t->path.statistic, t->path.alarms, &t->path.alarm_count);
    t->quiet_until_us = alarm.quiet_until_us;
    t->path.played = true;
    for (uint32_t i = 0; i < t->after.count && r == 0; i++)
        r = idem_seat_watch_step(watch, &t->after.list[i], &t->statistic[i]);
    return r;
}

uint32_t idem_takeover_found(struct idem_alarm alarm, const double *statistic,
                             const struct idem_reel_windows *after)
{
    uint32_t i = 0;
    while (i < after->count && !idem_alarm_step(&alarm, statistic[i], after->list[i].t_us))
        i++;
    return i;
}

static void detect(const struct trial *t, struct idem_alarm alarm, uint32_t k,
                   struct idem_takeover_trial *out)
{
    alarm.quiet_until_us = t->quiet_until_us;
    const uint32_t at = idem_takeover_found(alarm, t->statistic, &t->after);
    const bool found = at < t->after.count;
    out->strokes[k] = found ? (float)t->after.list[at].strokes : INFINITY;
    out->seconds[k] = found ? (float)t->after.list[at].active_s : INFINITY;
}

static int trial_run(const struct idem_takeover_play *run, const struct idem_reel_splice *splice,
                     struct idem_takeover_trial *out)
{
    struct idem_seat_watch watch;
    struct trial t;
    int r = trial_collect(run, out->session, splice, &t);
    if (r == 0)
        r = idem_seat_watch_new(run->cast, t.seat, &run->o->seat, &watch);
    if (r != 0) {
        trial_free(&t);
        return r;
    }
    for (uint32_t k = 0; k < run->out.threshold_count && r == 0; k++) {
        const struct idem_alarm alarm = idem_takeover_rule(run, run->out.thresholds[k]);
        if (idem_takeover_stale(&t.path, alarm))
            r = trial_play(run, &t, alarm, &watch);
        detect(&t, alarm, k, out);
    }
    idem_seat_watch_free(&watch);
    trial_free(&t);
    return r;
}

/* Owners in turn. */
static uint32_t owner_of(const struct idem_takeover_play *run, uint32_t trial)
{
    uint32_t at = trial % run->out.seats, p = 0;
    while (run->seats[p].count == 0 || at-- > 0)
        p++;
    return p;
}

static void trial_job(void *arg, int i)
{
    struct idem_takeover_play *run = arg;
    struct idem_takeover_trial *t = &run->out.trials[i];
    struct idem_reel_splice splice = {0};
    struct idem_rng rng;
    idem_rng_seed(&rng, run->o->seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)i);
    if (draw(run, owner_of(run, (uint32_t)i), &rng, t, &splice))
        idem_takeover_fail(run, trial_run(run, &splice, t));
    else
        t->stranger = UINT32_MAX; /* taken out below */
    uint32_t done = atomic_fetch_add(&run->done, 1) + 1;
    if (run->o->progress && done % 16 == 0 && done < run->o->trials)
        run->o->progress(run->o->progress_arg, done, run->o->trials);
}

int idem_takeover_trials(struct idem_takeover_play *run)
{
    uint32_t kept = 0;
    run->out.trials = calloc(run->o->trials + 1, sizeof *run->out.trials);
    if (!run->out.trials)
        return IDEM_ERR_NOMEM;
    idem_parallel(trial_job, run, (int)run->o->trials);
    if (run->o->progress)
        run->o->progress(run->o->progress_arg, 1, 1);
    for (uint32_t i = 0; i < run->o->trials; i++)
        if (run->out.trials[i].stranger != UINT32_MAX)
            run->out.trials[kept++] = run->out.trials[i];
    run->out.trial_count = kept;
    return atomic_load(&run->err);
}
