/* SPDX-License-Identifier: Apache-2.0 */
/*
 * siphash.h - SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash of 64 bits. Without the key
 * a hash tells nothing of the bytes, nor whether two hashes under different keys are of the same.
 */
#ifndef IDEM_BASE_SIPHASH_H
#define IDEM_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { IDEM_SIPHASH_KEY = 16 };

uint64_t idem_siphash(const uint8_t key[IDEM_SIPHASH_KEY], const void *bytes, size_t len);

#endif
