/* SPDX-License-Identifier: Apache-2.0 */
/* backoff.c - see backoff.h. */
#include "agent/courier/backoff.h"

enum { SECOND_US = 1000000, DOUBLINGS = 9 };

int64_t idem_backoff_next(struct idem_backoff *b, uint32_t random, uint32_t retry_after_s)
{
    int64_t span = (int64_t)IDEM_BACKOFF_FIRST_S << b->failures;

    if (b->failures < DOUBLINGS)
        b->failures++;
    span = (span > IDEM_BACKOFF_LAST_S ? IDEM_BACKOFF_LAST_S : span) * SECOND_US;
    int64_t spread = (int64_t)((double)span / 2 * random / UINT32_MAX);
    /* Who was told when to come spreads beyond it. */
    int64_t asked = retry_after_s > 0 ? (int64_t)retry_after_s * SECOND_US + spread : 0;
    return span / 2 + spread > asked ? span / 2 + spread : asked;
}
