/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_population.c - any bytes as a population file: opened, or refused with a reason. One that is
 * opened must write itself again, and score, with whatever numbers it claims, into a finite answer.
 *
 * Both checksums (the file's, and the front's inside it) are mended first.
 */
#include "base/bytes.h"
#include "model/population.h"
#include "model/scorer.h"
#include "window/window.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend(uint8_t *bytes, size_t len)
{
    struct idem_writer w;
    if (len < 4)
        return;
    idem_writer_init(&w, bytes + len - 4, 4);
    idem_write_u32(&w, idem_crc32(bytes, len - 4));
}

static void mend_both(uint8_t *bytes, size_t len)
{
    struct idem_reader r;
    if (len > 16) {
        idem_reader_init(&r, bytes + 8, 4);
        uint32_t front = idem_read_u32(&r);
        if (front <= len - 16)
            mend(bytes + 12, front);
    }
    mend(bytes, len);
}

static void score(const struct idem_population *pop, enum idem_modality m)
{
    const struct idem_front *front = pop->front;
    struct idem_scorer *scorer = NULL;
    struct idem_profile *profile = NULL;
    struct idem_window *window = NULL;
    struct idem_reason reasons[4];
    struct idem_score s;

    if (idem_scorer_new(pop, &scorer) != 0 || idem_profile_new(front, m, &profile) != 0 ||
        idem_window_new(front, m, &window) != 0)
        abort();
    if (idem_window_begin(window, 1000, 1000) != 0)
        abort();
    for (uint32_t c = 0; c < window->shape.cells; c += 3) {
        int32_t sums[2 * IDEM_CHANNELS_MAX];
        for (uint32_t k = 0; k < 2 * window->shape.channels; k++)
            sums[k] = (int32_t)(c + k) % IDEM_GRID;
        if (idem_window_put(window, c, IDEM_GRID, sums) != 0)
            abort();
    }
    for (int i = 0; i < 3; i++) {
        if (idem_profile_add(profile, window) != 0)
            abort();
    }
    if (idem_score_window(scorer, profile, window, &s) != 0)
        abort();
    if (!isfinite(s.llr) || fabs(s.llr) > IDEM_LLR_MAX || (s.sufficient && !isfinite(s.raw)))
        abort();
    int n = idem_explain(scorer, profile, window, reasons, 4);
    if (n < 0 || n > 4)
        abort();
    idem_window_free(window);
    idem_profile_free(profile);
    idem_scorer_free(scorer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct idem_population *pop = NULL;
    const char *reason = NULL;
    uint8_t *copy = malloc(size + 1);
    void *again = NULL;
    size_t len;

    if (size > 0)
        memcpy(copy, data, size);
    mend_both(copy, size);
    int err = idem_population_parse(copy, size, &pop, &reason);
    if ((err == 0) != (pop != NULL) || (err == 0) != (reason == NULL) || err > 0)
        abort();
    if (pop != NULL) {
        if (idem_population_write(pop, &again, &len) != 0)
            abort();
        for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++) {
            if (pop->present[m])
                score(pop, m);
        }
    }
    idem_population_free(pop);
    free(again);
    free(copy);
    return 0;
}
