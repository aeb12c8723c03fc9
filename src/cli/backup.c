/* SPDX-License-Identifier: Apache-2.0 */
/* backup.c - `idem backup` and `idem restore`. */
#include "cli/audit_heads.h"
#include "cli/keeping.h"

#include "store/backup.h"
#include "store/cover.h"

#include <getopt.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char backup_help[] =
    "usage: idem backup --data DIR --out NEW\n"
    "       idem backup --verify BACKUP\n\n"
    "Copies a server's data bases, which may be in use, as they are at one moment, with the "
    "ledger\n"
    "of erasures and a manifest. People's keys are never in it (see idem keys export): without\n"
    "them nothing in it that belongs to people can be read.\n\n"
    "      --data DIR       the server's data directory\n"
    "      --out NEW        a directory that does not exist yet, or is empty\n"
    "      --verify BACKUP  compare a backup with its manifest\n"
    "  -h, --help\n";

static const char restore_help[] =
    "usage: idem restore --from BACKUP --data DIR [--ledger FILE] [--replace]\n\n"
    "Puts a backup in place, without the people who were erased since: the server must be "
    "stopped.\n"
    "Their erasure is in the ledger, erasures.log: the backup's, the directory's, and FILE, a "
    "copy\n"
    "that is newer than both if the directory was lost. The keys stay as they are in DIR; after a\n"
    "lost disk they come back with idem keys import; before this one if anybody was erased.\n\n"
    "      --from BACKUP  what idem backup has made\n"
    "      --data DIR     the data directory; made when it does not exist\n"
    "      --ledger FILE  one more copy of erasures.log\n"
    "      --replace      there may be data bases: they are replaced and gone\n"
    "  -h, --help\n";

/* ------------------------------------------------------------------ backup */

static void tell(const struct idem_backup_report *report)
{
    for (uint32_t i = 0; i < report->file_count; i++)
        printf("  %s  %s  %lld bytes\n", report->files[i].sha256, report->files[i].name,
               (long long)report->files[i].bytes);
    for (uint32_t i = 0; i < report->log_count; i++)
        printf("  %s ends with line %lld, %s\n", report->logs[i].name,
               (long long)report->logs[i].seq, report->logs[i].hash);
}

static int make(const char *data, const char *out)
{
    struct idem_backup_report report;
    char why[IDEM_WHY_MAX] = "";

    if (idem_backup_make(data, out, IDEM_VERSION, idem_cli_today(), &report, why) != 0)
        return idem_cli_fail("%s", why);
    printf("%s: a backup of %s\n", out, data);
    tell(&report);
    printf("  keys.db and the *.key files are not in it: keep them apart with idem keys export\n");
    return IDEM_EXIT_OK;
}

static int verify(const char *from)
{
    struct idem_backup_report report;
    char why[IDEM_WHY_MAX] = "";

    if (idem_backup_verify(from, &report, why) != 0)
        return idem_cli_fail("%s", why);
    printf("%s: as its manifest says\n", from);
    tell(&report);
    return IDEM_EXIT_OK;
}

int idem_cli_backup(int argc, char **argv)
{
    static const struct option longs[] = {
        {"data", required_argument, NULL, 'd'},
        {"out", required_argument, NULL, 'o'},
        {"verify", required_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *data = NULL, *out = NULL, *from = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (option == 'h') {
            fputs(backup_help, stdout);
            return IDEM_EXIT_OK;
        }
        if (option == '?')
            return idem_cli_usage("backup", "this option does not exist or lacks its value");
        *(option == 'd' ? &data : option == 'o' ? &out : &from) = optarg;
    }
    if (optind < argc || (from != NULL ? data != NULL || out != NULL : data == NULL || out == NULL))
        return idem_cli_usage("backup", "it takes --data and --out, or --verify");
    if (sodium_init() < 0)
        return idem_cli_fail("the cryptographic library does not start");
    return from != NULL ? verify(from) : make(data, out);
}

/* ------------------------------------------------------------------ restore */

/* What the erasures empty in the logs is signed with the server's key, when it is there already. */
static int take_key(const char *data)
{
    uint8_t seed[IDEM_HEAD_PUBLIC], public_key[IDEM_HEAD_PUBLIC], secret_key[IDEM_HEAD_SECRET];
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/audit.key", data) >= (int)sizeof path)
        return idem_cli_fail("%s: the name is too long", data);
    if (access(path, F_OK) != 0)
        return 0;
    int exit_code = idem_cli_heads_key(path, seed);
    if (exit_code == 0) {
        idem_head_keys(seed, public_key, secret_key);
        idem_cover_sign_with(secret_key);
    }
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(secret_key, sizeof secret_key);
    return exit_code;
}

static int restore(struct idem_restore *r)
{
    int exit_code = take_key(r->data);
    struct idem_restore_report report;
    char why[IDEM_WHY_MAX] = "";

    if (exit_code != 0)
        return exit_code;
    r->now_ms = idem_cli_today();
    if (idem_restore(r, &report, why) != 0)
        return idem_cli_fail("%s", why);
    printf("%s: restored from %s\n", r->data, r->from);
    tell(&report.backup);
    printf("  %lld people; %lld more were erased since the backup and are gone again\n",
           (long long)report.people, (long long)report.erased_again);
    if (!report.has_keys)
        printf("  there is no keys.db: bring the keys back with idem keys import before the server "
               "starts\n");
    else if (report.without_key > 0)
        printf("  %lld of them have no key in keys.db: what is stored of them cannot be read\n",
               (long long)report.without_key);
    printf(
        "  the audit log goes on from the backup's end, and says so: heads from after the backup "
        "no longer fit\n");
    return IDEM_EXIT_OK;
}

int idem_cli_restore(int argc, char **argv)
{
    static const struct option longs[] = {
        {"from", required_argument, NULL, 'f'},   {"data", required_argument, NULL, 'd'},
        {"ledger", required_argument, NULL, 'l'}, {"replace", no_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    struct idem_restore r = {0};
    int option;

    while ((option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (option == 'h') {
            fputs(restore_help, stdout);
            return IDEM_EXIT_OK;
        }
        if (option == '?')
            return idem_cli_usage("restore", "this option does not exist or lacks its value");
        if (option == 'r')
            r.replace = true;
        else
            *(option == 'f' ? &r.from : option == 'd' ? &r.data : &r.ledger) = optarg;
    }
    if (optind < argc || r.from == NULL || r.data == NULL)
        return idem_cli_usage("restore", "it takes --from and --data");
    if (sodium_init() < 0)
        return idem_cli_fail("the cryptographic library does not start");
    return restore(&r);
}
