/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_crash.c - the power goes at every write, synchronisation, truncation, making and deleting of
 * a file of a server's day, and afterwards everything is there that was acknowledged.
 *
 *   test_crash [full]
 *
 * One day is recorded (workload.h), then cut after each of its operations; what is left (disk.h) is
 * opened as the server opens it. Two things are asked of it, apart from being sound:
 *
 *   deeds     every acknowledged opening, window, alarm, unlocking and closing is there, once and
 *             as it was sent, and nothing that nobody sent; the audit log and the gate's record are
 *             whole chains that hold every line that was acknowledged
 *   content   the data base is, row for row, what it was at one moment between the last
 *             acknowledgement and the cut: whole transactions, in order
 *
 * The same is asked when the power goes a second time while the data base is being recovered; and
 * when the process is killed first, its successor acknowledges what peers repeat, and then the
 * power goes.
 *
 * A test that cannot fail says nothing: the same day with "PRAGMA synchronous" at OFF and at NORMAL
 * must lose what was acknowledged, at OFF become unsound too.
 *
 * Without "full" every cut is made with two draws of what is left, and the second kinds at some of
 * them; with it every cut with many.
 */
#include "crash_vfs.h"
#include "examine.h"
#include "workload.h"

#include "base/rng.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DATABASES_MAX = 8, THREADS = 2 };

static struct typed typed;
static char dir[] = "/tmp/idem-crash-XXXXXX";
static bool full;

/* A recorded day, and what each of its data bases held after every operation. */
struct day {
    struct disk *disk;
    struct deeds deeds;
    int databases[DATABASES_MAX], database_count; /* names */
    uint64_t *content[DATABASES_MAX];
};

struct tally {
    unsigned cuts, lost, unsound, unlike;
    char why[DEED_WHY_MAX]; /* of the first */
};

/* ------------------------------------------------------------------ recording */

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), k = strlen(end);
    return n >= k && strcmp(text + n - k, end) == 0;
}

static void find_databases(struct day *day)
{
    day->database_count = 0;
    for (int i = 0; i < day->disk->name_count; i++)
        if (ends_with(day->disk->names[i], ".db")) {
            assert_true(day->database_count < DATABASES_MAX);
            day->databases[day->database_count++] = i;
        }
    assert_true(day->database_count > 0);
}

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The names of files, by their number. */
static void name_files(const struct disk *d, const char *names[DISK_FILES_MAX])
{
    for (size_t i = 0; i < d->count; i++)
        if (d->ops[i].kind == DISK_CREATE)
            names[d->ops[i].file] = d->names[d->ops[i].name];
}

/* Can what the data base holds be another after the operation? Its log's name begins with its. */
static bool changes(const struct disk_op *op, const char *const names[DISK_FILES_MAX],
                    const char *database)
{
    return (op->kind == DISK_WRITE || op->kind == DISK_TRUNCATE || op->kind == DISK_DELETE) &&
           begins_with(names[op->file], database);
}

static void note_one(struct day *day, struct survivors *s, int i, size_t n)
{
    struct disk *whole = survivors_disk(s, 1);

    crash_vfs_mount(whole);
    if (!examine(day->disk->names[day->databases[i]], &day->content[i][n]))
        fail_msg("after %zu operations a killed process leaves an unsound data base", n);
    disk_free(whole);
}

/* What a data base held when programs alone had died: everything written counts. */
static void note_content(struct day *day)
{
    const char *names[DISK_FILES_MAX];
    struct survivors *s = survivors_new(day->disk, 1);

    name_files(day->disk, names);
    for (size_t n = 0; n <= day->disk->count; n++) {
        survivors_advance(s, n);
        for (int i = 0; i < day->database_count; i++) {
            const char *database = day->disk->names[day->databases[i]];
            if (n == 0 || changes(&day->disk->ops[n - 1], names, database))
                note_one(day, s, i, n);
            else
                day->content[i][n] = day->content[i][n - 1];
        }
    }
    survivors_free(s);
}

static void record(struct day *day)
{
    struct workload w = {.typed = &typed, .dir = dir, .threads = THREADS, .deeds = &day->deeds};

    memset(day, 0, sizeof *day);
    day->disk = disk_new();
    crash_vfs_mount(day->disk);
    workload_run(&w);
    find_databases(day);
    for (int i = 0; i < day->database_count; i++) {
        day->content[i] = calloc(day->disk->count + 1, sizeof *day->content[i]);
        assert_non_null(day->content[i]);
    }
}

static void forget(struct day *day)
{
    for (int i = 0; i < day->database_count; i++)
        free(day->content[i]);
    disk_free(day->disk);
}

/* ------------------------------------------------------------------ judging what is left */

/* The disk's time of the last acknowledgement before a cut. */
static size_t last_acknowledgement(const struct deeds *d, size_t n)
{
    size_t last = 0;

    for (int i = 0; i < d->count; i++)
        if (d->deeds[i].done <= n && d->deeds[i].done > last)
            last = d->deeds[i].done;
    for (int log = 0; log < DEED_LOGS; log++)
        for (int i = 0; i < d->line_count[log]; i++)
            if (d->lines[log][i].done <= n && d->lines[log][i].done > last)
                last = d->lines[log][i].done;
    for (int i = 0; i < d->session_count; i++) {
        const size_t times[] = {d->sessions[i].opened, d->sessions[i].closed,
                                d->sessions[i].unlocked};
        for (int k = 0; k < 3; k++)
            if (times[k] <= n && times[k] > last)
                last = times[k];
    }
    return last;
}

static void complain(struct tally *t, unsigned *count, size_t n, const char *why)
{
    (*count)++;
    if (t->why[0] == '\0')
        snprintf(t->why, sizeof t->why, "power cut after %zu operations: %.140s", n, why);
}

static void judge_content(const struct day *day, size_t n, struct tally *t)
{
    const size_t first = last_acknowledgement(&day->deeds, n);

    for (int i = 0; i < day->database_count; i++) {
        uint64_t found;
        if (!examine(day->disk->names[day->databases[i]], &found)) {
            complain(t, &t->unsound, n, "the data base is not sound");
            continue;
        }
        size_t k = first;
        while (k <= n && day->content[i][k] != found)
            k++;
        if (k > n)
            complain(t, &t->unlike, n, "the data base holds what it never held since");
    }
}

static void judge_deeds(const struct deeds *deeds, size_t n, struct tally *t)
{
    char why[DEED_WHY_MAX] = "";
    const char *refusal = "";
    struct idem_store *store = NULL;
    struct idem_vault *vault = NULL;

    if (idem_store_sqlite_open(WORLD_DATABASE, &store, &refusal) != 0 ||
        idem_vault_open(dir, true, &vault, &refusal) != 0)
        complain(t, &t->lost, n, refusal);
    else if (!deeds_hold(deeds, n, store, vault, why) || !deeds_lines_hold(deeds, n, why))
        complain(t, &t->lost, n, why);
    idem_vault_close(vault);
    if (store != NULL)
        store->ops->close(store);
}

/* The power goes again while the server that started on what was left is at work. */
static void judge_twice(const struct day *day, struct disk *left, size_t n, uint64_t seed,
                        bool read_only, struct tally *t)
{
    struct idem_rng rng;

    idem_rng_seed(&rng, seed);
    const size_t more = left->count - left->start;
    struct survivors *s = survivors_new(left, seed);
    survivors_advance(s, left->start + idem_rng_below(&rng, (uint32_t)more + 1));
    struct disk *again = survivors_disk(s, 2);
    crash_vfs_mount(again);
    t->cuts++;
    if (read_only) /* else a server may have made what was not there */
        judge_content(day, n, t);
    judge_deeds(&day->deeds, n, t);
    disk_free(again);
    survivors_free(s);
}

static void judge(const struct day *day, struct survivors *s, size_t n, unsigned luck, bool twice,
                  struct tally *t)
{
    struct disk *left = survivors_disk(s, luck);
    struct disk *same = disk_killed(left, left->count);

    t->cuts++;
    crash_vfs_mount(left);
    judge_deeds(&day->deeds, n, t);
    crash_vfs_mount(same);
    judge_content(day, n, t);
    if (twice) {
        judge_twice(day, left, n, n, false, t);
        judge_twice(day, same, n, n + 1, true, t);
    }
    disk_free(same);
    disk_free(left);
}

/* One draw of what is left at each cut. luck: 0 and 1 are the two ends, else chance. */
static void cut_everywhere(const struct day *day, unsigned luck, unsigned step, struct tally *t)
{
    const size_t twice = full ? 4 : 16;
    struct survivors *s = survivors_new(day->disk, luck);

    for (size_t n = 0; n <= day->disk->count; n += step) {
        survivors_advance(s, n);
        judge(day, s, n, luck, n % twice == luck % twice, t);
    }
    survivors_free(s);
}

static void tell(const char *what, const struct tally *t, size_t operations)
{
    static bool headed;

    if (!headed)
        printf(
            "| power cut | operations | cuts | acknowledged and lost | unsound | like no state |\n"
            "|---|---|---|---|---|---|\n");
    headed = true;
    printf("| %s | %zu | %u | %u | %u | %u |\n", what, operations, t->cuts, t->lost, t->unsound,
           t->unlike);
}

/* ------------------------------------------------------------------ the tests */

static void test_nothing_acknowledged_is_lost_at_any_cut(void **state)
{
    static struct day day;
    struct tally t = {0};
    (void)state;

    record(&day);
    note_content(&day);
    for (unsigned luck = 0; luck < (full ? 12U : 4U); luck += full ? 1 : 2)
        cut_everywhere(&day, luck, 1, &t);
    tell("as shipped", &t, day.disk->count);
    if (t.lost + t.unsound + t.unlike > 0)
        fail_msg("%u of %u cuts lost something; %s", t.lost + t.unsound + t.unlike, t.cuts, t.why);
    forget(&day);
}

static void lose(const char *mode, bool unsound_too)
{
    static struct day day;
    struct tally t = {0};
    char what[64];

    crash_vfs_synchronous(mode);
    record(&day);
    note_content(&day);
    for (unsigned luck = 0; luck < (full ? 4U : 3U); luck += full ? 1 : 2)
        cut_everywhere(&day, luck, full ? 1 : 8, &t);
    crash_vfs_synchronous(NULL);
    snprintf(what, sizeof what, "synchronous = %s", mode);
    tell(what, &t, day.disk->count);
    assert_true(t.lost > t.cuts / 10 && t.unlike > t.cuts / 10);
    assert_true((t.unsound > 0) == unsound_too);
    forget(&day);
}

static void test_synchronous_off_is_found_out(void **state)
{
    (void)state;
    lose("OFF", true);
}

static void test_synchronous_normal_is_found_out(void **state)
{
    (void)state;
    lose("NORMAL", false);
}

/* Killed after n operations; the successor is told everything again, then the power goes. */
static void kill_repeat_cut(const struct day *day, size_t n, unsigned luck, struct tally *t)
{
    static struct deeds deeds;
    struct disk *disk = disk_killed(day->disk, n);
    struct workload w = {.typed = &typed, .dir = dir, .threads = THREADS, .deeds = &deeds};

    deeds = day->deeds;
    crash_vfs_mount(disk);
    workload_repeat(&w, n);
    const size_t cut = crash_vfs_now();
    world_close(&w.world);
    struct survivors *s = survivors_new(disk, n);
    survivors_advance(s, cut);
    struct disk *left = survivors_disk(s, luck);
    crash_vfs_mount(left);
    t->cuts++;
    judge_deeds(&deeds, cut, t);
    disk_free(left);
    disk_free(disk);
    survivors_free(s);
}

static void test_what_a_successor_acknowledges_is_durable(void **state)
{
    static struct day day;
    struct tally t = {0};
    (void)state;

    record(&day);
    for (size_t n = 40; n <= day.disk->count; n += full ? 3 : 11)
        for (unsigned luck = 0; luck < (full ? 2U : 1U); luck++)
            kill_repeat_cut(&day, n, luck, &t);
    tell("after kill -9 and repeats acknowledged", &t, day.disk->count);
    if (t.lost > 0)
        fail_msg("%u of %u cuts lost something; %s", t.lost, t.cuts, t.why);
    forget(&day);
}

/* ------------------------------------------------------------------ all of it */

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
        cmocka_unit_test(test_nothing_acknowledged_is_lost_at_any_cut),
        cmocka_unit_test(test_synchronous_off_is_found_out),
        cmocka_unit_test(test_synchronous_normal_is_found_out),
        cmocka_unit_test(test_what_a_successor_acknowledges_is_durable),
    };
    full = argc == 2 && strcmp(argv[1], "full") == 0;
    return cmocka_run_group_tests(tests, make_world, end_world);
}
