/* SPDX-License-Identifier: Apache-2.0 */
/* eval_options.h - the command line of `idem eval`. */
#ifndef IDEM_CLI_EVAL_OPTIONS_H
#define IDEM_CLI_EVAL_OPTIONS_H

#include "cli/command.h"
#include "eval/protocol.h"

enum idem_eval_kind { IDEM_EVAL_VERIFY, IDEM_EVAL_BLOCKS, IDEM_EVAL_CHALLENGE, IDEM_EVAL_KINDS };
enum { IDEM_EVAL_POPULATIONS = 16 };

struct idem_eval_options {
    enum idem_eval_kind kind;
    struct idem_protocol protocol;
    const char *level, *flights; /* level NULL: mixed, or what the population file has */
    const char *population[IDEM_EVAL_POPULATIONS];
    int populations;
    const char *population_users, *users;
    const char *labels;
    const char *html;
    const char *data;
    struct idem_resampling resampling; /* of probes; step_ms 0 and scale 1: none */
    bool resample_all;                 /* of enrolments too */
    bool recentre;                     /* the population on the profiles, once they are there */
    bool json, skip_bad;
};

const char *idem_eval_kind_name(enum idem_eval_kind kind);

/* 0: go on. -1: help was printed, done. Otherwise an exit code after a message. */
int idem_eval_parse(int argc, char **argv, struct idem_eval_options *out);

#endif
