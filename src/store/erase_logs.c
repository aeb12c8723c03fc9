/* SPDX-License-Identifier: Apache-2.0 */
/*
 * erase_logs.c - what the logs say of somebody who is erased; see erase.h. Their lines stay, and
 * the chains hold, but their bodies are emptied: a line that says at which seat somebody sat in
 * which hour tells who it was, whatever the name in it.
 */
#include "store/audit.h"
#include "store/cover.h"
#include "store/erase.h"
#include "store/sqlite_parts.h"

enum { AT_ONCE = IDEM_COVER_RANGES_MAX, HOUR_MS = 3600 * 1000 };

static int add_cover(struct idem_store *store, enum idem_audit_log log, int64_t at_ms,
                     const int64_t *seqs, int count)
{
    const struct idem_cover cover = idem_cover_of_person(seqs, count);
    const struct idem_cover_place place = {idem_audit_log_name(log), store->audit->head(store, log),
                                           at_ms};
    char body[IDEM_CHAIN_BODY_MAX];
    size_t len = idem_cover_body(&place, &cover, body);

    return store->audit->add(store, log, 0, at_ms, body, len);
}

static int erase_from(struct idem_store *store, enum idem_audit_log log, int64_t organisation,
                      const char *person, int64_t now_ms)
{
    const int64_t at_ms = log == IDEM_AUDIT_SEATS_LOG ? now_ms - now_ms % HOUR_MS : now_ms;
    int64_t seqs[AT_ONCE], after = 0;
    int count = 0, err;

    do {
        err = store->audit->blank_about(store, log, organisation, person, after, AT_ONCE, seqs,
                                        &count);
        if (err == 0 && count > 0) {
            after = seqs[count - 1];
            err = add_cover(store, log, at_ms, seqs, count);
        }
    } while (err == 0 && count == AT_ONCE);
    return err;
}

/* Lines that hold a session's id and nothing else of the person: of one that had ended, say. */
static int erase_sessions(struct idem_store *store, int64_t organisation,
                          const uint8_t person[IDEM_ID_BYTES], int64_t now_ms)
{
    static const char sql[] = "SELECT id FROM sessions WHERE organisation = ?1 AND person = ?2";
    char text[IDEM_LEDGER_PERSON_TEXT + 1];
    uint8_t id[IDEM_ID_BYTES];
    sqlite3 *db = idem_sqlite_of(store)->db;
    sqlite3_stmt *st = NULL;
    int err = IDEM_OK, rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(st, 1, organisation);
        idem_sqlite_bind(st, 2, person, IDEM_ID_BYTES);
    }
    while (rc == SQLITE_OK && err == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        if ((err = idem_sqlite_blob(st, 0, id, sizeof id)) != 0)
            break;
        idem_ledger_person_text(id, text);
        text[0] = 's'; /* written like a person's, but for the letter */
        err = erase_from(store, IDEM_AUDIT_SEATS_LOG, organisation, text, now_ms);
    }
    sqlite3_finalize(st);
    return err != 0 ? err : idem_sqlite_result(db, rc);
}

int idem_erase_audit(struct idem_store *store, int64_t organisation,
                     const uint8_t person[IDEM_ID_BYTES], int64_t now_ms)
{
    char text[IDEM_LEDGER_PERSON_TEXT + 1];
    int err = IDEM_OK;

    idem_ledger_person_text(person, text);
    for (enum idem_audit_log log = 0; log < IDEM_AUDIT_LOGS && err == 0; log++)
        err = erase_from(store, log, organisation, text, now_ms);
    return err != 0 ? err : erase_sessions(store, organisation, person, now_ms);
}

int idem_erase_gate(struct idem_gate_log *log, int64_t organisation,
                    const uint8_t person[IDEM_ID_BYTES], int64_t now_ms)
{
    char text[IDEM_LEDGER_PERSON_TEXT + 1];
    int64_t removed;

    idem_ledger_person_text(person, text);
    return idem_gate_log_erase(log, organisation, text, now_ms, &removed);
}
