/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h - the end of every `idem eval`: what was found goes to standard output, as text or JSON,
 * and to a page; and the command as it was given, for "how to reproduce".
 */
#ifndef IDEM_CLI_ANSWER_H
#define IDEM_CLI_ANSWER_H

#include <stdbool.h>
#include <stdio.h>

#include "eval/sheet.h"

struct idem_answer {
    const void *found; /* handed to all three */
    void (*print)(const void *found, FILE *to);
    int (*json)(const void *found, FILE *to); /* 0 or IDEM_ERR_* with errno */
    int (*html)(const void *found, FILE *to);
};

/* The page first, when html names a file, then standard output. 0, or an exit code after a message.
 */
int idem_cli_answer(const struct idem_answer *answer, bool json, const char *html);
int idem_cli_answer_sheet(const struct idem_sheet *sheet, bool json, const char *html);
/* A sheet for people, and JSON that says more than it. */
int idem_cli_answer_outcome(const struct idem_sheet *sheet, const void *outcome,
                            int (*write_json)(const void *outcome, FILE *to), bool json,
                            const char *html);

/*
 * The words behind `before`, quoted for a shell. To be taken before getopt puts them in another
 * order or a list is cut at its commas. NULL without memory; to be freed.
 */
char *idem_cli_line(const char *before, int argc, char **argv);

#endif
