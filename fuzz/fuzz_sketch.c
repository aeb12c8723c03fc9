/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sketch.c - any bytes as a sketch: read or refused, and written again alike; and any bytes as
 * a window that the decoder lets pass: its form is read, and it is compared with the sketch.
 *
 * Bytes: those of the sketch, whose count says how many they are and whose checksum is mended; then
 * for each cell u8 strokes and i8 sums.
 */
#include "base/bytes.h"
#include "model/form.h"
#include "model/sketch.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CELLS = 12, HEAD = 8 };

struct world {
    struct idem_front *front;
    struct idem_imprinter *imprinter;
    struct idem_sketcher *sketcher;
    struct idem_window *window;
};

static struct world *the_world(void)
{
    static const uint8_t key[IDEM_SIPHASH_KEY] = "any";
    static struct world w;
    struct idem_zoning z;
    if (w.front != NULL)
        return &w;
    if (idem_zoning_init(&z, IDEM_LEVEL_HAND) != 0 ||
        idem_front_alloc(idem_zoning_slots(&z), CELLS, &w.front) != 0)
        abort();
    w.front->zoning = z;
    w.front->level = IDEM_LEVEL_HAND;
    for (uint32_t c = 0; c < CELLS; c++) {
        w.front->slot[c] = c < 4 ? c : 5 * c;
        for (uint32_t e = 0; e < IDEM_EDGES; e++)
            w.front->edges[c * IDEM_EDGES + e] = 50 + 7 * (float)(c + 1) * (float)e;
    }
    if (idem_front_seal(w.front) != 0 ||
        idem_imprinter_new(w.front, IDEM_KEYBOARD, key, &w.imprinter) != 0 ||
        idem_sketcher_new(w.front, IDEM_KEYBOARD, w.imprinter, &w.sketcher) != 0 ||
        idem_window_new(w.front, IDEM_KEYBOARD, &w.window) != 0)
        abort();
    return &w;
}

/* True when the decoder would let it pass. */
static bool read_window(struct idem_window *w, const uint8_t *data, size_t size)
{
    const size_t per_cell = 1 + IDEM_CONTRASTS;
    int32_t sums[IDEM_CONTRASTS];
    if (idem_window_begin(w, 100, 0) != 0)
        abort();
    for (uint32_t c = 0; c < CELLS && size >= (c + 1) * per_cell; c++) {
        const uint8_t *at = data + c * per_cell;
        if (at[0] == 0)
            continue;
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            sums[k] = at[0] * (int8_t)at[1 + k] * IDEM_GRID / 90;
        if (idem_window_put(w, c, at[0] * IDEM_GRID, sums) != 0)
            return false;
    }
    return idem_window_end(w) == 0;
}

static void compare(struct world *w, struct idem_sketch *sketch)
{
    struct idem_sketch_match match;
    struct idem_imprint imprint;
    struct idem_form form;
    idem_form_read(w->front, w->window, &form);
    if (form.bent > form.thin || form.whole > form.full)
        abort();
    idem_imprint_make(w->imprinter, w->window, &imprint);
    idem_sketch_compare(w->sketcher, sketch, w->window, &imprint, &match);
    const double share = idem_sketch_share(&match);
    if (!(share >= 0 && share <= 1))
        abort();
    if (idem_sketch_add(sketch, &imprint) != 0)
        abort();
    idem_sketch_compare(w->sketcher, sketch, w->window, &imprint, &match);
    if (match.how != IDEM_RESENT_WHOLE)
        abort();
}

/* What was read is written, read and written again: the same bytes. */
static void write_twice(const struct idem_sketch *sketch)
{
    static uint8_t one[IDEM_SKETCH_BYTES_MAX], two[IDEM_SKETCH_BYTES_MAX];
    struct idem_sketch back = {0};
    size_t a, b;
    if (idem_sketch_write(sketch, 0, one, sizeof one, &a) != 0 ||
        idem_sketch_parse(one, a, &back) != 0 || back.count != sketch->count ||
        idem_sketch_write(&back, 0, two, sizeof two, &b) != 0 || a != b)
        abort();
    idem_sketch_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *w = the_world();
    struct idem_sketch sketch = {0};
    struct idem_writer mend;
    uint8_t *copy = malloc(size + 1);
    size_t own = size;

    if (size > 0)
        memcpy(copy, data, size);
    if (size >= HEAD + 4) {
        const size_t wanted = HEAD + (size_t)copy[4] * IDEM_IMPRINT_BYTES + 4;
        own = wanted < size ? wanted : size;
        idem_writer_init(&mend, copy + own - 4, 4);
        idem_write_u32(&mend, idem_crc32(copy, own - 4));
    }
    int err = idem_sketch_parse(copy, own, &sketch);
    if (err > 0 || (err != 0 && sketch.list != NULL))
        abort();
    if (err == 0)
        write_twice(&sketch);
    if (err == 0 && read_window(w->window, copy + own, size - own))
        compare(w, &sketch);
    idem_sketch_fini(&sketch);
    free(copy);
    return 0;
}
