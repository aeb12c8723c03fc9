/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak.c - see leak.h: draws words and windows, runs every attack, sums up.
 */
#include "eval/leak.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/parallel.h"

enum { PASSWORD = 12, SUPPORT = 5, OWN_PEOPLE = 250, OWN_STROKES = 300 };

struct leak {
    const struct idem_leak_stage *stage;
    const struct idem_leak_options *o;
    struct idem_leak_world own, attacked;
    struct idem_leak_row row;
};

/* ------------------------------------------------------------------ presence */

/* Words of each length, typed often enough by the attacker's own people, drawn by the seed. */
static uint32_t draw_words(const struct leak *l, struct idem_leak_word *out)
{
    const struct idem_leak_text *t = l->stage->text;
    uint32_t count = 0;
    struct idem_rng rng;
    idem_rng_seed(&rng, l->o->seed + 77);
    for (uint32_t len = IDEM_LEAK_WORD_MIN; len <= IDEM_LEAK_WORD_MAX; len++) {
        uint32_t seen = 0, first = count;
        for (uint32_t i = 0; i < t->count; i++) {
            if (t->words[i].len != len || t->words[i].typed < SUPPORT || len + 3 > l->o->keys)
                continue;
            uint32_t at = seen < l->o->words ? seen : idem_rng_below(&rng, seen + 1);
            seen++;
            if (at >= l->o->words)
                continue;
            out[first + at] = t->words[i];
            count += count < first + at + 1;
        }
    }
    return count;
}

static int by_ratio(const void *a, const void *b)
{
    const struct idem_leak_presence *x = a, *y = b;
    return x->best.lr > y->best.lr ? -1 : x->best.lr < y->best.lr;
}

static double mean_of(const double *log_sum, const uint32_t *n, uint32_t i)
{
    return n[i] ? exp(log_sum[i] / n[i]) : NAN;
}

/* A test that never passed a window with its word still counts as one in a hundred. */
static double log_ratio(const struct idem_leak_ratio *r)
{
    return log(r->lr > 0.01 ? r->lr : 0.01);
}

static void sum_up(struct leak *l, struct idem_leak_presence *found, uint32_t count)
{
    double best[IDEM_LEAK_LENGTHS] = {0}, accept[IDEM_LEAK_LENGTHS] = {0};
    uint32_t n[IDEM_LEAK_LENGTHS] = {0}, tested = 0, others = 0;
    double other = 0;
    const bool exact = found[0].accept.lr > 0 || found[0].test == IDEM_LEAK_ACCEPT;
    for (uint32_t i = 0; i < count; i++) {
        if (!found[i].tested)
            continue;
        uint32_t len = found[i].word.len - IDEM_LEAK_WORD_MIN;
        best[len] += log_ratio(&found[i].best);
        accept[len] += log_ratio(&found[i].accept);
        n[len]++;
        if (found[i].other.high > 0) {
            other += log_ratio(&found[i].other);
            others++;
        }
        found[tested++] = found[i];
    }
    for (uint32_t len = 0; len < IDEM_LEAK_LENGTHS; len++) {
        l->row.lr[len] = mean_of(best, n, len);
        l->row.accept[len] = exact ? mean_of(accept, n, len) : NAN;
    }
    qsort(found, tested, sizeof *found, by_ratio);
    l->row.tested = tested;
    l->row.other = mean_of(&other, &others, 0);
    l->row.worst_count = tested < IDEM_LEAK_WORST ? tested : IDEM_LEAK_WORST;
    memcpy(l->row.worst, found, l->row.worst_count * sizeof *found);
}

static int presence(struct leak *l)
{
    struct idem_leak_word *words = calloc(IDEM_LEAK_TRIED, sizeof *words);
    struct idem_leak_presence *found = calloc(IDEM_LEAK_TRIED, sizeof *found);
    struct idem_leak_presence_options o = {
        .keys = l->o->keys, .planted = l->o->planted, .natural = l->o->natural, .seed = l->o->seed};
    uint32_t count = words && found ? draw_words(l, words) : 0;
    int r = !words || !found ? IDEM_ERR_NOMEM : count == 0 ? IDEM_ERR_TOO_LITTLE : 0;
    if (r == 0)
        r = idem_leak_presence_run(&l->own, &l->attacked, words, count, &o, found);
    if (r == 0)
        sum_up(l, found, count);
    /* a third of the words again, over the border of two windows whose sums the attacker adds */
    uint32_t some = 0, n = 0;
    double sum = 0;
    for (uint32_t i = 0; i < count; i += 3)
        words[some++] = words[i];
    o.keys *= 2;
    o.straddle = true;
    if (r == 0 && o.keys <= IDEM_LEAK_KEYS_MAX)
        r = idem_leak_presence_run(&l->own, &l->attacked, words, some, &o, found);
    for (uint32_t i = 0; i < some && r == 0 && o.keys <= IDEM_LEAK_KEYS_MAX; i++)
        if (found[i].tested) {
            sum += log_ratio(&found[i].best);
            n++;
        }
    l->row.joined = n ? exp(sum / n) : NAN;
    free(words);
    free(found);
    return r == IDEM_ERR_TOO_LITTLE ? 0 : r;
}

/* ------------------------------------------------------------------ strokes and orders */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return count ? values[count / 2] : NAN;
}

struct tally {
    double *orders, *places;
    uint32_t counted, single;
    struct idem_leak_solved solved;
    struct idem_leak_chained chained;
};

static void add_solved(struct idem_leak_solved *to, const struct idem_leak_solved *s)
{
    to->strokes += s->strokes;
    to->tried += s->tried;
    to->right += s->right;
    to->guessed += s->guessed;
    to->lone += s->lone;
    to->lone_right += s->lone_right;
    to->lone_guessed += s->lone_guessed;
}

static double share(uint32_t some, uint32_t all)
{
    return all ? (double)some / all : NAN;
}

static int look_at(struct leak *l, uint32_t person, uint32_t first, struct idem_rng *rng,
                   float *stats, struct tally *t)
{
    struct idem_leak_solved s = {0};
    struct idem_leak_chained c = {0};
    int r = idem_leak_solve_window(&l->attacked, person, first, l->o->keys, &s);
    if (r == 0 && l->stage->filing->flight_count == IDEM_FLIGHTS)
        r = idem_leak_chain_window(&l->attacked, person, first, l->o->keys, &c);
    add_solved(&t->solved, &s);
    t->chained.transitions += c.transitions;
    t->chained.right += c.right;
    idem_leak_window(&l->attacked, person, first, l->o->keys, rng, stats);
    if (idem_leak_window_orders(&l->attacked, stats, &t->orders[t->counted],
                                &t->places[t->counted])) {
        t->single += t->orders[t->counted] < 0.5;
        t->counted++;
    }
    return r;
}

static int strokes_and_orders(struct leak *l)
{
    enum { WINDOWS = 300 };
    float *stats = malloc(idem_leak_len(&l->attacked) * sizeof *stats);
    struct tally t = {.orders = calloc(WINDOWS, sizeof(double)),
                      .places = calloc(WINDOWS, sizeof(double))};
    struct idem_rng rng;
    int r = stats && t.orders && t.places ? 0 : IDEM_ERR_NOMEM;
    idem_rng_seed(&rng, l->o->seed + 5);
    for (uint32_t i = 0; i < WINDOWS && r == 0; i++) {
        uint32_t p = i % l->attacked.count, count = l->attacked.people[p].count;
        if (count > l->o->keys + 1)
            r = look_at(l, p, 1 + idem_rng_below(&rng, count - l->o->keys - 1), &rng, stats, &t);
    }
    l->row.solved = share(t.solved.right, t.solved.strokes);
    l->row.few = share(t.solved.tried, t.solved.strokes);
    l->row.few_right = share(t.solved.right, t.solved.tried);
    l->row.few_guessed = share(t.solved.guessed, t.solved.tried);
    l->row.lone_right = share(t.solved.lone_right, t.solved.lone);
    l->row.lone_guessed = share(t.solved.lone_guessed, t.solved.lone);
    l->row.chained = share(t.chained.right, t.chained.transitions);
    l->row.one_order = share(t.single, t.counted);
    l->row.orders_log2 = r == 0 ? median(t.orders, t.counted) : NAN;
    l->row.keys_log2 = r == 0 ? median(t.places, t.counted) : NAN;
    free(stats);
    free(t.orders);
    free(t.places);
    return r;
}

/* ------------------------------------------------------------------ decoding */

struct decoded {
    uint32_t words, read, chance, passwords, guessed;
};

struct decoding {
    struct leak *l;
    struct decoded *out; /* [decoded] */
    int err;
};

/* Words of the stretch that decoded symbols show. */
static void read_words(const struct idem_leak_person *p, uint32_t first, uint32_t keys,
                       const uint8_t *symbols, uint32_t found, uint32_t *words, uint32_t *read)
{
    struct idem_leak_span span;
    uint32_t at = 0;
    while (idem_leak_next_word(p->strokes + first, keys, false, &at, &span)) {
        if (span.first == 0) /* may have begun before */
            continue;
        ++*words;
        *read += idem_leak_reads(symbols, found, &span.word, true);
    }
}

/* Two neighbouring windows, the second in the light of the first. */
static int decode_text(struct leak *l, uint32_t person, uint32_t first, struct idem_rng *rng,
                       float *stats, struct decoded *out)
{
    const struct idem_leak_person *p = &l->attacked.people[person];
    struct idem_leak_decode_options o = {.beam = IDEM_LEAK_BEAM, .context = UINT32_MAX};
    uint8_t symbols[2 * IDEM_LEAK_KEYS_MAX];
    const uint32_t keys = l->o->keys;
    uint32_t found = 0, second = 0, other;
    idem_leak_window(&l->attacked, person, first, keys, rng, stats);
    int r = idem_leak_decode(&l->attacked, l->stage->text, stats, keys, &o, symbols, &found);
    if (found == keys) {
        o.context =
            (symbols[keys - 3] * IDEM_LEAK_SYMBOLS + symbols[keys - 2]) * IDEM_LEAK_SYMBOLS +
            symbols[keys - 1];
        idem_leak_window(&l->attacked, person, first + keys, keys, rng, stats);
        if (r == 0)
            r = idem_leak_decode(&l->attacked, l->stage->text, stats, keys, &o, symbols + keys,
                                 &second);
    }
    if (r < 0)
        return r;
    read_words(p, first, 2 * keys, symbols, found + second, &out->words, &out->read);
    /* chance: the same symbols, held against somebody else's text */
    const struct idem_leak_person *q = &l->attacked.people[(person + 1) % l->attacked.count];
    other = q->count > 2 * keys + 1 ? 1 + idem_rng_below(rng, q->count - 2 * keys - 1) : 0;
    uint32_t ignored = 0;
    if (other)
        read_words(q, other, 2 * keys, symbols, found + second, &ignored, &out->chance);
    return 0;
}

/* A random password at the window's end, where the attacker knows it to be. */
static int decode_password(struct leak *l, uint32_t person, struct idem_rng *rng, float *stats,
                           struct decoded *out)
{
    struct idem_leak_decode_options o = {
        .beam = IDEM_LEAK_BEAM, .context = UINT32_MAX, .blind_end = l->o->keys};
    uint8_t symbols[IDEM_LEAK_KEYS_MAX];
    struct idem_leak_word password = {.len = PASSWORD};
    uint32_t found = 0;
    for (uint32_t i = 0; i < PASSWORD; i++)
        password.text[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[idem_rng_below(rng, 36)];
    if (idem_leak_planted_last(&l->attacked, person, &password, l->o->keys, rng, stats) < 0)
        return 0;
    o.blind_end = l->o->keys - 1;
    o.blind_first = o.blind_end - PASSWORD;
    int r = idem_leak_decode(&l->attacked, l->stage->text, stats, l->o->keys, &o, symbols, &found);
    out->passwords++;
    out->guessed += r == 0 && idem_leak_reads(symbols, found, &password, false);
    return r;
}

static void decode_one(void *arg, int i)
{
    struct decoding *d = arg;
    struct leak *l = d->l;
    const uint32_t person = (uint32_t)i % l->attacked.count;
    const uint32_t count = l->attacked.people[person].count;
    float *stats = malloc(idem_leak_len(&l->attacked) * sizeof *stats);
    struct idem_rng rng;
    int r = stats ? 0 : IDEM_ERR_NOMEM;
    idem_rng_seed(&rng, l->o->seed * 31 + (uint64_t)i);
    if (r == 0 && count > 2 * l->o->keys + 1)
        r = decode_text(l, person, 1 + idem_rng_below(&rng, count - 2 * l->o->keys - 1), &rng,
                        stats, &d->out[i]);
    if (r == 0)
        r = decode_password(l, person, &rng, stats, &d->out[i]);
    if (r < 0)
        __atomic_store_n(&d->err, r, __ATOMIC_RELAXED);
    free(stats);
}

static int decode(struct leak *l)
{
    struct decoding d = {.l = l, .out = calloc(l->o->decoded + 1, sizeof *d.out)};
    struct decoded sum = {0};
    if (!d.out)
        return IDEM_ERR_NOMEM;
    idem_parallel(decode_one, &d, (int)l->o->decoded);
    for (uint32_t i = 0; i < l->o->decoded; i++) {
        sum.words += d.out[i].words;
        sum.read += d.out[i].read;
        sum.chance += d.out[i].chance;
        sum.passwords += d.out[i].passwords;
        sum.guessed += d.out[i].guessed;
    }
    free(d.out);
    l->row.words_sought = sum.words;
    l->row.passwords_sought = sum.passwords;
    l->row.words_recovered = share(sum.read, sum.words);
    l->row.words_by_chance = share(sum.chance, sum.words);
    l->row.passwords_recovered = share(sum.guessed, sum.passwords);
    return d.err;
}

/* ------------------------------------------------------------------ cost, and all of it */

static int cost(struct leak *l)
{
    static const uint32_t probes[IDEM_LEAK_PROBES] = {50, 100, 200};
    struct idem_leak_world all = {0};
    struct idem_evaluation *e = calloc(1, sizeof *e);
    int r = e ? idem_leak_world_init(&all, l->stage->attacked, l->stage->filing, l->stage->front,
                                     UINT32_MAX, 1, l->o->seed)
              : IDEM_ERR_NOMEM;
    all.defence = l->o->defence;
    for (int i = 0; i < IDEM_LEAK_PROBES && r == 0; i++) {
        const struct idem_leak_cost_options o = {
            .keys = l->o->keys, .probe = probes[i], .enrol = 10, .seed = l->o->seed};
        l->row.eer_user[i] = l->row.eer_global[i] = NAN;
        if (o.keys > o.probe)
            continue;
        r = idem_leak_cost(&all, l->stage->attacked, l->stage->learned, &o, e);
        if (r == 0) {
            l->row.eer_user[i] = e->figures.eer_user_mean;
            l->row.eer_global[i] = e->figures.eer_global;
        } else if (r == IDEM_ERR_TOO_LITTLE) {
            r = 0;
        }
    }
    l->row.costed = r == 0;
    idem_leak_world_fini(&all);
    free(e);
    return r;
}

static int attack(struct leak *l)
{
    /* what the edge withholds, nobody can solve, order or decode directly */
    const bool exact = idem_leak_undefended(&l->o->defence);
    int r = presence(l);
    if (r == 0 && exact)
        r = strokes_and_orders(l);
    if (r == 0 && exact)
        r = decode(l);
    if (r == 0 && l->stage->learned)
        r = cost(l);
    return r;
}

int idem_leak_run(const struct idem_leak_stage *stage, const struct idem_leak_options *options,
                  struct idem_leak_row *out)
{
    const uint32_t need = 2 * options->keys + 2;
    struct leak l = {.stage = stage, .o = options};
    l.row = (struct idem_leak_row){.level = options->level,
                                   .keys = options->keys,
                                   .other = NAN,
                                   .joined = NAN,
                                   .solved = NAN,
                                   .few = NAN,
                                   .few_right = NAN,
                                   .few_guessed = NAN,
                                   .lone_right = NAN,
                                   .lone_guessed = NAN,
                                   .orders_log2 = NAN,
                                   .keys_log2 = NAN,
                                   .one_order = NAN,
                                   .chained = NAN,
                                   .words_recovered = NAN,
                                   .words_by_chance = NAN,
                                   .passwords_recovered = NAN};
    for (int i = 0; i < IDEM_LEAK_LENGTHS; i++)
        l.row.lr[i] = l.row.accept[i] = NAN;
    int r = idem_leak_world_init(&l.own, stage->own, stage->filing, stage->front, OWN_PEOPLE,
                                 need > OWN_STROKES ? need : OWN_STROKES, options->seed);
    if (r == 0)
        r = idem_leak_world_init(&l.attacked, stage->attacked, stage->filing, stage->front,
                                 options->people, need, options->seed + 1);
    l.own.defence = l.attacked.defence = options->defence;
    if (r == 0)
        r = attack(&l);
    idem_leak_world_fini(&l.own);
    idem_leak_world_fini(&l.attacked);
    if (r == 0)
        *out = l.row;
    return r;
}
