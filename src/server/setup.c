/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup.c - the first operator of an organisation, by the one-time link that the server prints.
 *
 *   without a code   the fields are checked and a secret is offered; the link is not used up
 *   with ticket and code   organisation and account are made in one transaction, the link is over,
 *                          and the operator is logged in
 *   a second time, or with a wrong token   403; nothing says which of both
 */
#include "server/clock.h"
#include "server/visit.h"

#include "server/audit.h"

#include <sodium.h>
#include <string.h>

static bool is_open(struct idem_visit *v)
{
    uint8_t hash[IDEM_HASH_BYTES];

    idem_auth_hash(v->token, hash);
    if (v->access->setup_open && sodium_memcmp(hash, v->access->setup_hash, sizeof hash) == 0)
        return true;
    idem_audit_count(IDEM_AUDIT_TOKEN_REFUSED);
    idem_command_refuse(v->command, IDEM_PROBLEM_SETUP_OVER,
                        "the link has been used, or is another");
    return false;
}

/* A set-up link makes a new organisation, or serves the one that it was asked for. */
static bool check_organisation(struct idem_worker *w, struct idem_visit *v)
{
    const char *asked = v->access->setup_organisation;

    v->organisation = idem_organisations_row(w->parts.organisations, v->organisation_name);
    if (asked[0] != '\0' && strcmp(asked, v->organisation_name) != 0)
        idem_command_refuse(v->command, IDEM_PROBLEM_INVALID_FIELD,
                            "\"organisation\": this link is for \"%s\"", asked);
    else if (asked[0] == '\0' && v->organisation != 0)
        idem_command_refuse(v->command, IDEM_PROBLEM_ALREADY_THERE,
                            "there is an organisation of this name");
    else
        return true;
    return false;
}

static bool check_fields(struct idem_worker *w, struct idem_visit *v)
{
    const char *fault = idem_password_fault(v->wanted, v->name);

    if (fault == NULL)
        return check_organisation(w, v);
    idem_command_refuse(v->command, IDEM_PROBLEM_INVALID_FIELD, "\"password\": %s", fault);
    return false;
}

static void fill_account(struct idem_visit *v)
{
    struct idem_store_account *a = &v->account;

    a->organisation = v->organisation;
    a->roles = IDEM_MAY_OPERATOR;
    a->since_ms = v->command->received_ms;
    memcpy(a->password, v->made, sizeof a->password);
    memcpy(a->label, v->name, sizeof a->label);
    idem_access_login_key(v->access, v->organisation_name, v->name, a->login_key);
    idem_access_seal_totp(v->access, v->secret, a);
}

static int write_all(struct idem_worker *w, struct idem_visit *v)
{
    struct idem_store *store = w->parts.store;
    int err = store->ops->begin(store);

    if (err == 0 && v->organisation == 0)
        err = store->ops->organisation_add(store, v->organisation_name, &v->organisation);
    if (err != 0)
        return err;
    fill_account(v);
    err = store->access->account_add(store, &v->account);
    return err != 0 ? err
                    : idem_visit_note(w, v->command, "setup", "setup.done", &v->account, NULL);
}

static void setup_end(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);

    if (v->failed != 0) {
        idem_command_refuse(c, IDEM_PROBLEM_OVERLOADED, "no memory for the password");
    } else if (is_open(v) && check_organisation(w, v)) {
        bool made = v->organisation == 0;
        int err = write_all(w, v);
        if (err == IDEM_ERR_INVALID) {
            w->parts.store->ops->rollback(w->parts.store);
            idem_command_refuse(c, IDEM_PROBLEM_ALREADY_THERE, "there is an account of this name");
        } else if (idem_visit_commit(w, c, err)) {
            v->access->setup_open = false;
            if (made)
                idem_organisations_add(w->parts.organisations, v->organisation,
                                       v->organisation_name);
            idem_visit_enter(w, v, &v->account, 0);
            c->status = 201;
        }
    }
    c->done(c, false);
}

/* With a code: was it one of the secret in the ticket? */
static bool check_code(struct idem_visit *v)
{
    int64_t now = idem_clock_ms();

    if (idem_access_open_ticket(v->access, &v->account, now, v->ticket, v->secret) != 0)
        idem_command_refuse(v->command, IDEM_PROBLEM_INVALID_FIELD,
                            "\"ticket\" is not of this server, or older than 15 minutes");
    else if (idem_totp_check(v->secret, v->code, idem_clock_calendar_ms(), -1,
                             &v->account.totp_step) != 0)
        idem_command_refuse(v->command, IDEM_PROBLEM_LOGIN_FAILED, "the code is wrong");
    else
        return true;
    return false;
}

void idem_setup(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);
    static const uint8_t nobody[IDEM_HASH_BYTES];

    if (!idem_visit_waits(v, nobody) && is_open(v) && check_fields(w, v)) {
        if (v->ticket[0] == '\0') {
            idem_visit_offer(v, &v->account, v->name);
        } else if (check_code(v)) {
            v->hash = true;
            idem_visit_hash(v, setup_end);
            return;
        }
    }
    c->done(c, false);
}
