/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_world.h - what the attacker of windows has in front of him: people, what leaves the edge of
 * their typing, and words planted where he can check himself.
 *
 * Statistics have the layout of window/stats.h: n[cells], then for each cell the six contrasts of
 * its blurred histogram, on the grid of 1/64: exactly what a window holds.
 *
 * A planted window is natural text of a person in which one word, with the space behind it, was put
 * at a border between words, so that the window has `keys` strokes and holds the whole word and the
 * spaces on both sides of it. The word's own times are drawn from where the person typed the same
 * two keys, else the same key, else from his strokes in the same cell. So every word, and every
 * password, can be tested as often as wanted.
 */
#ifndef IDEM_EVAL_LEAK_WORLD_H
#define IDEM_EVAL_LEAK_WORLD_H

#include "base/rng.h"
#include "eval/filing.h"
#include "eval/leak_text.h"
#include "window/front.h"

enum {
    IDEM_LEAK_KEYS_MAX = 1000,                     /* strokes of a window */
    IDEM_LEAK_NEED = 8 * (IDEM_LEAK_WORD_MAX + 2), /* most cells that a word occupies */
    IDEM_LEAK_HISTORY = 4, /* windows before one that carries strokes over */
};

/* What the edge could do to a window before it leaves; all nought: what it does today. */
struct idem_leak_defence {
    double thin;    /* share of measurements withheld, each by itself */
    uint32_t carry; /* cells with fewer strokes stay for the next window */
};

struct idem_leak_person {
    const struct idem_stroke *strokes; /* [count], all sessions, one after the other */
    uint32_t count;
    uint32_t index;  /* of the person in the recording */
    uint32_t *first; /* [cells + 1] into values */
    float *values;   /* milliseconds, by cell */
    float *mean;     /* [cells][IDEM_CONTRASTS] of a stroke, as the profile has it */
};

struct idem_leak_world {
    const struct idem_filing *filing;
    const struct idem_front *front;
    struct idem_leak_defence defence;
    struct idem_leak_person *people;
    uint32_t count;
};

/* The cells that a word between two spaces fills. */
struct idem_leak_need {
    uint32_t cells;
    uint16_t cell[IDEM_LEAK_NEED];
    uint8_t n[IDEM_LEAK_NEED];
    uint32_t strokes; /* the word and the space behind it */
};

/* Counts leave as they are. */
static inline bool idem_leak_undefended(const struct idem_leak_defence *d)
{
    return d->thin <= 0 && d->carry == 0;
}

static inline size_t idem_leak_len(const struct idem_leak_world *w)
{
    return idem_shape_len(idem_front_shape(w->front, IDEM_KEYBOARD));
}

/*
 * People of a recording, drawn anew without replacement when it has more than `people`. Those with
 * fewer than min_strokes are left out. The world points into rec, filing and front.
 */
int idem_leak_world_init(struct idem_leak_world *world, const struct idem_recording *rec,
                         const struct idem_filing *filing, const struct idem_front *front,
                         uint32_t people, uint32_t min_strokes, uint64_t seed);
void idem_leak_world_fini(struct idem_leak_world *world);

void idem_leak_need_of(const struct idem_leak_world *world, const struct idem_leak_word *word,
                       struct idem_leak_need *out);
bool idem_leak_holds(const float *n, const struct idem_leak_need *need);

/* The window of `keys` strokes from `first` on, as it leaves the edge. stats: [idem_leak_len]. */
void idem_leak_window(const struct idem_leak_world *world, uint32_t person, uint32_t first,
                      uint32_t keys, struct idem_rng *rng, float *stats);
/*
 * A window with the word planted; *at is the word's first stroke in it. straddle: the word lies
 * over the window's middle. IDEM_ERR_TOO_LITTLE when the word does not fit or the person's text has
 * no space where it could stand.
 */
int idem_leak_planted(const struct idem_leak_world *world, uint32_t person,
                      const struct idem_leak_word *word, uint32_t keys, bool straddle,
                      struct idem_rng *rng, float *stats);
/* The same with the word, or a password of letters and digits, and its space as the last strokes.
 */
int idem_leak_planted_last(const struct idem_leak_world *world, uint32_t person,
                           const struct idem_leak_word *word, uint32_t keys, struct idem_rng *rng,
                           float *stats);

#endif
