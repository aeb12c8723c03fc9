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
 *   too many         the table is full: the kernel is told to take nothing from that device
 *                    (`inhibited`), because what nobody watches shall not type
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
    bool started;
};

/* Finds what is there; came() is called for each. IDEM_ERR_IO: udev cannot be had. */
int idem_devices_open(struct idem_devices *devices);
void idem_devices_close(struct idem_devices *devices);
/* A descriptor of the very device, read-only; the caller closes it. IDEM_ERR_NOT_FOUND: it went. */
int idem_devices_node(const struct idem_device *device);
/*
 * Cuts off the device of this id, and with it all of the USB device that it is a part of; what is
 * not USB by telling the kernel to take nothing from its inputs. Verified by reading back.
 * Deauthorizing may wait for the device for seconds: to be called in a child (child.h).
 * IDEM_ERR_NOT_FOUND, IDEM_ERR_IO
 */
int idem_devices_cut(const struct idem_devices *devices, uint32_t id);

#endif
