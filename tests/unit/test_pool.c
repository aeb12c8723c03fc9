/* SPDX-License-Identifier: Apache-2.0 */
/* test_pool.c - every share is done exactly once a round, and the owner waits for all. */
#include "server/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS = 4, ROUNDS = 2000 };

static void count_share(void *arg, unsigned share)
{
    int *counts = arg;
    counts[share]++; /* not atomic: only this share's thread writes here, and the owner waits */
}

static void test_rounds(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= THREADS; threads++) {
        int counts[THREADS] = {0};
        struct idem_pool *pool;
        assert_int_equal(idem_pool_new(threads, &pool), 0);
        assert_int_equal(idem_pool_threads(pool), threads);
        for (int i = 1; i <= ROUNDS; i++) {
            idem_pool_run(pool, count_share, counts);
            for (unsigned t = 0; t < THREADS; t++)
                assert_int_equal(counts[t], t < threads ? i : 0);
        }
        idem_pool_free(pool);
    }
}

static void test_bounds(void **state)
{
    struct idem_pool *pool;
    (void)state;
    assert_int_equal(idem_pool_new(0, &pool), IDEM_ERR_INVALID);
    assert_int_equal(idem_pool_new(17, &pool), IDEM_ERR_INVALID);
    idem_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
