/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motion.h - does a hand move this pointer? From positions and buttons to a finding.
 *
 * Positions are kept while a movement lasts and wiped when it has ended; what stays are sums, and
 * hashes of the last movements' steps.
 */
#ifndef IDEM_GUARD_MOTION_H
#define IDEM_GUARD_MOTION_H

#include "guard/forest.h"
#include "guard/guard.h"
#include "guard/strand.h"

enum { IDEM_MOTION_PASTS = 160 };

/* What the last movements were, so that one which comes again is known. */
struct idem_past_moves {
    uint32_t hash[IDEM_MOTION_PASTS]; /* 0: none */
    uint32_t next;
};

/* How often what was seen, and its sum or its largest value. */
struct idem_sightings {
    uint32_t unlike, straight, steady, jumps, clicks, repeats, warps;
    double nats, line, spread, leap, hold_ms;
};

struct idem_motion_judge {
    struct idem_guard_device device;
    struct idem_finding finding;
    const struct idem_forest *forest;
    struct idem_grain grain;
    struct idem_strand strand;
    struct idem_past_moves past;
    struct idem_sightings saw;
    double odds;                  /* of a program, nats, never below the prior */
    double likeness;              /* evidence for a hand so far, nats, never below 0 */
    double total;                 /* all evidence, nats; for evaluation */
    double run;                   /* evidence of an unbroken movement's pieces so far, nats */
    uint32_t pieces;              /* of the movement under way, measured */
    bool hand;                    /* a hand has been told */
    uint32_t judged;              /* movements and jumps that evidence came of */
    uint32_t measured;            /* movements */
    float measure[IDEM_MEASURES]; /* of the last of them; for evaluation */
    /* the way of the events */
    bool started, placed;
    int64_t last_us;
    double x, y; /* newest position, when placed */
    /* the last step that moved, and what stood before it */
    int64_t step_us, before_us;
    int64_t pace_us; /* usual time between two steps of a movement, 0: none yet */
    double step_x, step_y;
    bool lone;    /* a pause came before that step, nothing moved since */
    bool suspect; /* the last movement or jump spoke for a program */
    bool pressed;
    int64_t press_us;
};

void idem_motion_judge_init(struct idem_motion_judge *j, const struct idem_guard_device *device);
/* One event; true when the finding has changed in kind or gained a reason. */
bool idem_motion_judge_event(struct idem_motion_judge *j, enum idem_pointer_kind kind, double x,
                             double y, unsigned flags, int64_t t_us);
void idem_motion_judge_gap(struct idem_motion_judge *j);

#endif
