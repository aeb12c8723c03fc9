/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c - see config.h. The file is read by one function for each of its maps; the first fault
 * is remembered by the reader, so that none of them has to look after every line.
 */
#include "server/config.h"

#include "server/constants.h"
#include "wire/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct reader {
    struct idem_config *config;
    struct idem_yaml *y;
};

/* ------------------------------------------------------------------ life */

void idem_config_init(struct idem_config *config)
{
    *config = (struct idem_config){
        .data = "./var",
        .token_life_s = IDEM_TOKEN_LIFE_S,
        .limits = {.connections = IDEM_CONNECTIONS_MAX,
                   .connections_per_address = IDEM_CONNECTIONS_PER_ADDRESS,
                   .failures_per_minute = IDEM_FAILURES_PER_MINUTE,
                   .first_ms = IDEM_FIRST_HEAD_MS,
                   .idle_ms = IDEM_CONNECTION_IDLE_S * 1000,
                   .body_ms = IDEM_BODY_MS,
                   .answer_ms = IDEM_ANSWER_MS},
        .audit = {.every_s = IDEM_HEADS_EVERY_S},
        .oidc = {.name_claim = "sub", .role_claim = "groups", .scope = "openid profile"},
    };
}

void idem_config_fini(struct idem_config *config)
{
    for (uint32_t i = 0; i < config->text_count; i++)
        free(config->texts[i]);
    config->text_count = 0;
}

bool idem_config_has_tls(const struct idem_config *config)
{
    for (uint32_t i = 0; i < config->listen_count; i++)
        if (config->listens[i].tls)
            return true;
    return false;
}

int idem_config_listen(struct idem_config *config, const char *text, bool tls, uint32_t line)
{
    struct idem_listen listen = {.tls = tls, .apart = !tls, .line = line};

    if (config->listen_count == IDEM_LISTEN_MAX)
        return IDEM_ERR_LIMIT;
    int err = idem_address_parse(text, &listen.address);
    if (err == 0)
        config->listens[config->listen_count++] = listen;
    return err;
}

void idem_config_unlisten(struct idem_config *config)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < config->listen_count; i++)
        if (config->listens[i].apart)
            config->listens[kept++] = config->listens[i];
    config->listen_count = kept;
}

/* ------------------------------------------------------------------ values */

/* A copy that lives as long as the configuration. */
static uint32_t take_text(struct reader *r, const struct idem_yaml_node *node, size_t max,
                          const char **out)
{
    const char *text;
    uint32_t line = idem_yaml_text(r->y, node, max, &text);

    if (line == 0)
        return 0;
    char *copy = r->config->text_count < IDEM_CONFIG_TEXTS_MAX ? strdup(text) : NULL;
    if (copy == NULL)
        return idem_yaml_blame(r->y, node, "there are too many settings, or there is no memory");
    r->config->texts[r->config->text_count++] = copy;
    *out = copy;
    return line;
}

static uint32_t take_path(struct reader *r, const struct idem_yaml_node *map, const char *key,
                          const char **out)
{
    return take_text(r, idem_yaml_get(map, key), IDEM_CONFIG_PATH_MAX, out);
}

static void take_count(struct reader *r, const struct idem_yaml_node *map, const char *key,
                       int64_t min, int64_t max, uint32_t *out)
{
    int64_t value = *out;

    idem_yaml_int(r->y, idem_yaml_get(map, key), min, max, &value);
    *out = (uint32_t)value;
}

static void take_span(struct reader *r, const struct idem_yaml_node *map, const char *key,
                      int64_t *out_ms)
{
    idem_yaml_span(r->y, idem_yaml_get(map, key), 100, 24 * 3600 * 1000, out_ms);
}

/* ------------------------------------------------------------------ addresses and names */

static void take_listens(struct reader *r, const struct idem_yaml_node *node, bool tls)
{
    const struct idem_yaml_node *item = NULL;
    const char *text;

    idem_yaml_list(r->y, node, IDEM_LISTEN_MAX, &item);
    for (; item != NULL; item = idem_yaml_next(item)) {
        uint32_t line = idem_yaml_text(r->y, item, IDEM_ADDRESS_TEXT_MAX, &text);
        int err = line == 0 ? IDEM_OK : idem_config_listen(r->config, text, tls, line);
        if (err == IDEM_ERR_LIMIT)
            idem_yaml_blame(r->y, item, "there are more than %d addresses", IDEM_LISTEN_MAX);
        else if (err != 0)
            idem_yaml_blame(r->y, item,
                            "\"%s\" is not an address with a port, such as 192.0.2.1:8443 or "
                            "\"[::]:8443\"",
                            text);
        if (node == item) /* a single address without a list */
            break;
    }
}

/* What may stand in a Host header, without what would make two readings of it possible. */
static bool is_host(const char *text)
{
    static const char marks[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:"
                                "[]_";
    return text[0] != '\0' && text[strspn(text, marks)] == '\0' && strlen(text) < 256;
}

static void take_hosts(struct reader *r, const struct idem_yaml_node *node)
{
    struct idem_config *c = r->config;
    const struct idem_yaml_node *item = NULL;

    idem_yaml_list(r->y, node, IDEM_HOSTS_MAX, &item);
    for (; item != NULL && c->host_count < IDEM_HOSTS_MAX; item = idem_yaml_next(item)) {
        const char *host = NULL;
        if (take_text(r, item, IDEM_HOST_TEXT_MAX, &host) == 0)
            return;
        if (!is_host(host))
            idem_yaml_blame(r->y, item,
                            "\"%.64s\" is not the name of a host: no scheme, no path, as in "
                            "idem.example.com or idem.example.com:8443",
                            host);
        c->hosts[c->host_count++] = host;
        if (node == item)
            break;
    }
}

static void take_proxies(struct reader *r, const struct idem_yaml_node *node)
{
    struct idem_config *c = r->config;
    const struct idem_yaml_node *item = NULL;
    const char *text;

    idem_yaml_list(r->y, node, IDEM_PROXIES_MAX, &item);
    for (; item != NULL && c->proxy_count < IDEM_PROXIES_MAX; item = idem_yaml_next(item)) {
        if (idem_yaml_text(r->y, item, IDEM_ADDRESS_TEXT_MAX, &text) == 0)
            return;
        if (idem_network_parse(text, &c->proxies[c->proxy_count++]) != 0)
            idem_yaml_blame(r->y, item,
                            "\"%s\" is not an address or a network, such as 192.0.2.7 or "
                            "2001:db8::/32",
                            text);
        if (node == item)
            break;
    }
}

/* ------------------------------------------------------------------ the maps */

static void take_tls(struct reader *r, const struct idem_yaml_node *map)
{
    static const char *const known[] = {"certificate", "key"};
    struct idem_config *c = r->config;

    if (map == NULL)
        return;
    idem_yaml_keys(r->y, map, known, COUNT(known));
    take_path(r, map, "certificate", &c->certificate);
    take_path(r, map, "key", &c->key);
    c->tls_line = idem_yaml_line(map);
    if (c->certificate == NULL || c->key == NULL)
        idem_yaml_blame(r->y, map, "TLS takes both a certificate and a key");
}

/* The sentence is long so that nobody copies it without having read it. */
static void take_plain(struct reader *r, const struct idem_yaml_node *map)
{
    static const char *const known[] = {"listen", "on_any_address"};
    static const char *const admission[] = {"everybody on the way may read and change it"};
    int index;

    idem_yaml_keys(r->y, map, known, COUNT(known));
    take_listens(r, idem_yaml_get(map, "listen"), false);
    if (idem_yaml_choice(r->y, idem_yaml_get(map, "on_any_address"), admission, 1, &index) != 0)
        r->config->plain_anywhere = true;
}

static void take_limits(struct reader *r, const struct idem_yaml_node *map)
{
    static const char *const known[] = {
        "connections", "connections_per_address", "failures_per_minute", "first", "idle", "body",
        "answer"};
    struct idem_limits *l = &r->config->limits;

    idem_yaml_keys(r->y, map, known, COUNT(known));
    take_count(r, map, "connections", 16, IDEM_CONNECTIONS_MAX, &l->connections);
    take_count(r, map, "connections_per_address", 1, IDEM_CONNECTIONS_MAX,
               &l->connections_per_address);
    take_count(r, map, "failures_per_minute", 1, 1000000, &l->failures_per_minute);
    take_span(r, map, "first", &l->first_ms);
    take_span(r, map, "idle", &l->idle_ms);
    take_span(r, map, "body", &l->body_ms);
    take_span(r, map, "answer", &l->answer_ms);
}

static void take_audit(struct reader *r, const struct idem_yaml_node *map)
{
    static const char *const known[] = {"head_file", "syslog", "every"};
    struct idem_heads_options *a = &r->config->audit;
    int64_t every_ms = a->every_s * INT64_C(1000);

    idem_yaml_keys(r->y, map, known, COUNT(known));
    take_path(r, map, "head_file", &a->file);
    idem_yaml_bool(r->y, idem_yaml_get(map, "syslog"), &a->syslog);
    idem_yaml_span(r->y, idem_yaml_get(map, "every"), 1000, 24 * 3600 * 1000, &every_ms);
    a->every_s = (uint32_t)(every_ms / 1000);
}

static void take_roles(struct reader *r, const struct idem_yaml_node *map)
{
    static const char *const names[] = {"analyst", "operator", "privacy-officer", "auditor",
                                        "employee"};
    struct idem_oidc_config *o = &r->config->oidc;
    int role;

    if (map != NULL && idem_yaml_kind(map) != IDEM_YAML_MAP)
        idem_yaml_blame(r->y, map, "\"value of the claim: role\" lines are expected here");
    for (const struct idem_yaml_node *n = idem_yaml_first(map); n != NULL; n = idem_yaml_next(n)) {
        struct idem_config *c = r->config;
        if (idem_yaml_choice(r->y, n, names, COUNT(names), &role) == 0)
            return;
        char *claim = c->text_count < IDEM_CONFIG_TEXTS_MAX ? strdup(idem_yaml_key(n)) : NULL;
        if (claim == NULL || o->role_count == IDEM_CLAIM_ROLES_MAX) {
            free(claim);
            idem_yaml_blame(r->y, n, "there are more than %d roles", IDEM_CLAIM_ROLES_MAX);
            return;
        }
        c->texts[c->text_count++] = claim;
        o->roles[o->role_count++] = (struct idem_claim_role){claim, names[role]};
    }
}

static void take_oidc(struct reader *r, const struct idem_yaml_node *map)
{
    static const char *const known[] = {
        "issuer", "client_id", "client_secret_file", "redirect_uri", "name_claim", "role_claim",
        "roles",  "scope",     "organisation",       "ca_file"};
    struct idem_oidc_config *o = &r->config->oidc;

    if (map == NULL)
        return;
    idem_yaml_keys(r->y, map, known, COUNT(known));
    take_text(r, idem_yaml_get(map, "issuer"), IDEM_CONFIG_TEXT_MAX, &o->issuer);
    take_text(r, idem_yaml_get(map, "client_id"), IDEM_CONFIG_TEXT_MAX, &o->client_id);
    take_path(r, map, "client_secret_file", &o->client_secret_file);
    take_text(r, idem_yaml_get(map, "redirect_uri"), IDEM_CONFIG_TEXT_MAX, &o->redirect_uri);
    take_text(r, idem_yaml_get(map, "name_claim"), IDEM_CONFIG_TEXT_MAX, &o->name_claim);
    take_text(r, idem_yaml_get(map, "role_claim"), IDEM_CONFIG_TEXT_MAX, &o->role_claim);
    take_text(r, idem_yaml_get(map, "scope"), IDEM_CONFIG_TEXT_MAX, &o->scope);
    take_text(r, idem_yaml_get(map, "organisation"), IDEM_CONFIG_TEXT_MAX, &o->organisation);
    take_path(r, map, "ca_file", &o->ca_file);
    take_roles(r, idem_yaml_get(map, "roles"));
    if (o->issuer == NULL || o->client_id == NULL || o->redirect_uri == NULL ||
        o->organisation == NULL)
        idem_yaml_blame(
            r->y, map,
            "OpenID Connect takes an issuer, a client_id, a redirect_uri and an organisation");
}

static void take_all(struct reader *r)
{
    static const char *const known[] = {"listen",     "hosts",  "tls",     "plain_http",
                                        "proxies",    "data",   "user",    "policy",
                                        "population", "www",    "threads", "audit",
                                        "oidc",       "limits", "sandbox", "token_seconds"};
    struct idem_config *c = r->config;
    const struct idem_yaml_node *top = idem_yaml_root(r->y);
    bool sandbox;

    idem_yaml_keys(r->y, top, known, COUNT(known));
    take_tls(r, idem_yaml_get(top, "tls"));
    take_listens(r, idem_yaml_get(top, "listen"), true);
    take_plain(r, idem_yaml_get(top, "plain_http"));
    take_hosts(r, idem_yaml_get(top, "hosts"));
    take_proxies(r, idem_yaml_get(top, "proxies"));
    take_path(r, top, "data", &c->data);
    take_path(r, top, "population", &c->population);
    take_path(r, top, "www", &c->www);
    take_path(r, top, "policy", &c->policy);
    take_text(r, idem_yaml_get(top, "user"), IDEM_CONFIG_TEXT_MAX, &c->user);
    take_count(r, top, "threads", 1, IDEM_THREADS_MAX, &c->threads);
    take_count(r, top, "token_seconds", 1, IDEM_TOKEN_LIFE_MAX_S, &c->token_life_s);
    if (idem_yaml_bool(r->y, idem_yaml_get(top, "sandbox"), &sandbox) != 0)
        c->sandbox = sandbox ? IDEM_SANDBOX_ALWAYS : IDEM_SANDBOX_NEVER;
    take_limits(r, idem_yaml_get(top, "limits"));
    take_audit(r, idem_yaml_get(top, "audit"));
    take_oidc(r, idem_yaml_get(top, "oidc"));
}

/* ------------------------------------------------------------------ the file */

static int slurp(const char *file, char **bytes, size_t *len, char *why)
{
    struct stat st;
    int err = IDEM_ERR_IO;
    char *buffer = NULL;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &st) != 0) {
        snprintf(why, IDEM_CONFIG_WHY_MAX, "%s: %s", file, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > IDEM_YAML_BYTES_MAX) {
        snprintf(why, IDEM_CONFIG_WHY_MAX, "%s: is not a file of a possible size", file);
        goto out;
    }
    buffer = malloc((size_t)st.st_size + 1);
    if (buffer == NULL || read(fd, buffer, (size_t)st.st_size) != st.st_size) {
        snprintf(why, IDEM_CONFIG_WHY_MAX, "%s: cannot be read", file);
        goto out;
    }
    *bytes = buffer;
    *len = (size_t)st.st_size;
    buffer = NULL;
    err = IDEM_OK;
out:
    free(buffer);
    if (fd >= 0)
        close(fd);
    return err;
}

int idem_config_parse(struct idem_config *config, const char *bytes, size_t len, const char *file,
                      char *why)
{
    char text[IDEM_YAML_FAULT_TEXT];
    struct idem_yaml_fault fault;
    struct reader r = {.config = config};

    int err = idem_yaml_parse(bytes, len, file, &r.y, &fault);
    if (err == 0) {
        take_all(&r);
        err = idem_yaml_end(r.y, &fault);
    }
    if (err != 0)
        snprintf(why, IDEM_CONFIG_WHY_MAX, "%s", idem_yaml_fault_text(&fault, text));
    else
        config->file = file;
    return err;
}

int idem_config_read(struct idem_config *config, const char *file, char *why)
{
    char *bytes;
    size_t len;

    int err = slurp(file, &bytes, &len, why);
    if (err != 0)
        return err;
    err = idem_config_parse(config, bytes, len, file, why);
    free(bytes);
    return err;
}

/* ------------------------------------------------------------------ the whole */

static int say(const struct idem_config *c, uint32_t line, char *why, const char *what)
{
    if (line > 0)
        snprintf(why, IDEM_CONFIG_WHY_MAX, "%s:%u: %s", c->file, line, what);
    else
        snprintf(why, IDEM_CONFIG_WHY_MAX, "%s", what);
    return IDEM_ERR_INVALID;
}

static int check_listen(const struct idem_config *c, const struct idem_listen *l, char *why)
{
    char address[IDEM_ADDRESS_TEXT_MAX], text[IDEM_CONFIG_WHY_MAX / 2];

    if (l->tls || idem_address_is_loopback(&l->address) || c->plain_anywhere)
        return IDEM_OK;
    idem_address_text(&l->address, address);
    snprintf(text, sizeof text,
             "%s would speak plain HTTP, which is for this machine's own addresses: give a "
             "certificate (tls), or say plain_http: on_any_address",
             address);
    return say(c, l->line, why, text);
}

/* What anybody on this machine may do in a demonstration, nobody may from outside. */
static int check_demo(const struct idem_config *c, char *why)
{
    for (uint32_t i = 0; i < c->listen_count && c->demo; i++)
        if (!idem_address_is_loopback(&c->listens[i].address))
            return say(c, c->listens[i].line, why, "--demo is for this machine's own addresses");
    return IDEM_OK;
}

static int check_reach(const struct idem_config *c, char *why)
{
    for (uint32_t i = 0; i < c->listen_count; i++)
        if (!idem_address_is_loopback(&c->listens[i].address) && c->host_count == 0)
            return say(c, c->listens[i].line, why,
                       "others can reach this address, but there are no hosts: say under which "
                       "names this server is asked for");
    return IDEM_OK;
}

int idem_config_check(struct idem_config *config, char *why)
{
    int err = IDEM_OK;

    for (uint32_t i = 0; i < config->listen_count; i++)
        config->listens[i].tls &= config->certificate != NULL;
    if (config->population == NULL)
        return say(config, 0, why, "population is missing");
    if ((config->certificate == NULL) != (config->key == NULL))
        return say(config, config->tls_line, why, "TLS takes both a certificate and a key");
    if (config->listen_count == 0)
        return say(config, 0, why, "there is nowhere to listen");
    for (uint32_t i = 0; i < config->listen_count && err == 0; i++)
        err = check_listen(config, &config->listens[i], why);
    (void)(err != 0 || (err = check_demo(config, why)) != 0 ||
           (err = check_reach(config, why)) != 0);
    return err;
}
