/* SPDX-License-Identifier: Apache-2.0 */
/* devices.c - see devices.h. */
#include "agent/broker/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#define SYSFS   "/sys"
#define VIRTUAL SYSFS "/devices/virtual/"

static const char *word(struct udev_device *of, const char *name)
{
    const char *value = udev_device_get_property_value(of, name);
    return value != NULL ? value : "";
}

static bool is_one(struct udev_device *of, const char *name)
{
    return strcmp(word(of, name), "1") == 0;
}

static bool can_type(struct udev_device *input)
{
    const char *keys = input ? udev_device_get_sysattr_value(input, "capabilities/key") : NULL;
    return keys != NULL && idem_sysfs_types(keys);
}

static bool counts(const struct idem_devices *devices, struct udev_device *node)
{
    const char *name = udev_device_get_sysname(node), *seat = word(node, "ID_SEAT");

    if (name == NULL || strncmp(name, "event", 5) != 0 || udev_device_get_devnode(node) == NULL ||
        strcmp(*seat ? seat : "seat0", devices->seat) != 0)
        return false;
    return is_one(node, "ID_INPUT_KEYBOARD") || is_one(node, "ID_INPUT_MOUSE") ||
           is_one(node, "ID_INPUT_TOUCHPAD") || is_one(node, "ID_INPUT_POINTINGSTICK") ||
           can_type(udev_device_get_parent(node));
}

/* uhid speaks for Bluetooth; whatever else comes out of a program is not hardware. */
static bool is_synthetic(const char *path, uint32_t bus)
{
    return strncmp(path, VIRTUAL, strlen(VIRTUAL)) == 0 && bus != BUS_BLUETOOTH;
}

/* Receivers of one vendor are known by the driver of what they speak for; others look like a
 * cable. */
static bool is_wireless(struct udev_device *node, uint32_t bus)
{
    struct udev_device *hid = udev_device_get_parent_with_subsystem_devtype(node, "hid", NULL);
    const char *driver = hid ? udev_device_get_driver(hid) : NULL;

    return bus == BUS_BLUETOOTH || (driver && strncmp(driver, "logitech-", 9) == 0);
}

static void describe(struct idem_devices *devices, struct udev_device *node, struct idem_device *d)
{
    struct idem_device_message *m = &d->message;
    char input[IDEM_SYSFS_PATH] = "";

    (void)idem_sysfs_parent(d->path, input);
    uint32_t bus = idem_sysfs_number(input, "id/bustype", 16);
    d->usb = idem_sysfs_usb(d->path, d->physical) == 0;
    if (!d->usb && strncmp(input, VIRTUAL "input/", strlen(VIRTUAL "input/")) == 0)
        memcpy(d->physical, input, sizeof input);
    else if (!d->usb)
        (void)idem_sysfs_parent(input, d->physical);
    m->head = (struct idem_message_head){IDEM_BS_DEVICE, sizeof *m};
    m->vendor = (uint16_t)idem_sysfs_number(input, "id/vendor", 16);
    m->product = (uint16_t)idem_sysfs_number(input, "id/product", 16);
    m->source = is_synthetic(d->path, bus) ? IDEM_SOURCE_SYNTHETIC : IDEM_SOURCE_HARDWARE;
    m->flags = (devices->started ? IDEM_DEVICE_HOTPLUGGED : 0) |
               (d->usb && idem_sysfs_has_twin(SYSFS, d->physical) ? IDEM_DEVICE_TWIN : 0) |
               (is_wireless(node, bus) ? IDEM_DEVICE_WIRELESS : 0);
    m->dpi = idem_sysfs_dpi(word(node, "MOUSE_DPI"));
}

static struct idem_device *find_path(struct idem_devices *devices, const char *path)
{
    for (size_t i = 0; i < IDEM_DEVICES_MAX; i++)
        if (devices->table[i].message.id != 0 && strcmp(devices->table[i].path, path) == 0)
            return &devices->table[i];
    return NULL;
}

static struct idem_device *find_place(struct idem_devices *devices)
{
    for (size_t i = 0; i < IDEM_DEVICES_MAX; i++)
        if (devices->table[i].message.id == 0)
            return &devices->table[i];
    return NULL;
}

/* The number of the first node of the same physical device that is here, or its own. */
static uint32_t group_of(const struct idem_devices *devices, const struct idem_device *d)
{
    for (size_t i = 0; i < IDEM_DEVICES_MAX; i++)
        if (devices->table[i].message.id != 0 && &devices->table[i] != d &&
            strcmp(devices->table[i].physical, d->physical) == 0)
            return devices->table[i].message.group;
    return d->message.id;
}

static int inhibit(const char *path)
{
    char input[IDEM_SYSFS_PATH];
    int err = idem_sysfs_parent(path, input);

    return err != 0 ? err : idem_sysfs_write(input, "inhibited", "1");
}

static void refuse(struct idem_devices *devices, const char *path)
{
    int err = inhibit(path);

    if (!devices->overflowed)
        idem_log(IDEM_LOG_ERROR, "peer: more than %d input devices: %s and all after it %s",
                 IDEM_DEVICES_MAX, path, err == 0 ? "silenced" : "could not be silenced");
    devices->overflowed = true;
}

static void add(struct idem_devices *devices, struct udev_device *node, int64_t arrived_us)
{
    const char *path = udev_device_get_syspath(node), *name = udev_device_get_devnode(node);
    struct idem_device *d = find_place(devices);

    if (strlen(path) >= sizeof d->path || strlen(name) >= sizeof d->node ||
        strncmp(path, SYSFS "/", strlen(SYSFS "/")) != 0)
        return;
    if (d == NULL) {
        refuse(devices, path);
        return;
    }
    *d = (struct idem_device){.seen = true};
    memcpy(d->path, path, strlen(path) + 1);
    memcpy(d->node, name, strlen(name) + 1);
    describe(devices, node, d);
    d->message.arrived_us = arrived_us;
    d->message.id = ++devices->last_id;
    d->message.group = group_of(devices, d);
    devices->came(devices->arg, d);
}

static void drop(struct idem_devices *devices, struct idem_device *d)
{
    uint32_t id = d->message.id;

    d->message.id = 0;
    devices->overflowed = false;
    devices->went(devices->arg, id);
}

/* Time since the kernel began, as events have it. */
static int64_t arrival(struct udev_device *node)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t now = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
    return now - (int64_t)udev_device_get_usec_since_initialized(node);
}

static void take(struct idem_devices *devices, struct udev_device *node)
{
    const char *action = udev_device_get_action(node);
    bool here = action == NULL || strcmp(action, "remove") != 0;
    struct idem_device *known = find_path(devices, udev_device_get_syspath(node));

    here = here && counts(devices, node);
    if (known != NULL)
        known->seen = true;
    if (known != NULL && !here)
        drop(devices, known);
    else if (known == NULL && here)
        add(devices, node, devices->started ? arrival(node) : 0);
}

static int list(struct idem_devices *devices)
{
    struct udev_enumerate *all = udev_enumerate_new(devices->udev);
    struct udev_list_entry *entry;

    if (all == NULL || udev_enumerate_add_match_subsystem(all, "input") < 0 ||
        udev_enumerate_add_match_sysname(all, "event*") < 0 ||
        udev_enumerate_add_match_is_initialized(all) < 0 || udev_enumerate_scan_devices(all) < 0) {
        udev_enumerate_unref(all);
        return IDEM_ERR_IO;
    }
    udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(all))
    {
        struct udev_device *node =
            udev_device_new_from_syspath(devices->udev, udev_list_entry_get_name(entry));
        if (node != NULL)
            take(devices, node);
        udev_device_unref(node);
    }
    udev_enumerate_unref(all);
    return 0;
}

static void list_again(struct idem_devices *devices)
{
    idem_log(IDEM_LOG_ERROR, "kernel: events of devices were lost; all are looked at again");
    for (size_t i = 0; i < IDEM_DEVICES_MAX; i++)
        devices->table[i].seen = false;
    if (list(devices) != 0)
        return;
    for (size_t i = 0; i < IDEM_DEVICES_MAX; i++)
        if (devices->table[i].message.id != 0 && !devices->table[i].seen)
            drop(devices, &devices->table[i]);
}

static void on_event(void *arg, short events)
{
    struct idem_devices *devices = arg;

    (void)events;
    errno = 0;
    struct udev_device *node = udev_monitor_receive_device(devices->monitor);
    if (node != NULL)
        take(devices, node);
    else if (errno == ENOBUFS)
        list_again(devices);
    udev_device_unref(node);
}

/* The monitor first: what comes while the list is made is heard of twice, never not at all. */
int idem_devices_open(struct idem_devices *devices)
{
    devices->udev = udev_new();
    if (devices->udev != NULL)
        devices->monitor = udev_monitor_new_from_netlink(devices->udev, "udev");
    if (devices->monitor == NULL ||
        udev_monitor_filter_add_match_subsystem_devtype(devices->monitor, "input", NULL) < 0 ||
        udev_monitor_enable_receiving(devices->monitor) < 0)
        return IDEM_ERR_IO;
    devices->watch =
        (struct idem_watch){udev_monitor_get_fd(devices->monitor), POLLIN, on_event, devices};
    int err = idem_loop_watch(devices->loop, &devices->watch);
    if (err == 0)
        err = list(devices);
    devices->started = true;
    return err;
}

void idem_devices_close(struct idem_devices *devices)
{
    idem_loop_unwatch(devices->loop, &devices->watch);
    udev_monitor_unref(devices->monitor);
    udev_unref(devices->udev);
}

/* Names of nodes are used again, those of inputs (input23) are not: while its directory is there,
 * what was opened belongs to it. */
int idem_devices_node(const struct idem_device *device)
{
    struct stat s;
    int fd = open(device->node, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);

    if (fd < 0)
        return IDEM_ERR_NOT_FOUND;
    if (fstat(fd, &s) == 0 && S_ISCHR(s.st_mode) && access(device->path, F_OK) == 0)
        return fd;
    close(fd);
    return IDEM_ERR_NOT_FOUND;
}

static const struct idem_device *find(const struct idem_devices *devices, uint32_t id)
{
    for (size_t i = 0; i < IDEM_DEVICES_MAX; i++)
        if (id != 0 && devices->table[i].message.id == id)
            return access(devices->table[i].path, F_OK) == 0 ? &devices->table[i] : NULL;
    return NULL;
}

int idem_devices_silence(const struct idem_devices *devices, uint32_t id)
{
    const struct idem_device *of = find(devices, id);
    int err = of != NULL ? 0 : IDEM_ERR_NOT_FOUND;

    for (size_t i = 0; of != NULL && i < IDEM_DEVICES_MAX; i++) {
        const struct idem_device *d = &devices->table[i];
        if (d->message.id != 0 && d->message.group == of->message.group && inhibit(d->path) != 0)
            err = IDEM_ERR_IO;
    }
    return err;
}

int idem_devices_cut(const struct idem_devices *devices, uint32_t id)
{
    const struct idem_device *d = find(devices, id);

    if (d != NULL && d->usb && idem_sysfs_write(d->physical, "authorized", "0") == 0)
        return 0;
    return idem_devices_silence(devices, id);
}
