/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option.h - a subcommand's options as a table of rows: what getopt is told and --help prints.
 */
#ifndef IDEM_CLI_OPTION_H
#define IDEM_CLI_OPTION_H

#include <stdbool.h>

struct idem_cli_option {
    const char *name;
    const char *value; /* what it takes, as --help calls it; NULL: nothing */
    const char *help;
    int id; /* from 256 on */
};

enum { IDEM_CLI_OPTIONS = 32 };

/* What every evaluation takes besides: --json, --html FILE, --skip-bad, --threads N. */
struct idem_cli_common {
    bool json, skip_bad;
    const char *html;
};

struct idem_cli_options {
    const char *command; /* "eval injection", for messages */
    const char *about;   /* --help, above the options */
    const struct idem_cli_option *rows;
    int count; /* at most IDEM_CLI_OPTIONS */
    struct idem_cli_common *common;
    /* 0, or an exit code after a message. value: argv's own, NULL where the option takes none. */
    int (*take)(void *arg, int id, char *value);
    void *arg;
};

/*
 * Takes the options one by one; what is left of argv begins at optind. 0: go on. -1: help was asked
 * for and printed. Otherwise an exit code after a message.
 */
int idem_cli_options(const struct idem_cli_options *options, int argc, char **argv);

#endif
