/* SPDX-License-Identifier: Apache-2.0 */
/* test_index.c - the hash index: adding, finding and removing in any order, and its bound. */
#include "server/index.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 300, KEY_LEN = 16 };

/* Few distinct first bytes, so that keys collide and wrap around the end of the table. */
static void make_key(uint32_t number, uint8_t key[KEY_LEN])
{
    memset(key, 0xff, KEY_LEN);
    key[0] = (uint8_t)(number % 7 + 0xf9);
    memcpy(key + 8, &number, sizeof number);
}

static void test_random_work(void **state)
{
    struct idem_index *x;
    struct idem_rng rng;
    bool in[KEYS] = {false};
    uint8_t key[KEY_LEN];
    (void)state;

    assert_int_equal(idem_index_new(KEY_LEN, KEYS, &x), 0);
    idem_rng_seed(&rng, 1);
    for (int i = 0; i < 20000; i++) {
        uint32_t k = idem_rng_below(&rng, KEYS);
        make_key(k, key);
        assert_int_equal(idem_index_find(x, key), in[k] ? (int32_t)k : IDEM_INDEX_NONE);
        if (in[k])
            idem_index_remove(x, key);
        else
            assert_int_equal(idem_index_add(x, key, (int32_t)k), 0);
        in[k] = !in[k];
    }
    for (uint32_t k = 0; k < KEYS; k++) {
        make_key(k, key);
        assert_int_equal(idem_index_find(x, key), in[k] ? (int32_t)k : IDEM_INDEX_NONE);
    }
    idem_index_free(x);
}

static void test_bounds(void **state)
{
    struct idem_index *x;
    uint8_t key[KEY_LEN];
    (void)state;

    assert_int_equal(idem_index_new(4, 10, &x), IDEM_ERR_INVALID);
    assert_int_equal(idem_index_new(33, 10, &x), IDEM_ERR_INVALID);
    assert_int_equal(idem_index_new(KEY_LEN, 10, &x), 0);
    for (uint32_t k = 0; k < 10; k++) {
        make_key(k, key);
        assert_int_equal(idem_index_add(x, key, 1), 0);
    }
    make_key(10, key);
    assert_int_equal(idem_index_add(x, key, 1), IDEM_ERR_LIMIT);
    idem_index_remove(x, key); /* is not there */
    assert_int_equal(idem_index_find(x, key), IDEM_INDEX_NONE);
    idem_index_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_work),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
