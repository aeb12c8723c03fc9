/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.c - what the courier says in names and numbers, for people: see tool.h. A name that is not
 * known here (of a newer courier) is shown as it is.
 */
#include "agent/courier/control_words.h"
#include "agent/tool/tool.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ------------------------------------------------------------------ JSON */

const json_t *idem_tool_get(const json_t *object, const char *path)
{
    char name[64];
    size_t len;

    for (;;) {
        len = strcspn(path, ".");
        if (len >= sizeof name)
            return NULL;
        memcpy(name, path, len);
        name[len] = '\0';
        object = json_object_get(object, name);
        if (path[len] == '\0')
            return object;
        path += len + 1;
    }
}

const char *idem_tool_text(const json_t *object, const char *path)
{
    const char *text = json_string_value(idem_tool_get(object, path));
    return text != NULL ? text : "";
}

json_int_t idem_tool_int(const json_t *object, const char *path)
{
    return json_integer_value(idem_tool_get(object, path));
}

double idem_tool_number(const json_t *object, const char *path)
{
    return json_number_value(idem_tool_get(object, path));
}

bool idem_tool_true(const json_t *object, const char *path)
{
    return json_is_true(idem_tool_get(object, path));
}

/* ------------------------------------------------------------------ names */

struct name {
    const char *name, *words;
};

static const char *find(const struct name *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].words;
    return name;
}

const char *idem_tool_action(const char *name)
{
    static const struct name names[] = {
        {"observe", "it is noted, nothing else"},
        {"notify", "you are told"},
        {"step-up", "you are asked to show who you are"},
        {"lock", "the screen is locked"},
        {"cut-off-device", "the device is cut off and the screen locked"},
        {"end-session", "the session is ended"},
    };
    return find(names, sizeof names / sizeof *names, name);
}

const char *idem_tool_kind(const char *name)
{
    static const struct name names[] = {
        {"injected-keys", "keys that no hand typed"},
        {"scripted-pointer", "a pointer that no hand moved"},
        {"remote-control", "a hand that is not at this device"},
        {"macro", "a keyboard's own macro"},
        {"replay", "a recording played back"},
    };
    return find(names, sizeof names / sizeof *names, name);
}

const char *idem_tool_span(json_int_t seconds, char text[IDEM_TOOL_WORDS_MAX])
{
    const bool hours = seconds >= 7200 && seconds % 3600 == 0;
    const bool minutes = seconds >= 60 && (seconds % 60 == 0 || seconds > 600);
    const long long n = hours     ? (long long)seconds / 3600
                        : minutes ? ((long long)seconds + 59) / 60
                                  : (long long)seconds;

    snprintf(text, IDEM_TOOL_WORDS_MAX, "%lld %s%s", n,
             hours     ? "hour"
             : minutes ? "minute"
                       : "second",
             n == 1 ? "" : "s");
    return text;
}

const char *idem_tool_when(const char *time_text, char text[IDEM_TOOL_WORDS_MAX])
{
    struct tm utc = {0}, local, today;
    const time_t now = time(NULL);
    const char *end = strptime(time_text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    time_t at;

    if (end == NULL || *end != '\0') {
        snprintf(text, IDEM_TOOL_WORDS_MAX, "%s", time_text);
        return text;
    }
    at = timegm(&utc);
    localtime_r(&at, &local);
    localtime_r(&now, &today);
    strftime(text, IDEM_TOOL_WORDS_MAX,
             local.tm_yday == today.tm_yday && local.tm_year == today.tm_year ? "%H:%M"
                                                                              : "%Y-%m-%d %H:%M",
             &local);
    return text;
}

const char *idem_tool_language(char text[IDEM_CONTROL_ARGUMENT_MAX])
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *value = NULL;
    size_t len;

    for (size_t i = 0; i < 3 && (value == NULL || value[0] == '\0'); i++)
        value = getenv(names[i]);
    len = value != NULL ? strcspn(value, "_.@-") : 0;
    if (len < 2 || len > 8) /* "C" is no language */
        return strcpy(text, "en");
    memcpy(text, value, len);
    text[len] = '\0';
    return strcmp(text, "POSIX") == 0 ? strcpy(text, "en") : text;
}

/* Bytes at the text's beginning that a terminal might obey: C0 but tab and line's end, DEL, and the
 * C1 controls, which are C2 80 to C2 9F in UTF-8. */
static size_t control_len(const char *at)
{
    const unsigned char first = (unsigned char)at[0], second = (unsigned char)at[first != 0];

    if (first == 0xc2 && second >= 0x80 && second <= 0x9f)
        return 2;
    return (first < 0x20 && first != '\n' && first != '\t') || first == 0x7f ? 1 : 0;
}

void idem_tool_put(FILE *to, const char *text)
{
    while (*text != '\0') {
        const size_t skip = control_len(text);
        if (skip == 0)
            fputc(*text, to);
        text += skip > 0 ? skip : 1;
    }
}

void idem_tool_print(const char *text)
{
    const size_t len = strlen(text);

    idem_tool_put(stdout, text);
    if (len == 0 || text[len - 1] != '\n')
        putchar('\n');
}

/* ------------------------------------------------------------------ the sentence on top */

static bool is_everybody(const json_t *s)
{
    return strcmp(idem_tool_text(s, "shown_to"), "everybody") == 0;
}

static void collecting(const json_t *s, char *text, size_t cap)
{
    snprintf(text, cap,
             "idem is on: it collects windows of %lld keys and %lld movements, and sends them to "
             "%s.",
             (long long)idem_tool_int(s, "window.keyboard"),
             (long long)idem_tool_int(s, "window.pointer"), idem_tool_text(s, "server"));
}

static bool is_sound(const json_t *s)
{
    const char *standing = idem_tool_text(s, "standing");

    return is_everybody(s) ||
           (idem_tool_true(s, "processes.broker") && idem_tool_true(s, "processes.sensor") &&
            idem_tool_true(s, "reached.now") && strcmp(standing, "step-up") != 0 &&
            strcmp(standing, "locked") != 0);
}

void idem_tool_headline(const json_t *s, char *text, size_t cap, bool *sound)
{
    const char *why = idem_tool_text(s, "why"), *words = idem_control_why_words(why);

    *sound = idem_tool_true(s, "enrolled") && is_sound(s);
    if (!idem_tool_true(s, "enrolled"))
        snprintf(text, cap, "idem is installed but does nothing yet: %s.",
                 idem_control_why_words("not-enrolled"));
    else if (is_everybody(s))
        snprintf(text, cap,
                 "idem is on. What it does with somebody's typing it tells the person at the "
                 "screen only.");
    else if (idem_tool_true(s, "collecting") && idem_tool_get(s, "window") != NULL)
        collecting(s, text, cap);
    else if (idem_tool_true(s, "collecting"))
        snprintf(text, cap, "idem is on, and collects.");
    else
        snprintf(text, cap, "idem is on but collects nothing: %s.", words != NULL ? words : why);
}
