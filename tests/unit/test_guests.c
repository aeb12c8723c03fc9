/* SPDX-License-Identifier: Apache-2.0 */
/* What one address may take: connections, bad tokens a minute, and that others do not pay for it.
 */
#include "server/guests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct idem_machine machine(const char *text)
{
    struct idem_machine m;
    assert_int_equal(idem_machine_parse(text, &m), 0);
    return m;
}

static int set_up(void **state)
{
    struct idem_guests *g;
    assert_int_equal(idem_guests_new(3, 5, &g), 0);
    *state = g;
    return 0;
}

static int tear_down(void **state)
{
    idem_guests_free(*state);
    return 0;
}

static void an_address_has_so_many_connections(void **state)
{
    const struct idem_machine a = machine("192.0.2.1"), b = machine("192.0.2.2");
    bool counted;

    for (int i = 0; i < 3; i++)
        assert_true(idem_guests_enter(*state, &a, &counted) && counted);
    assert_false(idem_guests_enter(*state, &a, &counted));
    assert_false(counted);
    assert_true(idem_guests_enter(*state, &b, &counted));
    idem_guests_leave(*state, &a);
    assert_true(idem_guests_enter(*state, &a, &counted));
    assert_false(idem_guests_enter(*state, &a, &counted));
}

static void a_network_of_64_bits_is_one_address(void **state)
{
    const struct idem_machine a = machine("2001:db8:0:1::1"), b = machine("2001:db8:0:1:ffff::2");
    const struct idem_machine other = machine("2001:db8:0:2::1");
    bool counted;

    for (int i = 0; i < 3; i++)
        assert_true(idem_guests_enter(*state, i % 2 ? &a : &b, &counted));
    assert_false(idem_guests_enter(*state, &a, &counted));
    assert_true(idem_guests_enter(*state, &other, &counted));
}

static void failures_end_with_their_minute(void **state)
{
    const struct idem_machine a = machine("192.0.2.1"), b = machine("192.0.2.2");
    bool first;

    for (int i = 0; i < 5; i++)
        assert_false(idem_guests_fail(*state, &a, 1000 + i, &first));
    assert_false(idem_guests_barred(*state, &a, 1010));
    assert_true(idem_guests_fail(*state, &a, 1010, &first) && first);
    assert_true(idem_guests_fail(*state, &a, 1011, &first) && !first);
    assert_true(idem_guests_barred(*state, &a, 1012));
    assert_false(idem_guests_barred(*state, &b, 1012));
    assert_false(idem_guests_fail(*state, &b, 1012, &first));
    assert_true(idem_guests_barred(*state, &a, 1000 + IDEM_GUEST_MINUTE_MS - 1));
    assert_false(idem_guests_barred(*state, &a, 1000 + IDEM_GUEST_MINUTE_MS));
    assert_false(idem_guests_fail(*state, &a, 1000 + IDEM_GUEST_MINUTE_MS, &first));
}

/* As many addresses as an attacker likes: the table neither grows nor forgets who is connected. */
static void a_flood_of_addresses_displaces_nobody_who_is_connected(void **state)
{
    const struct idem_machine guest = machine("192.0.2.1");
    char text[32];
    bool counted, first;

    for (int i = 0; i < 3; i++)
        assert_true(idem_guests_enter(*state, &guest, &counted));
    for (unsigned i = 0; i < 200000; i++) {
        snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
        const struct idem_machine m = machine(text);
        idem_guests_fail(*state, &m, i, &first);
    }
    assert_false(idem_guests_enter(*state, &guest, &counted));
}

static void who_finds_no_place_is_let_in_uncounted(void **state)
{
    char text[32];
    unsigned uncounted = 0;
    bool counted;

    for (unsigned i = 0; i < 4 * IDEM_GUEST_SETS * IDEM_GUEST_WAYS; i++) {
        snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
        const struct idem_machine m = machine(text);
        assert_true(idem_guests_enter(*state, &m, &counted));
        uncounted += !counted;
    }
    assert_true(uncounted >= 3 * IDEM_GUEST_SETS * IDEM_GUEST_WAYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_address_has_so_many_connections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_network_of_64_bits_is_one_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_end_with_their_minute, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_of_addresses_displaces_nobody_who_is_connected,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_finds_no_place_is_let_in_uncounted, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
