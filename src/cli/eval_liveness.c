/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_liveness.c - `idem eval liveness`: recorded and made programs and people before the guard,
 * and the weights of its pointer's judge made anew.
 */
#include "cli/eval_liveness.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/option.h"
#include "eval/lessons.h"
#include "eval/liveness.h"

enum id { HUMAN = 256, USERS, TEACH, FIT };
enum { SOURCES = 2 * IDEM_LIVENESS_FILES + 1 };

static const struct idem_cli_option rows[] = {
    {"human", "FILE", "a pointer recording of people (may be repeated)", HUMAN},
    {"users", "RANGES", "of the recording before it take these people only: 1-72,80,90-99/2",
     USERS},
    {"teach", "FILE", "also learn weights from this pointer recording, one program left out a time",
     TEACH},
    {"fit", "FILE", "write the weights that --teach makes as a C file, and do nothing else", FIT},
};

enum { OPTIONS = sizeof rows / sizeof *rows };

struct options {
    const char *fit;
    struct idem_source sources[SOURCES]; /* the tested, then people, then the teacher */
    struct idem_source human[IDEM_LIVENESS_FILES];
    const char *teach;
    int count, tested, humans;
    struct idem_cli_common common;
};

static const char about[] =
    "usage: idem eval liveness [--human FILE]... [--teach FILE] [OPTION...] [FILE...]\n\n"
    "Plays recordings that tell programs from people (column is_bot), pointer or keyboard, into\n"
    "the guard, a fresh one a session: AUC per session and of its first three gestures, with 95 %\n"
    "intervals by drawing sessions anew, and how soon alarms come. With --teach, weights are\n"
    "learned anew from that recording and from made programs and hands, leaving out one program\n"
    "at a time and folds of sessions. With --human, every alarm is a false one.\n\n"
    "--json: the tables; human with sessions, gestures, hours, false_alarms,\n"
    "upper95_per_1000_gestures, upper95_per_hour (one-sided, exact Poisson: the rule of three);\n"
    "alarms, the first of every session by file, person, gesture and cause.\n\n";

static int take_human(struct options *o, const char *path)
{
    if (o->humans == IDEM_LIVENESS_FILES)
        return idem_cli_usage("eval liveness", "at most %d --human", IDEM_LIVENESS_FILES);
    o->human[o->humans++] = (struct idem_source){.path = path};
    return 0;
}

static int take_users(struct options *o, const char *ranges)
{
    if (o->humans == 0)
        return idem_cli_usage("eval liveness", "--users stands behind the --human it is about");
    o->human[o->humans - 1].users = ranges;
    return 0;
}

static int take(void *arg, int id, char *value)
{
    struct options *o = arg;
    switch (id) {
    case HUMAN:
        return take_human(o, value);
    case USERS:
        return take_users(o, value);
    case TEACH:
        o->teach = value;
        return 0;
    default: /* FIT */
        o->fit = value;
        return 0;
    }
}

static int check(struct options *o, int argc, char **argv)
{
    const int files = argc - optind;
    if (o->fit && !o->teach)
        return idem_cli_usage("eval liveness", "--fit needs a recording to learn from, --teach");
    if (files > IDEM_LIVENESS_FILES)
        return idem_cli_usage("eval liveness", "at most %d recordings", IDEM_LIVENESS_FILES);
    if (files + o->humans == 0 && !o->teach)
        return idem_cli_usage("eval liveness", "no recording, no --human and no --teach");
    for (int i = 0; i < files && !o->fit; i++)
        o->sources[o->count++] = (struct idem_source){.path = argv[optind + i], .keep_lost = true};
    o->tested = o->count;
    for (int i = 0; i < o->humans && !o->fit; i++)
        o->sources[o->count++] = o->human[i];
    if (o->teach)
        o->sources[o->count++] = (struct idem_source){.path = o->teach};
    for (int i = 0; i < o->count; i++)
        o->sources[i].skip_bad = o->common.skip_bad;
    return 0;
}

/* 0: go on. -1: help was printed. Otherwise an exit code after a message. */
static int parse(struct options *o, int argc, char **argv)
{
    const struct idem_cli_options options = {"eval liveness", about, rows, OPTIONS,
                                             &o->common,      take,  o};
    int r = idem_cli_options(&options, argc, argv);
    return r ? r : check(o, argc, argv);
}

/* ------------------------------------------------------------------ the work */

struct run {
    struct options o;
    struct idem_liveness_outcome outcome;
};

static bool labelled(const struct idem_recording *rec)
{
    for (uint32_t i = 0; i < rec->session_count; i++)
        if (rec->sessions[i].bot != IDEM_LABEL_NONE)
            return true;
    return false;
}

static int sort_out(struct run *run)
{
    struct idem_liveness_outcome *out = &run->outcome;
    for (int i = 0; i < run->o.count; i++) {
        const struct idem_source *s = &run->o.sources[i];
        const bool teaches = run->o.teach && i == run->o.count - 1;
        const struct idem_liveness_file file = {.path = s->path, .rec = s->rec};
        if ((teaches || i < run->o.tested) && !labelled(s->rec))
            return idem_cli_fail("%s does not say which sessions are programs (is_bot)", s->path);
        if ((teaches || i >= run->o.tested) && s->rec->modality != IDEM_POINTER)
            return idem_cli_fail("%s is no pointer recording", s->path);
        if (teaches)
            out->teach = s->rec;
        else if (i < run->o.tested)
            out->tested[out->tested_count++] = file;
        else
            out->human[out->human_count++] = file;
    }
    return 0;
}

static int learn(struct run *run)
{
    struct idem_liveness_outcome *out = &run->outcome;
    int r = idem_lessons_recorded(&out->movements, out->teach);
    if (r == 0)
        r = idem_lessons_made(&out->movements);
    return r < 0 ? idem_cli_fail("%s: %s", run->o.teach, idem_strerror(r)) : 0;
}

static int fit(struct run *run)
{
    const struct idem_growing how = {.without_source = -1, .without_hands = -1, .without_fold = -1};
    struct idem_forest forest;
    int r = idem_forest_grow(&run->outcome.movements, &how, &forest);
    if (r < 0)
        return idem_cli_fail("%s: %s", run->o.teach, idem_strerror(r));
    FILE *f = fopen(run->o.fit, "w");
    r = f ? idem_forest_write(&forest, f) : IDEM_ERR_IO;
    if (f && fclose(f) != 0)
        r = IDEM_ERR_IO;
    return r < 0 ? idem_cli_fail("%s: %s", run->o.fit, strerror(errno)) : 0;
}

static int work(struct run *run)
{
    struct idem_liveness_outcome *out = &run->outcome;
    int r = 0;
    for (int i = 0; i < out->tested_count && r == 0; i++)
        r = idem_liveness_score_file(out->tested[i].rec, &idem_forest_shipped,
                                     &out->tested[i].scores);
    for (int i = 0; i < out->human_count && r == 0; i++)
        r = idem_liveness_people(out, (uint32_t)i);
    if (r == 0)
        r = idem_liveness_sheet(out);
    return r < 0 ? idem_cli_fail("%s", idem_strerror(r)) : 0;
}

static int json(const void *outcome, FILE *to)
{
    return idem_liveness_json(outcome, to);
}

static const char lead[] =
    "Sessions of programs and of people, each before a guard that knows nothing of the device: "
    "whether they are told apart, how soon, and how often a person causes an alarm.";

static int judge_all(struct run *run, const char *line)
{
    run->outcome.sheet.protocol = "liveness";
    run->outcome.sheet.lead = lead;
    run->outcome.sheet.command_line = line;
    int r = idem_cli_read(run->o.sources, run->o.count);
    if (r == 0)
        r = sort_out(run);
    if (r == 0 && run->outcome.teach)
        r = learn(run);
    if (r == 0 && run->o.fit)
        return fit(run);
    if (r == 0)
        r = work(run);
    return r == 0 ? idem_cli_answer_outcome(&run->outcome.sheet, &run->outcome, json,
                                            run->o.common.json, run->o.common.html)
                  : r;
}

int idem_cli_eval_liveness(int argc, char **argv)
{
    char *line = idem_cli_line("idem eval", argc, argv);
    struct run *run = calloc(1, sizeof *run);
    int r = run && line ? 0 : idem_cli_fail("out of memory");
    if (r == 0) {
        r = parse(&run->o, argc, argv);
        if (r == 0)
            r = judge_all(run, line);
        idem_cli_close(run->o.sources, run->o.count);
        idem_liveness_outcome_fini(&run->outcome);
    }
    free(run);
    free(line);
    return r < 0 ? IDEM_EXIT_OK : r;
}
