/* SPDX-License-Identifier: Apache-2.0 */
/* test_totp.c - the codes of RFC 6238's appendix B, and what is taken when. */
#include "server/totp.h"

#include "idem/idem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t secret[IDEM_TOTP_SECRET] = "12345678901234567890"; /* of the appendix */

static int check_at(uint32_t code, int64_t now_ms, int64_t last, int64_t *step)
{
    char text[16];
    snprintf(text, sizeof text, "%06u", code);
    return idem_totp_check(secret, text, now_ms, last, step);
}

static void codes_of_the_standard(void **state)
{
    /* seconds and the last six of the eight digits there */
    static const struct {
        int64_t seconds;
        uint32_t code;
    } rows[] = {{59, 287082},       {1111111109, 81804},  {1111111111, 50471},
                {1234567890, 5924}, {2000000000, 279037}, {20000000000, 353130}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(idem_totp_code(secret, rows[i].seconds / 30), rows[i].code);
}

static void one_step_to_either_side(void **state)
{
    const int64_t now = 1000 * IDEM_TOTP_STEP_MS + 12345;
    int64_t step = -1;
    (void)state;
    for (int64_t at = 995; at <= 1005; at++) {
        int err = check_at(idem_totp_code(secret, at), now, -1, &step);
        if (at >= 999 && at <= 1001) {
            assert_int_equal(err, 0);
            assert_int_equal(step, at);
        } else {
            assert_int_equal(err, IDEM_ERR_INVALID);
        }
    }
}

static void no_step_twice_and_none_backwards(void **state)
{
    const int64_t now = 1000 * IDEM_TOTP_STEP_MS;
    int64_t step = -1;
    (void)state;
    assert_int_equal(check_at(idem_totp_code(secret, 1000), now, -1, &step), 0);
    assert_int_equal(check_at(idem_totp_code(secret, 1000), now, step, &step), IDEM_ERR_INVALID);
    assert_int_equal(check_at(idem_totp_code(secret, 999), now, step, &step), IDEM_ERR_INVALID);
    assert_int_equal(check_at(idem_totp_code(secret, 1001), now, step, &step), 0);
    assert_int_equal(step, 1001);
}

static void only_six_digits(void **state)
{
    static const char *const wrong[] = {"",       "12345",  "1234567", "12345a",
                                        " 12345", "+12345", "-1234"};
    int64_t step;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(idem_totp_check(secret, wrong[i], 30000, -1, &step), IDEM_ERR_INVALID);
}

static void what_an_authenticator_reads(void **state)
{
    char bytes[256] = "", text[IDEM_TOTP_TEXT + 1];
    struct idem_text t = {bytes, 0, sizeof bytes - 1, false};
    (void)state;
    idem_totp_text(secret, text);
    assert_string_equal(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    idem_totp_uri(&t, "anna b@x", secret);
    assert_string_equal(bytes,
                        "otpauth://totp/idem:anna%20b%40x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
                        "&issuer=idem&algorithm=SHA1&digits=6&period=30");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_of_the_standard),
        cmocka_unit_test(one_step_to_either_side),
        cmocka_unit_test(no_step_twice_and_none_backwards),
        cmocka_unit_test(only_six_digits),
        cmocka_unit_test(what_an_authenticator_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
