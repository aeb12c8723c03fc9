/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenes.h - the scenes, in the order in which they are played:
 *
 *   scenes_rig.c   the apparatus itself: are these keyboards what the kernel takes for keyboards?
 */
#ifndef IDEM_GUEST_SCENES_H
#define IDEM_GUEST_SCENES_H

#include "keyboard.h"
#include "script.h"
#include "tap.h"

void scenes_rig(void);

#endif
