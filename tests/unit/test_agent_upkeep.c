/* SPDX-License-Identifier: Apache-2.0 */
/* test_agent_upkeep.c - the spool's hour: what goes, what is said and when nobody is woken up. */
#include "agent/courier/courier.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <sodium.h>

enum { HOUR = 400000, HOUR_MS = 3600 * 1000 };

static struct idem_courier courier;
static char directory[] = "/tmp/idem-upkeep-XXXXXX";
static int64_t now_ms;
static const uint8_t seed[IDEM_SEAL_SEED] = {7};

int64_t idem_courier_unix_ms(void)
{
    return now_ms;
}

void idem_ask_changed(struct idem_courier *c)
{
    (void)c;
}

static void begin(void)
{
    memset(&courier, 0, sizeof courier);
    assert_int_equal(idem_spool_open(courier.dir = open(directory, O_RDONLY | O_DIRECTORY), "spool",
                                     seed, IDEM_SPOOL_LIMIT_MIN, &courier.spool),
                     0);
    idem_upkeep_begin(&courier);
}

static void end(void)
{
    idem_spool_close(courier.spool);
    close(courier.dir);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    assert_non_null(mkdtemp(directory));
    now_ms = (int64_t)HOUR * HOUR_MS;
    begin();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlinkat(courier.dir, "spool", 0);
    end();
    return rmdir(directory);
}

static uint64_t add(enum idem_spool_kind kind)
{
    uint64_t id;

    assert_int_equal(
        idem_spool_append(courier.spool, kind, "olga", now_ms / HOUR_MS, "bytes", 5, &id), 0);
    idem_upkeep_wait(&courier);
    return id;
}

/* The timer is due, hours later. */
static void pass(int64_t hours)
{
    now_ms += hours * HOUR_MS;
    assert_int_equal(courier.loop.timer_count, 1);
    assert_int_equal(idem_loop_after(&courier.loop, &courier.upkeep, -1), 0);
    courier.upkeep.due(courier.upkeep.arg);
}

static struct idem_spool_counts counts(void)
{
    struct idem_spool_counts n;

    idem_upkeep_counts(&courier, &n);
    return n;
}

static void nobody_is_woken_up_for_an_empty_spool(void **state)
{
    (void)state;
    assert_int_equal(courier.loop.timer_count, 0);
    uint64_t id = add(IDEM_SPOOL_WINDOW);
    assert_int_equal(courier.loop.timer_count, 1);
    int64_t due = courier.upkeep.due_us;
    assert_true(due > idem_loop_now() + INT64_C(3000) * IDEM_COURIER_SECOND);
    add(IDEM_SPOOL_WINDOW); /* not put off by those who follow */
    assert_true(courier.upkeep.due_us == due);
    pass(1);
    assert_int_equal(courier.loop.timer_count, 1); /* they wait on */
    assert_int_equal(idem_spool_drop(courier.spool, id), 0);
    assert_int_equal(idem_spool_drop(courier.spool, id + 1), 0);
    pass(1);
    assert_int_equal(courier.loop.timer_count, 0);
}

static void what_waits_goes_though_nobody_comes(void **state)
{
    (void)state;
    add(IDEM_SPOOL_WINDOW);
    add(IDEM_SPOOL_ALARM);
    pass(IDEM_SPOOL_HOURS);
    assert_int_equal(counts().expired, 0);
    pass(1);
    assert_int_equal(counts().expired, 1);
    assert_int_equal(counts().waiting[IDEM_SPOOL_WINDOW], 0);
    assert_int_equal(counts().waiting[IDEM_SPOOL_ALARM], 1);
    pass(IDEM_SPOOL_ALARM_HOURS);
    assert_int_equal(counts().expired, 2);
    assert_int_equal(courier.loop.timer_count, 0);
}

/* What was given up is said once and shown until the process ends; what was not said, by the next
 * process. */
static void what_was_said_is_counted_from_nought(void **state)
{
    struct idem_spool_counts kept;

    (void)state;
    assert_int_equal(idem_spool_drop(courier.spool, add(IDEM_SPOOL_WINDOW)), 0);
    assert_int_equal(idem_spool_drop(courier.spool, add(IDEM_SPOOL_ALARM)), 0);
    assert_int_equal(counts().dropped, 1);
    pass(1);
    assert_int_equal(idem_spool_drop(courier.spool, add(IDEM_SPOOL_WINDOW)), 0);
    assert_int_equal(counts().dropped, 2);
    assert_int_equal(counts().refused, 1);
    idem_spool_counts(courier.spool, &kept);
    assert_int_equal(kept.dropped, 1);
    assert_int_equal(kept.refused, 0);
    end();
    begin();
    idem_spool_counts(courier.spool, &kept);
    assert_int_equal(kept.dropped, 0);
    assert_int_equal(counts().dropped, 1);
    assert_int_equal(counts().refused, 0);
    assert_int_equal(courier.loop.timer_count, 0);
}

static void a_spool_that_is_begun_anew_is_said_once(void **state)
{
    (void)state;
    add(IDEM_SPOOL_WINDOW);
    end();
    courier.dir = open(directory, O_RDONLY | O_DIRECTORY);
    int fd = openat(courier.dir, "spool", O_WRONLY);
    uint8_t noise[4 * IDEM_SPOOL_BLOCK]; /* both of its heads */
    memset(noise, 1, sizeof noise);
    assert_int_equal(pwrite(fd, noise, sizeof noise, 0), sizeof noise);
    close(fd);
    close(courier.dir);
    begin();
    assert_true(counts().lost);
    end();
    begin();
    assert_false(counts().lost);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nobody_is_woken_up_for_an_empty_spool),
        TEST(what_waits_goes_though_nobody_comes),
        TEST(what_was_said_is_counted_from_nought),
        TEST(a_spool_that_is_begun_anew_is_said_once),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
