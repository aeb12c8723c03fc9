/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posterior_report.c - calibration as text, JSON and a page with reliability diagrams.
 */
#include "eval/posterior_report.h"

#include <jansson.h>
#include <math.h>

#include "eval/charts.h"
#include "idem/idem.h"

static const struct {
    const char *key, *title;
} tables[] = {
    [IDEM_POSTERIOR_SCORES] = {"scores", "Single scores, by what profile and probe hold"},
    [IDEM_POSTERIOR_FILTER] = {"posterior", "The filter's posterior, its prior taken out"},
    [IDEM_POSTERIOR_FUSION] = {"fusion", "The filter with both modalities or either alone"},
};
enum { TABLES = sizeof tables / sizeof *tables, TEXT = 80 };

static void describe(const struct idem_posterior_row *row, char text[TEXT])
{
    if (row->table == IDEM_POSTERIOR_SCORES)
        snprintf(text, TEXT, "%s, %u windows enrolled, probe of %u strokes%s", row->name,
                 row->profile, row->probe, row->sufficient ? "" : " (insufficient)");
    else if (row->table == IDEM_POSTERIOR_FILTER)
        snprintf(text, TEXT, "after %u window%s", row->probe, row->probe == 1 ? "" : "s");
    else
        snprintf(text, TEXT, "%s, after %u s", row->name, row->probe);
}

static double ratio(const struct idem_posterior_row *row)
{
    return row->cllr_min > 0 ? row->cllr / row->cllr_min : NAN;
}

/* ------------------------------------------------------------------ text */

static bool any(const struct idem_posterior *found, int table)
{
    for (int i = 0; i < found->count; i++)
        if ((int)found->rows[i].table == table)
            return true;
    return false;
}

void idem_posterior_print(const struct idem_posterior_report *r, FILE *to)
{
    char text[TEXT];
    fprintf(to, "calibration, level %s%s\n  population: %s\n", r->level,
            r->chimeric ? ", chimeric people: a typist and a pointer user each" : "",
            r->population);
    for (int t = 0; t < TABLES; t++) {
        if (!any(r->found, t))
            continue;
        fprintf(to, "\n%s\n  %-62s %8s %-17s %8s %7s %7s\n", tables[t].title, "", "Cllr", "",
                "least", "ratio", "EER");
        for (int i = 0; i < r->found->count; i++) {
            const struct idem_posterior_row *row = &r->found->rows[i];
            if ((int)row->table != t)
                continue;
            describe(row, text);
            fprintf(to, "  %-62s %8.4f (%.3f to %.3f) %8.4f %7.2f %5.1f %%\n", text, row->cllr,
                    row->cllr_low, row->cllr_high, row->cllr_min, ratio(row), 100 * row->eer);
        }
    }
    fprintf(to, "\n95 %% intervals in brackets, by drawing people anew. %.1f s.\n", r->seconds);
}

/* ------------------------------------------------------------------ JSON */

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *row_json(const struct idem_posterior_row *row)
{
    json_t *o = json_pack("{s:s}", "name", row->name);
    json_t *bins = json_array();
    int r = 0;
    if (row->table == IDEM_POSTERIOR_SCORES) {
        r |= json_object_set_new(o, "profile_windows", json_integer(row->profile));
        r |= json_object_set_new(o, "probe_strokes", json_integer(row->probe));
        r |= json_object_set_new(o, "sufficient", json_boolean(row->sufficient));
    } else {
        const char *key = row->table == IDEM_POSTERIOR_FILTER ? "windows" : "after_seconds";
        r |= json_object_set_new(o, key, json_integer(row->probe));
    }
    for (int b = 0; b < IDEM_POSTERIOR_BINS; b++)
        r |= json_array_append_new(bins, json_pack("{s:o, s:o}", "claimed", number(row->claimed[b]),
                                                   "seen", number(row->seen[b])));
    r |= json_object_set_new(o, "genuine", json_integer((json_int_t)row->genuine));
    r |= json_object_set_new(o, "impostor", json_integer((json_int_t)row->impostor));
    r |= json_object_set_new(o, "cllr", number(row->cllr));
    r |= json_object_set_new(o, "cllr_ci95",
                             json_pack("[o, o]", number(row->cllr_low), number(row->cllr_high)));
    r |= json_object_set_new(o, "cllr_min", number(row->cllr_min));
    r |= json_object_set_new(o, "ratio", number(ratio(row)));
    r |= json_object_set_new(o, "eer", number(row->eer));
    r |= json_object_set_new(o, "reliability", bins);
    if (r == 0)
        return o;
    json_decref(o);
    return NULL;
}

int idem_posterior_json(const struct idem_posterior_report *report, FILE *to)
{
    json_t *top =
        json_pack("{s:s, s:s, s:b, s:s, s:i, s:f}", "protocol", "calibration", "level",
                  report->level, "chimeric", report->chimeric, "population", report->population,
                  "people_measured", (int)report->found->people, "seconds", report->seconds);
    int r = top ? 0 : -1;
    for (int t = 0; t < TABLES && r == 0; t++) {
        json_t *rows = json_array();
        for (int i = 0; i < report->found->count; i++)
            if ((int)report->found->rows[i].table == t)
                r |= json_array_append_new(rows, row_json(&report->found->rows[i]));
        r |= json_object_set_new(top, tables[t].key, rows);
    }
    if (r == 0)
        r = json_dumpf(top, to, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(top);
    return r != 0 || fputc('\n', to) == EOF || fflush(to) != 0 ? IDEM_ERR_IO : 0;
}

/* ------------------------------------------------------------------ the page */

/* Rows that share a diagram: of the scores those of one modality and probe. */
static bool together(const struct idem_posterior_row *a, const struct idem_posterior_row *b)
{
    if (a->table != b->table)
        return false;
    return a->table == IDEM_POSTERIOR_FILTER ||
           (a->probe == b->probe &&
            (a->table == IDEM_POSTERIOR_FUSION || a->modality == b->modality));
}

static void diagram(const struct idem_posterior_row *rows, int count, FILE *to)
{
    char names[IDEM_CHART_LINES][TEXT], title[TEXT];
    struct idem_chart chart = {.title = "reliability",
                               .x_label = "log-likelihood ratio claimed, nats",
                               .y_label = "seen",
                               .diagonal = true};
    for (int i = 0; i < count && i < IDEM_CHART_LINES; i++) {
        const struct idem_posterior_row *row = &rows[i];
        if (row->table == IDEM_POSTERIOR_SCORES)
            snprintf(names[i], TEXT, "%u windows", row->profile);
        else if (row->table == IDEM_POSTERIOR_FILTER)
            snprintf(names[i], TEXT, "%u windows", row->probe);
        else
            snprintf(names[i], TEXT, "%s", row->name);
        chart.lines[chart.count++] =
            (struct idem_chart_line){names[i], row->claimed, row->seen, IDEM_POSTERIOR_BINS, true};
    }
    if (rows->table == IDEM_POSTERIOR_SCORES)
        snprintf(title, TEXT, "%s, probes of %u strokes", rows->name, rows->probe);
    else if (rows->table == IDEM_POSTERIOR_FILTER)
        snprintf(title, TEXT, "the filter, after so many windows");
    else
        snprintf(title, TEXT, "the filter after %u s", rows->probe);
    fprintf(to, "<section class=\"card\"><h2>%s</h2>\n", title);
    idem_chart_draw(&chart, to);
    fputs("</section>\n", to);
}

static void diagrams(const struct idem_posterior *found, FILE *to)
{
    fputs("<div class=\"plots\">\n", to);
    for (int i = 0, n; i < found->count; i += n) {
        for (n = 1; i + n < found->count && together(&found->rows[i], &found->rows[i + n]); n++)
            ;
        diagram(&found->rows[i], n, to);
    }
    fputs("</div>\n", to);
}

static void table(const struct idem_posterior *found, int t, FILE *to)
{
    char text[TEXT];
    fprintf(to,
            "<section class=\"card\"><h2>%s</h2>\n<table><tr><th></th><th>Cllr, bits</th><th>least"
            "</th><th>ratio</th><th>EER</th><th>genuine</th><th>impostor</th></tr>\n",
            tables[t].title);
    for (int i = 0; i < found->count; i++) {
        const struct idem_posterior_row *row = &found->rows[i];
        if ((int)row->table != t)
            continue;
        describe(row, text);
        fprintf(to,
                "<tr><td>%s</td><td>%.4f<small>%.3f to %.3f</small></td><td>%.4f</td><td>%.2f</td>"
                "<td>%.1f&nbsp;%%</td><td>%zu</td><td>%zu</td></tr>\n",
                text, row->cllr, row->cllr_low, row->cllr_high, row->cllr_min, ratio(row),
                100 * row->eer, row->genuine, row->impostor);
    }
    fputs("</table></section>\n", to);
}

int idem_posterior_html(const struct idem_posterior_report *r, FILE *to)
{
    idem_page_begin("calibration",
                    r->chimeric ? "Are the log-likelihood ratios what they say? People are "
                                  "chimeric: a typist and a pointer user each."
                                : "Are the log-likelihood ratios what they say?",
                    to);
    for (int t = 0; t < TABLES; t++)
        if (any(r->found, t))
            table(r->found, t, to);
    fputs("<p>Reliability: trials sorted by the ratio claimed, in twelve bins of equal weight; in "
          "each the logarithm of how much more often it holds owners than strangers. Bins of one "
          "kind only are left out. On the dashed line a ratio is what it says.</p>\n",
          to);
    diagrams(r->found, to);
    fputs("<section class=\"card\"><h2>How to reproduce</h2>\n<pre>", to);
    idem_page_escape(r->command_line, to);
    fputs("</pre>\n<p>Population: ", to);
    idem_page_escape(r->population, to);
    fputs("</p></section>\n", to);
    idem_page_end(to);
    return fflush(to) == 0 && !ferror(to) ? 0 : IDEM_ERR_IO;
}
