/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_calibration.c - `idem eval calibration`: are the log-likelihood ratios what they say? A
 * protocol of its own beside takeover, since its trials are fresh sessions and single scores, with
 * no threshold and no splice; the people, populations and options are the same.
 */
#include "cli/eval_splice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/posterior_report.h"

static int write_html(const struct idem_posterior_report *report, const char *path)
{
    FILE *f = fopen(path, "w");
    int r = f ? idem_posterior_html(report, f) : IDEM_ERR_IO;
    if (f && fclose(f) != 0)
        r = IDEM_ERR_IO;
    return r == 0 ? 0 : idem_cli_fail("%s: %s", path, strerror(errno));
}

static int tell(const struct idem_splice_options *o, const struct idem_posterior_report *report)
{
    int r = o->html ? write_html(report, o->html) : 0;
    if (r != 0)
        return r;
    if (!o->json)
        idem_posterior_print(report, stdout);
    else if (idem_posterior_json(report, stdout) < 0)
        return idem_cli_fail("standard output: %s", strerror(errno));
    return 0;
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
        r = tell(o, &report);
    }
    free(found);
    return r;
}

int idem_cli_eval_calibration(int argc, char **argv)
{
    struct idem_splice_options o;
    struct idem_splice_stage stage;
    char *line = idem_splice_line(argc, argv); /* before getopt puts the words in another order */
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
