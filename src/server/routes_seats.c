/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes_seats.c - the routes of who may send: seats, challenges, API keys, tokens of sessions. On
 * HTTP threads: fields and signatures; what needs the store is called on the worker.
 */
#include "server/routes.h"

#include "server/audit.h"
#include "server/bodies.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/notices.h"
#include "server/pause.h"
#include "server/seat_calls.h"
#include "server/seat_rules.h"
#include "server/seats.h"

#include <stdlib.h>
#include <string.h>

/* A row's number in the path, to where the worker's call looks for it. */
static bool take_row(struct idem_request *r, enum idem_problem problem)
{
    size_t digits = strspn(r->path_id, "0123456789");

    if (digits == 0 || digits > 18 || r->path_id[digits] != '\0') {
        idem_request_refuse(r, problem, "this is not a number");
        return false;
    }
    r->command.clock_ms = strtoll(r->path_id, NULL, 10);
    return true;
}

/* The last number of the page before, likewise; nought without. */
static bool take_after(struct idem_request *r)
{
    const char *after = idem_request_argument(r, "after");
    const size_t digits = after != NULL ? strspn(after, "0123456789") : 0;

    r->command.clock_ms = 0;
    if (after == NULL)
        return true;
    if (digits == 0 || digits > 18 || after[digits] != '\0') {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                            "\"after\" must be a number of at most 18 digits");
        return false;
    }
    r->command.clock_ms = strtoll(after, NULL, 10);
    return true;
}

/* ------------------------------------------------------------------ seats */

/* Printable, so that it can stand in a line and on a label. */
static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static void post_seat(struct idem_request *r)
{
    static const char *const known[] = {"name",         "site",  "country",
                                        "device_class", "again", "hours"};
    const char *name, *site, *country;
    uint8_t device_class;
    int64_t hours;

    if (!idem_body_json(r) ||
        !idem_body_only(r, known, sizeof known / sizeof known[0],
                        "a seat has name, site, country, device_class, again and hours") ||
        !idem_body_text(r, "name", true, IDEM_NAME_MAX, &name) ||
        !idem_body_text(r, "site", false, IDEM_GROUP_MAX, &site) ||
        !idem_body_text(r, "country", false, IDEM_GROUP_MAX, &country) ||
        !idem_body_device_class(r, &device_class) ||
        !idem_body_integer(r, "hours", false, 1, IDEM_CODE_LIFE_MAX_H, &hours))
        return;
    const json_t *again = json_object_get(r->command.json, "again");
    if (!is_plain(name) || !is_plain(site) || !is_plain(country))
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "a name has no control characters");
    else if (again != NULL && !json_is_boolean(again))
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"again\" must be true or false");
    else
        idem_request_call(r, idem_seat_add);
}

static void post_registration(struct idem_request *r)
{
    static const char *const known[] = {"code", "public_key", "signature"};
    uint8_t signature[IDEM_SEAL_SIGNATURE];
    struct idem_seal_message message;
    struct idem_registration asked;
    const char *code;

    if (!idem_body_json(r) ||
        !idem_body_only(r, known, sizeof known / sizeof known[0],
                        "a registration has code, public_key and signature") ||
        !idem_body_text(r, "code", true, 64, &code) ||
        !idem_body_bytes(r, "public_key", asked.public_key, sizeof asked.public_key) ||
        !idem_body_bytes(r, "signature", signature, sizeof signature))
        return;
    if (idem_seal_code_hash(code, asked.code_hash) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                            "\"code\" must be 25 letters and digits, without U");
    } else if (idem_seal_registration(asked.code_hash, asked.public_key,
                                      idem_request_header(r, "Host"), &message) != 0 ||
               !idem_seal_good(asked.public_key, &message, signature)) {
        idem_audit_count(IDEM_AUDIT_SEAT_REFUSED);
        idem_request_refuse(r, IDEM_PROBLEM_SIGNATURE_WRONG,
                            "the key has not signed this code for this server's name");
    } else if (idem_buffer_reserve(&r->payload, sizeof asked, IDEM_BUFFER_FIRST) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "no memory for a registration");
    } else {
        memcpy(r->payload.bytes, &asked, sizeof asked);
        r->command.payload = r->payload.bytes;
        idem_request_call(r, idem_seat_register);
    }
}

static void revoke_seat(struct idem_request *r)
{
    if (take_row(r, IDEM_PROBLEM_NO_SUCH_SEAT))
        idem_request_call(r, idem_seat_revoke);
}

static void get_seats(struct idem_request *r)
{
    enum { SEAT_JSON_MAX = 2048 };

    if (take_after(r) && idem_request_big_answer(r, (size_t)IDEM_LIST_MAX * SEAT_JSON_MAX + 64))
        idem_request_call(r, idem_seat_list);
}

static void post_challenge(struct idem_request *r)
{
    uint8_t nonce[IDEM_SEAL_NONCE];
    char text[2 + 4 * IDEM_SEAL_NONCE / 3];
    const int64_t now_ms = idem_clock_ms();

    idem_challenge_make(idem_seats_challenges(idem_http_parts(r->http)->seats), now_ms, nonce);
    idem_seal_text(nonce, sizeof nonce, text);
    r->command.status = 201;
    idem_text_fmt(&r->command.answer, "{\"nonce\":\"%s\",\"expires\":", text);
    idem_text_time(&r->command.answer, now_ms + IDEM_CHALLENGE_MS);
    idem_text_fmt(&r->command.answer, ",\"time_ms\":%lld}", (long long)now_ms);
}

/* ------------------------------------------------------------------ API keys */

/* Short enough for a line's actor, and nothing that would have to be quoted. */
static bool is_key_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "._-";
    size_t len = strspn(name, allowed);
    return len > 0 && len <= 48 && name[len] == '\0';
}

static bool are_scopes(const json_t *list)
{
    size_t i;
    json_t *value;

    if (list == NULL)
        return true;
    json_array_foreach(list, i, value)
    {
        const char *name = json_string_value(value);
        if (name == NULL || (strcmp(name, "sessions") != 0 && strcmp(name, "gate") != 0))
            return false;
    }
    return json_is_array(list) && json_array_size(list) > 0;
}

static void post_key(struct idem_request *r)
{
    static const char *const known[] = {"name", "scopes"};
    const char *name;

    if (!idem_body_json(r) ||
        !idem_body_only(r, known, sizeof known / sizeof known[0], "a key has name and scopes") ||
        !idem_body_text(r, "name", true, 48, &name))
        return;
    if (!is_key_name(name))
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                            "\"name\" takes letters, digits, dot, hyphen and underscore");
    else if (!are_scopes(json_object_get(r->command.json, "scopes")))
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                            "\"scopes\" is a list of \"sessions\" and \"gate\"");
    else
        idem_request_call(r, idem_key_add);
}

static void revoke_key(struct idem_request *r)
{
    if (take_row(r, IDEM_PROBLEM_NO_SUCH_KEY))
        idem_request_call(r, idem_key_revoke);
}

static void get_keys(struct idem_request *r)
{
    enum { KEY_JSON_MAX = 512 };

    if (take_after(r) && idem_request_big_answer(r, (size_t)IDEM_LIST_MAX * KEY_JSON_MAX + 64))
        idem_request_call(r, idem_key_list);
}

/* ------------------------------------------------------------------ tokens */

/* The message is good: the worker may look at the counter. */
static bool has_signed(struct idem_request *r, const struct idem_signer *signer,
                       const struct idem_seal_message *message,
                       const uint8_t signature[IDEM_SEAL_SIGNATURE])
{
    if (!idem_seal_good(signer->public_key, message, signature)) {
        if (idem_request_barred(r))
            idem_audit_count(IDEM_AUDIT_WINDOW_REFUSED);
        else
            idem_notice_of_session(IDEM_NOTICE_SIGNATURE_WRONG, r->command.grant.organisation,
                                   r->command.id);
        idem_request_refuse(r, IDEM_PROBLEM_SIGNATURE_WRONG, "the seat's key has not signed this");
        return false;
    }
    r->command.sealed = true;
    return true;
}

bool idem_routes_counted(struct idem_request *r, const struct idem_signer *signer,
                         void (*seal)(const uint8_t nonce[IDEM_SEAL_NONCE], uint32_t counter,
                                      struct idem_seal_message *out))
{
    static const char *const known[] = {"counter", "signature"};
    uint8_t signature[IDEM_SEAL_SIGNATURE];
    struct idem_seal_message message;
    int64_t counter = 0;

    if (!idem_body_json(r) ||
        !idem_body_only(r, known, 2, "a seat signs with counter and signature") ||
        !idem_body_integer(r, "counter", true, 1, UINT32_MAX, &counter) ||
        !idem_body_bytes(r, "signature", signature, sizeof signature))
        return false;
    seal(signer->nonce, (uint32_t)counter, &message);
    return has_signed(r, signer, &message, signature);
}

/* Whoever brings the signature needs nothing else: a token that was stolen renews nothing. */
static bool take_renewal(struct idem_request *r, const struct idem_signer *signer)
{
    if (!idem_routes_counted(r, signer, idem_seal_renewal))
        return false;
    r->command.grant.organisation = IDEM_ORGANISATION_ANY;
    return true;
}

static bool may_renew(struct idem_request *r)
{
    const struct idem_grant *g = &r->command.grant;
    const bool own = (g->may & IDEM_MAY_SESSION) != 0;

    if (own && memcmp(g->id, r->command.id, IDEM_ID_BYTES) == 0)
        return true;
    if ((g->may & IDEM_MAY_API_KEY) != 0 && (g->scopes & IDEM_SCOPE_SESSIONS) != 0)
        return true;
    if (own)
        idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_SESSION, "the token is another session's");
    else if (r->credentials != IDEM_PROBLEM_NONE)
        idem_request_refuse(r, r->credentials, "no such token is known, or not any more");
    else
        idem_request_refuse(r, IDEM_PROBLEM_TOKEN_MISSING,
                            "the session's token, its back end's key or its seat's signature");
    return false;
}

static void post_token(struct idem_request *r)
{
    struct idem_signer signer;

    if (idem_public_id_parse("s_", r->path_id, r->command.id) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_NO_SUCH_SESSION, "this is not a session's id");
        return;
    }
    bool good = idem_signers_get(idem_http_parts(r->http)->seats, r->command.id, &signer)
                    ? take_renewal(r, &signer)
                    : may_renew(r);
    if (good)
        idem_request_call(r, idem_token_renew);
}

/* ------------------------------------------------------------------ what a seat says and is told
 */

/* The token's own session, named in the path. */
static bool take_own(struct idem_request *r)
{
    struct idem_command *c = &r->command;

    if (idem_public_id_parse("s_", r->path_id, c->id) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_NO_SUCH_SESSION, "this is not a session's id");
        return false;
    }
    if (memcmp(c->grant.id, c->id, IDEM_ID_BYTES) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_SESSION, "the token is another session's");
        return false;
    }
    c->slot = c->grant.slot;
    return true;
}

static bool take_pause(struct idem_request *r, const struct idem_signer *signer)
{
    static const char *const known[] = {"counter", "seconds", "signature"};
    uint8_t signature[IDEM_SEAL_SIGNATURE];
    struct idem_seal_message message;
    int64_t counter = 0, seconds = 0;

    if (!idem_body_json(r) ||
        !idem_body_only(r, known, 3, "a seat signs with counter, seconds and signature") ||
        !idem_body_integer(r, "counter", true, 1, UINT32_MAX, &counter) ||
        !idem_body_integer(r, "seconds", true, 0, UINT32_MAX, &seconds) ||
        !idem_body_bytes(r, "signature", signature, sizeof signature))
        return false;
    idem_seal_pause(signer->nonce, (uint32_t)counter, (uint32_t)seconds, &message);
    return has_signed(r, signer, &message, signature);
}

/* Where no seat signs (any more) the worker says why: it refuses what is not signed. */
static void post_strong(struct idem_request *r)
{
    struct idem_signer signer;

    if (!take_own(r))
        return;
    if (!idem_signers_get(idem_http_parts(r->http)->seats, r->command.id, &signer) ||
        idem_routes_counted(r, &signer, idem_seal_strong))
        idem_request_call(r, idem_seat_strong);
}

static void post_pause(struct idem_request *r)
{
    struct idem_signer signer;

    if (!take_own(r))
        return;
    if (!idem_signers_get(idem_http_parts(r->http)->seats, r->command.id, &signer) ||
        take_pause(r, &signer))
        idem_request_call(r, idem_seat_pause);
}

static void get_rules(struct idem_request *r)
{
    if (take_own(r))
        idem_request_call(r, idem_seat_rules_call);
}

/* ------------------------------------------------------------------ the table */

/* clang-format off */
static const struct idem_route rows[] = {
    {"POST", "/v1/challenge",            IDEM_MAY_ANYBODY,  post_challenge},
    {"POST", "/v1/sessions/{id}/token",  IDEM_MAY_ANYBODY,  post_token},
    {"POST", "/v1/sessions/{id}/strong", IDEM_MAY_SESSION,  post_strong},
    {"POST", "/v1/sessions/{id}/pause",  IDEM_MAY_SESSION,  post_pause},
    {"GET",  "/v1/sessions/{id}/rules",  IDEM_MAY_SESSION,  get_rules},
    {"GET",  "/v1/seats",                IDEM_MAY_OPERATOR | IDEM_MAY_ANALYST, get_seats},
    {"POST", "/v1/seats",                IDEM_MAY_OPERATOR, post_seat},
    {"POST", "/v1/seats/register",       IDEM_MAY_ANYBODY,  post_registration},
    {"POST", "/v1/seats/{id}/revoke",    IDEM_MAY_OPERATOR, revoke_seat},
    {"GET",  "/v1/keys",                 IDEM_MAY_OPERATOR, get_keys},
    {"POST", "/v1/keys",                 IDEM_MAY_OPERATOR, post_key},
    {"POST", "/v1/keys/{id}/revoke",     IDEM_MAY_OPERATOR, revoke_key},
};
/* clang-format on */

const struct idem_route_table idem_routes_seats = IDEM_ROUTE_TABLE(rows);
