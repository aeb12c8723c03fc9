/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_takeover.c - `idem eval takeover`: how often the owner is troubled, how soon a stranger is
 * noticed. The command line and its help are in eval_splice.c, shared with calibration.
 */
#include "cli/eval_splice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "eval/takeover_report.h"

/* Windows compared by --window-table. */
static const uint32_t table_keys[] = {10, 15, 25, 50, 100};
static const char *const table_names[] = {"10 keys", "15 keys", "25 keys", "50 keys", "100 keys"};
enum { TABLE = sizeof table_keys / sizeof *table_keys };

struct takeover {
    const struct idem_splice_options *o;
    struct idem_splice_stage stage;
    struct idem_takeover_options play;
    struct idem_takeover_outcome runs[IDEM_TAKEOVER_RUNS];
    int count, tables_from; /* runs before it: as asked, or with and without each modality */
};

static int fail(int err)
{
    if (err == IDEM_ERR_TOO_LITTLE)
        return idem_cli_fail("fewer than two people recorded enough to enrol and go on; --enrol "
                             "and --enrol-gestures say how much enrolment takes");
    return idem_cli_fail("%s", idem_strerror(err));
}

static int play(struct takeover *t, const char *name)
{
    static char step[] = "takeovers";
    struct idem_takeover_outcome *run = &t->runs[t->count];
    t->play.progress = idem_cli_progress;
    t->play.progress_arg = step;
    *run = (struct idem_takeover_outcome){.name = name, .targets = t->play.seat.targets};
    int r = idem_takeover_run(&t->stage.cast, &t->play, &run->played);
    if (r < 0)
        return fail(r);
    t->count++;
    r = idem_takeover_figures(&run->played, t->play.rates, t->play.seed, &run->figures);
    return r < 0 ? fail(r) : 0;
}

/*
 * Both; then each profile alone on the same streams; then people who do only one of the two, with
 * both profiles and with the one they use, which must come to the same.
 */
static int play_fused(struct takeover *t)
{
    static const struct {
        const char *name;
        bool use[IDEM_MODALITIES], perform[IDEM_MODALITIES];
    } variants[] = {{"both", {true, true}, {true, true}},
                    {"keyboard profile alone", {true, false}, {true, true}},
                    {"pointer profile alone", {false, true}, {true, true}},
                    {"only types, both profiles", {true, true}, {true, false}},
                    {"only types, keyboard's alone", {true, false}, {true, false}},
                    {"only points, both profiles", {true, true}, {false, true}},
                    {"only points, pointer's alone", {false, true}, {false, true}}};
    int r = 0;
    for (size_t i = 0; i < sizeof variants / sizeof *variants && r == 0; i++) {
        memcpy(t->play.seat.use, variants[i].use, sizeof variants[i].use);
        memcpy(t->play.seat.perform, variants[i].perform, sizeof variants[i].perform);
        r = play(t, variants[i].name);
    }
    return r;
}

static int play_all(struct takeover *t)
{
    int r;
    t->play = (struct idem_takeover_options){.trials = t->o->trials,
                                             .seed = t->o->seed,
                                             .horizon_s = t->o->horizon_s,
                                             .rates = {1.0 / 10, 1.0 / 50}};
    idem_splice_seat(t->o, &t->stage, &t->play.seat);
    if (t->stage.cast.has[IDEM_KEYBOARD] && t->stage.cast.has[IDEM_POINTER])
        r = play_fused(t);
    else
        r = play(t, "as asked");
    t->tables_from = t->count;
    for (int i = 0; i < TABLE && t->o->window_table && r == 0; i++) {
        t->play.seat.targets.keys = table_keys[i];
        idem_splice_use(&t->stage, &t->play.seat);
        r = play(t, table_names[i]);
    }
    return r;
}

static void print_report(const void *report, FILE *to)
{
    idem_takeover_print(report, to);
}

static int report_json(const void *report, FILE *to)
{
    return idem_takeover_json(report, to);
}

static int report_html(const void *report, FILE *to)
{
    return idem_takeover_html(report, to);
}

static int tell(const struct takeover *t, const char *line)
{
    struct idem_takeover_report report = {.options = &t->play,
                                          .level = t->stage.level,
                                          .population = t->stage.population,
                                          .chimeric = t->stage.cast.has[IDEM_KEYBOARD] &&
                                                      t->stage.cast.has[IDEM_POINTER],
                                          .runs = t->runs,
                                          .run_count = t->count,
                                          .tables_from = t->tables_from,
                                          .command_line = line,
                                          .seconds = idem_cli_now() - t->stage.started};
    report.file_count = idem_splice_files(&t->stage, report.files, IDEM_TAKEOVER_FILES);
    const struct idem_answer answer = {&report, print_report, report_json, report_html};
    return idem_cli_answer(&answer, t->o->json, t->o->html);
}

int idem_cli_eval_takeover(int argc, char **argv)
{
    struct idem_splice_options o;
    char *line =
        idem_cli_line("idem eval", argc, argv); /* before getopt puts the words in another order */
    int r = idem_splice_parse(argc, argv, IDEM_SPLICE_TAKEOVER, &o);
    if (r != 0) {
        free(line);
        return r < 0 ? IDEM_EXIT_OK : r;
    }
    struct takeover *t = calloc(1, sizeof *t);
    r = line && t ? 0 : idem_cli_fail("out of memory");
    if (r == 0) {
        t->o = &o;
        r = idem_splice_open(&o, &t->stage);
        if (r == 0 && (r = play_all(t)) == 0)
            r = tell(t, line);
        for (int i = 0; i < t->count; i++)
            idem_takeover_free(&t->runs[i].played);
        idem_splice_close(&t->stage);
    }
    free(line);
    free(t);
    return r;
}
