/* SPDX-License-Identifier: Apache-2.0 */
/*
 * takeover.c - plays genuine sessions under a ladder of thresholds and chooses those worth a point
 * of the curve, see takeover.h. The takeovers are in takeover_trials.c. Figures are made of the
 * outcome in takeover_figures.c.
 */
#include "eval/takeover_parts.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "eval/parallel.h"
#include "wire/wire.h"

/* The ladder, in nats of log odds, and where it ends: nobody wants more alarms than that. */
#define LADDER_LOW  (-40.0)
#define LADDER_HIGH 4.4
#define LADDER_STEP 0.2
#define COARSE_STEP 4.0   /* below LADDER_LOW, where only long windows' ratios fall */
#define RATE_MAX    6.0   /* false alarms per active hour */
#define MINIMA_S    900.0 /* a quarter of an active hour */

enum { COARSE_RUNGS = 20 }; /* from -120 on */

void idem_takeover_fail(struct idem_takeover_play *run, int err)
{
    int none = 0;
    if (err != 0)
        atomic_compare_exchange_strong(&run->err, &none, err);
}

struct idem_alarm idem_takeover_rule(const struct idem_takeover_play *run, double threshold)
{
    return (struct idem_alarm){.threshold = threshold,
                               .refractory_us = (int64_t)(run->o->seat.refractory_s * 1e6),
                               .quiet_until_us = INT64_MIN};
}

int idem_takeover_path_new(const struct idem_seat_session *s, uint32_t count,
                           struct idem_takeover_path *out)
{
    struct idem_takeover_path p = {.count = count};
    p.statistic = malloc((count + 1) * sizeof *p.statistic);
    p.t_us = malloc((count + 1) * sizeof *p.t_us);
    p.alarms = malloc((count + 1) * sizeof *p.alarms);
    p.spare = malloc((count + 1) * sizeof *p.spare);
    for (uint32_t i = 0; i < count && p.t_us; i++)
        p.t_us[i] = s->windows.list[s->first + i].t_us;
    *out = p;
    return p.statistic && p.t_us && p.alarms && p.spare ? 0 : IDEM_ERR_NOMEM;
}

void idem_takeover_path_free(struct idem_takeover_path *p)
{
    free(p->statistic);
    free(p->t_us);
    free(p->alarms);
    free(p->spare);
    *p = (struct idem_takeover_path){0};
}

/* Would this threshold raise alarms at other places than those the path was played with? */
bool idem_takeover_stale(const struct idem_takeover_path *p, struct idem_alarm alarm)
{
    uint32_t n = p->played ? idem_alarm_scan(alarm, p->statistic, p->t_us, p->count, p->spare) : 0;
    return !p->played || n != p->alarm_count ||
           memcmp(p->spare, p->alarms, n * sizeof *p->spare) != 0;
}

/* ------------------------------------------------------------------ seats */

static void seat_job(void *arg, int i)
{
    struct idem_takeover_play *run = arg;
    int r = idem_seat_new(run->cast, (uint32_t)i, &run->o->seat, &run->seats[i]);
    if (r == IDEM_ERR_TOO_LITTLE)
        run->seats[i] = (struct idem_seat){.person = (uint32_t)i};
    else
        idem_takeover_fail(run, r);
}

static int make_items(struct idem_takeover_play *run)
{
    uint32_t most = 0;
    int r = 0;
    for (uint32_t p = 0; p < run->cast->count; p++)
        most += run->seats[p].count;
    if (!(run->items = calloc(most + 1, sizeof *run->items)))
        return IDEM_ERR_NOMEM;
    for (uint32_t p = 0; p < run->cast->count; p++) {
        run->out.left_out += run->seats[p].count == 0;
        run->out.seats += run->seats[p].count > 0;
        run->out.active_hours += run->seats[p].active_s / 3600;
        for (uint32_t s = 0; s < run->seats[p].count && r == 0; s++) {
            struct idem_takeover_item *item = &run->items[run->item_count++];
            *item = (struct idem_takeover_item){.seat = p, .session = s};
            r = idem_takeover_path_new(&run->seats[p].sessions[s],
                                       idem_seat_windows(&run->seats[p].sessions[s]), &item->path);
        }
    }
    return r == 0 && run->out.seats < 2 ? IDEM_ERR_TOO_LITTLE : r;
}

static int make_seats(struct idem_takeover_play *run)
{
    run->seats = calloc(run->cast->count + 1, sizeof *run->seats);
    if (!run->seats)
        return IDEM_ERR_NOMEM;
    idem_parallel(seat_job, run, (int)run->cast->count);
    int r = atomic_load(&run->err);
    return r == 0 ? make_items(run) : r;
}

/* ------------------------------------------------------------------ genuine sessions */

static int play_genuine(struct idem_takeover_play *run, struct idem_takeover_item *item)
{
    const struct idem_seat *seat = &run->seats[item->seat];
    struct idem_alarm alarm = idem_takeover_rule(run, run->threshold);
    struct idem_seat_watch watch;
    int r = idem_seat_watch_new(run->cast, seat, &run->o->seat, &watch);
    if (r != 0)
        return r;
    r = idem_seat_play(&watch, run->cast, seat, item->session, item->path.count, &alarm,
                       item->path.statistic, item->path.alarms, &item->path.alarm_count);
    item->path.played = r == 0;
    idem_seat_watch_free(&watch);
    return r;
}

static void genuine_job(void *arg, int i)
{
    struct idem_takeover_play *run = arg;
    struct idem_takeover_item *item = &run->items[i];
    if (idem_takeover_stale(&item->path, idem_takeover_rule(run, run->threshold)))
        idem_takeover_fail(run, play_genuine(run, item));
    item->alarms[run->rung] = item->path.alarm_count;
}

/* The lowest point of every quarter of an active hour, from the paths without an alarm. */
static int note_minima(struct idem_takeover_play *run)
{
    size_t most = 0;
    for (uint32_t i = 0; i < run->item_count; i++)
        most += run->items[i].path.count;
    if (!(run->out.minima = malloc((most + 1) * sizeof *run->out.minima)))
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < run->item_count; i++) {
        const struct idem_takeover_item *item = &run->items[i];
        const struct idem_seat_session *s = &run->seats[item->seat].sessions[item->session];
        double whole = floor(s->active_s / MINIMA_S);
        double *at = run->out.minima + run->out.minima_count;
        for (int k = 0; k < (int)whole; k++)
            at[k] = INFINITY;
        for (uint32_t w = 0; w < item->path.count; w++) {
            double k = (s->windows.list[s->first + w].active_s - s->start_s) / MINIMA_S;
            if (k < whole && item->path.statistic[w] < at[(int)k])
                at[(int)k] = item->path.statistic[w];
        }
        for (int k = 0; k < (int)whole; k++) /* a quarter without a window is left out */
            if (isfinite(at[k]))
                run->out.minima[run->out.minima_count++] = at[k];
    }
    return 0;
}

static double rung_at(int rung)
{
    const int fine = rung - COARSE_RUNGS;
    return LADDER_LOW + (fine < 0 ? COARSE_STEP : LADDER_STEP) * fine;
}

static uint32_t alarms_at(const struct idem_takeover_play *run, int rung)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < run->item_count; i++)
        sum += run->items[i].alarms[rung];
    return sum;
}

/* Climbs the ladder; the number of rungs climbed. */
static int climb(struct idem_takeover_play *run, int *rungs)
{
    int r = 0, n = 0;
    while (n < IDEM_TAKEOVER_LADDER && rung_at(n) <= LADDER_HIGH && r == 0) {
        run->rung = n;
        run->threshold = rung_at(n);
        idem_parallel(genuine_job, run, (int)run->item_count);
        r = atomic_load(&run->err);
        if (r == 0 && n == 0)
            r = note_minima(run);
        n++;
        if (run->o->progress && r == 0)
            run->o->progress(run->o->progress_arg, (uint32_t)n, IDEM_TAKEOVER_LADDER);
        if (r == 0 && alarms_at(run, n - 1) > RATE_MAX * run->out.active_hours)
            break;
    }
    *rungs = n;
    return r;
}

/*
 * The highest threshold at which, and below which, there are at most so many false alarms; -1 when
 * the lowest has more.
 */
static int rung_of(const struct idem_takeover_play *run, int rungs, double rate)
{
    int n = 0;
    while (n < rungs && alarms_at(run, n) <= rate * run->out.active_hours * (1 + 1e-9))
        n++;
    return n - 1;
}

/* Of the ladder's rungs those which lower ones do not beat, thinned to about a sixth in rate. */
static void choose(struct idem_takeover_play *run, int rungs)
{
    struct idem_takeover *out = &run->out;
    const int want[] = {rung_of(run, rungs, run->o->rates[0]),
                        rung_of(run, rungs, run->o->rates[1])};
    uint32_t most = 0, kept = UINT32_MAX;
    out->point[0] = out->point[1] = -1;
    for (int n = 0; n < rungs; n++) {
        uint32_t now = alarms_at(run, n);
        most = now > most ? now : most;
        bool wanted = n == want[0] || n == want[1];
        bool last = n + 1 == rungs || alarms_at(run, n + 1) > most;
        bool step = kept == UINT32_MAX || most >= 1.17 * kept;
        if (!wanted && !(last && step && now == most))
            continue;
        if (out->threshold_count + (wanted ? 0 : 2) >= IDEM_TAKEOVER_THRESHOLDS)
            continue;
        for (int k = 0; k < 2; k++)
            if (n == want[k])
                out->point[k] = (int)out->threshold_count;
        for (uint32_t i = 0; i < run->item_count; i++)
            out->sessions[i].alarms[out->threshold_count] = run->items[i].alarms[n];
        out->thresholds[out->threshold_count++] = rung_at(n);
        kept = most;
    }
}

static int genuine(struct idem_takeover_play *run)
{
    int rungs = 0;
    if (!(run->out.sessions = calloc(run->item_count + 1, sizeof *run->out.sessions)))
        return IDEM_ERR_NOMEM;
    run->out.session_count = run->item_count;
    for (uint32_t i = 0; i < run->item_count; i++) {
        const struct idem_takeover_item *item = &run->items[i];
        run->out.sessions[i].seat = item->seat;
        run->out.sessions[i].active_s = run->seats[item->seat].sessions[item->session].active_s;
    }
    int r = climb(run, &rungs);
    if (r == 0)
        choose(run, rungs);
    return r;
}

/* ------------------------------------------------------------------ the whole */

static int measure_windows(struct idem_takeover_play *run)
{
    uint8_t bytes[16384];
    double windows = 0, total = 0;
    for (uint32_t i = 0; i < run->item_count; i++) {
        const struct idem_seat *seat = &run->seats[run->items[i].seat];
        const struct idem_seat_session *s = &seat->sessions[run->items[i].session];
        const struct idem_front *front =
            idem_population_front(idem_cast_population(run->cast, seat->person));
        for (uint32_t w = s->first; w < s->windows.count; w++) {
            size_t len;
            if (!run->o->seat.perform[idem_window_modality(s->windows.list[w].window)])
                continue;
            int r = idem_wire_write_window(front, s->windows.list[w].window, w + 1, bytes,
                                           sizeof bytes, &len);
            if (r != 0)
                return r;
            windows++;
            total += (double)len;
        }
    }
    run->out.bytes_per_window = windows > 0 ? total / windows : 0;
    run->out.windows_per_second = windows / (run->out.active_hours * 3600);
    return 0;
}

/* Seats are numbered anew, without those left out, who follow: they may still be strangers. */
static int name_seats(struct idem_takeover_play *run)
{
    uint32_t *number = calloc(run->cast->count + 1, sizeof *number), n = 0, out = run->out.seats;
    run->out.names = calloc(run->out.seats + 1, sizeof *run->out.names);
    int r = number && run->out.names ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t p = 0; p < run->cast->count && r == 0; p++) {
        number[p] = run->seats[p].count > 0 ? n : out++;
        if (run->seats[p].count > 0)
            run->out.names[n++] = run->cast->people[p].name;
    }
    for (uint32_t i = 0; i < run->out.session_count && r == 0; i++)
        run->out.sessions[i].seat = number[run->out.sessions[i].seat];
    for (uint32_t i = 0; i < run->out.trial_count && r == 0; i++)
        run->out.trials[i].stranger = number[run->out.trials[i].stranger];
    free(number);
    return r;
}

static void run_free(struct idem_takeover_play *run)
{
    for (uint32_t p = 0; p < run->cast->count && run->seats; p++)
        idem_seat_free(&run->seats[p]);
    for (uint32_t i = 0; i < run->item_count; i++)
        idem_takeover_path_free(&run->items[i].path);
    free(run->seats);
    free(run->items);
}

int idem_takeover_run(const struct idem_cast *cast, const struct idem_takeover_options *options,
                      struct idem_takeover *out)
{
    struct idem_takeover_play run = {.cast = cast, .o = options};
    int r = make_seats(&run);
    if (r == 0)
        r = measure_windows(&run);
    if (r == 0)
        r = genuine(&run);
    if (r == 0)
        r = idem_takeover_trials(&run);
    if (r == 0)
        r = name_seats(&run);
    run_free(&run);
    if (r == 0)
        *out = run.out;
    else
        idem_takeover_free(&run.out);
    return r;
}

void idem_takeover_free(struct idem_takeover *t)
{
    free(t->names);
    free(t->sessions);
    free(t->trials);
    free(t->minima);
    *t = (struct idem_takeover){0};
}
