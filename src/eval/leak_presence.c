/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_presence.c - see leak_presence.h. Natural windows are made once, planted ones word by word;
 * words run on all cores, each with a generator of its own.
 */
#include "eval/leak_presence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/leak_normal.h"
#include "eval/parallel.h"

enum { D = IDEM_LEAK_DIMS, OWN = 0, ATTACKED = 1 };
#define NEVER (-1e30)
/* Of a planted covariance, learned from few windows, so much is taken from the natural one. */
#define SHRINK 0.3

/* One side's natural windows. */
struct side {
    const struct idem_leak_world *world;
    struct idem_leak_lens *lens; /* [people], with uncounted windows */
    uint32_t count;
    uint32_t *person, *first;
    float *counts; /* [count][cells] */
    double *row;   /* [count][dims]: counts of the chosen cells, or as guessed from sums */
    double *seen;  /* [count][dims]: the lens' view of the sums, with uncounted windows */
};

struct run {
    const struct idem_leak_presence_options *o;
    const struct idem_leak_word *words;
    struct idem_leak_presence *out;
    struct side side[2];
    uint32_t cells, dims;
    uint16_t cell[D];
    double mean[D], covariance[D * (D + 1) / 2];
    struct idem_leak_normal natural;
    float *rate; /* [cells] mean count */
    int err;     /* of any word; written by whoever fails */
};

const char *idem_leak_test_name(enum idem_leak_test test)
{
    static const char *const names[] = {"accept", "poisson", "normal", "sums", "guessed"};
    return (unsigned)test < IDEM_LEAK_TESTS ? names[test] : "none";
}

struct idem_leak_ratio idem_leak_ratio_of(uint32_t hits, uint32_t with, uint32_t passes,
                                          uint32_t without)
{
    const double a = hits ? hits : 0.5, b = passes ? passes : 0.5;
    struct idem_leak_ratio r = {.hit = (double)hits / with, .pass = (double)passes / without};
    double sd = sqrt(1 / a - 1.0 / with + 1 / b - 1.0 / without);
    r.lr = (hits ? r.hit : 0) / (b / without);
    r.low = a / with / (b / without) * exp(-1.96 * sd);
    r.high = a / with / (b / without) * exp(1.96 * sd);
    return r;
}

/* ------------------------------------------------------------------ natural windows */

static bool undefended(const struct idem_leak_defence *d)
{
    return d->thin <= 0 && d->noise <= 0 && !d->carry && !idem_leak_uncounted(d);
}

static int side_windows(struct run *run, struct side *s, uint64_t seed)
{
    const size_t len = idem_leak_len(s->world);
    float *stats = malloc(len * sizeof *stats);
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    s->person = calloc(run->o->natural, sizeof *s->person);
    s->first = calloc(run->o->natural, sizeof *s->first);
    s->counts = calloc((size_t)run->o->natural * run->cells, sizeof *s->counts);
    int r = stats && s->person && s->first && s->counts ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < run->o->natural && r == 0; i++) {
        uint32_t p = i % s->world->count, count = s->world->people[p].count;
        if (count <= run->o->keys + 1)
            continue;
        s->person[s->count] = p;
        s->first[s->count] = 1 + idem_rng_below(&rng, count - run->o->keys - 1);
        idem_leak_window(s->world, p, s->first[s->count], run->o->keys, &rng, stats);
        memcpy(s->counts + (size_t)s->count * run->cells, stats, run->cells * sizeof *stats);
        s->count++;
    }
    free(stats);
    return r == 0 && s->count == 0 ? IDEM_ERR_TOO_LITTLE : r;
}

struct varied {
    double variance;
    uint16_t cell;
};

static int by_variance(const void *a, const void *b)
{
    const struct varied *x = a, *y = b;
    return x->variance > y->variance ? -1 : x->variance < y->variance;
}

static int choose_cells(struct run *run, const struct side *s)
{
    struct varied *v = calloc(run->cells, sizeof *v);
    run->rate = calloc(run->cells, sizeof *run->rate);
    if (!v || !run->rate) {
        free(v);
        return IDEM_ERR_NOMEM;
    }
    for (uint32_t c = 0; c < run->cells; c++) {
        double sum = 0, square = 0;
        for (uint32_t i = 0; i < s->count; i++) {
            double n = (double)s->counts[(size_t)i * run->cells + c];
            sum += n;
            square += n * n;
        }
        run->rate[c] = (float)((sum + 0.1) / s->count);
        v[c] = (struct varied){square / s->count - sum / s->count * (sum / s->count), (uint16_t)c};
    }
    qsort(v, run->cells, sizeof *v, by_variance);
    run->dims = run->cells < D ? run->cells : D;
    for (uint32_t i = 0; i < run->dims; i++)
        run->cell[i] = v[i].cell;
    free(v);
    return 0;
}

static void pick(const struct run *run, const float *counts, double *row)
{
    for (uint32_t i = 0; i < run->dims; i++)
        row[i] = (double)counts[run->cell[i]];
}

static int side_rows(struct run *run, struct side *s)
{
    s->row = malloc((size_t)s->count * run->dims * sizeof *s->row);
    if (!s->row)
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < s->count; i++)
        pick(run, s->counts + (size_t)i * run->cells, s->row + (size_t)i * run->dims);
    return 0;
}

/* Counts as they are before the edge hides them: the attacker learns from text of his own. */
static int learn_counts(struct run *run, const struct idem_leak_world *own)
{
    struct idem_leak_world open = *own;
    struct side s = {.world = &open};
    if (idem_leak_uncounted(&own->defence)) {
        open.defence.uncounted = false;
        open.defence.projection = NULL;
        open.defence.noise = 0;
    }
    int r = side_windows(run, &s, run->o->seed);
    if (r == 0)
        r = choose_cells(run, &s);
    if (r == 0)
        r = side_rows(run, &s);
    if (r == 0) {
        idem_leak_moments(s.row, s.count, run->dims, run->mean, run->covariance);
        idem_leak_normal_set(&run->natural, run->dims, run->mean, run->covariance);
    }
    free(s.person);
    free(s.first);
    free(s.counts);
    free(s.row);
    return r;
}

/* Looks at every natural window of an uncounted side through its person's profile. */
static int side_lenses(struct run *run, struct side *s, uint64_t seed)
{
    float *stats = malloc(idem_leak_len(s->world) * sizeof *stats);
    struct idem_rng rng;
    int r = stats ? 0 : IDEM_ERR_NOMEM;
    idem_rng_seed(&rng, seed + 1);
    s->lens = calloc(s->world->count, sizeof *s->lens);
    s->seen = calloc((size_t)s->count * run->dims, sizeof *s->seen);
    r = r == 0 && s->seen ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t p = 0; s->lens && p < s->world->count && r == 0; p++)
        r = idem_leak_lens_init(&s->lens[p], s->world, &s->world->people[p], run->cell, run->dims,
                                run->mean, run->covariance);
    for (uint32_t i = 0; s->lens && i < s->count && r == 0; i++) {
        idem_leak_window(s->world, s->person[i], s->first[i], run->o->keys, &rng, stats);
        idem_leak_lens_look(&s->lens[s->person[i]], s->world, stats, run->cell, run->dims,
                            s->seen + (size_t)i * run->dims);
        idem_leak_lens_guess(&s->lens[s->person[i]], s->world, stats, run->cell, run->dims,
                             s->row + (size_t)i * run->dims);
    }
    free(stats);
    return s->lens ? r : IDEM_ERR_NOMEM;
}

/* ------------------------------------------------------------------ one word */

/* What one word is tested with. */
struct trial {
    const struct run *run;
    struct idem_leak_need need;
    uint8_t code[IDEM_LEAK_WORD_MAX];
    double shift[D]; /* of the mean counts */
    struct idem_leak_normal with;
    uint32_t fitted; /* the first of the own planted windows teach, the others set thresholds */
    struct planted {
        uint32_t count, *person;
        float *counts;
        double *row, *seen;
    } planted[2];
    double *score; /* room for one test's scores */
};

static int plant(struct trial *t, const struct idem_leak_word *word, int which, uint64_t seed)
{
    const struct run *run = t->run;
    const struct side *s = &run->side[which];
    struct planted *p = &t->planted[which];
    float *stats = malloc(idem_leak_len(s->world) * sizeof *stats);
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    p->person = calloc(run->o->planted, sizeof *p->person);
    p->counts = calloc((size_t)run->o->planted * run->cells, sizeof *p->counts);
    p->row = calloc((size_t)run->o->planted * run->dims, sizeof *p->row);
    p->seen = calloc((size_t)run->o->planted * run->dims, sizeof *p->seen);
    int r = stats && p->person && p->counts && p->row && p->seen ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < run->o->planted && r == 0; i++) {
        uint32_t who = i % s->world->count;
        if (idem_leak_planted(s->world, who, word, run->o->keys, run->o->straddle, &rng, stats) < 0)
            continue;
        p->person[p->count] = who;
        memcpy(p->counts + (size_t)p->count * run->cells, stats, run->cells * sizeof *stats);
        double *row = p->row + (size_t)p->count * run->dims;
        double *seen = p->seen + (size_t)p->count++ * run->dims;
        pick(run, stats, row);
        if (!s->lens)
            continue;
        idem_leak_lens_look(&s->lens[who], s->world, stats, run->cell, run->dims, seen);
        idem_leak_lens_guess(&s->lens[who], s->world, stats, run->cell, run->dims, row);
    }
    free(stats);
    return r == 0 && p->count < run->o->planted / 2 ? IDEM_ERR_TOO_LITTLE : r;
}

/* The normal density of counts with the word in the window. */
static void learn_planted(struct trial *t)
{
    const struct run *run = t->run;
    double mean[D], cov[D * (D + 1) / 2];
    double left = 1 - (double)t->need.strokes / run->o->keys;
    idem_leak_moments(t->planted[OWN].row, t->fitted, run->dims, mean, cov);
    for (uint32_t i = 0; i < run->dims * (run->dims + 1) / 2; i++)
        cov[i] = (1 - SHRINK) * cov[i] + SHRINK * left * run->covariance[i];
    idem_leak_normal_set(&t->with, run->dims, mean, cov);
}

/* What the word does to the mean of the counts that leave. */
static void learn_shift(struct trial *t)
{
    const struct run *run = t->run;
    const double share = (double)t->need.strokes / run->o->keys;
    const double kept = 1 - run->side[OWN].world->defence.thin;
    for (uint32_t i = 0; i < run->dims; i++) {
        t->shift[i] = -share * run->mean[i];
        for (uint32_t k = 0; k < t->need.cells; k++)
            if (t->need.cell[k] == run->cell[i])
                t->shift[i] += kept * t->need.n[k];
    }
}

static double poisson(const struct trial *t, const float *n)
{
    double score = 0;
    for (uint32_t i = 0; i < t->need.cells; i++)
        for (uint32_t k = 0; k < t->need.n[i]; k++) {
            double left = (double)n[t->need.cell[i]] - k;
            if (left <= 0)
                return NEVER;
            score += log(left / (double)t->run->rate[t->need.cell[i]]);
        }
    return score;
}

static double sums(const struct trial *t, const struct idem_leak_lens *lens, const double *z)
{
    const uint32_t dims = t->run->dims;
    double score = 0;
    for (uint32_t i = 0; i < dims; i++) {
        double turned = 0;
        for (uint32_t j = 0; j < dims; j++)
            turned += lens->gain[i * dims + j] * t->shift[j];
        score += t->shift[i] * (z[i] - 0.5 * turned);
    }
    return score;
}

/* A window as tests see it. */
struct sight {
    const struct idem_leak_lens *lens;
    const float *n;
    const double *row, *seen;
};

static struct sight sight_planted(const struct trial *t, int which, uint32_t i)
{
    const struct planted *p = &t->planted[which];
    const struct side *s = &t->run->side[which];
    return (struct sight){s->lens ? &s->lens[p->person[i]] : NULL,
                          p->counts + (size_t)i * t->run->cells, p->row + (size_t)i * t->run->dims,
                          p->seen + (size_t)i * t->run->dims};
}

static struct sight sight_natural(const struct trial *t, int which, uint32_t i)
{
    const struct side *s = &t->run->side[which];
    return (struct sight){s->lens ? &s->lens[s->person[i]] : NULL,
                          s->counts + (size_t)i * t->run->cells, s->row + (size_t)i * t->run->dims,
                          s->seen ? s->seen + (size_t)i * t->run->dims : NULL};
}

static double score_of(const struct trial *t, enum idem_leak_test test, struct sight w)
{
    const bool exact = undefended(&t->run->side[OWN].world->defence);
    switch (test) {
    case IDEM_LEAK_ACCEPT:
        return idem_leak_holds(w.n, &t->need) ? 0 : NEVER;
    case IDEM_LEAK_POISSON:
        return poisson(t, w.n);
    case IDEM_LEAK_NORMAL:
    case IDEM_LEAK_GUESSED:
        if (exact && !idem_leak_holds(w.n, &t->need))
            return NEVER;
        return idem_leak_normal_log(&t->with, w.row) -
               idem_leak_normal_log(&t->run->natural, w.row);
    default:
        return sums(t, w.lens, w.seen);
    }
}

static bool usable(const struct run *run, enum idem_leak_test test)
{
    const struct idem_leak_defence *d = &run->side[OWN].world->defence;
    if (run->o->tests && !(run->o->tests & 1u << test))
        return false;
    if (test >= IDEM_LEAK_SUMS || idem_leak_uncounted(d))
        return test >= IDEM_LEAK_SUMS && idem_leak_uncounted(d);
    return test == IDEM_LEAK_NORMAL || undefended(d);
}

/* Does the natural window hold the word after all? */
static bool typed_in(const struct side *s, uint32_t window, uint32_t keys, const uint8_t *code,
                     uint32_t len)
{
    const struct idem_stroke *strokes =
        s->world->people[s->person[window]].strokes + s->first[window];
    uint32_t matched = 0;
    for (uint32_t i = 0; i < keys; i++) {
        matched = strokes[i].code == code[matched] ? matched + 1 : strokes[i].code == code[0];
        if (matched == len)
            return true;
    }
    return false;
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x > y ? -1 : x < y;
}

/* The threshold that passes half of the attacker's own planted windows, of those not learned from.
 */
static double threshold(struct trial *t, enum idem_leak_test test)
{
    const uint32_t count = t->planted[OWN].count - t->fitted;
    for (uint32_t i = 0; i < count; i++)
        t->score[i] = score_of(t, test, sight_planted(t, OWN, t->fitted + i));
    qsort(t->score, count, sizeof *t->score, descending);
    double cut = t->score[count / 2];
    return cut > NEVER / 2 ? cut : NEVER / 2; /* what cannot hold the word never passes */
}

static struct idem_leak_ratio rate(const struct trial *t, enum idem_leak_test test, double cut,
                                   int which)
{
    const struct planted *p = &t->planted[which];
    const struct side *s = &t->run->side[which];
    const uint32_t from = which == OWN ? t->fitted : 0;
    uint32_t hits = 0, passes = 0, without = 0;
    for (uint32_t i = from; i < p->count; i++)
        hits += score_of(t, test, sight_planted(t, which, i)) >= cut;
    for (uint32_t i = 0; i < s->count; i++) {
        if (typed_in(s, i, t->run->o->keys, t->code, t->need.strokes - 1))
            continue;
        without++;
        passes += score_of(t, test, sight_natural(t, which, i)) >= cut;
    }
    return idem_leak_ratio_of(hits, p->count - from, passes, without ? without : 1);
}

static void test_word(struct trial *t, struct idem_leak_presence *out)
{
    double best = 0;
    t->fitted = t->planted[OWN].count * 2 / 3;
    learn_planted(t);
    learn_shift(t);
    for (int k = 0; k < IDEM_LEAK_TESTS; k++) {
        enum idem_leak_test test = (enum idem_leak_test)k;
        if (!usable(t->run, test))
            continue;
        double cut = threshold(t, test);
        double own = rate(t, test, cut, OWN).lr;
        if (test == IDEM_LEAK_ACCEPT)
            out->accept = rate(t, test, cut, ATTACKED);
        if (own <= best && best > 0)
            continue;
        best = own;
        out->test = test;
        out->best = rate(t, test, cut, ATTACKED);
    }
    out->tested = true;
}

static void one_word(void *arg, int i)
{
    struct run *run = arg;
    struct idem_leak_presence *out = &run->out[i];
    struct trial *t = calloc(1, sizeof *t);
    const uint64_t seed = run->o->seed * 1000003 + (uint64_t)i * 2 + 11;
    *out = (struct idem_leak_presence){.word = run->words[i]};
    int r = t ? 0 : IDEM_ERR_NOMEM;
    if (r == 0) {
        t->run = run;
        idem_leak_need_of(run->side[OWN].world, &out->word, &t->need);
        for (uint32_t k = 0; k < out->word.len; k++)
            t->code[k] = idem_leak_code(idem_leak_symbol_of(out->word.text[k]));
        t->score = malloc(run->o->planted * sizeof *t->score);
        r = t->score ? plant(t, &out->word, OWN, seed) : IDEM_ERR_NOMEM;
    }
    if (r == 0)
        r = plant(t, &out->word, ATTACKED, seed + 1);
    if (r == 0)
        test_word(t, out);
    if (r < 0 && r != IDEM_ERR_TOO_LITTLE)
        __atomic_store_n(&run->err, r, __ATOMIC_RELAXED);
    for (int k = 0; t && k < 2; k++) {
        free(t->planted[k].person);
        free(t->planted[k].counts);
        free(t->planted[k].row);
        free(t->planted[k].seen);
    }
    free(t ? t->score : NULL);
    free(t);
}

/* The density of guesses; the means of true counts stay what the sums' test needs. */
static void learn_guessed(struct run *run)
{
    double mean[D];
    const struct side *s = &run->side[OWN];
    idem_leak_moments(s->row, s->count, run->dims, mean, run->covariance);
    idem_leak_normal_set(&run->natural, run->dims, mean, run->covariance);
}

static void side_fini(struct side *s)
{
    for (uint32_t p = 0; s->lens && p < s->world->count; p++)
        idem_leak_lens_fini(&s->lens[p]);
    free(s->lens);
    free(s->person);
    free(s->first);
    free(s->counts);
    free(s->row);
    free(s->seen);
}

int idem_leak_presence_run(const struct idem_leak_world *own,
                           const struct idem_leak_world *attacked,
                           const struct idem_leak_word *words, uint32_t count,
                           const struct idem_leak_presence_options *options,
                           struct idem_leak_presence *out)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return IDEM_ERR_NOMEM;
    run->o = options;
    run->words = words;
    run->out = out;
    run->cells = own->front->cells;
    run->side[OWN].world = own;
    run->side[ATTACKED].world = attacked;
    int r = learn_counts(run, own);
    for (int k = 0; k < 2 && r == 0; k++) {
        const uint64_t seed = options->seed + 100 + (uint64_t)k;
        if ((r = side_windows(run, &run->side[k], seed)) == 0 &&
            (r = side_rows(run, &run->side[k])) == 0 && idem_leak_uncounted(&own->defence))
            r = side_lenses(run, &run->side[k], seed);
    }
    if (r == 0 && idem_leak_uncounted(&own->defence))
        learn_guessed(run);
    if (r == 0)
        idem_parallel(one_word, run, (int)count);
    if (r == 0)
        r = run->err;
    side_fini(&run->side[OWN]);
    side_fini(&run->side[ATTACKED]);
    free(run->rate);
    free(run);
    return r;
}
