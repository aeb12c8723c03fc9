/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_presence.c - what the seat is, by what logind says of its sessions, and what counts as
 * somebody having shown who he is.
 */
#include "agent/broker/presence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct idem_session session(const char *path, const char *class, const char *state)
{
    struct idem_session s = {.user = "ada", .uid = 1000, .since_us = 50};

    snprintf(s.path, sizeof s.path, "%s", path);
    snprintf(s.class, sizeof s.class, "%s", class);
    snprintf(s.state, sizeof s.state, "%s", state);
    return s;
}

static void presence_has_one_answer_for_each_case(void **state)
{
    (void)state;
    static const struct {
        const char *class, *state; /* of the owner */
        bool behind, remote, locked, sleeping;
        enum idem_presence want;
    } cases[] = {
        {"user", "active", false, false, false, false, IDEM_PRESENT},
        {"user-early", "active", false, false, false, false, IDEM_PRESENT},
        {"user", "active", false, false, true, false, IDEM_LOCKED},
        {"user", "active", false, true, false, false, IDEM_REMOTE},
        {"user", "active", false, true, true, false, IDEM_REMOTE},
        {"user", "online", true, false, false, false, IDEM_AWAY},
        {"user", "online", true, false, true, false, IDEM_AWAY},
        {"user", "active", false, false, false, true, IDEM_SUSPENDED},
        {"user", "active", false, false, true, true, IDEM_SUSPENDED},
        {"user", "closing", false, false, false, false, IDEM_NOBODY},
        {"user", "closing", true, false, false, true, IDEM_NOBODY},
        {"user-incomplete", "active", false, false, false, false, IDEM_NOBODY},
        {"greeter", "active", false, false, false, false, IDEM_NOBODY},
        {"lock-screen", "active", false, false, false, false, IDEM_NOBODY},
        {"manager", "active", false, false, false, false, IDEM_NOBODY},
        {"", "", false, false, false, true, IDEM_NOBODY},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct idem_session owner = session("/a", cases[i].class, cases[i].state);
        struct idem_session front = cases[i].behind ? session("/g", "greeter", "active") : owner;
        owner.remote = cases[i].remote;
        owner.locked = cases[i].locked;
        assert_int_equal(idem_presence_of(cases[i].sleeping, &front, &owner), cases[i].want);
    }
}

static void behind_an_empty_terminal_is_away(void **state)
{
    (void)state;
    struct idem_session owner = session("/a", "user", "online"), nothing = {0};

    assert_int_equal(idem_presence_of(false, &nothing, &owner), IDEM_AWAY);
    assert_int_equal(idem_presence_of(false, &nothing, &nothing), IDEM_NOBODY);
    assert_int_equal(idem_presence_of(true, &nothing, &nothing), IDEM_NOBODY);
}

static void a_name_that_fits_no_message_is_nobodys(void **state)
{
    (void)state;
    struct idem_session owner = session("/a", "user", "active");

    owner.user[0] = 0; /* too long for it, or none */
    assert_false(idem_session_is_persons(&owner));
    memcpy(owner.user, "a\nb", 4);
    assert_false(idem_session_is_persons(&owner));
    memcpy(owner.user, "\xc3\xa4", 3);
    assert_true(idem_session_is_persons(&owner));
}

static uint32_t see(struct idem_unlocks *unlocks, const char *path, uint64_t since, bool locked)
{
    struct idem_session s = session(path, "user", "active");

    s.since_us = since;
    s.locked = locked;
    idem_unlocks_see(unlocks, &s);
    return unlocks->count;
}

static void whoever_was_here_before_the_broker_has_shown_nothing(void **state)
{
    (void)state;
    struct idem_unlocks unlocks = {.newest_us = 100};

    assert_int_equal(see(&unlocks, "/a", 50, false), 0);
    assert_int_equal(see(&unlocks, "/a", 50, true), 0);
    assert_int_equal(see(&unlocks, "/a", 50, false), 1);
}

static void a_log_in_counts_once_and_coming_back_does_not(void **state)
{
    (void)state;
    struct idem_unlocks unlocks = {.newest_us = 100};

    assert_int_equal(see(&unlocks, "/a", 200, false), 1);
    assert_int_equal(see(&unlocks, "/a", 200, false), 1);
    assert_int_equal(see(&unlocks, "/b", 300, false), 2);
    assert_int_equal(see(&unlocks, "/a", 200, false), 2); /* another terminal, no password */
    assert_int_equal(see(&unlocks, "/b", 300, true), 2);
    assert_int_equal(see(&unlocks, "/a", 200, false), 2); /* b's lock says nothing of a */
    assert_int_equal(see(&unlocks, "/b", 300, false), 2);
}

static void a_log_in_without_a_person_does_not_count(void **state)
{
    (void)state;
    struct idem_unlocks unlocks = {.newest_us = 100};
    struct idem_session s = session("/a", "user", "active"), nothing = {0};

    s.since_us = 200;
    memcpy(s.service, "gdm-autologin", sizeof "gdm-autologin");
    idem_unlocks_see(&unlocks, &s);
    assert_int_equal(unlocks.count, 0);
    s.locked = true;
    idem_unlocks_see(&unlocks, &s);
    idem_unlocks_see(&unlocks, &nothing);
    s.locked = false;
    idem_unlocks_see(&unlocks, &s);
    assert_int_equal(unlocks.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presence_has_one_answer_for_each_case),
        cmocka_unit_test(behind_an_empty_terminal_is_away),
        cmocka_unit_test(a_name_that_fits_no_message_is_nobodys),
        cmocka_unit_test(whoever_was_here_before_the_broker_has_shown_nothing),
        cmocka_unit_test(a_log_in_counts_once_and_coming_back_does_not),
        cmocka_unit_test(a_log_in_without_a_person_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
