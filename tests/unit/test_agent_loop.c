/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_loop.c - the loop calls who is ready and no one who has been taken out, runs timers in
 * their order and once, and has room for so many.
 */
#include "agent/loop.h"
#include "idem/idem.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
    struct idem_loop loop;
    struct idem_watch a, b;
    struct idem_timer early, late;
    int a_calls, b_calls;
    char order[8];
};

static void a_ready(void *arg, short events)
{
    struct seen *s = arg;
    char c;
    assert_true(events & POLLIN);
    assert_int_equal(read(s->a.fd, &c, 1), 1);
    s->a_calls++;
    idem_loop_unwatch(&s->loop, &s->b);
}

static void b_ready(void *arg, short events)
{
    struct seen *s = arg;
    (void)events;
    s->b_calls++;
}

static void early_due(void *arg)
{
    struct seen *s = arg;
    strcat(s->order, "e");
}

static void late_due(void *arg)
{
    struct seen *s = arg;
    strcat(s->order, "l");
    idem_loop_end(&s->loop, 7);
}

static void the_ready_and_the_due(void **state)
{
    struct seen s = {0};
    int a[2], b[2];
    (void)state;

    assert_int_equal(pipe(a), 0);
    assert_int_equal(pipe(b), 0);
    s.a = (struct idem_watch){a[0], POLLIN, a_ready, &s};
    s.b = (struct idem_watch){b[0], POLLIN, b_ready, &s};
    s.early = (struct idem_timer){.due = early_due, .arg = &s};
    s.late = (struct idem_timer){.due = late_due, .arg = &s};
    assert_int_equal(idem_loop_watch(&s.loop, &s.a), 0);
    assert_int_equal(idem_loop_watch(&s.loop, &s.b), 0);
    assert_int_equal(write(a[1], "x", 1), 1);
    assert_int_equal(write(b[1], "x", 1), 1);
    assert_int_equal(idem_loop_after(&s.loop, &s.late, 30000), 0);
    assert_int_equal(idem_loop_after(&s.loop, &s.early, 60000), 0);
    assert_int_equal(idem_loop_after(&s.loop, &s.early, 10000), 0); /* set anew, not twice */
    assert_int_equal(idem_loop_run(&s.loop), 7);
    assert_int_equal(s.a_calls, 1);
    assert_int_equal(s.b_calls, 0); /* taken out by a, though it was ready too */
    assert_string_equal(s.order, "el");
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

static void there_is_room_for_so_many(void **state)
{
    static struct idem_watch watches[IDEM_LOOP_WATCHES + 1];
    static struct idem_timer timers[IDEM_LOOP_TIMERS + 1];
    static struct idem_loop loop;
    (void)state;

    for (int i = 0; i < IDEM_LOOP_WATCHES; i++)
        assert_int_equal(idem_loop_watch(&loop, &watches[i]), 0);
    assert_int_equal(idem_loop_watch(&loop, &watches[IDEM_LOOP_WATCHES]), IDEM_ERR_LIMIT);
    for (int i = 0; i < IDEM_LOOP_TIMERS; i++)
        assert_int_equal(idem_loop_after(&loop, &timers[i], 1000000), 0);
    assert_int_equal(idem_loop_after(&loop, &timers[IDEM_LOOP_TIMERS], 1), IDEM_ERR_LIMIT);
    assert_int_equal(idem_loop_after(&loop, &timers[0], -1), 0);
    assert_int_equal(idem_loop_after(&loop, &timers[IDEM_LOOP_TIMERS], 1000000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ready_and_the_due),
        cmocka_unit_test(there_is_room_for_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
