/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - what one recorded pointer session yielded, and where: gestures and timings with the
 * number of the event that completed them.
 *
 * Made once from the events, a trace serves learning the mixture, cutting slices for a corpus, and
 * every block of a protocol without walking the events again. Offline only: it allocates as it
 * grows, at most IDEM_TRACE_MAX gestures and as many timings.
 *
 *   for each event: idem_trace_event(trace, kind, x, y, t_us)
 *   idem_trace_finish(trace)
 */
#ifndef IDEM_MODEL_TRACE_H
#define IDEM_MODEL_TRACE_H

#include "model/corpus.h"
#include "window/mixture.h"

enum { IDEM_TRACE_MAX = 16 * 1024 * 1024 };

struct idem_timing {
    uint32_t at;
    enum idem_scalar scalar;
    float value;
};

/*
 * A gesture that ended with event i (counted from 0) stands at i + 1, one that had ended before it
 * at i: events [0, at) contain it. A timing stands at the event that completed it.
 */
struct idem_trace {
    struct idem_gesture gesture;
    uint32_t events;
    uint32_t gestures, gesture_room;
    float *feature; /* [gestures][IDEM_FEATURES] */
    uint32_t *at;   /* [gestures], ascending */
    uint32_t timings, timing_room;
    struct idem_timing *timing; /* [timings], ascending */
};

void idem_trace_init(struct idem_trace *trace);
void idem_trace_fini(struct idem_trace *trace); /* wipes */
int idem_trace_event(struct idem_trace *trace, enum idem_pointer_kind kind, double x, double y,
                     int64_t t_us);
/* The session is over: the gesture under way is taken too, at `events`. */
int idem_trace_finish(struct idem_trace *trace);

/*
 * Adds the statistics of events [first, end) to the flat array of the mixture's shape: gestures
 * that ended in (first, end], timings in [first, end). Returns the number of gestures.
 */
uint32_t idem_trace_stats(const struct idem_trace *trace, const struct idem_mixture *mix,
                          uint32_t first, uint32_t end, float *stats);

/* The number of gestures that ended in (first, end]. */
uint32_t idem_trace_gestures(const struct idem_trace *trace, uint32_t first, uint32_t end);

/*
 * Cuts the session into slices of so many gestures (10, say) with the timings among them, and
 * appends them to the corpus' newest person; a rest below half a slice joins the slice before it.
 */
int idem_trace_slices(const struct idem_trace *trace, const struct idem_mixture *mix,
                      uint32_t gestures, struct idem_corpus *corpus);

#endif
