/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_status.c - the status as JSON, for whoever asks: of the service for everybody, of the
 * machine for root, of the person for the person.
 */
#include "agent/courier/control_parts.h"
#include "agent/courier/control_words.h"

#include <time.h>

#ifndef IDEM_VERSION
#define IDEM_VERSION "unknown"
#endif

/* All setters of jansson take over what they are given, also when they fail. */
static json_t *text_or_null(const char *text)
{
    return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *time_or_null(int64_t unix_ms)
{
    const time_t seconds = (time_t)(unix_ms / 1000);
    char text[32];
    struct tm tm;

    if (unix_ms <= 0 || gmtime_r(&seconds, &tm) == NULL)
        return json_null();
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return json_string(text);
}

static json_t *guard_rows(const struct idem_guard_row *rows)
{
    json_t *out = json_array();

    for (int i = 0; i < IDEM_GUARD_ROWS; i++) {
        if (rows[i].confidence > 1)
            continue;
        json_array_append_new(out, json_pack("{s:f, s:s}", "confidence", (double)rows[i].confidence,
                                             "action", idem_action_name(rows[i].action)));
    }
    return out;
}

static json_t *guard(const struct idem_settings_message *settings)
{
    json_t *out = json_object();

    for (int kind = 0; kind < IDEM_GUARD_KINDS; kind++)
        if (idem_guard_is_alarm((enum idem_guard_kind)kind) || kind == IDEM_GUARD_MACRO)
            json_object_set_new(out, idem_guard_kind_name((enum idem_guard_kind)kind),
                                guard_rows(settings->rows[kind]));
    return out;
}

static json_t *rules(const struct idem_control_status *s)
{
    const struct idem_settings_message *set = &s->settings;

    if (!s->has_rules)
        return json_null();
    return json_pack(
        "{s:{s:s, s:I}, s:o, s:b, s:o, s:s, s:b, s:{s:b, s:I}}", "fail_mode", "locking",
        s->fail_closed ? "closed" : "open", "after_s", (json_int_t)s->fail_after_s, "guard",
        guard(set), "guard_on", (int)(set->guard != 0), "lock_untouched_s",
        set->untouched_s > 0 ? json_integer(set->untouched_s) : json_null(), "step_up",
        set->step_up_locks ? "lock" : "notify", "unlock_counts", (int)s->unlock_counts, "pause",
        "allowed", (int)s->pause_allowed, "at_most_s", (json_int_t)s->pause_at_most_s);
}

static void put_person(json_t *out, const struct idem_control_status *s)
{
    static const char *const pauses[] = {"none", "asked", "on"};

    json_object_set_new(
        out, "acknowledgement",
        json_pack("{s:s, s:o, s:o}", "state", idem_control_ack_name(s->acknowledgement), "version",
                  text_or_null(s->acknowledged), "hour", text_or_null(s->acknowledged_hour)));
    json_object_set_new(out, "level", text_or_null(s->level));
    json_object_set_new(out, "window",
                        json_pack("{s:I, s:I}", "keyboard", (json_int_t)s->window_keys, "pointer",
                                  (json_int_t)s->window_gestures));
    json_object_set_new(out, "rules", rules(s));
    json_object_set_new(out, "standing", text_or_null(s->standing));
    json_object_set_new(out, "cause", text_or_null(s->cause));
    json_object_set_new(
        out, "pause",
        json_pack("{s:s, s:I}", "state", pauses[s->pause], "left_s", (json_int_t)s->pause_left_s));
}

/* Whether somebody has acknowledged, paused or is exempted is that person's own. */
static enum idem_control_why told(enum idem_control_why why, enum idem_control_audience audience)
{
    const bool own =
        why == IDEM_WHY_EXEMPT || why == IDEM_WHY_NOT_ACKNOWLEDGED || why == IDEM_WHY_PAUSED;

    return own && audience != IDEM_FOR_PERSON ? IDEM_WHY_PERSONAL : why;
}

static json_t *spool(const struct idem_control_status *s)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:b}", "waiting", (json_int_t)s->spool_waiting,
                     "dropped", (json_int_t)s->spool_dropped, "expired",
                     (json_int_t)s->spool_expired, "refused", (json_int_t)s->spool_refused,
                     "unreadable", (json_int_t)s->spool_unreadable, "begun_anew",
                     (int)s->spool_begun_anew);
}

static void put_machine(json_t *out, const struct idem_control_status *s,
                        enum idem_control_audience audience)
{
    const enum idem_control_why why = told(s->why, audience);

    /* There is one while a session is open: not for whoever would poll for that. */
    json_object_set_new(out, "policy", text_or_null(s->policy));
    json_object_set_new(out, "processes",
                        json_pack("{s:b, s:b, s:b}", "broker", (int)s->broker, "sensor",
                                  (int)s->sensor, "courier", 1));
    json_object_set_new(out, "presence", json_string(idem_presence_name(s->presence)));
    json_object_set_new(out, "collecting", json_boolean(why == IDEM_WHY_COLLECTING));
    json_object_set_new(out, "why",
                        why == IDEM_WHY_COLLECTING ? json_null()
                                                   : json_string(idem_control_why_name(why)));
    json_object_set_new(out, "devices",
                        json_pack("{s:I, s:I}", "keyboards", (json_int_t)s->keyboards, "pointers",
                                  (json_int_t)s->pointers));
    json_object_set_new(
        out, "reached",
        json_pack("{s:b, s:o}", "now", (int)s->reached, "last", time_or_null(s->reached_ms)));
    json_object_set_new(out, "spool", spool(s));
}

json_t *idem_control_status_json(const struct idem_control_status *s,
                                 enum idem_control_audience audience)
{
    static const char *const shown[] = {"everybody", "root", "person"};
    json_t *out = json_object();

    json_object_set_new(out, "program", json_string("idem " IDEM_VERSION));
    json_object_set_new(out, "shown_to", json_string(shown[audience]));
    json_object_set_new(out, "enrolled", json_boolean(s->enrolled));
    json_object_set_new(out, "server", text_or_null(s->server));
    if (audience != IDEM_FOR_ANYBODY)
        put_machine(out, s, audience);
    if (audience == IDEM_FOR_PERSON)
        put_person(out, s);
    return out;
}
