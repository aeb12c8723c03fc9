/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_enrolment.c - `idem eval enrolment`: what an enrolment of so many windows is worth.
 */
#include "cli/eval_study.h"

static const char summary[] = "Error by size of the enrolment: a person's first 2, 5, 10, 20, 50 "
                              "windows enrol, the last ones\n"
                              "are probes. Keyboard or pointer (windows of 10 gestures).";

static const struct idem_cli_study studies[] = {
    {NULL, NULL, idem_effort,
     "a person's first windows enrol, the last eight are probes whatever the size"},
};

int idem_cli_eval_enrolment(int argc, char **argv)
{
    return idem_cli_eval_study(argc, argv, summary, studies, 1);
}
