/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_study.c - see eval_study.h.
 */
#include "cli/eval_study.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "eval/parallel.h"

enum { POPULATIONS = 16, FLAGS = 16 };

struct options {
    const char *name; /* of the protocol */
    const struct idem_cli_study *study;
    const char *population[POPULATIONS];
    int populations;
    const char *population_users, *users, *level, *html, *data;
    uint32_t keys;
    bool json, skip_bad;
};

/* getopt's value of an option; switches that choose a study follow FIRST_STUDY. */
enum id {
    POPULATION = 256,
    POPULATION_USERS,
    USERS,
    LEVEL,
    KEYS,
    JSON,
    HTML,
    SKIP_BAD,
    THREADS,
    FIRST_STUDY
};

static const struct option common[] = {
    {"population", required_argument, NULL, POPULATION},
    {"population-users", required_argument, NULL, POPULATION_USERS},
    {"users", required_argument, NULL, USERS},
    {"level", required_argument, NULL, LEVEL},
    {"window", required_argument, NULL, KEYS},
    {"json", no_argument, NULL, JSON},
    {"html", required_argument, NULL, HTML},
    {"skip-bad", no_argument, NULL, SKIP_BAD},
    {"threads", required_argument, NULL, THREADS},
    {"help", no_argument, NULL, 'h'},
};

enum { COMMON = sizeof common / sizeof *common };

static void help(const char *name, const char *summary, const struct idem_cli_study *studies,
                 int count)
{
    printf("usage: idem eval %s --population FILE [OPTION...] DATA\n\n%s\n\n", name, summary);
    for (int i = 0; i < count; i++)
        if (studies[i].flag)
            printf("  --%-24s %s\n", studies[i].flag, studies[i].help);
    fputs(
        "  --population FILE          a population file, or recordings to learn one from (may be "
        "repeated)\n"
        "  --population-users RANGES  learn from these people only: 1-72,80\n"
        "  --users RANGES             put these people to the test only: 73-96\n"
        "  --level LEVEL              hand (default), mixed, finger, fingerrow\n"
        "  --window N                 keys of a window (25)\n"
        "  --json                     figures as JSON on standard output\n"
        "  --html FILE                also write a page with curves, figures and how to reproduce\n"
        "  --skip-bad                 leave out bad rows, count them and say so\n"
        "  --threads N                use N threads (default: all cores)\n"
        "  -h, --help\n",
        stdout);
}

static int take(struct options *o, int opt)
{
    uint32_t threads;
    enum idem_level level;
    switch (opt) {
    case POPULATION:
        if (o->populations == POPULATIONS)
            return idem_cli_usage("eval", "at most %d --population", POPULATIONS);
        o->population[o->populations++] = optarg;
        return 0;
    case POPULATION_USERS:
        o->population_users = optarg;
        return 0;
    case USERS:
        o->users = optarg;
        return 0;
    case LEVEL:
        o->level = optarg;
        return idem_level_parse(optarg, &level) == 0
                   ? 0
                   : idem_cli_usage("eval", "--level is hand, mixed, finger or fingerrow");
    case KEYS:
        return idem_cli_number(optarg, 10, 1000, &o->keys)
                   ? 0
                   : idem_cli_usage("eval", "--window takes a number from 10 to 1000");
    case HTML:
        o->html = optarg;
        return 0;
    case JSON:
        o->json = true;
        return 0;
    case SKIP_BAD:
        o->skip_bad = true;
        return 0;
    case THREADS:
        if (!idem_cli_number(optarg, 1, IDEM_THREADS_MAX, &threads))
            return idem_cli_usage("eval", "--threads takes a number from 1 to %d",
                                  IDEM_THREADS_MAX);
        idem_parallel_threads((int)threads);
        return 0;
    default:
        return idem_cli_usage("eval", "this option does not exist or lacks its value");
    }
}

static int check(const struct options *o, int files)
{
    if (o->populations == 0)
        return idem_cli_usage("eval", "--population FILE is missing: a population file or "
                                      "recordings of other people");
    if (files != 1)
        return idem_cli_usage("eval", "one recording is put to the test, not %d", files);
    return 0;
}

static int parse(struct options *o, int argc, char **argv, const char *summary,
                 const struct idem_cli_study *studies, int count)
{
    struct option longs[COMMON + FLAGS + 1] = {{NULL, 0, NULL, 0}};
    int n = COMMON, opt, r = 0, chosen = 0;
    memcpy(longs, common, sizeof common);
    for (int i = 0; i < count && i < FLAGS; i++)
        if (studies[i].flag)
            longs[n++] = (struct option){studies[i].flag, no_argument, NULL, FIRST_STUDY + i};
    optind = 1;
    while (r == 0 && (opt = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (opt == 'h') {
            help(argv[0], summary, studies, count);
            return -1;
        }
        if (opt < FIRST_STUDY) {
            r = take(o, opt);
            continue;
        }
        o->study = &studies[opt - FIRST_STUDY];
        if (chosen++)
            r = idem_cli_usage("eval", "one study at a time");
    }
    r = r ? r : check(o, argc - optind);
    o->data = r ? NULL : argv[optind];
    return r;
}

/* ------------------------------------------------------------------ reading and learning */

struct run {
    const struct options *o;
    struct idem_source sources[POPULATIONS + 1]; /* the last in use is the data */
    int count;
    struct idem_learned learned;
    struct idem_sheet sheet;
};

static int read_files(struct run *run)
{
    const struct options *o = run->o;
    for (int i = 0; i < o->populations; i++) {
        if (!idem_cli_is_population(o->population[i])) {
            run->sources[run->count++] = (struct idem_source){.path = o->population[i],
                                                              .users = o->population_users,
                                                              .skip_bad = o->skip_bad,
                                                              .teaches = true};
            continue;
        }
        if (o->populations > 1 || o->population_users)
            return idem_cli_usage("eval",
                                  "%s: a population file stands alone, and has been "
                                  "learned already",
                                  o->population[i]);
        int r = idem_cli_read_population(o->population[i], &run->learned);
        if (r != 0)
            return r;
    }
    run->sources[run->count++] =
        (struct idem_source){.path = o->data, .users = o->users, .skip_bad = o->skip_bad};
    for (int i = 0; i < o->populations; i++)
        if (strcmp(o->population[i], o->data) == 0 && !o->users)
            idem_cli_note("the population has seen the people of the test; --population-users and "
                          "--users keep them apart");
    return idem_cli_read(run->sources, run->count);
}

static int population(struct run *run)
{
    static char step[] = "learning";
    struct idem_recording *recs[POPULATIONS];
    struct idem_fault fault;
    const struct idem_learning how = {.level = run->o->level ? run->o->level
                                                             : idem_level_name(IDEM_LEVEL_DEFAULT),
                                      .flights = "ud",
                                      .calibrate = true,
                                      .progress = idem_cli_progress,
                                      .progress_arg = step};
    if (run->learned.population)
        return 0;
    for (int i = 0; i < run->count - 1; i++)
        recs[i] = run->sources[i].rec;
    if (idem_learn_recordings(recs, run->count - 1, &how, &run->learned, &fault) < 0)
        return idem_cli_fail("%s", fault.text);
    return 0;
}

static int study(struct run *run)
{
    static char step[] = "studying";
    const char *data = run->o->data;
    struct idem_study s = {.population = run->learned.population,
                           .filing = &run->learned.filing,
                           .recording = run->sources[run->count - 1].rec,
                           .keys = run->o->keys,
                           .progress = idem_cli_progress,
                           .progress_arg = step};
    idem_study_defaults(&s);
    int r = run->o->study->run(&s, &run->sheet);
    if (r == IDEM_ERR_TOO_LITTLE)
        return idem_cli_fail("%s: too few people with enough windows for this study", data);
    if (r == IDEM_ERR_MISMATCH)
        return idem_cli_fail("%s: the population or the study knows no %s", data,
                             idem_modality_name(s.recording->modality));
    return r < 0 ? idem_cli_fail("%s: %s", data, idem_strerror(r)) : 0;
}

int idem_cli_eval_study(int argc, char **argv, const char *summary,
                        const struct idem_cli_study *studies, int count)
{
    struct options o = {.name = argv[0], .study = &studies[0]};
    char *line =
        idem_cli_line("idem eval", argc, argv); /* before getopt puts the words in another order */
    int r = parse(&o, argc, argv, summary, studies, count);
    if (r != 0 || !line) {
        free(line);
        return r < 0 ? IDEM_EXIT_OK : r ? r : idem_cli_fail("out of memory");
    }
    struct run run = {.o = &o,
                      .sheet = {.protocol = o.name, .lead = o.study->lead, .command_line = line}};
    if ((r = read_files(&run)) == 0 && (r = population(&run)) == 0 && (r = study(&run)) == 0)
        r = idem_cli_answer_sheet(&run.sheet, o.json, o.html);
    idem_population_free(run.learned.population);
    idem_cli_close(run.sources, run.count);
    idem_sheet_fini(&run.sheet);
    free(line);
    return r;
}
