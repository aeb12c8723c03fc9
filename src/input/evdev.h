/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evdev.h - from a kernel's input events to events of a keyboard or a pointer. Pure: what reads
 * descriptors is elsewhere (agent/sensor/devices.c).
 *
 * A unit of distance is a thousandth of an inch of the hand's way, which at the usual gain of a
 * desktop is about a pixel, the unit of the recordings that the shipped pointer population was
 * learned from:
 *
 *   mouse             counts * 1000 / dpi; dpi unknown: 1000, as libinput takes it, too
 *   trackpoint        counts as they are
 *   touchpad          by the resolution that the kernel gives, times 0.3: what libinput slows
 *                     touchpads down by, so that a stroke of the finger is as far as the pointer
 *                     goes for it. No resolution: 10 to the mm
 *   absolute pointer  (a virtual machine's tablet) its range is a screen of 1920 x 1080
 *
 * The population standardises logarithms of lengths and speeds, so a gain that is off by a factor
 * shifts them by a constant, in the profile as in the probe.
 *
 * Cases:
 *   keys              as they come; what is no key of a keyboard (pads, pens, joysticks) is left
 *                     out
 *   auto-repeat       the kernel's (value 2) is marked as such
 *   motion            added up until SYN_REPORT: one event a report; before its buttons, so that a
 *                     press is where the hand had come to
 *   buttons           BTN_LEFT is the primary one, wherever a desktop has put it
 *   wheel             one scroll a report that turned it, upright or across
 *   touchpad          one finger moves, two scroll (once in 4 mm). Where the finger is put down is
 *                     no way. Taps are no clicks here: whether they are is the desktop's setting
 *   SYN_DROPPED       a gap; what follows until the next SYN_REPORT is incomplete and left out, as
 *                     is a touch under way
 *   touch screens, pens, joysticks: not this seat's pointer, left out
 */
#ifndef IDEM_INPUT_EVDEV_H
#define IDEM_INPUT_EVDEV_H

#include <linux/input.h>

#include "input/event.h"

enum {
    IDEM_EVDEV_BUTTONS = 8,                  /* of one report; more are left out */
    IDEM_EVDEV_OUT = IDEM_EVDEV_BUTTONS + 2, /* events that one of the kernel's may bring out */
    IDEM_EVDEV_DPI = 1000,
};

enum idem_evdev_pointer {
    IDEM_EVDEV_NO_POINTER = 0,
    IDEM_EVDEV_RELATIVE,
    IDEM_EVDEV_TOUCHPAD,
    IDEM_EVDEV_ABSOLUTE,
};

struct idem_evdev_axis {
    int32_t min, max, resolution; /* units in a mm, 0: unknown */
};

/* What a device is, as its bits say. */
struct idem_evdev_shape {
    bool keyboard; /* has keys of a keyboard */
    enum idem_evdev_pointer pointer;
    uint32_t dpi; /* of a mouse, 0: unknown */
    struct idem_evdev_axis axis[2];
};

/* The decoder of one device. */
struct idem_evdev {
    struct idem_evdev_shape shape;
    double scale[2];
    bool dropped;     /* until the next SYN_REPORT */
    bool touched;     /* of a touchpad */
    uint32_t fingers; /* on it, 0: unknown */
    bool placed[2];   /* at[] holds where it was */
    int32_t at[2];    /* absolute axes */
    double moved[2];  /* in this report */
    double scrolled;  /* way of two fingers since the last scroll */
    bool wheel;
    uint32_t button_count;
    enum idem_pointer_kind button[IDEM_EVDEV_BUTTONS];
};

void idem_evdev_init(struct idem_evdev *d, const struct idem_evdev_shape *shape); /* also wipes */
/* One of the kernel's events in; returns how many came of it. */
uint32_t idem_evdev_event(struct idem_evdev *d, const struct input_event *in,
                          struct idem_input_event out[IDEM_EVDEV_OUT]);
/* The state of the device is known again, without a SYN_REPORT: what comes next is complete. */
void idem_evdev_resume(struct idem_evdev *d);

#endif
