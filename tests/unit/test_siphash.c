/* SPDX-License-Identifier: Apache-2.0 */
/* test_siphash.c - the test vectors of the authors' reference implementation. */
#include "base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void reference_vectors(void **state)
{
    /* key 00..0f, message 00, 01, 02, ... of the given length */
    static const struct {
        size_t len;
        uint64_t hash;
    } known[] = {{0, 0x726fdb47dd0e0e31},
                 {1, 0x74f839c593dc67fd},
                 {7, 0xab0200f58b01d137},
                 {8, 0x93f5f5799a932462},
                 {15, 0xa129ca6149be45e5}};
    uint8_t key[IDEM_SIPHASH_KEY], message[16];
    (void)state;
    for (uint8_t i = 0; i < 16; i++)
        key[i] = message[i] = i;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(idem_siphash(key, message, known[i].len) == known[i].hash);
}

static void every_key_byte_counts(void **state)
{
    uint8_t key[IDEM_SIPHASH_KEY] = {0};
    const uint64_t before = idem_siphash(key, "window", 6);
    (void)state;
    for (int i = 0; i < IDEM_SIPHASH_KEY; i++) {
        key[i] ^= 1;
        assert_true(idem_siphash(key, "window", 6) != before);
        key[i] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_vectors),
        cmocka_unit_test(every_key_byte_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
