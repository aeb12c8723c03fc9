/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_ageing.c - `idem eval ageing`: how profiles live.
 */
#include "cli/eval_study.h"

static const char summary[] =
    "How profiles live. Without a switch: people enrol on days below 2 of the recording's column\n"
    "day, later sessions are probes; error by days since enrolment, with and without learning.";

static const struct idem_cli_study studies[] = {
    {NULL, NULL, idem_ageing_days,
     "enrolment on days below 2, every session of a later day is a probe of the profile as it "
     "stood when that day began"},
    {"simulate", "drift made from the model, with the cell counts of DATA", idem_ageing_simulate,
     "people who drift at random by a known step a day"},
    {"attack", "an impostor who stays just under the threshold, with and without the bound",
     idem_ageing_attack,
     "an impostor with windows of the owner mixes his own strokes into them, every day as many as "
     "are still accepted"},
    {"mixed", "two people enrol as one: how often that is noticed", idem_ageing_mixed,
     "an enrolment disagrees with itself when two people gave it"},
    {"change", "a hurt hand, missing fingers, another keyboard; re-enrolment", idem_ageing_change,
     "profiles from before a change, probes from after it"},
    {"warm", "the first windows on a second device, cold and warm", idem_ageing_warm,
     "a second device begins with what is known from the first"},
};

int idem_cli_eval_ageing(int argc, char **argv)
{
    return idem_cli_eval_study(argc, argv, summary, studies, sizeof studies / sizeof *studies);
}
