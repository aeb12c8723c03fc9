/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's record: what is written is found by resource and by person, holds as a chain, and
 * goes. */
#include "store/cover.h"
#include "store/gate_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR INT64_C(3600000)
#define NOON (INT64_C(500000) * HOUR)

static uint8_t public_key[IDEM_HEAD_PUBLIC];

static void make_key(void)
{
    const uint8_t seed[32] = {7};
    uint8_t secret_key[IDEM_HEAD_SECRET];

    idem_head_keys(seed, public_key, secret_key);
    idem_cover_sign_with(secret_key);
}

struct fixture {
    char dir[32], path[64];
    struct idem_gate_log *log;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *why;

    make_key();
    strcpy(f->dir, "/tmp/idem-gate-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/gate.db", f->dir);
    assert_int_equal(idem_gate_log_open(f->path, &f->log, &why), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    struct fixture *f = *state;
    char path[96];

    idem_gate_log_close(f->log);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", f->path, tails[i]);
        unlink(path);
    }
    rmdir(f->dir);
    free(f);
    return 0;
}

static struct idem_gate_record record_of(const char *person, const char *resource)
{
    return (struct idem_gate_record){
        .organisation = 1,
        .at_ms = NOON + 1234567,
        .person = person,
        .session = person != NULL ? "s_one" : NULL,
        .actor = "key:crm",
        .resource = resource,
        .class = "sensitive",
        .answer = "pass",
        .cause = "matches",
        .level = "high",
        .policy = "0123456789ab",
        .line = 42,
        .count = 1,
    };
}

static int64_t add(struct fixture *f, const struct idem_gate_record *r)
{
    int64_t seq = 0;
    assert_int_equal(idem_gate_log_begin(f->log), 0);
    assert_int_equal(idem_gate_log_add(f->log, r, &seq), 0);
    assert_int_equal(idem_gate_log_commit(f->log), 0);
    return seq;
}

struct answer {
    int count;
    int64_t last, at_ms;
    char person[32], resource[64], level[16];
    uint32_t line;
};

static int keep(void *arg, const struct idem_gate_record *r)
{
    struct answer *a = arg;
    a->count++;
    a->last = r->seq;
    a->at_ms = r->at_ms;
    a->line = r->line;
    snprintf(a->person, sizeof a->person, "%s", r->person != NULL ? r->person : "");
    snprintf(a->resource, sizeof a->resource, "%s", r->resource);
    snprintf(a->level, sizeof a->level, "%s", r->level);
    return 0;
}

static struct answer read_all(struct fixture *f, int64_t organisation, const char *resource,
                              const char *person, int64_t after)
{
    const struct idem_gate_search search = {organisation, after, resource, person, 100};
    struct answer a = {0};
    assert_int_equal(idem_gate_log_read(f->log, &search, keep, &a), 0);
    return a;
}

static void check_chain(struct fixture *f, int expected)
{
    struct idem_chain_check *check;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(idem_chain_check_new(IDEM_GATE_LOG_NAME, NULL, 0, &check), 0);
    idem_chain_check_key(check, public_key);
    int err = idem_chain_check_table(db, IDEM_GATE_LOG_NAME, check);
    if (err == 0)
        err = idem_chain_check_end(check);
    assert_int_equal(err, expected);
    idem_chain_check_free(check);
    sqlite3_close(db);
}

static void finds_by_resource_and_person(void **state)
{
    struct fixture *f = *state;
    struct idem_gate_record ada = record_of("p_ada", "customer/4711");
    struct idem_gate_record eve = record_of("p_eve", "customer/4711");
    struct idem_gate_record nobody = record_of(NULL, "customer/1");

    add(f, &ada), add(f, &eve), add(f, &nobody);
    struct answer a = read_all(f, 1, "customer/4711", NULL, 0);
    assert_int_equal(a.count, 2);
    assert_string_equal(a.person, "p_eve");
    assert_string_equal(a.level, "high");
    assert_int_equal(a.line, 42);
    assert_true(a.at_ms == NOON); /* the hour and nothing finer */
    assert_int_equal(read_all(f, 1, "customer/4711", NULL, 1).count, 1);
    assert_int_equal(read_all(f, 1, NULL, "p_ada", 0).count, 1);
    assert_int_equal(read_all(f, 1, "customer/1", NULL, 0).count, 1);
    assert_int_equal(read_all(f, 2, "customer/4711", NULL, 0).count, 0); /* another's */
    check_chain(f, 0);
}

static void a_change_is_seen(void **state)
{
    struct fixture *f = *state;
    struct idem_gate_record ada = record_of("p_ada", "customer/4711");
    sqlite3 *db;

    add(f, &ada), add(f, &ada);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE gate SET body = replace(body, 'p_ada', 'p_eve')"
                                  " WHERE seq = 1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    check_chain(f, IDEM_ERR_FORMAT);
}

/* Somebody has the file: nothing is added, and the next line is the next line. */
static void goes_on_after_a_begin_that_failed(void **state)
{
    struct fixture *f = *state;
    struct idem_gate_record ada = record_of("p_ada", "customer/4711");
    sqlite3 *db;

    add(f, &ada), add(f, &ada);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_not_equal(idem_gate_log_begin(f->log), 0);
    idem_gate_log_rollback(f->log);
    sqlite3_close(db);
    assert_int_equal(add(f, &ada), 3);
    check_chain(f, 0);
}

static void expires_by_age(void **state)
{
    struct fixture *f = *state;
    struct idem_gate_record old = record_of("p_ada", "customer/4711"), young = old;
    int64_t removed = -1;

    young.at_ms = NOON + 5 * HOUR;
    add(f, &old), add(f, &old), add(f, &young);
    assert_int_equal(idem_gate_log_expire(f->log, NOON + 2 * HOUR, NOON + 6 * HOUR, &removed), 0);
    assert_int_equal(removed, 2);
    assert_int_equal(read_all(f, 1, "customer/4711", NULL, 0).count, 1);
    check_chain(f, 0);
    assert_int_equal(idem_gate_log_expire(f->log, NOON + 2 * HOUR, NOON + 6 * HOUR, &removed), 0);
    assert_int_equal(removed, 0);
}

static void erases_a_person(void **state)
{
    struct fixture *f = *state;
    struct idem_gate_record ada = record_of("p_ada", "customer/1"),
                            eve = record_of("p_eve", "customer/1");
    int64_t removed = -1;

    for (int i = 0; i < 150; i++)
        add(f, &ada);
    add(f, &eve);
    assert_int_equal(idem_gate_log_erase(f->log, 1, "p_ada", NOON, &removed), 0);
    assert_int_equal(removed, 150);
    assert_int_equal(read_all(f, 1, NULL, "p_ada", 0).count, 0);
    assert_int_equal(read_all(f, 1, NULL, "p_eve", 0).count, 1);
    check_chain(f, 0);
}

static void opens_again_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct idem_gate_record ada = record_of("p_ada", "customer/1");
    struct idem_gate_log *reader, *other;
    const char *why;
    char path[80];
    sqlite3 *db;

    add(f, &ada);
    idem_gate_log_close(f->log);
    assert_int_equal(idem_gate_log_open(f->path, &f->log, &why), 0);
    assert_int_equal(add(f, &ada), 2);
    assert_int_equal(idem_gate_log_open_reader(f->path, &reader), 0);
    idem_gate_log_close(reader);
    snprintf(path, sizeof path, "%s/other", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "CREATE TABLE t (x)", NULL, NULL, NULL);
    sqlite3_close(db);
    assert_int_equal(idem_gate_log_open(path, &other, &why), IDEM_ERR_FORMAT);
    unlink(path);
    check_chain(f, 0);
}

static void refuses_what_is_too_long_or_no_text(void **state)
{
    struct fixture *f = *state;
    char longer[IDEM_GATE_BODY_MAX + 1] = "";
    struct idem_gate_record r = record_of("p_ada", longer);
    int64_t seq;

    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(idem_gate_log_begin(f->log), 0);
    assert_int_equal(idem_gate_log_add(f->log, &r, &seq), IDEM_ERR_LIMIT);
    r.resource = "\xff";
    assert_int_equal(idem_gate_log_add(f->log, &r, &seq), IDEM_ERR_INVALID);
    idem_gate_log_rollback(f->log);
    r.resource = "customer/1";
    assert_int_equal(add(f, &r), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_by_resource_and_person, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_change_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(goes_on_after_a_begin_that_failed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(expires_by_age, set_up, tear_down),
        cmocka_unit_test_setup_teardown(erases_a_person, set_up, tear_down),
        cmocka_unit_test_setup_teardown(opens_again_and_nothing_else, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_is_too_long_or_no_text, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
