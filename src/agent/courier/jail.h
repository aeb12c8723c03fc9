/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail.h - what the courier gives up once it is set up (agent/confine.h), and the wire across the
 * way to everything that it must never look at.
 *
 * The courier has the network, so it must see no key. Three things stand in the way of one that was
 * taken over by what a server sent it, each by itself:
 *
 *   Landlock    opens nothing but what looking up names and TLS need (to read) and its own state.
 *               That is the wall: it is the kernel's, and compares files, not names
 *   seccomp     no ioctl of an input device, no new program, no other process, no memory that is
 *               written and then run
 *   the wire    opening a path under /dev, /sys, /home, /root or /proc ends the process, loudly
 *
 * A wall alone would let somebody try doors until one is open. With the wire, the first try is the
 * last, and the journal says so. seccomp cannot read a path, so the kernel hands each open(2) and
 * openat(2) back (SIGSYS); the handler looks at the path, ends the process or makes the call itself
 * by openat2(2) with a random number behind its arguments, which the filter lets through. Another
 * thread could change the path in between: the wire is no wall, and the wall is behind it.
 *
 * Left open on purpose: /dev/null, /dev/urandom, and the number of this boot
 * (/proc/sys/kernel/random/boot_id), which is part of what a seat signs.
 */
#ifndef IDEM_AGENT_COURIER_JAIL_H
#define IDEM_AGENT_COURIER_JAIL_H

#include <stdbool.h>

enum { IDEM_JAIL_DIED = 9 }; /* exit status of a process that has touched the wire */

/* state: the directory; ca: a file of the configuration's, or "". To be called once, before there
 * is a thread. Logs what cannot be. IDEM_ERR_IO */
int idem_jail_enter(const char *state, const char *ca);
/* Is a path beyond the wire? state may lie anywhere. */
bool idem_jail_is_beyond(const char *path, const char *state);

#endif
