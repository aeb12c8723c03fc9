/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_front.c - any bytes as a front. Behind it, whatever is left over is typed and pointed: what
 * a front that was accepted makes of events must be windows that a decoder accepts.
 *
 * The input: u16 length of the front, the front, then events of 8 bytes. The checksum is mended
 * first, otherwise nothing would get beyond it.
 */
#include "base/bytes.h"
#include "window/front.h"
#include "window/window.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A window survives the way over the wire: put cell by cell into another. */
static void carry(const struct idem_window *from, struct idem_window *to)
{
    if (idem_window_begin(to, from->strokes, from->duration_ms) != 0)
        abort();
    for (uint32_t c = 0; c < from->shape.cells; c++) {
        const int32_t *sums = from->sums + (size_t)c * from->shape.channels * 2;
        if (from->n[c] != 0 && idem_window_put(to, c, from->n[c], sums) != 0)
            abort();
    }
    if (idem_window_end(to) != 0)
        abort();
}

static void type(const struct idem_front *front, struct idem_reader *r)
{
    struct idem_keyboard *kb = NULL;
    struct idem_window *w = NULL, *copy = NULL;
    int64_t now = 0;

    if (idem_keyboard_new(front, 5, &kb) != 0)
        return;
    if (idem_window_new(front, IDEM_KEYBOARD, &w) != 0 ||
        idem_window_new(front, IDEM_KEYBOARD, &copy) != 0)
        abort();
    while (r->err == 0) {
        uint16_t key = idem_read_u16(r);
        uint16_t action = idem_read_u16(r);
        int32_t step = (int32_t)idem_read_u32(r);
        /* wraps: the ends of the range are the interesting times */
        now = action & 0x100 ? (int64_t)((uint64_t)(uint32_t)step << 32)
                             : (int64_t)((uint64_t)now + (uint64_t)(int64_t)step);
        if (idem_keyboard_event(kb, key, (enum idem_key_action)(action % 3), now)) {
            if (idem_keyboard_take(kb, w) != 0)
                abort();
            carry(w, copy);
        }
    }
    idem_window_free(w);
    idem_window_free(copy);
    idem_keyboard_free(kb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct idem_front *front = NULL;
    struct idem_reader r;
    struct idem_writer w;

    idem_reader_init(&r, data, size);
    size_t len = idem_read_u16(&r);
    const uint8_t *bytes = idem_read_bytes(&r, len);
    if (bytes == NULL)
        return 0;
    uint8_t *copy = malloc(len + 1);
    memcpy(copy, bytes, len);
    if (len >= 4) {
        idem_writer_init(&w, copy + len - 4, 4);
        idem_write_u32(&w, idem_crc32(copy, len - 4));
    }
    int err = idem_front_parse(copy, len, &front);
    if ((err == 0) != (front != NULL) || err > 0)
        abort();
    if (front != NULL) {
        if ((int)front->level > IDEM_LEVEL_FINGERROW)
            abort();
        type(front, &r);
    }
    idem_front_free(front);
    free(copy);
    return 0;
}
