/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_profile.c - any bytes as a profile: read or refused. One that is read writes the same bytes
 * again and stays in order through the arithmetic.
 *
 * Front id and checksum are mended first.
 */
#include "base/bytes.h"
#include "model/profile.h"
#include "window/front.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Six cells of level hand: enough to have a shape. */
static const struct idem_front *the_front(void)
{
    static struct idem_front *front;
    if (front != NULL)
        return front;
    struct idem_zoning z;
    if (idem_zoning_init(&z, IDEM_LEVEL_HAND) != 0 ||
        idem_front_alloc(idem_zoning_slots(&z), 6, &front) != 0)
        abort();
    front->zoning = z;
    front->level = IDEM_LEVEL_HAND;
    for (uint32_t c = 0; c < 6; c++) {
        front->slot[c] = 3 * c;
        for (uint32_t e = 0; e < IDEM_EDGES; e++)
            front->edges[c * IDEM_EDGES + e] = 50 + 20 * (float)e;
    }
    if (idem_front_seal(front) != 0)
        abort();
    return front;
}

static void arithmetic(struct idem_profile *p)
{
    struct idem_profile *sum = NULL;
    if (idem_profile_new(the_front(), p->modality, &sum) != 0)
        abort();
    if (idem_profile_merge(sum, p) != 0 || idem_profile_discount(sum, 0.5) != 0)
        abort();
    for (uint32_t c = 0; c < sum->shape.cells; c++) {
        if (!(sum->stats[c] >= 0))
            abort();
    }
    idem_profile_free(sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct idem_front *front = the_front();
    struct idem_profile *p = NULL;
    struct idem_writer w;
    uint8_t *copy = malloc(size + 1), *again = NULL;
    size_t len;

    if (size > 0)
        memcpy(copy, data, size);
    if (size >= 16) {
        idem_writer_init(&w, copy + 4, 8);
        idem_write_u64(&w, idem_front_id(front));
        idem_writer_init(&w, copy + size - 4, 4);
        idem_write_u32(&w, idem_crc32(copy, size - 4));
    }
    int err = idem_profile_parse(front, copy, size, &p);
    if ((err == 0) != (p != NULL) || err > 0)
        abort();
    if (p != NULL) {
        again = malloc(idem_profile_size(p));
        if (idem_profile_write(p, again, idem_profile_size(p), &len) != 0 || len != size ||
            memcmp(again, copy, len) != 0)
            abort();
        arithmetic(p);
    }
    idem_profile_free(p);
    free(again);
    free(copy);
    return 0;
}
