/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices.h - the keyboards and pointers of the seat: found by udev, told on, opened for the sensor
 * and for nobody else. No descriptor stays here.
 *
 *   it counts        an event node of this seat that udev calls a keyboard, mouse, touchpad or
 *                    pointing stick, or that has a letter key at all
 *   it came          after the list that was made at the start: HOTPLUGGED, whether anybody was
 *                    present or not, for who plants a device waits for the locked screen. It only
 *                    moves the odds of the guard, and for a short time after the arrival.
 *   it went          also when it is given to another seat
 *   it came again    is another device with another id; ids are never used twice
 *   too many         the table is full: the device is silenced, because what nobody watches shall
 *                    not type
 *   udev lost count  (its queue ran over): the whole list is made again and compared
 */
#ifndef IDEM_BROKER_DEVICES_H
#define IDEM_BROKER_DEVICES_H

#include <libudev.h>

#include "agent/broker/sysfs.h"
#include "agent/loop.h"
#include "agent/message.h"

struct idem_device {
    struct idem_device_message message; /* id 0: this place is free */
    char path[IDEM_SYSFS_PATH];         /* of its event node, /sys/devices/... */
    char node[64];                      /* /dev/input/event3 */
    char physical[IDEM_SYSFS_PATH];     /* the USB device, or what else its input hangs from */
    bool usb, seen;
};

struct idem_devices {
    struct idem_loop *loop;
    const char *seat;
    /* A device that came; one that went. */
    void (*came)(void *arg, const struct idem_device *device);
    void (*went)(void *arg, uint32_t id);
    void *arg;
    /* its own */
    struct udev *udev;
    struct udev_monitor *monitor;
    struct idem_watch watch;
    struct idem_device table[IDEM_DEVICES_MAX];
    uint32_t last_id;
    bool started, overflowed;
};

/* Finds what is there; came() is called for each. IDEM_ERR_IO: udev cannot be had. */
int idem_devices_open(struct idem_devices *devices);
void idem_devices_close(struct idem_devices *devices);
/* A descriptor of the very device, read-only; the caller closes it. IDEM_ERR_NOT_FOUND: it went. */
int idem_devices_node(const struct idem_device *device);
/* Tells the kernel to take nothing from the physical device of this id any more, by what it calls
 * inhibiting an input; read back. At once. IDEM_ERR_NOT_FOUND: it went; IDEM_ERR_IO: not so. */
int idem_devices_silence(const struct idem_devices *devices, uint32_t id);
/*
 * Cuts off the USB device that this one is a part of, found by its own place in the tree of
 * devices, whatever it says that it is; read back. May wait for it for seconds: to be called in a
 * child (child.h). What is not USB, or cannot be cut off, is silenced. As above.
 */
int idem_devices_cut(const struct idem_devices *devices, uint32_t id);

#endif
