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
#include "model/linalg.h"

enum { D = IDEM_LEAK_DIMS, K = IDEM_CONTRASTS, OWN = 0, ATTACKED = 1, OTHER = 2 };
#define NEVER (-1e30)
/* Of a planted covariance, learned from few windows, so much is taken from the natural one. */
#define SHRINK 0.3

/* One side's natural windows. */
struct side {
    const struct idem_leak_world *world;
    uint32_t count;
    uint32_t *person, *first;
    float *counts; /* [count][cells] */
    double *row;   /* [count][dims]: counts of the chosen cells */
    float *odd;    /* [count][dims][K]: their contrasts less what the profile expects */
};

struct run {
    const struct idem_leak_presence_options *o;
    const struct idem_leak_word *words; /* [count] */
    uint32_t count;
    struct idem_leak_presence *out;
    struct side side[2];
    uint32_t cells, dims;
    uint16_t cell[D];
    double covariance[D * (D + 1) / 2];
    struct idem_leak_normal natural;
    double *spread; /* packed factor of the covariance of `odd` in natural windows */
    float *rate;    /* [cells] mean count */
    int err;        /* of any word; written by whoever fails */
};

const char *idem_leak_test_name(enum idem_leak_test test)
{
    static const char *const names[] = {"accept", "poisson", "normal", "timed"};
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

static void pick_odd(const struct run *run, const struct idem_leak_person *p, const float *stats,
                     float *odd)
{
    for (uint32_t i = 0; i < run->dims; i++)
        for (uint32_t k = 0; k < K; k++) {
            size_t at = (size_t)run->cell[i] * K + k;
            odd[i * K + k] = stats[run->cells + at] - stats[run->cell[i]] * p->mean[at];
        }
}

static void pick(const struct run *run, const float *counts, double *row)
{
    for (uint32_t i = 0; i < run->dims; i++)
        row[i] = (double)counts[run->cell[i]];
}

/* The windows once more, now that the cells are chosen. */
static int side_rows(struct run *run, struct side *s, uint64_t seed)
{
    float *stats = malloc(idem_leak_len(s->world) * sizeof *stats);
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    s->row = malloc((size_t)s->count * run->dims * sizeof *s->row);
    s->odd = malloc((size_t)s->count * run->dims * K * sizeof *s->odd);
    int r = stats && s->row && s->odd ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < s->count && r == 0; i++) {
        idem_leak_window(s->world, s->person[i], s->first[i], run->o->keys, &rng, stats);
        memcpy(s->counts + (size_t)i * run->cells, stats, run->cells * sizeof *stats);
        pick(run, stats, s->row + (size_t)i * run->dims);
        pick_odd(run, &s->world->people[s->person[i]], stats, s->odd + (size_t)i * run->dims * K);
    }
    free(stats);
    return r;
}

/* The covariance of what the profile does not expect, around nought. */
static int learn_spread(struct run *run, const struct side *s)
{
    const uint32_t all = run->dims * K;
    double *c = run->spread = calloc((size_t)all * (all + 1) / 2, sizeof *c);
    if (!c)
        return IDEM_ERR_NOMEM;
    for (uint32_t w = 0; w < s->count; w++) {
        const float *x = s->odd + (size_t)w * all;
        for (uint32_t i = 0; i < all; i++) {
            double *row = c + (size_t)i * (i + 1) / 2;
            for (uint32_t j = 0; x[i] != 0 && j <= i; j++)
                row[j] += (double)x[i] * (double)x[j];
        }
    }
    for (uint32_t i = 0; i < all; i++)
        for (uint32_t j = 0; j <= i; j++) {
            double *v = &c[(size_t)i * (i + 1) / 2 + j];
            *v = i == j ? 1.1 * *v / s->count + 0.01 : *v / s->count;
        }
    idem_packed_factor(all, c);
    return 0;
}

/* What the attacker knows of windows without any word in particular. */
static int learn_natural(struct run *run)
{
    int r = 0;
    for (int k = 0; k < 2 && r == 0; k++) {
        struct side *s = &run->side[k];
        if ((r = side_windows(run, s, run->o->seed + 100 + (uint64_t)k)) == 0 && k == OWN)
            r = choose_cells(run, s);
        if (r == 0)
            r = side_rows(run, s, run->o->seed + 200 + (uint64_t)k);
    }
    if (r == 0) {
        const struct side *s = &run->side[OWN];
        double mean[D];
        idem_leak_moments(s->row, s->count, run->dims, mean, run->covariance);
        idem_leak_normal_set(&run->natural, run->dims, mean, run->covariance);
        r = learn_spread(run, s);
    }
    return r;
}

/* ------------------------------------------------------------------ one word */

/* What one word is tested with. */
struct trial {
    const struct run *run;
    struct idem_leak_need need;
    uint8_t code[IDEM_LEAK_WORD_MAX];
    struct idem_leak_normal with;
    double lean[D * K]; /* the linear test of `odd` */
    double midway;      /* its value half way between with and without */
    uint32_t fitted;    /* the first of the own planted windows teach, the others set thresholds */
    struct planted {
        uint32_t count;
        float *counts, *odd;
        double *row;
    } planted[3];  /* own, attacked, attacked with another word */
    double *score; /* room for one test's scores */
};

static const struct side *side_of(const struct run *run, int which)
{
    return &run->side[which == OWN ? OWN : ATTACKED];
}

static int plant(struct trial *t, const struct idem_leak_word *word, int which, uint64_t seed)
{
    const struct run *run = t->run;
    const struct side *s = side_of(run, which);
    struct planted *p = &t->planted[which];
    float *stats = malloc(idem_leak_len(s->world) * sizeof *stats);
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    p->counts = calloc((size_t)run->o->planted * run->cells, sizeof *p->counts);
    p->row = calloc((size_t)run->o->planted * run->dims, sizeof *p->row);
    p->odd = calloc((size_t)run->o->planted * run->dims, K * sizeof *p->odd);
    int r = stats && p->counts && p->row && p->odd ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < run->o->planted && r == 0; i++) {
        uint32_t who = i % s->world->count;
        if (idem_leak_planted(s->world, who, word, run->o->keys, run->o->straddle, &rng, stats) < 0)
            continue;
        memcpy(p->counts + (size_t)p->count * run->cells, stats, run->cells * sizeof *stats);
        pick_odd(run, &s->world->people[who], stats, p->odd + (size_t)p->count * run->dims * K);
        pick(run, stats, p->row + (size_t)p->count++ * run->dims);
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

/* Mean differences of few windows are mostly noise in directions that do not matter: shrunk. */
static void learn_lean(struct trial *t)
{
    const uint32_t all = t->run->dims * K;
    double shift[D * K] = {0};
    for (uint32_t w = 0; w < t->fitted; w++)
        for (uint32_t i = 0; i < all; i++)
            shift[i] += (double)t->planted[OWN].odd[(size_t)w * all + i] / t->fitted;
    memcpy(t->lean, shift, all * sizeof *shift);
    idem_packed_solve(all, t->run->spread, t->lean);
    double square = 0;
    for (uint32_t i = 0; i < all; i++)
        square += t->lean[i] * shift[i];
    /* the mean of so many windows has a square of all / fitted by chance */
    double chance = (double)all / t->fitted, kept = square > chance ? 1 - chance / square : 0;
    for (uint32_t i = 0; i < all; i++)
        t->lean[i] *= kept;
    t->midway = 0.5 * kept * kept * square;
}

static double times(const struct trial *t, const float *odd)
{
    const uint32_t all = t->run->dims * K;
    double sum = -t->midway;
    for (uint32_t i = 0; i < all; i++)
        sum += t->lean[i] * (double)odd[i];
    return sum;
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

/* A window as tests see it. */
struct sight {
    const float *n, *odd;
    const double *row;
};

static struct sight sight_planted(const struct trial *t, int which, uint32_t i)
{
    const struct planted *p = &t->planted[which];
    return (struct sight){p->counts + (size_t)i * t->run->cells,
                          p->odd + (size_t)i * t->run->dims * K, p->row + (size_t)i * t->run->dims};
}

static struct sight sight_natural(const struct trial *t, int which, uint32_t i)
{
    const struct side *s = side_of(t->run, which);
    return (struct sight){s->counts + (size_t)i * t->run->cells,
                          s->odd + (size_t)i * t->run->dims * K, s->row + (size_t)i * t->run->dims};
}

static double score_of(const struct trial *t, enum idem_leak_test test, struct sight w)
{
    if (test == IDEM_LEAK_ACCEPT)
        return idem_leak_holds(w.n, &t->need) ? 0 : NEVER;
    if (test == IDEM_LEAK_POISSON)
        return poisson(t, w.n);
    if (idem_leak_undefended(&t->run->side[OWN].world->defence) && !idem_leak_holds(w.n, &t->need))
        return NEVER;
    return idem_leak_normal_log(&t->with, w.row) - idem_leak_normal_log(&t->run->natural, w.row) +
           (test == IDEM_LEAK_TIMED ? times(t, w.odd) : 0);
}

/* Only the densities expect strokes that are missing. */
static bool usable(const struct run *run, enum idem_leak_test test)
{
    if (run->o->tests && !(run->o->tests & 1u << test))
        return false;
    return test >= IDEM_LEAK_NORMAL || idem_leak_undefended(&run->side[OWN].world->defence);
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
    const struct side *s = side_of(t->run, which);
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
    learn_lean(t);
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
        out->other = (struct idem_leak_ratio){0};
        if (t->planted[OTHER].count > 0)
            out->other = rate(t, test, cut, OTHER);
    }
    out->tested = true;
}

/* The next word of as many letters in the list; NULL when there is none. */
static const struct idem_leak_word *other_word(const struct run *run, uint32_t i)
{
    for (uint32_t k = 1; k < run->count; k++) {
        const struct idem_leak_word *w = &run->words[(i + k) % run->count];
        if (w->len == run->words[i].len)
            return w;
    }
    return NULL;
}

static void one_word(void *arg, int i)
{
    struct run *run = arg;
    struct idem_leak_presence *out = &run->out[i];
    struct trial *t = calloc(1, sizeof *t);
    const uint64_t seed = run->o->seed * 1000003 + (uint64_t)i * 3 + 11;
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
    if (r == 0 && other_word(run, (uint32_t)i))
        r = plant(t, other_word(run, (uint32_t)i), OTHER, seed + 2);
    if (r == 0)
        test_word(t, out);
    if (r < 0 && r != IDEM_ERR_TOO_LITTLE)
        __atomic_store_n(&run->err, r, __ATOMIC_RELAXED);
    for (int k = 0; t && k <= OTHER; k++) {
        free(t->planted[k].counts);
        free(t->planted[k].row);
        free(t->planted[k].odd);
    }
    free(t ? t->score : NULL);
    free(t);
}

static void side_fini(struct side *s)
{
    free(s->person);
    free(s->first);
    free(s->counts);
    free(s->row);
    free(s->odd);
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
    run->count = count;
    run->out = out;
    run->cells = own->front->cells;
    run->side[OWN].world = own;
    run->side[ATTACKED].world = attacked;
    int r = learn_natural(run);
    if (r == 0)
        idem_parallel(one_word, run, (int)count);
    if (r == 0)
        r = run->err;
    side_fini(&run->side[OWN]);
    side_fini(&run->side[ATTACKED]);
    free(run->rate);
    free(run->spread);
    free(run);
    return r;
}
