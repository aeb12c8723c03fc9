/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch.h - one request to another server, and its whole answer, with libcurl; for the errands'
 * thread (errands.h), which may wait.
 *
 *   https              anywhere, the certificate checked against the system's authorities, or those
 *                      of one file
 *   http               to this machine only, by its numbers or as localhost
 *   a redirect, an answer beyond its maximum, more than ten seconds   a failure
 */
#ifndef IDEM_SERVER_FETCH_H
#define IDEM_SERVER_FETCH_H

#include "idem/idem.h"

enum { IDEM_FETCH_URL_MAX = 1024, IDEM_FETCH_WHY_MAX = 256 };

struct idem_fetch {
    const char *url;
    const char *authorities;     /* PEM file, NULL: the system's */
    const char *form;            /* NULL: GET; else POST of application/x-www-form-urlencoded */
    const char *user, *password; /* basic authentication, NULL: none */
    size_t max;                  /* of the answer */
};

/* Once, before there are threads. */
int idem_fetch_begin(void);
void idem_fetch_end(void);

/* Whether such an address may be asked at all. */
bool idem_fetch_may(const char *url);
/*
 * *answer is the caller's to free and ends with a nought beyond *len. IDEM_ERR_IO: there was none,
 * or not 200; why (IDEM_FETCH_WHY_MAX bytes) says so, without the URL's arguments.
 */
int idem_fetch_run(const struct idem_fetch *what, char **answer, size_t *len, char *why);
/* One "name=value" of a form, or of a query, escaped; NULL when there is no memory. free() it. */
char *idem_fetch_escape(const char *text);

#endif
