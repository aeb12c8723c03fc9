/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, networks and the way through proxies, as the configuration and headers write them. */
#include "server/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void addresses_are_numbers_with_a_port(void **state)
{
    static const char *const good[] = {"127.0.0.1:8787", "0.0.0.0:0", "[::1]:65535", "[::]:443"};
    static const char *const bad[] = {"",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:-1",
                                      "::1:8787",
                                      "localhost:8787",
                                      "[::1]",
                                      "[::1:80",
                                      ":80",
                                      "1.2.3.4:x",
                                      "[1.2.3.4]:80",
                                      "1.2.3.4:80 ",
                                      "[]:80",
                                      "1.2.3:80",
                                      "[::1]80:1",
                                      "127.0.0.1:0x50",
                                      "[fe80::1%1]:8",
                                      "1.2.3.4:000000080"};
    struct idem_address a;
    char text[IDEM_ADDRESS_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(idem_address_parse(good[i], &a), 0);
        idem_address_text(&a, text);
        assert_string_equal(text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(idem_address_parse(bad[i], &a), IDEM_ERR_FORMAT);
}

static void loopback_is_known_in_both_families(void **state)
{
    static const char *const loopback[] = {"127.0.0.1:1", "127.255.0.3:1", "[::1]:1",
                                           "[::ffff:127.0.0.1]:1"};
    static const char *const others[] = {"0.0.0.0:1",      "[::]:1",  "128.0.0.1:1",
                                         "126.0.0.1:1",    "[::2]:1", "[::ffff:10.0.0.1]:1",
                                         "[::127.0.0.1]:1"};
    struct idem_address a;

    (void)state;
    for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++) {
        assert_int_equal(idem_address_parse(loopback[i], &a), 0);
        assert_true(idem_address_is_loopback(&a));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(idem_address_parse(others[i], &a), 0);
        assert_false(idem_address_is_loopback(&a));
    }
}

static bool has(const char *network, const char *machine)
{
    struct idem_network n;
    struct idem_machine m;

    assert_int_equal(idem_network_parse(network, &n), 0);
    assert_int_equal(idem_machine_parse(machine, &m), 0);
    return idem_network_has(&n, &m);
}

static void networks_end_where_their_bits_do(void **state)
{
    static const char *const bad[] = {
        "10.0.0.1/8", "10.0.0.0/33", "2001:db8::1/32", "10.0.0.0/", "10.0.0.0/-1", "10/8", "x", "",
        "::/129",     "/8"};
    struct idem_network n;

    (void)state;
    assert_true(has("10.0.0.0/8", "10.255.255.255"));
    assert_false(has("10.0.0.0/8", "11.0.0.0"));
    assert_true(has("192.0.2.128/25", "192.0.2.200"));
    assert_false(has("192.0.2.128/25", "192.0.2.127"));
    assert_true(has("192.0.2.7", "192.0.2.7"));
    assert_true(has("192.0.2.7", "::ffff:192.0.2.7"));
    assert_false(has("192.0.2.7", "192.0.2.8"));
    assert_true(has("0.0.0.0/0", "203.0.113.9"));
    assert_false(has("0.0.0.0/0", "2001:db8::1"));
    assert_true(has("2001:db8::/32", "2001:db8:ffff::1"));
    assert_false(has("2001:db8::/32", "2001:db9::"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(idem_network_parse(bad[i], &n), IDEM_ERR_FORMAT);
}

/* Who asked, according to the header, with 10.0.0.0/8 for proxies; "" when it cannot be said. */
static void assert_client(const char *header, const char *expected)
{
    struct idem_network proxies;
    struct idem_machine m;
    char text[IDEM_ADDRESS_TEXT_MAX] = "";

    assert_int_equal(idem_network_parse("10.0.0.0/8", &proxies), 0);
    if (idem_forwarded_client(header, &proxies, 1, &m) == 0)
        idem_machine_text(&m, text);
    assert_string_equal(text, expected);
}

static void only_what_a_proxy_wrote_is_believed(void **state)
{
    char longest[IDEM_FORWARDED_MAX + 2];

    (void)state;
    assert_client("203.0.113.9", "203.0.113.9");
    assert_client("198.51.100.1, 203.0.113.9", "203.0.113.9"); /* the first one he wrote himself */
    assert_client("198.51.100.1,203.0.113.9 , 10.0.0.2", "203.0.113.9");
    assert_client("2001:db8::5, 10.1.1.1, 10.0.0.2", "2001:db8::5");
    assert_client("10.0.0.3, 10.0.0.2", "");
    assert_client("", "");
    assert_client("203.0.113.9,", "");
    assert_client("unknown", "");
    assert_client("203.0.113.9, unknown, 10.0.0.1", "");
    assert_client("203.0.113.9:5555", "");
    memset(longest, ' ', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_client(longest, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_numbers_with_a_port),
        cmocka_unit_test(loopback_is_known_in_both_families),
        cmocka_unit_test(networks_end_where_their_bits_do),
        cmocka_unit_test(only_what_a_proxy_wrote_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
