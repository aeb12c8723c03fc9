/* SPDX-License-Identifier: Apache-2.0 */
/* guests.c - see guests.h: a set-associative table, so that finding, adding and forgetting look at
 * eight entries each, whatever addresses an attacker has. */
#include "server/guests.h"

#include "base/siphash.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct guest {
    struct idem_machine who;
    uint32_t connections, failures;
    int64_t minute_ms; /* when the first of the failures was */
};

struct idem_guests {
    pthread_mutex_t lock;
    uint32_t most_connections, most_failures;
    uint8_t key[IDEM_SIPHASH_KEY];
    struct guest sets[IDEM_GUEST_SETS][IDEM_GUEST_WAYS];
};

int idem_guests_new(uint32_t connections, uint32_t failures, struct idem_guests **out)
{
    struct idem_guests *g = calloc(1, sizeof *g);

    if (g == NULL)
        return IDEM_ERR_NOMEM;
    pthread_mutex_init(&g->lock, NULL);
    g->most_connections = connections;
    g->most_failures = failures;
    randombytes_buf(g->key, sizeof g->key);
    *out = g;
    return IDEM_OK;
}

void idem_guests_free(struct idem_guests *guests)
{
    if (guests == NULL)
        return;
    pthread_mutex_destroy(&guests->lock);
    free(guests);
}

/* ------------------------------------------------------------------ the table */

/* IPv4, mapped, has its address in the last four bytes; of IPv6 the first eight count. */
static struct idem_machine account_of(const struct idem_machine *who)
{
    static const struct idem_network v4 = {{{[10] = 0xff, [11] = 0xff}}, 96};
    struct idem_machine account = *who;

    if (!idem_network_has(&v4, who))
        memset(account.bytes + 8, 0, 8);
    return account;
}

static struct guest *set_of(struct idem_guests *g, const struct idem_machine *account)
{
    return g->sets[idem_siphash(g->key, account, sizeof *account) % IDEM_GUEST_SETS];
}

static struct guest *find(struct idem_guests *g, const struct idem_machine *account)
{
    struct guest *set = set_of(g, account);

    for (int i = 0; i < IDEM_GUEST_WAYS; i++)
        if (memcmp(&set[i].who, account, sizeof *account) == 0)
            return &set[i];
    return NULL;
}

/* The entry, a free one, or the one without connections whose failures are the longest ago. */
static struct guest *find_or_add(struct idem_guests *g, const struct idem_machine *account)
{
    struct guest *set = set_of(g, account), *oldest = NULL, *found = find(g, account);

    if (found != NULL)
        return found;
    for (int i = 0; i < IDEM_GUEST_WAYS; i++)
        if (set[i].connections == 0 && (oldest == NULL || set[i].minute_ms < oldest->minute_ms))
            oldest = &set[i];
    if (oldest != NULL)
        *oldest = (struct guest){.who = *account};
    return oldest;
}

/* ------------------------------------------------------------------ connections */

bool idem_guests_enter(struct idem_guests *guests, const struct idem_machine *who, bool *counted)
{
    const struct idem_machine account = account_of(who);
    bool room = true;

    *counted = false;
    pthread_mutex_lock(&guests->lock);
    struct guest *g = find_or_add(guests, &account);
    if (g != NULL) {
        room = g->connections < guests->most_connections;
        *counted = room;
        g->connections += room;
    }
    pthread_mutex_unlock(&guests->lock);
    return room;
}

void idem_guests_leave(struct idem_guests *guests, const struct idem_machine *who)
{
    const struct idem_machine account = account_of(who);

    pthread_mutex_lock(&guests->lock);
    struct guest *g = find(guests, &account); /* an entry with connections is never replaced */
    if (g != NULL && g->connections > 0)
        g->connections--;
    pthread_mutex_unlock(&guests->lock);
}

/* ------------------------------------------------------------------ failures */

static bool is_over(const struct idem_guests *guests, const struct guest *g, int64_t now_ms)
{
    return g != NULL && g->failures > guests->most_failures &&
           now_ms - g->minute_ms < IDEM_GUEST_MINUTE_MS;
}

bool idem_guests_fail(struct idem_guests *guests, const struct idem_machine *who, int64_t now_ms,
                      bool *first)
{
    const struct idem_machine account = account_of(who);

    pthread_mutex_lock(&guests->lock);
    struct guest *g = find_or_add(guests, &account);
    if (g != NULL) {
        if (g->failures == 0 || now_ms - g->minute_ms >= IDEM_GUEST_MINUTE_MS) {
            g->failures = 0;
            g->minute_ms = now_ms;
        }
        if (g->failures <= guests->most_failures + 1)
            g->failures++;
    }
    bool over = is_over(guests, g, now_ms);
    *first = over && g->failures == guests->most_failures + 1;
    pthread_mutex_unlock(&guests->lock);
    return over;
}

bool idem_guests_barred(struct idem_guests *guests, const struct idem_machine *who, int64_t now_ms)
{
    const struct idem_machine account = account_of(who);

    pthread_mutex_lock(&guests->lock);
    bool barred = is_over(guests, find(guests, &account), now_ms);
    pthread_mutex_unlock(&guests->lock);
    return barred;
}
