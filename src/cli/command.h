/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - what the subcommands of `idem` share: exit codes, messages, progress, reading files.
 */
#ifndef IDEM_CLI_COMMAND_H
#define IDEM_CLI_COMMAND_H

#include "eval/learning.h"
#include "input/recording.h"

enum { IDEM_EXIT_OK = 0, IDEM_EXIT_FAILED = 1, IDEM_EXIT_USAGE = 2 };

/* Subcommands: argv[0] is the subcommand's name; each returns an exit code. */
int idem_cli_account(int argc, char **argv);
int idem_cli_train(int argc, char **argv);
int idem_cli_backup(int argc, char **argv);
int idem_cli_keys(int argc, char **argv);
int idem_cli_person(int argc, char **argv);
int idem_cli_restore(int argc, char **argv);
int idem_cli_eval(int argc, char **argv);
int idem_cli_eval_leak(int argc, char **argv);
int idem_cli_policy(int argc, char **argv);
int idem_cli_replay(int argc, char **argv);
int idem_cli_seat(int argc, char **argv);
int idem_cli_key(int argc, char **argv);
int idem_cli_audit(int argc, char **argv);

/* "idem: ..." on stderr; return IDEM_EXIT_FAILED and IDEM_EXIT_USAGE (with a hint at --help). */
int idem_cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int idem_cli_usage(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "idem: ..." on stderr, for what the user should know though the work goes on. */
void idem_cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A whole number in [min, max], nothing else in the text. */
bool idem_cli_number(const char *text, uint32_t min, uint32_t max, uint32_t *out);

/* Seconds on the monotonic clock. */
double idem_cli_now(void);

/* The command begins now: the first thing that main does. */
void idem_cli_begin(void);

/*
 * A bar on stderr, shown only when stderr is a terminal and the command has taken two seconds. Call
 * with growing `done`, at last with done == of, which wipes it. arg: the step's name.
 */
void idem_cli_progress(void *arg, uint32_t done, uint32_t of);

/* One recording to read: the first five are given, the rest comes out. */
struct idem_source {
    const char *path;
    const char *users; /* ranges of idem_recording_keep, or NULL */
    bool skip_bad;
    bool keep_lost; /* strokes whose release was lost stay in */
    bool teaches;   /* a population is learned from it: leave out the split `test` */
    struct idem_recording *rec;
    struct idem_fault fault;
    int err;
};

/*
 * Reads all sources at once, keeps the wanted people, takes out lost releases and says what was
 * left out. 0, or an exit code after a message. What was read is freed by idem_cli_close in either
 * case.
 */
int idem_cli_read(struct idem_source *sources, int count);
void idem_cli_close(struct idem_source *sources, int count);

/* True when the file begins like a population file. */
bool idem_cli_is_population(const char *path);
/* Reads a population file. 0, or an exit code after a message. */
int idem_cli_read_population(const char *path, struct idem_learned *out);

#endif
