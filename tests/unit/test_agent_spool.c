/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_spool.c - what the courier's spool promises: oldest first, bounded, alarms stay,
 * losses are counted, nothing of it can be read without the seed, and nothing that was taken away
 * stays. test_agent_spool_crash.c is about power failures.
 */
#include "agent/courier/spool_inside.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { LIMIT = IDEM_SPOOL_LIMIT_MIN, HOUR = 480000 };

static const uint8_t seed[IDEM_SEAL_SEED] = {7, 7, 7}, other_seed[IDEM_SEAL_SEED] = {8};
static char path[64];
static int dir;
static struct idem_spool *spool;
static uint8_t bytes[IDEM_SPOOL_RECORD_MAX], got[IDEM_SPOOL_RECORD_MAX];

static int setup(void **state)
{
    (void)state;
    strcpy(path, "/tmp/idem-spool-XXXXXX");
    assert_non_null(mkdtemp(path));
    dir = open(path, O_RDONLY | O_DIRECTORY);
    return idem_spool_open(dir, "spool", seed, LIMIT, &spool);
}

static int teardown(void **state)
{
    (void)state;
    idem_spool_close(spool);
    unlinkat(dir, "spool", 0);
    unlinkat(dir, "elsewhere", 0);
    close(dir);
    return rmdir(path);
}

static void reopen(void)
{
    idem_spool_close(spool);
    spool = NULL;
    assert_int_equal(idem_spool_open(dir, "spool", seed, LIMIT, &spool), 0);
}

/* A record says who it is in every byte. */
static size_t fill(uint32_t number, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(number * 31 + i % 251);
    return len;
}

static uint64_t add(enum idem_spool_kind kind, const char *person, uint32_t number, size_t len)
{
    uint64_t id = 0;
    fill(number, len);
    assert_int_equal(idem_spool_append(spool, kind, person, HOUR, bytes, len, &id), 0);
    assert_true(id > 0);
    return id;
}

static uint64_t add_window(uint32_t number)
{
    return add(IDEM_SPOOL_WINDOW, "olga", number, 900);
}

static int next(enum idem_spool_kind kind, uint64_t after, struct idem_spool_record *out)
{
    return idem_spool_next(spool, kind, "olga", after, out, got, sizeof got);
}

static uint64_t expect_next(uint64_t after, uint32_t number, size_t len)
{
    struct idem_spool_record r;

    assert_int_equal(next(IDEM_SPOOL_WINDOW, after, &r), 0);
    assert_int_equal(r.len, fill(number, len));
    assert_memory_equal(got, bytes, len);
    assert_string_equal(r.person, "olga");
    return r.id;
}

static struct idem_spool_counts counts(void)
{
    struct idem_spool_counts c;
    idem_spool_counts(spool, &c);
    return c;
}

static void flip(uint32_t place, uint32_t at)
{
    uint8_t byte;
    int fd = openat(dir, "spool", O_RDWR);
    off_t where = (off_t)place * IDEM_SPOOL_BLOCK + at;
    assert_int_equal(pread(fd, &byte, 1, where), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, where), 1);
    close(fd);
}

static uint32_t place_of(uint64_t id)
{
    for (uint32_t i = IDEM_SPOOL_FIRST_ALARM; i < spool->blocks; i++)
        if (spool->entries[i].id == id)
            return i;
    fail_msg("record %llu is nowhere", (unsigned long long)id);
    return 0;
}

static bool on_disk(const void *what, size_t len)
{
    static uint8_t all[LIMIT];
    int fd = openat(dir, "spool", O_RDONLY);
    ssize_t n = read(fd, all, sizeof all);
    close(fd);
    assert_int_equal(n, LIMIT);
    return memmem(all, sizeof all, what, len) != NULL;
}

/* ------------------------------------------------------------------ in and out */

static void records_come_back_oldest_first(void **state)
{
    static const size_t lens[] = {1, 900, 1880, 1979, 1980, 2008, 4096, 65536, 17};
    struct idem_spool_record r;
    uint64_t after = 0;
    (void)state;

    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 9 && round == 0; i++)
            add(IDEM_SPOOL_WINDOW, "olga", i, lens[i]);
        after = 0;
        for (uint32_t i = 0; i < 9; i++)
            after = expect_next(after, i, lens[i]);
        assert_int_equal(next(IDEM_SPOOL_WINDOW, after, &r), IDEM_ERR_NOT_FOUND);
        assert_int_equal(counts().waiting[IDEM_SPOOL_WINDOW], 9);
        reopen();
    }
    assert_int_equal(next(IDEM_SPOOL_ALARM, 0, &r), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_spool_next(spool, IDEM_SPOOL_WINDOW, "olga", 0, &r, got, 0),
                     IDEM_ERR_LIMIT);
}

static void what_is_no_record_is_refused(void **state)
{
    char long_name[IDEM_SPOOL_PERSON_MAX + 1];
    uint64_t id = 0;
    (void)state;

    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
#define APPEND(kind, who, hour, len) idem_spool_append(spool, kind, who, hour, bytes, len, &id)
    assert_int_equal(APPEND(IDEM_SPOOL_WINDOW, "olga", HOUR, 0), IDEM_ERR_INVALID);
    assert_int_equal(APPEND(IDEM_SPOOL_WINDOW, "olga", HOUR, 65537), IDEM_ERR_INVALID);
    assert_int_equal(APPEND(IDEM_SPOOL_WINDOW, "", HOUR, 9), IDEM_ERR_INVALID);
    assert_int_equal(APPEND(IDEM_SPOOL_WINDOW, long_name, HOUR, 9), IDEM_ERR_INVALID);
    assert_int_equal(APPEND(IDEM_SPOOL_WINDOW, "olga", -1, 9), IDEM_ERR_INVALID);
    assert_int_equal(APPEND(IDEM_SPOOL_ALARM, "olga", HOUR, 4096), IDEM_ERR_LIMIT);
    assert_int_equal(id, 0);
    long_name[IDEM_SPOOL_PERSON_MAX - 1] = '\0';
    assert_int_equal(APPEND(IDEM_SPOOL_WINDOW, long_name, HOUR, 1880), 0);
}

static void people_are_kept_apart(void **state)
{
    struct idem_spool_record r;
    (void)state;

    add(IDEM_SPOOL_WINDOW, "ines", 1, 500);
    uint64_t hers = add_window(2);
    add(IDEM_SPOOL_ALARM, "ines", 3, 200);
    assert_int_equal(expect_next(0, 2, 900), hers);
    assert_int_equal(next(IDEM_SPOOL_WINDOW, hers, &r), IDEM_ERR_NOT_FOUND);
    assert_int_equal(next(IDEM_SPOOL_ALARM, 0, &r), IDEM_ERR_NOT_FOUND);
    reopen();
    assert_int_equal(idem_spool_erase(spool, "ines"), 0);
    assert_int_equal(counts().waiting[IDEM_SPOOL_WINDOW], 1);
    assert_int_equal(counts().waiting[IDEM_SPOOL_ALARM], 1); /* what alarmed is not hers to erase */
    assert_int_equal(counts().dropped, 0);
    assert_int_equal(expect_next(0, 2, 900), hers);
}

/* ------------------------------------------------------------------ sending */

static void what_is_sent_keeps_its_number(void **state)
{
    struct idem_spool_record r;
    uint64_t ids[4];
    (void)state;

    for (uint32_t i = 0; i < 4; i++)
        ids[i] = add_window(i);
    assert_string_equal(idem_spool_session(spool), "");
    assert_int_equal(idem_spool_sent(spool, IDEM_SPOOL_WINDOW, ids, 3, "s-1", 7), 0);
    reopen();
    assert_string_equal(idem_spool_session(spool), "s-1");
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(next(IDEM_SPOOL_WINDOW, i == 0 ? 0 : ids[i - 1], &r), 0);
        assert_int_equal(r.seq, i < 3 ? 7 + i : 0);
    }
    assert_int_equal(idem_spool_acknowledged(spool, IDEM_SPOOL_WINDOW, 8), 0);
    assert_int_equal(counts().in_flight[IDEM_SPOOL_WINDOW], 1);
    reopen();
    assert_int_equal(expect_next(0, 2, 900), ids[2]);
    assert_int_equal(idem_spool_acknowledged(spool, IDEM_SPOOL_WINDOW, 8), 0);
    assert_int_equal(counts().in_flight[IDEM_SPOOL_WINDOW], 1);
    assert_int_equal(idem_spool_acknowledged(spool, IDEM_SPOOL_WINDOW, UINT32_MAX), 0);
    assert_int_equal(expect_next(0, 3, 900), ids[3]);
}

static void what_cannot_be_sent_is_refused(void **state)
{
    uint64_t ids[IDEM_WIRE_WINDOWS_MAX + 1], alarm, bad = 999, twice[2], back[2];
    (void)state;

    for (uint32_t i = 0; i <= IDEM_WIRE_WINDOWS_MAX; i++)
        ids[i] = add_window(i);
    alarm = add(IDEM_SPOOL_ALARM, "olga", 1, 100);
    twice[0] = twice[1] = ids[0];
    back[0] = ids[1], back[1] = ids[0];
#define SENT(kind, which, count, session, seq)                                                     \
    idem_spool_sent(spool, kind, which, count, session, seq)
    assert_int_equal(SENT(IDEM_SPOOL_WINDOW, &bad, 1, "s", 1), IDEM_ERR_INVALID);
    assert_int_equal(SENT(IDEM_SPOOL_WINDOW, &alarm, 1, "s", 1), IDEM_ERR_INVALID);
    assert_int_equal(SENT(IDEM_SPOOL_WINDOW, twice, 2, "s", 1), IDEM_ERR_INVALID);
    assert_int_equal(SENT(IDEM_SPOOL_WINDOW, back, 2, "s", 1), IDEM_ERR_INVALID);
    assert_int_equal(SENT(IDEM_SPOOL_WINDOW, ids, 1, "", 1), IDEM_ERR_INVALID);
    assert_int_equal(SENT(IDEM_SPOOL_WINDOW, ids, 1, "s", 0), IDEM_ERR_INVALID);
    assert_int_equal(SENT(IDEM_SPOOL_WINDOW, ids, 65, "s", 1), IDEM_ERR_LIMIT);
    assert_int_equal(SENT(IDEM_SPOOL_WINDOW, ids, 2, "s", 1), 0);
    assert_int_equal(SENT(IDEM_SPOOL_WINDOW, ids, 1, "s", 3), IDEM_ERR_INVALID);
    assert_int_equal(SENT(IDEM_SPOOL_WINDOW, ids + 2, 1, "s", 2), IDEM_ERR_INVALID);
    assert_int_equal(SENT(IDEM_SPOOL_ALARM, &alarm, 1, "t", 1), IDEM_ERR_INVALID);
    assert_int_equal(SENT(IDEM_SPOOL_ALARM, &alarm, 1, "s", 1), 0);
    assert_int_equal(SENT(IDEM_SPOOL_WINDOW, ids + 2, 62, "s", 3), 0);
    assert_int_equal(SENT(IDEM_SPOOL_WINDOW, ids + 64, 1, "s", 65), IDEM_ERR_LIMIT);
}

static void a_session_that_is_gone_takes_its_windows(void **state)
{
    struct idem_spool_record r;
    uint64_t ids[3], alarm;
    (void)state;

    for (uint32_t i = 0; i < 3; i++)
        ids[i] = add_window(i);
    alarm = add(IDEM_SPOOL_ALARM, "olga", 9, 300);
    assert_int_equal(idem_spool_sent(spool, IDEM_SPOOL_WINDOW, ids, 2, "s-1", 1), 0);
    assert_int_equal(idem_spool_sent(spool, IDEM_SPOOL_ALARM, &alarm, 1, "s-1", 1), 0);
    assert_int_equal(idem_spool_forget(spool), 0);
    reopen();
    assert_string_equal(idem_spool_session(spool), "");
    assert_int_equal(counts().dropped, 2);
    assert_int_equal(expect_next(0, 2, 900), ids[2]);
    assert_int_equal(next(IDEM_SPOOL_ALARM, 0, &r), 0); /* an alarm is said again */
    assert_int_equal(r.seq, 0);
    assert_int_equal(idem_spool_sent(spool, IDEM_SPOOL_ALARM, &alarm, 1, "s-2", 1), 0);
    assert_int_equal(idem_spool_drop(spool, ids[2]), 0);
    assert_int_equal(idem_spool_drop(spool, ids[2]), IDEM_ERR_NOT_FOUND);
    assert_int_equal(counts().dropped, 3);
    assert_int_equal(idem_spool_drop(spool, alarm), 0); /* the server will never take it */
    assert_int_equal(idem_spool_drop(spool, alarm), IDEM_ERR_NOT_FOUND);
    assert_int_equal(counts().refused, 1);
    assert_int_equal(counts().dropped, 3);
    assert_int_equal(idem_spool_counted(spool), 0);
    reopen();
    assert_int_equal(counts().dropped, 0);
}

/* ------------------------------------------------------------------ bounds */

static void the_oldest_window_goes_first(void **state)
{
    struct idem_spool_record r;
    uint32_t room = counts().room, number = 0;
    uint64_t ids[2], id;
    struct stat st;
    (void)state;

    ids[0] = add_window(number++);
    ids[1] = add_window(number++);
    add(IDEM_SPOOL_ALARM, "olga", 1, 100);
    assert_int_equal(idem_spool_sent(spool, IDEM_SPOOL_WINDOW, ids, 2, "s", 1), 0);
    while (number < room + 10)
        add_window(number++);
    assert_int_equal(counts().room, 0);
    add(IDEM_SPOOL_ALARM, "olga", 1, 100); /* alarms have a place of their own */
    assert_int_equal(counts().waiting[IDEM_SPOOL_ALARM], 2);
    assert_int_equal(counts().refused, 0);
    assert_int_equal(counts().dropped, 10);
    id = expect_next(0, 0, 900); /* what is in flight stays */
    id = expect_next(id, 1, 900);
    id = expect_next(id, 12, 900);
    add(IDEM_SPOOL_WINDOW, "olga", 77, 65536); /* 34 blocks */
    assert_int_equal(counts().dropped, 10 + 34);
    reopen();
    assert_int_equal(counts().dropped, 44);
    assert_int_equal(expect_next(ids[1], 12 + 34, 900), id + 34);
    assert_int_equal(next(IDEM_SPOOL_ALARM, 0, &r), 0);
    assert_int_equal(fstatat(dir, "spool", &st, 0), 0);
    assert_int_equal(st.st_size, LIMIT);
}

static void alarms_stay(void **state)
{
    uint64_t id = 0;
    (void)state;

    for (uint32_t i = 0; i < IDEM_SPOOL_ALARMS_MAX; i++)
        add(IDEM_SPOOL_ALARM, "olga", i, 200);
    assert_int_equal(idem_spool_append(spool, IDEM_SPOOL_ALARM, "olga", HOUR, bytes, 9, &id),
                     IDEM_ERR_FULL);
    for (uint32_t i = 0; i < 600; i++)
        add_window(i);
    reopen();
    assert_int_equal(counts().waiting[IDEM_SPOOL_ALARM], IDEM_SPOOL_ALARMS_MAX);
    assert_int_equal(counts().refused, 1);
}

static void what_waits_too_long_goes(void **state)
{
    uint64_t ids[2], id;
    (void)state;

    ids[0] = add_window(1);
    add_window(2);
    add(IDEM_SPOOL_ALARM, "olga", 3, 100);
    fill(4, 100);
    assert_int_equal(idem_spool_append(spool, IDEM_SPOOL_WINDOW, "olga", HOUR + 2, bytes, 100, &id),
                     0);
    assert_int_equal(idem_spool_sent(spool, IDEM_SPOOL_WINDOW, ids, 1, "s", 1), 0);
    assert_int_equal(idem_spool_expire(spool, HOUR - 100000), 0);
    assert_int_equal(idem_spool_expire(spool, HOUR + IDEM_SPOOL_HOURS), 0);
    assert_int_equal(counts().expired, 0);
    reopen();
    assert_int_equal(idem_spool_expire(spool, HOUR + IDEM_SPOOL_HOURS + 1), 0);
    assert_int_equal(counts().expired, 1);
    assert_int_equal(counts().in_flight[IDEM_SPOOL_WINDOW], 1);
    assert_int_equal(counts().waiting[IDEM_SPOOL_WINDOW], 1);
    assert_int_equal(counts().waiting[IDEM_SPOOL_ALARM], 1);
    assert_int_equal(idem_spool_append(spool, IDEM_SPOOL_WINDOW, "olga",
                                       HOUR + IDEM_SPOOL_ALARM_HOURS + 1, bytes, 100, &id),
                     0); /* whoever appends has the time, too */
    assert_int_equal(counts().waiting[IDEM_SPOOL_ALARM], 0);
    assert_int_equal(counts().expired, 3);
}

static void another_limit_is_obeyed(void **state)
{
    uint64_t id = 0;
    struct stat st;
    (void)state;

    idem_spool_close(spool);
    assert_int_equal(idem_spool_open(dir, "spool", seed, LIMIT - 1, &spool), IDEM_ERR_INVALID);
    assert_int_equal(
        idem_spool_open(dir, "spool", seed, (uint64_t)IDEM_SPOOL_LIMIT_MAX + 1, &spool),
        IDEM_ERR_INVALID);
    assert_int_equal(idem_spool_open(dir, "spool", seed, 2 * LIMIT, &spool), 0);
    for (uint32_t i = 0; i < 500; i++)
        add_window(i);
    add(IDEM_SPOOL_WINDOW, "olga", 500, 65536);
    assert_int_equal(counts().dropped, 0);
    reopen(); /* half as large: 444 windows fit */
    assert_int_equal(fstatat(dir, "spool", &st, 0), 0);
    assert_int_equal(st.st_size, LIMIT);
    assert_int_equal(counts().dropped, 57);
    assert_int_equal(counts().waiting[IDEM_SPOOL_WINDOW], 444);
    for (uint32_t i = 0; i < 444; i++)
        id = expect_next(id, i, 900);
}

/* ------------------------------------------------------------------ secrecy */

static void nothing_can_be_read_without_the_seed(void **state)
{
    (void)state;

    add(IDEM_SPOOL_WINDOW, "olga.of.accounting", 1, 900);
    add(IDEM_SPOOL_ALARM, "olga.of.accounting", 1, 100);
    assert_false(on_disk("olga.of", 7));
    assert_false(on_disk(bytes, 16));
    idem_spool_close(spool);
    assert_int_equal(idem_spool_open(dir, "spool", other_seed, LIMIT, &spool), 0);
    assert_true(counts().lost);
    assert_int_equal(counts().waiting[IDEM_SPOOL_WINDOW], 0);
    reopen(); /* and the other way round: it was overwritten */
    assert_true(counts().lost);
    assert_int_equal(counts().waiting[IDEM_SPOOL_WINDOW], 0);
    reopen();
    assert_false(counts().lost);
}

static void what_is_gone_is_overwritten(void **state)
{
    uint8_t block[IDEM_SPOOL_BLOCK], key[IDEM_SPOOL_KEY];
    uint64_t id = add_window(1);
    uint32_t place = place_of(id);
    (void)state;

    memcpy(key, spool->head.lock.key, sizeof key);
    assert_int_equal(pread(spool->fd, block, sizeof block, (off_t)place * IDEM_SPOOL_BLOCK),
                     IDEM_SPOOL_BLOCK);
    assert_true(on_disk(block, sizeof block));
    assert_int_equal(idem_spool_sent(spool, IDEM_SPOOL_WINDOW, &id, 1, "s", 1), 0);
    assert_int_equal(idem_spool_acknowledged(spool, IDEM_SPOOL_WINDOW, 1), 0);
    assert_false(on_disk(block, 64));
    assert_int_equal(idem_spool_forget(spool), 0); /* the session is over: another key */
    assert_memory_not_equal(spool->head.lock.key, key, sizeof key);
    id = add_window(2);
    assert_int_equal(pread(spool->fd, block, sizeof block, (off_t)place_of(id) * IDEM_SPOOL_BLOCK),
                     IDEM_SPOOL_BLOCK);
    assert_int_equal(idem_spool_erase(spool, NULL), 0);
    assert_false(on_disk(block, 64));
    reopen();
    assert_false(counts().lost);
    assert_true(add_window(3) > id);
}

/* Blocks of the file itself, put where they were not, or where they were before. */
static void blocks_are_not_moved_or_brought_back(void **state)
{
    uint8_t block[IDEM_SPOOL_BLOCK];
    uint64_t id = add_window(1);
    uint32_t place = place_of(id);
    (void)state;

    assert_int_equal(pread(spool->fd, block, sizeof block, (off_t)place * IDEM_SPOOL_BLOCK),
                     IDEM_SPOOL_BLOCK);
    assert_int_equal(pwrite(spool->fd, block, sizeof block, (off_t)(place + 5) * IDEM_SPOOL_BLOCK),
                     IDEM_SPOOL_BLOCK);
    reopen();
    assert_int_equal(counts().unreadable, 1);
    assert_int_equal(counts().waiting[IDEM_SPOOL_WINDOW], 1);
    assert_int_equal(idem_spool_sent(spool, IDEM_SPOOL_WINDOW, &id, 1, "s", 1), 0);
    assert_int_equal(idem_spool_acknowledged(spool, IDEM_SPOOL_WINDOW, 1), 0);
    assert_int_equal(pwrite(spool->fd, block, sizeof block, (off_t)place * IDEM_SPOOL_BLOCK),
                     IDEM_SPOOL_BLOCK);
    reopen();
    assert_int_equal(counts().waiting[IDEM_SPOOL_WINDOW], 0);
    assert_false(on_disk(block, 64));
}

static void a_file_of_others_is_refused(void **state)
{
    struct idem_spool *again;
    (void)state;

    assert_int_equal(idem_spool_open(dir, "spool", seed, LIMIT, &again), IDEM_ERR_IO); /* locked */
    idem_spool_close(spool);
    spool = NULL;
    assert_int_equal(fchmodat(dir, "spool", 0620, 0), 0);
    assert_int_equal(idem_spool_open(dir, "spool", seed, LIMIT, &again), IDEM_ERR_INVALID);
    assert_int_equal(fchmodat(dir, "spool", 0600, 0), 0);
    assert_int_equal(linkat(dir, "spool", dir, "elsewhere", 0), 0);
    assert_int_equal(idem_spool_open(dir, "spool", seed, LIMIT, &again), IDEM_ERR_INVALID);
    assert_int_equal(unlinkat(dir, "spool", 0), 0);
    assert_int_equal(symlinkat("elsewhere", dir, "spool"), 0);
    assert_int_equal(idem_spool_open(dir, "spool", seed, LIMIT, &again), IDEM_ERR_INVALID);
    assert_int_equal(unlinkat(dir, "spool", 0), 0);
    assert_int_equal(mkfifoat(dir, "spool", 0600), 0);
    assert_int_equal(idem_spool_open(dir, "spool", seed, LIMIT, &again), IDEM_ERR_INVALID);
}

/* ------------------------------------------------------------------ damage */

static void a_damaged_block_loses_its_record_only(void **state)
{
    struct idem_spool_record r;
    uint64_t ids[4];
    (void)state;

    for (uint32_t i = 0; i < 4; i++)
        ids[i] = add(IDEM_SPOOL_WINDOW, "olga", i, i == 1 ? 5000 : 900);
    assert_int_equal(idem_spool_sent(spool, IDEM_SPOOL_WINDOW, ids, 2, "s", 1), 0);
    flip(place_of(ids[1]) + 2, 100);
    reopen();
    assert_int_equal(counts().unreadable, 1);
    assert_int_equal(counts().in_flight[IDEM_SPOOL_WINDOW], 1);
    assert_int_equal(expect_next(0, 0, 900), ids[0]);
    assert_int_equal(expect_next(ids[0], 2, 900), ids[2]);
    flip(place_of(ids[2]), 2047); /* while it is open */
    assert_int_equal(next(IDEM_SPOOL_WINDOW, ids[0], &r), 0);
    assert_int_equal(r.id, ids[3]);
    assert_int_equal(counts().unreadable, 2);
    reopen();
    assert_int_equal(counts().unreadable, 2);
    assert_int_equal(counts().waiting[IDEM_SPOOL_WINDOW], 1);
}

static void one_head_is_enough(void **state)
{
    uint64_t id = add_window(1);
    (void)state;

    for (uint32_t head = 0; head < IDEM_SPOOL_HEADS; head++) {
        flip(head * IDEM_SPOOL_HEAD_STEP, 300);
        reopen();
        assert_false(counts().lost);
        assert_int_equal(expect_next(0, 1, 900), id);
        assert_int_equal(idem_spool_counted(spool), 0); /* both are written again */
        assert_int_equal(idem_spool_counted(spool), 0);
    }
    flip(0, 300);
    flip(IDEM_SPOOL_HEAD_STEP, 300);
    reopen();
    assert_true(counts().lost);
    assert_int_equal(counts().waiting[IDEM_SPOOL_WINDOW], 0);
    assert_int_equal(expect_next(add_window(5) - 1, 5, 900), 1);
}

static void a_file_cut_short_is_told(void **state)
{
    (void)state;

    for (uint32_t i = 0; i < 100; i++)
        add_window(i);
    uint32_t left = IDEM_SPOOL_FIRST_WINDOW + 60;
    assert_int_equal(ftruncate(spool->fd, (off_t)left * IDEM_SPOOL_BLOCK), 0);
    reopen();
    assert_int_equal(counts().waiting[IDEM_SPOOL_WINDOW], 60);
    assert_int_equal(counts().unreadable, LIMIT / IDEM_SPOOL_BLOCK - left);
    assert_int_equal(ftruncate(spool->fd, 100), 0);
    reopen();
    assert_true(counts().lost);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(records_come_back_oldest_first),
        EACH(what_is_no_record_is_refused),
        EACH(people_are_kept_apart),
        EACH(what_is_sent_keeps_its_number),
        EACH(what_cannot_be_sent_is_refused),
        EACH(a_session_that_is_gone_takes_its_windows),
        EACH(the_oldest_window_goes_first),
        EACH(alarms_stay),
        EACH(what_waits_too_long_goes),
        EACH(another_limit_is_obeyed),
        EACH(nothing_can_be_read_without_the_seed),
        EACH(what_is_gone_is_overwritten),
        EACH(blocks_are_not_moved_or_brought_back),
        EACH(a_file_of_others_is_refused),
        EACH(a_damaged_block_loses_its_record_only),
        EACH(one_head_is_enough),
        EACH(a_file_cut_short_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
