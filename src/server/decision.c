/* SPDX-License-Identifier: Apache-2.0 */
/* decision.c - see decision.h. */
#include "server/decision.h"

#include "base/log.h"
#include "server/clock.h"
#include "server/worker_parts.h"

#include <math.h>
#include <stdlib.h>

const char *idem_cause_name(enum idem_cause cause)
{
    static const char *const names[IDEM_CAUSES] = {
        "none",    "guard",        "doubt",     "below-lock", "below-step-up",
        "silence", "insufficient", "on-record", "evidence",   "strong-authentication",
        "policy",  "enrolled",
    };
    return names[cause];
}

const char *idem_outcome_name(enum idem_outcome outcome)
{
    static const char *const names[IDEM_OUTCOMES] = {"applied", "already-so",
                                                     "refused-by-fail-mode", "seat-not-reached"};
    return names[outcome];
}

/* ------------------------------------------------------------------ arising */

void idem_decision_fill(const struct idem_session *s, int64_t now_ms, struct idem_decision *out)
{
    const bool compared = s->trust != NULL && s->reading.windows > 0;

    *out = (struct idem_decision){
        .at_ms = now_ms,
        .trust = compared ? s->reading.trust : (double)NAN,
        .trust_recent = compared ? s->reading.trust_recent : (double)NAN,
        .llr = compared ? s->reading.llr : (double)NAN,
        .threshold = (double)NAN,
        .from = (uint8_t)s->state,
        .to = (uint8_t)s->state,
    };
}

/* The last to come takes the place of the one before when there are too many. */
static struct idem_decision **place(struct idem_session *s)
{
    struct idem_decision **at = &s->decisions;

    for (int i = 1; *at != NULL && i < IDEM_DECISIONS_WAITING_MAX; i++)
        at = &(*at)->next;
    return at;
}

void idem_decision_push(struct idem_session *s, const struct idem_decision *decision)
{
    struct idem_decision **at = place(s), *d;

    s->decision_count++;
    if (s->replaying && (decision->logged || s->judged_row <= s->decided_row))
        return;
    if (*at == NULL && (*at = calloc(1, sizeof **at)) == NULL) {
        idem_log(IDEM_LOG_ERROR, "kernel: no memory for a decision on a session");
        return;
    }
    d = *at;
    *d = *decision;
    d->next = NULL;
    if (s->decision_count > IDEM_DECISIONS_LOGGED_MAX && d->what.action < IDEM_GUARD_LOCK)
        d->logged = true;
}

static void copy_verdict(const struct idem_guard_verdict *v, struct idem_decision *out)
{
    out->by_guard = true;
    out->kind = (uint8_t)v->kind;
    out->confidence = v->confidence;
    out->saw_count = (uint8_t)(v->saw_count < sizeof out->saw ? v->saw_count : sizeof out->saw);
    for (uint8_t i = 0; i < out->saw_count; i++)
        out->saw[i] = (uint8_t)v->saw[i].reason;
}

static enum idem_session_state state_after(const struct idem_session *s,
                                           enum idem_guard_action action)
{
    if (s->state == IDEM_STATE_LOCKED || action >= IDEM_GUARD_LOCK)
        return IDEM_STATE_LOCKED;
    return action >= IDEM_GUARD_STEP_UP ? IDEM_STATE_STEP_UP : s->state;
}

void idem_decision_of_alarm(const struct idem_session *s, const struct idem_guard_alarm *alarm,
                            struct idem_decision *out)
{
    idem_decision_fill(s, alarm->at_ms, out);
    out->what = (struct idem_stands){IDEM_CAUSE_GUARD, alarm->action, alarm->line};
    out->to = (uint8_t)(alarm->action == IDEM_GUARD_END_SESSION ? IDEM_STATE_CLOSED
                                                                : state_after(s, alarm->action));
    out->outcome = alarm->action >= IDEM_GUARD_STEP_UP && alarm->action <= s->stands.action
                       ? IDEM_OUTCOME_ALREADY_SO
                       : IDEM_OUTCOME_APPLIED;
    out->device = (uint8_t)alarm->device;
    copy_verdict(&alarm->verdict, out);
}

/* ------------------------------------------------------------------ as JSON */

/* Four digits are more than evidence is good for. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(round(value * 1e4) / 1e4) : json_null();
}

static json_t *reasons_of(const struct idem_session *s)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < s->reason_count && i < IDEM_DECISION_REASONS; i++)
        json_array_append_new(list, json_string(s->reasons[i].text));
    return list;
}

static json_t *evidence_of(const struct idem_session *s, const struct idem_decision *d)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "trust", number(d->trust), "trust_recent",
                     number(d->trust_recent), "llr", number(d->llr), "threshold",
                     number(d->threshold), "reasons", reasons_of(s));
}

static json_t *guard_of(const struct idem_decision *d)
{
    json_t *saw = json_array();

    for (uint8_t i = 0; i < d->saw_count; i++)
        json_array_append_new(
            saw, json_string(idem_guard_reason_name((enum idem_guard_reason)d->saw[i])));
    return json_pack("{s:s, s:o, s:s, s:o}", "kind",
                     idem_guard_kind_name((enum idem_guard_kind)d->kind), "confidence",
                     number(d->confidence), "device",
                     idem_modality_name((enum idem_modality)d->device), "reasons", saw);
}

static json_t *detail_of(const struct idem_session *s, const struct idem_decision *d)
{
    json_t *detail = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:i}, s:o}", "action",
        idem_guard_action_name(d->what.action), "cause", idem_cause_name(d->what.cause), "outcome",
        idem_outcome_name(d->outcome), "from",
        idem_session_state_name((enum idem_session_state)d->from), "to",
        idem_session_state_name((enum idem_session_state)d->to), "person", s->person->name,
        "policy", "id", s->policy != NULL ? idem_policy_id(s->policy) : "", "line",
        (int)d->what.line, "evidence", evidence_of(s, d));

    if (detail != NULL && d->by_guard)
        json_object_set_new(detail, "guard", guard_of(d));
    return detail;
}

/* ------------------------------------------------------------------ durable, then told */

int idem_decision_write(struct idem_worker *w, const struct idem_session *s,
                        const struct idem_decision *d)
{
    json_t *detail = detail_of(s, d);
    const struct idem_audit_line line = {
        .organisation = s->person->organisation,
        .at_ms = s->test_clock ? idem_clock_ms() : d->at_ms, /* the log has the server's time */
        .actor = "system",
        .action = "decision",
        .subject = s->name,
        .detail = detail,
        .about_seat = true,
        .important = d->what.action >= IDEM_GUARD_LOCK,
    };
    int err = detail != NULL ? idem_audit_add(w, &line) : IDEM_ERR_NOMEM;

    json_decref(detail);
    return err;
}

int idem_decisions_save(struct idem_worker *w, struct idem_session *s)
{
    int err = IDEM_OK;

    if (s->decisions == NULL)
        return IDEM_OK;
    idem_judge_explain(&w->benches[0].judge, s);
    for (const struct idem_decision *d = s->decisions; d != NULL && err == 0; d = d->next)
        if (!d->logged)
            err = idem_decision_write(w, s, d);
    if (err == 0)
        err = w->parts.store->ops->session_decided(w->parts.store, s->row, s->judged_row);
    return err;
}

void idem_decision_tell(struct idem_worker *w, const struct idem_session *s,
                        const struct idem_decision *d)
{
    char bytes[IDEM_DECISION_JSON_MAX], at[40];
    struct idem_text time = {at, 0, sizeof at, false};

    if (!idem_streams_watched(w->parts.streams))
        return;
    json_t *event = detail_of(s, d);
    idem_text_time(&time, d->at_ms);
    json_object_set_new(event, "session", json_string(s->name));
    json_object_set_new(event, "at", json_stringn(at + 1, time.len - 2)); /* without the quotes */
    size_t len = event != NULL ? json_dumpb(event, bytes, sizeof bytes, JSON_COMPACT) : 0;
    if (len > 0 && len <= sizeof bytes)
        idem_streams_event(w->parts.streams, s->person->organisation, "decision", bytes, len);
    json_decref(event);
}

void idem_decisions_saved(struct idem_worker *w, struct idem_session *s)
{
    for (const struct idem_decision *d = s->decisions; d != NULL; d = d->next)
        idem_decision_tell(w, s, d);
    idem_decisions_free(s);
}

void idem_decisions_free(struct idem_session *s)
{
    for (struct idem_decision *d = s->decisions, *next; d != NULL; d = next) {
        next = d->next;
        free(d);
    }
    s->decisions = NULL;
}
