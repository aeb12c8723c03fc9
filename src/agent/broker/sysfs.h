/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysfs.h - what the broker reads and writes below /sys. Devices are named by their directories,
 * so that a tree of plain files does for a test.
 */
#ifndef IDEM_BROKER_SYSFS_H
#define IDEM_BROKER_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IDEM_SYSFS_PATH = 512 };

/* The first line of an attribute. IDEM_ERR_IO, IDEM_ERR_LIMIT */
int idem_sysfs_read(const char *dir, const char *name, char *out, size_t cap);
/* 0 when it can be read back, or IDEM_ERR_IO. */
int idem_sysfs_write(const char *dir, const char *name, const char *value);
/* The directory above; IDEM_ERR_NOT_FOUND: none. */
int idem_sysfs_parent(const char *dir, char out[IDEM_SYSFS_PATH]);
/* The nearest USB device above (not its interface). IDEM_ERR_NOT_FOUND: there is none. */
int idem_sysfs_usb(const char *dir, char out[IDEM_SYSFS_PATH]);
/* Another one below root/bus/usb/devices has the vendor and product of this USB device. */
bool idem_sysfs_has_twin(const char *root, const char *usb);
/* An attribute that holds a number to that base, or 0. */
uint32_t idem_sysfs_number(const char *dir, const char *name, int base);
/* By the bits of an input's capabilities/key: has a letter, so that it can type. udev's word for a
 * keyboard asks for a whole one, and a device can claim less. */
bool idem_sysfs_types(const char *keys);
/* Of udev's MOUSE_DPI, "400@125 *800@125": the starred, else the first; 0: none. */
uint32_t idem_sysfs_dpi(const char *text);

#endif
