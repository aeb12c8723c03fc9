/* SPDX-License-Identifier: Apache-2.0 */
/* audit_heads.c - see audit_heads.h. */
#include "cli/audit_heads.h"

#include "cli/command.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 4 * IDEM_HEAD_LINE_MAX, KEY_TEXT = 43 };

static int keep(struct idem_cli_heads *h, const struct idem_head *head)
{
    if (h->count == IDEM_CLI_HEADS_MAX)
        return idem_cli_fail("there are more than %d heads", IDEM_CLI_HEADS_MAX);
    if (h->count == h->cap) {
        size_t cap = h->cap == 0 ? 64 : 2 * h->cap;
        struct idem_head *at = realloc(h->at, cap * sizeof *at);
        if (at == NULL)
            return idem_cli_fail("no memory for %zu heads", cap);
        h->at = at;
        h->cap = cap;
    }
    h->at[h->count++] = *head;
    return 0;
}

static int take_file(struct idem_cli_heads *h, const char *path)
{
    char line[LINE_MAX_BYTES];
    struct idem_head head;
    int err = 0;
    FILE *f = fopen(path, "r");

    if (f == NULL)
        return idem_cli_fail("%s: %s", path, strerror(errno));
    while (err == 0 && fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '\0')
            continue;
        if (idem_head_parse(line, strlen(line), &head) == 0)
            err = keep(h, &head);
        else
            h->unreadable++;
    }
    if (err == 0 && ferror(f))
        err = idem_cli_fail("%s: cannot be read", path);
    fclose(f);
    return err;
}

int idem_cli_heads_add(struct idem_cli_heads *heads, const char *arg)
{
    struct idem_head head;

    if (arg[0] != '{')
        return take_file(heads, arg);
    if (idem_head_parse(arg, strlen(arg), &head) != 0)
        return idem_cli_fail("this is not a head: %s", arg);
    return keep(heads, &head);
}

void idem_cli_heads_free(struct idem_cli_heads *heads)
{
    free(heads->at);
    *heads = (struct idem_cli_heads){0};
}

int idem_cli_heads_key(const char *arg, uint8_t key[IDEM_HEAD_PUBLIC])
{
    char text[KEY_TEXT + 8];
    size_t n = 0;
    FILE *f = fopen(arg, "r");

    if (f != NULL) {
        if (fgets(text, sizeof text, f) == NULL)
            text[0] = '\0';
        fclose(f);
    } else if (snprintf(text, sizeof text, "%s", arg) >= (int)sizeof text) {
        text[0] = '\0';
    }
    text[strcspn(text, "\r\n")] = '\0';
    if (strlen(text) != KEY_TEXT ||
        sodium_base642bin(key, IDEM_HEAD_PUBLIC, text, KEY_TEXT, NULL, &n, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        n != IDEM_HEAD_PUBLIC)
        return idem_cli_fail("%s: is not a public key of %d characters, nor a file with one", arg,
                             KEY_TEXT);
    return 0;
}

int idem_cli_heads_check(const struct idem_cli_heads *heads, const uint8_t key[IDEM_HEAD_PUBLIC])
{
    uint8_t id[IDEM_HEAD_KEY_ID];

    idem_head_key_id(key, id);
    for (size_t i = 0; i < heads->count; i++) {
        const struct idem_head *h = &heads->at[i];
        if (memcmp(h->key_id, id, sizeof id) != 0)
            return idem_cli_fail("%s: the head of line %" PRId64 " of %s is signed by another key",
                                 h->log, h->at.seq, h->time);
        if (idem_head_verify(h, key) != 0)
            return idem_cli_fail("%s: the head of line %" PRId64 " of %s is not what was signed",
                                 h->log, h->at.seq, h->time);
    }
    return 0;
}
