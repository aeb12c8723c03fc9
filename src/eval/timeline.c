/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timeline.c - see timeline.h.
 */
#include "eval/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "eval/keys.h"
#include "model/profile.h"

static int grow(struct idem_timeline *t, size_t len)
{
    uint32_t room = t->room ? 2 * t->room : 32;
    float *stats = realloc(t->stats, (size_t)room * len * sizeof *stats);
    t->stats = stats ? stats : t->stats;
    float *strokes = realloc(t->strokes, room * sizeof *strokes);
    t->strokes = strokes ? strokes : t->strokes;
    uint32_t *session = realloc(t->session, room * sizeof *session);
    t->session = session ? session : t->session;
    double *day = realloc(t->day, room * sizeof *day);
    t->day = day ? day : t->day;
    if (!stats || !strokes || !session || !day)
        return IDEM_ERR_NOMEM;
    t->room = room;
    return 0;
}

/* One more window, of nought. */
static int add(struct idem_timelines *t, uint32_t session, double day, float strokes, float **stats)
{
    struct idem_timeline *p = &t->people[t->count - 1];
    int r = p->count < p->room ? 0 : grow(p, t->len);
    if (r < 0)
        return r;
    *stats = p->stats + (size_t)p->count * t->len;
    memset(*stats, 0, t->len * sizeof **stats);
    p->strokes[p->count] = strokes;
    p->session[p->count] = session;
    p->day[p->count++] = day;
    return 0;
}

static int init(struct idem_timelines *t, const struct idem_recording *rec,
                const struct idem_front *front)
{
    const struct idem_shape shape = idem_front_shape(front, rec->modality);
    if (shape.cells == 0)
        return IDEM_ERR_MISMATCH;
    *t = (struct idem_timelines){
        .modality = rec->modality, .shape = shape, .len = idem_shape_len(shape)};
    t->people = calloc((size_t)rec->person_count + 1, sizeof *t->people);
    return t->people ? 0 : IDEM_ERR_NOMEM;
}

void idem_timelines_fini(struct idem_timelines *t)
{
    for (uint32_t p = 0; p < t->count; p++) {
        free(t->people[p].stats);
        free(t->people[p].strokes);
        free(t->people[p].session);
        free(t->people[p].day);
    }
    free(t->people);
    *t = (struct idem_timelines){0};
}

struct cutting {
    const struct idem_front *front;
    const struct idem_filing *filing;
    uint32_t keys;
    const struct idem_change *change;
};

static int cut_session(const struct cutting *c, const struct idem_session *s, uint32_t number,
                       const struct idem_stroke *strokes, struct idem_timelines *out)
{
    uint32_t step = c->keys ? c->keys : s->count, done = 0;
    int r = 0;
    while (r == 0 && done < s->count && 2 * (s->count - done) >= step) {
        uint32_t n = s->count - done < step ? s->count - done : step;
        float *stats;
        r = add(out, number, s->day, (float)n, &stats);
        if (r == 0)
            r = idem_keys_window(c->filing, c->front, strokes + done, n, stats);
        done += n;
    }
    return r;
}

static int changed_session(const struct cutting *c, const struct idem_session *s, uint32_t number,
                           const struct idem_stroke *strokes, struct idem_timelines *out)
{
    if (!c->change)
        return cut_session(c, s, number, strokes, out);
    struct idem_stroke *copy = malloc((s->count + 1) * sizeof *copy);
    if (!copy)
        return IDEM_ERR_NOMEM;
    memcpy(copy, strokes, s->count * sizeof *copy);
    c->change->apply(c->change->arg, copy, s->count);
    int r = cut_session(c, s, number, copy, out);
    free(copy);
    return r;
}

int idem_timelines_keys(const struct idem_recording *rec, const struct idem_front *front,
                        const struct idem_filing *filing, uint32_t keys,
                        const struct idem_change *change, struct idem_timelines *out)
{
    const struct cutting c = {front, filing, keys, change};
    struct idem_timelines t;
    int r = rec->modality == IDEM_KEYBOARD ? init(&t, rec, front) : IDEM_ERR_MISMATCH;
    if (r < 0)
        return r;
    for (uint32_t p = 0; p < rec->person_count && r == 0; p++) {
        t.count++;
        for (uint32_t i = 0; i < rec->people[p].count && r == 0; i++) {
            const struct idem_session *s = &rec->sessions[rec->people[p].first + i];
            r = changed_session(&c, s, i, rec->strokes + s->first, &t);
        }
    }
    if (r < 0)
        idem_timelines_fini(&t);
    else
        *out = t;
    return r;
}

/* One session's gestures as slices in a corpus, and from there to the person's timeline. */
static int add_trace(const struct idem_trace *trace, const struct idem_mixture *mix,
                     uint32_t gestures, const struct idem_session *s, uint32_t number,
                     struct idem_timelines *t)
{
    struct idem_corpus corpus;
    int r = idem_corpus_init(&corpus, t->shape);
    if (r < 0)
        return r;
    r = idem_corpus_person(&corpus);
    if (r == 0)
        r = idem_trace_slices(trace, mix, gestures, &corpus);
    for (uint32_t i = 0; r == 0 && i < corpus.people[0].count; i++) {
        float *stats;
        r = add(t, number, s->day, corpus.people[0].strokes[i], &stats);
        if (r < 0)
            break;
        memcpy(stats, corpus.people[0].stats + (size_t)i * t->len, t->len * sizeof *stats);
        idem_round_to_grid(stats, t->len);
    }
    idem_corpus_fini(&corpus);
    return r;
}

int idem_timelines_pointer(const struct idem_recording *rec, const struct idem_front *front,
                           uint32_t gestures, struct idem_timelines *out)
{
    struct idem_traces traces;
    struct idem_timelines t;
    int r = rec->modality == IDEM_POINTER ? init(&t, rec, front) : IDEM_ERR_MISMATCH;
    if (r < 0)
        return r;
    r = idem_traces_make(rec, &traces);
    for (uint32_t p = 0; p < rec->person_count && r == 0; p++) {
        t.count++;
        for (uint32_t i = 0; i < rec->people[p].count && r == 0; i++) {
            uint32_t s = rec->people[p].first + i;
            r = add_trace(&traces.list[s], &front->mixture, gestures, &rec->sessions[s], i, &t);
        }
    }
    idem_traces_free(&traces);
    if (r < 0)
        idem_timelines_fini(&t);
    else
        *out = t;
    return r;
}

int idem_timelines_profile(const struct idem_timelines *t, const struct idem_front *front,
                           struct idem_profile **out)
{
    return idem_profile_new(front, t->modality, out);
}

void idem_timelines_add(const struct idem_timelines *t, uint32_t person, uint32_t from,
                        uint32_t end, struct idem_profile *profile)
{
    for (uint32_t w = from; w < end; w++) {
        const float *stats = idem_timeline_at(t, person, w);
        for (size_t i = 0; i < t->len; i++)
            profile->stats[i] += stats[i];
        profile->strokes += t->people[person].strokes[w];
        profile->windows++;
    }
}
