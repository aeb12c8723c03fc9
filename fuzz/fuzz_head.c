/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_head.c - any bytes as a line of a head file: refused, or a head that is the same again after
 * a way through its line. And as bodies of a log, one a line: a chain over them is whole, or the
 * check says which line it cannot believe.
 */
#include "store/head.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES = 64 };

static void require(bool held)
{
    if (!held)
        abort();
}

static void as_head(const char *bytes, size_t size)
{
    static const uint8_t key[IDEM_HEAD_PUBLIC] = {1};
    char line[IDEM_HEAD_LINE_MAX];
    struct idem_head head, back;

    if (idem_head_parse(bytes, size, &head) != 0)
        return;
    require(idem_head_verify(&head, key) != 0);
    size_t len = idem_head_line(&head, line);
    require(len < sizeof line && idem_head_parse(line, len, &back) == 0);
    require(memcmp(&head, &back, sizeof head) == 0);
}

static void as_bodies(const char *bytes, size_t size)
{
    struct idem_chain_check *check;
    struct idem_chain_head head;
    int err = IDEM_OK;

    require(idem_chain_check_new("log", NULL, 0, &check) == 0);
    idem_chain_origin("log", &head);
    for (int i = 0; i < LINES && size > 0 && err == 0; i++) {
        const char *end = memchr(bytes, '\n', size);
        size_t len = end != NULL ? (size_t)(end - bytes) : size;
        struct idem_chain_line line = {.seq = i + 1, .body = bytes, .len = len};
        if (len == 0) /* an empty line stands for a body that was emptied */
            line.body = NULL;
        else
            idem_chain_body_hash(line.salt, bytes, len, line.body_hash);
        idem_chain_link(&head, &line);
        err = idem_chain_check_line(check, &line);
        head = (struct idem_chain_head){.seq = line.seq};
        memcpy(head.hash, line.hash, sizeof head.hash);
        bytes += len + (end != NULL);
        size -= len + (end != NULL);
    }
    if (err == 0)
        err = idem_chain_check_end(check);
    require((err == 0) == (idem_chain_check_fault(check)[0] == '\0'));
    idem_chain_check_free(check);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    require(sodium_init() >= 0);
    as_head((const char *)data, size);
    as_bodies((const char *)data, size);
    return 0;
}
