/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the courier's beginning: settings, the seat's key, the inherited sockets; then it is
 * confined (jail.h), reads what a former process has kept, and waits.
 *
 * Without a key it runs all the same: the person can ask what is on (nothing), and root can enrol
 * the seat. SIGTERM ends the process and nothing else: the session goes on when it is started
 * again.
 */
#include <errno.h>
#include <getopt.h>
#include <gnutls/gnutls.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/courier/courier.h"
#include "agent/courier/jail.h"
#include "agent/courier/trim.h"
#include "base/log.h"

enum { USAGE = 2, FAILED = 1, TRIM_ABOVE = 128 * 1024 };

static struct idem_courier courier;

struct options {
    const char *config, *state;
};

int64_t idem_courier_unix_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ the key */

int idem_courier_enrolled(struct idem_courier *c)
{
    int err = idem_seat_key_instance(&c->key, c->instance);

    if (err == 0)
        err = idem_keep_open(c->dir, c->key.seed, &c->keep);
    if (err == 0)
        err = idem_spool_open(c->dir, "spool", c->key.seed, IDEM_SPOOL_LIMIT_DEFAULT, &c->spool);
    if (err != 0) {
        idem_log(IDEM_LOG_ERROR, "courier: kernel: the state cannot be opened: %s",
                 idem_strerror(err));
        return err;
    }
    c->enrolled = true;
    idem_upkeep_begin(c);
    idem_learning_restore(c);
    idem_session_restore(c);
    return 0;
}

static int load_key(struct idem_courier *c)
{
    int err = idem_key_load(c->dir, &c->key);

    if (err == 0)
        return idem_courier_enrolled(c);
    if (err == IDEM_ERR_NOT_FOUND) {
        idem_log(IDEM_LOG_INFO, "courier: this seat is not enrolled: idem-agent enrol CODE");
        return 0;
    }
    idem_log(IDEM_LOG_ERROR, "courier: config: the seat's key cannot be used: %s",
             err == IDEM_ERR_INVALID ? "others can read it" : idem_strerror(err));
    return err;
}

/* ------------------------------------------------------------------ the beginning */

static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"state", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    int which;

    *o = (struct options){"/etc/idem/agent.yaml", "/var/lib/idem-agent"};
    while ((which = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (which == 'c')
            o->config = optarg;
        else if (which == 's')
            o->state = optarg;
        else
            break;
    }
    if (which == -1 && optind == argc)
        return 0;
    fprintf(which == 'h' ? stdout : stderr,
            "usage: idem-courier [--config FILE] [--state DIRECTORY]\n"
            "The part of idem's agent that speaks with the server. systemd starts it.\n");
    return which == 'h' ? -1 : USAGE;
}

static int read_config(struct idem_courier *c, const char *file)
{
    struct idem_yaml_fault fault;
    char text[IDEM_YAML_FAULT_TEXT];
    int err = idem_courier_config_read(file, &c->config, &fault);

    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "courier: config: %s", idem_yaml_fault_text(&fault, text));
    return err;
}

static int open_state(struct idem_courier *c, const char *state)
{
    int err = idem_keep_directory(state, &c->dir);

    if (err == 0)
        return 0;
    idem_log(IDEM_LOG_ERROR, "courier: config: %s: %s", state,
             err == IDEM_ERR_INVALID ? "is another user's, or others may write it"
                                     : idem_strerror(err));
    return err;
}

static int open_sockets(struct idem_courier *c)
{
    int err = idem_lines_open(c);

    if (err == 0)
        err = idem_ask_open(c);
    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "courier: config: the sockets \"courier\" and \"control\" are "
                                 "inherited, and one is missing: let systemd start this");
    return err;
}

static void told_to_end(void *arg, short events)
{
    struct idem_courier *c = arg;

    (void)events;
    idem_loop_end(&c->loop, 0);
}

static int watch_signals(struct idem_courier *c, struct idem_watch *watch)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    *watch =
        (struct idem_watch){signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), POLLIN, told_to_end, c};
    signal(SIGPIPE, SIG_IGN);
    return watch->fd < 0 ? IDEM_ERR_IO : idem_loop_watch(&c->loop, watch);
}

static int begin(struct idem_courier *c, const struct options *o, struct idem_watch *signals)
{
    const char *ca = c->config.ca;

    idem_presence_init(c);
    idem_session_init(c);
    int err = open_state(c, o->state);
    if (err == 0)
        err = watch_signals(c, signals);
    if (err == 0)
        err = open_sockets(c);
    if (err == 0)
        err = idem_http_init(&c->http, &c->loop, &c->config.server, ca[0] != 0 ? ca : NULL);
    if (err == 0)
        err = idem_jail_enter(o->state, ca);
    return err != 0 ? err : load_key(c);
}

static void end(struct idem_courier *c)
{
    idem_http_fini(&c->http);
    idem_control_free(c->control);
    c->control = NULL;
    idem_lines_close(c);
    idem_learning_close(c);
    idem_spool_close(c->spool);
    idem_keep_close(c->keep);
    sodium_memzero(&c->key, sizeof c->key);
    sodium_memzero(&c->session, sizeof c->session);
}

int main(int argc, char **argv)
{
    struct options options;
    struct idem_watch signals;
    int status = read_options(argc, argv, &options);

    if (status != 0)
        return status < 0 ? 0 : status;
    if (options.state[0] != '/') {
        idem_log(IDEM_LOG_ERROR, "courier: config: --state is a whole path");
        return USAGE;
    }
    mallopt(M_ARENA_MAX, 1); /* the thread that looks up names needs no heap of its own */
    mallopt(M_TRIM_THRESHOLD, TRIM_ABOVE);
    umask(077);
    if (sodium_init() < 0 || read_config(&courier, options.config) != 0 ||
        begin(&courier, &options, &signals) != 0)
        return FAILED;
    idem_log(IDEM_LOG_INFO, "courier: waits for the broker");
    idem_trim();
    int err = idem_loop_run(&courier.loop);
    end(&courier);
    return err == 0 ? 0 : FAILED;
}
