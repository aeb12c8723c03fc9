/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote.c - see remote.h. A log-in lives in libcurl's cookies and ends with the command.
 */
#include "cli/remote.h"

#include <curl/curl.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/command.h"

enum { ANSWER_MAX = 4 * 1024 * 1024, URL_MAX = 1024, LINE_ROOM = 256, TIMEOUT_S = 30 };

struct idem_remote {
    CURL *easy;
    const char *server, *ca;
    char host[IDEM_REMOTE_HOST_MAX];
    char bearer[LINE_ROOM], csrf[LINE_ROOM];
    bool logged_in;
    char *answer;
    size_t len;
    char error[CURL_ERROR_SIZE];
};

bool idem_remote_option(struct idem_remote_options *o, int id, char *value)
{
    switch (id) {
    case IDEM_REMOTE_SERVER:
        o->server = value;
        return true;
    case IDEM_REMOTE_CA:
        o->ca = value;
        return true;
    case IDEM_REMOTE_LOGIN:
        o->login = value;
        return true;
    case IDEM_REMOTE_TOKEN_FILE:
        o->token_file = value;
        return true;
    default:
        return false;
    }
}

const char *idem_remote_host(const struct idem_remote *r)
{
    return r->host;
}

bool idem_remote_host_of(const char *url, char *host)
{
    char *name = NULL, *port = NULL;
    CURLU *u = curl_url();
    bool good = u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_HOST, &name, 0) == CURLUE_OK;

    if (good && curl_url_get(u, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT) == CURLUE_OK)
        good = snprintf(host, IDEM_REMOTE_HOST_MAX, "%s:%s", name, port) < IDEM_REMOTE_HOST_MAX;
    else if (good)
        good = snprintf(host, IDEM_REMOTE_HOST_MAX, "%s", name) < IDEM_REMOTE_HOST_MAX;
    curl_free(name);
    curl_free(port);
    curl_url_cleanup(u);
    return good;
}

/* ------------------------------------------------------------------ one request */

static size_t keep(char *bytes, size_t size, size_t count, void *arg)
{
    struct idem_remote *r = arg;
    size_t n = size * count;
    if (n > ANSWER_MAX - r->len)
        return 0; /* tells libcurl to fail the request */
    char *grown = realloc(r->answer, r->len + n + 1);
    if (!grown)
        return 0;
    memcpy(grown + r->len, bytes, n);
    r->answer = grown;
    r->len += n;
    grown[r->len] = 0;
    return n;
}

static struct curl_slist *headers_for(const struct idem_remote *r, bool body)
{
    struct curl_slist *list = NULL;
    char line[LINE_ROOM + 32];

    if (body)
        list = curl_slist_append(list, "Content-Type: application/json");
    if (r->bearer[0]) {
        snprintf(line, sizeof line, "Authorization: Bearer %s", r->bearer);
        list = curl_slist_append(list, line);
    }
    if (r->csrf[0]) {
        snprintf(line, sizeof line, "Idem-CSRF: %s", r->csrf);
        list = curl_slist_append(list, line);
    }
    return curl_slist_append(list, "Expect:");
}

static void configure(struct idem_remote *r, const char *method, const char *url, const char *body)
{
    curl_easy_setopt(r->easy, CURLOPT_URL, url);
    curl_easy_setopt(r->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, body);
    if (!body)
        curl_easy_setopt(r->easy, CURLOPT_HTTPGET, 1L);
    if (!body)
        curl_easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->error);
    curl_easy_setopt(r->easy, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(r->easy, CURLOPT_COOKIEFILE, ""); /* cookies in memory */
    if (r->ca)
        curl_easy_setopt(r->easy, CURLOPT_CAINFO, r->ca);
}

static int refuse(const struct idem_remote *r, long status, const json_t *answer)
{
    const char *detail = json_string_value(json_object_get(answer, "detail"));
    const char *action = json_string_value(json_object_get(answer, "action"));
    const char *type = json_string_value(json_object_get(answer, "type"));

    if (!detail || !type)
        return idem_cli_fail("%s answers %ld", r->server, status);
    return idem_cli_fail("%ld %s: %s. %s", status,
                         strrchr(type, '/') ? strrchr(type, '/') + 1 : type, detail,
                         action ? action : "");
}

static int send_request(struct idem_remote *r, const char *method, const char *path,
                        const char *body, long *status)
{
    char url[URL_MAX];
    size_t len = strlen(r->server);

    while (len && r->server[len - 1] == '/')
        len--;
    if (snprintf(url, sizeof url, "%.*s%s", (int)len, r->server, path) >= (int)sizeof url)
        return idem_cli_fail("%s: too long", path);
    struct curl_slist *headers = headers_for(r, body != NULL);
    r->len = 0;
    r->error[0] = 0;
    configure(r, method, url, body);
    curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(r->easy);
    curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return idem_cli_fail("%s: %s", r->server,
                             r->error[0] ? r->error : curl_easy_strerror(code));
    curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, status);
    return 0;
}

int idem_remote_call(struct idem_remote *r, const char *method, const char *path, json_t *body,
                     json_t **answer)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    long status = 0;

    if (body && !text)
        return idem_cli_fail("this is not UTF-8, or memory ran out");
    int err = send_request(r, method, path, text, &status);
    free(text);
    if (err)
        return err;
    json_t *got = r->len ? json_loadb(r->answer, r->len, 0, NULL) : NULL;
    if (status >= 300)
        err = refuse(r, status, got);
    else if (answer && !json_is_object(got))
        err = idem_cli_fail("%s: this is not an idem-server", r->server);
    if (err == 0 && answer)
        *answer = json_incref(got);
    json_decref(got);
    return err;
}

/* ------------------------------------------------------------------ credentials */

static int read_token(struct idem_remote *r, const char *file)
{
    FILE *f = fopen(file, "r");
    bool good = f && fgets(r->bearer, sizeof r->bearer, f);

    if (!f)
        return idem_cli_fail("%s: %s", file, strerror(errno));
    fclose(f);
    r->bearer[strcspn(r->bearer, "\r\n")] = 0;
    return good && r->bearer[0] ? 0 : idem_cli_fail("%s: holds no token", file);
}

/* A line from standard input, which a terminal does not show. */
static bool ask(const char *what, bool hidden, char line[LINE_ROOM])
{
    struct termios before, quiet;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;

    if (terminal) {
        fprintf(stderr, "%s: ", what);
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)(hidden ? ECHO : 0);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    bool good = fgets(line, LINE_ROOM, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        if (hidden)
            fputc('\n', stderr);
    }
    if (good)
        line[strcspn(line, "\r\n")] = 0;
    return good;
}

/* NAME, or NAME@ORGANISATION. */
static json_t *login_body(const char *login, const char *password, const char *code)
{
    const char *at = strrchr(login, '@');
    size_t len = at ? (size_t)(at - login) : strlen(login);
    json_t *body = json_pack("{s:s%, s:s}", "name", login, len, "password", password);

    if (body && code[0])
        json_object_set_new(body, "totp", json_string(code));
    if (body && at)
        json_object_set_new(body, "organisation", json_string(at + 1));
    return body;
}

static int log_in(struct idem_remote *r, const char *name)
{
    char password[LINE_ROOM] = "", code[LINE_ROOM] = "";
    json_t *answer = NULL;

    if (!ask("password", true, password) || !ask("code", false, code))
        return idem_cli_fail("a password and a code are needed, a line each");
    json_t *body = login_body(name, password, code);
    int err = idem_remote_call(r, "POST", "/v1/login", body, &answer);
    sodium_memzero(password, sizeof password);
    sodium_memzero(code, sizeof code);
    json_decref(body);
    if (err)
        return err;
    const char *csrf = json_string_value(json_object_get(answer, "csrf"));
    snprintf(r->csrf, sizeof r->csrf, "%s", csrf ? csrf : "");
    r->logged_in = true;
    json_decref(answer);
    return 0;
}

/* ------------------------------------------------------------------ life */

int idem_remote_new(const struct idem_remote_options *o, bool as_operator, struct idem_remote **out)
{
    struct idem_remote *r = calloc(1, sizeof *r);
    int err = 0;

    if (!r || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        free(r);
        return idem_cli_fail("out of memory");
    }
    r->server = o->server ? o->server : "http://127.0.0.1:8787";
    r->ca = o->ca;
    r->easy = curl_easy_init();
    if (!r->easy)
        err = idem_cli_fail("out of memory");
    else if (!idem_remote_host_of(r->server, r->host))
        err = idem_cli_fail("%s: not a server's URL", r->server);
    else if (as_operator && o->token_file)
        err = read_token(r, o->token_file);
    else if (as_operator && o->login)
        err = log_in(r, o->login);
    else if (as_operator)
        err = idem_cli_fail("who asks? --login NAME, or --token-file FILE in the demonstration");
    if (err)
        idem_remote_free(r);
    else
        *out = r;
    return err;
}

void idem_remote_free(struct idem_remote *r)
{
    long status;

    if (!r)
        return;
    if (r->logged_in)
        send_request(r, "POST", "/v1/logout", "", &status);
    if (r->easy)
        curl_easy_cleanup(r->easy);
    curl_global_cleanup();
    sodium_memzero(r->bearer, sizeof r->bearer);
    free(r->answer);
    free(r);
}
