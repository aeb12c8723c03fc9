/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes_gate.c - the gate, and what belongs to it; docs/gate.md is the contract.
 *
 *   GET  /v1/gate                  may this browser session see this now? For reverse proxies
 *   GET  /v1/gate/records          who looked at which customer, while how sure
 *   POST /v1/bindings/nonce        a session's own: for the web log-in of the same seat, which
 * signs POST /v1/bindings              a back end's: this cookie is that session's POST
 * /v1/sessions/{id}/step-up a back end's: strong authentication has taken place
 *
 * A question to the gate is answered on the HTTP thread that received it and the recorder's; what
 * is in its headers is a label and never a URL: who looks at what is recorded, where is not.
 */
#include "server/routes.h"

#include "server/bodies.h"
#include "server/clock.h"
#include "server/gate_calls.h"
#include "server/http.h"
#include "server/metrics.h"
#include "server/porter.h"
#include "server/seats.h"
#include "server/worker_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 9470; acr: phishing-resistant, hardware-protected if there is (OpenID EAP ACR values). */
#define CHALLENGE                                                                                  \
    "Bearer error=\"insufficient_user_authentication\", "                                          \
    "error_description=\"strong authentication is needed\", acr_values=\"phrh phr\", "             \
    "max_age=%" PRId64

static const char default_class[] = "";

/* ------------------------------------------------------------------ words */

static bool only_of(const char *text, size_t max, const char *more)
{
    size_t n = 0;

    for (; text[n] != '\0'; n++) {
        const char c = text[n];
        const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || strchr(more, c) != NULL;
        if (n == max || !good)
            return false;
    }
    return n > 0;
}

/* "customer/4711": a label, from which nobody should be able to tell where it was seen. */
static bool is_resource(const char *text)
{
    return only_of(text, IDEM_GATE_RESOURCE_MAX, "._~:/@+-") && strstr(text, "//") == NULL;
}

static bool is_client(const char *text)
{
    size_t n = 0;
    while (text[n] > ' ' && text[n] < 0x7f)
        n++;
    return n > 0 && n <= IDEM_CLIENT_MAX && text[n] == '\0';
}

static bool parse_hash(const char *hex, uint8_t hash[IDEM_HASH_BYTES])
{
    size_t len = 0;
    return strlen(hex) == 2 * IDEM_HASH_BYTES &&
           sodium_hex2bin(hash, IDEM_HASH_BYTES, hex, 2 * IDEM_HASH_BYTES, NULL, &len, NULL) == 0 &&
           len == IDEM_HASH_BYTES;
}

static bool has_scope(struct idem_request *r, unsigned scope, const char *what)
{
    if ((r->command.grant.scopes & scope) != 0)
        return true;
    idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_ROLE, "this takes an API key %s", what);
    return false;
}

static struct idem_porter *porter_of(const struct idem_request *r)
{
    return idem_http_parts(r->http)->porter;
}

/* ------------------------------------------------------------------ the gate */

/* Lies in the request's second buffer while the recorder has it. */
struct asking {
    struct idem_recorder_entry entry; /* first: the recorder knows nothing else */
    struct idem_request *request;
    struct idem_porter_answer found;
    char resource[IDEM_GATE_RESOURCE_MAX + 1], class[IDEM_CLASS_MAX + 1];
};

static void take_cookie(const struct idem_request *r, struct idem_porter_ask *ask)
{
    const char *cookie = idem_request_only_header(r, "Idem-Cookie");
    const char *hash = idem_request_only_header(r, "Idem-Cookie-Hash");

    if (cookie != NULL && cookie[0] != '\0' && hash == NULL) {
        crypto_hash_sha256(ask->cookie, (const uint8_t *)cookie, strlen(cookie));
        ask->has_cookie = true;
    } else if (cookie == NULL && hash != NULL) {
        ask->has_cookie = parse_hash(hash, ask->cookie);
    }
}

static bool take_labels(struct idem_request *r, struct asking *a, struct idem_porter_ask *ask)
{
    const char *resource = idem_request_only_header(r, "Idem-Resource");
    const char *class = idem_request_only_header(r, "Idem-Class");
    const char *client = idem_request_only_header(r, "Idem-Client");

    if (resource == NULL || !is_resource(resource)) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                            "Idem-Resource must be a label of up to %d letters, digits and "
                            "._~:/@+-",
                            IDEM_GATE_RESOURCE_MAX);
        return false;
    }
    if (class != NULL && !only_of(class, IDEM_CLASS_MAX, "._-")) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "Idem-Class must be a class's name");
        return false;
    }
    snprintf(a->resource, sizeof a->resource, "%s", resource);
    snprintf(a->class, sizeof a->class, "%s", class != NULL ? class : default_class);
    ask->class = a->class;
    ask->client = client != NULL && is_client(client) ? client : NULL;
    return true;
}

/* What the proxy will be told, once it is recorded. */
static void prepare_answer(struct idem_request *r, const struct idem_gate_answer *answer)
{
    idem_metric_add((enum idem_metric)(IDEM_METRIC_GATE_PASSED + (int)answer->verdict), 1);
    switch (answer->verdict) {
    case IDEM_GATE_PASS:
        r->command.status = 204;
        r->trust = idem_gate_level_name(answer->level);
        break;
    case IDEM_GATE_STEP_UP:
        snprintf(r->challenge, sizeof r->challenge, CHALLENGE, answer->max_age_s);
        idem_request_refuse(r, IDEM_PROBLEM_STEP_UP_NEEDED, "this asks for more than a log-in");
        break;
    case IDEM_GATE_DENY:
    case IDEM_GATE_LOCK:
        idem_request_refuse(r, IDEM_PROBLEM_GATE_DENIED, "not from this browser session");
        break;
    default:
        idem_request_refuse(r, IDEM_PROBLEM_GATE_CLOSED, "what is known may be old");
        break;
    }
}

static void fill_record(struct asking *a, int64_t now_ms)
{
    const struct idem_porter_answer *f = &a->found;
    const struct idem_grant *grant = &a->request->command.grant;

    a->entry.record = (struct idem_gate_record){
        .organisation = grant->organisation,
        .at_ms = now_ms,
        .person = f->person[0] != '\0' ? f->person : NULL,
        .session = f->session[0] != '\0' ? f->session : NULL,
        .actor = grant->actor,
        .resource = a->resource,
        .class = a->class,
        .answer = idem_gate_verdict_name(f->answer.verdict),
        .cause = idem_gate_cause_name(f->answer.cause),
        .level = idem_gate_level_name(f->answer.level),
        .policy = f->policy,
        .line = f->answer.line,
        .count = 1,
    };
}

/* On the recorder's thread. */
static void recorded(struct idem_recorder_entry *entry, int err, bool more)
{
    struct idem_command *c = &((struct asking *)entry)->request->command;

    if (err != 0)
        idem_command_refuse(c, IDEM_PROBLEM_GATE_CLOSED, "the answer could not be recorded");
    c->done(c, more);
}

static void record(struct idem_request *r, struct asking *a, int64_t now_ms)
{
    struct idem_recorder *recorder = idem_porter_recorder(porter_of(r));
    const struct idem_gate_answer *answer = &a->found.answer;
    const bool refusal = answer->verdict != IDEM_GATE_PASS && answer->verdict != IDEM_GATE_LOCK;

    if (refusal && idem_recorder_hush(recorder, r->command.grant.organisation, answer->verdict,
                                      answer->cause, now_ms))
        return; /* counted, and answered at once */
    fill_record(a, now_ms);
    a->entry.done = recorded;
    idem_request_suspend(r);
    int err = idem_recorder_put(recorder, &a->entry);
    if (err == 0)
        return;
    idem_request_refuse(r, IDEM_PROBLEM_GATE_CLOSED, "%s",
                        err == IDEM_ERR_FULL ? "too many answers wait to be recorded"
                                             : "the server is being stopped");
    r->command.done(&r->command, false);
}

static void get_gate(struct idem_request *r)
{
    struct idem_porter_ask ask = {.organisation = r->command.grant.organisation,
                                  .now_ms = idem_clock_ms()};

    if (!has_scope(r, IDEM_SCOPE_GATE, "of a proxy"))
        return;
    if (idem_buffer_reserve(&r->payload, sizeof(struct asking), SIZE_MAX / 4) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_GATE_CLOSED, "no memory for the question");
        return;
    }
    struct asking *a = (void *)r->payload.bytes;
    *a = (struct asking){.request = r};
    take_cookie(r, &ask);
    if (!take_labels(r, a, &ask))
        return;
    idem_porter_ask(porter_of(r), &ask, &a->found);
    prepare_answer(r, &a->found.answer);
    record(r, a, ask.now_ms);
}

/* ------------------------------------------------------------------ bindings */

/* A nonce carries the session's trust to another place. A seat's token alone must not: the seat
 * signs, and the worker refuses a seat's session that has no signature. */
static void post_nonce(struct idem_request *r)
{
    struct idem_command *c = &r->command;
    struct idem_signer signer;

    c->slot = c->grant.slot;
    memcpy(c->id, c->grant.id, sizeof c->id);
    if (r->body.len == 0 || !idem_signers_get(idem_http_parts(r->http)->seats, c->id, &signer) ||
        idem_routes_counted(r, &signer, idem_seal_binding))
        idem_request_call(r, idem_gate_nonce_call);
}

static const char *member(const struct idem_request *r, const char *name)
{
    return json_string_value(json_object_get(r->command.json, name));
}

static bool only_members(struct idem_request *r, const char *const *known, size_t count)
{
    const char *name;
    json_t *value;

    json_object_foreach(r->command.json, name, value)
    {
        bool found = false;
        for (size_t i = 0; i < count; i++)
            found = found || strcmp(name, known[i]) == 0;
        if (!found || !json_is_string(value)) {
            idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                                found ? "fields of a binding are texts"
                                      : "a field is none of a binding's");
            return false;
        }
    }
    return true;
}

static bool take_person(struct idem_request *r)
{
    const struct idem_http_parts *parts = idem_http_parts(r->http);
    const char *person = member(r, "person");

    if (person == NULL || person[0] == '\0' || strlen(person) > IDEM_NAME_MAX) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"person\" must be 1 to %d bytes",
                            IDEM_NAME_MAX);
        return false;
    }
    idem_people_handle(parts->people,
                       idem_organisations_name(parts->organisations, r->command.grant.organisation),
                       person, r->command.handle);
    return true;
}

static bool take_binding(struct idem_request *r, struct idem_gate_bind *b)
{
    const char *cookie = member(r, "cookie_hash"), *client = member(r, "client");

    if (cookie == NULL || !parse_hash(cookie, b->binding.cookie)) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                            "\"cookie_hash\" must be the SHA-256 of the cookie's value, in "
                            "hexadecimal");
        return false;
    }
    if (client != NULL && !is_client(client)) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                            "\"client\" must be 1 to %d printable characters", IDEM_CLIENT_MAX);
        return false;
    }
    b->binding.organisation = r->command.grant.organisation;
    b->binding.api_key = r->command.grant.api_key;
    b->binding.has_client = client != NULL;
    if (client != NULL)
        idem_porter_client(porter_of(r), client, b->binding.client);
    return true;
}

/* The nonce is used up here, whatever comes of it. */
static bool take_whose(struct idem_request *r, struct idem_gate_bind *b)
{
    const char *nonce = member(r, "nonce"), *session = member(r, "session");
    int err = IDEM_ERR_NOT_FOUND;

    if ((nonce == NULL) == (session == NULL)) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "give one of \"nonce\" and \"session\"");
        return false;
    }
    b->by_nonce = nonce != NULL;
    if (nonce != NULL)
        err = idem_bindings_redeem(idem_porter_bindings(porter_of(r)), nonce, idem_clock_ms(),
                                   &r->command.slot, r->command.id);
    else
        err = idem_public_id_parse("s_", session, r->command.id);
    if (err != 0)
        idem_request_refuse(r, IDEM_PROBLEM_BINDING_REFUSED,
                            "the nonce or the session is not good for this");
    return err == 0;
}

static void post_binding(struct idem_request *r)
{
    static const char *const known[] = {"nonce", "session", "cookie_hash", "person", "client"};

    if (!has_scope(r, IDEM_SCOPE_SESSIONS, "of a back end") || !idem_body_json(r) ||
        !only_members(r, known, sizeof known / sizeof known[0]))
        return;
    if (idem_buffer_reserve(&r->payload, sizeof(struct idem_gate_bind), SIZE_MAX / 4) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "no memory for the binding");
        return;
    }
    struct idem_gate_bind *b = (void *)r->payload.bytes;
    *b = (struct idem_gate_bind){0};
    if (!take_person(r) || !take_binding(r, b) || !take_whose(r, b))
        return;
    r->command.arg = b;
    idem_request_call(r, idem_gate_bind_call);
}

/* ------------------------------------------------------------------ step-up, records */

static void post_step_up(struct idem_request *r)
{
    if ((r->command.grant.may & IDEM_MAY_API_KEY) != 0 &&
        !has_scope(r, IDEM_SCOPE_SESSIONS, "of a back end"))
        return;
    if (idem_public_id_parse("s_", r->path_id, r->command.id) != 0)
        idem_request_refuse(r, IDEM_PROBLEM_NO_SUCH_SESSION, "this is not a session's id");
    else
        idem_request_call(r, idem_lifecycle_step_up);
}

static bool take_after(struct idem_request *r, int64_t *after)
{
    const char *text = idem_request_argument(r, "after");
    char *end;

    *after = 0;
    if (text == NULL)
        return true;
    errno = 0;
    *after = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *after >= 0)
        return true;
    idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"after\" must be a number");
    return false;
}

static bool take_subject(struct idem_request *r, struct idem_gate_question_of_record *q)
{
    const char *resource = idem_request_argument(r, "resource");
    const char *person = idem_request_argument(r, "person");
    const char *what = resource != NULL ? resource : person;
    uint8_t id[IDEM_ID_BYTES];

    if ((resource == NULL) == (person == NULL) || (resource != NULL && !is_resource(resource)) ||
        (person != NULL && idem_public_id_parse("p_", person, id) != 0)) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                            "give \"resource\", a label, or \"person\", a pseudonym");
        return false;
    }
    q->by_person = person != NULL;
    snprintf(q->what, sizeof q->what, "%s", what);
    q->search.resource = q->by_person ? NULL : q->what;
    q->search.person = q->by_person ? q->what : NULL;
    return true;
}

static void get_records(struct idem_request *r)
{
    if (idem_buffer_reserve(&r->payload, sizeof(struct idem_gate_question_of_record),
                            SIZE_MAX / 4) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "no memory for the question");
        return;
    }
    struct idem_gate_question_of_record *q = (void *)r->payload.bytes;
    *q = (struct idem_gate_question_of_record){
        .search = {.organisation = r->command.grant.organisation, .limit = IDEM_GATE_RECORDS_MAX}};
    if (!take_subject(r, q) || !take_after(r, &q->search.after) ||
        !idem_request_big_answer(r, IDEM_GATE_RECORDS_BYTES))
        return;
    r->command.arg = q;
    idem_request_call(r, idem_gate_records_call);
}

/* ------------------------------------------------------------------ the table */

/* clang-format off */
static const struct idem_route rows[] = {
    {"GET",  "/v1/gate",                   IDEM_MAY_API_KEY, get_gate},
    {"GET",  "/v1/gate/records",           IDEM_MAY_AUDITOR | IDEM_MAY_ANALYST, get_records},
    {"POST", "/v1/bindings/nonce",         IDEM_MAY_SESSION, post_nonce},
    {"POST", "/v1/bindings",               IDEM_MAY_API_KEY, post_binding},
    {"POST", "/v1/sessions/{id}/step-up",  IDEM_MAY_API_KEY | IDEM_MAY_OPERATOR, post_step_up},
};
/* clang-format on */

const struct idem_route_table idem_routes_gate = IDEM_ROUTE_TABLE(rows);
