/* SPDX-License-Identifier: Apache-2.0 */
/*
 * injection_stream.c - key events in order of time, see injection.h.
 */
#include "eval/injection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_MAX = 1 << 26 }; /* events in a stream */

void idem_key_stream_put(struct idem_key_stream *s, int64_t t_us, uint8_t code,
                         enum idem_key_action action)
{
    if (s->err == 0 && s->count == s->room) {
        uint32_t room = s->room < 256 ? 256 : s->room * 2;
        struct idem_key_event *list =
            s->room < ROOM_MAX ? realloc(s->list, room * sizeof *list) : NULL;
        if (list == NULL) {
            s->err = IDEM_ERR_NOMEM;
        } else {
            s->list = list;
            s->room = room;
        }
    }
    if (s->err == 0)
        s->list[s->count++] = (struct idem_key_event){t_us, code, (uint8_t)action, false};
}

void idem_key_stream_seal(struct idem_key_stream *s)
{
    bool down[256] = {false};
    s->key_downs = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        struct idem_key_event *e = &s->list[i];
        e->again = e->action == IDEM_KEY_DOWN && down[e->code];
        s->key_downs += e->action == IDEM_KEY_DOWN && !e->again;
        down[e->code] = e->action == IDEM_KEY_DOWN;
    }
}

void idem_key_stream_tick(struct idem_key_stream *s, int64_t tick_us)
{
    for (uint32_t i = 0; i < s->count && tick_us > 1; i++) {
        int64_t t = s->list[i].t_us, over = t % tick_us;
        s->list[i].t_us = t - over - (over < 0 ? tick_us : 0);
    }
}

void idem_key_stream_late(struct idem_key_stream *s, struct idem_rng *rng, uint32_t late_us)
{
    int64_t report = INT64_MIN, due = INT64_MIN;
    for (uint32_t i = 0; i < s->count; i++) {
        struct idem_key_event *e = &s->list[i];
        if (e->t_us != report) {
            int64_t later = e->t_us + idem_rng_below(rng, late_us + 1);
            report = e->t_us;
            due = later > due ? later : due;
        }
        e->t_us = due;
    }
}

static int64_t next_stall(struct idem_rng *rng, int64_t from_us)
{
    return from_us - (int64_t)(300000 * log(1 - idem_rng_uniform(rng)));
}

void idem_key_stream_stall(struct idem_key_stream *s, struct idem_rng *rng)
{
    int64_t begin = s->count ? next_stall(rng, s->list[0].t_us) : 0, end = begin, last = INT64_MIN;
    for (uint32_t i = 0; i < s->count; i++) {
        struct idem_key_event *e = &s->list[i];
        int64_t report = e->t_us;
        while (report > end) {
            begin = next_stall(rng, end);
            end = begin + 30000 + idem_rng_below(rng, 90001);
        }
        e->t_us = report >= begin ? end : report;
        e->t_us = e->t_us > last ? e->t_us : last + idem_rng_below(rng, 300);
        last = e->t_us;
    }
}

void idem_key_stream_free(struct idem_key_stream *s)
{
    if (s->list != NULL)
        explicit_bzero(s->list, s->room * sizeof *s->list);
    free(s->list);
    memset(s, 0, sizeof *s);
}

/* ------------------------------------------------------------------ from a recording */

enum order { EARLIER_RELEASE, PRESS, RELEASE };

struct placed {
    struct idem_key_event event;
    uint32_t stroke;
    enum order order;
};

static int compare(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->event.t_us != y->event.t_us)
        return x->event.t_us < y->event.t_us ? -1 : 1;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->stroke < y->stroke ? -1 : x->stroke > y->stroke;
}

/* Is the key pressed anew at the very time of its release? */
static bool pressed_anew(const struct idem_stroke *strokes, uint32_t count, uint32_t i)
{
    const struct idem_stroke *s = &strokes[i];
    for (uint32_t k = i + 1; k < count && strokes[k].press_us <= s->release_us; k++)
        if (strokes[k].code == s->code && strokes[k].press_us == s->release_us)
            return s->press_us < s->release_us;
    return false;
}

static uint32_t place(const struct idem_stroke *strokes, uint32_t count, int64_t shift_us,
                      struct placed *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct idem_stroke *s = &strokes[i];
        out[n++] =
            (struct placed){{s->press_us + shift_us, s->code, IDEM_KEY_DOWN, false}, i, PRESS};
        if (s->released)
            out[n++] = (struct placed){{s->release_us + shift_us, s->code, IDEM_KEY_UP, false},
                                       i,
                                       pressed_anew(strokes, count, i) ? EARLIER_RELEASE : RELEASE};
    }
    qsort(out, n, sizeof *out, compare);
    return n;
}

int idem_key_stream_strokes(struct idem_key_stream *s, const struct idem_stroke *strokes,
                            uint32_t count, int64_t shift_us)
{
    struct placed *all = malloc(2 * ((size_t)count + 1) * sizeof *all);
    if (all == NULL)
        return IDEM_ERR_NOMEM;
    uint32_t n = place(strokes, count, shift_us, all);
    for (uint32_t i = 0; i < n; i++)
        idem_key_stream_put(s, all[i].event.t_us, all[i].event.code,
                            (enum idem_key_action)all[i].event.action);
    explicit_bzero(all, 2 * ((size_t)count + 1) * sizeof *all);
    free(all);
    idem_key_stream_seal(s);
    return s->err;
}

enum { DRAWS = 200 }; /* sessions of programs and empty ones are drawn in vain */

const struct idem_session *idem_injection_draw(const struct idem_injection_pool *pool,
                                               struct idem_rng *rng,
                                               const struct idem_stroke **strokes)
{
    for (int i = 0; i < DRAWS && pool->count > 0; i++) {
        const struct idem_recording *rec = pool->recs[idem_rng_below(rng, (uint32_t)pool->count)];
        const struct idem_session *s = &rec->sessions[idem_rng_below(rng, rec->session_count)];
        if (s->bot == IDEM_LABEL_OTHER || s->count == 0)
            continue;
        *strokes = &rec->strokes[s->first];
        return s;
    }
    return NULL;
}
