/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h - the server without its sockets, in this process: the store on the crash disk, the bus,
 * and the real worker that judges, commits and answers. Requests are put on the bus as the HTTP
 * threads put them; when one is answered, the disk's time of that moment is noted.
 *
 * Secrets lie in a directory of the real file system, which the caller makes and which the power
 * cuts do not touch.
 */
#ifndef IDEM_TESTS_WORLD_H
#define IDEM_TESTS_WORLD_H

#include "server/worker.h"

#include "server/command.h"
#include "server/keyring.h"
#include "store/gate_log.h"

#define WORLD_DATABASE "/crash/idem.db"
#define WORLD_GATE     "/crash/gate.db"

enum { WORLD_ANSWER_MAX = IDEM_SESSION_JSON_MAX + 1024, WORLD_BATCH_MAX = 16 };

struct world {
    struct idem_worker_parts parts;
    struct idem_people_parts kept;
    struct idem_gate_log *gate;
    struct idem_worker *worker;
    int64_t organisation; /* everybody's */
};

/* A request and its answer. The first member is what the worker sees. */
struct ask {
    struct idem_command command;
    char answer[WORLD_ANSWER_MAX];
    size_t submitted, answered; /* times of the disk */
    bool good;                  /* answered as done */
};

/* Starts a server on the mounted disk, with the threads it would have. */
int world_open(struct world *w, const char *dir, const struct idem_population *population,
               unsigned threads);
/* Stops it as SIGTERM does. What the disk no longer takes is lost, as it would be. */
void world_close(struct world *w);

/* Removes a directory of secrets with what a server has put there. */
void world_remove(const char *dir);

/* Empties the request, keeping nothing. */
void ask_begin(struct ask *a, enum idem_command_kind kind);
/* Puts all of them on the bus before the worker sees any of them, or nearly; waits for all. */
void world_ask(struct world *w, struct ask *asks, size_t count);
/* The id of the session that an opening was answered with. */
bool ask_session(const struct ask *a, uint8_t id[IDEM_ID_BYTES]);

#endif
