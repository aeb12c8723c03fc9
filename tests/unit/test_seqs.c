/* SPDX-License-Identifier: Apache-2.0 */
/* test_seqs.c - sequence numbers held and missing, beside a plain table of bits. */
#include "server/seqs.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool add(struct idem_seqs *s, uint32_t seq)
{
    bool fresh = false;
    assert_int_equal(idem_seqs_add(s, seq, &fresh), 0);
    return fresh;
}

static void test_in_order(void **state)
{
    struct idem_seqs s = {0};
    (void)state;
    for (uint32_t i = 1; i < 1000; i++) {
        assert_true(add(&s, i));
        assert_false(add(&s, i));
    }
    assert_int_equal(s.high, 999);
    assert_int_equal(s.gap_count, 0);
}

static void test_a_gap_is_split_and_filled(void **state)
{
    struct idem_seqs s = {0};
    (void)state;
    add(&s, 10);
    assert_int_equal(s.gap_count, 1);
    assert_true(add(&s, 5));
    assert_int_equal(s.gap_count, 2);
    assert_int_equal(s.gaps[0].last, 4);
    assert_int_equal(s.gaps[1].first, 6);
    assert_false(add(&s, 5));
    for (uint32_t i = 9; i >= 1; i--)
        assert_int_equal(add(&s, i), i != 5);
    assert_int_equal(s.gap_count, 0);
}

static void test_limits_change_nothing(void **state)
{
    struct idem_seqs s = {0}, before;
    bool fresh;
    (void)state;

    for (uint32_t i = 0; i < IDEM_GAPS_MAX; i++)
        add(&s, 4 + 4 * i);
    before = s;
    assert_int_equal(idem_seqs_add(&s, 1000, &fresh), IDEM_ERR_LIMIT);
    assert_int_equal(idem_seqs_add(&s, 2, &fresh), IDEM_ERR_LIMIT); /* would split */
    assert_int_equal(idem_seqs_add(&s, s.high + 100001, &fresh), IDEM_ERR_INVALID);
    assert_int_equal(idem_seqs_add(&s, UINT32_MAX, &fresh), IDEM_ERR_INVALID);
    assert_memory_equal(&s, &before, sizeof s);
    assert_true(add(&s, s.high + 1));
    assert_true(add(&s, 1));
}

static void test_against_a_table_of_bits(void **state)
{
    enum { MOST = 400 };
    struct idem_rng rng;
    (void)state;

    for (uint64_t seed = 0; seed < 200; seed++) {
        struct idem_seqs s = {0};
        bool held[MOST + 1] = {false}, fresh;
        idem_rng_seed(&rng, seed);
        for (int i = 0; i < 2000; i++) {
            uint32_t seq = 1 + idem_rng_below(&rng, s.high + 3 < MOST ? s.high + 3 : MOST);
            if (idem_seqs_add(&s, seq, &fresh) != 0)
                continue;
            assert_int_equal(fresh, !held[seq]);
            held[seq] = true;
        }
        for (uint32_t seq = 1; seq <= s.high; seq++) {
            bool missing = false;
            for (uint32_t g = 0; g < s.gap_count; g++)
                missing = missing || (seq >= s.gaps[g].first && seq <= s.gaps[g].last);
            assert_int_equal(missing, !held[seq]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_a_gap_is_split_and_filled),
        cmocka_unit_test(test_limits_change_nothing),
        cmocka_unit_test(test_against_a_table_of_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
