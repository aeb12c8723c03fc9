/* SPDX-License-Identifier: Apache-2.0 */
/* bench_sessions.c - see bench_server.h: a server, sessions of enrolled people, and their windows.
 */
#include "bench_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

pid_t spawn(const char *server, const char *population, const char *data, const char *config,
            uint16_t *port)
{
    int out[2];
    char line[256] = "";
    unsigned number = 0;

    if (pipe(out) != 0)
        die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        execl(server, server, "--population", population, "--data", data, "--port", "0", "--demo",
              config != NULL ? "--config" : NULL, config, NULL);
        die(server);
    }
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    if (f == NULL || fgets(line, sizeof line, f) == NULL ||
        sscanf(line, "idem-server listening on http://127.0.0.1:%u", &number) != 1)
        die("the server did not start");
    fclose(f);
    *port = (uint16_t)number;
    return pid;
}

/* ------------------------------------------------------------------ sessions and windows */

/* Types `count` windows of a session, numbered from first on. */
static size_t make_body(struct bench *b, size_t session, uint32_t first, uint32_t count,
                        uint8_t bytes[REQUEST_MAX])
{
    struct idem_wire_writer w;
    size_t len = 0;
    int err = b->seals != NULL
                  ? idem_wire_batch_begin_sealed(&w, &b->seals[session], b->front, count, -1, bytes,
                                                 REQUEST_MAX)
                  : idem_wire_batch_begin(&w, b->front, false, count, -1, bytes, REQUEST_MAX);
    for (uint32_t i = 0; i < count && err == 0; i++) {
        struct idem_window *window =
            typist_window(&b->typists[session], b->front, IDEM_WINDOW_KEYS);
        err = idem_wire_batch_put(&w, window, first + i);
        idem_window_free(window);
    }
    if (err != 0 || idem_wire_batch_end(&w, &len) != 0)
        die("a body too long");
    if (b->seals != NULL)
        memcpy(b->seals[session].link, w.link, sizeof w.link);
    return len;
}

void drop_stock(struct bench *b)
{
    for (size_t i = 0; i < b->stock_len; i++)
        free(b->stock[i].bytes);
    free(b->stock);
    b->stock = NULL;
    b->stock_len = 0;
}

void make_stock(struct bench *b, uint32_t rounds)
{
    static uint8_t bytes[REQUEST_MAX];
    drop_stock(b);
    b->stock = calloc(b->sessions * rounds, sizeof *b->stock);
    if (b->stock == NULL)
        die("memory");
    for (uint32_t r = 0; r < rounds; r++, b->seq++)
        for (size_t i = 0; i < b->sessions; i++) {
            struct body *body = &b->stock[b->stock_len++];
            body->len = make_body(b, i, b->seq, 1, bytes);
            body->bytes = malloc(body->len);
            if (body->bytes == NULL)
                die("memory");
            memcpy(body->bytes, bytes, body->len);
        }
}

size_t put_request(const struct bench *b, char *request, const char *path, const char *token,
                   const char *type, const void *body, size_t len)
{
    int head = snprintf(request, REQUEST_MAX,
                        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n"
                        "Content-Type: application/%s\r\nContent-Length: %zu\r\n\r\n",
                        path, b->port, token, type, len);
    if (head < 0 || (size_t)head + len > REQUEST_MAX)
        die("a request too long");
    memcpy(request + head, body, len);
    return (size_t)head + len;
}

static bool next_open(void *arg, char *request, size_t *len)
{
    struct bench *b = arg;
    char body[160];

    if (b->next == b->sessions)
        return false;
    int n = snprintf(body, sizeof body,
                     "{\"organisation\":\"demo\",\"person\":\"person-%zu\",\"seat\":\"seat-%zu\"}",
                     b->next, b->next % 1000);
    b->next++;
    *len = put_request(b, request, "/v1/sessions", "none", "json", body, (size_t)n);
    return true;
}

void keep_token(void *arg, const char *answer, size_t len)
{
    static const char field[] = "\"token\":\"";
    struct bench *b = arg;
    const char *token = memmem(answer, len, field, sizeof field - 1);

    if (token == NULL)
        die("an answer without token");
    memcpy(b->tokens[b->tokens_kept++], token + sizeof field - 1, TOKEN);
}

static bool next_enrolment(void *arg, char *request, size_t *len)
{
    static uint8_t body[REQUEST_MAX];
    struct bench *b = arg;

    if (b->next == b->sessions)
        return false;
    size_t bytes = make_body(b, b->next, 1, ENROL_WINDOWS, body);
    *len = put_request(b, request, "/v1/windows", b->tokens[b->next], "cbor", body, bytes);
    b->next++;
    return true;
}

bool next_window(void *arg, char *request, size_t *len)
{
    struct bench *b = arg;
    if (b->next == b->last)
        return false;
    const struct body *body = &b->stock[b->next % b->stock_len];
    *len = put_request(b, request, "/v1/windows", b->tokens[b->next % b->sessions], "cbor",
                       body->bytes, body->len);
    b->next++;
    return true;
}

/* ------------------------------------------------------------------ people */

double prepare(struct bench *b, struct load *l)
{
    for (size_t t = 0; t < TYPISTS; t++)
        person_draw(&b->people[t], 1000 + t);
    for (size_t i = 0; i < b->sessions; i++)
        b->typists[i] = typist_new(&b->people[i % TYPISTS], i);
    l->port = b->port;
    l->next = next_open;
    l->answer = keep_token;
    const double opened = (double)b->sessions / run(l, 1e9);
    l->next = next_enrolment;
    l->answer = NULL;
    b->next = 0;
    run(l, 1e9);
    b->seq = 1 + ENROL_WINDOWS;
    printf("%zu sessions of as many enrolled people\n", b->sessions);
    fflush(stdout);
    return opened;
}

struct idem_population *load_population(const char *path)
{
    static char bytes[16 * 1024 * 1024];
    struct idem_population *pop = NULL;
    FILE *f = fopen(path, "rb");

    if (f == NULL)
        die(path);
    size_t len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    if (idem_population_parse(bytes, len, &pop, NULL) != 0)
        die("the population is damaged");
    return pop;
}
