/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - the system calls that the running server may make; any other ends the process. What
 * is left to somebody who can make the server do as he likes: the files its user may write to, and
 * the connections that are open. No program can be started, no file made executable, no process
 * looked into, no connection opened (but to a log-in provider, where one is configured).
 *
 * Not with a sanitizer, which makes calls of its own: there idem_sandbox_enter does nothing, and
 * idem_sandbox_is_built says so.
 */
#ifndef IDEM_SERVER_SANDBOX_H
#define IDEM_SERVER_SANDBOX_H

#include "idem/idem.h"

/* What is needed beyond files and the connections that come in. */
struct idem_sandbox {
    bool outbound; /* connections of its own over IP, with names looked up */
};

bool idem_sandbox_is_built(void);
/* For all threads, those that run already too; there is no way back. IDEM_ERR_IO when the kernel
 * refuses. */
int idem_sandbox_enter(const struct idem_sandbox *sandbox);

#endif
