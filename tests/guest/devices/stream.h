/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - the load of the footprint: a uinput mouse that reports a thousand times a second, in
 * strokes of a hand with pauses and clicks, and a uinput keyboard with ten keys a second.
 */
#ifndef IDEM_GUEST_STREAM_H
#define IDEM_GUEST_STREAM_H

/* So many seconds of it, speed times as fast. Calls start when the devices are there. Prints "done"
 * and the number of reports. Returns an exit status. */
int stream_play(double seconds, int speed, void (*start)(void));

#endif
