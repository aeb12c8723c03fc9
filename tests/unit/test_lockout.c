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

/* Somebody at an address. */
struct
try {
    uint8_t account[IDEM_LOCKOUT_KEY], address[IDEM_LOCKOUT_KEY];
    struct idem_lockout_try who;
};

static const struct idem_lockout_try *try_of(uint32_t account, uint32_t address)
{
    static struct try t;
    memset(&t, 0, sizeof t);
    memcpy(t.account, &account, sizeof account);
    memcpy(t.address, &address, sizeof address);
    t.account[IDEM_LOCKOUT_KEY - 1] = 1; /* no address has the key of an account */
    t.who = (struct idem_lockout_try){t.account, t.address};
    return &t.who;
}

static bool fail_times(uint32_t account, uint32_t address, int times, int64_t now)
{
    bool begun = false;
    for (int i = 0; i < times; i++)
        begun = idem_lockout_fail(table, try_of(account, address), now);
    return begun;
}

static int64_t wait(uint32_t account, uint32_t address, int64_t now)
{
    return idem_lockout_wait(table, try_of(account, address), now);
}

static void delays_grow_to_their_longest(void **state)
{
    int64_t now = 1000, before = 0;
    (void)state;
    assert_false(fail_times(1, 7, IDEM_LOCKOUT_FREE_PAIR, now));
    assert_int_equal(wait(1, 7, now), 0);
    for (int i = 0; i < 12; i++) {
        assert_true(fail_times(1, 7, 1, now));
        int64_t left = wait(1, 7, now);
        assert_true(left == (before == 0 ? IDEM_LOCKOUT_FIRST_MS : 2 * before) ||
                    left == IDEM_LOCKOUT_LONGEST_MS);
        before = left;
        now += left;
        assert_int_equal(wait(1, 7, now), 0);
    }
    assert_int_equal(before, IDEM_LOCKOUT_LONGEST_MS);
    assert_int_equal(wait(2, 7, now), 0);
}

static void a_stranger_delays_nobody_elsewhere(void **state)
{
    (void)state;
    fail_times(1, 7, 1000, 1000);
    assert_true(wait(1, 7, 1000) > 0);
    assert_int_equal(wait(1, 8, 1000), 0);
    assert_true(wait(2, 7, 1000) > 0); /* the stranger waits for all */
}

static void many_addresses_delay_an_account(void **state)
{
    const uint32_t enough = IDEM_LOCKOUT_FREE_ACCOUNT / IDEM_LOCKOUT_FREE_PAIR;

    (void)state;
    for (uint32_t i = 0; i < enough; i++)
        assert_false(fail_times(1, 100 + i, IDEM_LOCKOUT_FREE_PAIR, 1000));
    assert_int_equal(wait(1, 8, 1000), 0);
    assert_true(fail_times(1, 99, 1, 1000));
    assert_int_equal(wait(1, 8, 1000), IDEM_LOCKOUT_FIRST_MS);
    assert_int_equal(wait(2, 8, 1000), 0);
    const uint8_t *account = try_of(1, 8)->account;
    idem_lockout_clear(table, account);
    assert_int_equal(wait(1, 8, 1000), 0);
}

static void addresses_are_delayed_too(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < IDEM_LOCKOUT_FREE_ADDRESS; i++)
        fail_times(i, 7, 1, 1000);
    assert_int_equal(wait(99, 7, 1000), 0);
    fail_times(98, 7, 1, 1000);
    assert_int_equal(wait(99, 7, 1000), IDEM_LOCKOUT_FIRST_MS);
}

static void success_and_a_day_clear(void **state)
{
    const int64_t later = 1001 + IDEM_LOCKOUT_FORGET_MS;

    (void)state;
    fail_times(1, 7, 9, 1000);
    idem_lockout_pass(table, try_of(1, 7));
    assert_int_equal(wait(1, 7, 1000), 0);
    fail_times(1, 7, 9, 1000);
    fail_times(1, 7, 1, later);
    assert_int_equal(wait(1, 7, later), 0);
    fail_times(1, 7, 9, later);
    idem_lockout_clear(table, try_of(1, 7)->account); /* an operator's reset, wherever he is */
    assert_int_equal(wait(1, 7, later), 0);
}

/* Who mistypes and then gets in uses nothing up for the account; what others fail stays. */
static void success_takes_back_its_own_only(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 19; i++)
        fail_times(1, 100 + i, IDEM_LOCKOUT_FREE_PAIR, 1000);
    for (int i = 0; i < 5; i++) {
        fail_times(1, 7, 4, 1000);
        assert_int_equal(wait(1, 7, 1000), 0);
        idem_lockout_pass(table, try_of(1, 7));
    }
    fail_times(1, 98, IDEM_LOCKOUT_FREE_PAIR, 1000);
    assert_int_equal(wait(1, 8, 1000), 0);
    fail_times(1, 99, 1, 1000);
    assert_true(wait(1, 8, 1000) > 0);
}

static void a_clock_set_back_locks_nobody_for_long(void **state)
{
    (void)state;
    fail_times(1, 7, 9, INT64_C(1) << 42);
    assert_int_equal(wait(1, 7, 1000), IDEM_LOCKOUT_LONGEST_MS);
}

static void filling_the_table_frees_nobody(void **state)
{
    (void)state;
    fail_times(1, 7, 12, 1000);
    for (uint32_t i = 2; i < 2 * IDEM_LOCKOUT_MAX; i++)
        fail_times(i, i, 1, 2000);
    assert_true(wait(1, 7, 2000) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(delays_grow_to_their_longest, make, unmake),
        cmocka_unit_test_setup_teardown(a_stranger_delays_nobody_elsewhere, make, unmake),
        cmocka_unit_test_setup_teardown(many_addresses_delay_an_account, make, unmake),
        cmocka_unit_test_setup_teardown(addresses_are_delayed_too, make, unmake),
        cmocka_unit_test_setup_teardown(success_takes_back_its_own_only, make, unmake),
        cmocka_unit_test_setup_teardown(success_and_a_day_clear, make, unmake),
        cmocka_unit_test_setup_teardown(a_clock_set_back_locks_nobody_for_long, make, unmake),
        cmocka_unit_test_setup_teardown(filling_the_table_frees_nobody, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
