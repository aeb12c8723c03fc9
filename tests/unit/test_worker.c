/* SPDX-License-Identifier: Apache-2.0 */
/* test_worker.c - the list of sessions of which the streams are to be told. */
#include "server/worker_parts.h"

#include "server/constants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SESSIONS = 2 * IDEM_LIST_MAX + 1 };

static void nothing(void *context)
{
    (void)context;
}

static const struct idem_stream_hooks hooks = {nothing, nothing, nothing};
static struct idem_worker *worker;
static struct idem_session *sessions[SESSIONS];
static struct idem_person person;
static struct idem_stream *stream;

static struct idem_session *new_session(void)
{
    struct idem_session *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->seat = strdup("seat");
    assert_non_null(s->seat);
    s->person = &person;
    return s;
}

static void free_session(struct idem_session *s)
{
    if (s != NULL)
        free(s->seat);
    free(s);
}

static int setup(void **state)
{
    (void)state;
    worker = calloc(1, sizeof *worker);
    if (worker == NULL || idem_streams_new(&hooks, &worker->parts.streams) != 0)
        return -1;
    for (int i = 0; i < SESSIONS; i++)
        sessions[i] = new_session();
    return idem_stream_join(worker->parts.streams, 1, NULL, &stream);
}

static int teardown(void **state)
{
    (void)state;
    idem_stream_leave(stream);
    idem_streams_free(worker->parts.streams);
    for (int i = 0; i < SESSIONS; i++)
        free_session(sessions[i]);
    free(worker);
    return 0;
}

static void list_all(void)
{
    for (int i = 0; i < SESSIONS; i++)
        idem_worker_changed(worker, sessions[i]);
}

static void forget(int i)
{
    idem_worker_unlist(worker, sessions[i]);
    free_session(sessions[i]);
    sessions[i] = NULL;
}

/* More are listed than one telling takes: those that are freed meanwhile must not stay listed. */
static void test_a_session_that_is_freed_is_not_told(void **state)
{
    (void)state;
    list_all();
    idem_worker_tell(worker);
    forget(SESSIONS - 1);
    forget(IDEM_LIST_MAX);
    forget(IDEM_LIST_MAX + 7);
    forget(0); /* has been told already */
    idem_worker_changed(worker, sessions[1]);
    for (int i = 0; i < 3; i++)
        idem_worker_tell(worker);
    assert_null(worker->listed_first);
    assert_null(worker->listed_last);
    for (int i = 0; i < SESSIONS; i++)
        if (sessions[i] != NULL)
            assert_false(sessions[i]->listed);
}

static void test_a_session_is_listed_once(void **state)
{
    (void)state;
    list_all();
    list_all();
    idem_worker_tell(worker);
    assert_ptr_equal(worker->listed_first, sessions[IDEM_LIST_MAX]);
    assert_ptr_equal(worker->listed_last, sessions[SESSIONS - 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_session_that_is_freed_is_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_session_is_listed_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
