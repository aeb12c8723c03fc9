/* SPDX-License-Identifier: Apache-2.0 */
/*
 * takeover_report.c - takeovers as text and as JSON; the page is in takeover_page.c. In JSON an
 * infinite time (a miss) and a figure that cannot be had are null.
 */
#include "eval/takeover_report.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "idem/idem.h"

/* ------------------------------------------------------------------ text */

static void amount(FILE *to, double v, const char *unit)
{
    if (isfinite(v))
        fprintf(to, "%8.0f%s", v, unit);
    else
        fprintf(to, "%8s%*s", isnan(v) ? "-" : "never", (int)strlen(unit), "");
}

static void interval(FILE *to, double low, double high)
{
    fputs("  (", to);
    amount(to, low, "");
    fputs(" to", to);
    amount(to, high, "");
    fputs(")\n", to);
}

static void print_people(const struct idem_takeover_people *p, FILE *to)
{
    fprintf(to,
            "    people                   %5.1f %% had one; the worst 5 %%: %.2f an hour, %.0f %% "
            "of all alarms\n",
            100 * p->troubled, p->worst_per_hour, isnan(p->worst_share) ? 0 : 100 * p->worst_share);
    fprintf(to, "    above one a month        %5.1f %% seen", 100 * p->monthly_seen);
    if (isnan(p->monthly_fitted))
        fputs("; too few alarms to fit how rates spread\n", to);
    else
        fprintf(to, ", %.1f %% by a fitted gamma distribution (worst 5 %%: %.2f an hour)\n",
                100 * p->monthly_fitted, p->worst_fitted);
}

/* What the threshold is worth on people who had no say in it. */
static void print_held_out(const struct idem_takeover_point *p, FILE *to)
{
    if (isnan(p->per_hour))
        return;
    fprintf(to,
            "    thresholds of others     %8.0f  false alarms, %.4f an active hour; %.1f %% "
            "detected, strokes",
            p->alarms, p->per_hour, 100 * p->detected);
    amount(to, p->strokes_p50, "");
    amount(to, p->strokes_p90, "");
    fputs(", seconds", to);
    amount(to, p->seconds_p50, "");
    amount(to, p->seconds_p90, "");
    fputc('\n', to);
}

static void print_point(const struct idem_takeover_figures *f,
                        const struct idem_takeover_operating *o, FILE *to)
{
    fprintf(to, "\n  one false alarm in %.0f active hours", 1 / o->asked);
    if (o->index < 0) {
        fputs(": no threshold is so quiet\n", to);
        return;
    }
    const struct idem_takeover_point *p = &f->curve[o->index];
    fprintf(to, ": threshold %.1f nats (p = %.2g)\n", p->threshold, 1 / (1 + exp(-p->threshold)));
    fprintf(to, "    false alarms             %8.0f  %.4f an active hour (%.4f to %.4f)\n",
            p->alarms, p->per_hour, o->low.per_hour, o->high.per_hour);
    fprintf(to, "                             %8.2f  a seat-week of 40 hours (%.2f to %.2f)\n",
            p->per_hour * IDEM_SEAT_WEEK_H, o->low.per_hour * IDEM_SEAT_WEEK_H,
            o->high.per_hour * IDEM_SEAT_WEEK_H);
    if (!isnan(o->per_year))
        fprintf(to,
                "                             %8.1f  a seat-year, extrapolated by a fitted tail\n",
                o->per_year);
    print_people(&o->people, to);
    fprintf(to, "    detected                 %8.1f %%  (%.1f to %.1f)\n", 100 * p->detected,
            100 * o->low.detected, 100 * o->high.detected);
    const struct {
        const char *name;
        double v, low, high;
    } rows[] = {{"strokes, half of all", p->strokes_p50, o->low.strokes_p50, o->high.strokes_p50},
                {"strokes, 90 %", p->strokes_p90, o->low.strokes_p90, o->high.strokes_p90},
                {"seconds, half of all", p->seconds_p50, o->low.seconds_p50, o->high.seconds_p50},
                {"seconds, 90 %", p->seconds_p90, o->low.seconds_p90, o->high.seconds_p90}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fprintf(to, "    %-24s ", rows[i].name);
        amount(to, rows[i].v, "");
        interval(to, rows[i].low, rows[i].high);
    }
    print_held_out(&o->held_out, to);
}

static void print_curve(const struct idem_takeover_figures *f, FILE *to)
{
    fputs("\n  threshold  false alarms/h   hours between   detected   strokes p50     p90"
          "   seconds p50     p90\n",
          to);
    for (uint32_t k = 0; k < f->count; k++) {
        const struct idem_takeover_point *p = &f->curve[k];
        fprintf(to, "  %9.1f  %14.4f        ", p->threshold, p->per_hour);
        amount(to, p->alarms > 0 ? 1 / p->per_hour : INFINITY, "");
        fprintf(to, "   %6.1f %%      ", 100 * p->detected);
        amount(to, p->strokes_p50, "");
        amount(to, p->strokes_p90, "");
        fputs("      ", to);
        amount(to, p->seconds_p50, "");
        amount(to, p->seconds_p90, "");
        fputc('\n', to);
    }
}

static void print_table(const struct idem_takeover_report *r, int from, int end, const char *title,
                        FILE *to)
{
    fprintf(to, "\n  %-28s %9s %9s %8s %9s %9s %9s %9s %7s %10s\n", title, "alarms/h", "threshold",
            "detected", "strokes50", "strokes90", "seconds50", "seconds90", "bytes", "windows/s");
    for (int i = from; i < end; i++)
        for (int k = 0; k < IDEM_TAKEOVER_POINTS; k++) {
            const struct idem_takeover_outcome *o = &r->runs[i];
            const int index = o->figures.points[k].index;
            fprintf(to, "  %-28s ", o->name);
            if (index < 0) {
                fprintf(to, "no threshold is as quiet as one in %.0f hours\n",
                        1 / o->figures.points[k].asked);
                continue;
            }
            const struct idem_takeover_point *p = &o->figures.curve[index];
            fprintf(to, "%9.4f %9.1f %6.1f %% ", p->per_hour, p->threshold, 100 * p->detected);
            amount(to, p->strokes_p50, "  ");
            amount(to, p->strokes_p90, "  ");
            amount(to, p->seconds_p50, "  ");
            amount(to, p->seconds_p90, "  ");
            fprintf(to, "%6.0f %10.3f\n", o->played.bytes_per_window, o->played.windows_per_second);
        }
}

void idem_takeover_print(const struct idem_takeover_report *r, FILE *to)
{
    const struct idem_takeover *t = &r->runs[0].played;
    fprintf(to, "takeover, level %s: %u people%s, %u takeovers, %.1f active hours of owners\n",
            r->level, t->seats, r->chimeric ? " (chimeric: a typist and a pointer user each)" : "",
            t->trial_count, t->active_hours);
    if (t->left_out)
        fprintf(to, "  %u people left out: not enough recorded to enrol and go on\n", t->left_out);
    fprintf(to, "  population: %s\n", r->population);
    for (int k = 0; k < IDEM_TAKEOVER_POINTS; k++)
        print_point(&r->runs[0].figures, &r->runs[0].figures.points[k], to);
    print_curve(&r->runs[0].figures, to);
    if (r->tables_from > 1)
        print_table(r, 0, r->tables_from, "the filter sees", to);
    if (r->run_count > r->tables_from)
        print_table(r, r->tables_from, r->run_count, "window", to);
    fprintf(to,
            "\nAfter an alarm the filter begins anew and raises nothing for %.0f s. Active time "
            "counts 5 s of\na pause at most. 95 %% intervals in brackets, by drawing people, as "
            "owners and as\nstrangers, then their sessions. %.1f s.\n",
            r->options->seat.refractory_s, r->seconds);
}

/* ------------------------------------------------------------------ JSON */

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *range(double low, double high)
{
    return json_pack("[o, o]", number(low), number(high));
}

static int put(json_t *to, const char *key, json_t *value)
{
    return json_object_set_new(to, key, value);
}

static int put_point(json_t *to, const struct idem_takeover_point *p)
{
    int r = put(to, "threshold", number(p->threshold));
    r |= put(to, "false_alarms", number(p->alarms));
    r |= put(to, "false_alarms_per_hour", number(p->per_hour));
    r |= put(to, "false_alarms_per_seat_week", number(p->per_hour * IDEM_SEAT_WEEK_H));
    r |= put(to, "detected", number(p->detected));
    r |= put(to, "strokes_p50", number(p->strokes_p50));
    r |= put(to, "strokes_p90", number(p->strokes_p90));
    r |= put(to, "seconds_p50", number(p->seconds_p50));
    r |= put(to, "seconds_p90", number(p->seconds_p90));
    return r;
}

static json_t *intervals(const struct idem_takeover_operating *o)
{
    const struct idem_takeover_point *a = &o->low, *b = &o->high;
    json_t *ci = json_object();
    int r = put(ci, "false_alarms_per_hour", range(a->per_hour, b->per_hour));
    r |= put(ci, "false_alarms_per_seat_week",
             range(a->per_hour * IDEM_SEAT_WEEK_H, b->per_hour * IDEM_SEAT_WEEK_H));
    r |= put(ci, "detected", range(a->detected, b->detected));
    r |= put(ci, "strokes_p50", range(a->strokes_p50, b->strokes_p50));
    r |= put(ci, "strokes_p90", range(a->strokes_p90, b->strokes_p90));
    r |= put(ci, "seconds_p50", range(a->seconds_p50, b->seconds_p50));
    r |= put(ci, "seconds_p90", range(a->seconds_p90, b->seconds_p90));
    if (r == 0)
        return ci;
    json_decref(ci);
    return NULL;
}

static json_t *spread(const struct idem_takeover_people *p)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "with_an_alarm", number(p->troubled),
                     "worst_5_percent_per_hour", number(p->worst_per_hour), "worst_5_percent_share",
                     number(p->worst_share), "worst_5_percent_per_hour_fitted",
                     number(p->worst_fitted), "above_one_a_month", number(p->monthly_seen),
                     "above_one_a_month_fitted", number(p->monthly_fitted));
}

/* A point that does not exist has its keys all the same, all of them null. */
static int put_operating(json_t *to, const struct idem_takeover_figures *f, int point)
{
    static const struct idem_takeover_point none = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    static const struct idem_takeover_people nobody = {NAN, NAN, NAN, NAN, NAN, NAN};
    const struct idem_takeover_operating *o = &f->points[point];
    struct idem_takeover_operating empty = *o;
    empty.low = empty.high = none;
    const bool there = o->index >= 0;
    int r = put_point(to, there ? &f->curve[o->index] : &none);
    r |= put(to, "ci95", intervals(there ? o : &empty));
    r |= put(to, "people", spread(there ? &o->people : &nobody));
    r |= put(to, "false_alarms_per_seat_year_extrapolated", number(there ? o->per_year : NAN));
    json_t *held_out = json_object();
    r |= put_point(held_out, &o->held_out);
    r |= put(to, "held_out", held_out);
    return r;
}

static json_t *points_of(const struct idem_takeover_figures *f)
{
    json_t *points = json_array();
    int r = 0;
    for (int k = 0; k < IDEM_TAKEOVER_POINTS; k++) {
        json_t *point = json_pack("{s:f, s:f}", "asked_per_hour", f->points[k].asked,
                                  "asked_hours_between", 1 / f->points[k].asked);
        r |= put_operating(point, f, k);
        r |= json_array_append_new(points, point);
    }
    (void)r;
    return points;
}

static json_t *curve_of(const struct idem_takeover_figures *f)
{
    json_t *curve = json_array();
    for (uint32_t k = 0; k < f->count; k++) {
        json_t *point = json_object();
        if (put_point(point, &f->curve[k]) != 0 || json_array_append_new(curve, point) != 0)
            break;
    }
    return curve;
}

static json_t *run_of(const struct idem_takeover_outcome *o)
{
    return json_pack("{s:s, s:i, s:i, s:o, s:o, s:f, s:f, s:f}", "name", o->name, "keys",
                     (int)o->targets.keys, "gestures", (int)o->targets.gestures, "operating_points",
                     points_of(&o->figures), "curve", curve_of(&o->figures), "bytes_per_window",
                     o->played.bytes_per_window, "windows_per_second", o->played.windows_per_second,
                     "active_hours", o->played.active_hours);
}

static json_t *per_person(const struct idem_takeover_outcome *o)
{
    const struct idem_takeover *t = &o->played;
    const int k = o->figures.points[IDEM_TAKEOVER_DEFAULT_POINT].index;
    json_t *list = json_array();
    for (uint32_t i = 0; i < t->session_count && k >= 0;) {
        const uint32_t seat = t->sessions[i].seat;
        double alarms = 0, hours = 0;
        for (; i < t->session_count && t->sessions[i].seat == seat; i++) {
            alarms += t->sessions[i].alarms[k];
            hours += t->sessions[i].active_s / 3600;
        }
        json_array_append_new(list, json_pack("{s:s, s:f, s:f}", "name", t->names[seat],
                                              "active_hours", hours, "false_alarms", alarms));
    }
    return list;
}

static json_t *tail_of(const struct idem_takeover_figures *f)
{
    if (!f->has_tail)
        return json_null();
    return json_pack("{s:s, s:f, s:f, s:f, s:i, s:o}", "kind",
                     "generalised Pareto over the lowest fifth of quarter-hour minima", "start",
                     -f->tail.start, "scale", f->tail.scale, "shape", f->tail.shape, "exceeding",
                     (int)f->tail.count, "threshold_for_one_a_seat_year",
                     number(f->yearly_threshold));
}

static json_t *rules(const struct idem_takeover_report *r)
{
    const struct idem_seat_options *s = &r->options->seat;
    return json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:f}", "statistic",
                     "log_odds_recent, read with every window", "refractory_s", s->refractory_s,
                     "pause_counts_at_most_s", (double)IDEM_REEL_PAUSE_US / 1e6, "handover_s",
                     (double)IDEM_REEL_HANDOVER_US / 1e6, "horizon_s", r->options->horizon_s,
                     "prior", s->params.prior, "hazard_per_hour", s->params.hazard_per_hour,
                     "enrol_keys", (int)s->enrol[IDEM_KEYBOARD], "enrol_gestures",
                     (int)s->enrol[IDEM_POINTER], "enrol_share", s->enrol_share);
}

static int put_all(json_t *top, const struct idem_takeover_report *report)
{
    const struct idem_takeover_outcome *o = &report->runs[0];
    json_t *fusion = json_array(), *windows = json_array();
    int r = put_operating(top, &o->figures, IDEM_TAKEOVER_DEFAULT_POINT);
    r |= put(top, "curve", curve_of(&o->figures));
    r |= put(top, "operating_points", points_of(&o->figures));
    r |= put(top, "per_person", per_person(o));
    r |= put(top, "tail", tail_of(&o->figures));
    r |= put(top, "rules", rules(report));
    r |= put(top, "chimeric", json_boolean(report->chimeric));
    r |= put(top, "population", json_string(report->population));
    r |= put(top, "takeovers", json_integer(o->played.trial_count));
    r |= put(top, "people_measured", json_integer(o->played.seats));
    r |= put(top, "people_left_out", json_integer(o->played.left_out));
    r |= put(top, "active_hours", number(o->played.active_hours));
    for (int i = 0; i < report->tables_from && report->tables_from > 1; i++)
        r |= json_array_append_new(fusion, run_of(&report->runs[i]));
    for (int i = report->tables_from; i < report->run_count; i++)
        r |= json_array_append_new(windows, run_of(&report->runs[i]));
    r |= put(top, "fusion", fusion);
    r |= put(top, "windows", windows);
    r |= put(top, "seconds", number(report->seconds));
    return r;
}

int idem_takeover_json(const struct idem_takeover_report *report, FILE *to)
{
    json_t *top = json_pack("{s:s, s:s}", "protocol", "takeover", "level", report->level);
    int r = top ? put_all(top, report) : -1;
    if (r == 0)
        r = json_dumpf(top, to, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(top);
    return r != 0 || fputc('\n', to) == EOF || fflush(to) != 0 ? IDEM_ERR_IO : 0;
}
