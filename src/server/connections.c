/* SPDX-License-Identifier: Apache-2.0 */
/* connections.c - see connections.h. */
#include "server/connections.h"

#include <stddef.h>

static void unlink_it(struct idem_connections *all, struct idem_connection *c)
{
    if (c->phase == IDEM_PHASE_NONE)
        return;
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        all->first[c->phase] = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    else
        all->last[c->phase] = c->previous;
    all->waiting[c->phase]--;
    c->next = c->previous = NULL;
    c->phase = IDEM_PHASE_NONE;
}

void idem_connection_enter(struct idem_connections *all, struct idem_connection *c,
                           enum idem_phase phase, int64_t now_ms)
{
    unlink_it(all, c);
    if (phase == IDEM_PHASE_NONE || c->cut)
        return;
    c->phase = phase;
    c->until_ms = now_ms + all->patience_ms[phase];
    c->previous = all->last[phase];
    if (c->previous != NULL)
        c->previous->next = c;
    else
        all->first[phase] = c;
    all->last[phase] = c;
    all->waiting[phase]++;
}

void idem_connections_add(struct idem_connections *all, struct idem_connection *c, int64_t now_ms)
{
    c->phase = IDEM_PHASE_NONE;
    c->next = c->previous = NULL;
    all->count++;
    idem_connection_enter(all, c, IDEM_PHASE_FIRST, now_ms);
}

void idem_connections_remove(struct idem_connections *all, struct idem_connection *c)
{
    unlink_it(all, c);
    all->count--;
    all->cut -= c->cut;
}

void idem_connection_cut(struct idem_connections *all, struct idem_connection *c)
{
    unlink_it(all, c);
    all->cut += !c->cut;
    c->cut = true;
}

static struct idem_connection *cut(struct idem_connections *all, struct idem_connection *c)
{
    idem_connection_cut(all, c);
    return c;
}

struct idem_connection *idem_connections_overdue(struct idem_connections *all, int64_t now_ms)
{
    for (int phase = 0; phase < IDEM_PHASES; phase++) {
        struct idem_connection *c = all->first[phase];
        if (c != NULL && c->until_ms <= now_ms)
            return cut(all, c);
    }
    return NULL;
}

struct idem_connection *idem_connections_spare(struct idem_connections *all, uint32_t most,
                                               int64_t now_ms)
{
    struct idem_connection *silent = all->first[IDEM_PHASE_FIRST];
    struct idem_connection *idle = all->first[IDEM_PHASE_IDLE];

    if (all->waiting[IDEM_PHASE_FIRST] > IDEM_STRANGERS_MAX)
        return cut(all, silent);
    if (all->count - all->cut <= most)
        return NULL;
    if (silent != NULL && idle != NULL &&
        now_ms - (silent->until_ms - all->patience_ms[IDEM_PHASE_FIRST]) < IDEM_TIME_ENOUGH_MS)
        silent = NULL;
    if (silent != NULL)
        return cut(all, silent);
    return idle != NULL ? cut(all, idle) : NULL;
}
