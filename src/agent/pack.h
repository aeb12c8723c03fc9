/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.h - a finished window on its way from the sensor to the courier, without a library: behind
 * the head of IDEM_SC_WINDOW, for each cell with a count above nought, ascending
 *
 *   u32 cell, i32 n, i32 sums[channels * 2]
 *
 * The courier checks it as the server does (window/window.h), so that a sensor that lost its mind
 * cannot make it send anything that no honest collector could.
 */
#ifndef IDEM_AGENT_PACK_H
#define IDEM_AGENT_PACK_H

#include "agent/message.h"

/* Into bytes (aligned for a message); *len of the message. IDEM_ERR_LIMIT: cap is too small. */
int idem_pack_window(const struct idem_window *window, void *bytes, size_t cap, size_t *len);
/* window: from idem_window_new() on the courier's own front, of the message's modality.
 * IDEM_ERR_MISMATCH: of another front or modality; IDEM_ERR_FORMAT, IDEM_ERR_INVALID: no window. */
int idem_unpack_window(const void *bytes, size_t len, struct idem_window *window);

#endif
