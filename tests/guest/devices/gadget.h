/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gadget.h - the USB half of keyboard.h: a HID gadget per emulated port. The device side writes
 * boot reports to /dev/hidgN, the host side is the kernel's own usbhid.
 */
#ifndef IDEM_GUEST_GADGET_H
#define IDEM_GUEST_GADGET_H

#include "keyboard.h"

int gadget_key(struct keyboard *kb, uint8_t code, bool down);
void gadget_remove(int port);
/* keyboard.c's, for both. */
int keyboard_node(const char *folder, char node[64]);

#endif
