/* SPDX-License-Identifier: Apache-2.0 */
/* front.c - reading, writing and sealing a front; see front.h for the bytes. */
#include "window/front.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char magic[4] = {'I', 'D', 'M', 'F'};

int idem_front_alloc(uint32_t slots, uint32_t cells, struct idem_front **out)
{
    if (slots > IDEM_SLOTS_MAX || cells > IDEM_CELLS_MAX)
        return IDEM_ERR_LIMIT;
    struct idem_front *front = calloc(1, sizeof *front);
    if (front == NULL)
        return IDEM_ERR_NOMEM;
    front->slots = slots;
    front->cells = cells;
    front->cell_of_slot = calloc(slots + 1, sizeof *front->cell_of_slot);
    front->slot = calloc(cells + 1, sizeof *front->slot);
    front->edges = calloc((size_t)(cells + 1) * IDEM_EDGES, sizeof *front->edges);
    if (!front->cell_of_slot || !front->slot || !front->edges) {
        idem_front_free(front);
        return IDEM_ERR_NOMEM;
    }
    *out = front;
    return IDEM_OK;
}

void idem_front_free(struct idem_front *front)
{
    if (front == NULL)
        return;
    free(front->cell_of_slot);
    free(front->slot);
    free(front->edges);
    idem_mixture_free(&front->mixture);
    free(front);
}

static int fill_slot_table(struct idem_front *front)
{
    for (uint32_t s = 0; s < front->slots; s++)
        front->cell_of_slot[s] = -1;
    for (uint32_t c = 0; c < front->cells; c++) {
        if (front->slot[c] >= front->slots || front->cell_of_slot[front->slot[c]] >= 0)
            return IDEM_ERR_FORMAT;
        front->cell_of_slot[front->slot[c]] = (int32_t)c;
    }
    return IDEM_OK;
}

static void write_body(const struct idem_front *front, struct idem_writer *w)
{
    idem_write_bytes(w, magic, sizeof magic);
    idem_write_u32(w, IDEM_FRONT_VERSION);
    idem_write_u32(w, (uint32_t)front->level);
    idem_write_u32(w, front->cells);
    for (uint32_t c = 0; c < front->cells; c++) {
        idem_write_u32(w, front->slot[c]);
        idem_write_f32s(w, front->edges + (size_t)c * IDEM_EDGES, IDEM_EDGES);
    }
    idem_mixture_write(&front->mixture, w);
}

int idem_front_write(const struct idem_front *front, struct idem_writer *w)
{
    if ((int)front->level > IDEM_LEVEL_FINGERROW)
        return IDEM_ERR_LEVEL;
    size_t start = w->len;
    write_body(front, w);
    if (w->base == NULL || w->err != 0)
        idem_write_u32(w, 0);
    else
        idem_write_u32(w, idem_crc32(w->base + start, w->len - start));
    return w->err;
}

int idem_front_seal(struct idem_front *front)
{
    struct idem_writer w;
    int r = fill_slot_table(front);

    if (r != 0)
        return r;
    idem_writer_init(&w, NULL, 0);
    write_body(front, &w);
    size_t len = w.len;
    uint8_t *bytes = malloc(len);
    if (bytes == NULL)
        return IDEM_ERR_NOMEM;
    idem_writer_init(&w, bytes, len);
    write_body(front, &w);
    front->id = idem_fnv64(bytes, len);
    free(bytes);
    return IDEM_OK;
}

static bool ascend(const float *edges)
{
    for (int e = 0; e + 1 < IDEM_EDGES; e++) {
        if (!(edges[e] < edges[e + 1]))
            return false;
    }
    return true;
}

static int read_cells(struct idem_front *front, struct idem_reader *r)
{
    for (uint32_t c = 0; c < front->cells; c++) {
        front->slot[c] = idem_read_u32(r);
        idem_read_f32s(r, front->edges + (size_t)c * IDEM_EDGES, IDEM_EDGES);
        if (r->err == 0 && !ascend(front->edges + (size_t)c * IDEM_EDGES))
            r->err = IDEM_ERR_FORMAT;
    }
    return r->err;
}

static int read_header(struct idem_reader *r, enum idem_level *level, uint32_t *cells)
{
    const uint8_t *m = idem_read_bytes(r, sizeof magic);
    if (m == NULL)
        return IDEM_ERR_TRUNCATED;
    if (memcmp(m, magic, sizeof magic) != 0)
        return IDEM_ERR_FORMAT;
    if (idem_read_u32(r) != IDEM_FRONT_VERSION)
        return r->err ? r->err : IDEM_ERR_VERSION;
    *level = (enum idem_level)idem_read_size(r, 0, IDEM_LEVEL_FINGERROW);
    *cells = idem_read_size(r, 0, IDEM_CELLS_MAX);
    return r->err;
}

int idem_front_parse(const void *bytes, size_t len, struct idem_front **out)
{
    struct idem_front *front = NULL;
    struct idem_zoning zoning;
    struct idem_reader r;
    enum idem_level level;
    uint32_t cells;
    int err;

    if (len < 20)
        return IDEM_ERR_TRUNCATED;
    idem_reader_init(&r, (const uint8_t *)bytes + len - 4, 4);
    uint32_t crc = idem_read_u32(&r);
    idem_reader_init(&r, bytes, len - 4);
    if ((err = read_header(&r, &level, &cells)) != 0)
        return err;
    if (idem_crc32(bytes, len - 4) != crc)
        return IDEM_ERR_CHECKSUM;
    if ((err = idem_zoning_init(&zoning, level)) != 0 ||
        (err = idem_front_alloc(idem_zoning_slots(&zoning), cells, &front)) != 0)
        return err;
    front->level = level;
    front->zoning = zoning;
    if ((err = read_cells(front, &r)) != 0 || (err = idem_mixture_read(&front->mixture, &r)) != 0)
        goto fail;
    err = r.at == r.end ? idem_front_seal(front) : IDEM_ERR_FORMAT;
    if (err != 0)
        goto fail;
    *out = front;
    return IDEM_OK;
fail:
    idem_front_free(front);
    return err;
}

uint64_t idem_front_id(const struct idem_front *front)
{
    return front->id;
}

enum idem_level idem_front_level(const struct idem_front *front)
{
    return front->level;
}

uint32_t idem_front_cells(const struct idem_front *front, enum idem_modality modality)
{
    return idem_front_shape(front, modality).cells;
}

uint32_t idem_front_channels(const struct idem_front *front, enum idem_modality modality)
{
    return idem_front_shape(front, modality).channels;
}
