/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posterior.c - see posterior.h. Single scores are in posterior_scores.c.
 */
#include "eval/posterior.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "eval/parallel.h"
#include "eval/posterior_parts.h"

/* ------------------------------------------------------------------ a row's figures */

/* Sorted by score: bins with equal shares of the weight, both kinds weighing the same. */
static void reliability(const struct idem_results *r, struct idem_posterior_row *row)
{
    const double weight[2] = {1.0 / (double)row->impostor, 1.0 / (double)row->genuine};
    double sum[2] = {0, 0}, claimed = 0, passed = 0;
    int bin = 0;
    for (size_t i = 0; i < r->count && bin < IDEM_POSTERIOR_BINS; i++) {
        const bool genuine = r->list[i].genuine;
        sum[genuine] += weight[genuine];
        claimed += weight[genuine] * r->list[i].score;
        passed += weight[genuine];
        if (passed < 2.0 * (bin + 1) / IDEM_POSTERIOR_BINS - 1e-12 && i + 1 < r->count)
            continue;
        row->claimed[bin] = claimed / (sum[0] + sum[1]);
        row->seen[bin] = sum[0] > 0 && sum[1] > 0 ? log(sum[1] / sum[0]) : NAN;
        bin++;
        sum[0] = sum[1] = claimed = 0;
    }
    for (; bin < IDEM_POSTERIOR_BINS; bin++)
        row->claimed[bin] = row->seen[bin] = NAN;
}

int idem_posterior_measure(struct idem_results *results, struct idem_posterior_row *row)
{
    struct idem_evaluation e;
    int r = idem_evaluate(results, &e);
    if (r != 0)
        return r;
    row->genuine = e.genuine;
    row->impostor = e.impostor;
    row->cllr = e.figures.cllr;
    row->cllr_low = e.low.cllr;
    row->cllr_high = e.high.cllr;
    row->cllr_min = e.cllr_min;
    row->eer = e.figures.eer_global;
    reliability(results, row);
    return 0;
}

uint32_t idem_posterior_stranger(const struct idem_cast *cast, uint32_t owner,
                                 bool (*able)(const void *arg, uint32_t person), const void *arg,
                                 struct idem_rng *rng)
{
    uint32_t others = 0;
    for (uint32_t p = 0; p < cast->count; p++)
        others += idem_cast_strangers(cast, owner, p) && able(arg, p);
    uint32_t at = others ? idem_rng_below(rng, others) : 0;
    for (uint32_t p = 0; p < cast->count && others; p++)
        if (idem_cast_strangers(cast, owner, p) && able(arg, p) && at-- == 0)
            return p;
    return UINT32_MAX;
}

/* ------------------------------------------------------------------ the filter */

struct filter {
    const struct idem_cast *cast;
    const struct idem_posterior_options *o;
    struct idem_seat_options seen; /* profiles and windows of the row under way */
    struct idem_seat *seats;
    uint32_t *able, able_count; /* people who enrolled */
    struct idem_posterior_row *row;
    struct idem_results results;
    atomic_int err;
};

static bool has_seat(const void *arg, uint32_t person)
{
    const struct filter *f = arg;
    return f->seats[person].count > 0;
}

static void seat_job(void *arg, int i)
{
    struct filter *f = arg;
    int r = idem_seat_new(f->cast, (uint32_t)i, &f->o->seat, &f->seats[i]);
    if (r == IDEM_ERR_TOO_LITTLE)
        f->seats[i] = (struct idem_seat){.person = (uint32_t)i};
    else if (r != 0)
        atomic_store(&f->err, r);
}

/* A window to begin with, uniform over those that leave room for `windows`. False: none does. */
static bool draw_start(const struct idem_seat *seat, uint32_t windows, struct idem_rng *rng,
                       uint32_t *session, uint32_t *first)
{
    uint32_t total = 0;
    for (uint32_t s = 0; s < seat->count; s++)
        total += idem_seat_windows(&seat->sessions[s]) >= windows
                     ? idem_seat_windows(&seat->sessions[s]) - windows + 1
                     : 0;
    if (total == 0)
        return false;
    uint32_t at = idem_rng_below(rng, total);
    for (uint32_t s = 0; s < seat->count; s++) {
        uint32_t has = idem_seat_windows(&seat->sessions[s]);
        uint32_t here = has >= windows ? has - windows + 1 : 0;
        if (at < here) {
            *session = s;
            *first = seat->sessions[s].first + at;
            return true;
        }
        at -= here;
    }
    return false;
}

/* One fresh session of `who` against the owner's profiles. */
static int play(const struct filter *f, const struct idem_seat *owner, const struct idem_seat *who,
                struct idem_rng *rng, double *llr, bool *there)
{
    const bool timed = f->row->table == IDEM_POSTERIOR_FUSION;
    struct idem_seat_watch watch;
    uint32_t session, first, played = 0;
    double unused;
    *there = draw_start(who, timed ? 1 : f->row->probe, rng, &session, &first);
    if (!*there)
        return 0;
    const struct idem_reel_windows *w = &who->sessions[session].windows;
    const struct idem_seat_session *s = &who->sessions[session];
    const int64_t start = first > s->first ? w->list[first - 1].t_us : s->start_us;
    const double start_s = first > s->first ? w->list[first - 1].active_s : s->start_s;
    int r = idem_seat_watch_new(f->cast, owner, &f->seen, &watch);
    if (r == 0)
        r = idem_seat_watch_start(&watch, f->cast, owner, start);
    int64_t now = start;
    for (uint32_t i = first; i < w->count && r == 0; i++, played++) {
        if (timed ? w->list[i].active_s - start_s > f->row->probe : played >= f->row->probe)
            break;
        now = w->list[i].t_us;
        r = idem_seat_watch_step(&watch, &w->list[i], &unused);
    }
    if (r == 0)
        *llr = idem_log_odds(idem_trust_read(watch.trust, now).p_owner) -
               idem_log_odds(f->seen.params.prior);
    idem_seat_watch_free(&watch);
    return r;
}

/* Trials 2i and 2i + 1: the owner, and a stranger. */
static void trial_job(void *arg, int i)
{
    struct filter *f = arg;
    struct idem_result *pair = &f->results.list[2 * (size_t)i];
    const uint32_t owner = f->able[(uint32_t)i % f->able_count];
    struct idem_rng rng;
    bool there = true, both = true;
    double llr = 0;
    idem_rng_seed(&rng, f->o->seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)i);
    uint32_t stranger = idem_posterior_stranger(f->cast, owner, has_seat, f, &rng);
    for (int k = 0; k < 2 && both; k++) {
        uint32_t who = k == 0 ? owner : stranger;
        int r =
            who == UINT32_MAX ? 0 : play(f, &f->seats[owner], &f->seats[who], &rng, &llr, &there);
        if (r != 0)
            atomic_store(&f->err, r);
        both = r == 0 && there && who != UINT32_MAX;
        pair[k] = (struct idem_result){
            .score = llr, .user = owner, .other = who & IDEM_NOBODY, .genuine = k == 0};
    }
    if (!both)
        pair[0].other = pair[1].other = IDEM_NOBODY; /* taken out below */
}

static int run_row(struct filter *f)
{
    size_t kept = 0;
    idem_parallel(trial_job, f, (int)f->o->trials);
    int r = atomic_load(&f->err);
    for (size_t i = 0; i < 2 * (size_t)f->o->trials; i++)
        if (f->results.list[i].other != IDEM_NOBODY)
            f->results.list[kept++] = f->results.list[i];
    f->results.count = kept;
    return r == 0 ? idem_posterior_measure(&f->results, f->row) : r;
}

int idem_posterior_add(struct idem_posterior *out, const struct idem_posterior_row *row, int r)
{
    if (r == IDEM_ERR_TOO_LITTLE)
        return 0; /* nobody recorded enough for this one */
    if (r == 0 && out->count == IDEM_POSTERIOR_ROWS)
        return IDEM_ERR_LIMIT;
    if (r == 0)
        out->rows[out->count++] = *row;
    return r;
}

static int filter_rows(struct filter *f, struct idem_posterior *out)
{
    static const uint32_t windows[] = {1, 5, 20};
    int r = 0;
    f->seen = f->o->seat;
    for (size_t i = 0; i < sizeof windows / sizeof *windows && r == 0; i++) {
        struct idem_posterior_row row = {.table = IDEM_POSTERIOR_FILTER,
                                         .name = "filter",
                                         .probe = windows[i],
                                         .sufficient = true};
        f->row = &row;
        r = idem_posterior_add(out, &row, run_row(f));
    }
    return r;
}

static int fusion_rows(struct filter *f, struct idem_posterior *out)
{
    static const uint32_t seconds[] = {30, 60, 120};
    static const struct {
        const char *name;
        bool use[IDEM_MODALITIES];
    } seen[] = {{"both", {true, true}}, {"keyboard", {true, false}}, {"pointer", {false, true}}};
    int r = 0;
    for (size_t t = 0; t < sizeof seconds / sizeof *seconds; t++)
        for (size_t i = 0; i < sizeof seen / sizeof *seen && r == 0; i++) {
            struct idem_posterior_row row = {.table = IDEM_POSTERIOR_FUSION,
                                             .name = seen[i].name,
                                             .probe = seconds[t],
                                             .sufficient = true};
            memcpy(f->seen.use, seen[i].use, sizeof seen[i].use);
            f->row = &row;
            r = idem_posterior_add(out, &row, run_row(f));
        }
    return r;
}

static int make_seats(struct filter *f)
{
    f->seats = calloc(f->cast->count + 1, sizeof *f->seats);
    f->able = calloc(f->cast->count + 1, sizeof *f->able);
    f->results.list = calloc(2 * (size_t)f->o->trials + 1, sizeof *f->results.list);
    f->results.people = f->cast->count;
    if (!f->seats || !f->able || !f->results.list)
        return IDEM_ERR_NOMEM;
    idem_parallel(seat_job, f, (int)f->cast->count);
    for (uint32_t p = 0; p < f->cast->count; p++)
        if (f->seats[p].count > 0)
            f->able[f->able_count++] = p;
    int r = atomic_load(&f->err);
    return r == 0 && f->able_count < 2 ? IDEM_ERR_TOO_LITTLE : r;
}

int idem_posterior_run(const struct idem_cast *cast, const struct idem_posterior_options *options,
                       struct idem_posterior *out)
{
    struct idem_posterior found = {.count = 0};
    struct filter f = {.cast = cast, .o = options};
    int r = idem_posterior_scores(cast, options, &found);
    if (r == 0)
        r = make_seats(&f);
    found.people = f.able_count;
    if (r == 0)
        r = filter_rows(&f, &found);
    if (r == 0 && cast->has[IDEM_KEYBOARD] && cast->has[IDEM_POINTER])
        r = fusion_rows(&f, &found);
    for (uint32_t p = 0; p < cast->count && f.seats; p++)
        idem_seat_free(&f.seats[p]);
    free(f.seats);
    free(f.able);
    free(f.results.list);
    if (r == 0)
        *out = found;
    return r;
}
