/* SPDX-License-Identifier: Apache-2.0 */
/* spool_block.c - see spool_block.h. */
#include "agent/courier/spool_block.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"

enum { FIXED = 8 + 1 + 2 + 2 + 4 + 4 + 1 };

static const char label[] = "idem spool 1"; /* with its nought */

enum { SAID = sizeof label + IDEM_SPOOL_FILE + 4 };

_Static_assert(IDEM_SPOOL_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "spool_block.h");
_Static_assert(IDEM_SPOOL_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES, "spool_block.h");
_Static_assert(IDEM_SPOOL_KEY == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "spool_block.h");

static void say(const struct idem_spool_lock *lock, uint32_t place, uint8_t said[SAID])
{
    struct idem_writer w;

    idem_writer_init(&w, said, SAID);
    idem_write_bytes(&w, label, sizeof label);
    idem_write_bytes(&w, lock->file, sizeof lock->file);
    idem_write_u32(&w, place);
}

void idem_spool_seal(const struct idem_spool_lock *lock, uint32_t place,
                     const uint8_t plain[IDEM_SPOOL_PLAIN], uint8_t block[IDEM_SPOOL_BLOCK])
{
    uint8_t said[SAID];

    say(lock, place, said);
    randombytes_buf(block, IDEM_SPOOL_NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(block + IDEM_SPOOL_NONCE, NULL, plain,
                                               IDEM_SPOOL_PLAIN, said, SAID, NULL, block,
                                               lock->key);
}

int idem_spool_unseal(const struct idem_spool_lock *lock, uint32_t place,
                      const uint8_t block[IDEM_SPOOL_BLOCK], uint8_t plain[IDEM_SPOOL_PLAIN])
{
    uint8_t said[SAID];

    say(lock, place, said);
    return crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, block + IDEM_SPOOL_NONCE,
                                                      IDEM_SPOOL_BLOCK - IDEM_SPOOL_NONCE, said,
                                                      SAID, block, lock->key) == 0
               ? 0
               : IDEM_ERR_CHECKSUM;
}

size_t idem_spool_share(size_t person_len)
{
    return IDEM_SPOOL_PLAIN - FIXED - person_len;
}

uint32_t idem_spool_blocks(size_t len, const char *person)
{
    size_t share = idem_spool_share(strnlen(person, IDEM_SPOOL_PERSON_MAX - 1));
    return (uint32_t)((len + share - 1) / share);
}

void idem_spool_write_part(const struct idem_spool_part *part, uint8_t plain[IDEM_SPOOL_PLAIN])
{
    struct idem_writer w;
    size_t len = strlen(part->person);

    memset(plain, 0, IDEM_SPOOL_PLAIN);
    idem_writer_init(&w, plain, IDEM_SPOOL_PLAIN);
    idem_write_u64(&w, part->id);
    idem_write_u8(&w, (uint8_t)part->kind);
    idem_write_u16(&w, (uint16_t)part->part);
    idem_write_u16(&w, (uint16_t)part->parts);
    idem_write_u32(&w, part->len);
    idem_write_u32(&w, part->hour);
    idem_write_u8(&w, (uint8_t)len);
    idem_write_bytes(&w, part->person, len);
    idem_write_bytes(&w, part->bytes, part->count);
}

/* Its bytes are what its place among the parts says. */
static bool is_part(const struct idem_spool_part *p, size_t person_len)
{
    size_t share = idem_spool_share(person_len), before = p->part * share;

    return p->id != 0 && p->kind < IDEM_SPOOL_KINDS && p->len > 0 &&
           p->len <= IDEM_SPOOL_RECORD_MAX && p->parts == (p->len + share - 1) / share &&
           before < p->len && person_len > 0 && strlen(p->person) == person_len;
}

int idem_spool_read_part(const uint8_t plain[IDEM_SPOOL_PLAIN], struct idem_spool_part *out)
{
    struct idem_spool_part p = {0};
    struct idem_reader r;

    idem_reader_init(&r, plain, IDEM_SPOOL_PLAIN);
    p.id = idem_read_u64(&r);
    p.kind = idem_read_u8(&r);
    p.part = idem_read_u16(&r);
    p.parts = idem_read_u16(&r);
    p.len = idem_read_u32(&r);
    p.hour = idem_read_u32(&r);
    size_t len = idem_read_u8(&r);
    const uint8_t *person = idem_read_bytes(&r, len);
    if (r.err != 0 || len >= sizeof p.person)
        return IDEM_ERR_FORMAT;
    memcpy(p.person, person, len);
    if (!is_part(&p, len))
        return IDEM_ERR_FORMAT;
    size_t share = idem_spool_share(len), left = p.len - p.part * share;
    p.count = left < share ? left : share;
    p.bytes = r.at;
    *out = p;
    return 0;
}
