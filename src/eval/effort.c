/* SPDX-License-Identifier: Apache-2.0 */
/*
 * effort.c - error by size of the enrolment, see ageing.h.
 *
 * A person's first n windows enrol, or n windows spread evenly over all that came before the
 * probes: the same effort in one go and on several occasions. The probes are always the same ones,
 * of the last windows, which no enrolment reaches: PROBES of one window, and as many of four
 * windows as these make. The impostors of a person are two probes of everybody else.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/ageing.h"
#include "eval/compare.h"
#include "eval/timeline.h"

enum { PROBES = 8, LONG = 4, IMPOSTOR_PROBES = 2 };

static const uint32_t sizes[] = {2, 5, 10, 20, 50};
enum { SIZES = sizeof sizes / sizeof *sizes };

struct effort {
    const struct idem_study *study;
    struct idem_timelines t;
    const struct idem_model *model;
};

/* Sums `count` windows of a person, evenly of [from, end), into a new entry. */
static int add_sum(const struct effort *e, uint32_t person, uint32_t from, uint32_t end,
                   uint32_t count, struct idem_stat_set *set)
{
    uint32_t index;
    int r = idem_stat_set_add(set, &index);
    for (uint32_t k = 0; r == 0 && k < count; k++) {
        const uint32_t w = from + (uint32_t)((uint64_t)(end - from) * k / count);
        const float *stats = idem_timeline_at(&e->t, person, w);
        float *to = idem_stat_set_at(set, index);
        for (size_t i = 0; i < e->t.len; i++)
            to[i] += stats[i];
        set->strokes[index] += e->t.people[person].strokes[w];
    }
    return r;
}

struct row {
    struct idem_stat_set profiles, probes;
    struct idem_comparisons comparisons;
    bool spread;
    uint32_t length;                     /* windows of a probe */
    double strokes, insufficient, users; /* sums */
    uint32_t *person;                    /* of each profile */
};

static void row_fini(struct row *row)
{
    idem_stat_set_fini(&row->profiles);
    idem_stat_set_fini(&row->probes);
    idem_comparisons_fini(&row->comparisons);
    free(row->person);
}

static bool able(const struct effort *e, uint32_t person, uint32_t size)
{
    return e->t.people[person].count >= size + PROBES;
}

static int fill(const struct effort *e, struct row *row, uint32_t size)
{
    int r = 0;
    row->person = malloc((e->t.count + 1) * sizeof *row->person);
    if (!row->person)
        return IDEM_ERR_NOMEM;
    idem_stat_set_init(&row->profiles, e->t.shape);
    idem_stat_set_init(&row->probes, e->t.shape);
    for (uint32_t p = 0; p < e->t.count && r == 0; p++) {
        if (!able(e, p, size))
            continue;
        row->person[row->profiles.count] = p;
        const uint32_t first = e->t.people[p].count - PROBES;
        r = add_sum(e, p, 0, row->spread ? first : size, size, &row->profiles);
        for (uint32_t i = 0; i < PROBES / row->length && r == 0; i++)
            r = add_sum(e, p, first + i * row->length, first + (i + 1) * row->length, row->length,
                        &row->probes);
    }
    return r == 0 && row->profiles.count < 2 ? IDEM_ERR_TOO_LITTLE : r;
}

/* What the product would answer: nothing below these amounts. */
static bool sufficient(enum idem_modality m, double profile, double probe)
{
    return m == IDEM_KEYBOARD
               ? profile >= IDEM_SUFFICIENT_PROFILE_KEYS && probe >= IDEM_SUFFICIENT_PROBE_KEYS
               : profile >= IDEM_SUFFICIENT_PROFILE_GESTURES &&
                     probe >= IDEM_SUFFICIENT_PROBE_GESTURES;
}

static int pair(const struct effort *e, struct row *row)
{
    const uint32_t each = PROBES / row->length;
    uint32_t genuine = 0;
    int r = 0;
    for (uint32_t u = 0; u < row->profiles.count && r == 0; u++) {
        row->strokes += (double)row->profiles.strokes[u];
        for (uint32_t i = 0; i < row->probes.count && r == 0; i++) {
            const uint32_t owner = i / each;
            if (owner != u && i % each >= IMPOSTOR_PROBES)
                continue;
            r = idem_comparisons_add(&row->comparisons, u, i, owner, owner == u);
            if (owner != u)
                continue;
            genuine++;
            row->insufficient += !sufficient(e->t.modality, (double)row->profiles.strokes[u],
                                             (double)row->probes.strokes[i]);
        }
    }
    row->insufficient /= genuine ? genuine : 1;
    row->strokes /= row->profiles.count;
    return r;
}

static int measure(const struct effort *e, struct row *row, uint32_t size,
                   struct idem_sheet_table *table)
{
    static const struct idem_compare_options none;
    struct idem_evaluation v;
    char label[32];
    int r = fill(e, row, size);
    if (r == 0)
        r = pair(e, row);
    if (r == 0)
        r = idem_compare(e->model, &row->profiles, &row->probes, &none, &row->comparisons);
    if (r == 0)
        r = idem_evaluate(&row->comparisons.results, &v);
    if (r < 0)
        return r;
    snprintf(label, sizeof label, "%u windows", size);
    return idem_sheet_row(table, label,
                          (const double[]){size, row->strokes, v.users, v.figures.eer_user_mean,
                                           v.low.eer_user_mean, v.high.eer_user_mean,
                                           v.figures.eer_global, v.figures.cllr, v.cllr_min,
                                           v.figures.fnmr_at_fmr_01, row->insufficient});
}

static const struct idem_sheet_column columns[] = {
    {"windows", "windows enrolled", IDEM_SHEET_COUNT, false},
    {"strokes", "strokes", IDEM_SHEET_COUNT, false},
    {"people", "people", IDEM_SHEET_COUNT, false},
    {"eer_user", "EER, per user", IDEM_SHEET_RATE, true},
    {"eer_user_low", "low", IDEM_SHEET_RATE, false},
    {"eer_user_high", "high", IDEM_SHEET_RATE, false},
    {"eer_global", "EER, global", IDEM_SHEET_RATE, true},
    {"cllr", "Cllr", IDEM_SHEET_NUMBER, false},
    {"cllr_min", "min Cllr", IDEM_SHEET_NUMBER, false},
    {"fnmr_at_fmr_01", "FNMR at FMR 1 %", IDEM_SHEET_RATE, false},
    {"insufficient", "insufficient", IDEM_SHEET_RATE, false},
};

static const struct {
    const char *key, *title;
    uint32_t length;
    bool spread;
} curves[] = {
    {"one_window", "Probes of one window", 1, false},
    {"four_windows", "Probes of four windows", LONG, false},
    {"one_window_spread", "Probes of one window, enrolment spread over time", 1, true},
    {"four_windows_spread", "Probes of four windows, enrolment spread over time", LONG, true},
};

static int curve(const struct effort *e, size_t which, struct idem_sheet *sheet)
{
    struct idem_sheet_table *table = idem_sheet_add(
        sheet, curves[which].key, curves[which].title,
        "Intervals: people drawn anew. Insufficient: share of the owner's probes for which the "
        "product would give no answer yet; they are scored here all the same, and Cllr says "
        "whether the score knows how little it rests on.",
        columns, sizeof columns / sizeof *columns);
    if (!table)
        return IDEM_ERR_NOMEM;
    table->log_x = true;
    for (int i = 0; i < SIZES; i++) {
        struct row row = {.length = curves[which].length, .spread = curves[which].spread};
        int r = measure(e, &row, sizes[i], table);
        row_fini(&row);
        if (r == IDEM_ERR_TOO_LITTLE && i > 0)
            break; /* nobody has recorded more */
        if (r < 0)
            return r;
    }
    return 0;
}

int idem_effort(const struct idem_study *study, struct idem_sheet *sheet)
{
    const enum idem_modality m = study->recording->modality;
    struct effort e = {.study = study, .model = &study->population->model[m]};
    if (!study->population->present[m])
        return IDEM_ERR_MISMATCH;
    int r = m == IDEM_KEYBOARD ? idem_timelines_keys(study->recording, study->population->front,
                                                     study->filing, study->keys, NULL, &e.t)
                               : idem_timelines_pointer(study->recording, study->population->front,
                                                        study->gestures, &e.t);
    if (r < 0)
        return r;
    for (size_t i = 0; i < sizeof curves / sizeof *curves && r == 0; i++)
        r = curve(&e, i, sheet);
    idem_timelines_fini(&e.t);
    return r;
}
