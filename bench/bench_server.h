/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_server.h - what the benchmarks of the server share: a server, sessions, their tokens and
 * the windows that wait to be sent; and the sessions of a seat, whose openings and windows are
 * signed.
 */
#ifndef IDEM_BENCH_SERVER_H
#define IDEM_BENCH_SERVER_H

#include "load.h"
#include "people.h"
#include "wire/wire.h"

#include <sys/types.h>

enum {
    TYPISTS = 64,      /* simulated hands; sessions share them, but neither identity nor windows */
    ENROL_WINDOWS = 4, /* sent in one request */
    WARM_ROUNDS = 8,   /* before "steady" is measured */
    STEADY_ROUNDS = 24,
    STEADY_SHARE = 10,
    TOKEN = 43,
};

struct body {
    uint8_t *bytes;
    size_t len;
};

struct bench {
    const struct idem_front *front;
    uint16_t port;
    size_t sessions, next, last; /* the next request, and the end */
    size_t tokens_kept;
    uint32_t seq; /* that every session has come to */
    char (*tokens)[TOKEN + 1];
    struct person people[TYPISTS];
    struct typist *typists; /* one a session */
    struct body *stock;     /* of a measurement, session by session, round by round */
    size_t stock_len;
    struct idem_wire_seal *seals; /* one a session, NULL: they are not signed */
};

/* A server of its own; config: a file, or NULL. */
pid_t spawn(const char *server, const char *population, const char *data, const char *config,
            uint16_t *port);
struct idem_population *load_population(const char *path);
/* Opens b->sessions sessions and enrols everybody; openings a second. */
double prepare(struct bench *b, struct load *l);
/* The windows of `rounds` rounds, one a request, in place of those of before. */
void make_stock(struct bench *b, uint32_t rounds);
void drop_stock(struct bench *b);
/* The next one up to b->last, round and round the stock. */
bool next_window(void *arg, char *request, size_t *len);
size_t put_request(const struct bench *b, char *request, const char *path, const char *token,
                   const char *type, const void *body, size_t len);
/* Takes the token of the next session out of the answer that opened it. */
void keep_token(void *arg, const char *answer, size_t len);

/*
 * bench_seats.c: enrols a seat and opens b->sessions sessions by it, of the same people as the
 * demonstration's; openings a second, the challenges not counted. data: the server's directory.
 */
double open_by_seat(struct bench *b, struct load *l, const char *data);

#endif
