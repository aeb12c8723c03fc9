/* SPDX-License-Identifier: Apache-2.0 */
/* replays_report.c - the counts of replays.h as tables. */
#include <math.h>

#include "eval/injection.h"
#include "eval/replays.h"

#define COUNT IDEM_SHEET_COUNT, false
#define RATE  IDEM_SHEET_RATE, false

/* The checks, in the order of enum idem_replays_check; the last is the decoder's own. */
#define CHECKS(KIND)                                                                               \
    {"whole", "sent before", KIND}, {"seen", "by others", KIND}, {"parts", "parts of it", KIND},   \
        {"near", "near", KIND}, {"shifted", "shifted", KIND}, {"bent", "thin cells", KIND},        \
        {"wholes", "whole counts", KIND}, {"loose", "no path", KIND},                              \
    {                                                                                              \
        "even", "too even", KIND                                                                   \
    }

static const struct idem_sheet_column honest[] = {
    {"windows", "windows", COUNT},
    {"false_alarms", "false", COUNT},
    {"upper95", "at most", RATE},
    CHECKS(COUNT),
    {"same_text", "same keys", COUNT},
    {"nearest", "nearest, bits", COUNT},
    {"nearest_shifted", "moved, bits", COUNT},
    {"least_even", "least scatter", IDEM_SHEET_NUMBER, false},
};

static const struct idem_sheet_column attacks[] = {
    {"windows", "windows", COUNT},
    {"found", "found", RATE},
    {"low", "from", RATE},
    {"high", "to", RATE},
    CHECKS(RATE),
    {"refused", "refused", RATE},
};

enum {
    HONEST = sizeof honest / sizeof *honest,
    ATTACKS = sizeof attacks / sizeof *attacks,
};

static const char *const honest_names[IDEM_HONESTS] = {"as recorded", "whole sessions",
                                                       "clock of 15.6 ms", "clock of 100 ms"};

/* Wilson's interval of a share. */
static void interval(double found, double of, double *low, double *high)
{
    const double z = 1.96, p = found / of, n = 1 + z * z / of;
    const double middle = p + z * z / (2 * of);
    const double off = z * sqrt(p * (1 - p) / of + z * z / (4 * of * of));
    *low = fmax(0, (middle - off) / n);
    *high = fmin(1, (middle + off) / n);
}

static int honest_row(const struct idem_replays_count *c, const char *name,
                      struct idem_sheet_table *table)
{
    double v[HONEST] = {(double)c->windows, (double)c->found,
                        fmin(1, idem_injection_upper95(c->found) / (double)c->windows)};
    int at = 3;
    for (int i = 0; i < IDEM_CHECK_REFUSED; i++)
        v[at++] = (double)c->by[i];
    v[at++] = (double)c->same_text;
    v[at++] = c->nearest;
    v[at++] = c->shifted;
    v[at++] = c->even > 0 ? c->even : NAN;
    return idem_sheet_row(table, name, v);
}

static int attack_row(const struct idem_replays_count *c, const char *name,
                      struct idem_sheet_table *table)
{
    const double of = (double)c->windows;
    double v[ATTACKS] = {of, (double)c->found / of};
    int at = 4;
    interval((double)c->found, of, &v[2], &v[3]);
    for (int i = 0; i < IDEM_CHECKS; i++)
        v[at++] = (double)c->by[i] / of;
    return idem_sheet_row(table, name, v);
}

int idem_replays_report(struct idem_replays *replays, enum idem_modality modality,
                        struct idem_sheet *sheet)
{
    struct idem_sheet_table *table = idem_sheet_add(
        sheet, "honest", "honest windows",
        "false: windows that any check accuses; at most: upper end of a one-sided 95 % interval "
        "(of none: three divided by the windows). same keys: windows whose counts had occurred "
        "before. nearest: fewest near bits of 256 between a window and one before; moved: the same "
        "where the keys were "
        "the same, a constant taken out of the times; least scatter: around the profile, of what "
        "independent strokes have.",
        honest, HONEST);
    int r = table ? 0 : IDEM_ERR_NOMEM;
    for (int h = 0; h < IDEM_HONESTS && r == 0; h++)
        if (replays->honest[h].windows > 0)
            r = honest_row(&replays->honest[h], honest_names[h], table);
    if (r == 0 && replays->distances.pairs > 0)
        r = idem_distances_report(&replays->distances, honest_names[0], sheet);
    if (r == 0)
        table = idem_sheet_add(
            sheet, "attacks", modality == IDEM_KEYBOARD ? "attacks, keyboard" : "attacks, pointer",
            "found: by any check, with its 95 % interval (Wilson); then the share that each check "
            "finds; refused: no collector can send it and the decoder says so.",
            attacks, ATTACKS);
    r = r == 0 && !table ? IDEM_ERR_NOMEM : r;
    for (int i = 0; i < idem_attack_count && r == 0; i++)
        if (replays->attacks[i].windows > 0)
            r = attack_row(&replays->attacks[i], idem_attacks[i].name, table);
    return r;
}
