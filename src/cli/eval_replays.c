/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_replays.c - `idem eval replays`: old windows sent again, changed, mixed or drawn, and what
 * the server's checks make of them and of honest ones.
 */
#include "cli/eval_replays.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/option.h"
#include "eval/replays.h"

enum { POPULATIONS = 8 };
enum id {
    POPULATION = 256,
    POPULATION_USERS,
    USERS,
    LEVEL,
    WINDOW,
    TRIALS,
    SEED,
};

static const struct idem_cli_option rows[] = {
    {"population", "FILE", "a population file, or recordings to learn one from (may be repeated)",
     POPULATION},
    {"population-users", "RANGES", "learn from these people only: 1-72,80", POPULATION_USERS},
    {"users", "RANGES", "put these people to the test only", USERS},
    {"level", "LEVEL", "hand (default), mixed, finger, fingerrow", LEVEL},
    {"window", "N", "keys or gestures of a window (as shipped)", WINDOW},
    {"trials", "N", "windows of each attack and person (20)", TRIALS},
    {"seed", "N", "of all draws (1)", SEED},
};

enum { OPTIONS = sizeof rows / sizeof *rows };

struct options {
    const char *population[POPULATIONS];
    int populations;
    const char *population_users, *users, *level, *data;
    uint32_t window, trials, seed;
    struct idem_cli_common common;
};

static const char about[] =
    "usage: idem eval replays --population FILE [OPTION...] DATA\n\n"
    "Plays everybody's windows, one after the other, into the server's checks for windows\n"
    "that were sent before or that nobody typed, then attacks made of them, of profiles and\n"
    "of public people. Keyboard or pointer.\n\n";

static int take_number(struct options *o, int id, const char *value)
{
    const struct {
        int id;
        uint32_t min, max, *to;
    } limits[] = {{WINDOW, 5, 500, &o->window},
                  {TRIALS, 1, 10000, &o->trials},
                  {SEED, 0, 999999999, &o->seed}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i].id == id &&
            !idem_cli_number(value, limits[i].min, limits[i].max, limits[i].to))
            return idem_cli_usage("eval replays", "--%s takes a number from %u to %u",
                                  rows[id - POPULATION].name, limits[i].min, limits[i].max);
    return 0;
}

static int take(void *arg, int id, char *value)
{
    struct options *o = arg;
    enum idem_level level;
    switch (id) {
    case POPULATION:
        if (o->populations == POPULATIONS)
            return idem_cli_usage("eval replays", "at most %d --population", POPULATIONS);
        o->population[o->populations++] = value;
        return 0;
    case POPULATION_USERS:
        o->population_users = value;
        return 0;
    case USERS:
        o->users = value;
        return 0;
    case LEVEL:
        o->level = value;
        return idem_level_parse(value, &level) == 0
                   ? 0
                   : idem_cli_usage("eval replays", "--level is hand, mixed, finger or fingerrow");
    default:
        return take_number(o, id, value);
    }
}

/* 0: go on. -1: help was printed. Otherwise an exit code after a message. */
static int parse(struct options *o, int argc, char **argv)
{
    const struct idem_cli_options options = {"eval replays", about, rows, OPTIONS,
                                             &o->common,     take,  o};
    int r = idem_cli_options(&options, argc, argv);
    if (r == 0 && o->populations == 0)
        r = idem_cli_usage("eval replays", "--population FILE is missing: a population file or "
                                           "recordings of other people");
    if (r == 0 && argc - optind != 1)
        r = idem_cli_usage("eval replays", "one recording is put to the test, not %d",
                           argc - optind);
    o->data = r ? NULL : argv[optind];
    return r;
}

/* ------------------------------------------------------------------ the work */

struct run {
    struct options o;
    struct idem_source sources[POPULATIONS + 1]; /* the last in use is the data */
    int count;
    struct idem_learned learned;
    struct idem_replays replays;
    struct idem_scatter scatter;
    struct idem_sheet sheet;
};

static int read_files(struct run *run)
{
    const struct options *o = &run->o;
    for (int i = 0; i < o->populations; i++) {
        if (!idem_cli_is_population(o->population[i])) {
            run->sources[run->count++] = (struct idem_source){.path = o->population[i],
                                                              .users = o->population_users,
                                                              .skip_bad = o->common.skip_bad,
                                                              .teaches = true};
            continue;
        }
        if (o->populations > 1 || o->population_users || o->level)
            return idem_cli_usage("eval replays",
                                  "%s: a population file stands alone, and has been learned",
                                  o->population[i]);
        int r = idem_cli_read_population(o->population[i], &run->learned);
        if (r != 0)
            return r;
    }
    run->sources[run->count++] =
        (struct idem_source){.path = o->data, .users = o->users, .skip_bad = o->common.skip_bad};
    return idem_cli_read(run->sources, run->count);
}

static int population(struct run *run)
{
    static char step[] = "learning";
    struct idem_recording *recs[POPULATIONS];
    struct idem_fault fault;
    const struct idem_learning how = {.level = run->o.level ? run->o.level
                                                            : idem_level_name(IDEM_LEVEL_DEFAULT),
                                      .flights = "ud",
                                      .progress = idem_cli_progress,
                                      .progress_arg = step};
    if (run->learned.population)
        return 0;
    for (int i = 0; i < run->count - 1; i++)
        recs[i] = run->sources[i].rec;
    return idem_learn_recordings(recs, run->count - 1, &how, &run->learned, &fault) < 0
               ? idem_cli_fail("%s", fault.text)
               : 0;
}

static int play(struct run *run)
{
    const struct idem_recording *rec = run->sources[run->count - 1].rec;
    const struct idem_replays_options options = {.population = run->learned.population,
                                                 .recording = rec,
                                                 .strokes = run->o.window ? run->o.window
                                                            : rec->modality == IDEM_POINTER
                                                                ? IDEM_WINDOW_GESTURES
                                                                : IDEM_WINDOW_KEYS,
                                                 .trials = run->o.trials,
                                                 .seed = run->o.seed};
    int r = idem_replays_run(&options, &run->replays);
    if (r == 0)
        r = idem_replays_report(&run->replays, rec->modality, &run->sheet);
    if (r == 0 && rec->modality == IDEM_KEYBOARD)
        r = idem_scatter_run(&options, &run->scatter);
    if (r == 0 && run->scatter.people > 0)
        r = idem_scatter_report(&run->scatter, &run->sheet);
    if (r == IDEM_ERR_TOO_LITTLE)
        return idem_cli_fail("%s: nobody has a window of %u", run->o.data, options.strokes);
    if (r == IDEM_ERR_MISMATCH)
        return idem_cli_fail("%s: the population knows no %s", run->o.data,
                             idem_modality_name(rec->modality));
    return r < 0 ? idem_cli_fail("%s: %s", run->o.data, idem_strerror(r)) : 0;
}

static const char lead[] =
    "Everybody's sessions are cut into windows, which are compared with those before them and then "
    "remembered; attackers hold all of a person's windows, or the sum of them, or public people.";

int idem_cli_eval_replays(int argc, char **argv)
{
    char *line = idem_cli_line("idem eval", argc, argv);
    struct run run = {.o = {.trials = 20, .seed = 1},
                      .sheet = {.protocol = "replays", .lead = lead, .command_line = line}};
    int r = line ? parse(&run.o, argc, argv) : idem_cli_fail("out of memory");
    if (r < 0) {
        free(line);
        return IDEM_EXIT_OK;
    }
    if (r == 0 && (r = read_files(&run)) == 0 && (r = population(&run)) == 0 &&
        (r = play(&run)) == 0)
        r = idem_cli_answer_sheet(&run.sheet, run.o.common.json, run.o.common.html);
    idem_population_free(run.learned.population);
    idem_cli_close(run.sources, run.count);
    idem_replays_fini(&run.replays);
    idem_scatter_fini(&run.scatter);
    idem_sheet_fini(&run.sheet);
    free(line);
    return r;
}
