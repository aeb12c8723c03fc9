/* SPDX-License-Identifier: Apache-2.0 */
/* gate_calls.c - see gate_calls.h. */
#include "server/gate_calls.h"

#include "server/clock.h"
#include "server/metrics.h"
#include "server/porter.h"
#include "server/seat_calls.h"
#include "server/worker_parts.h"
#include "store/bindings.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ nonces */

static void hand_out(struct idem_worker *w, struct idem_command *c, const struct idem_session *s)
{
    char nonce[IDEM_SECRET_TEXT + 1];

    idem_bindings_invite(idem_porter_bindings(w->parts.porter), s->slot, s->id, c->received_ms,
                         nonce);
    c->status = 201;
    idem_text_fmt(&c->answer, "{\"nonce\":\"%s\",\"expires_in\":%d}", nonce, IDEM_NONCE_MS / 1000);
    sodium_memzero(nonce, sizeof nonce);
}

void idem_gate_nonce_call(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_sessions_find(w->sessions, c->slot, c->id);

    if (s == NULL || s->closed)
        idem_command_refuse(c, IDEM_PROBLEM_SESSION_CLOSED, "the session has ended");
    else if (s->opening.kind != IDEM_SESSION_AGENT || idem_token_count(w, c, s))
        hand_out(w, c, s);
    c->done(c, false);
}

/* ------------------------------------------------------------------ binding */

static bool may_bind(struct idem_worker *w, const struct idem_session *s,
                     const struct idem_command *c, const struct idem_gate_bind *b)
{
    uint8_t person[IDEM_ID_BYTES];

    if (s->closed ||
        idem_people_find(w->parts.people, c->grant.organisation, c->handle, person) != 0 ||
        memcmp(s->person->id, person, sizeof person) != 0)
        return false;
    return b->by_nonce ||
           (s->opening.kind == IDEM_SESSION_WEB && s->opening.api_key == c->grant.api_key);
}

static int write_binding(struct idem_worker *w, const struct idem_command *c,
                         const struct idem_session *s, const struct idem_binding *b)
{
    struct idem_store *store = w->parts.store;
    struct idem_store_binding row = {
        .organisation = b->organisation,
        .session = s->row,
        .has_client = b->has_client,
        .api_key = b->api_key,
        .at_ms = c->received_ms,
    };
    const struct idem_audit_line line = {
        .organisation = b->organisation,
        .at_ms = c->received_ms,
        .actor = c->grant.actor,
        .action = "session.bound",
        .subject = s->name,
        .person = s->person->name,
        .about_seat = true,
    };
    uint8_t oldest[IDEM_HASH_BYTES];
    int err = IDEM_OK;

    memcpy(row.cookie, b->cookie, sizeof row.cookie);
    memcpy(row.client, b->client, sizeof row.client);
    if (idem_bindings_oldest(idem_porter_bindings(w->parts.porter), s->slot, oldest) == 0)
        err = store->bindings->drop(store, b->organisation, oldest);
    if (err == 0)
        err = store->bindings->put(store, &row);
    return err != 0 ? err : idem_audit_add(w, &line);
}

static int commit_binding(struct idem_worker *w, const struct idem_command *c,
                          const struct idem_session *s, const struct idem_binding *b)
{
    struct idem_store *store = w->parts.store;
    int err = store->ops->begin(store);

    if (err == 0)
        err = write_binding(w, c, s, b);
    return idem_worker_commit(w, err);
}

static void bind_to(struct idem_worker *w, struct idem_command *c, struct idem_session *s,
                    struct idem_binding *b)
{
    b->slot = s->slot;
    memcpy(b->id, s->id, sizeof b->id);
    if (!idem_bindings_room(idem_porter_bindings(w->parts.porter), b)) {
        idem_command_refuse(c, IDEM_PROBLEM_OVERLOADED, "%d cookies are bound", IDEM_BINDINGS_MAX);
        return;
    }
    int err = commit_binding(w, c, s, b);
    if (err == 0) /* nobody else binds, so the room is still there */
        err = idem_bindings_put(idem_porter_bindings(w->parts.porter), b);
    if (err != 0) {
        idem_worker_refuse_store(c, err);
        return;
    }
    c->status = 201;
    idem_text_fmt(&c->answer, "{\"session\":\"%s\"}", s->name);
}

void idem_gate_bind_call(struct idem_worker *w, struct idem_command *c)
{
    struct idem_gate_bind *b = c->arg;
    struct idem_session *s = idem_sessions_find(w->sessions, c->slot, c->id);

    if (s == NULL || !idem_worker_may_see(c, s->opening.organisation) || !may_bind(w, s, c, b))
        idem_command_refuse(c, IDEM_PROBLEM_BINDING_REFUSED,
                            "the nonce or the session is not good for this");
    else
        bind_to(w, c, s, &b->binding);
    c->done(c, false);
}

/* ------------------------------------------------------------------ locking */

/* If it cannot be written the gate goes on denying, and orders it again with the next request. */
static void lock_for_silence(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find(w, c);

    if (s != NULL && !s->closed && !s->locked) {
        idem_judge_silence(s, IDEM_GUARD_LOCK,
                           s->rules != NULL ? s->rules->gate.silence_lock.line : 0);
        idem_worker_unsaved(w, s);
        idem_worker_save(w);
        idem_worker_changed(w, s);
    }
    if (s != NULL && !s->locked && w->parts.porter != NULL)
        idem_standings_locking(idem_porter_standings(w->parts.porter), c->slot, c->id, false);
    c->done(c, false);
}

static void forget(struct idem_command *c, bool more)
{
    (void)more;
    free(c);
}

int idem_gate_order_lock(struct idem_bus *bus, int32_t slot, const uint8_t id[IDEM_ID_BYTES])
{
    struct idem_command *c = calloc(1, sizeof *c);

    if (c == NULL)
        return IDEM_ERR_NOMEM;
    c->kind = IDEM_COMMAND_CALL;
    c->call = lock_for_silence;
    c->done = forget;
    c->received_ms = idem_clock_ms();
    c->grant.organisation = IDEM_ORGANISATION_ANY;
    c->slot = slot;
    memcpy(c->id, id, sizeof c->id);
    int err = bus->ops->push(bus, c);
    if (err != 0)
        free(c);
    return err;
}

/* ------------------------------------------------------------------ the record */

struct page {
    struct idem_text *t;
    int count;
    int64_t next;
};

static void put_word(struct idem_text *t, const char *name, const char *word)
{
    idem_text_fmt(t, ",\"%s\":", name);
    if (word != NULL)
        idem_text_string(t, word);
    else
        idem_text_put(t, "null");
}

static int put_record(void *arg, const struct idem_gate_record *r)
{
    struct page *p = arg;

    idem_text_fmt(p->t, "%s{\"seq\":%lld,\"hour\":", p->count++ > 0 ? "," : "", (long long)r->seq);
    idem_text_time(p->t, r->at_ms);
    put_word(p->t, "person", r->person);
    put_word(p->t, "session", r->session);
    put_word(p->t, "actor", r->actor);
    put_word(p->t, "resource", r->resource);
    put_word(p->t, "class", r->class);
    put_word(p->t, "answer", r->answer);
    put_word(p->t, "cause", r->cause);
    put_word(p->t, "level", r->level);
    put_word(p->t, "policy", r->policy);
    idem_text_fmt(p->t, ",\"line\":%u,\"count\":%lld}", r->line, (long long)r->count);
    p->next = r->seq;
    return IDEM_OK;
}

/* Whoever asks about a person or a customer is written down first. */
static int note_reading(struct idem_worker *w, const struct idem_command *c,
                        const struct idem_gate_question_of_record *q)
{
    json_t *detail = json_pack("{s:s}", q->by_person ? "person" : "resource", q->what);
    const struct idem_audit_line line = {
        .organisation = c->grant.organisation,
        .at_ms = c->received_ms,
        .actor = c->grant.actor,
        .action = "gate.read",
        .detail = detail,
    };
    int err = detail != NULL ? idem_audit_write(w, &line) : IDEM_ERR_NOMEM;
    json_decref(detail);
    return err;
}

void idem_gate_records_call(struct idem_worker *w, struct idem_command *c)
{
    const struct idem_gate_question_of_record *q = c->arg;
    struct page page = {.t = &c->answer, .next = q->search.after};
    struct idem_gate_log *log = NULL;
    int err = note_reading(w, c, q);

    if (err == 0)
        err = idem_porter_reader(w->parts.porter, &log);
    idem_text_put(page.t, "{\"records\":[");
    if (err == 0)
        err = idem_gate_log_read(log, &q->search, put_record, &page);
    idem_text_fmt(page.t, "],\"next\":%lld}", (long long)page.next);
    c->status = 200;
    if (err != 0)
        idem_worker_refuse_store(c, err);
    c->done(c, false);
}
