/* SPDX-License-Identifier: Apache-2.0 */
/*
 * courier.h - the sensor's line to the courier, and what to do without one.
 *
 *   no courier            windows and alarms wait (outbox.h), everything else goes on as it was
 *   it does not read      likewise, until it does
 *   a new line            the state is told, then the alarms that no courier has said to have
 *                         heard, then what has waited
 *   a message that may    the line is ended
 *   not be
 *   a front that is none  is left out, with a line in the log: what was collected with the old one
 *                         goes on
 *   a front that tells    likewise: how finely it may be is for whoever started the process, and
 *   keys too finely       neither for courier nor server
 *   it says too much      devices have their turn after so many messages (A_TURN), and of so many
 *                         complaints about one line (COMPLAINTS) the log holds no more
 */
#ifndef IDEM_AGENT_SENSOR_COURIER_H
#define IDEM_AGENT_SENSOR_COURIER_H

#include "agent/line.h"
#include "agent/loop.h"
#include "agent/sensor/engine.h"
#include "agent/sensor/outbox.h"

enum { IDEM_COURIER_A_TURN = 4, IDEM_COURIER_COMPLAINTS = 16 };

struct idem_courier_line {
    struct idem_loop *loop;
    struct idem_engine *engine;
    struct idem_watch watch; /* fd -1: none */
    struct idem_outbox outbox;
    struct idem_state_message told; /* the last state told on this line; type 0: none yet */
    uint32_t broker;                /* 1: there is one */
    uint32_t complaints;            /* about this line */
    enum idem_level finest;         /* that a front may have; by default IDEM_LEVEL_DEFAULT */
    struct idem_line_buffer received;
    void (*settle)(void *arg); /* called when the courier has asked for something, or is gone */
    void *arg;
};

void idem_courier_line_init(struct idem_courier_line *c, struct idem_loop *loop,
                            struct idem_engine *engine, void (*settle)(void *arg), void *arg);
/* Takes fd over; an older line ends. */
void idem_courier_line_begin(struct idem_courier_line *c, int fd);
void idem_courier_line_end(struct idem_courier_line *c, const char *why);
void idem_courier_line_window(struct idem_courier_line *c, const struct idem_window *window);
void idem_courier_line_alarm(struct idem_courier_line *c, const struct idem_alarm_message *alarm);
/* What became of a verb: told when somebody is there to hear it. */
void idem_courier_line_done(struct idem_courier_line *c, const struct idem_done_message *done);
/* The state, if it has changed. */
void idem_courier_line_state(struct idem_courier_line *c);

#endif
