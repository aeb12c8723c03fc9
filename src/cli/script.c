/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.c - see script.h.
 */
#include "cli/script.h"

#include <stdlib.h>
#include <string.h>

/* Events in the making: room for all is there from the start. */
struct making {
    struct idem_script_event *at;
    int64_t offset; /* from recorded to script time, of the session under way */
};

static void key_events(struct making *m, const struct idem_stroke *s)
{
    int64_t release = s->release_us > s->press_us ? s->release_us : s->press_us;
    *m->at++ = (struct idem_script_event){
        .t_us = s->press_us + m->offset, .what = IDEM_SCRIPT_KEY_DOWN, .code = s->code};
    if (s->released)
        *m->at++ = (struct idem_script_event){
            .t_us = release + m->offset, .what = IDEM_SCRIPT_KEY_UP, .code = s->code};
}

static void pointer_event(struct making *m, const struct idem_motion *e)
{
    *m->at++ = (struct idem_script_event){.t_us = e->t_us + m->offset,
                                          .x = e->x,
                                          .y = e->y,
                                          .what = IDEM_SCRIPT_POINTER,
                                          .code = e->kind};
}

/* One recorded session behind what there is; returns its last moment. */
static int64_t play_session(struct making *m, const struct idem_recording *rec,
                            const struct idem_session *s, int64_t from_us)
{
    const struct idem_script_event *first = m->at;
    int64_t end = from_us;
    if (!s->count)
        return end;
    if (rec->modality == IDEM_KEYBOARD) {
        m->offset = from_us - rec->strokes[s->first].press_us;
        for (uint32_t i = 0; i < s->count; i++)
            key_events(m, &rec->strokes[s->first + i]);
    } else {
        m->offset = from_us - rec->motions[s->first].t_us;
        for (uint32_t i = 0; i < s->count; i++)
            pointer_event(m, &rec->motions[s->first + i]);
    }
    for (; first < m->at; first++)
        end = first->t_us > end ? first->t_us : end;
    return end;
}

/* Stable: strokes come in the order of their presses, so at equal times the earlier one is released
 * first. */
static void sort(struct idem_script_event *events, struct idem_script_event *spare, uint32_t n)
{
    for (uint64_t run = 1; run < n; run *= 2) {
        for (uint64_t lo = 0; lo < n; lo += 2 * run) {
            uint64_t mid = lo + run < n ? lo + run : n, hi = lo + 2 * run < n ? lo + 2 * run : n;
            uint64_t i = lo, j = mid;
            for (uint64_t k = lo; k < hi; k++)
                spare[k] = i < mid && (j >= hi || events[i].t_us <= events[j].t_us) ? events[i++]
                                                                                    : events[j++];
        }
        memcpy(events, spare, n * sizeof *events);
    }
}

static const struct idem_person *find(const struct idem_recording *rec, const char *name)
{
    for (uint32_t p = 0; p < rec->person_count; p++)
        if (strcmp(rec->people[p].name, name) == 0)
            return &rec->people[p];
    return NULL;
}

static size_t events_of(const struct idem_recording *rec, const struct idem_person *person)
{
    size_t n = 0;
    for (uint32_t i = 0; i < person->count; i++)
        n += rec->sessions[person->first + i].count;
    return rec->modality == IDEM_KEYBOARD ? 2 * n : n;
}

static void play(struct making *m, const struct idem_recording *rec,
                 const struct idem_person *person)
{
    int64_t at = 0;
    for (uint32_t i = 0; i < person->count; i++)
        at = play_session(m, rec, &rec->sessions[person->first + i], at) + IDEM_SCRIPT_PAUSE_US;
}

int idem_script_make(struct idem_recording *const *recs, int count, const char *person,
                     struct idem_script *out)
{
    size_t most = 0;
    for (int r = 0; r < count; r++)
        if (find(recs[r], person))
            most += events_of(recs[r], find(recs[r], person));
    if (most == 0)
        return IDEM_ERR_NOT_FOUND;
    struct idem_script_event *events = malloc(most * sizeof *events);
    struct idem_script_event *spare = malloc(most * sizeof *spare);
    if (!events || !spare) {
        free(events);
        free(spare);
        return IDEM_ERR_NOMEM;
    }
    struct making m = {.at = events};
    for (int r = 0; r < count; r++)
        if (find(recs[r], person))
            play(&m, recs[r], find(recs[r], person));
    *out = (struct idem_script){events, (uint32_t)(m.at - events)};
    sort(events, spare, out->count);
    explicit_bzero(spare, most * sizeof *spare);
    free(spare);
    return 0;
}

int idem_script_take_over(struct idem_script *script, const struct idem_script *other,
                          int64_t at_us)
{
    uint32_t kept = 0;
    while (kept < script->count && script->events[kept].t_us < at_us)
        kept++;
    if (kept == 0 || kept == script->count)
        return IDEM_ERR_INVALID;
    struct idem_script_event *events = malloc(((size_t)kept + other->count) * sizeof *events);
    if (!events)
        return IDEM_ERR_NOMEM;
    memcpy(events, script->events, kept * sizeof *events);
    for (uint32_t i = 0; i < other->count; i++) {
        events[kept + i] = other->events[i];
        events[kept + i].t_us += at_us;
    }
    uint32_t count = kept + other->count;
    idem_script_free(script);
    *script = (struct idem_script){events, count};
    return 0;
}

int idem_script_machine(uint32_t keys, struct idem_script *out)
{
    static const uint8_t codes[] = {19, 22, 49, 57, 38, 31, 57, 46, 32, 28}; /* any */
    enum { APART_US = 10000, HOLD_US = 2000 };
    struct idem_script_event *events = calloc((size_t)keys * 2, sizeof *events);
    if (!events)
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < keys; i++) {
        const uint8_t code = codes[i % sizeof codes];
        const int64_t t_us = (int64_t)i * APART_US;
        events[2 * i] =
            (struct idem_script_event){.t_us = t_us, .what = IDEM_SCRIPT_KEY_DOWN, .code = code};
        events[2 * i + 1] = (struct idem_script_event){
            .t_us = t_us + HOLD_US, .what = IDEM_SCRIPT_KEY_UP, .code = code};
    }
    *out = (struct idem_script){events, keys * 2};
    return 0;
}

void idem_script_free(struct idem_script *script)
{
    if (script->events)
        explicit_bzero(script->events, script->count * sizeof *script->events);
    free(script->events);
    *script = (struct idem_script){NULL, 0};
}
