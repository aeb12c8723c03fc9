/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_pause.c - a pause begins only after the same person has opened the screen again, in
 * time, and ends by its time, by resume, by another person, by policy.
 */
#include "agent/courier/pause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const int64_t s = 1000000;

static struct idem_presence_message seat(uint32_t presence, uint32_t uid, uint32_t unlocked)
{
    return (struct idem_presence_message){.presence = presence, .uid = uid, .unlocked = unlocked};
}

static enum idem_pause_step see(struct idem_pause *p, uint32_t presence, uint32_t uid,
                                uint32_t unlocked, int64_t now_us)
{
    const struct idem_presence_message m = seat(presence, uid, unlocked);
    return idem_pause_presence(p, &m, now_us);
}

/* Ada is at the seat, which she has opened once; half an hour is allowed. */
static struct idem_pause adas(void)
{
    struct idem_pause p = {0};
    assert_int_equal(idem_pause_rules(&p, (struct idem_pause_rule){true, 1800}, 0), 0);
    assert_int_equal(see(&p, IDEM_PRESENT, 1000, 1, 0), IDEM_PAUSE_NOTHING);
    return p;
}

static struct idem_pause asked(void)
{
    struct idem_pause p = adas();
    assert_int_equal(idem_pause_ask(&p, 600, 10 * s), 0);
    assert_int_equal(p.state, IDEM_PAUSE_ASKED);
    return p;
}

static struct idem_pause on(void)
{
    struct idem_pause p = asked();
    assert_int_equal(see(&p, IDEM_LOCKED, 1000, 1, 11 * s), IDEM_PAUSE_NOTHING);
    assert_int_equal(see(&p, IDEM_PRESENT, 1000, 2, 20 * s), IDEM_PAUSE_BEGINS);
    return p;
}

static void begins_with_the_unlocking(void **state)
{
    struct idem_pause p = on();
    (void)state;

    assert_int_equal(p.state, IDEM_PAUSE_ON);
    assert_int_equal(idem_pause_left_s(&p, 20 * s), 600);
    assert_int_equal(idem_pause_due_us(&p, 20 * s), 600 * s);
    assert_int_equal(idem_pause_due(&p, 619 * s), IDEM_PAUSE_NOTHING);
    assert_int_equal(idem_pause_due(&p, 620 * s), IDEM_PAUSE_ENDS);
    assert_int_equal(idem_pause_due(&p, 621 * s), IDEM_PAUSE_NOTHING);
    assert_int_equal(idem_pause_due_us(&p, 621 * s), -1);
}

static void needs_the_lock_and_the_count(void **state)
{
    struct idem_pause p = asked();
    (void)state;

    /* The screen was not locked: whatever is unlocked elsewhere begins nothing. */
    assert_int_equal(see(&p, IDEM_PRESENT, 1000, 2, 11 * s), IDEM_PAUSE_NOTHING);
    assert_int_equal(see(&p, IDEM_AWAY, 1000, 2, 12 * s), IDEM_PAUSE_NOTHING);
    assert_int_equal(p.state, IDEM_PAUSE_ASKED);
    assert_int_equal(idem_pause_due(&p, 130 * s), IDEM_PAUSE_GIVEN_UP);
    /* The lock is gone, but nobody has shown who he is: a locker that was killed. */
    p = asked();
    assert_int_equal(see(&p, IDEM_LOCKED, 1000, 1, 11 * s), IDEM_PAUSE_NOTHING);
    assert_int_equal(see(&p, IDEM_PRESENT, 1000, 1, 12 * s), IDEM_PAUSE_GIVEN_UP);
    assert_int_equal(see(&p, IDEM_PRESENT, 1000, 2, 13 * s), IDEM_PAUSE_NOTHING);
    assert_int_equal(p.state, IDEM_PAUSE_NONE);
}

static void needs_the_same_person_in_time(void **state)
{
    struct idem_pause p = asked();
    (void)state;

    see(&p, IDEM_LOCKED, 1000, 1, 11 * s);
    assert_int_equal(see(&p, IDEM_PRESENT, 1001, 2, 12 * s), IDEM_PAUSE_GIVEN_UP);
    assert_int_equal(p.state, IDEM_PAUSE_NONE);
    p = asked();
    see(&p, IDEM_LOCKED, 1000, 1, 11 * s);
    assert_int_equal(see(&p, IDEM_PRESENT, 1000, 2, 131 * s), IDEM_PAUSE_GIVEN_UP);
    p = asked();
    see(&p, IDEM_LOCKED, 1000, 1, 11 * s);
    assert_int_equal(idem_pause_presence(&p, NULL, 12 * s), IDEM_PAUSE_GIVEN_UP);
    assert_int_equal(see(&p, IDEM_PRESENT, 1000, 2, 13 * s), IDEM_PAUSE_NOTHING);
    assert_int_equal(p.state, IDEM_PAUSE_NONE);
}

static void ends(void **state)
{
    struct idem_pause p = on();
    (void)state;

    assert_int_equal(see(&p, IDEM_LOCKED, 1000, 2, 30 * s), IDEM_PAUSE_NOTHING);
    assert_int_equal(see(&p, IDEM_PRESENT, 1000, 3, 40 * s), IDEM_PAUSE_NOTHING);
    assert_int_equal(idem_pause_left_s(&p, 40 * s), 580);
    assert_int_equal(idem_pause_resume(&p), IDEM_PAUSE_ENDS);
    assert_int_equal(idem_pause_resume(&p), IDEM_PAUSE_NOTHING);
    p = on();
    assert_int_equal(see(&p, IDEM_PRESENT, 1001, 3, 30 * s), IDEM_PAUSE_ENDS);
    p = on();
    assert_int_equal(see(&p, IDEM_NOBODY, 0, 3, 30 * s), IDEM_PAUSE_ENDS);
    p = on();
    assert_int_equal(see(&p, IDEM_REMOTE, 1000, 3, 30 * s), IDEM_PAUSE_ENDS);
    p = on();
    assert_int_equal(idem_pause_stop(&p), IDEM_PAUSE_ENDS);
}

static void obeys_policy(void **state)
{
    struct idem_pause p = adas(), q = {0};
    (void)state;

    assert_int_equal(idem_pause_ask(&p, 1801, 0), IDEM_ERR_LIMIT);
    assert_int_equal(idem_pause_ask(&p, 0, 0), IDEM_ERR_INVALID);
    assert_int_equal(idem_pause_ask(&p, UINT32_MAX, 0), IDEM_ERR_INVALID);
    assert_int_equal(idem_pause_ask(&q, 60, 0), IDEM_ERR_INVALID);
    see(&q, IDEM_PRESENT, 1000, 1, 0);
    assert_int_equal(idem_pause_ask(&q, 60, 0), IDEM_ERR_LEVEL);
    p = on();
    assert_int_equal(idem_pause_ask(&p, 60, 30 * s), IDEM_ERR_FULL);
    assert_int_equal(idem_pause_rules(&p, (struct idem_pause_rule){true, 60}, 30 * s), 0);
    assert_int_equal(idem_pause_left_s(&p, 30 * s), 60);
    assert_int_equal(idem_pause_rules(&p, (struct idem_pause_rule){false, 60}, 31 * s),
                     IDEM_PAUSE_ENDS);
    p = asked();
    idem_pause_rules(&p, (struct idem_pause_rule){true, 120}, 11 * s);
    see(&p, IDEM_LOCKED, 1000, 1, 12 * s);
    assert_int_equal(see(&p, IDEM_PRESENT, 1000, 2, 20 * s), IDEM_PAUSE_BEGINS);
    assert_int_equal(idem_pause_left_s(&p, 20 * s), 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_with_the_unlocking),
        cmocka_unit_test(needs_the_lock_and_the_count),
        cmocka_unit_test(needs_the_same_person_in_time),
        cmocka_unit_test(ends),
        cmocka_unit_test(obeys_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
