/* SPDX-License-Identifier: Apache-2.0 */
/* pause.c - see pause.h. */
#include "server/pause.h"

#include "server/clock.h"
#include "server/seat_calls.h"
#include "server/worker_parts.h"

/* ------------------------------------------------------------------ whether it lasts */

bool idem_pause_holds(int64_t from_ms, int64_t until_ms, int64_t now_ms)
{
    return now_ms < until_ms && from_ms - now_ms <= IDEM_PAUSE_LATER_MS;
}

int64_t idem_pause_within(int64_t from_ms, int64_t until_ms, int64_t then_ms, int64_t now_ms)
{
    const int64_t from = from_ms > then_ms ? from_ms : then_ms;
    const int64_t until = until_ms < now_ms ? until_ms : now_ms;

    return until > from ? until - from : 0;
}

bool idem_paused(const struct idem_session *s, int64_t now_ms)
{
    return idem_pause_holds(s->pause_from_ms, s->pause_until_ms, now_ms);
}

int64_t idem_paused_since(const struct idem_session *s, int64_t then_ms, int64_t now_ms)
{
    const int64_t until = s->pause_until_ms != 0 ? s->pause_until_ms : s->pause_end_ms;

    return idem_pause_within(s->pause_from_ms, until, then_ms, now_ms);
}

void idem_pause_end(struct idem_session *s, int64_t now_ms)
{
    if (s->pause_until_ms == 0)
        return;
    s->pause_end_ms = now_ms < s->pause_until_ms ? now_ms : s->pause_until_ms;
    s->pause_until_ms = 0;
    s->pause_unsaved = true;
}

void idem_pause_look(struct idem_session *s, int64_t now_ms)
{
    const struct idem_policy_seat *p = s->rules != NULL ? &s->rules->seat : NULL;

    if (s->pause_until_ms == 0)
        return;
    if (!idem_paused(s, now_ms) ||
        (p != NULL && (!p->pause_allowed || now_ms - s->pause_from_ms >= p->pause_most_ms)))
        idem_pause_end(s, now_ms);
}

/* ------------------------------------------------------------------ the store */

/* The hour, and whose it was: neither how long nor why. */
static int write_line(struct idem_worker *w, const struct idem_session *s, const char *actor,
                      const char *action)
{
    const struct idem_audit_line line = {
        .organisation = s->person->organisation,
        .at_ms = idem_clock_ms(),
        .actor = actor,
        .action = action,
        .subject = s->name,
        .person = s->person->name,
        .about_seat = true,
    };
    return idem_audit_add(w, &line);
}

int idem_pause_save(struct idem_worker *w, const struct idem_session *s)
{
    struct idem_store *store = w->parts.store;
    int err = store->seats->session_pause(store, s->row, 0, 0, s->pause_row);

    return err != 0 ? err : write_line(w, s, "system", "session.resumed");
}

/* What the session will be. */
struct change {
    uint32_t counter;
    int64_t from_ms, until_ms; /* 0: not paused */
    int64_t row;
    const char *action; /* of the line; NULL: there is nothing to tell */
};

/* The counter with what the statement does: good once, whenever the server is killed. */
static int store_change(struct idem_worker *w, const struct idem_session *s,
                        const struct change *change)
{
    struct idem_store *store = w->parts.store;
    int err = store->ops->begin(store);

    if (err == 0)
        err = store->seats->session_renew(store, s->row, s->token_hash, s->token_expires_ms,
                                          change->counter);
    if (err == 0)
        err = store->seats->session_pause(store, s->row, change->from_ms, change->until_ms,
                                          change->row);
    if (err == 0 && change->action != NULL)
        err = write_line(w, s, "seat", change->action);
    return idem_worker_commit(w, err);
}

static bool take(struct idem_worker *w, struct idem_command *c, struct idem_session *s,
                 const struct change *change, int64_t now_ms)
{
    int err = idem_worker_save(w); /* an end of before would be written over this */

    if (err == 0)
        err = store_change(w, s, change);
    if (err != 0) {
        idem_worker_refuse_store(c, err);
        return false;
    }
    s->renewals = change->counter;
    if (change->until_ms == 0)
        idem_pause_end(s, now_ms);
    s->pause_unsaved = false;
    s->pause_from_ms = change->from_ms != 0 ? change->from_ms : s->pause_from_ms;
    s->pause_until_ms = change->until_ms;
    s->pause_row = change->row;
    return true;
}

/* ------------------------------------------------------------------ what the seat asks for */

static bool may_pause(struct idem_command *c, const struct idem_session *s, bool lasts)
{
    const char *why = NULL;

    if (s->rules == NULL || !s->rules->seat.pause_allowed)
        why = "the policy allows no pause";
    else if (s->locked || s->stands.action >= IDEM_GUARD_STEP_UP)
        why = "strong authentication is asked for, which a pause does not answer";
    else if (!lasts && s->pause_row != 0 && s->last_row < s->pause_row)
        why = "no window has come since the pause before";
    if (why != NULL)
        idem_command_refuse(c, IDEM_PROBLEM_PAUSE_NOT_ALLOWED, "%s", why);
    return why == NULL;
}

/* Asking again moves the end of the same pause, within what one pause may last. */
static void pause_for(struct idem_worker *w, struct idem_command *c, struct idem_session *s,
                      uint32_t counter, int64_t ms)
{
    const int64_t now = s->clock_ms;
    const bool lasts = idem_paused(s, now);
    const int64_t from = lasts ? s->pause_from_ms : now;
    const int64_t most = from + (s->rules != NULL ? s->rules->seat.pause_most_ms : 0);
    const struct change change = {
        .counter = counter,
        .from_ms = from,
        .until_ms = now + ms < most ? now + ms : most,
        .row = lasts ? s->pause_row : w->parts.store->ops->last_row(w->parts.store) + 1,
        .action = lasts ? NULL : "session.paused",
    };

    if (may_pause(c, s, lasts) && !idem_seat_said_too_much(c, s) && take(w, c, s, &change, now))
        idem_seat_said(s, c->received_ms);
}

/* Never refused for its frequency: it is the stricter of the two. */
static void resume(struct idem_worker *w, struct idem_command *c, struct idem_session *s,
                   uint32_t counter)
{
    const struct change change = {
        .counter = counter,
        .row = s->pause_row,
        .action = idem_paused(s, s->clock_ms) ? "session.resumed" : NULL,
    };
    take(w, c, s, &change, s->clock_ms);
}

static void answer(struct idem_worker *w, struct idem_command *c, struct idem_session *s)
{
    idem_judge_refresh(s, s->clock_ms);
    s->changed_ms = s->clock_ms;
    idem_worker_changed(w, s);
    idem_worker_unsaved(w, s);
    c->status = 200;
    idem_worker_put_session(w, s, &c->answer);
}

void idem_seat_pause(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find(w, c);
    uint32_t counter;

    if (s != NULL && idem_seat_speaks(c, s) && idem_token_counted(c, s, &counter)) {
        const int64_t seconds = json_integer_value(json_object_get(c->json, "seconds"));
        idem_session_clock(s, c->received_ms, false, 0);
        idem_judge_refresh(s, s->clock_ms); /* what stands now, and whether a pause is over */
        idem_worker_unsaved(w, s);
        if (seconds > 0)
            pause_for(w, c, s, counter, seconds * 1000);
        else
            resume(w, c, s, counter);
        if (c->problem == IDEM_PROBLEM_NONE)
            answer(w, c, s);
    }
    c->done(c, false);
}
