/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak.h - what somebody who holds every window of a session learns about what was typed.
 *
 * The attacker knows the level, the person's profile, a vocabulary and a language model (both
 * learned from other people's text). One row is one level and one length of windows.
 */
#ifndef IDEM_EVAL_LEAK_H
#define IDEM_EVAL_LEAK_H

#include "eval/leak_cost.h"
#include "eval/leak_decode.h"
#include "eval/leak_order.h"
#include "eval/leak_presence.h"
#include "eval/leak_solve.h"
#include "eval/sheet.h"

enum {
    IDEM_LEAK_ROWS = 64,
    IDEM_LEAK_LENGTHS = IDEM_LEAK_WORD_MAX - IDEM_LEAK_WORD_MIN + 1,
    IDEM_LEAK_WORST = 5,
    IDEM_LEAK_PROBES = 3,
    IDEM_LEAK_TRIED = 32 * IDEM_LEAK_LENGTHS, /* most words tested */
};

struct idem_leak_options {
    const char *level, *flights;
    struct idem_leak_defence defence;
    uint32_t keys;
    uint32_t people;                    /* attacked, at most */
    uint32_t words;                     /* of each length, at most 32 */
    uint32_t planted, natural, decoded; /* windows: with a word, without, decoded */
    uint64_t seed;
};

struct idem_leak_row {
    const char *level;
    uint32_t keys;
    uint32_t tested;                  /* words */
    double lr[IDEM_LEAK_LENGTHS];     /* geometric mean over words of so many letters; NAN */
    double accept[IDEM_LEAK_LENGTHS]; /* the same of the acceptance test alone */
    double other;                     /* the same when another word was typed; NAN */
    double joined;                    /* mean over words that lie over two windows; NAN */
    struct idem_leak_presence worst[IDEM_LEAK_WORST];
    uint32_t worst_count;
    double solved; /* share of measurements read off as single values; NAN when hidden */
    double few;    /* share of measurements in cells of few strokes, which alone are sought */
    /* shares of these and of strokes alone in their cell that are found, or guessed without sums */
    double few_right, few_guessed, lone_right, lone_guessed;
    double orders_log2; /* median; NAN when hidden */
    double keys_log2;   /* median, ways to place the holds */
    double one_order;   /* share of windows with one order only */
    double chained;     /* share of successions known, three flights only; else NAN */
    double words_recovered, words_by_chance; /* share of words read; NAN when hidden */
    double passwords_recovered;
    uint32_t words_sought, passwords_sought;
    bool costed;
    /* probes of 50, 100 and 200 keystrokes; NAN where a window is longer */
    double eer_user[IDEM_LEAK_PROBES], eer_global[IDEM_LEAK_PROBES];
};

/* The two sides and what is common to the rows of one level. */
struct idem_leak_stage {
    const struct idem_filing *filing;
    const struct idem_front *front;
    const struct idem_learned *learned; /* NULL: no cost is measured */
    const struct idem_leak_text *text;
    const struct idem_recording *own, *attacked;
};

int idem_leak_run(const struct idem_leak_stage *stage, const struct idem_leak_options *options,
                  struct idem_leak_row *out);

/*
 * Tables `words`, `worst`, `strokes`, `recovered` and, where it was measured, `cost`. rows:
 * [count], which the sheet does not keep.
 */
int idem_leak_sheet(const struct idem_leak_row *rows, uint32_t count, struct idem_sheet *sheet);

#endif
