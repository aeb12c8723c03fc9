/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strand.h - the movement under way, and what its shape and rhythm measure when it has ended.
 *
 * All measures are ratios and logarithms of ratios: units of length and the rate of reports cancel
 * as far as they can. Texture is measured on chords of 1, 2, 4 or 8 steps, the shortest that span
 * eight units on average, so that slow movements are not judged by the rounding of their positions;
 * what rounding adds is subtracted.
 */
#ifndef IDEM_GUARD_STRAND_H
#define IDEM_GUARD_STRAND_H

#include <stdbool.h>
#include <stdint.h>

enum {
    IDEM_STRAND_POINTS = 112,
    IDEM_STRAND_STEP_US = 12000,      /* points closer in time than this are one */
    IDEM_STRAND_LONGEST_US = 1280000, /* what goes on is the next movement */
};

/* In this order in the weights. A measure that does not exist is IDEM_MEASURE_NONE. */
enum idem_measure {
    IDEM_MEASURE_STEPS,     /* ln spread of the chords' lengths over their mean */
    IDEM_MEASURE_SPEEDS,    /* ln spread of their speeds over the mean */
    IDEM_MEASURE_ROUGH,     /* ln of the change from chord to chord over their length */
    IDEM_MEASURE_ROUGH_V,   /* ln of the change of velocity over speed */
    IDEM_MEASURE_HASTE,     /* the lesser of both, in 1/(16 ms) */
    IDEM_MEASURE_WHITE,     /* third difference over second: 1.2 smooth, 1.8 noise */
    IDEM_MEASURE_TURN,      /* ln mean sine of the angle from chord to chord */
    IDEM_MEASURE_TURN_TIE,  /* correlation of an angle with the next one */
    IDEM_MEASURE_SPEED_TIE, /* of a change of speed with the next one */
    IDEM_MEASURE_SHARP,     /* ln way spent on turning back */
    IDEM_MEASURE_CLOCK,     /* ln spread of lengths over spread of speeds: steps that ignore time */
    IDEM_MEASURE_END,       /* ln speed of the last eighth of the time over the mean */
    IDEM_MEASURE_PEAK,      /* ln top speed over the mean */
    IDEM_MEASURE_LINE,      /* ln rms distance from the best line, units */
    IDEM_MEASURE_CUBIC,     /* ln rms distance from the best cubic in the number of the step */
    IDEM_MEASURE_STILL,     /* most reports in a row that moved nothing */
    IDEM_MEASURE_HOMING,    /* share of the way done at three quarters of the time */
    IDEM_MEASURE_EVEN,      /* share of neighbouring chords that are equal but for rounding */
    IDEM_MEASURE_SMOOTH,    /* share of three in a row that change alike but for rounding */
    IDEM_MEASURE_DRAG,      /* 1: a button was down; told by who knows, no measure of the path */
    IDEM_MEASURES,
};

#define IDEM_MEASURE_NONE (-100.0F)

struct idem_point {
    int32_t t_us; /* since the first */
    float x, y;   /* likewise */
};

struct idem_strand {
    uint32_t count;
    uint32_t hash_count; /* steps in the hash */
    uint64_t hash;       /* of the steps as they came, their times left out */
    int64_t start_us;
    double x0, y0;        /* of the first point */
    float last_x, last_y; /* newest position, since the first */
    struct idem_point point[IDEM_STRAND_POINTS];
};

/* What a device's positions are made of, as far as seen. */
struct idem_grain {
    bool fractions;   /* positions between whole numbers occur */
    double finest;    /* smallest step but nought */
    double per_pixel; /* 1, or 1000 where the whole screen is one unit wide */
};

void idem_strand_clear(struct idem_strand *s); /* wipes */
/* A position at or after the time of the last. per_pixel: of the grain. */
void idem_strand_add(struct idem_strand *s, double x, double y, int64_t t_us, double per_pixel);
/*
 * Fills measure[IDEM_MEASURES] and the way along the points. False, and nothing written, for less
 * than 4 points, 30 ms or 8 units.
 */
bool idem_strand_measure(const struct idem_strand *s, const struct idem_grain *grain,
                         float *measure, double *way);

#endif
