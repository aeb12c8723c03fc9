/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.c - `idem-agent status`: a sentence that says it all, and below it the details, as far as
 * they are for whoever asks.
 */
#include "agent/tool/tool.h"

#include <stdio.h>
#include <string.h>

enum { HEADLINE_MAX = 600 };

static void row(const char *name, const char *text)
{
    printf("  %-13s ", name);
    idem_tool_print(text);
}

/* ------------------------------------------------------------------ the machine */

static void put_processes(const json_t *s)
{
    const bool broker = idem_tool_true(s, "processes.broker"),
               sensor = idem_tool_true(s, "processes.sensor");
    char text[IDEM_TOOL_WORDS_MAX];

    if (broker && sensor) {
        row("processes", "broker, sensor and courier are running");
        return;
    }
    snprintf(text, sizeof text, "%s: the courier is running, %s%s%s not", "WRONG",
             broker ? "" : "the broker", !broker && !sensor ? " and " : "",
             sensor   ? (broker ? "" : " is")
             : broker ? "the sensor is"
                      : "the sensor are");
    row("processes", text);
}

static void put_seat(const json_t *s)
{
    static const struct {
        const char *presence, *words;
    } rows[] = {
        {"nobody", "nobody is logged in at this screen"},
        {"present", "somebody's session is in front, unlocked"},
        {"locked", "the screen is locked"},
        {"away", "another terminal is in front"},
        {"suspended", "asleep"},
        {"remote", "worked from another computer"},
    };
    const char *presence = idem_tool_text(s, "presence");
    char text[IDEM_TOOL_WORDS_MAX];
    const long long keyboards = (long long)idem_tool_int(s, "devices.keyboards"),
                    pointers = (long long)idem_tool_int(s, "devices.pointers");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].presence, presence) == 0)
            presence = rows[i].words;
    row("seat", presence);
    snprintf(text, sizeof text, "%lld keyboard%s and %lld pointer%s are watched", keyboards,
             keyboards == 1 ? "" : "s", pointers, pointers == 1 ? "" : "s");
    row("devices", text);
}

static void put_server(const json_t *s)
{
    char text[2 * IDEM_TOOL_WORDS_MAX + IDEM_CONTROL_SERVER_MAX], when[IDEM_TOOL_WORDS_MAX];
    const char *last = idem_tool_text(s, "reached.last"), *server = idem_tool_text(s, "server");

    if (idem_tool_true(s, "reached.now"))
        snprintf(text, sizeof text, "%s, last reached at %s", server, idem_tool_when(last, when));
    else if (last[0] != '\0')
        snprintf(text, sizeof text, "WRONG: %s is not reached since %s", server,
                 idem_tool_when(last, when));
    else
        snprintf(text, sizeof text, "WRONG: %s has not been reached yet", server);
    row("server", text);
}

static void put_waiting(const json_t *s)
{
    const long long waiting = (long long)idem_tool_int(s, "spool.waiting");
    char text[IDEM_TOOL_WORDS_MAX];

    if (waiting == 0)
        snprintf(text, sizeof text, "empty: nothing waits for the server");
    else
        snprintf(text, sizeof text, "%lld wait%s for the server, encrypted on this disk", waiting,
                 waiting == 1 ? "s" : "");
    row("to be sent", text);
}

/* A row for each kind of loss, of what was lost since the courier was started. */
static void put_given_up(const json_t *s)
{
    static const struct {
        const char *count, *one, *many;
    } rows[] = {
        {"spool.dropped", "window: no room was left, or its session was over",
         "windows: no room was left, or their session was over"},
        {"spool.expired", "that waited too long", "that waited too long"},
        {"spool.refused", "alarm that had no place here or at the server",
         "alarms that had no place here or at the server"},
        {"spool.unreadable", "damaged block of this disk", "damaged blocks of this disk"},
    };
    char text[IDEM_TOOL_WORDS_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const long long count = (long long)idem_tool_int(s, rows[i].count);
        snprintf(text, sizeof text, "%lld %s", count, count == 1 ? rows[i].one : rows[i].many);
        if (count > 0)
            row("given up", text);
    }
    if (idem_tool_true(s, "spool.begun_anew"))
        row("given up", "all that waited: it could not be read");
}

/* ------------------------------------------------------------------ the person */

static void put_privacy(const json_t *s)
{
    static const struct {
        const char *level, *words;
    } rows[] = {
        {"hand", "hand"},
        {"mixed", "finger, and hand to hand"},
        {"finger", "finger"},
        {"fingerrow", "finger and row of the keyboard"},
    };
    const char *level = idem_tool_text(s, "level"), *words = level;
    char text[2 * IDEM_TOOL_WORDS_MAX];

    if (level[0] == '\0')
        return;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].level, level) == 0)
            words = rows[i].words;
    snprintf(text, sizeof text,
             "sums of how long keys are held and how fast they follow, by %s (level \"%s\"),",
             words, level);
    row("a window is", text);
    row("", "and of how the pointer moves and clicks; never a key, a place, a text or an order");
}

static void put_acknowledgement(const json_t *s)
{
    const char *state = idem_tool_text(s, "acknowledgement.state"),
               *version = idem_tool_text(s, "acknowledgement.version"),
               *hour = idem_tool_text(s, "acknowledgement.hour");
    char text[2 * IDEM_TOOL_WORDS_MAX], when[IDEM_TOOL_WORDS_MAX];

    if (strcmp(state, "given") == 0 && hour[0] != '\0')
        snprintf(text, sizeof text, "version %s, in the hour from %s", version,
                 idem_tool_when(hour, when));
    else if (strcmp(state, "given") == 0)
        snprintf(text, sizeof text, "version %s", version);
    else if (strcmp(state, "outdated") == 0)
        snprintf(text, sizeof text, "not yet: the text has changed (idem-agent acknowledge)");
    else if (strcmp(state, "missing") == 0)
        snprintf(text, sizeof text, "not yet (idem-agent acknowledge shows what it is about)");
    else if (strcmp(state, "not-required") == 0)
        snprintf(text, sizeof text, "the policy asks for none here");
    else
        snprintf(text, sizeof text, "not known before the server has been asked");
    row("acknowledged", text);
}

static void put_standing(const json_t *s)
{
    const char *standing = idem_tool_text(s, "standing"), *cause = idem_tool_text(s, "cause");
    char text[IDEM_CONTROL_TEXT_MAX + 3 * IDEM_TOOL_WORDS_MAX];
    const bool counts = idem_tool_true(s, "rules.unlock_counts"),
               lock = strcmp(standing, "locked") == 0;

    if (!lock && strcmp(standing, "step-up") != 0) {
        row("asked of you", standing[0] != '\0' ? "nothing" : "nothing (there is no session)");
        return;
    }
    snprintf(text, sizeof text, "%s%s%s. %s",
             lock ? "the session is locked" : "to show who you are", cause[0] != '\0' ? ": " : "",
             cause,
             counts ? "Lock the screen and unlock it"
                    : "Unlocking the screen is not enough: turn to whoever runs idem here");
    row("asked of you", text);
}

static void put_pause(const json_t *s)
{
    const char *state = idem_tool_text(s, "pause.state");
    char text[2 * IDEM_TOOL_WORDS_MAX], span[IDEM_TOOL_WORDS_MAX];

    if (strcmp(state, "on") == 0)
        snprintf(text, sizeof text, "on, for %s more (idem-agent resume ends it)",
                 idem_tool_span(idem_tool_int(s, "pause.left_s"), span));
    else if (strcmp(state, "asked") == 0)
        snprintf(text, sizeof text, "begins when you lock and unlock the screen, within %s",
                 idem_tool_span(idem_tool_int(s, "pause.left_s"), span));
    else if (idem_tool_true(s, "rules.pause.allowed"))
        snprintf(text, sizeof text, "you may, for up to %s (idem-agent pause)",
                 idem_tool_span(idem_tool_int(s, "rules.pause.at_most_s"), span));
    else
        snprintf(text, sizeof text, "the policy allows none");
    row("pause", text);
}

/* ------------------------------------------------------------------ the policy */

static void put_alarm(const char *kind, const json_t *rows)
{
    char text[4 * IDEM_TOOL_WORDS_MAX] = "";
    size_t len = 0, i;
    const json_t *r;

    json_array_foreach(rows, i, r)
    {
        const double from = idem_tool_number(r, "confidence");
        if (len >= sizeof text - 1)
            break;
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i > 0 ? "; else " : "",
                                idem_tool_action(idem_tool_text(r, "action")));
        if (from > 0 && len < sizeof text)
            len += (size_t)snprintf(text + len, sizeof text - len, " when %g %% sure", 100 * from);
    }
    printf("    %-35s ", idem_tool_kind(kind));
    idem_tool_print(text);
}

static void put_limits(const json_t *s)
{
    char text[2 * IDEM_TOOL_WORDS_MAX], span[IDEM_TOOL_WORDS_MAX];
    const bool closed = strcmp(idem_tool_text(s, "rules.fail_mode.locking"), "closed") == 0;
    const json_int_t untouched = idem_tool_int(s, "rules.lock_untouched_s");

    snprintf(text, sizeof text, "the screen %s%s%s", closed ? "is locked after " : "stays as it is",
             closed ? idem_tool_span(idem_tool_int(s, "rules.fail_mode.after_s"), span) : "", "");
    printf("    %-35s %s\n", "the server is not reached", text);
    snprintf(text, sizeof text, "the screen %s%s",
             untouched > 0 ? "is locked after " : "stays as it is",
             untouched > 0 ? idem_tool_span(untouched, span) : "");
    printf("    %-35s %s\n", "nobody touches anything", text);
    printf("    %-35s %s\n", "you are asked to show who you are",
           strcmp(idem_tool_text(s, "rules.step_up"), "lock") == 0 ? "by locking the screen"
                                                                   : "by a notice");
}

static void put_policy(const json_t *s)
{
    const char *kind;
    const json_t *rows;
    char id[64];

    snprintf(id, sizeof id, "%.16s", idem_tool_text(s, "policy"));
    row("policy", id[0] != '\0' ? id : "not known before the server has been asked");
    if (!json_is_object(idem_tool_get(s, "rules")))
        return;
    printf("\nWhat the policy says is to happen when ...\n");
    put_limits(s);
    if (!idem_tool_true(s, "rules.guard_on"))
        printf("    guards against machines are off: the policy exempts you from them\n");
    else
        json_object_foreach((json_t *)(uintptr_t)idem_tool_get(s, "rules.guard"), kind, rows)
            put_alarm(kind, rows);
}

/* ------------------------------------------------------------------ */

static void put_words(const json_t *s, const char *headline)
{
    const char *shown = idem_tool_text(s, "shown_to");

    idem_tool_print(headline);
    putchar('\n');
    if (strcmp(shown, "everybody") == 0) {
        row("server", idem_tool_text(s, "server"));
        return;
    }
    put_processes(s);
    put_seat(s);
    put_server(s);
    put_waiting(s);
    put_given_up(s);
    if (strcmp(shown, "person") == 0) {
        put_acknowledgement(s);
        put_privacy(s);
        put_pause(s);
        put_standing(s);
    }
    put_policy(s);
    if (strcmp(shown, "root") == 0)
        printf("\nWhat is about the person at the seat is told to that person only.\n");
}

int idem_tool_status(const struct idem_tool *tool)
{
    char headline[HEADLINE_MAX];
    json_t *s = NULL;
    bool sound;
    int err = idem_tool_ask(tool, idem_tool_request("status"), &s);

    if (err != 0)
        return err;
    idem_tool_headline(s, headline, sizeof headline, &sound);
    if (tool->json) {
        json_object_del(s, "ok");
        json_dumpf(s, stdout, IDEM_TOOL_REALS | JSON_INDENT(2));
        putchar('\n');
    } else {
        put_words(s, headline);
    }
    json_decref(s);
    return sound ? IDEM_EXIT_OK : IDEM_EXIT_FAILED;
}
