/* SPDX-License-Identifier: Apache-2.0 */
/*
 * front.h - a front as the courier hands it over: a memory file, sealed, so that it stays what it
 * was while it is read.
 */
#ifndef IDEM_AGENT_SENSOR_FRONT_H
#define IDEM_AGENT_SENSOR_FRONT_H

#include "idem/idem.h"

/* Closes fd. IDEM_ERR_INVALID: it is no sealed memory file of that many bytes; IDEM_ERR_IO, or what
 * idem_front_parse() says. */
int idem_front_receive(int fd, uint64_t size, struct idem_front **out);

#endif
