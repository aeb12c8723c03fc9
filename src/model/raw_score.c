/* SPDX-License-Identifier: Apache-2.0 */
/* raw_score.c - score(P, S) = E(P + S) - E(P) - E(S) plus the plain term's share. */
#include "idem/idem.h"
#include "model/evidence.h"
#include "model/learn.h"

#include <string.h>

size_t idem_raw_score_scratch(const struct idem_model *model)
{
    return 2 * (idem_packed(model->rank) + model->rank) + idem_evidence_scratch(model->rank);
}

double idem_raw_score(const struct idem_model *model, const float *P, const float *S,
                      double *scratch)
{
    const size_t size = idem_packed(model->rank) + model->rank, packed = idem_packed(model->rank);
    double *p = scratch, *s = scratch + size, *work = scratch + 2 * size, E[3];

    memset(scratch, 0, 2 * size * sizeof *scratch);
    idem_project(model, P, p, p + packed);
    idem_project(model, S, s, s + packed);
    const struct idem_lane lanes[3] = {
        {p, p + packed, s, s + packed}, {p, p + packed, NULL, NULL}, {s, s + packed, NULL, NULL}};
    idem_evidence_batch(model->rank, lanes, 3, work, E);
    double raw = E[0] - E[1] - E[2];
    if (model->plain_share > 0)
        raw += model->plain_share * idem_plain_score(model, P, S);
    return raw;
}
