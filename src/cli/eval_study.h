/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_study.h - what `idem eval ageing` and `idem eval enrolment` share: options, reading, the
 * population, the answer.
 */
#ifndef IDEM_CLI_EVAL_STUDY_H
#define IDEM_CLI_EVAL_STUDY_H

#include "cli/command.h"
#include "eval/ageing.h"

/* A study that can be chosen by a switch; the first is the default. */
struct idem_cli_study {
    const char *flag; /* without the dashes; NULL: needs none */
    const char *help;
    int (*run)(const struct idem_study *study, struct idem_sheet *sheet);
    const char *lead;
};

/* argv[0] is the protocol's name. Returns an exit code. */
int idem_cli_eval_study(int argc, char **argv, const char *summary,
                        const struct idem_cli_study *studies, int count);

int idem_cli_eval_ageing(int argc, char **argv);
int idem_cli_eval_enrolment(int argc, char **argv);

#endif
