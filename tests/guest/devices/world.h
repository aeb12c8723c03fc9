/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h - the agent on this machine: its broker and its sensor as they are shipped, started as
 * systemd would, with inherited sockets and the sensor's own user; and in the place of the courier
 * this program, which gives the sensor a front and leave to collect, and listens.
 */
#ifndef IDEM_GUEST_WORLD_H
#define IDEM_GUEST_WORLD_H

#include <sys/types.h>

#include "agent/line.h"

enum {
    WORLD_WINDOW_KEYS = IDEM_WINDOW_KEYS, /* of the windows asked for here */
    WORLD_WAIT_MS = 30000,                /* an end, not a promise */
    WORLD_ALARMS = 16,
    WORLD_DONES = 16,
};

struct world {
    pid_t broker, sensor;
    int sensor_listening, courier_listening;
    int told; /* by the broker */
    int line; /* to the sensor, made by the broker */
    uint32_t lines;
    struct idem_presence_message presence;
    struct idem_state_message state;
    uint32_t windows, alarm_count, done_count;
    struct idem_window_message window; /* the last one's head */
    struct idem_alarm_message alarms[WORLD_ALARMS];
    struct idem_done_message dones[WORLD_DONES];
};

/* With both processes running, and settings given. False: not within WORLD_WAIT_MS. */
bool world_start(struct world *w);
/* Only the sockets. */
void world_open(struct world *w);
void world_stop(struct world *w);

pid_t world_start_sensor(const struct world *w);
pid_t world_start_broker(void);
void world_kill(pid_t *pid);
/* True when the process has ended; *status as by waitpid. */
bool world_ended(pid_t pid, int *status);

/* Front and settings, to the sensor. */
void world_give_leave(const struct world *w);

/* Listens for so long, or until done(w, arg), which is then the answer. NULL: for the whole time.
 */
bool world_listen(struct world *w, int ms, bool (*done)(const struct world *w, const void *arg),
                  const void *arg);
/* Until so many keyboards are read by the sensor. */
bool world_has_keyboards(struct world *w, uint32_t count);
/* Windows and alarms so far are forgotten. */
void world_forget(struct world *w);

/* An alarm about keys that led to at least this; NULL: none. */
const struct idem_alarm_message *world_alarm(const struct world *w, enum idem_agent_action least);
/* The verb was done without an error. */
bool world_did(const struct world *w, enum idem_verb verb);

#endif
