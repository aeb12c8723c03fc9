/* SPDX-License-Identifier: Apache-2.0 */
/* takeover_report.h - takeovers for everything that prints them: text, JSON, a page. */
#ifndef IDEM_EVAL_TAKEOVER_REPORT_H
#define IDEM_EVAL_TAKEOVER_REPORT_H

#include <stdio.h>

#include "eval/outcome.h"
#include "eval/takeover_figures.h"

enum { IDEM_TAKEOVER_RUNS = 12, IDEM_TAKEOVER_FILES = 20 };

/* One setting played through: a window length, or what the filter gets to see. */
struct idem_takeover_outcome {
    const char *name; /* "25 keys", "both", ... */
    struct idem_reel_targets targets;
    struct idem_takeover played;
    struct idem_takeover_figures figures;
};

struct idem_takeover_report {
    const struct idem_takeover_options *options;
    const char *level, *population; /* one sentence on who taught it */
    bool chimeric;
    const struct idem_takeover_outcome *runs; /* the first is the answer */
    int run_count, tables_from; /* runs before it: what the filter sees; from it: window lengths */
    struct idem_outcome_file files[IDEM_TAKEOVER_FILES];
    int file_count;
    const char *command_line;
    double seconds;
};

void idem_takeover_print(const struct idem_takeover_report *report, FILE *to);
/* 0 or IDEM_ERR_*. */
int idem_takeover_json(const struct idem_takeover_report *report, FILE *to);
int idem_takeover_html(const struct idem_takeover_report *report, FILE *to);
/* The default operating point: one false alarm in 50 active hours. */
enum { IDEM_TAKEOVER_DEFAULT_POINT = 1 };

#endif
