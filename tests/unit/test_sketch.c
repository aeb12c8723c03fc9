/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sketch.c - windows that come again, as they were, re-noised, shifted, in parts, and honest
 * ones that do not; what a sketch keeps, and what an organisation's table does.
 */
#include "people.h"

#include "model/seen.h"
#include "model/sketch.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 100, WINDOWS = 120 };

static const uint8_t key[IDEM_SIPHASH_KEY] = "sixteen bytes of";

static struct idem_front *front;
static struct idem_imprinter *imprinter;
static struct idem_sketcher *sketcher;
static struct key_event events[WINDOWS * KEYS * 2]; /* one person's, the typist's calls in a row */
static struct idem_window *typed[WINDOWS];
static uint32_t typed_count;
static struct idem_sketch sketch;

/* Changes the times of a stroke's events: its press, and its release. */
struct change {
    double noise_ms, release_ms, pause_ms;
    struct idem_rng rng;
};

static int64_t changed(struct change *how, const struct key_event *e, uint32_t stroke)
{
    double ms = how->noise_ms * (2 * idem_rng_uniform(&how->rng) - 1) / 2;
    ms += how->pause_ms * stroke + (e->action == IDEM_KEY_UP ? how->release_ms : 0);
    return e->t_us + (int64_t)lrint(1000 * ms);
}

static int by_time(const void *a, const void *b)
{
    const struct key_event *x = a, *y = b;
    return x->t_us < y->t_us ? -1 : x->t_us > y->t_us;
}

/* Types everything, with changed times, and hands out the windows: their number. */
static uint32_t retype(struct change *how, struct idem_window **out)
{
    static struct key_event again[WINDOWS * KEYS * 2];
    struct idem_keyboard *kb;
    uint32_t stroke = 0, count = 0;

    for (size_t i = 0; i < WINDOWS * KEYS * 2; i++) {
        stroke += events[i].action == IDEM_KEY_DOWN;
        again[i] = events[i];
        again[i].t_us = changed(how, &events[i], stroke);
    }
    qsort(again, WINDOWS * KEYS * 2, sizeof again[0], by_time);
    assert_int_equal(idem_keyboard_new(front, KEYS, &kb), 0);
    for (size_t i = 0; i < WINDOWS * KEYS * 2 && count < WINDOWS; i++) {
        if (!idem_keyboard_event(kb, again[i].key, again[i].action, again[i].t_us))
            continue;
        assert_int_equal(idem_window_new(front, IDEM_KEYBOARD, &out[count]), 0);
        assert_int_equal(idem_keyboard_take(kb, out[count++]), 0);
    }
    idem_keyboard_free(kb);
    return count;
}

static struct idem_sketch_match compare(const struct idem_window *w)
{
    struct idem_sketch_match match;
    struct idem_imprint imprint;
    idem_imprint_make(imprinter, w, &imprint);
    idem_sketch_compare(sketcher, &sketch, w, &imprint, &match);
    return match;
}

static void remember(const struct idem_window *w)
{
    struct idem_imprint imprint;
    idem_imprint_make(imprinter, w, &imprint);
    assert_int_equal(idem_sketch_add(&sketch, &imprint), 0);
}

static int make_world(void **state)
{
    struct change none = {0};
    struct person person;
    (void)state;
    front = people_front(20, 1000);
    assert_int_equal(idem_front_seal(front), 0);
    assert_int_equal(idem_imprinter_new(front, IDEM_KEYBOARD, key, &imprinter), 0);
    assert_int_equal(idem_sketcher_new(front, IDEM_KEYBOARD, imprinter, &sketcher), 0);
    person_draw(&person, 11);
    struct typist typist = typist_new(&person, 110);
    typist_type(&typist, WINDOWS * KEYS, events);
    idem_rng_seed(&none.rng, 1);
    typed_count = retype(&none, typed);
    assert_true(typed_count >= WINDOWS - 1);
    return 0;
}

static int end_world(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < typed_count; i++)
        idem_window_free(typed[i]);
    idem_sketcher_free(sketcher);
    idem_imprinter_free(imprinter);
    idem_front_free(front);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    idem_sketch_fini(&sketch);
    return 0;
}

static void remember_all(void)
{
    for (uint32_t i = 0; i < typed_count; i++)
        remember(typed[i]);
}

/* ------------------------------------------------------------------ honest and not */

static void typing_is_not_accused(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < typed_count; i++) {
        assert_int_equal(compare(typed[i]).how, IDEM_RESENT_NOT);
        remember(typed[i]);
    }
}

/* The same hands copy the same passage on other days: the counts are the same, the times are not.
 */
static void the_same_passage_is_not_accused(void **state)
{
    struct person person;
    (void)state;
    person_draw(&person, 11);
    for (uint64_t day = 0; day < 4; day++) {
        struct typist typist = typist_new(&person, 200 + day);
        typist_read(&typist, 5);
        for (int i = 0; i < 30; i++) {
            struct idem_window *w = typist_window(&typist, front, KEYS);
            const struct idem_sketch_match match = compare(w);
            assert_int_equal(match.how, IDEM_RESENT_NOT);
            assert_int_equal(match.same_text, day); /* the constants were tried, and do not fit */
            remember(w);
            idem_window_free(w);
        }
    }
}

static void a_window_sent_again_is_found(void **state)
{
    (void)state;
    remember_all();
    for (uint32_t i = 0; i < typed_count; i++) {
        const struct idem_sketch_match match = compare(typed[i]);
        assert_int_equal(match.how, IDEM_RESENT_WHOLE);
        assert_true(idem_sketch_share(&match) == 1);
    }
}

/* How many of everything typed again with changed times are found this way (not: any way), in
 * percent. */
static uint32_t found_after(double noise_ms, double release_ms, double pause_ms,
                            enum idem_resent how_found)
{
    struct change how = {.noise_ms = noise_ms, .release_ms = release_ms, .pause_ms = pause_ms};
    struct idem_window *again[WINDOWS];
    uint32_t found = 0;

    remember_all();
    idem_rng_seed(&how.rng, 99);
    const uint32_t count = retype(&how, again);
    for (uint32_t i = 0; i < count; i++) {
        const struct idem_sketch_match match = compare(again[i]);
        found += how_found == IDEM_RESENT_NOT ? match.how != how_found : match.how == how_found;
        assert_false(match.whole);
        idem_window_free(again[i]);
    }
    assert_true(count >= WINDOWS - 2);
    return 100 * found / count;
}

static void renoised_windows_are_found(void **state)
{
    (void)state;
    assert_true(found_after(2, 0, 0, IDEM_RESENT_NEAR) >= 99);
}

static void later_releases_are_found(void **state)
{
    (void)state;
    assert_true(found_after(0, 2, 0, IDEM_RESENT_NEAR) >= 99);
}

static void much_later_releases_are_found(void **state)
{
    (void)state;
    assert_true(found_after(0, 7, 0, IDEM_RESENT_SHIFTED) >= 80);
}

static void longer_pauses_are_found(void **state)
{
    (void)state;
    assert_true(found_after(0, 0, 5, IDEM_RESENT_NOT) >= 95);
}

static void a_constant_is_taken_out(void **state)
{
    struct change how = {.release_ms = 6};
    struct idem_window *again[WINDOWS];
    uint64_t before = 0, after = 0;
    int32_t *sums = calloc(idem_shape_dims(typed[0]->shape), sizeof *sums);
    (void)state;
    idem_rng_seed(&how.rng, 1);
    const uint32_t count = retype(&how, again);
    for (uint32_t i = 0; i < count; i++) {
        if (memcmp(again[i]->n, typed[i]->n, again[i]->shape.cells * sizeof again[i]->n[0]) == 0) {
            idem_sketch_unshift(front, again[i], 6, -6, sums);
            for (size_t k = 0; k < idem_shape_dims(typed[i]->shape); k++) {
                before += (uint64_t)llabs((long long)again[i]->sums[k] - typed[i]->sums[k]);
                after += (uint64_t)llabs((long long)sums[k] - typed[i]->sums[k]);
            }
        }
        idem_window_free(again[i]);
    }
    assert_true(before > 0 && 10 * after < 8 * before);
    free(sums);
}

/* Every cell of one of two old windows. */
static void cells_of_old_windows_are_found(void **state)
{
    const size_t per_cell = (size_t)typed[0]->shape.channels * 2;
    uint32_t found = 0;
    struct idem_window *w;
    (void)state;
    remember_all();
    assert_int_equal(idem_window_new(front, IDEM_KEYBOARD, &w), 0);
    for (uint32_t i = 0; i + 1 < typed_count; i += 2) {
        for (uint32_t c = 0; c < w->shape.cells; c++) {
            const struct idem_window *from = typed[i + c % 2];
            w->n[c] = from->n[c];
            memcpy(w->sums + c * per_cell, from->sums + c * per_cell, per_cell * sizeof(int32_t));
        }
        const struct idem_sketch_match match = compare(w);
        found += match.how == IDEM_RESENT_PARTS;
        assert_false(match.whole);
    }
    assert_true(found > typed_count / 4); /* of half as many */
    idem_window_free(w);
}

/* ------------------------------------------------------------------ bits */

/* imprint.h: beyond the step the bits of two windows are independent. */
static void far_windows_have_independent_bits(void **state)
{
    struct idem_imprint a, b;
    double apart = 0, square = 0;
    uint32_t pairs = 0;
    (void)state;
    for (uint32_t i = 0; i < typed_count; i++)
        for (uint32_t j = 0; j < i; j++, pairs++) {
            idem_imprint_make(imprinter, typed[i], &a);
            idem_imprint_make(imprinter, typed[j], &b);
            const double d = idem_near_apart(a.near, b.near);
            apart += d;
            square += d * d;
        }
    const double mean = apart / pairs, sd = sqrt(square / pairs - mean * mean);
    assert_true(mean > 124 && mean < 132);
    assert_true(sd > 6.5 && sd < 9.5); /* binomial: 8 */
}

static void another_key_makes_other_bits(void **state)
{
    const uint8_t other_key[IDEM_SIPHASH_KEY] = "sixteen bytes oF";
    struct idem_imprinter *other;
    struct idem_imprint a, b;
    (void)state;
    assert_int_equal(idem_imprinter_new(front, IDEM_KEYBOARD, other_key, &other), 0);
    idem_imprint_make(imprinter, typed[0], &a);
    idem_imprint_make(other, typed[0], &b);
    assert_true(a.whole != b.whole && a.text != b.text && a.cell[0] != b.cell[0]);
    assert_in_range(idem_near_apart(a.near, b.near), 90, 166);
    idem_imprinter_free(other);
}

/* ------------------------------------------------------------------ keeping */

static void a_full_sketch_loses_its_oldest(void **state)
{
    struct idem_imprint x = {0};
    (void)state;
    for (uint32_t i = 1; i <= IDEM_SKETCH_WINDOWS + 3; i++) {
        x.whole = i;
        assert_int_equal(idem_sketch_add(&sketch, &x), 0);
    }
    assert_int_equal(sketch.count, IDEM_SKETCH_WINDOWS);
    assert_int_equal(sketch.room, IDEM_SKETCH_WINDOWS);
    bool held[IDEM_SKETCH_WINDOWS + 4] = {false};
    for (uint32_t i = 0; i < sketch.count; i++)
        held[sketch.list[i].whole] = true;
    for (uint32_t i = 1; i <= IDEM_SKETCH_WINDOWS + 3; i++)
        assert_true(held[i] == (i > 3));
    assert_int_equal(idem_sketch_add(&sketch, &x), 0); /* there already */
    assert_true(sketch.list[2].whole == IDEM_SKETCH_WINDOWS + 3 && sketch.next == 3);
}

static void bytes_tell_no_order(void **state)
{
    static uint8_t one[IDEM_SKETCH_BYTES_MAX], two[IDEM_SKETCH_BYTES_MAX];
    struct idem_sketch back = {0};
    size_t len_one, len_two;
    (void)state;
    remember_all();
    assert_int_equal(idem_sketch_write(&sketch, 0, one, sizeof one, &len_one), 0);
    assert_int_equal(len_one, 12 + sketch.count * IDEM_IMPRINT_BYTES);
    idem_sketch_fini(&sketch);
    for (uint32_t i = typed_count; i-- > 0;)
        remember(typed[i]);
    assert_int_equal(idem_sketch_write(&sketch, 0, two, sizeof two, &len_two), 0);
    assert_int_equal(len_one, len_two);
    assert_memory_equal(one, two, len_one);
    const size_t padded = idem_sketch_padded(len_one);
    assert_true(padded >= len_one && padded <= sizeof one);
    memset(one + len_one, 0, padded - len_one);
    assert_int_equal(idem_sketch_parse(one, padded, &back), 0);
    idem_sketch_fini(&back);
    one[padded - 1] = 1;
    assert_true(padded == len_one || idem_sketch_parse(one, padded, &back) != 0);
    assert_int_equal(idem_sketch_parse(one, len_one, &back), 0);
    idem_sketch_fini(&sketch);
    sketch = back;
    assert_int_equal(compare(typed[5]).how, IDEM_RESENT_WHOLE);
}

static void only_ended_sessions_are_written(void **state)
{
    static uint8_t bytes[IDEM_SKETCH_BYTES_MAX];
    struct idem_imprint imprint;
    size_t len;
    (void)state;
    for (uint32_t i = 0; i < 9; i++) {
        idem_imprint_make(imprinter, typed[i], &imprint);
        imprint.session = i % 3; /* three have ended, three of session 1, three of session 2 */
        assert_int_equal(idem_sketch_add(&sketch, &imprint), 0);
    }
    assert_int_equal(idem_sketch_write(&sketch, 2, bytes, sizeof bytes, &len), 0);
    assert_int_equal(len, 12 + 6 * IDEM_IMPRINT_BYTES);
    idem_sketch_settle(&sketch, 2);
    assert_int_equal(idem_sketch_write(&sketch, 1, bytes, sizeof bytes, &len), 0);
    assert_int_equal(len, 12 + 9 * IDEM_IMPRINT_BYTES);
}

static void damaged_bytes_are_refused(void **state)
{
    static uint8_t bytes[IDEM_SKETCH_BYTES_MAX];
    struct idem_sketch back = {0};
    size_t len;
    (void)state;
    remember(typed[0]);
    remember(typed[1]);
    assert_int_equal(idem_sketch_write(&sketch, 0, bytes, sizeof bytes, &len), 0);
    assert_int_equal(idem_sketch_write(&sketch, 0, bytes, len - 1, &len), IDEM_ERR_LIMIT);
    for (size_t i = 0; i < len; i++) {
        bytes[i] ^= 0x10;
        assert_true(idem_sketch_parse(bytes, len, &back) != 0);
        bytes[i] ^= 0x10;
    }
    for (size_t cut = 0; cut < len; cut++)
        assert_true(idem_sketch_parse(bytes, cut, &back) != 0);
    assert_null(back.list);
}

static void a_table_knows_what_was_put(void **state)
{
    struct idem_seen *seen;
    (void)state;
    assert_int_equal(idem_seen_new(IDEM_SEEN_BITS_MIN - 1, &seen), IDEM_ERR_INVALID);
    assert_int_equal(idem_seen_new(12, &seen), 0);
    for (uint64_t i = 0; i < 200; i++) {
        const uint64_t hash = idem_siphash(key, &i, sizeof i);
        assert_false(idem_seen_has(seen, hash));
        assert_false(idem_seen_put(seen, hash));
        assert_true(idem_seen_put(seen, hash));
        assert_true(idem_seen_has(seen, hash));
    }
    for (uint64_t i = 0; i < 100000; i++) /* far more than it holds: the newest stays */
        assert_true(idem_seen_put(seen, idem_siphash(key, &i, sizeof i)) ||
                    idem_seen_has(seen, idem_siphash(key, &i, sizeof i)));
    idem_seen_free(seen);
}

enum { PUTTERS = 4, PUTS = 20000 };

struct putter {
    struct idem_seen *seen;
    uint32_t fresh;
};

static void *put_all(void *arg)
{
    struct putter *p = arg;
    for (uint64_t i = 0; i < PUTS; i++)
        p->fresh += !idem_seen_put(p->seen, idem_siphash(key, &i, sizeof i));
    return NULL;
}

/* Of all who put the same hash at once, one hears that it is new. */
static void one_of_many_threads_is_first(void **state)
{
    struct idem_seen *seen;
    struct putter putters[PUTTERS];
    pthread_t threads[PUTTERS];
    uint32_t fresh = 0;
    (void)state;
    assert_int_equal(idem_seen_new(20, &seen), 0); /* no set of it fills up */
    for (int i = 0; i < PUTTERS; i++) {
        putters[i] = (struct putter){seen, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, put_all, &putters[i]), 0);
    }
    for (int i = 0; i < PUTTERS; i++) {
        pthread_join(threads[i], NULL);
        fresh += putters[i].fresh;
    }
    assert_int_equal(fresh, PUTS);
    idem_seen_free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(typing_is_not_accused, forget),
        cmocka_unit_test_teardown(the_same_passage_is_not_accused, forget),
        cmocka_unit_test_teardown(a_window_sent_again_is_found, forget),
        cmocka_unit_test_teardown(renoised_windows_are_found, forget),
        cmocka_unit_test_teardown(later_releases_are_found, forget),
        cmocka_unit_test_teardown(much_later_releases_are_found, forget),
        cmocka_unit_test_teardown(longer_pauses_are_found, forget),
        cmocka_unit_test(a_constant_is_taken_out),
        cmocka_unit_test_teardown(cells_of_old_windows_are_found, forget),
        cmocka_unit_test(far_windows_have_independent_bits),
        cmocka_unit_test(another_key_makes_other_bits),
        cmocka_unit_test_teardown(a_full_sketch_loses_its_oldest, forget),
        cmocka_unit_test_teardown(bytes_tell_no_order, forget),
        cmocka_unit_test_teardown(only_ended_sessions_are_written, forget),
        cmocka_unit_test_teardown(damaged_bytes_are_refused, forget),
        cmocka_unit_test(a_table_knows_what_was_put),
        cmocka_unit_test(one_of_many_threads_is_first),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
