/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h - TLS over a socket that does not block: GnuTLS, the server's name and chain verified, at
 * least TLS 1.2.
 *
 * The authorities are read inside the verification and freed with it: a system's bundle is some 4
 * MB of heap, more than all the rest of the courier. A connection that takes up a former one's
 * session needs no verification, and so not even that.
 */
#ifndef IDEM_AGENT_COURIER_TLS_H
#define IDEM_AGENT_COURIER_TLS_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { IDEM_TLS_AGAIN = -100, IDEM_TLS_WHY_MAX = 200 };

/* What connections of one courier share. */
struct idem_tls_context {
    gnutls_certificate_credentials_t credentials;
    const char *ca;     /* file, NULL: the system's */
    const char *name;   /* of the server */
    gnutls_datum_t old; /* a former connection's session, or nothing */
};

struct idem_tls {
    struct idem_tls_context *context;
    gnutls_session_t session;
    bool kept; /* its session has been kept for the next connection */
    char why[IDEM_TLS_WHY_MAX];
};

/* ca and name outlive the context. IDEM_ERR_NOMEM */
int idem_tls_context_init(struct idem_tls_context *c, const char *ca, const char *name);
void idem_tls_context_fini(struct idem_tls_context *c);

/* On a connected socket, which stays the caller's. IDEM_ERR_NOMEM */
int idem_tls_begin(struct idem_tls *t, struct idem_tls_context *c, int fd);
void idem_tls_end(struct idem_tls *t);

/* 0, IDEM_TLS_AGAIN or IDEM_ERR_IO; then t->why says why in a sentence's end. */
int idem_tls_handshake(struct idem_tls *t);
/* Bytes, 0: the peer has ended it, IDEM_TLS_AGAIN or IDEM_ERR_IO. A write that is to be tried again
 * is tried with the same bytes. */
ssize_t idem_tls_read(struct idem_tls *t, void *bytes, size_t cap);
ssize_t idem_tls_write(struct idem_tls *t, const void *bytes, size_t len);
/* After IDEM_TLS_AGAIN: it waits until the socket can be written. */
bool idem_tls_wants_write(const struct idem_tls *t);

#endif
