/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xi2_inside.h - what xi2.c (the stream of events) and xi2_setup.c (what is asked of the server
 * before it flows, and which devices there are) share.
 */
#ifndef IDEM_INPUT_XI2_INSIDE_H
#define IDEM_INPUT_XI2_INSIDE_H

#include <xcb/xcb.h>
#include <xcb/xinput.h>

#include "input/xi2.h"

enum { IDEM_XI2_AXES = 2 };

struct idem_xi2_axis {
    bool absolute;
    double min, max;
};

struct idem_xi2_slot {
    struct idem_xi2_device seen;
    bool slave;
    struct idem_xi2_axis axis[IDEM_XI2_AXES];
    uint8_t down[IDEM_XI2_KEYS / 8];
};

struct idem_xi2 {
    xcb_connection_t *connection;
    xcb_window_t root;
    uint8_t xinput; /* the extension's major opcode */
    xcb_atom_t xtest;
    double width, height;
    bool open;         /* devices that come now are new */

    int64_t now_us;
    uint32_t now_ms; /* the same as the server gave it last */
    bool clocked;

    xcb_generic_event_t *held; /* read, but behind the look's answer */
    bool looked, moved;
    uint32_t look_sequence;
    uint16_t pointer; /* the first master: what is seen on the screen */
    double look_x, look_y, seen_x, seen_y;
    double x, y;

    struct idem_xi2_slot slots[IDEM_XI2_DEVICES];
};

static inline double idem_xi2_number(xcb_input_fp3232_t v)
{
    return (double)v.integral + (double)v.frac / 4294967296.0;
}

/* Finds the extensions. *reason is set when they are not there. */
int idem_xi2_find(struct idem_xi2 *x, int screen, const char **reason);
/* Events flow from here on. */
void idem_xi2_select(struct idem_xi2 *x);
/* Enters a device, or all (XCB_INPUT_DEVICE_ALL). One that has gone meanwhile is no failure. */
int idem_xi2_query(struct idem_xi2 *x, uint16_t which);

#endif
