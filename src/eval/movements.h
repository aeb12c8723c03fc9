/* SPDX-License-Identifier: Apache-2.0 */
/*
 * movements.h - what the pointer's judge measures of recorded and made sessions, as a list to learn
 * from; and how a session ends under given weights.
 *
 * A source is one program, one group of recorded people or the model of hands. Sources weigh alike
 * within programs; among hands each has a share of its own.
 */
#ifndef IDEM_EVAL_MOVEMENTS_H
#define IDEM_EVAL_MOVEMENTS_H

#include "guard/motion.h"
#include "input/recording.h"

enum { IDEM_SOURCES = 64, IDEM_FOLDS_MAX = 8 };

struct idem_move_source {
    char name[64];
    bool program;
    double share; /* of the weight on its side, before sides are made equal */
    uint32_t movements;
};

struct idem_movement {
    float measure[IDEM_MEASURES];
    uint8_t source, fold;
};

struct idem_movements {
    struct idem_movement *list;
    uint32_t count, room;
    struct idem_move_source source[IDEM_SOURCES];
    uint32_t source_count;
};

/* The source's number, or a negative error when there is no room. */
int idem_movements_source(struct idem_movements *m, const char *name, bool program, double share);
/* Plays a session through the judge and keeps every movement. */
int idem_movements_play(struct idem_movements *m, uint32_t source, uint32_t fold,
                        const struct idem_motion *motions, uint32_t count);
void idem_movements_fini(struct idem_movements *m);

/* What one session comes to. */
struct idem_ordeal {
    uint32_t judged;             /* movements and jumps */
    double mean, mean3;          /* nats of a movement or its pieces: of all, of the first three */
    double most;                 /* log odds at their highest, alarms left out */
    uint32_t alarm_at;           /* movements when an alarm was given, 0: none */
    uint32_t alarms;             /* each is dealt with, and the session goes on */
    int64_t alarm_us;            /* the first */
    enum idem_guard_kind kind;   /* at the first alarm, else at the end */
    struct idem_finding finding; /* likewise */
};

void idem_ordeal(const struct idem_forest *forest, const struct idem_motion *motions,
                 uint32_t count, struct idem_ordeal *out);

#endif
