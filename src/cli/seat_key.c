/* SPDX-License-Identifier: Apache-2.0 */
/* seat_key.c - see seat_key.h. */
#include "cli/seat_key.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"

enum { FILE_MAX = 512 };

static int parse(const char *file, const char *bytes, size_t len, struct idem_seat_key *out)
{
    json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
    const char *seed = json_string_value(json_object_get(root, "seed"));
    const json_t *seat = json_object_get(root, "seat_id");
    bool good = seed && json_is_integer(seat) && json_integer_value(seat) >= 0 &&
                idem_seal_parse(seed, out->seed, sizeof out->seed) == 0;

    if (good)
        out->seat = json_integer_value(seat);
    json_decref(root);
    if (!good)
        return idem_cli_fail("%s: is not a seat's key", file);
    idem_seal_key_make(out->seed, &out->key);
    return 0;
}

int idem_seat_key_read(const char *file, struct idem_seat_key *out)
{
    char bytes[FILE_MAX];
    struct stat st;
    int fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return IDEM_ERR_NOT_FOUND;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        return idem_cli_fail("%s: cannot be read", file);
    }
    ssize_t n = st.st_mode & 077 ? -1 : read(fd, bytes, sizeof bytes);
    close(fd);
    if (st.st_mode & 077)
        return idem_cli_fail("%s: others can read it; chmod 600 it, or make another", file);
    int err =
        n < 0 ? idem_cli_fail("%s: %s", file, strerror(errno)) : parse(file, bytes, (size_t)n, out);
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

int idem_seat_key_write(const char *file, const struct idem_seat_key *key)
{
    char fresh[PATH_MAX], seed[2 + 4 * IDEM_SEAL_SEED / 3], text[FILE_MAX];

    if (snprintf(fresh, sizeof fresh, "%s.new", file) >= (int)sizeof fresh)
        return idem_cli_fail("%s: the name is too long", file);
    idem_seal_text(key->seed, sizeof key->seed, seed);
    int n = snprintf(text, sizeof text, "{\"seat_id\": %lld, \"seed\": \"%s\"}\n",
                     (long long)key->seat, seed);
    unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, text, (size_t)n) == n && fsync(fd) == 0;
    if (fd >= 0)
        good = close(fd) == 0 && good;
    sodium_memzero(text, sizeof text);
    sodium_memzero(seed, sizeof seed);
    if (!good || rename(fresh, file) != 0)
        return idem_cli_fail("%s: %s", file, strerror(errno));
    return 0;
}

/* The kernel's number for this boot, hashed with the key so that it says nothing elsewhere. */
void idem_seat_key_instance(const struct idem_seat_key *key, uint8_t instance[IDEM_SEAL_INSTANCE])
{
    char boot[64] = "";
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");

    if (!f || !fgets(boot, sizeof boot, f))
        snprintf(boot, sizeof boot, "unknown");
    if (f)
        fclose(f);
    crypto_generichash(instance, IDEM_SEAL_INSTANCE, (const uint8_t *)boot, strlen(boot), key->seed,
                       sizeof key->seed);
}
