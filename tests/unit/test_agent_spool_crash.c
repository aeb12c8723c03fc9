/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_spool_crash.c - the courier's spool when power fails: within any write, with any one
 * write of those that were not yet synced missing. What had returned is there, whole; what had not
 * is there whole or not at all; numbers under which something was sent stay.
 *
 * The program is linked with pwrite() and fdatasync() of its own (--wrap), which write down what
 * reaches the file. Afterwards the file is put together again as each failure would have left it.
 */
#include "agent/courier/spool_inside.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LIMIT = IDEM_SPOOL_LIMIT_MIN, HOUR = 480000, WRITES = 400, RECORDS = 64 };

struct write {
    off_t at;
    uint32_t epoch; /* syncs before it */
    uint8_t block[IDEM_SPOOL_BLOCK];
};

/* What the test knows of a record, and up to which write it knew so. */
struct fact {
    uint64_t id;
    uint32_t number, len;
    uint32_t from;           /* writes done when append returned */
    uint32_t until;          /* writes done when its removal began */
    uint32_t sent_from, seq; /* when sent returned, 0: never */
};

static const uint8_t seed[IDEM_SEAL_SEED] = {7, 7, 7};
static char path[64];
static int dir;
static struct write writes[WRITES];
static uint32_t write_count, epoch;
static bool recording;
static struct fact facts[RECORDS];
static uint32_t fact_count;
static uint8_t base[LIMIT], image[LIMIT], bytes[IDEM_SPOOL_RECORD_MAX], got[IDEM_SPOOL_RECORD_MAX];
static struct idem_spool *spool;

ssize_t __real_pwrite64(int fd, const void *from, size_t len, off_t at);
int __real_fdatasync(int fd);
ssize_t __wrap_pwrite64(int fd, const void *from, size_t len, off_t at);
int __wrap_fdatasync(int fd);

ssize_t __wrap_pwrite64(int fd, const void *from, size_t len, off_t at)
{
    if (recording) {
        assert_int_equal(len, IDEM_SPOOL_BLOCK);
        assert_true(write_count < WRITES);
        writes[write_count].at = at;
        writes[write_count].epoch = epoch;
        memcpy(writes[write_count++].block, from, len);
    }
    return __real_pwrite64(fd, from, len, at);
}

/* Nothing here waits for a real disk. */
int __wrap_fdatasync(int fd)
{
    (void)fd;
    epoch += recording;
    return 0;
}

/* ------------------------------------------------------------------ the deeds */

static size_t fill(uint32_t number, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(number * 31 + i % 251);
    return len;
}

static struct fact *add(enum idem_spool_kind kind, uint32_t len)
{
    struct fact *f = &facts[fact_count];

    f->number = ++fact_count;
    f->len = len;
    f->until = UINT32_MAX;
    fill(f->number, len);
    assert_int_equal(idem_spool_append(spool, kind, "olga", HOUR, bytes, len, &f->id), 0);
    f->from = write_count;
    return f;
}

static void send(struct fact **which, uint32_t count, enum idem_spool_kind kind, uint32_t seq)
{
    uint64_t ids[8];

    for (uint32_t i = 0; i < count; i++)
        ids[i] = which[i]->id;
    assert_int_equal(idem_spool_sent(spool, kind, ids, count, "s-1", seq), 0);
    for (uint32_t i = 0; i < count; i++) {
        which[i]->seq = seq + i;
        which[i]->sent_from = write_count;
    }
}

static void acknowledge(struct fact **which, uint32_t count, enum idem_spool_kind kind)
{
    for (uint32_t i = 0; i < count; i++)
        which[i]->until = write_count;
    assert_int_equal(idem_spool_acknowledged(spool, kind, which[count - 1]->seq), 0);
}

/* A day with everything in it. The spool is nearly full from the start. */
static void live(void)
{
    struct fact *w[8], *a[3];

    for (int i = 0; i < 5; i++)
        w[i] = add(IDEM_SPOOL_WINDOW, i == 2 ? 5000 : 700);
    a[0] = add(IDEM_SPOOL_ALARM, 200);
    send(w, 3, IDEM_SPOOL_WINDOW, 1);
    send(a, 1, IDEM_SPOOL_ALARM, 1);
    acknowledge(w, 2, IDEM_SPOOL_WINDOW);
    w[5] = add(IDEM_SPOOL_WINDOW, 1500);
    a[1] = add(IDEM_SPOOL_ALARM, 1500);
    send(w + 3, 1, IDEM_SPOOL_WINDOW, 4);
    acknowledge(w + 2, 2, IDEM_SPOOL_WINDOW);
    acknowledge(a, 1, IDEM_SPOOL_ALARM);
    w[4]->until = write_count; /* the oldest: it makes room for what comes */
    w[5]->until = write_count;
    idem_spool_close(spool); /* a kill -9 between two deeds changes nothing either */
    assert_int_equal(idem_spool_open(dir, "spool", seed, LIMIT, &spool), 0);
    add(IDEM_SPOOL_WINDOW, 30000);
}

static void read_file(uint8_t *out)
{
    int fd = openat(dir, "spool", O_RDONLY);
    assert_int_equal(pread(fd, out, LIMIT, 0), LIMIT);
    close(fd);
}

/* Filled by somebody else's windows but for a few blocks, so that olga's soon need room. */
static void fill_up(void)
{
    struct idem_spool_counts c;
    uint64_t id;

    assert_int_equal(idem_spool_open(dir, "spool", seed, LIMIT, &spool), 0);
    for (idem_spool_counts(spool, &c); c.room > 12; c.room--)
        assert_int_equal(idem_spool_append(spool, IDEM_SPOOL_WINDOW, "ines", HOUR, "x", 1, &id), 0);
    read_file(base);
}

static int setup(void **state)
{
    (void)state;
    strcpy(path,
           access("/dev/shm", W_OK) == 0 ? "/dev/shm/idem-spool-XXXXXX" : "/tmp/idem-spool-XXXXXX");
    assert_non_null(mkdtemp(path));
    dir = open(path, O_RDONLY | O_DIRECTORY);
    fill_up();
    recording = true;
    live();
    recording = false;
    idem_spool_close(spool);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlinkat(dir, "spool", 0);
    close(dir);
    return rmdir(path);
}

/* ------------------------------------------------------------------ after the failure */

static const struct fact *fact_of(const struct idem_spool_record *r)
{
    for (uint32_t i = 0; i < fact_count; i++)
        if (facts[i].number != 0 && (facts[i].id == r->id || facts[i].id == 0) &&
            facts[i].len == r->len)
            return &facts[i];
    fail_msg("record %llu was never written", (unsigned long long)r->id);
    return NULL;
}

static void look(enum idem_spool_kind kind, bool there[RECORDS], uint32_t seqs[RECORDS])
{
    struct idem_spool_record r;
    uint64_t after = 0;
    int err;

    while ((err = idem_spool_next(spool, kind, "olga", after, &r, got, sizeof got)) == 0) {
        const struct fact *f = fact_of(&r);
        assert_int_equal(fill(f->number, f->len), r.len);
        assert_memory_equal(got, bytes, r.len);
        there[f - facts] = true;
        seqs[f - facts] = r.seq;
        after = r.id;
    }
    assert_int_equal(err, IDEM_ERR_NOT_FOUND);
}

/* done: all writes before it reached the disk whole; last: none behind it did, not even in part. */
static void check(uint32_t done, uint32_t last)
{
    bool there[RECORDS] = {false};
    uint32_t seqs[RECORDS] = {0};
    struct idem_spool_counts c;
    int fd = openat(dir, "spool", O_RDWR | O_CREAT, 0600);

    assert_int_equal(__real_pwrite64(fd, image, LIMIT, 0), LIMIT);
    close(fd);
    assert_int_equal(idem_spool_open(dir, "spool", seed, LIMIT, &spool), 0);
    look(IDEM_SPOOL_WINDOW, there, seqs);
    look(IDEM_SPOOL_ALARM, there, seqs);
    for (uint32_t i = 0; i < fact_count; i++) {
        const struct fact *f = &facts[i];
        if (done >= f->from && last < f->until && !there[i])
            fail_msg("record %u, known at write %u, is gone at %u", f->number, f->from, done);
        if (there[i] && f->sent_from != 0 && done >= f->sent_from && last < f->until)
            assert_int_equal(seqs[i], f->seq);
    }
    idem_spool_counts(spool, &c);
    assert_false(c.lost);
    idem_spool_close(spool);
}

static void image_of(uint32_t done)
{
    memcpy(image, base, sizeof image);
    for (uint32_t i = 0; i < done; i++)
        memcpy(image + writes[i].at, writes[i].block, IDEM_SPOOL_BLOCK);
}

static void tear(uint32_t done, uint32_t cut)
{
    memcpy(image + writes[done].at, writes[done].block, cut);
    check(done, done);
}

static void power_fails_within_any_write(void **state)
{
    static const uint32_t cuts[] = {0, 1, 23, 24, 25, 40, 511, 512, 1024, 1536, 2031, 2032, 2047};
    (void)state;

    assert_true(write_count > 20);
    for (uint32_t done = 0; done < write_count; done++)
        for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
            image_of(done);
            tear(done, cuts[c]);
        }
    image_of(write_count);
    check(write_count, write_count);
}

/* Sealed bytes, one like the other: neither the nonce nor the tag, nor what is beside them. */
static bool is_inside(uint32_t cut)
{
    return cut >= 64 && cut < IDEM_SPOOL_BLOCK - 64;
}

/* Of each kind of write one, at every byte of nonce and tag and many between: a record, a head, a
 * block that is taken away. */
static void power_fails_at_any_byte(void **state)
{
    static const uint8_t nought[IDEM_SPOOL_BLOCK];
    bool seen[3] = {false};
    (void)state;

    for (uint32_t done = 0; done < write_count; done++) {
        bool head = writes[done].at < IDEM_SPOOL_FIRST_ALARM * IDEM_SPOOL_BLOCK;
        int kind = head ? 1 : memcmp(writes[done].block, nought, sizeof nought) == 0 ? 2 : 0;
        if (seen[kind])
            continue;
        seen[kind] = true;
        for (uint32_t cut = 0; cut < IDEM_SPOOL_BLOCK; cut += is_inside(cut) ? 17 : 1) {
            image_of(done);
            tear(done, cut);
        }
    }
    assert_true(seen[0] && seen[1] && seen[2]);
}

/* Power fails before a write: of those since the last sync each one alone is missing, or alone is
 * there. */
static void unsynced_writes_come_in_any_order(void **state)
{
    uint32_t tried = 0;
    (void)state;

    for (uint32_t now = 1; now < write_count; now++) {
        uint32_t first = now;
        while (first > 0 && writes[first - 1].epoch == writes[now].epoch)
            first--;
        for (uint32_t odd = first; odd < now; odd++, tried++) {
            image_of(first);
            memcpy(image + writes[odd].at, writes[odd].block, IDEM_SPOOL_BLOCK);
            check(now, now - 1);
            image_of(first);
            for (uint32_t i = first; i < now; i++)
                if (i != odd)
                    memcpy(image + writes[i].at, writes[i].block, IDEM_SPOOL_BLOCK);
            check(now, now - 1);
        }
    }
    assert_true(tried > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_fails_within_any_write),
        cmocka_unit_test(power_fails_at_any_byte),
        cmocka_unit_test(unsynced_writes_come_in_any_order),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
