/* SPDX-License-Identifier: Apache-2.0 */
/*
 * labels.h - who really sat at a recorded session, from a file of its own.
 *
 * Columns `session` (or `filename`) and `is_illegal` (0: the owner, 1: somebody else). The file
 * takes the place of the recording's own column altogether: a session that it does not name is
 * unlabelled. A session named twice is a bad row, and so is anything but 0 and 1.
 */
#ifndef IDEM_INPUT_LABELS_H
#define IDEM_INPUT_LABELS_H

#include "input/recording.h"

/* Replaces the labels of rec. unknown: labels that name no session of the recording. */
int idem_labels_apply(struct idem_recording *rec, const char *path, uint32_t *unknown,
                      struct idem_fault *fault);

#endif
