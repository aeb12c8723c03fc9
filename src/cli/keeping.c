/* SPDX-License-Identifier: Apache-2.0 */
/* keeping.c - see keeping.h. */
#include "cli/keeping.h"

#include "store/keys_file.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

int64_t idem_cli_today(void)
{
    return (int64_t)time(NULL) * 1000;
}

/* The terminal shows nothing of it. False: there is none, or nothing was typed. */
static bool ask(const char *what, char *out, size_t cap)
{
    struct termios before, silent;

    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s: ", what);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    bool good = fgets(out, (int)cap, stdin) != NULL;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    if (good)
        out[strcspn(out, "\r\n")] = '\0';
    return good;
}

static int read_file(const char *path, char *out, size_t cap)
{
    FILE *f = fopen(path, "r");

    if (f == NULL)
        return idem_cli_fail("%s: %s", path, strerror(errno));
    bool good = fgets(out, (int)cap, f) != NULL;
    fclose(f);
    if (!good)
        return idem_cli_fail("%s: is empty", path);
    out[strcspn(out, "\r\n")] = '\0';
    return 0;
}

static int ask_twice(char *out, size_t cap)
{
    char again[IDEM_PASSPHRASE_MAX + 2];

    if (!ask("passphrase", out, cap) || !ask("again", again, sizeof again))
        return idem_cli_fail("there is no terminal to ask at: use --passphrase-file");
    bool same = strcmp(out, again) == 0;
    sodium_memzero(again, sizeof again);
    return same ? 0 : idem_cli_fail("these were two passphrases");
}

int idem_cli_passphrase(const char *file, bool is_new, char *out, size_t cap)
{
    int r;

    if (file != NULL)
        r = read_file(file, out, cap);
    else if (is_new)
        r = ask_twice(out, cap);
    else
        r = ask("passphrase", out, cap) ? 0
                                        : idem_cli_fail("there is no terminal to ask at: use "
                                                        "--passphrase-file");
    if (r == 0 && is_new && strlen(out) < IDEM_PASSPHRASE_MIN)
        r = idem_cli_fail("a passphrase has %d characters or more", IDEM_PASSPHRASE_MIN);
    return r;
}
