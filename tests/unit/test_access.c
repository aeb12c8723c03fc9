/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_access.c - keys, tickets and roles of accounts, and accounts in the store: what one
 * organisation or account is given opens nothing of another's.
 */
#include "server/access.h"

#include "bus/bus.h"
#include "server/fetch.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/idem-access-XXXXXX", path[64];
static struct idem_store *store;
static struct idem_bus *bus;
static struct idem_access *access_;
static int64_t demo;

static int open_access(bool with_demo)
{
    const struct idem_access_parts parts = {
        .dir = dir, .store = store, .bus = bus, .demo = with_demo};
    return idem_access_new(&parts, &access_);
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/idem-access-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/idem.db", dir);
    assert_int_equal(idem_store_sqlite_open(path, &store, NULL), 0);
    assert_int_equal(store->ops->organisation(store, "demo", &demo), 0);
    assert_int_equal(idem_bus_local_new(16, &bus), 0);
    assert_int_equal(open_access(false), 0);
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {"idem.db", "idem.db-wal", "idem.db-shm", "access.key"};
    char name[80];
    (void)state;
    idem_access_free(access_);
    store->ops->close(store);
    bus->ops->free(bus);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s/%s", dir, files[i]);
        unlink(name);
    }
    rmdir(dir);
    return 0;
}

static struct idem_store_account account_of(const char *name)
{
    struct idem_store_account a = {
        .organisation = demo, .roles = IDEM_MAY_ANALYST, .totp_step = -1};
    idem_access_login_key(access_, "demo", name, a.login_key);
    snprintf(a.label, sizeof a.label, "%s", name);
    a.since_ms = INT64_C(1800000001234);
    return a;
}

static void login_keys(void **state)
{
    uint8_t key[IDEM_HASH_BYTES], other[IDEM_HASH_BYTES];
    (void)state;
    idem_access_login_key(access_, "demo", "anna", key);
    idem_access_login_key(access_, "demo", "ANNA", other);
    assert_memory_equal(key, other, sizeof key);
    idem_access_login_key(access_, "demoa", "nna", other);
    assert_memory_not_equal(key, other, sizeof key);
    idem_access_login_key(access_, "acme", "anna", other);
    assert_memory_not_equal(key, other, sizeof key);
    idem_access_subject_key(access_, "demo", "anna", other);
    assert_memory_not_equal(key, other, sizeof key);
}

static void sealed_secrets(void **state)
{
    uint8_t secret[IDEM_TOTP_SECRET], back[IDEM_TOTP_SECRET];
    struct idem_store_account a = account_of("anna"), b = account_of("bert");
    (void)state;
    randombytes_buf(secret, sizeof secret);
    idem_access_seal_totp(access_, secret, &a);
    assert_int_equal(idem_access_open_totp(access_, &a, back), 0);
    assert_memory_equal(secret, back, sizeof secret);
    memcpy(b.totp, a.totp, sizeof b.totp); /* a row's column copied into another's */
    b.totp_len = a.totp_len;
    assert_int_equal(idem_access_open_totp(access_, &b, back), IDEM_ERR_FORMAT);
    a.totp[30] ^= 1;
    assert_int_equal(idem_access_open_totp(access_, &a, back), IDEM_ERR_FORMAT);
    a.totp_len--;
    assert_int_equal(idem_access_open_totp(access_, &a, back), IDEM_ERR_FORMAT);
}

static void tickets(void **state)
{
    enum { NOW = 1000000 };
    uint8_t secret[IDEM_TOTP_SECRET], back[IDEM_TOTP_SECRET];
    const struct idem_store_account seven = {.row = 7}, eight = {.row = 8}, nobody = {.row = 0};
    char text[IDEM_TICKET_TEXT + 1];
    (void)state;
    idem_access_ticket(access_, &seven, NOW, secret, text);
    assert_int_equal(strlen(text), IDEM_TICKET_TEXT);
    assert_int_equal(idem_access_open_ticket(access_, &seven, NOW + IDEM_TICKET_MS, text, back), 0);
    assert_memory_equal(secret, back, sizeof secret);
    assert_int_equal(idem_access_open_ticket(access_, &eight, NOW, text, back), IDEM_ERR_INVALID);
    assert_int_equal(idem_access_open_ticket(access_, &nobody, NOW, text, back), IDEM_ERR_INVALID);
    assert_int_equal(idem_access_open_ticket(access_, &seven, NOW + IDEM_TICKET_MS + 1, text, back),
                     IDEM_ERR_INVALID);
    assert_int_equal(idem_access_open_ticket(access_, &seven, NOW - 1, text, back),
                     IDEM_ERR_INVALID);
    for (int i = 0; i < IDEM_TICKET_TEXT - 1; i++) {
        char before = text[i];
        text[i] = before == 'A' ? 'B' : 'A';
        assert_int_equal(idem_access_open_ticket(access_, &seven, NOW, text, back),
                         IDEM_ERR_INVALID);
        text[i] = before;
    }
    text[10] = '\0';
    assert_int_equal(idem_access_open_ticket(access_, &seven, NOW, text, back), IDEM_ERR_INVALID);
}

/* A ticket ends with the factor, or the lack of one, that there was when it was issued. */
static void a_ticket_is_for_one_factor(void **state)
{
    enum { NOW = 1000000 };
    uint8_t secret[IDEM_TOTP_SECRET], back[IDEM_TOTP_SECRET];
    struct idem_store_account a = {.row = 7};
    char before[IDEM_TICKET_TEXT + 1], with[IDEM_TICKET_TEXT + 1];
    (void)state;
    idem_access_ticket(access_, &a, NOW, secret, before);
    idem_access_seal_totp(access_, secret, &a);
    assert_int_equal(idem_access_open_ticket(access_, &a, NOW, before, back), IDEM_ERR_INVALID);
    idem_access_ticket(access_, &a, NOW, secret, with);
    a.totp_step = 99; /* a code was taken; the factor is the same */
    assert_int_equal(idem_access_open_ticket(access_, &a, NOW, with, back), 0);
    idem_access_seal_totp(access_, secret, &a); /* the same secret anew: another factor */
    assert_int_equal(idem_access_open_ticket(access_, &a, NOW, with, back), IDEM_ERR_INVALID);
    a.totp_len = 0;
    assert_int_equal(idem_access_open_ticket(access_, &a, NOW, with, back), IDEM_ERR_INVALID);
}

static void roles(void **state)
{
    char bytes[128] = "";
    struct idem_text t = {bytes, 0, sizeof bytes - 1, false};
    (void)state;
    assert_int_equal(idem_role_parse("privacy-officer"), IDEM_MAY_PRIVACY);
    assert_int_equal(idem_role_parse("session"), 0);
    assert_int_equal(idem_role_parse(""), 0);
    assert_null(idem_roles_fault(IDEM_MAY_ANALYST | IDEM_MAY_OPERATOR));
    assert_null(idem_roles_fault(IDEM_MAY_EMPLOYEE));
    assert_null(idem_roles_fault(IDEM_MAY_ANALYST | IDEM_MAY_NAMES));
    assert_non_null(idem_roles_fault(0));
    assert_non_null(idem_roles_fault(IDEM_MAY_NAMES));
    assert_non_null(idem_roles_fault(IDEM_MAY_AUDITOR | IDEM_MAY_NAMES));
    assert_non_null(idem_roles_fault(IDEM_MAY_EMPLOYEE | IDEM_MAY_ANALYST));
    assert_false(idem_roles_need_totp(IDEM_MAY_EMPLOYEE));
    assert_true(idem_roles_need_totp(IDEM_MAY_AUDITOR));
    idem_roles_json(&t, IDEM_MAY_OPERATOR | IDEM_MAY_AUDITOR);
    assert_string_equal(bytes, "[\"operator\",\"auditor\"]");
}

static int count_one(void *arg, const struct idem_store_account *a)
{
    (void)a;
    ++*(int *)arg;
    return 0;
}

static void in_the_store(void **state)
{
    struct idem_store_account a = account_of("anna"), back;
    int64_t count = -1, other = 0;
    int listed = 0;
    (void)state;
    assert_int_equal(store->ops->begin(store), 0);
    assert_int_equal(store->ops->organisation_add(store, "acme", &other), 0);
    assert_int_equal(store->access->account_add(store, &a), 0);
    assert_int_equal(store->access->account_add(store, &a), IDEM_ERR_INVALID);
    assert_int_equal(store->ops->commit(store), 0);
    assert_int_equal(store->access->account_find(store, demo, a.login_key, &back), 0);
    assert_string_equal(back.label, "anna");
    assert_int_equal(back.since_ms % 3600000, 0);
    assert_int_equal(back.roles, IDEM_MAY_ANALYST);
    assert_int_equal(store->access->account_find(store, other, a.login_key, &back),
                     IDEM_ERR_NOT_FOUND);
    assert_int_equal(store->access->account_get(store, other, a.row, &back), IDEM_ERR_NOT_FOUND);
    assert_int_equal(store->access->accounts(store, other, 0, 10, count_one, &listed), 0);
    assert_int_equal(listed, 0);
    assert_int_equal(store->access->account_count(store, demo, IDEM_MAY_OPERATOR, &count), 0);
    assert_int_equal(count, 0);
    a.organisation = other; /* a change reaches no other organisation's row */
    a.disabled = true;
    assert_int_equal(store->access->account_put(store, &a), 0);
    assert_int_equal(store->access->account_get(store, demo, a.row, &back), 0);
    assert_false(back.disabled);
    a.organisation = demo;
    assert_int_equal(store->access->account_put(store, &a), 0);
    assert_int_equal(store->access->account_count(store, 0, ~0U, &count), 0);
    assert_int_equal(count, 0); /* it is disabled */
}

/* Without the key that made them, accounts that there are could never be found again. */
static void the_key_is_not_made_anew(void **state)
{
    struct idem_store_account a = account_of("anna");
    char key[80];
    (void)state;
    assert_int_equal(store->access->account_add(store, &a), 0);
    snprintf(key, sizeof key, "%s/access.key", dir);
    assert_int_equal(unlink(key), 0);
    idem_access_free(access_);
    access_ = NULL;
    assert_int_equal(open_access(false), IDEM_ERR_IO);
}

static void set_up_links(void **state)
{
    char token[IDEM_SECRET_TEXT + 1];
    (void)state;
    assert_true(idem_access_setup_token(access_, token));
    assert_int_equal(strlen(token), IDEM_SECRET_TEXT);
    idem_access_free(access_);
    assert_int_equal(open_access(true), 0);
    assert_false(idem_access_setup_token(access_, token));
}

static void what_may_be_fetched(void **state)
{
    static const char *const may[] = {"https://op.example", "https://op.example:8443/x?y=z",
                                      "http://127.0.0.1:3000", "http://localhost/",
                                      "http://[::1]:80/"};
    static const char *const not [] = {"http://op.example",
                                       "ftp://127.0.0.1",
                                       "file:///etc/passwd",
                                       "https://a@op.example",
                                       "http://127.0.0.1@evil.example",
                                       "",
                                       "http://127.0.0.1.evil.example/",
                                       "http://localhost.evil.example"};
    (void)state;
    assert_int_equal(idem_fetch_begin(), 0);
    for (size_t i = 0; i < sizeof may / sizeof may[0]; i++)
        assert_true(idem_fetch_may(may[i]));
    for (size_t i = 0; i < sizeof not / sizeof not [0]; i++)
        assert_false(idem_fetch_may(not [i]));
    idem_fetch_end();
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(login_keys),
        WITH(sealed_secrets),
        WITH(tickets),
        WITH(a_ticket_is_for_one_factor),
        WITH(roles),
        WITH(in_the_store),
        WITH(the_key_is_not_made_anew),
        WITH(set_up_links),
        cmocka_unit_test(what_may_be_fetched),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
