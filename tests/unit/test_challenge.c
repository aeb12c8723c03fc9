/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_challenge.c - challenges: only one's own, for a minute, once; and however many come back,
 * memory is bounded.
 */
#include "server/challenge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { START = 1000000 };

static int setup(void **state)
{
    return idem_challenges_new((struct idem_challenges **)state);
}

static int teardown(void **state)
{
    idem_challenges_free(*state);
    return 0;
}

static void test_good_for_a_minute(void **state)
{
    struct idem_challenges *c = *state;
    uint8_t nonce[IDEM_SEAL_NONCE];

    idem_challenge_make(c, START, nonce);
    assert_int_equal(idem_challenge_check(c, START, nonce), 0);
    assert_int_equal(idem_challenge_check(c, START + IDEM_CHALLENGE_MS - 1, nonce), 0);
    assert_int_equal(idem_challenge_check(c, START + IDEM_CHALLENGE_MS, nonce), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_challenge_check(c, START - 1, nonce), IDEM_ERR_NOT_FOUND);
}

static void test_not_one_bit_may_differ(void **state)
{
    struct idem_challenges *c = *state;
    uint8_t nonce[IDEM_SEAL_NONCE];

    idem_challenge_make(c, START, nonce);
    for (int bit = 0; bit < 8 * IDEM_SEAL_NONCE; bit++) {
        nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(idem_challenge_check(c, START, nonce), IDEM_ERR_NOT_FOUND);
        nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void test_another_servers_is_none(void **state)
{
    struct idem_challenges *other;
    uint8_t nonce[IDEM_SEAL_NONCE];

    assert_int_equal(idem_challenges_new(&other), 0);
    idem_challenge_make(other, START, nonce);
    assert_int_equal(idem_challenge_check(*state, START, nonce), IDEM_ERR_NOT_FOUND);
    idem_challenges_free(other);
}

static void test_once(void **state)
{
    struct idem_challenges *c = *state;
    uint8_t one[IDEM_SEAL_NONCE], two[IDEM_SEAL_NONCE];

    idem_challenge_make(c, START, one);
    idem_challenge_make(c, START, two);
    assert_memory_not_equal(one, two, sizeof one);
    assert_int_equal(idem_challenge_use(c, START + 5, one), 0);
    assert_int_equal(idem_challenge_use(c, START + 5, one), IDEM_ERR_MISMATCH);
    assert_int_equal(idem_challenge_use(c, START + IDEM_CHALLENGE_MS - 1, one), IDEM_ERR_MISMATCH);
    assert_int_equal(idem_challenge_use(c, START + 5, two), 0);
}

/* A used one is forgotten only when it would not be good any more. */
static void test_the_table_is_bounded_and_empties_itself(void **state)
{
    struct idem_challenges *c = *state;
    uint8_t nonce[IDEM_SEAL_NONCE], first[IDEM_SEAL_NONCE];

    idem_challenge_make(c, START, first);
    assert_int_equal(idem_challenge_use(c, START, first), 0);
    for (int i = 1; i < IDEM_CHALLENGES_MAX; i++) {
        idem_challenge_make(c, START, nonce);
        assert_int_equal(idem_challenge_use(c, START + 1, nonce), 0);
    }
    idem_challenge_make(c, START, nonce);
    assert_int_equal(idem_challenge_use(c, START + 1, nonce), IDEM_ERR_FULL);
    assert_int_equal(idem_challenge_use(c, START + 1, first), IDEM_ERR_MISMATCH);
    assert_int_equal(idem_challenge_use(c, START + IDEM_CHALLENGE_MS, nonce), 0);
    assert_int_equal(idem_challenge_check(c, START + IDEM_CHALLENGE_MS, first), IDEM_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good_for_a_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_one_bit_may_differ, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_servers_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_table_is_bounded_and_empties_itself, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
