/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause.c - `idem-agent pause` and `resume`: what courier/pause.h decides, in words. The command
 * watches before it asks, so that it sees the pause begin however fast that is.
 */
#include "agent/tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE = 60, SHIPPED_MINUTES = 15, ANSWER_MS = 20 * 1000 };

/* More than the courier waits for the unlocking: it says itself when that time is over. */
enum { OUTCOME_MS = (IDEM_PAUSE_TO_UNLOCK_S + 30) * 1000 };

/* Before anybody is asked: wrong usage is that with no courier, too. *seconds: 0 when none were
 * given. 0 or an exit code. */
static int minutes_of(const struct idem_tool *tool, json_int_t *seconds)
{
    char *end = NULL;
    const long minutes = tool->argument != NULL ? strtol(tool->argument, &end, 10) : 0;

    *seconds = 0;
    if (tool->argument == NULL)
        return 0;
    if (end == tool->argument || *end != '\0' || minutes < 1 || minutes > 24 * 60)
        return idem_tool_usage(tool, "\"%s\" is no number of minutes from 1 to 1440",
                               tool->argument);
    *seconds = minutes * MINUTE;
    return 0;
}

static json_int_t shipped(json_int_t at_most_s)
{
    return at_most_s < SHIPPED_MINUTES * MINUTE ? at_most_s : SHIPPED_MINUTES * MINUTE;
}

/* What may be known before the screen is locked for nothing. 0 or an exit code. */
static int may_pause(const struct idem_tool *tool, json_int_t *seconds)
{
    char span[IDEM_TOOL_WORDS_MAX];
    json_t *s = NULL;
    json_int_t at_most;
    int err = idem_tool_ask(tool, idem_tool_request("status"), &s);

    if (err != 0)
        return err;
    at_most = idem_tool_int(s, "rules.pause.at_most_s");
    if (strcmp(idem_tool_text(s, "shown_to"), "person") != 0)
        err = idem_tool_fail("only the person at this computer's screen may pause it");
    else if (strcmp(idem_tool_text(s, "pause.state"), "on") == 0)
        err = idem_tool_fail("it is paused already, for %s more (idem-agent resume ends it)",
                             idem_tool_span(idem_tool_int(s, "pause.left_s"), span));
    else if (!idem_tool_true(s, "rules.pause.allowed"))
        err = idem_tool_fail("%s", json_is_object(idem_tool_get(s, "rules"))
                                       ? "the policy allows no pause here"
                                       : "the policy is not known yet: the server has not been "
                                         "reached");
    else if (*seconds > at_most)
        err =
            idem_tool_fail("the policy allows a pause of up to %s", idem_tool_span(at_most, span));
    else if (*seconds == 0)
        *seconds = shipped(at_most);
    json_decref(s);
    return err;
}

static void announce(json_int_t seconds)
{
    char span[IDEM_TOOL_WORDS_MAX];

    printf("The screen is locked now. Unlock it within 2 minutes: that shows that it is you, and\n"
           "the pause of %s begins.\n\n"
           "During the pause nothing of how you type or point is collected. Guards, which tell a\n"
           "machine from a hand, stay on. The server is told that you pause and until when, and\n"
           "applications that ask it may ask you to show who you are.\n",
           idem_tool_span(seconds, span));
    fflush(stdout);
}

/* True when an event has decided it; *code says how. */
static bool decided(const json_t *event, int *code)
{
    const char *kind = idem_tool_text(event, "event"), *state;
    char span[IDEM_TOOL_WORDS_MAX];

    if (strcmp(kind, "over") == 0) {
        *code = idem_tool_fail("the session has ended: there is no pause");
        return true;
    }
    if (strcmp(kind, "status") != 0)
        return false;
    state = idem_tool_text(event, "pause.state");
    if (strcmp(state, "on") == 0) {
        printf("\nThe pause is on, for %s. `idem-agent resume` ends it before.\n",
               idem_tool_span(idem_tool_int(event, "pause.left_s"), span));
        *code = IDEM_EXIT_OK;
        return true;
    }
    if (strcmp(state, "none") == 0)
        *code = idem_tool_fail("there is no pause: the screen was not locked and unlocked again "
                               "within 2 minutes");
    return strcmp(state, "none") == 0;
}

/* The first status that watching brings is that of before. */
static int begin(const struct idem_tool *tool, struct idem_tool_line *line, json_int_t seconds)
{
    json_t *event = NULL;
    int err = idem_tool_send(line, idem_tool_request("watch"));

    if (err == 0)
        err = idem_tool_hear(line, ANSWER_MS, &event);
    if (err != 0)
        return idem_tool_lost(tool, err);
    err = idem_tool_check(event);
    json_decref(event);
    if (err != 0)
        return err;
    err = idem_tool_hear(line, ANSWER_MS, &event);
    if (err != 0)
        return idem_tool_lost(tool, err);
    json_decref(event);
    return idem_tool_ask(tool, json_pack("{s:s, s:I}", "request", "pause", "seconds", seconds),
                         NULL);
}

static int wait_for(const struct idem_tool *tool, struct idem_tool_line *line)
{
    json_t *event = NULL;
    int code = IDEM_EXIT_FAILED, err;
    bool done = false;

    while (!done) {
        err = idem_tool_hear(line, OUTCOME_MS, &event);
        if (err != 0)
            return idem_tool_lost(tool, err);
        done = decided(event, &code);
        json_decref(event);
    }
    return code;
}

int idem_tool_pause(const struct idem_tool *tool)
{
    struct idem_tool_line line;
    json_int_t seconds;
    int err = minutes_of(tool, &seconds);

    if (err == 0)
        err = may_pause(tool, &seconds);
    if (err != 0)
        return err;
    err = idem_tool_connect(tool, &line);
    if (err != 0)
        return idem_tool_lost(tool, err);
    err = begin(tool, &line, seconds);
    if (err == 0) {
        announce(seconds);
        err = wait_for(tool, &line);
    }
    idem_tool_hang_up(&line);
    return err;
}

int idem_tool_resume(const struct idem_tool *tool)
{
    int err = idem_tool_ask(tool, idem_tool_request("resume"), NULL);

    if (err == 0)
        puts("The pause is over.");
    return err;
}
