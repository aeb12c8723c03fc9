/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_server.c - windows a second through the whole server, and the machine's limit beside it.
 *
 *   bench_server SERVER POPULATION [SECONDS [SESSIONS [CONNECTIONS]]]
 *
 * Every session belongs to a person of its own, enrolled beforehand; then each request carries one
 * window of the next session, authenticated by its token, scored and durable before it is
 * answered:
 *
 *   first    one window of each session, all distinct
 *   steady   a tenth of the sessions, round and round for SECONDS, or until the windows that were
 *            made beforehand are used up, their filters full of suffixes
 *   signed   as many sessions of the same people, opened by a seat with signed challenges; each
 *            request is signed. The signatures are made beforehand: what is measured is checking
 *   bare     the requests of "steady", byte for byte, to a libmicrohttpd that does nothing but read
 *            them and answer as many bytes
 *
 * Every window is typed anew, because the server knows those that it has had before. One load
 * generator, one thread, over connections that stay open, on the same machine: what it
 * costs is part of the figure.
 */
#include "bench_server.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------------------ the bare server */

static size_t bare_bytes;
static char bare_answer[ANSWER_MAX];

static enum MHD_Result answer_bare(void *cls, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *body,
                                   size_t *body_len, void **context)
{
    static int seen;
    (void)cls, (void)url, (void)method, (void)version, (void)body;

    if (*context == NULL) {
        *context = &seen;
        return MHD_YES;
    }
    if (*body_len > 0) {
        *body_len = 0;
        return MHD_YES;
    }
    struct MHD_Response *r =
        MHD_create_response_from_buffer(bare_bytes, bare_answer, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result sent = MHD_queue_response(connection, 200, r);
    MHD_destroy_response(r);
    return sent;
}

/* In a process of its own, like the server that it is compared with. */
static pid_t spawn_bare(size_t bytes, uint16_t *port)
{
    int out[2];

    if (pipe(out) != 0)
        die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        bare_bytes = bytes;
        memset(bare_answer, 'x', sizeof bare_answer);
        struct sockaddr_in at = {.sin_family = AF_INET};
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        struct MHD_Daemon *d =
            MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer_bare, NULL,
                             MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_END);
        const union MHD_DaemonInfo *info =
            d != NULL ? MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT) : NULL;
        if (info == NULL || write(out[1], &info->port, sizeof info->port) != sizeof info->port)
            _exit(1);
        for (;;)
            pause();
    }
    if (read(out[0], port, sizeof *port) != sizeof *port)
        die("the bare server did not start");
    close(out[0]);
    close(out[1]);
    return pid;
}

/* Seconds of processor time that a child has used, both of its sides. */
static double cpu_of(pid_t pid)
{
    char path[64];
    unsigned long user = 0, kernel = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (f == NULL || fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                            &user, &kernel) != 2)
        die(path);
    fclose(f);
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static double cpu_own(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static int end_child(pid_t pid, int how)
{
    int status = 0;
    kill(pid, how);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ------------------------------------------------------------------ the figures */

static double report(const char *name, struct load *l, double seconds, double server_cpu,
                     double own_cpu)
{
    double n = (double)l->answered, rate = n / seconds;
    size_t kept = sort_latencies(l);

    printf("%-12s %8.0f windows/s   p50 %.2f ms  p99 %.2f ms   %.1f us of server, %.1f us of "
           "load generator each\n",
           name, rate, 1e3 * l->latency[kept / 2], 1e3 * l->latency[kept * 99 / 100],
           1e6 * server_cpu / n, 1e6 * own_cpu / n);
    fflush(stdout);
    return rate;
}

/* `requests` windows, or as many as fit into the time. */
static double measure(struct bench *b, struct load *l, const char *name, pid_t pid, size_t requests,
                      double seconds)
{
    double server = cpu_of(pid), own = cpu_own();

    l->port = b->port;
    l->answered = 0;
    l->next = next_window;
    l->answer = NULL;
    b->next = 0;
    b->last = requests;
    double took = run(l, seconds);
    return report(name, l, took, cpu_of(pid) - server, cpu_own() - own);
}

/* What authentication costs: the steady figure once more, signed, in the same server. */
static void measure_seat(const struct bench *b, struct load *l, const char *data, pid_t pid,
                         double seconds, double opened, double steady)
{
    struct bench s = *b;

    s.tokens = calloc(s.sessions, sizeof s.tokens[0]);
    s.seals = calloc(s.sessions, sizeof s.seals[0]);
    s.stock = NULL;
    s.stock_len = s.tokens_kept = 0;
    if (s.tokens == NULL || s.seals == NULL)
        die("memory");
    l->arg = &s;
    const double by_seat = open_by_seat(&s, l, data);
    s.seq = 1;
    make_stock(&s, WARM_ROUNDS);
    measure(&s, l, "warming up", pid, s.stock_len, 1e9);
    make_stock(&s, STEADY_ROUNDS);
    const double sealed = measure(&s, l, "signed", pid, s.stock_len, seconds);
    printf("signed windows are %.3f of unsigned ones, openings by a seat (%.0f/s) %.3f of those in "
           "the demonstration (%.0f/s)\n",
           sealed / steady, by_seat, by_seat / opened, opened);
    drop_stock(&s);
    free(s.tokens);
    free(s.seals);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

int main(int argc, char **argv)
{
    static struct bench b;
    char data[] = "/tmp/idem-bench-XXXXXX";
    double seconds = argc > 3 ? atof(argv[3]) : 5;
    struct load l = {.connections = argc > 5 ? atoi(argv[5]) : 250, .latency_max = 1 << 20};

    if (argc < 3 || argc > 6 || l.connections < 1 || l.connections > CONNECTIONS_MAX) {
        fprintf(stderr,
                "usage: bench_server SERVER POPULATION [SECONDS [SESSIONS [CONNECTIONS]]]\n");
        return 2;
    }
    struct idem_population *pop = load_population(argv[2]);
    b.sessions = argc > 4 ? (size_t)atol(argv[4]) : 50000;
    b.front = idem_population_front(pop);
    b.tokens = calloc(b.sessions, sizeof b.tokens[0]);
    b.typists = calloc(b.sessions, sizeof b.typists[0]);
    l.arg = &b;
    l.latency = calloc(l.latency_max, sizeof l.latency[0]);
    if (b.tokens == NULL || b.typists == NULL || l.latency == NULL || mkdtemp(data) == NULL)
        die("set-up");

    pid_t server = spawn(argv[1], argv[2], data, NULL, &b.port);
    const double opened = prepare(&b, &l);
    make_stock(&b, 1);
    double first = measure(&b, &l, "first", server, b.stock_len, 1e9);
    size_t all = b.sessions;
    b.sessions = all / STEADY_SHARE > 0 ? all / STEADY_SHARE : 1;
    make_stock(&b, WARM_ROUNDS);
    measure(&b, &l, "warming up", server, b.stock_len, 1e9);
    make_stock(&b, STEADY_ROUNDS);
    double steady = measure(&b, &l, "steady", server, b.stock_len, seconds);
    const size_t answer_bytes = l.answer_bytes;
    measure_seat(&b, &l, data, server, seconds, opened, steady);
    l.arg = &b;
    int status = end_child(server, SIGTERM);

    pid_t bare = spawn_bare(answer_bytes, &b.port);
    double limit = measure(&b, &l, "bare", bare, SIZE_MAX, seconds);
    end_child(bare, SIGKILL);
    printf("first  is %.3f of bare libmicrohttpd on the same bytes\n", first / limit);
    printf("steady is %.3f\n", steady / limit);

    nftw(data, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    drop_stock(&b);
    idem_population_free(pop);
    free(b.tokens);
    free(b.typists);
    free(l.latency);
    return status;
}
