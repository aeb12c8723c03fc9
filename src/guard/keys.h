/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.h - does a hand type on this keyboard? From key events to a finding.
 */
#ifndef IDEM_GUARD_KEYS_H
#define IDEM_GUARD_KEYS_H

#include "guard/guard.h"

enum { IDEM_KEYS_HELD = 16 };

struct idem_held_key {
    int64_t down_us;
    uint16_t code;
    bool down;
};

struct idem_key_judge {
    struct idem_guard_device device;
    struct idem_finding finding;
    struct idem_held_key held[IDEM_KEYS_HELD];
    uint32_t short_run;
};

void idem_key_judge_init(struct idem_key_judge *j, const struct idem_guard_device *device);
/* One event; true when the finding has changed in kind or gained a reason. */
bool idem_key_judge_event(struct idem_key_judge *j, uint32_t key, enum idem_key_action action,
                          unsigned flags, int64_t t_us);
void idem_key_judge_gap(struct idem_key_judge *j);

#endif
