/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c - see tls.h. */
#include "server/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const char idem_tls_priorities[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"
    "-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD:"
    "-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%SERVER_PRECEDENCE";

/* A handshake is over long before: connections that take longer are cut off. */
enum { RETIRED_S = 120 };

struct identity {
    gnutls_pcert_st chain[IDEM_TLS_CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
    int64_t expires_s;
    int64_t retired_s; /* on the monotonic clock */
    struct identity *older;
};

static _Atomic(struct identity *) current;
static struct identity *retired; /* for whoever loads */

/* ------------------------------------------------------------------ files */

static int fail(char *why, const char *path, const char *what)
{
    snprintf(why, IDEM_TLS_WHY_MAX, "%s: %s", path, what);
    return IDEM_ERR_IO;
}

static int check_file(int fd, const char *path, bool secret, size_t *len, char *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return fail(why, path, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > IDEM_TLS_FILE_MAX)
        return fail(why, path, "is not a file of a possible size");
    if (secret && (st.st_mode & 07))
        return fail(why, path, "can be read by others; chmod 640 or 600 it");
    *len = (size_t)st.st_size;
    return IDEM_OK;
}

static void drop(gnutls_datum_t *bytes)
{
    if (bytes->data != NULL)
        gnutls_memset(bytes->data, 0, bytes->size);
    free(bytes->data);
    bytes->data = NULL;
}

static int slurp(const char *path, bool secret, gnutls_datum_t *out, char *why)
{
    gnutls_datum_t bytes = {NULL, 0};
    size_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return fail(why, path, strerror(errno));
    int err = check_file(fd, path, secret, &len, why);
    if (err == 0) {
        bytes.size = (unsigned)len;
        bytes.data = malloc(len + 1);
        if (bytes.data == NULL || read(fd, bytes.data, len) != (ssize_t)len)
            err = fail(why, path, "cannot be read");
    }
    close(fd);
    if (err == 0)
        *out = bytes;
    else
        drop(&bytes);
    return err;
}

/* ------------------------------------------------------------------ an identity */

static void free_identity(struct identity *id)
{
    if (id == NULL)
        return;
    for (unsigned i = 0; i < id->count; i++)
        gnutls_pcert_deinit(&id->chain[i]);
    if (id->key != NULL)
        gnutls_privkey_deinit(id->key);
    free(id);
}

static int take_chain(struct identity *id, const char *path, const gnutls_datum_t *pem, char *why)
{
    gnutls_x509_crt_t certificate;
    unsigned count = IDEM_TLS_CHAIN_MAX;

    int err = gnutls_pcert_list_import_x509_raw(id->chain, &count, pem, GNUTLS_X509_FMT_PEM, 0);
    if (err != 0)
        return fail(why, path, gnutls_strerror(err));
    id->count = count;
    if (gnutls_pcert_export_x509(&id->chain[0], &certificate) != 0)
        return fail(why, path, "holds no certificate that can be read");
    id->expires_s = (int64_t)gnutls_x509_crt_get_expiration_time(certificate);
    gnutls_x509_crt_deinit(certificate);
    return IDEM_OK;
}

static int take_key(struct identity *id, const char *path, const gnutls_datum_t *pem, char *why)
{
    int err = gnutls_privkey_init(&id->key);
    if (err == 0)
        err = gnutls_privkey_import_x509_raw(id->key, pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    return err == 0 ? IDEM_OK : fail(why, path, gnutls_strerror(err));
}

static int check_pair(const struct identity *id, const char *path, char *why)
{
    unsigned char shown[64], ours[64];
    size_t shown_len = sizeof shown, ours_len = sizeof ours;
    gnutls_pubkey_t public;

    if (gnutls_pubkey_init(&public) != 0)
        return fail(why, path, "there is no memory");
    int err = gnutls_pubkey_import_privkey(public, id->key, 0, 0);
    if (err == 0)
        err = gnutls_pubkey_get_key_id(public, 0, ours, &ours_len);
    gnutls_pubkey_deinit(public);
    if (err == 0)
        err = gnutls_pubkey_get_key_id(id->chain[0].pubkey, 0, shown, &shown_len);
    if (err != 0)
        return fail(why, path, gnutls_strerror(err));
    if (ours_len != shown_len || memcmp(ours, shown, ours_len) != 0)
        return fail(why, path, "is not the key of the certificate");
    return IDEM_OK;
}

static int read_identity(const char *certificate, const char *key, struct identity **out, char *why)
{
    gnutls_datum_t pem = {NULL, 0}, secret = {NULL, 0};
    struct identity *id = calloc(1, sizeof *id);
    int err = id == NULL ? fail(why, certificate, "there is no memory") : IDEM_OK;

    (void)(err != 0 || (err = slurp(certificate, false, &pem, why)) != 0 ||
           (err = slurp(key, true, &secret, why)) != 0 ||
           (err = take_chain(id, certificate, &pem, why)) != 0 ||
           (err = take_key(id, key, &secret, why)) != 0 || (err = check_pair(id, key, why)) != 0);
    drop(&secret);
    drop(&pem);
    if (err == 0)
        *out = id;
    else
        free_identity(id);
    return err;
}

/* ------------------------------------------------------------------ the one in use */

static int64_t monotonic_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

static void free_retired(int64_t before_s)
{
    struct identity **at = &retired;

    while (*at != NULL) {
        struct identity *id = *at;
        if (id->retired_s < before_s) {
            *at = id->older;
            free_identity(id);
        } else {
            at = &id->older;
        }
    }
}

int idem_tls_load(const char *certificate, const char *key, char *why)
{
    struct identity *fresh;
    int64_t now_s = monotonic_s();

    int err = read_identity(certificate, key, &fresh, why);
    if (err != 0)
        return err;
    free_retired(now_s - RETIRED_S);
    struct identity *before = atomic_exchange(&current, fresh);
    if (before != NULL) {
        before->retired_s = now_s;
        before->older = retired;
        retired = before;
    }
    return IDEM_OK;
}

int idem_tls_days_left(int64_t unix_s)
{
    const struct identity *id = atomic_load(&current);
    return id == NULL ? 0 : (int)((id->expires_s - unix_s) / (24 * 3600));
}

void idem_tls_unload(void)
{
    free_identity(atomic_exchange(&current, NULL));
    free_retired(INT64_MAX);
}

int idem_tls_identity(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                      gnutls_pcert_st **chain, unsigned *chain_count, gnutls_ocsp_data_st **ocsp,
                      unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags)
{
    struct identity *id = atomic_load(&current);

    (void)session;
    (void)info;
    if (id == NULL)
        return -1;
    *chain = id->chain;
    *chain_count = id->count;
    *ocsp = NULL;
    *ocsp_count = 0;
    *key = id->key;
    *flags = 0; /* they stay ours */
    return 0;
}
