/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replays.c - the protocol of replays.h: everybody's honest windows first, which fills the
 * organisation's table, then the attacks. People are played on all cores; nothing depends on how
 * many, but for who of two with the same window is told.
 */
#include "eval/replays.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/parallel.h"
#include "eval/reel.h"
#include "model/seen.h"

enum { SEEN_BITS = 22, ENROL_WINDOWS = 4 };

static const uint8_t key[IDEM_SIPHASH_KEY] = "an evaluation's";

/* One person's windows, and what they became. */
struct player {
    struct idem_typing typing;
    struct idem_window **windows;
    uint32_t count;
    float *profile; /* flat */
    struct idem_replays_count honest[IDEM_HONESTS], attacks[IDEM_ATTACKS_MAX];
    int err;
};

struct stage {
    const struct idem_replays_options *o;
    const struct idem_front *front;
    enum idem_modality modality;
    struct idem_imprinter *imprinter;
    struct idem_even *even; /* keyboard */
    struct idem_seen *seen[IDEM_HONESTS];
    struct player *players;
    float *population; /* flat */
    uint32_t done;
};

/* What a server asks of one window; the sketch is not changed. */
struct asking {
    const struct stage *stage;
    struct idem_sketcher *sketcher;
    struct idem_imprint imprint;
};

static size_t flat(const struct stage *s)
{
    return idem_shape_len(idem_front_shape(s->front, s->modality));
}

/* ------------------------------------------------------------------ one window */

static enum idem_replays_check of_form(const struct asking *a, const struct idem_window *w)
{
    static const enum idem_replays_check checks[] = {IDEM_CHECKS, IDEM_CHECK_BENT,
                                                     IDEM_CHECK_WHOLES, IDEM_CHECK_LOOSE};
    struct idem_form form;
    if (a->stage->modality != IDEM_KEYBOARD)
        return IDEM_CHECKS;
    idem_form_read(a->stage->front, w, &form);
    return checks[idem_form_fault(&form)];
}

static bool is_too_even(const struct idem_even *even, const float *profile,
                        const struct idem_window *w, double *least)
{
    const struct idem_even_sums sums = idem_even_weigh(even, profile, w);
    const double ratio = sums.count >= IDEM_EVEN_SUMS ? sums.found / sums.expected : INFINITY;
    if (*least == 0 || ratio < *least)
        *least = ratio;
    return idem_even_is_too(&sums);
}

static void ask(struct asking *a, const struct idem_sketch *sketch, const struct idem_seen *seen,
                const float *profile, const struct idem_window *w, struct idem_replays_count *count)
{
    static const enum idem_replays_check checks[] = {
        IDEM_CHECKS, IDEM_CHECK_WHOLE, IDEM_CHECK_PARTS, IDEM_CHECK_NEAR, IDEM_CHECK_SHIFTED};
    struct idem_sketch_match match;
    bool by[IDEM_CHECKS + 1] = {false};

    idem_imprint_make(a->stage->imprinter, w, &a->imprint);
    idem_sketch_compare(a->sketcher, sketch, w, &a->imprint, &match);
    by[checks[match.how]] = true;
    by[of_form(a, w)] = true;
    by[IDEM_CHECK_EVEN] = profile && is_too_even(a->stage->even, profile, w, &count->even);
    by[IDEM_CHECK_SEEN] = idem_seen_has(seen, a->imprint.whole) && match.how == IDEM_RESENT_NOT;
    bool found = false;
    for (int i = 0; i < IDEM_CHECKS; i++) {
        count->by[i] += by[i];
        found = found || by[i];
    }
    count->windows++;
    count->found += found;
    count->same_text += match.same_text > 0;
    if (match.nearest < count->nearest || count->nearest == 0)
        count->nearest = match.nearest;
    if (match.shifted < count->shifted || count->shifted == 0)
        count->shifted = match.shifted;
}

/* ------------------------------------------------------------------ honest */

/* The windows of a person's strokes, each remembered after it was asked about. */
static int play_honest(const struct stage *s, struct idem_window *const *windows, uint32_t count,
                       enum idem_replays_honest which, struct player *p)
{
    struct asking a = {.stage = s};
    struct idem_sketch sketch = {0};
    float *profile = calloc(flat(s), sizeof *profile);
    int r = profile ? idem_sketcher_new(s->front, s->modality, s->imprinter, &a.sketcher)
                    : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < count && r == 0; i++) {
        const bool known = s->even && i >= ENROL_WINDOWS;
        ask(&a, &sketch, s->seen[which], known ? profile : NULL, windows[i], &p->honest[which]);
        idem_window_add_to(windows[i], 1, profile);
        idem_seen_put(s->seen[which], a.imprint.whole);
        r = idem_sketch_add(&sketch, &a.imprint);
    }
    free(profile);
    idem_sketch_fini(&sketch);
    idem_sketcher_free(a.sketcher);
    return r;
}

static int play_variant(const struct stage *s, uint32_t person, enum idem_replays_honest which,
                        struct player *p)
{
    static const int64_t ticks[IDEM_HONESTS] = {1, 1, 15600, 100000};
    struct idem_typing typing;
    struct idem_window **windows = NULL;
    uint32_t count = 0;
    int r = idem_typing_of_person(s->front, s->o->recording, person, ticks[which], &typing);
    if (r != 0)
        return r;
    r = idem_typing_windows(s->front, &typing, s->o->strokes, which == IDEM_HONEST_PASSAGES,
                            &windows, &count);
    if (r == 0)
        r = play_honest(s, windows, count, which, p);
    idem_typing_windows_free(windows, count);
    idem_typing_fini(&typing);
    return r;
}

static int open_pointer(const struct stage *s, uint32_t person, struct player *p)
{
    const struct idem_reel_targets targets = {.gestures = s->o->strokes};
    struct idem_reels reels;
    int r = idem_reels_of_person(s->o->recording, person, &reels);
    for (uint32_t i = 0; r == 0 && i < reels.count; i++) {
        struct idem_reel_windows found = {0};
        r = idem_reel_collect(s->front, &targets, &reels.list[i], &found);
        struct idem_window **more =
            r == 0 ? realloc(p->windows, (p->count + found.count + 1) * sizeof *more) : NULL;
        for (uint32_t k = 0; more && k < found.count; k++) {
            more[p->count++] = found.list[k].window;
            found.list[k].window = NULL;
        }
        p->windows = more ? more : p->windows;
        r = r == 0 && !more ? IDEM_ERR_NOMEM : r;
        idem_reel_windows_free(&found);
    }
    idem_reels_free(&reels);
    return r;
}

static int open_player(const struct stage *s, uint32_t person, struct player *p)
{
    int r;
    if (s->modality == IDEM_POINTER) {
        r = open_pointer(s, person, p);
    } else {
        r = idem_typing_of_person(s->front, s->o->recording, person, 1, &p->typing);
        if (r == 0)
            r = idem_typing_windows(s->front, &p->typing, s->o->strokes, false, &p->windows,
                                    &p->count);
    }
    if (r == 0)
        r = play_honest(s, p->windows, p->count, IDEM_HONEST_RECORDED, p);
    for (int h = IDEM_HONEST_RECORDED + 1; r == 0 && h < IDEM_HONESTS; h++)
        if (s->modality == IDEM_KEYBOARD)
            r = play_variant(s, person, (enum idem_replays_honest)h, p);
    p->profile = r == 0 ? calloc(flat(s), sizeof *p->profile) : NULL;
    for (uint32_t i = 0; p->profile && i < p->count; i++)
        idem_window_add_to(p->windows[i], 1, p->profile);
    return r == 0 && !p->profile ? IDEM_ERR_NOMEM : r;
}

/* ------------------------------------------------------------------ attacks */

static int remember_all(const struct stage *s, const struct player *p, struct idem_sketch *sketch)
{
    int r = 0;
    for (uint32_t i = 0; i < p->count && r == 0; i++) {
        struct idem_imprint imprint;
        idem_imprint_make(s->imprinter, p->windows[i], &imprint);
        r = idem_sketch_add(sketch, &imprint);
    }
    return r;
}

static int attack(struct asking *a, struct idem_attacker *attacker, int which,
                  const struct idem_sketch *sketch, struct idem_window *w, struct player *p)
{
    static const struct idem_sketch nobody = {0};
    const struct stage *s = a->stage;
    const struct idem_attack *how = &idem_attacks[which];
    struct idem_replays_count *count = &p->attacks[which];
    if (p->count < how->needs || (s->modality == IDEM_POINTER && !how->pointer))
        return 0;
    for (uint32_t t = 0; t < s->o->trials; t++) {
        int r = how->make(attacker, how->by, w);
        if (r == IDEM_ERR_INVALID) {
            count->windows++;
            count->found++;
            count->by[IDEM_CHECK_REFUSED]++;
        } else if (r != 0) {
            return r;
        } else {
            ask(a, how->stranger ? &nobody : sketch, s->seen[IDEM_HONEST_RECORDED],
                how->stranger || !s->even ? NULL : p->profile, w, count);
        }
    }
    return 0;
}

static int play_attacks(const struct stage *s, uint32_t person, struct player *p)
{
    struct asking a = {.stage = s};
    struct idem_sketch sketch = {0};
    struct idem_window *w = NULL;
    struct idem_attacker attacker = {.front = s->front,
                                     .typing = &p->typing,
                                     .windows = p->windows,
                                     .count = p->count,
                                     .keys = s->o->strokes,
                                     .profile = p->profile,
                                     .population = s->population,
                                     .stats = malloc(flat(s) * sizeof(float)),
                                     .obs = malloc(4 * s->o->strokes * sizeof(struct idem_obs))};
    int r = attacker.stats && attacker.obs ? 0 : IDEM_ERR_NOMEM;
    idem_rng_seed(&attacker.rng, s->o->seed * 1000003 + person);
    if (r == 0)
        r = idem_window_new(s->front, s->modality, &w);
    if (r == 0)
        r = idem_sketcher_new(s->front, s->modality, s->imprinter, &a.sketcher);
    if (r == 0)
        r = remember_all(s, p, &sketch);
    for (int i = 0; i < idem_attack_count && r == 0; i++)
        r = attack(&a, &attacker, i, &sketch, w, p);
    idem_sketch_fini(&sketch);
    idem_sketcher_free(a.sketcher);
    idem_window_free(w);
    free(attacker.stats);
    free(attacker.obs);
    return r;
}

/* ------------------------------------------------------------------ everybody */

static void open_job(void *arg, int i)
{
    struct stage *s = arg;
    s->players[i].err = open_player(s, (uint32_t)i, &s->players[i]);
}

static void attack_job(void *arg, int i)
{
    struct stage *s = arg;
    struct player *p = &s->players[i];
    if (p->err == 0 && p->count > 0)
        p->err = play_attacks(s, (uint32_t)i, p);
}

static void add(const struct idem_replays_count *from, struct idem_replays_count *to)
{
    to->windows += from->windows;
    to->found += from->found;
    to->same_text += from->same_text;
    for (int i = 0; i < IDEM_CHECKS; i++)
        to->by[i] += from->by[i];
    if (from->windows > 0 && (to->nearest == 0 || from->nearest < to->nearest))
        to->nearest = from->nearest;
    if (from->windows > 0 && (to->shifted == 0 || from->shifted < to->shifted))
        to->shifted = from->shifted;
    if (from->even > 0 && (to->even == 0 || from->even < to->even))
        to->even = from->even;
}

static int collect(const struct stage *s, struct idem_replays *out)
{
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < s->o->recording->person_count; i++) {
        const struct player *p = &s->players[i];
        if (p->err != 0)
            return p->err;
        out->people += p->count > 0;
        for (int h = 0; h < IDEM_HONESTS; h++)
            add(&p->honest[h], &out->honest[h]);
        for (int k = 0; k < idem_attack_count; k++)
            add(&p->attacks[k], &out->attacks[k]);
        int r = idem_distances_add(p->windows, p->count, &out->distances);
        if (r != 0)
            return r;
    }
    return out->people > 0 ? 0 : IDEM_ERR_TOO_LITTLE;
}

static int open_stage(const struct idem_replays_options *o, struct stage *s)
{
    *s = (struct stage){.o = o, .front = o->population->front, .modality = o->recording->modality};
    if (idem_front_shape(s->front, s->modality).cells == 0)
        return IDEM_ERR_MISMATCH;
    s->players = calloc(o->recording->person_count, sizeof *s->players);
    s->population = calloc(flat(s), sizeof *s->population);
    int r = s->players && s->population ? 0 : IDEM_ERR_NOMEM;
    if (r == 0)
        r = idem_imprinter_new(s->front, s->modality, key, &s->imprinter);
    if (r == 0 && s->modality == IDEM_KEYBOARD)
        r = idem_even_new(s->front, &s->even);
    for (int h = 0; h < IDEM_HONESTS && r == 0; h++)
        r = idem_seen_new(SEEN_BITS, &s->seen[h]);
    return r;
}

static void close_stage(struct stage *s)
{
    for (uint32_t i = 0; s->players && i < s->o->recording->person_count; i++) {
        idem_typing_windows_free(s->players[i].windows, s->players[i].count);
        idem_typing_fini(&s->players[i].typing);
        free(s->players[i].profile);
    }
    for (int h = 0; h < IDEM_HONESTS; h++)
        idem_seen_free(s->seen[h]);
    idem_imprinter_free(s->imprinter);
    idem_even_free(s->even);
    free(s->population);
    free(s->players);
}

int idem_replays_run(const struct idem_replays_options *options, struct idem_replays *out)
{
    const int people = (int)options->recording->person_count;
    struct stage s = {.o = options};
    int r = idem_attack_count <= IDEM_ATTACKS_MAX ? open_stage(options, &s) : IDEM_ERR_LIMIT;
    if (r == 0) {
        idem_parallel(open_job, &s, people);
        for (int i = 0; i < people; i++)
            for (size_t k = 0; s.players[i].profile && k < flat(&s); k++)
                s.population[k] += s.players[i].profile[k];
        idem_parallel(attack_job, &s, people);
        r = collect(&s, out);
        if (r != 0)
            idem_replays_fini(out);
    }
    close_stage(&s);
    return r;
}

void idem_replays_fini(struct idem_replays *replays)
{
    idem_distances_fini(&replays->distances);
}
