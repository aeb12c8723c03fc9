/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c - `idem audit`: is the log what was written, what does it say, and whose key signs its
 * heads. Reads the data bases themselves, of a running server, a stopped one, or a backup; writes
 * nothing.
 */
#include "cli/audit_heads.h"
#include "cli/command.h"
#include "store/cover.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BUSY_MS = 5000, TIME_TEXT = 32, LOGS = 3 };

static const char help_text[] =
    "usage: idem audit verify --data DIR [--head FILE|HEAD]... [--key KEY]\n"
    "       idem audit show|export --data DIR [--log NAME] [--organisation NAME]\n"
    "       idem audit key --data DIR\n\n"
    "verify goes through the logs and says which line was changed, taken out or put in, or\n"
    "emptied without a signed line that says why; those lines it lists. Whether the end is\n"
    "missing, or all was written anew, only a head from outside can tell: give those that the\n"
    "server sent to its head file or to syslog, and the public key as `idem audit key` said it\n"
    "once.\n\n"
    "  --data DIR           the server's data directory, running or not, or a backup of it\n"
    "  --head FILE|HEAD     heads to compare with, one a line; or one head itself\n"
    "  --key KEY            the public key, or a file with it (default: DIR/audit.pub)\n"
    "  --log NAME           audit, audit_seats (what happens to sessions), or gate\n"
    "  --organisation NAME  lines of this organisation, and of the installation\n"
    "  -h, --help\n\n"
    "show is for people, export is one JSON object a line with all that verifying takes.\n";

struct audit {
    const char *verb, *data, *key, *log, *organisation;
    int64_t row; /* the organisation's */
    struct idem_cli_heads heads;
    bool has_key;
    uint8_t public_key[IDEM_HEAD_PUBLIC];
};

static const struct {
    const char *name, *file;
} logs[LOGS] = {{"audit", "idem.db"}, {"audit_seats", "idem.db"}, {"gate", "gate.db"}};

/* ------------------------------------------------------------------ data bases */

/* A data base that lies where nothing can be written beside it is read as it lies there. */
static sqlite3 *open_file(const char *path)
{
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
    char uri[PATH_MAX + 32];
    sqlite3 *db = NULL;

    for (int fixed = 0; fixed < 2; fixed++) {
        snprintf(uri, sizeof uri, "file:%s%s", path, fixed ? "?immutable=1" : "");
        if (sqlite3_open_v2(uri, &db, flags, NULL) == SQLITE_OK) {
            sqlite3_busy_timeout(db, BUSY_MS);
            if (sqlite3_exec(db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL) ==
                SQLITE_OK)
                return db;
        }
        sqlite3_close(db);
        db = NULL;
    }
    return NULL;
}

/* 0 and NULL when this file or this log does not exist: a backup need not have all. */
static int open_log(const struct audit *a, int which, sqlite3 **db)
{
    char path[PATH_MAX], query[96];
    struct stat st;
    sqlite3_stmt *statement = NULL;
    bool there = false;

    *db = NULL;
    if (snprintf(path, sizeof path, "%s/%s", a->data, logs[which].file) >= (int)sizeof path)
        return idem_cli_fail("%s: the name is too long", a->data);
    if (stat(path, &st) != 0)
        return 0;
    sqlite3 *found = open_file(path);
    if (found == NULL)
        return idem_cli_fail("%s: is not a data base that can be read", path);
    snprintf(query, sizeof query, "SELECT 1 FROM sqlite_master WHERE name = '%s'",
             logs[which].name);
    if (sqlite3_prepare_v2(found, query, -1, &statement, NULL) == SQLITE_OK)
        there = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    if (there)
        *db = found;
    else
        sqlite3_close(found);
    return 0;
}

static const char *time_text(int64_t ms, char text[TIME_TEXT])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL || strftime(text, TIME_TEXT, "%FT%TZ", &tm) == 0)
        snprintf(text, TIME_TEXT, "?");
    return text;
}

/* ------------------------------------------------------------------ verify */

static int take_heads(const struct audit *a, const char *log, struct idem_chain_head **out,
                      size_t *count)
{
    struct idem_chain_head *some = calloc(a->heads.count + 1, sizeof *some);
    size_t n = 0;

    if (some == NULL)
        return idem_cli_fail("no memory");
    for (size_t i = 0; i < a->heads.count; i++)
        if (strcmp(a->heads.at[i].log, log) == 0)
            some[n++] = a->heads.at[i].at;
    *out = some;
    *count = n;
    return 0;
}

static void tell_whole(const char *log, const struct idem_chain_check *check, size_t heads)
{
    const struct idem_chain_head head = idem_chain_check_head(check);
    char hash[2 * IDEM_CHAIN_HASH + 1];

    sodium_bin2hex(hash, sizeof hash, head.hash, sizeof head.hash);
    printf("%s: %" PRId64 " lines, whole; %" PRId64 " emptied and accounted for; %zu heads fit; "
           "ends with %.16s\n",
           log, head.seq, idem_chain_check_blanked(check), heads, hash);
}

/* Who reads it sees whether that many lines were to be emptied, and when. */
static void tell_cover(void *log, int64_t seq, int64_t at_ms, const struct idem_cover *cover)
{
    char at[TIME_TEXT], before[TIME_TEXT];

    printf("%s: line %" PRId64 " of %s: %s", (const char *)log, seq, time_text(at_ms, at),
           cover->reason);
    if (cover->before_ms != 0)
        printf(" of what is from before %s", time_text(cover->before_ms, before));
    printf(" emptied");
    for (uint32_t i = 0; i < cover->count; i++)
        printf(" %" PRId64 "-%" PRId64, cover->ranges[i][0], cover->ranges[i][1]);
    putchar('\n');
}

static int verify_open(const struct audit *a, const char *log, sqlite3 *db)
{
    struct idem_chain_check *check = NULL;
    struct idem_chain_head *heads = NULL;
    size_t count = 0;
    int exit_code = take_heads(a, log, &heads, &count);

    if (exit_code != 0)
        return exit_code;
    int err = idem_chain_check_new(log, heads, count, &check);
    if (err == 0) {
        if (a->has_key)
            idem_chain_check_key(check, a->public_key);
        idem_chain_check_covers(check, tell_cover, (void *)(uintptr_t)log);
        err = idem_chain_check_table(db, log, check);
    }
    if (err == 0)
        tell_whole(log, check, count);
    else if (check != NULL && idem_chain_check_fault(check)[0] != '\0')
        exit_code = idem_cli_fail("%s: %s", log, idem_chain_check_fault(check));
    else
        exit_code = idem_cli_fail("%s: cannot be read: %s", log, sqlite3_errmsg(db));
    idem_chain_check_free(check);
    free(heads);
    return exit_code;
}

/* A log of which there are heads must be there. */
static int verify_missing(const struct audit *a, const char *log)
{
    for (size_t i = 0; i < a->heads.count; i++)
        if (strcmp(a->heads.at[i].log, log) == 0)
            return idem_cli_fail("%s: the log is missing; line %" PRId64 " was there", log,
                                 a->heads.at[i].at.seq);
    return 0;
}

/* The key in the directory is better than none: with none, no emptied line is accounted for. */
static int take_key(struct audit *a)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/audit.pub", a->data);
    if (a->key == NULL && a->heads.count == 0 && access(path, R_OK) != 0)
        return 0;
    if (a->key == NULL)
        idem_cli_note("the key is the data directory's own; --key gives one from elsewhere");
    int exit_code = idem_cli_heads_key(a->key != NULL ? a->key : path, a->public_key);
    a->has_key = exit_code == 0;
    return exit_code;
}

static int check_signatures(struct audit *a)
{
    if (a->heads.unreadable > 0)
        idem_cli_note("%zu lines of the head files are no heads", a->heads.unreadable);
    int exit_code = take_key(a);
    return exit_code != 0 || a->heads.count == 0 ? exit_code
                                                 : idem_cli_heads_check(&a->heads, a->public_key);
}

static int verify(struct audit *a)
{
    int found = 0, exit_code = check_signatures(a), worst = 0;

    for (int i = 0; i < LOGS && exit_code == 0; i++) {
        sqlite3 *db;
        exit_code = open_log(a, i, &db);
        if (exit_code != 0)
            break;
        int one = db != NULL ? verify_open(a, logs[i].name, db) : verify_missing(a, logs[i].name);
        found += db != NULL;
        worst = one != 0 ? one : worst;
        sqlite3_close(db);
    }
    if (exit_code == 0 && found == 0)
        exit_code = idem_cli_fail("%s: there is no audit log", a->data);
    if (exit_code == 0 && a->heads.count == 0)
        idem_cli_note("without --head a missing end, or a log written anew, cannot be seen");
    return exit_code != 0 ? exit_code : worst;
}

/* ------------------------------------------------------------------ show, export */

static bool is_meant(const struct audit *a, const struct idem_chain_line *line)
{
    return a->organisation == NULL || line->organisation == a->row || line->organisation == 0;
}

static int show_line(void *arg, const struct idem_chain_line *line)
{
    char at[TIME_TEXT];

    if (!is_meant(arg, line))
        return 0;
    printf("%" PRId64 " %s %.*s\n", line->seq, time_text(line->at_ms, at),
           line->body != NULL ? (int)line->len : 9, line->body != NULL ? line->body : "(emptied)");
    return 0;
}

static json_t *hex(const uint8_t *bytes, size_t len)
{
    char text[2 * IDEM_CHAIN_HASH + 1];
    return json_string(sodium_bin2hex(text, sizeof text, bytes, len));
}

static int export_line(void *arg, const struct idem_chain_line *line)
{
    const struct audit *a = arg;
    const bool blank = line->body == NULL;
    char at[TIME_TEXT];

    if (!is_meant(a, line))
        return 0;
    json_t *o = json_pack("{s:s, s:I, s:I, s:s, s:I, s:o, s:o, s:o, s:o}", "log", a->log, "seq",
                          (json_int_t)line->seq, "organisation", (json_int_t)line->organisation,
                          "at", time_text(line->at_ms, at), "at_ms", (json_int_t)line->at_ms,
                          "salt", blank ? json_null() : hex(line->salt, sizeof line->salt), "body",
                          blank ? json_null() : json_stringn(line->body, line->len), "body_hash",
                          hex(line->body_hash, sizeof line->body_hash), "hash",
                          hex(line->hash, sizeof line->hash));
    char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
    int err = text == NULL || puts(text) < 0 ? IDEM_ERR_IO : 0;
    free(text);
    json_decref(o);
    return err;
}

/* The organisation's row; the names are in the main data base. */
static int find_organisation(struct audit *a)
{
    sqlite3 *db;
    sqlite3_stmt *st = NULL;
    int exit_code = a->organisation == NULL ? 0 : open_log(a, 0, &db);

    if (exit_code != 0 || a->organisation == NULL)
        return exit_code;
    if (db != NULL && sqlite3_prepare_v2(db, "SELECT row FROM organisations WHERE name = ?1", -1,
                                         &st, NULL) == SQLITE_OK) {
        sqlite3_bind_text(st, 1, a->organisation, -1, SQLITE_STATIC);
        if (sqlite3_step(st) == SQLITE_ROW)
            a->row = sqlite3_column_int64(st, 0);
    }
    sqlite3_finalize(st);
    sqlite3_close(db);
    return a->row != 0 ? 0 : idem_cli_fail("there is no organisation \"%s\"", a->organisation);
}

static int print_logs(struct audit *a, idem_chain_fn *line)
{
    const char *only = a->log;
    int exit_code = find_organisation(a);

    for (int i = 0; i < LOGS && exit_code == 0; i++) {
        sqlite3 *db;
        if (only != NULL && strcmp(only, logs[i].name) != 0)
            continue;
        exit_code = open_log(a, i, &db);
        if (exit_code != 0 || db == NULL)
            continue;
        a->log = logs[i].name;
        if (idem_chain_each(db, logs[i].name, line, a) != 0)
            exit_code = idem_cli_fail("%s: cannot be read", logs[i].name);
        sqlite3_close(db);
    }
    return exit_code;
}

/* ------------------------------------------------------------------ key */

static int show_key(const struct audit *a)
{
    char path[PATH_MAX], text[64];
    uint8_t key[IDEM_HEAD_PUBLIC];

    snprintf(path, sizeof path, "%s/audit.pub", a->data);
    int exit_code = access(path, R_OK) == 0 ? idem_cli_heads_key(path, key)
                                            : idem_cli_fail("%s: cannot be read", path);
    if (exit_code == 0)
        puts(sodium_bin2base64(text, sizeof text, key, sizeof key,
                               sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    return exit_code;
}

/* ------------------------------------------------------------------ the command */

static const struct option longs[] = {
    {"data", required_argument, NULL, 'd'},
    {"head", required_argument, NULL, 'H'},
    {"key", required_argument, NULL, 'k'},
    {"log", required_argument, NULL, 'l'},
    {"help", no_argument, NULL, 'h'},
    {"organisation", required_argument, NULL, 'o'},
    {NULL, 0, NULL, 0},
};

static int take(struct audit *a, int option)
{
    switch (option) {
    case 'd':
        a->data = optarg;
        return 0;
    case 'H':
        return idem_cli_heads_add(&a->heads, optarg);
    case 'k':
        a->key = optarg;
        return 0;
    case 'l':
        a->log = optarg;
        return 0;
    case 'o':
        a->organisation = optarg;
        return 0;
    default:
        return idem_cli_usage("audit", "this option does not exist or lacks its value");
    }
}

static int run(struct audit *a)
{
    if (a->data == NULL)
        return idem_cli_usage("audit", "--data is missing");
    if (strcmp(a->verb, "verify") == 0)
        return verify(a);
    if (strcmp(a->verb, "show") == 0)
        return print_logs(a, show_line);
    if (strcmp(a->verb, "export") == 0)
        return print_logs(a, export_line);
    if (strcmp(a->verb, "key") == 0)
        return show_key(a);
    return idem_cli_usage("audit", "there is no \"audit %s\"", a->verb);
}

int idem_cli_audit(int argc, char **argv)
{
    struct audit a = {0};
    int option, exit_code = 0;

    if (sodium_init() < 0)
        return idem_cli_fail("libsodium does not start");
    while (exit_code == 0 && (option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (option == 'h') {
            fputs(help_text, stdout);
            return IDEM_EXIT_OK;
        }
        exit_code = take(&a, option);
    }
    if (exit_code == 0 && optind != argc - 1)
        exit_code = idem_cli_usage("audit", "it takes one of verify, show, export, key");
    if (exit_code == 0) {
        a.verb = argv[optind];
        exit_code = run(&a);
    }
    idem_cli_heads_free(&a.heads);
    return exit_code;
}
