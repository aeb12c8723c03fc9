/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oidc_login.c - a log-in by way of a provider: from the request to its errand (oidc.h), and from
 * what the provider says to an account.
 *
 *   somebody new with a role         gets an account: staff by name, an employee by pseudonym
 *   roles that have changed there    change here, with the next log-in
 *   nobody's roles, a disabled account, anything that does not hold    back to the page, with
 *                                    "#oidc=refused"; why is in the server's log
 *   no answer from the provider      "#oidc=unreachable"
 *   no second factor there           staff owes one here (visit.h)
 */
#include "server/oidc_login.h"

#include "base/log.h"
#include "server/audit.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/oidc.h"
#include "server/visit.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a visit has besides. */
struct idem_trip {
    char seed[IDEM_OIDC_SEED_TEXT + 1];
    char state[IDEM_SECRET_TEXT + 1];
    char code[IDEM_OIDC_CODE_MAX + 1];
    char issuer[IDEM_CONFIG_TEXT_MAX + 1];
    bool has_issuer;
    char location[IDEM_OIDC_LOCATION_MAX];
    struct idem_oidc_person person;
    int err;
};

static void send_to(struct idem_visit *v, const char *where)
{
    snprintf(v->trip->location, IDEM_OIDC_LOCATION_MAX, "%s", where);
    v->command->answer.len = 0;
    v->command->status = 303;
}

/* ------------------------------------------------------------------ the errands */

static void run_start(struct idem_errand *errand, bool cancelled)
{
    struct idem_visit *v = (struct idem_visit *)errand;
    struct idem_trip *trip = v->trip;

    v->command->status = 303;
    if (cancelled ||
        idem_oidc_start(v->access->oidc, idem_clock_ms(), trip->location, trip->seed) != 0)
        send_to(v, "/#oidc=unreachable");
    else
        snprintf(v->cookie, IDEM_COOKIE_MAX, "%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%d%s",
                 v->secure ? IDEM_OIDC_COOKIE_SECURE : IDEM_OIDC_COOKIE, trip->seed,
                 IDEM_OIDC_MS / 1000, v->secure ? "; Secure" : "");
    v->command->done(v->command, false);
}

static void run_finish(struct idem_errand *errand, bool cancelled)
{
    struct idem_visit *v = (struct idem_visit *)errand;
    struct idem_bus *bus = v->access->parts.bus;
    struct idem_trip *t = v->trip;

    t->err = cancelled ? IDEM_ERR_IO
                       : idem_oidc_finish(v->access->oidc, idem_clock_ms(), t->seed, t->state,
                                          t->code, t->has_issuer ? t->issuer : NULL, &t->person);
    v->command->call = v->then;
    if (bus->ops->push(bus, v->command) == 0)
        return;
    send_to(v, "/#oidc=unreachable");
    v->command->done(v->command, false);
}

/* From the worker, which every request passes before its errand. */
static void push(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);

    (void)w;
    memcpy(&v->errand.who, v->address, sizeof v->errand.who);
    if (idem_oidc_push(v->access->oidc, &v->errand) == 0)
        return;
    idem_command_refuse(c, IDEM_PROBLEM_OVERLOADED, "too many log-ins are waiting");
    c->done(c, false);
}

/* ------------------------------------------------------------------ from a person to an account */

static bool is_label(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if ((uint8_t)*at < 0x20 || *at == 0x7f)
            return false;
    return text[0] != '\0' && strlen(text) <= IDEM_ACCOUNT_LABEL_MAX - 12;
}

/* A provider's people may have any name, also a local account's, also each other's. */
static void put_label(const struct idem_oidc_person *p, struct idem_store_account *a)
{
    snprintf(a->label, sizeof a->label, "oidc/%.*s/%02x%02x%02x", IDEM_ACCOUNT_LABEL_MAX - 12,
             is_label(p->name) ? p->name : "somebody", a->login_key[0], a->login_key[1],
             a->login_key[2]);
}

static int bind_employee(struct idem_worker *w, const char *organisation,
                         const struct idem_oidc_person *p, struct idem_store_account *a)
{
    struct idem_people *people = w->parts.people;
    uint8_t handle[IDEM_ID_BYTES];

    if (p->name[0] == '\0')
        return IDEM_ERR_INVALID;
    idem_people_handle(people, organisation, p->name, handle);
    int err = idem_people_admit(people, a->organisation, handle, a->person);
    if (err == 0)
        err = idem_people_admitted(people);
    a->has_person = err == 0;
    idem_public_id("p_", a->person, a->label);
    return err;
}

static int make_account(struct idem_worker *w, struct idem_visit *v, const char *organisation)
{
    const struct idem_oidc_person *p = &v->trip->person;
    struct idem_store_account *a = &v->account;
    int err = IDEM_OK;

    memset(a, 0, sizeof *a);
    a->organisation = v->organisation;
    memcpy(a->login_key, v->login_key, sizeof a->login_key);
    a->roles = p->roles;
    a->totp_step = -1;
    a->since_ms = v->command->received_ms;
    snprintf(a->issuer, sizeof a->issuer, "%s", v->access->parts.oidc->issuer);
    if (p->roles == IDEM_MAY_EMPLOYEE)
        err = bind_employee(w, organisation, p, a);
    else
        put_label(p, a);
    return err;
}

static json_t *detail_of(const struct idem_store_account *a, const struct idem_oidc_person *p)
{
    return json_pack("{s:s, s:b, s:b}", "by", "oidc", "second_factor", p->strong, "new",
                     a->row == 0);
}

/* What the provider says is so: the account, new or with the roles of now, and the log-in's line.
 */
static int write_account(struct idem_worker *w, struct idem_visit *v)
{
    struct idem_store *store = w->parts.store;
    const struct idem_oidc_person *p = &v->trip->person;
    struct idem_store_account *a = &v->account;
    char actor[IDEM_ACTOR_MAX + 1];
    bool changed = a->roles != p->roles;
    json_t *detail = detail_of(a, p);
    int err = store->ops->begin(store);

    a->roles = p->roles;
    if (err == 0 && a->row == 0)
        err = store->access->account_add(store, a);
    else if (err == 0 && changed)
        err = store->access->account_put(store, a);
    idem_visit_actor(a, actor, sizeof actor);
    if (err == 0 && changed)
        err = idem_visit_note(w, v->command, "oidc", "account.changed", a,
                              idem_visit_roles(a->roles));
    if (err == 0 && (changed || idem_visit_tells(v, a->row)))
        return idem_visit_note(w, v->command, actor, "login.ok", a, detail);
    json_decref(detail);
    return err;
}

/* The account of a provider's person: IDEM_ERR_INVALID when there shall be none. */
static int find_account(struct idem_worker *w, struct idem_visit *v)
{
    const struct idem_oidc_config *config = v->access->parts.oidc;
    const struct idem_oidc_person *p = &v->trip->person;
    struct idem_store *store = w->parts.store;

    v->organisation = idem_organisations_row(w->parts.organisations, config->organisation);
    idem_access_subject_key(v->access, config->issuer, p->subject, v->login_key);
    int err = store->access->account_find(store, v->organisation, v->login_key, &v->account);
    if (v->organisation == 0 || p->roles == 0) {
        idem_log(IDEM_LOG_ERROR, "config: OpenID Connect: %s",
                 p->roles == 0 ? "somebody holds no role here"
                               : "its organisation is not set up yet");
        if (err == 0) /* and no longer holds those of before */
            idem_auth_revoke_account(w->parts.auth, v->account.row, NULL);
        return IDEM_ERR_INVALID;
    }
    if (err == IDEM_ERR_NOT_FOUND)
        return make_account(w, v, config->organisation);
    if (err != 0 || v->account.disabled)
        return err != 0 ? err : IDEM_ERR_INVALID;
    /* an employee's account has no name, and must not get one */
    return ((v->account.roles ^ p->roles) & IDEM_MAY_EMPLOYEE) == 0 ? IDEM_OK : IDEM_ERR_INVALID;
}

static void finish(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);
    struct idem_trip *t = v->trip;
    const char *where = t->err == IDEM_ERR_IO ? "/#oidc=unreachable" : "/#oidc=refused";
    unsigned before = 0;

    int err = t->err != 0 ? t->err : find_account(w, v);
    if (err == 0) {
        before = v->account.roles;
        if (idem_visit_commit(w, c, write_account(w, v))) {
            if (before != v->account.roles)
                idem_auth_revoke_account(w->parts.auth, v->account.row, NULL);
            idem_visit_enter(w, v, &v->account, idem_visit_needs(&v->account, t->person.strong));
            where = "/";
        }
    } else {
        idem_audit_count(IDEM_AUDIT_LOGIN_REFUSED);
    }
    if (c->problem == IDEM_PROBLEM_NONE)
        send_to(v, where);
    c->done(c, false);
}

/* ------------------------------------------------------------------ the requests */

static void free_trip(struct idem_trip *trip)
{
    sodium_memzero(trip, sizeof *trip);
    free(trip);
}

static bool begin_trip(struct idem_request *r, struct idem_visit *v)
{
    if (v->access->oidc == NULL) {
        idem_request_refuse(r, IDEM_PROBLEM_NO_SUCH_ROUTE, "no provider is configured");
        return false;
    }
    v->trip = calloc(1, sizeof *v->trip);
    if (v->trip == NULL) {
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "no memory for a log-in");
        return false;
    }
    v->free_trip = free_trip;
    r->location = v->trip->location;
    return true;
}

void idem_oidc_go(struct idem_request *r, struct idem_visit *v)
{
    if (!begin_trip(r, v))
        return;
    v->errand.run = run_start;
    idem_request_call(r, push);
}

/* An argument or a cookie, when it fits. */
static bool copy(const char *text, char *out, size_t cap)
{
    if (text == NULL || strlen(text) >= cap)
        return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

void idem_oidc_return(struct idem_request *r, struct idem_visit *v)
{
    const char *name = v->secure ? IDEM_OIDC_COOKIE_SECURE : IDEM_OIDC_COOKIE;
    const char *issuer = idem_request_argument(r, "iss");

    if (!begin_trip(r, v))
        return;
    struct idem_trip *t = v->trip;
    t->has_issuer = issuer != NULL;
    if (!copy(MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, name), t->seed,
              sizeof t->seed) ||
        !copy(idem_request_argument(r, "state"), t->state, sizeof t->state) ||
        !copy(idem_request_argument(r, "code"), t->code, sizeof t->code) ||
        (issuer != NULL && !copy(issuer, t->issuer, sizeof t->issuer))) {
        /* without a code the provider has said no; all else is nobody who was sent from here */
        idem_audit_count(IDEM_AUDIT_LOGIN_REFUSED);
        send_to(v, "/#oidc=refused");
        return;
    }
    v->errand.run = run_finish;
    v->then = finish;
    idem_request_call(r, push);
}
