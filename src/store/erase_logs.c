/* SPDX-License-Identifier: Apache-2.0 */
/*
 * erase_logs.c - what the logs say of somebody who is erased; see erase.h. Their lines stay, and
 * the chains hold, but their bodies are emptied: a line that says at which seat somebody sat in
 * which hour tells who it was, whatever the name in it.
 */
#include "store/audit.h"
#include "store/erase.h"

#include <stdio.h>
#include <string.h>

enum { AT_ONCE = 64, COVER_MAX = 64 + 48 * AT_ONCE, HOUR_MS = 3600 * 1000 };

_Static_assert((int)COVER_MAX <= (int)IDEM_CHAIN_BODY_MAX, "a cover of single lines fits");

/* The line that names the emptied ones, as chain.h asks for it. Numbers that follow one another are
 * one range. */
static size_t write_cover(const int64_t *seqs, int count, char *text)
{
    size_t n = (size_t)snprintf(text, COVER_MAX,
                                "{\"actor\":\"system\",\"action\":\"audit.blanked\",\"detail\":"
                                "{\"reason\":\"erasure\",\"ranges\":[");

    for (int i = 0; i < count; i++) {
        const int first = i;
        while (i + 1 < count && seqs[i + 1] == seqs[i] + 1)
            i++;
        n += (size_t)snprintf(text + n, COVER_MAX - n, "%s[%lld,%lld]", first > 0 ? "," : "",
                              (long long)seqs[first], (long long)seqs[i]);
    }
    return n + (size_t)snprintf(text + n, COVER_MAX - n, "]}}");
}

static int erase_from(struct idem_store *store, enum idem_audit_log log, int64_t organisation,
                      const char *person, int64_t now_ms)
{
    const int64_t at_ms = log == IDEM_AUDIT_SEATS_LOG ? now_ms - now_ms % HOUR_MS : now_ms;
    int64_t seqs[AT_ONCE], after = 0;
    char cover[COVER_MAX];
    int count = 0, err;

    do {
        err = store->audit->blank_about(store, log, organisation, person, after, AT_ONCE, seqs,
                                        &count);
        if (err == 0 && count > 0) {
            after = seqs[count - 1];
            err = store->audit->add(store, log, 0, at_ms, cover, write_cover(seqs, count, cover));
        }
    } while (err == 0 && count == AT_ONCE);
    return err;
}

int idem_erase_audit(struct idem_store *store, int64_t organisation,
                     const uint8_t person[IDEM_ID_BYTES], int64_t now_ms)
{
    char text[IDEM_LEDGER_PERSON_TEXT + 1];
    int err = IDEM_OK;

    idem_ledger_person_text(person, text);
    for (enum idem_audit_log log = 0; log < IDEM_AUDIT_LOGS && err == 0; log++)
        err = erase_from(store, log, organisation, text, now_ms);
    return err;
}

int idem_erase_gate(struct idem_gate_log *log, int64_t organisation,
                    const uint8_t person[IDEM_ID_BYTES], int64_t now_ms)
{
    char text[IDEM_LEDGER_PERSON_TEXT + 1];
    int64_t removed;

    idem_ledger_person_text(person, text);
    return idem_gate_log_erase(log, organisation, text, now_ms, &removed);
}
