/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seat_calls.c - seats and their codes; see seat_calls.h.
 *
 *   add --> invited --register--> enrolled --revoke--> revoked
 *              ^                     |                    |
 *              +-- add again: a new code; the old key is good until it is used --+
 *
 * Cases of a registration: the same code and the same key once more (the answer was lost) is
 * answered the same; the same code with another key is somebody else, and told; a key that is
 * another seat's is refused. A new key ends the sessions of the old one.
 */
#include "server/seat_calls.h"

#include "server/audit.h"
#include "server/notices.h"
#include "server/seats.h"
#include "server/worker_parts.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const int64_t hour_ms = 3600 * 1000;

static const char *state_name(enum idem_store_seat_state state)
{
    static const char *const names[IDEM_SEAT_STATES] = {"open", "invited", "enrolled", "revoked"};
    return names[state];
}

static void put_seat(struct idem_worker *w, const struct idem_store_seat *seat, struct idem_text *t)
{
    idem_text_fmt(t, "{\"id\":%lld,\"name\":", (long long)seat->row);
    idem_text_string(t, seat->name);
    idem_text_put(t, ",\"organisation\":");
    idem_text_string(t, idem_organisations_name(w->parts.organisations, seat->organisation));
    idem_text_put(t, ",\"site\":");
    idem_text_string(t, seat->site);
    idem_text_put(t, ",\"country\":");
    idem_text_string(t, seat->country);
    idem_text_fmt(t, ",\"device_class\":\"%s\",\"state\":\"%s\",\"since\":",
                  idem_device_class_name(seat->device_class), state_name(seat->state));
    idem_text_time(t, seat->since_ms);
    idem_text_put(t, "}");
}

static int add_line(struct idem_worker *w, const struct idem_command *c, const char *action,
                    const struct idem_store_seat *seat)
{
    char subject[IDEM_AUDIT_SUBJECT_MAX + 1];
    const struct idem_audit_line line = {
        .organisation = seat->organisation,
        .at_ms = c->received_ms,
        .actor = c->grant.actor[0] != '\0' ? c->grant.actor : "seat",
        .action = action,
        .subject = subject,
    };

    snprintf(subject, sizeof subject, "seat:%s", seat->name);
    return idem_audit_add(w, &line);
}

/* ------------------------------------------------------------------ adding */

static const char *text_of(const struct idem_command *c, const char *field)
{
    const char *text = json_string_value(json_object_get(c->json, field));
    return text != NULL ? text : "";
}

/* A seat of that name: one that speaks for itself gets a new code only when that is asked for. */
static int find_or_make(struct idem_worker *w, struct idem_command *c, struct idem_store_seat *seat)
{
    struct idem_store *store = w->parts.store;
    const bool again = json_is_true(json_object_get(c->json, "again"));
    int err = store->seats->named(store, c->grant.organisation, text_of(c, "name"), seat);
    const bool known = err == 0;

    if (err == IDEM_ERR_NOT_FOUND) {
        *seat = (struct idem_store_seat){.organisation = c->grant.organisation};
        snprintf(seat->name, sizeof seat->name, "%s", text_of(c, "name"));
        err = IDEM_OK;
    }
    if (err != 0)
        return err;
    if (known && !again) {
        idem_command_refuse(c, IDEM_PROBLEM_NAME_TAKEN, "there is a seat of this name");
        return IDEM_OK;
    }
    if (!known || !again || text_of(c, "site")[0] != '\0')
        snprintf(seat->site, sizeof seat->site, "%s", text_of(c, "site"));
    if (!known || !again || text_of(c, "country")[0] != '\0')
        snprintf(seat->country, sizeof seat->country, "%s", text_of(c, "country"));
    if (json_object_get(c->json, "device_class") != NULL)
        idem_device_class_parse(text_of(c, "device_class"), &seat->device_class);
    if (seat->state == IDEM_SEAT_OPEN) {
        seat->state = IDEM_SEAT_INVITED;
        seat->since_ms = c->received_ms - c->received_ms % hour_ms;
    }
    return known ? store->seats->put(store, seat) : store->seats->add(store, seat);
}

static int64_t code_expires(const struct idem_command *c)
{
    const json_t *hours = json_object_get(c->json, "hours");
    return c->received_ms +
           (hours != NULL ? json_integer_value(hours) : IDEM_CODE_LIFE_H) * hour_ms;
}

static int add(struct idem_worker *w, struct idem_command *c, const char *code,
               struct idem_store_seat *seat)
{
    struct idem_store *store = w->parts.store;
    struct idem_store_invitation invitation = {.expires_ms = code_expires(c)};
    int err = idem_seal_code_hash(code, invitation.code_hash);

    if (err != 0 || (err = store->ops->begin(store)) != 0)
        return err;
    err = find_or_make(w, c, seat);
    if (err == 0 && c->problem == IDEM_PROBLEM_NONE) {
        invitation.organisation = seat->organisation;
        invitation.seat = seat->row;
        (void)((err = store->seats->invitations_forget(
                    store, c->received_ms - IDEM_CODE_LIFE_MAX_H * hour_ms)) != 0 ||
               (err = store->seats->invite(store, &invitation)) != 0 ||
               (err = add_line(w, c, "seat.invited", seat)) != 0);
    }
    return idem_worker_commit(w, err);
}

void idem_seat_add(struct idem_worker *w, struct idem_command *c)
{
    char code[IDEM_SEAL_CODE_TEXT + 1];
    struct idem_store_seat seat;
    struct idem_text *t = &c->answer;

    idem_seal_code_new(code);
    int err = add(w, c, code, &seat);
    if (err != 0) {
        idem_worker_refuse_store(c, err);
    } else if (c->problem == IDEM_PROBLEM_NONE) {
        c->status = 201;
        idem_text_put(t, "{\"seat\":");
        put_seat(w, &seat, t);
        idem_text_fmt(t, ",\"code\":\"%s\",\"code_expires\":", code);
        idem_text_time(t, code_expires(c));
        idem_text_put(t, "}");
    }
    sodium_memzero(code, sizeof code);
    c->done(c, false);
}

/* ------------------------------------------------------------------ registering */

struct registering {
    struct idem_registration asked;
    struct idem_store_invitation invitation;
    struct idem_store_seat seat;
    bool again; /* the answer was lost: nothing changes */
};

static bool refuse_used(struct idem_command *c, const struct registering *r)
{
    idem_notice_of_row(IDEM_NOTICE_REGISTRATION_REPLAYED, r->seat.organisation, r->seat.row);
    idem_command_refuse(c, IDEM_PROBLEM_CODE_USED, "another key has been registered with it");
    return false;
}

/* The key may be on one seat only, whoever's. */
static bool check_key(struct idem_worker *w, struct idem_command *c, const struct registering *r,
                      int *err)
{
    struct idem_store *store = w->parts.store;
    struct idem_store_seat other;

    *err = store->seats->with_key(store, r->asked.public_key, &other);
    const bool taken = *err == 0 && other.row != r->seat.row;
    *err = *err == IDEM_ERR_NOT_FOUND ? IDEM_OK : *err;
    if (taken) {
        idem_notice_of_row(IDEM_NOTICE_REGISTRATION_REPLAYED, r->seat.organisation, r->seat.row);
        idem_command_refuse(c, IDEM_PROBLEM_KEY_TAKEN, "this key has been registered before");
    }
    return *err == 0 && !taken;
}

/* False: refused, or *err is the store's. */
static bool check(struct idem_worker *w, struct idem_command *c, struct registering *r, int *err)
{
    struct idem_store *store = w->parts.store;

    *err = store->seats->invited(store, r->asked.code_hash, &r->invitation);
    if (*err == 0)
        *err = store->seats->get(store, r->invitation.seat, &r->seat);
    if (*err == IDEM_ERR_NOT_FOUND) {
        *err = IDEM_OK;
        idem_audit_count(IDEM_AUDIT_SEAT_REFUSED);
        idem_command_refuse(c, IDEM_PROBLEM_CODE_UNKNOWN, "nobody has been invited with it");
        return false;
    }
    if (*err != 0)
        return false;
    r->again = r->invitation.used_ms != 0 && r->seat.state == IDEM_SEAT_ENROLLED &&
               memcmp(r->seat.public_key, r->asked.public_key, IDEM_SEAT_KEY_BYTES) == 0;
    if (r->again)
        return true;
    if (r->invitation.used_ms != 0)
        return refuse_used(c, r);
    if (c->received_ms >= r->invitation.expires_ms) {
        idem_notice_of_row(IDEM_NOTICE_REGISTRATION_LATE, r->seat.organisation, r->seat.row);
        idem_command_refuse(c, IDEM_PROBLEM_CODE_EXPIRED, "it was good until a while ago");
        return false;
    }
    return check_key(w, c, r, err);
}

static int enrol(struct idem_worker *w, struct idem_command *c, struct registering *r)
{
    struct idem_store *store = w->parts.store;
    struct idem_store_seat *seat = &r->seat;
    const bool first = !seat->has_key;
    int err = store->ops->begin(store);

    seat->state = IDEM_SEAT_ENROLLED;
    seat->since_ms = c->received_ms - c->received_ms % hour_ms;
    seat->has_key = true;
    memcpy(seat->public_key, r->asked.public_key, sizeof seat->public_key);
    memset(seat->instance, 0, sizeof seat->instance);
    memset(seat->former, 0, sizeof seat->former);
    if (err != 0)
        return err;
    (void)((err = store->seats->put(store, seat)) != 0 ||
           (err = store->seats->use(store, r->asked.code_hash, c->received_ms)) != 0 ||
           (err = add_line(w, c, first ? "seat.registered" : "seat.registered-again", seat)) != 0);
    if ((err = idem_worker_commit(w, err)) != 0)
        return err;
    if (!first)
        idem_seat_end_sessions(w, seat->row, 0);
    return idem_seats_put(w->parts.seats, seat);
}

void idem_seat_register(struct idem_worker *w, struct idem_command *c)
{
    struct registering r = {.again = false};
    int err = IDEM_OK;

    memcpy(&r.asked, c->payload, sizeof r.asked);
    if (check(w, c, &r, &err) && !r.again)
        err = enrol(w, c, &r);
    if (err != 0) {
        idem_worker_refuse_store(c, err);
    } else if (c->problem == IDEM_PROBLEM_NONE) {
        c->status = 201;
        idem_text_put(&c->answer, "{\"seat\":");
        put_seat(w, &r.seat, &c->answer);
        idem_text_put(&c->answer, "}");
    }
    c->done(c, false);
}

/* ------------------------------------------------------------------ revoking */

static int revoke(struct idem_worker *w, struct idem_command *c, struct idem_store_seat *seat)
{
    struct idem_store *store = w->parts.store;
    int err = store->ops->begin(store);

    if (err != 0)
        return err;
    seat->state = IDEM_SEAT_REVOKED;
    seat->since_ms = c->received_ms - c->received_ms % hour_ms;
    if ((err = store->seats->put(store, seat)) == 0)
        err = add_line(w, c, "seat.revoked", seat);
    return idem_worker_commit(w, err);
}

void idem_seat_revoke(struct idem_worker *w, struct idem_command *c)
{
    struct idem_store *store = w->parts.store;
    struct idem_store_seat seat;
    int err = store->seats->get(store, c->clock_ms, &seat);

    if (err == IDEM_ERR_NOT_FOUND || (err == 0 && !idem_worker_may_see(c, seat.organisation))) {
        idem_command_refuse(c, IDEM_PROBLEM_NO_SUCH_SEAT, "no seat here has this number");
    } else if (err != 0 || (seat.state != IDEM_SEAT_REVOKED && (err = revoke(w, c, &seat)) != 0)) {
        idem_worker_refuse_store(c, err);
    } else {
        idem_seats_put(w->parts.seats, &seat);
        idem_seat_end_sessions(w, seat.row, 0);
        c->status = 200;
        put_seat(w, &seat, &c->answer);
    }
    c->done(c, false);
}

/* ------------------------------------------------------------------ listing */

struct listing {
    struct idem_worker *worker;
    struct idem_text *text;
    int64_t last;
    int count;
};

static int list_one(void *arg, const struct idem_store_seat *seat)
{
    struct listing *l = arg;

    idem_text_put(l->text, l->count++ > 0 ? "," : "");
    put_seat(l->worker, seat, l->text);
    l->last = seat->row;
    return IDEM_OK;
}

void idem_seat_list(struct idem_worker *w, struct idem_command *c)
{
    struct idem_store *store = w->parts.store;
    struct listing l = {w, &c->answer, 0, 0};

    c->status = 200;
    idem_text_put(&c->answer, "{\"seats\":[");
    int err =
        store->seats->list(store, c->grant.organisation, c->clock_ms, IDEM_LIST_MAX, list_one, &l);
    if (err != 0)
        idem_worker_refuse_store(c, err);
    else if (l.count == IDEM_LIST_MAX)
        idem_text_fmt(&c->answer, "],\"next\":%lld}", (long long)l.last);
    else
        idem_text_put(&c->answer, "],\"next\":null}");
    c->done(c, false);
}
