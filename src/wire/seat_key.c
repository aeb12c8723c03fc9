/* SPDX-License-Identifier: Apache-2.0 */
/* seat_key.c - see seat_key.h. */
#include "wire/seat_key.h"

#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/whole_file.h"

enum { FILE_MAX = 512 };

static int parse(const char *bytes, size_t len, struct idem_seat_key *out)
{
    json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
    const char *seed = json_string_value(json_object_get(root, "seed"));
    const json_t *seat = json_object_get(root, "seat_id");
    struct idem_seat_key key = {.seat = json_integer_value(seat)};
    bool good = seed && json_is_integer(seat) && key.seat >= 0 &&
                idem_seal_parse(seed, key.seed, sizeof key.seed) == 0;

    json_decref(root);
    if (good) {
        idem_seal_key_make(key.seed, &key.key);
        *out = key;
    }
    sodium_memzero(&key, sizeof key);
    return good ? 0 : IDEM_ERR_FORMAT;
}

int idem_seat_key_read(int dir, const char *file, struct idem_seat_key *out)
{
    char bytes[FILE_MAX];
    size_t len;
    int err = idem_whole_read(dir, file, true, bytes, sizeof bytes, &len);

    if (err == IDEM_ERR_LIMIT)
        return IDEM_ERR_FORMAT;
    if (err != 0)
        return err;
    err = parse(bytes, len, out);
    sodium_memzero(bytes, sizeof bytes);
    return err;
}

void idem_seat_key_make(struct idem_seat_key *out)
{
    if (sodium_init() < 0)
        abort();
    out->seat = 0;
    randombytes_buf(out->seed, sizeof out->seed);
    idem_seal_key_make(out->seed, &out->key);
}

int idem_seat_key_write(int dir, const char *file, const struct idem_seat_key *key)
{
    char seed[2 + 4 * IDEM_SEAL_SEED / 3], text[FILE_MAX];

    idem_seal_text(key->seed, sizeof key->seed, seed);
    int n = snprintf(text, sizeof text, "{\"seat_id\": %lld, \"seed\": \"%s\"}\n",
                     (long long)key->seat, seed);
    int err = idem_whole_write(dir, file, text, (size_t)n);
    sodium_memzero(text, sizeof text);
    sodium_memzero(seed, sizeof seed);
    return err;
}

int idem_seat_key_instance(const struct idem_seat_key *key, uint8_t instance[IDEM_SEAL_INSTANCE])
{
    char boot[64];
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, boot, sizeof boot);

    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return IDEM_ERR_IO;
    crypto_generichash(instance, IDEM_SEAL_INSTANCE, (const uint8_t *)boot, (size_t)n, key->seed,
                       sizeof key->seed);
    return 0;
}

int idem_seat_key_registration(const struct idem_seat_key *key, const char *code, const char *host,
                               struct idem_text *body)
{
    uint8_t hash[IDEM_SEAL_CODE_HASH], signature[IDEM_SEAL_SIGNATURE];
    char public[2 + 4 * IDEM_SEAL_PUBLIC / 3], text[2 + 4 * IDEM_SEAL_SIGNATURE / 3];
    struct idem_seal_message message;
    int err = idem_seal_code_hash(code, hash);

    if (err == 0)
        err = idem_seal_registration(hash, key->key.public, host, &message);
    if (err != 0)
        return err;
    idem_seal_sign(&key->key, &message, signature);
    idem_seal_text(key->key.public, sizeof key->key.public, public);
    idem_seal_text(signature, sizeof signature, text);
    idem_text_put(body, "{\"code\": ");
    idem_text_string(body, code);
    idem_text_fmt(body, ", \"public_key\": \"%s\", \"signature\": \"%s\"}", public, text);
    return body->full ? IDEM_ERR_LIMIT : 0;
}
