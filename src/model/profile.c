/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.c - the arithmetic of profiles: add, subtract, merge, forget.
 *
 * Bytes (little-endian): u32 version, u64 front id, u32 modality, u32 windows, f32 strokes, u32
 * floats, floats, u32 CRC-32. In memory a keyboard profile at the default level takes 1.3 kB.
 */
#include "model/profile.h"

#include "base/bytes.h"
#include "window/front.h"
#include "window/window.h"

#include <stdlib.h>
#include <string.h>

enum { PROFILE_VERSION = 1, PROFILE_HEAD = 28 };

int idem_profile_new(const struct idem_front *front, enum idem_modality modality,
                     struct idem_profile **out)
{
    struct idem_shape shape = idem_front_shape(front, modality);
    if (shape.cells == 0)
        return IDEM_ERR_INVALID;
    struct idem_profile *p = calloc(1, sizeof *p + idem_shape_len(shape) * sizeof p->stats[0]);
    if (p == NULL)
        return IDEM_ERR_NOMEM;
    p->front_id = idem_front_id(front);
    p->modality = modality;
    p->shape = shape;
    *out = p;
    return IDEM_OK;
}

void idem_profile_free(struct idem_profile *profile)
{
    free(profile);
}

static bool matches(const struct idem_profile *p, const struct idem_window *w)
{
    return p->front_id == w->front_id && p->modality == w->modality;
}

int idem_profile_add(struct idem_profile *profile, const struct idem_window *window)
{
    if (!matches(profile, window))
        return IDEM_ERR_MISMATCH;
    idem_window_add_to(window, 1, profile->stats);
    profile->strokes += (float)idem_window_held(window);
    profile->windows++;
    return IDEM_OK;
}

int idem_profile_subtract(struct idem_profile *profile, const struct idem_window *window)
{
    const size_t per_cell = (size_t)profile->shape.channels * 2;

    if (!matches(profile, window))
        return IDEM_ERR_MISMATCH;
    if (profile->windows == 0 || profile->strokes < (float)idem_window_held(window))
        return IDEM_ERR_INVALID;
    idem_window_add_to(window, -1, profile->stats);
    for (uint32_t c = 0; c < profile->shape.cells; c++) {
        if (profile->stats[c] > 0)
            continue;
        profile->stats[c] = 0; /* below nought: discounted since it was added */
        for (size_t k = 0; k < per_cell; k++)
            profile->stats[profile->shape.cells + c * per_cell + k] = 0;
    }
    profile->strokes -= (float)idem_window_held(window);
    profile->windows--;
    return IDEM_OK;
}

int idem_profile_merge(struct idem_profile *profile, const struct idem_profile *other)
{
    if (profile->front_id != other->front_id || profile->modality != other->modality)
        return IDEM_ERR_MISMATCH;
    for (size_t i = 0; i < idem_shape_len(profile->shape); i++)
        profile->stats[i] += other->stats[i];
    profile->strokes += other->strokes;
    profile->windows += other->windows;
    return IDEM_OK;
}

int idem_profile_discount(struct idem_profile *profile, double factor)
{
    if (!(factor > 0 && factor <= 1))
        return IDEM_ERR_INVALID;
    for (size_t i = 0; i < idem_shape_len(profile->shape); i++)
        profile->stats[i] *= (float)factor;
    profile->strokes *= (float)factor;
    return IDEM_OK;
}

double idem_profile_strokes(const struct idem_profile *profile)
{
    return profile->strokes;
}

uint32_t idem_profile_windows(const struct idem_profile *profile)
{
    return profile->windows;
}

size_t idem_profile_size(const struct idem_profile *profile)
{
    return PROFILE_HEAD + 4 * idem_shape_len(profile->shape) + 4;
}

int idem_profile_write(const struct idem_profile *profile, void *bytes, size_t cap, size_t *len)
{
    struct idem_writer w;
    if (bytes == NULL || cap < idem_profile_size(profile))
        return IDEM_ERR_LIMIT;
    idem_writer_init(&w, bytes, cap);
    idem_write_u32(&w, PROFILE_VERSION);
    idem_write_u64(&w, profile->front_id);
    idem_write_u32(&w, profile->modality);
    idem_write_u32(&w, profile->windows);
    idem_write_f32(&w, profile->strokes);
    idem_write_u32(&w, (uint32_t)idem_shape_len(profile->shape));
    idem_write_f32s(&w, profile->stats, idem_shape_len(profile->shape));
    idem_write_u32(&w, idem_crc32(bytes, w.len));
    if (w.err == 0)
        *len = w.len;
    return w.err;
}

static int check_bytes(const struct idem_front *front, const uint8_t *bytes, size_t len,
                       struct idem_reader *r, enum idem_modality *modality)
{
    if (len < PROFILE_HEAD + 4)
        return IDEM_ERR_TRUNCATED;
    idem_reader_init(r, bytes + len - 4, 4);
    if (idem_read_u32(r) != idem_crc32(bytes, len - 4))
        return IDEM_ERR_CHECKSUM;
    idem_reader_init(r, bytes, len - 4);
    if (idem_read_u32(r) != PROFILE_VERSION)
        return IDEM_ERR_VERSION;
    if (idem_read_u64(r) != idem_front_id(front))
        return IDEM_ERR_MISMATCH;
    *modality = (enum idem_modality)idem_read_size(r, 0, IDEM_MODALITIES - 1);
    return r->err;
}

int idem_profile_parse(const struct idem_front *front, const void *bytes, size_t len,
                       struct idem_profile **out)
{
    struct idem_profile *p = NULL;
    struct idem_reader r;
    enum idem_modality modality;

    int err = check_bytes(front, bytes, len, &r, &modality);
    if (err != 0 || (err = idem_profile_new(front, modality, &p)) != 0)
        return err;
    p->windows = idem_read_u32(&r);
    idem_read_f32s(&r, &p->strokes, 1);
    if (idem_read_u32(&r) != idem_shape_len(p->shape))
        r.err = r.err != 0 ? r.err : IDEM_ERR_MISMATCH;
    idem_read_f32s(&r, p->stats, idem_shape_len(p->shape));
    for (uint32_t c = 0; c < p->shape.cells && r.err == 0; c++) {
        if (p->stats[c] < 0)
            r.err = IDEM_ERR_FORMAT;
    }
    if (r.err == 0 && (r.at != r.end || !(p->strokes >= 0)))
        r.err = IDEM_ERR_FORMAT;
    if (r.err != 0) {
        idem_profile_free(p);
        return r.err;
    }
    *out = p;
    return IDEM_OK;
}
