/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices.h - the sensor's devices: descriptors that the broker has opened, read through libevdev.
 *
 *   listening       the engine has use for events. Else no device is read or waited for, so that
 *                   what is typed at a locked screen never reaches this process: the kernel drops
 *                   it when listening begins (a change of the descriptor's clock empties its queue)
 *   time            the kernel's, CLOCK_MONOTONIC
 *   SYN_DROPPED     a gap, then libevdev's own sync, whose events are nobody's and left out
 *   old events      libevdev's queue is memory where events stay until others take their place.
 *                   So its handle is freed, which wipes it, and made anew: when a window is
 *                   finished, when listening ends, and after so many events (STALE) otherwise.
 *                   What went down or up in between unheard makes a gap
 *   a pointer       reports up to a thousand times a second or more, and waking up for each report
 *                   would be most of what the sensor costs. So after a read it rests: it is read
 *                   again after so long (REST), and waited for only when that brought nothing. One
 *                   whose queue ran full rests half as long from then on. Keyboards never rest
 *   read error      the device is gone
 *   a descriptor that could be written to, or whose reading could block, is refused
 */
#ifndef IDEM_AGENT_SENSOR_DEVICES_H
#define IDEM_AGENT_SENSOR_DEVICES_H

#include "agent/loop.h"
#include "agent/sensor/engine.h"
#include "input/evdev.h"

enum {
    IDEM_DEVICES_STALE = 4096,
    IDEM_DEVICES_REST_US = 16000,
    /* Events in one read that say that the kernel's queue, of 64 at least, is about to run full. */
    IDEM_DEVICES_MANY = 56,
};

struct libevdev;
struct idem_devices;

struct idem_node {
    uint32_t id, group; /* id 0: free */
    int place;          /* in the engine */
    uint32_t events;    /* since the handle was made */
    uint32_t rest_us;   /* how long it may rest */
    bool resting;
    struct idem_watch watch;
    struct libevdev *evdev; /* while listening */
    struct idem_evdev decoder;
    struct idem_devices *of;
};

struct idem_devices {
    struct idem_loop *loop;
    struct idem_engine *engine;
    bool listening;
    struct idem_timer rest; /* while any node rests */
    struct idem_node nodes[IDEM_DEVICES_MAX];
    void (*settle)(void *arg); /* called when a device had events, or has gone by itself */
    void *arg;
};

/* settle: see above. */
void idem_devices_init(struct idem_devices *d, struct idem_loop *loop, struct idem_engine *engine,
                       void (*settle)(void *arg), void *arg);
/* Before the first handle: freed memory is overwritten from here on. */
void idem_devices_prepare(void);
/* Takes the descriptor over. IDEM_ERR_INVALID: it is no input device, or the id is in use;
 * IDEM_ERR_LIMIT. */
int idem_devices_add(struct idem_devices *d, const struct idem_device_message *m, int fd);
/* One that is not there is no mistake: it went by itself. */
void idem_devices_remove(struct idem_devices *d, uint32_t id);
/* With all nodes of the same physical device. */
void idem_devices_remove_group(struct idem_devices *d, uint32_t id);
void idem_devices_clear(struct idem_devices *d);
/* To what the engine wants now. */
void idem_devices_listen(struct idem_devices *d);
/* A window of that modality is finished: its devices' handles are made anew. */
void idem_devices_renew(struct idem_devices *d, enum idem_modality modality);
/* What functions that have returned left on the stack. */
void idem_devices_wipe_stack(void);

#endif
