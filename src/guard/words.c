/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.c - the guard's vocabulary: stable names for wire and logs, sentences for people.
 *
 * A sentence is made from numbers only, so whoever receives a verdict makes it himself and trusts
 * no text of a peer's.
 */
#include "idem/idem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[IDEM_GUARD_KINDS] = {
    [IDEM_GUARD_INSUFFICIENT] = "insufficient",
    [IDEM_GUARD_HUMAN] = "human",
    [IDEM_GUARD_INJECTED_KEYS] = "injected-keys",
    [IDEM_GUARD_SCRIPTED_POINTER] = "scripted-pointer",
    [IDEM_GUARD_REMOTE_CONTROL] = "remote-control",
    [IDEM_GUARD_MACRO] = "macro",
    [IDEM_GUARD_REPLAY] = "replay",
};

static const char *const role_words[IDEM_GUARD_ROLES] = {
    [IDEM_ROLE_ORDINARY] = "an ordinary device", [IDEM_ROLE_TOKEN] = "a security key",
    [IDEM_ROLE_SCANNER] = "a scanner",           [IDEM_ROLE_STENO] = "a steno machine",
    [IDEM_ROLE_MACRO_PAD] = "a macro pad",       [IDEM_ROLE_AUTOTYPE] = "a password manager",
};

/*
 * The sentence takes the count first and the value second, as its form asks: c count, v value with
 * one digit, r the value as a role.
 */
struct reason {
    const char *name, *form, *sentence;
};

static const struct reason reasons[IDEM_GUARD_REASONS] = {
    [IDEM_SAW_NOTHING] = {"nothing", "", "nothing in particular"},
    [IDEM_SAW_HOLDS_SHORT] =
        {"holds-short", "cv",
         "keys were held too briefly for a hand (%u keys, %.1f ms on average)"},
    [IDEM_SAW_HOLDS_EQUAL] = {"holds-equal", "cv",
                              "keys are held equally long (%u keys, within %.1f ms)"},
    [IDEM_SAW_GAPS_SHORT] = {"gaps-short", "cv",
                             "keys follow faster than a hand can (%u keys, %.1f ms apart)"},
    [IDEM_SAW_GAPS_EQUAL] = {"gaps-equal", "cv",
                             "keys follow in a machine's rhythm (%u keys, within %.1f ms)"},
    [IDEM_SAW_NO_ROLLOVER] = {"no-rollover", "c", "no two keys of %u were ever down together"},
    [IDEM_SAW_SHIFT_EXACT] = {"shift-exact", "c",
                              "Shift and its key go down at the same moment (%u capitals)"},
    [IDEM_SAW_CAPITALS_BARE] = {"capitals-bare", "c", "capitals came without Shift (%u)"},
    [IDEM_SAW_ONE_REPORT] = {"one-report", "c",
                             "a modifier and its key came in one report (%u times)"},
    [IDEM_SAW_STRAIGHT] = {"straight", "cv",
                           "the pointer runs straight (%u gestures, within %.1f px of a line)"},
    [IDEM_SAW_CONSTANT_SPEED] = {"constant-speed", "cv",
                                 "the pointer keeps one speed (%u gestures, varying by %.2f)"},
    [IDEM_SAW_UNLIKE_HAND] = {"unlike-hand", "cv",
                              "the pointer does not move like a hand (%u gestures, %.1f nats)"},
    [IDEM_SAW_CLICKS_SHORT] = {"clicks-short", "cv",
                               "the button is held too briefly for a finger (%u clicks, %.1f ms)"},
    [IDEM_SAW_JUMP] = {"jump", "cv",
                       "the pointer clicked where it never went (%u times, %.0f px away)"},
    [IDEM_SAW_WARP] = {"warp", "c", "the pointer was moved without its device (%u times)"},
    [IDEM_SAW_SYNTHETIC] = {"synthetic", "", "the events come from a program, the system says"},
    [IDEM_SAW_REMOTE_SOURCE] = {"remote-source", "",
                                "the events come from a remote desktop, the system says"},
    [IDEM_SAW_ROLE] = {"role", "r", "it is known as %s and behaves like one"},
    [IDEM_SAW_ROLE_BROKEN] = {"role-broken", "r", "it is known as %s but does not behave like one"},
    [IDEM_SAW_TAP_HOLD] = {"tap-hold", "c",
                           "only home-row keys are brief (%u): a keyboard's tap-and-hold function"},
    [IDEM_SAW_NEW_DEVICE] = {"new-device", "v", "it appeared %.0f s ago"},
    [IDEM_SAW_TWIN] = {"twin", "", "another attached device has the same identification"},
    [IDEM_SAW_UNLIKE_PAST] = {"unlike-past", "v", "keys were held %.0f ms on this device before"},
    [IDEM_SAW_REPEATED] = {"repeated", "c", "the same intervals came again (%u in a row)"},
    [IDEM_SAW_WINDOW_BEFORE] = {"window-before", "v", "%.0f %% of this window was sent before"},
    [IDEM_SAW_WINDOW_REGULAR] = {"window-regular", "", "no typing adds up to this window"},
};

bool idem_guard_is_alarm(enum idem_guard_kind kind)
{
    return kind == IDEM_GUARD_INJECTED_KEYS || kind == IDEM_GUARD_SCRIPTED_POINTER ||
           kind == IDEM_GUARD_REMOTE_CONTROL || kind == IDEM_GUARD_REPLAY;
}

const char *idem_guard_kind_name(enum idem_guard_kind kind)
{
    return (unsigned)kind < IDEM_GUARD_KINDS ? kind_names[kind] : NULL;
}

const char *idem_guard_reason_name(enum idem_guard_reason reason)
{
    return (unsigned)reason < IDEM_GUARD_REASONS ? reasons[reason].name : NULL;
}

int idem_guard_kind_parse(const char *name, enum idem_guard_kind *out)
{
    for (unsigned k = 0; k < IDEM_GUARD_KINDS; k++)
        if (strcmp(kind_names[k], name) == 0) {
            *out = (enum idem_guard_kind)k;
            return IDEM_OK;
        }
    return IDEM_ERR_NOT_FOUND;
}

int idem_guard_reason_parse(const char *name, enum idem_guard_reason *out)
{
    for (unsigned k = 0; k < IDEM_GUARD_REASONS; k++)
        if (strcmp(reasons[k].name, name) == 0) {
            *out = (enum idem_guard_reason)k;
            return IDEM_OK;
        }
    return IDEM_ERR_NOT_FOUND;
}

static const char *role_of(float value)
{
    int role = isfinite(value) && value >= 0 && value < IDEM_GUARD_ROLES ? (int)value : 0;
    return role_words[role];
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
/* The forms are this file's own. */
static int say(const struct idem_guard_saw *saw, char *text, size_t cap)
{
    if ((unsigned)saw->reason >= IDEM_GUARD_REASONS)
        return snprintf(text, cap, "something this version has no words for");
    const struct reason *r = &reasons[saw->reason];
    double value = isfinite(saw->value) ? (double)saw->value : 0.0;
    if (strcmp(r->form, "cv") == 0)
        return snprintf(text, cap, r->sentence, (unsigned)saw->count, value);
    if (strcmp(r->form, "c") == 0)
        return snprintf(text, cap, r->sentence, (unsigned)saw->count);
    if (strcmp(r->form, "v") == 0)
        return snprintf(text, cap, r->sentence, value);
    if (strcmp(r->form, "r") == 0)
        return snprintf(text, cap, r->sentence, role_of(saw->value));
    return snprintf(text, cap, "%s", r->sentence);
}
#pragma GCC diagnostic pop

const char *idem_guard_text(const struct idem_guard_verdict *verdict, char *text, size_t cap)
{
    size_t at = 0;
    if (cap == 0)
        return text;
    text[0] = '\0';
    for (uint32_t i = 0; i < verdict->saw_count && i < IDEM_GUARD_SAW_MAX; i++) {
        char one[IDEM_GUARD_TEXT];
        (void)say(&verdict->saw[i], one, sizeof one);
        int n = snprintf(text + at, cap - at, "%s%s", i == 0 ? "" : "; ", one);
        if (n < 0 || (size_t)n >= cap - at)
            break;
        at += (size_t)n;
    }
    return text;
}
