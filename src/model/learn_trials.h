/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn_trials.h - the trials that a calibration is fitted on: same person, different people, with
 * many sizes of profile and probe, scored by a model that has seen none of them.
 */
#ifndef IDEM_MODEL_LEARN_TRIALS_H
#define IDEM_MODEL_LEARN_TRIALS_H

#include "model/calibration.h"
#include "model/corpus.h"
#include "model/model.h"

struct idem_trials {
    struct idem_trial *list;
    size_t count, room;
};

/*
 * Trials of the people whose number modulo `folds` is `fold`. A probe is a run of neighbouring
 * slices, a profile is drawn from all that the person recorded before it.
 */
int idem_trials_draw(const struct idem_corpus *corpus, const struct idem_model *model,
                     uint32_t fold, uint32_t folds, struct idem_trials *out);
void idem_trials_fini(struct idem_trials *trials);

#endif
