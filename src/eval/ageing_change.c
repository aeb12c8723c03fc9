/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ageing_change.c - a hurt hand and a new keyboard, a second device: see ageing.h.
 *
 * Verdicts: profiles of the windows before the last eight (at most 40 of them), probes of four
 * windows as they would have been typed after the change. The server's rule, with the whole session
 * under suspicion: at the library's prior a session is locked where trust would fall below
 * IDEM_TRUST_LOCK, and asked below IDEM_TRUST_STEP_UP.
 *
 * Recovery and second device: the first windows, unchanged, are the old profile; the ones after
 * them, changed, enrol anew; the last ones, changed, are probes, the impostors' too, for they sit
 * at the same keyboard.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/ageing.h"
#include "eval/bout.h"
#include "eval/changes.h"
#include "eval/tally.h"
#include "model/shift.h"
#include "server/constants.h"

enum { PROBES = 8, LONG = 4, OLD_MAX = 40, OTHERS = 5 };

/* LLRs without shifts from which a lock is turned into a question. */
enum { TESTS = 4 };
static const double tests[TESTS] = {0, 3, 5, 7};

/* The LLR at which trust, begun at the prior, is so high. */
static double llr_of_trust(double trust)
{
    const double prior = idem_trust_defaults().prior;
    return log(trust / (1 - trust)) - log(prior / (1 - prior));
}

/* ------------------------------------------------------------------ verdicts */

struct verdicts {
    const struct idem_study *study;
    struct idem_timelines before, after;
    struct idem_scorer *scorer;
    uint8_t *groups;
    double *llr, *unshifted; /* [count] */
    uint32_t count, room;
};

static int judge(struct verdicts *v, const struct idem_profile *profile, uint32_t who)
{
    struct idem_stat_set probe;
    const uint32_t end = v->after.people[who].count;
    int r = 0;
    idem_stat_set_init(&probe, v->after.shape);
    for (uint32_t w = end - PROBES; w + LONG <= end && r == 0; w += LONG) {
        r = idem_bout_sum(&v->after, who, w, w + LONG, LONG, &probe);
        if (r < 0 || v->count == v->room)
            break;
        const float *stats = idem_stat_set_at(&probe, probe.count - 1);
        const double strokes = (double)probe.strokes[probe.count - 1];
        v->llr[v->count] = idem_study_llr(v->scorer, profile, stats, strokes);
        v->unshifted[v->count++] = idem_shift_llr(v->scorer, v->groups, profile, stats, strokes);
    }
    idem_stat_set_fini(&probe);
    return r;
}

static bool able(const struct idem_timelines *t, uint32_t p)
{
    return t->people[p].count >= 2 * PROBES;
}

/* Every person's profile against his own probes, or those of the next few others. */
static int judge_all(struct verdicts *v, bool owner)
{
    const struct idem_timelines *t = &v->before;
    int r = 0;
    v->count = 0;
    for (uint32_t p = 0; p < t->count && r == 0; p++) {
        struct idem_profile *profile;
        if (!able(t, p))
            continue;
        r = idem_timelines_profile(t, v->study->population->front, &profile);
        if (r < 0)
            return r;
        uint32_t end = t->people[p].count - PROBES;
        idem_timelines_add(t, p, 0, end > OLD_MAX ? OLD_MAX : end, profile);
        for (uint32_t k = 1; k <= OTHERS && r == 0 && !owner; k++)
            if (able(&v->after, (p + k * 11) % t->count) && (p + k * 11) % t->count != p)
                r = judge(v, profile, (p + k * 11) % t->count);
        if (owner)
            r = judge(v, profile, p);
        idem_profile_free(profile);
    }
    return r == 0 && v->count == 0 ? IDEM_ERR_TOO_LITTLE : r;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int verdict_row(struct verdicts *v, const char *who, enum idem_change_kind kind,
                       struct idem_sheet_table *table)
{
    const double lock_llr = llr_of_trust(IDEM_TRUST_LOCK);
    const double step_up_llr = llr_of_trust(IDEM_TRUST_STEP_UP);
    double asked = 0, locked = 0, kept[TESTS] = {0};
    char label[IDEM_SHEET_LABEL];
    for (uint32_t i = 0; i < v->count; i++) {
        const bool lock = v->llr[i] < lock_llr;
        asked += !lock && v->llr[i] < step_up_llr;
        locked += lock;
        for (int k = 0; k < TESTS; k++)
            kept[k] += lock && v->unshifted[i] < tests[k];
    }
    const double n = v->count;
    qsort(v->llr, v->count, sizeof *v->llr, ascending);
    qsort(v->unshifted, v->count, sizeof *v->unshifted, ascending);
    snprintf(label, sizeof label, "%s, %s", who, idem_change_name(kind));
    return idem_sheet_row(table, label,
                          (const double[]){n, v->llr[v->count / 2], v->unshifted[v->count / 2],
                                           (n - asked - locked) / n, asked / n, locked / n,
                                           kept[0] / n, kept[1] / n, kept[2] / n, kept[3] / n});
}

static int condition(struct verdicts *v, enum idem_change_kind kind, bool owner,
                     struct idem_sheet_table *table)
{
    const struct idem_study *s = v->study;
    int r = idem_timelines_keys(s->recording, s->population->front, s->filing, s->keys,
                                kind == IDEM_CHANGE_NONE ? NULL : idem_change_of(kind), &v->after);
    if (r < 0)
        return r;
    r = judge_all(v, owner);
    if (r == 0)
        r = verdict_row(v, owner ? "owner" : "somebody else", kind, table);
    idem_timelines_fini(&v->after);
    return r;
}

static const struct idem_sheet_column verdict_columns[] = {
    {"probes", "probes", IDEM_SHEET_COUNT, false},
    {"llr", "median LLR", IDEM_SHEET_NUMBER, false},
    {"llr_unshifted", "without shift", IDEM_SHEET_NUMBER, false},
    {"passed", "passed", IDEM_SHEET_RATE, false},
    {"asked", "asked", IDEM_SHEET_RATE, false},
    {"locked", "locked", IDEM_SHEET_RATE, false},
    {"locked_at_0", "locked, test at 0", IDEM_SHEET_RATE, false},
    {"locked_at_3", "at 3", IDEM_SHEET_RATE, false},
    {"locked_at_5", "at 5", IDEM_SHEET_RATE, false},
    {"locked_at_7", "at 7", IDEM_SHEET_RATE, false},
};

static int verdict_table(struct verdicts *v, struct idem_sheet *sheet)
{
    static const enum idem_change_kind others[] = {IDEM_CHANGE_NONE, IDEM_CHANGE_KEYBOARD,
                                                   IDEM_CHANGE_KEYBOARD_CLOCK};
    struct idem_sheet_table *table = idem_sheet_add(
        sheet, "verdicts", "What 100 keys after a change lead to",
        "Test: a lock is turned into a question when the LLR is at least so high once the common "
        "shifts of each hand's holds and flights are taken out.",
        verdict_columns, sizeof verdict_columns / sizeof *verdict_columns);
    int r = table ? 0 : IDEM_ERR_NOMEM;
    for (int k = 0; k < IDEM_CHANGES && r == 0; k++)
        r = condition(v, (enum idem_change_kind)k, true, table);
    for (size_t i = 0; i < sizeof others / sizeof *others && r == 0; i++)
        r = condition(v, others[i], false, table);
    return r;
}

static int verdicts(const struct idem_study *study, struct idem_sheet *sheet)
{
    struct verdicts v = {.study = study};
    const struct idem_front *front = study->population->front;
    int r =
        idem_timelines_keys(study->recording, front, study->filing, study->keys, NULL, &v.before);
    if (r < 0)
        return r;
    v.room = v.before.count * OTHERS * (PROBES / LONG) + 1;
    v.llr = malloc(v.room * sizeof *v.llr);
    v.unshifted = malloc(v.room * sizeof *v.unshifted);
    v.groups = malloc(front->cells + 1);
    r = v.llr && v.unshifted && v.groups ? 0 : IDEM_ERR_NOMEM;
    if (r == 0)
        r = idem_scorer_new(study->population, &v.scorer);
    if (r == 0) {
        idem_shift_groups(front, v.groups);
        r = verdict_table(&v, sheet);
    }
    idem_scorer_free(v.scorer);
    free(v.llr);
    free(v.unshifted);
    free(v.groups);
    idem_timelines_fini(&v.before);
    return r;
}

/* ------------------------------------------------------------------ beginning anew */

static const uint32_t sizes[] = {0, 2, 5, 10, 20};
enum { SIZES = sizeof sizes / sizeof *sizes };

#define EVERYTHING 1e9 /* strokes: nobody has typed as many */

struct anew {
    const struct idem_study *study;
    struct idem_timelines before, after;
};

/* Windows of the old profile when `most` enrol anew: what is left before them and the probes. */
static uint32_t old_windows(const struct anew *a, uint32_t person, uint32_t most)
{
    const uint32_t count = a->before.people[person].count;
    if (count < most + 2 * PROBES || a->after.people[person].count != count)
        return 0;
    uint32_t old = count - most - PROBES;
    return old > OLD_MAX ? OLD_MAX : old;
}

/* How much of the old profile is carried over, and whether its shifts are taken out before. */
struct carry {
    double strokes;
    bool shifted;
};

/* Windows [old, old + size) typed after the change, and what is carried over to them. */
static int begin_anew(const struct anew *a, uint32_t person, uint32_t old, uint32_t size,
                      struct carry carry, struct idem_profile *before, struct idem_profile *after)
{
    idem_timelines_add(&a->before, person, 0, old, before);
    idem_timelines_add(&a->after, person, old, old + size, after);
    if (carry.shifted)
        return idem_shift_carry_over(a->study->population->front, before, carry.strokes, after);
    return idem_adapt_warm_start(before, carry.strokes, after);
}

static int add_profile(const struct anew *a, uint32_t person, uint32_t old, uint32_t size,
                       struct carry carry, struct idem_stat_set *set)
{
    const struct idem_front *front = a->study->population->front;
    struct idem_profile *before = NULL, *after = NULL;
    uint32_t index;
    int r = idem_timelines_profile(&a->before, front, &before);
    if (r == 0)
        r = idem_timelines_profile(&a->after, front, &after);
    if (r == 0)
        r = begin_anew(a, person, old, size, carry, before, after);
    if (r == 0)
        r = idem_stat_set_add(set, &index);
    if (r == 0) {
        memcpy(idem_stat_set_at(set, index), after->stats, set->len * sizeof *after->stats);
        set->strokes[index] = after->strokes;
    }
    idem_profile_free(before);
    idem_profile_free(after);
    return r;
}

/* most: the largest size on the sheet, so that every row has the same people and probes. */
static int fill(const struct anew *a, struct idem_bout *b, uint32_t size, uint32_t most,
                struct carry carry)
{
    int r = 0;
    for (uint32_t p = 0; p < a->before.count && r == 0; p++) {
        const uint32_t old = old_windows(a, p, most), end = a->before.people[p].count;
        if (old == 0)
            continue;
        r = add_profile(a, p, old, size, carry, &b->profiles);
        for (uint32_t i = 0; i < PROBES / LONG && r == 0; i++)
            r = idem_bout_sum(&a->after, p, end - PROBES + i * LONG, end - PROBES + (i + 1) * LONG,
                              LONG, &b->probes);
    }
    return r;
}

static const struct idem_sheet_column anew_columns[] = {
    {"windows", "windows since", IDEM_SHEET_COUNT, false},
    {"warm", "strokes carried over", IDEM_SHEET_COUNT, false},
    {"people", "people", IDEM_SHEET_COUNT, false},
    {"eer_user", "EER, per user", IDEM_SHEET_RATE, true},
    {"eer_user_low", "low", IDEM_SHEET_RATE, false},
    {"eer_user_high", "high", IDEM_SHEET_RATE, false},
    {"eer_global", "EER, global", IDEM_SHEET_RATE, false},
    {"cllr", "Cllr", IDEM_SHEET_NUMBER, false},
    {"cllr_min", "min Cllr", IDEM_SHEET_NUMBER, false},
    {"locked", "owner locked", IDEM_SHEET_RATE, true},
};

/* Scores here are bounded, so the threshold is, too: results are sorted, what they came of is not.
 */
static double owner_locked(const struct idem_calibration *cal, const struct idem_bout *b)
{
    const double lock =
        idem_calibration_bound(cal, llr_of_trust(IDEM_TRUST_LOCK), (double)b->probes.strokes[0]);
    double all = 0, locked = 0;
    for (size_t i = 0; i < b->comparisons.results.count; i++) {
        const struct idem_result *x = &b->comparisons.results.list[i];
        all += x->genuine;
        locked += x->genuine && x->score < lock;
    }
    return all > 0 ? locked / all : (double)NAN;
}

static int anew_row(const struct anew *a, uint32_t size, uint32_t most, struct carry carry,
                    const char *label, struct idem_sheet_table *table)
{
    const struct idem_model *model = &a->study->population->model[IDEM_KEYBOARD];
    struct idem_bout b;
    const struct idem_evaluation *v = &b.evaluation;
    idem_bout_init(&b, a->before.shape, PROBES / LONG, 1);
    int r = fill(a, &b, size, most, carry);
    if (r == 0)
        r = idem_bout_run(model, &b);
    if (r == 0)
        r = idem_sheet_row(
            table, label,
            (const double[]){size, carry.strokes < EVERYTHING ? carry.strokes : (double)NAN,
                             v->users, v->figures.eer_user_mean, v->low.eer_user_mean,
                             v->high.eer_user_mean, v->figures.eer_global, v->figures.cllr,
                             v->cllr_min, owner_locked(&model->calibration, &b)});
    idem_bout_fini(&b);
    return r;
}

static int anew_init(const struct idem_study *study, enum idem_change_kind kind, struct anew *a)
{
    const struct idem_front *front = study->population->front;
    *a = (struct anew){.study = study};
    int r =
        idem_timelines_keys(study->recording, front, study->filing, study->keys, NULL, &a->before);
    if (r == 0)
        r = idem_timelines_keys(study->recording, front, study->filing, study->keys,
                                idem_change_of(kind), &a->after);
    if (r < 0)
        idem_timelines_fini(&a->before);
    return r;
}

static void anew_fini(struct anew *a)
{
    idem_timelines_fini(&a->before);
    idem_timelines_fini(&a->after);
}

/* The longest re-enrolment that leaves at least twenty people. */
static uint32_t longest(const struct anew *a)
{
    for (int i = SIZES - 1; i > 0; i--) {
        uint32_t people = 0;
        for (uint32_t p = 0; p < a->before.count; p++)
            people += old_windows(a, p, sizes[i]) > 0;
        if (people >= 20)
            return sizes[i];
    }
    return sizes[1];
}

static int recovery(const struct idem_study *study, enum idem_change_kind kind, const char *key,
                    const char *title, struct idem_sheet *sheet)
{
    struct anew a;
    char label[IDEM_SHEET_LABEL];
    struct idem_sheet_table *table = idem_sheet_add(
        sheet, key, title,
        "Probes of four windows typed after the change; locked: as the server would, at its prior. "
        "Row 0 is the profile from before the change, as it is.",
        anew_columns, sizeof anew_columns / sizeof *anew_columns);
    int r = table ? anew_init(study, kind, &a) : IDEM_ERR_NOMEM;
    if (r < 0)
        return r;
    const uint32_t most = longest(&a);
    r = anew_row(&a, 0, most, (struct carry){EVERYTHING, false}, "old profile", table);
    for (int i = 1; i < SIZES && sizes[i] <= most && r == 0; i++) {
        const struct carry carry = {idem_adapt_warm_strokes(IDEM_KEYBOARD), true};
        snprintf(label, sizeof label, "%u windows, nothing carried over", sizes[i]);
        r = anew_row(&a, sizes[i], most, (struct carry){0, false}, label, table);
        snprintf(label, sizeof label, "%u windows, carried over", sizes[i]);
        if (r == 0)
            r = anew_row(&a, sizes[i], most, carry, label, table);
    }
    anew_fini(&a);
    return r;
}

int idem_ageing_change(const struct idem_study *study, struct idem_sheet *sheet)
{
    int r = verdicts(study, sheet);
    if (r == 0)
        r = recovery(study, IDEM_CHANGE_HURT_HAND, "recovery_hand", "Re-enrolment with a hurt hand",
                     sheet);
    if (r == 0)
        r = recovery(study, IDEM_CHANGE_KEYBOARD_CLOCK, "recovery_keyboard",
                     "Re-enrolment at another keyboard and clock", sheet);
    return r;
}

static int warm_rows(const struct anew *a, uint32_t size, uint32_t most,
                     struct idem_sheet_table *table)
{
    static const struct carry carries[] = {{0, false},  {25, false}, {100, false}, {50, true},
                                           {100, true}, {200, true}, {400, true},  {800, true}};
    int r = 0;
    for (size_t i = 0; i < sizeof carries / sizeof *carries && r == 0; i++) {
        const struct carry c = carries[i];
        char label[IDEM_SHEET_LABEL];
        snprintf(label, sizeof label, "%u windows, %s", size,
                 c.strokes <= 0 ? "cold"
                 : c.shifted    ? "carried over"
                                : "carried over as it is");
        r = anew_row(a, size, most, c, label, table);
    }
    return r;
}

int idem_ageing_warm(const struct idem_study *study, struct idem_sheet *sheet)
{
    struct anew a;
    struct idem_sheet_table *table = idem_sheet_add(
        sheet, "warm", "The first windows at a second keyboard and clock",
        "Carried over: effective strokes of the first device's profile that the second one begins "
        "with, the common shifts of holds and flights taken out or as it is; cold: none. Probes of "
        "four windows at the second device, the impostors' too.",
        anew_columns, sizeof anew_columns / sizeof *anew_columns);
    int r = table ? anew_init(study, IDEM_CHANGE_KEYBOARD_CLOCK, &a) : IDEM_ERR_NOMEM;
    if (r < 0)
        return r;
    const uint32_t most = longest(&a);
    for (int i = 1; i < SIZES && sizes[i] <= most && r == 0; i++)
        r = warm_rows(&a, sizes[i], most, table);
    anew_fini(&a);
    return r;
}
