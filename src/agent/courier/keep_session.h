/* SPDX-License-Identifier: Apache-2.0 */
/* keep_session.h - a session (keep.h) to bytes and back. Numbers are little-endian, texts stand
 * behind their length. */
#ifndef IDEM_AGENT_COURIER_KEEP_SESSION_H
#define IDEM_AGENT_COURIER_KEEP_SESSION_H

#include "agent/courier/keep.h"

enum { IDEM_KEEP_SESSION_BYTES = 1024 };

/* IDEM_ERR_INVALID as of idem_keep_write_session(). */
int idem_keep_format_session(const struct idem_keep_session *session, void *bytes, size_t cap,
                             size_t *len);

#endif
