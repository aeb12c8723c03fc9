/* SPDX-License-Identifier: Apache-2.0 */
/*
 * whole_file.h - small files that are always whole: read at once, and written under another name,
 * synced and renamed, so that whoever opens one finds what was there before or what is there now.
 *
 *   case                                   what happens
 *   power fails while it is written        the old one is there; "FILE.new" is left, and reused
 *   a symbolic link, a FIFO, a directory   refused
 *   another user's, or others may write    refused; others may read: refused when it is secret
 *   grown beyond the bound                 refused
 */
#ifndef IDEM_WIRE_WHOLE_FILE_H
#define IDEM_WIRE_WHOLE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "idem/idem.h"

/*
 * Opens the file, relative to the directory (or AT_FDCWD), to read it. size: of it. secret: nobody
 * else may read it. A descriptor, or IDEM_ERR_NOT_FOUND; IDEM_ERR_INVALID: refused; IDEM_ERR_LIMIT:
 * above max; IDEM_ERR_IO.
 */
int idem_whole_open(int dir, const char *file, bool secret, size_t max, size_t *size);
/* The same, and reads it. IDEM_ERR_LIMIT: more than cap bytes. */
int idem_whole_read(int dir, const char *file, bool secret, void *bytes, size_t cap, size_t *len);
/* Mode 0600; durable once it returns 0. IDEM_ERR_LIMIT: the name is too long; IDEM_ERR_FULL: the
 * disk is; IDEM_ERR_IO: errno says why. */
int idem_whole_write(int dir, const char *file, const void *bytes, size_t len);

#endif
