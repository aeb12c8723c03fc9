/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_leak.c - every attack on windows against made-up texts of which the answer is known: a word
 * that stands in a window is found, one that does not is not, and what is withheld tells less.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/keys.h"
#include "eval/leak.h"
#include "eval/parallel.h"
#include "input/keynames.h"

enum { PEOPLE = 24, SESSIONS = 12, WORDS = 12 };

static const char *const lexicon[] = {"some", "other",   "words", "stand",    "here",
                                      "and",  "nothing", "else",  "matters",  "to",
                                      "the",  "reader",  "of",    "sentences"};
enum { LEXICON = sizeof lexicon / sizeof *lexicon };

/* ------------------------------------------------------------------ made-up people */

struct paper {
    char *text;
    size_t len, room;
    double now;
};

static void press(struct paper *p, int user, int session, const char *key, double hold, double gap)
{
    if (p->room - p->len < 128) {
        p->room = 2 * p->room + 4096;
        p->text = realloc(p->text, p->room);
        assert_non_null(p->text);
    }
    p->len += (size_t)snprintf(p->text + p->len, p->room - p->len, "u%d,%d,%s,%.2f,%.2f\n", user,
                               session, key, p->now, p->now + hold);
    p->now += hold + gap;
}

static void type(struct paper *p, int user, int session, const char *text, struct idem_rng *rng)
{
    struct idem_rng own;
    idem_rng_seed(&own, (uint64_t)user + 1000);
    double hold = 90 * exp(0.25 * idem_rng_normal(&own));
    double gap = 80 * exp(0.25 * idem_rng_normal(&own));
    for (; *text; text++) {
        char key[2] = {*text, 0};
        /* the m of "matters" is held long: level hand hides which key it is, the times do not */
        press(p, user, session, *text == ' ' ? "space" : key,
              hold * (*text == 'm' && text[1] == 'a' ? 2 : 1) * exp(0.15 * idem_rng_normal(rng)),
              gap * exp(0.3 * idem_rng_normal(rng)));
    }
}

/* People from `first` on, typing words of the lexicon at random. */
static struct idem_recording *typed(int first, int people)
{
    struct idem_recording *rec = NULL;
    struct idem_fault fault;
    struct paper p = {0};
    struct idem_rng rng;
    idem_rng_seed(&rng, (uint64_t)first + 7);
    p.room = 4096;
    p.text = malloc(p.room);
    assert_non_null(p.text);
    p.len = (size_t)sprintf(p.text, "user,session,key,press_ms,release_ms\n");
    for (int u = first; u < first + people; u++)
        for (int s = 0; s < SESSIONS; s++) {
            p.now = 0;
            for (int w = 0; w < WORDS; w++) {
                type(&p, u, s, lexicon[idem_rng_below(&rng, LEXICON)], &rng);
                type(&p, u, s, " ", &rng);
            }
        }
    assert_int_equal(idem_recording_read_bytes("made-up", p.text, p.len, NULL, &rec, &fault), 0);
    free(p.text);
    return rec;
}

struct stage {
    struct idem_recording *own, *attacked;
    struct idem_filing filing;
    struct idem_front *front;
    struct idem_leak_text text;
    struct idem_leak_world us, them;
};

static void set_up(struct stage *s, const char *level, const char *flights)
{
    struct idem_corpus corpus = {0};
    memset(s, 0, sizeof *s);
    s->own = typed(0, PEOPLE);
    s->attacked = typed(PEOPLE, PEOPLE);
    assert_int_equal(idem_filing_init(&s->filing, level, flights, s->own), 0);
    assert_int_equal(idem_keys_learn_front(&s->filing, &s->own, 1, 25, &s->front, &corpus), 0);
    assert_int_equal(idem_front_seal(s->front), 0);
    assert_int_equal(idem_leak_text_init(&s->text, &s->own, 1), 0);
    assert_int_equal(idem_leak_world_init(&s->us, s->own, &s->filing, s->front, 99, 1, 1), 0);
    assert_int_equal(idem_leak_world_init(&s->them, s->attacked, &s->filing, s->front, 99, 1, 2),
                     0);
    idem_corpus_fini(&corpus);
}

static void tear_down(struct stage *s)
{
    idem_leak_world_fini(&s->us);
    idem_leak_world_fini(&s->them);
    idem_leak_text_fini(&s->text);
    idem_front_free(s->front);
    idem_recording_free(s->own);
    idem_recording_free(s->attacked);
}

static struct idem_leak_word word_of(const char *text)
{
    struct idem_leak_word w = {.len = (uint8_t)strlen(text), .typed = 1};
    strcpy(w.text, text);
    return w;
}

/* ------------------------------------------------------------------ words */

static uint32_t strokes_of(const char *text, struct idem_stroke *out)
{
    uint32_t n = 0;
    for (; *text; text++, n++) {
        char key[2] = {*text, 0};
        const char *name = *text == ' '   ? "space"
                           : *text == '^' ? "shift"
                           : *text == '<' ? "backspace"
                                          : key;
        out[n] = (struct idem_stroke){
            .code = idem_keyname_code((struct idem_field){name, (uint32_t)strlen(name)}),
            .released = true};
    }
    return n;
}

static void words_are_runs_of_letters(void **state)
{
    static const char *const wanted[] = {"people", "shift", "comma", "twelveletter", "last"};
    struct idem_stroke strokes[128];
    struct idem_leak_span span;
    uint32_t at = 0, count, found = 0;
    (void)state;
    count =
        strokes_of("the people ^shift spoi<led comma,no twelveletter thirteenletts last", strokes);
    while (idem_leak_next_word(strokes, count, true, &at, &span)) {
        assert_true(found < 5);
        assert_string_equal(span.word.text, wanted[found]);
        assert_int_equal(span.word.len, strlen(wanted[found++]));
    }
    assert_int_equal(found, 5);
    at = 0;
    for (found = 0; idem_leak_next_word(strokes, count, false, &at, &span);)
        found++;
    assert_int_equal(found, 4); /* the last one may go on */
}

static void symbols_and_codes_agree(void **state)
{
    (void)state;
    for (uint8_t s = 0; s < IDEM_LEAK_OTHER; s++)
        assert_int_equal(idem_leak_symbol(idem_leak_code(s)), s);
    assert_int_equal(idem_leak_symbol_of('a'), 0);
    assert_int_equal(idem_leak_code(idem_leak_symbol_of('7')),
                     idem_keyname_code((struct idem_field){"7", 1}));
}

static void the_model_expects_what_was_typed(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s, "mixed", "ud");
    uint32_t ctx = (idem_leak_symbol_of('n') * IDEM_LEAK_SYMBOLS + idem_leak_symbol_of('o')) *
                       IDEM_LEAK_SYMBOLS +
                   idem_leak_symbol_of('t'); /* "not" as in nothing */
    double total = 0;
    for (int k = 0; k < IDEM_LEAK_SYMBOLS; k++)
        total += exp((double)s.text.log_next[ctx * IDEM_LEAK_SYMBOLS + (uint32_t)k]);
    assert_true(fabs(total - 1) < 1e-4);
    assert_true(s.text.log_next[ctx * IDEM_LEAK_SYMBOLS + idem_leak_symbol_of('h')] > -0.1f);
    assert_non_null(idem_leak_text_find(&s.text, "sentences"));
    assert_null(idem_leak_text_find(&s.text, "absent"));
    assert_null(idem_leak_text_find(&s.text, "the")); /* three letters */
    tear_down(&s);
}

/* ------------------------------------------------------------------ presence */

/* "jukebox" has letters that nobody types otherwise: with every key known it cannot be missed. */
static void a_word_in_the_window_is_found_and_one_without_is_not(void **state)
{
    struct stage s;
    struct idem_leak_need need;
    struct idem_rng rng;
    float *stats;
    const struct idem_leak_word word = word_of("sentences");
    (void)state;
    set_up(&s, "finger", "ud");
    stats = calloc(idem_leak_len(&s.them), sizeof *stats);
    assert_non_null(stats);
    idem_rng_seed(&rng, 3);
    idem_leak_need_of(&s.them, &word, &need);
    assert_int_equal(need.strokes, 10);
    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(
            idem_leak_planted(&s.them, i % s.them.count, &word, 25, false, &rng, stats), 0);
        assert_true(idem_leak_holds(stats, &need));
    }
    stats[need.cell[0]] = (float)need.n[0] - 1; /* one stroke less than the word needs */
    assert_false(idem_leak_holds(stats, &need));
    memset(stats, 0, idem_leak_len(&s.them) * sizeof *stats);
    assert_false(idem_leak_holds(stats, &need));
    free(stats);
    tear_down(&s);
}

static struct idem_leak_presence test_word(struct stage *s, const char *text, uint32_t keys,
                                           bool straddle)
{
    const struct idem_leak_presence_options o = {
        .keys = keys, .planted = 300, .natural = 1500, .seed = 4, .straddle = straddle};
    const struct idem_leak_word word = word_of(text);
    struct idem_leak_presence p;
    assert_int_equal(idem_leak_presence_run(&s->us, &s->them, &word, 1, &o, &p), 0);
    assert_true(p.tested);
    return p;
}

static void finer_levels_and_shorter_windows_give_more_away(void **state)
{
    double lr[3];
    struct stage s;
    (void)state;
    set_up(&s, "hand", "ud");
    lr[0] = test_word(&s, "other", 50, false).best.lr;
    lr[1] = test_word(&s, "other", 20, false).best.lr;
    tear_down(&s);
    set_up(&s, "finger", "ud");
    struct idem_leak_presence p = test_word(&s, "other", 20, false);
    lr[2] = p.best.lr;
    assert_true(p.accept.hit > 0.99); /* acceptance misses no window with the word */
    assert_true(p.best.hit > 0.3 && p.best.hit < 1.01);
    assert_true(lr[0] > 1 && lr[1] > 1.5 * lr[0] && lr[2] > 1.5 * lr[1]);
    /* the whole of the counts is worth more than acceptance alone */
    assert_true(p.best.lr > p.accept.lr);
    /* a word over the border of two windows is found in their sum */
    double joined = test_word(&s, "other", 40, true).best.lr;
    assert_true(joined > 1.5);
    tear_down(&s);
}

static void what_does_not_leave_is_not_learned(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s, "finger", "ud");
    double open = test_word(&s, "sentences", 25, false).best.lr;
    s.us.defence = s.them.defence = (struct idem_leak_defence){.thin = 0.7};
    struct idem_leak_presence p = test_word(&s, "sentences", 25, false);
    assert_true(p.test >= IDEM_LEAK_NORMAL && p.best.lr > 1 && p.best.lr < 0.5 * open);
    s.us.defence = s.them.defence = (struct idem_leak_defence){.carry = 3};
    p = test_word(&s, "sentences", 25, false);
    assert_true(p.test >= IDEM_LEAK_NORMAL && p.best.lr > 0.9 && p.best.lr < open);
    tear_down(&s);
}

/* Each test by itself, not only the best of them. */
static double test_by(struct stage *s, const char *text, unsigned tests)
{
    const struct idem_leak_presence_options o = {
        .keys = 25, .planted = 300, .natural = 1500, .seed = 4, .tests = tests};
    const struct idem_leak_word word = word_of(text);
    struct idem_leak_presence p;
    assert_int_equal(idem_leak_presence_run(&s->us, &s->them, &word, 1, &o, &p), 0);
    return p.best.lr;
}

static void every_test_tells_something(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s, "mixed", "ud");
    double accept = test_by(&s, "stand", 1 << IDEM_LEAK_ACCEPT);
    assert_true(accept > 1.3);
    assert_true(test_by(&s, "stand", 1 << IDEM_LEAK_POISSON) > 1.2 * accept);
    assert_true(test_by(&s, "stand", 1 << IDEM_LEAK_NORMAL) > 1.2 * accept);
    assert_true(test_by(&s, "stand", 1 << IDEM_LEAK_TIMED) > 1.2 * accept);
    tear_down(&s);
    set_up(&s, "hand", "ud");
    double counted = test_by(&s, "matters", 1 << IDEM_LEAK_NORMAL);
    assert_true(counted > 1.2);
    assert_true(test_by(&s, "matters", 1 << IDEM_LEAK_TIMED) > 1.3 * counted);
    tear_down(&s);
}

static void thinning_withholds_its_share(void **state)
{
    struct stage s;
    struct idem_rng rng;
    double all = 0, left = 0;
    (void)state;
    set_up(&s, "hand", "ud");
    float *stats = calloc(idem_leak_len(&s.them), sizeof *stats);
    assert_non_null(stats);
    idem_rng_seed(&rng, 6);
    for (uint32_t i = 0; i < 200; i++)
        for (int thin = 0; thin < 2; thin++) {
            s.them.defence.thin = thin ? 0.7 : 0;
            idem_leak_window(&s.them, i % s.them.count, 30 + i, 50, &rng, stats);
            for (uint32_t c = 0; c < s.front->cells; c++)
                *(thin ? &left : &all) += (double)stats[c];
        }
    assert_true(left > 0.28 * all && left < 0.32 * all);
    s.them.defence = (struct idem_leak_defence){.carry = 5};
    for (uint32_t i = 0; i < 50; i++) {
        idem_leak_window(&s.them, i % s.them.count, 100 + i, 20, &rng, stats);
        for (uint32_t c = 0; c < s.front->cells; c++)
            assert_true(stats[c] == 0 || stats[c] >= 5);
    }
    free(stats);
    tear_down(&s);
}

/* With only one space, at the front, a word cannot lie over the middle of a long window. */
static void a_word_over_the_border_lies_over_the_middle(void **state)
{
    struct stage s;
    struct idem_rng rng;
    struct idem_stroke strokes[60];
    const struct idem_leak_word word = word_of("stand");
    (void)state;
    set_up(&s, "hand", "ud");
    float *stats = calloc(idem_leak_len(&s.them), sizeof *stats);
    struct idem_leak_person whole = s.them.people[0], *p = &s.them.people[0];
    assert_non_null(stats);
    idem_rng_seed(&rng, 6);
    for (uint32_t i = 0; i < 60; i++)
        strokes[i] = (struct idem_stroke){i * 100000, i * 100000 + 80000,
                                          idem_leak_code(i ? 0 : IDEM_LEAK_SPACE), true};
    p->strokes = strokes;
    p->count = 60;
    assert_int_equal(idem_leak_planted(&s.them, 0, &word, 55, true, &rng, stats),
                     IDEM_ERR_TOO_LITTLE);
    strokes[0].code = idem_leak_code(0);
    strokes[26].code = idem_leak_code(IDEM_LEAK_SPACE);
    int r = IDEM_ERR_TOO_LITTLE;
    for (int i = 0; i < 20 && r != 0; i++)
        r = idem_leak_planted(&s.them, 0, &word, 55, true, &rng, stats);
    assert_int_equal(r, 0);
    *p = whole;
    free(stats);
    tear_down(&s);
}

static void the_answer_does_not_depend_on_threads(void **state)
{
    struct stage s;
    (void)state;
    set_up(&s, "mixed", "ud");
    idem_parallel_threads(1);
    double one = test_word(&s, "nothing", 25, false).best.lr;
    idem_parallel_threads(4);
    double four = test_word(&s, "nothing", 25, false).best.lr;
    idem_parallel_threads(0);
    assert_true(one == four); /* bit for bit */
    tear_down(&s);
}

static void ratios_have_intervals(void **state)
{
    (void)state;
    struct idem_leak_ratio r = idem_leak_ratio_of(50, 100, 10, 1000);
    assert_true(fabs(r.lr - 50) < 1e-9 && r.low < 50 && r.low > 20 && r.high > 50 && r.high < 110);
    r = idem_leak_ratio_of(50, 100, 0, 1000); /* none passed: as if half a window had */
    assert_true(fabs(r.lr - 1000) < 1e-9 && r.low < 100);
    r = idem_leak_ratio_of(0, 100, 10, 1000);
    assert_true(r.lr == 0 && r.high < 10);
}

/* ------------------------------------------------------------------ strokes and orders */

static const float edges[IDEM_EDGES] = {40, 60, 75, 90, 110, 150};

static uint32_t solve(const double *times, uint32_t n, double *found)
{
    float sums[IDEM_CONTRASTS] = {0};
    for (uint32_t i = 0; i < n; i++)
        idem_histogram_add(edges, (float)times[i], sums);
    for (int k = 0; k < IDEM_CONTRASTS; k++)
        sums[k] = rintf(sums[k] * 64) / 64; /* as they leave */
    return idem_leak_solve(edges, (float)n, sums, found);
}

/* Times are told within the blur of an edge, and by it alone. */
static void a_time_near_an_edge_is_read_off(void **state)
{
    double found[IDEM_LEAK_SOLVE];
    (void)state;
    for (double ms = 27; ms < 164; ms += 0.37) {
        assert_int_equal(solve(&ms, 1, found), 1);
        if (idem_leak_told(edges, ms))
            assert_true(fabs(found[0] - ms) < 2); /* far out the rounding blurs it */
    }
    assert_true(idem_leak_told(edges, 27) && idem_leak_told(edges, 121));
    assert_false(idem_leak_told(edges, 20) || idem_leak_told(edges, 130));
    const double far[] = {-200, 130, 900}; /* from every edge: the bin is all there is */
    for (int i = 0; i < 3; i++) {
        double other = far[i] + 3, again[IDEM_LEAK_SOLVE];
        solve(&far[i], 1, found);
        solve(&other, 1, again);
        assert_true(found[0] == again[0]);
    }
}

static void few_strokes_are_told_apart(void **state)
{
    const double two[] = {52, 97}, three[] = {35, 85, 140}, four[] = {35, 57, 85, 155};
    const double nine[IDEM_LEAK_SOLVE + 1] = {0};
    double found[IDEM_LEAK_SOLVE];
    (void)state;
    assert_int_equal(solve(two, 2, found), 2);
    assert_true(fabs(found[0] - 52) < 1 && fabs(found[1] - 97) < 1);
    assert_int_equal(solve(three, 3, found), 3);
    for (int i = 0; i < 3; i++)
        assert_true(fabs(found[i] - three[i]) < 1.5);
    assert_int_equal(solve(four, 4, found), 4);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(found[i] - four[i]) < 1.5);
    assert_int_equal(solve(nine, IDEM_LEAK_SOLVE + 1, found), 0);
    assert_int_equal(solve(nine, 0, found), 0);
}

static void solved_values_are_the_true_ones(void **state)
{
    struct stage s;
    struct idem_leak_solved sum = {0};
    (void)state;
    set_up(&s, "finger", "ud");
    for (uint32_t i = 0; i < 50; i++) {
        struct idem_leak_solved one;
        assert_int_equal(idem_leak_solve_window(&s.them, i % s.them.count, 5 + i, 15, &one), 0);
        sum.strokes += one.strokes;
        sum.tried += one.tried;
        sum.right += one.right;
        sum.guessed += one.guessed;
        sum.lone += one.lone;
        sum.lone_right += one.lone_right;
    }
    assert_true(sum.lone > 100 && sum.tried > sum.lone + 100 && sum.tried <= sum.strokes);
    assert_true(sum.lone_right > 0.9 * sum.lone);
    assert_true(sum.right > 0.8 * sum.tried && sum.right > 3 * sum.guessed);
    tear_down(&s);
}

/* Counts zone sequences by trying all. */
static uint32_t sequences(uint32_t *m, uint32_t zones, uint32_t at, uint32_t left)
{
    uint32_t sum = left == 0;
    for (uint32_t b = 0; b < zones; b++)
        if (m[at * zones + b] > 0) {
            m[at * zones + b]--;
            sum += sequences(m, zones, b, left - 1);
            m[at * zones + b]++;
        }
    return sum;
}

static void orders_are_counted_as_trying_them_all_does(void **state)
{
    enum { ZONES = 3, EDGES = 9 };
    struct idem_rng rng;
    double bits;
    (void)state;
    idem_rng_seed(&rng, 8);
    for (int trial = 0; trial < 300; trial++) {
        uint32_t m[ZONES * ZONES] = {0}, all = 0, at = idem_rng_below(&rng, ZONES);
        for (int e = 0; e < EDGES; e++) {
            uint32_t to = idem_rng_below(&rng, ZONES);
            m[at * ZONES + to]++;
            at = to;
        }
        for (uint32_t start = 0; start < ZONES; start++)
            all += sequences(m, ZONES, start, EDGES);
        assert_true(idem_leak_orders(m, ZONES, &bits));
        assert_true(fabs(exp2(bits) - all) < 1e-6 * all);
    }
    const uint32_t apart[4] = {1, 0, 0, 1}, torn[9] = {0, 1, 1, 0, 0, 0, 0, 0, 0};
    assert_false(idem_leak_orders(apart, 2, &bits)); /* two islands */
    assert_false(idem_leak_orders(torn, 3, &bits));  /* two ends */
}

static void three_flights_chain_strokes_and_one_does_not(void **state)
{
    struct stage s;
    struct idem_leak_chained sum = {0}, one;
    (void)state;
    set_up(&s, "key", "dd,ud,uu");
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(idem_leak_chain_window(&s.them, i % s.them.count, 9 + i, 12, &one), 0);
        sum.transitions += one.transitions;
        sum.claimed += one.claimed;
        sum.right += one.right;
    }
    assert_true(sum.right > 0.2 * sum.transitions && sum.right > 0.9 * sum.claimed);
    tear_down(&s);
    set_up(&s, "finger", "ud");
    assert_int_equal(idem_leak_chain_window(&s.them, 0, 9, 12, &one), IDEM_ERR_INVALID);
    tear_down(&s);
}

/* ------------------------------------------------------------------ decoding */

static double share_read(const char *level, uint32_t keys)
{
    const struct idem_leak_decode_options o = {.beam = IDEM_LEAK_BEAM, .context = UINT32_MAX};
    struct stage s;
    struct idem_rng rng;
    uint32_t sought = 0, read = 0, found;
    uint8_t symbols[64];
    set_up(&s, level, "ud");
    float *stats = calloc(idem_leak_len(&s.them), sizeof *stats);
    assert_non_null(stats);
    idem_rng_seed(&rng, 3);
    for (uint32_t i = 0; i < 30; i++) {
        struct idem_leak_span span;
        const struct idem_leak_person *p = &s.them.people[i % s.them.count];
        uint32_t at = 0;
        idem_leak_window(&s.them, i % s.them.count, 10 + i, keys, &rng, stats);
        assert_int_equal(idem_leak_decode(&s.them, &s.text, stats, keys, &o, symbols, &found), 0);
        assert_true(found <= keys);
        for (uint8_t c = 0; c < IDEM_LEAK_SYMBOLS && strcmp(level, "key") == 0; c++) {
            int cell = s.front->cell_of_slot[idem_slot_hold(&s.filing.zoning, idem_leak_code(c))];
            float used = 0;
            for (uint32_t k = 0; k < found; k++)
                used += symbols[k] == c;
            assert_true(cell < 0 || used <= stats[cell]); /* never more than the window holds */
        }
        while (idem_leak_next_word(p->strokes + 10 + i, keys, false, &at, &span))
            if (span.first > 0) {
                sought++;
                read += idem_leak_reads(symbols, found, &span.word, true);
            }
    }
    free(stats);
    tear_down(&s);
    assert_true(sought > 20);
    return (double)read / sought;
}

static void finer_counts_are_read_better(void **state)
{
    double key = share_read("key", 20), hand = share_read("hand", 20);
    (void)state;
    assert_true(key > 0.7);
    assert_true(hand < 0.75 * key);
}

/* A password among a window's last strokes, of keys that are all told apart. */
static void a_password_of_known_keys_is_read(void **state)
{
    const struct idem_leak_word password = word_of("elsenothered");
    struct idem_leak_decode_options o = {
        .beam = IDEM_LEAK_BEAM, .context = UINT32_MAX, .blind_first = 1, .blind_end = 13};
    struct stage s;
    struct idem_rng rng;
    uint32_t read[2] = {0}, found;
    uint8_t symbols[14];
    (void)state;
    for (int level = 0; level < 2; level++) {
        set_up(&s, level ? "hand" : "key", "ud");
        float *stats = calloc(idem_leak_len(&s.them), sizeof *stats);
        assert_non_null(stats);
        idem_rng_seed(&rng, 3);
        for (uint32_t i = 0; i < 20; i++) {
            assert_int_equal(
                idem_leak_planted_last(&s.them, i % s.them.count, &password, 14, &rng, stats), 0);
            assert_int_equal(idem_leak_decode(&s.them, &s.text, stats, 14, &o, symbols, &found), 0);
            read[level] += idem_leak_reads(symbols, found, &password, false);
        }
        free(stats);
        tear_down(&s);
    }
    assert_true(read[0] > 0 && read[1] == 0);
}

static void words_are_read_whole(void **state)
{
    const uint8_t S = IDEM_LEAK_SPACE;
    const uint8_t symbols[] = {S, 14, 13, 2, 4, S, 14, 13}; /* " once on" */
    const struct idem_leak_word once = word_of("once"), nce = word_of("nce");
    (void)state;
    assert_true(idem_leak_reads(symbols, 8, &once, true));
    assert_false(idem_leak_reads(symbols, 4, &once, true));
    assert_false(idem_leak_reads(symbols, 8, &nce, true));
    const struct idem_leak_word onc = word_of("onc");
    assert_false(idem_leak_reads(symbols, 8, &onc, true));
    assert_true(idem_leak_reads(symbols, 8, &onc, false));
    assert_true(idem_leak_reads(symbols, 8, &nce, false));
}

/* ------------------------------------------------------------------ all of it, and its price */

static void a_row_sums_everything_up(void **state)
{
    struct stage s;
    struct idem_leak_row row;
    (void)state;
    set_up(&s, "finger", "ud");
    const struct idem_leak_stage stage = {.filing = &s.filing,
                                          .front = s.front,
                                          .text = &s.text,
                                          .own = s.own,
                                          .attacked = s.attacked};
    const struct idem_leak_options o = {.level = "finger",
                                        .flights = "ud",
                                        .keys = 20,
                                        .people = 10,
                                        .words = 2,
                                        .planted = 60,
                                        .natural = 400,
                                        .decoded = 10,
                                        .seed = 1};
    assert_int_equal(idem_leak_run(&stage, &o, &row), 0);
    assert_true(row.tested >= 7 && row.worst_count == IDEM_LEAK_WORST);
    assert_true(row.lr[9 - IDEM_LEAK_WORD_MIN] > 1 && isnan(row.lr[8]));
    /* another word passes less often than the one sought */
    assert_true(row.other > 0 && row.other < 0.5 * row.lr[1]);
    for (uint32_t i = 1; i < row.worst_count; i++)
        assert_true(row.worst[i].best.lr <= row.worst[i - 1].best.lr);
    assert_true(row.solved > 0.1 && row.orders_log2 > 0 && row.keys_log2 == 0);
    assert_true(row.words_sought > 10 && row.passwords_sought > 5 && isnan(row.chained));
    assert_true(row.words_recovered > row.words_by_chance);
    tear_down(&s);
}

static double error_with(struct idem_leak_defence defence)
{
    const struct idem_leak_cost_options o = {.keys = 50, .probe = 50, .enrol = 8, .seed = 2};
    const struct idem_learning how = {.level = "mixed", .flights = "ud"};
    struct idem_evaluation *e = calloc(1, sizeof *e);
    struct idem_learned learned;
    struct idem_fault fault;
    struct stage s;
    set_up(&s, "mixed", "ud");
    assert_int_equal(idem_learn_recordings(&s.own, 1, &how, &learned, &fault), 0);
    idem_leak_world_fini(&s.us);
    idem_leak_world_fini(&s.them);
    const struct idem_front *front = learned.population->front;
    assert_int_equal(idem_leak_world_init(&s.us, s.own, &learned.filing, front, 99, 1, 1), 0);
    assert_int_equal(idem_leak_world_init(&s.them, s.attacked, &learned.filing, front, 99, 1, 2),
                     0);
    s.them.defence = defence;
    assert_int_equal(idem_leak_cost(&s.them, s.attacked, &learned, &o, e), 0);
    double eer = e->figures.eer_user_mean;
    idem_population_free(learned.population);
    free(e);
    tear_down(&s);
    return eer;
}

static void a_defence_has_its_price(void **state)
{
    (void)state;
    double open = error_with((struct idem_leak_defence){0});
    double thinned = error_with((struct idem_leak_defence){.thin = 0.95});
    assert_true(open < 0.15 && thinned > open + 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_runs_of_letters),
        cmocka_unit_test(symbols_and_codes_agree),
        cmocka_unit_test(the_model_expects_what_was_typed),
        cmocka_unit_test(a_word_in_the_window_is_found_and_one_without_is_not),
        cmocka_unit_test(finer_levels_and_shorter_windows_give_more_away),
        cmocka_unit_test(what_does_not_leave_is_not_learned),
        cmocka_unit_test(every_test_tells_something),
        cmocka_unit_test(thinning_withholds_its_share),
        cmocka_unit_test(a_word_over_the_border_lies_over_the_middle),
        cmocka_unit_test(the_answer_does_not_depend_on_threads),
        cmocka_unit_test(ratios_have_intervals),
        cmocka_unit_test(a_time_near_an_edge_is_read_off),
        cmocka_unit_test(few_strokes_are_told_apart),
        cmocka_unit_test(solved_values_are_the_true_ones),
        cmocka_unit_test(orders_are_counted_as_trying_them_all_does),
        cmocka_unit_test(three_flights_chain_strokes_and_one_does_not),
        cmocka_unit_test(finer_counts_are_read_better),
        cmocka_unit_test(a_password_of_known_keys_is_read),
        cmocka_unit_test(words_are_read_whole),
        cmocka_unit_test(a_row_sums_everything_up),
        cmocka_unit_test(a_defence_has_its_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
