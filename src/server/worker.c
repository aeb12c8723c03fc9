/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - the loop, its clock, and what its parts have in common; see worker.h. */
#include "server/worker_parts.h"

#include "base/bytes.h"
#include "base/log.h"
#include "server/clock.h"
#include "server/erasure.h"
#include "server/metrics.h"
#include "server/pause.h"
#include "server/policing.h"
#include "server/porter.h"
#include "server/retention.h"
#include "server/seat_calls.h"

#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { COMPLAIN_EVERY_MS = 10000 };

/* ------------------------------------------------------------------ common to the parts */

void idem_worker_storage(struct idem_worker *w, int err)
{
    if (err == 0) {
        idem_metric_add(IDEM_METRIC_COMMITS, 1);
        if (w->storage_failing)
            idem_log(IDEM_LOG_INFO, "the data base takes writes again");
        idem_audit_storage(w, false);
        w->storage_failing = false;
        return;
    }
    idem_metric_add(IDEM_METRIC_COMMIT_FAILURES, 1);
    idem_audit_storage(w, true);
    int64_t now = idem_clock_ms();
    if (!w->storage_failing || now - w->complained_ms >= COMPLAIN_EVERY_MS) {
        idem_log(IDEM_LOG_ERROR, "kernel: the data base failed: %s: %s", idem_strerror(err),
                 w->parts.store->ops->why(w->parts.store));
        w->complained_ms = now;
    }
    w->storage_failing = true;
}

int idem_worker_commit(struct idem_worker *w, int err)
{
    struct idem_store *store = w->parts.store;

    if (err == 0)
        err = store->ops->commit(store);
    idem_worker_storage(w, err);
    if (err != 0)
        store->ops->rollback(store);
    return err;
}

void idem_worker_refuse_store(struct idem_command *c, int err)
{
    idem_command_refuse(c, idem_problem_of_store(err), "the data base said: %s",
                        idem_strerror(err));
}

bool idem_worker_may_see(const struct idem_command *c, int64_t organisation)
{
    return c->grant.organisation == organisation || c->grant.organisation == IDEM_ORGANISATION_ANY;
}

struct idem_session *idem_worker_find(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_sessions_find(w->sessions, c->slot, c->id);
    if (s != NULL && !idem_worker_may_see(c, s->person->organisation))
        s = NULL;
    if (s == NULL)
        idem_command_refuse(c, IDEM_PROBLEM_NO_SUCH_SESSION, "no session here has this id");
    return s;
}

struct idem_session *idem_worker_find_own(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find(w, c);

    if (s == NULL || c->grant.api_key == 0 || s->opening.api_key == c->grant.api_key)
        return s;
    idem_command_refuse(c, IDEM_PROBLEM_NO_SUCH_SESSION, "the key has opened no such session");
    return NULL;
}

void idem_worker_put_session(struct idem_worker *w, struct idem_session *s, struct idem_text *t)
{
    struct idem_session_view view;
    idem_session_view(s, idem_organisations_name(w->parts.organisations, s->person->organisation),
                      &view);
    idem_session_json(t, &view);
}

/* ------------------------------------------------------------------ telling the streams */

void idem_worker_changed(struct idem_worker *w, struct idem_session *s)
{
    idem_porter_tell(w->parts.porter, s);
    if (s->listed || !idem_streams_watched(w->parts.streams))
        return;
    s->listed = true;
    s->next_listed = NULL;
    s->prev_listed = w->listed_last;
    if (w->listed_last != NULL)
        w->listed_last->next_listed = s;
    else
        w->listed_first = s;
    w->listed_last = s;
}

void idem_worker_unlist(struct idem_worker *w, struct idem_session *s)
{
    if (!s->listed)
        return;
    if (s->prev_listed != NULL)
        s->prev_listed->next_listed = s->next_listed;
    else
        w->listed_first = s->next_listed;
    if (s->next_listed != NULL)
        s->next_listed->prev_listed = s->prev_listed;
    else
        w->listed_last = s->prev_listed;
    s->listed = false;
}

/* Of a session whose windows are not to be counted, only what looks different is told: an event for
 * each window would be the count. */
static bool is_news(struct idem_worker *w, struct idem_session *s, char *bytes)
{
    struct idem_text t = {bytes, 0, IDEM_SESSION_JSON_MAX, false};
    struct idem_session_view view;

    idem_session_view(s, idem_organisations_name(w->parts.organisations, s->person->organisation),
                      &view);
    view.reason_count = 0;
    idem_session_json(&t, &view);
    const uint32_t told = idem_crc32(t.bytes, t.len);
    const bool news = !view.uncounted || told != s->told;
    s->told = told;
    return news;
}

/* At most so many a tick; the others keep their place in the list. */
void idem_worker_tell(struct idem_worker *w)
{
    char bytes[IDEM_SESSION_JSON_MAX];

    for (int i = 0; i < IDEM_LIST_MAX && w->listed_first != NULL; i++) {
        struct idem_session *s = w->listed_first;
        struct idem_text t = {bytes, 0, sizeof bytes, false};
        idem_worker_unlist(w, s);
        idem_judge_explain(&w->benches[0].judge, s);
        if (!is_news(w, s, bytes))
            continue;
        idem_worker_put_session(w, s, &t);
        if (!t.full)
            idem_streams_event(w->parts.streams, s->person->organisation, "session", t.bytes,
                               t.len);
    }
}

/* ------------------------------------------------------------------ telling the store */

static bool enrolment_unsaved(const struct idem_session *s)
{
    for (int m = 0; m < IDEM_MODALITIES; m++)
        if (s->person->templates[s->device_class][m].unsaved)
            return true;
    return false;
}

void idem_worker_unsaved(struct idem_worker *w, struct idem_session *s)
{
    if (s->queued || s->closed ||
        (s->decisions == NULL && !s->lock_unsaved && !s->doubts_unsaved && !s->guard.own_unsaved &&
         !s->pause_unsaved && !enrolment_unsaved(s)))
        return;
    s->queued = true;
    s->next_unsaved = w->unsaved;
    w->unsaved = s;
}

static int save_one(struct idem_worker *w, struct idem_session *s)
{
    struct idem_store *store = w->parts.store;
    int err = IDEM_OK;

    if (s->lock_unsaved)
        err = store->ops->session_lock(store, s->row, s->locked, s->unlock_row);
    if (err == 0 && s->doubts_unsaved)
        err = store->seats->session_doubt(store, s->row, s->doubts);
    if (err == 0 && s->pause_unsaved)
        err = idem_pause_save(w, s);
    if (err == 0 && s->guard.own_unsaved)
        err = idem_alarms_save_own(w, s);
    for (enum idem_modality m = 0; m < IDEM_MODALITIES && err == 0; m++) {
        const struct idem_template *t = &s->person->templates[s->device_class][m];
        if (t->unsaved)
            err = idem_people_save(w->parts.people, s->person, s->device_class, m, t);
    }
    return err != 0 ? err : idem_decisions_save(w, s);
}

static void saved(struct idem_worker *w, struct idem_session *s)
{
    idem_decisions_saved(w, s);
    s->queued = s->lock_unsaved = s->guard.own_unsaved = s->doubts_unsaved = false;
    s->pause_unsaved = false;
    for (int m = 0; m < IDEM_MODALITIES; m++)
        s->person->templates[s->device_class][m].unsaved = false;
}

int idem_worker_save(struct idem_worker *w)
{
    struct idem_store *store = w->parts.store;

    if (w->unsaved == NULL)
        return IDEM_OK;
    int err = store->ops->begin(store);
    for (struct idem_session *s = w->unsaved; s != NULL && err == 0; s = s->next_unsaved)
        err = save_one(w, s);
    err = idem_worker_commit(w, err);
    if (err != 0) {
        for (struct idem_session *s = w->unsaved; s != NULL; s = s->next_unsaved)
            idem_judge_unrecorded(s);
        return err; /* they stay in the list, for the next tick */
    }
    for (struct idem_session *s = w->unsaved; s != NULL; s = s->next_unsaved)
        saved(w, s);
    w->unsaved = NULL;
    return IDEM_OK;
}

/* ------------------------------------------------------------------ the clock */

static void look_at(struct idem_worker *w, struct idem_session *s, int *ended)
{
    if (s == NULL || s->closed)
        return;
    if (w->now_ms - s->seen_ms > IDEM_SESSION_IDLE_MS && *ended < IDEM_SWEEP_CLOSE_MAX) {
        idem_lifecycle_end(w, s);
        (*ended)++;
        return;
    }
    if (w->now_ms >= s->rules_until_ms)
        idem_policing_again(w, s);
    if (!w->storage_failing)
        s->lock_refused = false;
    if (!s->test_clock && idem_judge_refresh(s, w->now_ms))
        idem_worker_changed(w, s);
    idem_worker_unsaved(w, s);
    idem_policing_end(w, s);
}

/* A part of the table with each tick: trust goes stale, idle sessions end. */
static void sweep(struct idem_worker *w)
{
    int ended = 0;
    for (int i = 0; i < IDEM_SWEEP_MAX; i++) {
        look_at(w, idem_sessions_at(w->sessions, w->sweep_slot), &ended);
        w->sweep_slot = (w->sweep_slot + 1) % IDEM_SESSION_SLOTS_MAX;
    }
}

static void tick(struct idem_worker *w)
{
    if (w->now_ms - w->tick_ms < IDEM_TICK_MS)
        return;
    w->tick_ms = w->now_ms;
    idem_policing_tick(w);
    idem_notices_take(w);
    sweep(w);
    idem_worker_save(w);
    idem_worker_tell(w);
    idem_audit_tick(w);
    if (w->now_ms - w->beat_ms >= IDEM_STREAM_BEAT_MS) {
        w->beat_ms = w->now_ms;
        idem_streams_beat(w->parts.streams);
    }
    if (w->now_ms - w->forgot_ms >= IDEM_FORGET_EVERY_MS) {
        idem_retention_run(w, w->forgot_ms == 0);
        w->forgot_ms = w->now_ms;
    }
}

/* ------------------------------------------------------------------ the loop */

static void run_one(struct idem_worker *w, struct idem_command *c)
{
    switch (c->kind) {
    case IDEM_COMMAND_ALARMS:
        idem_alarms_take(w, c);
        break;
    case IDEM_COMMAND_CLOSE:
        idem_lifecycle_close(w, c);
        break;
    case IDEM_COMMAND_UNLOCK:
        idem_lifecycle_unlock(w, c);
        break;
    case IDEM_COMMAND_SESSION:
        idem_read_session(w, c);
        break;
    case IDEM_COMMAND_SESSIONS:
        idem_read_sessions(w, c);
        break;
    case IDEM_COMMAND_PERSON:
        idem_read_person(w, c);
        break;
    case IDEM_COMMAND_CALL:
        c->call(w, c);
        break;
    case IDEM_COMMAND_OPEN:
    case IDEM_COMMAND_WINDOWS:
        break; /* in runs only */
    }
}

/* How many of the first commands can share a transaction. */
static size_t run_length(void *const *items, size_t count)
{
    enum idem_command_kind kind = ((struct idem_command *)items[0])->kind;
    size_t n = 1;

    if (kind != IDEM_COMMAND_OPEN && kind != IDEM_COMMAND_WINDOWS)
        return 1;
    while (n < count && ((struct idem_command *)items[n])->kind == kind)
        n++;
    return n;
}

static void run_batch(struct idem_worker *w, void **items, size_t count)
{
    struct idem_command *run[IDEM_BATCH_MAX];

    for (size_t at = 0, n; at < count; at += n) {
        n = run_length(items + at, count - at);
        memcpy(run, items + at, n * sizeof run[0]);
        if (run[0]->kind == IDEM_COMMAND_WINDOWS)
            idem_ingest(w, run, n);
        else if (run[0]->kind == IDEM_COMMAND_OPEN)
            idem_lifecycle_open(w, run, n);
        else
            run_one(w, run[0]);
    }
    idem_worker_save(w);
}

static void *loop(void *arg)
{
    struct idem_worker *w = arg;
    struct idem_bus *bus = w->parts.bus;
    void *items[IDEM_BATCH_MAX];
    size_t n;

    pthread_setname_np(pthread_self(), "idem-worker");
    do {
        n = bus->ops->drain(bus, items, IDEM_BATCH_MAX, IDEM_TICK_MS);
        w->now_ms = idem_clock_ms();
        idem_porter_beat(w->parts.porter);
        if (n > 0)
            run_batch(w, items, n);
        tick(w);
    } while (n > 0 || !atomic_load(&w->stopping));
    idem_worker_save(w);
    idem_notices_take(w); /* what came since the last tick */
    idem_audit_stopped(w);
    return NULL;
}

/* ------------------------------------------------------------------ life */

static int make_bench(struct idem_bench *b, const struct idem_population *population,
                      struct idem_again *again)
{
    b->judge.population = population;
    b->judge.front = idem_population_front(population);
    b->judge.params = idem_trust_defaults();
    int err = idem_scorer_new(population, &b->judge.scorer);
    if (err == 0)
        err = idem_again_bench_init(again, b->judge.front, &b->judge.again);
    return err != 0 ? err : idem_wire_reader_new(b->judge.front, &b->reader);
}

static int make_benches(struct idem_worker *w)
{
    int err = idem_pool_new(w->parts.threads, &w->pool);
    for (unsigned i = 0; i < w->parts.threads && err == 0; i++)
        err = make_bench(&w->benches[i], w->parts.population, &w->again);
    return err;
}

/* What is remembered of windows: the key first, then what the store has. */
static int make_again(struct idem_worker *w)
{
    const struct idem_front *front = idem_population_front(w->parts.population);
    uint8_t key[IDEM_SIPHASH_KEY];

    idem_people_imprint_key(w->parts.people, key);
    int err = idem_again_init(front, key, &w->again);
    sodium_memzero(key, sizeof key);
    return err;
}

static int load_again(struct idem_worker *w)
{
    const struct idem_front *front = idem_population_front(w->parts.population);
    const struct idem_organisations *all = w->parts.organisations;
    int err = IDEM_OK;

    for (uint32_t i = 0; i < idem_organisations_count(all) && err == 0; i++)
        err = idem_again_load(&w->again, w->parts.store, w->parts.people,
                              idem_organisations_at(all, i), idem_front_id(front));
    return err;
}

int idem_worker_new(const struct idem_worker_parts *parts, struct idem_worker **out)
{
    struct idem_worker *w = calloc(1, sizeof *w);
    int err;

    if (w == NULL)
        return IDEM_ERR_NOMEM;
    w->parts = *parts;
    w->policy = parts->policy != NULL ? idem_policy_ref(parts->policy) : NULL;
    atomic_init(&w->offered, NULL);
    if ((err = make_again(w)) != 0 || (err = make_benches(w)) != 0 ||
        (err = idem_sessions_new(&w->sessions)) != 0 || (err = load_again(w)) != 0 ||
        (err = idem_replay(w)) != 0 || (err = idem_keys_load(w)) != 0 ||
        (err = idem_porter_restore(parts->porter, w)) != 0) {
        idem_log(IDEM_LOG_ERROR, "the sessions cannot be read back: %s", idem_strerror(err));
        idem_worker_free(w);
        return err;
    }
    *out = w;
    return IDEM_OK;
}

void idem_worker_free(struct idem_worker *worker)
{
    if (worker == NULL)
        return;
    idem_sessions_free(worker->sessions);
    idem_policy_unref(worker->policy);
    idem_policy_unref(atomic_load(&worker->offered));
    idem_pool_free(worker->pool);
    for (int i = 0; i < IDEM_THREADS_MAX; i++) {
        idem_wire_reader_free(worker->benches[i].reader);
        idem_scorer_free(worker->benches[i].judge.scorer);
        idem_again_bench_fini(&worker->benches[i].judge.again);
    }
    idem_again_fini(&worker->again);
    free(worker);
}

int idem_worker_start(struct idem_worker *worker)
{
    sigset_t all, before;

    idem_audit_started(worker); /* before anybody can ask for anything */
    idem_policing_started(worker);
    idem_erasure_look_at_population(worker);
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    worker->running = pthread_create(&worker->thread, NULL, loop, worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return worker->running ? IDEM_OK : IDEM_ERR_NOMEM;
}

void idem_worker_stop(struct idem_worker *worker)
{
    if (!worker->running)
        return;
    atomic_store(&worker->stopping, true);
    worker->parts.bus->ops->shut(worker->parts.bus);
    pthread_join(worker->thread, NULL);
    worker->running = false;
}
