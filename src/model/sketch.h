/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sketch.h - the windows that a person has sent, as imprints (imprint.h), and the question whether
 * a new one is made of them.
 *
 *   whole    counts and sums are those of a window before, of this person
 *   parts    IDEM_SKETCH_PARTS of its fullest cells are cells of windows before, or
 *            IDEM_SKETCH_TOGETHER are of one where the same keys were pressed
 *   near     at most IDEM_SKETCH_NEAR of its near bits differ from those of a window before:
 *            times re-noised by a few milliseconds, or shifted by one or two
 *   shifted  the same keys, and after a constant is taken out of the holds, the flights or both at
 *            most IDEM_SKETCH_SHIFTED bits differ: every time of a window before, moved.
 *
 * Parts and shifted are not asked of keys that were there more than IDEM_SKETCH_OFTEN times:
 * somebody types a password and nothing else, and of many such windows two come close.
 *
 * The sketch holds the newest IDEM_SKETCH_WINDOWS, in memory in the order in which they came, at
 * rest in the order of their hashes, which is none: a copy does not tell what came when. Two copies
 * tell how many windows came between. At rest are only those of sessions that have ended, which
 * whoever keeps the sketch tells it. Sealed, two copies tell that at most by powers of two.
 *
 * False alarms of "near" are a binomial tail: of IDEM_NEAR_BITS bits of windows at distance d each
 * differs with probability p(d) of imprint.h. At most IDEM_SKETCH_NEAR differ once in 2e24 pairs at
 * d = 13, where the middle pair of windows of 100 keys of one person lies; once in 1e13 at 6.5,
 * which one pair in ten thousand comes below; once in 5e7 at 5.3, the nearest of 180,000. Summed up
 * over the pairs of public recordings, times a full sketch: 1e-10 a window of mixed tasks, 1e-16 of
 * copied sentences, 2e-9 of people who type one password and nothing else. Windows of the same keys
 * get a milder limit, IDEM_SKETCH_SHIFTED, and 120 tries: honest ones came no nearer than 82 there.
 * The other kinds are equalities of hashes. A clock of 100 ms is too coarse for all of this: there
 * holds take three values, and parts are alike by chance. `idem eval replays` counts.
 */
#ifndef IDEM_MODEL_SKETCH_H
#define IDEM_MODEL_SKETCH_H

#include "model/imprint.h"
#include "window/front.h"

enum {
    IDEM_SKETCH_WINDOWS = 256,
    IDEM_SKETCH_NEAR = 48,
    IDEM_SKETCH_SHIFTED = 72,
    IDEM_SKETCH_OFTEN = 4,
    IDEM_SKETCH_TOGETHER = 2,
    IDEM_SKETCH_PARTS = 3,
    IDEM_SKETCH_BYTES_MAX = 16 + IDEM_SKETCH_WINDOWS * IDEM_IMPRINT_BYTES,
};

/* One person, one modality. */
struct idem_sketch {
    uint32_t count, room, next; /* next: where the next one goes once the sketch is full */
    struct idem_imprint *list;  /* grows to IDEM_SKETCH_WINDOWS by doubling, never later */
};

void idem_sketch_fini(struct idem_sketch *sketch); /* wipes and empties; zeroed is empty */
/* Remembers; one that is there already is not remembered twice. */
int idem_sketch_add(struct idem_sketch *sketch, const struct idem_imprint *imprint);

/* What came in sessions that have ended, and in this one, which is about to. */
int idem_sketch_write(const struct idem_sketch *sketch, uint32_t session, void *bytes, size_t cap,
                      size_t *len);
/* How long those bytes are to be made with noughts before they are sealed: the windows of which a
 * sealed sketch is, are else counted by its length. Steps are powers of two. */
size_t idem_sketch_padded(size_t len);
/* The session has ended. */
void idem_sketch_settle(struct idem_sketch *sketch, uint32_t session);
/* *out is overwritten. */
int idem_sketch_parse(const void *bytes, size_t len, struct idem_sketch *out);

/* ------------------------------------------------------------------ comparing */

enum idem_resent {
    IDEM_RESENT_NOT = 0,
    IDEM_RESENT_WHOLE,
    IDEM_RESENT_PARTS,
    IDEM_RESENT_NEAR,
    IDEM_RESENT_SHIFTED,
};

struct idem_sketch_match {
    enum idem_resent how;
    bool whole;
    uint32_t cells, found;      /* cells of the window that have a hash, and those seen before */
    uint32_t together;          /* most of them in one window before of the same keys */
    uint32_t nearest;           /* fewest near bits apart */
    uint32_t same_text;         /* windows before with the same counts */
    uint32_t shifted;           /* fewest near bits apart of these, a constant taken out */
    int32_t hold_ms, flight_ms; /* that constant */
};

/* A thread's scratch memory for comparing. */
struct idem_sketcher;
int idem_sketcher_new(const struct idem_front *front, enum idem_modality modality,
                      const struct idem_imprinter *imprinter, struct idem_sketcher **out);
void idem_sketcher_free(struct idem_sketcher *s);

/* window and its imprint against what the sketch holds, which does not change. */
void idem_sketch_compare(struct idem_sketcher *s, const struct idem_sketch *sketch,
                         const struct idem_window *window, const struct idem_imprint *imprint,
                         struct idem_sketch_match *out);
/* How much of the window was there before, 0..1: the value of IDEM_SAW_WINDOW_BEFORE. */
double idem_sketch_share(const struct idem_sketch_match *match);

/*
 * Takes a constant out of every hold and every flight of keyboard sums, as far as histograms tell:
 * between two edges times are taken for evenly spread. out[dims].
 */
void idem_sketch_unshift(const struct idem_front *front, const struct idem_window *window,
                         double hold_ms, double flight_ms, int32_t *out);

#endif
