/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liveness.h - does the guard tell programs from people? Recordings that know (is_bot), made
 * programs, recorded movements played again, and people whom nobody should be alarmed by.
 *
 * A session's score, for AUC only: the mean over its movements of what the forest says of each,
 * -5..5 nats, jumps 4; of its first three movements likewise. Of a keyboard: log odds of the keys'
 * contest. Alarms are the guard's own.
 */
#ifndef IDEM_EVAL_LIVENESS_H
#define IDEM_EVAL_LIVENESS_H

#include <stdio.h>

#include "eval/grow.h"
#include "eval/movements.h"
#include "eval/sheet.h"

enum {
    IDEM_LIVENESS_FILES = 16,
    IDEM_LIVENESS_SOURCES = 64, /* programs of a recording */
    IDEM_LIVENESS_BOOTSTRAP = 500,
    IDEM_LIVENESS_SOON = 5, /* gestures that an alarm should have come within */
    IDEM_LIVENESS_STYLE_SESSIONS = 200,
    IDEM_LIVENESS_STYLE_GESTURES = 8,
    IDEM_LIVENESS_REPLAYS = 200, /* sessions played again */
};

struct idem_liveness_score {
    double all, three;
    uint32_t source; /* the person of the recording */
    uint32_t alarm_at, alarms;
    bool program;
};

struct idem_liveness_scores {
    struct idem_liveness_score *list;
    uint32_t count, room;
};

struct idem_interval {
    double value, low, high; /* 95 %, sessions drawn anew */
};

struct idem_liveness_row {
    uint32_t programs, people; /* sessions */
    struct idem_interval auc, auc3;
    uint32_t alarmed, soon; /* programs; within IDEM_LIVENESS_SOON */
    double at_p50, at_p95;  /* movements (keys: not told) at the alarm; INFINITY: later */
    uint32_t false_alarms;
};

/* Adds every labelled session. forest: of the pointer. */
int idem_liveness_score_file(const struct idem_recording *rec, const struct idem_forest *forest,
                             struct idem_liveness_scores *out);
/* Programs of one source (-1: of all) against all people. IDEM_ERR_TOO_LITTLE without both. */
int idem_liveness_row(const struct idem_liveness_scores *scores, int source,
                      struct idem_liveness_row *out);
void idem_liveness_scores_fini(struct idem_liveness_scores *scores);

/*
 * Scores of one program and of all people of the recording that m was taught from, each by a forest
 * that has seen neither that program nor the session; without source (-1): not the session. narrow:
 * it has not seen made hands, and knows people at the recording's own task only.
 */
int idem_liveness_left_out(const struct idem_movements *m, const struct idem_recording *rec,
                           int source, bool narrow, struct idem_liveness_scores *out);

struct idem_liveness_style {
    uint32_t sessions, soon, alarmed; /* alarmed within all gestures of the session */
    double nats;                      /* a movement, mean */
};

/* A made program by a forest that has not seen its style. */
int idem_liveness_style(const struct idem_movements *m, int style, struct idem_liveness_style *out);

struct idem_liveness_replay {
    uint32_t sessions, alarmed, as_replay;
};

struct idem_liveness_alarm {
    uint32_t file, person, session, at;
    struct idem_guard_verdict verdict;
};

struct idem_liveness_people {
    uint32_t people, sessions, alarms, sessions_alarmed, told_human;
    uint64_t movements;
    double hours; /* with an event at least every five seconds */
};

/* Sessions are played, and again at once with positions and times displaced by up to `noise`. */
int idem_liveness_replays(const struct idem_recording *rec, double noise,
                          struct idem_liveness_replay *out);

/* ------------------------------------------------------------------ the answer */

struct idem_liveness_file {
    const char *path;
    const struct idem_recording *rec;
    struct idem_liveness_scores scores;
    struct idem_liveness_people people;
};

struct idem_liveness_outcome {
    struct idem_liveness_file tested[IDEM_LIVENESS_FILES], human[IDEM_LIVENESS_FILES];
    int tested_count, human_count;
    const struct idem_recording *teach; /* or NULL, and then no table of what was left out */
    struct idem_movements movements;
    struct idem_liveness_alarm *alarms;
    uint32_t alarm_count, alarm_room;
    struct idem_sheet sheet;
};

/* People of file number `file`: adds to the alarms. */
int idem_liveness_people(struct idem_liveness_outcome *o, uint32_t file);
/* Fills the sheet's tables from the rest; left-out fits are made here. */
int idem_liveness_sheet(struct idem_liveness_outcome *o);
int idem_liveness_json(const struct idem_liveness_outcome *o, FILE *to);
void idem_liveness_outcome_fini(struct idem_liveness_outcome *o);

#endif
