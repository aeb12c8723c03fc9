/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder: what is put is durable before done() says so, refusals are hushed and summed up. */
#include "server/recorder.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NOON (INT64_C(400000) * 3600000)

enum { PUTTERS = 4, EACH = 200 };

static char dir[32], path[64];
static struct idem_recorder *recorder;

static int set_up(void **state)
{
    const char *why;

    (void)state;
    strcpy(dir, "/tmp/idem-recorder-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/gate.db", dir);
    assert_int_equal(idem_recorder_new(path, &recorder, &why), 0);
    return idem_recorder_start(recorder);
}

static int tear_down(void **state)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char name[80];

    (void)state;
    idem_recorder_free(recorder);
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, tails[i]);
        unlink(name);
    }
    return rmdir(dir);
}

struct put {
    struct idem_recorder_entry entry;
    sem_t done;
    int err;
};

static void note(struct idem_recorder_entry *entry, int err, bool more)
{
    struct put *p = (struct put *)entry;
    (void)more;
    p->err = err;
    sem_post(&p->done);
}

static void fill(struct put *p, const char *resource)
{
    *p = (struct put){.entry = {.record = {.organisation = 1,
                                           .at_ms = NOON,
                                           .resource = resource,
                                           .answer = "pass",
                                           .cause = "matches",
                                           .level = "high",
                                           .count = 1},
                                .done = note}};
    sem_init(&p->done, 0, 0);
}

static int count(void *arg, const struct idem_gate_record *r)
{
    *(int64_t *)arg += r->count;
    return IDEM_OK;
}

static int64_t recorded(const char *resource)
{
    const struct idem_gate_search search = {
        .organisation = 1, .resource = resource, .limit = 10000};
    struct idem_gate_log *reader = NULL;
    int64_t n = 0;

    assert_int_equal(idem_gate_log_open_reader(path, &reader), 0);
    assert_int_equal(idem_gate_log_read(reader, &search, count, &n), 0);
    idem_gate_log_close(reader);
    return n;
}

static void *put_many(void *arg)
{
    struct put p;

    (void)arg;
    for (int i = 0; i < EACH; i++) {
        fill(&p, "customer/1");
        while (idem_recorder_put(recorder, &p.entry) != 0)
            ;
        sem_wait(&p.done);
        if (p.err != 0 || p.entry.seq <= 0)
            return NULL;
        sem_destroy(&p.done);
    }
    return &recorder;
}

static void many_at_once(void **state)
{
    pthread_t threads[PUTTERS];

    (void)state;
    for (int i = 0; i < PUTTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_many, NULL), 0);
    for (int i = 0; i < PUTTERS; i++) {
        void *well = NULL;
        pthread_join(threads[i], &well);
        assert_non_null(well);
    }
    assert_int_equal(recorded("customer/1"), PUTTERS * EACH);
}

static void what_cannot_be_written_is_said(void **state)
{
    struct put p;

    (void)state;
    fill(&p, "\xff"); /* no UTF-8 */
    assert_int_equal(idem_recorder_put(recorder, &p.entry), 0);
    sem_wait(&p.done);
    assert_int_not_equal(p.err, 0);
    fill(&p, "customer/1"); /* and what comes next can be */
    assert_int_equal(idem_recorder_put(recorder, &p.entry), 0);
    sem_wait(&p.done);
    assert_int_equal(p.err, 0);
    idem_recorder_stop(recorder);
    assert_int_equal(idem_recorder_put(recorder, &p.entry), IDEM_ERR_NOT_FOUND);
}

static int job(struct idem_gate_log *log, void *arg)
{
    int64_t removed = -1;
    int err = idem_gate_log_expire(log, NOON + 1, NOON + 7200000, &removed);
    *(int64_t *)arg = removed;
    return err;
}

static void jobs_run_in_between(void **state)
{
    int64_t removed = -1;
    struct put p;

    (void)state;
    fill(&p, "customer/1");
    assert_int_equal(idem_recorder_put(recorder, &p.entry), 0);
    sem_wait(&p.done);
    assert_int_equal(idem_recorder_run(recorder, job, &removed), 0);
    assert_int_equal(removed, 1);
    assert_int_equal(recorded("customer/1"), 0);
    idem_recorder_stop(recorder);
    assert_int_equal(idem_recorder_run(recorder, job, &removed), IDEM_ERR_NOT_FOUND);
}

static bool hush(int64_t organisation, enum idem_gate_cause cause)
{
    return idem_recorder_hush(recorder, organisation, IDEM_GATE_STEP_UP, cause, NOON);
}

static void refusals_are_hushed_each_for_itself(void **state)
{
    (void)state;
    for (int i = 0; i < IDEM_RECORDER_HUSH_AFTER; i++)
        assert_false(hush(1, IDEM_GATE_UNBOUND));
    assert_true(hush(1, IDEM_GATE_UNBOUND));
    assert_false(hush(1, IDEM_GATE_OTHER_CLIENT)); /* a flood of one does not hide the other */
    assert_false(hush(2, IDEM_GATE_UNBOUND));
    for (int64_t o = 3; o < 3 + 2 * IDEM_RECORDER_SUMS; o++) /* more than can be told apart */
        hush(o, IDEM_GATE_UNBOUND);
    int hushed = 0;
    for (int i = 0; i < 2 * IDEM_RECORDER_HUSH_AFTER; i++)
        hushed += hush(100000, IDEM_GATE_UNBOUND);
    assert_true(hushed >= IDEM_RECORDER_HUSH_AFTER);
}

/* The sum is told and the next refusal has a line again, although it is never quiet. */
static void a_flood_is_told_while_others_are_let_through(void **state)
{
    const time_t until = time(NULL) + 60;
    struct put p;

    (void)state;
    while (!hush(1, IDEM_GATE_UNBOUND)) /* long ago by the clock: due at once */
        ;
    do {
        fill(&p, "customer/1");
        assert_int_equal(idem_recorder_put(recorder, &p.entry), 0);
        sem_wait(&p.done);
        sem_destroy(&p.done);
    } while (hush(1, IDEM_GATE_UNBOUND) && time(NULL) < until);
    assert_false(hush(1, IDEM_GATE_UNBOUND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(jobs_run_in_between, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_is_told_while_others_are_let_through, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(refusals_are_hushed_each_for_itself, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
