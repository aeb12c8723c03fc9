/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyboard.h - keyboards that are plugged in and pulled out by a program, and typed on.
 *
 *   uinput   an input device without a bus behind it, as a program makes one
 *   gadget   a USB keyboard: a HID gadget (configfs) behind an emulated port (dummy_hcd), which the
 *            kernel enumerates and drives like any other, with the vendor and product of choice
 *
 * Both are typed on with codes of linux/input-event-codes.h.
 */
#ifndef IDEM_GUEST_KEYBOARD_H
#define IDEM_GUEST_KEYBOARD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "eval/injection.h"

enum { PORTS = 2, REPORT = 8, KEYS_AT_ONCE = 6 };

struct keyboard {
    int fd;                 /* that is written to */
    int port;               /* of a gadget; -1: uinput */
    uint8_t report[REPORT]; /* a gadget's state: what it says next */
    char event[64];         /* its /dev/input/event node */
};

/* All return 0, or -1 with the reason printed. A keyboard is ready when its node is there. */
int keyboard_uinput(const char *name, uint16_t vendor, uint16_t product, struct keyboard *out);
int keyboard_gadget(int port, uint16_t vendor, uint16_t product, struct keyboard *out);
void keyboard_remove(struct keyboard *kb);

/* One report. A key that the device has no place for is left out. -1: the device is gone. */
int keyboard_key(struct keyboard *kb, uint8_t code, bool down);

/* The stream, in its own time from now on; stops at the first key that finds no device. */
int keyboard_play(struct keyboard *kb, const struct idem_key_stream *stream);

/* sysfs's `authorized` of the device behind a port: 0, 1, or -1: there is no device. */
int port_authorized(int port);
/* Whoever is to blame, it is allowed again. */
void port_authorize(int port);

#endif
