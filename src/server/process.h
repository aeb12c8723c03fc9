/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - what the process asks of the system: memory, files, signals, and who it is.
 */
#ifndef IDEM_SERVER_PROCESS_H
#define IDEM_SERVER_PROCESS_H

#include "idem/idem.h"

#include <signal.h>

/* Before any thread. signals: SIGTERM, SIGINT and SIGHUP, blocked in all threads; they are waited
 * for. */
void idem_process_prepare(sigset_t *signals);
/* Becomes this user for good, with its groups; logs why not. Before any thread. */
int idem_process_become(const char *user);

#endif
