/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seat_sessions.c - what a seat may open, and when it is in two places; see seat_calls.h.
 *
 * A seat says with each opening in which run of its machine it signs (a number that is made when
 * the machine starts and never again). Cases, when it is another one than last time:
 *
 *   one of the runs before that one     two machines take turns: a clone, whoever was silent since;
 *                                       IDEM_SEAT_RUNS are known again
 *   sessions of the last run are alive  two machines at once: a clone
 *   they are silent                     the machine was started anew: they end first
 *   there are none                      likewise; the new run and its line are written with the
 *                                       opening, so a whole company that starts its machines costs
 *                                       one commit a batch
 *   more runs than a machine starts     somebody makes them up, so as to be on none that is known:
 *                                       a doubt
 *
 * Which of the two is the copy cannot be known here. The one that comes second is refused; the
 * sessions of the first ask for strong authentication and teach nothing; an operator is told.
 */
#include "server/seat_calls.h"

#include "server/audit.h"
#include "server/doubts.h"
#include "server/notices.h"
#include "server/porter.h"
#include "server/seats.h"
#include "server/worker_parts.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { END_AT_ONCE = 64 }; /* the others cannot do anything any more, and end with the next ticks */

/* ------------------------------------------------------------------ another run */

static bool is_of(const struct idem_session *s, int64_t seat)
{
    return s != NULL && !s->closed && s->opening.seat == seat;
}

static bool is_alive(struct idem_worker *w, int64_t seat, int64_t now_ms)
{
    for (int32_t i = 0; i < IDEM_SESSION_SLOTS_MAX; i++) {
        const struct idem_session *s = idem_sessions_at(w->sessions, i);
        if (is_of(s, seat) && now_ms - s->seen_ms < IDEM_SEAT_ALIVE_MS)
            return true;
    }
    return false;
}

static void hash_run(const uint8_t instance[IDEM_SEAT_INSTANCE_BYTES],
                     uint8_t hash[IDEM_SEAT_RUN_BYTES])
{
    uint8_t whole[crypto_generichash_BYTES_MIN];

    crypto_generichash(whole, sizeof whole, instance, IDEM_SEAT_INSTANCE_BYTES, NULL, 0);
    memcpy(hash, whole, IDEM_SEAT_RUN_BYTES);
}

static bool was_before(const struct idem_store_seat *seat,
                       const uint8_t instance[IDEM_SEAT_INSTANCE_BYTES])
{
    uint8_t hash[IDEM_SEAT_RUN_BYTES];

    hash_run(instance, hash);
    for (int i = 0; i < IDEM_SEAT_RUNS; i++)
        if (memcmp(seat->former[i], hash, sizeof hash) == 0)
            return true;
    return false;
}

static bool is_clone(struct idem_worker *w, const struct idem_command *c,
                     const struct idem_store_seat *seat)
{
    if (was_before(seat, c->opening.instance))
        return true;
    return idem_seats_live(w->parts.seats, seat->row, 0) > 0 &&
           is_alive(w, seat->row, c->received_ms);
}

static void refuse_clone(struct idem_worker *w, struct idem_command *c)
{
    const bool any = idem_seats_live(w->parts.seats, c->opening.seat, 0) > 0;

    for (int32_t i = 0; any && i < IDEM_SESSION_SLOTS_MAX; i++) {
        struct idem_session *s = idem_sessions_at(w->sessions, i);
        if (!is_of(s, c->opening.seat))
            continue;
        idem_doubt_raise(s, IDEM_DOUBT_SEAT_CLONED);
        idem_judge_refresh(s, s->clock_ms);
        idem_worker_changed(w, s);
        idem_worker_unsaved(w, s);
    }
    idem_notice_of_row(IDEM_NOTICE_SEAT_CLONED, c->opening.organisation, c->opening.seat);
    idem_command_refuse(c, IDEM_PROBLEM_SEAT_CLONED,
                        "another machine has signed with this seat's key a moment ago");
}

static int add_line(struct idem_worker *w, const struct idem_command *c,
                    const struct idem_store_seat *seat)
{
    char subject[IDEM_AUDIT_SUBJECT_MAX + 1];
    const struct idem_audit_line line = {
        .organisation = seat->organisation,
        .at_ms = c->received_ms,
        .actor = "seat",
        .action = "seat.run-changed",
        .subject = subject,
        .about_seat = true,
    };

    snprintf(subject, sizeof subject, "seat:%s", seat->name);
    return idem_audit_add(w, &line);
}

/* In memory at once, so that the rest of the batch sees it; idem_seat_undo takes it back. */
static int take_run(struct idem_worker *w, const struct idem_command *c,
                    struct idem_store_seat *seat)
{
    const bool first = sodium_is_zero(seat->instance, sizeof seat->instance);
    int err = IDEM_OK;

    if (!first) {
        memmove(seat->former[1], seat->former[0], sizeof seat->former - IDEM_SEAT_RUN_BYTES);
        hash_run(seat->instance, seat->former[0]);
        idem_seats_ran(w->parts.seats, seat->row, c->received_ms);
        err = add_line(w, c, seat);
    }
    memcpy(seat->instance, c->opening.instance, sizeof seat->instance);
    if (err == 0)
        err = w->parts.store->seats->put(w->parts.store, seat);
    return err != 0 ? err : idem_seats_put(w->parts.seats, seat);
}

void idem_seat_opened(struct idem_worker *w, struct idem_session *s)
{
    if (s->opening.kind != IDEM_SESSION_AGENT ||
        !idem_seats_hurried(w->parts.seats, s->opening.seat, w->now_ms))
        return;
    idem_doubt_raise(s, IDEM_DOUBT_SEAT_CLONED);
    idem_worker_unsaved(w, s);
    idem_notice_of_row(IDEM_NOTICE_SEAT_CLONED, s->opening.organisation, s->opening.seat);
}

void idem_seat_undo(struct idem_worker *w, const struct idem_command *c)
{
    struct idem_store *store = w->parts.store;
    struct idem_store_seat seat;

    if (c->opening.kind == IDEM_SESSION_AGENT &&
        store->seats->get(store, c->opening.seat, &seat) == 0)
        idem_seats_put(w->parts.seats, &seat);
}

void idem_seat_arrive(struct idem_worker *w, struct idem_command *c)
{
    struct idem_store_seat seat;

    if (idem_seats_get(w->parts.seats, c->opening.seat, &seat) &&
        memcmp(seat.instance, c->opening.instance, sizeof seat.instance) != 0) {
        if (is_clone(w, c, &seat))
            refuse_clone(w, c);
        else
            idem_seat_end_sessions(w, seat.row, 0);
    }
    if (c->problem != IDEM_PROBLEM_NONE)
        c->done(c, false);
    else
        idem_lifecycle_open(w, &c, 1);
}

/* ------------------------------------------------------------------ opening */

static bool seat_may(struct idem_worker *w, struct idem_command *c, int *err)
{
    struct idem_store_seat seat;

    if (!idem_seats_get(w->parts.seats, c->opening.seat, &seat) ||
        seat.state != IDEM_SEAT_ENROLLED) {
        idem_command_refuse(c, IDEM_PROBLEM_SEAT_REVOKED, "an operator has revoked this seat");
        return false;
    }
    if (memcmp(seat.instance, c->opening.instance, sizeof seat.instance) == 0)
        return true;
    if (is_clone(w, c, &seat))
        refuse_clone(w, c);
    else if (idem_seats_live(w->parts.seats, seat.row, 0) > 0)
        idem_worker_refuse_store(c, IDEM_ERR_IO); /* they could not be ended */
    else
        *err = take_run(w, c, &seat);
    return *err == 0 && c->problem == IDEM_PROBLEM_NONE;
}

bool idem_seat_may_open(struct idem_worker *w, struct idem_command *c, int *err)
{
    struct idem_store *store = w->parts.store;
    struct idem_store_seat seat;

    *err = IDEM_OK;
    if (c->opening.kind == IDEM_SESSION_AGENT)
        return seat_may(w, c, err);
    *err = store->seats->named(store, c->opening.organisation, c->seat, &seat);
    if (*err == IDEM_ERR_NOT_FOUND)
        *err = IDEM_OK;
    else if (*err == 0 && seat.state != IDEM_SEAT_OPEN) {
        idem_notice_of_row(IDEM_NOTICE_SEAT_NAMED, seat.organisation, seat.row);
        idem_command_refuse(c, IDEM_PROBLEM_SEAT_ENROLLED, "the seat of this name has a key");
        return false;
    }
    return *err == 0;
}

int idem_seat_begin(struct idem_worker *w, struct idem_session *s)
{
    struct idem_signer signer = {.seat = s->opening.seat};
    struct idem_store_seat seat;

    if (s->opening.kind != IDEM_SESSION_AGENT)
        return IDEM_OK;
    idem_seal_first(s->opening.nonce, s->link);
    idem_seats_live(w->parts.seats, signer.seat, 1);
    if (!idem_seats_get(w->parts.seats, signer.seat, &seat) || seat.state != IDEM_SEAT_ENROLLED)
        return IDEM_OK; /* nothing that it signs is good */
    memcpy(signer.public_key, seat.public_key, sizeof signer.public_key);
    memcpy(signer.nonce, s->opening.nonce, sizeof signer.nonce);
    return idem_signers_add(w->parts.seats, s->id, &signer);
}

void idem_seat_end(struct idem_worker *w, const struct idem_session *s)
{
    if (s->opening.kind != IDEM_SESSION_AGENT)
        return;
    idem_signers_remove(w->parts.seats, s->id);
    idem_seats_live(w->parts.seats, s->opening.seat, -1);
}

/* ------------------------------------------------------------------ ending */

/* Nobody can use it any more, whenever it comes to be closed; the gate knows at once. */
static void halt(struct idem_worker *w, struct idem_session *s)
{
    s->spoiled = true;
    idem_signers_remove(w->parts.seats, s->id);
    idem_auth_remove(w->parts.auth, s->token_hash, s->slot);
    s->locked = s->lock_unsaved = true;
    s->seen_ms = 0; /* idle for long: the next sweeps end it */
    idem_worker_changed(w, s);
    idem_porter_unbind(w->parts.porter, s->slot);
    idem_worker_unsaved(w, s);
}

void idem_seat_end_sessions(struct idem_worker *w, int64_t seat, int64_t api_key)
{
    int ended = 0;

    if (seat != 0 && idem_seats_live(w->parts.seats, seat, 0) == 0)
        return;
    for (int32_t i = 0; i < IDEM_SESSION_SLOTS_MAX; i++) {
        struct idem_session *s = idem_sessions_at(w->sessions, i);
        if (s == NULL || s->closed || (seat != 0 && s->opening.seat != seat) ||
            (api_key != 0 && s->opening.api_key != api_key))
            continue;
        s->spoiled = true;
        if (ended++ >= END_AT_ONCE || idem_lifecycle_end(w, s) != 0)
            halt(w, s);
    }
}

/* ------------------------------------------------------------------ the chain of windows */

static bool refuse_chain(struct idem_command *c, uint32_t next, const char *what)
{
    idem_notice_of_session(IDEM_NOTICE_CHAIN_BROKEN, c->grant.organisation, c->id);
    idem_command_refuse(c, IDEM_PROBLEM_CHAIN_BROKEN, "%s; the next number is %u", what, next);
    return false;
}

bool idem_seat_continues(struct idem_command *c, uint32_t high, uint8_t link[IDEM_SEAL_LINK])
{
    const uint32_t first = c->items[0].seq, last = first + c->item_count - 1;
    const uint8_t *before;

    for (uint32_t i = 1; i < c->item_count; i++)
        if (c->items[i].seq != first + i)
            return refuse_chain(c, high + 1, "the numbers do not follow each other");
    if (last <= high)
        return true; /* a repeat: the answer was lost */
    if (first > high + 1)
        return refuse_chain(c, high + 1, "windows are missing before these");
    before = first == high + 1 ? c->previous : c->links + (size_t)(high - first) * IDEM_SEAL_LINK;
    if (memcmp(before, link, IDEM_SEAL_LINK) != 0)
        return refuse_chain(c, high + 1, "the link before them is not the one held here");
    memcpy(link, c->links + (size_t)(c->item_count - 1) * IDEM_SEAL_LINK, IDEM_SEAL_LINK);
    return true;
}
