/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_head.c - signed heads: written, read back, and believed only as they were signed; then the
 * thread that sends them: what is important at once, seats by the hour, all at the end.
 */
#include "server/heads.h"


#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static uint8_t public_key[IDEM_HEAD_PUBLIC], secret_key[IDEM_HEAD_SECRET];
static struct idem_chain_head at = {57, {1, 2, 3}};

static int make_keys(void **state)
{
    static const uint8_t seed[32] = {9};
    (void)state;
    assert_false(sodium_init() < 0);
    idem_head_keys(seed, public_key, secret_key);
    return 0;
}

static void a_head_comes_back_as_it_was_signed(void **state)
{
    char line[IDEM_HEAD_LINE_MAX], prefixed[2 * IDEM_HEAD_LINE_MAX];
    struct idem_head head, read;

    (void)state;
    idem_head_sign("audit", &at, INT64_C(1769853600000), secret_key, &head);
    assert_string_equal(head.time, "2026-01-31T10:00:00Z");
    size_t len = idem_head_line(&head, line);
    assert_int_equal(idem_head_parse(line, len, &read), 0);
    assert_memory_equal(&read, &head, sizeof read);
    assert_int_equal(idem_head_verify(&read, public_key), 0);

    int n = snprintf(prefixed, sizeof prefixed, "Jan 31 10:00:00 host idem-server[1]: %s", line);
    assert_int_equal(idem_head_parse(prefixed, (size_t)n, &read), 0);
    assert_int_equal(idem_head_verify(&read, public_key), 0);
}

static void nothing_of_a_head_can_be_changed(void **state)
{
    struct idem_head good, bad;

    (void)state;
    idem_head_sign("audit", &at, 0, secret_key, &good);
    bad = good;
    bad.at.seq--;
    assert_int_equal(idem_head_verify(&bad, public_key), IDEM_ERR_FORMAT);
    bad = good;
    bad.at.hash[31] ^= 1;
    assert_int_equal(idem_head_verify(&bad, public_key), IDEM_ERR_FORMAT);
    bad = good;
    strcpy(bad.log, "gate");
    assert_int_equal(idem_head_verify(&bad, public_key), IDEM_ERR_FORMAT);
    bad = good;
    bad.time[3] = '1';
    assert_int_equal(idem_head_verify(&bad, public_key), IDEM_ERR_FORMAT);
}

static void another_key_does_not_do(void **state)
{
    static const uint8_t seed[32] = {10};
    uint8_t other[IDEM_HEAD_PUBLIC], secret[IDEM_HEAD_SECRET];
    struct idem_head head;

    (void)state;
    idem_head_keys(seed, other, secret);
    idem_head_sign("audit", &at, 0, secret, &head);
    assert_int_equal(idem_head_verify(&head, public_key), IDEM_ERR_FORMAT);
}

static void what_is_no_head_is_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "{",
        "{}",
        "[1]",
        "no brace",
        "{\"log\":\"audit\",\"seq\":1,\"hash\":\"00\",\"at\":\"x\",\"key\":\"00\","
        "\"signature\":\"00\"}",
        "{\"log\":\"averylongnameofalog\",\"seq\":1}",
        "{\"log\":7}"};
    struct idem_head head;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(idem_head_parse(lines[i], strlen(lines[i]), &head), IDEM_ERR_FORMAT);
}

/* ------------------------------------------------------------------ the thread */

static char dir[40], path[64];

static struct idem_heads *start_heads(unsigned every_s)
{
    const struct idem_heads_options options = {.file = path, .every_s = every_s};
    struct idem_heads *h;

    strcpy(dir, "/tmp/idem-heads-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/outside", dir);
    assert_int_equal(idem_heads_new(dir, &options, &h), 0);
    assert_int_equal(idem_heads_start(h), 0);
    return h;
}

static void end_heads(struct idem_heads *h)
{
    static const char *const names[] = {"outside", "audit.key", "audit.pub"};
    char name[80];

    idem_heads_stop(h);
    idem_heads_free(h);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s/%s", dir, names[i]);
        unlink(name);
    }
    rmdir(dir);
}

/* How many heads of the log are in the file, all of them good; the last one. */
static int heads_in_file(struct idem_heads *h, const char *log, struct idem_head *last)
{
    char line[IDEM_HEAD_LINE_MAX + 2];
    int n = 0;
    FILE *f = fopen(path, "r");

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        struct idem_head head;
        assert_int_equal(idem_head_parse(line, strlen(line), &head), 0);
        assert_int_equal(idem_head_verify(&head, idem_heads_public(h)), 0);
        if (strcmp(head.log, log) == 0) {
            *last = head;
            n++;
        }
    }
    if (f != NULL)
        fclose(f);
    return n;
}

static void what_is_important_goes_at_once(void **state)
{
    struct idem_heads *h = start_heads(3600);
    struct idem_head last;

    (void)state;
    idem_heads_offer(h, "audit", &at, true);
    while (heads_in_file(h, "audit", &last) == 0) /* the test's own time-out ends this */
        usleep(1000);
    assert_int_equal(last.at.seq, 57);
    end_heads(h);
}

static void the_rest_goes_at_the_end(void **state)
{
    struct idem_heads *h = start_heads(3600);
    struct idem_chain_head next = {58, {4}};
    struct idem_head last;
    struct stat st;

    (void)state;
    idem_heads_offer(h, "audit_seats", &at, true); /* never at once */
    idem_heads_offer(h, "audit_seats", &next, false);
    assert_int_equal(heads_in_file(h, "audit_seats", &last), 0);
    idem_heads_stop(h);
    assert_int_equal(heads_in_file(h, "audit_seats", &last), 1);
    assert_int_equal(last.at.seq, 58);
    assert_string_equal(last.time + strlen("2026-01-31T10"), ":00:00Z"); /* the hour only */
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07, 0);
    end_heads(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_comes_back_as_it_was_signed),
        cmocka_unit_test(nothing_of_a_head_can_be_changed),
        cmocka_unit_test(another_key_does_not_do),
        cmocka_unit_test(what_is_no_head_is_refused),
        cmocka_unit_test(what_is_important_goes_at_once),
        cmocka_unit_test(the_rest_goes_at_the_end),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
