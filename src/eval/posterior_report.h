/* SPDX-License-Identifier: Apache-2.0 */
/* posterior_report.h - calibration for everything that prints it: text, JSON, a page. */
#ifndef IDEM_EVAL_POSTERIOR_REPORT_H
#define IDEM_EVAL_POSTERIOR_REPORT_H

#include <stdio.h>

#include "eval/posterior.h"

struct idem_posterior_report {
    const struct idem_posterior *found;
    const struct idem_posterior_options *options;
    const char *level, *population, *command_line;
    bool chimeric;
    double seconds;
};

void idem_posterior_print(const struct idem_posterior_report *report, FILE *to);
/* 0 or IDEM_ERR_*. */
int idem_posterior_json(const struct idem_posterior_report *report, FILE *to);
int idem_posterior_html(const struct idem_posterior_report *report, FILE *to);

#endif
