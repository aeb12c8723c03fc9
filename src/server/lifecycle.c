/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle.c - sessions opening and ending. Each change is committed first and takes effect in
 * memory afterwards.
 */
#include "server/worker_parts.h"

#include "server/acknowledgement.h"
#include "server/doubts.h"
#include "server/metrics.h"
#include "server/notices.h"
#include "server/policing.h"
#include "server/porter.h"
#include "server/quarantine.h"
#include "server/seat_calls.h"
#include "server/seat_rules.h"
#include "store/bindings.h"

#include <sodium.h>
#include <string.h>

/* ------------------------------------------------------------------ opening */

static void undo_open(struct idem_worker *w, struct idem_command *c)
{
    idem_people_put(w->parts.people, c->session->person);
    idem_sessions_drop(w->sessions, c->session);
    c->session = NULL;
}

static int new_session(struct idem_worker *w, struct idem_command *c)
{
    uint8_t id[IDEM_ID_BYTES];
    struct idem_session *s;

    randombytes_buf(id, sizeof id);
    int err = idem_sessions_add(w->sessions, id, c->seat, &s);
    if (err != 0)
        return err;
    c->session = s;
    s->device_class = c->device_class;
    s->opening = c->opening;
    s->test_clock = c->has_clock;
    s->seen_ms = c->received_ms;
    s->clock_ms = c->has_clock ? c->clock_ms : c->received_ms;
    s->opened_ms = s->changed_ms = s->clock_ms;
    s->token_expires_ms = s->opening.token_ms != 0 ? c->received_ms + s->opening.token_ms : 0;
    int got = idem_people_get(w->parts.people, c->opening.organisation, c->person, &s->person);
    if (got == 0)
        idem_policing_assign(w, s);
    return got;
}

static int store_session(struct idem_worker *w, struct idem_command *c, char *token)
{
    struct idem_store *store = w->parts.store;
    struct idem_session *s = c->session;
    const struct idem_opening *o = &c->opening;
    struct idem_store_session row = {
        .organisation = o->organisation,
        .device_class = s->device_class,
        .test_clock = s->test_clock,
        .opened_ms = s->opened_ms,
        .kind = (uint8_t)o->kind,
        .start = (uint8_t)o->start,
        .has_nonce = o->has_nonce,
        .token_expires_ms = s->token_expires_ms,
        .api_key = o->api_key,
    };
    memcpy(row.site, o->site, sizeof row.site);
    memcpy(row.country, o->country, sizeof row.country);
    memcpy(row.nonce, o->nonce, sizeof row.nonce);
    idem_auth_token(token, s->token_hash);
    memcpy(row.id, s->id, sizeof row.id);
    memcpy(row.person, s->person->id, sizeof row.person);
    memcpy(row.token_hash, s->token_hash, sizeof row.token_hash);
    memcpy(row.seat, c->seat, sizeof row.seat);
    int err = idem_people_add(w->parts.people, s->person, c->name, o->job, c->received_ms);
    if (err == 0)
        err = store->ops->session_add(store, &row);
    s->row = row.row;
    return err;
}

/* The token goes to the front of the answer's buffer until the answer is written around it. */
static int stage_open(struct idem_worker *w, struct idem_command *c)
{
    int err;

    if (!idem_seat_may_open(w, c, &err))
        return err;
    err = new_session(w, c);

    if (err == IDEM_ERR_LIMIT) {
        idem_command_refuse(c, IDEM_PROBLEM_TOO_MANY_SESSIONS, "%u sessions are open",
                            idem_sessions_live(w->sessions));
        err = IDEM_OK;
    } else if (err == 0) {
        err = store_session(w, c, c->answer.bytes);
    }
    return err;
}

static int make_findable(struct idem_worker *w, struct idem_session *s)
{
    int err = idem_seat_begin(w, s);
    if (err == 0)
        err = idem_sessions_open(w->sessions, s);
    if (err == 0)
        err = idem_auth_add(w->parts.auth, s->token_hash, s->id, s->opening.organisation, s->slot,
                            s->token_expires_ms);
    return err;
}

/* Only a seat signs, and has a clock of its own. */
static void put_seat_part(struct idem_text *t, const struct idem_opening *o)
{
    char nonce[2 + 4 * IDEM_NONCE_BYTES / 3];

    if (!o->has_nonce)
        return;
    idem_seal_text(o->nonce, sizeof o->nonce, nonce);
    idem_text_fmt(t, ",\"nonce\":\"%s\",\"clock_ahead_ms\":%lld", nonce,
                  (long long)o->clock_off_ms);
}

/* What a seat goes by; a page is told only what there is in the way of failing. */
static void put_rules(struct idem_text *t, const struct idem_session *s)
{
    if (s->rules == NULL)
        return;
    idem_text_put(t, ",");
    if (s->opening.kind == IDEM_SESSION_AGENT)
        idem_seat_rules_json(t, s->rules);
    else
        idem_seat_fail_mode_json(t, s->rules);
}

static void answer_open(struct idem_worker *w, struct idem_command *c)
{
    struct idem_text *t = &c->answer;
    char token[IDEM_SECRET_TEXT + 1];

    memcpy(token, t->bytes, sizeof token);
    c->status = 201;
    idem_token_answer(t, token, c->session->token_expires_ms, c->received_ms);
    sodium_memzero(token, sizeof token);
    put_seat_part(t, &c->opening);
    put_rules(t, c->session);
    idem_text_fmt(t, ",\"front\":\"%016llx\",\"level\":\"%s\",",
                  (unsigned long long)idem_front_id(w->benches[0].judge.front),
                  idem_level_name(idem_front_level(w->benches[0].judge.front)));
    idem_seat_window_json(t);
    idem_text_put(t, ",\"next_seq\":1,\"session\":");
    idem_worker_put_session(w, c->session, t);
    idem_text_put(t, "}");
}

/* The server's time counts, whatever the seat's clock says; that it is wrong is noted. */
static void note_clock(const struct idem_session *s)
{
    struct idem_notice n = {.kind = IDEM_NOTICE_CLOCK_OFF,
                            .organisation = s->opening.organisation,
                            .minutes = s->opening.clock_off_ms / 60000};

    if (s->opening.clock_off_ms < IDEM_CLOCK_TOLERANCE_MS &&
        s->opening.clock_off_ms > -IDEM_CLOCK_TOLERANCE_MS)
        return;
    memcpy(n.session, s->id, sizeof n.session);
    idem_notice_post(&n);
}

static void finish_open(struct idem_worker *w, struct idem_command *c)
{
    int err = make_findable(w, c->session);
    if (err != 0) {
        idem_seat_end(w, c->session);
        undo_open(w, c);
        idem_worker_refuse_store(c, err);
        return;
    }
    c->session->person->named = true;
    idem_metric_add(IDEM_METRIC_SESSIONS, 1);
    idem_acknowledgement_load(w, c->session);
    idem_seat_opened(w, c->session);
    idem_judge_refresh(c->session, c->session->clock_ms);
    answer_open(w, c);
    note_clock(c->session);
    idem_worker_changed(w, c->session);
}

/* Who they are. A person's key is durable before the data base hears of the person. */
static int admit(struct idem_worker *w, struct idem_command **run, size_t count)
{
    struct idem_people *people = w->parts.people;
    int err = IDEM_OK;

    for (size_t i = 0; i < count && err == 0; i++)
        err =
            idem_people_admit(people, run[i]->opening.organisation, run[i]->handle, run[i]->person);
    return err != 0 ? err : idem_people_admitted(people);
}

static int commit_open(struct idem_worker *w, struct idem_command **run, size_t count)
{
    struct idem_store *store = w->parts.store;
    int err = store->ops->begin(store);

    for (size_t i = 0; i < count && err == 0; i++)
        err = stage_open(w, run[i]);
    if (err == 0)
        err = store->ops->commit(store);
    if (err != 0)
        store->ops->rollback(store);
    return err;
}

void idem_lifecycle_open(struct idem_worker *w, struct idem_command **run, size_t count)
{
    for (size_t i = 0; i < count; i++)
        run[i]->session = NULL;
    int err = admit(w, run, count);
    if (err == 0)
        err = commit_open(w, run, count);
    idem_worker_storage(w, err);
    for (size_t i = 0; i < count; i++) {
        struct idem_command *c = run[i];
        if (err != 0 && c->session != NULL)
            undo_open(w, c);
        if (err != 0)
            idem_seat_undo(w, c);
        if (err != 0 && c->problem == IDEM_PROBLEM_NONE)
            idem_worker_refuse_store(c, err);
        else if (c->session != NULL)
            finish_open(w, c);
        c->done(c, i + 1 < count);
    }
}

/* ------------------------------------------------------------------ ending */

void idem_lifecycle_forget(struct idem_worker *w, struct idem_session *s)
{
    idem_worker_unlist(w, s);
    idem_auth_remove(w->parts.auth, s->token_hash, s->slot);
    idem_people_put(w->parts.people, s->person);
    idem_sessions_drop(w->sessions, s);
}

static int store_end(struct idem_worker *w, struct idem_session *s, struct idem_lesson *lesson)
{
    struct idem_store *store = w->parts.store;
    int err = store->ops->begin(store);

    if (err == 0)
        err = idem_quarantine_withdraw(w->parts.people, store, &w->benches[0].judge,
                                       w->benches[0].reader, s);
    if (err == 0)
        err = idem_quarantine_learn(w->parts.people, store, &w->benches[0].judge,
                                    w->benches[0].reader, s, s->clock_ms, lesson);
    if (err == 0)
        err = idem_people_save_sketches(w->parts.people, s->person, s->row);
    if (err == 0)
        err = store->bindings->end(store, s->row);
    if (err == 0)
        err = store->ops->session_windows_drop(store, s->last_row);
    if (err == 0)
        err = store->ops->session_close(store, s->row, s->clock_ms);
    return idem_worker_commit(w, err);
}

void idem_lifecycle_abandon(struct idem_worker *w, struct idem_session *s)
{
    struct idem_session *forgotten;

    s->changed_ms = s->clock_ms;
    idem_metric_add(IDEM_METRIC_SESSIONS, -1);
    idem_seat_end(w, s);
    idem_sessions_close(w->sessions, s, &forgotten);
    idem_worker_changed(w, s);
    if (forgotten != NULL)
        idem_lifecycle_forget(w, forgotten);
}

int idem_lifecycle_end(struct idem_worker *w, struct idem_session *s)
{
    struct idem_lesson lesson = {0};

    idem_worker_unsaved(w, s);
    int err = idem_worker_save(w);

    if (err == 0)
        err = store_end(w, s, &lesson);
    if (err != 0) {
        idem_lesson_forget(&lesson);
        return err;
    }
    idem_lesson_apply(&lesson, s);
    idem_person_settle(s->person, s->row);
    s->last_row = 0;
    idem_lifecycle_abandon(w, s);
    return IDEM_OK;
}

void idem_lifecycle_close(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find_own(w, c);

    if (s != NULL && !s->closed) {
        idem_session_clock(s, c->received_ms, false, 0);
        int err = idem_lifecycle_end(w, s);
        if (err != 0)
            idem_worker_refuse_store(c, err);
    }
    c->status = 204; /* closing twice is harmless */
    c->done(c, false);
}
