/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - idem-server: options, the order in which the parts are made and unmade, signals.
 *
 * Order of making: secrets and store, people, the worker with what it reads back, HTTP last.
 * Order of ending: HTTP takes nothing new and what is under way is answered, the worker finishes,
 * HTTP ends, the store is closed.
 */
#include "base/log.h"
#include "server/constants.h"
#include "server/heads.h"
#include "server/http.h"
#include "server/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
    const char *data, *population, *www;
    bool test_clock, demo;
    uint16_t port;
    unsigned threads;
    struct idem_heads_options heads;
};

struct server {
    struct options options;
    int lock_fd;
    struct idem_population *population;
    struct idem_store *store;
    struct idem_bus *bus;
    struct idem_organisations *organisations;
    int64_t demo; /* the organisation of the demonstration, 0: there is none */
    struct idem_auth *auth;
    struct idem_people *people;
    struct idem_streams *streams;
    struct idem_heads *heads;
    struct idem_assets *assets;
    struct idem_worker *worker;
    struct idem_http *http;
};

/* ------------------------------------------------------------------ options */

static const char usage[] =
    "usage: idem-server --population FILE [options]\n"
    "\n"
    "Continuous authentication on http://127.0.0.1: takes windows, says whether it is still them.\n"
    "\n"
    "  --population FILE  the population to compare with (see idem train)\n"
    "  --port N           where to listen, 0 for any free port (default 8787)\n"
    "  --data DIR         data base and secrets, made when absent (default ./var)\n"
    "  --www DIR          the page (default: none)\n"
    "  --threads N        processors to use, 1..16 (default: all there are)\n"
    "  --demo             anybody on this machine may open sessions, in the organisation \"demo\"\n"
    "  --audit-head-file FILE  where signed heads of the audit log go: best to another machine\n"
    "  --audit-syslog     and to syslog\n"
    "  --test-clock       requests may carry their own time; for tests and replays only\n"
    "  --help             this text\n";

static const struct option longopts[] = {
    {"population", required_argument, NULL, 'p'},
    {"port", required_argument, NULL, 'P'},
    {"data", required_argument, NULL, 'd'},
    {"www", required_argument, NULL, 'w'},
    {"threads", required_argument, NULL, 't'},
    {"demo", no_argument, NULL, 'D'},
    {"audit-head-file", required_argument, NULL, 'a'},
    {"audit-syslog", no_argument, NULL, 's'},
    {"test-clock", no_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int bad_option(const char *what)
{
    fprintf(stderr, "idem-server: %s; see idem-server --help\n", what);
    return IDEM_ERR_INVALID;
}

static int parse_number(const char *text, long min, long max, long *out)
{
    char *end;

    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < min || value > max)
        return bad_option("a number is out of range");
    *out = value;
    return IDEM_OK;
}

static int take_option(struct options *o, int which)
{
    long number = 0;
    int err = IDEM_OK;

    switch (which) {
    case 'p':
        o->population = optarg;
        return IDEM_OK;
    case 'd':
        o->data = optarg;
        return IDEM_OK;
    case 'w':
        o->www = optarg;
        return IDEM_OK;
    case 'a':
        o->heads.file = optarg;
        return IDEM_OK;
    case 's':
        o->heads.syslog = true;
        return IDEM_OK;
    case 'c':
        o->test_clock = true;
        return IDEM_OK;
    case 'D':
        o->demo = true;
        return IDEM_OK;
    case 'P':
        err = parse_number(optarg, 0, UINT16_MAX, &number);
        o->port = (uint16_t)number;
        return err;
    case 't':
        err = parse_number(optarg, 1, IDEM_THREADS_MAX, &number);
        o->threads = (unsigned)number;
        return err;
    default:
        return bad_option("unknown option, or one without its argument");
    }
}

static unsigned processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > IDEM_THREADS_MAX ? IDEM_THREADS_MAX : (unsigned)count;
}

static int parse_options(int argc, char **argv, struct options *o)
{
    int which, err;

    *o = (struct options){.data = "./var", .port = 8787, .threads = processors()};
    opterr = 0;
    while ((which = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
        if (which == 'h') {
            fputs(usage, stdout);
            exit(0);
        }
        if ((err = take_option(o, which)) != 0)
            return err;
    }
    if (optind < argc)
        return bad_option("there are no arguments besides options");
    if (o->population == NULL)
        return bad_option("--population is missing");
    return IDEM_OK;
}

/* ------------------------------------------------------------------ parts */

static int complain(const char *what, const char *why)
{
    idem_log(IDEM_LOG_ERROR, "%s: %s", what, why);
    return IDEM_ERR_IO;
}

/* Whoever may write there could put files of their own in the place of ours. */
static int check_dir(const char *dir)
{
    struct stat st;

    if (stat(dir, &st) != 0)
        return complain(dir, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return complain(dir, "is not a directory");
    if (st.st_mode & 022)
        return complain(dir, "can be written to by others; chmod 700 it");
    return IDEM_OK;
}

/* Two servers on one directory would undo each other's work. */
static int open_data(struct server *s)
{
    char path[PATH_MAX];
    const char *dir = s->options.data;

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return complain(dir, strerror(errno));
    int err = check_dir(dir);
    if (err != 0)
        return err;
    if (snprintf(path, sizeof path, "%s/lock", dir) >= (int)sizeof path)
        return complain(dir, "the name is too long");
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0)
        return complain(path, strerror(errno));
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return complain(dir, "another idem-server is using this data directory");
    return IDEM_OK;
}

/* SQLite would follow a link, and give its log the mode that the data base has. */
static int check_database(const char *path)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? IDEM_OK : complain(path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return complain(path, "is not a file");
    if (st.st_mode & 077)
        return complain(path, "is open to others; chmod 600 it");
    return IDEM_OK;
}

static int open_store(struct server *s)
{
    char path[PATH_MAX];
    const char *why;

    if (snprintf(path, sizeof path, "%s/idem.db", s->options.data) >= (int)sizeof path)
        return complain(s->options.data, "the name is too long");
    int err = check_database(path);
    if (err != 0)
        return err;
    err = idem_store_sqlite_open(path, &s->store, &why);
    return err == 0 ? IDEM_OK : complain(path, why);
}

static int read_all(const char *path, void **bytes, size_t *len)
{
    struct stat st;
    int err = IDEM_ERR_IO;
    char *buffer = NULL;
    FILE *f = fopen(path, "rb");

    if (f == NULL || fstat(fileno(f), &st) != 0) {
        complain(path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > IDEM_POPULATION_FILE_MAX) {
        complain(path, "is not a file of a possible size");
        goto out;
    }
    buffer = malloc((size_t)st.st_size + 1);
    if (buffer == NULL || fread(buffer, 1, (size_t)st.st_size, f) != (size_t)st.st_size) {
        complain(path, "cannot be read");
        goto out;
    }
    *bytes = buffer;
    *len = (size_t)st.st_size;
    buffer = NULL;
    err = IDEM_OK;
out:
    free(buffer);
    if (f != NULL)
        fclose(f);
    return err;
}

static int load_population(struct server *s)
{
    const char *reason = "damaged";
    void *bytes;
    size_t len;

    int err = read_all(s->options.population, &bytes, &len);
    if (err != 0)
        return err;
    err = idem_population_parse(bytes, len, &s->population, &reason);
    free(bytes);
    return err == 0 ? IDEM_OK : complain(s->options.population, reason);
}

/* Who there is: the organisations, and those who may ask for them. */
static int open_access(struct server *s)
{
    int err = idem_organisations_new(s->store, &s->organisations);

    if (err != 0)
        return err;
    if (s->options.demo)
        s->demo = idem_organisations_row(s->organisations, "demo");
    return idem_auth_new(s->options.data, IDEM_SESSION_SLOTS_MAX, s->demo, &s->auth);
}

static int start_heads(struct server *s)
{
    int err = idem_heads_new(s->options.data, &s->options.heads, &s->heads);
    return err != 0 ? err : idem_heads_start(s->heads);
}

static int make_worker(struct server *s)
{
    const struct idem_worker_parts parts = {
        .store = s->store,
        .bus = s->bus,
        .auth = s->auth,
        .people = s->people,
        .organisations = s->organisations,
        .streams = s->streams,
        .heads = s->heads,
        .population = s->population,
        .threads = s->options.threads,
    };
    int err = idem_worker_new(&parts, &s->worker);
    return err != 0 ? err : idem_worker_start(s->worker);
}

static int start_http(struct server *s)
{
    const struct idem_http_parts parts = {
        .bus = s->bus,
        .auth = s->auth,
        .people = s->people,
        .organisations = s->organisations,
        .demo = s->demo,
        .population = s->population,
        .streams = s->streams,
        .assets = s->assets,
        .test_clock = s->options.test_clock,
        .port = s->options.port,
        .threads = (s->options.threads + 3) / 4, /* judging costs several times as much */
    };
    int err = idem_http_start(&parts, &s->http);
    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "config: cannot listen on 127.0.0.1:%u: %s", s->options.port,
                 strerror(errno));
    return err;
}

static int start(struct server *s)
{
    int err;

    (void)((err = open_data(s)) != 0 || (err = load_population(s)) != 0 ||
           (err = idem_assets_load(s->options.www, &s->assets)) != 0 ||
           (err = open_store(s)) != 0 || (err = open_access(s)) != 0 ||
           (err = idem_people_new(s->options.data, s->store, idem_population_front(s->population),
                                  &s->people)) != 0 ||
           (err = idem_bus_local_new(IDEM_QUEUE_MAX, &s->bus)) != 0 ||
           (err = idem_streams_new(&idem_http_stream_hooks, &s->streams)) != 0 ||
           (err = start_heads(s)) != 0 || (err = make_worker(s)) != 0 ||
           (err = start_http(s)) != 0);
    return err;
}

static void stop(struct server *s)
{
    if (s->http != NULL)
        idem_http_drain(s->http);
    if (s->worker != NULL)
        idem_worker_stop(s->worker);
    idem_http_stop(s->http);
    idem_heads_stop(s->heads);
    idem_worker_free(s->worker);
    idem_heads_free(s->heads);
    idem_streams_free(s->streams);
    if (s->bus != NULL)
        s->bus->ops->free(s->bus);
    idem_people_free(s->people);
    idem_auth_free(s->auth);
    idem_organisations_free(s->organisations);
    if (s->store != NULL)
        s->store->ops->close(s->store);
    idem_assets_free(s->assets);
    idem_population_free(s->population);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
}

/* ------------------------------------------------------------------ the process */

static void prepare_process(sigset_t *ends)
{
    struct rlimit files;

    /* One heap that grows in large steps: tens of thousands of sessions are allocated by several
     * threads, and heaps of threads grow page by page, with a system call each. */
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, 16 * 1024 * 1024);
    mallopt(M_MXFAST, 0); /* else each of them sweeps the small free blocks first */
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file size is a full disk, not a reason to die */
    sigemptyset(ends);
    sigaddset(ends, SIGTERM);
    sigaddset(ends, SIGINT);
    sigprocmask(SIG_BLOCK, ends, NULL); /* inherited by all threads: only sigwait sees them */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

int main(int argc, char **argv)
{
    struct server s = {.lock_fd = -1};
    sigset_t ends;
    int number;

    if (parse_options(argc, argv, &s.options) != 0)
        return 2;
    if (sodium_init() < 0)
        return 1;
    prepare_process(&ends);
    int err = start(&s);
    if (err == 0) {
        printf("idem-server listening on http://127.0.0.1:%u/", idem_http_port(s.http));
        printf(s.demo != 0 ? "#operator=%s\n" : "\n", idem_auth_operator(s.auth));
        fflush(stdout);
        sigwait(&ends, &number);
    }
    stop(&s);
    return err == 0 ? 0 : 1;
}
