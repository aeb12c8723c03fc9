/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ageing_attack.c - an impostor who stays just under the threshold, see ageing.h.
 *
 * The attacker is granted more than a real one would have: the owner's own windows (drawn from what
 * the owner typed after enrolment), strokes mixed as finely as he likes, exact knowledge of the
 * profile, the threshold and the rules. Every day he offers as many strokes as a day may teach, of
 * which the largest share is his own that the profile still accepts (LLR of the day's sum not below
 * nought) and the bound does not refuse.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "eval/ageing.h"
#include "eval/tally.h"
#include "eval/timeline.h"

enum { DAYS = 40, ENROL_WINDOWS = 32, OWN_WINDOWS = 24, TEST_WINDOWS = 16, STEPS = 20 };

struct attack {
    const struct idem_study *study;
    struct idem_timelines t;
    struct idem_scorer *scorer;
    struct idem_rng rng;
    struct idem_profile *anchor, *profile, *owner, *own, *mix;
};

/* What is measured on a day, summed over pairs. */
struct state {
    double pairs, share, accepts_impostor, accepts_owner, over, llr, attainable;
};

struct pair {
    uint32_t owner, impostor;
};

static void clear(struct idem_profile *p)
{
    memset(p->stats, 0, idem_shape_len(p->shape) * sizeof p->stats[0]);
    p->strokes = 0;
    p->windows = 0;
}

static int pairs_allowed(const struct idem_timelines *t, uint32_t p)
{
    return t->people[p].count >= ENROL_WINDOWS + OWN_WINDOWS + TEST_WINDOWS;
}

/* So many strokes of random windows of [from, end), scaled to the number asked for. */
static void draw(struct attack *a, uint32_t person, uint32_t from, uint32_t end, double strokes,
                 struct idem_profile *out)
{
    clear(out);
    while ((double)out->strokes < strokes) {
        uint32_t w = from + idem_rng_below(&a->rng, end - from);
        idem_timelines_add(&a->t, person, w, w + 1, out);
    }
    double factor = strokes / (double)out->strokes;
    for (size_t i = 0; i < a->t.len; i++)
        out->stats[i] *= (float)factor;
    out->strokes = (float)strokes;
}

static void mix(const struct attack *a, double share)
{
    for (size_t i = 0; i < a->t.len; i++)
        a->mix->stats[i] =
            (float)(1 - share) * a->owner->stats[i] + (float)share * a->own->stats[i];
    a->mix->strokes = a->owner->strokes;
    a->mix->windows = 1;
}

static bool accepted(const struct attack *a)
{
    return idem_study_llr(a->scorer, a->profile, a->mix->stats, (double)a->mix->strokes) >= 0;
}

/* Tries one share on copies; learns it for good when it goes through. */
static int offer(struct attack *a, const struct idem_adapt_rules *rules, double share, int64_t day,
                 struct idem_adapt_day *learned, enum idem_adapt_verdict *verdict,
                 struct idem_adapt_drift *drift)
{
    mix(a, share);
    *verdict = IDEM_ADAPT_REFUSED;
    if (!accepted(a))
        return 0;
    return idem_adapt_fold(rules, a->scorer, a->anchor, a->mix, day, a->profile, learned, verdict,
                           drift);
}

/* One day: the largest share that goes through; none: the owner is alone today. */
static int attack_day(struct attack *a, const struct idem_adapt_rules *rules, struct pair pair,
                      int64_t day, struct idem_adapt_day *learned, struct state *state)
{
    const double strokes = idem_adapt_left(rules, (double)a->profile->strokes, learned, day);
    enum idem_adapt_verdict verdict = IDEM_ADAPT_REFUSED;
    struct idem_adapt_drift drift = {0, 0, false};
    int r = 0, step = STEPS;
    draw(a, pair.owner, ENROL_WINDOWS, a->t.people[pair.owner].count - TEST_WINDOWS, strokes,
         a->owner);
    draw(a, pair.impostor, 0, a->t.people[pair.impostor].count - TEST_WINDOWS, strokes, a->own);
    for (; step >= 0 && r == 0; step--) {
        r = offer(a, rules, (double)step / STEPS, day, learned, &verdict, &drift);
        if (verdict == IDEM_ADAPT_LEARNED)
            break;
    }
    state->share += step > 0 ? (double)step / STEPS : 0;
    state->llr += drift.llr;
    state->attainable += drift.attainable;
    return r;
}

/* Two windows a probe, of the last ones, which nobody learned. */
static double accepts(struct attack *a, uint32_t person, double *median)
{
    const uint32_t end = a->t.people[person].count;
    double llr[TEST_WINDOWS / 2], passed = 0;
    int n = 0;
    for (uint32_t w = end - TEST_WINDOWS; w + 1 < end; w += 2) {
        clear(a->mix);
        idem_timelines_add(&a->t, person, w, w + 2, a->mix);
        llr[n] = idem_study_llr(a->scorer, a->profile, a->mix->stats, (double)a->mix->strokes);
        passed += llr[n++] >= 0;
    }
    for (int i = 1; i < n; i++) /* few enough to sort by insertion */
        for (int j = i; j > 0 && llr[j] < llr[j - 1]; j--) {
            double swap = llr[j];
            llr[j] = llr[j - 1];
            llr[j - 1] = swap;
        }
    *median = llr[n / 2];
    return passed / n;
}

static void measure(struct attack *a, struct pair pair, struct state *state)
{
    double impostor, owner;
    state->accepts_impostor += accepts(a, pair.impostor, &impostor);
    state->accepts_owner += accepts(a, pair.owner, &owner);
    state->over += impostor > owner;
    state->pairs++;
}

static int attack_pair(struct attack *a, const struct idem_adapt_rules *rules, struct pair pair,
                       struct state *states)
{
    struct idem_adapt_day learned = {-1, 0};
    int r = 0;
    clear(a->anchor);
    clear(a->profile);
    idem_timelines_add(&a->t, pair.owner, 0, ENROL_WINDOWS, a->anchor);
    idem_timelines_add(&a->t, pair.owner, 0, ENROL_WINDOWS, a->profile);
    measure(a, pair, &states[0]);
    for (int day = 1; day <= DAYS && r == 0; day++) {
        r = attack_day(a, rules, pair, day, &learned, &states[day]);
        measure(a, pair, &states[day]);
    }
    return r;
}

static uint32_t partner(const struct idem_timelines *t, uint32_t owner)
{
    uint32_t p = (owner * 7 + 3) % t->count;
    while (p == owner || !pairs_allowed(t, p))
        p = (p + 1) % t->count;
    return p;
}

static int attack_all(struct attack *a, const struct idem_adapt_rules *rules, struct state *states)
{
    uint32_t able = 0;
    int r = 0;
    memset(states, 0, (DAYS + 1) * sizeof *states);
    for (uint32_t p = 0; p < a->t.count; p++)
        able += pairs_allowed(&a->t, p) != 0;
    if (able < 2)
        return IDEM_ERR_TOO_LITTLE;
    idem_rng_seed(&a->rng, 11);
    for (uint32_t p = 0; p < a->t.count && r == 0; p++) {
        if (!pairs_allowed(&a->t, p))
            continue;
        r = attack_pair(a, rules, (struct pair){p, partner(&a->t, p)}, states);
        if (a->study->progress)
            a->study->progress(a->study->progress_arg, p + 1, a->t.count);
    }
    return r;
}

/* ------------------------------------------------------------------ tables */

static const struct idem_sheet_column walk_columns[] = {
    {"day", "day", IDEM_SHEET_COUNT, false},
    {"share_off", "his share, off", IDEM_SHEET_RATE, false},
    {"share_on", "his share, on", IDEM_SHEET_RATE, false},
    {"impostor_off", "impostor accepted, off", IDEM_SHEET_RATE, true},
    {"impostor_on", "impostor accepted, on", IDEM_SHEET_RATE, true},
    {"owner_off", "owner accepted, off", IDEM_SHEET_RATE, true},
    {"owner_on", "owner accepted, on", IDEM_SHEET_RATE, true},
    {"over_off", "walked over, off", IDEM_SHEET_RATE, false},
    {"over_on", "walked over, on", IDEM_SHEET_RATE, false},
};

static int walk_table(const struct state *off, const struct state *on, struct idem_sheet *sheet)
{
    struct idem_sheet_table *table = idem_sheet_add(
        sheet, "walk", "A profile under attack, without and with the bound",
        "Accepted: share of pure 50-key probes with an LLR of nought or more. Walked over: pairs "
        "whose profile scores the impostor's median probe above the owner's.",
        walk_columns, sizeof walk_columns / sizeof *walk_columns);
    int r = table ? 0 : IDEM_ERR_NOMEM;
    for (int day = 0; day <= DAYS && r == 0; day += 5) {
        const struct state *a = &off[day], *b = &on[day];
        char label[16];
        snprintf(label, sizeof label, "day %d", day);
        r = idem_sheet_row(
            table, label,
            (const double[]){day, a->share / a->pairs, b->share / b->pairs,
                             a->accepts_impostor / a->pairs, b->accepts_impostor / b->pairs,
                             a->accepts_owner / a->pairs, b->accepts_owner / b->pairs,
                             a->over / a->pairs, b->over / b->pairs});
    }
    return r;
}

static const struct idem_sheet_column bound_columns[] = {
    {"bound", "bound", IDEM_SHEET_NUMBER, false},
    {"learned_most", "learned most", IDEM_SHEET_NUMBER, false},
    {"impostor", "impostor accepted", IDEM_SHEET_RATE, true},
    {"owner", "owner accepted", IDEM_SHEET_RATE, true},
    {"over", "walked over", IDEM_SHEET_RATE, true},
    {"honest_kept", "honest lessons kept", IDEM_SHEET_RATE, false},
    {"honest_owner", "owner accepted, honest", IDEM_SHEET_RATE, false},
    {"pairs", "pairs", IDEM_SHEET_COUNT, false},
};

/* The same days without an attacker: how often the bound refuses the owner's own lessons. */
static int honest(struct attack *a, const struct idem_adapt_rules *rules, double *kept,
                  double *owner_accepted)
{
    double offered = 0, learned_days = 0, people = 0, passed = 0, median;
    int r = 0;
    idem_rng_seed(&a->rng, 12);
    for (uint32_t p = 0; p < a->t.count && r == 0; p++) {
        struct idem_adapt_day learned = {-1, 0};
        if (!pairs_allowed(&a->t, p))
            continue;
        clear(a->anchor);
        clear(a->profile);
        idem_timelines_add(&a->t, p, 0, ENROL_WINDOWS, a->anchor);
        idem_timelines_add(&a->t, p, 0, ENROL_WINDOWS, a->profile);
        for (int day = 1; day <= DAYS && r == 0; day++) {
            enum idem_adapt_verdict verdict;
            const double strokes =
                idem_adapt_left(rules, (double)a->profile->strokes, &learned, day);
            draw(a, p, ENROL_WINDOWS, a->t.people[p].count - TEST_WINDOWS, strokes, a->owner);
            memcpy(a->own->stats, a->owner->stats, a->t.len * sizeof *a->own->stats);
            r = offer(a, rules, 0, day, &learned, &verdict, NULL);
            offered++;
            learned_days += verdict == IDEM_ADAPT_LEARNED;
        }
        passed += accepts(a, p, &median);
        people++;
    }
    *kept = learned_days / offered;
    *owner_accepted = passed / people;
    return r;
}

static int bound_table(struct attack *a, struct idem_sheet *sheet)
{
    static const double bounds[] = {-INFINITY, -2, -1, -0.5, -0.25, 0, 0.25, 0.5};
    struct idem_sheet_table *table = idem_sheet_add(
        sheet, "bound", "After 40 days, by bound", "Honest: the same days without the impostor.",
        bound_columns, sizeof bound_columns / sizeof *bound_columns);
    struct state *states = calloc(DAYS + 1, sizeof *states);
    int r = table && states ? 0 : IDEM_ERR_NOMEM;
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds && r == 0; i++) {
        struct idem_adapt_rules rules = a->study->rules;
        double kept = 0, owner = 0;
        char label[32];
        rules.bound = bounds[i];
        r = attack_all(a, &rules, states);
        if (r == 0)
            r = honest(a, &rules, &kept, &owner);
        if (r < 0)
            break;
        const struct state *s = &states[DAYS];
        snprintf(label, sizeof label, isfinite(bounds[i]) ? "bound %g" : "no bound", bounds[i]);
        r = idem_sheet_row(table, label,
                           (const double[]){bounds[i], rules.learned_most,
                                            s->accepts_impostor / s->pairs,
                                            s->accepts_owner / s->pairs, s->over / s->pairs, kept,
                                            owner, s->pairs});
    }
    free(states);
    return r;
}

static int run(struct attack *a, struct idem_sheet *sheet)
{
    struct state *off = calloc(DAYS + 1, sizeof *off), *on = calloc(DAYS + 1, sizeof *on);
    struct idem_adapt_rules unbound = a->study->rules;
    int r = off && on ? 0 : IDEM_ERR_NOMEM;
    unbound.bound = -INFINITY;
    if (r == 0)
        r = attack_all(a, &unbound, off);
    if (r == 0)
        r = attack_all(a, &a->study->rules, on);
    if (r == 0)
        r = walk_table(off, on, sheet);
    if (r == 0)
        r = bound_table(a, sheet);
    free(off);
    free(on);
    return r;
}

int idem_ageing_attack(const struct idem_study *study, struct idem_sheet *sheet)
{
    struct attack a = {.study = study};
    struct idem_profile **profiles[] = {&a.anchor, &a.profile, &a.owner, &a.own, &a.mix};
    int r = idem_timelines_keys(study->recording, study->population->front, study->filing,
                                study->keys, NULL, &a.t);
    if (r < 0)
        return r;
    r = idem_scorer_new(study->population, &a.scorer);
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles && r == 0; i++)
        r = idem_timelines_profile(&a.t, study->population->front, profiles[i]);
    if (r == 0)
        r = run(&a, sheet);
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        idem_profile_free(*profiles[i]);
    idem_scorer_free(a.scorer);
    idem_timelines_fini(&a.t);
    return r;
}
