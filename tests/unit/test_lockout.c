/* SPDX-License-Identifier: Apache-2.0 */
/* test_lockout.c - who waits how long after failed log-ins. */
#include "server/lockout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct idem_lockout *table;

static int make(void **state)
{
    (void)state;
    return idem_lockout_new(&table);
}

static int unmake(void **state)
{
    (void)state;
    idem_lockout_free(table);
    return 0;
}

static const uint8_t *key_of(uint32_t number)
{
    static uint8_t key[IDEM_LOCKOUT_KEY];
    memset(key, 0, sizeof key);
    memcpy(key, &number, sizeof number);
    return key;
}

static void fail_times(uint32_t who, int times, int64_t now)
{
    for (int i = 0; i < times; i++)
        idem_lockout_fail(table, key_of(who), IDEM_LOCKOUT_FREE_ACCOUNT, now);
}

static void delays_grow_to_their_longest(void **state)
{
    int64_t now = 1000, before = 0;
    (void)state;
    fail_times(1, IDEM_LOCKOUT_FREE_ACCOUNT, now);
    assert_int_equal(idem_lockout_wait(table, key_of(1), now), 0);
    for (int i = 0; i < 12; i++) {
        assert_true(idem_lockout_fail(table, key_of(1), IDEM_LOCKOUT_FREE_ACCOUNT, now));
        int64_t wait = idem_lockout_wait(table, key_of(1), now);
        assert_true(wait == (before == 0 ? IDEM_LOCKOUT_FIRST_MS : 2 * before) ||
                    wait == IDEM_LOCKOUT_LONGEST_MS);
        before = wait;
        now += wait;
        assert_int_equal(idem_lockout_wait(table, key_of(1), now), 0);
    }
    assert_int_equal(before, IDEM_LOCKOUT_LONGEST_MS);
    assert_int_equal(idem_lockout_wait(table, key_of(2), now), 0);
}

static void success_and_a_day_clear(void **state)
{
    (void)state;
    fail_times(1, 9, 1000);
    idem_lockout_clear(table, key_of(1));
    assert_int_equal(idem_lockout_wait(table, key_of(1), 1000), 0);
    fail_times(1, 9, 1000);
    fail_times(1, 1, 1001 + IDEM_LOCKOUT_FORGET_MS);
    assert_int_equal(idem_lockout_wait(table, key_of(1), 1001 + IDEM_LOCKOUT_FORGET_MS), 0);
}

static void a_clock_set_back_locks_nobody_for_long(void **state)
{
    (void)state;
    fail_times(1, 9, INT64_C(1) << 42);
    assert_int_equal(idem_lockout_wait(table, key_of(1), 1000), IDEM_LOCKOUT_LONGEST_MS);
}

static void filling_the_table_frees_nobody(void **state)
{
    (void)state;
    fail_times(1, 12, 1000);
    for (uint32_t i = 2; i < 2 * IDEM_LOCKOUT_MAX; i++)
        fail_times(i, 1, 2000);
    assert_true(idem_lockout_wait(table, key_of(1), 2000) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(delays_grow_to_their_longest, make, unmake),
        cmocka_unit_test_setup_teardown(success_and_a_day_clear, make, unmake),
        cmocka_unit_test_setup_teardown(a_clock_set_back_locks_nobody_for_long, make, unmake),
        cmocka_unit_test_setup_teardown(filling_the_table_frees_nobody, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
