/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeping.h - what the subcommands about data directories share: backup, restore, keys, person.
 */
#ifndef IDEM_CLI_KEEPING_H
#define IDEM_CLI_KEEPING_H

#include "cli/command.h"
#include "store/transfer.h"

/* Milliseconds since 1970. */
int64_t idem_cli_today(void);

/*
 * A passphrase: from the first line of the file, or asked for at the terminal, twice when it is a
 * new one. 0, or an exit code after a message. The caller wipes it.
 */
int idem_cli_passphrase(const char *file, bool is_new, char *out, size_t cap);

#endif
