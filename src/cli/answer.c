/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.c - see answer.h.
 */
#include "cli/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

static int write_page(const struct idem_answer *answer, const char *path)
{
    FILE *f = fopen(path, "w");
    int r = f ? answer->html(answer->found, f) : IDEM_ERR_IO;
    if (f && fclose(f) != 0)
        r = IDEM_ERR_IO;
    return r == 0 ? 0 : idem_cli_fail("%s: %s", path, strerror(errno));
}

int idem_cli_answer(const struct idem_answer *answer, bool json, const char *html)
{
    int r = html ? write_page(answer, html) : 0;
    if (r != 0)
        return r;
    if (!json)
        answer->print(answer->found, stdout);
    else if (answer->json(answer->found, stdout) < 0)
        return idem_cli_fail("standard output: %s", strerror(errno));
    return 0;
}

static void print_sheet(const void *sheet, FILE *to)
{
    idem_sheet_print(sheet, to);
}

static int sheet_json(const void *sheet, FILE *to)
{
    return idem_sheet_json(sheet, to);
}

static int sheet_html(const void *sheet, FILE *to)
{
    return idem_sheet_html(sheet, to);
}

int idem_cli_answer_sheet(const struct idem_sheet *sheet, bool json, const char *html)
{
    const struct idem_answer answer = {sheet, print_sheet, sheet_json, sheet_html};
    return idem_cli_answer(&answer, json, html);
}

int idem_cli_answer_outcome(const struct idem_sheet *sheet, const void *outcome,
                            int (*write_json)(const void *outcome, FILE *to), bool json,
                            const char *html)
{
    const struct idem_answer people = {sheet, print_sheet, sheet_json, sheet_html};
    const struct idem_answer machines = {outcome, NULL, write_json, NULL};
    if (!json)
        return idem_cli_answer(&people, false, html);
    int r = html ? write_page(&people, html) : 0;
    return r == 0 ? idem_cli_answer(&machines, true, NULL) : r;
}

/* Words of other than plain characters stand in single quotes. */
static char *put_word(char *to, const char *word)
{
    bool plain = word[0] && !word[strcspn(word, " \t\n'\"\\$`*?[]{}()<>|&;#~!")];
    to += sprintf(to, plain ? " " : " '");
    for (const char *c = word; *c; c++)
        to += *c == '\'' ? sprintf(to, "'\\''") : sprintf(to, "%c", *c);
    return to + sprintf(to, plain ? "" : "'");
}

char *idem_cli_line(const char *before, int argc, char **argv)
{
    size_t len = strlen(before) + 1;
    for (int i = 0; i < argc; i++)
        len += 4 * strlen(argv[i]) + 3;
    char *line = malloc(len), *to = line;
    if (!line)
        return NULL;
    to += sprintf(to, "%s", before);
    for (int i = 0; i < argc; i++)
        to = put_word(to, argv[i]);
    return line;
}
