/* SPDX-License-Identifier: Apache-2.0 */
/* retention.c - see retention.h. All of a run is one transaction with the line that tells of it. */
#include "server/retention.h"

#include "server/policy.h"
#include "server/porter.h"
#include "server/worker_parts.h"
#include "store/audit.h"
#include "store/cover.h"
#include "store/retention.h"

enum { WINDOWS_PER_RUN = 20000 };

/* The line that covers what is blanked. */
static int add_cover(struct idem_worker *w, enum idem_audit_log log, int64_t until,
                     int64_t before_ms)
{
    struct idem_store *store = w->parts.store;
    const int64_t precision = log == IDEM_AUDIT_SEATS_LOG ? IDEM_AUDIT_HOUR_MS : 1;
    const struct idem_cover cover = idem_cover_of_age(until, before_ms);
    const struct idem_cover_place place = {idem_audit_log_name(log), store->audit->head(store, log),
                                           w->now_ms - w->now_ms % precision};
    char body[IDEM_CHAIN_BODY_MAX];
    size_t len = idem_cover_body(&place, &cover, body);

    w->audit.important = true;
    return store->audit->add(store, log, 0, place.at_ms, body, len);
}

/* ------------------------------------------------------------------ the hourly run */

struct limits {
    int64_t sessions_ms, windows_ms, audit_ms, gate_ms;
};

static struct limits limits_of(const struct idem_worker *w)
{
    const struct idem_policy_retention *r;

    if (w->policy == NULL)
        return (struct limits){IDEM_KEEP_SESSIONS_MS, IDEM_KEEP_WINDOWS_MS, IDEM_KEEP_AUDIT_MS,
                               IDEM_KEEP_GATE_MS};
    r = idem_policy_retention(w->policy);
    return (struct limits){r->closed_sessions_ms, r->windows_ms, r->audit_detail_ms,
                           r->gate_records_ms};
}

static int blank_old(struct idem_worker *w, enum idem_audit_log log, int64_t before_ms,
                     int64_t *total)
{
    struct idem_store *store = w->parts.store;
    int64_t until = 0, count = 0;
    int err = store->audit->blank_before(store, log, before_ms, w->now_ms, &until, &count);

    if (err != 0 || count == 0)
        return err;
    *total += count;
    return add_cover(w, log, until, before_ms);
}

static int tell(struct idem_worker *w, const struct idem_store_removed *r, int64_t bodies)
{
    json_t *detail = json_pack("{s:I, s:b, s:I, s:I}", "sessions", (json_int_t)r->sessions,
                               "windows", r->windows > 0, "invitations", (json_int_t)r->invitations,
                               "audit_lines", (json_int_t)bodies);
    const struct idem_audit_line line = {
        .at_ms = w->now_ms, .actor = "system", .action = "retention.removed", .detail = detail};
    bool any = r->sessions > 0 || r->windows > 0 || r->invitations > 0 || bodies > 0;
    int err = !any ? IDEM_OK : detail == NULL ? IDEM_ERR_NOMEM : idem_audit_add(w, &line);
    json_decref(detail);
    return err;
}

void idem_retention_run(struct idem_worker *w, bool start)
{
    struct idem_store *store = w->parts.store;
    const struct limits keep = limits_of(w);
    const struct idem_store_limits limits = {
        .now_ms = w->now_ms,
        .sessions_ms = w->now_ms - keep.sessions_ms,
        .windows_ms = w->now_ms - keep.windows_ms,
        .windows_max = start ? 0 : WINDOWS_PER_RUN,
    };
    struct idem_store_removed removed = {0};
    int64_t bodies = 0;

    if (w->parts.porter != NULL) /* has a file and a thread of its own for that */
        idem_recorder_keep(idem_porter_recorder(w->parts.porter), keep.gate_ms);
    int err = store->ops->begin(store);

    if (err == 0)
        err = store->retention->expire(store, &limits, &removed);
    for (enum idem_audit_log log = 0; log < IDEM_AUDIT_LOGS && err == 0; log++)
        err = blank_old(w, log, w->now_ms - keep.audit_ms, &bodies);
    if (err == 0)
        err = tell(w, &removed, bodies);
    if (err == 0)
        err = store->ops->commit(store);
    if (err != 0)
        store->ops->rollback(store);
    else
        err = store->retention->tidy(store);
    idem_worker_storage(w, err);
}
