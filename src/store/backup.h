/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup.h - a copy of the data bases while the server works on, and the way back.
 *
 *   idem.db, gate.db   as they were at one moment: both are read from before either is copied
 *   erasures.log       the ledger, so that a lost disk does not lose it
 *   audit.pub          the public key of the logs' heads
 *   manifest.json      versions, sizes, SHA-256, ends of the logs; written last: a backup without
 *                      one was never finished
 *
 * Never in it: keys.db and every *.key file. What belongs to people is sealed in the copies and
 * cannot be read by who has all of the backup; the keys are kept apart (keys_file.h).
 *
 * Nor is anything in it that tells how much somebody did when: in the copy of idem.db no session is
 * open and there are no windows. After a restore seats open new ones.
 *
 * Restoring works on copies beside the data bases and renames them last. Before that, everybody in
 * the ledgers (the backup's, the one in the directory, and any that is given) is taken out of the
 * copies, and out of keys.db. The audit log continues from the backup's end with a line that says
 * so: heads from after the backup no longer fit, and that line is why.
 */
#ifndef IDEM_STORE_BACKUP_H
#define IDEM_STORE_BACKUP_H

#include "store/transfer.h"

enum { IDEM_BACKUP_FILES_MAX = 4, IDEM_BACKUP_LOGS_MAX = 3 };

struct idem_backup_file {
    char name[16];
    int64_t bytes;
    char sha256[IDEM_SHA256_TEXT + 1];
};

/* The end of a log, as `idem audit verify` knows it. */
struct idem_backup_log {
    char name[20];
    int64_t seq;
    char hash[IDEM_SHA256_TEXT + 1];
};

struct idem_backup_report {
    struct idem_backup_file files[IDEM_BACKUP_FILES_MAX];
    uint32_t file_count;
    struct idem_backup_log logs[IDEM_BACKUP_LOGS_MAX];
    uint32_t log_count;
    int64_t made_ms; /* the hour */
};

/* out: a directory that does not exist yet or is empty. version: of the program. */
int idem_backup_make(const char *data, const char *out, const char *version, int64_t now_ms,
                     struct idem_backup_report *report, char why[IDEM_WHY_MAX]);
/* backup_close.c: in a copy of idem.db every session is over, as the server would end it at that
 * time, and no window is left in the file, nor room where one was. */
int idem_backup_close_sessions(const char *path, int64_t now_ms, char why[IDEM_WHY_MAX]);
/* Reads the manifest and compares every file with it. */
int idem_backup_verify(const char *from, struct idem_backup_report *report, char why[IDEM_WHY_MAX]);

/* manifest.c */
int idem_manifest_write(const char *dir, const char *version,
                        const struct idem_backup_report *report);
int idem_manifest_read(const char *dir, struct idem_backup_report *out, char why[IDEM_WHY_MAX]);

struct idem_restore {
    const char *from, *data;
    const char *ledger; /* a further copy, or NULL */
    bool replace;       /* there may be data bases already: they are replaced */
    int64_t now_ms;
};

struct idem_restore_report {
    struct idem_backup_report backup;
    int64_t erased_again;        /* people whom the backup had and a ledger forbids */
    int64_t people, without_key; /* those whose key is not in keys.db stay unreadable */
    bool has_keys;               /* there is a keys.db at all */
};

/* The server of that directory must not be running: it holds the lock. */
int idem_restore(const struct idem_restore *restore, struct idem_restore_report *report,
                 char why[IDEM_WHY_MAX]);

#endif
