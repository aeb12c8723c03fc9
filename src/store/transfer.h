/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.h - files on their way into a backup and out of it: whole, private (0600), and on the
 * disk before anybody relies on them. Private to src/store.
 */
#ifndef IDEM_STORE_TRANSFER_H
#define IDEM_STORE_TRANSFER_H

#include "idem/idem.h"

enum { IDEM_SHA256_TEXT = 64, IDEM_WHY_MAX = 512 };

/* Writes the reason of a failure; returns err. */
__attribute__((format(printf, 3, 4))) int idem_why(char why[IDEM_WHY_MAX], int err, const char *fmt,
                                                   ...);

/* DIR/NAME. IDEM_ERR_INVALID: too long. */
int idem_path(char *out, size_t cap, const char *dir, const char *name);
/* An empty directory: made, or there already and empty. */
int idem_directory_new(const char *dir, char why[IDEM_WHY_MAX]);
int idem_directory_sync(const char *dir);

/* Copies to a new file. IDEM_ERR_NOT_FOUND: there is no such source. */
int idem_file_copy(const char *from, const char *to);
int idem_file_write(const char *path, const void *bytes, size_t len);
/* At most max bytes; the caller frees. IDEM_ERR_NOT_FOUND, IDEM_ERR_LIMIT. */
int idem_file_read(const char *path, size_t max, void **bytes, size_t *len);
int idem_file_sync(const char *path);
int idem_file_sha256(const char *path, char text[IDEM_SHA256_TEXT + 1], int64_t *bytes);

/* The lock that a server holds on its data directory. IDEM_ERR_LIMIT: somebody has it. */
int idem_directory_lock(const char *dir, int *fd);

#endif
