/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_calibration.c - `idem eval calibration`: are the log-likelihood ratios what they say? A
 * protocol of its own beside takeover, since its trials are fresh sessions and single scores, with
 * no threshold and no splice; the people, populations and options are the same.
 */
#include "cli/eval_splice.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/answer.h"
#include "eval/posterior_report.h"

static void print_report(const void *report, FILE *to)
{
    idem_posterior_print(report, to);
}

static int report_json(const void *report, FILE *to)
{
    return idem_posterior_json(report, to);
}

static int report_html(const void *report, FILE *to)
{
    return idem_posterior_html(report, to);
}

static int run(const struct idem_splice_options *o, const struct idem_splice_stage *stage,
               const char *line)
{
    struct idem_posterior_options options = {.trials = o->trials, .seed = o->seed};
    struct idem_posterior *found = calloc(1, sizeof *found);
    idem_splice_seat(o, stage, &options.seat);
    int err = found ? idem_posterior_run(&stage->cast, &options, found) : IDEM_ERR_NOMEM;
    int r = 0;
    if (err == IDEM_ERR_TOO_LITTLE)
        r = idem_cli_fail("fewer than two people recorded enough to enrol and go on; --enrol and "
                          "--enrol-gestures say how much enrolment takes");
    else if (err < 0)
        r = idem_cli_fail("%s", idem_strerror(err));
    if (r == 0) {
        const struct idem_posterior_report report = {.found = found,
                                                     .options = &options,
                                                     .level = stage->level,
                                                     .population = stage->population,
                                                     .command_line = line,
                                                     .chimeric = stage->cast.has[IDEM_KEYBOARD] &&
                                                                 stage->cast.has[IDEM_POINTER],
                                                     .seconds = idem_cli_now() - stage->started};
        const struct idem_answer answer = {&report, print_report, report_json, report_html};
        r = idem_cli_answer(&answer, o->json, o->html);
    }
    free(found);
    return r;
}

int idem_cli_eval_calibration(int argc, char **argv)
{
    struct idem_splice_options o;
    struct idem_splice_stage stage;
    char *line =
        idem_cli_line("idem eval", argc, argv); /* before getopt puts the words in another order */
    int r = idem_splice_parse(argc, argv, IDEM_SPLICE_CALIBRATION, &o);
    if (r != 0) {
        free(line);
        return r < 0 ? IDEM_EXIT_OK : r;
    }
    if (!line)
        return idem_cli_fail("out of memory");
    r = idem_splice_open(&o, &stage);
    if (r == 0)
        r = run(&o, &stage, line);
    idem_splice_close(&stage);
    free(line);
    return r;
}
