/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vouching.c - somebody says who sits at a session: that it is the person (confirm), that strong
 * authentication has taken place. Each is committed first, with its line, and takes effect in
 * memory afterwards.
 *
 *   who                         lifts a lock   besides
 *   operator, unlock            yes
 *   operator or application,    no             the application that has opened or bound the session
 *   step-up
 *   seat, strong                yes            signed; where policy lets unlocking its screen
 * count; not when the seat's key itself is in doubt
 *
 * All of them raise trust to the prior at most and cancel no evidence: who unlocks a stand-in's
 * session is locked again as the evidence falls again.
 */
#include "server/worker_parts.h"

#include "server/doubts.h"
#include "server/porter.h"
#include "server/seat_calls.h"

/* ------------------------------------------------------------------ confirming */

/* Profiles are learned from what follows: who vouched for it stands in the log, or it is not so. */
static int store_start(struct idem_worker *w, const struct idem_command *c, struct idem_session *s,
                       int64_t row)
{
    struct idem_store *store = w->parts.store;
    const struct idem_audit_line line = {
        .organisation = s->person->organisation,
        .at_ms = c->received_ms,
        .actor = c->grant.actor[0] != '\0' ? c->grant.actor : "system",
        .action = "session.confirmed",
        .subject = s->name,
        .person = s->person->name,
        .about_seat = true,
    };
    int err = store->ops->begin(store);

    if (err == 0)
        err = store->ops->session_start(store, s->row, IDEM_START_SUPERVISED, row);
    if (err == 0)
        err = idem_audit_add(w, &line);
    return idem_worker_commit(w, err);
}

/* A supervisor has looked who sits there: from now on, not for what came before. */
static void confirm(struct idem_worker *w, struct idem_command *c, struct idem_session *s)
{
    const int64_t row = w->parts.store->ops->last_row(w->parts.store);
    int err = s->opening.start == IDEM_START_NONE ? store_start(w, c, s, row) : IDEM_OK;

    if (err != 0) {
        idem_worker_refuse_store(c, err);
        return;
    }
    if (s->opening.start == IDEM_START_NONE) {
        s->opening.start = IDEM_START_SUPERVISED;
        s->start_row = row;
        s->changed_ms = idem_session_clock(s, c->received_ms, false, 0);
        idem_worker_changed(w, s);
    }
    c->status = 200;
    idem_worker_put_session(w, s, &c->answer);
}

void idem_lifecycle_confirm(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find(w, c);

    if (s != NULL && s->closed)
        idem_command_refuse(c, IDEM_PROBLEM_SESSION_CLOSED, "session %s has ended", s->name);
    else if (s != NULL)
        confirm(w, c, s);
    c->done(c, false);
}

/* ------------------------------------------------------------------ unlocking */

/* Who says that strong authentication took place. */
struct word {
    const char *action, *actor; /* of the line; actor NULL: who asks */
    uint32_t counter;           /* of a seat's statement, 0: nobody has signed */
};

static int store_unlock(struct idem_worker *w, const struct idem_command *c, struct idem_session *s,
                        const struct word *word)
{
    struct idem_store *store = w->parts.store;
    const char *asks = c->grant.actor[0] != '\0' ? c->grant.actor : "system";
    const struct idem_audit_line line = {
        .organisation = s->person->organisation,
        .at_ms = c->received_ms,
        .actor = word->actor != NULL ? word->actor : asks,
        .action = word->action,
        .subject = s->name,
        .person = s->person->name,
        .about_seat = true,
    };
    int64_t row = store->ops->last_row(store);
    int err = store->ops->begin(store);

    if (err == 0 && word->counter != 0) /* with what it does: good once, whatever happens next */
        err = store->seats->session_renew(store, s->row, s->token_hash, s->token_expires_ms,
                                          word->counter);
    if (err == 0)
        err = store->ops->session_lock(store, s->row, false, row);
    if (err == 0)
        err = store->ops->alarms_clear(store, s->row);
    if (err == 0 && s->doubts != 0)
        err = store->seats->session_doubt(store, s->row, idem_doubts_answered(s->doubts));
    if (err == 0)
        err = idem_audit_add(w, &line);
    err = idem_worker_commit(w, err);
    if (err == 0)
        s->unlock_row = row;
    if (err == 0 && word->counter != 0)
        s->renewals = word->counter;
    return err;
}

static bool authenticated(struct idem_worker *w, struct idem_command *c, struct idem_session *s,
                          const struct word *word)
{
    const int64_t seen_ms = s->seen_ms;

    idem_session_clock(s, c->received_ms, false, 0);
    if (word->counter == 0 && s->opening.kind == IDEM_SESSION_AGENT)
        s->seen_ms = seen_ms;      /* its seat was not heard by this */
    int err = idem_worker_save(w); /* an alarm of before would be written as one of after */
    if (err == 0)
        err = store_unlock(w, c, s, word);
    if (err != 0) {
        idem_worker_refuse_store(c, err);
        return false;
    }
    if (word->counter == 0)
        s->factor_ms = s->clock_ms;
    idem_judge_unlock(s);
    s->changed_ms = s->clock_ms;
    idem_worker_changed(w, s);
    return true;
}

static void unlock(struct idem_worker *w, struct idem_command *c, struct idem_session *s)
{
    if (!authenticated(w, c, s, &(struct word){.action = "session.unlocked"}))
        return;
    c->status = 200;
    idem_worker_put_session(w, s, &c->answer);
}

void idem_lifecycle_unlock(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find(w, c);

    if (s != NULL && s->closed)
        idem_command_refuse(c, IDEM_PROBLEM_SESSION_CLOSED, "session %s has ended", s->name);
    else if (s != NULL)
        unlock(w, c, s);
    c->done(c, false);
}

/* ------------------------------------------------------------------ stepping up */

/* An application vouches for the sessions that it opened, or whose log-in it has bound. */
static bool may_vouch(struct idem_worker *w, const struct idem_command *c,
                      const struct idem_session *s)
{
    const int64_t key = c->grant.api_key;
    return key == 0 || s->opening.api_key == key ||
           (w->parts.porter != NULL &&
            idem_bindings_by(idem_porter_bindings(w->parts.porter), s->slot, key));
}

void idem_lifecycle_step_up(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find(w, c);

    if (s != NULL && !may_vouch(w, c, s))
        idem_command_refuse(c, IDEM_PROBLEM_NO_SUCH_SESSION, "no session here has this id");
    else if (s != NULL && s->closed)
        idem_command_refuse(c, IDEM_PROBLEM_SESSION_CLOSED, "session %s has ended", s->name);
    else if (s != NULL && s->locked)
        idem_command_refuse(c, IDEM_PROBLEM_SESSION_LOCKED, "session %s is locked", s->name);
    else if (s != NULL && authenticated(w, c, s, &(struct word){.action = "session.stepped-up"}))
        c->status = 204;
    c->done(c, false);
}

/* ------------------------------------------------------------------ a seat's word */

bool idem_seat_said_too_much(struct idem_command *c, const struct idem_session *s)
{
    const int64_t oldest = s->said_ms[s->said % IDEM_STATEMENTS_MOST];
    const int64_t wait = oldest + IDEM_STATEMENTS_MS - c->received_ms;

    if (s->said < IDEM_STATEMENTS_MOST || wait <= 0)
        return false;
    idem_command_refuse(c, IDEM_PROBLEM_TOO_MANY_STATEMENTS,
                        "%d within %d minutes are taken of a session", IDEM_STATEMENTS_MOST,
                        IDEM_STATEMENTS_MS / 60000);
    c->retry_s = (unsigned)((wait + 999) / 1000);
    return true;
}

void idem_seat_said(struct idem_session *s, int64_t now_ms)
{
    s->said_ms[s->said++ % IDEM_STATEMENTS_MOST] = now_ms;
}

bool idem_seat_speaks(struct idem_command *c, const struct idem_session *s)
{
    if (s->closed)
        idem_command_refuse(c, IDEM_PROBLEM_SESSION_CLOSED, "session %s has ended", s->name);
    else if (s->opening.kind != IDEM_SESSION_AGENT)
        idem_command_refuse(c, IDEM_PROBLEM_SIGNATURE_WRONG, "no seat signs for this session");
    return c->problem == IDEM_PROBLEM_NONE;
}

/* Where it does not, the screen is unlocked all the same, and nothing changes here. */
static bool unlocking_counts(struct idem_command *c, const struct idem_session *s)
{
    if (s->rules != NULL && !s->rules->seat.unlock_counts)
        idem_command_refuse(c, IDEM_PROBLEM_UNLOCK_NOT_COUNTED,
                            "an operator or an application has to say so");
    else if ((s->doubts & IDEM_DOUBT_SEAT_CLONED) != 0)
        idem_command_refuse(c, IDEM_PROBLEM_UNLOCK_NOT_COUNTED,
                            "the seat's key is in doubt: an operator or an application has to");
    return c->problem == IDEM_PROBLEM_NONE;
}

static void strong(struct idem_worker *w, struct idem_command *c, struct idem_session *s)
{
    struct word word = {.action = "session.authenticated", .actor = "seat"};

    if (!idem_token_counted(c, s, &word.counter) || !unlocking_counts(c, s) ||
        idem_seat_said_too_much(c, s) || !authenticated(w, c, s, &word))
        return;
    idem_seat_said(s, c->received_ms);
    c->status = 200;
    idem_worker_put_session(w, s, &c->answer);
}

void idem_seat_strong(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find(w, c);

    if (s != NULL && idem_seat_speaks(c, s))
        strong(w, c, s);
    c->done(c, false);
}
