/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_outbox.c - what waits for a courier: alarms before windows, windows in their order, no
 * more than there is room for, and nothing lost that could be sent.
 */
#include "agent/line.h"
#include "agent/pack.h"
#include "agent/sensor/outbox.h"
#include "people.h"
#include "window/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct idem_outbox box;
static struct idem_front *front;
static struct idem_window *window;
static struct idem_line_buffer got;
static int ends[2];

static int begin(void **state)
{
    (void)state;
    memset(&box, 0, sizeof box);
    front = people_front(20, 300);
    return idem_window_new(front, IDEM_KEYBOARD, &window) != 0 || idem_line_pair(ends) != 0;
}

static int end(void **state)
{
    (void)state;
    idem_outbox_clear(&box);
    idem_window_free(window);
    idem_front_free(front);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* Windows are told from each other by how long they took. */
static int put_window(int line, uint32_t number)
{
    const int32_t sums[2 * 64] = {0};

    assert_int_equal(idem_window_begin(window, 25, number * 100), 0);
    assert_int_equal(idem_window_put(window, 0, IDEM_GRID, sums), 0);
    assert_int_equal(idem_window_end(window), 0);
    return idem_outbox_window(&box, line, window);
}

static int put_alarm(int line, uint32_t device)
{
    const struct idem_alarm_message m = {.head = {IDEM_SC_ALARM, sizeof m},
                                         .device = device,
                                         .kind = IDEM_GUARD_INJECTED_KEYS,
                                         .confidence = 1};
    return idem_outbox_alarm(&box, line, &m);
}

static void assert_window(uint32_t number)
{
    assert_int_equal(idem_line_receive(ends[1], 's', 'c', &got), 0);
    assert_int_equal(idem_line_head(&got)->type, IDEM_SC_WINDOW);
    assert_int_equal(((struct idem_window_message *)(void *)got.bytes)->duration_ms, number * 100);
}

static void assert_alarm(uint32_t device)
{
    assert_int_equal(idem_line_receive(ends[1], 's', 'c', &got), 0);
    assert_int_equal(idem_line_head(&got)->type, IDEM_SC_ALARM);
    assert_int_equal(((struct idem_alarm_message *)(void *)got.bytes)->device, device);
}

static void assert_nothing_more(void)
{
    assert_int_equal(idem_line_receive(ends[1], 's', 'c', &got), IDEM_ERR_NOT_FOUND);
}

static void what_can_be_sent_is(void **state)
{
    (void)state;
    assert_int_equal(put_window(ends[0], 1), 0);
    assert_int_equal(put_alarm(ends[0], 7), 0);
    assert_window(1);
    assert_alarm(7);
    assert_nothing_more();
    assert_int_equal(box.windows, 0);
    assert_int_equal(box.alarms, 1); /* it stays until it was heard */
    idem_outbox_heard(&box, 1);
    assert_int_equal(box.alarms, 0);
}

static void what_waits_goes_alarms_first(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 5; i++)
        assert_int_equal(put_window(-1, i), 0);
    assert_int_equal(put_alarm(-1, 3), 0);
    assert_int_equal(put_alarm(-1, 4), 0);
    assert_int_equal(idem_outbox_flush(&box, ends[0]), 0);
    assert_alarm(3);
    assert_alarm(4);
    for (uint32_t i = 1; i <= 5; i++)
        assert_window(i);
    assert_nothing_more();
}

static void the_oldest_windows_give_way_and_are_counted(void **state)
{
    (void)state;
    assert_int_equal(put_alarm(-1, 9), 0);
    for (uint32_t i = 1; i <= 100; i++)
        assert_int_equal(put_window(-1, i), 0);
    assert_int_equal(box.dropped, 36);
    assert_int_equal(idem_outbox_flush(&box, ends[0]), 0);
    assert_alarm(9);
    for (uint32_t i = 37; i <= 100; i++)
        assert_window(i);
    assert_nothing_more();
}

static void an_alarm_that_was_not_heard_is_sent_again(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 4; i++)
        assert_int_equal(put_alarm(i < 4 ? ends[0] : -1, i), 0);
    for (uint32_t i = 1; i <= 3; i++)
        assert_alarm(i);
    idem_outbox_heard(&box, 1);
    idem_outbox_renew(&box); /* that courier is gone */
    assert_int_equal(idem_outbox_flush(&box, ends[0]), 0);
    for (uint32_t i = 2; i <= 4; i++) {
        assert_alarm(i);
        assert_int_equal(((struct idem_alarm_message *)(void *)got.bytes)->number, i);
    }
    assert_int_equal(idem_outbox_flush(&box, ends[0]), 0);
    assert_nothing_more(); /* once each line */
    idem_outbox_heard(&box, 4);
    idem_outbox_renew(&box);
    assert_int_equal(idem_outbox_flush(&box, ends[0]), 0);
    assert_nothing_more();
}

static void nobody_has_heard_what_was_not_sent(void **state)
{
    (void)state;
    assert_int_equal(put_alarm(-1, 5), 0);
    idem_outbox_heard(&box, UINT64_MAX);
    assert_int_equal(idem_outbox_flush(&box, ends[0]), 0);
    assert_alarm(5);
}

static void alarms_are_bounded(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 70; i++)
        assert_int_equal(put_alarm(-1, i), 0);
    assert_int_equal(box.lost, 6);
    assert_int_equal(idem_outbox_flush(&box, ends[0]), 0);
    for (uint32_t i = 7; i <= 70; i++)
        assert_alarm(i);
    assert_nothing_more();
}

/* More than a socket holds: all of it comes, in its order, when it is read. */
static void a_courier_that_does_not_read_loses_nothing(void **state)
{
    const int little = 1;
    uint32_t sent = 0, read = 0;
    (void)state;

    assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
    while (put_window(ends[0], sent + 1) == 0)
        assert_true(++sent < 60);
    assert_true(sent > 0);
    sent++; /* it waits */
    assert_int_equal(put_window(ends[0], ++sent), IDEM_ERR_FULL);
    assert_int_equal(put_alarm(ends[0], 7), IDEM_ERR_FULL);
    bool alarmed = false;
    while (read < sent) {
        (void)idem_outbox_flush(&box, ends[0]);
        assert_int_equal(idem_line_receive(ends[1], 's', 'c', &got), 0);
        if (idem_line_head(&got)->type == IDEM_SC_ALARM) {
            alarmed = true;
            continue;
        }
        read++;
        assert_int_equal(((struct idem_window_message *)(void *)got.bytes)->duration_ms,
                         read * 100);
    }
    assert_true(alarmed);
    assert_int_equal(box.dropped, 0);
}

static void a_courier_that_is_gone_leaves_all_behind(void **state)
{
    int other[2];
    (void)state;

    assert_int_equal(idem_line_pair(other), 0);
    close(other[1]);
    assert_int_equal(put_window(other[0], 1), IDEM_ERR_IO);
    assert_int_equal(put_alarm(other[0], 7), IDEM_ERR_IO);
    close(other[0]);
    assert_int_equal(idem_outbox_flush(&box, ends[0]), 0);
    assert_alarm(7);
    assert_window(1);
    assert_nothing_more();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(what_can_be_sent_is),
        TEST(what_waits_goes_alarms_first),
        TEST(the_oldest_windows_give_way_and_are_counted),
        TEST(an_alarm_that_was_not_heard_is_sent_again),
        TEST(nobody_has_heard_what_was_not_sent),
        TEST(alarms_are_bounded),
        TEST(a_courier_that_does_not_read_loses_nothing),
        TEST(a_courier_that_is_gone_leaves_all_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
