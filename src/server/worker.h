/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - the one thread that owns sessions, people and the store.
 *
 *   HTTP threads --commands--> bus --> worker: run of like commands -> one transaction -> commit
 *                                              -> apply, answer, done()
 *
 * Commands are taken in batches; while one batch is being committed the next one gathers on the
 * bus, so a batch is as large as the load makes it. Neighbouring commands of the same kind that can
 * share a transaction do (windows, openings); every other command stands alone. Nothing in memory
 * changes before the commit has succeeded, and nobody is answered before either.
 *
 * Judging windows costs most, so a run's windows are shared out to a few threads, by person: what
 * belongs to one person is in one share, in order, and the worker waits for all shares.
 */
#ifndef IDEM_SERVER_WORKER_H
#define IDEM_SERVER_WORKER_H

#include "bus/bus.h"
#include "server/auth.h"
#include "server/organisations.h"
#include "server/people.h"
#include "server/seats.h"
#include "server/stream.h"

struct idem_heads;
struct idem_policy;
struct idem_porter;

struct idem_worker_parts {
    struct idem_store *store;
    struct idem_bus *bus;
    struct idem_auth *auth;
    struct idem_people *people;
    struct idem_organisations *organisations;
    struct idem_seats *seats;
    int64_t token_ms; /* how long a session's token is good */
    struct idem_streams *streams;
    struct idem_porter *porter; /* NULL: there is no gate */
    struct idem_heads *heads; /* NULL: the audit log's heads go nowhere */
    const struct idem_population *population;
    const uint8_t *population_hash; /* [IDEM_POPULATION_HASH], of its file; NULL: not known */
    struct idem_policy *policy; /* to begin with; NULL: none, the constants hold */
    unsigned threads; /* that judge windows, the worker's own counted: 1..IDEM_THREADS_MAX */
};

struct idem_worker;

/* Reads open sessions and their windows back from the store. The parts must outlive the worker. */
int idem_worker_new(const struct idem_worker_parts *parts, struct idem_worker **out);
void idem_worker_free(struct idem_worker *worker);
int idem_worker_start(struct idem_worker *worker);
/* Shuts the bus, lets the worker finish what is on it, and waits for that. */
void idem_worker_stop(struct idem_worker *worker);

#endif
