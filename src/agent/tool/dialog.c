/* SPDX-License-Identifier: Apache-2.0 */
/* dialog.c - see dialog.h. */
#include "agent/tool/dialog.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_FOUND = 127 };

#define TITLE "idem: please read this"
#define YES   "I acknowledge this"
#define NO    "Not now"

static void feed(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        text += n;
        left -= (size_t)n;
    }
    close(fd);
}

static void become(const int ends[2], const char *const *words)
{
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    close(ends[1]);
    execvp(words[0], (char *const *)words);
    _exit(NOT_FOUND);
}

/* The program's exit status; input goes to its standard input. */
static int run(const char *const *words, const char *input)
{
    int ends[2], status;
    pid_t child;

    if (pipe(ends) != 0)
        return NOT_FOUND;
    child = fork();
    if (child == 0)
        become(ends, words);
    close(ends[0]);
    if (child < 0) {
        close(ends[1]);
        return NOT_FOUND;
    }
    feed(ends[1], input);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return NOT_FOUND;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

enum idem_dialog idem_dialog_ask(const char *text)
{
    const char *const zenity[] = {
        "zenity",       "--text-info",     "--title=" TITLE,     "--width=700",
        "--height=500", "--ok-label=" YES, "--cancel-label=" NO, NULL};
    const char *const kdialog[] = {"kdialog",    "--title", TITLE,     "--yes-label", YES,
                                   "--no-label", NO,        "--yesno", text,          NULL};
    int status = run(zenity, text);

    if (status == NOT_FOUND)
        status = run(kdialog, "");
    return status == 0 ? IDEM_DIALOG_YES : status == NOT_FOUND ? IDEM_DIALOG_NONE : IDEM_DIALOG_NO;
}

void idem_dialog_tell(const char *text)
{
    const char *const zenity[] = {"zenity", "--error", "--no-markup", "--title=idem",
                                  "--text", text,      NULL};
    const char *const kdialog[] = {"kdialog", "--title", "idem", "--error", text, NULL};

    if (run(zenity, "") == NOT_FOUND)
        (void)run(kdialog, "");
}
