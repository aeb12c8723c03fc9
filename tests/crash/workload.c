/* SPDX-License-Identifier: Apache-2.0 */
/* workload.c - see workload.h. */
#include "workload.h"

#include "../unit/people.h"
#include "crash_vfs.h"
#include "server/audit.h"
#include "server/worker_parts.h"
#include "store/audit.h"
#include "wire/wire.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POPULATION = 20, POPULATION_KEYS = 400, FIRST_PERSON = 100, BATCH = 2 };

static void insist(const struct workload *w, bool good, const char *what)
{
    if (good || w->faulty)
        return;
    fprintf(stderr, "the workload cannot go on: %s\n", what);
    abort();
}

/* A fault of the disk is answered as one: 507 or 500. */
static void insist_answer(struct workload *w, const struct ask *a, const char *what)
{
    const enum idem_problem problem = a->command.problem;

    insist(w, a->good, what);
    if (a->good)
        return;
    if (problem == IDEM_PROBLEM_STORAGE_FULL || problem == IDEM_PROBLEM_STORAGE_FAILED)
        w->refused++;
    else
        w->odd++;
}

/* ------------------------------------------------------------------ what they type */

static void type_one(struct typed *t, int person, uint32_t i, struct typist *typist)
{
    const struct idem_front *front = idem_population_front(t->population);
    struct idem_window *window = typist_window(typist, front, WORKLOAD_KEYS);
    uint8_t bytes[IDEM_STORE_PAYLOAD_MAX];
    size_t len;

    if (idem_wire_write_window(front, window, i + 1, bytes, sizeof bytes, &len) != 0)
        abort();
    t->payloads[person][i] = malloc(len);
    if (t->payloads[person][i] == NULL)
        abort();
    memcpy(t->payloads[person][i], bytes, len);
    t->lens[person][i] = (uint32_t)len;
    idem_window_free(window);
}

void typed_make(struct typed *t)
{
    t->population = people_population(POPULATION, POPULATION_KEYS);
    for (int p = 0; p < WORKLOAD_PEOPLE; p++) {
        struct person person;
        person_draw(&person, (uint64_t)(FIRST_PERSON + p));
        struct typist typist = typist_new(&person, 1);
        for (uint32_t i = 0; i < WORKLOAD_WINDOWS_MAX; i++)
            type_one(t, p, i, &typist);
    }
}

void typed_free(struct typed *t)
{
    for (int p = 0; p < WORKLOAD_PEOPLE; p++)
        for (int i = 0; i < WORKLOAD_WINDOWS_MAX; i++)
            free(t->payloads[p][i]);
    idem_population_free(t->population);
}

/* ------------------------------------------------------------------ one request */

static struct deed *note(struct workload *w, enum deed_kind kind, int session, uint32_t seq,
                         const struct ask *a)
{
    struct deeds *d = w->deeds;

    if (d->count == DEEDS_MAX)
        abort();
    struct deed *deed = &d->deeds[d->count++];
    *deed = (struct deed){kind, session, seq, NULL, 0, a->submitted, a->good ? a->answered : NEVER};
    return deed;
}

static void aim(const struct workload *w, struct ask *a, int person)
{
    const struct deed_session *s = &w->deeds->sessions[w->session[person]];
    memcpy(a->command.id, s->id, sizeof s->id);
}

static void open_one(struct workload *w, struct ask *a, int person)
{
    static const char *const names[WORKLOAD_PEOPLE] = {"ada", "grace", "edsger"};

    ask_begin(a, IDEM_COMMAND_OPEN);
    idem_people_handle(w->world.parts.people, "demo", names[person], a->command.handle);
    snprintf(a->command.name, sizeof a->command.name, "%s", names[person]);
    snprintf(a->command.seat, sizeof a->command.seat, "seat-%d", person);
}

static void note_open(struct workload *w, const struct ask *a, int person)
{
    struct deeds *d = w->deeds;
    struct deed_session *s = &d->sessions[d->session_count];

    insist_answer(w, a, "a session is not opened");
    if (!a->good || d->session_count == DEED_SESSIONS_MAX || !ask_session(a, s->id))
        return;
    s->person = person;
    s->opened = a->answered;
    s->close_asked = s->closed = s->unlock_asked = s->unlocked = NEVER;
    w->session[person] = d->session_count++;
    w->sent[person] = 0;
}

static void open_all(struct workload *w)
{
    static struct ask asks[WORKLOAD_PEOPLE];

    for (int p = 0; p < WORKLOAD_PEOPLE; p++)
        open_one(w, &asks[p], p);
    world_ask(&w->world, asks, WORKLOAD_PEOPLE);
    for (int p = 0; p < WORKLOAD_PEOPLE; p++)
        note_open(w, &asks[p], p);
}

static void open_again(struct workload *w, int person)
{
    static struct ask a;

    open_one(w, &a, person);
    world_ask(&w->world, &a, 1);
    note_open(w, &a, person);
}

/* Window number i + 1 of the session. The wire's number lies in the payload and is never read. */
static void put_window(const struct workload *w, struct ask *a, int person, uint32_t i)
{
    struct idem_command *c = &a->command;
    static uint8_t payloads[WORLD_BATCH_MAX][BATCH * 8192];
    static int at;

    if (c->item_count == 0)
        c->payload = payloads[at++ % WORLD_BATCH_MAX];
    struct idem_item *item = &c->items[c->item_count];
    const uint32_t len = w->typed->lens[person][i];
    const uint32_t from = c->item_count == 0 ? 0 : item[-1].at + item[-1].len;
    if (from + len > BATCH * 8192)
        abort();
    memcpy((uint8_t *)(uintptr_t)c->payload + from, w->typed->payloads[person][i], len);
    *item = (struct idem_item){.seq = i + 1, .at = from, .len = len};
    c->item_count++;
}

static void note_windows(struct workload *w, const struct ask *a, int person)
{
    insist_answer(w, a, "a window is not taken");
    for (uint32_t i = 0; i < a->command.item_count; i++) {
        const uint32_t seq = a->command.items[i].seq;
        struct deed *d = note(w, DEED_WINDOW, w->session[person], seq, a);
        d->payload = w->typed->payloads[person][seq - 1];
        d->len = w->typed->lens[person][seq - 1];
    }
}

/* Everybody's next window in one run; the last person sends two in a request. */
static void windows(struct workload *w)
{
    static struct ask asks[WORKLOAD_PEOPLE];
    int who[WORKLOAD_PEOPLE], n = 0;

    for (int p = 0; p < WORKLOAD_PEOPLE; p++) {
        if (w->session[p] < 0)
            continue;
        const uint32_t many = p == WORKLOAD_PEOPLE - 1 ? BATCH : 1;
        ask_begin(&asks[n], IDEM_COMMAND_WINDOWS);
        aim(w, &asks[n], p);
        for (uint32_t i = 0; i < many; i++)
            put_window(w, &asks[n], p, w->sent[p]++);
        who[n++] = p;
    }
    world_ask(&w->world, asks, (size_t)n);
    for (int i = 0; i < n; i++)
        note_windows(w, &asks[i], who[i]);
}

static void put_alarm(struct ask *a, uint32_t seq)
{
    struct idem_wire_alarm *alarm = &a->command.alarms[a->command.item_count++];

    *alarm = (struct idem_wire_alarm){.seq = seq, .device = IDEM_POINTER};
    alarm->verdict = (struct idem_guard_verdict){
        .kind = IDEM_GUARD_REMOTE_CONTROL,
        .confidence = 0.5,
        .saw_count = 1,
        .saw = {{IDEM_SAW_WARP, seq, 0}},
    };
}

static void alarms(struct workload *w, int person, uint32_t seq)
{
    static struct ask a;

    if (w->session[person] < 0)
        return;
    ask_begin(&a, IDEM_COMMAND_ALARMS);
    aim(w, &a, person);
    put_alarm(&a, seq);
    put_alarm(&a, seq + 1);
    world_ask(&w->world, &a, 1);
    insist_answer(w, &a, "an alarm is not taken");
    for (uint32_t i = 0; i < 2; i++)
        note(w, DEED_ALARM, w->session[person], seq + i, &a);
}

static void unlock(struct workload *w, int person)
{
    static struct ask a;

    if (w->session[person] < 0)
        return;
    ask_begin(&a, IDEM_COMMAND_UNLOCK);
    aim(w, &a, person);
    world_ask(&w->world, &a, 1);
    insist_answer(w, &a, "a session is not unlocked");
    struct deed_session *s = &w->deeds->sessions[w->session[person]];
    s->unlock_asked = a.submitted;
    if (a.good && w->world.parts.store->ops->last_row(w->world.parts.store) > 0)
        s->unlocked = a.answered; /* else there is no row after which it was */
}

static void close_one(struct workload *w, int person)
{
    static struct ask a;

    if (w->session[person] < 0)
        return;
    ask_begin(&a, IDEM_COMMAND_CLOSE);
    aim(w, &a, person);
    world_ask(&w->world, &a, 1);
    insist_answer(w, &a, "a session is not closed");
    struct deed_session *s = &w->deeds->sessions[w->session[person]];
    if (s->close_asked == NEVER) /* one that failed may have happened all the same */
        s->close_asked = a.submitted;
    s->closed = a.good ? a.answered : NEVER;
    w->session[person] = a.good ? -1 : w->session[person];
}

/* ------------------------------------------------------------------ logs */

static void note_line(struct workload *w, int log, const struct idem_chain_head *head)
{
    struct deeds *d = w->deeds;

    if (d->line_count[log] == DEED_LINES_MAX)
        abort();
    d->lines[log][d->line_count[log]++] = (struct deed_line){*head, crash_vfs_now()};
}

/* On the worker. arg: where the log's head goes. */
static void write_audit(struct idem_worker *worker, struct idem_command *c)
{
    const struct idem_audit_line line = {.organisation = c->grant.organisation,
                                         .at_ms = c->received_ms,
                                         .actor = "account:anna",
                                         .action = "name.looked-up",
                                         .subject = "p_0000000000000000000000"};
    struct idem_store *store = worker->parts.store;
    int err = idem_audit_write(worker, &line);

    if (err != 0)
        idem_worker_refuse_store(c, err);
    else
        *(struct idem_chain_head *)c->arg = idem_sqlite_audit_ops.head(store, IDEM_AUDIT_LOG);
    c->done(c, false);
}

static void audit(struct workload *w)
{
    static struct idem_chain_head head;
    static struct ask a;

    ask_begin(&a, IDEM_COMMAND_CALL);
    a.command.call = write_audit;
    a.command.arg = &head;
    world_ask(&w->world, &a, 1);
    insist_answer(w, &a, "an audit line is not taken");
    if (a.good)
        note_line(w, 0, &head);
}

/* As the gate's own thread does: nobody hears the answer before the commit. */
static void decide(struct workload *w, int64_t customer)
{
    struct idem_gate_log *log = w->world.gate;
    char resource[32];
    const struct idem_gate_record record = {.organisation = w->world.organisation,
                                            .at_ms = customer,
                                            .person = "p_0000000000000000000000",
                                            .actor = "key:crm",
                                            .resource = resource,
                                            .class = "customer",
                                            .answer = "pass",
                                            .cause = "matches",
                                            .level = "medium",
                                            .policy = "shipped",
                                            .count = 1};

    snprintf(resource, sizeof resource, "customer-%d", (int)customer);
    int err = idem_gate_log_begin(log);
    if (err == 0)
        err = idem_gate_log_add(log, &record, NULL);
    if (err == 0)
        err = idem_gate_log_commit(log);
    insist(w, err == 0, "a decision is not recorded");
    if (err == 0) {
        const struct idem_chain_head head = idem_gate_log_head(log);
        note_line(w, 1, &head);
    } else {
        idem_gate_log_rollback(log);
        w->refused++;
    }
    if (customer % 5 == 4)
        idem_gate_log_tidy(log, true);
}

/* ------------------------------------------------------------------ the day */

/* Somebody else at the same file folds the log back; the server's next write begins it anew. */
static void fold(struct workload *w, int mode)
{
    sqlite3 *db;

    int rc = sqlite3_open(WORLD_DATABASE, &db);
    sqlite3_busy_timeout(db, 5000);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "SELECT count(*) FROM windows", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_wal_checkpoint_v2(db, NULL, mode, NULL, NULL);
    insist(w, rc == SQLITE_OK, "the log is not folded back");
    sqlite3_close(db);
}

/* Somebody reads for a while, as a backup does: what was written since he began cannot be folded
 * back meanwhile. */
static void look(struct workload *w, sqlite3 **db)
{
    int rc = sqlite3_open(WORLD_DATABASE, db);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*db, "BEGIN; SELECT count(*) FROM windows", NULL, NULL, NULL);
    insist(w, rc == SQLITE_OK, "nobody can read");
}

static void start(struct workload *w)
{
    int err = world_open(&w->world, w->dir, w->typed->population, w->threads);

    insist(w, err == 0, "the server does not start");
    if (err == 0)
        return;
    w->not_started++;
    w->faults += crash_vfs_faults();
    crash_vfs_fault(NULL);
    w->faulty = false;
    start(w);
    w->faulty = true;
}

static void morning(struct workload *w)
{
    sqlite3 *reader = NULL;

    open_all(w);
    for (int i = 0; i < 11; i++) {
        windows(w);
        if (i == 6)
            look(w, &reader);
        if (i == 3 || i == 8 || i == 9)
            fold(w, SQLITE_CHECKPOINT_PASSIVE);
        if (i == 8)
            sqlite3_close(reader);
        if (i == 4)
            alarms(w, 1, 1);
        if (i == 6)
            unlock(w, 1);
        if (i % 3 == 0)
            decide(w, i);
        if (i % 4 == 1)
            audit(w);
    }
    close_one(w, 0);
    open_again(w, 0);
}

static void afternoon(struct workload *w)
{
    for (int i = 0; i < 8; i++) {
        windows(w);
        if (i == 2)
            fold(w, SQLITE_CHECKPOINT_TRUNCATE);
        if (i == 5)
            alarms(w, 2, 1);
        decide(w, i);
        if (i % 3 == 0)
            audit(w);
    }
    close_one(w, 0); /* enrolled by now: what it learns is written */
    close_one(w, 1);
    open_again(w, 1);
    windows(w);
}

static void repeat_one(struct workload *w, const struct deed *before)
{
    static struct ask a;
    const struct deed_session *s = &w->deeds->sessions[before->session];

    ask_begin(&a, before->kind == DEED_WINDOW ? IDEM_COMMAND_WINDOWS : IDEM_COMMAND_ALARMS);
    memcpy(a.command.id, s->id, sizeof s->id);
    if (before->kind == DEED_WINDOW)
        put_window(w, &a, s->person, before->seq - 1);
    else
        put_alarm(&a, before->seq);
    world_ask(&w->world, &a, 1);
    insist_answer(w, &a, "what was sent before is not taken");
}

/* Those of open sessions that were asked by then and not acknowledged, again. */
static void repeat_all(struct workload *w, size_t n)
{
    for (int i = 0; i < w->deeds->count; i++) {
        struct deed *d = &w->deeds->deeds[i];
        const struct deed_session *s = &w->deeds->sessions[d->session];
        if (d->asked > n || s->opened > n || s->closed <= n || d->done <= n)
            continue;
        repeat_one(w, d);
        d->done = crash_vfs_now();
    }
}

/* The disk is well again. What was asked and refused may be there all the same. */
static void evening(struct workload *w)
{
    w->faults += crash_vfs_faults();
    crash_vfs_fault(NULL);
    w->faulty = false;
    repeat_all(w, crash_vfs_now());
    w->evening = crash_vfs_now();
}

void workload_run(struct workload *w)
{
    for (int p = 0; p < WORKLOAD_PEOPLE; p++)
        w->session[p] = -1;
    start(w);
    morning(w);
    world_close(&w->world);
    start(w);
    afternoon(w);
    evening(w);
    world_close(&w->world);
}

void workload_repeat(struct workload *w, size_t n)
{
    struct deeds *d = w->deeds;
    int kept = 0;

    for (int i = 0; i < d->count; i++)
        if (d->deeds[i].asked <= n)
            d->deeds[kept++] = d->deeds[i];
    d->count = kept;
    for (int log = 0; log < DEED_LOGS; log++) {
        while (d->line_count[log] > 0 && d->lines[log][d->line_count[log] - 1].done > n)
            d->line_count[log]--;
    }
    for (int i = 0; i < d->session_count; i++) { /* what came later never did */
        struct deed_session *s = &d->sessions[i];
        s->opened = s->opened > n ? NEVER : s->opened;
        s->closed = s->closed > n ? NEVER : s->closed;
        s->close_asked = s->close_asked > n ? NEVER : s->close_asked;
        s->unlocked = s->unlocked > n ? NEVER : s->unlocked;
    }
    start(w);
    repeat_all(w, n);
}
