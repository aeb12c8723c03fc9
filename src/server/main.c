/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - idem-server: the order in which the parts are made and unmade, and signals.
 *
 * Order of making: what needs rights (keys, ports) and the end of those rights, files and store,
 * access, people, the worker with what it reads back, HTTP last.
 * Order of ending: HTTP takes nothing new and what is under way is answered, the worker finishes,
 * HTTP ends, the store is closed.
 */
#include "base/log.h"
#include "server/access.h"
#include "server/constants.h"
#include "server/files.h"
#include "server/heads.h"
#include "server/http.h"
#include "server/keyring.h"
#include "server/options.h"
#include "server/policing.h"
#include "server/porter.h"
#include "server/process.h"
#include "server/routes.h"
#include "server/sandbox.h"
#include "server/tls.h"
#include "server/worker.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct server {
    struct idem_config config;
    struct idem_sockets sockets;
    struct idem_people_parts kept; /* where people are kept */
    int lock_fd;
    struct idem_population *population;
    uint8_t population_hash[IDEM_POPULATION_HASH]; /* of its file */
    struct idem_policy *policy;                    /* to begin with */
    struct idem_store *store;
    struct idem_bus *bus;
    struct idem_organisations *organisations;
    struct idem_seats *seats;
    int64_t demo; /* the organisation of the demonstration, 0: there is none */
    struct idem_auth *auth;
    struct idem_people *people;
    struct idem_streams *streams;
    struct idem_heads *heads;
    struct idem_assets *assets;
    struct idem_porter *porter;
    struct idem_worker *worker;
    struct idem_access *access;
    struct idem_http *http;
};

/* ------------------------------------------------------------------ with rights, and without */

enum { CERTIFICATE_WARN_DAYS = 14 };

static int load_tls(const struct idem_config *config)
{
    char why[IDEM_TLS_WHY_MAX];

    if (config->certificate == NULL)
        return IDEM_OK;
    int err = idem_tls_load(config->certificate, config->key, why);
    if (err != 0) {
        idem_log(IDEM_LOG_ERROR, "config: %s", why);
        return err;
    }
    int days = idem_tls_days_left(time(NULL));
    if (days < CERTIFICATE_WARN_DAYS)
        idem_log(IDEM_LOG_ERROR, "config: %s: the certificate has %d days left",
                 config->certificate, days);
    return IDEM_OK;
}

/* Whoever allowed it shall read it each time. */
static void warn_of_plain(const struct idem_config *config)
{
    char text[IDEM_ADDRESS_TEXT_MAX];

    for (uint32_t i = 0; i < config->listen_count; i++) {
        const struct idem_listen *l = &config->listens[i];
        if (l->tls || idem_address_is_loopback(&l->address))
            continue;
        idem_address_text(&l->address, text);
        idem_log(IDEM_LOG_ERROR,
                 "config: %s speaks PLAIN HTTP: everybody on the way reads tokens, passwords and "
                 "answers, and may change them",
                 text);
    }
}

static int open_outside(struct server *s)
{
    int err = load_tls(&s->config);

    if (err == 0)
        err = idem_sockets_open(&s->config, &s->sockets);
    if (err == 0 && s->config.user != NULL)
        err = idem_process_become(s->config.user);
    if (err == 0)
        warn_of_plain(&s->config);
    return err;
}

/* ------------------------------------------------------------------ parts */

/* Who there is: the organisations, and those who may ask for them. */
static int open_access(struct server *s)
{
    int err = idem_organisations_new(s->store, &s->organisations);

    if (err != 0)
        return err;
    if (s->config.demo)
        s->demo = idem_organisations_row(s->organisations, "demo");
    if ((err = idem_seats_new(s->store, IDEM_SESSION_SLOTS_MAX, &s->seats)) != 0)
        return err;
    return idem_auth_new(s->config.data, IDEM_SESSION_SLOTS_MAX, s->demo, &s->auth);
}

/* Log-ins: needs the bus, for what the hasher has done goes back to the worker. */
static int make_access(struct server *s)
{
    const struct idem_access_parts parts = {
        .dir = s->config.data,
        .store = s->store,
        .bus = s->bus,
        .setup = s->config.setup,
        .demo = s->config.demo,
        .oidc = &s->config.oidc,
    };
    return idem_access_new(&parts, &s->access);
}

/* Before anything that may blank a line of a log, for that is signed. */
static int open_heads(struct server *s)
{
    return idem_heads_new(s->config.data, &s->config.audit, &s->heads);
}

static int open_people(struct server *s)
{
    s->kept.store = s->store;
    int err = idem_keyring_open(s->config.data, &s->kept);
    return err != 0 ? err
                    : idem_people_new(s->config.data, &s->kept,
                                      idem_population_front(s->population), &s->people);
}

static int make_porter(struct server *s)
{
    const struct idem_porter_parts parts = {
        .dir = s->config.data,
        .heads = s->heads,
        .bus = s->bus,
        .policy = s->policy,
        .people = s->people,
        .organisations = s->organisations,
    };
    return idem_porter_new(&parts, &s->porter);
}

static int make_worker(struct server *s)
{
    const struct idem_worker_parts parts = {
        .store = s->store,
        .bus = s->bus,
        .auth = s->auth,
        .people = s->people,
        .organisations = s->organisations,
        .seats = s->seats,
        .token_ms = s->config.token_life_s * INT64_C(1000),
        .streams = s->streams,
        .heads = s->heads,
        .porter = s->porter,
        .population = s->population,
        .population_hash = s->population_hash,
        .policy = s->policy,
        .threads = s->config.threads,
    };
    int err = idem_worker_new(&parts, &s->worker);
    return err != 0 ? err : idem_worker_start(s->worker);
}

static int start_http(struct server *s)
{
    const struct idem_http_parts parts = {
        .porter = s->porter,
        .bus = s->bus,
        .auth = s->auth,
        .people = s->people,
        .organisations = s->organisations,
        .seats = s->seats,
        .token_ms = s->config.token_life_s * INT64_C(1000),
        .demo = s->demo,
        .population = s->population,
        .streams = s->streams,
        .assets = s->assets,
        .access = s->access,
        .config = &s->config,
        .sockets = &s->sockets,
        .test_clock = s->config.test_clock,
        .threads = (s->config.threads + 3) / 4, /* judging costs several times as much */
    };
    int err = idem_http_start(&parts, &s->http);
    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "kernel: HTTP cannot be started: %s", strerror(errno));
    idem_sockets_close(&s->sockets); /* HTTP has its own descriptors for them */
    return err;
}

static int start(struct server *s)
{
    int err;

    (void)((err = open_outside(s)) != 0 ||
           (err = idem_files_lock(s->config.data, &s->lock_fd)) != 0 ||
           (err = idem_files_population(s->config.population, &s->population,
                                        s->population_hash)) != 0 ||
           (err = idem_policing_load(s->config.policy, s->config.demo, &s->policy)) != 0 ||
           (err = idem_assets_load(s->config.www, &s->assets)) != 0 ||
           (err = idem_files_store(s->config.data, &s->store)) != 0 || (err = open_heads(s)) != 0 ||
           (err = open_access(s)) != 0 || (err = open_people(s)) != 0 ||
           (err = idem_bus_local_new(IDEM_QUEUE_MAX, &s->bus)) != 0 ||
           (err = make_access(s)) != 0 ||
           (err = idem_streams_new(&idem_http_stream_hooks, &s->streams)) != 0 ||
           (err = idem_heads_start(s->heads)) != 0 || (err = make_porter(s)) != 0 ||
           (err = make_worker(s)) != 0 || (err = start_http(s)) != 0);
    return err;
}

static void stop(struct server *s)
{
    if (s->http != NULL)
        idem_http_drain(s->http);
    if (s->access != NULL)
        idem_access_stop(s->access);
    if (s->worker != NULL)
        idem_worker_stop(s->worker);
    idem_porter_stop(s->porter);
    idem_http_stop(s->http);
    idem_heads_stop(s->heads);
    idem_worker_free(s->worker);
    idem_porter_free(s->porter);
    idem_heads_free(s->heads);
    idem_streams_free(s->streams);
    if (s->bus != NULL)
        s->bus->ops->free(s->bus);
    idem_people_free(s->people);
    idem_access_free(s->access);
    idem_auth_free(s->auth);
    idem_seats_free(s->seats);
    idem_organisations_free(s->organisations);
    idem_keyring_close(&s->kept);
    if (s->store != NULL)
        s->store->ops->close(s->store);
    idem_assets_free(s->assets);
    idem_population_free(s->population);
    idem_policy_unref(s->policy);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    idem_sockets_close(&s->sockets);
    idem_tls_unload();
    idem_config_fini(&s->config);
}

/* ------------------------------------------------------------------ the process */

static void reload_policy(struct server *s)
{
    struct idem_policy *policy;

    if (s->config.policy == NULL)
        return;
    if (idem_policing_load(s->config.policy, s->config.demo, &policy) == 0)
        idem_policing_offer(s->worker, policy);
    else
        idem_log(IDEM_LOG_ERROR, "config: the policy stays as it was");
}

/* SIGHUP: what can be read anew is, without closing a connection. */
static void reload(struct server *s)
{
    reload_policy(s);
    if (s->config.certificate == NULL)
        return;
    if (load_tls(&s->config) == 0)
        idem_log(IDEM_LOG_INFO, "config: the certificate has been read again");
    else
        idem_log(IDEM_LOG_ERROR, "config: the certificate stays as it was");
}

/* Once, and never again: only its hash is kept. */
static void print_setup(struct server *s, const char *url)
{
    char token[IDEM_SECRET_TEXT + 1];

    if (!idem_access_setup_token(s->access, token))
        return;
    printf("to make %s operator, once: %s/#setup=%s\n",
           s->config.setup != NULL ? "another" : "the first", url, token);
    sodium_memzero(token, sizeof token);
}

/* Last, when all files that only a start needs have been read. */
static int enter_sandbox(const struct idem_config *config)
{
    const struct idem_sandbox sandbox = {.outbound = config->oidc.issuer != NULL};

    if (config->sandbox == IDEM_SANDBOX_NEVER || idem_sandbox_enter(&sandbox) == 0)
        return IDEM_OK;
    idem_log(IDEM_LOG_ERROR, "kernel: system calls cannot be restricted (seccomp)");
    return config->sandbox == IDEM_SANDBOX_ALWAYS ? IDEM_ERR_IO : IDEM_OK;
}

static int serve(struct server *s, const sigset_t *signals)
{
    char url[IDEM_URL_MAX];
    int number = 0;

    int err = start(s);
    if (err == 0)
        err = enter_sandbox(&s->config);
    if (err == 0) {
        idem_http_url(s->http, url);
        printf("idem-server listening on %s/", url);
        printf(s->demo != 0 ? "#operator=%s\n" : "\n", idem_auth_operator(s->auth));
        print_setup(s, url);
        fflush(stdout);
        while (sigwait(signals, &number) == 0 && number == SIGHUP)
            reload(s);
    }
    stop(s);
    return err == 0 ? 0 : 1;
}

/* Reads whatever the settings name, and touches nothing. */
static int check(struct server *s)
{
    int err;

    (void)((err = load_tls(&s->config)) != 0 ||
           (err = idem_files_population(s->config.population, &s->population,
                                        s->population_hash)) != 0 ||
           (err = idem_policing_load(s->config.policy, s->config.demo, &s->policy)) != 0 ||
           (err = idem_assets_load(s->config.www, &s->assets)) != 0);
    if (err == 0)
        printf("%s: good\n", s->config.file != NULL ? s->config.file : "command line");
    stop(s);
    return err == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct server s = {.lock_fd = -1};
    enum idem_options_wish wish;
    char why[IDEM_CONFIG_WHY_MAX];
    sigset_t signals;

    idem_config_init(&s.config);
    if (idem_options_parse(argc, argv, &s.config, &wish, why) != 0) {
        fprintf(stderr, "idem-server: %s\n", why);
        idem_config_fini(&s.config);
        return 2;
    }
    if (wish == IDEM_OPTIONS_HELP || wish == IDEM_OPTIONS_ROUTES) {
        if (wish == IDEM_OPTIONS_HELP)
            fputs(idem_options_usage(), stdout);
        else
            idem_routes_list(stdout);
        idem_config_fini(&s.config);
        return 0;
    }
    if (sodium_init() < 0)
        return 1;
    idem_process_prepare(&signals);
    return wish == IDEM_OPTIONS_CHECK ? check(&s) : serve(&s, &signals);
}
