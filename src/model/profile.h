/* SPDX-License-Identifier: Apache-2.0 */
/* profile.h - a profile, opened: discounted sums and how much went into them. */
#ifndef IDEM_MODEL_PROFILE_H
#define IDEM_MODEL_PROFILE_H

#include "idem/idem.h"
#include "window/stats.h"

struct idem_profile {
    uint64_t front_id;
    enum idem_modality modality;
    struct idem_shape shape;
    uint32_t windows;
    float strokes;
    float stats[]; /* flat, see stats.h */
};

#endif
