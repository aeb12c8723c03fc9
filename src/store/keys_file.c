/* SPDX-License-Identifier: Apache-2.0 */
/* keys_file.c - see keys_file.h. Numbers are little-endian. What was secret in memory is wiped. */
#include "store/keys_file.h"

#include "store/ledger.h"
#include "store/vault.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "idem-keys-1\n"

enum {
    MAGIC_LEN = 12,
    SALT = crypto_pwhash_SALTBYTES,
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    KEY = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    HEAD = MAGIC_LEN + 16 + SALT + NONCE,
    ENTRY = 8 + 3 * IDEM_ID_BYTES + IDEM_SEAL_KEY_BYTES,
    SECRET_MAX = 4096, /* a *.key file */
    SECRETS = 3,
    PLAIN_MAX = 1024 * 1024 * 1024,
    OPS_MAX = 10, /* more than we write: a file of somebody else's must not stop the machine */
    MEMORY_MAX = 1024 * 1024 * 1024,
};

static const char *const secrets[SECRETS] = {"pseudonym.key", "access.key", "audit.key"};

/* What is written, and read back, piece by piece. */
struct plain {
    uint8_t *bytes;
    size_t len, cap, at;
};

static void put_number(uint8_t *at, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

static uint64_t get_number(const uint8_t *at)
{
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--)
        number = number << 8 | at[i];
    return number;
}

/* ------------------------------------------------------------------ plain text */

static void forget(struct plain *p)
{
    if (p->bytes != NULL)
        sodium_memzero(p->bytes, p->cap);
    free(p->bytes);
    *p = (struct plain){0};
}

/* Grown by hand, so that no copy is left behind. */
static int put(struct plain *p, const void *bytes, size_t len)
{
    if (p->len + len > p->cap) {
        struct plain more = {.cap = 2 * (p->cap + len) + 4096};
        if (more.cap > PLAIN_MAX)
            return IDEM_ERR_LIMIT;
        if ((more.bytes = malloc(more.cap)) == NULL)
            return IDEM_ERR_NOMEM;
        more.len = p->len;
        if (p->len > 0)
            memcpy(more.bytes, p->bytes, p->len);
        forget(p);
        *p = more;
    }
    memcpy(p->bytes + p->len, bytes, len);
    p->len += len;
    return IDEM_OK;
}

static int put_count(struct plain *p, uint64_t number)
{
    uint8_t bytes[8];
    put_number(bytes, number);
    return put(p, bytes, sizeof bytes);
}

static const uint8_t *get(struct plain *p, size_t len)
{
    if (len > p->len - p->at)
        return NULL;
    p->at += len;
    return p->bytes + p->at - len;
}

static bool get_count(struct plain *p, uint64_t max, uint64_t *out)
{
    const uint8_t *at = get(p, 8);
    if (at == NULL || get_number(at) > max)
        return false;
    *out = get_number(at);
    return true;
}

/* ------------------------------------------------------------------ sealing */

/* The cost is authenticated with the rest: it stands in the head. */
static int derive(const uint8_t *head, const char *passphrase, uint8_t key[KEY])
{
    const uint64_t ops = get_number(head + MAGIC_LEN), memory = get_number(head + MAGIC_LEN + 8);

    if (ops < crypto_pwhash_OPSLIMIT_MIN || ops > OPS_MAX || memory > MEMORY_MAX ||
        memory < crypto_pwhash_MEMLIMIT_MIN)
        return IDEM_ERR_FORMAT;
    return crypto_pwhash(key, KEY, passphrase, strlen(passphrase), head + MAGIC_LEN + 16, ops,
                         (size_t)memory, crypto_pwhash_ALG_ARGON2ID13) == 0
               ? IDEM_OK
               : IDEM_ERR_NOMEM;
}

static int seal_to(const char *path, const struct plain *p, const char *passphrase)
{
    const size_t len = HEAD + p->len + TAG;
    uint8_t *file = malloc(len), key[KEY];
    int err = IDEM_ERR_NOMEM;

    if (file == NULL)
        return err;
    memcpy(file, MAGIC, MAGIC_LEN);
    put_number(file + MAGIC_LEN, crypto_pwhash_OPSLIMIT_MODERATE);
    put_number(file + MAGIC_LEN + 8, crypto_pwhash_MEMLIMIT_MODERATE);
    randombytes_buf(file + MAGIC_LEN + 16, SALT + NONCE);
    if ((err = derive(file, passphrase, key)) == 0) {
        crypto_aead_xchacha20poly1305_ietf_encrypt(file + HEAD, NULL, p->bytes, p->len, file, HEAD,
                                                   NULL, file + HEAD - NONCE, key);
        err = idem_file_write(path, file, len);
    }
    sodium_memzero(key, sizeof key);
    free(file);
    return err;
}

static int unseal_from(const char *path, const char *passphrase, struct plain *out)
{
    uint8_t *file = NULL, key[KEY];
    void *bytes = NULL;
    size_t len = 0;
    int err = idem_file_read(path, PLAIN_MAX, &bytes, &len);

    if (err != 0)
        return err;
    file = bytes;
    if (len < HEAD + TAG || memcmp(file, MAGIC, MAGIC_LEN) != 0)
        err = IDEM_ERR_FORMAT;
    if (err == 0)
        err = derive(file, passphrase, key);
    if (err == 0 && (out->bytes = malloc(len)) == NULL)
        err = IDEM_ERR_NOMEM;
    if (err == 0) {
        out->cap = len;
        out->len = len - HEAD - TAG;
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(out->bytes, NULL, NULL, file + HEAD,
                                                       len - HEAD, file, HEAD, file + HEAD - NONCE,
                                                       key) != 0)
            err = IDEM_ERR_CHECKSUM;
    }
    sodium_memzero(key, sizeof key);
    free(file);
    return err;
}

/* ------------------------------------------------------------------ exporting */

static int put_secret(struct plain *p, const char *data, const char *name, uint32_t *files)
{
    char path[PATH_MAX];
    void *bytes = NULL;
    size_t len = 0;
    int err = idem_path(path, sizeof path, data, name);

    if (err == 0)
        err = idem_file_read(path, SECRET_MAX, &bytes, &len);
    if (err == 0)
        (*files)++;
    else if (err != IDEM_ERR_NOT_FOUND)
        return err;
    err = put_count(p, len); /* 0: not there */
    if (err == 0 && len > 0)
        err = put(p, bytes, len);
    if (bytes != NULL)
        sodium_memzero(bytes, len);
    free(bytes);
    return err;
}

static int put_entry(void *arg, const struct idem_vault_entry *e)
{
    uint8_t row[ENTRY];

    put_number(row, (uint64_t)e->organisation);
    memcpy(row + 8, e->handle, IDEM_ID_BYTES);
    memcpy(row + 8 + IDEM_ID_BYTES, e->person, IDEM_ID_BYTES);
    memcpy(row + 8 + 2 * IDEM_ID_BYTES, e->key_id, IDEM_ID_BYTES);
    memcpy(row + 8 + 3 * IDEM_ID_BYTES, e->key, IDEM_SEAL_KEY_BYTES);
    int err = put(arg, row, sizeof row);
    sodium_memzero(row, sizeof row);
    return err;
}

int idem_keys_export(const char *data, const char *out, const char *passphrase,
                     struct idem_keys_report *report, char why[IDEM_WHY_MAX])
{
    struct idem_keys_report done = {0};
    struct plain p = {0};
    struct idem_vault *vault;
    const char *reason;
    int err = idem_vault_open(data, false, &vault, &reason);

    if (err != 0)
        return idem_why(why, err, "%s: %s", data,
                        err == IDEM_ERR_NOT_FOUND ? "there is no keys.db" : reason);
    for (int i = 0; i < SECRETS && err == 0; i++)
        err = put_secret(&p, data, secrets[i], &done.files);
    const size_t before = p.len;
    if (err == 0)
        err = idem_vault_each(vault, put_entry, &p);
    done.keys = (int64_t)((p.len - before) / ENTRY);
    idem_vault_close(vault);
    if (err == 0)
        err = seal_to(out, &p, passphrase);
    forget(&p);
    if (err != 0)
        return idem_why(why, err, "%s: %s (it must not exist yet)", out, idem_strerror(err));
    *report = done;
    return IDEM_OK;
}

/* ------------------------------------------------------------------ importing */

/* Writes what is missing; write false: only looks whether it would do. */
static int take_secret(struct plain *p, const char *data, const char *name, bool write,
                       struct idem_keys_report *done, char why[IDEM_WHY_MAX])
{
    char path[PATH_MAX];
    void *there = NULL;
    size_t there_len = 0;
    uint64_t len;
    const uint8_t *bytes = get_count(p, SECRET_MAX, &len) ? get(p, (size_t)len) : NULL;
    int err = idem_path(path, sizeof path, data, name);

    if (bytes == NULL || err != 0)
        return idem_why(why, IDEM_ERR_FORMAT, "the keys file is damaged");
    if (len == 0)
        return IDEM_OK;
    err = idem_file_read(path, SECRET_MAX, &there, &there_len);
    if (err == IDEM_ERR_NOT_FOUND && !write)
        return IDEM_OK;
    if (err == IDEM_ERR_NOT_FOUND) {
        done->files++;
        return idem_file_write(path, bytes, (size_t)len);
    }
    const bool same = err == 0 && there_len == len && memcmp(there, bytes, (size_t)len) == 0;
    if (there != NULL)
        sodium_memzero(there, there_len);
    free(there);
    return same ? IDEM_OK
                : idem_why(why, IDEM_ERR_INVALID, "%s is there already and is another one", path);
}

static int take_entry(const uint8_t *row, struct idem_vault *vault,
                      const struct idem_ledger *ledger, struct idem_keys_report *done)
{
    struct idem_vault_entry e = {.organisation = (int64_t)get_number(row)}, there;
    int err;

    memcpy(e.handle, row + 8, IDEM_ID_BYTES);
    memcpy(e.person, row + 8 + IDEM_ID_BYTES, IDEM_ID_BYTES);
    memcpy(e.key_id, row + 8 + 2 * IDEM_ID_BYTES, IDEM_ID_BYTES);
    memcpy(e.key, row + 8 + 3 * IDEM_ID_BYTES, IDEM_SEAL_KEY_BYTES);
    if (idem_ledger_find(ledger, e.key_id) != NULL) {
        done->refused++;
        err = IDEM_OK;
    } else if ((err = idem_vault_by_key_id(vault, e.key_id, &there)) == 0) {
        done->there++;
        err = memcmp(there.key, e.key, sizeof e.key) == 0 ? IDEM_OK : IDEM_ERR_INVALID;
    } else if (err == IDEM_ERR_NOT_FOUND && (err = idem_vault_add(vault, &e)) == 0) {
        done->keys++;
    }
    sodium_memzero(&e, sizeof e);
    sodium_memzero(&there, sizeof there);
    return err;
}

static int take_entries(struct plain *p, struct idem_vault *vault, const struct idem_ledger *ledger,
                        struct idem_keys_report *done, char why[IDEM_WHY_MAX])
{
    int err = idem_vault_begin(vault);

    if (err == 0 && (p->len - p->at) % ENTRY != 0)
        err = IDEM_ERR_FORMAT;
    while (err == 0 && p->at < p->len)
        err = take_entry(get(p, ENTRY), vault, ledger, done);
    if (err == 0)
        err = idem_vault_commit(vault);
    if (err == 0)
        return IDEM_OK;
    idem_vault_rollback(vault);
    return idem_why(why, err,
                    err == IDEM_ERR_INVALID ? "keys.db has another key for one of these people"
                                            : "the keys cannot be added");
}

static int take_secrets(struct plain *p, const char *data, bool write,
                        struct idem_keys_report *done, char why[IDEM_WHY_MAX])
{
    int err = IDEM_OK;

    p->at = 0;
    for (int i = 0; i < SECRETS && err == 0; i++)
        err = take_secret(p, data, secrets[i], write, done, why);
    return err;
}

/* Looks first: with another pseudonym.key the names would lead nowhere. */
static int import(struct plain *p, const char *data, struct idem_keys_report *done,
                  char why[IDEM_WHY_MAX])
{
    struct idem_vault *vault = NULL;
    struct idem_ledger *ledger = NULL;
    const char *reason = "";
    int err = take_secrets(p, data, false, done, why);

    if (err != 0)
        return err;
    if ((err = idem_ledger_open(data, &ledger, &reason)) != 0 ||
        (err = idem_vault_open(data, true, &vault, &reason)) != 0)
        idem_why(why, err, "%s: %s", data, reason);
    if (err == 0)
        err = take_entries(p, vault, ledger, done, why);
    idem_vault_close(vault);
    idem_ledger_close(ledger);
    return err != 0 ? err : take_secrets(p, data, true, done, why);
}

int idem_keys_import(const char *from, const char *data, const char *passphrase,
                     struct idem_keys_report *report, char why[IDEM_WHY_MAX])
{
    struct idem_keys_report done = {0};
    struct plain p = {0};
    int lock = -1;

    if (idem_directory_lock(data, &lock) != 0)
        return idem_why(why, IDEM_ERR_LIMIT,
                        "%s: a server is using it (stop it first), or it is not there", data);
    int err = unseal_from(from, passphrase, &p);
    if (err == IDEM_ERR_CHECKSUM)
        idem_why(why, err, "%s: the passphrase is wrong, or the file is damaged", from);
    else if (err != 0)
        idem_why(why, err, "%s: %s", from, idem_strerror(err));
    else
        err = import(&p, data, &done, why);
    forget(&p);
    close(lock);
    if (err == 0)
        *report = done;
    return err;
}
