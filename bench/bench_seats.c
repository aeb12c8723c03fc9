/* SPDX-License-Identifier: Apache-2.0 */
/* bench_seats.c - see bench_server.h: a seat that opens many sessions, each with its challenge. */
#include "bench_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct idem_seal_key key; /* the seals point to it */

struct seat {
    struct bench *bench;
    char operator[TOKEN + 1], host[64], code[IDEM_SEAL_CODE_TEXT + 1];
    long long id;
    size_t asked, kept;
    uint8_t (*nonces)[IDEM_SEAL_NONCE];
    struct body *openings;
};

/* ------------------------------------------------------------------ answers */

/* What stands behind "name": in an answer. */
static const char *field(const char *answer, size_t len, const char *name)
{
    char quoted[64];
    int n = snprintf(quoted, sizeof quoted, "\"%s\":", name);
    const char *at = memmem(answer, len, quoted, (size_t)n);

    if (at == NULL)
        die(name);
    return at + n;
}

static void take_text(const char *at, char *out, size_t size)
{
    size_t n = strcspn(at + 1, "\"");

    if (at[0] != '"' || n >= size)
        die("an answer of another form");
    memcpy(out, at + 1, n);
    out[n] = '\0';
}

static void take_nonce(const char *answer, size_t len, uint8_t nonce[IDEM_SEAL_NONCE])
{
    char text[2 + 4 * IDEM_SEAL_NONCE / 3];

    take_text(field(answer, len, "nonce"), text, sizeof text);
    if (idem_seal_parse(text, nonce, IDEM_SEAL_NONCE) != 0)
        die("a nonce of another form");
}

static void keep_code(void *arg, const char *answer, size_t len)
{
    struct seat *s = arg;
    take_text(field(answer, len, "code"), s->code, sizeof s->code);
}

static void keep_id(void *arg, const char *answer, size_t len)
{
    struct seat *s = arg;
    s->id = atoll(field(answer, len, "id"));
}

static void keep_challenge(void *arg, const char *answer, size_t len)
{
    struct seat *s = arg;
    take_nonce(answer, len, s->nonces[s->kept++]);
}

/* Connections answer in any order: the session's person does not matter, its nonce does. */
static void keep_session(void *arg, const char *answer, size_t len)
{
    struct seat *s = arg;
    struct idem_wire_seal *seal = &s->bench->seals[s->bench->tokens_kept];

    seal->key = &key;
    take_nonce(answer, len, seal->nonce);
    idem_seal_first(seal->nonce, seal->link);
    keep_token(s->bench, answer, len);
}

/* ------------------------------------------------------------------ requests */

static bool next_seat(void *arg, char *request, size_t *len)
{
    static const char body[] = "{\"name\":\"bench\"}";
    struct seat *s = arg;

    if (s->asked++ > 0)
        return false;
    *len = put_request(s->bench, request, "/v1/seats", s->operator, "json", body, sizeof body - 1);
    return true;
}

static bool next_registration(void *arg, char *request, size_t *len)
{
    uint8_t hash[IDEM_SEAL_CODE_HASH], signature[IDEM_SEAL_SIGNATURE];
    char public[2 + 4 * IDEM_SEAL_PUBLIC / 3], text[2 + 4 * IDEM_SEAL_SIGNATURE / 3], body[400];
    struct seat *s = arg;
    struct idem_seal_message m;

    if (s->asked++ > 0)
        return false;
    if (idem_seal_code_hash(s->code, hash) != 0 ||
        idem_seal_registration(hash, key.public, s->host, &m) != 0)
        die("a code of another form");
    idem_seal_sign(&key, &m, signature);
    idem_seal_text(key.public, sizeof key.public, public);
    idem_seal_text(signature, sizeof signature, text);
    int n =
        snprintf(body, sizeof body, "{\"code\":\"%s\",\"public_key\":\"%s\",\"signature\":\"%s\"}",
                 s->code, public, text);
    *len = put_request(s->bench, request, "/v1/seats/register", "none", "json", body, (size_t)n);
    return true;
}

static bool next_challenge(void *arg, char *request, size_t *len)
{
    struct seat *s = arg;

    if (s->asked == s->bench->sessions)
        return false;
    s->asked++;
    *len = put_request(s->bench, request, "/v1/challenge", "none", "json", "{}", 2);
    return true;
}

static bool next_opening(void *arg, char *request, size_t *len)
{
    struct seat *s = arg;

    if (s->asked == s->bench->sessions)
        return false;
    const struct body *body = &s->openings[s->asked++];
    *len = put_request(s->bench, request, "/v1/sessions", "none", "json", body->bytes, body->len);
    return true;
}

/* ------------------------------------------------------------------ openings */

static void make_opening(struct seat *s, size_t i)
{
    char person[32], nonce[2 + 4 * IDEM_SEAL_NONCE / 3], text[2 + 4 * IDEM_SEAL_SIGNATURE / 3];
    struct idem_seal_opening o = {.host = s->host,
                                  .seat = s->id,
                                  .person = person,
                                  .job = "",
                                  .time_ms = (int64_t)time(NULL) * 1000,
                                  .instance = {1},
                                  .start = 1};
    uint8_t signature[IDEM_SEAL_SIGNATURE];
    struct idem_seal_message m;
    char *body = malloc(640);

    snprintf(person, sizeof person, "person-%zu", i);
    memcpy(o.nonce, s->nonces[i], sizeof o.nonce);
    if (body == NULL || idem_seal_opening(&o, &m) != 0)
        die("memory");
    idem_seal_sign(&key, &m, signature);
    idem_seal_text(o.nonce, sizeof o.nonce, nonce);
    idem_seal_text(signature, sizeof signature, text);
    int n = snprintf(body, 640,
                     "{\"seat_id\":%lld,\"person\":\"%s\",\"nonce\":\"%s\",\"time_ms\":%lld,"
                     "\"instance\":\"AQAAAAAAAAAAAAAAAAAAAA\","
                     "\"start\":\"strong\",\"signature\":\"%s\"}",
                     s->id, person, nonce, (long long)o.time_ms, text);
    s->openings[i] = (struct body){(uint8_t *)body, (size_t)n};
}

static void read_operator(struct seat *s, const char *data)
{
    char path[256];

    snprintf(path, sizeof path, "%s/operator.token", data);
    FILE *f = fopen(path, "r");
    if (f == NULL || fgets(s->operator, sizeof s->operator, f) == NULL)
        die(path);
    fclose(f);
}

static double ask(struct seat *s, struct load *l, next_fn *next, answer_fn *answer)
{
    s->asked = 0;
    l->arg = s;
    l->next = next;
    l->answer = answer;
    const double took = run(l, 1e9);
    l->arg = s->bench;
    return took;
}

double open_by_seat(struct bench *b, struct load *l, const char *data)
{
    struct seat *s = calloc(1, sizeof *s);

    if (s == NULL || (s->nonces = calloc(b->sessions, sizeof s->nonces[0])) == NULL ||
        (s->openings = calloc(b->sessions, sizeof s->openings[0])) == NULL)
        die("memory");
    s->bench = b;
    snprintf(s->host, sizeof s->host, "127.0.0.1:%u", b->port);
    read_operator(s, data);
    idem_seal_key_make(NULL, &key);
    ask(s, l, next_seat, keep_code);
    ask(s, l, next_registration, keep_id);
    ask(s, l, next_challenge, keep_challenge);
    for (size_t i = 0; i < b->sessions; i++)
        make_opening(s, i);
    const double took = ask(s, l, next_opening, keep_session);
    for (size_t i = 0; i < b->sessions; i++)
        free(s->openings[i].bytes);
    free(s->openings);
    free(s->nonces);
    free(s);
    return (double)b->sessions / took;
}
