/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_report.c - the rows of a leak evaluation as tables.
 */
#include <math.h>

#include "eval/leak.h"
#include "idem/idem.h"

#define NUMBER IDEM_SHEET_NUMBER, false
#define RATE   IDEM_SHEET_RATE, false
#define COUNT  IDEM_SHEET_COUNT, false

static const struct idem_sheet_column words[] = {
    {"keys", "keys", COUNT},
    {"words", "words", COUNT},
    {"lr_4", "4 letters", NUMBER},
    {"lr_5", "5", NUMBER},
    {"lr_6", "6", NUMBER},
    {"lr_7", "7", NUMBER},
    {"lr_8", "8", NUMBER},
    {"lr_9", "9", NUMBER},
    {"lr_10", "10", NUMBER},
    {"lr_11", "11", NUMBER},
    {"lr_12", "12", NUMBER},
    {"lr_mean", "all", NUMBER},
    {"lr_accept", "acceptance only", NUMBER},
    {"lr_other", "another word typed", NUMBER},
    {"lr_joined", "two windows joined", NUMBER},
};

static const struct idem_sheet_column worst[] = {
    {"keys", "keys", COUNT},      {"letters", "letters", COUNT}, {"lr", "ratio", NUMBER},
    {"lr_low", "from", NUMBER},   {"lr_high", "to", NUMBER},     {"hit", "pass with it", RATE},
    {"pass", "without it", RATE},
};

static const struct idem_sheet_column strokes[] = {
    {"keys", "keys", COUNT},
    {"solved", "times read off", RATE},
    {"few", "in cells of 1 to 8", RATE},
    {"few_right", "of these read off", RATE},
    {"few_guessed", "guessed", RATE},
    {"lone_right", "of those alone read off", RATE},
    {"lone_guessed", "guessed", RATE},
    {"orders_log2", "orders, log2", NUMBER},
    {"places_log2", "places of holds, log2", NUMBER},
    {"one_order", "one order only", RATE},
    {"chained", "successions known", RATE},
};

static const struct idem_sheet_column recovered[] = {
    {"keys", "keys", COUNT},
    {"words_sought", "words", COUNT},
    {"words_recovered", "read", RATE},
    {"words_by_chance", "by chance", RATE},
    {"passwords_sought", "passwords", COUNT},
    {"passwords_recovered", "read", RATE},
};

static const struct idem_sheet_column cost[] = {
    {"keys", "keys", COUNT},
    {"eer_user_50", "EER per user, 50 keys", RATE},
    {"eer_global_50", "EER global", RATE},
    {"eer_user_100", "EER per user, 100 keys", RATE},
    {"eer_global_100", "EER global", RATE},
    {"eer_user_200", "EER per user, 200 keys", RATE},
    {"eer_global_200", "EER global", RATE},
};

enum { COLUMNS_OF_WORDS = sizeof words / sizeof *words };

static double mean_log(const double *x)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < IDEM_LEAK_LENGTHS; i++)
        if (isfinite(x[i])) {
            sum += log(x[i]);
            n++;
        }
    return n ? exp(sum / n) : NAN;
}

static int words_row(struct idem_sheet_table *t, const struct idem_leak_row *r)
{
    double v[COLUMNS_OF_WORDS] = {r->keys, r->tested};
    for (int i = 0; i < IDEM_LEAK_LENGTHS; i++)
        v[2 + i] = r->lr[i];
    v[2 + IDEM_LEAK_LENGTHS] = mean_log(r->lr);
    v[3 + IDEM_LEAK_LENGTHS] = mean_log(r->accept);
    v[4 + IDEM_LEAK_LENGTHS] = r->other;
    v[5 + IDEM_LEAK_LENGTHS] = r->joined;
    return idem_sheet_row(t, r->level, v);
}

static int worst_rows(struct idem_sheet_table *t, const struct idem_leak_row *r)
{
    int err = 0;
    for (uint32_t i = 0; i < r->worst_count && err == 0; i++) {
        const struct idem_leak_presence *w = &r->worst[i];
        const double v[] = {r->keys,      w->word.len, w->best.lr,  w->best.low,
                            w->best.high, w->best.hit, w->best.pass};
        char label[IDEM_SHEET_LABEL];
        snprintf(label, sizeof label, "%s: %s (%s)", r->level, w->word.text,
                 idem_leak_test_name(w->test));
        err = idem_sheet_row(t, label, v);
    }
    return err;
}

static int strokes_row(struct idem_sheet_table *t, const struct idem_leak_row *r)
{
    const double v[] = {r->keys,        r->solved,     r->few,          r->few_right,
                        r->few_guessed, r->lone_right, r->lone_guessed, r->orders_log2,
                        r->keys_log2,   r->one_order,  r->chained};
    return idem_sheet_row(t, r->level, v);
}

static int recovered_row(struct idem_sheet_table *t, const struct idem_leak_row *r)
{
    const double v[] = {r->keys,
                        r->words_sought,
                        r->words_recovered,
                        r->words_by_chance,
                        r->passwords_sought,
                        r->passwords_recovered};
    return idem_sheet_row(t, r->level, v);
}

static int cost_row(struct idem_sheet_table *t, const struct idem_leak_row *r)
{
    double v[1 + 2 * IDEM_LEAK_PROBES] = {r->keys};
    for (int i = 0; i < IDEM_LEAK_PROBES; i++) {
        v[1 + 2 * i] = r->eer_user[i];
        v[2 + 2 * i] = r->eer_global[i];
    }
    return r->costed ? idem_sheet_row(t, r->level, v) : 0;
}

static const struct {
    const char *key, *title, *note;
    const struct idem_sheet_column *columns;
    int count;
    int (*row)(struct idem_sheet_table *t, const struct idem_leak_row *r);
} tables[] = {
    {"words", "Was this word typed?",
     "The factor by which the odds that a word was typed rise when a window passes the attacker's "
     "best test: P(pass | typed) / P(pass | not typed), geometric mean over words of so many "
     "letters, at a threshold that passes half of the windows with the word. 1 means that nothing "
     "is learned. Another word: the same test's factor where another word of as many letters was "
     "typed in its place; what it has in common with this is not about the word.",
     words, COLUMNS_OF_WORDS, words_row},
    {"worst", "The worst single words", "With 95 % intervals; the worst of many is partly luck.",
     worst, sizeof worst / sizeof *worst, worst_rows},
    {"strokes", "Single strokes and their order",
     "Hold and flight times found within 5 ms from n and the six contrasts; guessed: so many are "
     "near the population's quantiles, without any window. The number of zone sequences that the "
     "counts allow (median), and of ways to place the holds in one; successions of strokes that "
     "down-down and up-up flights give away.",
     strokes, sizeof strokes / sizeof *strokes, strokes_row},
    {"recovered", "Text read",
     "Words of 4 to 12 letters and random passwords of 12 characters that stand in the likeliest "
     "text for a window's counts; by chance: the same text held against other people's words.",
     recovered, sizeof recovered / sizeof *recovered, recovered_row},
    {"cost", "Recognition with such windows",
     "Verification of the people attacked, the first ten sessions enrol, scores not calibrated.",
     cost, sizeof cost / sizeof *cost, cost_row},
};

int idem_leak_sheet(const struct idem_leak_row *rows, uint32_t count, struct idem_sheet *sheet)
{
    const size_t all = sizeof tables / sizeof *tables - (count > 0 && !rows[0].costed);
    int r = 0;
    for (size_t i = 0; i < all && r == 0; i++) {
        struct idem_sheet_table *t =
            idem_sheet_add(sheet, tables[i].key, tables[i].title, tables[i].note, tables[i].columns,
                           tables[i].count);
        r = t ? 0 : IDEM_ERR_NOMEM;
        for (uint32_t k = 0; k < count && r == 0; k++)
            r = tables[i].row(t, &rows[k]);
    }
    return r;
}
