/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_presence.h - was this word typed in this window? Tests, the best of which is chosen and set
 * on people other than those attacked.
 *
 *   accept    do the counts contain the word's? passes every window that holds the word
 *   poisson   cells independent: sum over the word's cells of log (c (c-1) ... (c-w+1) / l^w),
 *             l the mean count: the exact likelihood ratio of independent Poisson counts
 *   normal    all counts together: log N(c; planted) - log N(c; natural), means and covariances
 *             learned from windows with and without the word, of the 48 most variable cells
 *   timed     `normal`, and what the sums add: where the contrasts deviate from what the person's
 *             profile expects of so many strokes, as the word's keys do, a linear test
 *
 * A test is summed up by P(pass | word typed) / P(pass | not typed), the factor by which the odds
 * that the word was typed rise. Thresholds pass half of the windows that hold the word: a lower one
 * finds more and proves less. Both rates are counted on the people attacked.
 */
#ifndef IDEM_EVAL_LEAK_PRESENCE_H
#define IDEM_EVAL_LEAK_PRESENCE_H

#include "eval/leak_world.h"

enum idem_leak_test {
    IDEM_LEAK_ACCEPT,
    IDEM_LEAK_POISSON,
    IDEM_LEAK_NORMAL,
    IDEM_LEAK_TIMED,
    IDEM_LEAK_TESTS
};

struct idem_leak_ratio {
    double hit, pass;     /* shares of windows with and without the word that pass */
    double lr, low, high; /* hit / pass, 95 % interval */
};

struct idem_leak_presence {
    struct idem_leak_word word;
    struct idem_leak_ratio accept, best; /* best: of the test that was chosen */
    /* The same test where another word of as many letters was typed instead: what is not this
       word's but that of any, typed without a slip. Nought when no other is tested. */
    struct idem_leak_ratio other;
    enum idem_leak_test test;
    bool tested; /* the word fits into the window and text was found to plant it in */
};

struct idem_leak_presence_options {
    uint32_t keys;
    bool straddle;    /* words over the middle: what two neighbouring windows joined tell */
    uint32_t planted; /* windows with the word, for learning and again for testing */
    uint32_t natural; /* windows without, likewise */
    uint64_t seed;
    unsigned tests; /* bits 1 << enum idem_leak_test; 0: all that the defence leaves */
};

const char *idem_leak_test_name(enum idem_leak_test test);

/* own: people the attacker knows; attacked: others. Same filing, front and defence. out: [count] */
int idem_leak_presence_run(const struct idem_leak_world *own,
                           const struct idem_leak_world *attacked,
                           const struct idem_leak_word *words, uint32_t count,
                           const struct idem_leak_presence_options *options,
                           struct idem_leak_presence *out);

/* A ratio of two shares with its interval (normal in the logarithm, half a window added). */
struct idem_leak_ratio idem_leak_ratio_of(uint32_t hits, uint32_t with, uint32_t passes,
                                          uint32_t without);

#endif
