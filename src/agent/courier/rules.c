/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - see rules.h. */
#include "agent/courier/rules.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE_S = 60, WEEK_S = 7 * 24 * 3600, DAY_S = 24 * 3600 };

static const char *const members[] = {"fail_mode", "guard", "seat", "exempt", "window", "level"};

bool idem_json_copy(const json_t *object, const char *name, char *out, size_t cap)
{
    const char *text = json_string_value(json_object_get(object, name));
    bool fits = text != NULL && strlen(text) < cap;

    snprintf(out, cap, "%s", fits ? text : "");
    return fits;
}

/* ------------------------------------------------------------------ members with a range */

/* An absent one leaves *out as it is. */
static bool number(const json_t *object, const char *name, uint32_t min, uint32_t max,
                   uint32_t *out)
{
    const json_t *v = json_object_get(object, name);

    if (v == NULL)
        return true;
    json_int_t n = json_integer_value(v);
    if (!json_is_integer(v) || n < (json_int_t)min || n > (json_int_t)max)
        return false;
    *out = (uint32_t)n;
    return true;
}

static bool truth(const json_t *object, const char *name, bool *out)
{
    const json_t *v = json_object_get(object, name);

    if (v != NULL && !json_is_boolean(v))
        return false;
    if (v != NULL)
        *out = json_is_true(v);
    return true;
}

/* One of two words: *out is true for the first. */
static bool choice(const json_t *object, const char *name, const char *yes, const char *no,
                   bool *out)
{
    const json_t *v = json_object_get(object, name);
    const char *word = json_string_value(v);

    if (v == NULL)
        return true;
    if (word == NULL || (strcmp(word, yes) != 0 && strcmp(word, no) != 0))
        return false;
    *out = strcmp(word, yes) == 0;
    return true;
}

/* ------------------------------------------------------------------ rules */

void idem_rules_default(struct idem_rules *out)
{
    memset(out, 0, sizeof *out);
    out->fail_closed = true;
    out->fail_after_s = 600;
    out->unlock_counts = true;
    idem_settings_default(&out->settings);
}

static bool row(const json_t *object, struct idem_guard_row *out)
{
    const json_t *confidence = json_object_get(object, "confidence");
    const char *name = json_string_value(json_object_get(object, "action"));
    enum idem_agent_action action;
    double value = json_number_value(confidence);

    if (!json_is_number(confidence) || !(value >= 0 && value <= 1) || name == NULL ||
        idem_action_parse(name, &action) != 0)
        return false;
    *out = (struct idem_guard_row){(float)value, action};
    return true;
}

static bool rows_of_kind(const json_t *list, struct idem_guard_row out[IDEM_GUARD_ROWS])
{
    size_t count = json_array_size(list);

    if (!json_is_array(list) || count > IDEM_GUARD_ROWS)
        return false;
    for (size_t i = 0; i < IDEM_GUARD_ROWS; i++)
        out[i] = (struct idem_guard_row){2, IDEM_ACTION_OBSERVE};
    for (size_t i = 0; i < count; i++)
        if (!row(json_array_get(list, i), &out[i]) ||
            (i > 0 && out[i].confidence > out[i - 1].confidence))
            return false;
    return true;
}

/* A kind that this build does not know is passed over: its guards never say so. */
static bool guard(const json_t *object, struct idem_rules *r)
{
    const char *name;
    json_t *list;

    if (object == NULL)
        return true;
    if (!json_is_object(object))
        return false;
    json_object_foreach((json_t *)(uintptr_t)object, name, list)
    {
        enum idem_guard_kind kind;
        if (idem_guard_kind_parse(name, &kind) == 0 && !rows_of_kind(list, r->settings.rows[kind]))
            return false;
    }
    return true;
}

static bool untouched(const json_t *seat, struct idem_rules *r)
{
    if (!json_is_null(json_object_get(seat, "lock_untouched_s")))
        return number(seat, "lock_untouched_s", MINUTE_S, WEEK_S, &r->settings.untouched_s);
    r->settings.untouched_s = 0;
    return true;
}

static bool seat(const json_t *object, struct idem_rules *r)
{
    const json_t *pause = json_object_get(object, "pause");
    bool locks = r->settings.step_up_locks != 0;

    if (!untouched(object, r) || !choice(object, "step_up", "lock", "notify", &locks) ||
        !truth(object, "unlock_counts", &r->unlock_counts) ||
        !truth(pause, "allowed", &r->pause_allowed) ||
        !number(pause, "at_most_s", 0, DAY_S, &r->pause_at_most_s))
        return false;
    r->settings.step_up_locks = locks;
    return true;
}

static bool everything(const json_t *object, struct idem_rules *r)
{
    const json_t *fail = json_object_get(object, "fail_mode");
    const json_t *exempt = json_object_get(object, "exempt");
    const json_t *window = json_object_get(object, "window");
    bool good = choice(fail, "locking", "closed", "open", &r->fail_closed) &&
                number(fail, "after_s", 1, WEEK_S, &r->fail_after_s) &&
                guard(json_object_get(object, "guard"), r) &&
                seat(json_object_get(object, "seat"), r) &&
                truth(exempt, "behaviour", &r->exempt_behaviour) &&
                truth(exempt, "guard", &r->exempt_guard) &&
                number(window, "keyboard", IDEM_WINDOW_KEYS, 1000, &r->settings.window_keys) &&
                number(window, "pointer", IDEM_WINDOW_GESTURES, 1000, &r->settings.window_gestures);

    if (json_object_get(object, "level") != NULL)
        good = good && idem_json_copy(object, "level", r->level, sizeof r->level);
    r->settings.guard = !r->exempt_guard;
    return good;
}

int idem_rules_parse(const json_t *object, struct idem_rules *out)
{
    struct idem_rules r;

    idem_rules_default(&r);
    if (!json_is_object(object) || !everything(object, &r))
        return IDEM_ERR_INVALID;
    *out = r;
    return 0;
}

json_t *idem_rules_copy(const json_t *object)
{
    json_t *copy = json_object();

    for (size_t i = 0; copy != NULL && i < sizeof members / sizeof *members; i++) {
        json_t *member = json_object_get(object, members[i]);
        if (member != NULL && json_object_set(copy, members[i], member) != 0) {
            json_decref(copy);
            copy = NULL;
        }
    }
    return copy;
}

/* ------------------------------------------------------------------ what stands */

static int modality_of(const char *name)
{
    for (int m = 0; name != NULL && m < IDEM_MODALITIES; m++)
        if (strcmp(name, idem_modality_name((enum idem_modality)m)) == 0)
            return m;
    return -1;
}

/* A guard's words before the model's. */
static void put_text(const json_t *session, struct idem_standing *s)
{
    const json_t *alarm = json_object_get(session, "guard");
    const json_t *first = json_array_get(json_object_get(session, "explanation"), 0);

    if (strcmp(s->cause, "guard") != 0 || !idem_json_copy(alarm, "text", s->text, sizeof s->text))
        idem_json_copy(first, "text", s->text, sizeof s->text);
}

int idem_standing_parse(const json_t *session, struct idem_standing *out)
{
    struct idem_standing s = {.cut_off = -1};
    const json_t *stands = json_object_get(session, "stands");
    const char *action = json_string_value(json_object_get(stands, "action"));

    if (!idem_json_copy(session, "state", s.state, sizeof s.state))
        return IDEM_ERR_INVALID;
    idem_json_copy(session, "policy", s.policy, sizeof s.policy);
    s.closed = strcmp(s.state, "closed") == 0;
    s.stands = idem_json_copy(stands, "cause", s.cause, sizeof s.cause) && s.cause[0] != 0;
    if (s.stands && (action == NULL || idem_action_parse(action, &s.action) != 0))
        return IDEM_ERR_INVALID;
    if (s.stands) {
        s.cut_off = modality_of(json_string_value(json_object_get(stands, "cut_off")));
        put_text(session, &s);
    }
    *out = s;
    return 0;
}

/* ------------------------------------------------------------------ problems */

void idem_problem_parse(const char *body, size_t len, struct idem_problem_said *out)
{
    static const char prefix[] = "/problems/";
    json_t *doc = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(doc, "type"));

    memset(out, 0, sizeof *out);
    if (type != NULL && strncmp(type, prefix, sizeof prefix - 1) == 0 &&
        strlen(type) - (sizeof prefix - 1) < sizeof out->name)
        snprintf(out->name, sizeof out->name, "%s", type + sizeof prefix - 1);
    idem_json_copy(doc, "detail", out->detail, sizeof out->detail);
    json_decref(doc);
}
