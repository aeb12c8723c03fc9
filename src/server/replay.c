/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - after a restart: open sessions come back from the store, and their windows, in the
 * order of receipt, go through the same judgement as when they were new. What the filter knew, the
 * numbers held and the enrolment under way are thus as they were.
 *
 * Cases: a window of an earlier population is counted and not judged; an unlocking happened between
 * two rows and is repeated there; a lock that is on record stays, whatever the replay says; what an
 * alarm of a guard forbids to learn is known before the windows, what it does is done after them;
 * an alarm that another version wrote in words unknown here does what its columns say, is shown
 * without reasons and lets nothing be learned.
 */
#include "server/worker_parts.h"

#include "base/log.h"
#include "server/acknowledgement.h"
#include "server/clock.h"
#include "server/doubts.h"
#include "server/index.h"
#include "server/metrics.h"
#include "server/policing.h"
#include "server/seat_calls.h"

#include <string.h>

enum { ROW_KEY = 8 };

struct replay {
    struct idem_worker *worker;
    struct idem_index *by_row; /* from a session's row to its slot */
    uint32_t unreadable;       /* alarms */
    uint32_t unsealed;         /* windows that their person's key does not open */
};

/* The row's low bytes spread well enough to place it. */
static void row_key(int64_t row, uint8_t key[ROW_KEY])
{
    memcpy(key, &row, ROW_KEY);
}

static void fill_session(struct idem_session *s, const struct idem_store_session *stored)
{
    memcpy(s->token_hash, stored->token_hash, sizeof s->token_hash);
    s->device_class = stored->device_class;
    s->test_clock = stored->test_clock;
    s->row = stored->row;
    s->unlock_row = stored->unlock_row;
    s->opened_ms = s->changed_ms = s->clock_ms = stored->opened_ms;
    s->seen_ms = idem_clock_ms(); /* idleness is counted anew */
    s->token_expires_ms = stored->token_expires_ms;
    s->opening = (struct idem_opening){
        .organisation = stored->organisation,
        .kind = stored->kind,
        .start = stored->start,
        .api_key = stored->api_key,
        .has_nonce = stored->has_nonce,
    };
    s->start_row = stored->start_row;
    s->decided_row = stored->decided_row;
    s->replaying = true;
    memcpy(s->opening.site, stored->site, sizeof s->opening.site);
    memcpy(s->opening.country, stored->country, sizeof s->opening.country);
    memcpy(s->opening.job, stored->job, sizeof s->opening.job);
    memcpy(s->opening.nonce, stored->nonce, sizeof s->opening.nonce);
    s->opening.seat = stored->kind == IDEM_SESSION_AGENT ? stored->seat_row : 0;
    s->renewals = stored->renewals;
}

static int bring_session(void *arg, const struct idem_store_session *stored)
{
    struct replay *r = arg;
    struct idem_worker *w = r->worker;
    struct idem_session *s;
    uint8_t key[ROW_KEY];
    int err;

    if (stored->device_class >= IDEM_DEVICE_CLASSES)
        return IDEM_ERR_FORMAT;
    if ((err = idem_sessions_add(w->sessions, stored->id, stored->seat, &s)) != 0)
        return err;
    fill_session(s, stored);
    row_key(stored->row, key);
    if ((err = idem_people_get(w->parts.people, stored->organisation, stored->person,
                               &s->person)) != 0 ||
        (err = idem_sessions_open(w->sessions, s)) != 0 || (err = idem_seat_begin(w, s)) != 0 ||
        (err = idem_auth_add(w->parts.auth, s->token_hash, s->id, stored->organisation, s->slot,
                             s->token_expires_ms)) != 0)
        return err;
    idem_policing_assign(w, s);
    idem_acknowledgement_load(w, s);
    idem_metric_add(IDEM_METRIC_SESSIONS, 1);
    return idem_index_add(r->by_row, key, s->slot);
}

static struct idem_session *session_of_row(struct replay *r, int64_t row)
{
    uint8_t key[ROW_KEY];

    row_key(row, key);
    int32_t slot = idem_index_find(r->by_row, key);
    return slot == IDEM_INDEX_NONE ? NULL : idem_sessions_at(r->worker->sessions, slot);
}

static void unlock_before(struct idem_session *s, int64_t row)
{
    if (s->unlock_row != 0 && row > s->unlock_row) {
        s->unlock_row = 0;
        idem_judge_unlock(s);
    }
}

static int bring_window(void *arg, const struct idem_store_window *stored)
{
    struct replay *r = arg;
    struct idem_worker *w = r->worker;
    struct idem_store_window opened;
    const struct idem_window *window;
    uint32_t seq;
    bool fresh;

    struct idem_session *s = session_of_row(r, stored->session);
    if (s == NULL)
        return IDEM_OK; /* of no open session: nothing refers to it any more */
    unlock_before(s, stored->row);
    if (stored->received_ms > s->clock_ms)
        s->clock_ms = stored->received_ms;
    s->last_row = stored->row;
    int err = idem_seqs_add(&s->seqs, stored->seq, &fresh);
    if (err != 0)
        return IDEM_ERR_FORMAT;
    err = idem_people_open_window(w->parts.people, s->person, s->id, stored, &opened);
    if (err == 0 && s->opening.kind == IDEM_SESSION_AGENT)
        idem_seal_next(s->opening.nonce, stored->seq, opened.payload, opened.len, s->link);
    if (err != 0)
        r->unsealed++;
    else if (idem_wire_read_window(w->benches[0].reader, opened.payload, opened.len, &seq,
                                   &window) == 0)
        return idem_judge_window(&w->benches[0].judge, s, window, stored->row);
    s->received++;
    return IDEM_OK;
}

/* It was there when it began; whether it is over is seen with the first look at the session. */
static void recall_pause(struct idem_session *s, const struct idem_store_session *stored)
{
    s->pause_from_ms = stored->paused_from_ms;
    s->pause_until_ms = stored->paused_until_ms;
    s->pause_row = stored->pause_row;
    if (s->pause_from_ms > s->clock_ms)
        s->clock_ms = s->pause_from_ms;
}

/* With all windows back: what came after the last of them. */
static int finish_session(void *arg, const struct idem_store_session *stored)
{
    struct idem_worker *w = ((struct replay *)arg)->worker;
    struct idem_session *s = idem_sessions_find(w->sessions, -1, stored->id);

    if (s == NULL)
        return IDEM_ERR_NOT_FOUND;
    s->decided_row = INT64_MAX; /* what follows from no window was decided and written before */
    unlock_before(s, INT64_MAX);
    s->unlock_row = stored->unlock_row;
    s->locked = s->locked || stored->locked;
    idem_doubts_recall(s, stored->doubts);
    recall_pause(s, stored);
    idem_judge_refresh(s, s->clock_ms);
    idem_alarms_follow_up(w, s);
    idem_worker_unsaved(w, s);
    return IDEM_OK;
}

/* ------------------------------------------------------------------ alarms */

/* The alarm of a row as far as this version can read it: its columns say what it does. */
static bool read_row(const struct idem_store_alarm *stored, struct idem_guard_alarm *out,
                     uint64_t *content)
{
    struct idem_wire_alarm held = {.device = IDEM_KEYBOARD};
    const bool known = stored->action < IDEM_GUARD_ACTIONS;
    const bool readable = idem_wire_read_alarm(stored->payload, stored->len, &held) == 0;

    *content = idem_guard_alarm_content(&held);
    *out = (struct idem_guard_alarm){
        .verdict = held.verdict,
        .device = held.device,
        .action = known ? (enum idem_guard_action)stored->action : IDEM_GUARD_LOCK,
        .at_ms = stored->received_ms,
        .windows = stored->windows,
    };
    return readable && known;
}

static int bar(void *arg, const struct idem_store_alarm *stored)
{
    struct replay *r = arg;
    struct idem_session *s = session_of_row(r, stored->session);
    struct idem_guard_alarm alarm;
    uint64_t content;

    if (s == NULL)
        return IDEM_ERR_FORMAT;
    const bool readable = read_row(stored, &alarm, &content);
    if (!readable)
        r->unreadable++;
    if (stored->seq == 0 && stored->window_row > s->guard.own_row)
        s->guard.own_row = stored->window_row;
    else if (stored->seq > 0 && stored->seq <= IDEM_WIRE_ALARM_SEQ_MAX)
        idem_guard_alarm_hold(s, stored->seq, content);
    /* Of what cannot be read the worst is believed: nothing is learned. */
    idem_guard_alarm_bar(s, readable ? alarm.verdict.kind : IDEM_GUARD_INJECTED_KEYS,
                         alarm.windows);
    return IDEM_OK;
}

static int recall(void *arg, const struct idem_store_alarm *stored)
{
    struct replay *r = arg;
    struct idem_session *s = session_of_row(r, stored->session);
    struct idem_guard_alarm alarm;
    uint64_t content;

    read_row(stored, &alarm, &content);
    idem_guard_alarm_recall(s, &alarm, !stored->cleared, stored->seq == 0);
    idem_judge_refresh(s, s->clock_ms);
    idem_worker_unsaved(r->worker, s);
    return IDEM_OK;
}

/* From now on every decision is new. */
static int let_decide(void *arg, const struct idem_store_session *stored)
{
    struct idem_worker *w = ((struct replay *)arg)->worker;
    struct idem_session *s = idem_sessions_find(w->sessions, -1, stored->id);

    if (s != NULL)
        s->replaying = false;
    return IDEM_OK;
}

static void report(const struct replay *r)
{
    const uint32_t live = idem_sessions_live(r->worker->sessions);

    if (live > 0)
        idem_log(IDEM_LOG_INFO, "%u sessions are open from before", live);
    if (r->unsealed > 0)
        idem_log(IDEM_LOG_ERROR, "%u windows are not what was sealed: they count for nothing",
                 r->unsealed);
    if (r->unreadable > 0)
        idem_log(IDEM_LOG_ERROR,
                 "%u alarms are of another version: what they did stands, their reasons are not "
                 "shown",
                 r->unreadable);
}

int idem_replay(struct idem_worker *w)
{
    struct idem_store *store = w->parts.store;
    struct replay r = {.worker = w};
    int err = idem_index_new(ROW_KEY, IDEM_SESSIONS_MAX, &r.by_row);

    if (err == 0)
        err = store->ops->sessions_open(store, bring_session, &r);
    if (err == 0)
        err = store->ops->alarms(store, bar, &r);
    if (err == 0)
        err = store->ops->windows(store, bring_window, &r);
    if (err == 0)
        err = store->ops->sessions_open(store, finish_session, &r);
    if (err == 0)
        err = store->ops->alarms(store, recall, &r);
    if (err == 0)
        err = store->ops->sessions_open(store, let_decide, &r);
    idem_index_free(r.by_row);
    if (err == 0)
        report(&r);
    return err;
}
