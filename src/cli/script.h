/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.h - a recorded person as one sequence of live events.
 *
 * All of a person's sessions follow each other with a pause of IDEM_SCRIPT_PAUSE_US between them;
 * keyboard and pointer, where both were recorded, start together. Time starts at 0. A recording
 * knows things that a seat cannot have seen: a negative hold is played as a hold of nought; a lost
 * release stays lost.
 */
#ifndef IDEM_CLI_SCRIPT_H
#define IDEM_CLI_SCRIPT_H

#include "input/recording.h"

#define IDEM_SCRIPT_PAUSE_US INT64_C(6000000)

enum idem_script_what { IDEM_SCRIPT_KEY_UP, IDEM_SCRIPT_KEY_DOWN, IDEM_SCRIPT_POINTER };

struct idem_script_event {
    int64_t t_us;
    float x, y;   /* pointer */
    uint8_t what; /* enum idem_script_what */
    uint8_t code; /* key code or enum idem_pointer_kind */
};

struct idem_script {
    struct idem_script_event *events; /* ascending by time */
    uint32_t count;
};

/* The person of that name in all recordings. IDEM_ERR_NOT_FOUND when none knows the name. */
int idem_script_make(struct idem_recording *const *recs, int count, const char *person,
                     struct idem_script *out);
/* From `at` on, other's events take the place of what is left: hands change. IDEM_ERR_INVALID at or
 * after the end. */
int idem_script_take_over(struct idem_script *script, const struct idem_script *other,
                          int64_t at_us);
/* A machine at the keyboard: so many keys, each held for 2 ms, 10 ms apart. */
int idem_script_machine(uint32_t keys, struct idem_script *out);
void idem_script_free(struct idem_script *script); /* wipes */

#endif
