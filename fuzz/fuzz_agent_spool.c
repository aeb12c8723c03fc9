/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_agent_spool.c - what the courier finds on its disk. The first byte says how the rest is
 * taken:
 *
 *   's', 'h', 'p'   the plain bytes of a kept session, of a spool's head, of a part of a record:
 *                   what is read fits its stated sizes
 *   else            deeds on a spool, two bytes each, damage to its file and power failures among
 *                   them: what it hands out is what was put in, oldest first, and what is counted
 *                   adds up while nothing was damaged
 */
#include "agent/courier/keep_session.h"
#include "agent/courier/spool_inside.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = IDEM_SPOOL_LIMIT_MIN, DEEDS_MAX = 120, HOUR = 480000 };

static const uint8_t seed[IDEM_SEAL_SEED] = {1};
static const char *const people[] = {"a", "olga", "ines.of.somewhere"};
static int dir = -1;
static struct idem_spool *spool;
static uint8_t bytes[IDEM_SPOOL_RECORD_MAX + 1], got[IDEM_SPOOL_RECORD_MAX];
static uint32_t number, seqs[IDEM_SPOOL_KINDS], added;
static bool damaged;

static void require(bool held)
{
    if (!held)
        abort();
}

/* ------------------------------------------------------------------ plain bytes */

static void read_session(const uint8_t *data, size_t size)
{
    struct idem_keep_session session;
    uint8_t again[IDEM_KEEP_SESSION_BYTES];
    size_t len;

    if (idem_keep_parse_session(data, size, &session) != 0)
        return;
    require(idem_keep_format_session(&session, again, sizeof again, &len) == 0);
    require(len == size && memcmp(again, data, size) == 0);
}

static void read_plain(bool head, const uint8_t *data, size_t size)
{
    uint8_t plain[IDEM_SPOOL_PLAIN] = {0};
    struct idem_spool_head h;
    struct idem_spool_part p;

    memcpy(plain, data, size < sizeof plain ? size : sizeof plain);
    if (head && idem_spool_read_head(plain, &h) == 0)
        for (int k = 0; k < IDEM_SPOOL_KINDS; k++)
            require(h.flights[k] <= idem_spool_flight_max((enum idem_spool_kind)k));
    if (!head && idem_spool_read_part(plain, &p) == 0) {
        require(p.part < p.parts && p.parts <= IDEM_SPOOL_PARTS_MAX && p.count > 0);
        require(p.bytes >= plain && p.bytes + p.count <= plain + sizeof plain);
        require(p.part * idem_spool_share(strlen(p.person)) + p.count <= p.len);
    }
}

/* ------------------------------------------------------------------ deeds */

/* A record that can be known again: its number, and what follows from it. */
static void fill(uint32_t n, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i < 4 ? n >> 8 * i : n * 7 + i % 253);
}

static void open_spool(void)
{
    struct idem_spool_counts c;

    require(idem_spool_open(dir, "spool", seed, LIMIT, &spool) == 0);
    idem_spool_counts(spool, &c);
    require(damaged || (!c.lost && c.unreadable == 0));
}

static void append(uint8_t arg)
{
    static const size_t lens[] = {4, 900, 1880, 2000, 6000, 65536, 65537, 0};
    enum idem_spool_kind kind = arg & 0x40 ? IDEM_SPOOL_ALARM : IDEM_SPOOL_WINDOW;
    size_t len = lens[arg & 7];
    uint64_t id = 0;

    fill(++number, len);
    int err =
        idem_spool_append(spool, kind, people[(arg >> 3) % 3], HOUR + (arg >> 6), bytes, len, &id);
    require((err == 0) == (id != 0));
    require(err == 0 || err == IDEM_ERR_INVALID || err == IDEM_ERR_LIMIT || err == IDEM_ERR_FULL);
    added += err == 0;
}

/* All of a person's: whole, ascending, numbered as sent. Sends up to four that were not. */
static void hand_out(uint8_t arg, bool send)
{
    enum idem_spool_kind kind = arg & 0x40 ? IDEM_SPOOL_ALARM : IDEM_SPOOL_WINDOW;
    const char *person = people[(arg >> 3) % 3];
    struct idem_spool_record r;
    uint64_t ids[4], after = 0;
    uint32_t count = 0, last = 0, n;

    while (idem_spool_next(spool, kind, person, after, &r, got, sizeof got) == 0) {
        require(r.id > after && r.len >= 4 && strcmp(r.person, person) == 0);
        memcpy(&n, got, sizeof n);
        require(n > last && n <= number);
        fill(n, r.len);
        require(memcmp(got, bytes, r.len) == 0);
        last = n;
        after = r.id;
        if (r.seq == 0 && count < 4)
            ids[count++] = r.id;
    }
    if (send && count > 0 &&
        idem_spool_sent(spool, kind, ids, count, arg & 1 ? "s-1" : "s-2", seqs[kind] + 1) == 0)
        seqs[kind] += count;
}

static void damage(uint8_t op, uint8_t arg)
{
    static const uint32_t at[] = {0, 1, 2, 4, 5, 68, 69, 70, 71, 100, 300, 511};
    uint8_t noise[300];
    off_t place = (off_t)at[arg % 12] * IDEM_SPOOL_BLOCK + arg * 8;

    idem_spool_close(spool);
    spool = NULL;
    int fd = openat(dir, "spool", O_RDWR);
    memset(noise, op, sizeof noise);
    require(fd >= 0);
    if (arg & 0x80)
        require(ftruncate(fd, place) == 0);
    else
        require(pwrite(fd, noise, sizeof noise, place) == (ssize_t)sizeof noise);
    close(fd);
    damaged = true;
    open_spool();
}

static void do_one(uint8_t op, uint8_t arg)
{
    switch (op % 12) {
    case 0:
        hand_out(arg, false);
        break;
    case 1:
    case 2:
        hand_out(arg, true);
        break;
    case 3:
        require(idem_spool_acknowledged(spool, arg & 0x40 ? IDEM_SPOOL_ALARM : IDEM_SPOOL_WINDOW,
                                        arg & 0x3f) == 0);
        break;
    case 4:
        require(idem_spool_forget(spool) == 0);
        require(idem_spool_session(spool)[0] == '\0');
        break;
    case 5:
        require(idem_spool_expire(spool, HOUR + arg) == 0);
        break;
    case 6:
        require(idem_spool_erase(spool, arg == 0 ? NULL : people[arg % 3]) == 0);
        hand_out((uint8_t)(arg % 3 << 3), false);
        break;
    case 7: /* as a kill -9 does */
        idem_spool_close(spool);
        open_spool();
        break;
    case 8:
        if (op & 0x40)
            damage(op, arg);
        break;
    default:
        append(arg);
        break;
    }
}

static void check_counts(void)
{
    struct idem_spool_counts c;

    idem_spool_counts(spool, &c);
    for (int k = 0; k < IDEM_SPOOL_KINDS; k++)
        require(c.in_flight[k] <= idem_spool_flight_max((enum idem_spool_kind)k));
    require(c.waiting[0] + c.waiting[1] + c.in_flight[0] + c.in_flight[1] <= added);
    require(c.dropped + c.expired <= added);
}

static void live(const uint8_t *data, size_t size)
{
    number = added = seqs[0] = seqs[1] = 0;
    damaged = false;
    unlinkat(dir, "spool", 0);
    open_spool();
    for (size_t i = 0; i + 1 < size && i < (size_t)2 * DEEDS_MAX; i += 2) {
        do_one(data[i], data[i + 1]);
        check_counts();
    }
    idem_spool_close(spool);
    spool = NULL;
}

static void go_to_a_directory(void)
{
    char path[64] = "/dev/shm/idem-fuzz-XXXXXX";

    if (mkdtemp(path) == NULL) {
        strcpy(path, "/tmp/idem-fuzz-XXXXXX");
        require(mkdtemp(path) != NULL);
    }
    dir = open(path, O_RDONLY | O_DIRECTORY);
    require(dir >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (dir < 0)
        go_to_a_directory();
    if (data[0] == 's')
        read_session(data + 1, size - 1);
    else if (data[0] == 'h' || data[0] == 'p')
        read_plain(data[0] == 'h', data + 1, size - 1);
    else
        live(data + 1, size - 1);
    return 0;
}
