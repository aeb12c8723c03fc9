/* SPDX-License-Identifier: Apache-2.0 */
/* test_courier_answer.c - answers of servers as they may come: in any pieces, half, too long, and
 * no HTTP at all. */
#include "agent/courier/answer.h"
#include "idem/idem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char usual[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                            "ETag: \"0123\"\r\nContent-Length: 5\r\n\r\nhello";
static const char chunked[] = "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n"
                              "Retry-After: 17\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";

/* Fed in pieces of that size; the first error. */
static int feed(struct idem_answer_reader *r, const char *text, size_t len, size_t piece,
                size_t limit)
{
    int err = 0;

    idem_answer_begin(r, limit);
    for (size_t at = 0; at < len && err == 0 && !r->whole; at += piece)
        err = idem_answer_feed(r, text + at, len - at < piece ? len - at : piece);
    return err;
}

static int of(const char *text)
{
    struct idem_answer_reader r;
    int err = feed(&r, text, strlen(text), strlen(text), 100);

    if (err == 0 && !r.whole)
        err = idem_answer_ended(&r);
    idem_answer_free(&r);
    return err;
}

static void test_in_pieces_of_any_size(void **state)
{
    struct idem_answer_reader r;

    (void)state;
    for (size_t piece = 1; piece < sizeof usual; piece++) {
        assert_int_equal(feed(&r, usual, sizeof usual - 1, piece, 100), 0);
        assert_true(r.whole);
        assert_int_equal(r.status, 200);
        assert_string_equal(r.body, "hello");
        assert_string_equal(r.etag, "\"0123\"");
        assert_true(idem_answer_keeps(&r));
        idem_answer_free(&r);
        assert_int_equal(feed(&r, chunked, sizeof chunked - 1, piece, 100), 0);
        assert_int_equal(r.status, 503);
        assert_string_equal(r.body, "hello");
        assert_int_equal(idem_answer_retry_after(&r), 17);
        idem_answer_free(&r);
    }
}

static void test_half_an_answer(void **state)
{
    struct idem_answer_reader r;

    (void)state;
    for (size_t len = 0; len < sizeof usual - 1; len++) {
        assert_int_equal(feed(&r, usual, len, 7, 100), 0);
        assert_false(r.whole);
        assert_int_not_equal(idem_answer_ended(&r), 0);
        idem_answer_free(&r);
    }
}

static void test_the_end_of_the_connection_may_be_the_answer_s(void **state)
{
    struct idem_answer_reader r;
    static const char text[] = "HTTP/1.1 200 OK\r\n\r\nall of it";

    (void)state;
    assert_int_equal(feed(&r, text, sizeof text - 1, 4, 100), 0);
    assert_false(r.whole);
    assert_int_equal(idem_answer_ended(&r), 0);
    assert_string_equal(r.body, "all of it");
    assert_false(idem_answer_keeps(&r));
    idem_answer_free(&r);
}

static void test_without_a_body(void **state)
{
    struct idem_answer_reader r;
    static const char text[] = "HTTP/1.1 204 No Content\r\n\r\n";

    (void)state;
    assert_int_equal(feed(&r, text, sizeof text - 1, 3, 100), 0);
    assert_true(r.whole && r.body == NULL && idem_answer_keeps(&r));
    idem_answer_free(&r);
}

static void test_what_was_not_asked_for(void **state)
{
    struct idem_answer_reader r;
    char text[2 * sizeof usual];

    (void)state;
    snprintf(text, sizeof text, "%s%s", usual, usual);
    assert_int_equal(feed(&r, text, strlen(text), strlen(text), 100), 0);
    assert_true(r.whole);
    assert_string_equal(r.body, "hello");
    assert_false(idem_answer_keeps(&r)); /* the second one would be the next request's */
    idem_answer_free(&r);
    assert_int_equal(of("HTTP/1.1 100 Continue\r\n\r\n"), IDEM_ERR_FORMAT);
    assert_int_equal(of("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), IDEM_ERR_FORMAT);
}

static void test_too_long(void **state)
{
    struct idem_answer_reader r;
    char line[64];

    (void)state;
    assert_int_equal(of("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"), IDEM_ERR_LIMIT);
    assert_int_equal(
        of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
           "FFFFFFFF\r\n0123456789012345678901234567890123456789012345678901234567890123"
           "4567890123456789012345678901234567890123456789"),
        IDEM_ERR_LIMIT);
    assert_int_equal(of("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
                     IDEM_ERR_FORMAT);
    idem_answer_begin(&r, 100);
    int err = idem_answer_feed(&r, "HTTP/1.1 200 OK\r\n", 17);
    for (int i = 0; i < 1000 && err == 0; i++) {
        snprintf(line, sizeof line, "X-%d: no end to it is in sight\r\n", i);
        err = idem_answer_feed(&r, line, strlen(line));
    }
    assert_true(err == IDEM_ERR_LIMIT);
    idem_answer_free(&r);
}

static void test_no_http(void **state)
{
    static const char *const bad[] = {"SSH-2.0-OpenSSH_9.2\r\n",
                                      "\x16\x03\x01\x02",
                                      "HTTP/1.1 2x0 no\r\n\r\n",
                                      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                                      "GET / HTTP/1.1\r\n\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(of(bad[i]), IDEM_ERR_FORMAT);
}

static void test_when_to_come_back(void **state)
{
    static const struct {
        const char *said;
        uint32_t seconds;
    } cases[] = {{"120", 120},       {"", 0},
                 {"soon", 0},        {"-5", 0},
                 {"99999999", 3600}, {"Wed, 21 Oct 2026 07:28:00 GMT", 0}};
    char text[160];
    struct idem_answer_reader r;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text,
                 "HTTP/1.1 429 No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", cases[i].said);
        assert_int_equal(feed(&r, text, strlen(text), 5, 100), 0);
        assert_int_equal(idem_answer_retry_after(&r), cases[i].seconds);
        idem_answer_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_pieces_of_any_size),
        cmocka_unit_test(test_half_an_answer),
        cmocka_unit_test(test_the_end_of_the_connection_may_be_the_answer_s),
        cmocka_unit_test(test_without_a_body),
        cmocka_unit_test(test_what_was_not_asked_for),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_no_http),
        cmocka_unit_test(test_when_to_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
