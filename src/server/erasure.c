/* SPDX-License-Identifier: Apache-2.0 */
/* erasure.c - see erasure.h. */
#include "server/erasure.h"

#include "base/log.h"
#include "server/metrics.h"
#include "server/porter.h"
#include "server/worker_parts.h"
#include "store/erase.h"

#include <sodium.h>
#include <string.h>

enum { ACCOUNTS_MAX = 16 };

struct erasing {
    struct idem_worker *w;
    struct idem_command *c;
    struct idem_people_parts at; /* where people are kept */
    uint8_t key_id[IDEM_ID_BYTES];
    char name[IDEM_PUBLIC_ID_TEXT + 1]; /* the pseudonym */
    struct idem_person *person;         /* NULL: cannot be read any more */
    unsigned ended;                     /* sessions */
};

/* ------------------------------------------------------------------ sessions */

typedef int each_fn(struct erasing *e, struct idem_session *s);

static int each_session(struct erasing *e, each_fn *fn)
{
    int err = IDEM_OK;

    for (int32_t i = 0; i < IDEM_SESSION_SLOTS_MAX && err == 0; i++) {
        struct idem_session *s = idem_sessions_at(e->w->sessions, i);
        if (s != NULL && s->person->organisation == e->c->grant.organisation &&
            memcmp(s->person->id, e->c->id, IDEM_ID_BYTES) == 0)
            err = fn(e, s);
    }
    return err;
}

/* Begun before: only the sessions have the person yet. */
static int take_person(struct erasing *e, struct idem_session *s)
{
    e->person = s->person;
    return IDEM_OK;
}

static int end(struct erasing *e, struct idem_session *s)
{
    if (!s->closed) {
        idem_lifecycle_abandon(e->w, s);
        e->ended++;
    }
    return IDEM_OK;
}

static int drop_windows(struct erasing *e, struct idem_session *s)
{
    struct idem_store *store = e->at.store;
    return store->ops->session_windows_drop(store, s->last_row);
}

static int forget(struct erasing *e, struct idem_session *s)
{
    idem_lifecycle_forget(e->w, s);
    return IDEM_OK;
}

/* ------------------------------------------------------------------ rows */

static int write_line(struct erasing *e)
{
    json_t *detail = json_pack("{s:O?}", "reason", json_object_get(e->c->json, "reason"));
    const struct idem_audit_line line = {
        .organisation = e->c->grant.organisation,
        .at_ms = e->c->received_ms,
        .actor = e->c->grant.actor,
        .action = "person.erased",
        .subject = e->name,
        .detail = detail,
        .important = true,
    };
    int err = detail == NULL ? IDEM_ERR_NOMEM : idem_audit_add(e->w, &line);
    json_decref(detail);
    return err;
}

/* The line comes last: those about the person are emptied before it. */
static int erase_rows(struct erasing *e, int64_t *accounts, int *count)
{
    struct idem_store *store = e->at.store;
    const int64_t organisation = e->c->grant.organisation;
    int err = idem_erase_accounts(store, organisation, e->c->id, accounts, ACCOUNTS_MAX, count);

    if (err == 0)
        err = store->ops->begin(store);
    if (err != 0)
        return err;
    if ((err = each_session(e, drop_windows)) != 0 ||
        (err = idem_erase_rows(store, organisation, e->c->id, false, e->c->received_ms)) != 0 ||
        (err = write_line(e)) != 0 || (err = store->ops->commit(store)) != 0)
        store->ops->rollback(store);
    return err != 0 ? err : idem_erase_fold(store);
}

static int erase_in_gate(struct idem_gate_log *log, void *arg)
{
    const struct erasing *e = arg;
    return idem_erase_gate(log, e->c->grant.organisation, e->c->id, e->c->received_ms);
}

static int erase_gate(struct erasing *e)
{
    if (e->w->parts.porter == NULL)
        return IDEM_OK;
    return idem_recorder_run(idem_porter_recorder(e->w->parts.porter), erase_in_gate, e);
}

/* ------------------------------------------------------------------ memory */

static void forget_all(struct erasing *e, const int64_t *accounts, int count)
{
    struct idem_worker *w = e->w;

    for (int i = 0; i < count; i++)
        idem_auth_revoke_account(w->parts.auth, accounts[i], NULL);
    if (e->person != NULL)
        idem_again_forget(&w->again, e->person);
    idem_worker_tell(w); /* that the sessions have ended */
    each_session(e, forget);
}

/* ------------------------------------------------------------------ all of it */

static int erase(struct erasing *e)
{
    int64_t accounts[ACCOUNTS_MAX];
    int count = 0, err;
    struct idem_erasure line = {.hour_ms = e->c->received_ms};

    memcpy(line.key_id, e->key_id, sizeof line.key_id);
    memcpy(line.person, e->c->id, sizeof line.person);
    strncat(line.organisation,
            idem_organisations_name(e->w->parts.organisations, e->c->grant.organisation),
            sizeof line.organisation - 1);
    if ((err = idem_worker_save(e->w)) != 0 || /* nothing of the sessions waits to be written */
        (err = idem_ledger_append(e->at.ledger, &line)) != 0)
        return err;
    if (e->person != NULL)
        e->person->erased = true;
    each_session(e, end);
    if ((err = idem_vault_destroy(e->at.vault, e->key_id)) != 0 || (err = erase_gate(e)) != 0 ||
        (err = erase_rows(e, accounts, &count)) != 0)
        return err;
    forget_all(e, accounts, count);
    idem_erasure_look_at_population(e->w);
    return IDEM_OK;
}

static const char *truth(bool value)
{
    return value ? "true" : "false";
}

static void answer(struct erasing *e, bool before)
{
    e->c->status = 200;
    idem_text_fmt(&e->c->answer,
                  "{\"id\":\"%s\",\"erased\":true,\"before\":%s,\"sessions_ended\":%s,"
                  "\"population_outdated\":%s}",
                  e->name, truth(before), truth(e->ended > 0),
                  truth(idem_metric_read(IDEM_METRIC_POPULATION_ERASED) > 0));
}

/* Not there: erased before, or never known. */
static void answer_absent(struct erasing *e)
{
    const char *organisation =
        idem_organisations_name(e->w->parts.organisations, e->c->grant.organisation);

    if (idem_ledger_find_person(e->at.ledger, organisation, e->c->id) == NULL) {
        idem_command_refuse(e->c, IDEM_PROBLEM_NO_SUCH_PERSON, "nobody here has this id");
        return;
    }
    answer(e, true);
}

/* One reference to the person is held meanwhile: the imprints are needed to the end. */
static void run(struct erasing *e)
{
    struct idem_worker *w = e->w;
    struct idem_people *people = w->parts.people;
    struct idem_person *held = NULL;

    if (idem_people_get(people, e->c->grant.organisation, e->c->id, &held) == 0)
        e->person = held;
    else
        each_session(e, take_person);
    int err = erase(e);
    idem_worker_storage(w, err);
    if (err != 0)
        idem_worker_refuse_store(e->c, err);
    else
        answer(e, false);
    idem_people_put(people, held);
}

void idem_erasure_call(struct idem_worker *w, struct idem_command *c)
{
    struct erasing e = {.w = w, .c = c, .at = idem_people_parts_of(w->parts.people)};
    int err = idem_erase_key_id(e.at.store, c->grant.organisation, c->id, e.key_id);

    idem_public_id("p_", c->id, e.name);
    if (err == IDEM_ERR_NOT_FOUND)
        answer_absent(&e);
    else if (err != 0)
        idem_worker_refuse_store(c, err);
    else
        run(&e);
    c->done(c, false);
}

/* ------------------------------------------------------------------ the population */

void idem_erasure_look_at_population(struct idem_worker *w)
{
    const struct idem_people_parts at = idem_people_parts_of(w->parts.people);
    const int64_t before = idem_metric_read(IDEM_METRIC_POPULATION_ERASED);
    int64_t erased = 0;

    if (w->parts.population_hash == NULL ||
        idem_erase_count_members(at.store, at.ledger, w->parts.population_hash, &erased) != 0)
        return;
    idem_metric_add(IDEM_METRIC_POPULATION_ERASED, erased - before);
    if (erased > before)
        idem_log(IDEM_LOG_INFO,
                 "the population was learned with %lld people who are erased: learn it anew with "
                 "idem train --from-store, and start the server with it",
                 (long long)erased);
}
