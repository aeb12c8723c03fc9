/* SPDX-License-Identifier: Apache-2.0 */
/* sessions.c - see sessions.h. */
#include "server/sessions.h"

#include "server/doubts.h"
#include "server/enrol.h"
#include "server/index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct idem_sessions {
    struct idem_index *ids;
    uint32_t live, closed;
    struct idem_session *newest;
    struct idem_session *first_closed, *last_closed;
    int32_t free_count;
    int32_t free_slots[IDEM_SESSION_SLOTS_MAX];
    struct idem_session *slots[IDEM_SESSION_SLOTS_MAX];
};

const char *idem_session_state_name(enum idem_session_state state)
{
    static const char *const names[] = {"enrolling", "ok",     "insufficient",
                                        "step-up",   "locked", "closed"};
    return names[state];
}

double idem_session_step_up(const struct idem_session *s)
{
    return s->rules != NULL ? s->rules->step_up.trust : IDEM_TRUST_STEP_UP;
}

double idem_session_lock(const struct idem_session *s)
{
    return s->rules != NULL ? s->rules->lock.trust : IDEM_TRUST_LOCK;
}

int idem_sessions_new(struct idem_sessions **out)
{
    struct idem_sessions *t = calloc(1, sizeof *t);

    if (t == NULL)
        return IDEM_ERR_NOMEM;
    int err = idem_index_new(IDEM_ID_BYTES, IDEM_SESSION_SLOTS_MAX, &t->ids);
    if (err != 0) {
        free(t);
        return err;
    }
    while (t->free_count < IDEM_SESSION_SLOTS_MAX) {
        t->free_slots[t->free_count] = IDEM_SESSION_SLOTS_MAX - 1 - t->free_count;
        t->free_count++;
    }
    *out = t;
    return IDEM_OK;
}

/* What only an open session needs. */
static void free_judgement(struct idem_session *s)
{
    idem_trust_free(s->trust);
    s->trust = NULL;
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        idem_profile_free(s->candidate[m]);
        s->candidate[m] = NULL;
    }
}

static void free_session(struct idem_session *s)
{
    if (s == NULL)
        return;
    free_judgement(s);
    idem_decisions_free(s);
    free(s->reasons);
    free(s->seat);
    free(s);
}

void idem_sessions_free(struct idem_sessions *t)
{
    if (t == NULL)
        return;
    for (int i = 0; i < IDEM_SESSION_SLOTS_MAX; i++)
        free_session(t->slots[i]);
    idem_index_free(t->ids);
    free(t);
}

int idem_sessions_add(struct idem_sessions *t, const uint8_t id[IDEM_ID_BYTES], const char *seat,
                      struct idem_session **out)
{
    if (t->live >= IDEM_SESSIONS_MAX || t->free_count == 0)
        return IDEM_ERR_LIMIT;
    struct idem_session *s = calloc(1, sizeof *s);
    if (s == NULL || (s->seat = strdup(seat)) == NULL) {
        free(s);
        return IDEM_ERR_NOMEM;
    }
    memcpy(s->id, id, IDEM_ID_BYTES);
    idem_public_id("s_", id, s->name);
    s->slot = t->free_slots[--t->free_count];
    t->slots[s->slot] = s;
    t->live++;
    *out = s;
    return IDEM_OK;
}

int idem_sessions_open(struct idem_sessions *t, struct idem_session *s)
{
    int err = idem_index_add(t->ids, s->id, s->slot);
    if (err != 0)
        return err;
    s->older = t->newest;
    if (t->newest != NULL)
        t->newest->newer = s;
    t->newest = s;
    return IDEM_OK;
}

static void unlink_session(struct idem_sessions *t, struct idem_session *s)
{
    if (s->newer != NULL)
        s->newer->older = s->older;
    if (s->older != NULL)
        s->older->newer = s->newer;
    if (t->newest == s)
        t->newest = s->older;
}

/* From the middle of the list of closed ones: rare. */
static void unlink_closed(struct idem_sessions *t, const struct idem_session *s)
{
    struct idem_session *before = NULL;

    for (struct idem_session *at = t->first_closed; at != s; at = at->closed_after)
        before = at;
    if (before != NULL)
        before->closed_after = s->closed_after;
    else
        t->first_closed = s->closed_after;
    if (t->last_closed == s)
        t->last_closed = before;
    t->closed--;
}

void idem_sessions_drop(struct idem_sessions *t, struct idem_session *s)
{
    if (s->kept)
        unlink_closed(t, s);
    if (idem_index_find(t->ids, s->id) == s->slot) {
        idem_index_remove(t->ids, s->id);
        unlink_session(t, s);
    }
    if (!s->closed)
        t->live--;
    t->slots[s->slot] = NULL;
    t->free_slots[t->free_count++] = s->slot;
    free_session(s);
}

void idem_sessions_close(struct idem_sessions *t, struct idem_session *s,
                         struct idem_session **forgotten)
{
    s->closed = s->kept = true;
    s->state = IDEM_STATE_CLOSED;
    free_judgement(s);
    t->live--;
    if (t->last_closed != NULL)
        t->last_closed->closed_after = s;
    else
        t->first_closed = s;
    t->last_closed = s;
    *forgotten = NULL;
    if (++t->closed <= IDEM_CLOSED_KEPT)
        return;
    t->closed--;
    *forgotten = t->first_closed;
    (*forgotten)->kept = false;
    t->first_closed = t->first_closed->closed_after;
}

struct idem_session *idem_sessions_at(const struct idem_sessions *t, int32_t slot)
{
    return t->slots[slot];
}

struct idem_session *idem_sessions_find(const struct idem_sessions *t, int32_t slot,
                                        const uint8_t id[IDEM_ID_BYTES])
{
    struct idem_session *s;

    if (slot >= 0 && slot < IDEM_SESSION_SLOTS_MAX) {
        s = t->slots[slot];
        if (s != NULL && memcmp(s->id, id, IDEM_ID_BYTES) == 0)
            return s;
    }
    slot = idem_index_find(t->ids, id);
    return slot == IDEM_INDEX_NONE ? NULL : t->slots[slot];
}

struct idem_session *idem_sessions_newest(const struct idem_sessions *t)
{
    return t->newest;
}

uint32_t idem_sessions_live(const struct idem_sessions *t)
{
    return t->live;
}

int64_t idem_session_clock(struct idem_session *s, int64_t received_ms, bool has_clock,
                           int64_t clock_ms)
{
    int64_t now = s->test_clock ? (has_clock ? clock_ms : s->clock_ms) : received_ms;

    s->seen_ms = received_ms;
    if (now > s->clock_ms)
        s->clock_ms = now;
    return s->clock_ms;
}

void idem_session_heard(struct idem_session *s, int64_t received_ms)
{
    if (!s->closed && s->opening.kind == IDEM_SESSION_AGENT) /* a page only looks */
        s->seen_ms = received_ms;
}

void idem_session_expect(struct idem_session *s, int64_t received_ms, int64_t next_s)
{
    idem_session_heard(s, received_ms);
    s->due_ms = next_s > 0 ? received_ms + next_s * 1000 : 0;
}

/* What else than strokes the enrolment of this session's person wants. */
static const char *waits_for(const struct idem_session *s)
{
    const struct idem_template *t = s->person->templates[s->device_class];
    bool full = false;

    if (s->closed || t[IDEM_KEYBOARD].enrolled || t[IDEM_POINTER].enrolled)
        return NULL;
    if (idem_enrol_waits(s))
        return "trusted-start";
    for (int m = 0; m < IDEM_MODALITIES; m++)
        full = full || s->enrolled[m] >= idem_enrol_need(m) ||
               (t[m].profile != NULL && idem_profile_strokes(t[m].profile) >= idem_enrol_need(m));
    return full ? "another-session" : NULL;
}

static void view_stands(const struct idem_session *s, struct idem_session_view *out)
{
    const bool device = s->guard.standing && s->guard.shown.action >= IDEM_GUARD_CUT_OFF_DEVICE;

    out->policy = s->policy != NULL ? idem_policy_id(s->policy) : NULL;
    out->action = idem_guard_action_name(s->stands.action);
    out->cause = s->stands.cause != IDEM_CAUSE_NONE ? idem_cause_name(s->stands.cause) : NULL;
    out->cut_off = device ? idem_modality_name(s->guard.shown.device) : NULL;
    out->policy_line = s->stands.line;
}

/*
 * How much somebody types, and when, is nobody's business: only the demonstration shows its
 * counters. Of others no number is told that moves with each window.
 */
static void hush(struct idem_session_view *view)
{
    view->uncounted = true;
    view->gap_count = 0;
    view->trust = IDEM_TOLD_TRUST * round(view->trust / IDEM_TOLD_TRUST);
    view->p_owner = IDEM_TOLD_TRUST * round(view->p_owner / IDEM_TOLD_TRUST);
    view->llr = IDEM_TOLD_LLR * round(view->llr / IDEM_TOLD_LLR);
    view->changed_ms -= view->changed_ms % IDEM_TOLD_EVERY_MS;
    for (int m = 0; m < IDEM_MODALITIES; m++)
        view->enrolment.part[m].have = idem_enrol_quarters(m, view->enrolment.part[m].have);
}

void idem_session_view(const struct idem_session *s, const char *organisation,
                       struct idem_session_view *out)
{
    double candidate[IDEM_MODALITIES] = {0};

    out->id = s->name;
    out->organisation = organisation;
    out->person = s->person->name;
    out->seat = s->seat;
    out->device_class = idem_device_class_name(s->device_class);
    out->state = idem_session_state_name(s->state);
    out->compared = s->reading.windows > 0;
    out->trust = s->reading.trust;
    out->p_owner = s->reading.p_owner;
    out->llr = s->reading.llr;
    out->step_up = idem_session_step_up(s);
    out->lock = idem_session_lock(s);
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        out->windows[m] = s->windows[m];
        if (s->candidate[m] != NULL)
            candidate[m] = idem_profile_strokes(s->candidate[m]);
    }
    out->uncounted = false;
    out->gap_count = s->seqs.gap_count;
    memcpy(out->gaps, s->seqs.gaps, sizeof out->gaps);
    out->opened_ms = s->opened_ms;
    out->changed_ms = s->changed_ms;
    idem_enrolment_view(s->person, s->device_class, candidate, &out->enrolment);
    out->enrolment.waits_for = waits_for(s);
    view_stands(s, out);
    out->paused_until_ms = s->pause_until_ms;
    out->reasons = s->reasons;
    out->reason_count = s->reason_count;
    for (int i = 0; i < IDEM_DOUBTS_MAX; i++)
        out->doubts[i] = i < IDEM_DOUBTS && (s->doubts & 1U << i) != 0 ? idem_doubt_name(i) : NULL;
    out->guard = (struct idem_guard_view){0};
    if (s->guard.any)
        idem_guard_alarm_view(&s->guard.shown, !s->guard.standing, &out->guard);
    if (s->opening.kind != IDEM_SESSION_DEMO)
        hush(out);
}
