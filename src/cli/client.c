/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c - see client.h.
 */
#include "cli/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idem/idem.h"

enum { HEADER_MAX = 256, TIMEOUT_S = 30 };

struct transfer {
    CURL *easy;
    struct curl_slist *headers;
    idem_client_done_fn *done;
    void *arg;
    char *answer;
    size_t len;
    char error[CURL_ERROR_SIZE];
    struct transfer *next, **link; /* in the list of those under way */
};

struct idem_client {
    CURLM *multi;
    char *server; /* without a slash at the end */
    struct transfer *under_way;
    int count;
};

int idem_client_new(const char *server, struct idem_client **out)
{
    struct idem_client *c = calloc(1, sizeof *c);
    size_t len = strlen(server);
    if (!c)
        return IDEM_ERR_NOMEM;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        free(c);
        return IDEM_ERR_NOMEM;
    }
    while (len && server[len - 1] == '/')
        len--;
    c->server = strndup(server, len);
    c->multi = curl_multi_init();
    if (!c->server || !c->multi) {
        idem_client_free(c);
        return IDEM_ERR_NOMEM;
    }
    curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)IDEM_CLIENT_CONNECTIONS);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)IDEM_CLIENT_CONNECTIONS);
    *out = c;
    return 0;
}

/* Off the list, and gone. */
static void drop(struct idem_client *c, struct transfer *t)
{
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    c->count--;
    curl_multi_remove_handle(c->multi, t->easy);
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    free(t->answer);
    free(t);
}

void idem_client_free(struct idem_client *c)
{
    if (!c)
        return;
    while (c->under_way)
        drop(c, c->under_way);
    curl_multi_cleanup(c->multi);
    curl_global_cleanup();
    free(c->server);
    free(c);
}

static size_t keep(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t n = size * count;
    if (n > IDEM_CLIENT_ANSWER_MAX - t->len)
        return 0; /* tells libcurl to fail the request */
    char *grown = realloc(t->answer, t->len + n + 1);
    if (!grown)
        return 0;
    memcpy(grown + t->len, bytes, n);
    t->answer = grown;
    t->len += n;
    grown[t->len] = 0;
    return n;
}

static int add_header(struct transfer *t, const char *name, const char *value)
{
    char line[HEADER_MAX];
    if (snprintf(line, sizeof line, "%s: %s", name, value) >= (int)sizeof line)
        return IDEM_ERR_LIMIT;
    struct curl_slist *longer = curl_slist_append(t->headers, line);
    if (!longer)
        return IDEM_ERR_NOMEM;
    t->headers = longer;
    return 0;
}

static int add_headers(struct transfer *t, const struct idem_client_request *request)
{
    char bearer[HEADER_MAX];
    int r = request->type ? add_header(t, "Content-Type", request->type) : 0;
    if (r == 0 && request->token) {
        if (snprintf(bearer, sizeof bearer, "Bearer %s", request->token) >= (int)sizeof bearer)
            return IDEM_ERR_LIMIT;
        r = add_header(t, "Authorization", bearer);
    }
    return r == 0 ? add_header(t, "Expect", "") : r; /* no question whether a body is welcome */
}

static void configure(struct transfer *t, const char *url, const struct idem_client_request *r)
{
    curl_easy_setopt(t->easy, CURLOPT_URL, url);
    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, r->method);
    if (r->body) {
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, (long)r->len);
        curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS, r->body);
    }
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_TCP_NODELAY, 1L);
}

int idem_client_send(struct idem_client *c, const struct idem_client_request *request,
                     idem_client_done_fn *done, void *arg)
{
    char url[1024];
    if (snprintf(url, sizeof url, "%s%s", c->server, request->path) >= (int)sizeof url)
        return IDEM_ERR_LIMIT;
    struct transfer *t = calloc(1, sizeof *t);
    if (!t || !(t->easy = curl_easy_init())) {
        free(t);
        return IDEM_ERR_NOMEM;
    }
    t->done = done;
    t->arg = arg;
    t->next = c->under_way;
    t->link = &c->under_way;
    if (t->next)
        t->next->link = &t->next;
    c->under_way = t;
    c->count++;
    int r = add_headers(t, request);
    if (r == 0) {
        configure(t, url, request);
        r = curl_multi_add_handle(c->multi, t->easy) == CURLM_OK ? 0 : IDEM_ERR_NOMEM;
    }
    if (r < 0)
        drop(c, t);
    return r;
}

/* The callback may send anew, so the transfer leaves the list first and is freed last. */
static void finish(struct idem_client *c, struct transfer *t, CURLcode code)
{
    char *answer = t->answer;
    size_t len = t->len;
    long status = 0;
    char error[CURL_ERROR_SIZE];
    idem_client_done_fn *done = t->done;
    void *arg = t->arg;
    if (code == CURLE_OK)
        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    snprintf(error, sizeof error, "%s", t->error[0] ? t->error : curl_easy_strerror(code));
    t->answer = NULL;
    drop(c, t);
    if (status)
        done(arg, status, answer ? answer : "", len);
    else
        done(arg, 0, error, strlen(error));
    free(answer);
}

int idem_client_wait(struct idem_client *c, int timeout_ms)
{
    CURLMsg *message;
    int running, left;
    curl_multi_perform(c->multi, &running);
    curl_multi_poll(c->multi, NULL, 0, timeout_ms, NULL);
    curl_multi_perform(c->multi, &running);
    while ((message = curl_multi_info_read(c->multi, &left))) {
        struct transfer *t = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        finish(c, t, code);
    }
    return c->count;
}
