/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seat_key.h - a seat's key file (wire/seat_key.h) for the subcommands that use one: what goes
 * wrong is said, and becomes an exit code.
 */
#ifndef IDEM_CLI_SEAT_KEY_H
#define IDEM_CLI_SEAT_KEY_H

#include "wire/seat_key.h"

/* IDEM_ERR_NOT_FOUND: there is none; else 0, or an exit code after a message. */
int idem_cli_read_seat_key(const char *file, struct idem_seat_key *out);
/* 0, or an exit code after a message. */
int idem_cli_write_seat_key(const char *file, const struct idem_seat_key *key);

#endif
