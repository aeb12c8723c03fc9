/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenes.c - the devices' guest: what happens on a seat, played with keyboards that the kernel
 * takes for real ones, and what the agent makes of it. One line of TAP for each statement.
 */
#include "scenes.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    scenes_rig();
    scenes_memory();
    scenes_locked();
    scenes_pointer();
    scenes_broker();
    scenes_seat();
    return tap_end();
}
