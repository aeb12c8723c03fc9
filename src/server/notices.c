/* SPDX-License-Identifier: Apache-2.0 */
/* notices.c - see notices.h. */
#include "server/notices.h"

#include "server/audit.h"
#include "server/doubts.h"
#include "server/metrics.h"
#include "server/worker_parts.h"
#include "store/seats.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum subject { OF_SESSION, OF_SEAT, OF_KEY };

struct row {
    const char *action;
    enum subject subject;
    enum idem_audit_sum sum; /* where the others are counted */
};

/* clang-format off */
static const struct row rows[IDEM_NOTICES] = {
    [IDEM_NOTICE_TOKEN_REUSED] = {"token.reused", OF_SESSION, IDEM_AUDIT_TOKEN_REFUSED},
    [IDEM_NOTICE_TOKEN_MOVED] = {"token.moved", OF_SESSION, IDEM_AUDIT_TOKEN_REFUSED},
    [IDEM_NOTICE_TOKEN_TORN] = {"token.torn", OF_SESSION, IDEM_AUDIT_TOKEN_REFUSED},
    [IDEM_NOTICE_SIGNATURE_WRONG] = {"window.signature-wrong", OF_SESSION,
        IDEM_AUDIT_WINDOW_REFUSED},
    [IDEM_NOTICE_CHAIN_BROKEN] = {"window.chain-broken", OF_SESSION, IDEM_AUDIT_WINDOW_REFUSED},
    [IDEM_NOTICE_RENEWAL_REPLAYED] = {"token.renewal-replayed", OF_SESSION,
        IDEM_AUDIT_TOKEN_REFUSED},
    [IDEM_NOTICE_CLOCK_OFF] = {"session.clock-off", OF_SESSION, IDEM_AUDIT_SESSION_REFUSED},
    [IDEM_NOTICE_OPENING_FORGED] = {"session.signature-wrong", OF_SEAT, IDEM_AUDIT_SEAT_REFUSED},
    [IDEM_NOTICE_OPENING_REPLAYED] = {"session.replayed", OF_SEAT, IDEM_AUDIT_SEAT_REFUSED},
    [IDEM_NOTICE_OPENING_REVOKED] = {"session.seat-revoked", OF_SEAT, IDEM_AUDIT_SEAT_REFUSED},
    [IDEM_NOTICE_SEAT_CLONED] = {"seat.cloned", OF_SEAT, IDEM_AUDIT_SEAT_REFUSED},
    [IDEM_NOTICE_REGISTRATION_REPLAYED] = {"seat.registration-replayed", OF_SEAT,
        IDEM_AUDIT_SEAT_REFUSED},
    [IDEM_NOTICE_REGISTRATION_LATE] = {"seat.registration-late", OF_SEAT,
        IDEM_AUDIT_SEAT_REFUSED},
    [IDEM_NOTICE_KEY_FROM_PAGE] = {"key.from-page", OF_KEY, IDEM_AUDIT_SESSION_REFUSED},
    [IDEM_NOTICE_SEAT_NAMED] = {"session.seat-not-theirs", OF_SEAT, IDEM_AUDIT_SESSION_REFUSED},
};
/* clang-format on */

/* ------------------------------------------------------------------ the queue */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct idem_notice queue[IDEM_NOTICES_MAX];
static uint32_t first, count, of_kind[IDEM_NOTICES];

/* A kind has its share: what strangers can cause without end leaves room for the others. */
enum { SHARE = IDEM_NOTICES_MAX / IDEM_NOTICES };

static void count_metric(enum idem_notice_kind kind)
{
    if (kind == IDEM_NOTICE_SEAT_CLONED)
        idem_metric_add(IDEM_METRIC_CLONES, 1);
    if (kind == IDEM_NOTICE_SIGNATURE_WRONG || kind == IDEM_NOTICE_OPENING_FORGED)
        idem_metric_add(IDEM_METRIC_FORGERIES, 1);
}

void idem_notice_post(const struct idem_notice *notice)
{
    pthread_mutex_lock(&lock);
    bool full = of_kind[notice->kind] == SHARE;
    if (!full) {
        queue[(first + count++) % IDEM_NOTICES_MAX] = *notice;
        of_kind[notice->kind]++;
    }
    pthread_mutex_unlock(&lock);
    count_metric(notice->kind);
    if (full)
        idem_audit_count(rows[notice->kind].sum);
}

void idem_notice_of_session(enum idem_notice_kind kind, int64_t organisation,
                            const uint8_t session[IDEM_ID_BYTES])
{
    struct idem_notice n = {.kind = kind, .organisation = organisation};

    memcpy(n.session, session, sizeof n.session);
    idem_notice_post(&n);
}

void idem_notice_of_row(enum idem_notice_kind kind, int64_t organisation, int64_t row)
{
    const struct idem_notice n = {.kind = kind, .organisation = organisation, .row = row};
    idem_notice_post(&n);
}

static bool take(struct idem_notice *out)
{
    pthread_mutex_lock(&lock);
    bool any = count > 0;
    if (any) {
        *out = queue[first];
        first = (first + 1) % IDEM_NOTICES_MAX;
        count--;
        of_kind[out->kind]--;
    }
    pthread_mutex_unlock(&lock);
    return any;
}

/* ------------------------------------------------------------------ lines */

static bool same(const struct idem_notice *a, const struct idem_notice *b)
{
    return a->kind == b->kind && a->organisation == b->organisation && a->row == b->row &&
           memcmp(a->session, b->session, sizeof a->session) == 0;
}

static bool is_recent(const struct idem_worker *w, int64_t at_ms)
{
    return at_ms != 0 && w->now_ms >= at_ms && w->now_ms - at_ms < IDEM_NOTICE_EVERY_MS;
}

/* Whether there was such a line a moment ago, or enough of the kind; if not, there is one now. */
static bool hushed(struct idem_worker *w, const struct idem_notice *n)
{
    struct idem_notice_state *state = &w->notices;
    struct idem_loud *kind = &state->kinds[n->kind];

    if (!is_recent(w, kind->since_ms))
        *kind = (struct idem_loud){.since_ms = w->now_ms};
    if (kind->lines == IDEM_NOTICE_LINES)
        return true;
    for (uint32_t i = 0; i < IDEM_HUSHES; i++)
        if (is_recent(w, state->hushes[i].at_ms) && same(&state->hushes[i].notice, n))
            return true;
    kind->lines++;
    state->hushes[state->next] = (struct idem_hush){w->now_ms, *n};
    state->next = (state->next + 1) % IDEM_HUSHES;
    return false;
}

/* "seat:NAME", "key:NAME"; by number when it is gone. */
static void name_row(struct idem_worker *w, const struct idem_notice *n,
                     char out[IDEM_AUDIT_SUBJECT_MAX + 1])
{
    struct idem_store *store = w->parts.store;
    struct idem_store_api_key key;
    struct idem_store_seat seat;
    const size_t size = IDEM_AUDIT_SUBJECT_MAX + 1;

    if (rows[n->kind].subject == OF_SEAT && store->seats->get(store, n->row, &seat) == 0)
        snprintf(out, size, "seat:%s", seat.name);
    else if (rows[n->kind].subject == OF_KEY && store->seats->key_get(store, n->row, &key) == 0)
        snprintf(out, size, "key:%s", key.name);
    else
        snprintf(out, size, "row:%lld", (long long)n->row);
}

static int add_line(struct idem_worker *w, const struct idem_notice *n)
{
    char subject[IDEM_AUDIT_SUBJECT_MAX + 1];
    struct idem_audit_line line = {
        .organisation = n->organisation,
        .at_ms = w->now_ms,
        .actor = "system",
        .action = rows[n->kind].action,
        .subject = subject,
        .about_seat = rows[n->kind].subject == OF_SESSION ||
                      strncmp(rows[n->kind].action, "session.", 8) == 0,
        .important = n->kind == IDEM_NOTICE_SEAT_CLONED,
    };
    const struct idem_session *s = rows[n->kind].subject == OF_SESSION
                                       ? idem_sessions_find(w->sessions, -1, n->session)
                                       : NULL;
    json_t *detail = n->minutes == 0 ? NULL : json_pack("{s:I}", "minutes", (json_int_t)n->minutes);

    if (rows[n->kind].subject == OF_SESSION)
        idem_public_id("s_", n->session, subject);
    else
        name_row(w, n, subject);
    line.detail = detail;
    line.person = s != NULL ? s->person->name : NULL;
    int err = idem_audit_add(w, &line);
    json_decref(detail);
    return err;
}

static void doubt(struct idem_worker *w, const uint8_t id[IDEM_ID_BYTES], unsigned what)
{
    struct idem_session *s = idem_sessions_find(w->sessions, -1, id);

    /* What a seat has signed cannot come from another machine, wherever its token has been; and in
     * the demonstration one machine has several addresses. */
    if (s != NULL && s->opening.kind != IDEM_SESSION_WEB)
        what &= ~(unsigned)IDEM_DOUBT_TOKEN_TORN;
    if (what == 0 || s == NULL || s->closed)
        return;
    idem_doubt_raise(s, what);
    idem_judge_refresh(s, s->clock_ms);
    idem_worker_changed(w, s);
    idem_worker_unsaved(w, s);
}

/* In one transaction, whoever insists. A line that is not one of the log's is only counted; with a
 * store that fails all of them are. */
static void write_lines(struct idem_worker *w, const struct idem_notice *lines, uint32_t n)
{
    struct idem_store *store = w->parts.store;
    int err = n == 0 ? IDEM_OK : store->ops->begin(store);

    if (n == 0)
        return;
    for (uint32_t i = 0; i < n && err == 0; i++) {
        err = add_line(w, &lines[i]);
        if (err == IDEM_ERR_LIMIT || err == IDEM_ERR_INVALID) {
            idem_audit_count(rows[lines[i].kind].sum);
            err = IDEM_OK;
        }
    }
    if (idem_worker_commit(w, err) == 0)
        return;
    for (uint32_t i = 0; i < n; i++)
        idem_audit_count(rows[lines[i].kind].sum);
}

void idem_notices_take(struct idem_worker *w)
{
    struct idem_notice lines[IDEM_NOTICES * IDEM_NOTICE_LINES], n;
    uint8_t id[IDEM_ID_BYTES];
    uint32_t count_of_lines = 0;
    unsigned doubts;

    for (int i = 0; i < IDEM_SESSION_SLOTS_MAX && idem_auth_doubted(w->parts.auth, id, &doubts);
         i++)
        doubt(w, id, doubts);
    for (int i = 0; i < IDEM_NOTICES_MAX && take(&n); i++) {
        if (hushed(w, &n))
            idem_audit_count(rows[n.kind].sum);
        else
            lines[count_of_lines++] = n;
    }
    write_lines(w, lines, count_of_lines);
}
