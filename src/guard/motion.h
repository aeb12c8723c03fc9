/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motion.h - does a hand move this pointer? From positions and buttons to a finding.
 */
#ifndef IDEM_GUARD_MOTION_H
#define IDEM_GUARD_MOTION_H

#include "guard/guard.h"

struct idem_motion_judge {
    struct idem_guard_device device;
    struct idem_finding finding;
};

void idem_motion_judge_init(struct idem_motion_judge *j, const struct idem_guard_device *device);
/* One event; true when the finding has changed in kind or gained a reason. */
bool idem_motion_judge_event(struct idem_motion_judge *j, enum idem_pointer_kind kind, double x,
                             double y, unsigned flags, int64_t t_us);
void idem_motion_judge_gap(struct idem_motion_judge *j);

#endif
