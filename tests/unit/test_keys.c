/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_keys.c - the keyboard's judge: hands and what looks like none but is one, machines and what
 * looks like a hand but is none. Streams are made here, in milliseconds, with a fixed seed.
 */
#include "base/rng.h"
#include "guard/keys.h"
#include "idem/idem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SHIFT = 42, CTRL = 29, META = 125, ENTER = 28, SPACE = 57, BACKSPACE = 14, VOLUME = 114 };

static const uint8_t letters[] = {16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 30, 31, 32,
                                  33, 34, 35, 36, 37, 38, 44, 45, 46, 47, 48, 49, 50};

struct seat {
    struct idem_guard *guard;
    struct idem_rng rng;
    double ms;        /* of the newest key-down */
    uint32_t downs;   /* so far */
    uint32_t alarmed; /* after so many, 0: not */
    uint32_t turns;   /* how often the guard said that something is new */
    uint32_t last;    /* key */
};

static void sit(struct seat *s, const struct idem_guard_device *device)
{
    memset(s, 0, sizeof *s);
    assert_int_equal(idem_guard_new(device, &s->guard), 0);
    idem_rng_seed(&s->rng, 7);
    s->ms = 1000;
}

static void leave(struct seat *s)
{
    idem_guard_free(s->guard);
}

static enum idem_guard_kind kind(const struct seat *s)
{
    return idem_guard_read(s->guard).kind;
}

static bool saw(const struct seat *s, enum idem_guard_reason reason)
{
    struct idem_guard_verdict v = idem_guard_read(s->guard);
    for (uint32_t i = 0; i < v.saw_count; i++)
        if (v.saw[i].reason == reason)
            return true;
    return false;
}

static void event(struct seat *s, uint32_t key, enum idem_key_action action, unsigned flags,
                  double ms)
{
    s->downs += action == IDEM_KEY_DOWN;
    if (!idem_guard_key(s->guard, key, action, flags, (int64_t)llround(ms * 1000)))
        return;
    s->turns++;
    if (s->alarmed == 0 && idem_guard_is_alarm(kind(s)))
        s->alarmed = s->downs;
}

/* A key gap_ms after the one before, held hold_ms. */
static void stroke(struct seat *s, uint32_t key, double gap_ms, double hold_ms)
{
    s->ms += gap_ms;
    event(s, key, IDEM_KEY_DOWN, 0, s->ms);
    event(s, key, IDEM_KEY_UP, 0, s->ms + hold_ms);
    s->last = key;
}

/* Never the key before again. */
static uint32_t letter(struct seat *s)
{
    uint32_t key = s->last;
    while (key == s->last)
        key = letters[idem_rng_below(&s->rng, sizeof letters)];
    return key;
}

static double log_normal(struct seat *s, double median, double sd)
{
    return median * exp(sd * idem_rng_normal(&s->rng));
}

/* A person: holds about 95 ms, a key every 165; overlaps where they come to. */
static void type_by_hand(struct seat *s, uint32_t keys)
{
    double up_ms = 0;
    uint32_t down = 0;
    for (uint32_t i = 0; i < keys; i++) {
        uint32_t key = letter(s);
        s->last = key;
        s->ms += log_normal(s, 165, 0.5);
        if (down != 0 && up_ms <= s->ms) {
            event(s, down, IDEM_KEY_UP, 0, up_ms);
            down = 0;
        }
        event(s, key, IDEM_KEY_DOWN, 0, s->ms);
        if (down != 0)
            event(s, down, IDEM_KEY_UP, 0, s->ms + 1);
        down = key;
        up_ms = s->ms + log_normal(s, 95, 0.25);
    }
    event(s, down, IDEM_KEY_UP, 0, up_ms);
    s->ms = up_ms;
}

static void type_by_machine(struct seat *s, uint32_t keys, double gap_ms, double hold_ms)
{
    for (uint32_t i = 0; i < keys; i++)
        stroke(s, letter(s), gap_ms, hold_ms);
}

/* ------------------------------------------------------------------ hands */

static void test_a_hand_is_told_and_never_alarmed(void **state)
{
    (void)state;
    for (uint64_t person = 0; person < 200; person++) {
        struct seat s;
        sit(&s, NULL);
        idem_rng_seed(&s.rng, person + 1);
        type_by_hand(&s, 60);
        assert_int_equal(kind(&s), IDEM_GUARD_HUMAN);
        assert_true(idem_guard_read(s.guard).confidence > 0.99);
        assert_int_equal(s.alarmed, 0);
        leave(&s);
    }
}

static void test_too_little_says_so(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    assert_int_equal(kind(&s), IDEM_GUARD_INSUFFICIENT);
    type_by_hand(&s, 4);
    assert_int_equal(kind(&s), IDEM_GUARD_INSUFFICIENT);
    assert_true(idem_guard_read(s.guard).confidence <= 0.0);
    leave(&s);
}

/* What queued up while a page was busy is delivered at once: ten keys, all of them a person's. */
static void test_a_queue_after_a_stall_is_a_hand(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    type_by_hand(&s, 20);
    s.ms += 1325;
    for (int i = 0; i < 10; i++)
        stroke(&s, letter(&s), 4, 3);
    assert_int_equal(s.alarmed, 0);
    type_by_hand(&s, 20);
    assert_int_equal(s.alarmed, 0);
    leave(&s);
}

/* The same at the very start, with the first key held through the stall. */
static void test_a_queue_behind_a_held_key_is_a_hand(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    event(&s, SHIFT, IDEM_KEY_DOWN, 0, 1000);
    event(&s, 48, IDEM_KEY_DOWN, 0, 1059);
    event(&s, 48, IDEM_KEY_UP, 0, 1539);
    event(&s, SHIFT, IDEM_KEY_UP, 0, 1540);
    s.ms = 1540;
    type_by_machine(&s, 7, 2, 1.5);
    assert_int_equal(s.alarmed, 0);
    leave(&s);
}

/* No more keys than somebody types in it hide in a stall. */
static void test_a_stall_hides_no_payload(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    type_by_hand(&s, 150);
    uint32_t before = s.downs;
    s.ms += 400;
    type_by_machine(&s, 40, 8, 2);
    assert_int_equal(kind(&s), IDEM_GUARD_INJECTED_KEYS);
    assert_in_range(s.alarmed - before, 4, 20);
    assert_true(saw(&s, IDEM_SAW_UNLIKE_PAST));
    leave(&s);
}

/* However long it was: a screen that does not answer for four seconds is not typed at for them. */
static void test_a_long_stall_hides_little_more(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    type_by_hand(&s, 150);
    uint32_t before = s.downs;
    s.ms += 4000;
    type_by_machine(&s, 60, 8, 2);
    assert_in_range(s.alarmed - before, 4, 24);
    leave(&s);
}

/* Where nobody has typed yet, there is nobody whose keys could have queued up. */
static void test_a_payloads_delay_is_no_stall(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    stroke(&s, META, 6, 4);
    stroke(&s, 19, 2, 2);
    s.ms += 1500;
    type_by_machine(&s, 30, 8, 2);
    assert_in_range(s.alarmed, 3, 7);
    leave(&s);

    const struct idem_guard_stroke by_hand = {.hold_us = 95000, .gap_us = 165000};
    struct idem_contest c;
    idem_contest_init(&c, IDEM_ROLE_ORDINARY, false, false, -6.0);
    uint32_t fresh = c.backlog;
    idem_contest_stall(&c, 2000000, false);
    assert_int_equal(c.backlog, fresh);
    for (int i = 0; i < 3; i++)
        idem_contest_stroke(&c, &by_hand, 1000);
    idem_contest_stall(&c, 2000000, false);
    assert_true(c.backlog > fresh + 10);
    /* After a rest of twenty seconds it is not the machine that was slow, unless a key was down. */
    idem_contest_stall(&c, 20000000, true);
    assert_true(c.backlog > fresh + 10);
    idem_contest_stall(&c, 20000000, false);
    assert_true(c.backlog < fresh + 2);
}

/* A page so slow that it takes one event every eight frames: every interval is the same. */
static void test_a_slow_page_is_no_rhythm(void **state)
{
    struct seat s;
    double ms = 1000;
    (void)state;
    sit(&s, NULL);
    type_by_hand(&s, 30);
    ms = s.ms;
    for (int i = 0; i < 60; i++) {
        uint32_t a = letter(&s), b;
        s.last = a;
        b = letter(&s);
        s.last = b;
        event(&s, a, IDEM_KEY_DOWN, 0, ms += 133.3);
        if (i % 2 == 0)
            event(&s, b, IDEM_KEY_DOWN, 0, ms += 133.3);
        event(&s, a, IDEM_KEY_UP, 0, ms += 133.3);
        if (i % 2 == 0)
            event(&s, b, IDEM_KEY_UP, 0, ms += 133.3);
    }
    assert_int_equal(s.alarmed, 0);
    leave(&s);
}

/* The kernel's stamps do not bunch, so that there a stall excuses next to nothing. */
static void test_hardware_has_no_queue(void **state)
{
    const struct idem_guard_device usb = {.source = IDEM_SOURCE_HARDWARE, .tick_us = 1};
    struct seat s;
    (void)state;
    sit(&s, &usb);
    type_by_hand(&s, 150);
    uint32_t before = s.downs;
    s.ms += 1500;
    type_by_machine(&s, 40, 8, 2);
    assert_in_range(s.alarmed - before, 2, 6);
    leave(&s);
}

/* A radio holds reports back, and they are stamped when they come. */
static void test_a_radio_has_a_queue(void **state)
{
    const struct idem_guard_device radio = {
        .source = IDEM_SOURCE_HARDWARE, .wireless = true, .tick_us = 1};
    struct seat s;
    (void)state;
    sit(&s, &radio);
    type_by_hand(&s, 150);
    s.ms += 1000;
    for (int i = 0; i < 8; i++)
        stroke(&s, letter(&s), 9, 4);
    type_by_hand(&s, 20);
    assert_int_equal(s.alarmed, 0);
    leave(&s);
}

/* Keys that come up at once, or are hardly pressed: holds of 40 ms. */
static void test_light_keys_are_a_hand(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    for (int i = 0; i < 400; i++)
        stroke(&s, letter(&s), 60 + log_normal(&s, 100, 0.5), log_normal(&s, 40, 0.3));
    assert_int_equal(s.alarmed, 0);
    assert_int_equal(kind(&s), IDEM_GUARD_HUMAN);
    leave(&s);
}

/* Glass: no hold to speak of, but a finger's pace. */
static void test_a_touch_keyboard_is_a_hand(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    for (int i = 0; i < 100; i++)
        stroke(&s, letter(&s), 150 + log_normal(&s, 250, 0.5), 1 + (double)(i % 3));
    assert_int_equal(s.alarmed, 0);
    leave(&s);
}

/* Home-row modifiers: only the home row is brief. */
static void test_tap_hold_keys_are_a_known_function(void **state)
{
    static const uint8_t home[] = {30, 31, 32, 33, 36, 37, 38, 39};
    struct seat s;
    (void)state;
    sit(&s, NULL);
    for (uint32_t i = 0; i < 80; i++) {
        bool at_home = i % 2 == 0;
        uint32_t key = at_home ? home[i / 2 % 8] : letters[i / 2 % 10];
        stroke(&s, key, 100 + log_normal(&s, 60, 0.4), at_home ? 2 : log_normal(&s, 90, 0.2));
    }
    assert_int_equal(s.alarmed, 0);
    assert_int_equal(kind(&s), IDEM_GUARD_MACRO);
    assert_true(saw(&s, IDEM_SAW_TAP_HOLD));
    leave(&s);
}

static void test_repeats_are_no_evidence(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    event(&s, BACKSPACE, IDEM_KEY_DOWN, 0, 1000);
    for (int i = 0; i < 100; i++)
        event(&s, BACKSPACE, IDEM_KEY_REPEAT, 0, 1500 + 33 * i);
    event(&s, BACKSPACE, IDEM_KEY_UP, 0, 4900);
    /* Recorders that know no repeat give key-downs; volume keys are pressed again and again. */
    for (int i = 0; i < 50; i++)
        event(&s, BACKSPACE, IDEM_KEY_DOWN, 0, 6000 + 33 * i);
    event(&s, BACKSPACE, IDEM_KEY_UP, 0, 8000);
    for (int i = 0; i < 50; i++) {
        event(&s, VOLUME, IDEM_KEY_DOWN, 0, 9000 + 33 * i);
        event(&s, VOLUME, IDEM_KEY_UP, 0, 9010 + 33 * i);
    }
    assert_int_equal(s.turns, 0);
    leave(&s);
}

/* A clock of 15.6 ms makes every third hold equal to the one before. */
static void test_a_coarse_clock_is_no_rhythm(void **state)
{
    struct seat s;
    const double tick = 15.625;
    (void)state;
    sit(&s, NULL);
    for (int i = 0; i < 2000; i++) {
        double gap = tick * round(log_normal(&s, 200, 0.05) / tick);
        double hold = tick * round(log_normal(&s, 80, 0.05) / tick);
        stroke(&s, letter(&s), gap, hold);
    }
    assert_int_equal(s.alarmed, 0);
    assert_int_equal(kind(&s), IDEM_GUARD_HUMAN);
    leave(&s);
}

/* A remote desktop reports every 109 ms: most holds are nought, and mean nothing. */
static void test_a_remote_desktops_clock_is_no_function(void **state)
{
    const double tick = 109;
    (void)state;
    for (uint64_t person = 0; person < 50; person++) {
        struct seat s;
        double now = 0, before = 0;
        sit(&s, NULL);
        idem_rng_seed(&s.rng, person + 1);
        for (int i = 0; i < 60; i++) {
            now += log_normal(&s, 220, 0.5);
            double down = tick * floor(now / tick), up = tick * floor((now + 90) / tick);
            stroke(&s, letter(&s), down - before, up - down);
            before = down;
        }
        assert_int_equal(s.alarmed, 0);
        assert_int_not_equal(kind(&s), IDEM_GUARD_MACRO);
        leave(&s);
    }
}

/* Sticky Keys: Shift is tapped on its own, then the letter. Accessibility is no sign of anything.
 */
static void test_sticky_shift_is_a_hand(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    for (int i = 0; i < 20; i++) {
        stroke(&s, SHIFT, 300, 90);
        s.ms += 250;
        uint32_t key = letter(&s);
        event(&s, key, IDEM_KEY_DOWN, IDEM_GUARD_CAPITAL, s.ms);
        event(&s, key, IDEM_KEY_UP, 0, s.ms + 95);
        s.last = key;
        type_by_hand(&s, 4);
    }
    assert_int_equal(s.alarmed, 0);
    leave(&s);
}

/* ------------------------------------------------------------------ machines */

/* DATA: gap and hold of devices that are sold for it, on a device nothing is known of. */
static void test_machines_are_found_by_the_fifth_key(void **state)
{
    static const struct {
        double gap, hold;
        uint32_t by;
    } machine[] = {{8, 2, 4}, {6, 2, 4}, {42, 2, 4}, {52, 2, 5}, {102, 2, 6}};
    (void)state;
    for (size_t i = 0; i < sizeof machine / sizeof *machine; i++) {
        struct seat s;
        sit(&s, NULL);
        type_by_machine(&s, 30, machine[i].gap, machine[i].hold);
        assert_int_equal(kind(&s), IDEM_GUARD_INJECTED_KEYS);
        assert_in_range(s.alarmed, 3, machine[i].by);
        assert_true(saw(&s, IDEM_SAW_HOLDS_SHORT));
        leave(&s);
    }
}

/* As slow as a finger on glass, but in step. */
static void test_long_delays_do_not_hide_a_machine(void **state)
{
    (void)state;
    for (int delay = 150; delay <= 400; delay += 50) {
        struct seat s;
        sit(&s, NULL);
        type_by_machine(&s, 40, delay + 2, 2);
        assert_in_range(s.alarmed, 4, 15);
        leave(&s);
    }
}

/* One key down before the one before is up, as hands do it, but a hundred of them a second. */
static void test_overlap_does_not_hide_a_machine(void **state)
{
    static const double hold[] = {65, 30, 20}, gap[] = {3, 5, 10};
    (void)state;
    for (int m = 0; m < 3; m++) {
        struct seat s;
        double ups[200];
        uint32_t keys[200], up = 0;
        sit(&s, NULL);
        for (uint32_t i = 0; i < 200; i++) {
            double down = 1000 + gap[m] * i;
            keys[i] = letters[i % sizeof letters];
            for (; up < i && ups[up] <= down; up++)
                event(&s, keys[up], IDEM_KEY_UP, 0, ups[up]);
            event(&s, keys[i], IDEM_KEY_DOWN, 0, down);
            ups[i] = down + hold[m];
        }
        assert_in_range(s.alarmed, 4, 40);
        assert_true(saw(&s, IDEM_SAW_GAPS_SHORT));
        leave(&s);
    }
}

/* Nor does never letting go. */
static void test_keys_that_stay_down_are_judged(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    for (uint32_t i = 0; i < 100; i++)
        event(&s, 1 + i, IDEM_KEY_DOWN, 0, 1000 + 5.0 * i);
    assert_int_equal(kind(&s), IDEM_GUARD_INJECTED_KEYS);
    assert_true(idem_guard_read(s.guard).saw_count > 0);
    leave(&s);
}

/* Nor does one key that is held all the while. */
static void test_a_stuck_key_hides_no_machine(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    event(&s, 59, IDEM_KEY_DOWN, 0, 1000);
    s.ms = 4000;
    for (int i = 0; i < 40; i++)
        stroke(&s, letter(&s), 6 + idem_rng_below(&s.rng, 160), 2);
    assert_in_range(s.alarmed, 4, 20);
    leave(&s);
}

static void test_jitter_does_not_hide_a_machine(void **state)
{
    (void)state;
    for (uint32_t most = 20; most <= 160; most *= 2) {
        struct seat s;
        sit(&s, NULL);
        for (int i = 0; i < 40; i++)
            stroke(&s, letter(&s), 6 + idem_rng_below(&s.rng, most), 2);
        assert_in_range(s.alarmed, 3, 12);
        leave(&s);
    }
}

static void test_human_gaps_do_not_hide_brief_holds(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    for (int i = 0; i < 40; i++)
        stroke(&s, letter(&s), log_normal(&s, 130, 0.5) + 28, 8 + idem_rng_below(&s.rng, 19));
    assert_in_range(s.alarmed, 3, 15);
    leave(&s);
}

/* A program that waits between press and release: all holds alike, nothing in between. */
static void test_equal_holds_and_flights_are_a_machine(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    type_by_machine(&s, 40, 101.5, 100.3);
    assert_int_equal(kind(&s), IDEM_GUARD_INJECTED_KEYS);
    assert_in_range(s.alarmed, 5, 15);
    assert_true(saw(&s, IDEM_SAW_HOLDS_EQUAL));
    assert_true(saw(&s, IDEM_SAW_NO_ROLLOVER));
    assert_false(saw(&s, IDEM_SAW_UNLIKE_PAST));
    leave(&s);
}

/* The same on a busy machine, whose times are some milliseconds off. */
static void test_nearly_equal_times_are_a_machine(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    for (int i = 0; i < 60; i++)
        stroke(&s, letter(&s), 120 + idem_rng_uniform(&s.rng) * 3,
               80 + idem_rng_uniform(&s.rng) * 3);
    assert_in_range(s.alarmed, 5, 30);
    leave(&s);
}

/* Holds drawn evenly from half a second, a tenth of a second between all of them. */
static void test_equal_flights_are_a_machine(void **state)
{
    struct seat s;
    double hold = 0;
    (void)state;
    sit(&s, NULL);
    for (int i = 0; i < 60; i++) {
        double before = hold;
        hold = 100 + idem_rng_below(&s.rng, 500);
        stroke(&s, letter(&s), before + 112, hold);
    }
    assert_in_range(s.alarmed, 5, 40);
    assert_true(saw(&s, IDEM_SAW_GAPS_EQUAL));
    leave(&s);
}

static void test_bare_capitals_are_a_program(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    for (int i = 0; i < 3; i++) {
        type_by_hand(&s, 2);
        uint32_t key = letter(&s);
        s.ms += 200;
        event(&s, key, IDEM_KEY_DOWN, IDEM_GUARD_CAPITAL, s.ms);
        event(&s, key, IDEM_KEY_UP, 0, s.ms + 95);
        s.last = key;
    }
    assert_int_equal(kind(&s), IDEM_GUARD_INJECTED_KEYS);
    assert_true(saw(&s, IDEM_SAW_CAPITALS_BARE));
    leave(&s);
}

static void capital(struct seat *s, double lead_ms)
{
    uint32_t key = letter(s);
    s->ms += 200;
    event(s, SHIFT, IDEM_KEY_DOWN, 0, s->ms);
    event(s, key, IDEM_KEY_DOWN, IDEM_GUARD_CAPITAL, s->ms + lead_ms);
    event(s, key, IDEM_KEY_UP, 0, s->ms + lead_ms + 95);
    event(s, SHIFT, IDEM_KEY_UP, 0, s->ms + lead_ms + 96);
    s->ms += lead_ms;
    s->last = key;
}

/* Keyboards with a layer of symbols send Shift with its key: by itself that is no program. */
static void test_shift_at_once_is_no_program_alone(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    for (int i = 0; i < 20; i++) {
        type_by_hand(&s, 3);
        capital(&s, 1);
    }
    assert_int_equal(s.alarmed, 0);
    leave(&s);
}

/* Beside capitals that came without any Shift it is. */
static void test_shift_at_once_is_evidence(void **state)
{
    (void)state;
    for (int exact = 0; exact < 2; exact++) {
        struct seat s;
        sit(&s, NULL);
        for (int i = 0; i < 2; i++) {
            type_by_hand(&s, 2);
            if (exact)
                capital(&s, 1);
            uint32_t key = letter(&s);
            s.ms += 200;
            event(&s, key, IDEM_KEY_DOWN, IDEM_GUARD_CAPITAL, s.ms);
            event(&s, key, IDEM_KEY_UP, 0, s.ms + 95);
            s.last = key;
        }
        assert_int_equal(kind(&s) == IDEM_GUARD_INJECTED_KEYS, exact);
        assert_int_equal(saw(&s, IDEM_SAW_SHIFT_EXACT), exact);
        leave(&s);
    }
}

static void chords(struct seat *s, double lead_ms)
{
    for (int i = 0; i < 3; i++) {
        s->ms += 500;
        event(s, META, IDEM_KEY_DOWN, 0, s->ms);
        event(s, letters[i], IDEM_KEY_DOWN, 0, s->ms + lead_ms);
        event(s, letters[i], IDEM_KEY_UP, 0, s->ms + lead_ms + 60);
        event(s, META, IDEM_KEY_UP, 0, s->ms + lead_ms + 70);
    }
}

/* One report holds a modifier and its key; on a clock that could not tell, nothing is concluded. */
static void test_one_report_is_evidence_on_a_fine_clock_only(void **state)
{
    const struct idem_guard_device fine = {.tick_us = 1}, coarse = {.tick_us = 1000};
    struct seat a, b, c;
    (void)state;
    sit(&a, &fine);
    sit(&b, &coarse);
    sit(&c, &fine);
    chords(&a, 0);
    chords(&b, 0);
    chords(&c, 90);
    /* Enough of a machine's strokes to make all three alarm, for the reasons. */
    type_by_machine(&a, 20, 8, 2);
    type_by_machine(&b, 20, 8, 2);
    type_by_machine(&c, 20, 8, 2);
    assert_true(saw(&a, IDEM_SAW_ONE_REPORT));
    assert_false(saw(&b, IDEM_SAW_ONE_REPORT));
    assert_false(saw(&c, IDEM_SAW_ONE_REPORT));
    leave(&a);
    leave(&b);
    leave(&c);
}

/* Control, Alt and Meta on glass are held: chords of two milliseconds are no finger's. */
static void test_brief_chords_are_no_finger(void **state)
{
    struct seat chord, glass;
    (void)state;
    sit(&chord, NULL);
    sit(&glass, NULL);
    for (int i = 0; i < 4; i++) {
        stroke(&chord, i % 2 == 0 ? META : CTRL, 500, 4);
        stroke(&chord, letter(&chord), 600, 2);
        stroke(&glass, i % 2 == 0 ? SHIFT : ENTER, 500, 4);
        stroke(&glass, letter(&glass), 600, 2);
    }
    assert_int_not_equal(chord.alarmed, 0);
    assert_int_equal(glass.alarmed, 0);
    leave(&chord);
    leave(&glass);
}

/* ------------------------------------------------------------------ devices */

static void test_what_is_known_of_a_device_weighs(void **state)
{
    const struct idem_guard_device fresh = {.source = IDEM_SOURCE_HARDWARE,
                                            .hotplugged = true,
                                            .twin = true,
                                            .arrived_us = 500000,
                                            .tick_us = 1};
    struct seat s, unknown;
    (void)state;
    sit(&s, &fresh);
    sit(&unknown, NULL);
    for (int i = 0; i < 40; i++) {
        double gap = 60 + idem_rng_below(&s.rng, 160);
        stroke(&s, letter(&s), gap, 2);
        stroke(&unknown, letter(&unknown), gap, 2);
    }
    assert_true(s.alarmed >= 3 && s.alarmed < unknown.alarmed);
    assert_true(saw(&s, IDEM_SAW_NEW_DEVICE));
    assert_true(saw(&s, IDEM_SAW_TWIN));
    leave(&s);
    leave(&unknown);
}

/* Each thing that is known of a device alone moves the odds. */
static void test_twins_and_arrivals_weigh_each(void **state)
{
    const struct idem_guard_device plain = {0}, twin = {.twin = true},
                                   fresh = {.hotplugged = true, .arrived_us = 900000},
                                   old = {.hotplugged = true, .arrived_us = -900000000},
                                   xtest = {.source = IDEM_SOURCE_SYNTHETIC};
    const struct idem_guard_device *all[] = {&plain, &old, &twin, &xtest, &fresh};
    double odds[5];
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct idem_key_judge j;
        idem_key_judge_init(&j, all[i]);
        idem_key_judge_event(&j, 30, IDEM_KEY_DOWN, 0, 1000000);
        odds[i] = idem_contest_odds(&j.contest);
    }
    assert_true(fabs(odds[1] - odds[0]) < 1e-9);
    assert_true(odds[2] > odds[0] + 0.5);
    assert_true(odds[3] > odds[2] + 0.5);
    assert_true(odds[4] > odds[3] + 0.5);
}

/* The longer a hand has been at a device, the more it takes to be another's. */
static void test_a_settled_device_takes_more(void **state)
{
    const struct idem_guard_stroke by_hand = {.hold_us = 95000, .gap_us = 165000};
    struct idem_contest c;
    double young;
    (void)state;
    idem_contest_init(&c, IDEM_ROLE_ORDINARY, false, false, -6.0);
    for (int i = 0; i < 20; i++)
        idem_contest_stroke(&c, &by_hand, 16000);
    young = c.nats[IDEM_BY_JITTER];
    for (int i = 0; i < 200; i++)
        idem_contest_stroke(&c, &by_hand, 16000);
    assert_true(c.nats[IDEM_BY_JITTER] < young - 4.0);
}

static double program_after(unsigned what, int strokes)
{
    const struct idem_guard_stroke s = {
        .hold_us = 95000, .gap_us = 165000, .flight_us = IDEM_TIME_NONE, .what = what};
    struct idem_contest c;
    idem_contest_init(&c, IDEM_ROLE_ORDINARY, false, false, -6.0);
    for (int i = 0; i < strokes; i++)
        idem_contest_stroke(&c, &s, 1);
    return c.nats[IDEM_BY_PROGRAM];
}

/* Capitals count for a program and against it, but not for ever. */
static void test_shift_weighs_both_ways(void **state)
{
    (void)state;
    assert_true(program_after(IDEM_STROKE_EXACT, 1) > program_after(0, 1) + 2.9);
    assert_true(program_after(IDEM_STROKE_LED, 1) < program_after(0, 1) - 2.9);
    assert_true(program_after(IDEM_STROKE_EXACT, 40) <= program_after(IDEM_STROKE_EXACT, 2));
}

static void test_one_report_counts_once(void **state)
{
    struct idem_guard_stroke s = {.hold_us = 95000, .gap_us = 165000, .flight_us = IDEM_TIME_NONE};
    struct idem_contest plain, reported;
    (void)state;
    idem_contest_init(&plain, IDEM_ROLE_ORDINARY, false, false, -6.0);
    reported = plain;
    for (int i = 0; i < 3; i++) {
        s.what = 0;
        idem_contest_stroke(&plain, &s, 1);
        s.what = IDEM_STROKE_REPORT;
        idem_contest_stroke(&reported, &s, 1);
    }
    double more = idem_contest_odds(&reported) - idem_contest_odds(&plain);
    assert_true(more > 2.9 && more < 3.1);
}

static void scan(struct seat *s)
{
    for (int i = 0; i < 13; i++)
        stroke(s, 2 + (uint32_t)(s->last + 1 + idem_rng_below(&s->rng, 8)) % 10, 6, 3);
    stroke(s, ENTER, 6, 3);
    s->ms += 4000;
}

static void test_a_known_scanner_is_a_macro_an_unknown_one_an_alarm(void **state)
{
    const struct idem_guard_device scanner = {.role = IDEM_ROLE_SCANNER};
    struct seat known, unknown;
    (void)state;
    sit(&known, &scanner);
    sit(&unknown, NULL);
    for (int i = 0; i < 5; i++) {
        scan(&known);
        scan(&unknown);
    }
    assert_int_equal(known.alarmed, 0);
    assert_int_equal(kind(&known), IDEM_GUARD_MACRO);
    assert_true(saw(&known, IDEM_SAW_ROLE));
    assert_int_equal(kind(&unknown), IDEM_GUARD_INJECTED_KEYS);
    leave(&known);
    leave(&unknown);
}

/* Nor do they type a page in one go. */
static void test_a_scanner_types_no_page(void **state)
{
    const struct idem_guard_device scanner = {.role = IDEM_ROLE_SCANNER};
    struct seat s;
    (void)state;
    sit(&s, &scanner);
    for (int line = 0; line < 12; line++) {
        type_by_machine(&s, 40, 8, 2);
        s.ms += 700;
    }
    assert_int_equal(kind(&s), IDEM_GUARD_INJECTED_KEYS);
    assert_true(saw(&s, IDEM_SAW_ROLE_BROKEN));
    leave(&s);
}

/* Its identification is the scanner's, but scanners open no windows. */
static void test_a_role_that_is_broken_protects_nobody(void **state)
{
    const struct idem_guard_device scanner = {.role = IDEM_ROLE_SCANNER};
    struct seat s;
    (void)state;
    sit(&s, &scanner);
    scan(&s);
    for (int i = 0; i < 2; i++) {
        stroke(&s, META, 6, 4);
        stroke(&s, 19, 2, 2);
        type_by_machine(&s, 10, 8, 2);
    }
    assert_int_equal(kind(&s), IDEM_GUARD_INJECTED_KEYS);
    assert_true(saw(&s, IDEM_SAW_ROLE_BROKEN));
    leave(&s);
}

static void test_a_synthetic_source_with_a_hand_is_remote(void **state)
{
    const struct idem_guard_device xtest = {.source = IDEM_SOURCE_SYNTHETIC};
    struct seat hand, machine;
    (void)state;
    sit(&hand, &xtest);
    sit(&machine, &xtest);
    stroke(&hand, 30, 200, 90);
    stroke(&hand, 31, 200, 90);
    assert_int_equal(kind(&hand), IDEM_GUARD_INSUFFICIENT);
    type_by_hand(&hand, 40);
    type_by_machine(&machine, 40, 12, 2);
    assert_int_equal(kind(&hand), IDEM_GUARD_REMOTE_CONTROL);
    assert_int_equal(kind(&machine), IDEM_GUARD_INJECTED_KEYS);
    assert_true(saw(&hand, IDEM_SAW_SYNTHETIC));
    leave(&hand);
    leave(&machine);
}

/* ------------------------------------------------------------------ events as they come */

static void test_an_alarm_stays_until_it_is_dealt_with(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    type_by_machine(&s, 10, 8, 2);
    type_by_hand(&s, 100);
    idem_guard_gap(s.guard);
    assert_int_equal(kind(&s), IDEM_GUARD_INJECTED_KEYS);
    idem_guard_reset(s.guard);
    assert_int_equal(kind(&s), IDEM_GUARD_INSUFFICIENT);
    assert_int_equal(idem_guard_read(s.guard).saw_count, 0);
    type_by_hand(&s, 60);
    assert_int_equal(kind(&s), IDEM_GUARD_HUMAN);
    leave(&s);
}

/* A device that has keys and a pointer, and a program at both. */
static void test_the_first_of_two_alarms_is_told(void **state)
{
    struct seat keys, warp;
    (void)state;
    sit(&keys, NULL);
    sit(&warp, NULL);
    type_by_machine(&keys, 10, 8, 2);
    idem_guard_pointer(keys.guard, IDEM_POINTER_MOVE, 500, 500, IDEM_GUARD_WARPED, 9000000);
    assert_int_equal(kind(&keys), IDEM_GUARD_INJECTED_KEYS);
    idem_guard_pointer(warp.guard, IDEM_POINTER_MOVE, 500, 500, IDEM_GUARD_WARPED, 900000);
    assert_int_equal(kind(&warp), IDEM_GUARD_REMOTE_CONTROL);
    type_by_machine(&warp, 10, 8, 2);
    assert_int_equal(kind(&warp), IDEM_GUARD_REMOTE_CONTROL);
    leave(&keys);
    leave(&warp);
}

/* Releases lost in a gap make no long hold, and its length is no stall. */
static void test_a_gap_is_never_a_reason(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    for (int i = 0; i < 200; i++) {
        event(&s, letters[i % 26], IDEM_KEY_DOWN, 0, s.ms += 3);
        idem_guard_gap(s.guard);
    }
    assert_int_equal(s.turns, 0);
    leave(&s);
}

/* What is down is remembered once, forgotten when it goes up, and wiped in a gap. */
static void test_keys_held_are_forgotten(void **state)
{
    static const struct idem_held_key none[IDEM_KEYS_HELD];
    const struct idem_guard_device unknown = {0};
    struct idem_key_judge j;
    (void)state;
    idem_key_judge_init(&j, &unknown);
    for (int i = 0; i < 5; i++)
        idem_key_judge_event(&j, 30, IDEM_KEY_DOWN, 0, 1000 * i);
    idem_key_judge_event(&j, 30, IDEM_KEY_UP, 0, 80000);
    assert_memory_equal(j.held, none, sizeof none);
    assert_int_equal(j.contest.strokes, 1);
    idem_key_judge_event(&j, 31, IDEM_KEY_DOWN, 0, 200000);
    idem_key_judge_gap(&j);
    assert_memory_equal(j.held, none, sizeof none);
    idem_key_judge_event(&j, 31, IDEM_KEY_UP, 0, 300000);
    assert_int_equal(j.contest.strokes, 1);
    /* Shift that leads as fingers do is told apart from Shift at once. */
    idem_key_judge_gap(&j);
    idem_key_judge_event(&j, SHIFT, IDEM_KEY_DOWN, 0, 350000);
    idem_key_judge_event(&j, 33, IDEM_KEY_DOWN, 0, 380000);
    assert_int_equal(j.held[1].what & (IDEM_STROKE_LED | IDEM_STROKE_EXACT), IDEM_STROKE_LED);
    idem_key_judge_gap(&j);
    idem_key_judge_event(&j, SHIFT, IDEM_KEY_DOWN, 0, 390000);
    idem_key_judge_event(&j, 33, IDEM_KEY_DOWN, 0, 391000);
    assert_int_equal(j.held[1].what & (IDEM_STROKE_LED | IDEM_STROKE_EXACT), IDEM_STROKE_EXACT);
    idem_key_judge_gap(&j);
    /* A release that took its time was lost on the way. */
    idem_key_judge_event(&j, 32, IDEM_KEY_DOWN, 0, 400000);
    idem_key_judge_event(&j, 32, IDEM_KEY_UP, 0, 9000000);
    assert_int_equal(j.contest.strokes, 1);
}

static void test_garbage_is_survived(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    for (int i = 0; i < 20000; i++) {
        uint32_t key = (uint32_t)idem_rng_below(&s.rng, 400);
        int64_t t = (int64_t)(idem_rng_below(&s.rng, 1U << 31)) << idem_rng_below(&s.rng, 33);
        if (idem_rng_below(&s.rng, 2) == 0)
            t = -t;
        idem_guard_key(s.guard, key, (enum idem_key_action)idem_rng_below(&s.rng, 3), i & 3U, t);
        struct idem_guard_verdict v = idem_guard_read(s.guard);
        assert_true(v.confidence >= 0.0 && v.confidence <= 1.0);
        assert_true(v.saw_count <= IDEM_GUARD_SAW_MAX);
    }
    leave(&s);
}

static void test_time_backwards_and_forty_keys_down(void **state)
{
    struct seat s;
    (void)state;
    sit(&s, NULL);
    for (uint32_t i = 0; i < 40; i++)
        event(&s, 16 + i, IDEM_KEY_DOWN, 0, 5000 - 10.0 * i);
    for (uint32_t i = 0; i < 40; i++)
        event(&s, 16 + i, IDEM_KEY_UP, 0, 100 + i);
    assert_false(idem_guard_is_alarm(kind(&s)));
    type_by_hand(&s, 60);
    assert_int_equal(kind(&s), IDEM_GUARD_HUMAN);
    leave(&s);
}

/* ------------------------------------------------------------------ the guard itself */

static void test_devices_are_checked_and_small(void **state)
{
    const struct idem_guard_device wrong[] = {{.source = (enum idem_guard_source)4},
                                              {.role = IDEM_GUARD_ROLES},
                                              {.role = (enum idem_guard_role) - 1}};
    struct idem_guard *guard = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(idem_guard_new(&wrong[i], &guard), IDEM_ERR_INVALID);
    assert_null(guard);
    assert_in_range(idem_guard_size(), 1, 4096);
    idem_guard_free(NULL);
    assert_int_equal(idem_guard_role_of(0x1050, 0x0407), IDEM_ROLE_TOKEN);
    assert_int_equal(idem_guard_role_of(0x20a0, 0x4287), IDEM_ROLE_TOKEN);
    assert_int_equal(idem_guard_role_of(0x20a0, 0x4288), IDEM_ROLE_ORDINARY);
    assert_int_equal(idem_guard_role_of(0, 0), IDEM_ROLE_ORDINARY);
}

static void test_words(void **state)
{
    char text[IDEM_GUARD_TEXT], little[8];
    struct idem_guard_verdict v = {
        .kind = IDEM_GUARD_INJECTED_KEYS,
        .saw_count = 2,
        .saw = {{IDEM_SAW_HOLDS_SHORT, 5, 2.04F}, {IDEM_SAW_NEW_DEVICE, 0, 3.2F}}};
    (void)state;
    assert_string_equal(idem_guard_text(&v, text, sizeof text),
                        "keys were held too briefly for a hand (5 keys, 2.0 ms on average); "
                        "it appeared 3 s ago");
    idem_guard_text(&v, little, sizeof little);
    assert_int_equal(strlen(little), 7);
    v.saw[0].value = NAN;
    v.saw[1].reason = (enum idem_guard_reason)999;
    idem_guard_text(&v, text, sizeof text);
    assert_non_null(strstr(text, "0.0 ms"));
    for (unsigned k = 0; k < IDEM_GUARD_KINDS; k++) {
        enum idem_guard_kind back;
        assert_int_equal(
            idem_guard_kind_parse(idem_guard_kind_name((enum idem_guard_kind)k), &back), 0);
        assert_int_equal(back, k);
    }
    for (unsigned r = 0; r < IDEM_GUARD_REASONS; r++) {
        enum idem_guard_reason back;
        assert_int_equal(
            idem_guard_reason_parse(idem_guard_reason_name((enum idem_guard_reason)r), &back), 0);
        assert_int_equal(back, r);
        v = (struct idem_guard_verdict){.saw_count = 1, .saw = {{back, 2, 1.0F}}};
        assert_true(strlen(idem_guard_text(&v, text, sizeof text)) > 10);
    }
    assert_null(idem_guard_kind_name(IDEM_GUARD_KINDS));
    assert_null(idem_guard_reason_name(IDEM_GUARD_REASONS));
    assert_int_equal(idem_guard_kind_parse("robot", &v.kind), IDEM_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hand_is_told_and_never_alarmed),
        cmocka_unit_test(test_too_little_says_so),
        cmocka_unit_test(test_a_queue_after_a_stall_is_a_hand),
        cmocka_unit_test(test_a_queue_behind_a_held_key_is_a_hand),
        cmocka_unit_test(test_a_stall_hides_no_payload),
        cmocka_unit_test(test_a_long_stall_hides_little_more),
        cmocka_unit_test(test_a_payloads_delay_is_no_stall),
        cmocka_unit_test(test_a_slow_page_is_no_rhythm),
        cmocka_unit_test(test_hardware_has_no_queue),
        cmocka_unit_test(test_a_radio_has_a_queue),
        cmocka_unit_test(test_light_keys_are_a_hand),
        cmocka_unit_test(test_a_touch_keyboard_is_a_hand),
        cmocka_unit_test(test_tap_hold_keys_are_a_known_function),
        cmocka_unit_test(test_repeats_are_no_evidence),
        cmocka_unit_test(test_a_coarse_clock_is_no_rhythm),
        cmocka_unit_test(test_a_remote_desktops_clock_is_no_function),
        cmocka_unit_test(test_sticky_shift_is_a_hand),
        cmocka_unit_test(test_machines_are_found_by_the_fifth_key),
        cmocka_unit_test(test_long_delays_do_not_hide_a_machine),
        cmocka_unit_test(test_overlap_does_not_hide_a_machine),
        cmocka_unit_test(test_keys_that_stay_down_are_judged),
        cmocka_unit_test(test_a_stuck_key_hides_no_machine),
        cmocka_unit_test(test_jitter_does_not_hide_a_machine),
        cmocka_unit_test(test_human_gaps_do_not_hide_brief_holds),
        cmocka_unit_test(test_equal_holds_and_flights_are_a_machine),
        cmocka_unit_test(test_nearly_equal_times_are_a_machine),
        cmocka_unit_test(test_equal_flights_are_a_machine),
        cmocka_unit_test(test_bare_capitals_are_a_program),
        cmocka_unit_test(test_shift_at_once_is_no_program_alone),
        cmocka_unit_test(test_shift_at_once_is_evidence),
        cmocka_unit_test(test_one_report_is_evidence_on_a_fine_clock_only),
        cmocka_unit_test(test_brief_chords_are_no_finger),
        cmocka_unit_test(test_what_is_known_of_a_device_weighs),
        cmocka_unit_test(test_twins_and_arrivals_weigh_each),
        cmocka_unit_test(test_a_settled_device_takes_more),
        cmocka_unit_test(test_shift_weighs_both_ways),
        cmocka_unit_test(test_one_report_counts_once),
        cmocka_unit_test(test_a_known_scanner_is_a_macro_an_unknown_one_an_alarm),
        cmocka_unit_test(test_a_role_that_is_broken_protects_nobody),
        cmocka_unit_test(test_a_scanner_types_no_page),
        cmocka_unit_test(test_a_synthetic_source_with_a_hand_is_remote),
        cmocka_unit_test(test_an_alarm_stays_until_it_is_dealt_with),
        cmocka_unit_test(test_the_first_of_two_alarms_is_told),
        cmocka_unit_test(test_a_gap_is_never_a_reason),
        cmocka_unit_test(test_keys_held_are_forgotten),
        cmocka_unit_test(test_garbage_is_survived),
        cmocka_unit_test(test_time_backwards_and_forty_keys_down),
        cmocka_unit_test(test_devices_are_checked_and_small),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
