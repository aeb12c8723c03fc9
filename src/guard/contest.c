/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contest.c - the explanations' densities, and one step of their contest.
 *
 * The tables hold ln P(bucket | explanation). They are mixtures written down from what is known of
 * each way of typing, not fitted to anybody:
 *
 *              hold, ms                                  key-down to key-down, ms
 *   hand       log-normal, median 95, sd 0.38;           log-normal, median 165, sd 0.6;
 *              0.8 % below 40 evenly                      3 % below 170 evenly
 *   bunch      0-5, less often 0-22, 0-60                0-8, 0-40, less often 0-120 or a hand's;
 *                                                        the first as a hand's
 *   light      log-normal, median 40, sd 0.35            as a hand's
 *   soft       0-4, less often 0-12, 0-30                      log-normal, median 380, sd 0.55
 *   exact,     0-4, less often up to 12, 8-26            0-170 in three parts, some pauses
 *   jitter                                               0-168, leaning to its upper part
 *   fast       any, long ones more likely                0-32, some pauses
 *   humanised  5-28                                      log-normal, median 130, sd 0.5
 *
 * A person types at most a key every 55 ms for long, so that a stall of T can hide T / 55 keys.
 */
#include "guard/contest.h"

#include <string.h>

enum { HOLDS = 9, GAPS = 13 };

static const int32_t hold_edge[HOLDS - 1] = {1500, 4000, 7000, 12000, 18000, 28000, 40000, 60000};
static const int32_t gap_edge[GAPS - 1] = {4000,  8000,  14000,  22000,  32000,  45000,
                                           60000, 85000, 120000, 170000, 250000, 400000};

static const float hold_hand[HOLDS] = {-8.1F, -7.6F, -7.4F, -6.9F, -6.7F,
                                       -5.9F, -4.3F, -2.3F, -0.1F};
static const float hold_bunch[HOLDS] = {-1.8F, -1.2F, -1.8F, -2.3F, -2.2F,
                                        -2.4F, -3.5F, -3.0F, -9.2F};
static const float hold_light[HOLDS] = {-9.2F, -9.0F, -7.0F, -5.5F, -4.0F,
                                        -1.9F, -1.2F, -1.0F, -2.1F};
static const float hold_fast[HOLDS] = {-3.0F, -3.0F, -3.0F, -3.0F, -3.0F,
                                       -2.5F, -2.2F, -1.8F, -1.5F};
static const float gap_fast[GAPS] = {-1.2F, -1.2F, -1.5F, -1.6F, -2.0F, -4.5F, -7.0F,
                                     -9.2F, -9.2F, -9.2F, -7.0F, -6.0F, -3.5F};
static const float hold_soft[HOLDS] = {-1.3F, -0.8F, -2.7F, -2.2F, -3.5F,
                                       -3.0F, -4.6F, -9.2F, -9.2F};
static const float hold_machine[HOLDS] = {-1.4F, -0.9F, -2.9F, -2.1F, -2.9F,
                                          -2.6F, -4.6F, -4.1F, -9.2F};
static const float hold_humanised[HOLDS] = {-6.0F, -5.5F, -2.3F, -1.5F, -1.4F,
                                            -0.9F, -4.0F, -3.5F, -9.2F};
static const float gap_hand[GAPS] = {-7.3F, -7.3F, -6.8F, -6.3F, -5.4F, -4.3F, -3.4F,
                                     -2.4F, -1.8F, -1.5F, -1.5F, -1.8F, -2.7F};
static const float gap_bunch[GAPS] = {-1.4F, -1.4F, -2.7F, -2.5F, -2.2F, -2.2F, -3.8F,
                                      -3.2F, -2.8F, -4.1F, -4.2F, -4.8F, -5.1F};
static const float gap_soft[GAPS] = {-9.2F, -9.2F, -9.2F, -9.2F, -9.0F, -8.5F, -7.6F,
                                     -5.8F, -4.2F, -2.9F, -1.9F, -1.2F, -0.8F};
static const float gap_exact[GAPS] = {-2.2F, -2.2F, -1.8F, -3.1F, -2.9F, -2.6F, -2.5F,
                                      -2.8F, -2.5F, -2.1F, -3.1F, -2.8F, -1.8F};
static const float gap_jitter[GAPS] = {-3.5F, -2.9F, -2.5F, -2.2F, -2.4F, -2.6F, -2.4F,
                                       -1.9F, -2.3F, -2.0F, -3.6F, -3.0F, -1.8F};
static const float gap_humanised[GAPS] = {-9.2F, -9.2F, -9.2F, -7.6F, -5.8F, -4.2F, -3.2F,
                                          -2.1F, -1.5F, -1.4F, -1.6F, -2.4F, -3.0F};

/* ln prior odds against the hand, and what it costs to change over to an explanation later on. */
static const double prior_light = -4.0, prior_soft = -5.0, prior_tap_hold = -5.0, prior_role = -0.7;
/* An explanation that cannot be. */
static const double never = -1e6;
static const double change_honest = -8.0, change_machine = -12.0;
/* A device that has long been somebody's is the less likely to become a machine's just now. */
static const double change_settled = -6.0, settled_by_hand = 120.0;
/* No explanation is dead for good after one stroke that it cannot have made. */
static const double least_per_stroke = -9.0;
/* Two or three keys at once happen to hands: a machine of this kind has more to show. */
static const double fast_rarer = -3.0;
static const double chord_on_glass = -6.0;
/* A busy machine that has stalled stalls again. */
static const double stall_again = -2.2;
/* A stroke that is no capital is that much less likely from a program with odd capitals. */
static const double capital_expected = 0.05;
/* Programs press one key after the other; hands overlap them now and then. */
static const double rollover = -4.0;
/* What a role pays for a key, or a number of them, that it does not send. */
static const double foreign = -9.0;

enum {
    PACE_US = 55000,  /* the fastest key after key that lasts */
    BACKLOG_MAX = 16, /* nobody types on for longer without an answer */
    BACKLOG_IDLE = 4, /* and not so far after a rest */
    IDLE_US = 5000000,
    BACKLOG_FRESH = 3, /* on a device nothing is known of */
    PAST = 3,          /* strokes by hand that make a device somebody's */
    COUNT_MAX = 1000,
    CAPITALS_MAX = 3,
    EXACT_MAX = 2,         /* keyboards with a layer of symbols send Shift so, too */
    BY_HAND_US = 28000,    /* shorter holds speak for no hand */
    DELIVERY_US = 10000,   /* events of a queue follow each other faster */
    NEAR_US = 4000,        /* and what a busy machine makes of times that are to be the same */
    EVEN_US = 1500,        /* times that differ by less are the same on a fine clock */
    TICK_COARSE_US = 7500, /* from here on equal times are common */
};

static uint32_t bucket(const int32_t *edge, uint32_t edges, int64_t us)
{
    uint32_t i = 0;
    while (i < edges && us > edge[i])
        i++;
    return i;
}

static enum idem_explanation best(const struct idem_contest *c, int first, int end)
{
    int at = first;
    for (int e = first + 1; e < end; e++)
        if (c->nats[e] > c->nats[at])
            at = e;
    return (enum idem_explanation)at;
}

static void rank(struct idem_contest *c)
{
    c->machine = best(c, IDEM_HONEST, IDEM_EXPLANATIONS);
    c->honest = best(c, 0, IDEM_HONEST);
}

void idem_contest_init(struct idem_contest *c, enum idem_guard_role role, bool hardware,
                       bool stamped, double machine_odds)
{
    memset(c, 0, sizeof *c);
    c->role = role;
    c->hardware = hardware;
    c->stamped = stamped;
    c->last_hold_us = c->last_flight_us = c->last_gap_us = IDEM_TIME_NONE;
    c->backlog = BACKLOG_FRESH;
    for (int e = IDEM_HONEST; e < IDEM_EXPLANATIONS; e++)
        c->nats[e] = machine_odds;
    c->nats[IDEM_BY_FAST] += fast_rarer;
    c->nats[IDEM_BY_LIGHT] = prior_light;
    c->nats[IDEM_BY_SOFT] = hardware ? never : prior_soft;
    c->nats[IDEM_BY_TAP_HOLD] = prior_tap_hold;
    c->nats[IDEM_BY_ROLE] = role == IDEM_ROLE_ORDINARY ? never : prior_role;
    c->nats[IDEM_BY_BUNCH] = never;
    rank(c);
}

void idem_contest_suspect(struct idem_contest *c, double more)
{
    for (int e = IDEM_HONEST; e < IDEM_EXPLANATIONS; e++)
        c->nats[e] += more;
}

enum idem_explanation idem_contest_best_machine(const struct idem_contest *c)
{
    return c->machine;
}

enum idem_explanation idem_contest_best_honest(const struct idem_contest *c)
{
    return c->honest;
}

double idem_contest_odds(const struct idem_contest *c)
{
    return c->nats[c->machine] - c->nats[c->honest];
}

/*
 * Entering a bunch: rarer the shorter the stall was, and on a device that nobody is known at. A
 * kernel stamps what it reads from hardware as it comes, however busy the machine is.
 */
static double bunch_entry(const struct idem_contest *c, int64_t stall_us)
{
    if (c->stamped)
        return -12.0;
    if (c->by_hand < PAST && !c->held_stall)
        return -8.0;
    if (stall_us < 150000)
        return -12.0;
    return stall_us < 300000 ? -8.0 : stall_us < 700000 ? -6.0 : -4.5;
}

void idem_contest_stall(struct idem_contest *c, int64_t stall_us, bool held)
{
    c->held_stall = held;
    if (c->by_hand < PAST && !held)
        return;
    int64_t keys = stall_us / PACE_US + 2;
    if (c->stamped || (stall_us > IDLE_US && !held))
        keys = BACKLOG_IDLE;
    c->backlog = keys < BACKLOG_MAX ? (uint32_t)keys : BACKLOG_MAX;
}

/* What one stroke is worth under each explanation; buckets of its two times; gap: it says
 * something. */
struct worth {
    uint32_t hold, gap;
    bool has_gap;
};

static double gap_worth(const float *table, const struct worth *w)
{
    return w->has_gap ? (double)table[w->gap] : 0.0;
}

static double hand_worth(const struct worth *w)
{
    double nats = (double)hold_hand[w->hold] + gap_worth(gap_hand, w);
    return nats > least_per_stroke ? nats : least_per_stroke;
}

/* Chords of Control, Alt and Meta are rarer on a keyboard of glass, where they cannot be held. */
static double soft_worth(const struct worth *w, unsigned what)
{
    double nats = (double)hold_soft[w->hold] + gap_worth(gap_soft, w);
    if ((what & IDEM_STROKE_CHORD) != 0)
        nats += chord_on_glass;
    return nats > least_per_stroke ? nats : least_per_stroke;
}

static double light_worth(const struct worth *w)
{
    double nats = (double)hold_light[w->hold] + gap_worth(gap_hand, w);
    return nats > least_per_stroke ? nats : least_per_stroke;
}

static double tap_hold_worth(const struct worth *w, unsigned what)
{
    double nats = (double)hold_hand[w->hold];
    if ((what & IDEM_STROKE_TAP_HOLD) != 0) {
        double tap = -0.5 + (double)hold_soft[w->hold];
        nats = -0.9 + nats > tap ? -0.9 + nats : tap;
    }
    nats += gap_worth(gap_hand, w);
    return nats > least_per_stroke ? nats : least_per_stroke;
}

/*
 * Is a time the same as the one before? ln P(machine) / P(hand). A person's holds differ by some 25
 * ms from one key to the next, flights by some 100; on a coarse clock equality says little.
 */
static double even_worth(int64_t now_us, int64_t before_us, int64_t tick_us, bool of_hold)
{
    if (now_us == IDEM_TIME_NONE || before_us == IDEM_TIME_NONE)
        return 0.0;
    int64_t apart = now_us > before_us ? now_us - before_us : before_us - now_us;
    if (apart > NEAR_US)
        return -1.5;
    if (tick_us >= TICK_COARSE_US)
        return 0.0;
    return apart <= EVEN_US ? (of_hold ? 0.7 : 1.5) : (of_hold ? 0.4 : 1.0);
}

static void honest_step(struct idem_contest *c, const struct idem_guard_stroke *s,
                        const struct worth *w)
{
    double *n = c->nats;
    double hand = hand_worth(w);
    double hold = (double)hold_bunch[w->hold];
    double enter = n[IDEM_BY_HAND] + bunch_entry(c, s->stall_us) + hold + gap_worth(gap_hand, w);
    double stay =
        n[IDEM_BY_BUNCH] - 0.3 + hold + (s->stall_us > 0 ? stall_again : gap_worth(gap_bunch, w));
    double leave = n[IDEM_BY_BUNCH] + hand;

    n[IDEM_BY_HAND] = n[IDEM_BY_HAND] + hand > leave ? n[IDEM_BY_HAND] + hand : leave;
    n[IDEM_BY_BUNCH] = c->backlog == 0 ? never : enter > stay ? enter : stay;
    if (c->backlog > 0 && s->hold_us <= BY_HAND_US)
        c->backlog--;
    n[IDEM_BY_LIGHT] += light_worth(w);
    n[IDEM_BY_SOFT] += soft_worth(w, s->what);
    n[IDEM_BY_TAP_HOLD] += tap_hold_worth(w, s->what);
}

/* Evidence for a program whatever the times are. */
static double program_worth(struct idem_contest *c, unsigned what)
{
    double nats = 0.0;
    if ((what & IDEM_STROKE_BARE) != 0 && c->bare < CAPITALS_MAX) {
        c->bare++;
        nats += 4.5;
    }
    if ((what & IDEM_STROKE_REPORT) != 0 && c->reports == 0) {
        c->reports++;
        nats += 3.0;
    }
    return nats;
}

/*
 * Fingers press Shift a tenth of a second before its key, programs at once. On glass and in a queue
 * it is at once as well, but there holds are brief, too, which the program's are not.
 */
static double shift_worth(struct idem_contest *c, unsigned what)
{
    if ((what & IDEM_STROKE_LED) != 0)
        return -3.0;
    if ((what & IDEM_STROKE_EXACT) == 0 || c->exact == EXACT_MAX)
        return 0.0;
    c->exact++;
    return 3.0;
}

/*
 * The same for the gaps of a machine whose holds are brief, against fingers on glass. What a queue
 * delivers comes evenly too, so that equal gaps speak for a machine only when long.
 */
static double exact_worth(int64_t gap_us, double even)
{
    if (even > 0)
        return gap_us > DELIVERY_US ? 2.0 * even : 0.0;
    return even / 2;
}

static void machine_step(struct idem_contest *c, const struct idem_guard_stroke *s,
                         const struct worth *w, int64_t tick_us)
{
    double *n = c->nats;
    double evidence = program_worth(c, s->what);
    double program = evidence + ((s->what & IDEM_STROKE_ROLLOVER) != 0 ? rollover : 0.0);
    double hand = hand_worth(w) + program;
    double even_gap = even_worth(s->gap_us, c->last_gap_us, tick_us, false);
    bool same = (s->what & IDEM_STROKE_SAME) != 0;
    double even_hold = same ? 0.0 : even_worth(s->hold_us, c->last_hold_us, tick_us, true);
    double even_flight = same ? 0.0 : even_worth(s->flight_us, c->last_flight_us, tick_us, false);
    double hold = (double)hold_machine[w->hold] + program;

    double before = n[c->machine];
    n[IDEM_BY_EXACT] += hold + gap_worth(gap_exact, w) + exact_worth(s->gap_us, even_gap);
    n[IDEM_BY_JITTER] += hold + gap_worth(gap_jitter, w);
    n[IDEM_BY_HUMANISED] += (double)hold_humanised[w->hold] + program + gap_worth(gap_humanised, w);
    n[IDEM_BY_FAST] += (double)hold_fast[w->hold] + gap_worth(gap_fast, w) + evidence;
    n[IDEM_BY_EVEN] += hand + even_hold + even_flight;
    n[IDEM_BY_EVEN_FLIGHT] += hand + even_flight;
    n[IDEM_BY_PROGRAM] += hand_worth(w) + evidence + shift_worth(c, s->what) - capital_expected;
    /* A known source is a machine as well, of whatever kind; only its keys tell it from others. */
    if (c->role == IDEM_ROLE_ORDINARY)
        return;
    n[IDEM_BY_ROLE] += n[best(c, IDEM_HONEST, IDEM_EXPLANATIONS)] - before;
    if ((s->what & (IDEM_STROKE_FOREIGN | IDEM_STROKE_LONG_BURST)) != 0)
        n[IDEM_BY_ROLE] += foreign;
}

/* May an explanation come back? A bunch begins anew with each stall. */
static bool possible(const struct idem_contest *c, int e)
{
    return e != IDEM_BY_BUNCH && (e != IDEM_BY_ROLE || c->role != IDEM_ROLE_ORDINARY) &&
           (e != IDEM_BY_SOFT || !c->hardware);
}

/* Explanations may take over at any time, at a price; the hand's is the measure of all. */
static void settle(struct idem_contest *c)
{
    double honest = c->nats[best(c, 0, IDEM_HONEST)];
    double settled = c->by_hand < settled_by_hand ? c->by_hand / settled_by_hand : 1.0;
    double to_machine = change_machine + change_settled * settled;
    for (int e = 0; e < IDEM_EXPLANATIONS; e++) {
        double least = honest + (e < IDEM_HONEST ? change_honest : to_machine);
        least += e == IDEM_BY_FAST ? fast_rarer : 0.0;
        if (possible(c, e) && c->nats[e] < least)
            c->nats[e] = least;
    }
    double base = c->nats[IDEM_BY_HAND];
    for (int e = 0; e < IDEM_EXPLANATIONS; e++)
        c->nats[e] -= base;
    rank(c);
}

void idem_contest_stroke(struct idem_contest *c, const struct idem_guard_stroke *stroke,
                         int64_t tick_us)
{
    struct worth w = {
        .hold = bucket(hold_edge, HOLDS - 1, stroke->hold_us),
        .gap = bucket(gap_edge, GAPS - 1, stroke->gap_us),
        .has_gap = stroke->gap_us != IDEM_TIME_NONE && (stroke->what & IDEM_STROKE_SWEEP) == 0,
    };
    honest_step(c, stroke, &w);
    machine_step(c, stroke, &w, tick_us);
    settle(c);
    if (stroke->flight_us != IDEM_TIME_NONE)
        c->last_flight_us = stroke->flight_us;
    if ((stroke->what & IDEM_STROKE_MODIFIER) == 0) {
        c->last_hold_us = stroke->hold_us;
        c->last_gap_us = stroke->gap_us;
    }
    if (c->strokes < COUNT_MAX)
        c->strokes++;
    if (stroke->hold_us <= BY_HAND_US)
        return;
    if (c->by_hand < COUNT_MAX)
        c->by_hand++;
    if ((stroke->what & (IDEM_STROKE_TAP_HOLD | IDEM_STROKE_MODIFIER)) == 0 &&
        c->elsewhere < COUNT_MAX)
        c->elsewhere++;
}
