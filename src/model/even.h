/* SPDX-License-Identifier: Apache-2.0 */
/*
 * even.h - how far keyboard windows scatter around a profile, as a multiple of what independent
 * strokes drawn from the profile would.
 *
 * With mu the profile's mean of a contrast in a cell, v the variance of that contrast for one
 * stroke and (n, f) a window,
 *
 *     ratio = sum (f - n mu)^2 / n  :  sum v      over contrasts of the cells that both know well
 *
 * v follows from the profile's histogram, each bin's times taken for evenly spread. Strokes that
 * are drawn one by one have a ratio of one. People have two, because within a sitting their strokes
 * wander together; one window in a thousand of theirs comes below 0.6. What has been averaged comes
 * much lower: the mean of k windows by a k-th, a profile scaled down to a window at nought.
 */
#ifndef IDEM_MODEL_EVEN_H
#define IDEM_MODEL_EVEN_H

#include "model/profile.h"
#include "window/front.h"
#include "window/window.h"

/* Below this ratio a window is no sample of anything. Of 11,000 honest windows none came below 0.4,
 * and on a clock of 100 ms, whose times lie nowhere evenly, none below 0.23. */
#define IDEM_EVEN_LEAST 0.2

enum {
    IDEM_EVEN_KNOWN = 30,  /* strokes of a cell in the profile, and */
    IDEM_EVEN_STROKES = 3, /* in the window, for it to count */
    IDEM_EVEN_SUMS = 36,   /* fewer sums say nothing */
};

/* A front's mean squares of times in each bin. Immutable: threads share it. */
struct idem_even;
int idem_even_new(const struct idem_front *front, struct idem_even **out);
void idem_even_free(struct idem_even *even);

struct idem_even_sums {
    double found, expected;
    uint32_t count; /* contrasts */
};

/* profile: flat statistics of the keyboard's shape. */
struct idem_even_sums idem_even_weigh(const struct idem_even *even, const float *profile,
                                      const struct idem_window *window);
/* Nearer to its profile than any sample is. */
bool idem_even_is_too(const struct idem_even_sums *sums);

#endif
