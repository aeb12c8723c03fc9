/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - one event of one device, whatever source it came from: what the agent's engine takes.
 *
 * Motion is how far, not where: several devices move one pointer, and each has a guard that
 * judges its own way alone. Whoever needs a place adds the distances up.
 */
#ifndef IDEM_INPUT_EVENT_H
#define IDEM_INPUT_EVENT_H

#include "idem/idem.h"

enum idem_input_kind {
    IDEM_INPUT_KEY,
    IDEM_INPUT_POINTER,
    IDEM_INPUT_GAP, /* events of this device were lost */
};

struct idem_input_event {
    enum idem_input_kind kind;
    unsigned flags; /* IDEM_GUARD_WARPED */
    int64_t t_us;
    uint32_t key; /* Linux input event code */
    enum idem_key_action action;
    enum idem_pointer_kind pointer;
    double dx, dy; /* since this device's event before; finite */
};

#endif
