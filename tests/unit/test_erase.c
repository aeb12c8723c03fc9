/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_erase.c - a person's rows go and nobody else's; what a ledger says is done at the next
 * start; a data base that sealed nothing is sealed, and nothing of before is left in its files.
 */
#include "store/audit.h"
#include "store/cover.h"
#include "store/erase.h"
#include "store/privacy.h"
#include "store/sealed.h"

#include <setjmp.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILE_MAX = 4 * 1024 * 1024, NOW = 1800000000 };

static char dir[] = "/tmp/idem-erase-XXXXXX";
static struct idem_store *store;
static struct idem_vault *vault;
static struct idem_ledger *ledger;
static int64_t demo;
static const char secret[] = "so many milliseconds between e and n";

static const char *file(const char *name)
{
    static char path[80];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void open_all(void)
{
    const char *why = NULL;
    if (idem_store_sqlite_open(file("idem.db"), &store, &why) != 0 ||
        idem_ledger_open(dir, &ledger, &why) != 0 || idem_vault_open(dir, true, &vault, &why) != 0)
        fail_msg("%s", why);
    assert_int_equal(store->ops->organisation(store, "demo", &demo), 0);
}

static void close_all(void)
{
    idem_vault_close(vault);
    idem_ledger_close(ledger);
    store->ops->close(store);
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/idem-erase-XXXXXX");
    if (mkdtemp(dir) == NULL || sodium_init() < 0)
        return -1;
    open_all();
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"idem.db",     "idem.db-wal", "idem.db-shm", "keys.db",
                                        "keys.db-wal", "keys.db-shm", "erasures.log"};
    (void)state;
    close_all();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(file(names[i]));
    return rmdir(dir);
}

/* By another connection, as somebody with a shell would. */
static void sql(const char *text)
{
    char *fault = NULL;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(file("idem.db"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 2000);
    /* As the versions were that sealed nothing, wherever SQLite was not built otherwise. */
    assert_int_equal(sqlite3_exec(db, "PRAGMA secure_delete = OFF", NULL, NULL, NULL), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &fault) != SQLITE_OK)
        fail_msg("%s: %s", text, fault);
    sqlite3_close(db);
}

static int64_t ask(const char *text)
{
    sqlite3_stmt *st;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(file("idem.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    const int64_t value = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return value;
}

static bool on_disk(const void *bytes, size_t len)
{
    static const char *const names[] = {"idem.db", "idem.db-wal"};
    static uint8_t all[FILE_MAX];
    bool found = false;

    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(file(names[i]), "rb");
        if (f == NULL)
            continue;
        const size_t n = fread(all, 1, sizeof all, f);
        assert_true(n < sizeof all);
        found = found || memmem(all, n, bytes, len) != NULL;
        fclose(f);
    }
    return found;
}

static void prepare(struct idem_people_check *check)
{
    const struct idem_erase_places places = {
        .store = store, .vault = vault, .ledger = ledger, .now_ms = NOW};
    assert_int_equal(idem_people_prepare(&places, check), 0);
}

/* ------------------------------------------------------------------ people */

/* Somebody with a session, a window, an alarm, a profile, a sketch and an account. */
static void add_person(uint8_t number, struct idem_vault_entry *out)
{
    struct idem_store_session s = {.organisation = demo, .seat = "seat", .opened_ms = NOW};
    struct idem_store_window w = {.organisation = demo, .seq = 1, .payload = "x", .len = 1};
    struct idem_store_profile p = {.organisation = demo, .bytes = "x", .len = 1};
    struct idem_store_sketch x = {.organisation = demo, .bytes = "x", .len = 1};
    struct idem_store_alarm a = {.organisation = demo, .payload = "{}", .len = 2};
    char text[300], person[2 * IDEM_ID_BYTES + 1];

    *out = (struct idem_vault_entry){.organisation = demo};
    memset(out->handle, number, sizeof out->handle);
    assert_int_equal(idem_vault_begin(vault), 0);
    assert_int_equal(idem_vault_add_new(vault, out), 0);
    assert_int_equal(idem_vault_commit(vault), 0);
    memcpy(s.person, out->person, sizeof s.person);
    memcpy(p.person, out->person, sizeof p.person);
    memcpy(x.person, out->person, sizeof x.person);
    memset(s.id, number, sizeof s.id);
    assert_int_equal(store->ops->begin(store), 0);
    assert_int_equal(store->ops->person_add(store, demo, out->person, out->key_id, "", NOW), 0);
    assert_int_equal(store->ops->session_add(store, &s), 0);
    w.session = a.session = s.row;
    assert_int_equal(store->ops->window_add(store, &w), 0);
    assert_int_equal(store->ops->alarm_add(store, &a), 0);
    assert_int_equal(store->ops->profile_put(store, &p), 0);
    assert_int_equal(store->ops->sketch_put(store, &x), 0);
    assert_int_equal(store->privacy->name_put(store, demo, out->person, "sealed", 6), 0);
    assert_int_equal(store->ops->commit(store), 0);
    sodium_bin2hex(person, sizeof person, out->person, sizeof out->person);
    snprintf(
        text, sizeof text,
        "INSERT INTO accounts (organisation, login_key, label, fresh, totp_step, roles, person,"
        " disabled, since_ms) VALUES (%lld, x'%02x', 'own', 0, 0, %d, x'%s', 0, 0)",
        (long long)demo, number, 1 << 12, person);
    sql(text);
}

static void check_one_left(const struct idem_vault_entry *left)
{
    static const char *const tables[] = {"people",   "sessions", "windows", "alarms",
                                         "profiles", "sketches", "names",   "accounts"};
    char text[80];

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        snprintf(text, sizeof text, "SELECT count(*) FROM %s", tables[i]);
        if (ask(text) != 1)
            fail_msg("%s: %lld rows", tables[i], (long long)ask(text));
    }
    assert_int_equal(store->ops->person_find(store, demo, left->person), 0);
}

static void note(const struct idem_vault_entry *entry)
{
    struct idem_erasure e = {.organisation = "demo", .hour_ms = NOW};
    memcpy(e.key_id, entry->key_id, sizeof e.key_id);
    memcpy(e.person, entry->person, sizeof e.person);
    assert_int_equal(idem_ledger_append(ledger, &e), 0);
}

static void test_what_the_ledger_says_is_done(void **state)
{
    struct idem_vault_entry ada, bob, e;
    struct idem_people_check check;

    (void)state;
    add_person(1, &ada);
    add_person(2, &bob);
    prepare(&check);
    assert_int_equal(check.erased, 0);
    note(&ada);
    prepare(&check);
    assert_int_equal(check.erased, 1);
    check_one_left(&bob);
    assert_int_equal(idem_vault_by_key_id(vault, ada.key_id, &e), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_vault_by_key_id(vault, bob.key_id, &e), 0);
    assert_false(on_disk(ada.person, sizeof ada.person));
    prepare(&check);
    assert_int_equal(check.erased, 0);
}

static void test_keys_that_come_back_go_again(void **state)
{
    struct idem_vault_entry ada, e;
    struct idem_people_check check;

    (void)state;
    add_person(1, &ada);
    note(&ada);
    prepare(&check);
    assert_int_equal(idem_vault_add(vault, &ada), 0);
    prepare(&check);
    assert_int_equal(check.erased, 0);
    assert_int_equal(idem_vault_by_key_id(vault, ada.key_id, &e), IDEM_ERR_NOT_FOUND);
}

static void test_an_officer_keeps_the_account_and_not_the_person(void **state)
{
    struct idem_vault_entry ada, bob;
    struct idem_people_check check;

    (void)state;
    add_person(1, &ada);
    add_person(2, &bob);
    sql("UPDATE accounts SET roles = 4096 | 1024 WHERE login_key = x'01'");
    note(&ada);
    prepare(&check);
    assert_int_equal(ask("SELECT roles FROM accounts WHERE login_key = x'01'"), 1024);
    assert_int_equal(ask("SELECT person IS NULL FROM accounts WHERE login_key = x'01'"), 1);
}

static void test_the_audit_log_forgets_and_holds(void **state)
{
    struct idem_vault_entry ada, bob;
    struct idem_people_check check;
    char text[IDEM_LEDGER_PERSON_TEXT + 1], body[100];

    const uint8_t seed[32] = {7};
    uint8_t public_key[IDEM_HEAD_PUBLIC], secret_key[IDEM_HEAD_SECRET];

    (void)state;
    add_person(1, &ada);
    add_person(2, &bob);
    assert_int_equal(store->ops->begin(store), 0);
    for (int i = 0; i < 200; i++) {
        idem_ledger_person_text(i % 3 == 0 ? bob.person : ada.person, text);
        const int n = snprintf(body, sizeof body, "{\"subject\":\"%s\"}", text);
        assert_int_equal(store->audit->add(store, IDEM_AUDIT_LOG, demo, NOW, body, (size_t)n), 0);
    }
    assert_int_equal(store->ops->commit(store), 0);
    note(&ada);
    idem_head_keys(seed, public_key, secret_key);
    idem_cover_sign_with(secret_key);
    prepare(&check);
    idem_cover_sign_with(NULL);
    idem_ledger_person_text(ada.person, text);
    assert_false(on_disk(text, strlen(text)));
    assert_int_equal(ask("SELECT count(*) FROM audit WHERE body IS NULL"), 133);
    sqlite3 *db;
    struct idem_chain_check *chain;
    assert_int_equal(sqlite3_open(file("idem.db"), &db), SQLITE_OK);
    assert_int_equal(idem_chain_check_new("audit", NULL, 0, &chain), 0);
    idem_chain_check_key(chain, public_key);
    assert_int_equal(idem_chain_check_table(db, "audit", chain), 0);
    assert_int_equal(idem_chain_check_end(chain), 0); /* every blank is covered */
    assert_int_equal(idem_chain_check_blanked(chain), 133);
    idem_chain_check_free(chain);
    sqlite3_close(db);
}

/* Of a session that has ended nobody may know any more whose it was. */
static void test_lines_that_hold_a_session_only_go_too(void **state)
{
    struct idem_vault_entry ada, bob;
    struct idem_people_check check;
    uint8_t id[IDEM_ID_BYTES];
    char text[IDEM_LEDGER_PERSON_TEXT + 1], body[100];

    (void)state;
    add_person(1, &ada);
    add_person(2, &bob);
    assert_int_equal(store->ops->begin(store), 0);
    for (uint8_t i = 1; i <= 2; i++) {
        memset(id, i, sizeof id);
        idem_ledger_person_text(id, text);
        const int n = snprintf(body, sizeof body, "{\"subject\":\"s%s\"}", text + 1);
        assert_int_equal(store->audit->add(store, IDEM_AUDIT_SEATS_LOG, demo, NOW, body, (size_t)n),
                         0);
    }
    assert_int_equal(store->ops->commit(store), 0);
    note(&ada);
    prepare(&check);
    assert_int_equal(ask("SELECT count(*) FROM audit_seats WHERE body IS NULL"), 1);
    assert_int_equal(ask("SELECT seq FROM audit_seats WHERE body IS NULL"), 1);
    assert_int_equal(ask("SELECT count(*) FROM audit_seats"), 3); /* and which it was */
}

static void test_without_a_key_sessions_end_and_rows_wait(void **state)
{
    struct idem_vault_entry ada, bob;
    struct idem_people_check check;

    (void)state;
    add_person(1, &ada);
    add_person(2, &bob);
    assert_int_equal(idem_vault_destroy(vault, ada.key_id), 0); /* lost, not erased */
    prepare(&check);
    assert_int_equal(check.without_key, 1);
    assert_int_equal(ask("SELECT count(*) FROM sessions"), 1);
    assert_int_equal(ask("SELECT count(*) FROM windows"), 1);
    assert_int_equal(ask("SELECT count(*) FROM profiles"), 2);
}

/* ------------------------------------------------------------------ older data bases */

static void add_old(void)
{
    static const char old[] =
        "INSERT INTO people (organisation, person, since_ms) VALUES (1,"
        " x'0102030405060708090a0b0c0d0e0f10', 0);"
        "INSERT INTO profiles (organisation, person, device_class, modality, front, bytes,"
        " learned_ms, day, day_strokes, until_row, anchor) SELECT 1, person, 1, 0, 77,"
        " CAST('profile: %s' AS BLOB), 0, 20000, 123.5, 9, CAST('anchor: %s' AS BLOB) FROM people;"
        "INSERT INTO sketches (organisation, person, modality, front, bytes)"
        " SELECT 1, person, 0, 77, CAST('sketch: %s' AS BLOB) FROM people;"
        "INSERT INTO seats (organisation, name) VALUES (1, 'seat');"
        "INSERT INTO sessions (row, organisation, id, person, seat, device_class, token_hash,"
        " test_clock, locked, unlock_row, opened_ms) SELECT 5, 1, zeroblob(16), person, 1, 0,"
        " zeroblob(32), 0, 0, 0, 0 FROM people;"
        "INSERT INTO windows (row, organisation, session, previous, seq, received_ms, payload)"
        " VALUES (10, 1, 5, 0, 3, 0, CAST('window: %s' AS BLOB));"
        "INSERT INTO windows (row, organisation, session, previous, seq, received_ms, payload)"
        " VALUES (11, 1, 5, 10, 4, 0, CAST(replace(hex(zeroblob(1000)), '00', '%s') AS BLOB)); "
        "DELETE FROM windows WHERE row = "
        "11;";
    char text[sizeof old + 5 * sizeof secret];

    snprintf(text, sizeof text, old, secret, secret, secret, secret, secret);
    sql(text);
}

struct seen {
    const uint8_t *key;
    int count;
};

static int see_profile(void *arg, const struct idem_store_profile *row)
{
    static uint8_t bytes[300], anchor[300];
    struct seen *seen = arg;
    struct idem_store_profile opened;

    assert_int_equal(row->day, 0);
    assert_true(row->day_strokes < 1);
    assert_int_equal(idem_sealed_profile_open(seen->key, row, bytes, anchor, &opened), 0);
    assert_int_equal(opened.day, 20000);
    assert_true(opened.day_strokes > 123.4 && opened.day_strokes < 123.6);
    assert_int_equal(opened.len, strlen("profile: ") + strlen(secret));
    assert_memory_equal(opened.bytes, "profile: so", 11);
    assert_memory_equal(opened.anchor, "anchor: so", 10);
    seen->count++;
    return 0;
}

static int see_sketch(void *arg, const struct idem_store_sketch *row)
{
    struct seen *seen = arg;
    const struct idem_seal_label label = idem_sealed_sketch(row);
    uint8_t opened[300];
    size_t len;

    assert_int_equal(idem_unseal(seen->key, &label, row->bytes, row->len, opened, &len), 0);
    assert_memory_equal(opened, "sketch: so", 10);
    seen->count++;
    return 0;
}

static int see_window(void *arg, const struct idem_store_window *w)
{
    static const uint8_t session[IDEM_ID_BYTES];
    static const uint8_t person[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    struct seen *seen = arg;
    const struct idem_seal_label label = idem_sealed_window(demo, person, session, w->seq);
    uint8_t opened[300];
    size_t len;

    assert_int_equal(idem_unseal(seen->key, &label, w->payload, w->len, opened, &len), 0);
    assert_memory_equal(opened, "window: so", 10);
    seen->count++;
    return 0;
}

static void check_sealed(void)
{
    static const uint8_t person[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    struct idem_vault_entry e;
    struct seen seen = {.key = e.key};

    assert_int_equal(idem_vault_by_handle(vault, person, &e), 0); /* found by the old pseudonym */
    assert_memory_equal(e.person, person, sizeof person);
    assert_int_equal(store->ops->profiles(store, demo, person, see_profile, &seen), 0);
    assert_int_equal(store->ops->sketches(store, demo, person, see_sketch, &seen), 0);
    assert_int_equal(store->ops->windows(store, see_window, &seen), 0);
    assert_int_equal(seen.count, 3);
    assert_false(on_disk(secret, strlen(secret)));
}

static void test_an_older_data_base_is_sealed(void **state)
{
    struct idem_people_check check;

    (void)state;
    add_old();
    assert_true(on_disk(secret, strlen(secret)));
    prepare(&check);
    assert_int_equal(check.sealed, 1);
    check_sealed();
    prepare(&check);
    assert_int_equal(check.sealed, 0);
    close_all();
    open_all();
    check_sealed();
}

/* The keys were durable, then the power went: they are used again. */
static void test_sealing_cut_short_is_done_again(void **state)
{
    struct idem_vault_entry e = {.organisation = demo};
    struct idem_people_check check;

    (void)state;
    add_old();
    for (uint8_t i = 0; i < IDEM_ID_BYTES; i++)
        e.handle[i] = e.person[i] = (uint8_t)(i + 1);
    assert_int_equal(idem_vault_begin(vault), 0);
    assert_int_equal(idem_vault_add_new(vault, &e), 0);
    assert_int_equal(idem_vault_commit(vault), 0);
    prepare(&check);
    assert_int_equal(check.sealed, 1);
    check_sealed();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_the_ledger_says_is_done, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_that_come_back_go_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_officer_keeps_the_account_and_not_the_person, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_audit_log_forgets_and_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lines_that_hold_a_session_only_go_too, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_without_a_key_sessions_end_and_rows_wait, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_an_older_data_base_is_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sealing_cut_short_is_done_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
