/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_faults.c - the disk fails under the server: EIO, no space, half a write, a synchronisation
 * that is lost; at every call of a day, once or for a while.
 *
 *   test_faults [full]
 *
 * Asked of every such day: what failed was answered as failed (507 or 500 of the store, nothing
 * else); the server goes on, and once the disk is well takes all that it refused, without being
 * started again; or it does not start and says so. Then the power goes, at some moments of the day:
 * everything acknowledged is there, once, as it was sent, and the data base is sound. A
 * synchronisation that failed loses what was to be synchronised unless it is written again
 * (disk.h), so an acknowledgement that trusted the next one would be found out.
 *
 * Without "full" some calls of each kind are taken; with it all, but of writes and reads, of which
 * it takes every fifth.
 */
#include "crash_vfs.h"
#include "examine.h"
#include "workload.h"

#include "base/rng.h"

#include <setjmp.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS = 2, A_WHILE = 25, CUTS = 4 };

static struct typed typed;
static char dir[] = "/tmp/idem-faults-XXXXXX";
static bool full;

struct tally {
    uint64_t days, faults, refused, not_started, cuts;
};

/* The power goes after n operations. */
static void cut(const struct deeds *deeds, struct survivors *s, size_t n, unsigned luck,
                const char *what)
{
    char why[DEED_WHY_MAX] = "it cannot be opened";
    struct disk *left = survivors_disk(s, luck);
    struct idem_store *store;
    struct idem_vault *vault;
    uint64_t content;

    crash_vfs_mount(left);
    if (!examine(WORLD_DATABASE, &content) || !examine(WORLD_GATE, &content))
        fail_msg("%s, power cut after %zu operations: not sound", what, n);
    if (idem_store_sqlite_open(WORLD_DATABASE, &store, NULL) != 0 ||
        idem_vault_open(dir, true, &vault, NULL) != 0 || !deeds_hold(deeds, n, store, vault, why) ||
        !deeds_lines_hold(deeds, n, why))
        fail_msg("%s, power cut after %zu operations: %s", what, n, why);
    idem_vault_close(vault);
    store->ops->close(store);
    disk_free(left);
}

static int by_size(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

/* Some moments of the day, the evening among them. */
static void cut_some(const struct workload *w, const struct disk *disk, uint64_t seed,
                     const char *what, struct tally *t)
{
    struct survivors *s = survivors_new(disk, seed);
    struct idem_rng rng;
    size_t moments[CUTS];

    idem_rng_seed(&rng, seed);
    for (int i = 0; i < CUTS; i++)
        moments[i] = idem_rng_below(&rng, (uint32_t)disk->count + 1);
    moments[0] = w->evening;
    moments[1] = disk->count;
    qsort(moments, CUTS, sizeof moments[0], by_size);
    for (int i = 0; i < CUTS; i++) {
        survivors_advance(s, moments[i]);
        for (unsigned luck = 0; luck < 3; luck++, t->cuts++)
            cut(w->deeds, s, moments[i], luck, what);
    }
    survivors_free(s);
}

/* A day with the fault; how often it happened. */
static uint64_t one_day(const struct crash_fault *fault, const char *what, struct tally *t)
{
    static struct deeds deeds;
    struct workload w = {
        .typed = &typed, .dir = dir, .threads = THREADS, .deeds = &deeds, .faulty = true};
    struct disk *disk = disk_new();

    memset(&deeds, 0, sizeof deeds);
    crash_vfs_mount(disk);
    crash_vfs_fault(fault);
    workload_run(&w);
    if (w.odd > 0)
        fail_msg("%s: %u requests were not answered as the store's failure", what, w.odd);
    t->days++;
    t->faults += w.faults;
    t->refused += w.refused;
    t->not_started += w.not_started;
    if (w.faults > 0)
        cut_some(&w, disk, fault->after, what, t);
    disk_free(disk);
    return w.faults;
}

static const char *name_of(enum crash_call call)
{
    return call == CRASH_OPEN       ? "open"
           : call == CRASH_READ     ? "read"
           : call == CRASH_WRITE    ? "write"
           : call == CRASH_SYNC     ? "synchronise"
           : call == CRASH_TRUNCATE ? "truncate"
                                    : "delete";
}

static void tell(const char *call, const char *how, uint64_t times, const struct tally *t)
{
    static bool headed;

    if (!headed)
        printf(
            "| call | fails by | times | days | faults | refused | starts refused | cuts | lost |\n"
            "|---|---|---|---|---|---|---|---|---|\n");
    headed = true;
    printf("| %s | %s | %llu | %llu | %llu | %llu | %llu | %llu | 0 |\n", call, how,
           (unsigned long long)times, (unsigned long long)t->days, (unsigned long long)t->faults,
           (unsigned long long)t->refused, (unsigned long long)t->not_started,
           (unsigned long long)t->cuts);
}

/* The fault at the first call of its kind, and at others, until a day has no such call. */
static void at_every_call(enum crash_call call, enum crash_how how, uint64_t times)
{
    static const char *const hows[] = {"EIO", "no space", "half written"};
    struct tally t = {0};
    char what[96];
    uint64_t step = call == CRASH_READ || call == CRASH_WRITE ? 5 : 1;

    if (!full)
        step = call == CRASH_WRITE ? 97 : call == CRASH_SYNC ? 23 : call == CRASH_READ ? 41 : 5;
    for (uint64_t after = 0; after < 100000; after += step) {
        const struct crash_fault fault = {(unsigned)call, how, after, times};
        snprintf(what, sizeof what, "%s, %s, call %llu, %llu times", name_of(call), hows[how],
                 (unsigned long long)after, (unsigned long long)times);
        if (one_day(&fault, what, &t) == 0)
            break;
    }
    tell(name_of(call), hows[how], times, &t);
    assert_true(t.faults > 0);
}

static void test_a_lost_synchronisation_is_never_acknowledged(void **state)
{
    (void)state;
    at_every_call(CRASH_SYNC, CRASH_EIO, 1);
    at_every_call(CRASH_SYNC, CRASH_EIO, A_WHILE);
}

static void test_writes_that_fail(void **state)
{
    (void)state;
    at_every_call(CRASH_WRITE, CRASH_EIO, 1);
    at_every_call(CRASH_WRITE, CRASH_EIO, A_WHILE);
    at_every_call(CRASH_WRITE, CRASH_ENOSPC, A_WHILE);
    at_every_call(CRASH_WRITE, CRASH_SHORT, 1);
}

static void test_reads_that_fail(void **state)
{
    (void)state;
    at_every_call(CRASH_READ, CRASH_EIO, 1);
}

static void test_files_that_cannot_be_opened_cut_or_deleted(void **state)
{
    (void)state;
    at_every_call(CRASH_OPEN, CRASH_EIO, 1);
    at_every_call(CRASH_TRUNCATE, CRASH_EIO, 1);
    at_every_call(CRASH_DELETE, CRASH_EIO, 1);
}

/* ------------------------------------------------------------------ a reader and a lost page */

static void add_windows(struct idem_store *store, int64_t first, int64_t count)
{
    static uint8_t payload[1500];
    struct idem_store_window w = {
        .organisation = 1, .session = 1, .payload = payload, .len = sizeof payload};

    for (int64_t i = first; i < first + count; i++) {
        memset(payload, (int)i, sizeof payload);
        w.seq = (uint32_t)i;
        assert_int_equal(store->ops->begin(store), 0);
        assert_int_equal(store->ops->window_add(store, &w), 0);
        assert_int_equal(store->ops->commit(store), 0);
    }
}

static sqlite3 *look(const char *query)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(WORLD_DATABASE, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, query, NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void expect_windows(int64_t count)
{
    char query[160];

    snprintf(query, sizeof query,
             "CREATE TEMP TABLE t (x CHECK (x = %lld)); INSERT INTO t SELECT count(*) FROM windows",
             (long long)count);
    sqlite3_close(look(query));
}

/*
 * While somebody reads, SQLite folds only the older part of the log back, and synchronises the data
 * base when it folds back the rest. If that fails, Linux takes the older part for written; SQLite,
 * which has noted it as folded back, does not write it again; and the next success lets the log be
 * overwritten, which was the only copy.
 */
static void test_what_was_folded_back_under_a_reader_is_not_lost(void **state)
{
    /* The commit's, the log's, the data base's. */
    const struct crash_fault third = {CRASH_SYNC, CRASH_EIO, 2, 1};
    const int64_t many = 4200; /* more pages than let the store fold back */
    struct disk *disk = disk_new();
    struct idem_store *store;
    uint64_t content;
    (void)state;

    crash_vfs_mount(disk);
    assert_int_equal(idem_store_sqlite_open(WORLD_DATABASE, &store, NULL), 0);
    add_windows(store, 1, 300);
    sqlite3 *reader = look("BEGIN; SELECT count(*) FROM windows");
    add_windows(store, 301, many);
    sqlite3_close(reader);
    crash_vfs_fault(&third);
    while (crash_vfs_faults() == 0)
        add_windows(store, store->ops->last_row(store) + 1, 1);
    crash_vfs_fault(NULL);
    add_windows(store, store->ops->last_row(store) + 1, many);
    const int64_t count = store->ops->last_row(store);
    struct survivors *s = survivors_new(disk, 1);
    survivors_advance(s, disk->count);
    struct disk *left = survivors_disk(s, 0);
    store->ops->close(store);
    crash_vfs_mount(left);
    assert_true(examine(WORLD_DATABASE, &content));
    expect_windows(count);
    survivors_free(s);
    disk_free(left);
    disk_free(disk);
}

static int make_world(void **state)
{
    (void)state;
    if (sodium_init() < 0 || mkdtemp(dir) == NULL)
        return -1;
    crash_vfs_install();
    typed_make(&typed);
    return 0;
}

static int end_world(void **state)
{
    (void)state;
    typed_free(&typed);
    world_remove(dir);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lost_synchronisation_is_never_acknowledged),
        cmocka_unit_test(test_writes_that_fail),
        cmocka_unit_test(test_reads_that_fail),
        cmocka_unit_test(test_files_that_cannot_be_opened_cut_or_deleted),
        cmocka_unit_test(test_what_was_folded_back_under_a_reader_is_not_lost),
    };
    full = argc == 2 && strcmp(argv[1], "full") == 0;
    return cmocka_run_group_tests(tests, make_world, end_world);
}
