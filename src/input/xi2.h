/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xi2.h - a source of events: the keyboards and pointers of an X server, by XInput2 raw events.
 *
 * For a seat where the kernel's own events cannot be had. It says of every event which physical
 * device the server holds responsible, and it sees what no device did: a pointer that moved without
 * an event. It asks for nothing else. It never reads a window, a title, a selection or a character,
 * but any X client can, so that what uses this must be chosen by an administrator: an X socket is
 * the right to watch everything.
 *
 * Cases:
 *   devices          the slaves are reported, each under its own number; what a master reports for
 *                    the second time is left out
 *   synthetic        slaves with the server's own mark for XTEST; a program that injects *as* a
 *                    hardware device is reported as that device, the server knows no better
 *   new, gone        IDEM_XI2_DEVICE, IDEM_XI2_GONE; switched off: IDEM_XI2_GAP
 *   auto-repeat      the server's own is not among raw events; the kernel's comes as a press of a
 *                    key that is held, and is marked
 *   warp             see idem_xi2_look()
 *   screen resized   may put the pointer elsewhere: not a warp
 *   touch            moves the pointer: not a warp; not reported
 *   time             the server's milliseconds, as microseconds, 32 bits made 64. A silence of more
 *                    than 24 days loses a turn of that clock
 *   server gone      IDEM_ERR_IO from then on
 */
#ifndef IDEM_INPUT_XI2_H
#define IDEM_INPUT_XI2_H

#include <idem/idem.h>

enum {
    IDEM_XI2_DEVICES = 256, /* numbers 0..255; a device above is left out */
    IDEM_XI2_NAME = 64,     /* bytes of a device's name, its nought included */
    IDEM_XI2_KEYS = 256,
};

struct idem_xi2_device {
    char name[IDEM_XI2_NAME];      /* as the server gives it, cut */
    enum idem_guard_source source; /* hardware or synthetic; unknown: the pointer on the screen */
    bool present;
    bool hotplugged;    /* came after idem_xi2_open() */
    int64_t arrived_us; /* 0 for those that were there */
};

enum idem_xi2_kind {
    IDEM_XI2_KEY,
    IDEM_XI2_POINTER,
    IDEM_XI2_GAP, /* events of this device may have been lost */
    IDEM_XI2_DEVICE,
    IDEM_XI2_GONE,
};

struct idem_xi2_event {
    enum idem_xi2_kind kind;
    uint16_t device;
    unsigned flags; /* IDEM_GUARD_WARPED; what a key writes is not asked for */
    int64_t t_us;
    uint32_t key; /* Linux input event code */
    enum idem_key_action action;
    enum idem_pointer_kind pointer;
    double x, y; /* pixels of the screen */
};

struct idem_xi2;

/*
 * display: as in DISPLAY; NULL: that of the environment. *reason, when not NULL, receives a static
 * sentence on failure. IDEM_ERR_IO: no server there; IDEM_ERR_VERSION: it lacks XInput 2.2 or XKB.
 */
int idem_xi2_open(const char *display, struct idem_xi2 **out, const char **reason);
void idem_xi2_close(struct idem_xi2 *x); /* wipes */

/* To be polled for reading. Call idem_xi2_next() till it says 0, before every wait. */
int idem_xi2_fd(const struct idem_xi2 *x);

/* 1: *out is the next event; 0: none is here now; IDEM_ERR_IO: the server is gone. */
int idem_xi2_next(struct idem_xi2 *x, struct idem_xi2_event *out);

/*
 * Asks where the pointer is. When it is elsewhere than at the last look and no device has moved it
 * in between, idem_xi2_next() reports a move with IDEM_GUARD_WARPED of the device that is the
 * pointer on the screen. To be called now and then, ten times a second, say: the more often,
 * the fewer warps hide behind a motion. Returns 0 or IDEM_ERR_IO.
 */
int idem_xi2_look(struct idem_xi2 *x);

/* NULL for a number that was never in use. */
const struct idem_xi2_device *idem_xi2_device(const struct idem_xi2 *x, uint16_t device);

#endif
