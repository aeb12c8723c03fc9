/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_gate.c - how long a proxy waits for the gate, by itself and while windows come in.
 *
 *   bench_gate SERVER POPULATION [SECONDS [SESSIONS [PROXIES]]]
 *
 * People are enrolled and have typed on; the first GATED of them have a cookie bound. PROXIES
 * connections that stay open, each with one question under way, ask for customers: every answer is
 * 204, and on the disk before it is given.
 *
 *   disk     writing and synchronising as much as a record, by itself
 *   alone    nothing else is asked of the server
 *   loaded   another process sends windows over LOADS connections as fast as they are taken, so
 *            that the worker commits them by hundreds
 *   paced    the same load, but windows come at a tenth of what was just taken, from
 * PACE_CONNECTIONS connections: what a server with room to spare answers
 *
 * The clients run on the same machine: what they cost is part of the figures.
 */
#include "bench_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    GATED = 64,
    LOADS = 512,
    PACE_CONNECTIONS = 16,
    ROUNDS = 24,
    COOKIE_MAX = 32,
    LATENCIES = 1 << 20,
    DISK_WRITES = 500,
    DISK_BYTES = 16 * 1024, /* about what one record adds to the log */
};

/* Silence would be the answer to so many questions: these owners may be silent for long. */
static const char policy[] = "version: 1\n"
                             "enrolment:\n  trusted_start: no\n  sessions: 1\n"
                             "acknowledgement:\n  any:\n    required: no\n"
                             "gate:\n  silence:\n    step_up: {requests: 100000, after: 10 min}\n"
                             "    lock: {requests: 100000, after: 30 min}\n";

struct gate {
    const struct bench *b;
    uint16_t port; /* of plain_http: the proxy's own */
    char key[TOKEN + 1];
    size_t next;
};

/* ------------------------------------------------------------------ set-up */

/* One request, and what stands behind "name":" in its answer. */
struct errand {
    const struct bench *b;
    const char *path, *token, *body, *name;
    bool sent;
    char found[TOKEN + 1];
};

static bool next_errand(void *arg, char *request, size_t *len)
{
    struct errand *e = arg;
    if (e->sent)
        return false;
    e->sent = true;
    *len = put_request(e->b, request, e->path, e->token, "json", e->body, strlen(e->body));
    return true;
}

static void keep_found(void *arg, const char *answer, size_t len)
{
    struct errand *e = arg;
    const char *at = memmem(answer, len, e->name, strlen(e->name));
    if (at != NULL)
        snprintf(e->found, sizeof e->found, "%.*s", (int)strcspn(at + strlen(e->name), "\""),
                 at + strlen(e->name));
}

static void call(struct errand *e)
{
    struct load l = {
        .port = e->b->port, .connections = 1, .next = next_errand, .answer = keep_found, .arg = e};
    run(&l, 1e9);
}

static void make_key(const struct bench *b, const char *operator, const char * scope,
                     char key[TOKEN + 1])
{
    char body[96];
    snprintf(body, sizeof body, "{\"name\":\"bench-%s\",\"scopes\":[\"%s\"]}", scope, scope);
    struct errand e = {b, "/v1/keys", operator, body, "\"secret\":\"", false, ""};
    call(&e);
    memcpy(key, e.found, TOKEN + 1);
}

static void cookie_of(size_t i, char cookie[COOKIE_MAX])
{
    snprintf(cookie, COOKIE_MAX, "cookie-%zu", i);
}

static void bind_one(const struct bench *b, const char *key, size_t i)
{
    char cookie[COOKIE_MAX], hex[2 * crypto_hash_sha256_BYTES + 1], body[256];
    uint8_t hash[crypto_hash_sha256_BYTES];
    struct errand nonce = {b, "/v1/bindings/nonce", b->tokens[i], "", "\"nonce\":\"", false, ""};

    call(&nonce);
    cookie_of(i, cookie);
    crypto_hash_sha256(hash, (const uint8_t *)cookie, strlen(cookie));
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    snprintf(body, sizeof body,
             "{\"nonce\":\"%s\",\"cookie_hash\":\"%s\",\"person\":\"person-%zu\"}", nonce.found,
             hex, i);
    struct errand e = {b, "/v1/bindings", key, body, "\"session\":\"", false, ""};
    call(&e);
}

/* As the server has written it into its directory. */
static void read_operator(const char *data, char token[TOKEN + 1])
{
    char path[64];
    snprintf(path, sizeof path, "%s/operator.token", data);
    FILE *f = fopen(path, "r");
    if (f == NULL || fscanf(f, "%43s", token) != 1)
        die(path);
    fclose(f);
}

static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        die("a free port");
    close(fd);
    return ntohs(at.sin_port);
}

static void write_file(const char *dir, const char *name, const char *text, char path[64])
{
    snprintf(path, 64, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
        die(path);
}

/* The policy, and where the proxies ask. */
static void write_config(const char *dir, uint16_t port, char config[64])
{
    char path[64], text[256];

    write_file(dir, "policy.yaml", policy, path);
    snprintf(text, sizeof text, "policy: %s\nplain_http: {listen: \"127.0.0.1:%u\"}\n", path, port);
    write_file(dir, "server.yaml", text, config);
}

/* ------------------------------------------------------------------ asking */

static bool next_question(void *arg, char *request, size_t *len)
{
    struct gate *g = arg;
    char cookie[COOKIE_MAX];

    cookie_of(g->next % GATED, cookie);
    int n = snprintf(request, REQUEST_MAX,
                     "GET /v1/gate HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n"
                     "Idem-Cookie: %s\r\nIdem-Resource: customer/%zu\r\nIdem-Class: ordinary\r\n"
                     "Idem-Client: 192.0.2.1\r\n\r\n",
                     g->port, g->key, cookie, g->next % 100000);
    g->next++;
    *len = (size_t)n;
    return true;
}

static void ask(struct gate *g, const char *name, int proxies, double seconds)
{
    struct load l = {.port = g->port,
                     .connections = proxies,
                     .next = next_question,
                     .arg = g,
                     .latency_max = LATENCIES};

    l.latency = calloc(l.latency_max, sizeof l.latency[0]);
    if (l.latency == NULL)
        die("memory");
    double took = run(&l, seconds);
    size_t kept = sort_latencies(&l);
    printf("%-8s %8.0f answers/s   p50 %.3f ms  p99 %.3f ms  p99.9 %.3f ms\n", name,
           (double)l.answered / took, 1e3 * l.latency[kept / 2], 1e3 * l.latency[kept * 99 / 100],
           1e3 * l.latency[kept * 999 / 1000]);
    fflush(stdout);
    free(l.latency);
}

/* The machine's limit: what a record costs on this disk, without a server. */
static void measure_disk(const char *data)
{
    static double took[DISK_WRITES];
    static char page[DISK_BYTES];
    struct load l = {.latency = took, .latency_max = DISK_WRITES, .answered = DISK_WRITES};
    char path[64];

    snprintf(path, sizeof path, "%s/disk", data);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        die(path);
    for (int i = 0; i < DISK_WRITES; i++) {
        const double from = now();
        if (pwrite(fd, page, sizeof page, (off_t)i * DISK_BYTES) != DISK_BYTES ||
            fdatasync(fd) != 0)
            die(path);
        took[i] = now() - from;
    }
    close(fd);
    size_t kept = sort_latencies(&l);
    printf("%-8s                      p50 %.3f ms  p99 %.3f ms   %d kB and an fdatasync\n", "disk",
           1e3 * took[kept / 2], 1e3 * took[kept * 99 / 100], DISK_BYTES / 1024);
    fflush(stdout);
}

/* ------------------------------------------------------------------ the load */

/* Shared with the process that sends windows. */
struct sender {
    double rate; /* windows a second, at most; 0: as many as are taken */
    double from;
    struct bench *b;
};

static bool next_paced(void *arg, char *request, size_t *len)
{
    struct sender *s = arg;
    const struct timespec nap = {0, 200000};

    while (s->rate > 0 && (double)s->b->next > s->rate * (now() - s->from))
        nanosleep(&nap, NULL);
    return next_window(s->b, request, len);
}

/* Sends windows from another process; how many were taken in the end is in *taken. */
static pid_t send_windows(struct bench *b, int connections, double rate, double seconds,
                          uint64_t *taken)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct sender s = {rate, now(), b};
    struct load l = {.port = b->port, .connections = connections, .next = next_paced, .arg = &s};
    b->next = 0;
    b->last = b->stock_len;
    run(&l, seconds);
    *taken = l.answered;
    _exit(0);
}

static double ask_under(struct bench *b, struct gate *g, const char *name, int proxies,
                        int connections, double rate, double seconds)
{
    uint64_t *taken =
        mmap(NULL, sizeof *taken, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (taken == MAP_FAILED)
        die("mmap");
    make_stock(b, ROUNDS);
    const double from = now();
    pid_t pid = send_windows(b, connections, rate, seconds, taken);
    ask(g, name, proxies, seconds / 2); /* while they still come */
    waitpid(pid, NULL, 0);
    double done = (double)*taken / (now() - from);
    munmap(taken, sizeof *taken);
    printf("         beside %.0f windows/s over %d connections\n", done, connections);
    fflush(stdout);
    return done;
}

/* ------------------------------------------------------------------ */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static void set_up(struct bench *b, struct load *l, const char *operator, struct gate * g)
{
    char key[TOKEN + 1];

    prepare(b, l);
    make_stock(b, 1);
    l->next = next_window;
    b->next = 0;
    b->last = b->stock_len;
    run(l, 1e9); /* everybody is compared once */
    make_key(b, operator, "sessions", key);
    make_key(b, operator, "gate", g->key);
    for (size_t i = 0; i < GATED; i++)
        bind_one(b, key, i);
}

int main(int argc, char **argv)
{
    static struct bench b;
    char data[] = "/tmp/idem-bench-XXXXXX", path[64], operator[TOKEN + 1];
    double seconds = argc > 3 ? atof(argv[3]) : 5;
    int proxies = argc > 5 ? atoi(argv[5]) : 4;
    struct load l = {.connections = 1, .arg = &b}; /* so that person-i's token is tokens[i] */
    struct gate g = {.b = &b};
    int status = 0;

    b.sessions = argc > 4 ? (size_t)atol(argv[4]) : 2000;
    if (argc < 3 || argc > 6 || proxies < 1 || proxies > CONNECTIONS_MAX || b.sessions < GATED) {
        fprintf(stderr, "usage: bench_gate SERVER POPULATION [SECONDS [SESSIONS [PROXIES]]]\n");
        return 2;
    }
    struct idem_population *pop = load_population(argv[2]);
    b.front = idem_population_front(pop);
    b.tokens = calloc(b.sessions, sizeof b.tokens[0]);
    b.typists = calloc(b.sessions, sizeof b.typists[0]);
    if (b.tokens == NULL || b.typists == NULL || mkdtemp(data) == NULL)
        die("set-up");
    g.port = free_port();
    write_config(data, g.port, path);

    pid_t server = spawn(argv[1], argv[2], data, path, &b.port);
    read_operator(data, operator);
    set_up(&b, &l, operator, & g);
    measure_disk(data);
    ask(&g, "alone", proxies, seconds);
    double taken = ask_under(&b, &g, "loaded", proxies, LOADS, 0, seconds);
    ask_under(&b, &g, "paced", proxies, PACE_CONNECTIONS, taken / 10, seconds);
    kill(server, SIGTERM);
    waitpid(server, &status, 0);

    nftw(data, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    drop_stock(&b);
    idem_population_free(pop);
    free(b.tokens);
    free(b.typists);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
