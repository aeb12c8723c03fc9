/* SPDX-License-Identifier: Apache-2.0 */
/* plots.h - a detection curve and a score histogram as SVG, for the evaluation's page. */
#ifndef IDEM_EVAL_PLOTS_H
#define IDEM_EVAL_PLOTS_H

#include <stdio.h>

#include "eval/metrics.h"

/* Results sorted by idem_evaluate. Classes that the page styles: grid, tick, label, frame, curve,
 * even, dot. */
void idem_plot_det(const struct idem_results *results, double eer, FILE *to);
/* Further classes: genuine, impostor, zero. */
void idem_plot_scores(const struct idem_results *results, FILE *to);

#endif
