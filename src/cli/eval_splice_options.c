/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_splice_options.c - the command line of eval_splice.h: one table gives the parser and the
 * help.
 */
#include "cli/eval_splice.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "eval/parallel.h"

enum { T = IDEM_SPLICE_TAKEOVER, C = IDEM_SPLICE_CALIBRATION, BOTH = T | C };
enum { FIRST_ROW = 256 }; /* getopt's value of the first row: above every character */
enum what { TEXT, NUMBER, SWITCH, POPULATION, THREADS };

#define AT(member) offsetof(struct idem_splice_options, member)

static const struct row {
    const char *name, *value;
    int kinds;
    enum what what;
    size_t at;
    uint32_t min, max;
    const char *help;
} rows[] = {
    {"pointer", "FILE", BOTH, TEXT, AT(pointer), 0, 0,
     "a pointer recording, alone or beside KEYS: then people are chimeric"},
    {"folds", "K", BOTH, NUMBER, AT(folds), 2, IDEM_CAST_FOLDS_MAX,
     "learn K populations, each from the people of the other folds (default 5)"},
    {"population", "FILE", BOTH, POPULATION, 0, 0, 0,
     "a population file instead, or recordings of others to learn one from (may\n"
     "be repeated; with --folds recordings are learned from beside the folds)"},
    {"population-users", "RANGES", BOTH, TEXT, AT(population_users), 0, 0,
     "of these recordings learn from these people only"},
    {"users", "RANGES", BOTH, TEXT, AT(users), 0, 0, "of KEYS take these people only: 1-72,80"},
    {"pointer-users", "RANGES", BOTH, TEXT, AT(pointer_users), 0, 0, "the same of --pointer"},
    {"level", "LEVEL", BOTH, TEXT, AT(level), 0, 0, "hand (default), mixed, finger, fingerrow"},
    {"window", "KEYS", BOTH, NUMBER, AT(window), 5, 1000, "keys per window (default 100)"},
    {"gestures", "N", BOTH, NUMBER, AT(gestures), 5, 1000, "gestures per window (default 10)"},
    {"enrol", "KEYS", BOTH, NUMBER, AT(enrol), 100, 100000,
     "keys that enrolment takes (default 1000)"},
    {"enrol-gestures", "N", BOTH, NUMBER, AT(enrol_gestures), 60, 100000,
     "gestures that it takes (default 400)"},
    {"enrol-share", "PERCENT", BOTH, NUMBER, AT(enrol_percent), 1, 90,
     "instead: this share of each person's strokes"},
    {"trials", "N", BOTH, NUMBER, AT(trials), 10, 1000000,
     "takeovers (default 3000); calibration: trials of each kind"},
    {"horizon", "SECONDS", T, NUMBER, AT(horizon_s), 10, 100000,
     "active time after which a stranger counts as missed (default 300)"},
    {"refractory", "SECONDS", T, NUMBER, AT(refractory_s), 0, 86400,
     "no alarm for so long after an alarm (default 300)"},
    {"hazard", "N", BOTH, NUMBER, AT(hazard), 1, 100000,
     "takeovers that the filter expects in 10,000 hours (default: the library's)"},
    {"seed", "N", BOTH, NUMBER, AT(seed), 0, 999999999, "of all draws (default 1)"},
    {"window-table", NULL, T, SWITCH, AT(window_table), 0, 0,
     "also play everything with windows of 10, 15, 25, 50 and 100 keys"},
    {"json", NULL, BOTH, SWITCH, AT(json), 0, 0, "figures as JSON on standard output"},
    {"html", "FILE", BOTH, TEXT, AT(html), 0, 0, "also write a page with plots"},
    {"skip-bad", NULL, BOTH, SWITCH, AT(skip_bad), 0, 0,
     "leave out bad rows, count them and say so"},
    {"threads", "N", BOTH, THREADS, 0, 1, IDEM_THREADS_MAX, "use N threads (default: all cores)"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static const char takeover_help[] =
    "usage: idem eval takeover [--pointer FILE] [OPTION...] [KEYS]\n\n"
    "Each person enrols on the first part of his recording; the rest runs as genuine\n"
    "sessions through the real collectors and the real filter, and in takeovers somebody\n"
    "else continues from a random moment, in mid-window too. With both recordings typist\n"
    "i and pointer user i are one person (chimeric), typing and pointing in turns.\n\n"
    "Rules. The statistic is the filter's log_odds_recent, read with every window;\n"
    "below the threshold an alarm is raised. The owner authenticates at once, the filter\n"
    "begins anew at its prior, and nothing is raised for the refractory time, whoever sits\n"
    "there. A stranger begins 1 s after the owner stopped; one not noticed within the\n"
    "horizon, or before his recording ends, is a miss and counts as infinite. Active time\n"
    "counts 5 s of a pause at most; seconds to detection are the stranger's active time.\n"
    "A seat-week is 40 active hours, a month 173, a year 1840 (an extrapolation by a\n"
    "fitted tail). Operating points: the highest threshold with at most one false alarm in\n"
    "10 and in 50 active hours; held_out gives the figures when each fifth of the people has\n"
    "the threshold that the others would have chosen. Intervals: people drawn anew, as\n"
    "owners and as strangers, then their sessions.\n\n"
    "--json: at the top level, for one false alarm in 50 active hours, false_alarms_per_hour,\n"
    "false_alarms_per_seat_week, detected, strokes_p50, strokes_p90, seconds_p50, seconds_p90\n"
    "(over all takeovers, null: infinite), ci95 with an interval of each, people (with_an_alarm,\n"
    "worst_5_percent_*, above_one_a_month*), held_out, threshold, false_alarms and\n"
    "false_alarms_per_seat_year_extrapolated. curve: the same figures for each threshold.\n"
    "operating_points: all of it for one in 10 and one in 50 hours. per_person, rules, tail,\n"
    "chimeric, population, takeovers, people_measured, people_left_out, active_hours, seconds;\n"
    "windows (--window-table) and fusion (both recordings): lists of name, keys, gestures,\n"
    "operating_points, curve, bytes_per_window, windows_per_second, active_hours. When no\n"
    "threshold is quiet enough for an operating point its figures are null.\n\n";

static const char calibration_help[] =
    "usage: idem eval calibration [--pointer FILE] [OPTION...] [KEYS]\n\n"
    "Are the log-likelihood ratios what they say? Of single scores by how much evidence\n"
    "profile (3, 10, 30, 100 windows) and probe (15, 50, 200 strokes) hold, and of the\n"
    "filter's posterior, its prior taken out, after 1, 5 and 20 windows of a fresh session:\n"
    "Cllr, the least Cllr that any monotone recalibration could reach, EER. With both\n"
    "recordings (chimeric people) also the filter's error after 30, 60 and 120 s of activity\n"
    "with both profiles and with either alone. A stranger is there from the log-in on.\n\n"
    "--json: scores, posterior and fusion, lists of rows: name; profile_windows and probe_strokes\n"
    "and sufficient, or windows, or after_seconds; genuine, impostor, cllr, cllr_ci95, cllr_min,\n"
    "ratio (cllr to cllr_min), eer, reliability (claimed and seen in twelve bins). chimeric,\n"
    "population, people_measured, seconds.\n\n";

static void help(enum idem_splice_kind kind)
{
    fputs(kind == IDEM_SPLICE_TAKEOVER ? takeover_help : calibration_help, stdout);
    for (int i = 0; i < ROWS; i++) {
        if (!(rows[i].kinds & (int)kind))
            continue;
        printf("  --%-16s %-8s", rows[i].name, rows[i].value ? rows[i].value : "");
        for (const char *c = rows[i].help; *c; c++) {
            putchar(*c);
            if (*c == '\n')
                printf("%28s", "");
        }
        putchar('\n');
    }
}

static const char *command_of(enum idem_splice_kind kind)
{
    return kind == IDEM_SPLICE_TAKEOVER ? "eval takeover" : "eval calibration";
}

static int set(struct idem_splice_options *o, const struct row *row, const char *value,
               enum idem_splice_kind kind)
{
    char *place = (char *)o + row->at;
    uint32_t number = 0;
    bool numeric = row->what == NUMBER || row->what == THREADS;
    if (!(row->kinds & (int)kind))
        return idem_cli_usage(command_of(kind), "--%s has no meaning here", row->name);
    if (numeric && !idem_cli_number(value, row->min, row->max, &number))
        return idem_cli_usage(command_of(kind), "--%s takes a number from %u to %u", row->name,
                              row->min, row->max);
    if (row->what == THREADS) {
        idem_parallel_threads((int)number);
    } else if (row->what == NUMBER) {
        memcpy(place, &number, sizeof number);
    } else if (row->what == SWITCH) {
        *(bool *)(void *)place = true;
    } else if (row->what == TEXT) {
        memcpy(place, &value, sizeof value);
    } else {
        if (o->populations == IDEM_SPLICE_POPULATIONS)
            return idem_cli_usage(command_of(kind), "at most %d --population",
                                  IDEM_SPLICE_POPULATIONS);
        o->population[o->populations++] = value;
    }
    return 0;
}

static int check(struct idem_splice_options *o, int files, enum idem_splice_kind kind)
{
    enum idem_level level;
    if (files > 1)
        return idem_cli_usage(command_of(kind), "one keyboard recording, not %d", files);
    if (files == 0 && !o->pointer)
        return idem_cli_usage(command_of(kind), "a keyboard recording or --pointer FILE is needed");
    if (o->level && idem_level_parse(o->level, &level) < 0)
        return idem_cli_usage(command_of(kind), "--level is hand, mixed, finger or fingerrow");
    if (o->window_table && files == 0)
        return idem_cli_usage(command_of(kind), "--window-table needs a keyboard recording");
    if (o->folds == 0 && o->populations == 0)
        o->folds = 5;
    return 0;
}

int idem_splice_parse(int argc, char **argv, enum idem_splice_kind kind,
                      struct idem_splice_options *out)
{
    struct option longs[ROWS + 2] = {{NULL, 0, NULL, 0}};
    struct idem_splice_options o = {.window = IDEM_WINDOW_KEYS,
                                    .gestures = 10,
                                    .enrol = 1000,
                                    .enrol_gestures = 400,
                                    .trials = 3000,
                                    .seed = 1,
                                    .refractory_s = 300,
                                    .horizon_s = 300};
    int opt, r = 0;
    for (int i = 0; i < ROWS; i++)
        longs[i] = (struct option){rows[i].name, rows[i].value != NULL, NULL, FIRST_ROW + i};
    longs[ROWS] = (struct option){"help", no_argument, NULL, 'h'};
    optind = 1;
    while (r == 0 && (opt = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (opt == 'h') {
            help(kind);
            return -1;
        }
        if (opt == '?')
            return idem_cli_usage(command_of(kind),
                                  "this option does not exist or lacks its value");
        r = set(&o, &rows[opt - FIRST_ROW], optarg, kind);
    }
    if (r == 0)
        r = check(&o, argc - optind, kind);
    if (r != 0)
        return r;
    o.keys = optind < argc ? argv[optind] : NULL;
    *out = o;
    return 0;
}
