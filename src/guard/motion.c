/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motion.c - the pointer's judge.
 */
#include "guard/motion.h"

#include <math.h>
#include <string.h>

void idem_motion_judge_init(struct idem_motion_judge *j, const struct idem_guard_device *device)
{
    memset(j, 0, sizeof *j);
    j->device = *device;
    j->finding.log_odds = IDEM_GUARD_PRIOR;
}

bool idem_motion_judge_event(struct idem_motion_judge *j, enum idem_pointer_kind kind, double x,
                             double y, unsigned flags, int64_t t_us)
{
    (void)kind;
    if (!isfinite(x) || !isfinite(y) || (flags & IDEM_GUARD_WARPED) == 0)
        return false;
    j->finding.kind = IDEM_GUARD_REMOTE_CONTROL;
    j->finding.log_odds = IDEM_GUARD_ALARM;
    j->finding.at_us = t_us;
    idem_finding_see(&j->finding, IDEM_SAW_WARP, 1, 0);
    return true;
}

void idem_motion_judge_gap(struct idem_motion_judge *j)
{
    (void)j;
}
