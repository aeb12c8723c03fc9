/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_auth.c - log-ins and API keys: when they end, which credential carries them, and what a
 * request that changes something must repeat. (Sessions' tokens: test_api.py, test_seats.py.)
 */
#include "server/auth.h"
#include "server/constants.h"
#include "server/doubts.h"
#include "server/notices.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1000000, LIFE = 12 * 3600 * 1000, IDLE = 30 * 60 * 1000 };

static struct idem_auth *auth;
static char token[IDEM_SECRET_TEXT + 1];
static uint8_t hash[IDEM_HASH_BYTES];

static int setup(void **state)
{
    const struct idem_grant grant = {.may = IDEM_MAY_ACCOUNT | IDEM_MAY_ANALYST,
                                     .organisation = 3,
                                     .account = 7,
                                     .actor = "account:anna"};
    (void)state;
    assert_int_equal(idem_auth_new("/nowhere", 16, 0, &auth), 0);
    idem_auth_token(token, hash);
    return idem_auth_grant(auth, hash, &grant, NOW + LIFE, IDLE, NOW);
}

static int teardown(void **state)
{
    (void)state;
    idem_auth_free(auth);
    return 0;
}

static enum idem_problem ask(const char *cookie, const char *csrf, bool changes, int64_t now,
                             struct idem_grant *out)
{
    const struct idem_credentials brought = {.cookie = cookie, .csrf = csrf, .changes = changes};
    return idem_auth_check(auth, &brought, now, out);
}

static void a_log_in_is_what_its_account_is(void **state)
{
    struct idem_grant grant;
    (void)state;
    assert_int_equal(ask(token, NULL, false, NOW, &grant), IDEM_PROBLEM_NONE);
    assert_int_equal(grant.may, IDEM_MAY_ANYBODY | IDEM_MAY_ACCOUNT | IDEM_MAY_ANALYST);
    assert_int_equal(grant.organisation, 3);
    assert_int_equal(grant.account, 7);
    assert_string_equal(grant.actor, "account:anna");
    assert_int_equal(ask("", NULL, false, NOW, &grant), IDEM_PROBLEM_TOKEN_UNKNOWN);
    assert_int_equal(grant.may, IDEM_MAY_ANYBODY);
    token[0] ^= 1;
    assert_int_equal(ask(token, NULL, false, NOW, &grant), IDEM_PROBLEM_TOKEN_UNKNOWN);
}

static void it_ends_when_idle(void **state)
{
    struct idem_grant grant;
    int64_t now = NOW;
    (void)state;
    for (int i = 0; i < 10; i++) {
        now += IDLE - 1;
        assert_int_equal(ask(token, NULL, false, now, &grant), IDEM_PROBLEM_NONE);
    }
    assert_int_equal(ask(token, NULL, false, now + IDLE, &grant), IDEM_PROBLEM_TOKEN_UNKNOWN);
}

static void it_ends_whatever_it_does(void **state)
{
    struct idem_grant grant;
    (void)state;
    for (int64_t now = NOW; now < NOW + LIFE; now += IDLE / 2)
        assert_int_equal(ask(token, NULL, false, now, &grant), IDEM_PROBLEM_NONE);
    assert_int_equal(ask(token, NULL, false, NOW + LIFE, &grant), IDEM_PROBLEM_TOKEN_UNKNOWN);
}

static void changes_take_the_other_token_too(void **state)
{
    char csrf[IDEM_SECRET_TEXT + 1], other[IDEM_SECRET_TEXT + 1];
    struct idem_grant grant;
    (void)state;
    idem_auth_csrf(token, csrf);
    idem_auth_csrf("another", other);
    assert_int_equal(ask(token, csrf, true, NOW, &grant), IDEM_PROBLEM_NONE);
    assert_int_equal(ask(token, NULL, true, NOW, &grant), IDEM_PROBLEM_CSRF_MISSING);
    assert_int_equal(ask(token, other, true, NOW, &grant), IDEM_PROBLEM_CSRF_MISSING);
    assert_int_equal(ask(token, token, true, NOW, &grant), IDEM_PROBLEM_CSRF_MISSING);
    assert_int_equal(ask(token, "", true, NOW, &grant), IDEM_PROBLEM_CSRF_MISSING);
    assert_int_equal(grant.may, IDEM_MAY_ANYBODY);
}

/* A log-in in a header would need no CSRF token; a key in a cookie would be sent by any page. */
static void each_credential_has_its_place(void **state)
{
    const struct idem_grant key = {.may = IDEM_MAY_API_KEY, .organisation = 3, .api_key = 9};
    char text[IDEM_SECRET_TEXT + 1], header[80];
    struct idem_credentials brought = {.authorization = header};
    struct idem_grant grant;
    uint8_t key_hash[IDEM_HASH_BYTES];
    (void)state;
    idem_auth_token(text, key_hash);
    assert_int_equal(idem_auth_grant(auth, key_hash, &key, 0, 0, NOW), 0);
    assert_int_equal(ask(text, NULL, false, NOW, &grant), IDEM_PROBLEM_TOKEN_UNKNOWN);
    snprintf(header, sizeof header, "Bearer %s", text);
    assert_int_equal(idem_auth_check(auth, &brought, NOW, &grant), IDEM_PROBLEM_NONE);
    snprintf(header, sizeof header, "Bearer %s", token);
    assert_int_equal(idem_auth_check(auth, &brought, NOW, &grant), IDEM_PROBLEM_TOKEN_UNKNOWN);
    brought.cookie = token; /* a bad header is not made good by a cookie */
    assert_int_equal(idem_auth_check(auth, &brought, NOW, &grant), IDEM_PROBLEM_TOKEN_UNKNOWN);
}

static void revoking(void **state)
{
    struct idem_grant grant;
    (void)state;
    idem_auth_revoke_account(auth, 8, NULL);
    idem_auth_revoke_account(auth, 7, hash);
    assert_int_equal(ask(token, NULL, false, NOW, &grant), IDEM_PROBLEM_NONE);
    idem_auth_revoke_account(auth, 7, NULL);
    assert_int_equal(ask(token, NULL, false, NOW, &grant), IDEM_PROBLEM_TOKEN_UNKNOWN);
}

/* Somebody who logs in without end pushes out himself, and nobody else. */
static void one_account_has_so_many(void **state)
{
    const struct idem_grant other = {.may = IDEM_MAY_ACCOUNT, .organisation = 3, .account = 8};
    char first[IDEM_SECRET_TEXT + 1], text[IDEM_SECRET_TEXT + 1];
    struct idem_grant grant;
    uint8_t one[IDEM_HASH_BYTES];
    (void)state;
    idem_auth_token(first, one);
    assert_int_equal(idem_auth_grant(auth, one, &other, 0, 0, NOW), 0);
    for (int i = 1; i <= 3 * IDEM_LOGINS_EACH; i++) {
        idem_auth_token(text, one);
        assert_int_equal(idem_auth_grant(auth, one, &other, 0, 0, NOW + i), 0);
        if (i < IDEM_LOGINS_EACH)
            assert_int_equal(ask(text, NULL, false, NOW + i, &grant), IDEM_PROBLEM_NONE);
    }
    assert_int_equal(ask(first, NULL, false, NOW, &grant), IDEM_PROBLEM_TOKEN_UNKNOWN);
    assert_int_equal(ask(text, NULL, false, NOW, &grant), IDEM_PROBLEM_NONE);
    assert_int_equal(ask(token, NULL, false, NOW, &grant), IDEM_PROBLEM_NONE);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* A session with the id {slot + 1}, a token, and one before it that is good until 1000. */
static void add_session(int32_t slot, char old[IDEM_SECRET_TEXT + 1])
{
    uint8_t id[IDEM_ID_BYTES] = {(uint8_t)(slot + 1)}, first[IDEM_HASH_BYTES];

    idem_auth_token(old, first);
    assert_int_equal(idem_auth_add(auth, first, id, 7, slot, 0), 0);
    idem_auth_token(token, hash);
    assert_int_equal(idem_auth_renew(auth, slot, hash, 0, 1000), 0);
}

static enum idem_problem bear(const char *secret, uint64_t place)
{
    char header[IDEM_SECRET_TEXT + 8];
    struct idem_credentials brought = {.authorization = header, .place = place};
    struct idem_grant grant;

    snprintf(header, sizeof header, "Bearer %s", secret);
    return idem_auth_check(auth, &brought, 2000, &grant);
}

/* Whoever fills the queue of lines must not make a stolen token go unnoticed. */
static void a_doubt_is_kept_when_the_queue_is_full(void **state)
{
    char old[3][IDEM_SECRET_TEXT + 1];
    uint8_t id[IDEM_ID_BYTES];
    unsigned doubts = 0, found = 0;
    (void)state;

    for (int32_t i = 0; i < 3; i++)
        add_session(i, old[i]);
    for (int i = 0; i < 3 * IDEM_NOTICES_MAX; i++)
        idem_notice_of_row(IDEM_NOTICE_OPENING_FORGED, 7, i);
    assert_false(idem_auth_doubted(auth, id, &doubts));
    assert_int_equal(bear(old[0], 0), IDEM_PROBLEM_TOKEN_EXPIRED);
    for (uint64_t place = 1; place < 5; place++) /* to and fro, with the last session's token */
        assert_int_equal(bear(token, 1 + place % 2), IDEM_PROBLEM_NONE);
    while (idem_auth_doubted(auth, id, &doubts)) {
        assert_int_equal(doubts, id[0] == 1 ? IDEM_DOUBT_TOKEN_REUSED : IDEM_DOUBT_TOKEN_TORN);
        found |= 1U << id[0];
    }
    assert_int_equal(found, 1U << 1 | 1U << 3);
}

/* The token before the last one: its session is known by it alone. */
static void a_token_long_replaced_raises_the_doubt_where_it_belongs(void **state)
{
    char old[2][IDEM_SECRET_TEXT + 1];
    uint8_t id[IDEM_ID_BYTES], other[IDEM_ID_BYTES] = {99};
    unsigned doubts = 0;
    (void)state;

    for (int32_t i = 0; i < 2; i++) {
        add_session(i, old[i]);
        idem_auth_token(token, hash);
        assert_int_equal(idem_auth_renew(auth, i, hash, 0, 1000), 0);
    }
    assert_int_equal(bear(old[0], 0), IDEM_PROBLEM_TOKEN_EXPIRED);
    assert_int_equal(bear(old[0], 0), IDEM_PROBLEM_TOKEN_EXPIRED);
    assert_true(idem_auth_doubted(auth, id, &doubts));
    assert_true(id[0] == 1 && doubts == IDEM_DOUBT_TOKEN_REUSED);
    assert_false(idem_auth_doubted(auth, id, &doubts));
    /* The slot is somebody else's now: what was doubted of the one before is not his. */
    assert_int_equal(bear(old[0], 0), IDEM_PROBLEM_TOKEN_EXPIRED);
    idem_auth_token(token, hash);
    assert_int_equal(idem_auth_add(auth, hash, other, 7, 0, 0), 0);
    assert_int_equal(bear(old[0], 0), IDEM_PROBLEM_TOKEN_EXPIRED);
    assert_false(idem_auth_doubted(auth, id, &doubts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_log_in_is_what_its_account_is),
        WITH(it_ends_when_idle),
        WITH(it_ends_whatever_it_does),
        WITH(changes_take_the_other_token_too),
        WITH(each_credential_has_its_place),
        WITH(revoking),
        WITH(one_account_has_so_many),
        WITH(a_doubt_is_kept_when_the_queue_is_full),
        WITH(a_token_long_replaced_raises_the_doubt_where_it_belongs),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
