/* SPDX-License-Identifier: Apache-2.0 */
/*
 * effort.c - error by size of the enrolment, see ageing.h.
 *
 * A person's first n windows enrol, or n windows spread evenly over all that came before the
 * probes: the same effort in one go and on several occasions. The probes are always the same ones,
 * of the last windows, which no enrolment reaches: PROBES of one window, and as many of four
 * windows as these make. The impostors of a person are two probes of everybody else.
 */
#include "eval/ageing.h"
#include "eval/bout.h"

enum { PROBES = 8, LONG = 4, IMPOSTOR_PROBES = 2 };

static const uint32_t sizes[] = {2, 5, 10, 20, 50};
enum { SIZES = sizeof sizes / sizeof *sizes };

struct effort {
    const struct idem_study *study;
    struct idem_timelines t;
    const struct idem_model *model;
};

struct row {
    struct idem_bout bout;
    bool spread;
    uint32_t length;              /* windows of a probe */
    double strokes, insufficient; /* means over people */
};

static bool able(const struct effort *e, uint32_t person, uint32_t size)
{
    return e->t.people[person].count >= size + PROBES;
}

static int fill(const struct effort *e, struct row *row, uint32_t size)
{
    const uint32_t each = PROBES / row->length;
    int r = 0;
    idem_bout_init(&row->bout, e->t.shape, each, IMPOSTOR_PROBES);
    for (uint32_t p = 0; p < e->t.count && r == 0; p++) {
        if (!able(e, p, size))
            continue;
        const uint32_t first = e->t.people[p].count - PROBES;
        r = idem_bout_sum(&e->t, p, 0, row->spread ? first : size, size, &row->bout.profiles);
        for (uint32_t i = 0; i < each && r == 0; i++)
            r = idem_bout_sum(&e->t, p, first + i * row->length, first + (i + 1) * row->length,
                              row->length, &row->bout.probes);
    }
    return r;
}

/* What the product would answer: nothing below these amounts. */
static bool sufficient(enum idem_modality m, double profile, double probe)
{
    return m == IDEM_KEYBOARD
               ? profile >= IDEM_SUFFICIENT_PROFILE_KEYS && probe >= IDEM_SUFFICIENT_PROBE_KEYS
               : profile >= IDEM_SUFFICIENT_PROFILE_GESTURES &&
                     probe >= IDEM_SUFFICIENT_PROBE_GESTURES;
}

static void count(const struct effort *e, struct row *row)
{
    const struct idem_bout *b = &row->bout;
    for (uint32_t i = 0; i < b->probes.count; i++) {
        const double strokes = (double)b->profiles.strokes[i / b->each];
        row->strokes += strokes / b->probes.count;
        if (!sufficient(e->t.modality, strokes, (double)b->probes.strokes[i]))
            row->insufficient += 1.0 / b->probes.count;
    }
}

static int measure(const struct effort *e, struct row *row, uint32_t size,
                   struct idem_sheet_table *table)
{
    const struct idem_evaluation *v = &row->bout.evaluation;
    char label[32];
    int r = fill(e, row, size);
    if (r == 0)
        r = idem_bout_run(e->model, &row->bout);
    if (r < 0)
        return r;
    count(e, row);
    snprintf(label, sizeof label, "%u windows", size);
    return idem_sheet_row(table, label,
                          (const double[]){size, row->strokes, v->users, v->figures.eer_user_mean,
                                           v->low.eer_user_mean, v->high.eer_user_mean,
                                           v->figures.eer_global, v->figures.cllr, v->cllr_min,
                                           v->figures.fnmr_at_fmr_01, row->insufficient});
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
        idem_bout_fini(&row.bout);
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
