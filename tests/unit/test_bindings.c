/* SPDX-License-Identifier: Apache-2.0 */
/* Cookies and sessions, nonces, and what the gate's table says of a session. */
#include "server/bindings.h"
#include "server/standing.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct idem_bindings *table;

static int set_up(void **state)
{
    (void)state;
    return idem_bindings_new(&table);
}

static int tear_down(void **state)
{
    (void)state;
    idem_bindings_free(table);
    return 0;
}

static struct idem_binding binding_of(uint8_t cookie, int32_t slot)
{
    struct idem_binding b = {.organisation = 1, .slot = slot};
    memset(b.cookie, cookie, sizeof b.cookie);
    memset(b.id, slot, sizeof b.id);
    return b;
}

static int find(int64_t organisation, uint8_t cookie, int32_t *slot)
{
    struct idem_binding b = binding_of(cookie, 0), found;
    int err = idem_bindings_find(table, organisation, b.cookie, &found);
    if (err == 0)
        *slot = found.slot;
    return err;
}

static void put(uint8_t cookie, int32_t slot)
{
    struct idem_binding b = binding_of(cookie, slot);
    assert_int_equal(idem_bindings_put(table, &b), 0);
}

static void one_cookie_one_session(void **state)
{
    int32_t slot = -1;

    (void)state;
    put(1, 10), put(2, 10), put(3, 11);
    assert_int_equal(find(1, 1, &slot), 0);
    assert_int_equal(slot, 10);
    put(1, 11); /* binding again replaces */
    assert_int_equal(find(1, 1, &slot), 0);
    assert_int_equal(slot, 11);
    assert_int_equal(find(2, 1, &slot),
                     IDEM_ERR_NOT_FOUND); /* another organisation's application */
    idem_bindings_end(table, 11);
    assert_int_equal(find(1, 1, &slot), IDEM_ERR_NOT_FOUND);
    assert_int_equal(find(1, 3, &slot), IDEM_ERR_NOT_FOUND);
    assert_int_equal(find(1, 2, &slot), 0);
}

static void a_session_has_so_many_cookies(void **state)
{
    uint8_t oldest[IDEM_HASH_BYTES];
    int32_t slot;

    (void)state;
    for (uint8_t i = 0; i < IDEM_BINDINGS_EACH_MAX; i++) {
        assert_int_equal(idem_bindings_oldest(table, 7, oldest), IDEM_ERR_NOT_FOUND);
        put(i, 7);
    }
    assert_int_equal(idem_bindings_oldest(table, 7, oldest), 0);
    assert_int_equal(oldest[0], 0);
    put(200, 7);
    assert_int_equal(find(1, 0, &slot), IDEM_ERR_NOT_FOUND);
    assert_int_equal(find(1, 1, &slot), 0);
    assert_int_equal(find(1, 200, &slot), 0);
}

static void the_table_has_an_end(void **state)
{
    struct idem_binding b = {.organisation = 1};

    (void)state;
    for (int32_t i = 0; i < IDEM_BINDINGS_MAX; i++) {
        b.slot = i / 2;
        memcpy(b.cookie, &i, sizeof i);
        assert_int_equal(idem_bindings_put(table, &b), 0);
    }
    memset(b.cookie, 0xff, sizeof b.cookie);
    b.slot = IDEM_SESSION_SLOTS_MAX - 1;
    assert_false(idem_bindings_room(table, &b));
    assert_int_equal(idem_bindings_put(table, &b), IDEM_ERR_LIMIT);
    memset(b.cookie, 0, sizeof b.cookie); /* one that is bound moves */
    assert_true(idem_bindings_room(table, &b));
    memset(b.cookie, 0xff, sizeof b.cookie);
    idem_bindings_end(table, 0);
    assert_true(idem_bindings_room(table, &b));
    assert_int_equal(idem_bindings_put(table, &b), 0);
}

static void a_nonce_is_good_once_and_for_a_minute(void **state)
{
    char nonce[IDEM_SECRET_TEXT + 1], later[IDEM_SECRET_TEXT + 1], other[IDEM_SECRET_TEXT + 1];
    uint8_t id[IDEM_ID_BYTES] = {5}, found[IDEM_ID_BYTES];
    int32_t slot = -1;

    (void)state;
    idem_bindings_invite(table, 9, id, 1000, nonce);
    assert_int_equal(idem_bindings_redeem(table, nonce, 1000, &slot, found), 0);
    assert_int_equal(slot, 9);
    assert_memory_equal(found, id, sizeof id);
    assert_int_equal(idem_bindings_redeem(table, nonce, 1000, &slot, found), IDEM_ERR_NOT_FOUND);

    idem_bindings_invite(table, 9, id, 1000, nonce);
    assert_int_equal(idem_bindings_redeem(table, nonce, 1000 + IDEM_NONCE_MS, &slot, found),
                     IDEM_ERR_NOT_FOUND); /* too late, and used by that */
    assert_int_equal(idem_bindings_redeem(table, nonce, 1000, &slot, found), IDEM_ERR_NOT_FOUND);

    idem_bindings_invite(table, 9, id, 1000, nonce);
    idem_bindings_invite(table, 9, id, 1000, later); /* replaces the first */
    assert_int_equal(idem_bindings_redeem(table, nonce, 1000, &slot, found), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_bindings_redeem(table, later, 1000, &slot, found), 0);

    idem_bindings_invite(table, 9, id, 1000, nonce);
    idem_bindings_invite(table, 8, id, 1000, other);
    idem_bindings_end(table, 9); /* goes with the session, and nobody else's does */
    assert_int_equal(idem_bindings_redeem(table, nonce, 1000, &slot, found), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_bindings_redeem(table, other, 1000, &slot, found), 0);
}

static void what_is_no_nonce_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        "///////////////////////////////////////////",
        "___________________________________________",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    uint8_t id[IDEM_ID_BYTES];
    int32_t slot;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(idem_bindings_redeem(table, texts[i], 0, &slot, id), IDEM_ERR_NOT_FOUND);
}

/* ------------------------------------------------------------------ standings */

static struct idem_policy *shipped(void)
{
    struct idem_yaml_fault fault;
    struct idem_policy *p = NULL;
    size_t len;
    const char *text = idem_policy_shipped(true, &len);
    assert_int_equal(idem_policy_parse(text, len, "shipped", 0, &p, &fault), 0);
    return p;
}

static struct idem_silence ask(struct idem_standings *t, const struct idem_standing *s)
{
    struct idem_standing copy;
    struct idem_silence silence;
    assert_int_equal(idem_standings_ask(t, 3, s->id, 1000, &copy, &silence), 0);
    assert_memory_equal(copy.person, s->person, sizeof copy.person);
    idem_policy_unref(copy.policy);
    return silence;
}

static void silence_is_counted_from_the_newest_window(void **state)
{
    struct idem_standing s = {.id = {1}, .person = {2}, .evidence = 1}, copy;
    struct idem_silence silence;
    struct idem_standings *t;

    (void)state;
    assert_int_equal(idem_standings_new(&t), 0);
    assert_int_equal(idem_standings_ask(t, 3, s.id, 1000, &copy, &silence), IDEM_ERR_NOT_FOUND);
    s.policy = shipped();
    idem_standings_publish(t, 3, &s);
    ask(t, &s), ask(t, &s);
    idem_standings_asked(t, 3, s.id, 77);
    silence = ask(t, &s);
    assert_int_equal(silence.requests, 3);
    assert_int_equal(silence.allowed, 3);
    assert_true(silence.asked_ms == 77);
    s.strong_ms = 5; /* a step-up: a new allowance, the old silence */
    idem_standings_publish(t, 3, &s);
    silence = ask(t, &s);
    assert_int_equal(silence.requests, 4);
    assert_int_equal(silence.allowed, 1);
    assert_true(silence.asked_ms == 77);
    s.pause_from_ms = 900, s.pause_until_ms = 1100; /* nothing is counted while it is paused */
    idem_standings_publish(t, 3, &s);
    assert_int_equal(ask(t, &s).requests, 4);
    s.pause_until_ms = 1000;
    idem_standings_publish(t, 3, &s);
    assert_int_equal(ask(t, &s).requests, 5);
    assert_true(idem_standings_locking(t, 3, s.id, true));
    assert_false(idem_standings_locking(t, 3, s.id, true)); /* the worker is told once */
    s.evidence = 2;
    idem_standings_publish(t, 3, &s);
    silence = ask(t, &s);
    assert_int_equal(silence.requests, 1);
    assert_true(silence.asked_ms == 0);
    idem_standings_end(t, 3, s.id);
    assert_int_equal(idem_standings_ask(t, 3, s.id, 1000, &copy, &silence), IDEM_ERR_NOT_FOUND);
    idem_policy_unref(s.policy);
    idem_standings_free(t);
}

static void a_slot_used_again_is_another_sessions(void **state)
{
    struct idem_standing first = {.id = {1}}, second = {.id = {2}}, copy;
    struct idem_silence silence;
    struct idem_standings *t;

    (void)state;
    first.policy = second.policy = shipped();
    assert_int_equal(idem_standings_new(&t), 0);
    idem_standings_publish(t, 3, &first);
    ask(t, &first);
    idem_standings_publish(t, 3, &second);
    idem_standings_end(t, 3, first.id); /* late, and not about the second */
    assert_int_equal(idem_standings_ask(t, 3, first.id, 1000, &copy, &silence), IDEM_ERR_NOT_FOUND);
    assert_int_equal(ask(t, &second).requests, 1);
    idem_policy_unref(first.policy);
    idem_standings_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_cookie_one_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_session_has_so_many_cookies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_table_has_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_nonce_is_good_once_and_for_a_minute, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_nonce_is_none, set_up, tear_down),
        cmocka_unit_test(silence_is_counted_from_the_newest_window),
        cmocka_unit_test(a_slot_used_again_is_another_sessions),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
