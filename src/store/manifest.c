/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.c - what is in a backup, as JSON; see backup.h. */
#include "store/backup.h"

#include "store/sqlite_parts.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, MANIFEST_MAX = 64 * 1024 };

static const char about[] =
    "keys.db and the *.key files are not in here and must not be: they are kept apart with "
    "`idem keys export`. Without them nothing in here that belongs to people can be read.";

/* ------------------------------------------------------------------ writing */

static json_t *files_json(const struct idem_backup_report *report)
{
    json_t *files = json_object();

    for (uint32_t i = 0; i < report->file_count; i++) {
        const struct idem_backup_file *f = &report->files[i];
        json_object_set_new(
            files, f->name,
            json_pack("{s:I, s:s}", "bytes", (json_int_t)f->bytes, "sha256", f->sha256));
    }
    return files;
}

static json_t *logs_json(const struct idem_backup_report *report)
{
    json_t *logs = json_object();

    for (uint32_t i = 0; i < report->log_count; i++)
        json_object_set_new(logs, report->logs[i].name,
                            json_pack("{s:I, s:s}", "seq", (json_int_t)report->logs[i].seq, "hash",
                                      report->logs[i].hash));
    return logs;
}

int idem_manifest_write(const char *dir, const char *version,
                        const struct idem_backup_report *report)
{
    char path[PATH_MAX];
    json_t *root = json_pack("{s:i, s:s, s:I, s:o, s:o, s:s}", "idem_backup", FORMAT, "version",
                             version, "made_ms", (json_int_t)report->made_ms, "files",
                             files_json(report), "logs", logs_json(report), "about", about);
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(2)) : NULL;
    int err = text == NULL ? IDEM_ERR_NOMEM : idem_path(path, sizeof path, dir, "manifest.json");

    if (err == 0)
        err = idem_file_write(path, text, strlen(text));
    free(text);
    json_decref(root);
    return err;
}

/* ------------------------------------------------------------------ reading */

static bool take_text(char *out, size_t cap, const char *text)
{
    return text != NULL && text[0] != '\0' && strchr(text, '/') == NULL &&
           snprintf(out, cap, "%s", text) < (int)cap;
}

static bool take_files(struct idem_backup_report *out, json_t *files)
{
    const char *name;
    json_t *value;

    json_object_foreach(files, name, value)
    {
        struct idem_backup_file *f = &out->files[out->file_count];
        if (out->file_count == IDEM_BACKUP_FILES_MAX || !take_text(f->name, sizeof f->name, name) ||
            !take_text(f->sha256, sizeof f->sha256,
                       json_string_value(json_object_get(value, "sha256"))))
            return false;
        f->bytes = json_integer_value(json_object_get(value, "bytes"));
        out->file_count++;
    }
    return out->file_count > 0;
}

static bool take_logs(struct idem_backup_report *out, json_t *logs)
{
    const char *name;
    json_t *value;

    json_object_foreach(logs, name, value)
    {
        struct idem_backup_log *l = &out->logs[out->log_count];
        if (out->log_count == IDEM_BACKUP_LOGS_MAX || !take_text(l->name, sizeof l->name, name) ||
            !take_text(l->hash, sizeof l->hash, json_string_value(json_object_get(value, "hash"))))
            return false;
        l->seq = json_integer_value(json_object_get(value, "seq"));
        out->log_count++;
    }
    return true;
}

int idem_manifest_read(const char *dir, struct idem_backup_report *out, char why[IDEM_WHY_MAX])
{
    struct idem_backup_report report = {0};
    char path[PATH_MAX];
    void *bytes = NULL;
    size_t len = 0;
    int err = idem_path(path, sizeof path, dir, "manifest.json");

    if (err == 0)
        err = idem_file_read(path, MANIFEST_MAX, &bytes, &len);
    if (err != 0)
        return idem_why(why, err, "%s: there is no manifest: this is no (finished) backup", dir);
    json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
    report.made_ms = json_integer_value(json_object_get(root, "made_ms"));
    if (json_integer_value(json_object_get(root, "idem_backup")) != FORMAT ||
        !take_files(&report, json_object_get(root, "files")) ||
        !take_logs(&report, json_object_get(root, "logs")))
        err = idem_why(why, IDEM_ERR_FORMAT, "%s: is no manifest that this version reads", path);
    json_decref(root);
    free(bytes);
    if (err == 0)
        *out = report;
    return err;
}
