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
#include "cli/from_store.h"
#include "eval/parallel.h"

enum { SOURCES_MAX = 16 };

static const char help_text[] =
    "usage: idem train -o FILE [OPTION...] DATA...\n"
    "       idem train -o FILE --from-store DB --population OLD [OPTION...]\n\n"
    "Learns how people differ (cells, scales, the eigenvoice matrix, calibration) from\n"
    "keyboard and pointer recordings, .csv or .csv.gz, and writes it to FILE: aggregate\n"
    "statistics, no recording. People of different files are different people. Sessions\n"
    "marked `test` in a split column are left out.\n\n"
    "With --from-store it moves the centre and the spread of OLD, the population that the\n"
    "server runs with, to the people whose profiles are in the server's data base. All else\n"
    "stays OLD's, so that everybody stays enrolled. Profiles are sealed: keys.db must lie beside\n"
    "the data base. It is noted there whose profiles they were, so that the server can say when\n"
    "one of them is erased and the population should be learned anew.\n\n"
    "  -o, --output FILE      where to write the population\n"
    "      --level LEVEL      hand (default), mixed, finger, fingerrow: how finely keys are told\n"
    "      --rank R           most directions of the keyboard's eigenvoice matrix, 1 to 96 (48);\n"
    "                         fewer score faster, and suffice for a hundred people\n"
    "      --users RANGES     of the files after it keep people with these numbers, e.g.\n"
    "                         1-72,80; --users all ends that\n"
    "      --skip-bad         leave out bad rows, count them and say so; else they are errors\n"
    "      --from-store DB    e.g. var/idem.db; the server may be running\n"
    "      --population OLD   the population file that the server runs with\n"
    "      --organisation O   whose people (default demo)\n"
    "      --min-people N     leave a modality's model alone below so many (default 50)\n"
    "      --threads N        use N threads (default: all cores); the result is the same\n"
    "  -h, --help\n";

struct train {
    const char *output;
    struct idem_from_store from;
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

static void tell(const struct train *t, const struct idem_learned *learned, size_t len)
{
    const struct idem_front *front = idem_population_front(learned->population);
    printf("%s: %zu bytes, front %016llx, level %s\n", t->output, len,
           (unsigned long long)idem_front_id(front), idem_level_name(idem_front_level(front)));
    for (int m = 0; m < IDEM_MODALITIES; m++)
        if (learned->people[m])
            printf("  %-8s %u people, %u cells of %u channels, rank %u\n", idem_modality_name(m),
                   learned->people[m], idem_front_cells(front, m), idem_front_channels(front, m),
                   learned->population->model[m].rank);
}

static int learn(struct train *t, struct idem_learned *out, struct idem_members *members)
{
    struct idem_recording *recs[SOURCES_MAX];
    struct idem_fault fault;
    if (t->from.store)
        return idem_cli_from_store(&t->from, out, members);
    int r = idem_cli_read(t->sources, t->count);
    for (int i = 0; i < t->count; i++)
        recs[i] = t->sources[i].rec;
    if (r == 0 && idem_learn_recordings(recs, t->count, &t->how, out, &fault) < 0)
        r = idem_cli_fail("%s", fault.text);
    return r;
}

static int learn_and_write(struct train *t)
{
    struct idem_learned learned;
    struct idem_members members = {0};
    void *bytes = NULL;
    size_t len = 0;
    int exit_code = learn(t, &learned, &members);
    if (exit_code != 0)
        return exit_code;
    int r = idem_population_write(learned.population, &bytes, &len);
    exit_code = r < 0 ? idem_cli_fail("%s: %s", t->output, idem_strerror(r))
                      : idem_cli_from_store_note(&t->from, &members, bytes, len);
    if (exit_code == 0)
        exit_code = write_file(t->output, bytes, len);
    if (exit_code == 0)
        tell(t, &learned, len);
    free(bytes);
    free(members.key_ids);
    idem_population_free(learned.population);
    return exit_code;
}

/* "-" keeps files and options in their order: --users holds for the files after it. */
static const struct option options[] = {
    {"output", required_argument, NULL, 'o'},
    {"level", required_argument, NULL, 'l'},
    {"rank", required_argument, NULL, 'r'},
    {"users", required_argument, NULL, 'u'},
    {"skip-bad", no_argument, NULL, 's'},
    {"from-store", required_argument, NULL, 'f'},
    {"population", required_argument, NULL, 'p'},
    {"organisation", required_argument, NULL, 'g'},
    {"min-people", required_argument, NULL, 'm'},
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

/* One option that stands for itself; files and --users are parse()'s. */
static int take_option(struct train *t, int opt)
{
    enum idem_level level;
    uint32_t threads;
    switch (opt) {
    case 'o':
        t->output = optarg;
        return 0;
    case 'l':
        t->how.level = optarg;
        if (idem_level_parse(optarg, &level) < 0)
            return idem_cli_usage("train", "--level is hand, mixed, finger or fingerrow");
        return 0;
    case 's':
        t->skip_bad = true;
        return 0;
    case 'f':
        t->from.store = optarg;
        return 0;
    case 'p':
        t->from.population = optarg;
        return 0;
    case 'g':
        t->from.organisation = optarg;
        return 0;
    case 'm':
        if (!idem_cli_number(optarg, 10, 1000000, &t->from.people_min))
            return idem_cli_usage("train", "--min-people takes a number from 10");
        return 0;
    case 'r':
        if (!idem_cli_number(optarg, 1, IDEM_RANK_MAX, &t->how.rank))
            return idem_cli_usage("train", "--rank takes 1 to %d", IDEM_RANK_MAX);
        return 0;
    case 't':
        if (!idem_cli_number(optarg, 1, IDEM_THREADS_MAX, &threads))
            return idem_cli_usage("train", "--threads takes 1 to %d", IDEM_THREADS_MAX);
        idem_parallel_threads((int)threads);
        return 0;
    default:
        return idem_cli_usage("train", "this option does not exist or lacks its value");
    }
}

static int check(const struct train *t)
{
    if (!t->output)
        return idem_cli_usage("train", "-o FILE is missing");
    if (!t->from.store && t->count == 0)
        return idem_cli_usage("train", "no recordings to learn from");
    if (t->from.store && t->count > 0)
        return idem_cli_usage("train", "--from-store learns from profiles, not from recordings");
    if (!t->from.store != !t->from.population)
        return idem_cli_usage("train", "--from-store and --population belong together");
    return 0;
}

static int parse(struct train *t, int argc, char **argv)
{
    const char *users = NULL;
    int opt, r = 0;
    while (r == 0 && (opt = getopt_long(argc, argv, "-o:h", options, NULL)) != -1) {
        if (opt == 'h') {
            fputs(help_text, stdout);
            return -1;
        }
        if (opt == 1)
            r = add_source(t, optarg, users);
        else if (opt == 'u')
            users = strcmp(optarg, "all") == 0 ? NULL : optarg;
        else
            r = take_option(t, opt);
    }
    while (r == 0 && optind < argc) /* after "--" */
        r = add_source(t, argv[optind++], users);
    for (int i = 0; i < t->count; i++)
        t->sources[i].skip_bad = t->skip_bad;
    return r ? r : check(t);
}

int idem_cli_train(int argc, char **argv)
{
    static char step[] = "learning";
    struct train t = {.from = {.organisation = "demo", .people_min = 50},
                      .how = {.level = idem_level_name(IDEM_LEVEL_DEFAULT),
                              .flights = "ud",
                              .calibrate = true,
                              .progress = idem_cli_progress,
                              .progress_arg = step}};
    int r = parse(&t, argc, argv);
    if (r == 0)
        r = learn_and_write(&t);
    idem_cli_close(t.sources, t.count);
    return r < 0 ? IDEM_EXIT_OK : r;
}
