/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train.c - `idem train`: recordings in, a population file out.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "eval/parallel.h"

enum { SOURCES_MAX = 16 };

static const char help_text[] =
    "usage: idem train -o FILE [OPTION...] DATA...\n\n"
    "Learns how people differ (cells, scales, the eigenvoice matrix, calibration) from\n"
    "keyboard and pointer recordings, .csv or .csv.gz, and writes it to FILE: aggregate\n"
    "statistics, no recording. People of different files are different people. Sessions\n"
    "marked `test` in a split column are left out.\n\n"
    "  -o, --output FILE   where to write the population\n"
    "      --level LEVEL   hand, mixed (default), finger, fingerrow: how finely keys are told\n"
    "      --users RANGES  of the files after it keep people with these numbers, e.g.\n"
    "                      1-72,80; --users all ends that\n"
    "      --skip-bad      leave out bad rows, count them and say so; else they are errors\n"
    "      --threads N     use N threads (default: all cores); the result is the same\n"
    "  -h, --help\n";

struct train {
    const char *output;
    struct idem_learning how;
    struct idem_source sources[SOURCES_MAX];
    int count;
    bool skip_bad;
};

/* Writes beside the place and renames, so that a population is never half there. */
static int write_file(const char *path, const void *bytes, size_t len)
{
    char part[4096];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
        return idem_cli_fail("%s: the name is too long", path);
    FILE *f = fopen(part, "wb");
    bool ok = f && fwrite(bytes, 1, len, f) == len && fflush(f) == 0 && fsync(fileno(f)) == 0;
    if (f && fclose(f) != 0)
        ok = false;
    if (ok && rename(part, path) == 0)
        return 0;
    int failed = idem_cli_fail("%s: %s", path, strerror(errno));
    unlink(part);
    return failed;
}

static int learn(struct train *t)
{
    struct idem_recording *recs[SOURCES_MAX];
    struct idem_learned learned;
    struct idem_fault fault;
    void *bytes = NULL;
    size_t len = 0;
    for (int i = 0; i < t->count; i++)
        recs[i] = t->sources[i].rec;
    if (idem_learn_recordings(recs, t->count, &t->how, &learned, &fault) < 0)
        return idem_cli_fail("%s", fault.text);
    int r = idem_population_write(learned.population, &bytes, &len);
    int exit_code = r < 0 ? idem_cli_fail("%s: %s", t->output, idem_strerror(r))
                          : write_file(t->output, bytes, len);
    free(bytes);
    if (exit_code == IDEM_EXIT_OK) {
        const struct idem_front *front = idem_population_front(learned.population);
        printf("%s: %zu bytes, front %016llx, level %s\n", t->output, len,
               (unsigned long long)idem_front_id(front), idem_level_name(idem_front_level(front)));
        for (int m = 0; m < IDEM_MODALITIES; m++)
            if (learned.people[m])
                printf("  %-8s %u people, %u cells of %u channels, rank %u\n",
                       idem_modality_name(m), learned.people[m], idem_front_cells(front, m),
                       idem_front_channels(front, m), learned.population->model[m].rank);
    }
    idem_population_free(learned.population);
    return exit_code;
}

/* "-" keeps files and options in their order: --users holds for the files after it. */
static const struct option options[] = {
    {"output", required_argument, NULL, 'o'},
    {"level", required_argument, NULL, 'l'},
    {"users", required_argument, NULL, 'u'},
    {"skip-bad", no_argument, NULL, 's'},
    {"threads", required_argument, NULL, 't'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int add_source(struct train *t, const char *path, const char *users)
{
    if (t->count == SOURCES_MAX)
        return idem_cli_usage("train", "at most %d files", SOURCES_MAX);
    t->sources[t->count++] = (struct idem_source){.path = path, .users = users, .teaches = true};
    return 0;
}

static int parse(struct train *t, int argc, char **argv)
{
    const char *users = NULL;
    enum idem_level level;
    uint32_t threads;
    int opt;
    while ((opt = getopt_long(argc, argv, "-o:h", options, NULL)) != -1) {
        if (opt == 1 && add_source(t, optarg, users) != 0)
            return IDEM_EXIT_USAGE;
        if (opt == 'o')
            t->output = optarg;
        if (opt == 'l' && idem_level_parse(t->how.level = optarg, &level) < 0)
            return idem_cli_usage("train", "--level is hand, mixed, finger or fingerrow");
        if (opt == 'u')
            users = strcmp(optarg, "all") == 0 ? NULL : optarg;
        if (opt == 's')
            t->skip_bad = true;
        if (opt == 't' && !idem_cli_number(optarg, 1, IDEM_THREADS_MAX, &threads))
            return idem_cli_usage("train", "--threads takes 1 to %d", IDEM_THREADS_MAX);
        if (opt == 't')
            idem_parallel_threads((int)threads);
        if (opt == 'h') {
            fputs(help_text, stdout);
            return -1;
        }
        if (opt == '?')
            return idem_cli_usage("train", "this option does not exist or lacks its value");
    }
    while (optind < argc) /* after "--" */
        if (add_source(t, argv[optind++], users) != 0)
            return IDEM_EXIT_USAGE;
    if (!t->output)
        return idem_cli_usage("train", "-o FILE is missing");
    return t->count ? 0 : idem_cli_usage("train", "no recordings to learn from");
}

int idem_cli_train(int argc, char **argv)
{
    static char step[] = "learning";
    struct train t = {.how = {.level = "mixed",
                              .flights = "ud",
                              .calibrate = true,
                              .progress = idem_cli_progress,
                              .progress_arg = step}};
    int r = parse(&t, argc, argv);
    if (r != 0)
        return r < 0 ? IDEM_EXIT_OK : r;
    for (int i = 0; i < t.count; i++)
        t.sources[i].skip_bad = t.skip_bad;
    r = idem_cli_read(t.sources, t.count);
    if (r == 0)
        r = learn(&t);
    idem_cli_close(t.sources, t.count);
    return r;
}
