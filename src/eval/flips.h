/* SPDX-License-Identifier: Apache-2.0 */
/* flips.h - do decisions hold when the same probes come from another mouse? */
#ifndef IDEM_EVAL_FLIPS_H
#define IDEM_EVAL_FLIPS_H

#include "eval/metrics.h"

/*
 * Shares of comparisons that fall on the other side of the threshold, which is where FMR and FNMR
 * of the recorded probes meet.
 */
struct idem_flips {
    double genuine, impostor;
};

/* Both lists hold the same comparisons in the same order. IDEM_ERR_MISMATCH when they do not,
 * IDEM_ERR_TOO_LITTLE without a genuine or without an impostor comparison. */
int idem_flips_count(const struct idem_results *recorded, const struct idem_results *resampled,
                     struct idem_flips *out);

#endif
