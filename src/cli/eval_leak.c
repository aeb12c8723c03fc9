/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_leak.c - `idem eval leak`: what the attacker of windows learns about the text, per level and
 * length of windows, today or behind a defence.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/option.h"
#include "eval/keys.h"
#include "eval/leak.h"
#include "model/learn.h"

enum { POPULATIONS = 16, LEVELS = 8, LENGTHS = 12 };

enum id {
    POPULATION = 256,
    POPULATION_USERS,
    USERS,
    LEVELS_ID,
    WINDOWS,
    FLIGHTS,
    WORDS,
    PEOPLE,
    PER_LENGTH,
    TRIALS,
    NATURAL,
    DECODED,
    THIN,
    CARRY,
    COST,
    SEED,
};

static const struct idem_cli_option rows[] = {
    {"population", "FILE",
     "recordings of other people, from which the attacker learns (repeatable)", POPULATION},
    {"population-users", "RANGES", "learn from these people only: 1-72,80", POPULATION_USERS},
    {"users", "RANGES", "attack these people only: 73-96", USERS},
    {"levels", "LIST", "of hand,mixed,finger,fingerrow,key (default: all)", LEVELS_ID},
    {"windows", "LIST", "keys of a window (default 10,15,25,50,100)", WINDOWS},
    {"flights", "LIST", "ud (default), or more of dd,ud,uu: they never leave the edge", FLIGHTS},
    {"words", "FILE", "the vocabulary, one word a line (default: what --population typed)", WORDS},
    {"people", "N", "attack N people, drawn by the seed (default 100)", PEOPLE},
    {"per-length", "N", "test N words of each length (default 6, at most 32)", PER_LENGTH},
    {"trials", "N", "windows with each word, to learn from and to test (default 200)", TRIALS},
    {"natural", "N", "windows without, likewise (default 3000)", NATURAL},
    {"decoded", "N", "pairs of windows to read (default 40)", DECODED},
    {"thin", "SHARE", "defence: each measurement is withheld with this probability", THIN},
    {"carry", "N", "defence: a cell with fewer strokes stays for the next window", CARRY},
    {"cost", NULL, "also measure recognition with such windows", COST},
    {"seed", "N", "of all draws (default 1)", SEED},
};

enum { OPTIONS = sizeof rows / sizeof *rows };

struct options {
    const char *population[POPULATIONS];
    int populations;
    const char *population_users, *users, *words, *data;
    char *levels[LEVELS];
    char *windows[LENGTHS];
    uint32_t keys[LENGTHS];
    int level_count, length_count;
    bool cost;
    struct idem_cli_common common;
    struct idem_leak_options leak;
};

static const char about[] =
    "usage: idem eval leak --population FILE [OPTION...] DATA\n\n"
    "What somebody who holds every window of a session, the profile, a vocabulary and a\n"
    "language model learns about the text: likelihood ratios of single words, values and\n"
    "orders of strokes, words and passwords read. Keyboard only.\n\n";

/* Cuts a list at its commas, in place; -1 when there are too many or empty parts. */
static int split(char *list, char **parts, int most)
{
    int n = 0;
    for (char *at = list; at; n++) {
        char *comma = strchr(at, ',');
        if (n == most || *at == 0 || *at == ',')
            return -1;
        if (comma)
            *comma++ = 0;
        parts[n] = at;
        at = comma;
    }
    return n;
}

static int take_levels(struct options *o, char *list)
{
    enum idem_level level;
    o->level_count = split(list, o->levels, LEVELS);
    for (int i = 0; i < o->level_count; i++)
        if (strcmp(o->levels[i], "key") != 0 && idem_level_parse(o->levels[i], &level) < 0)
            o->level_count = -1;
    return o->level_count > 0
               ? 0
               : idem_cli_usage("eval",
                                "--levels is a list of hand, mixed, finger, fingerrow, key");
}

static int take_windows(struct options *o, char *list)
{
    o->length_count = split(list, o->windows, LENGTHS);
    for (int i = 0; i < o->length_count; i++)
        if (!idem_cli_number(o->windows[i], 10, IDEM_LEAK_KEYS_MAX / 2, &o->keys[i]))
            o->length_count = -1;
    return o->length_count > 0
               ? 0
               : idem_cli_usage("eval", "--windows is a list of numbers from 10 to %d",
                                IDEM_LEAK_KEYS_MAX / 2);
}

static int take_real(const char *name, const char *text, double most, double *out)
{
    char *end;
    double x = strtod(text, &end);
    if (*text == 0 || *end != 0 || !(x >= 0 && x <= most))
        return idem_cli_usage("eval", "--%s takes a number from 0 to %g", name, most);
    *out = x;
    return 0;
}

static int take_number(struct options *o, int id, const char *value)
{
    uint32_t seed = 0;
    const struct {
        int id;
        uint32_t min, max, *to;
    } limits[] = {{PEOPLE, 2, 100000, &o->leak.people},
                  {PER_LENGTH, 1, 32, &o->leak.words},
                  {TRIALS, 20, 100000, &o->leak.planted},
                  {NATURAL, 100, 1000000, &o->leak.natural},
                  {DECODED, 1, 10000, &o->leak.decoded},
                  {CARRY, 1, 1000, &o->leak.defence.carry},
                  {SEED, 0, UINT32_MAX, &seed}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limits[i].id != id)
            continue;
        if (!idem_cli_number(value, limits[i].min, limits[i].max, limits[i].to))
            return idem_cli_usage("eval", "--%s takes a number from %u to %u",
                                  rows[id - POPULATION].name, limits[i].min, limits[i].max);
    }
    if (id == SEED)
        o->leak.seed = seed;
    return 0;
}

static int take(void *arg, int id, char *value)
{
    struct options *o = arg;
    switch (id) {
    case POPULATION:
        if (o->populations == POPULATIONS)
            return idem_cli_usage("eval", "at most %d --population", POPULATIONS);
        o->population[o->populations++] = value;
        return 0;
    case POPULATION_USERS:
        o->population_users = value;
        return 0;
    case USERS:
        o->users = value;
        return 0;
    case LEVELS_ID:
        return take_levels(o, value);
    case WINDOWS:
        return take_windows(o, value);
    case FLIGHTS:
        o->leak.flights = value;
        return 0;
    case WORDS:
        o->words = value;
        return 0;
    case THIN:
        return take_real("thin", value, 0.99, &o->leak.defence.thin);
    case COST:
        o->cost = true;
        return 0;
    default:
        return take_number(o, id, value);
    }
}

static int check(struct options *o, int files)
{
    static char levels[] = "hand,mixed,finger,fingerrow,key", windows[] = "10,15,25,50,100";
    int r = 0;
    if (o->populations == 0)
        return idem_cli_usage("eval", "--population FILE is missing: recordings of other people");
    for (int i = 0; i < o->populations; i++)
        if (idem_cli_is_population(o->population[i]))
            return idem_cli_usage("eval", "%s: leak learns from recordings, their keys are needed",
                                  o->population[i]);
    if (files != 1)
        return idem_cli_usage("eval", "one recording is attacked, not %d", files);
    if (o->level_count == 0)
        r = take_levels(o, levels);
    if (r == 0 && o->length_count == 0)
        r = take_windows(o, windows);
    if (r == 0 && o->level_count * o->length_count > IDEM_LEAK_ROWS)
        r = idem_cli_usage("eval", "at most %d rows", IDEM_LEAK_ROWS);
    return r;
}

static int parse(struct options *o, int argc, char **argv)
{
    const struct idem_cli_options options = {"eval leak", about, rows, OPTIONS,
                                             &o->common,  take,  o};
    int r = idem_cli_options(&options, argc, argv);
    r = r ? r : check(o, argc - optind);
    o->data = r ? NULL : argv[optind];
    return r;
}

/* ------------------------------------------------------------------ the work */

struct run {
    struct options o;
    struct idem_source sources[POPULATIONS + 1]; /* the last is the data */
    int count;
    struct idem_leak_text text;
    struct idem_leak_row rows[IDEM_LEAK_ROWS];
    uint32_t done;
    struct idem_sheet sheet;
};

static int read_all(struct run *run)
{
    const struct options *o = &run->o;
    for (int i = 0; i < o->populations; i++)
        run->sources[run->count++] = (struct idem_source){.path = o->population[i],
                                                          .users = o->population_users,
                                                          .skip_bad = o->common.skip_bad,
                                                          .teaches = true};
    run->sources[run->count++] =
        (struct idem_source){.path = o->data, .users = o->users, .skip_bad = o->common.skip_bad};
    for (int i = 0; i < o->populations; i++)
        if (strcmp(o->population[i], o->data) == 0 && (!o->users || !o->population_users))
            idem_cli_note("the attacker has seen the texts of the attacked; --population-users and "
                          "--users keep them apart");
    int r = idem_cli_read(run->sources, run->count);
    for (int i = 0; i < run->count && r == 0; i++) {
        const struct idem_recording *rec = run->sources[i].rec;
        if (rec->modality != IDEM_KEYBOARD || rec->zones)
            r = idem_cli_fail("%s: leak needs a keyboard recording with keys",
                              run->sources[i].path);
    }
    return r;
}

static int learn_text(struct run *run)
{
    struct idem_recording *recs[POPULATIONS];
    for (int i = 0; i < run->count - 1; i++)
        recs[i] = run->sources[i].rec;
    int r = idem_leak_text_init(&run->text, recs, run->count - 1);
    if (r < 0)
        return idem_cli_fail("%s: %s", run->o.population[0], idem_strerror(r));
    if (run->o.words && (r = idem_leak_text_read(&run->text, run->o.words)) < 0)
        return idem_cli_fail("%s: %s", run->o.words,
                             r == IDEM_ERR_IO ? strerror(errno) : "no word of 4 to 12 letters");
    return 0;
}

/* One level: a front, or a whole population where recognition is wanted. */
static int learn_level(struct run *run, const char *level, struct idem_learned *learned)
{
    struct idem_recording *recs[POPULATIONS];
    struct idem_fault fault;
    const struct idem_learning how = {.level = level, .flights = run->o.leak.flights};
    for (int i = 0; i < run->count - 1; i++)
        recs[i] = run->sources[i].rec;
    return idem_learn_recordings(recs, run->count - 1, &how, learned, &fault) < 0
               ? idem_cli_fail("%s", fault.text)
               : 0;
}

static int learn_front(struct run *run, const char *level, struct idem_filing *filing,
                       struct idem_front **front)
{
    struct idem_recording *recs[POPULATIONS];
    struct idem_corpus corpus = {0};
    for (int i = 0; i < run->count - 1; i++)
        recs[i] = run->sources[i].rec;
    int r = idem_filing_init(filing, level, run->o.leak.flights, recs[0]);
    if (r == IDEM_ERR_INVALID)
        return idem_cli_usage("eval", "--flights is ud, or more of dd,ud,uu");
    if (r == 0)
        r = idem_keys_learn_front(filing, recs, run->count - 1, IDEM_SLICE_STROKES, front, &corpus);
    if (r == 0)
        r = idem_front_seal(*front);
    idem_corpus_fini(&corpus);
    return r == 0 ? 0 : idem_cli_fail("learning level %s: %s", level, idem_strerror(r));
}

static int run_level(struct run *run, const char *level)
{
    struct idem_leak_stage stage = {.text = &run->text,
                                    .own = run->sources[0].rec,
                                    .attacked = run->sources[run->count - 1].rec};
    struct idem_leak_options leak = run->o.leak;
    struct idem_learned learned = {0};
    struct idem_filing filing;
    struct idem_front *front = NULL;
    const bool whole = run->o.cost;
    const uint32_t all = (uint32_t)(run->o.level_count * run->o.length_count);
    static char step[] = "attacking";
    int r = whole ? learn_level(run, level, &learned) : learn_front(run, level, &filing, &front);
    if (r != 0)
        return r;
    stage.front = whole ? learned.population->front : front;
    stage.filing = whole ? &learned.filing : &filing;
    stage.learned = run->o.cost ? &learned : NULL;
    leak.level = level;
    for (int i = 0; i < run->o.length_count && r == 0; i++) {
        idem_cli_progress(step, run->done, all);
        leak.keys = run->o.keys[i];
        r = idem_leak_run(&stage, &leak, &run->rows[run->done]);
        run->done += r == 0;
    }
    idem_cli_progress(step, run->done, run->done);
    idem_population_free(learned.population);
    idem_front_free(front);
    return r == 0 ? 0
                  : idem_cli_fail("%s, level %s: %s", run->o.data, level,
                                  r == IDEM_ERR_TOO_LITTLE
                                      ? "too little text for windows of this length"
                                      : idem_strerror(r));
}

static int tell(struct run *run)
{
    int r = idem_leak_sheet(run->rows, run->done, &run->sheet);
    return r < 0 ? idem_cli_fail("%s", idem_strerror(r))
                 : idem_cli_answer_sheet(&run->sheet, run->o.common.json, run->o.common.html);
}

static const char lead[] =
    "The attacker holds every window that leaves the edge and the person's profile, and knows the "
    "level, a vocabulary and a language model learned from other people. Tests are chosen and set "
    "on those other people and counted on the attacked.";

int idem_cli_eval_leak(int argc, char **argv)
{
    struct run *run = calloc(1, sizeof *run);
    char *line = idem_cli_line("idem eval", argc, argv);
    int r = run && line ? 0 : idem_cli_fail("out of memory");
    if (r == 0) {
        run->o.leak = (struct idem_leak_options){.flights = "ud",
                                                 .people = 100,
                                                 .words = 6,
                                                 .planted = 200,
                                                 .natural = 3000,
                                                 .decoded = 40,
                                                 .seed = 1};
        run->sheet = (struct idem_sheet){.protocol = "leak", .lead = lead, .command_line = line};
        r = parse(&run->o, argc, argv);
        if (r < 0) {
            free(run);
            free(line);
            return IDEM_EXIT_OK;
        }
    }
    if (r == 0)
        r = read_all(run);
    if (r == 0)
        r = learn_text(run);
    for (int i = 0; r == 0 && i < run->o.level_count; i++)
        r = run_level(run, run->o.levels[i]);
    if (r == 0)
        r = tell(run);
    if (run) {
        idem_leak_text_fini(&run->text);
        idem_cli_close(run->sources, run->count);
        idem_sheet_fini(&run->sheet);
    }
    free(run);
    free(line);
    return r;
}
