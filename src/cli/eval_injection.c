/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_injection.c - `idem eval injection`: payload skeletons through injecting devices, recorded
 * people, and what the guard and other tools' rules make of both.
 */
#include "cli/eval_injection.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/command.h"
#include "cli/option.h"
#include "eval/injection.h"

enum id { HUMAN = 256, USERS, CLOCKS, SEED };

static const struct idem_cli_option rows[] = {
    {"human", "FILE", "a keyboard recording of people (may be repeated)", HUMAN},
    {"users", "RANGES", "of the recording before it take these people only: 1-72,80,90-99/2",
     USERS},
    {"clocks", NULL, "also play the payloads on coarser clocks and delivered late", CLOCKS},
    {"seed", "N", "of all draws (default 1)", SEED},
};

enum { OPTIONS = sizeof rows / sizeof *rows };

struct options {
    const char *payloads;
    struct idem_source sources[IDEM_INJECTION_FILES];
    int count;
    uint32_t seed;
    bool clocks;
    struct idem_cli_common common;
};

static const char about[] =
    "usage: idem eval injection [--human FILE]... [OPTION...] PAYLOADS\n\n"
    "Plays every payload (columns corpus, payload, step, kind, value) through timing models of\n"
    "injecting devices, and every recorded person, into guards that know nothing of the device,\n"
    "and into other tools' rules. Skeletons hold no characters: letters are drawn as frequent as\n"
    "in English, by the seed. key_p50 and key_p99: the key-down at or before which half and\n"
    "99 % of the payloads of six or more key-downs had their alarm, those never noticed\n"
    "included; modifiers count as key-downs, auto-repeat does not.\n\n"
    "--json: models, an object with payloads, alarmed, key_p50, key_p99 (null: not reached) of\n"
    "each device, and the same in attached, clone, ukip, ukip_repeat, duckhunt; human with keys,\n"
    "sessions, false_alarms, upper95_per_million_keys (one-sided, exact Poisson: the rule of\n"
    "three); alarms, every false alarm by file, person, session and cause; and the tables.\n\n";

static int take_file(struct options *o, const char *path)
{
    if (o->count == IDEM_INJECTION_FILES)
        return idem_cli_usage("eval injection", "at most %d --human", IDEM_INJECTION_FILES);
    o->sources[o->count++] = (struct idem_source){.path = path, .keep_lost = true};
    return 0;
}

static int take_users(struct options *o, const char *ranges)
{
    if (o->count == 0)
        return idem_cli_usage("eval injection", "--users stands behind the --human it is about");
    o->sources[o->count - 1].users = ranges;
    return 0;
}

static int take_seed(struct options *o, const char *value)
{
    return idem_cli_number(value, 0, 999999999, &o->seed)
               ? 0
               : idem_cli_usage("eval injection", "--seed takes a number");
}

static int take(void *arg, int id, char *value)
{
    struct options *o = arg;
    switch (id) {
    case HUMAN:
        return take_file(o, value);
    case USERS:
        return take_users(o, value);
    case CLOCKS:
        o->clocks = true;
        return 0;
    default:
        return take_seed(o, value);
    }
}

/* 0: go on. -1: help was printed. Otherwise an exit code after a message. */
static int parse(struct options *o, int argc, char **argv)
{
    const struct idem_cli_options options = {"eval injection", about, rows, OPTIONS,
                                             &o->common,       take,  o};
    int r = idem_cli_options(&options, argc, argv);
    if (r == 0 && argc - optind != 1)
        r = idem_cli_usage("eval injection",
                           "one file of payloads, not %d; recordings of people "
                           "are given with --human",
                           argc - optind);
    for (int i = 0; i < o->count; i++)
        o->sources[i].skip_bad = o->common.skip_bad;
    o->payloads = r ? NULL : argv[optind];
    return r;
}

/* ------------------------------------------------------------------ the work */

struct run {
    struct options o;
    struct idem_payloads payloads;
    struct idem_injection_pool people;
    struct idem_injection_outcome outcome;
    uint32_t done, of; /* rounds */
};

static void advance(struct run *run)
{
    static char step[] = "injecting";
    idem_cli_progress(step, ++run->done, run->of);
}

static int read_all(struct run *run)
{
    struct idem_fault fault = {""};
    if (idem_payloads_read(run->o.payloads, &run->payloads, &fault) < 0)
        return idem_cli_fail("%s", fault.text);
    int r = idem_cli_read(run->o.sources, run->o.count);
    for (int i = 0; i < run->o.count && r == 0; i++) {
        const struct idem_source *s = &run->o.sources[i];
        if (s->rec->modality != IDEM_KEYBOARD)
            r = idem_cli_fail("%s is no keyboard recording", s->path);
        run->outcome.files[i] = (struct idem_injection_file){.path = s->path, .rec = s->rec};
        run->people.recs[run->people.count++] = s->rec;
    }
    return r;
}

static int play_model(struct run *run, int m)
{
    struct idem_injection_outcome *out = &run->outcome;
    struct idem_injection_options how = {.seed = run->o.seed};
    const struct idem_device_model *model = &idem_device_models[m];
    const struct idem_payloads *p = &run->payloads;
    int r = 0;
    for (int j = 0; j < IDEM_JUDGES && r == 0; j++)
        r = idem_injection_play(p, model, (enum idem_injection_judge)j, &how, &out->scores[m][j]);
    for (int c = 0; c < IDEM_CLOCKS && r == 0 && run->o.clocks; c++) {
        how.clock = (enum idem_injection_clock)c;
        r = idem_injection_play(p, model, IDEM_JUDGE_GUARD, &how, &out->clocks[m][c]);
    }
    how.clock = IDEM_CLOCK_FINE;
    for (int role = IDEM_ROLE_TOKEN; role < IDEM_GUARD_ROLES && r == 0; role++) {
        how.role = (enum idem_guard_role)role;
        r = idem_injection_play(p, model, IDEM_JUDGE_GUARD, &how, &out->claims[m][role]);
    }
    how.role = IDEM_ROLE_ORDINARY;
    if (r == 0 && run->o.count) {
        how.clock = IDEM_CLOCK_MS;
        how.past = &run->people;
        r = idem_injection_play(p, model, IDEM_JUDGE_GUARD, &how, &out->after[m]);
        how.clock = IDEM_CLOCK_FINE;
        if (r == 0)
            r = idem_injection_play(p, model, IDEM_JUDGE_CLONE, &how, &out->after_kernel[m]);
    }
    advance(run);
    return r;
}

static int work(struct run *run)
{
    int r = 0;
    run->of = IDEM_DEVICE_MODELS + IDEM_HONEST_SOURCES + (uint32_t)run->o.count;
    run->outcome.with_clocks = run->o.clocks;
    run->outcome.seed = run->o.seed;
    for (int m = 0; m < IDEM_DEVICE_MODELS && r == 0; m++)
        r = play_model(run, m);
    for (int i = 0; i < IDEM_HONEST_SOURCES && r == 0; i++) {
        r = idem_injection_honest(i, &run->people, run->o.seed, &run->outcome.honest[i]);
        advance(run);
    }
    for (int i = 0; i < run->o.count && r == 0; i++) {
        r = idem_injection_people(run->outcome.files[i].rec, &run->outcome.files[i].people);
        run->outcome.file_count += r == 0;
        advance(run);
    }
    if (r == 0)
        r = idem_injection_sheet(&run->outcome);
    return r < 0 ? idem_cli_fail("%s", idem_strerror(r)) : 0;
}

static int json(const void *outcome, FILE *to)
{
    return idem_injection_json(outcome, to);
}

static const char lead[] =
    "Payloads through the timing of injecting devices, and recorded people, each on a device that "
    "nothing is known of: how soon an alarm comes, and how often a hand causes one.";

static int judge_all(struct run *run, const char *line)
{
    run->outcome.sheet.protocol = "injection";
    run->outcome.sheet.lead = lead;
    run->outcome.sheet.command_line = line;
    int r = read_all(run);
    if (r == 0)
        r = work(run);
    return r == 0 ? idem_cli_answer_outcome(&run->outcome.sheet, &run->outcome, json,
                                            run->o.common.json, run->o.common.html)
                  : r;
}

int idem_cli_eval_injection(int argc, char **argv)
{
    char *line = idem_cli_line("idem eval", argc, argv);
    struct run *run = calloc(1, sizeof *run);
    int r = run && line ? 0 : idem_cli_fail("out of memory");
    if (r == 0) {
        run->o.seed = 1;
        r = parse(&run->o, argc, argv);
        if (r == 0)
            r = judge_all(run, line);
        idem_cli_close(run->o.sources, run->o.count);
        idem_injection_outcome_fini(&run->outcome);
        idem_payloads_free(&run->payloads);
    }
    free(run);
    free(line);
    return r < 0 ? IDEM_EXIT_OK : r;
}
