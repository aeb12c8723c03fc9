/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rights.h - what the broker gives up before it reads the first byte of anybody: new privileges,
 * all capabilities but those to become the person of a notice, core dumps; and by seccomp sockets
 * other than the machine's own (AF_UNIX, and AF_NETLINK for udev), programs, other processes'
 * memory, modules, mounts. A list of what is refused, not of what is allowed, because libsystemd
 * and the name services of the machine choose their calls themselves; sensor and courier, which
 * strangers can talk to, have lists of what is allowed (agent/confine.h).
 *
 * Not with a sanitizer, which needs some of it.
 */
#ifndef IDEM_BROKER_RIGHTS_H
#define IDEM_BROKER_RIGHTS_H

/* For this process and its children. IDEM_ERR_IO: the kernel refused. */
int idem_rights_give_up(void);

#endif
