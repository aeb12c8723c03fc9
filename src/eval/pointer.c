/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pointer.c - see pointer.h.
 */
#include "eval/pointer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "eval/parallel.h"
#include "idem/idem.h"
#include "model/mixture_learn.h"

/*
 * What the mixture learns not to see: mice that report more or less often, and larger or smaller
 * steps. Evaluations use other values.
 */
static const struct idem_resampling copies[] = {{10, 1}, {20, 1}, {30, 1}, {0, 1.4}, {0, 0.75}};
enum { COPIES = sizeof copies / sizeof copies[0] };

struct tracing {
    const struct idem_recording *rec;
    const struct idem_resampling *how; /* NULL: as recorded */
    struct idem_trace *list;
    atomic_int err;
};

/* source: numbers of the recorded events; NULL: these are they. */
static int trace_events(struct idem_trace *trace, const struct idem_motion *m, uint32_t count,
                        const uint32_t *source)
{
    int r = 0;
    for (uint32_t k = 0; k < count && r == 0; k++) {
        trace->events = source ? source[k] : k;
        r = idem_trace_event(trace, (enum idem_pointer_kind)m[k].kind, (double)m[k].x,
                             (double)m[k].y, m[k].t_us);
    }
    return r;
}

static int trace_resampled(struct idem_trace *trace, const struct idem_motion *m, uint32_t count,
                           const struct idem_resampling *how)
{
    struct idem_resampled made = {0};
    int r = idem_resample(m, count, how, &made);
    if (r == 0)
        r = trace_events(trace, made.motions, made.count, made.source);
    idem_resampled_fini(&made);
    return r;
}

static void trace_session(void *arg, int i)
{
    struct tracing *t = arg;
    struct idem_trace *trace = &t->list[i];
    const struct idem_session *s = &t->rec->sessions[i];
    const struct idem_motion *m = t->rec->motions + s->first;
    int r = t->how ? trace_resampled(trace, m, s->count, t->how)
                   : trace_events(trace, m, s->count, NULL);
    trace->events = s->count;
    if (r == 0)
        r = idem_trace_finish(trace);
    if (r < 0)
        atomic_store(&t->err, r);
}

int idem_traces_make(const struct idem_recording *rec, struct idem_traces *out)
{
    return idem_traces_resampled(rec, NULL, out);
}

int idem_traces_resampled(const struct idem_recording *rec, const struct idem_resampling *how,
                          struct idem_traces *out)
{
    struct tracing t = {
        .rec = rec, .how = how, .list = malloc((rec->session_count + 1) * sizeof *t.list)};
    if (!t.list)
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < rec->session_count; i++)
        idem_trace_init(&t.list[i]);
    idem_parallel(trace_session, &t, (int)rec->session_count);
    struct idem_traces made = {t.list, rec->session_count};
    if (atomic_load(&t.err) < 0)
        idem_traces_free(&made);
    else
        *out = made;
    return atomic_load(&t.err);
}

void idem_traces_free(struct idem_traces *traces)
{
    for (uint32_t i = 0; i < traces->count; i++)
        idem_trace_fini(&traces->list[i]);
    free(traces->list);
    *traces = (struct idem_traces){NULL, 0};
}

/* A person's sessions as recorded, then their copies; people are numbered through all recordings.
 */
static size_t list_sources(struct idem_recording *const *recs, const struct idem_traces *traces,
                           const struct idem_traces *copied, int count,
                           struct idem_mixture_source *sources)
{
    uint32_t person = 0;
    size_t at = 0;
    for (int r = 0; r < count; r++)
        for (uint32_t p = 0; p < recs[r]->person_count; p++, person++)
            for (int c = -1; c < COPIES; c++) {
                const struct idem_traces *from = c < 0 ? &traces[r] : &copied[r * COPIES + c];
                for (uint32_t s = 0; s < recs[r]->people[p].count; s++)
                    sources[at++] = (struct idem_mixture_source){
                        &from->list[recs[r]->people[p].first + s], person};
            }
    return at;
}

/* Every recording on every clock and scale: copied[count][COPIES]. A button's timing is the same in
 * each, so it is counted once. */
static int make_copies(struct idem_recording *const *recs, int count, struct idem_traces *copied)
{
    int r = 0;
    for (int i = 0; i < count * COPIES && r == 0; i++) {
        r = idem_traces_resampled(recs[i / COPIES], &copies[i % COPIES], &copied[i]);
        for (uint32_t s = 0; r == 0 && s < copied[i].count; s++)
            copied[i].list[s].timings = 0;
    }
    return r;
}

static int learn_mixture(struct idem_recording *const *recs, const struct idem_traces *traces,
                         int count, struct idem_mixture *mix)
{
    const struct idem_mixture_options opt = idem_mixture_defaults();
    size_t sessions = 0;
    for (int r = 0; r < count; r++)
        sessions += traces[r].count;
    struct idem_mixture_source *sources = malloc(((1 + COPIES) * sessions + 1) * sizeof *sources);
    struct idem_traces *copied = calloc((size_t)count * COPIES + 1, sizeof *copied);
    int err = sources && copied ? make_copies(recs, count, copied) : IDEM_ERR_NOMEM;
    if (err == 0)
        err = idem_mixture_learn(sources, list_sources(recs, traces, copied, count, sources), &opt,
                                 mix);
    for (int i = 0; copied && i < count * COPIES; i++)
        idem_traces_free(&copied[i]);
    free(copied);
    free(sources);
    return err;
}

static int fill_corpus(const struct idem_recording *rec, const struct idem_traces *traces,
                       const struct idem_mixture *mix, uint32_t slice, struct idem_corpus *corpus)
{
    int r = 0;
    for (uint32_t p = 0; p < rec->person_count && r == 0; p++) {
        r = idem_corpus_person(corpus);
        for (uint32_t s = 0; s < rec->people[p].count && r == 0; s++)
            r = idem_trace_slices(&traces->list[rec->people[p].first + s], mix, slice, corpus);
    }
    return r;
}

int idem_pointer_learn_front(struct idem_recording *const *recs, const struct idem_traces *traces,
                             int count, uint32_t slice_gestures, struct idem_mixture *mix,
                             struct idem_corpus *corpus)
{
    struct idem_mixture learned = {0};
    struct idem_corpus filled = {0};
    int r = learn_mixture(recs, traces, count, &learned);
    if (r == 0)
        r = idem_corpus_init(&filled, idem_mixture_shape(&learned));
    for (int i = 0; i < count && r == 0; i++)
        r = fill_corpus(recs[i], &traces[i], &learned, slice_gestures, &filled);
    if (r < 0) {
        idem_mixture_free(&learned);
        idem_corpus_fini(&filled);
        return r;
    }
    idem_pointer_discounts(&learned, filled.discount);
    *mix = learned;
    *corpus = filled;
    return 0;
}
