/* SPDX-License-Identifier: Apache-2.0 */
/* spool_head.c - see spool_head.h. Numbers are little-endian. */
#include "agent/courier/spool_head.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"

enum {
    FLIGHTS = (IDEM_WIRE_WINDOWS_MAX + IDEM_WIRE_ALARMS_MAX) * 12 + 2 * 4,
    BYTES = 4 + 8 * 8 + IDEM_SPOOL_KEY + IDEM_SPOOL_FILE + IDEM_SPOOL_SESSION_MAX + FLIGHTS,
};

_Static_assert((int)BYTES <= (int)IDEM_SPOOL_PLAIN, "a head is one block");

static const char label[] = "idem spool 1"; /* with its nought */

void idem_spool_head_new(struct idem_spool_head *head)
{
    randombytes_buf(&head->lock, sizeof head->lock);
}

void idem_spool_head_lock(const uint8_t seed[IDEM_SEAL_SEED], struct idem_spool_lock *out)
{
    memset(out, 0, sizeof *out);
    crypto_generichash(out->key, sizeof out->key, (const uint8_t *)label, sizeof label, seed,
                       IDEM_SEAL_SEED);
}

uint32_t idem_spool_flight_max(enum idem_spool_kind kind)
{
    return kind == IDEM_SPOOL_WINDOW ? IDEM_WIRE_WINDOWS_MAX : IDEM_WIRE_ALARMS_MAX;
}

static void write_flights(struct idem_writer *w, const struct idem_spool_head *head, int kind)
{
    idem_write_u32(w, head->flights[kind]);
    for (uint32_t i = 0; i < head->flights[kind]; i++) {
        idem_write_u64(w, head->flight[kind][i].id);
        idem_write_u32(w, head->flight[kind][i].seq);
    }
}

void idem_spool_write_head(const struct idem_spool_head *head, uint8_t plain[IDEM_SPOOL_PLAIN])
{
    struct idem_writer w;

    memset(plain, 0, IDEM_SPOOL_PLAIN);
    idem_writer_init(&w, plain, IDEM_SPOOL_PLAIN);
    idem_write_u64(&w, head->generation);
    idem_write_u32(&w, head->blocks);
    idem_write_bytes(&w, head->lock.key, sizeof head->lock.key);
    idem_write_bytes(&w, head->lock.file, sizeof head->lock.file);
    idem_write_u64(&w, head->next_id);
    for (int k = 0; k < IDEM_SPOOL_KINDS; k++)
        idem_write_u64(&w, head->floor[k]);
    idem_write_u64(&w, head->dropped);
    idem_write_u64(&w, head->expired);
    idem_write_u64(&w, head->refused);
    idem_write_u64(&w, head->unreadable);
    idem_write_bytes(&w, head->session, sizeof head->session);
    for (int k = 0; k < IDEM_SPOOL_KINDS; k++)
        write_flights(&w, head, k);
}

static void read_flights(struct idem_reader *r, struct idem_spool_head *head, int kind)
{
    uint64_t last = 0;

    head->flights[kind] = idem_read_size(r, 0, idem_spool_flight_max((enum idem_spool_kind)kind));
    for (uint32_t i = 0; i < head->flights[kind]; i++) {
        struct idem_spool_flight *f = &head->flight[kind][i];
        f->id = idem_read_u64(r);
        f->seq = idem_read_u32(r);
        if (r->err == 0 && (f->id <= last || f->seq == 0 || f->id >= head->next_id))
            r->err = IDEM_ERR_FORMAT;
        last = f->id;
    }
}

static void read_bytes(struct idem_reader *r, void *out, size_t len)
{
    const uint8_t *bytes = idem_read_bytes(r, len);
    if (r->err == 0)
        memcpy(out, bytes, len);
}

int idem_spool_read_head(const uint8_t plain[IDEM_SPOOL_PLAIN], struct idem_spool_head *out)
{
    struct idem_spool_head head = {0};
    struct idem_reader r;

    idem_reader_init(&r, plain, IDEM_SPOOL_PLAIN);
    head.generation = idem_read_u64(&r);
    head.blocks = idem_read_u32(&r);
    read_bytes(&r, head.lock.key, sizeof head.lock.key);
    read_bytes(&r, head.lock.file, sizeof head.lock.file);
    head.next_id = idem_read_u64(&r);
    for (int k = 0; k < IDEM_SPOOL_KINDS; k++)
        head.floor[k] = idem_read_u64(&r);
    head.dropped = idem_read_u64(&r);
    head.expired = idem_read_u64(&r);
    head.refused = idem_read_u64(&r);
    head.unreadable = idem_read_u64(&r);
    read_bytes(&r, head.session, sizeof head.session);
    for (int k = 0; k < IDEM_SPOOL_KINDS; k++)
        read_flights(&r, &head, k);
    if (r.err != 0 || head.next_id == 0 || head.session[sizeof head.session - 1] != '\0')
        return IDEM_ERR_FORMAT;
    *out = head;
    sodium_memzero(&head, sizeof head);
    return 0;
}

const struct idem_spool_flight *idem_spool_find_flight(const struct idem_spool_head *head,
                                                       enum idem_spool_kind kind, uint64_t id)
{
    for (uint32_t i = 0; i < head->flights[kind]; i++)
        if (head->flight[kind][i].id == id)
            return &head->flight[kind][i];
    return NULL;
}

void idem_spool_end_flight(struct idem_spool_head *head, enum idem_spool_kind kind, uint64_t id)
{
    struct idem_spool_flight *all = head->flight[kind];
    uint32_t left = 0;

    for (uint32_t i = 0; i < head->flights[kind]; i++)
        if (all[i].id != id)
            all[left++] = all[i];
    head->flights[kind] = left;
}
