/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool.h - what the subcommands of `idem-agent` share: options, messages, and the line to the
 * courier (courier/control.h). The command has no rights of its own: what it may, the courier
 * decides by the user whom the kernel names.
 */
#ifndef IDEM_AGENT_TOOL_TOOL_H
#define IDEM_AGENT_TOOL_TOOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "agent/courier/control.h"

enum { IDEM_EXIT_OK = 0, IDEM_EXIT_FAILED = 1, IDEM_EXIT_USAGE = 2 };

#define IDEM_TOOL_SOCKET "/run/idem-agent/control"
#define IDEM_TOOL_REALS  JSON_REAL_PRECISION(6) /* of JSON: 0.99, and not the float next to it */

struct idem_tool {
    const char *command;                 /* "pause", for messages */
    const char *socket;                  /* IDEM_TOOL_SOCKET, or what --socket says */
    const char *argument;                /* the one word besides options, or NULL */
    bool json, all, yes, terminal, once; /* options that were given */
};

/* Subcommands: each returns an exit code. */
int idem_tool_status(const struct idem_tool *tool);
int idem_tool_watch(const struct idem_tool *tool);
int idem_tool_pause(const struct idem_tool *tool);
int idem_tool_resume(const struct idem_tool *tool);
int idem_tool_acknowledge(const struct idem_tool *tool);
int idem_tool_withdraw(const struct idem_tool *tool);
int idem_tool_welcome(const struct idem_tool *tool);
int idem_tool_nonce(const struct idem_tool *tool);
int idem_tool_enrol(const struct idem_tool *tool);

/* "idem-agent: ..." on stderr; returns IDEM_EXIT_FAILED. */
int idem_tool_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int idem_tool_usage(const struct idem_tool *tool, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ------------------------------------------------------------------ the courier */

struct idem_tool_line {
    int fd;
    size_t len; /* that has been received and not been taken */
    char bytes[IDEM_CONTROL_ANSWER_MAX];
};

/* Errors of all three are told by idem_tool_lost(), not here. IDEM_ERR_NOT_FOUND: nobody listens;
 * IDEM_ERR_IO: the line broke or kept silent for timeout_ms (0: no limit); IDEM_ERR_FORMAT: what
 * was said is no JSON object. *out is the caller's to free. */
int idem_tool_connect(const struct idem_tool *tool, struct idem_tool_line *line);
int idem_tool_send(struct idem_tool_line *line, json_t *request); /* takes over the request */
int idem_tool_hear(struct idem_tool_line *line, int timeout_ms, json_t **out);
void idem_tool_hang_up(struct idem_tool_line *line);
int idem_tool_lost(const struct idem_tool *tool, int err);

/* One question, one answer, after a message if it is none: 0 or an exit code. A NULL out: whether
 * it was done is all that is asked. */
int idem_tool_ask(const struct idem_tool *tool, json_t *request, json_t **out);
/* {"request": name} */
json_t *idem_tool_request(const char *name);
/* 0 for {"ok": true}; else an exit code after the courier's message. */
int idem_tool_check(const json_t *answer);

/* ------------------------------------------------------------------ JSON */

/* What is not there, or of another kind, is "", 0 and false. path: "pause.state". */
const char *idem_tool_text(const json_t *object, const char *path);
json_int_t idem_tool_int(const json_t *object, const char *path);
double idem_tool_number(const json_t *object, const char *path);
bool idem_tool_true(const json_t *object, const char *path);
const json_t *idem_tool_get(const json_t *object, const char *path);

/* ------------------------------------------------------------------ words */

enum { IDEM_TOOL_WORDS_MAX = 160 };

/* "15 minutes", "1 minute", "90 seconds", "2 hours" */
const char *idem_tool_span(json_int_t seconds, char text[IDEM_TOOL_WORDS_MAX]);
/* From "2026-01-31T10:00:00Z" to the local time of day, with the date when it is not today's; as it
 * is when it is no time. */
const char *idem_tool_when(const char *time, char text[IDEM_TOOL_WORDS_MAX]);
/* The sentence on top of `status`. sound: nothing is wrong. */
void idem_tool_headline(const json_t *status, char *text, size_t cap, bool *sound);
/* "the screen is locked", for the policy's "lock". */
const char *idem_tool_action(const char *name);
/* "keys that no hand typed", for "injected-keys". */
const char *idem_tool_kind(const char *name);
/* From the environment: "de" of LANG=de_AT.UTF-8; "en" when it says nothing. */
const char *idem_tool_language(char text[IDEM_CONTROL_ARGUMENT_MAX]);

/* Text without what a terminal would take for a command; print: to stdout, with a line's end. */
void idem_tool_put(FILE *to, const char *text);
void idem_tool_print(const char *text);

/* ------------------------------------------------------------------ the acknowledgement */

/* What is to be acknowledged: {"state", "version", "language", "text"}. As idem_tool_ask(). */
int idem_tool_text_ask(const struct idem_tool *tool, json_t **out);
/* Records it. 0 or an exit code after a message. */
int idem_tool_acknowledge_now(const struct idem_tool *tool, const char *version);
/* Asks on the terminal: true for yes. */
bool idem_tool_confirm(const char *question);

#endif
