/* SPDX-License-Identifier: Apache-2.0 */
/* spool_fate.c - what becomes of records: sent, acknowledged, given up. See spool.h. */
#include "agent/courier/spool_inside.h"

#include <sodium.h>
#include <string.h>

/* A head, changed and thrown away with its key. */
static int settle(struct idem_spool *s, struct idem_spool_head *next, idem_spool_goes_fn *goes,
                  const void *arg)
{
    int err = goes != NULL ? idem_spool_remove(s, next, goes, arg)
                           : idem_spool_commit(s, next, NULL, NULL);
    sodium_memzero(next, sizeof *next);
    return err;
}

static bool is_empty(const struct idem_spool *s)
{
    for (uint32_t i = IDEM_SPOOL_FIRST_ALARM; i < s->blocks; i++)
        if (s->entries[i].id != 0)
            return false;
    return true;
}

/* ------------------------------------------------------------------ sent, acknowledged */

static bool is_waiting(const struct idem_spool *s, enum idem_spool_kind kind, uint64_t id)
{
    uint32_t first, end;

    idem_spool_area(s, kind, &first, &end);
    for (uint32_t i = first; i < end; i++)
        if (s->entries[i].id == id)
            return id != 0 && idem_spool_find_flight(&s->head, kind, id) == NULL;
    return false;
}

static bool other_session(const struct idem_spool *s, const char *session)
{
    return s->head.flights[IDEM_SPOOL_WINDOW] + s->head.flights[IDEM_SPOOL_ALARM] > 0 &&
           strcmp(s->head.session, session) != 0;
}

/* Both ids and numbers ascend, also behind what is in flight already. */
static int add_flights(struct idem_spool_head *next, enum idem_spool_kind kind, const uint64_t *ids,
                       uint32_t count, uint32_t first_seq)
{
    struct idem_spool_flight last = {0, 0};

    if (count > idem_spool_flight_max(kind) - next->flights[kind])
        return IDEM_ERR_LIMIT;
    if (next->flights[kind] > 0)
        last = next->flight[kind][next->flights[kind] - 1];
    for (uint32_t i = 0; i < count; i++) {
        if (ids[i] <= last.id || first_seq + i <= last.seq)
            return IDEM_ERR_INVALID;
        last = (struct idem_spool_flight){ids[i], first_seq + i};
        next->flight[kind][next->flights[kind]++] = last;
    }
    return 0;
}

int idem_spool_sent(struct idem_spool *s, enum idem_spool_kind kind, const uint64_t *ids,
                    uint32_t count, const char *session, uint32_t first_seq)
{
    struct idem_spool_head next = s->head;
    size_t len = strnlen(session, IDEM_SPOOL_SESSION_MAX);

    if (len == 0 || len == IDEM_SPOOL_SESSION_MAX || other_session(s, session) || count == 0 ||
        first_seq == 0 || first_seq > UINT32_MAX - count)
        return IDEM_ERR_INVALID;
    for (uint32_t i = 0; i < count; i++)
        if (!is_waiting(s, kind, ids[i]))
            return IDEM_ERR_INVALID;
    int err = add_flights(&next, kind, ids, count, first_seq);
    if (err != 0)
        return err;
    memset(next.session, 0, sizeof next.session);
    memcpy(next.session, session, len);
    return settle(s, &next, NULL, NULL);
}

const char *idem_spool_session(const struct idem_spool *s)
{
    bool any = s->head.flights[IDEM_SPOOL_WINDOW] + s->head.flights[IDEM_SPOOL_ALARM] > 0;
    return any ? s->head.session : "";
}

struct until {
    enum idem_spool_kind kind;
    uint64_t ids[IDEM_SPOOL_FLIGHT_MAX];
    uint32_t count;
};

static bool is_among(const struct idem_spool *s, const void *arg, uint32_t place)
{
    const struct until *until = arg;

    if (idem_spool_kind_of(place) != until->kind)
        return false;
    for (uint32_t i = 0; i < until->count; i++)
        if (until->ids[i] == s->entries[place].id)
            return true;
    return false;
}

int idem_spool_acknowledged(struct idem_spool *s, enum idem_spool_kind kind, uint32_t seq)
{
    struct idem_spool_head next = s->head;
    struct until until = {.kind = kind};

    for (uint32_t i = 0; i < s->head.flights[kind]; i++)
        if (s->head.flight[kind][i].seq <= seq)
            until.ids[until.count++] = s->head.flight[kind][i].id;
    for (uint32_t i = 0; i < until.count; i++)
        idem_spool_end_flight(&next, kind, until.ids[i]);
    return until.count > 0 ? settle(s, &next, is_among, &until) : 0;
}

/* ------------------------------------------------------------------ given up */

int idem_spool_forget(struct idem_spool *s)
{
    struct idem_spool_head next = s->head;
    struct until until = {.kind = IDEM_SPOOL_WINDOW};
    int err = 0;

    for (uint32_t i = 0; i < s->head.flights[IDEM_SPOOL_WINDOW]; i++)
        until.ids[until.count++] = s->head.flight[IDEM_SPOOL_WINDOW][i].id;
    next.dropped += until.count;
    next.flights[IDEM_SPOOL_WINDOW] = next.flights[IDEM_SPOOL_ALARM] = 0;
    memset(next.session, 0, sizeof next.session);
    err = settle(s, &next, is_among, &until);
    if (err == 0)
        err = idem_spool_sync(s);
    return err == 0 && is_empty(s) ? idem_spool_rekey(s) : err;
}

static bool is_too_old(const struct idem_spool *s, const void *arg, uint32_t place)
{
    const int64_t *hour = arg;
    const struct idem_spool_entry *e = &s->entries[place];
    enum idem_spool_kind kind = idem_spool_kind_of(place);
    int64_t most = kind == IDEM_SPOOL_ALARM ? IDEM_SPOOL_ALARM_HOURS : IDEM_SPOOL_HOURS;

    return e->id != 0 && *hour - (int64_t)e->hour > most &&
           idem_spool_find_flight(&s->head, kind, e->id) == NULL;
}

int idem_spool_expire(struct idem_spool *s, int64_t hour)
{
    struct idem_spool_head next = s->head;
    uint64_t before = next.expired;

    for (uint32_t i = IDEM_SPOOL_FIRST_ALARM; i < s->blocks; i++)
        next.expired += is_too_old(s, &hour, i) && s->entries[i].part == 0;
    return next.expired > before ? settle(s, &next, is_too_old, &hour) : 0;
}

/* A window; arg: the person's hash, or NULL: anybody's. */
static bool is_of(const struct idem_spool *s, const void *arg, uint32_t place)
{
    const uint64_t *who = arg;
    return s->entries[place].id != 0 && idem_spool_kind_of(place) == IDEM_SPOOL_WINDOW &&
           (who == NULL || s->entries[place].person == *who);
}

int idem_spool_erase(struct idem_spool *s, const char *person)
{
    struct idem_spool_head next = s->head;
    uint64_t hash = person != NULL ? idem_spool_hash(s, person) : 0;
    const uint64_t *who = person != NULL ? &hash : NULL;

    for (uint32_t i = IDEM_SPOOL_FIRST_WINDOW; i < s->blocks; i++)
        if (is_of(s, who, i))
            idem_spool_end_flight(&next, IDEM_SPOOL_WINDOW, s->entries[i].id);
    int err = settle(s, &next, is_of, who);
    if (err == 0)
        err = idem_spool_sync(s);
    return err == 0 && is_empty(s) ? idem_spool_rekey(s) : err;
}

/* ------------------------------------------------------------------ counts */

void idem_spool_counts(const struct idem_spool *s, struct idem_spool_counts *out)
{
    *out = (struct idem_spool_counts){.dropped = s->head.dropped,
                                      .expired = s->head.expired,
                                      .refused = s->head.refused,
                                      .unreadable = s->head.unreadable,
                                      .lost = s->lost};
    for (uint32_t i = IDEM_SPOOL_FIRST_ALARM; i < s->blocks; i++) {
        const struct idem_spool_entry *e = &s->entries[i];
        enum idem_spool_kind kind = idem_spool_kind_of(i);
        if (e->id == 0)
            out->room += kind == IDEM_SPOOL_WINDOW;
        else if (e->part == 0 && idem_spool_find_flight(&s->head, kind, e->id) != NULL)
            out->in_flight[kind]++;
        else if (e->part == 0)
            out->waiting[kind]++;
    }
}

int idem_spool_counted(struct idem_spool *s)
{
    struct idem_spool_head next = s->head;

    next.dropped = next.expired = next.refused = next.unreadable = 0;
    s->lost = false;
    return settle(s, &next, NULL, NULL);
}
