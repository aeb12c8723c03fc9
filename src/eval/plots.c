/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plots.c - see plots.h. Both plots are 560 x 420 units; numbers carry one decimal, which is finer
 * than a pixel.
 */
#include "eval/plots.h"

#include <math.h>

enum { WIDTH = 560, HEIGHT = 420, LEFT = 64, RIGHT = 16, TOP = 16, BOTTOM = 52, BINS = 64 };

/* A linear map from [lo, hi] to the plot's inside. */
struct axis {
    double lo, hi;
};

static double to_x(struct axis a, double v)
{
    return LEFT + (v - a.lo) / (a.hi - a.lo) * (WIDTH - LEFT - RIGHT);
}

static double to_y(struct axis a, double v)
{
    return HEIGHT - BOTTOM - (v - a.lo) / (a.hi - a.lo) * (HEIGHT - TOP - BOTTOM);
}

static void open_svg(FILE *to, const char *title, const char *clip)
{
    fprintf(to,
            "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n"
            "<clipPath id=\"%s\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/></clipPath>\n",
            WIDTH, HEIGHT, title, clip, LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
}

static void close_svg(FILE *to, const char *x_label, const char *y_label)
{
    fprintf(to,
            "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n"
            "<text class=\"label\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
            LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM, (LEFT + WIDTH - RIGHT) / 2,
            HEIGHT - 10, x_label);
    if (y_label)
        fprintf(to,
                "<text class=\"label\" transform=\"translate(16 %d) rotate(-90)\" "
                "text-anchor=\"middle\">%s</text>\n",
                (TOP + HEIGHT - BOTTOM) / 2, y_label);
    fputs("</svg>\n", to);
}

static void line(FILE *to, const char *class, double x1, double y1, double x2, double y2)
{
    fprintf(to, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, x1,
            y1, x2, y2);
}

static void tick_x(FILE *to, double x, const char *text)
{
    fprintf(to, "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x,
            HEIGHT - BOTTOM + 18, text);
}

static void tick_y(FILE *to, double y, const char *text)
{
    fprintf(to, "<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
            LEFT - 8, y + 4, text);
}

static void det_grid(struct axis a, FILE *to)
{
    static const struct {
        double rate;
        const char *text;
    } ticks[] = {{.001, "0.1"}, {.002, "0.2"}, {.005, "0.5"}, {.01, "1"}, {.02, "2"},
                 {.05, "5"},    {.1, "10"},    {.2, "20"},    {.4, "40"}};
    for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++) {
        double v = idem_probit(ticks[i].rate);
        line(to, "grid", to_x(a, v), TOP, to_x(a, v), HEIGHT - BOTTOM);
        line(to, "grid", LEFT, to_y(a, v), WIDTH - RIGHT, to_y(a, v));
        tick_x(to, to_x(a, v), ticks[i].text);
        tick_y(to, to_y(a, v), ticks[i].text);
    }
}

void idem_plot_det(const struct idem_results *results, double eer, FILE *to)
{
    static const char title[] = "Detection error trade-off";
    const struct axis a = {idem_probit(0.0005), idem_probit(0.6)};
    struct idem_det_point points[IDEM_DET_POINTS];
    size_t n = idem_det(results, points);
    open_svg(to, title, "det");
    det_grid(a, to);
    line(to, "even", to_x(a, a.lo), to_y(a, a.lo), to_x(a, a.hi), to_y(a, a.hi));
    fputs("<polyline class=\"curve\" clip-path=\"url(#det)\" points=\"", to);
    for (size_t i = 0; i < n; i++)
        fprintf(to, "%.1f,%.1f ", to_x(a, idem_probit_of_rate(points[i].fmr)),
                to_y(a, idem_probit_of_rate(points[i].fnmr)));
    fputs("\"/>\n", to);
    double e = idem_probit_of_rate(eer);
    if (e > a.lo && e < a.hi)
        fprintf(to,
                "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/>\n"
                "<text class=\"label\" x=\"%.1f\" y=\"%.1f\">EER %.2f %%</text>\n",
                to_x(a, e), to_y(a, e), to_x(a, e) + 10, to_y(a, e) - 8, eer * 100);
    close_svg(to, "FMR: others taken for the owner, %", "FNMR: the owner not recognised, %");
}

/* A round step of which about six fit into the span. */
static double round_step(double span)
{
    double raw = span / 6, ten = pow(10, floor(log10(raw)));
    double lead = raw / ten;
    return (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10) * ten;
}

static void score_ticks(struct axis a, FILE *to)
{
    double step = round_step(a.hi - a.lo);
    char text[32];
    for (double v = ceil(a.lo / step) * step; v <= a.hi; v += step) {
        snprintf(text, sizeof text, "%g", fabs(v) < step / 2 ? 0 : v);
        line(to, fabs(v) < step / 2 ? "zero" : "grid", to_x(a, v), TOP, to_x(a, v),
             HEIGHT - BOTTOM);
        tick_x(to, to_x(a, v), text);
    }
}

/* Where all but a thousandth on either side lie. */
static struct axis score_range(const struct idem_results *r)
{
    size_t cut = r->count / 1000, impostors = 0;
    struct axis a = {r->list[cut].score, r->list[r->count - 1].score};
    for (size_t i = 0; i < r->count; i++)
        impostors += !r->list[i].genuine;
    size_t genuine = r->count - impostors, skip = genuine / 1000;
    for (size_t i = r->count; i-- > 0;)
        if (r->list[i].genuine && skip-- == 0) {
            a.hi = r->list[i].score;
            break;
        }
    double margin = 0.03 * (a.hi - a.lo) + 1e-6;
    return (struct axis){a.lo - margin, a.hi + margin};
}

static void fill_bins(const struct idem_results *r, struct axis a, double share[2][BINS])
{
    double total[2] = {0, 0};
    for (size_t i = 0; i < r->count; i++) {
        int bin = (int)floor((r->list[i].score - a.lo) / (a.hi - a.lo) * BINS);
        total[r->list[i].genuine]++;
        if (bin >= 0 && bin < BINS)
            share[r->list[i].genuine][bin]++;
    }
    for (int c = 0; c < 2; c++)
        for (int b = 0; b < BINS; b++)
            share[c][b] /= total[c] > 0 ? total[c] : 1;
}

static void draw_bins(const double *share, double most, struct axis a, const char *class, FILE *to)
{
    const struct axis y = {0, most * 1.08};
    fprintf(to, "<path class=\"%s\" d=\"M%.1f %.1f", class, to_x(a, a.lo), to_y(y, 0));
    for (int b = 0; b < BINS; b++)
        fprintf(to, "V%.1fH%.1f", to_y(y, share[b]),
                to_x(a, a.lo + (a.hi - a.lo) * (b + 1) / BINS));
    fprintf(to, "V%.1fZ\"/>\n", to_y(y, 0));
}

void idem_plot_scores(const struct idem_results *results, FILE *to)
{
    double share[2][BINS] = {{0}}, most = 1e-9;
    const struct axis a = score_range(results);
    fill_bins(results, a, share);
    for (int b = 0; b < BINS; b++)
        most = fmax(most, fmax(share[0][b], share[1][b]));
    open_svg(to, "Scores of genuine and impostor comparisons", "scores");
    score_ticks(a, to);
    draw_bins(share[0], most, a, "impostor", to);
    draw_bins(share[1], most, a, "genuine", to);
    close_svg(to, "log-likelihood ratio, nats: right of 0 speaks for the owner",
              "share of comparisons");
}
