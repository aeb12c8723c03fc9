/* SPDX-License-Identifier: Apache-2.0 */
/*
 * injection_peers.c - the rules of two known tools, written from their descriptions: what our
 * figures are compared with. They ship in nothing but the evaluation.
 *
 * ukip       the last five key-downs, all four gaps at most 50 ms. The tool reads evdev and counts
 *            auto-repeat as key-downs; whether it does is the caller's choice here.
 * duckhunt   a history of 25 gaps whose mean is under 30 ms: the 26th key-down at the earliest.
 */
#include "eval/injection.h"

#include <string.h>

enum { UKIP_GAP_US = 50000, DUCKHUNT_MEAN_US = 30000, UKIP_KEYS = 5, DUCKHUNT_KEYS = 26 };

/* Keeps the last `room` times, oldest first. */
static void remember(int64_t *list, uint32_t *count, uint32_t room, int64_t t_us)
{
    if (*count == room)
        memmove(list, list + 1, (room - 1) * sizeof *list);
    else
        (*count)++;
    list[*count - 1] = t_us;
}

bool idem_peer_ukip_down(struct idem_peer_ukip *p, int64_t t_us)
{
    remember(p->last_us, &p->count, UKIP_KEYS, t_us);
    for (uint32_t i = 1; i < p->count; i++)
        if (p->last_us[i] - p->last_us[i - 1] > UKIP_GAP_US)
            return false;
    return p->count == UKIP_KEYS;
}

bool idem_peer_duckhunt_down(struct idem_peer_duckhunt *p, int64_t t_us)
{
    remember(p->last_us, &p->count, DUCKHUNT_KEYS, t_us);
    int64_t all = p->last_us[p->count - 1] - p->last_us[0];
    return p->count == DUCKHUNT_KEYS && all < (int64_t)DUCKHUNT_MEAN_US * (DUCKHUNT_KEYS - 1);
}
