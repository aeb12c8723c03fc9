/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opening.c - see opening.h. A seat's statement is checked in this order, so that nothing is used
 * up or told for nothing: challenge known and fresh, seat and signature (one answer for both: a
 * seat that does not exist cannot be told from a wrong key), challenge unused, seat not revoked.
 */
#include "server/opening.h"

#include "server/audit.h"
#include "server/bodies.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/notices.h"
#include "server/seat_calls.h"
#include "server/seat_rules.h"
#include "server/seats.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ fields */

static bool take_start(struct idem_request *r)
{
    const json_t *value = json_object_get(r->command.json, "start");
    const char *text = json_string_value(value);

    if (value == NULL || (text != NULL && strcmp(text, "none") == 0)) {
        r->command.opening.start = IDEM_START_NONE;
        return true;
    }
    if (text != NULL && strcmp(text, "strong") == 0) {
        r->command.opening.start = IDEM_START_STRONG;
        return true;
    }
    idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"start\" must be \"none\" or \"strong\"");
    return false;
}

static bool take_group(struct idem_request *r, const char *field, char out[IDEM_GROUP_MAX + 1])
{
    const char *text;

    if (!idem_body_text(r, field, false, IDEM_GROUP_MAX, &text))
        return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool take_open_clock(struct idem_request *r)
{
    const json_t *value = json_object_get(r->command.json, "clock_ms");

    if (value == NULL)
        return true;
    if (json_is_integer(value))
        return idem_body_clock(r, json_integer_value(value));
    idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"clock_ms\" must be an integer");
    return false;
}

static bool take_person(struct idem_request *r)
{
    const struct idem_http_parts *parts = idem_http_parts(r->http);
    const char *person, *organisation;

    if (!idem_body_text(r, "person", true, IDEM_NAME_MAX, &person))
        return false;
    organisation = idem_organisations_name(parts->organisations, r->command.opening.organisation);
    idem_people_handle(parts->people, organisation, person, r->command.handle);
    memcpy(r->command.name, person, strlen(person) + 1);
    return true;
}

static bool take_seat_name(struct idem_request *r)
{
    const char *seat;

    if (!idem_body_text(r, "seat", true, IDEM_NAME_MAX, &seat))
        return false;
    memcpy(r->command.seat, seat, strlen(seat) + 1);
    return true;
}

/* ------------------------------------------------------------------ the demonstration */

static bool open_demo(struct idem_request *r)
{
    static const char *const known[] = {"organisation", "person", "seat", "device_class",
                                        "clock_ms"};
    const char *organisation;

    if (!idem_body_only(r, known, sizeof known / sizeof known[0],
                        "a session has organisation, person, seat and device_class"))
        return false;
    if (!idem_body_text(r, "organisation", true, IDEM_ORGANISATION_MAX, &organisation))
        return false;
    if (strcmp(organisation, "demo") != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"organisation\" must be \"demo\"");
        return false;
    }
    r->command.opening = (struct idem_opening){
        .organisation = idem_http_parts(r->http)->demo,
        .kind = IDEM_SESSION_DEMO,
        .start = IDEM_START_STRONG,
    };
    return take_person(r) && take_seat_name(r) &&
           idem_body_device_class(r, &r->command.device_class) && take_open_clock(r);
}

/* ------------------------------------------------------------------ a back end */

/* It may say which organisation it means; it has only one. */
static bool same_organisation(struct idem_request *r)
{
    const struct idem_http_parts *parts = idem_http_parts(r->http);
    const char *said;

    if (!idem_body_text(r, "organisation", false, IDEM_ORGANISATION_MAX, &said))
        return false;
    if (said[0] == '\0' ||
        strcmp(said,
               idem_organisations_name(parts->organisations, r->command.grant.organisation)) == 0)
        return true;
    idem_audit_count(IDEM_AUDIT_SESSION_REFUSED);
    idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_ROLE, "the key is another organisation's");
    return false;
}

static bool open_web(struct idem_request *r)
{
    static const char *const known[] = {"organisation", "person", "seat",  "device_class", "site",
                                        "country",      "job",    "start", "clock_ms"};
    struct idem_opening *o = &r->command.opening;

    if (!idem_body_only(r, known, sizeof known / sizeof known[0],
                        "a user's session has person, seat, device_class, site, country, job and "
                        "start"))
        return false;
    *o = (struct idem_opening){
        .organisation = r->command.grant.organisation,
        .kind = IDEM_SESSION_WEB,
        .api_key = r->command.grant.api_key,
        .token_ms = idem_http_parts(r->http)->token_ms,
    };
    return same_organisation(r) && take_person(r) && take_seat_name(r) &&
           idem_body_device_class(r, &r->command.device_class) && take_start(r) &&
           take_group(r, "site", o->site) && take_group(r, "country", o->country) &&
           take_group(r, "job", o->job) && take_open_clock(r);
}

static void post_by_key(struct idem_request *r)
{
    if ((r->command.grant.scopes & IDEM_SCOPE_SESSIONS) == 0) {
        idem_audit_count(IDEM_AUDIT_SESSION_REFUSED);
        idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_ROLE, "the key is not for opening sessions");
    } else if (open_web(r)) {
        r->command.kind = IDEM_COMMAND_OPEN;
        idem_request_submit(r);
    }
}

/* ------------------------------------------------------------------ a seat */

struct signed_opening {
    struct idem_seal_opening said;
    uint8_t signature[IDEM_SEAL_SIGNATURE];
};

static bool take_signed(struct idem_request *r, struct signed_opening *out)
{
    static const char *const known[] = {"seat_id",  "person", "job",       "nonce",   "time_ms",
                                        "instance", "start",  "signature", "clock_ms"};
    struct idem_seal_opening *said = &out->said;

    if (!idem_body_only(r, known, sizeof known / sizeof known[0],
                        "a seat's session has seat_id, person, job, nonce, time_ms, instance, "
                        "start and signature") ||
        !idem_body_integer(r, "seat_id", true, 1, INT64_MAX, &said->seat) ||
        !idem_body_text(r, "person", true, IDEM_NAME_MAX, &said->person) ||
        !idem_body_text(r, "job", false, IDEM_GROUP_MAX, &said->job) ||
        !idem_body_bytes(r, "nonce", said->nonce, sizeof said->nonce) ||
        !idem_body_integer(r, "time_ms", true, 0, INT64_C(4102444800000), &said->time_ms) ||
        !idem_body_bytes(r, "instance", said->instance, sizeof said->instance) || !take_start(r) ||
        !idem_body_bytes(r, "signature", out->signature, sizeof out->signature))
        return false;
    if (sodium_is_zero(said->instance, sizeof said->instance)) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"instance\" must not be nought");
        return false;
    }
    said->start = (uint8_t)r->command.opening.start;
    said->host = idem_request_header(r, "Host");
    return take_open_clock(r);
}

static bool refuse_challenge(struct idem_request *r, int err, const struct idem_store_seat *seat)
{
    if (err == IDEM_ERR_MISMATCH) {
        idem_notice_of_row(IDEM_NOTICE_OPENING_REPLAYED, seat->organisation, seat->row);
        idem_request_refuse(r, IDEM_PROBLEM_CHALLENGE_USED, "the challenge has been answered");
    } else if (err == IDEM_ERR_FULL) {
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "too many sessions in the last minute");
    } else if (err != 0) {
        idem_audit_count(IDEM_AUDIT_SEAT_REFUSED);
        idem_request_refuse(r, IDEM_PROBLEM_CHALLENGE_EXPIRED,
                            "the challenge was not made here, or not in the last minute");
    }
    return err == 0;
}

static bool has_signed(struct idem_request *r, const struct signed_opening *o,
                       struct idem_store_seat *seat)
{
    const bool known = idem_seats_get(idem_http_parts(r->http)->seats, o->said.seat, seat);
    struct idem_seal_message message;

    if (known && idem_seal_opening(&o->said, &message) == 0 &&
        idem_seal_good(seat->public_key, &message, o->signature))
        return true;
    if (known && !idem_request_barred(r))
        idem_notice_of_row(IDEM_NOTICE_OPENING_FORGED, seat->organisation, seat->row);
    else
        idem_audit_count(IDEM_AUDIT_SEAT_REFUSED);
    idem_request_refuse(r, IDEM_PROBLEM_SIGNATURE_WRONG,
                        "there is no such seat, or its key has not signed this");
    return false;
}

static bool check_signed(struct idem_request *r, const struct signed_opening *o, int64_t now_ms,
                         struct idem_store_seat *seat)
{
    struct idem_challenges *challenges = idem_seats_challenges(idem_http_parts(r->http)->seats);

    if (!refuse_challenge(r, idem_challenge_check(challenges, now_ms, o->said.nonce), NULL) ||
        !has_signed(r, o, seat) ||
        !refuse_challenge(r, idem_challenge_use(challenges, now_ms, o->said.nonce), seat))
        return false;
    if (seat->state == IDEM_SEAT_ENROLLED)
        return true;
    idem_notice_of_row(IDEM_NOTICE_OPENING_REVOKED, seat->organisation, seat->row);
    idem_request_refuse(r, IDEM_PROBLEM_SEAT_REVOKED, "an operator has revoked this seat");
    return false;
}

static bool open_seat(struct idem_request *r, const struct signed_opening *o, int64_t now_ms,
                      const struct idem_store_seat *seat)
{
    struct idem_opening *to = &r->command.opening;

    to->organisation = seat->organisation;
    to->kind = IDEM_SESSION_AGENT;
    to->seat = seat->row;
    to->token_ms = idem_http_parts(r->http)->token_ms;
    to->has_nonce = true;
    idem_challenge_make(idem_seats_challenges(idem_http_parts(r->http)->seats), now_ms, to->nonce);
    memcpy(to->instance, o->said.instance, sizeof to->instance);
    to->clock_off_ms = o->said.time_ms - idem_clock_calendar_ms();
    memcpy(to->site, seat->site, sizeof to->site);
    memcpy(to->country, seat->country, sizeof to->country);
    memcpy(to->job, o->said.job, strlen(o->said.job) + 1);
    memcpy(r->command.seat, seat->name, sizeof r->command.seat);
    r->command.device_class = seat->device_class;
    return take_person(r);
}

/* A machine that has been started since goes the long way if it has sessions: are they alive? */
static void post_by_seat(struct idem_request *r)
{
    const int64_t now_ms = idem_clock_ms();
    struct idem_store_seat seat;
    struct signed_opening o;

    if (!take_signed(r, &o) || !check_signed(r, &o, now_ms, &seat) ||
        !open_seat(r, &o, now_ms, &seat) ||
        !idem_request_big_answer(r, IDEM_ANSWER_INLINE + IDEM_SEAT_RULES_JSON_MAX))
        return;
    if (memcmp(seat.instance, o.said.instance, sizeof seat.instance) != 0 &&
        idem_seats_live(idem_http_parts(r->http)->seats, seat.row, 0) > 0) {
        idem_request_call(r, idem_seat_arrive);
        return;
    }
    r->command.kind = IDEM_COMMAND_OPEN;
    idem_request_submit(r);
}

/* ------------------------------------------------------------------ which one */

void idem_opening_post(struct idem_request *r)
{
    const bool key = (r->command.grant.may & IDEM_MAY_API_KEY) != 0;

    if (!idem_body_json(r))
        return;
    if (key) {
        post_by_key(r);
    } else if (json_object_get(r->command.json, "signature") != NULL) {
        post_by_seat(r);
    } else if (idem_http_parts(r->http)->demo == 0) {
        idem_audit_count(IDEM_AUDIT_SESSION_REFUSED);
        idem_request_refuse(r, IDEM_PROBLEM_TOKEN_MISSING,
                            "sessions are opened by enrolled seats and by API keys");
    } else if (open_demo(r)) {
        r->command.kind = IDEM_COMMAND_OPEN;
        idem_request_submit(r);
    }
}
