/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes.h - bounded little-endian reading and writing of flat memory.
 *
 * Both sides latch the first error: a chain of calls is checked once, at its end, with .err. After
 * an error reads return zero and writes do nothing, so that no length read from damaged bytes is
 * used.
 */
#ifndef IDEM_BASE_BYTES_H
#define IDEM_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct idem_reader {
    const uint8_t *at, *end;
    int err; /* 0 or the first IDEM_ERR_* */
};

struct idem_writer {
    uint8_t *base;
    size_t len,
        cap; /* base may be NULL with cap 0: then only len counts (a dry run for the size) */
    int err;
};

void idem_reader_init(struct idem_reader *r, const void *bytes, size_t len);
uint8_t idem_read_u8(struct idem_reader *r);
uint16_t idem_read_u16(struct idem_reader *r);
uint32_t idem_read_u32(struct idem_reader *r);
uint64_t idem_read_u64(struct idem_reader *r);
float idem_read_f32(struct idem_reader *r);
double idem_read_f64(struct idem_reader *r);
/* count floats; every one must be finite, otherwise IDEM_ERR_FORMAT. */
void idem_read_f32s(struct idem_reader *r, float *out, size_t count);
/* A u32 that must lie in [min, max], otherwise IDEM_ERR_FORMAT and min is returned. */
uint32_t idem_read_size(struct idem_reader *r, uint32_t min, uint32_t max);
const uint8_t *idem_read_bytes(struct idem_reader *r, size_t len);

void idem_writer_init(struct idem_writer *w, void *bytes, size_t cap);
void idem_write_u8(struct idem_writer *w, uint8_t v);
void idem_write_u16(struct idem_writer *w, uint16_t v);
void idem_write_u32(struct idem_writer *w, uint32_t v);
void idem_write_u64(struct idem_writer *w, uint64_t v);
void idem_write_f32(struct idem_writer *w, float v);
void idem_write_f64(struct idem_writer *w, double v);
void idem_write_f32s(struct idem_writer *w, const float *v, size_t count);
void idem_write_bytes(struct idem_writer *w, const void *v, size_t len);

/* CRC-32 (IEEE 802.3, reflected 0xEDB88320): against damage, not against malice. */
uint32_t idem_crc32(const void *bytes, size_t len);
/* FNV-1a, 64 bits: a name for a piece of public data. */
uint64_t idem_fnv64(const void *bytes, size_t len);
/* Overwrites memory in a way that the compiler may not drop. */
void idem_wipe(void *bytes, size_t len);

#endif
