/* SPDX-License-Identifier: Apache-2.0 */
/* test_clock.c - the server's time, whatever is done to the machine's. */
#include "server/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { NOW = 1000000000, HOUR = 3600 * 1000 };

static void it_is_the_calendars(void **state)
{
    struct idem_clock clock = {0};

    (void)state;
    assert_int_equal(idem_clock_of(&clock, NOW, 10), NOW);
    assert_int_equal(idem_clock_of(&clock, NOW + 5, 15), NOW + 5);
    assert_int_equal(idem_clock_of(&clock, NOW + HOUR, 20), NOW + HOUR); /* set forward */
    assert_int_equal(idem_clock_of(&clock, NOW + HOUR + 7, 27), NOW + HOUR + 7);
}

static void set_back_it_goes_on(void **state)
{
    struct idem_clock clock = {0};

    (void)state;
    assert_int_equal(idem_clock_of(&clock, NOW, 10), NOW);
    assert_int_equal(idem_clock_of(&clock, NOW - HOUR, 11), NOW + 1);
    assert_int_equal(idem_clock_of(&clock, NOW - HOUR + 600, 611), NOW + 601);
    assert_int_equal(idem_clock_of(&clock, NOW + 2000, 1000), NOW + 2000); /* set right again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_calendars),
        cmocka_unit_test(set_back_it_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
