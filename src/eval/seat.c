/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seat.c - see seat.h.
 */
#include "eval/seat.h"

#include <math.h>
#include <stdlib.h>

/* Enrolment under way. */
struct enrolling {
    const struct idem_seat_options *o;
    double need[IDEM_MODALITIES], have[IDEM_MODALITIES];
};

static bool complete(const struct enrolling *e)
{
    for (int m = 0; m < IDEM_MODALITIES; m++)
        if (e->have[m] < e->need[m])
            return false;
    return true;
}

/* What enrolment takes: an amount, or a share of the strokes in all windows together. */
static void needs(const struct idem_seat *seat, const struct idem_seat_options *o,
                  struct enrolling *e)
{
    const uint32_t targets[IDEM_MODALITIES] = {o->targets.keys, o->targets.gestures};
    *e = (struct enrolling){.o = o};
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        e->need[m] = targets[m] ? o->enrol[m] : 0;
        if (e->need[m] > 0 && o->enrol_share > 0)
            e->need[m] = 0;
    }
    for (uint32_t s = 0; s < seat->count && o->enrol_share > 0; s++)
        for (uint32_t i = 0; i < seat->sessions[s].windows.count; i++) {
            const struct idem_window *w = seat->sessions[s].windows.list[i].window;
            e->need[idem_window_modality(w)] += o->enrol_share * idem_window_strokes(w);
        }
}

/* Windows of one reel into the profiles, until enrolment is complete; the number used. */
static int enrol_from(struct enrolling *e, struct idem_seat *seat, struct idem_seat_session *s)
{
    int r = 0;
    while (s->first < s->windows.count && !complete(e) && r == 0) {
        const struct idem_reel_window *at = &s->windows.list[s->first++];
        const enum idem_modality m = idem_window_modality(at->window);
        if (e->have[m] < e->need[m]) {
            r = idem_profile_add(seat->profiles[m], at->window);
            e->have[m] = idem_profile_strokes(seat->profiles[m]);
        }
        s->first_event = at->event + 1;
        s->start_us = at->t_us;
        s->start_s = at->active_s;
    }
    return r;
}

static void drop_session(struct idem_seat *seat, uint32_t s)
{
    idem_reel_windows_free(&seat->sessions[s].windows);
    seat->count--;
    for (uint32_t i = s; i < seat->count; i++)
        seat->sessions[i] = seat->sessions[i + 1];
}

static int enrol(const struct idem_cast *cast, struct idem_seat *seat,
                 const struct idem_seat_options *o)
{
    const struct idem_front *front =
        idem_population_front(idem_cast_population(cast, seat->person));
    struct enrolling e;
    int r = 0;
    needs(seat, o, &e);
    for (enum idem_modality m = 0; m < IDEM_MODALITIES && r == 0; m++)
        if (e.need[m] > 0)
            r = idem_profile_new(front, m, &seat->profiles[m]);
    for (uint32_t s = 0; s < seat->count && r == 0; s++)
        r = enrol_from(&e, seat, &seat->sessions[s]);
    if (r == 0 && !complete(&e))
        return IDEM_ERR_TOO_LITTLE;
    for (uint32_t s = seat->count; s-- > 0;)
        if (idem_seat_windows(&seat->sessions[s]) == 0)
            drop_session(seat, s);
    return r;
}

static int collect(const struct idem_cast *cast, const struct idem_seat_options *o,
                   struct idem_seat *seat)
{
    const struct idem_reels *reels = &cast->people[seat->person].reels;
    const struct idem_front *front =
        idem_population_front(idem_cast_population(cast, seat->person));
    int r = 0;
    if (!(seat->sessions = calloc(reels->count + 1, sizeof *seat->sessions)))
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < reels->count && r == 0; i++) {
        struct idem_seat_session *s = &seat->sessions[i];
        if (reels->list[i].count == 0)
            continue;
        s->reel = i;
        s->start_us = reels->list[i].events[0].t_us;
        r = idem_reel_collect(front, &o->targets, &reels->list[i], &s->windows);
        seat->count = i + 1;
    }
    return r;
}

int idem_seat_new(const struct idem_cast *cast, uint32_t person,
                  const struct idem_seat_options *options, struct idem_seat *out)
{
    struct idem_seat seat = {.person = person};
    int r = collect(cast, options, &seat);
    if (r == 0)
        r = enrol(cast, &seat, options);
    for (uint32_t i = 0; i < seat.count && r == 0; i++) {
        struct idem_seat_session *s = &seat.sessions[i];
        s->active_s = cast->people[person].reels.list[s->reel].active_s - s->start_s;
        seat.active_s += s->active_s;
    }
    if (r == 0 && seat.count == 0)
        r = IDEM_ERR_TOO_LITTLE;
    if (r == 0)
        *out = seat;
    else
        idem_seat_free(&seat);
    return r;
}

void idem_seat_free(struct idem_seat *seat)
{
    for (int m = 0; m < IDEM_MODALITIES; m++)
        idem_profile_free(seat->profiles[m]);
    for (uint32_t i = 0; i < seat->count; i++)
        idem_reel_windows_free(&seat->sessions[i].windows);
    free(seat->sessions);
    *seat = (struct idem_seat){0};
}

/* ------------------------------------------------------------------ the filter */

int idem_seat_watch_new(const struct idem_cast *cast, const struct idem_seat *seat,
                        const struct idem_seat_options *options, struct idem_seat_watch *out)
{
    struct idem_seat_watch w = {.options = options};
    int r = idem_scorer_new(idem_cast_population(cast, seat->person), &w.scorer);
    for (int m = 0; m < IDEM_MODALITIES; m++)
        w.profiles[m] = options->use[m] ? seat->profiles[m] : NULL;
    if (r == 0)
        *out = w;
    return r;
}

void idem_seat_watch_free(struct idem_seat_watch *watch)
{
    idem_trust_free(watch->trust);
    idem_scorer_free(watch->scorer);
    *watch = (struct idem_seat_watch){0};
}

int idem_seat_watch_start(struct idem_seat_watch *watch, const struct idem_cast *cast,
                          const struct idem_seat *seat, int64_t now_us)
{
    idem_trust_free(watch->trust);
    watch->trust = NULL;
    return idem_trust_new(idem_cast_population(cast, seat->person), &watch->options->params, now_us,
                          &watch->trust);
}

int idem_seat_watch_step(struct idem_seat_watch *watch, const struct idem_reel_window *window,
                         double *statistic)
{
    int r = 0;
    if (watch->options->perform[idem_window_modality(window->window)])
        r = idem_trust_update(watch->trust, watch->scorer, watch->profiles, window->window,
                              window->t_us);
    *statistic = idem_trust_read(watch->trust, window->t_us).log_odds_recent;
    return r;
}

int idem_seat_play(struct idem_seat_watch *watch, const struct idem_cast *cast,
                   const struct idem_seat *seat, uint32_t session, uint32_t count,
                   struct idem_alarm *alarm, double *statistic, uint32_t *alarms,
                   uint32_t *alarm_count)
{
    const struct idem_seat_session *s = &seat->sessions[session];
    uint32_t found = 0;
    int r = idem_seat_watch_start(watch, cast, seat, s->start_us);
    alarm->quiet_until_us = INT64_MIN;
    for (uint32_t i = 0; i < count && r == 0; i++) {
        const struct idem_reel_window *w = &s->windows.list[s->first + i];
        r = idem_seat_watch_step(watch, w, &statistic[i]);
        if (r == 0 && idem_alarm_step(alarm, statistic[i], w->t_us)) {
            idem_trust_step_up(watch->trust, w->t_us);
            alarms[found++] = i;
        }
    }
    if (r == 0)
        *alarm_count = found;
    return r;
}
