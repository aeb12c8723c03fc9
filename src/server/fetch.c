/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.c - see fetch.h. */
#include "server/fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_S = 5, WHOLE_S = 10 };

struct sink {
    char *bytes;
    size_t len, max;
};

int idem_fetch_begin(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == 0 ? IDEM_OK : IDEM_ERR_NOMEM;
}

void idem_fetch_end(void)
{
    curl_global_cleanup();
}

/* As curl itself reads the address, so that both mean the same. */
bool idem_fetch_may(const char *url)
{
    CURLU *parts = strlen(url) <= IDEM_FETCH_URL_MAX ? curl_url() : NULL;
    char *scheme = NULL, *host = NULL, *user = NULL;
    bool may = false;

    if (parts == NULL)
        return false;
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_NO_USER)
        may = strcmp(scheme, "https") == 0 ||
              (strcmp(scheme, "http") == 0 &&
               (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0 ||
                strcmp(host, "[::1]") == 0));
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_url_cleanup(parts);
    return may;
}

static size_t take(char *bytes, size_t size, size_t count, void *arg)
{
    struct sink *s = arg;
    size_t len = size * count;

    if (len > s->max - s->len)
        return 0; /* ends the transfer as failed */
    memcpy(s->bytes + s->len, bytes, len);
    s->len += len;
    return len;
}

static void say_to(CURL *easy, const struct idem_fetch *what, struct sink *sink, char *error)
{
    curl_easy_setopt(easy, CURLOPT_URL, what->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)WHOLE_S);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "idem-server");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, sink);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    if (what->authorities != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, what->authorities);
    if (what->form != NULL)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, what->form);
    if (what->user != NULL) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(easy, CURLOPT_USERNAME, what->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, what->password);
    }
}

static int run(CURL *easy, const struct idem_fetch *what, struct sink *sink, char *why)
{
    char error[CURL_ERROR_SIZE] = "";
    long status = 0;

    say_to(easy, what, sink, error);
    CURLcode rc = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    const size_t place = strcspn(what->url, "?#");
    const int shown = place < IDEM_FETCH_WHY_MAX / 2 ? (int)place : IDEM_FETCH_WHY_MAX / 2;
    if (rc == CURLE_OK && status == 200)
        return IDEM_OK;
    if (rc == CURLE_WRITE_ERROR)
        snprintf(why, IDEM_FETCH_WHY_MAX, "%.*s: the answer is longer than %zu bytes", shown,
                 what->url, sink->max);
    else if (rc != CURLE_OK)
        snprintf(why, IDEM_FETCH_WHY_MAX, "%.*s: %.100s", shown, what->url,
                 error[0] != '\0' ? error : curl_easy_strerror(rc));
    else
        snprintf(why, IDEM_FETCH_WHY_MAX, "%.*s: status %ld", shown, what->url, status);
    return IDEM_ERR_IO;
}

int idem_fetch_run(const struct idem_fetch *what, char **answer, size_t *len, char *why)
{
    struct sink sink = {.bytes = malloc(what->max + 1), .max = what->max};
    CURL *easy = curl_easy_init();
    int err = IDEM_ERR_NOMEM;

    snprintf(why, IDEM_FETCH_WHY_MAX, "out of memory");
    if (sink.bytes != NULL && easy != NULL) {
        if (idem_fetch_may(what->url)) {
            err = run(easy, what, &sink, why);
        } else {
            snprintf(why, IDEM_FETCH_WHY_MAX, "an address that is neither https nor this machine");
            err = IDEM_ERR_IO;
        }
    }
    curl_easy_cleanup(easy);
    if (err != 0) {
        free(sink.bytes);
        return err;
    }
    sink.bytes[sink.len] = '\0';
    *answer = sink.bytes;
    *len = sink.len;
    return IDEM_OK;
}

char *idem_fetch_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, (int)strlen(text));
    char *own = escaped != NULL ? strdup(escaped) : NULL;

    curl_free(escaped);
    return own;
}
