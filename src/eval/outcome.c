/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outcome.c - an evaluation as text and as JSON; the page is in report.c. Rates are fractions in
 * JSON and per cent for people. A figure that cannot be had (nobody has both kinds of probes, say)
 * is null.
 */
#include "eval/outcome.h"

#include <jansson.h>
#include <math.h>

#include "idem/idem.h"

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *range(double low, double high)
{
    return json_pack("[o, o]", number(low), number(high));
}

static json_t *fnmr(json_t *at_01, json_t *at_001)
{
    return json_pack("{s:o, s:o}", "0.01", at_01, "0.001", at_001);
}

static int put_figures(json_t *to, const struct idem_evaluation *e)
{
    const struct idem_figures *f = &e->figures, *lo = &e->low, *hi = &e->high;
    json_t *ci = json_object();
    int r = 0;
    r |= json_object_set_new(to, "users", json_integer(e->users));
    r |= json_object_set_new(to, "genuine", json_integer((json_int_t)e->genuine));
    r |= json_object_set_new(to, "impostor", json_integer((json_int_t)e->impostor));
    r |= json_object_set_new(to, "auc", number(f->auc));
    r |= json_object_set_new(to, "eer_user_mean", number(f->eer_user_mean));
    r |= json_object_set_new(to, "eer_global", number(f->eer_global));
    r |= json_object_set_new(to, "cllr", number(f->cllr));
    r |= json_object_set_new(to, "cllr_min", number(e->cllr_min));
    r |= json_object_set_new(to, "fnmr_at_fmr",
                             fnmr(number(f->fnmr_at_fmr_01), number(f->fnmr_at_fmr_001)));
    r |= json_object_set_new(ci, "auc", range(lo->auc, hi->auc));
    r |= json_object_set_new(ci, "eer_user_mean", range(lo->eer_user_mean, hi->eer_user_mean));
    r |= json_object_set_new(ci, "eer_global", range(lo->eer_global, hi->eer_global));
    r |= json_object_set_new(ci, "cllr", range(lo->cllr, hi->cllr));
    r |= json_object_set_new(ci, "fnmr_at_fmr",
                             fnmr(range(lo->fnmr_at_fmr_01, hi->fnmr_at_fmr_01),
                                  range(lo->fnmr_at_fmr_001, hi->fnmr_at_fmr_001)));
    r |= json_object_set_new(to, "ci95", ci);
    return r;
}

static int put_flips(json_t *to, const struct idem_flips *f)
{
    return json_object_set_new(
        to, "flipped",
        json_pack("{s:o, s:o}", "genuine", number(f->genuine), "impostor", number(f->impostor)));
}

/* blocks: the figures for every number of blocks, the last of which stands on top too. */
static int put_runs(json_t *to, const struct idem_outcome *o)
{
    json_t *runs = json_array();
    int r = 0;
    for (uint32_t i = 0; i < o->runs; i++) {
        json_t *run = json_pack("{s:I}", "blocks", (json_int_t)i + 1);
        r |= put_figures(run, &o->evaluation[i]);
        if (o->resampled)
            r |= put_flips(run, &o->flips[i]);
        r |= json_array_append_new(runs, run);
    }
    return r | json_object_set_new(to, "runs", runs);
}

int idem_outcome_json(const struct idem_outcome *o, FILE *to)
{
    json_t *top = json_pack("{s:s, s:s, s:b}", "protocol", o->protocol, "level", o->level,
                            "recentred", o->recentred);
    uint32_t skipped = 0;
    for (int i = 0; i < o->file_count; i++)
        skipped += o->files[i].skipped;
    int r = top ? put_figures(top, &o->evaluation[o->runs - 1]) : -1;
    if (r == 0 && o->resampled)
        r = put_flips(top, &o->flips[o->runs - 1]);
    if (r == 0 && o->runs > 1)
        r = put_runs(top, o);
    if (r == 0)
        r = json_object_set_new(top, "seconds", json_real(o->seconds));
    if (r == 0)
        r = json_object_set_new(top, "skipped_rows", json_integer(skipped));
    if (r == 0)
        r = json_dumpf(top, to, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(top);
    if (r != 0 || fputc('\n', to) == EOF || fflush(to) != 0)
        return IDEM_ERR_IO;
    return 0;
}

static void line(FILE *to, const char *name, double x, double low, double high, double times,
                 const char *unit)
{
    if (isfinite(x))
        fprintf(to, "  %-16s %8.*f%s   (%.*f to %.*f)\n", name, times > 1 ? 2 : 4, x * times, unit,
                times > 1 ? 2 : 4, low * times, times > 1 ? 2 : 4, high * times);
}

static void print_run(const struct idem_evaluation *e, FILE *to)
{
    const struct idem_figures *f = &e->figures, *lo = &e->low, *hi = &e->high;
    fprintf(to, "  people %u, genuine comparisons %zu, impostor comparisons %zu\n", e->users,
            e->genuine, e->impostor);
    line(to, "AUC", f->auc, lo->auc, hi->auc, 1, "  ");
    line(to, "EER per user", f->eer_user_mean, lo->eer_user_mean, hi->eer_user_mean, 100, " %");
    line(to, "EER global", f->eer_global, lo->eer_global, hi->eer_global, 100, " %");
    line(to, "FNMR at FMR 1 %", f->fnmr_at_fmr_01, lo->fnmr_at_fmr_01, hi->fnmr_at_fmr_01, 100,
         " %");
    line(to, "FNMR at FMR .1 %", f->fnmr_at_fmr_001, lo->fnmr_at_fmr_001, hi->fnmr_at_fmr_001, 100,
         " %");
    line(to, "Cllr", f->cllr, lo->cllr, hi->cllr, 1, "  ");
    fprintf(to, "  %-16s %8.4f\n", "  least possible", e->cllr_min);
}

void idem_outcome_print(const struct idem_outcome *o, FILE *to)
{
    for (uint32_t i = 0; i < o->runs; i++) {
        if (o->runs > 1)
            fprintf(to, "%s, %u block%s\n", o->protocol, i + 1, i ? "s" : "");
        else
            fprintf(to, "%s, level %s%s\n", o->protocol, o->level,
                    o->recentred ? ", centre moved to the enrolled profiles" : "");
        print_run(&o->evaluation[i], to);
        if (o->resampled)
            fprintf(to, "  %-16s %8.2f %%   of genuine, %.2f %% of impostor comparisons\n",
                    "flipped", 100 * o->flips[i].genuine, 100 * o->flips[i].impostor);
    }
    fprintf(to, "95 %% intervals in brackets, by drawing people anew. %.2f s.\n", o->seconds);
}
