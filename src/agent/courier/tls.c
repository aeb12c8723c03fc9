/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c - see tls.h. */
#include "agent/courier/tls.h"

#include <gnutls/x509.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "idem/idem.h"

static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%COMPAT";

/* ------------------------------------------------------------------ who it is */

static int load(gnutls_x509_trust_list_t list, const char *ca)
{
    return ca != NULL
               ? gnutls_x509_trust_list_add_trust_file(list, ca, NULL, GNUTLS_X509_FMT_PEM, 0, 0)
               : gnutls_x509_trust_list_add_system_trust(list, 0, 0);
}

/* The chain as it came, for the trust list; each certificate is freed with *count. */
static unsigned import(gnutls_session_t session, gnutls_x509_crt_t *chain, unsigned max)
{
    unsigned count = 0, sent = 0;
    const gnutls_datum_t *raw = gnutls_certificate_get_peers(session, &sent);

    for (; raw != NULL && count < sent && count < max; count++) {
        if (gnutls_x509_crt_init(&chain[count]) != 0)
            break;
        if (gnutls_x509_crt_import(chain[count], &raw[count], GNUTLS_X509_FMT_DER) != 0) {
            gnutls_x509_crt_deinit(chain[count]);
            break;
        }
    }
    return count;
}

static void put_status(struct idem_tls *t, unsigned status)
{
    gnutls_datum_t text = {0};

    if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) == 0)
        snprintf(t->why, sizeof t->why, "%s", (const char *)text.data);
    gnutls_free(text.data);
}

static bool is_good(struct idem_tls *t, gnutls_x509_trust_list_t list)
{
    gnutls_x509_crt_t chain[8];
    gnutls_typed_vdata_st data[] = {
        {GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)(uintptr_t)t->context->name, 0},
        {GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER, 0}};
    unsigned status = GNUTLS_CERT_INVALID;
    unsigned count = import(t->session, chain, sizeof chain / sizeof *chain);

    int err = count == 0 ? GNUTLS_E_NO_CERTIFICATE_FOUND
                         : gnutls_x509_trust_list_verify_crt2(list, chain, count, data, 2, 0,
                                                              &status, NULL);
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
    if (err != 0)
        snprintf(t->why, sizeof t->why, "%s", gnutls_strerror(err));
    else if (status != 0)
        put_status(t, status);
    return err == 0 && status == 0;
}

static int verify(gnutls_session_t session)
{
    struct idem_tls *t = gnutls_session_get_ptr(session);
    gnutls_x509_trust_list_t list;
    bool good = false;

    if (gnutls_x509_trust_list_init(&list, 0) != 0)
        return GNUTLS_E_CERTIFICATE_ERROR;
    if (load(list, t->context->ca) > 0)
        good = is_good(t, list);
    else
        snprintf(t->why, sizeof t->why, "%s: no authority's certificate can be read",
                 t->context->ca != NULL ? t->context->ca : "the system");
    gnutls_x509_trust_list_deinit(list, 1);
    malloc_trim(0);
    return good ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

int idem_tls_context_init(struct idem_tls_context *c, const char *ca, const char *name)
{
    *c = (struct idem_tls_context){.ca = ca, .name = name};
    if (gnutls_certificate_allocate_credentials(&c->credentials) != 0)
        return IDEM_ERR_NOMEM;
    gnutls_certificate_set_verify_function(c->credentials, verify);
    return 0;
}

void idem_tls_context_fini(struct idem_tls_context *c)
{
    gnutls_certificate_free_credentials(c->credentials);
    gnutls_free(c->old.data);
    memset(c, 0, sizeof *c);
}

/* ------------------------------------------------------------------ a connection */

static bool is_number(const char *name)
{
    return strchr(name, ':') != NULL || strspn(name, "0123456789.") == strlen(name);
}

int idem_tls_begin(struct idem_tls *t, struct idem_tls_context *c, int fd)
{
    *t = (struct idem_tls){.context = c};
    if (gnutls_init(&t->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) != 0)
        return IDEM_ERR_NOMEM;
    gnutls_session_set_ptr(t->session, t);
    int err = gnutls_priority_set_direct(t->session, priorities, NULL);
    if (err == 0)
        err = gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, c->credentials);
    if (err == 0 && !is_number(c->name)) /* an address is no server name (RFC 6066) */
        err = gnutls_server_name_set(t->session, GNUTLS_NAME_DNS, c->name, strlen(c->name));
    if (err != 0) {
        idem_tls_end(t);
        return IDEM_ERR_NOMEM;
    }
    if (c->old.data != NULL)
        gnutls_session_set_data(t->session, c->old.data, c->old.size);
    gnutls_transport_set_int(t->session, fd);
    gnutls_handshake_set_timeout(t->session, GNUTLS_INDEFINITE_TIMEOUT); /* the loop's */
    return 0;
}

void idem_tls_end(struct idem_tls *t)
{
    if (t->session == NULL)
        return;
    gnutls_bye(t->session, GNUTLS_SHUT_WR); /* as far as it goes without waiting */
    gnutls_deinit(t->session);
    t->session = NULL;
}

static int settle(struct idem_tls *t, ssize_t n)
{
    if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_REHANDSHAKE)
        return IDEM_TLS_AGAIN;
    if (t->why[0] == 0)
        snprintf(t->why, sizeof t->why, "%s", gnutls_strerror((int)n));
    return IDEM_ERR_IO;
}

/* A ticket is good once: what was refused is not tried again. */
static void forget_session(struct idem_tls_context *c)
{
    gnutls_free(c->old.data);
    c->old = (gnutls_datum_t){0};
}

int idem_tls_handshake(struct idem_tls *t)
{
    int n;

    do
        n = gnutls_handshake(t->session);
    while (n < 0 && n != GNUTLS_E_AGAIN && n != GNUTLS_E_INTERRUPTED && !gnutls_error_is_fatal(n));
    if (n != GNUTLS_E_AGAIN && n != GNUTLS_E_INTERRUPTED)
        forget_session(t->context);
    return n == 0 ? 0 : settle(t, n);
}

/* With TLS 1.3 the ticket comes after the handshake. */
static void keep_session(struct idem_tls *t)
{
    bool has = gnutls_protocol_get_version(t->session) != GNUTLS_TLS1_3 ||
               (gnutls_session_get_flags(t->session) & GNUTLS_SFLAGS_SESSION_TICKET) != 0;

    if (t->kept || !has)
        return;
    t->kept = true;
    forget_session(t->context);
    if (gnutls_session_get_data2(t->session, &t->context->old) != 0)
        t->context->old = (gnutls_datum_t){0};
}

ssize_t idem_tls_read(struct idem_tls *t, void *bytes, size_t cap)
{
    ssize_t n = gnutls_record_recv(t->session, bytes, cap);

    if (n < 0)
        return settle(t, n);
    if (n > 0)
        keep_session(t);
    return n;
}

ssize_t idem_tls_write(struct idem_tls *t, const void *bytes, size_t len)
{
    ssize_t n = gnutls_record_send(t->session, bytes, len);

    return n < 0 ? settle(t, n) : n;
}

bool idem_tls_wants_write(const struct idem_tls *t)
{
    return gnutls_record_get_direction(t->session) == 1;
}
