/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_seats.c - who may send, without a server: the store's seats, codes and keys; the table that
 * HTTP threads look into; tokens that are renewed, and old ones that turn up again.
 */
#include "server/auth.h"
#include "server/constants.h"
#include "server/retired.h"
#include "server/seats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct idem_store *store;
static char dir[] = "/tmp/idem-test-seats-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return idem_store_sqlite_open(":memory:", &store, NULL);
}

static int teardown(void **state)
{
    (void)state;
    store->ops->close(store);
    return 0;
}

static struct idem_store_seat add_seat(const char *name, enum idem_store_seat_state state)
{
    struct idem_store_seat seat = {
        .organisation = 1, .site = "Graz", .country = "AT", .state = state, .since_ms = 7};

    snprintf(seat.name, sizeof seat.name, "%s", name);
    assert_int_equal(store->ops->begin(store), 0);
    assert_int_equal(store->seats->add(store, &seat), 0);
    if (state >= IDEM_SEAT_ENROLLED) {
        seat.has_key = true;
        memset(seat.public_key, name[0], sizeof seat.public_key);
        assert_int_equal(store->seats->put(store, &seat), 0);
    }
    assert_int_equal(store->ops->commit(store), 0);
    return seat;
}

/* ------------------------------------------------------------------ the store */

static void test_a_seat_comes_back(void **state)
{
    struct idem_store_seat seat = add_seat("a", IDEM_SEAT_ENROLLED), back;
    (void)state;

    memset(seat.instance, 1, sizeof seat.instance);
    memset(seat.former, 2, sizeof seat.former);
    assert_int_equal(store->seats->put(store, &seat), 0);
    assert_int_equal(store->seats->get(store, seat.row, &back), 0);
    assert_memory_equal(&seat, &back, sizeof seat);
    assert_int_equal(store->seats->named(store, 1, "a", &back), 0);
    assert_int_equal(store->seats->named(store, 2, "a", &back), IDEM_ERR_NOT_FOUND);
    assert_int_equal(store->seats->with_key(store, seat.public_key, &back), 0);
    seat.state = IDEM_SEAT_REVOKED;
    assert_int_equal(store->seats->put(store, &seat), 0);
    assert_int_equal(store->seats->with_key(store, seat.public_key, &back), IDEM_ERR_NOT_FOUND);
    assert_int_equal(store->seats->get(store, 99, &back), IDEM_ERR_NOT_FOUND);
}

static int count(void *arg, const struct idem_store_seat *seat)
{
    (void)seat;
    return ++*(int *)arg, 0;
}

static void test_seats_are_listed_in_pieces_and_by_organisation(void **state)
{
    int n = 0;
    (void)state;

    add_seat("web", IDEM_SEAT_OPEN);
    struct idem_store_seat first = add_seat("a", IDEM_SEAT_INVITED);
    add_seat("b", IDEM_SEAT_INVITED);
    assert_int_equal(store->seats->list(store, 1, 0, 10, count, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(store->seats->list(store, 1, first.row, 10, count, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(store->seats->list(store, 0, 0, 1, count, &n), 0);
    assert_int_equal(n, 4);
    assert_int_equal(store->seats->list(store, 2, 0, 10, count, &n), 0);
    assert_int_equal(n, 4);
}

static void test_one_unused_code_a_seat(void **state)
{
    const struct idem_store_seat seat = add_seat("a", IDEM_SEAT_INVITED);
    struct idem_store_invitation x = {{1}, 1, seat.row, 500, 0}, back;
    const uint8_t first[IDEM_HASH_BYTES] = {1}, second[IDEM_HASH_BYTES] = {2};
    (void)state;

    assert_int_equal(store->seats->invite(store, &x), 0);
    assert_int_equal(store->seats->invited(store, first, &back), 0);
    assert_true(back.seat == seat.row && back.expires_ms == 500 && back.used_ms == 0);
    x.code_hash[0] = 2;
    assert_int_equal(store->seats->invite(store, &x), 0);
    assert_int_equal(store->seats->invited(store, first, &back), IDEM_ERR_NOT_FOUND);
    assert_int_equal(store->seats->use(store, second, 77), 0);
    x.code_hash[0] = 3;
    assert_int_equal(store->seats->invite(store, &x), 0); /* a used one stays */
    assert_int_equal(store->seats->invited(store, second, &back), 0);
    assert_int_equal(back.used_ms, 77);
    assert_int_equal(store->seats->invitations_forget(store, 500), 0);
    assert_int_equal(store->seats->invited(store, second, &back), 0);
    assert_int_equal(store->seats->invitations_forget(store, 501), 0);
    assert_int_equal(store->seats->invited(store, second, &back), IDEM_ERR_NOT_FOUND);
}

static void test_an_api_key_comes_back(void **state)
{
    struct idem_store_api_key key = {
        .organisation = 1, .name = "crm", .scopes = 3, .hash = {5}, .since_ms = 7};
    struct idem_store_api_key back;
    (void)state;

    assert_int_equal(store->seats->key_add(store, &key), 0);
    assert_int_equal(store->seats->key_get(store, key.row, &back), 0);
    assert_memory_equal(&key, &back, sizeof key);
    assert_int_equal(store->seats->key_named(store, 2, "crm", &back), IDEM_ERR_NOT_FOUND);
    assert_int_equal(store->seats->key_revoke(store, key.row), 0);
    assert_int_equal(store->seats->key_named(store, 1, "crm", &back), 0);
    assert_true(back.revoked);
}

/* ------------------------------------------------------------------ the table */

static void test_the_table_holds_whom_the_store_holds(void **state)
{
    struct idem_store_seat seat = add_seat("a", IDEM_SEAT_ENROLLED), got;
    const struct idem_store_seat revoked = add_seat("b", IDEM_SEAT_REVOKED);
    const struct idem_store_seat invited = add_seat("c", IDEM_SEAT_INVITED);
    struct idem_seats *seats;
    (void)state;

    assert_int_equal(idem_seats_new(store, 100, &seats), 0);
    assert_true(idem_seats_get(seats, seat.row, &got));
    assert_memory_equal(&seat, &got, sizeof seat);
    assert_true(idem_seats_get(seats, revoked.row, &got) && got.state == IDEM_SEAT_REVOKED);
    assert_false(idem_seats_get(seats, invited.row, &got));
    assert_false(idem_seats_get(seats, 0, &got));
    seat.public_key[0] ^= 1;
    assert_int_equal(idem_seats_put(seats, &seat), 0);
    assert_true(idem_seats_get(seats, seat.row, &got));
    assert_memory_equal(&seat, &got, sizeof seat);
    idem_seats_free(seats);
}

static void test_signers_come_and_go(void **state)
{
    enum { MANY = 1000 };
    struct idem_signer signer = {.seat = 1}, got;
    uint8_t id[IDEM_ID_BYTES] = {0};
    struct idem_seats *seats;
    (void)state;

    assert_int_equal(idem_seats_new(store, MANY, &seats), 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            memcpy(id, &i, sizeof i);
            signer.seat = i;
            assert_int_equal(idem_signers_add(seats, id, &signer), 0);
        }
        memset(id, 0xff, sizeof id);
        assert_int_equal(idem_signers_add(seats, id, &signer), IDEM_ERR_LIMIT);
        memset(id, 0, sizeof id);
        for (int i = 0; i < MANY; i++) {
            memcpy(id, &i, sizeof i);
            assert_true(idem_signers_get(seats, id, &got) && got.seat == i);
            idem_signers_remove(seats, id);
            assert_false(idem_signers_get(seats, id, &got));
        }
    }
    idem_seats_free(seats);
}

/* ------------------------------------------------------------------ tokens */

static enum idem_problem ask(struct idem_auth *auth, const char *token, int64_t now_ms)
{
    char header[64];
    struct idem_grant grant;
    const struct idem_credentials brought = {.authorization = header};

    snprintf(header, sizeof header, "Bearer %s", token);
    return idem_auth_check(auth, &brought, now_ms, &grant);
}

static void test_a_renewed_token_and_the_ones_before(void **state)
{
    char text[3][IDEM_SECRET_TEXT + 1];
    uint8_t hash[3][IDEM_HASH_BYTES], id[IDEM_ID_BYTES] = {9};
    struct idem_auth *auth;
    (void)state;

    assert_int_equal(idem_auth_new(dir, 8, 0, &auth), 0);
    for (int i = 0; i < 3; i++)
        idem_auth_token(text[i], hash[i]);
    assert_int_equal(idem_auth_add(auth, hash[0], id, 1, 3, 1000), 0);
    assert_int_equal(ask(auth, text[0], 999), IDEM_PROBLEM_NONE);
    assert_int_equal(ask(auth, text[0], 1000), IDEM_PROBLEM_TOKEN_EXPIRED);
    assert_int_equal(idem_auth_renew(auth, 3, hash[1], 2000, 1100), 0);
    assert_int_equal(ask(auth, text[0], 1099), IDEM_PROBLEM_NONE);
    assert_int_equal(ask(auth, text[0], 1100), IDEM_PROBLEM_TOKEN_EXPIRED);
    assert_int_equal(ask(auth, text[1], 1100), IDEM_PROBLEM_NONE);
    assert_int_equal(idem_auth_renew(auth, 3, hash[2], 3000, 1200), 0);
    assert_int_equal(ask(auth, text[0], 1150), IDEM_PROBLEM_TOKEN_EXPIRED);
    assert_int_equal(ask(auth, text[1], 1150), IDEM_PROBLEM_NONE);
    idem_auth_remove(auth, hash[2], 3);
    assert_int_equal(ask(auth, text[2], 1150), IDEM_PROBLEM_TOKEN_UNKNOWN);
    assert_int_equal(ask(auth, text[1], 1150), IDEM_PROBLEM_TOKEN_EXPIRED);
    idem_auth_free(auth);
}

static void test_the_newest_old_tokens_are_known(void **state)
{
    uint8_t hash[IDEM_HASH_BYTES] = {0}, id[IDEM_ID_BYTES] = {4}, got[IDEM_ID_BYTES];
    struct idem_retired *r;
    int64_t organisation;
    int32_t slot;
    (void)state;

    assert_int_equal(idem_retired_new(&r), 0);
    for (uint32_t i = 0; i < IDEM_TOKENS_RETIRED + 100; i++) {
        memcpy(hash, &i, sizeof i);
        idem_retired_add(r, hash, id, i, (int32_t)i % 7);
    }
    for (uint32_t i = 0; i < IDEM_TOKENS_RETIRED + 100; i++) {
        memcpy(hash, &i, sizeof i);
        assert_int_equal(idem_retired_find(r, hash, got, &organisation, &slot), i >= 100);
        if (i >= 100)
            assert_true(organisation == i && slot == (int32_t)i % 7 &&
                        memcmp(got, id, sizeof id) == 0);
    }
    idem_retired_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_seat_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_seats_are_listed_in_pieces_and_by_organisation, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_one_unused_code_a_seat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_api_key_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_table_holds_whom_the_store_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signers_come_and_go, setup, teardown),
        cmocka_unit_test(test_a_renewed_token_and_the_ones_before),
        cmocka_unit_test(test_the_newest_old_tokens_are_known),
    };
    if (mkdtemp(dir) == NULL)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return failed;
}
