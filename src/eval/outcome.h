/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.h - what an evaluation found, for everything that prints it: text, JSON, HTML. */
#ifndef IDEM_EVAL_OUTCOME_H
#define IDEM_EVAL_OUTCOME_H

#include <stdio.h>

#include "eval/flips.h"
#include "eval/metrics.h"
#include "eval/protocol.h"

struct idem_outcome_file {
    const char *path;
    const char *use; /* "population" or "test" */
    uint64_t bytes;
    uint32_t people, rows, lost, skipped;
};

struct idem_outcome {
    const char *protocol, *level;
    struct idem_evaluation evaluation[IDEM_BLOCKS_MAX]; /* [runs]; the last is the answer */
    bool recentred; /* the population, on the profiles of the people put to the test */
    bool resampled; /* blocks: then flips tell what became of the decisions */
    struct idem_flips flips[IDEM_BLOCKS_MAX];
    uint32_t runs;               /* blocks: one for each number of blocks; otherwise 1 */
    struct idem_results results; /* of the last run, sorted: for the plots */
    struct idem_outcome_file *files;
    int file_count;
    uint64_t front_id;
    const char *command_line;
    double seconds;
};

void idem_outcome_print(const struct idem_outcome *o, FILE *to);
/* 0 or IDEM_ERR_*. */
int idem_outcome_json(const struct idem_outcome *o, FILE *to);
int idem_outcome_html(const struct idem_outcome *o, FILE *to);

#endif
