/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charts.h - lines and dots over two axes as SVG, and the frame of a page to put them into: no
 * script, no font, no link to anywhere. Lines differ by dash as well as by colour.
 */
#ifndef IDEM_EVAL_CHARTS_H
#define IDEM_EVAL_CHARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { IDEM_CHART_LINES = 4 };

/* Points that are not finite interrupt a line. */
struct idem_chart_line {
    const char *name;
    const double *x, *y; /* [count] */
    size_t count;
    bool dots; /* instead of a line */
};

struct idem_chart {
    const char *title, *x_label, *y_label;
    bool log_x, log_y, diagonal; /* diagonal: one scale for both axes, and y = x drawn */
    struct idem_chart_line lines[IDEM_CHART_LINES];
    int count;
};

void idem_chart_draw(const struct idem_chart *chart, FILE *to);

void idem_page_begin(const char *title, const char *lead, FILE *to);
void idem_page_end(FILE *to);
void idem_page_escape(const char *text, FILE *to);

#endif
