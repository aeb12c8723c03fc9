/* SPDX-License-Identifier: Apache-2.0 */
/* test_evdev.c - the kernel's events, decoded: each case that evdev.h names. */
#include "input/evdev.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { OUT_MAX = 64 };

static struct idem_evdev decoder;
static struct idem_input_event out[OUT_MAX];
static uint32_t count;

static const struct idem_evdev_shape keyboard = {.keyboard = true};
static const struct idem_evdev_shape mouse = {.pointer = IDEM_EVDEV_RELATIVE};
static const struct idem_evdev_shape pad = {
    .pointer = IDEM_EVDEV_TOUCHPAD,
    .axis = {{0, 4000, 40}, {0, 3000, 40}},
};
static const struct idem_evdev_shape tablet = {
    .pointer = IDEM_EVDEV_ABSOLUTE,
    .axis = {{0, 32767, 0}, {0, 32767, 0}},
};

static void begin(const struct idem_evdev_shape *shape)
{
    idem_evdev_init(&decoder, shape);
    count = 0;
}

static void feed(int64_t t_us, uint16_t type, uint16_t code, int32_t value)
{
    struct input_event in = {.type = type, .code = code, .value = value};

    in.input_event_sec = t_us / 1000000;
    in.input_event_usec = t_us % 1000000;
    assert_true(count + IDEM_EVDEV_OUT <= OUT_MAX);
    count += idem_evdev_event(&decoder, &in, out + count);
}

static void report(int64_t t_us)
{
    feed(t_us, EV_SYN, SYN_REPORT, 0);
}

static void assert_key(uint32_t i, uint32_t key, enum idem_key_action action, int64_t t_us)
{
    assert_true(i < count);
    assert_int_equal(out[i].kind, IDEM_INPUT_KEY);
    assert_int_equal(out[i].key, key);
    assert_int_equal(out[i].action, action);
    assert_int_equal(out[i].t_us, t_us);
}

static void assert_pointer(uint32_t i, enum idem_pointer_kind kind, double dx, double dy)
{
    assert_true(i < count);
    assert_int_equal(out[i].kind, IDEM_INPUT_POINTER);
    assert_int_equal(out[i].pointer, kind);
    assert_true(fabs(out[i].dx - dx) < 1e-9 && fabs(out[i].dy - dy) < 1e-9);
}

/* ------------------------------------------------------------------ keys */

static void keys_come_as_they_are(void **state)
{
    (void)state;
    begin(&keyboard);
    feed(1000001, EV_MSC, MSC_SCAN, 0x70004);
    feed(1000001, EV_KEY, KEY_A, 1);
    report(1000001);
    feed(1500000, EV_KEY, KEY_A, 2);
    feed(1500000, EV_SYN, SYN_REPORT, 1);
    feed(1600000, EV_KEY, KEY_A, 0);
    report(1600000);
    assert_int_equal(count, 3);
    assert_key(0, KEY_A, IDEM_KEY_DOWN, 1000001);
    assert_key(1, KEY_A, IDEM_KEY_REPEAT, 1500000);
    assert_key(2, KEY_A, IDEM_KEY_UP, 1600000);
}

/* What is lost, told twice or late is the collectors' to deal with: the decoder adds nothing. */
static void nothing_is_made_up_for_lost_releases_and_turned_clocks(void **state)
{
    (void)state;
    begin(&keyboard);
    feed(2000000, EV_KEY, KEY_A, 1);
    feed(1000000, EV_KEY, KEY_A, 1);
    feed(0, EV_KEY, KEY_B, 0);
    assert_int_equal(count, 3);
    assert_key(1, KEY_A, IDEM_KEY_DOWN, 1000000);
    assert_key(2, KEY_B, IDEM_KEY_UP, 0);
}

static void what_is_no_key_of_a_keyboard_is_left_out(void **state)
{
    const uint16_t codes[] = {BTN_0,      BTN_LEFT,  BTN_JOYSTICK, BTN_GAMEPAD,      BTN_TOOL_PEN,
                              BTN_STYLUS, BTN_TOUCH, BTN_DPAD_UP,  BTN_TRIGGER_HAPPY};
    (void)state;
    begin(&keyboard);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        feed(1, EV_KEY, codes[i], 1);
    feed(1, EV_REL, REL_X, 5);
    feed(1, EV_ABS, ABS_X, 5);
    feed(1, EV_KEY, KEY_A, 3);
    feed(1, EV_KEY, KEY_A, -1);
    report(1);
    assert_int_equal(count, 0);
    feed(1, EV_KEY, KEY_FN, 1);
    assert_key(0, KEY_FN, IDEM_KEY_DOWN, 1);
}

static void a_mouse_types_nothing(void **state)
{
    (void)state;
    begin(&mouse);
    feed(1, EV_KEY, KEY_A, 1);
    report(1);
    assert_int_equal(count, 0);
}

/* ------------------------------------------------------------------ mice */

static void a_report_is_one_position(void **state)
{
    (void)state;
    begin(&mouse);
    feed(5000, EV_REL, REL_X, 3);
    feed(5000, EV_REL, REL_Y, -2);
    feed(5000, EV_REL, REL_X, 4);
    assert_int_equal(count, 0);
    report(5000);
    assert_int_equal(count, 1);
    assert_pointer(0, IDEM_POINTER_MOVE, 7, -2);
    assert_int_equal(out[0].t_us, 5000);
    report(6000);
    assert_int_equal(count, 1);
}

static void counts_are_scaled_by_the_dpi(void **state)
{
    struct idem_evdev_shape shape = mouse;
    (void)state;

    shape.dpi = 4000;
    begin(&shape);
    feed(1, EV_REL, REL_X, 8);
    report(1);
    assert_pointer(0, IDEM_POINTER_MOVE, 2, 0);
    shape.dpi = 400;
    begin(&shape);
    feed(1, EV_REL, REL_Y, 8);
    report(1);
    assert_pointer(0, IDEM_POINTER_MOVE, 0, 20);
}

static void the_hand_is_where_it_presses(void **state)
{
    (void)state;
    begin(&mouse);
    feed(1, EV_KEY, BTN_LEFT, 1); /* buttons stand first in most reports */
    feed(1, EV_KEY, BTN_RIGHT, 1);
    feed(1, EV_REL, REL_X, 9);
    feed(1, EV_REL, REL_WHEEL, -1);
    feed(1, EV_REL, REL_WHEEL_HI_RES, -120);
    report(1);
    assert_int_equal(count, 4);
    assert_pointer(0, IDEM_POINTER_MOVE, 9, 0);
    assert_pointer(1, IDEM_POINTER_PRESS, 0, 0);
    assert_pointer(2, IDEM_POINTER_PRESS_OTHER, 0, 0);
    assert_pointer(3, IDEM_POINTER_SCROLL, 0, 0);
    feed(2, EV_KEY, BTN_LEFT, 0);
    feed(2, EV_KEY, BTN_SIDE, 0);
    feed(2, EV_REL, REL_HWHEEL, 1);
    report(2);
    assert_pointer(4, IDEM_POINTER_RELEASE, 0, 0);
    assert_pointer(5, IDEM_POINTER_RELEASE_OTHER, 0, 0);
    assert_pointer(6, IDEM_POINTER_SCROLL, 0, 0);
}

static void a_report_of_many_buttons_is_bounded(void **state)
{
    (void)state;
    begin(&mouse);
    feed(1, EV_REL, REL_X, 1);
    feed(1, EV_REL, REL_WHEEL, 1);
    for (int i = 0; i < 1000; i++)
        feed(1, EV_KEY, BTN_LEFT, i % 2);
    report(1);
    assert_int_equal(count, IDEM_EVDEV_OUT);
}

/* ------------------------------------------------------------------ what is lost */

static void a_drop_is_a_gap_until_the_next_report(void **state)
{
    (void)state;
    begin(&mouse);
    feed(1, EV_REL, REL_X, 5);
    feed(2, EV_SYN, SYN_DROPPED, 0);
    feed(3, EV_REL, REL_X, 7);
    feed(3, EV_KEY, BTN_LEFT, 1);
    report(3);
    assert_int_equal(count, 1);
    assert_int_equal(out[0].kind, IDEM_INPUT_GAP);
    feed(4, EV_REL, REL_X, 1);
    report(4);
    assert_int_equal(count, 2);
    assert_pointer(1, IDEM_POINTER_MOVE, 1, 0);
}

static void keys_of_a_drop_are_left_out(void **state)
{
    (void)state;
    begin(&keyboard);
    feed(1, EV_KEY, KEY_A, 1);
    feed(2, EV_SYN, SYN_DROPPED, 0);
    feed(3, EV_KEY, KEY_B, 1);
    report(3);
    feed(4, EV_KEY, KEY_C, 1);
    assert_int_equal(count, 3);
    assert_int_equal(out[1].kind, IDEM_INPUT_GAP);
    assert_key(2, KEY_C, IDEM_KEY_DOWN, 4);
}

static void whoever_knows_the_state_resumes_without_a_report(void **state)
{
    (void)state;
    begin(&keyboard);
    feed(2, EV_SYN, SYN_DROPPED, 0);
    idem_evdev_resume(&decoder);
    feed(3, EV_KEY, KEY_B, 1);
    assert_key(1, KEY_B, IDEM_KEY_DOWN, 3);
}

/* ------------------------------------------------------------------ touchpads */

static void touch(int64_t t_us, uint16_t tool, int32_t x, int32_t y)
{
    feed(t_us, EV_KEY, BTN_TOUCH, 1);
    feed(t_us, EV_KEY, tool, 1);
    feed(t_us, EV_ABS, ABS_X, x);
    feed(t_us, EV_ABS, ABS_Y, y);
    report(t_us);
}

static void lift(int64_t t_us, uint16_t tool)
{
    feed(t_us, EV_KEY, BTN_TOUCH, 0);
    feed(t_us, EV_KEY, tool, 0);
    report(t_us);
}

static void a_finger_moves_by_its_way_and_not_by_its_place(void **state)
{
    const double unit = 0.3 * 1000 / 25.4 / 40;
    (void)state;

    begin(&pad);
    touch(1, BTN_TOOL_FINGER, 1000, 1000);
    assert_int_equal(count, 0);
    feed(2, EV_ABS, ABS_X, 1040); /* a millimetre */
    report(2);
    assert_pointer(0, IDEM_POINTER_MOVE, 40 * unit, 0);
    lift(3, BTN_TOOL_FINGER);
    touch(4, BTN_TOOL_FINGER, 3000, 200);
    assert_int_equal(count, 1);
    feed(5, EV_ABS, ABS_Y, 190);
    report(5);
    assert_pointer(1, IDEM_POINTER_MOVE, 0, -10 * unit);
}

static void two_fingers_scroll(void **state)
{
    (void)state;
    begin(&pad);
    touch(1, BTN_TOOL_FINGER, 1000, 1000);
    feed(2, EV_KEY, BTN_TOOL_FINGER, 0);
    feed(2, EV_KEY, BTN_TOOL_DOUBLETAP, 1);
    report(2);
    for (int i = 1; i <= 17; i++) { /* 17 half millimetres after the first, which is a place */
        feed(2 + i, EV_ABS, ABS_Y, 1500 + 20 * i);
        report(2 + i);
    }
    assert_int_equal(count, 2);
    assert_pointer(0, IDEM_POINTER_SCROLL, 0, 0);
    assert_pointer(1, IDEM_POINTER_SCROLL, 0, 0);
}

static void three_fingers_and_a_hovering_one_do_nothing(void **state)
{
    (void)state;
    begin(&pad);
    touch(1, BTN_TOOL_TRIPLETAP, 1000, 1000);
    feed(2, EV_ABS, ABS_X, 2000);
    report(2);
    lift(3, BTN_TOOL_TRIPLETAP);
    feed(4, EV_KEY, BTN_TOOL_FINGER, 1);
    feed(4, EV_ABS, ABS_X, 100);
    report(4);
    feed(5, EV_ABS, ABS_X, 200);
    report(5);
    assert_int_equal(count, 0);
}

static void a_drop_ends_a_touch(void **state)
{
    (void)state;
    begin(&pad);
    touch(1, BTN_TOOL_FINGER, 1000, 1000);
    feed(2, EV_SYN, SYN_DROPPED, 0);
    report(2);
    feed(3, EV_ABS, ABS_X, 3000);
    report(3);
    assert_int_equal(count, 1);
    assert_int_equal(out[0].kind, IDEM_INPUT_GAP);
    lift(4, BTN_TOOL_FINGER);
    touch(5, BTN_TOOL_FINGER, 100, 100);
    feed(6, EV_ABS, ABS_X, 140);
    report(6);
    assert_int_equal(count, 2);
}

/* ------------------------------------------------------------------ absolute pointers */

static void a_range_is_a_screen(void **state)
{
    (void)state;
    begin(&tablet);
    feed(1, EV_ABS, ABS_X, 0);
    feed(1, EV_ABS, ABS_Y, 32767);
    report(1);
    assert_int_equal(count, 0); /* where it was before is not known */
    feed(2, EV_ABS, ABS_X, 32767);
    feed(2, EV_ABS, ABS_Y, 0);
    report(2);
    assert_pointer(0, IDEM_POINTER_MOVE, 1920, -1080);
}

static void ranges_that_are_none_move_nothing(void **state)
{
    struct idem_evdev_shape shape = tablet;
    (void)state;

    shape.axis[0] = (struct idem_evdev_axis){5, 5, 0};
    shape.axis[1] = (struct idem_evdev_axis){INT32_MAX, INT32_MIN, -1};
    begin(&shape);
    for (int t = 1; t < 4; t++) {
        feed(t, EV_ABS, ABS_X, t % 2 ? INT32_MIN : INT32_MAX);
        feed(t, EV_ABS, ABS_Y, t % 2 ? INT32_MAX : INT32_MIN);
        report(t);
    }
    assert_int_equal(count, 0);
    shape.axis[0] = (struct idem_evdev_axis){INT32_MIN, INT32_MAX, 0};
    begin(&shape);
    for (int t = 1; t < 4; t++) {
        feed(t, EV_ABS, ABS_X, t % 2 ? INT32_MIN : INT32_MAX);
        report(t);
    }
    assert_int_equal(count, 2);
    assert_pointer(0, IDEM_POINTER_MOVE, 1920, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_as_they_are),
        cmocka_unit_test(nothing_is_made_up_for_lost_releases_and_turned_clocks),
        cmocka_unit_test(what_is_no_key_of_a_keyboard_is_left_out),
        cmocka_unit_test(a_mouse_types_nothing),
        cmocka_unit_test(a_report_is_one_position),
        cmocka_unit_test(counts_are_scaled_by_the_dpi),
        cmocka_unit_test(the_hand_is_where_it_presses),
        cmocka_unit_test(a_report_of_many_buttons_is_bounded),
        cmocka_unit_test(a_drop_is_a_gap_until_the_next_report),
        cmocka_unit_test(keys_of_a_drop_are_left_out),
        cmocka_unit_test(whoever_knows_the_state_resumes_without_a_report),
        cmocka_unit_test(a_finger_moves_by_its_way_and_not_by_its_place),
        cmocka_unit_test(two_fingers_scroll),
        cmocka_unit_test(three_fingers_and_a_hovering_one_do_nothing),
        cmocka_unit_test(a_drop_ends_a_touch),
        cmocka_unit_test(a_range_is_a_screen),
        cmocka_unit_test(ranges_that_are_none_move_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
