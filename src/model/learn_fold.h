/* SPDX-License-Identifier: Apache-2.0 */
/* learn_fold.h - the models that score a calibration's trials: they have not met their people. */
#ifndef IDEM_MODEL_LEARN_FOLD_H
#define IDEM_MODEL_LEARN_FOLD_H

#include "model/learn.h"
#include "model/units.h"

enum { IDEM_LEARN_FOLDS = 2 };

/*
 * Learns all but the calibration from everybody whose number modulo IDEM_LEARN_FOLDS is not `fold`.
 * Of the others only the corpus' pooled squares are used, which know nobody's slices.
 */
int idem_learn_without(const struct idem_corpus *corpus, const struct idem_units *units,
                       const struct idem_learn_options *opt, uint32_t fold,
                       struct idem_model *model);

#endif
