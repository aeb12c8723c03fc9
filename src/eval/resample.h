/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resample.h - a pointer recording as another mouse would have reported it: on another clock, with
 * another scale. A population learns from such copies what is the mouse's and not the hand's, and
 * evaluations show by them that decisions hold.
 */
#ifndef IDEM_EVAL_RESAMPLE_H
#define IDEM_EVAL_RESAMPLE_H

#include "input/recording.h"

struct idem_resampling {
    uint32_t step_ms; /* 0: the recording's own times */
    double scale;     /* of the coordinates */
};

/* Events, and for each the number of the recorded event that it stands for, ascending. */
struct idem_resampled {
    struct idem_motion *motions;
    uint32_t *source;
    uint32_t count, room;
};

/*
 * Positions between a session's events, without pauses of more than IDEM_GESTURE_GAP_US, are
 * interpolated linearly on the grid of step_ms and rounded to whole units, as a mouse reports them;
 * a position equal to the one before is not reported. Buttons and wheel keep their times and
 * places. Fills *out, which may hold room from an earlier call. IDEM_ERR_LIMIT beyond 2^26 events.
 */
int idem_resample(const struct idem_motion *motions, uint32_t count,
                  const struct idem_resampling *how, struct idem_resampled *out);
void idem_resampled_fini(struct idem_resampled *r);

#endif
