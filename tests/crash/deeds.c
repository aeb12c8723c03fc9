/* SPDX-License-Identifier: Apache-2.0 */
/* deeds.c - see deeds.h. Reads through the store's own table of functions only. */
#include "deeds.h"

#include "store/sealed.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct check {
    const struct deeds *deeds;
    size_t n;
    char *why;
    int64_t rows[DEED_SESSIONS_MAX]; /* of open sessions, 0: not there */
    bool unlocked[DEED_SESSIONS_MAX];
    struct idem_vault *vault;
    uint8_t people[DEED_SESSIONS_MAX][IDEM_ID_BYTES];
    int64_t organisation;
    uint8_t seen[DEEDS_MAX];
};

static int fault(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fault(struct check *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->why, DEED_WHY_MAX, fmt, ap);
    va_end(ap);
    return IDEM_ERR_FORMAT;
}

static int see_session(void *arg, const struct idem_store_session *stored)
{
    struct check *c = arg;

    for (int i = 0; i < c->deeds->session_count; i++)
        if (memcmp(c->deeds->sessions[i].id, stored->id, IDEM_ID_BYTES) == 0) {
            c->rows[i] = stored->row;
            c->unlocked[i] = stored->unlock_row != 0;
            c->organisation = stored->organisation;
            memcpy(c->people[i], stored->person, IDEM_ID_BYTES);
        }
    return IDEM_OK; /* one whose opening was never acknowledged: nobody knows its id */
}

static int session_of(const struct check *c, int64_t row)
{
    for (int i = 0; i < c->deeds->session_count; i++)
        if (c->rows[i] == row)
            return i;
    return -1;
}

static int find(const struct check *c, enum deed_kind kind, int session, uint32_t seq)
{
    for (int i = 0; i < c->deeds->count; i++) {
        const struct deed *d = &c->deeds->deeds[i];
        if (d->kind == kind && d->session == session && d->seq == seq && d->asked <= c->n)
            return i;
    }
    return -1;
}

/* What lies there is sealed: it is what was sent only if the person's key opens it. */
static bool is_sent(const struct check *c, int session, const struct idem_store_window *w,
                    const struct deed *d)
{
    static uint8_t opened[IDEM_STORE_PAYLOAD_MAX];
    const struct idem_seal_label label = idem_sealed_window(c->organisation, c->people[session],
                                                            c->deeds->sessions[session].id, w->seq);
    struct idem_vault_entry entry;
    size_t len = 0;

    return idem_vault_by_person(c->vault, c->organisation, c->people[session], &entry) == 0 &&
           idem_unseal(entry.key, &label, w->payload, w->len, opened, &len) == 0 && len == d->len &&
           memcmp(opened, d->payload, len) == 0;
}

static int see_window(void *arg, const struct idem_store_window *w)
{
    struct check *c = arg;
    const int session = session_of(c, w->session);

    if (session < 0)
        return fault(c, "row %lld is of no open session", (long long)w->row);
    const int at = find(c, DEED_WINDOW, session, w->seq);
    if (at < 0)
        return fault(c, "window %u of session %d was never sent", w->seq, session);
    const struct deed *d = &c->deeds->deeds[at];
    if (c->seen[at]++ > 0)
        return fault(c, "window %u of session %d is there twice", w->seq, session);
    if (!is_sent(c, session, w, d))
        return fault(c, "window %u of session %d is not what was sent", w->seq, session);
    return IDEM_OK;
}

static int see_alarm(void *arg, const struct idem_store_alarm *a)
{
    struct check *c = arg;
    const int session = session_of(c, a->session);

    if (a->seq == 0 || session < 0)
        return IDEM_OK; /* the server's own */
    const int at = find(c, DEED_ALARM, session, a->seq);
    if (at < 0)
        return fault(c, "alarm %u of session %d was never sent", a->seq, session);
    if (c->seen[at]++ > 0)
        return fault(c, "alarm %u of session %d is there twice", a->seq, session);
    return IDEM_OK;
}

static int check_session(struct check *c, int i)
{
    const struct deed_session *s = &c->deeds->sessions[i];

    if (s->opened <= c->n && s->close_asked > c->n && c->rows[i] == 0)
        return fault(c, "session %d was acknowledged and is not open", i);
    if (s->closed <= c->n && c->rows[i] != 0)
        return fault(c, "session %d was closed and is open", i);
    if (c->rows[i] != 0 && s->unlocked <= c->n && !c->unlocked[i])
        return fault(c, "session %d was unlocked and knows nothing of it", i);
    return IDEM_OK;
}

static int check_all(struct check *c)
{
    int err = IDEM_OK;

    for (int i = 0; i < c->deeds->session_count && err == 0; i++)
        err = check_session(c, i);
    for (int i = 0; i < c->deeds->count && err == 0; i++) {
        const struct deed *d = &c->deeds->deeds[i];
        const struct deed_session *s = &c->deeds->sessions[d->session];
        if (d->done > c->n || c->seen[i] > 0 ||
            (s->close_asked <= c->n && c->rows[d->session] == 0))
            continue;
        err = fault(c, "%s %u of session %d was acknowledged and is not there",
                    d->kind == DEED_WINDOW ? "window" : "alarm", d->seq, d->session);
    }
    return err;
}

bool deeds_hold(const struct deeds *d, size_t n, struct idem_store *store, struct idem_vault *vault,
                char why[DEED_WHY_MAX])
{
    struct check c = {.deeds = d, .n = n, .why = why, .vault = vault};
    int err;

    why[0] = '\0';
    (void)((err = store->ops->sessions_open(store, see_session, &c)) != 0 ||
           (err = store->ops->windows(store, see_window, &c)) != 0 ||
           (err = store->ops->alarms(store, see_alarm, &c)) != 0 || (err = check_all(&c)) != 0);
    if (err != 0 && why[0] == '\0')
        fault(&c, "the store cannot be read: %s", idem_strerror(err));
    return err == 0;
}

/* ------------------------------------------------------------------ logs */

static bool chain_holds(const char *database, const char *log, const struct idem_chain_head *heads,
                        size_t count, char *why)
{
    struct idem_chain_check *check = NULL;
    sqlite3 *db = NULL;

    int err = idem_chain_check_new(log, heads, count, &check);
    if (err == 0 && sqlite3_open(database, &db) != SQLITE_OK)
        err = IDEM_ERR_IO;
    if (err == 0)
        err = idem_chain_check_table(db, log, check);
    if (err == 0)
        err = idem_chain_check_end(check);
    if (err != 0)
        snprintf(why, DEED_WHY_MAX, "log %s: %s %.150s", log, idem_strerror(err),
                 check != NULL ? idem_chain_check_fault(check) : "");
    idem_chain_check_free(check);
    sqlite3_close(db);
    return err == 0;
}

bool deeds_lines_hold(const struct deeds *d, size_t n, char why[DEED_WHY_MAX])
{
    static const char *const databases[DEED_LOGS] = {WORLD_DATABASE, WORLD_GATE};
    static const char *const logs[DEED_LOGS] = {"audit", "gate"};
    struct idem_chain_head heads[DEED_LINES_MAX];

    for (int log = 0; log < DEED_LOGS; log++) {
        size_t count = 0;
        for (int i = 0; i < d->line_count[log]; i++)
            if (d->lines[log][i].done <= n)
                heads[count++] = d->lines[log][i].head;
        if (count > 0 && !chain_holds(databases[log], logs[log], heads, count, why))
            return false;
    }
    return true;
}
