/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore.c - the way back; see backup.h.
 *
 *   check     the manifest and every file; the lock; what is there already
 *   ledgers   united in the directory: nobody is left out whom any of them knows
 *   copies    beside the data bases; checked; without who is erased; with the line in the log
 *   exchange  the old data bases and their logs go, the copies take their names
 *
 * A crash before the exchange changes nothing but the ledger, which only grows; in the middle of it
 * the old data base may have lost its log: the same command with --replace does it again.
 */
#include "store/backup.h"

#include "store/audit.h"
#include "store/cover.h"
#include "store/erase.h"
#include "store/sqlite_parts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY ".restoring"

enum { DATABASES = 2, LEDGERS = 2 };

static const char *const databases[DATABASES] = {"idem.db", "gate.db"};

/* ------------------------------------------------------------------ before anything */

static bool is_there(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    return idem_path(path, sizeof path, dir, name) == 0 && lstat(path, &st) == 0;
}

static int check(const struct idem_restore *r, struct idem_backup_report *backup, int *lock,
                 char why[IDEM_WHY_MAX])
{
    int err = idem_backup_verify(r->from, backup, why);

    if (err != 0)
        return err;
    if (mkdir(r->data, 0700) != 0 && !is_there(r->data, "."))
        return idem_why(why, IDEM_ERR_IO, "%s: cannot be made", r->data);
    if (idem_directory_lock(r->data, lock) != 0)
        return idem_why(why, IDEM_ERR_LIMIT, "%s: a server is using it: stop it first", r->data);
    if (!r->replace && is_there(r->data, databases[0]))
        return idem_why(why, IDEM_ERR_INVALID,
                        "%s: there is a data base already: --replace takes its place", r->data);
    return IDEM_OK;
}

/* ------------------------------------------------------------------ ledgers */

static int unite(struct idem_ledger *ledger, const char *path, bool must, char why[IDEM_WHY_MAX])
{
    struct idem_ledger *other;
    const char *reason;
    int err = idem_ledger_read(path, &other, &reason);

    if (err == IDEM_ERR_NOT_FOUND && !must)
        return IDEM_OK;
    if (err != 0)
        return idem_why(why, err, "%s: %s", path, reason);
    for (size_t i = 0; i < idem_ledger_count(other) && err == 0; i++)
        err = idem_ledger_append(ledger, idem_ledger_at(other, i));
    idem_ledger_close(other);
    return err != 0 ? idem_why(why, err, "the ledger of erasures cannot be written to") : IDEM_OK;
}

static int open_ledger(const struct idem_restore *r, struct idem_ledger **out,
                       char why[IDEM_WHY_MAX])
{
    const char *reason;
    char path[PATH_MAX];
    int err = idem_ledger_open(r->data, out, &reason);

    if (err != 0)
        return idem_why(why, err, "%s: %s", r->data, reason);
    if ((err = idem_path(path, sizeof path, r->from, "erasures.log")) == 0)
        err = unite(*out, path, false, why);
    if (err == 0 && r->ledger != NULL)
        err = unite(*out, r->ledger, true, why);
    return err;
}

/* ------------------------------------------------------------------ copies */

static int copy_in(const struct idem_restore *r, const char *name, char why[IDEM_WHY_MAX])
{
    char from[PATH_MAX], to[PATH_MAX], fresh[32];
    int err = idem_path(from, sizeof from, r->from, name);

    snprintf(fresh, sizeof fresh, "%s" COPY, name);
    if (err == 0)
        err = idem_path(to, sizeof to, r->data, fresh);
    if (err == 0) {
        unlink(to); /* of an attempt before */
        err = idem_file_copy(from, to);
    }
    return err != 0 && err != IDEM_ERR_NOT_FOUND
               ? idem_why(why, err, "%s: %s", to, idem_strerror(err))
               : err;
}

static int is_sound(struct idem_store *store, char why[IDEM_WHY_MAX])
{
    sqlite3 *db = idem_sqlite_of(store)->db;
    sqlite3_stmt *st = NULL;
    bool good = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &st, NULL) == SQLITE_OK &&
                sqlite3_step(st) == SQLITE_ROW &&
                strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;

    sqlite3_finalize(st);
    return good ? IDEM_OK : idem_why(why, IDEM_ERR_FORMAT, "the data base in it is not sound");
}

static int write_line(struct idem_store *store, const struct idem_restore *r,
                      const struct idem_restore_report *report)
{
    const struct idem_chain_head before = store->audit->head(store, IDEM_AUDIT_LOG);
    char body[300];
    int n = snprintf(body, sizeof body,
                     "{\"actor\":\"system\",\"action\":\"backup.restored\",\"detail\":"
                     "{\"made_ms\":%lld,\"audit_seq\":%lld,\"erased_again\":%lld}}",
                     (long long)report->backup.made_ms, (long long)before.seq,
                     (long long)report->erased_again);
    int err = store->ops->begin(store);

    if (err == 0)
        err = store->audit->add(store, IDEM_AUDIT_LOG, 0, r->now_ms, body, (size_t)n);
    if (err == 0)
        err = store->ops->commit(store);
    if (err != 0)
        store->ops->rollback(store);
    return err;
}

/* People whose key is there, or would be needed. */
static int count_people(struct idem_store *store, struct idem_vault *vault,
                        struct idem_restore_report *report)
{
    sqlite3 *db = idem_sqlite_of(store)->db;
    struct idem_vault_entry entry;
    sqlite3_stmt *st = NULL;
    int err = IDEM_OK,
        rc = sqlite3_prepare_v2(db, "SELECT organisation, person FROM people", -1, &st, NULL);

    while (rc == SQLITE_OK && err == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        const void *person = sqlite3_column_blob(st, 1);
        rc = SQLITE_OK;
        report->people++;
        if (vault == NULL || sqlite3_column_bytes(st, 1) != IDEM_ID_BYTES ||
            idem_vault_by_person(vault, sqlite3_column_int64(st, 0), person, &entry) != 0)
            report->without_key++;
    }
    sqlite3_finalize(st);
    return idem_sqlite_result(db, rc);
}

/* Without who is erased. */
static int prepare_copy(const struct idem_restore *r, const char *gate, struct idem_store *store,
                        struct idem_vault *vault, struct idem_ledger *ledger,
                        struct idem_restore_report *report, char why[IDEM_WHY_MAX])
{
    const struct idem_erase_places places = {
        .store = store, .vault = vault, .ledger = ledger, .gate = gate, .now_ms = r->now_ms};
    int err = is_sound(store, why);

    if (err != 0)
        return err;
    if (!idem_cover_can_sign() && idem_ledger_count(ledger) > 0)
        return idem_why(why, IDEM_ERR_NOT_FOUND,
                        "somebody is to be erased again, and %s/audit.key, which signs what is "
                        "emptied in the logs, is not there: idem keys import first",
                        r->data);
    if ((err = idem_erase_complete(&places, &report->erased_again)) != 0 ||
        (err = write_line(store, r, report)) != 0 ||
        (err = count_people(store, vault, report)) != 0)
        return idem_why(why, err, "the copy cannot be prepared: %s", idem_strerror(err));
    return IDEM_OK;
}

static int open_copies(const struct idem_restore *r, struct idem_vault *vault,
                       struct idem_ledger *ledger, struct idem_restore_report *report,
                       char why[IDEM_WHY_MAX])
{
    char path[PATH_MAX], gate[PATH_MAX];
    struct idem_store *store;
    const char *reason = "";
    int err = idem_path(path, sizeof path, r->data, "idem.db" COPY);

    if (err == 0)
        err = idem_path(gate, sizeof gate, r->data, "gate.db" COPY);
    if (err == 0)
        err = idem_store_sqlite_open(path, &store, &reason);
    if (err != 0)
        return idem_why(why, err, "the backup's data base: %s", reason);
    err = prepare_copy(r, gate, store, vault, ledger, report, why);
    store->ops->close(store); /* folds its log back */
    return err == 0 ? idem_file_sync(path) : err;
}

/* ------------------------------------------------------------------ exchange */

static void remove_file(const char *dir, const char *name, const char *end)
{
    char path[PATH_MAX], full[48];

    snprintf(full, sizeof full, "%s%s", name, end);
    if (idem_path(path, sizeof path, dir, full) == 0)
        unlink(path);
}

/* The log of the old one first: beside the new one it would be taken for its own. */
static int exchange(const struct idem_restore *r, const char *name)
{
    char from[PATH_MAX], to[PATH_MAX], fresh[32];

    snprintf(fresh, sizeof fresh, "%s" COPY, name);
    int err = idem_path(from, sizeof from, r->data, fresh);
    if (err == 0)
        err = idem_path(to, sizeof to, r->data, name);
    if (err != 0)
        return err;
    remove_file(r->data, name, "-wal");
    remove_file(r->data, name, "-shm");
    if ((err = idem_directory_sync(r->data)) != 0)
        return err;
    if (!is_there(r->data, fresh)) /* there was none in the backup */
        remove_file(r->data, name, "");
    else if (rename(from, to) != 0)
        return IDEM_ERR_IO;
    remove_file(r->data, fresh, "-wal");
    remove_file(r->data, fresh, "-shm");
    return idem_directory_sync(r->data);
}

static int restore(const struct idem_restore *r, struct idem_vault *vault,
                   struct idem_ledger *ledger, struct idem_restore_report *report,
                   char why[IDEM_WHY_MAX])
{
    int err = IDEM_OK;

    for (int i = 0; i < DATABASES; i++) {
        err = copy_in(r, databases[i], why);
        if (err != 0 && !(err == IDEM_ERR_NOT_FOUND && i > 0))
            return err;
    }
    if ((err = open_copies(r, vault, ledger, report, why)) != 0)
        return err;
    for (int i = DATABASES - 1; i >= 0; i--)
        if ((err = exchange(r, databases[i])) != 0)
            return idem_why(why, err, "%s cannot be put in its place; do it again", databases[i]);
    return IDEM_OK;
}

int idem_restore(const struct idem_restore *r, struct idem_restore_report *report,
                 char why[IDEM_WHY_MAX])
{
    struct idem_restore_report done = {0};
    struct idem_ledger *ledger = NULL;
    struct idem_vault *vault = NULL;
    const char *reason = "";
    int lock = -1, err = check(r, &done.backup, &lock, why);

    if (err == 0)
        err = open_ledger(r, &ledger, why);
    if (err == 0) {
        err = idem_vault_open(r->data, false, &vault, &reason);
        if (err == IDEM_ERR_NOT_FOUND)
            err = IDEM_OK; /* they come later, by idem keys import */
        else if (err != 0)
            idem_why(why, err, "%s", reason);
        done.has_keys = vault != NULL;
    }
    if (err == 0)
        err = restore(r, vault, ledger, &done, why);
    idem_vault_close(vault);
    idem_ledger_close(ledger);
    if (lock >= 0)
        close(lock);
    if (err == 0)
        *report = done;
    return err;
}
