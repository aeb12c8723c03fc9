/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream.c - the hub of event streams: order through the ring, pausing, being cut, the end. */
#include "server/stream.h"

#include "server/constants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct client {
    int paused, woken, cut;
    struct idem_stream *stream;
};

static void on_pause(void *context)
{
    ((struct client *)context)->paused++;
}

static void on_wake(void *context)
{
    ((struct client *)context)->woken++;
}

static void on_cut(void *context)
{
    ((struct client *)context)->cut++;
}

static const struct idem_stream_hooks hooks = {on_pause, on_wake, on_cut};
static struct idem_streams *hub;

static int setup(void **state)
{
    (void)state;
    return idem_streams_new(&hooks, &hub);
}

static int teardown(void **state)
{
    (void)state;
    idem_streams_free(hub);
    return 0;
}

static void test_events_arrive_whole_and_in_order(void **state)
{
    struct client c = {0};
    char bytes[100], event[40], expected[80];
    (void)state;

    assert_false(idem_streams_watched(hub));
    assert_int_equal(idem_stream_join(hub, 1, &c, &c.stream), 0);
    assert_true(idem_streams_watched(hub));
    for (int i = 0; i < 40000; i++) { /* many times around the ring */
        int n = snprintf(event, sizeof event, "{\"n\":%d}", i);
        const char *type = i % 2 == 0 ? "session" : "guard";
        idem_streams_event(hub, 1, type, event, (size_t)n);
        n = snprintf(expected, sizeof expected, "event: %s\ndata: %s\n\n", type, event);
        for (int got = 0; got < n;) {
            ssize_t took = idem_stream_take(c.stream, bytes, 37);
            assert_true(took > 0);
            assert_memory_equal(bytes, expected + got, (size_t)took);
            got += (int)took;
        }
    }
    assert_int_equal(c.paused + c.woken + c.cut, 0);
    idem_stream_leave(c.stream);
    assert_false(idem_streams_watched(hub));
}

static void test_one_without_news_is_paused_and_woken_once(void **state)
{
    struct client c = {0};
    char bytes[100];
    (void)state;

    assert_int_equal(idem_stream_join(hub, 1, &c, &c.stream), 0);
    assert_int_equal(idem_stream_take(c.stream, bytes, sizeof bytes), 0);
    assert_int_equal(c.paused, 1);
    idem_streams_event(hub, 1, "session", "1", 1);
    idem_streams_event(hub, 1, "session", "2", 1);
    idem_streams_beat(hub);
    assert_int_equal(c.woken, 1);
    while (idem_stream_take(c.stream, bytes, sizeof bytes) > 0)
        ;
    assert_int_equal(c.paused, 2);
    idem_stream_leave(c.stream);
}

static void test_one_that_falls_behind_is_cut_and_the_other_is_not(void **state)
{
    struct client slow = {0}, good = {0};
    static char event[1000], bytes[8192];
    (void)state;

    memset(event, 'x', sizeof event);
    assert_int_equal(idem_stream_join(hub, 1, &slow, &slow.stream), 0);
    assert_int_equal(idem_stream_join(hub, 1, &good, &good.stream), 0);
    for (int i = 0; i < IDEM_STREAM_BUFFER / 1000 + 2; i++) {
        idem_streams_event(hub, 1, "session", event, sizeof event);
        while (idem_stream_take(good.stream, bytes, sizeof bytes) > 0)
            ;
    }
    assert_int_equal(slow.cut, 1);
    assert_int_equal(good.cut, 0);
    ssize_t n;
    while ((n = idem_stream_take(slow.stream, bytes, sizeof bytes)) > 0)
        ;
    assert_int_equal(n, -1);
    idem_stream_leave(slow.stream);
    idem_stream_leave(good.stream);
}

static void test_places_and_the_end(void **state)
{
    struct client c[IDEM_STREAMS_MAX + 1] = {0};
    char bytes[10];
    (void)state;

    for (int i = 0; i < IDEM_STREAMS_MAX; i++)
        assert_int_equal(idem_stream_join(hub, 1, &c[i], &c[i].stream), 0);
    struct client *one_more = &c[IDEM_STREAMS_MAX];
    assert_int_equal(idem_stream_join(hub, 1, one_more, &one_more->stream), IDEM_ERR_LIMIT);
    idem_stream_take(c[0].stream, bytes, sizeof bytes);
    idem_streams_shut(hub);
    assert_int_equal(c[0].woken, 1);
    assert_int_equal(idem_stream_take(c[0].stream, bytes, sizeof bytes), -1);
    for (int i = 0; i < IDEM_STREAMS_MAX; i++)
        idem_stream_leave(c[i].stream);
    assert_int_equal(idem_stream_join(hub, 1, &c[0], &c[0].stream), IDEM_ERR_LIMIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_events_arrive_whole_and_in_order),
        TEST(test_one_without_news_is_paused_and_woken_once),
        TEST(test_one_that_falls_behind_is_cut_and_the_other_is_not),
        TEST(test_places_and_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
