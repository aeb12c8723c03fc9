/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_zones.c - what a key is reduced to at each level, and that nothing finer than fingerrow can
 * be asked for.
 */
#include "window/zones.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEY_A = 30, KEY_S = 31, KEY_L = 38, KEY_SPACE = 57, KEY_BACKSPACE = 14, KEY_ENTER = 28 };
enum { KEY_LEFTSHIFT = 42, KEY_RIGHTSHIFT = 54, KEY_CAPSLOCK = 58, KEY_1 = 2, KEY_Z = 44 };

static struct idem_zoning zoning_of(enum idem_level level)
{
    struct idem_zoning z;
    assert_int_equal(idem_zoning_init(&z, level), 0);
    return z;
}

static void test_sizes(void **state)
{
    static const struct {
        enum idem_level level;
        uint16_t holds, flights;
    } want[] = {
        {IDEM_LEVEL_HAND, 7, 7},
        {IDEM_LEVEL_MIXED, 13, 7},
        {IDEM_LEVEL_FINGER, 13, 13},
        {IDEM_LEVEL_FINGERROW, 37, 37},
    };
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct idem_zoning z = zoning_of(want[i].level);
        assert_int_equal(z.holds, want[i].holds);
        assert_int_equal(z.flights, want[i].flights);
        assert_in_range(idem_zoning_slots(&z), 1, IDEM_SLOTS_MAX);
        for (int k = 0; k < IDEM_KEYS; k++) {
            assert_in_range(z.hold[k], 0, z.holds - 1);
            assert_in_range(z.flight[k], 0, z.flights - 1);
        }
    }
}

/* The levels that exist in offline evaluation only must not be reachable here. */
static void test_no_level_beyond_fingerrow(void **state)
{
    struct idem_zoning z;
    enum idem_level level = IDEM_LEVEL_HAND;
    (void)state;

    memset(&z, 0x77, sizeof z);
    for (int l = IDEM_LEVEL_FINGERROW + 1; l <= 300; l++)
        assert_int_equal(idem_zoning_init(&z, (enum idem_level)l), IDEM_ERR_LEVEL);
    assert_int_equal(idem_zoning_init(&z, (enum idem_level) - 1), IDEM_ERR_LEVEL);
    assert_int_equal(z.holds, 0x7777); /* untouched */
    assert_int_equal(idem_level_parse("key", &level), IDEM_ERR_LEVEL);
    assert_int_equal(idem_level_parse("", &level), IDEM_ERR_LEVEL);
    assert_int_equal(level, IDEM_LEVEL_HAND);
}

/* Each level tells no more keys apart than the next: zones are unions of the finer zones. */
static void test_levels_are_nested(void **state)
{
    (void)state;
    for (int l = IDEM_LEVEL_HAND; l < IDEM_LEVEL_FINGERROW; l++) {
        struct idem_zoning coarse = zoning_of((enum idem_level)l);
        struct idem_zoning fine = zoning_of((enum idem_level)(l + 1));
        for (int a = 0; a < IDEM_KEYS; a++) {
            for (int b = 0; b < a; b++) {
                if (fine.hold[a] == fine.hold[b])
                    assert_int_equal(coarse.hold[a], coarse.hold[b]);
                if (fine.flight[a] == fine.flight[b])
                    assert_int_equal(coarse.flight[a], coarse.flight[b]);
            }
        }
    }
}

/* No zone of letters or digits has only one key, at the levels that are meant to be sent. */
static void test_no_zone_names_a_letter(void **state)
{
    (void)state;
    for (int l = IDEM_LEVEL_HAND; l <= IDEM_LEVEL_FINGER; l++) {
        struct idem_zoning z = zoning_of((enum idem_level)l);
        for (int zone = 0; zone < z.holds - 5; zone++) {
            int keys = 0;
            for (int k = 0; k < IDEM_KEYS; k++)
                keys += z.hold[k] == zone;
            assert_true(keys >= 4);
        }
    }
}

static void test_known_keys(void **state)
{
    struct idem_zoning z = zoning_of(IDEM_LEVEL_MIXED);
    (void)state;
    assert_int_equal(idem_slot_hold(&z, KEY_A), 0);
    assert_int_equal(idem_slot_hold(&z, KEY_S), 1);
    assert_int_equal(idem_slot_hold(&z, KEY_L), 6);
    assert_int_equal(idem_slot_hold(&z, KEY_SPACE), 8);
    assert_int_equal(idem_slot_hold(&z, KEY_BACKSPACE), 9);
    assert_int_equal(idem_slot_hold(&z, KEY_LEFTSHIFT), 10);
    assert_int_equal(idem_slot_hold(&z, KEY_RIGHTSHIFT), 10);
    assert_int_equal(idem_slot_hold(&z, KEY_CAPSLOCK), 11);
    assert_int_equal(idem_slot_hold(&z, KEY_ENTER), 12);
    assert_int_equal(idem_slot_flight(&z, KEY_A, KEY_L), 13 + 0 * 7 + 1);
    assert_int_equal(idem_slot_flight(&z, KEY_SPACE, KEY_S), 13 + 2 * 7 + 0);
}

static void test_codes_beyond_the_table_are_other(void **state)
{
    static const uint32_t codes[] = {256, 257, 0x100 + KEY_A, 0x2FF, UINT32_MAX};
    struct idem_zoning z = zoning_of(IDEM_LEVEL_FINGERROW);
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_int_equal(idem_slot_hold(&z, codes[i]), z.holds - 1);
        assert_int_equal(idem_slot_flight(&z, codes[i], KEY_A),
                         z.holds + (z.flights - 1) * z.flights + z.flight[KEY_A]);
    }
}

static void assert_words(enum idem_level level, uint32_t slot, const char *words, bool hold)
{
    char text[128];
    bool is_hold;
    assert_int_equal(idem_slot_describe(level, slot, text, sizeof text, &is_hold), 0);
    assert_string_equal(text, words);
    assert_int_equal(is_hold, hold);
}

static void test_words(void **state)
{
    struct idem_zoning z = zoning_of(IDEM_LEVEL_FINGERROW);
    (void)state;
    assert_words(IDEM_LEVEL_MIXED, 1, "left ring finger", true);
    assert_words(IDEM_LEVEL_MIXED, 8, "space bar", true);
    assert_words(IDEM_LEVEL_MIXED, 13 + 1, "left hand to right hand", false);
    assert_words(IDEM_LEVEL_MIXED, 13 + 2 * 7 + 3, "space bar to backspace", false);
    assert_words(IDEM_LEVEL_FINGER, 13 + 13, "left ring finger to left little finger", false);
    assert_words(IDEM_LEVEL_FINGERROW, z.hold[KEY_1], "left little finger on the number row", true);
    assert_words(IDEM_LEVEL_FINGERROW, idem_slot_flight(&z, KEY_Z, KEY_L),
                 "left little finger on the bottom row to right ring finger on the home row",
                 false);
}

static void test_words_have_limits(void **state)
{
    char text[8] = "";
    bool hold = true;
    (void)state;
    for (int l = IDEM_LEVEL_HAND; l <= IDEM_LEVEL_FINGERROW; l++) {
        struct idem_zoning z = zoning_of((enum idem_level)l);
        uint32_t slots = idem_zoning_slots(&z);
        for (uint32_t s = 0; s < slots; s++) {
            assert_int_equal(idem_slot_describe((enum idem_level)l, s, text, 8, &hold), 0);
            assert_in_range(strlen(text), 1, 7);
        }
        assert_int_equal(idem_slot_describe((enum idem_level)l, slots, text, 8, &hold),
                         IDEM_ERR_INVALID);
    }
    assert_int_equal(idem_slot_describe((enum idem_level)4, 0, text, 8, &hold), IDEM_ERR_LEVEL);
}

static void test_names(void **state)
{
    (void)state;
    for (int l = IDEM_LEVEL_HAND; l <= IDEM_LEVEL_FINGERROW; l++) {
        enum idem_level parsed;
        assert_int_equal(idem_level_parse(idem_level_name((enum idem_level)l), &parsed), 0);
        assert_int_equal(parsed, l);
    }
    assert_string_equal(idem_level_name((enum idem_level)255), "unknown");
    assert_string_equal(idem_modality_name(IDEM_KEYBOARD), "keyboard");
    assert_string_equal(idem_modality_name(IDEM_POINTER), "pointer");
    assert_string_equal(idem_modality_name(IDEM_MODALITIES), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_no_level_beyond_fingerrow),
        cmocka_unit_test(test_levels_are_nested),
        cmocka_unit_test(test_no_zone_names_a_letter),
        cmocka_unit_test(test_known_keys),
        cmocka_unit_test(test_codes_beyond_the_table_are_other),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_words_have_limits),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
