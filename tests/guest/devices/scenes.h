/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenes.h - the scenes, in the order in which they are played:
 *
 *   scenes_rig.c     the apparatus itself: are these keyboards what the kernel takes for keyboards?
 *   scenes_seat.c    broker and sensor as they are shipped: people, payloads, accidents
 *   scenes_broker.c  the broker alone: what it hands over, and what it cuts off
 *   scenes_memory.c  the sensor alone: what it may not do, and what it keeps
 *   scenes_locked.c  what is typed at a locked screen, and a screen that nobody touches
 *   scenes_pointer.c devices that are no keyboard, and how often a moving one wakes the sensor
 */
#ifndef IDEM_GUEST_SCENES_H
#define IDEM_GUEST_SCENES_H

#include "keyboard.h"
#include "script.h"
#include "tap.h"

void scenes_rig(void);
void scenes_broker(void);
void scenes_seat(void);
void scenes_memory(void);
void scenes_locked(void);
void scenes_pointer(void);

#endif
