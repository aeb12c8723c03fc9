/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_splice.h - the command line, the recordings and the populations of `idem eval takeover` and
 * `idem eval calibration`, which both put people into each other's place.
 */
#ifndef IDEM_CLI_EVAL_SPLICE_H
#define IDEM_CLI_EVAL_SPLICE_H

#include "cli/command.h"
#include "eval/outcome.h"
#include "eval/seat.h"

enum idem_splice_kind { IDEM_SPLICE_TAKEOVER = 1, IDEM_SPLICE_CALIBRATION = 2 };
enum { IDEM_SPLICE_POPULATIONS = 8, IDEM_SPLICE_SOURCES = IDEM_SPLICE_POPULATIONS + 2 };

struct idem_splice_options {
    const char *keys, *pointer; /* recordings; either may be NULL */
    const char *population[IDEM_SPLICE_POPULATIONS];
    int populations;
    uint32_t folds; /* 0: none */
    const char *users, *pointer_users, *population_users, *level, *html;
    uint32_t window, gestures; /* strokes per window */
    uint32_t enrol, enrol_gestures, enrol_percent;
    uint32_t trials, seed, refractory_s;
    uint32_t horizon_s, hazard; /* hazard: takeovers per 10,000 active hours, 0: the default */
    bool window_table, json, skip_bad;
};

struct idem_splice_stage {
    double started;
    struct idem_source sources[IDEM_SPLICE_SOURCES];
    int count;
    struct idem_recording *recs[IDEM_MODALITIES];
    struct idem_cast cast;
    const char *level;
    char population[256]; /* one sentence on who taught it */
    const char *population_file;
};

/* 0: go on. -1: help was printed, done. Otherwise an exit code after a message. */
int idem_splice_parse(int argc, char **argv, enum idem_splice_kind kind,
                      struct idem_splice_options *out);

/* Reads, learns, deals the parts. 0, or an exit code after a message; close it in either case. */
int idem_splice_open(const struct idem_splice_options *o, struct idem_splice_stage *stage);
void idem_splice_close(struct idem_splice_stage *stage);
/* The options of a seat, with every modality that was recorded. */
void idem_splice_seat(const struct idem_splice_options *o, const struct idem_splice_stage *stage,
                      struct idem_seat_options *seat);
/* Sets a seat's switches back to every modality that was recorded. */
void idem_splice_use(const struct idem_splice_stage *stage, struct idem_seat_options *seat);
/* The files read, for the page; their number. */
int idem_splice_files(const struct idem_splice_stage *stage, struct idem_outcome_file *files,
                      int room);

int idem_cli_eval_takeover(int argc, char **argv);
int idem_cli_eval_calibration(int argc, char **argv);

#endif
