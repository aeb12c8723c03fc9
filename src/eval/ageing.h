/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ageing.h - studies of how profiles live: over days, under attack, through injuries and new
 * keyboards, on a second device, and when two people enrol as one. Each fills tables of a sheet.
 *
 * The population must not know the people of the recording. LLRs are unbounded; a probe below the
 * amounts of scorer.h counts as `insufficient` and is left out where a table says so.
 */
#ifndef IDEM_EVAL_AGEING_H
#define IDEM_EVAL_AGEING_H

#include "eval/filing.h"
#include "eval/pointer.h"
#include "eval/sheet.h"
#include "model/adapt.h"

struct idem_study {
    const struct idem_population *population;
    const struct idem_filing *filing;
    struct idem_recording *recording;
    uint32_t keys, gestures; /* of a window */
    struct idem_adapt_rules rules;
    void (*progress)(void *arg, uint32_t done, uint32_t of);
    void *progress_arg;
};

/* What a study is not told it takes from here: 25 keys, 10 gestures, the modality's rules. */
void idem_study_defaults(struct idem_study *study);

/*
 * Enrolment on days below 2, one probe a session of later days; error by days since enrolment with
 * and without learning, and by half-life. Column day, keyboard.
 */
int idem_ageing_days(const struct idem_study *study, struct idem_sheet *sheet);

/*
 * People whose w walks at random by a known step a day, with the cell counts of the recording's
 * windows: error after 10, 20, 40 and 60 days by step and half-life.
 */
int idem_ageing_simulate(const struct idem_study *study, struct idem_sheet *sheet);

/*
 * An impostor with the owner's own windows at his disposal mixes his strokes into them, every day
 * as many as are still accepted: where the profile is after 40 days, by bound.
 */
int idem_ageing_attack(const struct idem_study *study, struct idem_sheet *sheet);

/* A hurt hand, missing fingers, another keyboard, another clock; and re-enrolment. Keyboard. */
int idem_ageing_change(const struct idem_study *study, struct idem_sheet *sheet);

/* Two people in one enrolment. */
int idem_ageing_mixed(const struct idem_study *study, struct idem_sheet *sheet);

/* The first windows on a second device, cold and warm. Keyboard. */
int idem_ageing_warm(const struct idem_study *study, struct idem_sheet *sheet);

/* effort.c: error by size of the enrolment, from the second window on. */
int idem_effort(const struct idem_study *study, struct idem_sheet *sheet);

#endif
