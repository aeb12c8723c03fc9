/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.c - an evaluation as one self-contained page: no script, no font, no link to anywhere.
 *
 * Every string that comes from outside (paths, the command line) is escaped.
 */
#include <math.h>

#include "eval/outcome.h"
#include "eval/plots.h"
#include "idem/idem.h"

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b2430;--soft:#5b6675;--line:#dde3ea;--page:#f6f8fa;"
    "--card:#fff;--owner:#0f7b6c;--other:#c2571a}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#97a3b3;--line:#2c3643;"
    "--page:#10151c;--card:#171e27;--owner:#3cc4ae;--other:#f0904f}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n"
    "main{max-width:1180px;margin:0 auto;padding:32px 20px 48px}\n"
    "h1{font-size:26px;margin:0 0 4px}h2{font-size:17px;margin:0 0 12px}\n"
    "p{margin:0 0 12px;color:var(--soft)}.lead{margin-bottom:24px}\n"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px;"
    "margin-bottom:20px;overflow-x:auto}\n"
    ".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:"
    "20px}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\n"
    "th,td{text-align:right;padding:7px 12px;border-bottom:1px solid "
    "var(--line);white-space:nowrap}\n"
    "th:first-child,td:first-child{text-align:left;padding-left:0}.one "
    "td:first-child"
    "{padding-right:32px}.many small{display:block}td.path{white-space:normal}\n"
    "th{font-weight:600;color:var(--soft);font-size:14px}tr:last-child td{border-bottom:0}\n"
    "td small{color:var(--soft);font-size:14px}td.path{overflow-wrap:anywhere;min-width:220px}\n"
    "pre{margin:0;padding:12px 14px;background:var(--page);border:1px solid var(--line);"
    "border-radius:8px;white-space:pre-wrap;overflow-wrap:anywhere;font-size:14px}\n"
    "svg{display:block;width:100%;height:auto;overflow:visible}\n"
    "svg text{font:13px system-ui,sans-serif;fill:var(--soft)}svg .label{fill:var(--ink)}\n"
    ".grid{stroke:var(--line)}.even{stroke:var(--soft);stroke-dasharray:3 4}"
    ".zero{stroke:var(--soft)}\n"
    ".frame{fill:none;stroke:var(--line)}.curve{fill:none;stroke:var(--owner);stroke-width:2.2;"
    "stroke-linejoin:round}.dot{fill:var(--owner);stroke:var(--card);stroke-width:2}\n"
    ".genuine{fill:var(--owner);fill-opacity:.45;stroke:var(--owner)}"
    ".impostor{fill:var(--other);fill-opacity:.35;stroke:var(--other)}\n"
    ".key{display:inline-block;width:12px;height:12px;border-radius:3px;margin:0 6px 0 0}"
    ".key+span{margin-right:18px}.key.o{background:var(--owner)}.key.i{background:var(--other)}\n";

static void escaped(const char *text, FILE *to)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", to);
            break;
        case '<':
            fputs("&lt;", to);
            break;
        case '>':
            fputs("&gt;", to);
            break;
        case '"':
            fputs("&quot;", to);
            break;
        default:
            fputc((unsigned char)*text < 32 ? ' ' : *text, to);
        }
    }
}

static const struct {
    const char *name;
    size_t offset;
    bool rate;
} rows[] = {
    {"EER, mean over people", offsetof(struct idem_figures, eer_user_mean), true},
    {"EER, one threshold", offsetof(struct idem_figures, eer_global), true},
    {"FNMR at FMR 1&nbsp;%", offsetof(struct idem_figures, fnmr_at_fmr_01), true},
    {"FNMR at FMR 0.1&nbsp;%", offsetof(struct idem_figures, fnmr_at_fmr_001), true},
    {"AUC", offsetof(struct idem_figures, auc), false},
    {"Cllr, bits", offsetof(struct idem_figures, cllr), false},
};

static double member(const struct idem_figures *f, size_t offset)
{
    return *(const double *)(const void *)((const char *)f + offset);
}

/* The value, and its interval below it or (alone) in a column of its own. */
static void cell(const struct idem_evaluation *e, size_t row, bool alone, FILE *to)
{
    double x = member(&e->figures, rows[row].offset), lo = member(&e->low, rows[row].offset),
           hi = member(&e->high, rows[row].offset);
    const char *between = alone ? "</td><td>" : " ";
    if (!isfinite(x))
        fprintf(to, "<td>&ndash;%s</td>", between);
    else if (rows[row].rate)
        fprintf(to, "<td>%.2f&nbsp;%%%s<small>%.2f&ndash;%.2f</small></td>", x * 100, between,
                lo * 100, hi * 100);
    else
        fprintf(to, "<td>%.4f%s<small>%.4f&ndash;%.4f</small></td>", x, between, lo, hi);
}

/* Rows without intervals. */
static void amounts(const struct idem_outcome *o, FILE *to)
{
    static const char *const names[] = {"least Cllr, if re-calibrated", "people",
                                        "genuine comparisons", "impostor comparisons"};
    for (int row = 0; row < 4; row++) {
        fprintf(to, "<tr><td>%s</td>", names[row]);
        for (uint32_t i = 0; i < o->runs; i++) {
            const struct idem_evaluation *e = &o->evaluation[i];
            const size_t count[] = {0, e->users, e->genuine, e->impostor};
            if (row == 0)
                fprintf(to, "<td>%.4f</td>", e->cllr_min);
            else
                fprintf(to, "<td>%zu</td>", count[row]);
        }
        fputs(o->runs == 1 ? "<td></td></tr>\n" : "</tr>\n", to);
    }
}

static void figures(const struct idem_outcome *o, FILE *to)
{
    fprintf(to, "<section class=\"card\"><h2>Figures</h2>\n<table class=\"%s\"><tr><th></th>",
            o->runs > 1 ? "many" : "one");
    for (uint32_t i = 0; i < o->runs; i++)
        if (o->runs > 1)
            fprintf(to, "<th>%u block%s</th>", i + 1, i ? "s" : "");
        else
            fputs("<th>value</th><th>95&nbsp;% interval</th>", to);
    fputs("</tr>\n", to);
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        fprintf(to, "<tr><td>%s</td>", rows[row].name);
        for (uint32_t i = 0; i < o->runs; i++)
            cell(&o->evaluation[i], row, o->runs == 1, to);
        fputs("</tr>\n", to);
    }
    amounts(o, to);
    fputs("</table></section>\n", to);
}

static void plots(const struct idem_outcome *o, FILE *to)
{
    const struct idem_evaluation *e = &o->evaluation[o->runs - 1];
    char of[32] = "";
    if (o->runs > 1)
        snprintf(of, sizeof of, ", %u blocks", o->runs);
    fprintf(to, "<div class=\"plots\"><section class=\"card\"><h2>Detection%s</h2>\n", of);
    idem_plot_det(&o->results, e->figures.eer_global, to);
    fprintf(to, "</section>\n<section class=\"card\"><h2>Scores%s</h2>\n", of);
    idem_plot_scores(&o->results, to);
    fputs("<p style=\"margin:12px 0 0\"><i class=\"key o\"></i><span>the owner</span>"
          "<i class=\"key i\"></i><span>other people</span></p></section></div>\n",
          to);
}

static void files(const struct idem_outcome *o, FILE *to)
{
    fputs("<section class=\"card\"><h2>Files</h2><table><tr><th>file</th><th>used "
          "for</th><th>bytes</th><th>people</th><th>rows</th>"
          "<th>lost releases</th><th>bad rows skipped</th></tr>\n",
          to);
    for (int i = 0; i < o->file_count; i++) {
        const struct idem_outcome_file *f = &o->files[i];
        fputs("<tr><td class=\"path\">", to);
        escaped(f->path, to);
        fprintf(to, "</td><td>%s</td><td>%llu</td>", f->use, (unsigned long long)f->bytes);
        if (f->rows)
            fprintf(to, "<td>%u</td><td>%u</td><td>%u</td><td>%u</td></tr>\n", f->people, f->rows,
                    f->lost, f->skipped);
        else
            fputs("<td></td><td></td><td></td><td></td></tr>\n", to);
    }
    fputs("</table></section>\n", to);
}

static void reproduce(const struct idem_outcome *o, FILE *to)
{
    fputs("<section class=\"card\"><h2>How to reproduce</h2>\n<pre>", to);
    escaped(o->command_line, to);
    fprintf(to, "</pre>\n<p style=\"margin:12px 0\">front %016llx, level ",
            (unsigned long long)o->front_id);
    escaped(o->level, to);
    fprintf(to,
            ", computed in %.2f s. Intervals: 2.5 %% to 97.5 %% of the figures that come out when "
            "people are drawn anew with replacement, each with all comparisons as owner and as "
            "impostor; the draw is the same every time.</p>\n",
            o->seconds);
    fputs("</section>\n", to);
}

static const char *lead(const struct idem_outcome *o)
{
    switch (o->protocol[0]) {
    case 'v':
        return "Typing: probes of later sessions against profiles from earlier ones. The impostors "
               "of a person are the first probes of all others.";
    case 'b':
        return "Pointer: runs of consecutive blocks of events against profiles from other "
               "sessions. "
               "The impostors of a person are all runs of all others.";
    default:
        return "Pointer: each labelled session against its account&rsquo;s profile. The impostors "
               "are other account owners, whom the population may know: a stranger can be harder.";
    }
}

int idem_outcome_html(const struct idem_outcome *o, FILE *to)
{
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<title>idem evaluation: ",
          to);
    escaped(o->protocol, to);
    fprintf(to, "</title>\n<style>\n%s</style></head>\n<body><main>\n<h1>", style);
    escaped(o->protocol, to);
    fputs(", level ", to);
    escaped(o->level, to);
    if (o->recentred)
        fputs(", centre moved to the enrolled profiles", to);
    fprintf(to, "</h1>\n<p class=\"lead\">%s</p>\n", lead(o));
    fputs(o->runs == 1 ? "<div class=\"plots\">" : "<div>", to); /* side by side when narrow */
    figures(o, to);
    reproduce(o, to);
    fputs("</div>\n", to);
    plots(o, to);
    files(o, to);
    fputs("</main></body></html>\n", to);
    return fflush(to) == 0 && !ferror(to) ? 0 : IDEM_ERR_IO;
}
