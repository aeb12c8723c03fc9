/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login.c - logging in and out; see access.h for the way it takes.
 *
 *   no such account, wrong password, disabled     the same answer, after the same time
 *   right password, second factor without a code  told so: nothing is counted, for nothing failed
 *   right password, wrong or old code             the answer of a wrong password
 *   too many failures                             a delay, which nobody's password shortens
 *   an account that must do something first       a log-in that opens that and nothing else
 */
#include "server/clock.h"
#include "server/visit.h"

#include "server/audit.h"
#include "server/http.h"
#include "server/request.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ over the hasher */

static void refuse_overloaded(struct idem_command *c)
{
    idem_command_refuse(c, IDEM_PROBLEM_OVERLOADED, "too many log-ins are waiting");
    c->retry_s = 2;
}

static void run_hash(struct idem_errand *errand, bool cancelled)
{
    struct idem_visit *v = (struct idem_visit *)errand;
    struct idem_command *c = v->command;
    struct idem_bus *bus = v->access->parts.bus;

    if (!cancelled) {
        v->matched = !v->verify || idem_password_verify(v->held[0] ? v->held : NULL, v->password);
        if (v->matched && v->hash)
            v->failed = idem_password_hash(v->wanted, v->made);
        c->call = v->then;
        if (bus->ops->push(bus, c) == 0)
            return;
    }
    refuse_overloaded(c);
    c->done(c, false);
}

void idem_visit_hash(struct idem_visit *v,
                     void (*then)(struct idem_worker *w, struct idem_command *c))
{
    v->then = then;
    v->errand.run = run_hash;
    memcpy(&v->errand.who, v->address, sizeof v->errand.who);
    if (idem_errands_push(v->access->hasher, &v->errand) == 0)
        return; /* from here on it is the hasher's */
    refuse_overloaded(v->command);
    v->command->done(v->command, false);
}

/* ------------------------------------------------------------------ delays */

bool idem_visit_waits(struct idem_visit *v, const uint8_t key[IDEM_HASH_BYTES])
{
    const struct idem_lockout *table = v->access->lockout;
    const struct idem_lockout_try who = {key, v->address};
    int64_t now = idem_clock_ms();
    int64_t wait = idem_lockout_wait(table, &who, now);

    if (wait == 0)
        return false;
    idem_command_refuse(v->command, IDEM_PROBLEM_TOO_MANY_ATTEMPTS,
                        "log-ins failed too often; the next may be tried in %lld s",
                        (long long)(wait + 999) / 1000);
    v->command->retry_s = (unsigned)((wait + 999) / 1000);
    return true;
}

/* Only once the answer is on its way: how long it took must not say that there is the account. */
static void note_lockout(struct idem_worker *w, const struct idem_store_account *account)
{
    const struct idem_command now = {.received_ms = idem_clock_ms()};
    struct idem_store *store = w->parts.store;
    int err;

    (void)((err = store->ops->begin(store)) != 0 ||
           (err = idem_visit_note(w, &now, "system", "login.locked", account, NULL)) != 0);
    idem_worker_commit(w, err);
}

void idem_visit_done(struct idem_worker *w, struct idem_visit *v)
{
    const bool locked = v->locked;
    const struct idem_store_account account = v->account;

    v->command->done(v->command, false); /* the visit may be gone from here on */
    if (locked)
        note_lockout(w, &account);
}

void idem_visit_fail(struct idem_visit *v, const uint8_t key[IDEM_HASH_BYTES])
{
    const struct idem_lockout_try who = {key, v->address};

    idem_audit_count(IDEM_AUDIT_LOGIN_REFUSED);
    v->locked = idem_lockout_fail(v->access->lockout, &who, idem_clock_ms()) && v->found;
    idem_command_refuse(v->command, IDEM_PROBLEM_LOGIN_FAILED,
                        "the name, the password or the code is wrong");
}

void idem_visit_pass(struct idem_visit *v, const uint8_t key[IDEM_HASH_BYTES])
{
    const struct idem_lockout_try who = {key, v->address};
    idem_lockout_pass(v->access->lockout, &who);
}

/* ------------------------------------------------------------------ the log-in itself */

void idem_visit_actor(const struct idem_store_account *account, char *out, size_t cap)
{
    snprintf(out, cap, "account:%s", account->label);
}

int idem_visit_note(struct idem_worker *w, const struct idem_command *c, const char *actor,
                    const char *action, const struct idem_store_account *account, json_t *detail)
{
    char subject[IDEM_AUDIT_SUBJECT_MAX + 1];
    const struct idem_audit_line line = {
        .organisation = account->organisation,
        .at_ms = c->received_ms,
        .actor = actor,
        .action = action,
        .subject = subject,
        .detail = detail,
        .about_seat = account->has_person, /* of an employee the hour is kept */
    };

    idem_visit_actor(account, subject, sizeof subject);
    int err = idem_audit_add(w, &line);
    json_decref(detail);
    return err;
}

bool idem_visit_commit(struct idem_worker *w, struct idem_command *c, int err)
{
    err = idem_worker_commit(w, err);
    if (err != 0)
        idem_worker_refuse_store(c, err);
    return err == 0;
}

bool idem_visit_shown(const struct idem_store_account *account)
{
    return account->issuer[0] == '\0' && account->totp_len > 0;
}

unsigned idem_visit_needs(const struct idem_store_account *account, bool strong)
{
    unsigned needs = account->fresh ? IDEM_NEED_PASSWORD : 0;

    if (idem_roles_need_totp(account->roles) && !strong)
        needs |= account->totp_len == 0 ? IDEM_NEED_ENROL : IDEM_NEED_CODE;
    return needs;
}

static void put_needs(struct idem_text *t, unsigned needs)
{
    static const char *const names[] = {"password", "totp-enrol", "totp"};
    const char *comma = "";

    idem_text_put(t, "[");
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((needs & 1U << i) == 0)
            continue;
        idem_text_fmt(t, "%s\"%s\"", comma, names[i]);
        comma = ",";
    }
    idem_text_put(t, "]");
}

static void put_me(struct idem_worker *w, struct idem_text *t,
                   const struct idem_store_account *account, unsigned needs, const char *csrf)
{
    idem_text_fmt(t, "{\"account\":%lld,\"name\":", (long long)account->row);
    idem_text_string(t, account->label);
    idem_text_put(t, ",\"organisation\":");
    idem_text_string(t, idem_organisations_name(w->parts.organisations, account->organisation));
    idem_text_put(t, ",\"roles\":");
    idem_roles_json(t, account->roles);
    idem_text_put(t, ",\"person\":");
    if (account->has_person)
        idem_text_string(t, account->label);
    else
        idem_text_put(t, "null");
    idem_text_put(t, ",\"local\":");
    idem_text_put(t, account->issuer[0] == '\0' ? "true" : "false");
    idem_text_put(t, ",\"totp\":");
    idem_text_put(t, account->totp_len > 0 ? "true" : "false");
    idem_text_put(t, ",\"needs\":");
    put_needs(t, needs);
    idem_text_put(t, ",\"csrf\":");
    idem_text_string(t, csrf);
    idem_text_put(t, "}");
}

static void put_cookie(struct idem_visit *v, const char *token)
{
    snprintf(v->cookie, IDEM_COOKIE_MAX, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s",
             v->secure ? IDEM_COOKIE_SECURE : IDEM_COOKIE, token, v->secure ? "; Secure" : "");
}

void idem_visit_enter(struct idem_worker *w, struct idem_visit *v,
                      const struct idem_store_account *account, unsigned needs)
{
    struct idem_command *c = v->command;
    struct idem_grant grant = {
        .may = IDEM_MAY_ACCOUNT | (needs == 0 ? account->roles : 0),
        .organisation = account->organisation,
        .account = account->row,
        .has_person = account->has_person,
    };
    char token[IDEM_SECRET_TEXT + 1], csrf[IDEM_SECRET_TEXT + 1];
    uint8_t hash[IDEM_HASH_BYTES];
    int64_t now = idem_clock_ms();

    memcpy(grant.person, account->person, IDEM_ID_BYTES);
    idem_visit_actor(account, grant.actor, sizeof grant.actor);
    idem_auth_token(token, hash);
    if (idem_auth_grant(w->parts.auth, hash, &grant, now + IDEM_LOGIN_MS, IDEM_LOGIN_IDLE_MS,
                        now) != 0) {
        idem_command_refuse(c, IDEM_PROBLEM_OVERLOADED, "too many people are logged in");
        return;
    }
    if (v->has_old)
        idem_auth_revoke(w->parts.auth, v->old);
    put_cookie(v, token);
    idem_auth_csrf(token, csrf);
    c->status = 200;
    put_me(w, &c->answer, account, needs, csrf);
    sodium_memzero(token, sizeof token);
}

/* The second factor, if there is one: IDEM_OK, IDEM_ERR_TOO_LITTLE without a code, else wrong. */
static int check_code(struct idem_visit *v, struct idem_store_account *a)
{
    uint8_t secret[IDEM_TOTP_SECRET];

    if (a->totp_len == 0)
        return IDEM_OK;
    if (v->code[0] == '\0')
        return IDEM_ERR_TOO_LITTLE;
    int err = idem_access_open_totp(v->access, a, secret);
    if (err == 0)
        err =
            idem_totp_check(secret, v->code, idem_clock_calendar_ms(), a->totp_step, &a->totp_step);
    sodium_memzero(secret, sizeof secret);
    return err;
}

/* Who logs in over and over shall not fill the log: one line a minute. */
bool idem_visit_tells(struct idem_visit *v, int64_t account)
{
    const int64_t minute = v->command->received_ms / 60000;
    struct idem_told *told = v->access->told;

    for (int i = 0; i < IDEM_TOLD_MAX; i++)
        if (told[i].account == account && told[i].minute == minute)
            return false;
    told[v->access->told_at++ % IDEM_TOLD_MAX] = (struct idem_told){account, minute};
    return true;
}

static int write_login(struct idem_worker *w, struct idem_visit *v,
                       const struct idem_store_account *a)
{
    struct idem_store *store = w->parts.store;
    char actor[IDEM_ACTOR_MAX + 1];
    int err = store->ops->begin(store);

    idem_visit_actor(a, actor, sizeof actor);
    if (err == 0 && a->totp_len > 0) /* the step that was used, before anybody is let in by it */
        err = store->access->account_put(store, a);
    if (err == 0 && idem_visit_tells(v, a->row))
        err = idem_visit_note(w, v->command, actor, "login.ok", a, NULL);
    return err;
}

/* The account as it is now: it may have been changed while its password was compared. One whose
 * person was erased holds no role any more. */
static bool still_good(struct idem_worker *w, struct idem_visit *v, struct idem_store_account *a)
{
    struct idem_store *store = w->parts.store;

    return v->matched && v->found &&
           store->access->account_get(store, v->organisation, v->account.row, a) == 0 &&
           !a->disabled && a->roles != 0 && strcmp(a->password, v->held) == 0;
}

void idem_login_end(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);
    struct idem_store_account a;

    int err = still_good(w, v, &a) ? check_code(v, &a) : IDEM_ERR_INVALID;
    if (err == IDEM_ERR_TOO_LITTLE) {
        idem_command_refuse(c, IDEM_PROBLEM_SECOND_FACTOR, "\"totp\" is missing");
    } else if (err != 0) {
        idem_visit_fail(v, v->login_key);
    } else if (idem_visit_commit(w, c, write_login(w, v, &a))) {
        idem_visit_pass(v, v->login_key);
        idem_visit_enter(w, v, &a, idem_visit_needs(&a, idem_visit_shown(&a)));
    }
    idem_visit_done(w, v);
}

void idem_login_begin(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);
    struct idem_store *store = w->parts.store;

    if (idem_visit_waits(v, v->login_key)) {
        idem_audit_count(IDEM_AUDIT_LOGIN_REFUSED);
        c->done(c, false);
        return;
    }
    int err = store->access->account_find(store, v->organisation, v->login_key, &v->account);
    v->found = err == 0;
    if (err != 0 && err != IDEM_ERR_NOT_FOUND) {
        idem_worker_refuse_store(c, err);
        c->done(c, false);
        return;
    }
    if (v->found)
        memcpy(v->held, v->account.password, sizeof v->held);
    v->verify = true;
    idem_visit_hash(v, idem_login_end);
}

void idem_logout(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);

    idem_auth_revoke(w->parts.auth, v->old);
    snprintf(v->cookie, IDEM_COOKIE_MAX, "%s=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0%s",
             v->secure ? IDEM_COOKIE_SECURE : IDEM_COOKIE, v->secure ? "; Secure" : "");
    c->status = 204;
    c->done(c, false);
}

/* ------------------------------------------------------------------ who am I */

static void put_bearer(struct idem_worker *w, struct idem_command *c)
{
    struct idem_text *t = &c->answer;

    idem_text_put(t, "{\"account\":null,\"name\":");
    idem_text_string(t, c->grant.actor);
    idem_text_put(t, ",\"organisation\":");
    idem_text_string(t, idem_organisations_name(w->parts.organisations, c->grant.organisation));
    idem_text_put(t, ",\"roles\":");
    idem_roles_json(t, c->grant.may & IDEM_MAY_ROLES);
    idem_text_put(t, ",\"person\":null,\"local\":false,\"totp\":false,\"needs\":[],\"csrf\":null}");
}

void idem_me(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);
    struct idem_store *store = w->parts.store;
    struct idem_store_account a;
    int err = 0;

    c->status = 200;
    if (c->grant.account == 0)
        put_bearer(w, c);
    else if ((err = store->access->account_get(store, c->grant.organisation, c->grant.account,
                                               &a)) != 0)
        idem_worker_refuse_store(c, err);
    else
        put_me(w, &c->answer, &a,
               (c->grant.may & IDEM_MAY_ROLES) != 0 ? 0
                                                    : idem_visit_needs(&a, idem_visit_shown(&a)),
               v->csrf);
    c->done(c, false);
}
