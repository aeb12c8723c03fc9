/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sqlite.c - the store over SQLite: what is committed is there again, what is rolled back is
 * not, windows are a chain, alarms go with their session, and a full disk is said to be one and
 * gets over it.
 */
#include "schema_first.h"
#include "store/retention.h"
#include "store/seats.h"
#include "store/store.h"

#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/idem-store-XXXXXX", path[64];
static struct idem_store *store;
static int64_t demo;
static const uint8_t key_id[IDEM_ID_BYTES] = {9};

#define OPS (store->ops)

static void open_store(void)
{
    const char *why = NULL;
    if (idem_store_sqlite_open(path, &store, &why) != 0)
        fail_msg("%s", why);
    assert_int_equal(OPS->organisation(store, "demo", &demo), 0);
}

/* Those that were closed before. */
static int forget_sessions(int64_t before_ms)
{
    const struct idem_store_limits limits = {.sessions_ms = before_ms};
    struct idem_store_removed removed;
    return store->retention->expire(store, &limits, &removed);
}

static void reopen(void)
{
    OPS->close(store);
    open_store();
}

static void remove_files(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[80];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/idem-store-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/idem.db", dir);
    open_store();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    OPS->close(store);
    remove_files();
    return rmdir(dir);
}

static struct idem_store_session session_of(uint8_t number)
{
    struct idem_store_session s = {.organisation = demo, .opened_ms = 5000, .device_class = 1};
    memset(s.id, number, sizeof s.id);
    memset(s.person, 7, sizeof s.person);
    memset(s.token_hash, number + 100, sizeof s.token_hash);
    strcpy(s.seat, "seat");
    return s;
}

static void add_session(uint8_t number, struct idem_store_session *out)
{
    *out = session_of(number);
    assert_int_equal(OPS->person_add(store, demo, out->person, key_id, "", 123), 0);
    assert_int_equal(OPS->session_add(store, out), 0);
}

static int add_window(int64_t session, int64_t *last, uint32_t seq)
{
    static uint8_t payload[400];
    struct idem_store_window w = {.organisation = demo,
                                  .session = session,
                                  .previous = *last,
                                  .seq = seq,
                                  .received_ms = 1000 + seq,
                                  .payload = payload,
                                  .len = sizeof payload};
    memset(payload, (int)seq, sizeof payload);
    int err = OPS->window_add(store, &w);
    if (err == 0)
        *last = w.row;
    return err;
}

struct seen {
    uint32_t count, seqs[64];
    int64_t rows[64];
};

static int see(void *arg, const struct idem_store_window *w)
{
    struct seen *s = arg;
    assert_int_equal(w->len, 400);
    assert_int_equal(((const uint8_t *)w->payload)[399], (uint8_t)w->seq);
    assert_int_equal(w->received_ms, 1000 + w->seq);
    s->seqs[s->count] = w->seq;
    s->rows[s->count++] = w->row;
    return 0;
}

static int count_session(void *arg, const struct idem_store_session *s)
{
    struct idem_store_session *last = arg;
    *last = *s;
    last->organisation++; /* as a counter */
    return 0;
}

static void test_sessions_come_back_as_they_were(void **state)
{
    struct idem_store_session one, back = {0};
    (void)state;

    assert_int_equal(OPS->begin(store), 0);
    add_session(1, &one);
    assert_int_equal(OPS->session_lock(store, one.row, true, 9), 0);
    assert_int_equal(OPS->commit(store), 0);
    reopen();
    assert_int_equal(OPS->sessions_open(store, count_session, &back), 0);
    assert_int_equal(back.row, one.row);
    assert_memory_equal(back.id, one.id, sizeof one.id);
    assert_memory_equal(back.person, one.person, sizeof one.person);
    assert_memory_equal(back.token_hash, one.token_hash, sizeof one.token_hash);
    assert_string_equal(back.seat, "seat");
    assert_int_equal(back.device_class, 1);
    assert_int_equal(back.opened_ms, 5000);
    assert_int_equal(back.unlock_row, 9);
    assert_true(back.locked);
}

static void test_a_closed_session_is_no_longer_open_and_is_forgotten(void **state)
{
    struct idem_store_session one, back = {0};
    (void)state;

    add_session(1, &one);
    assert_int_equal(OPS->session_close(store, one.row, 7200001), 0);
    assert_int_equal(OPS->sessions_open(store, count_session, &back), 0);
    assert_int_equal(back.row, 0);
    assert_int_equal(forget_sessions(7200000), 0);
    one = session_of(1);
    assert_int_not_equal(OPS->session_add(store, &one), 0); /* its id is still taken */
    assert_int_equal(forget_sessions(7200001), 0);
    one = session_of(1);
    assert_int_equal(OPS->session_add(store, &one), 0);
}

static void test_what_is_rolled_back_never_was(void **state)
{
    struct idem_store_session one;
    struct seen seen = {0};
    int64_t last = 0;
    (void)state;

    add_session(1, &one);
    assert_int_equal(OPS->begin(store), 0);
    assert_int_equal(add_window(one.row, &last, 1), 0);
    OPS->rollback(store);
    OPS->rollback(store); /* harmless */
    assert_int_equal(OPS->last_row(store), 0);
    assert_int_equal(OPS->windows(store, see, &seen), 0);
    assert_int_equal(seen.count, 0);
}

static void test_windows_are_a_chain_within_a_log(void **state)
{
    struct idem_store_session one, two;
    struct seen all = {0}, own = {0};
    int64_t last_one = 0, last_two = 0;
    (void)state;

    assert_int_equal(OPS->begin(store), 0);
    add_session(1, &one);
    add_session(2, &two);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(add_window(one.row, &last_one, 2 * i), 0);
        assert_int_equal(add_window(two.row, &last_two, 2 * i + 1), 0);
    }
    assert_int_equal(OPS->commit(store), 0);
    reopen();
    assert_int_equal(OPS->windows(store, see, &all), 0);
    assert_int_equal(all.count, 20);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(all.seqs[i], i);
    assert_int_equal(OPS->session_windows(store, last_two, see, &own), 0);
    assert_int_equal(own.count, 10);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(own.seqs[i], 19 - 2 * i);
    assert_int_equal(OPS->session_windows(store, 0, see, &own), 0);
    assert_int_equal(own.count, 10);
}

static void test_row_numbers_are_never_used_again(void **state)
{
    struct idem_store_profile p = {.bytes = "x", .len = 1};
    struct idem_store_session one;
    int64_t last = 0, next = 0;
    (void)state;

    add_session(1, &one);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(add_window(one.row, &last, i), 0);
    p.organisation = demo;
    memcpy(p.person, one.person, sizeof p.person);
    p.until_row = last;
    assert_int_equal(OPS->profile_put(store, &p), 0);
    assert_int_equal(OPS->session_windows_drop(store, last), 0);
    reopen();
    assert_int_equal(add_window(one.row, &next, 6), 0);
    assert_true(next > last);
}

static int keep_profile(void *arg, const struct idem_store_profile *p)
{
    struct idem_store_profile *out = arg;
    static char copy[16], anchor[16];
    *out = *p;
    memcpy(copy, p->bytes, p->len);
    out->bytes = copy;
    if (p->anchor != NULL)
        out->anchor = memcpy(anchor, p->anchor, p->anchor_len);
    return 0;
}

static void test_profiles_are_replaced(void **state)
{
    struct idem_store_profile p = {.organisation = demo,
                                   .modality = 1,
                                   .front = UINT64_MAX - 5,
                                   .bytes = "first",
                                   .len = 5,
                                   .learned_ms = 7300000,
                                   .day = 3,
                                   .day_strokes = 1.5,
                                   .until_row = 8};
    struct idem_store_profile back = {0};
    (void)state;

    memset(p.person, 9, sizeof p.person);
    assert_int_not_equal(OPS->profile_put(store, &p), 0); /* of nobody */
    assert_int_equal(OPS->person_find(store, demo, p.person), IDEM_ERR_NOT_FOUND);
    assert_int_equal(OPS->person_add(store, demo, p.person, key_id, "", 0), 0);
    assert_int_equal(OPS->person_add(store, demo, p.person, key_id, "", 0), 0);
    assert_int_equal(OPS->person_find(store, demo, p.person), 0);
    assert_int_equal(OPS->person_find(store, demo + 1, p.person), IDEM_ERR_NOT_FOUND);
    assert_int_equal(OPS->profile_put(store, &p), 0);
    p.bytes = "second";
    p.len = 6;
    assert_int_equal(OPS->profile_put(store, &p), 0);
    reopen();
    assert_int_equal(OPS->profiles(store, demo, p.person, keep_profile, &back), 0);
    assert_memory_equal(back.bytes, "second", 6);
    assert_true(back.front == UINT64_MAX - 5 && back.day == 3 && back.until_row == 8);
    assert_int_equal(back.learned_ms, 7200000); /* to the hour */
    assert_null(back.anchor);
    p.anchor = "begun";
    p.anchor_len = 5;
    assert_int_equal(OPS->profile_put(store, &p), 0);
    reopen();
    assert_int_equal(OPS->profiles(store, demo, p.person, keep_profile, &back), 0);
    assert_memory_equal(back.bytes, "second", 6);
    assert_int_equal(back.anchor_len, 5);
    assert_memory_equal(back.anchor, "begun", 5);
}

/* ------------------------------------------------------------------ alarms */

static int add_alarm(int64_t session, uint32_t seq)
{
    static const char payload[] = "{\"kind\":\"macro\"}";
    struct idem_store_alarm a = {.organisation = demo,
                                 .session = session,
                                 .seq = seq,
                                 .action = 2,
                                 .windows = 10 + seq,
                                 .window_row = 20 + seq,
                                 .received_ms = 7200000 + seq,
                                 .payload = payload,
                                 .len = sizeof payload - 1};
    int err = OPS->alarm_add(store, &a);
    assert_true(err != 0 || a.row > 0);
    return err;
}

struct heard {
    uint32_t count, cleared, last;
    int64_t at_ms;
};

static int hear(void *arg, const struct idem_store_alarm *a)
{
    struct heard *h = arg;
    assert_int_equal(a->len, strlen("{\"kind\":\"macro\"}"));
    assert_memory_equal(a->payload, "{\"kind\":\"macro\"}", a->len);
    assert_true(a->organisation == demo && a->action == 2);
    assert_true(a->windows == 10 + a->seq && a->window_row == 20 + a->seq);
    assert_true(h->count == 0 || a->seq > h->last);
    h->count++;
    h->cleared += a->cleared;
    h->last = a->seq;
    h->at_ms = a->received_ms;
    return 0;
}

static void test_a_seat_that_was_only_named_goes_with_its_last_session(void **state)
{
    struct idem_store_seat seat = {.organisation = demo, .name = "pc", .state = IDEM_SEAT_ENROLLED};
    struct idem_store_session one, two;
    (void)state;

    assert_int_equal(store->seats->add(store, &seat), 0);
    add_session(1, &one);
    add_session(2, &two);
    assert_int_equal(OPS->session_close(store, one.row, 1), 0);
    assert_int_equal(forget_sessions(1), 0);
    assert_int_equal(store->seats->named(store, demo, "seat", &seat), 0); /* the other's, too */
    assert_int_equal(OPS->session_close(store, two.row, 1), 0);
    assert_int_equal(store->seats->named(store, demo, "seat", &seat), 0);
    assert_int_equal(forget_sessions(1), 0);
    assert_int_equal(store->seats->named(store, demo, "seat", &seat), IDEM_ERR_NOT_FOUND);
    assert_int_equal(store->seats->named(store, demo, "pc", &seat), 0); /* enrolled: it stays */
    add_session(3, &one);
    assert_int_equal(store->seats->named(store, demo, "seat", &seat), 0);
}

static void test_alarms_come_back_as_they_were(void **state)
{
    struct idem_store_session one, two;
    struct heard heard = {0};
    (void)state;

    add_session(1, &one);
    add_session(2, &two);
    assert_int_equal(add_alarm(one.row, 1), 0);
    assert_int_equal(add_alarm(one.row, 2), 0);
    assert_int_equal(OPS->alarms_clear(store, one.row), 0);
    assert_int_equal(OPS->alarms_clear(store, two.row), 0);
    assert_int_equal(add_alarm(one.row, 3), 0);
    assert_int_equal(add_alarm(two.row, 4), 0);
    reopen();
    assert_int_equal(OPS->alarms(store, hear, &heard), 0);
    assert_true(heard.count == 4 && heard.cleared == 2 && heard.at_ms == 7200004);
    assert_int_not_equal(add_alarm(two.row + 1, 5), 0); /* of no session */
}

/* The time of the one alarm as it lies in the file, or -1. */
static int64_t time_of_alarm(void)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    int64_t value = -1;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT received_ms FROM alarms", -1, &st, NULL),
                     SQLITE_OK);
    if (sqlite3_step(st) == SQLITE_ROW)
        value = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return value;
}

static void test_alarms_are_rounded_and_forgotten_with_their_session(void **state)
{
    struct idem_store_session one;
    struct heard heard = {0};
    (void)state;

    add_session(1, &one);
    assert_int_equal(add_alarm(one.row, 1), 0);
    assert_int_equal(time_of_alarm(), 7200001);
    assert_int_equal(OPS->session_close(store, one.row, 7200001), 0);
    assert_int_equal(time_of_alarm(), 7200000);
    assert_int_equal(OPS->alarms(store, hear, &heard), 0); /* of open sessions only */
    assert_int_equal(heard.count, 0);
    assert_int_equal(forget_sessions(7200001), 0);
    assert_int_equal(time_of_alarm(), -1);
}

static void test_an_alarm_that_is_too_long_is_refused(void **state)
{
    static char payload[IDEM_STORE_ALARM_MAX + 1];
    struct idem_store_session one;
    (void)state;

    add_session(1, &one);
    memset(payload, ' ', sizeof payload);
    struct idem_store_alarm a = {.session = one.row, .payload = payload, .len = sizeof payload};
    assert_int_equal(OPS->alarm_add(store, &a), IDEM_ERR_LIMIT);
}

struct kept_sketch {
    uint32_t count;
    struct idem_store_sketch last;
    char bytes[16];
};

static int keep_sketch(void *arg, const struct idem_store_sketch *x)
{
    struct kept_sketch *k = arg;
    k->count++;
    k->last = *x;
    assert_true(x->len < sizeof k->bytes);
    memcpy(k->bytes, x->bytes, x->len);
    return 0;
}

static void test_sketches_are_kept_and_go_with_the_person(void **state)
{
    struct idem_store_sketch x = {.organisation = demo, .front = 77, .bytes = "one", .len = 3};
    struct kept_sketch kept = {0};
    uint8_t other[IDEM_ID_BYTES] = {8};
    sqlite3 *db;
    (void)state;

    memset(x.person, 9, sizeof x.person);
    assert_true(OPS->sketch_put(store, &x) != 0); /* of nobody */
    assert_int_equal(OPS->person_add(store, demo, x.person, key_id, "", 0), 0);
    assert_int_equal(OPS->person_add(store, demo, other, key_id, "", 0), 0);
    assert_int_equal(OPS->sketch_put(store, &x), 0);
    x.bytes = "later";
    x.len = 5;
    x.modality = IDEM_POINTER;
    assert_int_equal(OPS->sketch_put(store, &x), 0);
    x.modality = IDEM_KEYBOARD;
    assert_int_equal(OPS->sketch_put(store, &x), 0);
    reopen();
    assert_int_equal(OPS->sketches(store, demo, x.person, keep_sketch, &kept), 0);
    assert_int_equal(kept.count, 2);
    assert_true(kept.last.front == 77 && kept.last.len == 5);
    assert_memory_equal(kept.bytes, "later", 5);
    assert_memory_equal(kept.last.person, x.person, IDEM_ID_BYTES);
    assert_int_equal(OPS->sketches(store, demo, other, keep_sketch, &kept), 0);
    assert_int_equal(kept.count, 2);
    x.len = IDEM_STORE_SKETCH_MAX + 1;
    assert_int_equal(OPS->sketch_put(store, &x), IDEM_ERR_LIMIT);

    OPS->close(store);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "PRAGMA foreign_keys = ON; DELETE FROM people", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    open_store();
    assert_int_equal(OPS->sketches(store, demo, NULL, keep_sketch, &kept), 0);
    assert_int_equal(kept.count, 2);
}

/* A data base as the first version left it, with a profile in it. */
static void test_an_older_data_base_is_brought_up_to_date(void **state)
{
    struct idem_store_profile p = {.organisation = demo, .bytes = "old", .len = 3, .day = 4};
    struct idem_store_profile back = {0};
    struct idem_store_session session;
    sqlite3 *db;
    (void)state;

    memset(p.person, 9, sizeof p.person);
    OPS->close(store);
    remove_files();
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, schema_first, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "INSERT INTO people VALUES (1, x'09090909090909090909090909090909', 0);"
                     "INSERT INTO profiles VALUES (1, x'09090909090909090909090909090909', 0, 0,"
                     " 0, CAST('old' AS BLOB), 0, 4, 0, 0);"
                     "PRAGMA application_id = 1768187245; PRAGMA user_version = 1",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    open_store();
    assert_int_equal(OPS->profiles(store, demo, p.person, keep_profile, &back), 0);
    assert_memory_equal(back.bytes, "old", 3);
    assert_true(back.day == 4 && back.anchor == NULL && back.anchor_len == 0);
    p.anchor = "old";
    p.anchor_len = 3;
    assert_int_equal(OPS->profile_put(store, &p), 0);
    reopen(); /* which finds the newest version */
    assert_int_equal(OPS->profiles(store, demo, p.person, keep_profile, &back), 0);
    assert_int_equal(back.anchor_len, 3);
    add_session(1, &session);
    assert_int_equal(add_alarm(session.row, 1), 0);
}

static void test_a_full_disk_is_told_from_a_broken_one_and_gets_over(void **state)
{
    struct rlimit before, small;
    struct idem_store_session one;
    struct seen seen = {0};
    int64_t last = 0, committed = 0;
    int err = 0;
    (void)state;

    signal(SIGXFSZ, SIG_IGN);
    add_session(1, &one);
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){256 * 1024, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (uint32_t i = 0; err == 0; i++) {
        assert_true(i < 10000);
        assert_int_equal(OPS->begin(store), 0);
        last = committed;
        err = add_window(one.row, &last, i % 60);
        if (err == 0)
            err = OPS->commit(store);
        if (err == 0)
            committed = last;
    }
    OPS->rollback(store);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(err, IDEM_ERR_FULL);
    assert_int_equal(OPS->last_row(store), committed);
    last = 0;
    assert_int_equal(OPS->begin(store), 0);
    assert_int_equal(add_window(one.row, &last, 3), 0);
    assert_int_equal(OPS->commit(store), 0);
    assert_int_equal(last, committed + 1);
    assert_int_equal(OPS->session_windows(store, last, see, &seen), 0);
    assert_int_equal(seen.count, 1);
}

static void test_other_files_are_refused(void **state)
{
    const char *why = NULL;
    struct idem_store *other;
    sqlite3 *db;
    (void)state;

    OPS->close(store);
    remove_files();
    FILE *f = fopen(path, "w");
    fputs("this is no data base, and long enough to be taken for one if nobody looks", f);
    fclose(f);
    assert_int_equal(idem_store_sqlite_open(path, &other, &why), IDEM_ERR_FORMAT);
    remove_files();
    open_store();
    OPS->close(store);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(idem_store_sqlite_open(path, &other, &why), IDEM_ERR_VERSION);
    assert_non_null(strstr(why, "newer"));
    remove_files();
    open_store();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sessions_come_back_as_they_were),
        TEST(test_a_closed_session_is_no_longer_open_and_is_forgotten),
        TEST(test_what_is_rolled_back_never_was),
        TEST(test_windows_are_a_chain_within_a_log),
        TEST(test_row_numbers_are_never_used_again),
        TEST(test_profiles_are_replaced),
        TEST(test_a_seat_that_was_only_named_goes_with_its_last_session),
        TEST(test_alarms_come_back_as_they_were),
        TEST(test_alarms_are_rounded_and_forgotten_with_their_session),
        TEST(test_an_alarm_that_is_too_long_is_refused),
        TEST(test_sketches_are_kept_and_go_with_the_person),
        TEST(test_an_older_data_base_is_brought_up_to_date),
        TEST(test_a_full_disk_is_told_from_a_broken_one_and_gets_over),
        TEST(test_other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
