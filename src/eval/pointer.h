/* SPDX-License-Identifier: Apache-2.0 */
/* pointer.h - pointer recordings as traces, and as a front's mixture and a corpus to learn from. */
#ifndef IDEM_EVAL_POINTER_H
#define IDEM_EVAL_POINTER_H

#include "eval/resample.h"
#include "model/trace.h"

/* A trace a session, in the recording's order. */
struct idem_traces {
    struct idem_trace *list;
    uint32_t count;
};

int idem_traces_make(const struct idem_recording *rec, struct idem_traces *out);
/* The same after resampling; gestures and timings stand at the recorded events' numbers. */
int idem_traces_resampled(const struct idem_recording *rec, const struct idem_resampling *how,
                          struct idem_traces *out);
void idem_traces_free(struct idem_traces *traces);

/*
 * Learns the mixture and fills the corpus with slices of so many gestures. recs and traces run in
 * parallel; people of different recordings are different people. The mixture also sees every
 * session on the clocks and scales at the top of pointer.c; the corpus holds the sessions as
 * recorded.
 */
int idem_pointer_learn_front(struct idem_recording *const *recs, const struct idem_traces *traces,
                             int count, uint32_t slice_gestures, struct idem_mixture *mix,
                             struct idem_corpus *corpus);

#endif
