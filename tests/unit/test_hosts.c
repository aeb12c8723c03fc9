/* SPDX-License-Identifier: Apache-2.0 */
/* Under which names the server answers, and to whose pages. */
#include "server/hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const names[] = {"idem.example.com", "idem.example.net:9443"};

static const struct idem_hosts both = {
    .ports = {{8443, true}, {8787, false}},
    .port_count = 2,
    .names = names,
    .name_count = 2,
};

static void names_and_loopback_are_hosts(void **state)
{
    static const char *const good[] = {
        "127.0.0.1:8787",   "localhost:8443",        "[::1]:8787",           "LOCALHOST:8787",
        "idem.example.com", "Idem.Example.com:8443", "idem.example.net:9443"};
    static const char *const bad[] = {"127.0.0.1",
                                      "127.0.0.1:1",
                                      "localhost",
                                      "",
                                      "idem.example.org",
                                      "idem.example.com:444",
                                      "idem.example.net",
                                      "idem.example.com.evil",
                                      "127.0.0.1:87870",
                                      "localhost:8787.evil",
                                      "xidem.example.com",
                                      "idem.example.com:",
                                      "127.0.0.1:8787 ",
                                      "evil:8787",
                                      "idem.example.com:08443"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(idem_hosts_know(&both, good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(idem_hosts_know(&both, bad[i]));
}

static void pages_of_others_may_not_ask(void **state)
{
    static const char *const good[] = {"http://127.0.0.1:8787", "https://localhost:8443",
                                       "https://idem.example.com", "https://idem.example.com:8443"};
    static const char *const bad[] = {"null",
                                      "http://idem.example.com",
                                      "http://localhost:8443",
                                      "https://localhost:8787",
                                      "https://evil.example",
                                      "file://idem.example.com",
                                      "https://idem.example.com.evil",
                                      "",
                                      "idem.example.com"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(idem_hosts_know_origin(&both, good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(idem_hosts_know_origin(&both, bad[i]));
}

static void plain_pages_are_known_where_plain_http_was_allowed(void **state)
{
    struct idem_hosts hosts = both;

    (void)state;
    hosts.plain_anywhere = true;
    assert_true(idem_hosts_know_origin(&hosts, "http://idem.example.com"));
    assert_false(idem_hosts_know_origin(&hosts, "http://evil.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_loopback_are_hosts),
        cmocka_unit_test(pages_of_others_may_not_ask),
        cmocka_unit_test(plain_pages_are_known_where_plain_http_was_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
