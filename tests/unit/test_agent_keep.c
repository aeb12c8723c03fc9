/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_keep.c - what a courier knows again: whole or not at all, whatever was done to the
 * file; numbers that only grow; a key that is on disk before anybody hears of it.
 */
#include "agent/courier/keep.h"
#include "agent/courier/keep_session.h"
#include "agent/courier/key.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const uint8_t seed[IDEM_SEAL_SEED] = {7, 7, 7}, other_seed[IDEM_SEAL_SEED] = {8};
static char path[64];
static int dir;
static struct idem_keep *keep;

static int setup(void **state)
{
    (void)state;
    strcpy(path, "/tmp/idem-keep-XXXXXX");
    assert_non_null(mkdtemp(path));
    assert_int_equal(idem_keep_directory(path, &dir), 0);
    return idem_keep_open(dir, seed, &keep);
}

static int teardown(void **state)
{
    static const char *const files[] = {"session",     "rules", "front",     "seat.key",
                                        "session.new", "fifo",  "rules.new", "elsewhere"};
    (void)state;
    idem_keep_close(keep);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlinkat(dir, files[i], 0);
    close(dir);
    return rmdir(path);
}

static struct idem_keep_session a_session(uint32_t counter)
{
    struct idem_keep_session s = {.front = 0x1122334455667788, .next_seq = 5, .next_alarm = 2};

    strcpy(s.id, "s-1");
    strcpy(s.token, "a-token-of-this-session");
    strcpy(s.person, "olga");
    strcpy(s.user, "olga.k");
    strcpy(s.policy, "3f");
    memset(s.nonce, 1, sizeof s.nonce);
    memset(s.link, 2, sizeof s.link);
    memset(s.instance, 3, sizeof s.instance);
    s.counter = counter;
    s.unlocked = 4;
    s.opened_ms = 1700000000000;
    return s;
}

static void reopen(const uint8_t *with)
{
    idem_keep_close(keep);
    assert_int_equal(idem_keep_open(dir, with, &keep), 0);
}

static size_t file_bytes(const char *file, uint8_t *out, size_t cap)
{
    int fd = openat(dir, file, O_RDONLY);
    ssize_t n = read(fd, out, cap);
    close(fd);
    assert_true(n > 0);
    return (size_t)n;
}

static void put_file(const char *file, const uint8_t *bytes, size_t len)
{
    int fd = openat(dir, file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

/* ------------------------------------------------------------------ the session */

static void a_session_is_known_again(void **state)
{
    struct idem_keep_session s = a_session(9), again;
    (void)state;

    assert_int_equal(idem_keep_read_session(keep, &again), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_keep_write_session(keep, &s), 0);
    reopen(seed);
    assert_int_equal(idem_keep_read_session(keep, &again), 0);
    assert_memory_equal(&s, &again, sizeof s);
    assert_int_equal(idem_keep_drop_session(keep), 0);
    assert_int_equal(idem_keep_drop_session(keep), 0);
    assert_int_equal(idem_keep_read_session(keep, &again), IDEM_ERR_NOT_FOUND);
}

static void nothing_of_it_can_be_read(void **state)
{
    struct idem_keep_session s = a_session(9), again;
    struct stat st;
    uint8_t bytes[2048];
    (void)state;

    assert_int_equal(idem_keep_write_session(keep, &s), 0);
    assert_int_equal(fstatat(dir, "session", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    size_t len = file_bytes("session", bytes, sizeof bytes);
    assert_null(memmem(bytes, len, "token", 5));
    assert_null(memmem(bytes, len, "olga", 4));
    reopen(other_seed);
    assert_int_equal(idem_keep_read_session(keep, &again), IDEM_ERR_CHECKSUM);
}

/* Every byte of it changed, every length it could be cut to. */
static void damage_is_told(void **state)
{
    struct idem_keep_session s = a_session(9), again;
    uint8_t bytes[2048];
    (void)state;

    assert_int_equal(idem_keep_write_session(keep, &s), 0);
    size_t len = file_bytes("session", bytes, sizeof bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] ^= 0x10;
        put_file("session", bytes, len);
        assert_int_equal(idem_keep_read_session(keep, &again), IDEM_ERR_CHECKSUM);
        bytes[i] ^= 0x10;
        put_file("session", bytes, i);
        assert_int_equal(idem_keep_read_session(keep, &again), IDEM_ERR_CHECKSUM);
    }
    put_file("session", bytes, len);
    assert_int_equal(idem_keep_read_session(keep, &again), 0);
    memset(bytes + len, 1, sizeof bytes - len);
    put_file("session", bytes, sizeof bytes);
    assert_int_equal(idem_keep_read_session(keep, &again), IDEM_ERR_CHECKSUM);
    /* What cannot be read is no reason to refuse the next one. */
    assert_int_equal(idem_keep_write_session(keep, &s), 0);
    assert_int_equal(idem_keep_read_session(keep, &again), 0);
}

static void a_file_is_its_own_only(void **state)
{
    uint8_t bytes[2048];
    struct idem_keep_session s = a_session(9), again;
    char json[64];
    size_t len;
    (void)state;

    assert_int_equal(idem_keep_write_session(keep, &s), 0);
    len = file_bytes("session", bytes, sizeof bytes);
    put_file("rules", bytes, len);
    assert_int_equal(idem_keep_read_rules(keep, json, sizeof json, &len), IDEM_ERR_CHECKSUM);
    assert_int_equal(fchmodat(dir, "session", 0622, 0), 0);
    assert_int_equal(idem_keep_read_session(keep, &again), IDEM_ERR_INVALID);
    assert_int_equal(renameat(dir, "session", dir, "elsewhere"), 0);
    assert_int_equal(symlinkat("elsewhere", dir, "session"), 0);
    assert_int_equal(idem_keep_read_session(keep, &again), IDEM_ERR_INVALID);
    unlinkat(dir, "session", 0);
    assert_int_equal(mkfifoat(dir, "session", 0600), 0);
    assert_int_equal(idem_keep_read_session(keep, &again), IDEM_ERR_INVALID);
}

static void numbers_only_grow(void **state)
{
    struct idem_keep_session s = a_session(9), back = a_session(8);
    uint32_t counter;
    (void)state;

    assert_int_equal(idem_keep_write_session(keep, &s), 0);
    reopen(seed);
    assert_int_equal(idem_keep_write_session(keep, &back), IDEM_ERR_MISMATCH);
    back = s;
    back.next_seq--;
    assert_int_equal(idem_keep_write_session(keep, &back), IDEM_ERR_MISMATCH);
    back = s;
    back.next_alarm--;
    assert_int_equal(idem_keep_write_session(keep, &back), IDEM_ERR_MISMATCH);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(idem_keep_use_counter(keep, &s, &counter), 0);
        assert_int_equal(counter, 9 + i);
        reopen(seed); /* as after a kill -9: it is used up */
        assert_int_equal(idem_keep_read_session(keep, &s), 0);
    }
    strcpy(back.id, "s-2"); /* another session begins anew */
    assert_int_equal(idem_keep_write_session(keep, &back), 0);
    back.counter = UINT32_MAX;
    assert_int_equal(idem_keep_use_counter(keep, &back, &counter), IDEM_ERR_LIMIT);
}

static void texts_have_an_end(void **state)
{
    struct idem_keep_session s = a_session(1);
    (void)state;

    memset(s.token, 'x', sizeof s.token);
    assert_int_equal(idem_keep_write_session(keep, &s), IDEM_ERR_INVALID);
    s = a_session(1);
    s.person[0] = '\n';
    assert_int_equal(idem_keep_write_session(keep, &s), IDEM_ERR_INVALID);
    s = a_session(0);
    assert_int_equal(idem_keep_write_session(keep, &s), IDEM_ERR_INVALID);
    memset(s.person, 'p', sizeof s.person - 1);
    memset(s.token, 't', sizeof s.token - 1);
    memset(s.id, 'i', sizeof s.id - 1);
    memset(s.policy, 'y', sizeof s.policy - 1);
    memset(s.user, 'u', sizeof s.user - 1);
    s.person[sizeof s.person - 1] = s.token[sizeof s.token - 1] = '\0';
    s.counter = 1;
    assert_int_equal(idem_keep_write_session(keep, &s), 0);
    assert_int_equal(idem_keep_read_session(keep, &s), 0);
}

/* ------------------------------------------------------------------ rules, front, directory */

static void rules_and_front_are_known_again(void **state)
{
    const char rules[] = "{\"guard\": {}}";
    size_t len, size = IDEM_FRONT_MAX;
    uint8_t *front = malloc(size + 1);
    void *again;
    char json[IDEM_KEEP_RULES_MAX + 1];
    (void)state;

    memset(front, 0x5a, size + 1);
    memset(json, ' ', sizeof json);
    assert_int_equal(idem_keep_write_rules(keep, rules, strlen(rules)), 0);
    assert_int_equal(idem_keep_write_rules(keep, json, sizeof json), IDEM_ERR_LIMIT);
    assert_int_equal(idem_keep_write_front(keep, front, size), 0);
    assert_int_equal(idem_keep_write_front(keep, front, size + 1), IDEM_ERR_LIMIT);
    reopen(seed);
    assert_int_equal(idem_keep_read_rules(keep, json, 4, &len), IDEM_ERR_LIMIT);
    assert_int_equal(idem_keep_read_rules(keep, json, sizeof json, &len), 0);
    assert_int_equal(len, strlen(rules));
    assert_memory_equal(json, rules, len);
    assert_int_equal(idem_keep_read_front(keep, &again, &len), 0);
    assert_int_equal(len, size);
    assert_memory_equal(front, again, len);
    free(again);
    free(front);
}

static void a_directory_of_others_is_refused(void **state)
{
    char file[80];
    int fd;
    (void)state;

    assert_int_equal(chmod(path, 0722), 0);
    assert_int_equal(idem_keep_directory(path, &fd), IDEM_ERR_INVALID);
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(idem_keep_directory("/tmp/no such place", &fd), IDEM_ERR_NOT_FOUND);
    snprintf(file, sizeof file, "%s/session", path);
    put_file("session", seed, sizeof seed);
    assert_int_equal(idem_keep_directory(file, &fd), IDEM_ERR_IO);
}

/* A full disk: what was there is there. */
static void a_write_that_fails_leaves_the_old_one(void **state)
{
    struct idem_keep_session s = a_session(9), next = a_session(10), again;
    (void)state;

    assert_int_equal(idem_keep_write_session(keep, &s), 0);
    assert_int_equal(mkdirat(dir, "session.new", 0700), 0);
    assert_int_equal(idem_keep_write_session(keep, &next), IDEM_ERR_IO);
    assert_int_equal(idem_keep_read_session(keep, &again), 0);
    assert_int_equal(again.counter, 9);
    assert_int_equal(unlinkat(dir, "session.new", AT_REMOVEDIR), 0);
    put_file("session.new", seed, sizeof seed); /* what a power failure has left */
    assert_int_equal(idem_keep_write_session(keep, &next), 0);
}

/* ------------------------------------------------------------------ the key */

static void a_key_is_made_once(void **state)
{
    struct idem_seat_key key, again;
    char body[IDEM_KEY_REGISTRATION_MAX], code[IDEM_SEAL_CODE_TEXT + 1];
    size_t len;
    (void)state;

    assert_int_equal(idem_key_load(dir, &key), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_key_take(dir, &key), 0);
    assert_int_equal(idem_key_load(dir, &again), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_key_take(dir, &again), 0); /* the answer was lost */
    assert_memory_equal(&key, &again, sizeof key);
    idem_seal_code_new(code);
    assert_int_equal(idem_key_registration(&key, code, "idem.example", body, &len), 0);
    assert_true(len < sizeof body && body[0] == '{' && body[len - 1] == '}');
    assert_int_equal(idem_key_registration(&key, "no code", "idem.example", body, &len),
                     IDEM_ERR_FORMAT);
    assert_int_equal(idem_key_registered(dir, &key, 0), IDEM_ERR_INVALID);
    assert_int_equal(idem_key_registered(dir, &key, 12), 0);
    assert_int_equal(idem_key_load(dir, &again), 0);
    assert_int_equal(again.seat, 12);
    assert_memory_equal(key.seed, again.seed, sizeof key.seed);
    assert_int_equal(idem_key_take(dir, &again), IDEM_ERR_MISMATCH);
}

static void a_key_that_others_can_read_is_none(void **state)
{
    struct idem_seat_key key;
    uint8_t instance[IDEM_SEAL_INSTANCE], again[IDEM_SEAL_INSTANCE];
    (void)state;

    assert_int_equal(idem_key_take(dir, &key), 0);
    assert_int_equal(fchmodat(dir, IDEM_KEY_FILE, 0640, 0), 0);
    assert_int_equal(idem_key_load(dir, &key), IDEM_ERR_INVALID);
    assert_int_equal(idem_key_take(dir, &key), IDEM_ERR_INVALID);
    put_file(IDEM_KEY_FILE, (const uint8_t *)"{}", 2);
    assert_int_equal(fchmodat(dir, IDEM_KEY_FILE, 0600, 0), 0);
    assert_int_equal(idem_key_take(dir, &key), IDEM_ERR_FORMAT);
    assert_int_equal(idem_seat_key_instance(&key, instance), 0);
    assert_int_equal(idem_seat_key_instance(&key, again), 0);
    assert_memory_equal(instance, again, sizeof again);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(a_session_is_known_again),
        EACH(nothing_of_it_can_be_read),
        EACH(damage_is_told),
        EACH(a_file_is_its_own_only),
        EACH(numbers_only_grow),
        EACH(texts_have_an_end),
        EACH(rules_and_front_are_known_again),
        EACH(a_directory_of_others_is_refused),
        EACH(a_write_that_fails_leaves_the_old_one),
        EACH(a_key_is_made_once),
        EACH(a_key_that_others_can_read_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
