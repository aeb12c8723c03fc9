/* SPDX-License-Identifier: Apache-2.0 */
/* option.c - see option.h. */
#include "cli/option.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "eval/parallel.h"

/* As wide as the widest option. */
static int width(const struct idem_cli_options *o)
{
    size_t most = 0;
    for (int i = 0; i < o->count; i++) {
        const struct idem_cli_option *row = &o->rows[i];
        size_t n = strlen(row->name) + (row->value ? 1 + strlen(row->value) : 0);
        most = n > most ? n : most;
    }
    return (int)most;
}

static void help(const struct idem_cli_options *o)
{
    const int column = width(o);
    fputs(o->about, stdout);
    for (int i = 0; i < o->count; i++) {
        const struct idem_cli_option *row = &o->rows[i];
        int n =
            printf("  --%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
        printf("%*s%s\n", column + 6 - n, "", row->help);
    }
    printf("  -h, --help\n");
}

int idem_cli_options(const struct idem_cli_options *o, int argc, char **argv)
{
    struct option longs[IDEM_CLI_OPTIONS + 2] = {{NULL, 0, NULL, 0}};
    int opt, r = 0;
    for (int i = 0; i < o->count && i < IDEM_CLI_OPTIONS; i++)
        longs[i] = (struct option){o->rows[i].name, o->rows[i].value != NULL, NULL, o->rows[i].id};
    longs[o->count < IDEM_CLI_OPTIONS ? o->count : IDEM_CLI_OPTIONS] =
        (struct option){"help", no_argument, NULL, 'h'};
    optind = 1;
    while (r == 0 && (opt = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (opt == 'h') {
            help(o);
            return -1;
        }
        r = opt == '?' ? idem_cli_usage(o->command, "this option does not exist or lacks its value")
                       : o->take(o->arg, opt, optarg);
    }
    return r;
}

int idem_cli_take_threads(const char *command, const char *value)
{
    uint32_t n;
    if (!idem_cli_number(value, 1, IDEM_THREADS_MAX, &n))
        return idem_cli_usage(command, "--threads takes a number from 1 to %d", IDEM_THREADS_MAX);
    idem_parallel_threads((int)n);
    return 0;
}
