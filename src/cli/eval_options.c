/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_options.c - one table of options gives the parser, the help and the check of what belongs
 * where.
 */
#include "cli/eval_options.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/parallel.h"

enum { VERIFY = 1, BLOCKS = 2, CHALLENGE = 4, ALL = 7 };

enum { FIRST_ROW = 256 }; /* getopt's value of the first row: above every character */

enum id {
    POPULATION,
    POPULATION_USERS,
    USERS,
    LEVEL,
    FLIGHTS,
    ENROL,
    ENROL_MATCH,
    PROBE_MATCH,
    PROBE,
    CUT,
    EVENTS,
    RUN_BLOCKS,
    RESAMPLE,
    SCALE,
    RESAMPLE_ALL,
    LABELS,
    RECENTRE,
    JSON,
    HTML,
    SKIP_BAD,
    THREADS,
};

static const struct row {
    const char *name, *value; /* value NULL: a switch */
    int id, protocols;
    const char *help;
} rows[] = {
    {"population", "FILE", POPULATION, ALL,
     "a population file, or recordings to learn one from (may be repeated)"},
    {"population-users", "RANGES", POPULATION_USERS, ALL,
     "learn from these people only, by the number in their names: 1-72,80"},
    {"users", "RANGES", USERS, ALL, "put these people to the test only: 73-96"},
    {"level", "LEVEL", LEVEL, ALL,
     "hand, mixed (default here, for comparison), finger, fingerrow; key exists here only"},
    {"flights", "LIST", FLIGHTS, VERIFY, "ud (default), or more of dd,ud,uu: exist here only"},
    {"enrol", "N", ENROL, VERIFY | BLOCKS,
     "each person's first N sessions enrol (verify: 10; blocks: those of split `train`)"},
    {"enrol-match", "TEXT", ENROL_MATCH, VERIFY | BLOCKS,
     "sessions with TEXT in their names enrol"},
    {"probe-match", "TEXT", PROBE_MATCH, VERIFY | BLOCKS,
     "only sessions with TEXT in their names are probes"},
    {"probe", "KEYS", PROBE, VERIFY, "keys of a probe (default 50)"},
    {"cut", NULL, CUT, VERIFY, "cut sessions into as many probes as they hold"},
    {"events", "N", EVENTS, BLOCKS, "pointer events of a block (default 128)"},
    {"blocks", "N", RUN_BLOCKS, BLOCKS, "runs of 1 to N blocks are probes (default 5)"},
    {"resample", "MS", RESAMPLE, BLOCKS,
     "put the probes on a clock of MS ms, and tell how many decisions that turns"},
    {"scale", "X", SCALE, BLOCKS, "multiply the probes' coordinates by X, likewise (1.5)"},
    {"resample-all", NULL, RESAMPLE_ALL, BLOCKS, "resample and scale enrolments too"},
    {"labels", "CSV", LABELS, CHALLENGE,
     "session,is_illegal: takes the place of the recording's column"},
    {"recentre", NULL, RECENTRE, ALL,
     "move the population's centre to the enrolled profiles', as `idem train --from-store` does"},
    {"json", NULL, JSON, ALL, "figures as JSON on standard output"},
    {"html", "FILE", HTML, ALL, "also write a page with plots, figures and how to reproduce"},
    {"skip-bad", NULL, SKIP_BAD, ALL, "leave out bad rows, count them and say so"},
    {"threads", "N", THREADS, ALL, "use N threads (default: all cores)"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static const char *const kind_names[] = {"verify", "blocks", "challenge"};

static const char *const kind_help[] = {
    "keyboard: profiles from a person's first sessions, one probe a later session; the impostors\n"
    "of a person are the first probes of all others",
    "pointer: profiles from some sessions, probes are runs of blocks of events of others; the\n"
    "impostors of a person are all probes of all others",
    "pointer: each labelled session of split `test` against its account's sessions of split\n"
    "`train`; the impostors are other people of the same recording, which flatters",
};

const char *idem_eval_kind_name(enum idem_eval_kind kind)
{
    return kind_names[kind];
}

static void help(int protocols)
{
    fputs("usage: idem eval verify|blocks|challenge --population FILE [OPTION...] DATA\n\n",
          stdout);
    for (int k = 0; k < IDEM_EVAL_KINDS; k++)
        if (protocols & 1 << k)
            printf("%s\n%s\n\n", kind_names[k], kind_help[k]);
    if (protocols == ALL)
        fputs("takeover, calibration, ageing, enrolment, leak, injection, ...\n"
              "have a --help of their own: idem eval takeover --help\n\n",
              stdout);
    fputs("Prints AUC, EER, Cllr and FNMR with 95 % intervals (people drawn anew 500 times).\n"
          "DATA and recordings for --population are .csv or .csv.gz; sessions marked `test` in a "
          "split\n"
          "column teach no population.\n\n",
          stdout);
    for (int i = 0; i < ROWS; i++)
        if (rows[i].protocols & protocols)
            printf("  --%-16s %-6s  %s\n", rows[i].name, rows[i].value ? rows[i].value : "",
                   rows[i].help);
}

static bool flag(struct idem_eval_options *o, int id)
{
    if (id == CUT)
        o->protocol.cut = true;
    else if (id == JSON)
        o->json = true;
    else if (id == SKIP_BAD)
        o->skip_bad = true;
    else if (id == RESAMPLE_ALL)
        o->resample_all = true;
    else if (id == RECENTRE)
        o->recentre = true;
    else
        return false;
    return true;
}

static bool text(struct idem_eval_options *o, int id, const char *value)
{
    const char **places[] = {
        &o->population_users,     &o->users,  &o->level, &o->flights, &o->protocol.enrol_match,
        &o->protocol.probe_match, &o->labels, &o->html};
    static const int ids[] = {POPULATION_USERS, USERS,       LEVEL,  FLIGHTS,
                              ENROL_MATCH,      PROBE_MATCH, LABELS, HTML};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (ids[i] == id) {
            *places[i] = value;
            return true;
        }
    return false;
}

static int number(struct idem_eval_options *o, const struct row *row, const char *value)
{
    static const struct {
        int id;
        uint32_t min, max;
    } limits[] = {{ENROL, 1, 100000},   {PROBE, 5, 100000},
                  {EVENTS, 8, 1000000}, {RUN_BLOCKS, 1, IDEM_BLOCKS_MAX},
                  {RESAMPLE, 4, 200},   {THREADS, 1, IDEM_THREADS_MAX}};
    uint32_t *places[] = {&o->protocol.enrol,  &o->protocol.probe,     &o->protocol.events,
                          &o->protocol.blocks, &o->resampling.step_ms, NULL};
    uint32_t got;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limits[i].id != row->id)
            continue;
        if (!idem_cli_number(value, limits[i].min, limits[i].max, &got))
            return idem_cli_usage("eval", "--%s takes a number from %u to %u", row->name,
                                  limits[i].min, limits[i].max);
        if (places[i])
            *places[i] = got;
        else
            idem_parallel_threads((int)got);
    }
    return 0;
}

static int factor(struct idem_eval_options *o, const char *value)
{
    char *end;
    double x = strtod(value, &end);
    if (end == value || *end || !(x >= 0.1 && x <= 10))
        return idem_cli_usage("eval", "--scale takes a number from 0.1 to 10");
    o->resampling.scale = x;
    return 0;
}

static int set(struct idem_eval_options *o, const struct row *row, const char *value)
{
    if (!(row->protocols & 1 << o->kind))
        return idem_cli_usage("eval", "--%s has no meaning for %s", row->name, kind_names[o->kind]);
    if (row->id == POPULATION) {
        if (o->populations == IDEM_EVAL_POPULATIONS)
            return idem_cli_usage("eval", "at most %d --population", IDEM_EVAL_POPULATIONS);
        o->population[o->populations++] = value;
        return 0;
    }
    if (row->id == SCALE)
        return factor(o, value);
    if (flag(o, row->id) || text(o, row->id, value))
        return 0;
    return number(o, row, value);
}

/* What only makes sense together. */
static int check(const struct idem_eval_options *o, int files)
{
    enum idem_level level;
    if (o->populations == 0)
        return idem_cli_usage("eval", "--population FILE is missing: a population file or "
                                      "recordings of other people");
    if (files != 1)
        return idem_cli_usage("eval", "one recording is put to the test, not %d", files);
    if (o->resample_all && !o->resampling.step_ms && !(fabs(o->resampling.scale - 1) > 0))
        return idem_cli_usage("eval", "--resample-all needs --resample or --scale");
    if (o->level && strcmp(o->level, "key") != 0 && idem_level_parse(o->level, &level) < 0)
        return idem_cli_usage("eval", "--level is hand, mixed, finger, fingerrow or key");
    return 0;
}

/* verify, blocks, challenge or a request for help stands first. */
static int parse_kind(int argc, char **argv, struct idem_eval_options *o)
{
    for (int k = 0; argc > 1 && k < IDEM_EVAL_KINDS; k++)
        if (strcmp(argv[1], kind_names[k]) == 0) {
            o->kind = (enum idem_eval_kind)k;
            return 0;
        }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        help(ALL);
        return -1;
    }
    return idem_cli_usage("eval", "a protocol comes first: verify, blocks, challenge, takeover, "
                                  "calibration, ageing, enrolment, leak, injection, liveness or "
                                  "replays");
}

int idem_eval_parse(int argc, char **argv, struct idem_eval_options *out)
{
    struct option longs[ROWS + 2] = {{NULL, 0, NULL, 0}};
    struct idem_eval_options o = {.flights = "ud",
                                  .resampling = {.scale = 1},
                                  .protocol = {.probe = 50, .events = 128, .blocks = 5}};
    int opt, r = parse_kind(argc, argv, &o);
    for (int i = 0; i < ROWS; i++)
        longs[i] = (struct option){rows[i].name, rows[i].value != NULL, NULL, FIRST_ROW + i};
    longs[ROWS] = (struct option){"help", no_argument, NULL, 'h'};
    optind = 2;
    while (r == 0 && (opt = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (opt == 'h') {
            help(1 << o.kind);
            return -1;
        }
        if (opt == '?')
            return idem_cli_usage("eval", "this option does not exist or lacks its value");
        r = set(&o, &rows[opt - FIRST_ROW], optarg);
    }
    if (r == 0)
        r = check(&o, argc - optind);
    if (r != 0)
        return r;
    o.data = argv[optind];
    if (o.kind == IDEM_EVAL_VERIFY && !o.protocol.enrol)
        o.protocol.enrol = 10;
    *out = o;
    return 0;
}
