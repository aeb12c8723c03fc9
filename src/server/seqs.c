/* SPDX-License-Identifier: Apache-2.0 */
/* seqs.c - see seqs.h. */
#include "server/seqs.h"

#include "server/constants.h"

#include <string.h>

static int add_ahead(struct idem_seqs *s, uint32_t seq)
{
    if (seq - s->high > IDEM_SEQ_AHEAD_MAX)
        return IDEM_ERR_INVALID;
    if (seq > s->high + 1) {
        if (s->gap_count == IDEM_GAPS_MAX)
            return IDEM_ERR_LIMIT;
        s->gaps[s->gap_count++] = (struct idem_gap){s->high + 1, seq - 1};
    }
    s->high = seq;
    return IDEM_OK;
}

static void remove_gap(struct idem_seqs *s, uint32_t at)
{
    s->gap_count--;
    memmove(&s->gaps[at], &s->gaps[at + 1], (s->gap_count - at) * sizeof s->gaps[0]);
}

static int split_gap(struct idem_seqs *s, uint32_t at, uint32_t seq)
{
    if (s->gap_count == IDEM_GAPS_MAX)
        return IDEM_ERR_LIMIT;
    memmove(&s->gaps[at + 1], &s->gaps[at], (s->gap_count - at) * sizeof s->gaps[0]);
    s->gap_count++;
    s->gaps[at].last = seq - 1;
    s->gaps[at + 1].first = seq + 1;
    return IDEM_OK;
}

static int fill_gap(struct idem_seqs *s, uint32_t at, uint32_t seq)
{
    struct idem_gap *gap = &s->gaps[at];

    if (gap->first == gap->last)
        remove_gap(s, at);
    else if (seq == gap->first)
        gap->first++;
    else if (seq == gap->last)
        gap->last--;
    else
        return split_gap(s, at, seq);
    return IDEM_OK;
}

int idem_seqs_add(struct idem_seqs *s, uint32_t seq, bool *fresh)
{
    int err = IDEM_OK;
    bool added = seq > s->high;

    if (added)
        err = add_ahead(s, seq);
    for (uint32_t i = 0; !added && i < s->gap_count; i++) {
        if (seq < s->gaps[i].first || seq > s->gaps[i].last)
            continue;
        err = fill_gap(s, i, seq);
        added = true;
    }
    if (err == 0)
        *fresh = added;
    return err;
}
