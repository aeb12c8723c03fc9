/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line.h - the lines between the agent's processes: SOCK_SEQPACKET, one message a datagram, at most
 * one descriptor with it. Nothing here blocks: whoever is too slow to read loses the line, not the
 * sender's time.
 *
 *   inherited   a listening socket that was open when the process began (systemd's socket units,
 *               sd_listen_fds(3)): the only way in. No process but the broker ever connects.
 *   accepted    the peer's uid is asked of the kernel (SO_PEERCRED), never of the peer
 *   a pair      made by the broker, which hands one end to the sensor and one to the courier
 */
#ifndef IDEM_AGENT_LINE_H
#define IDEM_AGENT_LINE_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/message.h"

/*
 * The inherited listening socket of that name (LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID; the unit's
 * FileDescriptorName=), made non-blocking and close-on-exec. name NULL: the first. A descriptor or
 * IDEM_ERR_NOT_FOUND.
 */
int idem_line_inherited(const char *name);
/* A connection that waits, non-blocking and close-on-exec; *uid is the peer's, by the kernel. Its
 * descriptor, IDEM_ERR_NOT_FOUND: none waits, or IDEM_ERR_IO. */
int idem_line_accept(int listening, uid_t *uid);
/* Broker only: connects to a process's socket. A descriptor or IDEM_ERR_IO. */
int idem_line_connect(const char *path);
int idem_line_pair(int ends[2]);

/*
 * head->len bytes are sent, with a copy of descriptor fd when that is not -1. IDEM_ERR_FULL: the
 * peer does not read; IDEM_ERR_IO: it is gone.
 */
int idem_line_send(int line, const struct idem_message_head *head, int fd);

struct idem_line_buffer {
    _Alignas(16) uint8_t bytes[IDEM_MESSAGE_MAX];
    size_t len;
    int fd; /* that came with it, or -1; whoever received it drops it */
};

/* Closes a descriptor that came from a peer, or might have. It can be a TCP socket that is told to
 * linger, whose closing would wait for somebody on the network: it is told not to first. So are those that wait in it, when it is
 * a socket of this machine. */
void idem_line_drop(int fd);

/*
 * The next message, checked for its direction (message.h): 0; IDEM_ERR_NOT_FOUND: none is here
 * now; IDEM_ERR_IO: the peer is gone; IDEM_ERR_INVALID: it said what it may not, end the line. A
 * descriptor that came with a message that is refused is closed.
 */
int idem_line_receive(int line, char from, char to, struct idem_line_buffer *out);
static inline const struct idem_message_head *idem_line_head(const struct idem_line_buffer *b)
{
    return (const struct idem_message_head *)(const void *)b->bytes;
}

#endif
