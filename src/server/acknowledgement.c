/* SPDX-License-Identifier: Apache-2.0 */
/* acknowledgement.c - see acknowledgement.h. */
#include "server/acknowledgement.h"

#include "server/bodies.h"
#include "server/http.h"
#include "server/notices.h"
#include "server/policy.h"
#include "server/request.h"
#include "server/seats.h"
#include "server/worker_parts.h"
#include "store/acknowledgements.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 64 * 1024 };

/* ------------------------------------------------------------------ what is asked, what is there
 */

/* Never 0: that is "none". */
static uint64_t number_of(const uint8_t hash[IDEM_POLICY_HASH])
{
    uint64_t number;

    memcpy(&number, hash, sizeof number);
    return number | 1;
}

static const struct idem_policy_acknowledgement *asked(const struct idem_worker *w,
                                                       const char *country)
{
    const struct idem_policy_acknowledgement *a =
        w->policy != NULL ? idem_policy_acknowledgement(w->policy, country) : NULL;
    return a != NULL && a->required ? a : NULL;
}

void idem_acknowledgement_assign(struct idem_worker *w, struct idem_session *s)
{
    const struct idem_policy_acknowledgement *a = asked(w, s->opening.country);
    uint8_t hash[IDEM_POLICY_HASH];

    if (a != NULL)
        idem_policy_acknowledgement_hash(a, hash);
    s->needs_acknowledged = a != NULL ? number_of(hash) : 0;
}

void idem_acknowledgement_load(struct idem_worker *w, struct idem_session *s)
{
    struct idem_store *store = w->parts.store;
    struct idem_store_acknowledgement a;
    int err = store->acknowledgements->get(store, s->person->organisation, s->person->id, &a);

    s->person->acknowledged = err == 0 ? number_of(a.asked) : 0;
    idem_acknowledgement_assign(w, s);
}

bool idem_acknowledgement_missing(const struct idem_session *s)
{
    return s->needs_acknowledged != 0 && s->needs_acknowledged != s->person->acknowledged;
}

/* ------------------------------------------------------------------ about whom */

struct subject {
    int64_t organisation;
    uint8_t person[IDEM_ID_BYTES];
    char name[IDEM_PUBLIC_ID_TEXT + 1];
    const char *country;          /* the session's, or that of what is on record */
    struct idem_session *session; /* NULL: an employee in the console */
    bool found;                   /* record is set */
    struct idem_store_acknowledgement record;
};

/* A session's own token names it; an API key must, and may only name one that it opened. */
static struct idem_session *session_of(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find(w, c);

    if (s == NULL || (c->grant.may & IDEM_MAY_SESSION) != 0)
        return s;
    if (s->opening.api_key != 0 && s->opening.api_key == c->grant.api_key)
        return s;
    idem_command_refuse(c, IDEM_PROBLEM_FORBIDDEN_SESSION, "the session is not this key's");
    return NULL;
}

static bool is_employee(const struct idem_command *c)
{
    return (c->grant.may & (IDEM_MAY_SESSION | IDEM_MAY_API_KEY)) == 0;
}

static void fill(struct subject *x, int64_t organisation, const uint8_t *person)
{
    x->organisation = organisation;
    memcpy(x->person, person, IDEM_ID_BYTES);
    idem_public_id("p_", person, x->name);
}

/* False: refused. */
static bool find_subject(struct idem_worker *w, struct idem_command *c, struct subject *x)
{
    struct idem_store *store = w->parts.store;

    memset(x, 0, sizeof *x);
    if (is_employee(c)) {
        if (!c->grant.has_person) {
            idem_command_refuse(c, IDEM_PROBLEM_FORBIDDEN_ROLE, "the account is nobody's own");
            return false;
        }
        fill(x, c->grant.organisation, c->grant.person);
    } else {
        x->session = session_of(w, c);
        if (x->session == NULL)
            return false;
        fill(x, x->session->person->organisation, x->session->person->id);
    }
    int err = store->acknowledgements->get(store, x->organisation, x->person, &x->record);
    x->found = err == 0;
    x->country = x->session != NULL ? x->session->opening.country : x->record.country;
    if (err != 0 && err != IDEM_ERR_NOT_FOUND)
        idem_worker_refuse_store(c, err);
    return c->problem == IDEM_PROBLEM_NONE;
}

/* ------------------------------------------------------------------ answers */

/* The text in the wanted language, else the first one. */
static const struct idem_policy_language *text_in(const struct idem_policy_acknowledgement *a,
                                                  const char *language)
{
    for (uint32_t i = 0; i < a->text_count && language != NULL; i++)
        if (strcmp(a->texts[i].language, language) == 0)
            return &a->texts[i];
    return a->text_count > 0 ? &a->texts[0] : NULL;
}

static const char *state_of(const struct subject *x, const struct idem_policy_acknowledgement *a)
{
    uint8_t hash[IDEM_POLICY_HASH];

    if (a == NULL)
        return "not-required";
    if (!x->found)
        return "missing";
    idem_policy_acknowledgement_hash(a, hash);
    return memcmp(x->record.asked, hash, sizeof hash) == 0 ? "given" : "outdated";
}

static void answer(struct idem_worker *w, struct idem_command *c, const struct subject *x)
{
    const struct idem_policy_acknowledgement *a = asked(w, x->country);
    const char *language = json_string_value(json_object_get(c->json, "language"));
    const struct idem_policy_language *text = a != NULL ? text_in(a, language) : NULL;
    struct idem_text *t = &c->answer;

    c->status = 200;
    idem_text_fmt(t, "{\"state\":\"%s\",\"version\":", state_of(x, a));
    if (a != NULL)
        idem_text_string(t, a->version);
    else
        idem_text_put(t, "null");
    idem_text_put(t, ",\"language\":");
    idem_text_string(t, text != NULL ? text->language : "");
    idem_text_put(t, ",\"text\":");
    if (text != NULL)
        idem_text_string(t, text->text);
    else
        idem_text_put(t, "null");
    idem_text_put(t, ",\"hour\":");
    if (x->found)
        idem_text_time(t, x->record.hour_ms - x->record.hour_ms % IDEM_AUDIT_HOUR_MS);
    else
        idem_text_put(t, "null");
    idem_text_put(t, "}");
}

/* ------------------------------------------------------------------ changes */

static int write_change(struct idem_worker *w, const struct idem_command *c,
                        const struct subject *x, const struct idem_store_acknowledgement *given)
{
    struct idem_store *store = w->parts.store;
    json_t *detail = given == NULL ? NULL
                                   : json_pack("{s:s, s:s}", "version", given->version, "country",
                                               given->country);
    const struct idem_audit_line line = {
        .organisation = x->organisation,
        .at_ms = c->received_ms,
        .actor = c->grant.actor,
        .action = given != NULL ? "acknowledgement.given" : "acknowledgement.withdrawn",
        .subject = x->name,
        .detail = detail,
        .about_seat = true,
    };
    int err = store->ops->begin(store);

    if (err == 0 && given != NULL)
        err = store->acknowledgements->put(store, x->organisation, x->person, given);
    else if (err == 0)
        err = store->acknowledgements->withdraw(store, x->organisation, x->person);
    if (err == 0)
        err = idem_audit_add(w, &line);
    err = idem_worker_commit(w, err);
    json_decref(detail);
    return err;
}

static bool is_theirs(const struct idem_session *s, const struct subject *x)
{
    return s->person->organisation == x->organisation &&
           memcmp(s->person->id, x->person, IDEM_ID_BYTES) == 0;
}

/* All sessions of a person have the person in common: the first one does. */
static void settle(struct idem_worker *w, const struct subject *x, uint64_t number)
{
    for (struct idem_session *s = idem_sessions_newest(w->sessions); s != NULL; s = s->older)
        if (is_theirs(s, x))
            s->person->acknowledged = number;
}

static struct idem_session *open_session(struct idem_worker *w, const struct subject *x)
{
    struct idem_session *s = idem_sessions_newest(w->sessions);

    while (s != NULL && (s->closed || !is_theirs(s, x)))
        s = s->older;
    return s;
}

/* Its windows go, and what enrolment has taken of them is taken out again. */
static int end_session(struct idem_worker *w, struct idem_session *s)
{
    s->spoiled = s->guard.barred = s->guard.withdraw = true;
    s->guard.barred_from = 0;
    return idem_lifecycle_end(w, s);
}

static int end_sessions(struct idem_worker *w, const struct subject *x)
{
    struct idem_session *s;
    int err = IDEM_OK;

    while (err == 0 && (s = open_session(w, x)) != NULL)
        err = end_session(w, s);
    return err;
}

/* By the session's own token: the wish is on record, and holds for this session. */
static int stop_session(struct idem_worker *w, const struct idem_command *c,
                        const struct subject *x)
{
    const struct idem_audit_line line = {
        .organisation = x->organisation,
        .at_ms = c->received_ms,
        .actor = c->grant.actor,
        .action = "acknowledgement.stopped",
        .subject = x->session->name,
        .about_seat = true,
    };
    int err = x->session->closed ? IDEM_OK : idem_audit_write(w, &line);
    return err != 0 || x->session->closed ? err : end_session(w, x->session);
}

/* For the person, everywhere. */
static int withdraw(struct idem_worker *w, const struct idem_command *c, const struct subject *x)
{
    int err = write_change(w, c, x, NULL);

    if (err != 0)
        return err;
    settle(w, x, 0);
    return end_sessions(w, x);
}

/* A seat's token may have been stolen from it; its key signs what the person at it has read. */
static bool is_signed(struct idem_command *c, const struct subject *x)
{
    if (x->session == NULL || (c->grant.may & IDEM_MAY_SESSION) == 0 || c->sealed ||
        x->session->opening.kind != IDEM_SESSION_AGENT)
        return true;
    idem_command_refuse(c, IDEM_PROBLEM_SIGNATURE_WRONG, "the seat's key has not signed this");
    return false;
}

static void give(struct idem_worker *w, struct idem_command *c, struct subject *x)
{
    const struct idem_policy_acknowledgement *a = asked(w, x->country);
    const char *version = json_string_value(json_object_get(c->json, "version"));

    /* Where there is no text nobody has read one. */
    if (a == NULL || a->text_count == 0 || version == NULL || strcmp(version, a->version) != 0) {
        idem_command_refuse(c, IDEM_PROBLEM_ACKNOWLEDGEMENT_OUTDATED, "%s",
                            a == NULL            ? "none is asked for"
                            : a->text_count == 0 ? "there is no text for this country"
                                                 : "the version in force is another");
        return;
    }
    struct idem_store_acknowledgement given = {.hour_ms = c->received_ms};
    snprintf(given.version, sizeof given.version, "%s", a->version);
    snprintf(given.country, sizeof given.country, "%s", x->country);
    idem_policy_acknowledgement_hash(a, given.asked);
    int err = write_change(w, c, x, &given);
    if (err != 0) {
        idem_worker_refuse_store(c, err);
        return;
    }
    settle(w, x, number_of(given.asked));
    x->record = given;
    x->found = true;
    answer(w, c, x);
}

/* ------------------------------------------------------------------ on the worker */

static void run_get(struct idem_worker *w, struct idem_command *c)
{
    struct subject x;
    if (find_subject(w, c, &x))
        answer(w, c, &x);
    c->done(c, false);
}

static void run_post(struct idem_worker *w, struct idem_command *c)
{
    struct subject x;
    if (find_subject(w, c, &x) && is_signed(c, &x))
        give(w, c, &x);
    c->done(c, false);
}

static void run_delete(struct idem_worker *w, struct idem_command *c)
{
    struct subject x;
    int err = IDEM_OK;

    if (find_subject(w, c, &x)) {
        if (x.found && (c->grant.may & IDEM_MAY_SESSION) != 0)
            err = stop_session(w, c, &x);
        else if (x.found)
            err = withdraw(w, c, &x);
        if (err != 0)
            idem_worker_refuse_store(c, err);
        c->status = 204; /* withdrawing twice is harmless */
    }
    c->done(c, false);
}

/* ------------------------------------------------------------------ requests */

/* Which session: the token's own, or the one that is named. */
static bool take_session(struct idem_request *r, const char *name)
{
    struct idem_command *c = &r->command;

    if ((c->grant.may & IDEM_MAY_SESSION) != 0) {
        memcpy(c->id, c->grant.id, IDEM_ID_BYTES);
        c->slot = c->grant.slot;
        return true;
    }
    c->slot = -1;
    if (is_employee(c) || (name != NULL && idem_public_id_parse("s_", name, c->id) == 0))
        return true;
    idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"session\" must be a session's id");
    return false;
}

/* Of a seat's session, over the version: the session's nonce makes it good here only. Whether it is
 * needed the worker knows. */
static bool take_signature(struct idem_request *r)
{
    const char *version = json_string_value(json_object_get(r->command.json, "version"));
    uint8_t signature[IDEM_SEAL_SIGNATURE];
    struct idem_seal_message message;
    struct idem_signer signer;

    if ((r->command.grant.may & IDEM_MAY_SESSION) == 0 ||
        json_object_get(r->command.json, "signature") == NULL ||
        !idem_signers_get(idem_http_parts(r->http)->seats, r->command.id, &signer))
        return true;
    if (!idem_body_bytes(r, "signature", signature, sizeof signature))
        return false;
    if (idem_seal_acknowledgement(signer.nonce, version, &message) == 0 &&
        idem_seal_good(signer.public_key, &message, signature)) {
        r->command.sealed = true;
        return true;
    }
    idem_notice_of_session(IDEM_NOTICE_SIGNATURE_WRONG, r->command.grant.organisation,
                           r->command.id);
    idem_request_refuse(r, IDEM_PROBLEM_SIGNATURE_WRONG, "the seat's key has not signed this");
    return false;
}

void idem_acknowledgement_get(struct idem_request *r)
{
    const char *language = idem_request_argument(r, "language");

    if (!take_session(r, idem_request_argument(r, "session")) ||
        !idem_request_big_answer(r, ANSWER_MAX))
        return;
    if (language != NULL)
        r->command.json = json_pack("{s:s}", "language", language);
    idem_request_call(r, run_get);
}

void idem_acknowledgement_post(struct idem_request *r)
{
    if (!idem_body_json(r))
        return;
    if (!json_is_string(json_object_get(r->command.json, "version"))) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"version\" must be a string");
        return;
    }
    if (take_session(r, json_string_value(json_object_get(r->command.json, "session"))) &&
        take_signature(r) && idem_request_big_answer(r, ANSWER_MAX))
        idem_request_call(r, run_post);
}

void idem_acknowledgement_delete(struct idem_request *r)
{
    if (take_session(r, idem_request_argument(r, "session")))
        idem_request_call(r, run_delete);
}
