/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timeline.h - every person's windows in order of time: what learning over time and enrolment
 * effort are measured on.
 *
 * A keyboard session is cut into windows of `keys` keystrokes, a shorter session or rest being a
 * window of its own when it holds at least half of that; with `keys` of nought a session is one
 * window. A pointer session is cut into windows of `gestures` gestures. Windows are on the grid, as
 * they would be sent.
 */
#ifndef IDEM_EVAL_TIMELINE_H
#define IDEM_EVAL_TIMELINE_H

#include "eval/filing.h"
#include "eval/pointer.h"

struct idem_timeline {
    uint32_t count, room;
    float *stats;      /* [count][len] */
    float *strokes;    /* [count] */
    uint32_t *session; /* [count], number of the session within the person */
    double *day;       /* [count], days since the first session; NAN when not recorded */
};

struct idem_timelines {
    enum idem_modality modality;
    struct idem_shape shape;
    size_t len; /* floats of one window */
    struct idem_timeline *people;
    uint32_t count;
};

/* Changes the strokes of a session before they are measured: another keyboard, a hurt hand. */
struct idem_change {
    void (*apply)(const void *arg, struct idem_stroke *strokes, uint32_t count);
    const void *arg;
};

/* change: NULL, or applied to a copy. IDEM_ERR_MISMATCH when the front knows no keyboard. */
int idem_timelines_keys(const struct idem_recording *rec, const struct idem_front *front,
                        const struct idem_filing *filing, uint32_t keys,
                        const struct idem_change *change, struct idem_timelines *out);
int idem_timelines_pointer(const struct idem_recording *rec, const struct idem_front *front,
                           uint32_t gestures, struct idem_timelines *out);
void idem_timelines_fini(struct idem_timelines *t);

static inline const float *idem_timeline_at(const struct idem_timelines *t, uint32_t person,
                                            uint32_t window)
{
    return t->people[person].stats + (size_t)window * t->len;
}

/* A profile of nothing of the timelines' shape, for the scorer. */
int idem_timelines_profile(const struct idem_timelines *t, const struct idem_front *front,
                           struct idem_profile **out);
/* Adds windows [from, end) of a person to the profile. */
void idem_timelines_add(const struct idem_timelines *t, uint32_t person, uint32_t from,
                        uint32_t end, struct idem_profile *profile);

#endif
