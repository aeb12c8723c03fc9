/* SPDX-License-Identifier: Apache-2.0 */
/*
 * me.c - one's own password and second factor.
 *
 *   password   the old one, then the new one: ends all other log-ins of the account
 *   totp {}                  none yet: a fresh secret, as a link and as a ticket
 *   totp {code}              from a log-in that still owes one: it becomes a whole log-in;
 *                            from a whole one: a fresh secret, to replace the one there is
 *   totp {ticket, code}      the secret of the ticket, shown to have arrived, is the one from now
 *                            on; the ticket is one of since the last change of the factor
 *
 * Whatever is proved changes the log-in's token.
 */
#include "server/clock.h"
#include "server/visit.h"

#include <sodium.h>
#include <string.h>

static bool read_own(struct idem_worker *w, struct idem_command *c, struct idem_store_account *a)
{
    struct idem_store *store = w->parts.store;
    int err = store->access->account_get(store, c->grant.organisation, c->grant.account, a);

    if (err == 0 && a->disabled)
        err = IDEM_ERR_NOT_FOUND;
    if (err == IDEM_ERR_NOT_FOUND)
        idem_command_refuse(c, IDEM_PROBLEM_NO_SUCH_ACCOUNT, "this account is gone");
    else if (err != 0)
        idem_worker_refuse_store(c, err);
    return err == 0;
}

/* Writes the account with a line that says what changed. */
static bool write_own(struct idem_worker *w, struct idem_command *c,
                      const struct idem_store_account *a, const char *action)
{
    struct idem_store *store = w->parts.store;
    int err;

    (void)((err = store->ops->begin(store)) != 0 ||
           (err = store->access->account_put(store, a)) != 0 ||
           (err = idem_visit_note(w, c, c->grant.actor, action, a, NULL)) != 0);
    return idem_visit_commit(w, c, err);
}

/* What the log-in still owes, after it has shown a second factor or not. */
static void enter_again(struct idem_worker *w, struct idem_visit *v,
                        const struct idem_store_account *a, bool strong)
{
    bool whole = (v->command->grant.may & IDEM_MAY_ROLES) != 0;
    idem_visit_enter(w, v, a, idem_visit_needs(a, strong || whole));
}

/* ------------------------------------------------------------------ password */

static void password_end(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);
    struct idem_store_account a;

    if (!v->matched) {
        idem_visit_fail(v, v->account.login_key);
    } else if (v->failed != 0) {
        idem_command_refuse(c, IDEM_PROBLEM_OVERLOADED, "no memory for the password");
    } else if (read_own(w, c, &a)) {
        memcpy(a.password, v->made, sizeof a.password);
        a.fresh = false;
        if (write_own(w, c, &a, "account.password")) {
            idem_auth_revoke_account(w->parts.auth, a.row, NULL);
            enter_again(w, v, &a, idem_visit_shown(&a));
        }
    }
    idem_visit_done(w, v);
}

void idem_me_password(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);
    const char *fault;

    if (!read_own(w, c, &v->account))
        goto refused;
    v->found = true;
    if (v->account.issuer[0] != '\0') {
        idem_command_refuse(c, IDEM_PROBLEM_INVALID_FIELD,
                            "this account's password is its provider's");
        goto refused;
    }
    fault = strcmp(v->password, v->wanted) == 0 ? "this is the password that there is"
                                                : idem_password_fault(v->wanted, v->account.label);
    if (fault != NULL) {
        idem_command_refuse(c, IDEM_PROBLEM_INVALID_FIELD, "\"password\": %s", fault);
        goto refused;
    }
    if (idem_visit_waits(v, v->account.login_key))
        goto refused;
    memcpy(v->held, v->account.password, sizeof v->held);
    v->verify = v->hash = true;
    idem_visit_hash(v, password_end);
    return;
refused:
    c->done(c, false);
}

/* ------------------------------------------------------------------ second factor */

enum { IDEM_URI_MAX = 320 }; /* the label with every byte escaped, and the rest */

void idem_visit_offer(struct idem_visit *v, const struct idem_store_account *account,
                      const char *label)
{
    struct idem_text *t = &v->command->answer;
    char ticket[IDEM_TICKET_TEXT + 1], secret_text[IDEM_TOTP_TEXT + 1];
    char uri[IDEM_URI_MAX + 1];
    struct idem_text u = {uri, 0, sizeof uri - 1, false};
    uint8_t secret[IDEM_TOTP_SECRET];

    idem_access_ticket(v->access, account, idem_clock_ms(), secret, ticket);
    idem_totp_text(secret, secret_text);
    idem_totp_uri(&u, label, secret);
    uri[u.len] = '\0';
    idem_text_fmt(t, "{\"secret\":\"%s\",\"uri\":", secret_text);
    idem_text_string(t, uri);
    idem_text_fmt(t, ",\"ticket\":\"%s\"}", ticket);
    v->command->status = 200;
    sodium_memzero(secret, sizeof secret);
}

static bool check(struct idem_visit *v, const uint8_t *secret, int64_t last, int64_t *step)
{
    const uint8_t *key = v->account.login_key;

    if (idem_visit_waits(v, key))
        return false;
    if (idem_totp_check(secret, v->code, idem_clock_calendar_ms(), last, step) == 0) {
        idem_visit_pass(v, key);
        return true;
    }
    idem_visit_fail(v, key);
    return false;
}

/* The code of the secret that there is. */
static void show_code(struct idem_worker *w, struct idem_visit *v, struct idem_store_account *a)
{
    bool whole = (v->command->grant.may & IDEM_MAY_ROLES) != 0;
    uint8_t secret[IDEM_TOTP_SECRET];

    if (a->totp_len == 0) {
        idem_command_refuse(v->command, IDEM_PROBLEM_INVALID_FIELD,
                            "\"code\" needs the \"ticket\" that it is of");
        return;
    }
    if (idem_access_open_totp(v->access, a, secret) != 0) {
        idem_command_refuse(v->command, IDEM_PROBLEM_STORAGE_FAILED,
                            "the second factor cannot be read; an operator can reset it");
        return;
    }
    if (check(v, secret, a->totp_step, &a->totp_step) &&
        write_own(w, v->command, a, whole ? "account.code" : "login.code")) {
        if (whole)
            idem_visit_offer(v, a, a->label);
        else
            enter_again(w, v, a, true);
    }
    sodium_memzero(secret, sizeof secret);
}

/* The first code of the secret in the ticket. */
static void take_secret(struct idem_worker *w, struct idem_visit *v, struct idem_store_account *a)
{
    uint8_t secret[IDEM_TOTP_SECRET];
    int64_t step = -1;

    if (idem_access_open_ticket(v->access, a, idem_clock_ms(), v->ticket, secret) != 0) {
        idem_command_refuse(v->command, IDEM_PROBLEM_INVALID_FIELD,
                            "\"ticket\" is not this account's, older than 15 minutes, or of before "
                            "its second factor changed");
        return;
    }
    if (check(v, secret, -1, &step)) {
        idem_access_seal_totp(v->access, secret, a);
        a->totp_step = step;
        if (write_own(w, v->command, a, "account.totp")) {
            idem_auth_revoke_account(w->parts.auth, a->row, NULL);
            enter_again(w, v, a, true);
        }
    }
    sodium_memzero(secret, sizeof secret);
}

void idem_me_totp(struct idem_worker *w, struct idem_command *c)
{
    struct idem_visit *v = idem_visit_of(c);
    struct idem_store_account *a = &v->account;

    if (read_own(w, c, a)) {
        v->found = true;
        if (v->ticket[0] != '\0')
            take_secret(w, v, a);
        else if (v->code[0] != '\0')
            show_code(w, v, a);
        else if (a->totp_len == 0)
            idem_visit_offer(v, a, a->label);
        else
            idem_command_refuse(c, IDEM_PROBLEM_INVALID_FIELD,
                                "\"code\" of the second factor that there is, is missing");
    }
    idem_visit_done(w, v);
}
