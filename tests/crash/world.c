/* SPDX-License-Identifier: Apache-2.0 */
/* world.c - a server in this process; see world.h. */
#include "world.h"

#include "crash_vfs.h"
#include "server/clock.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static size_t waiting;

static void nothing(void *context)
{
    (void)context;
}

static const struct idem_stream_hooks hooks = {nothing, nothing, nothing};

/* As main does it. */
static int open_people(struct world *w, const char *dir, const struct idem_front *front)
{
    w->kept.store = w->parts.store;
    int err = idem_keyring_open(dir, &w->kept);
    return err != 0 ? err : idem_people_new(dir, &w->kept, front, &w->parts.people);
}

int world_open(struct world *w, const char *dir, const struct idem_population *population,
               unsigned threads)
{
    struct idem_worker_parts *p = &w->parts;
    const struct idem_front *front = idem_population_front(population);
    int64_t demo = 0;
    const char *why;
    int err;

    memset(w, 0, sizeof *w);
    p->population = population;
    p->threads = threads;
    if ((err = idem_store_sqlite_open(WORLD_DATABASE, &p->store, NULL)) == 0 &&
        (err = idem_organisations_new(p->store, &p->organisations)) == 0 &&
        (demo = idem_organisations_row(p->organisations, "demo")) > 0 &&
        (err = idem_seats_new(p->store, IDEM_SESSION_SLOTS_MAX, &p->seats)) == 0 &&
        (err = idem_auth_new(dir, IDEM_SESSION_SLOTS_MAX, demo, &p->auth)) == 0 &&
        (err = open_people(w, dir, front)) == 0 &&
        (err = idem_gate_log_open(WORLD_GATE, &w->gate, &why)) == 0 &&
        (err = idem_bus_local_new(IDEM_QUEUE_MAX, &p->bus)) == 0 &&
        (err = idem_streams_new(&hooks, &p->streams)) == 0 &&
        (err = idem_worker_new(p, &w->worker)) == 0)
        err = idem_worker_start(w->worker);
    w->organisation = demo;
    if (err != 0 || demo == 0)
        world_close(w);
    return err != 0 || demo > 0 ? err : IDEM_ERR_NOT_FOUND;
}

void world_close(struct world *w)
{
    if (w->worker != NULL)
        idem_worker_stop(w->worker);
    idem_worker_free(w->worker);
    idem_streams_free(w->parts.streams);
    if (w->parts.bus != NULL)
        w->parts.bus->ops->free(w->parts.bus);
    idem_people_free(w->parts.people);
    idem_auth_free(w->parts.auth);
    idem_seats_free(w->parts.seats);
    idem_organisations_free(w->parts.organisations);
    idem_gate_log_close(w->gate);
    idem_keyring_close(&w->kept);
    if (w->parts.store != NULL)
        w->parts.store->ops->close(w->parts.store);
    memset(w, 0, sizeof *w);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *walk)
{
    (void)st, (void)flag, (void)walk;
    return remove(path);
}

void world_remove(const char *dir)
{
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The moment that counts: from here on the peer may know. */
static void done(struct idem_command *command, bool more)
{
    struct ask *a = (struct ask *)command; /* command is the first member */

    (void)more;
    a->answered = crash_vfs_now();
    a->good = command->problem == IDEM_PROBLEM_NONE;
    pthread_mutex_lock(&lock);
    waiting--;
    pthread_cond_signal(&answered);
    pthread_mutex_unlock(&lock);
}

void ask_begin(struct ask *a, enum idem_command_kind kind)
{
    memset(a, 0, sizeof *a);
    a->command.kind = kind;
    a->command.done = done;
    a->command.slot = -1;
    a->command.received_ms = idem_clock_ms();
}

void world_ask(struct world *w, struct ask *asks, size_t count)
{
    struct idem_bus *bus = w->parts.bus;

    waiting = count;
    for (size_t i = 0; i < count; i++) {
        struct ask *a = &asks[i];
        a->command.answer = (struct idem_text){a->answer, 0, sizeof a->answer - 1, false};
        a->command.grant.organisation = w->organisation;
        a->command.opening.organisation = w->organisation;
        a->command.opening.start = IDEM_START_STRONG;
        a->submitted = crash_vfs_now();
        if (bus->ops->push(bus, &a->command) != 0)
            abort();
    }
    pthread_mutex_lock(&lock);
    while (waiting > 0)
        pthread_cond_wait(&answered, &lock);
    pthread_mutex_unlock(&lock);
}

bool ask_session(const struct ask *a, uint8_t id[IDEM_ID_BYTES])
{
    const char *at = strstr(a->answer, "\"id\":\"");
    char text[IDEM_PUBLIC_ID_TEXT + 1] = "";

    if (at == NULL)
        return false;
    memcpy(text, at + strlen("\"id\":\""), IDEM_PUBLIC_ID_TEXT);
    return idem_public_id_parse("s_", text, id) == 0;
}
