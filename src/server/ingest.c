/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ingest.c - windows become durable, then they are judged, then they are acknowledged.
 *
 *   stage    check the session and the sequence numbers against a copy, write one row a window
 *   commit   once for the whole run; if it fails nothing has happened, to anybody
 *   apply    the copies become the sessions' state; each new window is judged and the answer
 * written, by several threads
 *
 * Cases: a number held before is answered and changes nothing, also when the first one came in
 * the same run; one request with any bad number is refused whole; two requests of one session in
 * one run see each other's numbers through the staged copy.
 */
#include "server/worker_parts.h"

#include "base/log.h"
#include "server/acknowledgement.h"
#include "server/metrics.h"
#include "server/pause.h"
#include "server/policing.h"
#include "server/porter.h"
#include "server/seat_calls.h"

#include <string.h>

enum { SHARED_MIN = 8 }; /* commands for which it is worth waking others */

static struct idem_staged *stage_session(struct idem_worker *w, struct idem_session *s)
{
    if (s->staged == NULL) {
        s->staged = &w->staged[w->staged_count++];
        *s->staged = (struct idem_staged){.session = s, .seqs = s->seqs, .last_row = s->last_row};
        memcpy(s->staged->link, s->link, sizeof s->link);
    }
    return s->staged;
}

static int stage_number(struct idem_command *c, struct idem_seqs *seqs, struct idem_item *item)
{
    bool fresh = false;
    int err = idem_seqs_add(seqs, item->seq, &fresh);

    if (err == IDEM_ERR_LIMIT)
        idem_command_refuse(c, IDEM_PROBLEM_TOO_MANY_GAPS,
                            "number %u would open one more than %d gaps; the first missing is %u",
                            item->seq, IDEM_GAPS_MAX, seqs->gaps[0].first);
    else if (err != 0)
        idem_command_refuse(c, IDEM_PROBLEM_SEQUENCE_TOO_FAR,
                            "number %u is more than %d ahead of %u", item->seq, IDEM_SEQ_AHEAD_MAX,
                            seqs->high);
    item->row = fresh;
    return err;
}

static int write_row(struct idem_worker *w, struct idem_command *c, struct idem_staged *staged,
                     struct idem_item *item)
{
    struct idem_store *store = w->parts.store;
    struct idem_store_window row = {
        .organisation = c->session->person->organisation,
        .session = c->session->row,
        .previous = staged->last_row,
        .seq = item->seq,
        .received_ms = c->session->clock_ms,
        .payload = c->payload + item->at,
        .len = item->len,
    };
    int err = idem_people_seal_window(w->parts.people, c->session->person, c->session->id, &row);
    if (err == 0)
        err = store->ops->window_add(store, &row);
    if (err == 0)
        item->row = staged->last_row = row.row;
    return err;
}

/* A token alone sends nothing for a seat: it may have been stolen. */
static void refuse_unsigned(struct idem_command *c, const struct idem_session *s)
{
    idem_notice_of_session(IDEM_NOTICE_SIGNATURE_WRONG, s->person->organisation, s->id);
    idem_command_refuse(c, IDEM_PROBLEM_SIGNATURE_WRONG, "the session's seat signs its windows");
}

/* The session's own, were the request taken. */
static int64_t time_of(const struct idem_command *c, const struct idem_session *s)
{
    const int64_t now = c->has_clock ? c->clock_ms : s->clock_ms;

    return s->test_clock ? now : c->received_ms;
}

/* Nothing of a pause is kept, and what was before it comes afterwards. */
static void refuse_paused(struct idem_command *c, const struct idem_session *s)
{
    const int64_t left = s->pause_until_ms - time_of(c, s);

    idem_command_refuse(c, IDEM_PROBLEM_SESSION_PAUSED, "session %s is paused", s->name);
    c->retry_s = (unsigned)((left + 999) / 1000);
}

static bool accepts(struct idem_command *c, const struct idem_session *s)
{
    if (s->closed)
        idem_command_refuse(c, IDEM_PROBLEM_SESSION_CLOSED, "session %s has ended", s->name);
    else if (s->received + c->item_count > IDEM_SESSION_WINDOWS_MAX)
        idem_command_refuse(c, IDEM_PROBLEM_SESSION_CLOSED,
                            "session %s holds its %d windows; close it and open another", s->name,
                            IDEM_SESSION_WINDOWS_MAX);
    else if (idem_acknowledgement_missing(s))
        idem_command_refuse(c, IDEM_PROBLEM_ACKNOWLEDGEMENT_MISSING,
                            "nothing has been stored of session %s", s->name);
    else if (c->has_clock && !s->test_clock)
        idem_command_refuse(c, IDEM_PROBLEM_INVALID_FIELD,
                            "\"clock_ms\" needs a session that was opened with it");
    else if (idem_paused(s, time_of(c, s)))
        refuse_paused(c, s);
    else if (s->opening.kind == IDEM_SESSION_AGENT && !c->sealed)
        refuse_unsigned(c, s);
    return c->problem == IDEM_PROBLEM_NONE;
}

/* An error is the store's, and ends the run; what is the peer's own is in the command. */
static int stage(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find(w, c);
    struct idem_seqs seqs;
    uint8_t link[IDEM_SEAL_LINK];
    int err = IDEM_OK;

    if (s == NULL || !accepts(c, s))
        return IDEM_OK;
    struct idem_staged *staged = stage_session(w, s);
    seqs = staged->seqs;
    memcpy(link, staged->link, sizeof link);
    if (c->sealed && !idem_seat_continues(c, seqs.high, link))
        return IDEM_OK;
    for (uint32_t i = 0; i < c->item_count; i++)
        if (stage_number(c, &seqs, &c->items[i]) != 0)
            return IDEM_OK;
    staged->seqs = seqs;
    memcpy(staged->link, link, sizeof link);
    c->session = s;
    idem_session_clock(s, c->received_ms, c->has_clock, c->clock_ms);
    for (uint32_t i = 0; i < c->item_count && err == 0; i++)
        if (c->items[i].row != 0)
            err = write_row(w, c, staged, &c->items[i]);
    return err;
}

/* Stages the run and commits it. */
static int commit(struct idem_worker *w, struct idem_command **run, size_t count)
{
    struct idem_store *store = w->parts.store;
    int err = store->ops->begin(store);

    for (size_t i = 0; i < count && err == 0; i++)
        err = stage(w, run[i]);
    return idem_worker_commit(w, err);
}

/* The copies become the sessions' state, or are forgotten. */
static void settle(struct idem_worker *w, bool committed)
{
    for (uint32_t i = 0; i < w->staged_count; i++) {
        struct idem_staged *staged = &w->staged[i];
        if (committed) {
            staged->session->seqs = staged->seqs;
            staged->session->last_row = staged->last_row;
            memcpy(staged->session->link, staged->link, sizeof staged->link);
        }
        staged->session->staged = NULL;
    }
}

static void judge_item(struct idem_bench *b, struct idem_command *c, const struct idem_item *item)
{
    const struct idem_window *window;
    uint32_t seq;
    int err = idem_wire_read_window(b->reader, c->payload + item->at, item->len, &seq, &window);

    if (err == 0)
        err = idem_judge_window(&b->judge, c->session, window, item->row);
    if (err != 0) /* it is durable and stays so; its evidence is lost */
        idem_log(IDEM_LOG_ERROR, "bug: a durable window could not be judged: %s",
                 idem_strerror(err));
}

static void write_answer(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = c->session;
    struct idem_text *t = &c->answer;

    c->status = 200;
    idem_text_put(t, "{\"acknowledged\":");
    idem_text_int(t, s->seqs.high);
    idem_text_put(t, ",\"missing\":");
    idem_gaps_json(t, s->seqs.gaps, s->seqs.gap_count);
    idem_text_put(t, ",\"session\":");
    idem_worker_put_session(w, s, t);
    idem_text_put(t, "}");
}

static void apply(struct idem_worker *w, struct idem_bench *b, struct idem_command *c)
{
    uint32_t fresh = 0;

    for (uint32_t i = 0; i < c->item_count; i++) {
        if (c->items[i].row == 0)
            continue;
        judge_item(b, c, &c->items[i]);
        fresh++;
    }
    if (fresh == 0)
        idem_judge_refresh(c->session, c->session->clock_ms);
    idem_porter_tell(w->parts.porter, c->session); /* before anybody is answered */
    idem_metric_add(IDEM_METRIC_WINDOWS, fresh);
    if (fresh < c->item_count)
        idem_metric_add(IDEM_METRIC_REPEATED, c->item_count - fresh);
    write_answer(w, c);
}

struct run {
    struct idem_worker *worker;
    struct idem_command **commands;
    size_t count;
    /* Whose each command is, noted beforehand: one that has been answered may be gone. */
    uint8_t share[IDEM_BATCH_MAX];
};

enum { NOBODYS = UINT8_MAX };

/* The people of one share. Nobody else touches them, their sessions or their profiles meanwhile. */
static void apply_share(void *arg, unsigned share)
{
    const struct run *run = arg;
    struct idem_command *before = NULL;

    for (size_t i = 0; i < run->count; i++) {
        struct idem_command *c = run->commands[i];
        if (run->share[i] != share)
            continue;
        apply(run->worker, &run->worker->benches[share], c);
        if (before != NULL)
            before->done(before, true);
        before = c;
    }
    if (before != NULL)
        before->done(before, false);
}

static void apply_run(struct idem_worker *w, struct idem_command **commands, size_t count)
{
    struct run run = {.worker = w, .commands = commands, .count = count};
    unsigned shares = count < SHARED_MIN ? 1 : idem_pool_threads(w->pool);

    for (size_t i = 0; i < count; i++) {
        struct idem_command *c = commands[i];
        run.share[i] = c == NULL ? NOBODYS : (uint8_t)((unsigned)c->session->person->slot % shares);
    }
    if (shares == 1)
        apply_share(&run, 0);
    else
        idem_pool_run(w->pool, apply_share, &run);
}

/* Answers what was refused; it is no longer part of the run. */
static void answer_refused(struct idem_command **run, size_t count, int err)
{
    for (size_t i = 0; i < count; i++) {
        struct idem_command *c = run[i];
        if (err != 0 && c->problem == IDEM_PROBLEM_NONE)
            idem_worker_refuse_store(c, err);
        if (c->problem == IDEM_PROBLEM_NONE)
            continue;
        run[i] = NULL;
        c->done(c, false);
    }
}

void idem_ingest(struct idem_worker *w, struct idem_command **run, size_t count)
{
    for (size_t i = 0; i < count; i++)
        run[i]->session = NULL;
    int err = commit(w, run, count);
    settle(w, err == 0);
    answer_refused(run, count, err);
    if (err == 0)
        apply_run(w, run, count);
    for (uint32_t i = 0; i < w->staged_count; i++) {
        idem_alarms_follow_up(w, w->staged[i].session);
        idem_worker_changed(w, w->staged[i].session);
        idem_worker_unsaved(w, w->staged[i].session);
    }
    for (uint32_t i = 0; i < w->staged_count; i++)
        idem_policing_end(w, w->staged[i].session);
    w->staged_count = 0;
}
