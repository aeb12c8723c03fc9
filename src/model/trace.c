/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - see trace.h. */
#include "model/trace.h"

#include <stdlib.h>
#include <string.h>

void idem_trace_init(struct idem_trace *trace)
{
    *trace = (struct idem_trace){0};
}

void idem_trace_fini(struct idem_trace *trace)
{
    if (trace->feature != NULL)
        idem_wipe(trace->feature,
                  (size_t)trace->gesture_room * IDEM_FEATURES * sizeof *trace->feature);
    if (trace->timing != NULL)
        idem_wipe(trace->timing, (size_t)trace->timing_room * sizeof *trace->timing);
    free(trace->feature);
    free(trace->at);
    free(trace->timing);
    idem_wipe(trace, sizeof *trace);
}

static int grow_gestures(struct idem_trace *t)
{
    if (t->gestures < t->gesture_room)
        return IDEM_OK;
    if (t->gestures >= IDEM_TRACE_MAX)
        return IDEM_ERR_LIMIT;
    uint32_t room = t->gesture_room == 0 ? 64 : 2 * t->gesture_room;
    float *feature = realloc(t->feature, (size_t)room * IDEM_FEATURES * sizeof *feature);
    if (feature == NULL)
        return IDEM_ERR_NOMEM;
    t->feature = feature;
    uint32_t *at = realloc(t->at, (size_t)room * sizeof *at);
    if (at == NULL)
        return IDEM_ERR_NOMEM;
    t->at = at;
    t->gesture_room = room;
    return IDEM_OK;
}

static int grow_timings(struct idem_trace *t)
{
    if (t->timings < t->timing_room)
        return IDEM_OK;
    if (t->timings >= IDEM_TRACE_MAX)
        return IDEM_ERR_LIMIT;
    uint32_t room = t->timing_room == 0 ? 64 : 2 * t->timing_room;
    struct idem_timing *timing = realloc(t->timing, (size_t)room * sizeof *timing);
    if (timing == NULL)
        return IDEM_ERR_NOMEM;
    t->timing = timing;
    t->timing_room = room;
    return IDEM_OK;
}

static int keep(struct idem_trace *t, unsigned found, const struct idem_observed *observed,
                uint32_t at)
{
    int r;
    if (found & IDEM_OBSERVED_GESTURE) {
        if ((r = grow_gestures(t)) != 0)
            return r;
        memcpy(t->feature + (size_t)t->gestures * IDEM_FEATURES, observed->feature,
               sizeof observed->feature);
        t->at[t->gestures++] = found & IDEM_OBSERVED_BEFORE ? at : at + 1;
    }
    if (found & IDEM_OBSERVED_SCALAR) {
        if ((r = grow_timings(t)) != 0)
            return r;
        t->timing[t->timings++] = (struct idem_timing){at, observed->scalar, observed->value};
    }
    return IDEM_OK;
}

int idem_trace_event(struct idem_trace *trace, enum idem_pointer_kind kind, double x, double y,
                     int64_t t_us)
{
    struct idem_observed observed;
    unsigned found = idem_gesture_event(&trace->gesture, kind, x, y, t_us, &observed);
    int r = found != 0 ? keep(trace, found, &observed, trace->events) : IDEM_OK;
    trace->events++;
    return r;
}

int idem_trace_finish(struct idem_trace *trace)
{
    struct idem_observed observed;
    unsigned found = idem_gesture_finish(&trace->gesture, &observed);
    return keep(trace, found | IDEM_OBSERVED_BEFORE, &observed, trace->events);
}

/* The first gesture that ended after `first` events. */
static uint32_t first_gesture(const struct idem_trace *t, uint32_t first)
{
    uint32_t low = 0, high = t->gestures;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (t->at[mid] <= first)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static uint32_t first_timing(const struct idem_trace *t, uint32_t first)
{
    uint32_t low = 0, high = t->timings;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (t->timing[mid].at < first)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t idem_trace_stats(const struct idem_trace *trace, const struct idem_mixture *mix,
                          uint32_t first, uint32_t end, float *stats)
{
    uint32_t gestures = 0;
    for (uint32_t i = first_gesture(trace, first); i < trace->gestures && trace->at[i] <= end;
         i++) {
        idem_mixture_add(mix, trace->feature + (size_t)i * IDEM_FEATURES, stats);
        gestures++;
    }
    for (uint32_t i = first_timing(trace, first); i < trace->timings && trace->timing[i].at < end;
         i++)
        idem_mixture_add_scalar(mix, trace->timing[i].scalar, trace->timing[i].value, stats);
    return gestures;
}

uint32_t idem_trace_gestures(const struct idem_trace *trace, uint32_t first, uint32_t end)
{
    return end > first ? first_gesture(trace, end) - first_gesture(trace, first) : 0;
}

int idem_trace_slices(const struct idem_trace *trace, const struct idem_mixture *mix,
                      uint32_t gestures, struct idem_corpus *corpus)
{
    const size_t len = idem_shape_len(corpus->shape);
    float *stats = malloc((len + 1) * sizeof *stats);
    uint32_t done = 0, first = 0;
    int r = IDEM_OK;

    if (stats == NULL)
        return IDEM_ERR_NOMEM;
    while (r == 0 && done < trace->gestures) {
        uint32_t left = trace->gestures - done;
        uint32_t last = 2 * left < 3 * gestures ? trace->gestures : done + gestures;
        uint32_t end = last == trace->gestures ? trace->events : trace->at[last - 1];
        memset(stats, 0, len * sizeof *stats);
        uint32_t count = idem_trace_stats(trace, mix, first, end, stats);
        r = idem_corpus_slice(corpus, stats, (float)count);
        done = last;
        first = end;
    }
    free(stats);
    return r;
}
