/* SPDX-License-Identifier: Apache-2.0 */
/*
 * takeover.c - plays genuine sessions under a ladder of thresholds, chooses those worth a point of
 * the curve, and plays the takeovers under them, see takeover.h. Figures are made of the outcome in
 * takeover_figures.c.
 */
#include "eval/takeover.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "eval/parallel.h"
#include "wire/wire.h"

/* The ladder, in nats of log odds, and where it ends: nobody wants more alarms than that. */
#define LADDER_LOW  (-40.0)
#define LADDER_HIGH 4.4
#define LADDER_STEP 0.2
#define RATE_MAX    6.0 /* false alarms per active hour */
enum { LADDER = 256 };
#define MINIMA_S 900.0 /* a quarter of an active hour */

/* A path of the statistic and where the filter began anew on it. */
struct path {
    double *statistic;
    int64_t *t_us;
    uint32_t *alarms, *spare; /* room for count each */
    uint32_t count, alarm_count;
    bool played;
};

struct item {
    uint32_t seat, session;
    struct path path;
    uint32_t alarms[LADDER];
};

struct run {
    const struct idem_cast *cast;
    const struct idem_takeover_options *o;
    struct idem_seat *seats; /* [people]; those left out have no sessions */
    int *seat_err;
    struct item *items;
    uint32_t item_count;
    double threshold; /* under way */
    int rung;
    struct idem_takeover out;
    atomic_int err;
    atomic_uint done;
};

static void fail(struct run *run, int err)
{
    int none = 0;
    if (err != 0)
        atomic_compare_exchange_strong(&run->err, &none, err);
}

static struct idem_alarm rule(const struct run *run, double threshold)
{
    return (struct idem_alarm){.threshold = threshold,
                               .refractory_us = (int64_t)(run->o->seat.refractory_s * 1e6),
                               .quiet_until_us = INT64_MIN};
}

static int path_new(const struct idem_seat_session *s, uint32_t count, struct path *out)
{
    struct path p = {.count = count};
    p.statistic = malloc((count + 1) * sizeof *p.statistic);
    p.t_us = malloc((count + 1) * sizeof *p.t_us);
    p.alarms = malloc((count + 1) * sizeof *p.alarms);
    p.spare = malloc((count + 1) * sizeof *p.spare);
    for (uint32_t i = 0; i < count && p.t_us; i++)
        p.t_us[i] = s->windows.list[s->first + i].t_us;
    *out = p;
    return p.statistic && p.t_us && p.alarms && p.spare ? 0 : IDEM_ERR_NOMEM;
}

static void path_free(struct path *p)
{
    free(p->statistic);
    free(p->t_us);
    free(p->alarms);
    free(p->spare);
    *p = (struct path){0};
}

/* Would this threshold raise alarms at other places than those the path was played with? */
static bool stale(const struct path *p, struct idem_alarm alarm)
{
    uint32_t n = p->played ? idem_alarm_scan(alarm, p->statistic, p->t_us, p->count, p->spare) : 0;
    return !p->played || n != p->alarm_count ||
           memcmp(p->spare, p->alarms, n * sizeof *p->spare) != 0;
}

/* ------------------------------------------------------------------ seats */

static void seat_job(void *arg, int i)
{
    struct run *run = arg;
    int r = idem_seat_new(run->cast, (uint32_t)i, &run->o->seat, &run->seats[i]);
    if (r == IDEM_ERR_TOO_LITTLE)
        run->seats[i] = (struct idem_seat){.person = (uint32_t)i};
    else
        fail(run, r);
}

static int make_items(struct run *run)
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
            struct item *item = &run->items[run->item_count++];
            *item = (struct item){.seat = p, .session = s};
            r = path_new(&run->seats[p].sessions[s], idem_seat_windows(&run->seats[p].sessions[s]),
                         &item->path);
        }
    }
    return r == 0 && run->out.seats < 2 ? IDEM_ERR_TOO_LITTLE : r;
}

static int make_seats(struct run *run)
{
    run->seats = calloc(run->cast->count + 1, sizeof *run->seats);
    if (!run->seats)
        return IDEM_ERR_NOMEM;
    idem_parallel(seat_job, run, (int)run->cast->count);
    int r = atomic_load(&run->err);
    return r == 0 ? make_items(run) : r;
}

/* ------------------------------------------------------------------ genuine sessions */

static int play_genuine(struct run *run, struct item *item)
{
    const struct idem_seat *seat = &run->seats[item->seat];
    struct idem_alarm alarm = rule(run, run->threshold);
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
    struct run *run = arg;
    struct item *item = &run->items[i];
    if (stale(&item->path, rule(run, run->threshold)))
        fail(run, play_genuine(run, item));
    item->alarms[run->rung] = item->path.alarm_count;
}

/* The lowest point of every quarter of an active hour, from the paths without an alarm. */
static int note_minima(struct run *run)
{
    size_t most = 0;
    for (uint32_t i = 0; i < run->item_count; i++)
        most += run->items[i].path.count;
    if (!(run->out.minima = malloc((most + 1) * sizeof *run->out.minima)))
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < run->item_count; i++) {
        const struct item *item = &run->items[i];
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
    return LADDER_LOW + LADDER_STEP * rung;
}

static uint32_t alarms_at(const struct run *run, int rung)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < run->item_count; i++)
        sum += run->items[i].alarms[rung];
    return sum;
}

/* Climbs the ladder; the number of rungs climbed. */
static int climb(struct run *run, int *rungs)
{
    int r = 0, n = 0;
    while (n < LADDER && rung_at(n) <= LADDER_HIGH && r == 0) {
        run->rung = n;
        run->threshold = rung_at(n);
        idem_parallel(genuine_job, run, (int)run->item_count);
        r = atomic_load(&run->err);
        if (r == 0 && n == 0)
            r = note_minima(run);
        n++;
        if (run->o->progress && r == 0)
            run->o->progress(run->o->progress_arg, (uint32_t)n, LADDER);
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
static int rung_of(const struct run *run, int rungs, double rate)
{
    int n = 0;
    while (n < rungs && alarms_at(run, n) <= rate * run->out.active_hours * (1 + 1e-9))
        n++;
    return n - 1;
}

/* Of the ladder's rungs those which lower ones do not beat, thinned to about a sixth in rate. */
static void choose(struct run *run, int rungs)
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

static int genuine(struct run *run)
{
    int rungs = 0;
    if (!(run->out.sessions = calloc(run->item_count + 1, sizeof *run->out.sessions)))
        return IDEM_ERR_NOMEM;
    run->out.session_count = run->item_count;
    for (uint32_t i = 0; i < run->item_count; i++) {
        const struct item *item = &run->items[i];
        run->out.sessions[i].seat = item->seat;
        run->out.sessions[i].active_s = run->seats[item->seat].sessions[item->session].active_s;
    }
    int r = climb(run, &rungs);
    if (r == 0)
        choose(run, rungs);
    return r;
}

/* ------------------------------------------------------------------ takeovers */

/* A splice and what was collected of it. */
struct trial {
    const struct idem_seat *seat;
    uint32_t session, prefix; /* genuine windows before the cut */
    struct idem_reel_windows after;
    struct path path;  /* of the prefix */
    double *statistic; /* [after.count] */
    int64_t quiet_until_us;
};

/* An item in proportion to its active time among the owner's. */
static uint32_t draw_session(const struct run *run, uint32_t seat, struct idem_rng *rng)
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
static uint32_t draw_stranger(const struct run *run, uint32_t owner, struct idem_rng *rng)
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
static bool draw_entrance(const struct run *run, uint32_t stranger, struct idem_rng *rng,
                          struct idem_reel_splice *splice)
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

static bool draw(const struct run *run, uint32_t seat, struct idem_rng *rng,
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

static int trial_collect(const struct run *run, uint32_t item,
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
        r = path_new(s, t->prefix, &t->path);
    if (r == 0 && !(t->statistic = malloc((t->after.count + 1) * sizeof *t->statistic)))
        r = IDEM_ERR_NOMEM;
    return r;
}

static void trial_free(struct trial *t)
{
    idem_reel_windows_free(&t->after);
    path_free(&t->path);
    free(t->statistic);
}

/* Plays the owner's part under the rule, then the stranger's to its end, alarms or not. */
static int trial_play(const struct run *run, struct trial *t, struct idem_alarm alarm,
                      struct idem_seat_watch *watch)
{
    int r = idem_seat_play(watch, run->cast, t->seat, t->session, t->prefix, &alarm,
                           t->path.statistic, t->path.alarms, &t->path.alarm_count);
    t->quiet_until_us = alarm.quiet_until_us;
    t->path.played = true;
    for (uint32_t i = 0; i < t->after.count && r == 0; i++)
        r = idem_seat_watch_step(watch, &t->after.list[i], &t->statistic[i]);
    return r;
}

static void detect(const struct trial *t, struct idem_alarm alarm, uint32_t k,
                   struct idem_takeover_trial *out)
{
    alarm.quiet_until_us = t->quiet_until_us;
    out->strokes[k] = out->seconds[k] = INFINITY;
    for (uint32_t i = 0; i < t->after.count; i++) {
        if (!idem_alarm_step(&alarm, t->statistic[i], t->after.list[i].t_us))
            continue;
        out->strokes[k] = (float)t->after.list[i].strokes;
        out->seconds[k] = (float)t->after.list[i].active_s;
        return;
    }
}

static int trial_run(const struct run *run, const struct idem_reel_splice *splice,
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
        const struct idem_alarm alarm = rule(run, run->out.thresholds[k]);
        if (stale(&t.path, alarm))
            r = trial_play(run, &t, alarm, &watch);
        detect(&t, alarm, k, out);
    }
    idem_seat_watch_free(&watch);
    trial_free(&t);
    return r;
}

/* Owners in turn. */
static uint32_t owner_of(const struct run *run, uint32_t trial)
{
    uint32_t at = trial % run->out.seats, p = 0;
    while (run->seats[p].count == 0 || at-- > 0)
        p++;
    return p;
}

static void trial_job(void *arg, int i)
{
    struct run *run = arg;
    struct idem_takeover_trial *t = &run->out.trials[i];
    struct idem_reel_splice splice = {0};
    struct idem_rng rng;
    idem_rng_seed(&rng, run->o->seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)i);
    if (draw(run, owner_of(run, (uint32_t)i), &rng, t, &splice))
        fail(run, trial_run(run, &splice, t));
    else
        t->stranger = UINT32_MAX; /* taken out below */
    uint32_t done = atomic_fetch_add(&run->done, 1) + 1;
    if (run->o->progress && done % 16 == 0 && done < run->o->trials)
        run->o->progress(run->o->progress_arg, done, run->o->trials);
}

static int takeovers(struct run *run)
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

/* ------------------------------------------------------------------ the whole */

static int measure_windows(struct run *run)
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

/* Seats are numbered anew, without those left out. */
static int name_seats(struct run *run)
{
    uint32_t *number = calloc(run->cast->count + 1, sizeof *number), n = 0;
    run->out.names = calloc(run->out.seats + 1, sizeof *run->out.names);
    int r = number && run->out.names ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t p = 0; p < run->cast->count && r == 0; p++) {
        number[p] = n;
        if (run->seats[p].count > 0)
            run->out.names[n++] = run->cast->people[p].name;
    }
    for (uint32_t i = 0; i < run->out.session_count && r == 0; i++)
        run->out.sessions[i].seat = number[run->out.sessions[i].seat];
    free(number);
    return r;
}

static void run_free(struct run *run)
{
    for (uint32_t p = 0; p < run->cast->count && run->seats; p++)
        idem_seat_free(&run->seats[p]);
    for (uint32_t i = 0; i < run->item_count; i++)
        path_free(&run->items[i].path);
    free(run->seats);
    free(run->items);
}

int idem_takeover_run(const struct idem_cast *cast, const struct idem_takeover_options *options,
                      struct idem_takeover *out)
{
    struct run run = {.cast = cast, .o = options};
    int r = make_seats(&run);
    if (r == 0)
        r = measure_windows(&run);
    if (r == 0)
        r = genuine(&run);
    if (r == 0)
        r = takeovers(&run);
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
