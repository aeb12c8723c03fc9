/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_ledger.c - any bytes as a ledger of erasures: refused, or lines whose chain holds; what was
 * read, appended to an empty ledger, is read back the same.
 */
#include "store/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

static void require_same(const struct idem_erasure *a, const struct idem_erasure *b)
{
    require(memcmp(a->key_id, b->key_id, IDEM_ID_BYTES) == 0 &&
            memcmp(a->person, b->person, IDEM_ID_BYTES) == 0 &&
            strcmp(a->organisation, b->organisation) == 0);
}

/* Those of a key twice are one line. */
static void check(const struct idem_ledger *ledger)
{
    char dir[] = "/dev/shm/idem-fuzz-XXXXXX", path[64];
    struct idem_ledger *copy;
    const char *why;

    require(mkdtemp(dir) != NULL && idem_ledger_open(dir, &copy, &why) == 0);
    for (size_t i = 0; i < idem_ledger_count(ledger); i++)
        require(idem_ledger_append(copy, idem_ledger_at(ledger, i)) == 0);
    idem_ledger_close(copy);
    require(idem_ledger_open(dir, &copy, &why) == 0);
    for (size_t i = 0; i < idem_ledger_count(copy); i++) {
        const struct idem_erasure *e = idem_ledger_at(copy, i);
        require_same(e, idem_ledger_find(ledger, e->key_id));
    }
    idem_ledger_close(copy);
    snprintf(path, sizeof path, "%s/erasures.log", dir);
    unlink(path);
    rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct idem_ledger *ledger;
    char path[32];
    const char *why = NULL;
    int fd = memfd_create("ledger", 0);

    require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (idem_ledger_read(path, &ledger, &why) == 0) {
        check(ledger);
        idem_ledger_close(ledger);
    } else {
        require(why != NULL);
    }
    close(fd);
    return 0;
}
