/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c - see pack.h. Numbers stand in the machine's own byte order, as in all messages. */
#include "agent/pack.h"

#include <string.h>

#include "window/window.h"

static size_t cell_size(const struct idem_window *w)
{
    return (2 + (size_t)w->shape.channels * 2) * sizeof(int32_t);
}

int idem_pack_window(const struct idem_window *w, void *bytes, size_t cap, size_t *len)
{
    struct idem_window_message head = {.modality = (uint32_t)w->modality,
                                       .strokes = w->strokes,
                                       .duration_ms = w->duration_ms,
                                       .front = w->front_id};
    size_t at = sizeof head, sums = (size_t)w->shape.channels * 2;
    uint8_t *to = bytes;

    for (uint32_t c = 0; c < w->shape.cells; c++) {
        if (w->n[c] == 0)
            continue;
        if (at > cap || cap - at < cell_size(w))
            return IDEM_ERR_LIMIT;
        memcpy(to + at, &c, sizeof c);
        memcpy(to + at + 4, &w->n[c], sizeof w->n[c]);
        memcpy(to + at + 8, &w->sums[c * sums], sums * sizeof w->sums[0]);
        at += cell_size(w);
        head.cells++;
    }
    if (at > cap)
        return IDEM_ERR_LIMIT;
    head.head = (struct idem_message_head){IDEM_SC_WINDOW, (uint32_t)at};
    memcpy(to, &head, sizeof head);
    *len = at;
    return 0;
}

int idem_unpack_window(const void *bytes, size_t len, struct idem_window *w)
{
    struct idem_window_message head;
    const uint8_t *from = bytes;

    if (len < sizeof head)
        return IDEM_ERR_FORMAT;
    memcpy(&head, from, sizeof head);
    if (head.front != w->front_id || head.modality != (uint32_t)w->modality)
        return IDEM_ERR_MISMATCH;
    if (head.cells > w->shape.cells || len != sizeof head + head.cells * cell_size(w))
        return IDEM_ERR_FORMAT;
    int err = idem_window_begin(w, head.strokes, head.duration_ms);
    for (size_t at = sizeof head; at < len && err == 0; at += cell_size(w)) {
        int32_t sums[2 * 64];
        uint32_t cell;
        int32_t n;
        if (cell_size(w) - 8 > sizeof sums)
            return IDEM_ERR_LIMIT;
        memcpy(&cell, from + at, sizeof cell);
        memcpy(&n, from + at + 4, sizeof n);
        memcpy(sums, from + at + 8, cell_size(w) - 8);
        err = idem_window_put(w, cell, n, sums);
    }
    return err != 0 ? err : idem_window_end(w);
}
