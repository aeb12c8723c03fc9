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

struct tracing {
    const struct idem_recording *rec;
    struct idem_trace *list;
    atomic_int err;
};

static void trace_session(void *arg, int i)
{
    struct tracing *t = arg;
    const struct idem_session *s = &t->rec->sessions[i];
    const struct idem_motion *m = t->rec->motions + s->first;
    int r = 0;
    for (uint32_t k = 0; k < s->count && r == 0; k++)
        r = idem_trace_event(&t->list[i], (enum idem_pointer_kind)m[k].kind, (double)m[k].x,
                             (double)m[k].y, m[k].t_us);
    if (r == 0)
        r = idem_trace_finish(&t->list[i]);
    if (r < 0)
        atomic_store(&t->err, r);
}

int idem_traces_make(const struct idem_recording *rec, struct idem_traces *out)
{
    struct tracing t = {.rec = rec, .list = malloc((rec->session_count + 1) * sizeof *t.list)};
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

/* People are numbered through all recordings. */
static int learn_mixture(struct idem_recording *const *recs, const struct idem_traces *traces,
                         int count, struct idem_mixture *mix)
{
    const struct idem_mixture_options opt = idem_mixture_defaults();
    size_t sessions = 0, at = 0;
    uint32_t person = 0;
    for (int r = 0; r < count; r++)
        sessions += traces[r].count;
    struct idem_mixture_source *sources = malloc((sessions + 1) * sizeof *sources);
    if (!sources)
        return IDEM_ERR_NOMEM;
    for (int r = 0; r < count; r++)
        for (uint32_t p = 0; p < recs[r]->person_count; p++, person++)
            for (uint32_t s = 0; s < recs[r]->people[p].count; s++)
                sources[at++] = (struct idem_mixture_source){
                    &traces[r].list[recs[r]->people[p].first + s], person};
    int err = idem_mixture_learn(sources, at, &opt, mix);
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
