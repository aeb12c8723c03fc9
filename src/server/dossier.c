/* SPDX-License-Identifier: Apache-2.0 */
/* dossier.c - see dossier.h. */
#include "server/dossier.h"

#include "server/holdings.h"
#include "server/porter.h"
#include "store/acknowledgements.h"
#include "store/audit.h"
#include "window/words.h"

#include <string.h>

/* A list stops in time for what follows it: a window, a decision and the end. */
enum { ROOM = 32 * 1024 };

struct dossier {
    struct idem_worker *w;
    struct idem_text *t;
    int64_t organisation;
    const uint8_t *person;
    bool named;
    char name[IDEM_PUBLIC_ID_TEXT + 1];
    struct idem_person *held; /* NULL: nothing is stored, or nothing can be read any more */
    const struct idem_session *session;
    unsigned sessions, windows, decisions, gate;
    bool more_rows;
    bool more_sessions, more_windows, more_decisions, more_gate;
};

static bool is_full(const struct dossier *d)
{
    return d->t->cap - d->t->len < ROOM;
}

static void comma(struct dossier *d, unsigned count)
{
    idem_text_put(d->t, count > 0 ? "," : "");
}

static void member(struct idem_text *t, const char *name, const char *value)
{
    idem_text_fmt(t, ",\"%s\":", name);
    if (value != NULL)
        idem_text_string(t, value);
    else
        idem_text_put(t, "null");
}

/* ------------------------------------------------------------------ the person */

static int put_person(struct dossier *d)
{
    struct idem_store *store = d->w->parts.store;
    struct idem_person_view view;

    int err = store->ops->person_find(store, d->organisation, d->person);
    if (err == 0)
        err = idem_people_get(d->w->parts.people, d->organisation, d->person, &d->held);
    idem_text_put(d->t, "{\"person\":");
    if (err == IDEM_ERR_NOT_FOUND) {
        idem_text_put(d->t, "null");
        return IDEM_OK; /* never had a session, or was erased */
    }
    if (err != 0)
        return err;
    idem_person_view(d->held, idem_organisations_name(d->w->parts.organisations, d->organisation),
                     &view);
    idem_person_json(d->t, &view);
    return idem_holdings_put(d->w, d->held, d->named, d->t, &d->more_rows);
}

static int put_acknowledgement(struct dossier *d)
{
    struct idem_store *store = d->w->parts.store;
    struct idem_store_acknowledgement a;

    int err = store->acknowledgements->get(store, d->organisation, d->person, &a);
    idem_text_put(d->t, ",\"acknowledgement\":");
    if (err == IDEM_ERR_NOT_FOUND) {
        idem_text_put(d->t, "null");
        return IDEM_OK;
    }
    if (err != 0)
        return err;
    idem_text_put(d->t, "{\"version\":");
    idem_text_string(d->t, a.version);
    member(d->t, "country", a.country);
    idem_text_put(d->t, ",\"hour\":");
    idem_text_time(d->t, a.hour_ms);
    idem_text_put(d->t, "}");
    return IDEM_OK;
}

/* ------------------------------------------------------------------ sessions and their windows */

static bool is_own(const struct dossier *d, const struct idem_session *s)
{
    return s->person->organisation == d->organisation &&
           memcmp(s->person->id, d->person, IDEM_ID_BYTES) == 0;
}

static void put_sessions(struct dossier *d)
{
    idem_text_put(d->t, ",\"sessions\":[");
    for (struct idem_session *s = idem_sessions_newest(d->w->sessions); s != NULL; s = s->older) {
        if (!is_own(d, s))
            continue;
        d->more_sessions = d->sessions == IDEM_DOSSIER_SESSIONS || is_full(d);
        if (d->more_sessions)
            break;
        comma(d, d->sessions++);
        idem_worker_put_session(d->w, s, d->t);
    }
    idem_text_put(d->t, "]");
}

/* What a cell counts, in words. */
static void put_words(struct dossier *d, enum idem_modality modality, uint32_t cell)
{
    const struct idem_front *front = idem_population_front(d->w->parts.population);
    char what[IDEM_CELL_WORDS_MAX];
    const enum idem_cell_measure measure = idem_cell_words(front, modality, cell, what);

    if (modality == IDEM_POINTER)
        idem_text_fmt(d->t, "\"%s\"", what);
    else
        idem_text_fmt(d->t, "\"%s, %s\"", what,
                      measure == IDEM_CELL_HOLD ? "how long keys are held" : "gaps between keys");
}

static void put_cells(struct dossier *d, const struct idem_window *window)
{
    const struct idem_front *front = idem_population_front(d->w->parts.population);
    const enum idem_modality modality = idem_window_modality(window);
    const uint32_t cells = idem_front_cells(front, modality),
                   sums = 2 * idem_front_channels(front, modality);
    const int32_t *n = idem_window_counts(window), *sum = idem_window_sums(window);
    unsigned count = 0;

    for (uint32_t cell = 0; cell < cells; cell++) {
        if (n[cell] == 0)
            continue;
        comma(d, count++);
        idem_text_put(d->t, "{\"what\":");
        put_words(d, modality, cell);
        idem_text_fmt(d->t, ",\"count\":%.2f,\"sums\":[", (double)n[cell] / IDEM_GRID);
        for (uint32_t i = 0; i < sums; i++)
            idem_text_fmt(d->t, "%s%.2f", i > 0 ? "," : "",
                          (double)sum[(size_t)cell * sums + i] / IDEM_GRID);
        idem_text_put(d->t, "]}");
    }
}

static void put_window(struct dossier *d, const struct idem_window *window, uint32_t seq)
{
    comma(d, d->windows++);
    idem_text_fmt(d->t, "{\"session\":\"%s\",\"seq\":%u,\"modality\":\"%s\",\"strokes\":%u",
                  d->session->name, seq, idem_modality_name(idem_window_modality(window)),
                  idem_window_strokes(window));
    idem_text_fmt(d->t, ",\"duration_ms\":%u,\"cells\":[", idem_window_duration_ms(window));
    put_cells(d, window);
    idem_text_put(d->t, "]}");
}

enum { ENOUGH = 1 }; /* ends an iteration of the store's */

static int take_window(void *arg, const struct idem_store_window *stored)
{
    struct dossier *d = arg;
    const struct idem_window *window;
    struct idem_store_window opened;
    uint32_t seq;

    d->more_windows = d->windows == IDEM_DOSSIER_WINDOWS || is_full(d);
    if (d->more_windows)
        return ENOUGH;
    if (idem_people_open_window(d->w->parts.people, d->held, d->session->id, stored, &opened) ==
            0 &&
        idem_wire_read_window(d->w->benches[0].reader, opened.payload, opened.len, &seq, &window) ==
            0)
        put_window(d, window, seq);
    return IDEM_OK;
}

static int put_windows(struct dossier *d)
{
    struct idem_store *store = d->w->parts.store;
    int err = IDEM_OK;

    idem_text_put(d->t, ",\"windows\":[");
    for (struct idem_session *s = idem_sessions_newest(d->w->sessions);
         s != NULL && err == 0 && d->held != NULL; s = s->older) {
        d->session = s;
        if (is_own(d, s) && !s->closed && s->last_row != 0)
            err = store->ops->session_windows(store, s->last_row, take_window, d);
    }
    idem_text_put(d->t, "]");
    return err == ENOUGH ? IDEM_OK : err;
}

/* ------------------------------------------------------------------ what was decided */

/* Written by this server, as JSON; the pseudonym stands in it where the line is about the person.
 */
static int take_line(void *arg, const struct idem_chain_line *line)
{
    struct dossier *d = arg;

    if (line->body == NULL || line->organisation != d->organisation ||
        memmem(line->body, line->len, d->name, strlen(d->name)) == NULL)
        return IDEM_OK;
    d->more_decisions = d->more_decisions || d->decisions == IDEM_DOSSIER_DECISIONS || is_full(d);
    if (d->more_decisions)
        return IDEM_OK;
    comma(d, d->decisions++);
    idem_text_put(d->t, "{\"hour\":");
    idem_text_time(d->t, line->at_ms);
    idem_text_put(d->t, ",\"line\":");
    idem_text_bytes(d->t, line->body, line->len);
    idem_text_put(d->t, "}");
    return IDEM_OK;
}

static int put_decisions(struct dossier *d)
{
    struct idem_store *store = d->w->parts.store;
    struct idem_chain_head head = store->audit->head(store, IDEM_AUDIT_SEATS_LOG);
    int64_t after = head.seq > IDEM_DOSSIER_LINES ? head.seq - IDEM_DOSSIER_LINES : 0;

    d->more_decisions = false;
    idem_text_put(d->t, ",\"decisions\":[");
    int err = store->audit->read(store, IDEM_AUDIT_SEATS_LOG, d->organisation, after,
                                 IDEM_DOSSIER_LINES, take_line, d);
    idem_text_put(d->t, "]");
    return err;
}

/* ------------------------------------------------------------------ the gate */

static int take_record(void *arg, const struct idem_gate_record *r)
{
    struct dossier *d = arg;

    d->more_gate = d->gate == IDEM_DOSSIER_GATE || is_full(d);
    if (d->more_gate)
        return ENOUGH;
    comma(d, d->gate++);
    idem_text_put(d->t, "{\"hour\":");
    idem_text_time(d->t, r->at_ms);
    member(d->t, "session", r->session);
    member(d->t, "resource", r->resource);
    member(d->t, "class", r->class);
    member(d->t, "answer", r->answer);
    member(d->t, "cause", r->cause);
    idem_text_fmt(d->t, ",\"count\":%lld}", (long long)r->count);
    return IDEM_OK;
}

static int put_gate(struct dossier *d)
{
    const struct idem_gate_search search = {
        .organisation = d->organisation, .person = d->name, .limit = IDEM_DOSSIER_GATE + 1};
    struct idem_gate_log *log = NULL;
    int err = IDEM_OK;

    idem_text_put(d->t, ",\"gate\":[");
    if (d->w->parts.porter != NULL)
        err = idem_porter_reader(d->w->parts.porter, &log);
    if (err == 0 && log != NULL)
        err = idem_gate_log_read(log, &search, take_record, d);
    idem_text_put(d->t, "]");
    return err == ENOUGH ? IDEM_OK : err;
}

/* ------------------------------------------------------------------ all of it */

static void put_more(struct dossier *d)
{
    const struct {
        const char *name;
        bool more;
    } lists[] = {{"rows", d->more_rows},
                 {"sessions", d->more_sessions},
                 {"windows", d->more_windows},
                 {"decisions", d->more_decisions},
                 {"gate", d->more_gate}};
    unsigned count = 0;

    idem_text_put(d->t, ",\"more\":[");
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (!lists[i].more)
            continue;
        comma(d, count++);
        idem_text_string(d->t, lists[i].name);
    }
    idem_text_put(d->t, "]}");
}

int idem_dossier(struct idem_worker *w, int64_t organisation, const uint8_t person[IDEM_ID_BYTES],
                 bool named, struct idem_text *t)
{
    struct dossier d = {
        .w = w, .t = t, .organisation = organisation, .person = person, .named = named};
    int err;

    idem_public_id("p_", person, d.name);
    (void)((err = put_person(&d)) != 0 || (err = put_acknowledgement(&d)) != 0);
    if (err == 0)
        put_sessions(&d);
    (void)(err != 0 || (err = put_windows(&d)) != 0 || (err = put_decisions(&d)) != 0 ||
           (err = put_gate(&d)) != 0);
    put_more(&d);
    if (d.held != NULL)
        idem_people_put(w->parts.people, d.held);
    return err;
}
