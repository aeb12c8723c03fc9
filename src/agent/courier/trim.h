/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trim.h - what was needed once is given back: the beginning of a process and a TLS handshake touch
 * a good part of every library, which the process then holds for as long as it lives. The code is
 * in the page cache all the same; dropped from this process, of it comes back what a heartbeat
 * takes. Freed heap goes with it.
 */
#ifndef IDEM_AGENT_COURIER_TRIM_H
#define IDEM_AGENT_COURIER_TRIM_H

/* After the beginning, and after each handshake. */
void idem_trim(void);

#endif
