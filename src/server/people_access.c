/* SPDX-License-Identifier: Apache-2.0 */
/* people_access.c - see people_access.h. */
#include "server/people_access.h"

#include "server/audit.h"
#include "server/dossier.h"
#include "server/visit.h"

#include <sodium.h>
#include <string.h>

/* ------------------------------------------------------------------ who there is */

struct listing {
    struct idem_worker *w;
    struct idem_command *c;
    unsigned count;
    uint8_t last[IDEM_ID_BYTES];
};

static void put_enrolled(struct idem_text *t, const struct idem_person_view *view)
{
    const char *comma = "";

    idem_text_put(t, ",\"enrolled\":[");
    for (uint32_t i = 0; i < view->profile_count; i++) {
        const struct idem_profile_view *p = &view->profiles[i];
        if (!p->enrolled)
            continue;
        idem_text_fmt(t, "%s{\"modality\":\"%s\",\"device_class\":\"%s\"}", comma, p->modality,
                      p->device_class);
        comma = ",";
    }
    idem_text_put(t, "]");
}

static int put_one(struct listing *l, const struct idem_store_person *stored)
{
    struct idem_people *people = l->w->parts.people;
    struct idem_text *t = &l->c->answer;
    struct idem_person_view view;
    struct idem_person *person;

    int err = idem_people_get(people, l->c->grant.organisation, stored->person, &person);
    if (err == IDEM_ERR_NOT_FOUND)
        return IDEM_OK; /* erased a moment ago */
    if (err != 0)
        return err;
    idem_person_view(person, "", &view);
    idem_text_fmt(t, "%s{\"id\":\"%s\",\"site\":", l->count > 1 ? "," : "", view.id);
    idem_text_string(t, stored->site);
    idem_text_put(t, ",\"country\":");
    idem_text_string(t, stored->country);
    idem_text_put(t, ",\"job\":");
    idem_text_string(t, stored->job);
    idem_text_fmt(t, ",\"state\":\"%s\"", view.enrolment.state);
    put_enrolled(t, &view);
    idem_text_put(t, "}");
    idem_people_put(people, person);
    return IDEM_OK;
}

static int list_one(void *arg, const struct idem_store_person *stored)
{
    struct listing *l = arg;

    if (l->count++ == IDEM_PEOPLE_PAGE)
        return IDEM_OK; /* the one more that says there are more */
    memcpy(l->last, stored->person, IDEM_ID_BYTES);
    return put_one(l, stored);
}

void idem_people_list(struct idem_worker *w, struct idem_command *c)
{
    const struct idem_visit *v = idem_visit_of(c);
    struct idem_store *store = w->parts.store;
    struct listing l = {.w = w, .c = c};
    char last[IDEM_PUBLIC_ID_TEXT + 1];

    c->status = 200;
    idem_text_put(&c->answer, "{\"people\":[");
    int err = store->access->people(store, c->grant.organisation, v->has_person ? v->person : NULL,
                                    IDEM_PEOPLE_PAGE + 1, list_one, &l);
    idem_public_id("p_", l.last, last);
    if (l.count > IDEM_PEOPLE_PAGE)
        idem_text_fmt(&c->answer, "],\"next\":\"%s\"}", last);
    else
        idem_text_put(&c->answer, "],\"next\":null}");
    if (err != 0)
        idem_worker_refuse_store(c, err);
    c->done(c, false);
}

/* ------------------------------------------------------------------ a name */

/* On the disk before the name is read: nobody has looked whom the log does not know of. */
static int write_line(struct idem_worker *w, struct idem_command *c, const char *action,
                      const char *reason)
{
    struct idem_store *store = w->parts.store;
    char subject[IDEM_PUBLIC_ID_TEXT + 1];
    json_t *detail = json_pack("{s:s*}", "reason", reason);
    const struct idem_audit_line line = {
        .organisation = c->grant.organisation,
        .at_ms = c->received_ms,
        .actor = c->grant.actor,
        .action = action,
        .subject = subject,
        .detail = detail,
        .important = true,
    };
    int err = detail == NULL ? IDEM_ERR_NOMEM : store->ops->begin(store);

    idem_public_id("p_", c->id, subject);
    if (err == 0)
        err = idem_audit_add(w, &line);
    json_decref(detail);
    return err;
}

void idem_people_look_up(struct idem_worker *w, struct idem_command *c)
{
    const struct idem_visit *v = idem_visit_of(c);
    struct idem_store *store = w->parts.store;
    char name[IDEM_STORE_NAME_MAX + 1], id[IDEM_PUBLIC_ID_TEXT + 1];

    int err = store->ops->person_find(store, c->grant.organisation, c->id);
    if (err == 0 && !idem_visit_commit(w, c, write_line(w, c, "name.looked-up", v->reason))) {
        c->done(c, false);
        return;
    }
    if (err == 0)
        err = idem_people_name(w->parts.people, c->grant.organisation, c->id, name);
    if (err == IDEM_ERR_NOT_FOUND) {
        idem_command_refuse(c, IDEM_PROBLEM_NO_SUCH_PERSON, "nobody here has this id, or a name");
    } else if (err != 0) {
        idem_worker_refuse_store(c, err);
    } else {
        idem_public_id("p_", c->id, id);
        c->status = 200;
        idem_text_fmt(&c->answer, "{\"id\":\"%s\",\"name\":", id);
        idem_text_string(&c->answer, name);
        idem_text_put(&c->answer, "}");
    }
    sodium_memzero(name, sizeof name);
    c->done(c, false);
}

/* ------------------------------------------------------------------ all that is held */

/* It takes the worker some milliseconds: so many in a row that nobody else notices. */
static bool may_have_dossier(struct idem_command *c)
{
    struct idem_access *access = idem_visit_of(c)->access;
    int64_t until = access->dossier_ms > c->received_ms ? access->dossier_ms : c->received_ms;

    if (until - c->received_ms > IDEM_DOSSIER_EACH_MS * IDEM_DOSSIER_BURST) {
        idem_command_refuse(c, IDEM_PROBLEM_OVERLOADED, "too many ask for all that is held");
        c->retry_s = 1;
        return false;
    }
    access->dossier_ms = until + IDEM_DOSSIER_EACH_MS;
    return true;
}

static void put_dossier(struct idem_worker *w, struct idem_command *c,
                        const uint8_t person[IDEM_ID_BYTES], bool named)
{
    int err = idem_dossier(w, c->grant.organisation, person, named, &c->answer);

    c->status = 200;
    if (err != 0)
        idem_worker_refuse_store(c, err);
}

void idem_people_own(struct idem_worker *w, struct idem_command *c)
{
    if (may_have_dossier(c))
        put_dossier(w, c, c->grant.person, true);
    c->done(c, false);
}

/* A name takes a reason here, too. */
void idem_people_export(struct idem_worker *w, struct idem_command *c)
{
    const struct idem_visit *v = idem_visit_of(c);
    const char *reason = v->reason[0] != '\0' ? v->reason : NULL;
    struct idem_store *store = w->parts.store;
    int err = store->ops->person_find(store, c->grant.organisation, c->id);

    if (err == IDEM_ERR_NOT_FOUND) {
        idem_command_refuse(c, IDEM_PROBLEM_NO_SUCH_PERSON, "nobody here has this id");
    } else if (err != 0) {
        idem_worker_refuse_store(c, err);
    } else if (may_have_dossier(c) &&
               idem_visit_commit(w, c, write_line(w, c, "person.exported", reason))) {
        put_dossier(w, c, c->id, reason != NULL);
    }
    c->done(c, false);
}
