/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_heads.h - the heads that `idem audit verify` compares with: lines of files (as the server
 * writes them, or as syslog wrote them), or one given by itself; and the key that they must be
 * signed with.
 */
#ifndef IDEM_CLI_AUDIT_HEADS_H
#define IDEM_CLI_AUDIT_HEADS_H

#include "store/head.h"

enum { IDEM_CLI_HEADS_MAX = 1 << 20 };

struct idem_cli_heads {
    struct idem_head *at;
    size_t count, cap;
    size_t unreadable; /* lines that are no heads: half of one after a full disk, say */
};

/* arg: a file's name, or a head itself. 0, or an exit code after a message. */
int idem_cli_heads_add(struct idem_cli_heads *heads, const char *arg);
void idem_cli_heads_free(struct idem_cli_heads *heads);

/* A public key: 43 characters, or a file that holds them. 0, or an exit code after a message. */
int idem_cli_heads_key(const char *arg, uint8_t key[IDEM_HEAD_PUBLIC]);
/* Every head must be signed by the key. 0, or an exit code after a message. */
int idem_cli_heads_check(const struct idem_cli_heads *heads, const uint8_t key[IDEM_HEAD_PUBLIC]);

#endif
