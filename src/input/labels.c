/* SPDX-License-Identifier: Apache-2.0 */
/*
 * labels.c - see labels.h. Sessions are found by binary search in an index sorted by name; the same
 * session name under several people gets the label everywhere.
 */
#include "input/labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *name;
    struct idem_session *session;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static int compare(struct idem_field name, const char *text)
{
    int order = strncmp(name.at, text, name.len);
    return order ? order : text[name.len] ? -1 : 0;
}

/* The first row of that name, or count. */
static uint32_t lower_bound(const struct row *index, uint32_t count, struct idem_field name)
{
    uint32_t lo = 0, hi = count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (compare(name, index[mid].name) > 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static int apply_row(struct idem_csv *csv, const struct row *index, uint32_t count,
                     struct idem_field name, struct idem_field value, uint32_t *unknown,
                     struct idem_fault *fault)
{
    if (name.len == 0 || !(idem_field_is(value, "0") || idem_field_is(value, "1")))
        return idem_csv_blame(csv, fault, "needs a session and 0 or 1 in is_illegal");
    uint32_t at = lower_bound(index, count, name);
    bool found = false;
    for (; at < count && compare(name, index[at].name) == 0; at++) {
        if (index[at].session->illegal != IDEM_LABEL_NONE)
            return idem_csv_blame(csv, fault, "this session was labelled in an earlier row");
        index[at].session->illegal = *value.at == '1' ? IDEM_LABEL_OTHER : IDEM_LABEL_OWNER;
        found = true;
    }
    *unknown += !found;
    return 0;
}

static int apply_rows(struct idem_csv *csv, const struct row *index, uint32_t count,
                      uint32_t *unknown, struct idem_fault *fault)
{
    int name = idem_csv_column(csv, "session"), value = idem_csv_column(csv, "is_illegal"), err;
    const struct idem_field *row;
    if (name < 0)
        name = idem_csv_column(csv, "filename");
    if (name < 0 || value < 0)
        return idem_csv_blame(csv, fault, "needs the columns session and is_illegal");
    while ((err = idem_csv_row(csv, &row, fault)) > 0) {
        err = apply_row(csv, index, count, row[name], row[value], unknown, fault);
        if (err < 0)
            break;
    }
    return err;
}

int idem_labels_apply(struct idem_recording *rec, const char *path, uint32_t *unknown,
                      struct idem_fault *fault)
{
    struct idem_csv *csv;
    uint32_t missed = 0;
    int err = idem_csv_open(path, &csv, fault);
    if (err < 0)
        return err;
    struct row *index = calloc(rec->session_count + 1, sizeof *index);
    if (index) {
        for (uint32_t i = 0; i < rec->session_count; i++) {
            index[i] = (struct row){rec->sessions[i].name, &rec->sessions[i]};
            rec->sessions[i].illegal = IDEM_LABEL_NONE;
        }
        qsort(index, rec->session_count, sizeof *index, by_name);
        err = apply_rows(csv, index, rec->session_count, &missed, fault);
    } else {
        snprintf(fault->text, sizeof fault->text, "%.200s: out of memory", path);
        err = IDEM_ERR_NOMEM;
    }
    free(index);
    idem_csv_close(csv);
    if (err == 0)
        *unknown = missed;
    return err;
}
