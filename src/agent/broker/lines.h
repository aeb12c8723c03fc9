/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.h - the broker's two lines: to the sensor, which may say three verbs, and to the courier,
 * which may say nothing: its line is shut for reading before anything else. The broker connects to
 * both and hands them the two ends of a line of their own, anew whenever either is new.
 *
 *   nobody listens, or a line ends   tried again: after 0.1 s, then twice as long each time, up to
 *                                    10 s; only while one is missing
 *   the peer does not read           its line is ended: the broker waits for nobody
 *   the sensor says what it may not  logged, ended
 */
#ifndef IDEM_BROKER_LINES_H
#define IDEM_BROKER_LINES_H

#include "agent/line.h"
#include "agent/loop.h"

struct idem_lines;

struct idem_broker_line {
    const char *name, *path;
    struct idem_lines *lines;
    struct idem_watch watch; /* fd -1: missing */
    struct idem_timer again;
    int64_t wait_us, since_us;
};

struct idem_lines {
    struct idem_loop *loop;
    struct idem_broker_line sensor, courier; /* path: set by the caller */
    void (*verb)(void *arg, uint32_t verb, uint32_t number);
    void (*sensor_is_new)(void *arg);  /* tell it everything */
    void (*courier_is_new)(void *arg); /* tell it who is here */
    void *arg;
};

void idem_lines_open(struct idem_lines *lines);
void idem_lines_close(struct idem_lines *lines);
/* Sent if it is there and reads. fd: a descriptor to go with it, or -1. */
void idem_lines_tell(struct idem_broker_line *line, const struct idem_message_head *head, int fd);
/* Ends the line and connects anew; why: for the log. */
void idem_lines_end(struct idem_broker_line *line, const char *why);

#endif
