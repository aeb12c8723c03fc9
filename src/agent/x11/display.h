/* SPDX-License-Identifier: Apache-2.0 */
/*
 * display.h - an X server's devices before the sensor's engine, while the engine has use for them.
 *
 *   not listening   there is no connection to the X server
 *   devices         each of the server's own is one device of the engine, keyboard and pointer
 *                   both, since XInput2 raw events do not tell; the pointer on the screen is one
 *                   too, to which warps are put down
 *   distances       from one place on the screen to the next, whichever device went there
 *   warps           looked for a tenth of a second after events, at most so often: never while
 *                   nothing happens
 *   server gone     so is the display, until listening begins anew
 */
#ifndef IDEM_AGENT_X11_DISPLAY_H
#define IDEM_AGENT_X11_DISPLAY_H

#include "agent/loop.h"
#include "agent/sensor/engine.h"
#include "input/xi2.h"

enum { IDEM_DISPLAY_LOOK_US = 100000 };

struct idem_display {
    const char *name; /* as in DISPLAY; NULL: that of the environment */
    struct idem_loop *loop;
    struct idem_engine *engine;
    struct idem_xi2 *x;
    struct idem_watch watch;
    struct idem_timer look;
    bool looking;                    /* the timer is set */
    uint32_t given;                  /* numbers of devices so far: none is used twice */
    int16_t place[IDEM_XI2_DEVICES]; /* in the engine, or -1 */
    bool placed;
    double px, py;
    void (*settle)(void *arg); /* called when events have come */
    void *arg;
};

void idem_display_init(struct idem_display *d, const char *name, struct idem_loop *loop,
                       struct idem_engine *engine);
/* To what the engine wants now. IDEM_ERR_IO: there is no server, or it is gone; *reason says why.
 */
int idem_display_listen(struct idem_display *d, const char **reason);
void idem_display_close(struct idem_display *d);

#endif
