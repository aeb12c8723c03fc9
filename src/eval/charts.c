/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charts.c - see charts.h. A chart is 560 x 400 units; numbers carry one decimal, which is finer
 * than a pixel.
 */
#include "eval/charts.h"

#include <math.h>

enum { WIDTH = 560, HEIGHT = 400, LEFT = 64, RIGHT = 16, TOP = 34, BOTTOM = 52 };

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b2430;--soft:#5b6675;--line:#dde3ea;--page:#f6f8fa;"
    "--card:#fff;--c0:#0f7b6c;--c1:#c2571a;--c2:#3b5bbf;--c3:#8a3f9c}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#97a3b3;--line:#2c3643;"
    "--page:#10151c;--card:#171e27;--c0:#3cc4ae;--c1:#f0904f;--c2:#8aa4ff;--c3:#d79be6}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n"
    "main{max-width:1180px;margin:0 auto;padding:32px 20px 48px}\n"
    "h1{font-size:26px;margin:0 0 4px}h2{font-size:17px;margin:0 0 12px}\n"
    "p{margin:0 0 12px;color:var(--soft)}\n"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px;"
    "margin-bottom:20px;overflow-x:auto}\n"
    ".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));"
    "gap:20px}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\n"
    "th,td{text-align:right;padding:7px 12px;border-bottom:1px solid var(--line);"
    "white-space:nowrap}\n"
    "th:first-child,td:first-child{text-align:left;padding-left:0}\n"
    "th{font-weight:600;color:var(--soft);font-size:14px}tr:last-child td{border-bottom:0}\n"
    "td small{display:block;color:var(--soft);font-size:14px}\n"
    "pre{margin:0 0 12px;padding:12px 14px;background:var(--page);border:1px solid var(--line);"
    "border-radius:8px;white-space:pre-wrap;overflow-wrap:anywhere;font-size:14px}\n"
    "svg{display:block;width:100%;height:auto}\n"
    "svg text{font:13px system-ui,sans-serif;fill:var(--soft)}svg .label{fill:var(--ink)}\n"
    ".grid{stroke:var(--line)}.even{stroke:var(--soft);stroke-dasharray:3 4}"
    ".frame{fill:none;stroke:var(--line)}.curve{fill:none;stroke-width:2.2;"
    "stroke-linejoin:round}\n"
    ".l0{stroke:var(--c0)}.l1{stroke:var(--c1);stroke-dasharray:7 4}"
    ".l2{stroke:var(--c2);stroke-dasharray:2 4}.l3{stroke:var(--c3);stroke-dasharray:10 3 2 3}\n"
    ".d0{fill:var(--c0)}.d1{fill:var(--c1)}.d2{fill:var(--c2)}.d3{fill:var(--c3)}\n";

struct axis {
    double lo, hi;
    bool log;
};

static double place(struct axis a, double v)
{
    return a.log ? log10(v > 0 ? v : NAN) : v;
}

static double to_x(struct axis a, double v)
{
    return LEFT + (place(a, v) - a.lo) / (a.hi - a.lo) * (WIDTH - LEFT - RIGHT);
}

static double to_y(struct axis a, double v)
{
    return HEIGHT - BOTTOM - (place(a, v) - a.lo) / (a.hi - a.lo) * (HEIGHT - TOP - BOTTOM);
}

/* Widens the axis, in its own scale, to what is finite in values. */
static void include(struct axis *a, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double v = place(*a, values[i]);
        if (!isfinite(v))
            continue;
        a->lo = v < a->lo ? v : a->lo;
        a->hi = v > a->hi ? v : a->hi;
    }
}

static struct axis padded(struct axis a)
{
    if (!(a.lo <= a.hi))
        a.lo = a.hi = 0;
    double margin = 0.04 * (a.hi - a.lo) + (a.hi > a.lo ? 0 : 0.5);
    return (struct axis){a.lo - margin, a.hi + margin, a.log};
}

static void axes(const struct idem_chart *c, struct axis *x, struct axis *y)
{
    *x = (struct axis){INFINITY, -INFINITY, c->log_x};
    *y = (struct axis){INFINITY, -INFINITY, c->log_y};
    for (int i = 0; i < c->count; i++) {
        include(x, c->lines[i].x, c->lines[i].count);
        include(y, c->lines[i].y, c->lines[i].count);
    }
    if (c->diagonal) {
        x->lo = y->lo = fmin(x->lo, y->lo);
        x->hi = y->hi = fmax(x->hi, y->hi);
    }
    *x = padded(*x);
    *y = padded(*y);
}

/* The next tick above v in an axis' own scale: 1, 2, 5 steps. */
static double step_of(struct axis a)
{
    double raw = (a.hi - a.lo) / 6, ten = pow(10, floor(log10(raw))), lead = raw / ten;
    return (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10) * ten;
}

static void tick(bool across, struct axis a, double v, FILE *to)
{
    if (across) {
        double x = to_x(a, v);
        fprintf(to,
                "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>"
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n",
                x, TOP, x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 18, v);
    } else {
        double y = to_y(a, v);
        fprintf(to,
                "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n",
                LEFT, y, WIDTH - RIGHT, y, LEFT - 8, y + 4, v);
    }
}

static void ticks(bool across, struct axis a, FILE *to)
{
    static const double leads[] = {1, 2, 5};
    if (!a.log) {
        double step = step_of(a);
        for (double v = ceil(a.lo / step) * step; v <= a.hi; v += step)
            tick(across, a, fabs(v) < step / 2 ? 0 : v, to);
        return;
    }
    for (int decade = (int)floor(a.lo); decade <= (int)a.hi; decade++)
        for (int k = 0; k < (a.hi - a.lo > 3 ? 1 : 3); k++) {
            double v = leads[k] * pow(10, decade);
            if (log10(v) >= a.lo && log10(v) <= a.hi)
                tick(across, a, v, to);
        }
}

static void draw_line(const struct idem_chart_line *l, int number, struct axis x, struct axis y,
                      FILE *to)
{
    bool pen = false;
    fprintf(to, l->dots ? "<g class=\"d%d\">" : "<path class=\"curve l%d\" d=\"", number);
    for (size_t i = 0; i < l->count; i++) {
        double px = to_x(x, l->x[i]), py = to_y(y, l->y[i]);
        bool there = isfinite(px) && isfinite(py);
        if (there && l->dots)
            fprintf(to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", px, py);
        else if (there)
            fprintf(to, "%c%.1f %.1f", pen ? 'L' : 'M', px, py);
        pen = there;
    }
    fputs(l->dots ? "</g>\n" : "\"/>\n", to);
}

static void legend(const struct idem_chart *c, FILE *to)
{
    int x = LEFT;
    for (int i = 0; i < c->count && c->count > 1; i++) {
        if (c->lines[i].dots)
            fprintf(to, "<circle class=\"d%d\" cx=\"%d\" cy=\"12\" r=\"4\"/>", i, x + 12);
        else
            fprintf(to, "<path class=\"curve l%d\" d=\"M%d 12H%d\"/>", i, x, x + 24);
        fprintf(to, "<text class=\"label\" x=\"%d\" y=\"16\">", x + 30);
        idem_page_escape(c->lines[i].name, to);
        fputs("</text>\n", to);
        x += 150;
    }
}

void idem_chart_draw(const struct idem_chart *c, FILE *to)
{
    struct axis x, y;
    axes(c, &x, &y);
    fprintf(to, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    idem_page_escape(c->title, to);
    fputs("\">\n", to);
    ticks(true, x, to);
    ticks(false, y, to);
    if (c->diagonal)
        fprintf(to, "<line class=\"even\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", LEFT,
                HEIGHT - BOTTOM, WIDTH - RIGHT, TOP);
    for (int i = 0; i < c->count; i++)
        draw_line(&c->lines[i], i, x, y, to);
    legend(c, to);
    fprintf(to,
            "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n"
            "<text class=\"label\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n"
            "<text class=\"label\" transform=\"translate(16 %d) rotate(-90)\" "
            "text-anchor=\"middle\">%s</text>\n</svg>\n",
            LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM, (LEFT + WIDTH - RIGHT) / 2,
            HEIGHT - 10, c->x_label, (TOP + HEIGHT - BOTTOM) / 2, c->y_label);
}

/* ------------------------------------------------------------------ the page */

void idem_page_escape(const char *text, FILE *to)
{
    for (; *text; text++) {
        if (*text == '&')
            fputs("&amp;", to);
        else if (*text == '<')
            fputs("&lt;", to);
        else if (*text == '>')
            fputs("&gt;", to);
        else if (*text == '"')
            fputs("&quot;", to);
        else
            fputc((unsigned char)*text < 32 ? ' ' : *text, to);
    }
}

void idem_page_begin(const char *title, const char *lead, FILE *to)
{
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<title>idem evaluation: ",
          to);
    idem_page_escape(title, to);
    fprintf(to, "</title>\n<style>\n%s</style></head>\n<body><main>\n<h1>", style);
    idem_page_escape(title, to);
    fputs("</h1>\n<p>", to);
    idem_page_escape(lead, to);
    fputs("</p>\n", to);
}

void idem_page_end(FILE *to)
{
    fputs("</main></body></html>\n", to);
}
