/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sheet_page.c - a sheet as one self-contained page: no script, no font, no link to anywhere.
 *
 * Curves are drawn over the first column, one colour and one dash each, so that they can be told
 * apart without colour too. Every string is escaped.
 */
#include "eval/sheet.h"

#include <math.h>
#include <string.h>

#include "idem/idem.h"

enum { WIDTH = 640, HEIGHT = 360, LEFT = 64, RIGHT = 16, TOP = 16, BOTTOM = 48, CURVES = 4 };

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b2430;--soft:#5b6675;--line:#dde3ea;--page:#f6f8fa;"
    "--card:#fff;--c0:#0f7b6c;--c1:#c2571a;--c2:#3b5bbf;--c3:#8a3f9c}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#97a3b3;--line:#2c3643;"
    "--page:#10151c;--card:#171e27;--c0:#3cc4ae;--c1:#f0904f;--c2:#8aa4ff;--c3:#d79be6}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n"
    "main{max-width:1180px;margin:0 auto;padding:32px 20px 48px}\n"
    "h1{font-size:26px;margin:0 0 4px}h2{font-size:17px;margin:0 0 12px}\n"
    "p{margin:12px 0;color:var(--soft)}\n"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px;"
    "margin-bottom:20px;overflow-x:auto}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\n"
    "th,td{text-align:right;padding:7px 12px;border-bottom:1px solid "
    "var(--line);white-space:nowrap}\n"
    "th:first-child,td:first-child{text-align:left;padding-left:0}\n"
    "th{font-weight:600;color:var(--soft);font-size:14px}tr:last-child td{border-bottom:0}\n"
    "pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:14px}\n"
    "svg{display:block;width:100%;max-width:760px;height:auto;margin-bottom:12px}\n"
    "svg text{font:13px system-ui,sans-serif;fill:var(--soft)}\n"
    ".grid{stroke:var(--line)}.frame{fill:none;stroke:var(--line)}\n"
    ".curve{fill:none;stroke-width:2.2;stroke-linejoin:round}\n"
    ".c0{stroke:var(--c0)}.c1{stroke:var(--c1);stroke-dasharray:7 4}"
    ".c2{stroke:var(--c2);stroke-dasharray:2 4}.c3{stroke:var(--c3);stroke-dasharray:10 3 2 3}\n";

static void escaped(const char *text, FILE *to)
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

/* ------------------------------------------------------------------ curves */

struct range {
    double lo, hi;
};

static double place_x(const struct idem_sheet_table *t, double x)
{
    return t->log_x ? log(x > 0 ? x : 1e-9) : x;
}

static struct range range_x(const struct idem_sheet_table *t)
{
    struct range a = {INFINITY, -INFINITY};
    for (int r = 0; r < t->row_count; r++) {
        double x = place_x(t, t->cell[r][0]);
        if (!isfinite(x))
            continue;
        a.lo = x < a.lo ? x : a.lo;
        a.hi = x > a.hi ? x : a.hi;
    }
    return a;
}

/* From nought up: rates and costs are compared by their height. No axis of rates goes beyond one.
 */
static struct range range_y(const struct idem_sheet_table *t)
{
    struct range a = {0, 1e-9};
    bool rates = true;
    for (int c = 1; c < t->column_count; c++)
        for (int r = 0; t->columns[c].curve && r < t->row_count; r++) {
            double y = t->cell[r][c];
            rates &= t->columns[c].kind == IDEM_SHEET_RATE && !(y > 1);
            if (!isfinite(y))
                continue;
            a.lo = y < a.lo ? y : a.lo;
            a.hi = y > a.hi ? y : a.hi;
        }
    a.hi *= 1.08;
    if (rates && a.hi > 1)
        a.hi = 1;
    return a;
}

static double svg_x(struct range a, double x)
{
    return LEFT + (x - a.lo) / (a.hi - a.lo) * (WIDTH - LEFT - RIGHT);
}

static double svg_y(struct range a, double y)
{
    return HEIGHT - BOTTOM - (y - a.lo) / (a.hi - a.lo) * (HEIGHT - TOP - BOTTOM);
}

static void draw_grid(const struct idem_sheet_table *t, struct range x, struct range y, bool rate,
                      FILE *to)
{
    double last = -INFINITY;
    for (int i = 0; i <= 4; i++) {
        double v = y.lo + (y.hi - y.lo) * i / 4, at = svg_y(y, v);
        fprintf(to,
                "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g%s</text>\n",
                LEFT, at, WIDTH - RIGHT, at, LEFT - 8, at + 4, rate ? v * 100 : v,
                rate ? " %" : "");
    }
    for (int r = 0; r < t->row_count; r++) {
        double at = svg_x(x, place_x(t, t->cell[r][0]));
        if (!isfinite(at) || at < last + 36)
            continue;
        last = at;
        fprintf(to, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n", at,
                HEIGHT - BOTTOM + 18, t->cell[r][0]);
    }
    fprintf(to,
            "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>"
            "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
            LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM, (LEFT + WIDTH - RIGHT) / 2,
            HEIGHT - 8);
    escaped(t->columns[0].heading, to);
    fputs("</text>\n", to);
}

static void draw_curve(const struct idem_sheet_table *t, int column, int number, struct range x,
                       struct range y, FILE *to)
{
    fprintf(to, "<polyline class=\"curve c%d\" points=\"", number % CURVES);
    for (int r = 0; r < t->row_count; r++)
        if (isfinite(t->cell[r][0]) && isfinite(t->cell[r][column]))
            fprintf(to, "%.1f,%.1f ", svg_x(x, place_x(t, t->cell[r][0])),
                    svg_y(y, t->cell[r][column]));
    fputs("\"/>\n", to);
    int at = TOP + 18 + 18 * number;
    fprintf(to,
            "<line class=\"curve c%d\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
            "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">",
            number % CURVES, WIDTH - RIGHT - 44, at - 4, WIDTH - RIGHT - 10, at - 4,
            WIDTH - RIGHT - 50, at);
    escaped(t->columns[column].heading, to);
    fputs("</text>\n", to);
}

static void draw(const struct idem_sheet_table *t, FILE *to)
{
    int number = 0, first = 0;
    for (int c = t->column_count - 1; c > 0; c--)
        first = t->columns[c].curve ? c : first;
    const struct range x = range_x(t), y = range_y(t);
    if (!first || !(x.hi > x.lo) || !(y.hi > y.lo))
        return;
    fprintf(to, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    escaped(t->title, to);
    fputs("\">\n", to);
    draw_grid(t, x, y, t->columns[first].kind == IDEM_SHEET_RATE, to);
    for (int c = first; c < t->column_count; c++)
        if (t->columns[c].curve)
            draw_curve(t, c, number++, x, y, to);
    fputs("</svg>\n", to);
}

/* ------------------------------------------------------------------ tables */

static void page_cell(const struct idem_sheet_column *c, double v, FILE *to)
{
    if (!isfinite(v))
        fputs("<td>&ndash;</td>", to);
    else if (c->kind == IDEM_SHEET_COUNT)
        fprintf(to, "<td>%.0f</td>", v);
    else if (c->kind == IDEM_SHEET_RATE)
        fprintf(to, "<td>%.2f&nbsp;%%</td>", v * 100);
    else
        fprintf(to, "<td>%.3f</td>", v);
}

static void page_table(const struct idem_sheet_table *t, FILE *to)
{
    fputs("<section class=\"card\"><h2>", to);
    escaped(t->title, to);
    fputs("</h2>\n", to);
    draw(t, to);
    fputs("<table><tr><th></th>", to);
    for (int c = 0; c < t->column_count; c++) {
        fputs("<th>", to);
        escaped(t->columns[c].heading, to);
        fputs("</th>", to);
    }
    fputs("</tr>\n", to);
    for (int r = 0; r < t->row_count; r++) {
        fputs("<tr><td>", to);
        escaped(t->label[r], to);
        fputs("</td>", to);
        for (int c = 0; c < t->column_count; c++)
            page_cell(&t->columns[c], t->cell[r][c], to);
        fputs("</tr>\n", to);
    }
    fputs("</table>\n", to);
    if (t->note) {
        fputs("<p>", to);
        escaped(t->note, to);
        fputs("</p>", to);
    }
    fputs("</section>\n", to);
}

static void page_list(const struct idem_sheet_list *list, FILE *to)
{
    fputs("<section class=\"card\"><h2>", to);
    escaped(list->title, to);
    fputs("</h2>\n<pre>", to);
    for (int i = 0; i < list->count; i++) {
        escaped(list->lines[i], to);
        fputc('\n', to);
    }
    if (list->left_out)
        fprintf(to, "and %d more\n", list->left_out);
    fputs(list->count ? "</pre></section>\n" : "none</pre></section>\n", to);
}

int idem_sheet_html(const struct idem_sheet *sheet, FILE *to)
{
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<title>idem evaluation: ",
          to);
    escaped(sheet->protocol, to);
    fprintf(to, "</title>\n<style>\n%s</style></head>\n<body><main>\n<h1>", style);
    escaped(sheet->protocol, to);
    fputs("</h1>\n<p>", to);
    escaped(sheet->lead, to);
    fputs("</p>\n", to);
    for (int i = 0; i < sheet->table_count; i++)
        page_table(sheet->tables[i], to);
    if (sheet->list.title)
        page_list(&sheet->list, to);
    fputs("<section class=\"card\"><h2>How to reproduce</h2>\n<pre>", to);
    escaped(sheet->command_line, to);
    fputs("</pre></section>\n</main></body></html>\n", to);
    return fflush(to) == 0 && !ferror(to) ? 0 : IDEM_ERR_IO;
}
