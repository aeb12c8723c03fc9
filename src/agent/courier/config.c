/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - see config.h. */
#include "agent/courier/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <http_parser.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 16 * 1024, URL_MAX = 400 };

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ------------------------------------------------------------------ the server */

static bool is_loopback(const char *name)
{
    struct in_addr four;
    struct in6_addr six;

    if (inet_pton(AF_INET, name, &four) == 1)
        return (ntohl(four.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, name, &six) == 1)
        return IN6_IS_ADDR_LOOPBACK(&six);
    return strcmp(name, "localhost") == 0;
}

/* A part of the text, when it fits. */
static bool part(const char *url, const struct http_parser_url *u, enum http_parser_url_fields f,
                 char *out, size_t cap)
{
    size_t len = u->field_data[f].len;

    if ((u->field_set & (1U << f)) == 0 || len == 0 || len >= cap)
        return false;
    memcpy(out, url + u->field_data[f].off, len);
    out[len] = 0;
    return true;
}

static bool nothing_else(const char *url, const struct http_parser_url *u)
{
    const unsigned extra = (1U << UF_QUERY) | (1U << UF_FRAGMENT) | (1U << UF_USERINFO);
    const unsigned path = 1U << UF_PATH;

    return (u->field_set & extra) == 0 &&
           ((u->field_set & path) == 0 ||
            (u->field_data[UF_PATH].len == 1 && url[u->field_data[UF_PATH].off] == '/'));
}

/* A port that goes without saying is not said: what is signed is what stands in the header. */
static void write_host(struct idem_server_address *a)
{
    bool six = strchr(a->name, ':') != NULL;
    bool usual = strcmp(a->port, a->tls ? "443" : "80") == 0;

    snprintf(a->host, sizeof a->host, "%s%s%s%s%s", six ? "[" : "", a->name, six ? "]" : "",
             usual ? "" : ":", usual ? "" : a->port);
}

static int refuse(const char **why, const char *sentence)
{
    *why = sentence;
    return IDEM_ERR_INVALID;
}

int idem_server_address_parse(const char *url, struct idem_server_address *out, const char **why)
{
    struct idem_server_address a = {0};
    struct http_parser_url u;
    char scheme[8];
    size_t len = strlen(url);

    http_parser_url_init(&u);
    if (len > URL_MAX || http_parser_parse_url(url, len, 0, &u) != 0 ||
        !part(url, &u, UF_SCHEMA, scheme, sizeof scheme) ||
        !part(url, &u, UF_HOST, a.name, sizeof a.name))
        return refuse(why, "is no address like https://idem.example");
    a.tls = strcmp(scheme, "https") == 0;
    if (!a.tls && strcmp(scheme, "http") != 0)
        return refuse(why, "begins with neither https:// nor http://");
    if (!nothing_else(url, &u))
        return refuse(why, "ends with the name of the server, or its port");
    if (!a.tls && !is_loopback(a.name))
        return refuse(why, "is http, which anybody on the way can read and change: take https "
                           "(http is for 127.0.0.1 and localhost)");
    if (!part(url, &u, UF_PORT, a.port, sizeof a.port))
        snprintf(a.port, sizeof a.port, "%s", a.tls ? "443" : "80");
    write_host(&a);
    *out = a;
    return 0;
}

/* ------------------------------------------------------------------ the file */

static void read_server(struct idem_yaml *y, const struct idem_yaml_node *node,
                        struct idem_courier_config *c)
{
    const char *url = NULL, *why;

    idem_yaml_text(y, node, URL_MAX, &url);
    if (idem_yaml_failed(y))
        return;
    if (url == NULL)
        idem_yaml_blame(y, NULL, "has no server");
    else if (idem_server_address_parse(url, &c->server, &why) != 0)
        idem_yaml_blame(y, node, "server %s", why);
}

static void read_text(struct idem_yaml *y, const struct idem_yaml_node *node, char *out, size_t cap)
{
    const char *text = NULL;

    if (idem_yaml_text(y, node, cap - 1, &text) != 0)
        snprintf(out, cap, "%s", text);
}

/* The courier dies of a look at a path that climbs (confinement), so it is refused here. */
static void read_ca(struct idem_yaml *y, const struct idem_yaml_node *node,
                    struct idem_courier_config *c)
{
    read_text(y, node, c->ca, sizeof c->ca);
    if (c->ca[0] != 0 && (c->ca[0] != '/' || strstr(c->ca, "..") != NULL))
        idem_yaml_blame(y, node, "ca is a file's whole path, without \"..\"");
}

static void read_person(struct idem_yaml *y, const struct idem_yaml_node *node,
                        struct idem_courier_config *c)
{
    read_text(y, node, c->person, sizeof c->person);
    const char *at = strchr(c->person, '%');
    if (at == NULL || at[1] != 'u' || strchr(at + 1, '%') != NULL)
        idem_yaml_blame(y, node, "person has %%u in it once, for the log-in name");
}

int idem_courier_config_parse(const char *bytes, size_t len, const char *name,
                              struct idem_courier_config *out, struct idem_yaml_fault *fault)
{
    static const char *const known[] = {"server", "ca", "person", "job", "login_is_strong", "x11"};
    struct idem_courier_config c = {.person = "%u", .login_is_strong = true};
    struct idem_yaml *y;

    int err = idem_yaml_parse(bytes, len, name, &y, fault);
    if (err != 0)
        return err;
    const struct idem_yaml_node *top = idem_yaml_root(y);
    idem_yaml_keys(y, top, known, COUNT(known));
    read_server(y, idem_yaml_get(top, "server"), &c);
    read_ca(y, idem_yaml_get(top, "ca"), &c);
    read_person(y, idem_yaml_get(top, "person"), &c);
    read_text(y, idem_yaml_get(top, "job"), c.job, sizeof c.job);
    idem_yaml_bool(y, idem_yaml_get(top, "login_is_strong"), &c.login_is_strong);
    idem_yaml_bool(y, idem_yaml_get(top, "x11"), &c.x11);
    err = idem_yaml_end(y, fault);
    if (err == 0)
        *out = c;
    return err;
}

static ssize_t read_all(int fd, char *bytes, size_t cap)
{
    size_t len = 0;
    ssize_t n;

    while (len < cap && (n = read(fd, bytes + len, cap - len)) != 0) {
        if (n < 0 && errno != EINTR)
            return -1;
        len += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)len;
}

int idem_courier_config_read(const char *file, struct idem_courier_config *out,
                             struct idem_yaml_fault *fault)
{
    char bytes[FILE_MAX];
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n = fd < 0 ? -1 : read_all(fd, bytes, sizeof bytes);

    if (n < 0 || n == (ssize_t)sizeof bytes) {
        *fault = (struct idem_yaml_fault){0};
        snprintf(fault->name, sizeof fault->name, "%s", file);
        snprintf(fault->reason, sizeof fault->reason, "%s",
                 n < 0 ? strerror(errno) : "is longer than 16 KiB");
    }
    if (fd >= 0)
        close(fd);
    if (n < 0 || n == (ssize_t)sizeof bytes)
        return IDEM_ERR_IO;
    return idem_courier_config_parse(bytes, (size_t)n, file, out, fault);
}

int idem_courier_person(const struct idem_courier_config *config, const char *user,
                        char out[IDEM_NAME_MAX + 1])
{
    char name[IDEM_NAME_MAX + 1];
    const char *at = strchr(config->person, '%');
    int n = snprintf(name, sizeof name, "%.*s%s%s", (int)(at - config->person), config->person,
                     user, at + 2);

    if (user[0] == 0 || n >= (int)sizeof name)
        return IDEM_ERR_LIMIT;
    memcpy(out, name, sizeof name);
    return 0;
}
