/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lessons.c - see lessons.h.
 */
#include "eval/lessons.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "eval/hand.h"
#include "eval/robot.h"

enum {
    ROBOT_SESSIONS = 300,
    ROBOT_GESTURES = 5,
    HAND_SESSIONS = 1500,
    HAND_GESTURES = 12,
    VARIATIONS = 3,
    EVENTS = 65536, /* most of a made session */
};

/* Shares of a source on its side. */
static const double recorded_share = 1, robot_share = 0.7, varied_share = 4, hand_share = 10;

static const char made_hands[] = "hand";

/* How a session of a person is varied. */
struct variation {
    double zoom;
    int64_t period_us; /* 0: as it is */
    int lock;          /* 1: x stands still, 2: y */
    bool fractions;
};

uint32_t idem_lesson_fold(uint32_t session)
{
    return session % IDEM_LESSON_FOLDS;
}

static struct variation draw(struct idem_rng *rng, const struct idem_motion *motions,
                             uint32_t count)
{
    static const int64_t periods[] = {0, 0, 16000, 33000, 50000, 109000};
    struct variation v = {.zoom = exp(2.2 * idem_rng_uniform(rng) - 1.1),
                          .period_us = periods[idem_rng_below(rng, 6)],
                          .lock = (int)idem_rng_below(rng, 8)};
    for (uint32_t i = 0; i < count && !v.fractions; i++)
        v.fractions = motions[i].x != floorf(motions[i].x);
    return v;
}

static float place(const struct variation *v, float at)
{
    const float zoomed = at * (float)v->zoom;
    return v->fractions ? zoomed : roundf(zoomed);
}

/* Pieces of 4 to 43 events with pauses between. */
static uint32_t vary(const struct idem_motion *motions, uint32_t count, struct idem_rng *rng,
                     struct idem_motion *out, uint32_t cap)
{
    const struct variation v = draw(rng, motions, count);
    uint32_t n = 0, piece = 4 + idem_rng_below(rng, 40), in_piece = 0;
    int64_t shift = 0, next = INT64_MIN;
    for (uint32_t i = 0; i < count && n < cap; i++) {
        struct idem_motion e = motions[i];
        if (!(fabsf(e.x) < 60000) || !(fabsf(e.y) < 60000))
            continue;
        if (e.kind == IDEM_POINTER_MOVE && e.t_us < next)
            continue;
        next = v.period_us > 0 ? e.t_us + v.period_us : INT64_MIN;
        e.x = v.lock == 1 ? 100 : place(&v, e.x);
        e.y = v.lock == 2 ? 100 : place(&v, e.y);
        e.t_us += shift;
        out[n++] = e;
        if (++in_piece >= piece) {
            in_piece = 0;
            shift += 500000;
            piece = 4 + idem_rng_below(rng, 40);
            next = INT64_MIN;
        }
    }
    return n;
}

static int add_session(struct idem_movements *m, const struct idem_recording *rec, uint32_t index,
                       struct idem_motion *scratch, struct idem_rng *rng)
{
    const struct idem_session *s = &rec->sessions[index];
    const bool program = s->bot == IDEM_LABEL_OTHER;
    const struct idem_motion *motions = &rec->motions[s->first];
    if (s->bot == IDEM_LABEL_NONE)
        return 0;
    const uint32_t fold = idem_lesson_fold(index);
    int r = idem_movements_source(m, rec->people[s->person].name, program, recorded_share);
    if (r >= 0)
        r = idem_movements_play(m, (uint32_t)r, fold, motions, s->count);
    for (int i = 0; i < VARIATIONS && !program && r >= 0; i++) {
        const uint32_t count = vary(motions, s->count, rng, scratch, EVENTS);
        r = idem_movements_source(m, "varied", false, varied_share);
        if (r >= 0)
            r = idem_movements_play(m, (uint32_t)r, fold, scratch, count);
    }
    return r < 0 ? r : 0;
}

int idem_lessons_recorded(struct idem_movements *m, const struct idem_recording *rec)
{
    struct idem_rng rng;
    struct idem_motion *scratch = malloc(EVENTS * sizeof *scratch);
    int r = scratch ? 0 : IDEM_ERR_NOMEM;
    if (rec->modality != IDEM_POINTER)
        r = IDEM_ERR_MISMATCH;
    idem_rng_seed(&rng, 5);
    for (uint32_t i = 0; i < rec->session_count && r == 0; i++)
        r = add_session(m, rec, i, scratch, &rng);
    free(scratch);
    return r;
}

int idem_lessons_hands(const struct idem_movements *m)
{
    for (uint32_t i = 0; i < m->source_count; i++)
        if (strcmp(m->source[i].name, made_hands) == 0)
            return (int)i;
    return -1;
}

int idem_lessons_made(struct idem_movements *m)
{
    struct idem_motion *scratch = malloc(EVENTS * sizeof *scratch);
    int r = scratch ? 0 : IDEM_ERR_NOMEM, source = 0;
    for (int style = 0; style < IDEM_ROBOT_STYLES && r == 0; style++) {
        r = source =
            idem_movements_source(m, idem_robot_name((enum idem_robot)style), true, robot_share);
        for (uint32_t i = 0; i < ROBOT_SESSIONS && r >= 0; i++) {
            const uint32_t n =
                idem_robot_play((enum idem_robot)style, i, ROBOT_GESTURES, scratch, EVENTS);
            r = idem_movements_play(m, (uint32_t)source, idem_lesson_fold(i), scratch, n);
        }
    }
    if (r == 0)
        r = source = idem_movements_source(m, made_hands, false, hand_share);
    for (uint32_t i = 0; i < HAND_SESSIONS && r >= 0; i++) {
        const uint32_t n = idem_hand_play(i, HAND_GESTURES, scratch, EVENTS);
        r = idem_movements_play(m, (uint32_t)source, idem_lesson_fold(i), scratch, n);
    }
    free(scratch);
    return r < 0 ? r : 0;
}
