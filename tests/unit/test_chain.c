/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_chain.c - a log as a chain: what is untouched passes; every way to tamper with it is found
 * and the line is named; a rollback leaves no trace; blanks need a cover.
 */
#include "store/cover.h"

#include <setjmp.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LINES = 20 };

static sqlite3 *db;
static struct idem_chain *chain;
static uint8_t public_key[IDEM_HEAD_PUBLIC], secret_key[IDEM_HEAD_SECRET];
static int covers_told;

static void run(const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
}

static int64_t add(int64_t organisation, int64_t at_ms, const char *body)
{
    int64_t seq;
    assert_int_equal(idem_chain_add(chain, organisation, at_ms, body, strlen(body), &seq), 0);
    return seq;
}

static int setup(void **state)
{
    char body[64];

    (void)state;
    assert_int_equal(sodium_init() < 0, 0);
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    run(IDEM_CHAIN_TABLE("log"));
    const uint8_t seed[32] = {7};
    idem_head_keys(seed, public_key, secret_key);
    idem_cover_sign_with(secret_key);
    assert_int_equal(idem_chain_open(db, "log", &chain), 0);
    for (int i = 1; i <= LINES; i++) {
        snprintf(body, sizeof body, "{\"action\":\"test\",\"subject\":\"p_%d\"}", i);
        assert_int_equal(add(1 + i % 2, 1000 * i, body), i);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    idem_chain_close(chain);
    sqlite3_close(db);
    return 0;
}

/* The line that says what was blanked, as of a time. */
static void add_cover(const struct idem_cover *cover, int64_t at_ms)
{
    const struct idem_cover_place place = {"log", idem_chain_head(chain), at_ms};
    char body[IDEM_CHAIN_BODY_MAX];
    size_t len = idem_cover_body(&place, cover, body);
    assert_int_equal(idem_chain_add(chain, 0, at_ms, body, len, NULL), 0);
}

static void add_erasure(const int64_t *seqs, int count)
{
    const struct idem_cover cover = idem_cover_of_person(seqs, count);
    add_cover(&cover, 1);
}

static void note_cover(void *arg, int64_t seq, int64_t at_ms, const struct idem_cover *cover)
{
    (void)seq, (void)at_ms;
    *(int *)arg += (int)cover->count;
}

/* The check's fault, "" when there is none. */
static const char *check(const struct idem_chain_head *heads, size_t count)
{
    static char fault[IDEM_CHAIN_FAULT_MAX];
    struct idem_chain_check *c;

    assert_int_equal(idem_chain_check_new("log", heads, count, &c), 0);
    covers_told = 0;
    idem_chain_check_key(c, public_key);
    idem_chain_check_covers(c, note_cover, &covers_told);
    int err = idem_chain_check_table(db, "log", c);
    snprintf(fault, sizeof fault, "%s", idem_chain_check_fault(c));
    assert_int_equal(err == 0, fault[0] == '\0');
    idem_chain_check_free(c);
    return fault;
}

static void expect(const char *what)
{
    const char *fault = check(NULL, 0);
    if (strstr(fault, what) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fault, what);
}

/* Somebody who writes into the table and computes all hashes from there anew. */
static void rewrite_from(int64_t seq, const char *body)
{
    run("DELETE FROM log WHERE seq >= 10");
    struct idem_chain *other;
    assert_int_equal(idem_chain_open(db, "log", &other), 0);
    for (; seq <= LINES; seq++)
        assert_int_equal(idem_chain_add(other, 1, 1000 * seq, body, strlen(body), NULL), 0);
    idem_chain_close(other);
}

static void an_untouched_log_passes(void **state)
{
    (void)state;
    struct idem_chain_head head = idem_chain_head(chain);
    assert_int_equal(head.seq, LINES);
    assert_string_equal(check(NULL, 0), "");
    assert_string_equal(check(&head, 1), "");
}

static void an_edit_is_found(void **state)
{
    (void)state;
    run("UPDATE log SET body = replace(body, 'p_7', 'p_8') WHERE seq = 7");
    expect("line 7 was changed");
}

static void another_time_is_found(void **state)
{
    (void)state;
    run("UPDATE log SET at_ms = at_ms + 1 WHERE seq = 7");
    expect("line 7 was changed");
}

static void another_organisation_is_found(void **state)
{
    (void)state;
    run("UPDATE log SET organisation = 9 WHERE seq = 20");
    expect("line 20 was changed");
}

static void a_missing_line_is_found(void **state)
{
    (void)state;
    run("DELETE FROM log WHERE seq = 7");
    expect("line 7 is missing");
}

/* Numbers closed up: then the hashes do not follow each other. */
static void a_closed_gap_is_found(void **state)
{
    (void)state;
    run("DELETE FROM log WHERE seq = 7");
    run("UPDATE log SET seq = seq - 1 WHERE seq > 7");
    expect("line 7 was changed");
}

static void a_missing_beginning_is_found(void **state)
{
    (void)state;
    run("DELETE FROM log WHERE seq < 4");
    expect("line 1 is missing");
}

static void a_missing_end_is_found_with_a_head(void **state)
{
    (void)state;
    struct idem_chain_head head = idem_chain_head(chain);
    run("DELETE FROM log WHERE seq > 15");
    assert_string_equal(check(NULL, 0), ""); /* by itself it looks whole */
    assert_non_null(strstr(check(&head, 1), "lines 16 to 20 were there"));
}

static void rewriting_is_found_with_a_head(void **state)
{
    (void)state;
    struct idem_chain_head heads[2] = {idem_chain_head(chain)};

    /* The head of line 5, from a log that is still whole. */
    sqlite3_stmt *st;
    sqlite3_prepare_v2(db, "SELECT hash FROM log WHERE seq = 5", -1, &st, NULL);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    heads[1].seq = 5;
    memcpy(heads[1].hash, sqlite3_column_blob(st, 0), IDEM_CHAIN_HASH);
    sqlite3_finalize(st);

    rewrite_from(10, "{\"action\":\"nothing.happened\"}");
    assert_string_equal(check(NULL, 0), "");
    assert_string_equal(check(heads + 1, 1), "");
    assert_non_null(strstr(check(heads, 2), "line 20 or one before it was rewritten"));
    assert_non_null(strstr(check(heads, 2), "lines up to 5 fit theirs"));
}

/* A chain of another log, of the same lines, is not this one. */
static void another_log_is_found(void **state)
{
    (void)state;
    run("CREATE TABLE other AS SELECT * FROM log");
    struct idem_chain_check *c;
    assert_int_equal(idem_chain_check_new("other", NULL, 0, &c), 0);
    assert_int_equal(idem_chain_check_table(db, "other", c), IDEM_ERR_FORMAT);
    assert_non_null(strstr(idem_chain_check_fault(c), "line 1 was changed"));
    idem_chain_check_free(c);
}

static void a_rollback_puts_the_head_back(void **state)
{
    (void)state;
    struct idem_chain_head before = idem_chain_head(chain), after;
    run("BEGIN");
    idem_chain_begin(chain);
    add(1, 1, "{}");
    run("ROLLBACK");
    idem_chain_rollback(chain);
    after = idem_chain_head(chain);
    assert_int_equal(after.seq, before.seq);
    add(1, 2, "{\"action\":\"after\"}");
    assert_string_equal(check(NULL, 0), "");
}

static void lines_of_somebody_else_stop_ours(void **state)
{
    (void)state;
    run("INSERT INTO log VALUES (21, 1, 0, x'00', '{}', x'00', x'00')");
    assert_int_not_equal(idem_chain_add(chain, 1, 1, "{}", 2, NULL), 0);
    assert_int_equal(idem_chain_head(chain).seq, LINES);
}

static void a_blank_needs_a_cover(void **state)
{
    (void)state;
    int64_t count;
    assert_int_equal(idem_chain_bodies(chain, 4, &count), 0);
    assert_int_equal(count, 4);
    assert_int_equal(idem_chain_blank_until(chain, 4), 0);
    assert_int_equal(idem_chain_blank(chain, 9), 0);
    expect("line 1 was blanked and no later line says why");
    add_erasure((const int64_t[]){1, 2, 3, 9}, 4);
    expect("line 4 was blanked");
    add_erasure((const int64_t[]){1, 2, 3, 4}, 4);
    assert_string_equal(check(NULL, 0), "");
    assert_int_equal(covers_told, 3);
    assert_int_equal(idem_chain_bodies(chain, LINES, &count), 0);
    assert_int_equal(count, LINES - 5);
}

/* Nobody announces blanks of lines to come. */
static void a_cover_is_for_the_past(void **state)
{
    (void)state;
    add_erasure((const int64_t[]){20, 21}, 2);
    expect("line 21 says that lines were blanked which it cannot know");
}

static void a_cover_that_is_blanked_covers_nothing(void **state)
{
    (void)state;
    idem_chain_blank(chain, 3);
    add_erasure((const int64_t[]){3}, 1);
    assert_string_equal(check(NULL, 0), "");
    idem_chain_blank(chain, 21);
    expect("line 3 was blanked");
}

/* Somebody who can write the data base, and has no key or one of his own. */
static void a_cover_that_the_server_did_not_sign_is_a_fault(void **state)
{
    const uint8_t seed[32] = {8};
    uint8_t other_public[IDEM_HEAD_PUBLIC], other_secret[IDEM_HEAD_SECRET];

    (void)state;
    idem_chain_blank(chain, 3);
    idem_head_keys(seed, other_public, other_secret);
    idem_cover_sign_with(other_secret);
    add_erasure((const int64_t[]){3}, 1);
    expect("line 21 says that lines were blanked and is not signed by the key");
    run("DELETE FROM log WHERE seq > 20");
    idem_chain_close(chain);
    assert_int_equal(idem_chain_open(db, "log", &chain), 0);
    idem_cover_sign_with(NULL);
    add_erasure((const int64_t[]){3}, 1);
    expect("line 21 says that lines were blanked and is not signed by the server");
    run("DELETE FROM log WHERE seq > 20");
    idem_chain_close(chain);
    assert_int_equal(idem_chain_open(db, "log", &chain), 0);
    add(0, 1, "{\"action\":\"audit.blanked\",\"detail\":{\"reason\":\"age\",\"ranges\":[[3,3]]}}");
    expect("line 21 says that lines were blanked, but not which and why");
}

/* A signed cover, taken from one place of the log to another. */
static void a_cover_is_good_for_its_place(void **state)
{
    const struct idem_cover cover = idem_cover_of_person((const int64_t[]){3}, 1);
    const struct idem_cover_place place = {"log", idem_chain_head(chain), 1};
    char body[IDEM_CHAIN_BODY_MAX];
    size_t len = idem_cover_body(&place, &cover, body);

    (void)state;
    idem_chain_blank(chain, 3);
    add(1, 1, "{}");
    assert_int_equal(idem_chain_add(chain, 0, 1, body, len, NULL), 0);
    expect("line 22 says that lines were blanked and is not signed by the key, or not for");
}

static void age_blanks_what_is_old(void **state)
{
    const int64_t hour = 3600 * 1000, day = 24 * hour;

    (void)state;
    add(1, 100 * day, "{}");
    assert_int_equal(idem_chain_blank_until(chain, 21), 0);
    const struct idem_cover young = idem_cover_of_age(21, 99 * day + 1);
    add_cover(&young, 110 * day);
    expect("line 21 was blanked by line 22 as too old and was not");
    run("DELETE FROM log WHERE seq > 21");
    idem_chain_close(chain);
    assert_int_equal(idem_chain_open(db, "log", &chain), 0);
    const struct idem_cover old = idem_cover_of_age(21, 100 * day + 1);
    assert_int_equal(old.before_ms, 100 * day + hour);
    add_cover(&old, 110 * day);
    assert_string_equal(check(NULL, 0), "");
}

static int count_line(void *arg, const struct idem_chain_line *line)
{
    assert_true(line->organisation == 1);
    (*(int *)arg)++;
    return 0;
}

static void reading_is_by_organisation(void **state)
{
    (void)state;
    int n = 0;
    assert_int_equal(idem_chain_read(chain, 1, false, 10, 100, count_line, &n), 0);
    assert_int_equal(n, 5);
}

static void somebodys_lines_are_found(void **state)
{
    (void)state;
    int64_t seqs[4];
    int count;
    assert_int_equal(idem_chain_search(chain, 1, "\"p_1", 0, 4, seqs, &count), 0);
    assert_int_equal(count, 4); /* 10, 12, 14, 16; 18 is behind the limit */
    assert_int_equal(seqs[0], 10);
    assert_int_equal(idem_chain_search(chain, 2, "\"p_10\"", 0, 4, seqs, &count), 0);
    assert_int_equal(count, 0);
}

static void what_is_older_ends_at_the_first_younger_line(void **state)
{
    (void)state;
    int64_t seq, day = INT64_C(24) * 3600 * 1000;
    assert_int_equal(idem_chain_before(chain, 5000, 20000, &seq), 0);
    assert_int_equal(seq, 4);
    assert_int_equal(idem_chain_before(chain, 21000, 22000, &seq), 0);
    assert_int_equal(seq, LINES);
    add(1, 9 * day, "{}"); /* a clock that was wrong */
    add(1, 23000, "{}");
    assert_int_equal(idem_chain_before(chain, 23000, 23001, &seq), 0);
    assert_int_equal(seq, LINES + 1);
}

static void names_of_logs_are_letters(void **state)
{
    (void)state;
    struct idem_chain *c;
    assert_int_equal(idem_chain_open(db, "log; DROP TABLE log", &c), IDEM_ERR_INVALID);
    assert_int_equal(idem_chain_open(db, "", &c), IDEM_ERR_INVALID);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_untouched_log_passes),
        TEST(an_edit_is_found),
        TEST(another_time_is_found),
        TEST(another_organisation_is_found),
        TEST(a_missing_line_is_found),
        TEST(a_closed_gap_is_found),
        TEST(a_missing_beginning_is_found),
        TEST(a_missing_end_is_found_with_a_head),
        TEST(rewriting_is_found_with_a_head),
        TEST(another_log_is_found),
        TEST(a_rollback_puts_the_head_back),
        TEST(lines_of_somebody_else_stop_ours),
        TEST(a_blank_needs_a_cover),
        TEST(a_cover_is_for_the_past),
        TEST(a_cover_that_is_blanked_covers_nothing),
        TEST(a_cover_that_the_server_did_not_sign_is_a_fault),
        TEST(a_cover_is_good_for_its_place),
        TEST(age_blanks_what_is_old),
        TEST(reading_is_by_organisation),
        TEST(somebodys_lines_are_found),
        TEST(what_is_older_ends_at_the_first_younger_line),
        TEST(names_of_logs_are_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
