/* SPDX-License-Identifier: Apache-2.0 */
/* seat_rules.c - see seat_rules.h. */
#include "server/seat_rules.h"

#include "server/worker_parts.h"

static const enum idem_guard_kind kinds[] = {IDEM_GUARD_INJECTED_KEYS, IDEM_GUARD_SCRIPTED_POINTER,
                                             IDEM_GUARD_REPLAY, IDEM_GUARD_REMOTE_CONTROL,
                                             IDEM_GUARD_MACRO};

static const char *truth(bool value)
{
    return value ? "true" : "false";
}

/* The rows of a kind stand in their order already: the highest confidence first. */
static void put_rows(struct idem_text *t, const struct idem_policy_rules *r,
                     enum idem_guard_kind kind)
{
    bool any = false;

    idem_text_fmt(t, "\"%s\":[", idem_guard_kind_name(kind));
    for (uint32_t i = 0; i < r->guard_count; i++) {
        if (r->guard[i].kind != kind)
            continue;
        idem_text_put(t, any ? ",{\"confidence\":" : "{\"confidence\":");
        idem_text_number(t, r->guard[i].at_least);
        idem_text_fmt(t, ",\"action\":\"%s\"}", idem_guard_action_name(r->guard[i].action));
        any = true;
    }
    idem_text_put(t, "]");
}

static void put_seat(struct idem_text *t, const struct idem_policy_seat *s)
{
    idem_text_put(t, "\"seat\":{\"lock_untouched_s\":");
    if (s->lock_untouched_ms == 0)
        idem_text_put(t, "null");
    else
        idem_text_int(t, s->lock_untouched_ms / 1000);
    idem_text_fmt(t,
                  ",\"step_up\":\"%s\",\"unlock_counts\":%s,\"pause\":{\"allowed\":%s,"
                  "\"at_most_s\":%lld}}",
                  idem_policy_seat_step_up_name(s), truth(s->unlock_counts),
                  truth(s->pause_allowed), (long long)(s->pause_most_ms / 1000));
}

void idem_seat_fail_mode_json(struct idem_text *t, const struct idem_policy_rules *r)
{
    idem_text_fmt(t, "\"fail_mode\":{\"locking\":\"%s\",\"after_s\":%lld}",
                  r->lock_fails_open ? "open" : "closed", (long long)(r->fail_after_ms / 1000));
}

void idem_seat_rules_json(struct idem_text *t, const struct idem_policy_rules *r)
{
    idem_seat_fail_mode_json(t, r);
    idem_text_put(t, ",\"guard\":{");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        idem_text_put(t, i > 0 ? "," : "");
        put_rows(t, r, kinds[i]);
    }
    idem_text_put(t, "},");
    put_seat(t, &r->seat);
    idem_text_fmt(t, ",\"exempt\":{\"behaviour\":%s,\"guard\":%s}", truth(r->exempt_behaviour),
                  truth(r->exempt_guard));
}

void idem_seat_window_json(struct idem_text *t)
{
    idem_text_fmt(t, "\"window\":{\"keyboard\":%d,\"pointer\":%d}", IDEM_WINDOW_KEYS,
                  IDEM_WINDOW_GESTURES);
}

static void answer(struct idem_command *c, const struct idem_session *s)
{
    c->status = 200;
    idem_text_fmt(&c->answer, "{\"policy\":\"%s\",", idem_policy_id(s->policy));
    idem_seat_rules_json(&c->answer, s->rules);
    idem_text_put(&c->answer, ",");
    idem_seat_window_json(&c->answer);
    idem_text_put(&c->answer, "}");
}

/* A page gets none: it acts on nothing by itself, and need not know what an alarm would do. */
void idem_seat_rules_call(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find(w, c);

    if (s != NULL && s->closed)
        idem_command_refuse(c, IDEM_PROBLEM_SESSION_CLOSED, "session %s has ended", s->name);
    else if (s != NULL && (s->opening.kind != IDEM_SESSION_AGENT || s->rules == NULL))
        idem_command_refuse(c, IDEM_PROBLEM_FORBIDDEN_SESSION,
                            "rules are for the session of an enrolled seat");
    else if (s != NULL)
        answer(c, s);
    c->done(c, false);
}
