/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accounts.c - an operator's work on the accounts of his organisation.
 *
 *   a new account     gets a password from here, shown once, that its holder must change at the
 *                     first log-in; a second factor likewise, where the role needs one
 *   an employee       is bound to a pseudonym, which is all that this account is called
 *   roles, disabling, reset   end the account's log-ins; one's own are refused, so that nobody
 *                     gives himself a role, and the last operator stays
 *
 * Each is a line of the audit log, in the same transaction.
 */
#include "server/visit.h"

#include "server/audit.h"

#include <string.h>

/* ------------------------------------------------------------------ reading */

static void put_account(struct idem_text *t, const struct idem_store_account *a)
{
    idem_text_fmt(t, "{\"id\":%lld,\"name\":", (long long)a->row);
    idem_text_string(t, a->label);
    idem_text_put(t, ",\"roles\":");
    idem_roles_json(t, a->roles);
    idem_text_put(t, ",\"person\":");
    if (a->has_person)
        idem_text_string(t, a->label);
    else
        idem_text_put(t, "null");
    idem_text_fmt(t, ",\"local\":%s,\"totp\":%s,\"fresh\":%s,\"disabled\":%s,\"since\":",
                  a->issuer[0] == '\0' ? "true" : "false", a->totp_len > 0 ? "true" : "false",
                  a->fresh ? "true" : "false", a->disabled ? "true" : "false");
    idem_text_time(t, a->since_ms);
    idem_text_put(t, "}");
}

struct listing {
    struct idem_text *t;
    unsigned count;
    int64_t last;
};

static int list_one(void *arg, const struct idem_store_account *a)
{
    struct listing *l = arg;

    if (l->count++ == IDEM_ACCOUNT_PAGE)
        return 0; /* the one more that says there are more */
    idem_text_put(l->t, l->count > 1 ? "," : "");
    put_account(l->t, a);
    l->last = a->row;
    return 0;
}

void idem_accounts_list(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);
    struct idem_store *store = w->parts.store;
    struct listing l = {.t = &c->answer};

    c->status = 200;
    idem_text_put(&c->answer, "{\"accounts\":[");
    int err = store->access->accounts(store, c->grant.organisation, v->row, IDEM_ACCOUNT_PAGE + 1,
                                      list_one, &l);
    if (l.count > IDEM_ACCOUNT_PAGE)
        idem_text_fmt(&c->answer, "],\"next\":%lld}", (long long)l.last);
    else
        idem_text_put(&c->answer, "],\"next\":null}");
    if (err != 0)
        idem_worker_refuse_store(c, err);
    c->done(c, false);
}

/* ------------------------------------------------------------------ the audit log's details */

static json_t *roles_detail(const char *name, unsigned roles, unsigned before)
{
    char bytes[256], old[256];
    struct idem_text t = {bytes, 0, sizeof bytes, false}, u = {old, 0, sizeof old, false};

    idem_roles_json(&t, roles);
    idem_roles_json(&u, before);
    json_t *detail = json_object();
    json_object_set_new(detail, name, json_loadb(bytes, t.len, 0, NULL));
    if (before != roles)
        json_object_set_new(detail, "before", json_loadb(old, u.len, 0, NULL));
    return detail;
}

json_t *idem_visit_roles(unsigned roles)
{
    return roles_detail("roles", roles, roles);
}

/* ------------------------------------------------------------------ a new one */

static int write_new(struct idem_worker *w, struct idem_visit *v)
{
    struct idem_store *store = w->parts.store;
    struct idem_store_account *a = &v->account;
    int err;

    memcpy(a->password, v->made, sizeof a->password);
    (void)((err = store->ops->begin(store)) != 0 ||
           (err = store->access->account_add(store, a)) != 0 ||
           (err = idem_visit_note(w, v->command, v->command->grant.actor, "account.added", a,
                                  roles_detail("roles", a->roles, a->roles))) != 0);
    return err;
}

static void add_end(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);
    int err = v->failed;

    if (err == 0)
        err = write_new(w, v);
    if (err == IDEM_ERR_INVALID || err == IDEM_ERR_LIMIT) {
        w->parts.store->ops->rollback(w->parts.store);
        idem_command_refuse(c, IDEM_PROBLEM_ALREADY_THERE,
                            err == IDEM_ERR_INVALID ? "there is an account of this name"
                                                    : "the organisation has all its accounts");
    } else if (idem_visit_commit(w, c, err)) {
        c->status = 201;
        idem_text_put(&c->answer, "{\"account\":");
        put_account(&c->answer, &v->account);
        idem_text_put(&c->answer, ",\"password\":");
        idem_text_string(&c->answer, v->wanted);
        idem_text_put(&c->answer, "}");
    }
    c->done(c, false);
}

/* The one who opens sessions under the name of the account, whether that has happened yet or not;
 * or the one whom the request says. */
static bool bind_person(struct idem_worker *w, struct idem_visit *v, const char *organisation)
{
    struct idem_people *people = w->parts.people;
    struct idem_store_account *a = &v->account;
    uint8_t handle[IDEM_ID_BYTES];
    int err = IDEM_OK;

    if (!v->has_person) {
        idem_people_handle(people, organisation, v->name, handle);
        err = idem_people_admit(people, a->organisation, handle, v->person);
        if (err == 0)
            err = idem_people_admitted(people);
    } else {
        err = w->parts.store->ops->person_find(w->parts.store, a->organisation, v->person);
    }
    a->has_person = err == 0;
    memcpy(a->person, v->person, IDEM_ID_BYTES);
    idem_public_id("p_", v->person, a->label);
    if (err == IDEM_ERR_NOT_FOUND)
        idem_command_refuse(v->command, IDEM_PROBLEM_NO_SUCH_PERSON, "nobody here has this id");
    else if (err != 0)
        idem_worker_refuse_store(v->command, err);
    return err == 0;
}

void idem_accounts_add(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);
    struct idem_store_account *a = &v->account;
    const char *organisation =
        idem_organisations_name(w->parts.organisations, c->grant.organisation);

    a->organisation = c->grant.organisation;
    a->roles = v->roles;
    a->fresh = true;
    a->totp_step = -1;
    a->since_ms = c->received_ms;
    idem_access_login_key(v->access, organisation, v->name, a->login_key);
    memcpy(a->label, v->name, sizeof a->label);
    if ((v->roles & IDEM_MAY_EMPLOYEE) != 0 && !bind_person(w, v, organisation)) {
        c->done(c, false);
        return;
    }
    idem_password_generate(v->wanted);
    v->hash = true;
    idem_visit_hash(v, add_end);
}

/* ------------------------------------------------------------------ a change */

static bool find(struct idem_worker *w, struct idem_visit *v)
{
    struct idem_command *c = v->command;
    struct idem_store *store = w->parts.store;
    int err = store->access->account_get(store, c->grant.organisation, v->row, &v->account);

    if (err == IDEM_ERR_NOT_FOUND)
        idem_command_refuse(c, IDEM_PROBLEM_NO_SUCH_ACCOUNT, "no account here has this id");
    else if (err != 0)
        idem_worker_refuse_store(c, err);
    else if (v->row == c->grant.account)
        idem_command_refuse(c, IDEM_PROBLEM_OWN_ACCOUNT, "this is the account that asks");
    else if (v->roles != 0 && ((v->roles ^ v->account.roles) & IDEM_MAY_EMPLOYEE) != 0)
        idem_command_refuse(c, IDEM_PROBLEM_INVALID_FIELD,
                            "\"roles\": an employee's account stays one; make another");
    else if (v->reset && v->account.issuer[0] != '\0')
        idem_command_refuse(c, IDEM_PROBLEM_INVALID_FIELD,
                            "\"reset\": this account's password is its provider's");
    else
        return true;
    return false;
}

static json_t *change(struct idem_visit *v)
{
    struct idem_store_account *a = &v->account;
    json_t *detail = v->roles != 0 ? roles_detail("roles", v->roles, a->roles) : json_object();

    if (v->roles != 0)
        a->roles = v->roles;
    if (v->disabled >= 0) {
        a->disabled = v->disabled == 1;
        json_object_set_new(detail, "disabled", json_boolean(a->disabled));
    }
    if (v->reset) {
        memcpy(a->password, v->made, sizeof a->password);
        a->fresh = true;
        a->totp_len = 0;
        a->totp_step = -1;
        json_object_set_new(detail, "reset", json_true());
    }
    return detail;
}

/* Two operators may be about to remove one another. */
static int keep_an_operator(struct idem_worker *w, int64_t organisation)
{
    struct idem_store *store = w->parts.store;
    int64_t count = 0;
    int err = store->access->account_count(store, organisation, IDEM_MAY_OPERATOR, &count);
    return err != 0 ? err : count > 0 ? IDEM_OK : IDEM_ERR_TOO_LITTLE;
}

static int write_change(struct idem_worker *w, struct idem_visit *v)
{
    struct idem_store *store = w->parts.store;
    struct idem_store_account *a = &v->account;
    bool was = (a->roles & IDEM_MAY_OPERATOR) != 0 && !a->disabled;
    json_t *detail = change(v);
    int err = store->ops->begin(store);

    if (err == 0)
        err = store->access->account_put(store, a);
    if (err == 0 && was)
        err = keep_an_operator(w, a->organisation);
    if (err != 0) {
        json_decref(detail);
        return err;
    }
    return idem_visit_note(w, v->command, v->command->grant.actor, "account.changed", a, detail);
}

static void change_end(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);

    if (v->failed != 0) {
        idem_command_refuse(c, IDEM_PROBLEM_OVERLOADED, "no memory for the password");
    } else if (find(w, v)) {
        int err = write_change(w, v);
        if (err == IDEM_ERR_TOO_LITTLE) {
            w->parts.store->ops->rollback(w->parts.store);
            idem_command_refuse(c, IDEM_PROBLEM_LAST_OPERATOR, "this is the last operator");
        } else if (idem_visit_commit(w, c, err)) {
            idem_auth_revoke_account(w->parts.auth, v->row, NULL);
            if (v->reset)
                idem_lockout_clear(v->access->lockout, v->account.login_key);
            c->status = 200;
            idem_text_put(&c->answer, "{\"account\":");
            put_account(&c->answer, &v->account);
            if (v->reset) {
                idem_text_put(&c->answer, ",\"password\":");
                idem_text_string(&c->answer, v->wanted);
            }
            idem_text_put(&c->answer, "}");
        }
    }
    c->done(c, false);
}

void idem_accounts_change(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);

    if (!find(w, v)) {
        c->done(c, false);
    } else if (v->reset) {
        idem_password_generate(v->wanted);
        v->hash = true;
        idem_visit_hash(v, change_end);
    } else {
        change_end(w, c);
    }
}
