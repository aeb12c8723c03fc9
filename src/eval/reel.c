/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reel.c - from recordings to reels, see reel.h. Collecting is in reel_collect.c.
 */
#include "eval/reel.h"

#include <stdlib.h>
#include <string.h>

double idem_reel_step(const struct idem_reel_event *before, const struct idem_reel_event *after)
{
    int64_t us = after->t_us - before->t_us;
    us = us < 0 ? 0 : us > IDEM_REEL_PAUSE_US ? IDEM_REEL_PAUSE_US : us;
    return (double)us / 1e6;
}

static double active_of(const struct idem_reel_event *events, uint32_t count)
{
    double active = 0;
    for (uint32_t i = 1; i < count; i++)
        active += idem_reel_step(&events[i - 1], &events[i]);
    return active;
}

uint32_t idem_reel_at(const struct idem_reel *reel, double active_s)
{
    double active = 0;
    uint32_t i = 0;
    while (i + 1 < reel->count && active < active_s) {
        active += idem_reel_step(&reel->events[i], &reel->events[i + 1]);
        i++;
    }
    while (i < reel->count && reel->events[i].kind == IDEM_REEL_KEY_UP)
        i++;
    return active < active_s ? reel->count : i;
}

static int by_time(const void *a, const void *b)
{
    const struct idem_reel_event *x = a, *y = b;
    return x->t_us < y->t_us ? -1 : x->t_us > y->t_us;
}

/* Presses and releases of two events at the same time keep the strokes' order: merge, not qsort. */
static void sort(struct idem_reel_event *events, struct idem_reel_event *spare, uint32_t n)
{
    for (uint64_t run = 1; run < n; run *= 2) {
        for (uint64_t lo = 0; lo < n; lo += 2 * run) {
            uint64_t mid = lo + run < n ? lo + run : n, hi = lo + 2 * run < n ? lo + 2 * run : n;
            uint64_t i = lo, j = mid;
            for (uint64_t k = lo; k < hi; k++)
                spare[k] = i < mid && (j >= hi || by_time(&events[i], &events[j]) <= 0)
                               ? events[i++]
                               : events[j++];
        }
        memcpy(events, spare, n * sizeof *events);
    }
}

static uint32_t key_events(const struct idem_stroke *strokes, uint32_t count,
                           struct idem_reel_event *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct idem_stroke *s = &strokes[i];
        int64_t release = s->release_us > s->press_us ? s->release_us : s->press_us;
        out[n++] = (struct idem_reel_event){
            .t_us = s->press_us, .kind = IDEM_REEL_KEY_DOWN, .code = s->code};
        if (s->released)
            out[n++] = (struct idem_reel_event){
                .t_us = release, .kind = IDEM_REEL_KEY_UP, .code = s->code};
    }
    return n;
}

static int reel_of_session(const struct idem_recording *rec, const struct idem_session *s,
                           struct idem_reel *out)
{
    const bool keys = rec->modality == IDEM_KEYBOARD;
    const size_t most = (keys ? 2 : 1) * (size_t)s->count + 1;
    struct idem_reel_event *events = malloc(most * sizeof *events);
    struct idem_reel_event *spare = keys ? malloc(most * sizeof *spare) : NULL;
    if (!events || (keys && !spare)) {
        free(events);
        return IDEM_ERR_NOMEM;
    }
    uint32_t n = s->count;
    if (keys) {
        n = key_events(rec->strokes + s->first, s->count, events);
        sort(events, spare, n);
        explicit_bzero(spare, most * sizeof *spare);
    } else {
        const struct idem_motion *m = rec->motions + s->first;
        for (uint32_t i = 0; i < n; i++)
            events[i] =
                (struct idem_reel_event){m[i].t_us, m[i].x, m[i].y, IDEM_REEL_POINTER, m[i].kind};
    }
    free(spare);
    *out = (struct idem_reel){events, n, active_of(events, n)};
    return 0;
}

static int reels_new(uint32_t count, struct idem_reels *out)
{
    *out = (struct idem_reels){calloc(count + 1, sizeof *out->list), 0};
    return out->list ? 0 : IDEM_ERR_NOMEM;
}

int idem_reels_of_person(const struct idem_recording *rec, uint32_t person, struct idem_reels *out)
{
    const struct idem_person *p = &rec->people[person];
    struct idem_reels reels;
    int r = reels_new(p->count, &reels);
    for (uint32_t i = 0; i < p->count && r == 0; i++) {
        r = reel_of_session(rec, &rec->sessions[p->first + i], &reels.list[i]);
        reels.count += r == 0;
    }
    if (r == 0)
        *out = reels;
    else
        idem_reels_free(&reels);
    return r;
}

void idem_reels_free(struct idem_reels *reels)
{
    for (uint32_t i = 0; i < reels->count; i++) {
        if (reels->list[i].events)
            explicit_bzero(reels->list[i].events,
                           reels->list[i].count * sizeof *reels->list[i].events);
        free(reels->list[i].events);
    }
    free(reels->list);
    *reels = (struct idem_reels){0};
}

/* ------------------------------------------------------------------ two people as one */

/* Events of one modality, session after session, on a clock that never runs backwards between
 * them. */
static int lay_end_to_end(const struct idem_reels *reels, struct idem_reel *out)
{
    size_t total = 0, at = 0;
    int64_t end = 0;
    for (uint32_t i = 0; i < reels->count; i++)
        total += reels->list[i].count;
    struct idem_reel_event *events = malloc((total + 1) * sizeof *events);
    if (!events)
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < reels->count; i++) {
        const struct idem_reel *r = &reels->list[i];
        for (uint32_t k = 0; k < r->count; k++) {
            events[at] = r->events[k];
            events[at].t_us += end - r->events[0].t_us;
            at++;
        }
        end = at > 0 ? events[at - 1].t_us + 2 * IDEM_REEL_PAUSE_US : 0;
    }
    *out = (struct idem_reel){events, (uint32_t)at, active_of(events, (uint32_t)at)};
    return 0;
}

/* A part of a reel that is being used up. */
struct spool {
    const struct idem_reel_event *events;
    uint32_t at, end;
    double active_s; /* of [at, end) when it began */
};

/* A key is still down after event i when one of the events since the last quiet moment was its
 * press: counted, since a typist holds few keys. */
static int held_after(const struct idem_reel_event *e, int held)
{
    if (e->kind == IDEM_REEL_KEY_DOWN)
        return held + 1;
    return e->kind == IDEM_REEL_KEY_UP && held > 0 ? held - 1 : held;
}

/* Copies a spell of about so much active time behind what the reel holds, beginning at t_us. Ends
 * with a lost release at the latest after four times the length. */
static void copy_spell(struct spool *from, double spell_s, int64_t t_us, struct idem_reel *to)
{
    double active = 0;
    int held = 0;
    int64_t shift = t_us - from->events[from->at].t_us;
    while (from->at < from->end) {
        const struct idem_reel_event *e = &from->events[from->at++];
        to->events[to->count] = *e;
        to->events[to->count++].t_us += shift;
        held = held_after(e, held);
        if (from->at < from->end)
            active += idem_reel_step(e, e + 1);
        if (active >= spell_s && (held == 0 || active >= 4 * spell_s))
            return;
    }
}

static int alternate(struct spool keys, struct spool pointer, double cycle_s, struct idem_reel *out)
{
    const size_t most = (size_t)(keys.end - keys.at) + (pointer.end - pointer.at);
    const double total = keys.active_s + pointer.active_s;
    const double share = total > 0 ? keys.active_s / total : 0.5;
    struct idem_reel reel = {malloc((most + 1) * sizeof *reel.events), 0, 0};
    if (!reel.events)
        return IDEM_ERR_NOMEM;
    while (keys.at < keys.end || pointer.at < pointer.end) {
        struct spool *spools[] = {&keys, &pointer};
        for (int k = 0; k < 2; k++) {
            int64_t t = reel.count ? reel.events[reel.count - 1].t_us + IDEM_REEL_HANDOVER_US : 0;
            if (spools[k]->at < spools[k]->end)
                copy_spell(spools[k], cycle_s * (k == 0 ? share : 1 - share), t, &reel);
        }
    }
    reel.active_s = active_of(reel.events, reel.count);
    *out = reel;
    return 0;
}

/* Part i of n: a session, or an equal share of all of them laid end to end. */
static struct spool part(const struct idem_reels *reels, const struct idem_reel *whole, uint32_t i,
                         uint32_t n)
{
    struct spool s = {whole->events, (uint32_t)((uint64_t)whole->count * i / n),
                      (uint32_t)((uint64_t)whole->count * (i + 1) / n), 0};
    if (reels->count == n)
        s = (struct spool){reels->list[i].events, 0, reels->list[i].count, 0};
    s.active_s = active_of(s.events + s.at, s.end - s.at);
    return s;
}

int idem_reels_alternate(const struct idem_reels *keys, const struct idem_reels *pointer,
                         double cycle_s, struct idem_reels *out)
{
    const uint32_t n = keys->count > pointer->count ? keys->count : pointer->count;
    struct idem_reel whole[IDEM_MODALITIES] = {{0}};
    struct idem_reels reels = {0};
    int r = lay_end_to_end(keys, &whole[IDEM_KEYBOARD]);
    if (r == 0)
        r = lay_end_to_end(pointer, &whole[IDEM_POINTER]);
    if (r == 0)
        r = reels_new(n, &reels);
    for (uint32_t i = 0; i < n && r == 0; i++) {
        r = alternate(part(keys, &whole[IDEM_KEYBOARD], i, n),
                      part(pointer, &whole[IDEM_POINTER], i, n), cycle_s, &reels.list[i]);
        reels.count += r == 0;
    }
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        if (whole[m].events)
            explicit_bzero(whole[m].events, whole[m].count * sizeof *whole[m].events);
        free(whole[m].events);
    }
    if (r == 0)
        *out = reels;
    else
        idem_reels_free(&reels);
    return r;
}
