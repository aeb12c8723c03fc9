/* SPDX-License-Identifier: Apache-2.0 */
/* test_password.c - which passwords are taken, and that a hash is Argon2id of the right cost. */
#include "server/password.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void rules(void **state)
{
    static const char *const bad[] = {"",
                                      "elevenchars",
                                      "aaaaaaaaaaaaaaaa",
                                      "123456789012345",
                                      "abcdefghijklmnop",
                                      "Password1234",
                                      "qwertzuiop12",
                                      "anna.example1"};
    static const char *const good[] = {"tall green kettle", "xK3#vv9!mQp2", "correct battery anna",
                                       "\xc3\xa4\xc3\xb6\xc3\xbc xyz-mnop q"};
    char longest[IDEM_PASSWORD_MAX + 2];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_non_null(idem_password_fault(bad[i], "anna.example"));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_null(idem_password_fault(good[i], "anna.example"));
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = (char)('a' + i * 7 % 23);
    longest[IDEM_PASSWORD_MAX + 1] = '\0';
    assert_non_null(idem_password_fault(longest, ""));
    longest[IDEM_PASSWORD_MAX] = '\0';
    assert_null(idem_password_fault(longest, ""));
}

static void hash_and_verify(void **state)
{
    char hash[IDEM_PASSWORD_HASH], again[IDEM_PASSWORD_HASH];
    (void)state;
    assert_int_equal(idem_password_hash("tall green kettle", hash), 0);
    assert_int_equal(strncmp(hash, "$argon2id$v=19$m=65536,t=3,p=1$", 31), 0);
    assert_true(idem_password_verify(hash, "tall green kettle"));
    assert_false(idem_password_verify(hash, "tall green kettl"));
    assert_false(idem_password_verify(NULL, "tall green kettle"));
    assert_int_equal(idem_password_hash("tall green kettle", again), 0);
    assert_string_not_equal(hash, again);
}

static void generated_ones_are_taken(void **state)
{
    char text[IDEM_PASSWORD_GENERATED + 1], other[IDEM_PASSWORD_GENERATED + 1];
    (void)state;
    idem_password_generate(text);
    idem_password_generate(other);
    assert_int_equal(strlen(text), IDEM_PASSWORD_GENERATED);
    assert_null(idem_password_fault(text, "anna"));
    assert_string_not_equal(text, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),
        cmocka_unit_test(hash_and_verify),
        cmocka_unit_test(generated_ones_are_taken),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
