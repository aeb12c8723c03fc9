/* SPDX-License-Identifier: Apache-2.0 */
/* option.c - see option.h. */
#include "cli/option.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "eval/parallel.h"

enum { JSON = 1, HTML, SKIP_BAD, THREADS, COMMON = 4 };

static const struct idem_cli_option common[COMMON] = {
    {"json", NULL, "figures as JSON on standard output", JSON},
    {"html", "FILE", "also write a page", HTML},
    {"skip-bad", NULL, "leave out bad rows of recordings, count them and say so", SKIP_BAD},
    {"threads", "N", "use N threads (default: all cores)", THREADS},
};

/* The subcommand's own first. */
static const struct idem_cli_option *row_of(const struct idem_cli_options *o, int i)
{
    return i < o->count ? &o->rows[i] : &common[i - o->count];
}

/* As wide as the widest option. */
static int width(const struct idem_cli_options *o)
{
    size_t most = 0;
    for (int i = 0; i < o->count + COMMON; i++) {
        const struct idem_cli_option *row = row_of(o, i);
        size_t n = strlen(row->name) + (row->value ? 1 + strlen(row->value) : 0);
        most = n > most ? n : most;
    }
    return (int)most;
}

static void help(const struct idem_cli_options *o)
{
    const int column = width(o);
    fputs(o->about, stdout);
    for (int i = 0; i < o->count + COMMON; i++) {
        const struct idem_cli_option *row = row_of(o, i);
        int n =
            printf("  --%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
        printf("%*s%s\n", column + 6 - n, "", row->help);
    }
    printf("  -h, --help\n");
}

static int take_threads(const char *command, const char *value)
{
    uint32_t n;
    if (!idem_cli_number(value, 1, IDEM_THREADS_MAX, &n))
        return idem_cli_usage(command, "--threads takes a number from 1 to %d", IDEM_THREADS_MAX);
    idem_parallel_threads((int)n);
    return 0;
}

static int take(const struct idem_cli_options *o, int id, char *value)
{
    switch (id) {
    case JSON:
        o->common->json = true;
        return 0;
    case HTML:
        o->common->html = value;
        return 0;
    case SKIP_BAD:
        o->common->skip_bad = true;
        return 0;
    case THREADS:
        return take_threads(o->command, value);
    case '?':
        return idem_cli_usage(o->command, "this option does not exist or lacks its value");
    default:
        return o->take(o->arg, id, value);
    }
}

int idem_cli_options(const struct idem_cli_options *o, int argc, char **argv)
{
    struct option longs[IDEM_CLI_OPTIONS + COMMON + 2] = {{NULL, 0, NULL, 0}};
    int opt, r = 0, n = o->count + COMMON;
    for (int i = 0; i < n; i++)
        longs[i] = (struct option){row_of(o, i)->name, row_of(o, i)->value != NULL, NULL,
                                   row_of(o, i)->id};
    longs[n] = (struct option){"help", no_argument, NULL, 'h'};
    optind = 1;
    while (r == 0 && (opt = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (opt == 'h') {
            help(o);
            return -1;
        }
        r = take(o, opt, optarg);
    }
    return r;
}
