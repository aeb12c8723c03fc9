/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.c - `idem-agent watch`: everything about the person's typing and pointing that leaves this
 * computer, as it leaves, in words; with --all in the very numbers.
 */
#include "agent/tool/tool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HEADLINE_MAX = 600 };

struct watcher {
    const struct idem_tool *tool;
    char headline[HEADLINE_MAX]; /* the last one that was shown */
    bool ended;
    int code;
};

/* ------------------------------------------------------------------ a window */

static void put_count(double times, const char *one, const char *many)
{
    if (fabs(times - round(times)) < 0.01)
        printf("%.0f %s", times, fabs(times - 1) < 0.01 ? one : many);
    else
        printf("%.1f %s", times, many);
}

static void put_numbers(const json_t *cell)
{
    size_t i;
    const json_t *n;

    printf("      [");
    json_array_foreach(idem_tool_get(cell, "numbers"), i, n)
        printf("%s%lld", i > 0 ? ", " : "", (long long)json_integer_value(n));
    printf("]\n");
}

/* A gap below nought: the next key was pressed before the first one was let go. */
static void put_typical(const json_t *cell, bool gap)
{
    const double ms = idem_tool_number(cell, "typical_ms");

    if (idem_tool_get(cell, "typical_ms") == NULL)
        return;
    printf(", typically %.0f ms%s", gap ? fabs(ms) : ms,
           !gap     ? ""
           : ms < 0 ? " before letting go"
                    : " after letting go");
}

static void put_cell(const json_t *cell, bool all)
{
    const char *measure = idem_tool_text(cell, "measure");
    const bool gap = strcmp(measure, "gap") == 0;
    const double times = idem_tool_number(cell, "times");

    printf("    %s: ", idem_tool_text(cell, "what"));
    if (strcmp(measure, "hold") == 0)
        put_count(times, "hold", "holds");
    else
        put_count(times, gap ? "time" : "counted", gap ? "times" : "counted");
    put_typical(cell, gap);
    putchar('\n');
    if (all)
        put_numbers(cell);
}

static void put_window(const json_t *w, bool all)
{
    const bool keys = strcmp(idem_tool_text(w, "modality"), "keyboard") == 0;
    const json_t *cells = idem_tool_get(w, "cells"), *cell;
    const double seconds = (double)idem_tool_int(w, "duration_ms") / 1000;
    size_t i;

    printf("\n%s: %lld %s within %.1f s, %s\n", keys ? "keyboard" : "pointer",
           (long long)idem_tool_int(w, "strokes"), keys ? "keys" : "movements", seconds,
           idem_tool_true(w, "waiting") ? "put by until the server is reached" : "sent");
    json_array_foreach(cells, i, cell) put_cell(cell, all);
    if (!json_is_array(cells))
        printf("    its numbers are too many to be shown\n");
    if (all)
        printf("    front %s; numbers in 1/64: cell, count, sums\n", idem_tool_text(w, "front"));
    printf("  this is all: nothing else about these %s has left this computer\n",
           keys ? "keys" : "movements");
}

/* ------------------------------------------------------------------ other events */

static void put_alarm(const json_t *a)
{
    printf("\nalarm: %s, %.1f %% sure\n  ", idem_tool_kind(idem_tool_text(a, "kind")),
           100 * idem_tool_number(a, "confidence"));
    idem_tool_print(idem_tool_text(a, "text"));
    printf("  what follows here: %s\n", idem_tool_action(idem_tool_text(a, "action")));
    printf("  this is all: the server is told the kind, how sure, and %zu reason%s in numbers\n",
           json_array_size(idem_tool_get(a, "saw")),
           json_array_size(idem_tool_get(a, "saw")) == 1 ? "" : "s");
}

static void put_status(struct watcher *w, const json_t *s)
{
    char headline[HEADLINE_MAX];
    bool sound;

    idem_tool_headline(s, headline, sizeof headline, &sound);
    if (strcmp(headline, w->headline) == 0)
        return;
    if (w->headline[0] != '\0')
        putchar('\n');
    strcpy(w->headline, headline);
    idem_tool_print(headline);
}

static void take(struct watcher *w, const json_t *event)
{
    const char *kind = idem_tool_text(event, "event");

    w->ended = strcmp(kind, "over") == 0 || (w->tool->once && strcmp(kind, "window") == 0);
    if (w->tool->json) {
        json_dumpf(event, stdout, IDEM_TOOL_REALS | JSON_COMPACT);
        putchar('\n');
    } else if (strcmp(kind, "window") == 0) {
        put_window(event, w->tool->all);
    } else if (strcmp(kind, "alarm") == 0) {
        put_alarm(event);
    } else if (strcmp(kind, "status") == 0) {
        put_status(w, event);
    } else if (strcmp(kind, "over") == 0) {
        printf("\nThe session is over. This is all.\n");
    }
    fflush(stdout);
}

static int follow(struct watcher *w, struct idem_tool_line *line)
{
    json_t *event = NULL;
    int err = idem_tool_send(line, idem_tool_request("watch"));

    if (err == 0)
        err = idem_tool_hear(line, 0, &event);
    if (err == 0 && (w->code = idem_tool_check(event)) != 0)
        w->ended = true;
    json_decref(event);
    while (err == 0 && !w->ended && !ferror(stdout)) {
        err = idem_tool_hear(line, 0, &event);
        if (err != 0)
            break;
        take(w, event);
        json_decref(event);
    }
    return err;
}

int idem_tool_watch(const struct idem_tool *tool)
{
    struct watcher w = {.tool = tool};
    struct idem_tool_line line;
    int err = idem_tool_connect(tool, &line);

    if (err == 0)
        err = follow(&w, &line);
    idem_tool_hang_up(&line);
    return err != 0 ? idem_tool_lost(tool, err) : w.code;
}
