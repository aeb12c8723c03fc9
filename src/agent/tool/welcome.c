/* SPDX-License-Identifier: Apache-2.0 */
/*
 * welcome.c - `idem-agent welcome`: what the log-in runs. Shows the text that is to be acknowledged
 * when it never was or has changed, and asks; in every other case it is silent and does no harm:
 *
 *   nobody answers, another person's seat, no text        nothing, exit status 0
 *   a desktop    zenity or kdialog, whichever is there; it waits until the courier has heard from
 *                the server, because the log-in is faster than that
 *   a terminal   asked there. Whatever is not known within a second is not asked: it never keeps a
 *                log-in waiting for idem
 *
 * Whoever says "not now" is asked at the next log-in; until then nothing is collected. Without a
 * dialog program the notice of the broker's is all there is.
 */
#include "agent/tool/dialog.h"
#include "agent/tool/tool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TERMINAL_S = 1, DESKTOP_MS = 120 * 1000, AGAIN_S = 5, TRIES = 12 };

enum verdict { ASK, SILENT, AGAIN };

static enum verdict judge(const json_t *status, bool patient)
{
    const char *state = idem_tool_text(status, "acknowledgement.state");

    if (strcmp(state, "missing") == 0 || strcmp(state, "outdated") == 0)
        return ASK;
    return strcmp(state, "unknown") == 0 && patient ? AGAIN : SILENT;
}

/* One event's verdict; what says nothing of it is waited out. */
static enum verdict next(struct idem_tool_line *line, bool patient, bool *more)
{
    json_t *event = NULL;
    enum verdict v = AGAIN;

    *more = idem_tool_hear(line, DESKTOP_MS, &event) == 0 &&
            strcmp(idem_tool_text(event, "event"), "over") != 0;
    if (*more && strcmp(idem_tool_text(event, "event"), "status") == 0)
        v = judge(event, patient);
    json_decref(event);
    return v;
}

/* Until the courier knows, or for so long. Refused is whom the broker may not have seen yet. */
static enum verdict look(struct idem_tool_line *line, bool patient)
{
    enum verdict v = AGAIN;
    json_t *answer = NULL;
    bool more;

    more = idem_tool_send(line, idem_tool_request("watch")) == 0 &&
           idem_tool_hear(line, DESKTOP_MS, &answer) == 0 && idem_tool_true(answer, "ok");
    json_decref(answer);
    while (more && v == AGAIN)
        v = next(line, patient, &more);
    return v;
}

static enum verdict find_out(const struct idem_tool *tool, bool patient)
{
    struct idem_tool_line line;
    enum verdict v;

    if (idem_tool_connect(tool, &line) != 0)
        return AGAIN;
    v = look(&line, patient);
    idem_tool_hang_up(&line);
    return v;
}

static void ask_on_desktop(const struct idem_tool *tool, const json_t *text)
{
    if (idem_dialog_ask(idem_tool_text(text, "text")) != IDEM_DIALOG_YES)
        return;
    if (idem_tool_acknowledge_now(tool, idem_tool_text(text, "version")) != 0)
        idem_dialog_tell("This could not be recorded just now. You will be asked again.");
}

static void ask_here(const struct idem_tool *tool, const json_t *text)
{
    const char *version = idem_tool_text(text, "version");

    idem_tool_print(idem_tool_text(text, "text"));
    putchar('\n');
    if (!idem_tool_confirm("Have you read this, and do you acknowledge it?"))
        puts("Nothing is recorded or collected. You are asked again at the next log-in.");
    else if (idem_tool_acknowledge_now(tool, version) == 0)
        puts("Recorded. `idem-agent status` says more.");
    else
        puts("This could not be recorded just now. You will be asked again.");
}

static void leave(int signal)
{
    (void)signal;
    _exit(IDEM_EXIT_OK);
}

/* Nothing of this may be seen when it fails, nor end as a signal that a shell would report. */
static void be_modest(bool desktop)
{
    if (freopen("/dev/null", "w", stderr) == NULL)
        _exit(IDEM_EXIT_OK);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, leave);
    if (!desktop)
        alarm(TERMINAL_S);
}

int idem_tool_welcome(const struct idem_tool *tool)
{
    const bool display = getenv("WAYLAND_DISPLAY") != NULL || getenv("DISPLAY") != NULL,
               desktop = display && !tool->terminal;
    enum verdict v = AGAIN;
    json_t *text = NULL;

    if (!desktop && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
        return IDEM_EXIT_OK;
    be_modest(desktop);
    for (int i = 0; v == AGAIN && i < (desktop ? TRIES : 1); i++) {
        if (i > 0)
            nanosleep(&(struct timespec){.tv_sec = AGAIN_S}, NULL);
        v = find_out(tool, desktop);
    }
    if (v != ASK || idem_tool_text_ask(tool, &text) != 0)
        return IDEM_EXIT_OK;
    alarm(0);
    if (desktop && idem_tool_text(text, "text")[0] != '\0')
        ask_on_desktop(tool, text);
    else if (idem_tool_text(text, "text")[0] != '\0')
        ask_here(tool, text);
    json_decref(text);
    return IDEM_EXIT_OK;
}
