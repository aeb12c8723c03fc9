/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealed.h - the labels of what the data base holds of people, and the rows that are more than
 * bytes. Shared by the server, by what reads its data base, and by what seals an older one.
 *
 * A profile's learning of its newest day says how much somebody typed that day. It is therefore
 * sealed with the profile, in front of it, and noughts stand in the columns.
 */
#ifndef IDEM_STORE_SEALED_H
#define IDEM_STORE_SEALED_H

#include "store/seal.h"
#include "store/store.h"

enum { IDEM_SEALED_DAY_BYTES = 16, IDEM_SEALED_PROFILE_OVER = 16 + IDEM_SEAL_OVERHEAD };

struct idem_seal_label idem_sealed_profile(const struct idem_store_profile *row,
                                           enum idem_seal_table which);
struct idem_seal_label idem_sealed_sketch(const struct idem_store_sketch *row);
struct idem_seal_label idem_sealed_window(int64_t organisation, const uint8_t *person,
                                          const uint8_t session[IDEM_ID_BYTES], uint32_t seq);
struct idem_seal_label idem_sealed_name(int64_t organisation, const uint8_t *person);

/*
 * Bytes and anchor of the row are replaced by what lies then in the two buffers, each with room for
 * what it holds and IDEM_SEALED_PROFILE_OVER. plain has room for either, unsealed, and the day.
 */
void idem_sealed_profile_seal(const uint8_t key[IDEM_SEAL_KEY_BYTES],
                              struct idem_store_profile *row, uint8_t *plain, uint8_t *bytes,
                              uint8_t *anchor);
/* The way back; the buffers have room for the sealed lengths. IDEM_ERR_FORMAT: not this row's. */
int idem_sealed_profile_open(const uint8_t key[IDEM_SEAL_KEY_BYTES],
                             const struct idem_store_profile *row, uint8_t *bytes, uint8_t *anchor,
                             struct idem_store_profile *out);

#endif
