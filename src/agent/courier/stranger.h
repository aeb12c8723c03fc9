/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stranger.h - connections of anybody at all: nothing that comes over them stops the courier.
 *
 * A process may send a descriptor along with its bytes (SCM_RIGHTS), and close its own copy: who
 * then drops the last one, by receiving without wanting it or by closing the connection that it
 * waits in, has the kernel close that file in his own turn. A file can make that last for as long
 * as its sender likes: a TCP socket with unsent data and SO_LINGER; the same in the queue of
 * another socket that is sent; the same sent out of band.
 *
 *   sending         refused by the kernel (SO_PASSRIGHTS, Linux 6.16)
 *   receiving       no room is offered, so that none gets a number here; who sends one is told so
 *   dropping one    under a timer whose signal ends each such wait of the kernel
 */
#ifndef IDEM_AGENT_COURIER_STRANGER_H
#define IDEM_AGENT_COURIER_STRANGER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Of a socket, listening or connected: descriptors are refused to who would send them, where the
 * kernel knows how. */
void idem_stranger_meet(int fd);
/* As recv(2), and never waits. -1 with EBADMSG: a descriptor came along; it is gone. */
ssize_t idem_stranger_receive(int fd, void *bytes, size_t cap);
/* A descriptor waits with what would be received next. Receives nothing. */
bool idem_stranger_carries(int fd);
/* As close(2), with whatever still waits to be received. */
void idem_stranger_close(int fd);

#endif
