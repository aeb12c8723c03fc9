/* SPDX-License-Identifier: Apache-2.0 */
/* porter.c - see porter.h. */
#include "server/porter.h"

#include "base/log.h"
#include "server/doubts.h"
#include "server/files.h"
#include "server/gate_calls.h"
#include "server/index.h"
#include "server/worker_parts.h"
#include "store/bindings.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct idem_porter {
    struct idem_porter_parts parts;
    struct idem_standings *standings;
    struct idem_bindings *bindings;
    struct idem_recorder *recorder;
    struct idem_gate_log *reader; /* the worker's, NULL until it needs one */
    uint8_t client_key[IDEM_HASH_BYTES];
    pthread_mutex_t lock; /* over the policy */
    struct idem_policy *policy;
};

/* ------------------------------------------------------------------ life */

static int path_of(const struct idem_porter *p, char path[PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/gate.db", p->parts.dir) < PATH_MAX ? IDEM_OK
                                                                           : IDEM_ERR_LIMIT;
}

static int open_record(struct idem_porter *p)
{
    char path[PATH_MAX];
    const char *why = "the gate's record cannot be opened";
    int err = path_of(p, path);

    if (err == 0 && (err = idem_files_check_database(path)) != 0)
        return err; /* and said so */
    if (err == 0)
        err = idem_recorder_new(path, &p->recorder, &why);
    if (err == 0) {
        idem_recorder_heads(p->recorder, p->parts.heads);
        err = idem_recorder_start(p->recorder);
    }
    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "%s/gate.db: %s", p->parts.dir, why);
    return err;
}

int idem_porter_reader(struct idem_porter *p, struct idem_gate_log **out)
{
    char path[PATH_MAX];
    int err = path_of(p, path);

    if (err == 0 && p->reader == NULL)
        err = idem_gate_log_open_reader(path, &p->reader);
    if (err == 0)
        *out = p->reader;
    return err;
}

int idem_porter_new(const struct idem_porter_parts *parts, struct idem_porter **out)
{
    struct idem_porter *p = calloc(1, sizeof *p);
    int err;

    if (p == NULL)
        return IDEM_ERR_NOMEM;
    p->parts = *parts;
    pthread_mutex_init(&p->lock, NULL);
    idem_people_client_key(parts->people, p->client_key);
    p->policy = idem_policy_ref(parts->policy);
    if ((err = idem_standings_new(&p->standings)) != 0 ||
        (err = idem_bindings_new(&p->bindings)) != 0 || (err = open_record(p)) != 0) {
        idem_porter_free(p);
        return err;
    }
    *out = p;
    return IDEM_OK;
}

void idem_porter_stop(struct idem_porter *p)
{
    if (p != NULL && p->recorder != NULL)
        idem_recorder_stop(p->recorder);
}

void idem_porter_free(struct idem_porter *p)
{
    if (p == NULL)
        return;
    idem_gate_log_close(p->reader);
    idem_recorder_free(p->recorder);
    idem_bindings_free(p->bindings);
    idem_standings_free(p->standings);
    idem_policy_unref(p->policy);
    pthread_mutex_destroy(&p->lock);
    sodium_memzero(p->client_key, sizeof p->client_key);
    free(p);
}

struct idem_bindings *idem_porter_bindings(struct idem_porter *p)
{
    return p->bindings;
}

struct idem_standings *idem_porter_standings(struct idem_porter *p)
{
    return p->standings;
}

struct idem_recorder *idem_porter_recorder(struct idem_porter *p)
{
    return p->recorder;
}

/* ------------------------------------------------------------------ the policy */

static struct idem_policy *policy_of(struct idem_porter *p)
{
    pthread_mutex_lock(&p->lock);
    struct idem_policy *policy = idem_policy_ref(p->policy);
    pthread_mutex_unlock(&p->lock);
    return policy;
}

void idem_porter_policy(struct idem_porter *p, struct idem_policy *policy)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    struct idem_policy *before = p->policy;
    p->policy = idem_policy_ref(policy);
    pthread_mutex_unlock(&p->lock);
    idem_policy_unref(before);
}

/* For somebody of the organisation of whom nothing is known. */
static const struct idem_policy_rules *rules_for_nobody(const struct idem_porter *p,
                                                        const struct idem_policy *policy,
                                                        int64_t organisation, int64_t now_ms)
{
    const struct idem_policy_subject nobody = {
        .organisation = idem_organisations_name(p->parts.organisations, organisation),
        .site = "",
        .country = "",
        .job = "",
        .person = "",
    };
    return idem_policy_rules(policy, &nobody, now_ms);
}

/* ------------------------------------------------------------------ from the worker */

void idem_porter_beat(struct idem_porter *p)
{
    if (p != NULL)
        idem_standings_beat(p->standings, idem_porter_monotonic_ms());
}

static bool any_enrolled(const struct idem_session *s)
{
    const struct idem_template *t = s->person->templates[s->device_class];
    return t[IDEM_KEYBOARD].enrolled || t[IDEM_POINTER].enrolled;
}

static int64_t strong_since(const struct idem_session *s)
{
    if (s->strong_ms != 0)
        return s->strong_ms;
    return s->opening.start == IDEM_START_STRONG ? s->opened_ms : 0;
}

static void fill(const struct idem_session *s, struct idem_standing *out)
{
    *out = (struct idem_standing){
        .organisation = s->opening.organisation,
        .locked = s->locked,
        .alarmed = idem_guard_alarm_steps_up(s) || idem_doubts_step_up(s),
        .enrolled = any_enrolled(s),
        .capped = s->opening.kind != IDEM_SESSION_AGENT,
        .trust = (float)s->reading.trust,
        .trust_recent = (float)s->reading.trust_recent,
        .llr = (float)s->reading.llr,
        .suspect_llr = (float)s->reading.suspect_llr,
        .evidence = s->reading.windows,
        .evidence_ms = s->evidence_ms != 0 ? s->evidence_ms : s->opened_ms,
        .strong_ms = strong_since(s),
        .factor_ms = s->factor_ms,
        .pause_from_ms = s->pause_from_ms,
        .pause_until_ms = s->pause_until_ms != 0 ? s->pause_until_ms : s->pause_end_ms,
        .clock_ms = s->test_clock ? s->clock_ms : 0,
    };
    memcpy(out->id, s->id, sizeof out->id);
    memcpy(out->person, s->person->id, sizeof out->person);
}

/* A session that no policy was assigned to goes by what holds for nobody in particular. */
static void publish(struct idem_porter *p, const struct idem_session *s)
{
    struct idem_policy *policy = s->policy == NULL ? policy_of(p) : NULL;
    struct idem_standing standing;

    fill(s, &standing);
    standing.policy = policy != NULL ? policy : s->policy;
    standing.rules = policy != NULL
                         ? rules_for_nobody(p, policy, s->opening.organisation, s->clock_ms)
                         : s->rules;
    idem_standings_publish(p->standings, s->slot, &standing);
    idem_policy_unref(policy);
}

void idem_porter_tell(struct idem_porter *p, const struct idem_session *s)
{
    if (p == NULL)
        return;
    if (!s->closed) {
        publish(p, s);
        return;
    }
    idem_standings_end(p->standings, s->slot, s->id);
    idem_bindings_end(p->bindings, s->slot);
}

void idem_porter_unbind(struct idem_porter *p, int32_t slot)
{
    if (p != NULL)
        idem_bindings_end(p->bindings, slot);
}

void idem_porter_unbind_key(struct idem_porter *p, int64_t api_key)
{
    if (p != NULL)
        idem_bindings_end_key(p->bindings, api_key);
}

enum { ROW_KEY = 16 };

struct restore {
    struct idem_porter *porter;
    struct idem_worker *worker;
    struct idem_index *by_row;
};

/* The index wants keys that look random. */
static void row_key(int64_t row, uint8_t key[ROW_KEY])
{
    crypto_generichash(key, ROW_KEY, (const uint8_t *)&row, sizeof row, NULL, 0);
}

static int bring_binding(void *arg, const struct idem_store_binding *stored)
{
    const struct restore *r = arg;
    uint8_t key[ROW_KEY];

    row_key(stored->session, key);
    const int32_t slot = idem_index_find(r->by_row, key);
    if (slot == IDEM_INDEX_NONE)
        return IDEM_OK;
    struct idem_binding b = {.organisation = stored->organisation,
                             .slot = slot,
                             .api_key = stored->api_key,
                             .has_client = stored->has_client};
    memcpy(b.cookie, stored->cookie, sizeof b.cookie);
    memcpy(b.id, idem_sessions_at(r->worker->sessions, slot)->id, sizeof b.id);
    memcpy(b.client, stored->client, sizeof b.client);
    return idem_bindings_put(r->porter->bindings, &b);
}

/* Every session is told, and found by its row. */
static int bring_sessions(struct restore *r)
{
    struct idem_session *s = idem_sessions_newest(r->worker->sessions);
    uint8_t key[ROW_KEY];
    int err = IDEM_OK;

    for (; s != NULL && err == 0; s = s->older) {
        idem_porter_tell(r->porter, s);
        idem_standings_spend(r->porter->standings, s->slot, s->id);
        row_key(s->row, key);
        err = idem_index_add(r->by_row, key, s->slot);
    }
    return err;
}

/* Bindings beyond the table's room would keep the server from starting for good. Who is unbound by
 * it is asked to log in again; a start that cannot even drop them says why. */
static int drop_beyond(struct idem_store *store)
{
    int64_t dropped = 0;
    int err = store->bindings->trim(store, IDEM_BINDINGS_MAX, &dropped);

    if (err == 0 && dropped > 0)
        idem_log(IDEM_LOG_ERROR,
                 "%lld cookies more are bound than the %d that there is room for; the oldest of "
                 "them have been unbound",
                 (long long)dropped, IDEM_BINDINGS_MAX);
    return err;
}

int idem_porter_restore(struct idem_porter *p, struct idem_worker *w)
{
    struct restore r = {.porter = p, .worker = w};

    if (p == NULL)
        return IDEM_OK;
    idem_porter_beat(p);
    int err = idem_index_new(ROW_KEY, IDEM_SESSION_SLOTS_MAX, &r.by_row);
    if (err == 0)
        err = bring_sessions(&r);
    if (err == 0)
        err = drop_beyond(w->parts.store);
    if (err == 0)
        err = w->parts.store->bindings->each(w->parts.store, bring_binding, &r);
    idem_index_free(r.by_row);
    return err;
}

/* ------------------------------------------------------------------ asking */

int64_t idem_porter_monotonic_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void idem_porter_client(const struct idem_porter *p, const char *client,
                        uint8_t hash[IDEM_HASH_BYTES])
{
    crypto_generichash(hash, IDEM_HASH_BYTES, (const uint8_t *)client, strlen(client),
                       p->client_key, sizeof p->client_key);
}

/* Bound with what the proxy saw then: the same must be seen now. */
static bool is_other_client(const struct idem_porter *p, const struct idem_binding *b,
                            const char *client)
{
    uint8_t hash[IDEM_HASH_BYTES];

    if (!b->has_client)
        return false;
    if (client == NULL)
        return true;
    idem_porter_client(p, client, hash);
    return sodium_memcmp(hash, b->client, sizeof hash) != 0;
}

static void order_lock(struct idem_porter *p, const struct idem_binding *b)
{
    if (!idem_standings_locking(p->standings, b->slot, b->id, true))
        return;
    if (idem_gate_order_lock(p->parts.bus, b->slot, b->id) != 0)
        idem_standings_locking(p->standings, b->slot, b->id, false);
}

static void follow_up(struct idem_porter *p, const struct idem_binding *b,
                      const struct idem_gate_question *q, const struct idem_gate_answer *a)
{
    const int64_t now = q->standing.clock_ms != 0 ? q->standing.clock_ms : q->now_ms;

    if (a->for_silence)
        idem_standings_asked(p->standings, b->slot, b->id, now);
    if (a->verdict == IDEM_GATE_LOCK)
        order_lock(p, b);
}

/* A cookie that was carried off is not its session's: it is not counted against that, either. */
static bool look_up(struct idem_porter *p, const struct idem_porter_ask *ask,
                    struct idem_binding *b, struct idem_gate_question *q)
{
    if (!ask->has_cookie || idem_bindings_find(p->bindings, ask->organisation, ask->cookie, b) != 0)
        return false;
    q->other_client = is_other_client(p, b, ask->client);
    int err = q->other_client ? idem_standings_read(p->standings, b->slot, b->id, &q->standing)
                              : idem_standings_ask(p->standings, b->slot, b->id, ask->now_ms,
                                                   &q->standing, &q->silence);
    q->bound = err == 0;
    q->rules = q->standing.rules;
    return q->bound;
}

static void as_nobody(struct idem_porter *p, const struct idem_porter_ask *ask,
                      struct idem_gate_question *q)
{
    q->bound = q->other_client = false;
    q->standing.policy = policy_of(p);
    q->rules = rules_for_nobody(p, q->standing.policy, ask->organisation, ask->now_ms);
}

void idem_porter_ask(struct idem_porter *p, const struct idem_porter_ask *ask,
                     struct idem_porter_answer *out)
{
    struct idem_gate_question q = {.class = ask->class, .now_ms = ask->now_ms};
    struct idem_binding b;

    q.stands =
        idem_porter_monotonic_ms() - idem_standings_beaten(p->standings) < IDEM_GATE_CLOSED_MS;
    const bool bound = look_up(p, ask, &b, &q);
    if (!bound)
        as_nobody(p, ask, &q);
    *out = (struct idem_porter_answer){0};
    idem_gate_decide(&q, &out->answer);
    if (bound) {
        idem_public_id("p_", q.standing.person, out->person);
        idem_public_id("s_", q.standing.id, out->session);
        follow_up(p, &b, &q, &out->answer);
    }
    snprintf(out->policy, sizeof out->policy, "%s", idem_policy_id(q.standing.policy));
    idem_policy_unref(q.standing.policy);
}
