/* SPDX-License-Identifier: Apache-2.0 */
/* raw_score.c - one score from two sums of statistics: embeds both, compares the points and adds
 * the plain term's share. */
#include "idem/idem.h"
#include "model/evidence.h"
#include "model/learn.h"
#include "model/plda.h"

size_t idem_raw_score_scratch(const struct idem_model *model)
{
    return idem_embed_scratch(model) + 2 * idem_point_len(model);
}

double idem_raw_score(const struct idem_model *model, const float *P, const float *S,
                      double *scratch)
{
    const float *const both[2] = {P, S};
    double *points = scratch + idem_embed_scratch(model);

    idem_embed(model, both, 2, scratch, points);
    return idem_plda_score(model, points, points + idem_point_len(model)) +
           idem_plain_share(model, P, S);
}
