/* SPDX-License-Identifier: Apache-2.0 */
/* flips.c - see flips.h. */
#include "eval/flips.h"

#include "idem/idem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b)
{
    const struct idem_result *x = a, *y = b;
    return (x->score > y->score) - (x->score < y->score);
}

/* The lowest score at which FNMR (scores below) and FMR (scores from it on) differ least. */
static double meeting_point(const struct idem_result *sorted, size_t count, const size_t total[2])
{
    size_t below[2] = {0, 0};
    double least = INFINITY, at = 0;

    for (size_t i = 0; i < count;) {
        const double t = sorted[i].score;
        const double fnmr = (double)below[1] / (double)total[1];
        const double fmr = 1 - (double)below[0] / (double)total[0];
        if (fabs(fnmr - fmr) < least) {
            least = fabs(fnmr - fmr);
            at = t;
        }
        for (; i < count && !(sorted[i].score > t); i++)
            below[sorted[i].genuine]++;
    }
    return at;
}

int idem_flips_count(const struct idem_results *recorded, const struct idem_results *resampled,
                     struct idem_flips *out)
{
    const size_t count = recorded->count;
    size_t total[2] = {0, 0}, flipped[2] = {0, 0};

    if (count != resampled->count)
        return IDEM_ERR_MISMATCH;
    for (size_t i = 0; i < count; i++) {
        if (recorded->list[i].genuine != resampled->list[i].genuine)
            return IDEM_ERR_MISMATCH;
        total[recorded->list[i].genuine]++;
    }
    if (total[0] == 0 || total[1] == 0)
        return IDEM_ERR_TOO_LITTLE;
    struct idem_result *sorted = malloc(count * sizeof *sorted);
    if (sorted == NULL)
        return IDEM_ERR_NOMEM;
    memcpy(sorted, recorded->list, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, ascending);
    const double at = meeting_point(sorted, count, total);
    free(sorted);
    for (size_t i = 0; i < count; i++)
        flipped[recorded->list[i].genuine] +=
            (recorded->list[i].score >= at) != (resampled->list[i].score >= at);
    out->genuine = (double)flipped[1] / (double)total[1];
    out->impostor = (double)flipped[0] / (double)total[0];
    return IDEM_OK;
}
