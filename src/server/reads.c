/* SPDX-License-Identifier: Apache-2.0 */
/* reads.c - sessions and people as they are now, with an explanation made on the way if need be. */
#include "server/worker_parts.h"

#include <string.h>

static void show(struct idem_worker *w, struct idem_session *s, int64_t now_ms, struct idem_text *t)
{
    int64_t now = s->test_clock ? s->clock_ms : now_ms;

    if (!s->closed) {
        if (idem_judge_refresh(s, now))
            idem_worker_changed(w, s);
        idem_worker_unsaved(w, s);
        idem_judge_explain(&w->benches[0].judge, s);
    }
    idem_worker_put_session(w, s, t);
}

void idem_read_session(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find_own(w, c);

    if (s != NULL) {
        if ((c->grant.may & IDEM_MAY_SESSION) != 0) /* clock_ms: ?next= */
            idem_session_expect(s, c->received_ms, c->clock_ms);
        c->status = 200;
        show(w, s, c->received_ms, &c->answer);
    }
    c->done(c, false);
}

void idem_read_sessions(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_sessions_newest(w->sessions);

    c->status = 200;
    idem_text_put(&c->answer, "{\"sessions\":[");
    for (int i = 0; i < IDEM_LIST_MAX && s != NULL; s = s->older) {
        if (!idem_worker_may_see(c, s->person->organisation))
            continue;
        idem_text_put(&c->answer, i++ > 0 ? "," : "");
        show(w, s, c->received_ms, &c->answer);
    }
    idem_text_put(&c->answer, "]}");
    c->done(c, false);
}

static int show_person(struct idem_worker *w, struct idem_command *c)
{
    struct idem_store *store = w->parts.store;
    struct idem_person_view view;
    struct idem_person *person;

    int err = store->ops->person_find(store, c->grant.organisation, c->id);
    if (err == 0)
        err = idem_people_get(w->parts.people, c->grant.organisation, c->id, &person);
    if (err != 0)
        return err;
    idem_person_view(person, idem_organisations_name(w->parts.organisations, person->organisation),
                     &view);
    idem_person_json(&c->answer, &view);
    idem_people_put(w->parts.people, person);
    return IDEM_OK;
}

void idem_read_person(struct idem_worker *w, struct idem_command *c)
{
    int err = show_person(w, c);

    c->status = 200;
    if (err == IDEM_ERR_NOT_FOUND)
        idem_command_refuse(c, IDEM_PROBLEM_NO_SUCH_PERSON, "nobody here has this id");
    else if (err != 0)
        idem_worker_refuse_store(c, err);
    c->done(c, false);
}
