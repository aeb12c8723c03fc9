/* SPDX-License-Identifier: Apache-2.0 */
/*
 * takeover_page.c - takeovers as one self-contained page: the curve, the operating points, the
 * rules, the files, how to reproduce.
 */
#include "eval/takeover_report.h"

#include <math.h>

#include "eval/charts.h"
#include "idem/idem.h"

/* The curve's columns, for the charts. */
struct columns {
    double hours[IDEM_TAKEOVER_THRESHOLDS], p50[2][IDEM_TAKEOVER_THRESHOLDS],
        p90[2][IDEM_TAKEOVER_THRESHOLDS], detected[IDEM_TAKEOVER_THRESHOLDS];
};

static void fill(const struct idem_takeover_figures *f, struct columns *c)
{
    for (uint32_t k = 0; k < f->count; k++) {
        const struct idem_takeover_point *p = &f->curve[k];
        c->hours[k] = p->alarms > 0 ? 1 / p->per_hour : NAN; /* none seen: beyond the scale */
        c->p50[0][k] = p->strokes_p50;
        c->p90[0][k] = p->strokes_p90;
        c->p50[1][k] = p->seconds_p50;
        c->p90[1][k] = p->seconds_p90;
        c->detected[k] = 100 * p->detected;
    }
}

static void curves(const struct idem_takeover_figures *f, FILE *to)
{
    static const char x_label[] = "active hours between two false alarms";
    static const char *const labels[] = {"strokes to detection", "seconds to detection"};
    struct columns c;
    fill(f, &c);
    fputs("<div class=\"plots\">\n", to);
    for (int i = 0; i < 2; i++) {
        const struct idem_chart chart = {
            .title = labels[i],
            .x_label = x_label,
            .y_label = labels[i],
            .log_x = true,
            .log_y = true,
            .lines = {{"half of all", c.hours, c.p50[i], f->count, false},
                      {"90 %", c.hours, c.p90[i], f->count, false}},
            .count = 2};
        fprintf(to, "<section class=\"card\"><h2>False alarms against %s</h2>\n", labels[i]);
        idem_chart_draw(&chart, to);
        fputs(
            "<p>Over all takeovers. A line ends where a miss is reached: infinite.</p></section>\n",
            to);
    }
    const struct idem_chart chart = {.title = "share detected",
                                     .x_label = x_label,
                                     .y_label = "takeovers detected, %",
                                     .log_x = true,
                                     .lines = {{"detected", c.hours, c.detected, f->count, false}},
                                     .count = 1};
    fputs("<section class=\"card\"><h2>False alarms against the share detected</h2>\n", to);
    idem_chart_draw(&chart, to);
    fputs("</section></div>\n", to);
}

static void cell(FILE *to, double v, const char *format)
{
    fputs("<td>", to);
    if (isinf(v))
        fputs("never", to);
    else if (isnan(v))
        fputs("&ndash;", to);
    else
        fprintf(to, format, v);
}

static void with_interval(FILE *to, double v, double low, double high, const char *format)
{
    cell(to, v, format);
    fputs("<small>", to);
    const double ends[] = {low, high};
    for (int i = 0; i < 2; i++) {
        if (isinf(ends[i]))
            fputs("never", to);
        else
            fprintf(to, format, ends[i]);
        fputs(i == 0 ? " to " : "</small></td>", to);
    }
}

static void point_row(const struct idem_takeover_figures *f,
                      const struct idem_takeover_operating *o, FILE *to)
{
    fprintf(to, "<tr><td>one in %.0f active hours</td>", 1 / o->asked);
    if (o->index < 0) {
        fputs("<td colspan=\"8\">no threshold is so quiet</td></tr>\n", to);
        return;
    }
    const struct idem_takeover_point *p = &f->curve[o->index], *a = &o->low, *b = &o->high;
    with_interval(to, p->per_hour, a->per_hour, b->per_hour, "%.4f");
    with_interval(to, p->per_hour * IDEM_SEAT_WEEK_H, a->per_hour * IDEM_SEAT_WEEK_H,
                  b->per_hour * IDEM_SEAT_WEEK_H, "%.2f");
    with_interval(to, 100 * p->detected, 100 * a->detected, 100 * b->detected, "%.1f&nbsp;%%");
    with_interval(to, p->strokes_p50, a->strokes_p50, b->strokes_p50, "%.0f");
    with_interval(to, p->strokes_p90, a->strokes_p90, b->strokes_p90, "%.0f");
    with_interval(to, p->seconds_p50, a->seconds_p50, b->seconds_p50, "%.0f");
    with_interval(to, p->seconds_p90, a->seconds_p90, b->seconds_p90, "%.0f");
    cell(to, o->per_year, "%.1f");
    fputs("</td></tr>\n", to);
}

static void points(const struct idem_takeover_report *r, FILE *to)
{
    const struct idem_takeover_figures *f = &r->runs[0].figures;
    fputs("<section class=\"card\"><h2>Operating points</h2>\n<table><tr><th>at most</th><th>false "
          "alarms<br>an active hour</th><th>a seat-week</th><th>detected</th><th>strokes<br>half "
          "of all</th><th>90&nbsp;%</th><th>seconds<br>half of all</th><th>90&nbsp;%</th>"
          "<th>a seat-year,<br>extrapolated</th></tr>\n",
          to);
    for (int k = 0; k < IDEM_TAKEOVER_POINTS; k++)
        point_row(f, &f->points[k], to);
    fputs("</table></section>\n", to);
}

static void people(const struct idem_takeover_report *r, FILE *to)
{
    const struct idem_takeover_figures *f = &r->runs[0].figures;
    fputs("<section class=\"card\"><h2>Over people</h2>\n<table><tr><th>at most</th><th>with an "
          "alarm</th><th>worst 5&nbsp;%: an hour</th><th>of all alarms</th><th>fitted</th>"
          "<th>above one a month</th><th>fitted</th></tr>\n",
          to);
    for (int k = 0; k < IDEM_TAKEOVER_POINTS; k++) {
        const struct idem_takeover_people *p = &f->points[k].people;
        const double cells[] = {100 * p->troubled, p->worst_per_hour,     100 * p->worst_share,
                                p->worst_fitted,   100 * p->monthly_seen, 100 * p->monthly_fitted};
        static const char *const formats[] = {"%.1f&nbsp;%%", "%.2f",         "%.0f&nbsp;%%",
                                              "%.3f",         "%.1f&nbsp;%%", "%.1f&nbsp;%%"};
        fprintf(to, "<tr><td>one in %.0f active hours</td>", 1 / f->points[k].asked);
        for (int i = 0; i < 6; i++) {
            cell(to, f->points[k].index < 0 ? NAN : cells[i], formats[i]);
            fputs("</td>", to);
        }
        fputs("</tr>\n", to);
    }
    fputs(
        "</table><p>Fitted: people's rates gamma distributed, alarms Poisson in each one's hours. "
        "A person is recorded for less than an hour, so what is seen says little about a month."
        "</p></section>\n",
        to);
}

static void runs(const struct idem_takeover_report *r, int from, int end, const char *title,
                 FILE *to)
{
    fprintf(to,
            "<section class=\"card\"><h2>%s</h2>\n<table><tr><th></th><th>at most</th><th>detected"
            "</th><th>strokes p50</th><th>p90</th><th>seconds p50</th><th>p90</th><th>bytes a "
            "window</th><th>windows a second<br>and active seat</th></tr>\n",
            title);
    for (int i = from; i < end; i++)
        for (int k = 0; k < IDEM_TAKEOVER_POINTS; k++) {
            const struct idem_takeover_outcome *o = &r->runs[i];
            const int index = o->figures.points[k].index;
            const struct idem_takeover_point *p = &o->figures.curve[index < 0 ? 0 : index];
            const double cells[] = {100 * p->detected, p->strokes_p50, p->strokes_p90,
                                    p->seconds_p50, p->seconds_p90};
            fprintf(to, "<tr><td>%s</td><td>one in %.0f h</td>", o->name,
                    1 / o->figures.points[k].asked);
            for (int c = 0; c < 5; c++) {
                cell(to, index < 0 ? NAN : cells[c], c == 0 ? "%.1f&nbsp;%%" : "%.0f");
                fputs("</td>", to);
            }
            fprintf(to, "<td>%.0f</td><td>%.3f</td></tr>\n", o->played.bytes_per_window,
                    o->played.windows_per_second);
        }
    fputs("</table></section>\n", to);
}

static void about(const struct idem_takeover_report *r, FILE *to)
{
    const struct idem_takeover *t = &r->runs[0].played;
    fprintf(
        to,
        "<section class=\"card\"><h2>Rules, files, how to reproduce</h2>\n<p>%u people (%u left "
        "out), %u takeovers, %.1f active hours of owners; population: ",
        t->seats, t->left_out, t->trial_count, t->active_hours);
    idem_page_escape(r->population, to);
    fprintf(to,
            ". The statistic is the filter&rsquo;s log_odds_recent, read with every window; "
            "after an alarm the filter begins anew and raises nothing for %.0f s. Active time "
            "counts 5 s of a pause at most. A stranger begins 1 s after the owner stopped and is "
            "missed after %.0f s of activity. A seat-week is 40 active hours. Intervals: people "
            "drawn anew, as owners and as strangers, then their sessions.</p>\n<pre>",
            r->options->seat.refractory_s, r->options->horizon_s);
    idem_page_escape(r->command_line, to);
    fputs("</pre>\n<table><tr><th>file</th><th>used for</th><th>people</th><th>rows</th></tr>\n",
          to);
    for (int i = 0; i < r->file_count; i++) {
        fputs("<tr><td>", to);
        idem_page_escape(r->files[i].path, to);
        fprintf(to, "</td><td>%s</td><td>%u</td><td>%u</td></tr>\n", r->files[i].use,
                r->files[i].people, r->files[i].rows);
    }
    fputs("</table></section>\n", to);
}

int idem_takeover_html(const struct idem_takeover_report *r, FILE *to)
{
    idem_page_begin("takeover",
                    r->chimeric ? "How often the owner is troubled, how soon a stranger is "
                                  "noticed. People are chimeric: a typist and a pointer user each."
                                : "How often the owner is troubled, how soon a stranger is "
                                  "noticed.",
                    to);
    points(r, to);
    curves(&r->runs[0].figures, to);
    people(r, to);
    if (r->tables_from > 1)
        runs(r, 0, r->tables_from, "What the filter sees", to);
    if (r->run_count > r->tables_from)
        runs(r, r->tables_from, r->run_count, "Window length", to);
    about(r, to);
    idem_page_end(to);
    return fflush(to) == 0 && !ferror(to) ? 0 : IDEM_ERR_IO;
}
