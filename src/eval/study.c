/* SPDX-License-Identifier: Apache-2.0 */
/*
 * study.c - what all studies of ageing.h begin with.
 */
#include "eval/ageing.h"

void idem_study_defaults(struct idem_study *study)
{
    study->keys = study->keys ? study->keys : 25;
    study->gestures = study->gestures ? study->gestures : 10;
    study->rules =
        idem_adapt_defaults(study->recording ? study->recording->modality : IDEM_KEYBOARD);
}
