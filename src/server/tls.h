/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h - the certificate and the key that the server shows, read from files and read again when it
 * is told to. Handshakes that have begun end with what they began with.
 *
 * libmicrohttpd passes nothing of ours to the function that asks for the certificate, so there is
 * one identity in the process at a time.
 */
#ifndef IDEM_SERVER_TLS_H
#define IDEM_SERVER_TLS_H

#include "idem/idem.h"

#include <gnutls/abstract.h>

enum { IDEM_TLS_CHAIN_MAX = 8, IDEM_TLS_FILE_MAX = 256 * 1024, IDEM_TLS_WHY_MAX = 1280 };

/* TLS 1.2 and 1.3, forward secrecy and authenticated ciphers only. */
extern const char idem_tls_priorities[];

/* Reads both files, which must belong together; the key's must not be open to everybody. From then
 * on idem_tls_identity answers with them. why: IDEM_TLS_WHY_MAX bytes, written when it fails, and
 * then everything is as before. Not from two threads at once. */
int idem_tls_load(const char *certificate, const char *key, char *why);
/* Days until the certificate that is shown expires; negative when it has. */
int idem_tls_days_left(int64_t unix_s);
/* When nobody asks any more. */
void idem_tls_unload(void);

/* For libmicrohttpd: a gnutls_certificate_retrieve_function3. */
int idem_tls_identity(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                      gnutls_pcert_st **chain, unsigned *chain_count, gnutls_ocsp_data_st **ocsp,
                      unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags);

#endif
