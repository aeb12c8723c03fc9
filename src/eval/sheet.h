/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sheet.h - tables of figures and the curves in them, as text, JSON and a self-contained page, for
 * evaluations whose answer is not one list of figures.
 *
 * A table's columns are fixed when it is made; a row is a label and a number a column. A number
 * that is not finite is "does not exist": a dash, or null.
 */
#ifndef IDEM_EVAL_SHEET_H
#define IDEM_EVAL_SHEET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    IDEM_SHEET_TABLES = 24,
    IDEM_SHEET_COLUMNS = 16,
    IDEM_SHEET_ROWS = 128,
    IDEM_SHEET_LABEL = 64,
    IDEM_SHEET_LINES = 2000,
};

enum idem_sheet_kind { IDEM_SHEET_COUNT, IDEM_SHEET_NUMBER, IDEM_SHEET_RATE };

struct idem_sheet_column {
    const char *key;     /* in JSON */
    const char *heading; /* for people */
    enum idem_sheet_kind kind;
    bool curve; /* drawn over the table's first column */
};

struct idem_sheet_table {
    const char *key, *title, *note; /* note may be NULL */
    const struct idem_sheet_column *columns;
    int column_count, row_count;
    bool log_x; /* of the curves */
    char label[IDEM_SHEET_ROWS][IDEM_SHEET_LABEL];
    double cell[IDEM_SHEET_ROWS][IDEM_SHEET_COLUMNS];
};

/* Words below the tables, for people only; further lines are counted, not kept. */
struct idem_sheet_list {
    const char *title;
    char **lines;
    int count, left_out;
};

struct idem_sheet {
    const char *protocol, *lead, *command_line;
    struct idem_sheet_table *tables[IDEM_SHEET_TABLES];
    int table_count;
    struct idem_sheet_list list; /* without a title: none */
};

/* Everything given as text must outlive the sheet. NULL when there is no memory or no room. */
struct idem_sheet_table *idem_sheet_add(struct idem_sheet *sheet, const char *key,
                                        const char *title, const char *note,
                                        const struct idem_sheet_column *columns, int count);
/* values[column_count]; the label is copied and cut to length. Beyond the room: IDEM_ERR_LIMIT. */
int idem_sheet_row(struct idem_sheet_table *table, const char *label, const double *values);
/* Adds a copy of the line to the sheet's list. */
int idem_sheet_line(struct idem_sheet *sheet, const char *line);
void idem_sheet_fini(struct idem_sheet *sheet);

void idem_sheet_print(const struct idem_sheet *sheet, FILE *to);
/* 0 or IDEM_ERR_*. {"protocol": ..., "<table>": [{"label": ..., "<column>": ...}]} */
int idem_sheet_json(const struct idem_sheet *sheet, FILE *to);
/* The same as an object to add to, or NULL; and an object written so and released. */
struct json_t *idem_sheet_object(const struct idem_sheet *sheet);
int idem_sheet_dump(struct json_t *root, FILE *to);
int idem_sheet_html(const struct idem_sheet *sheet, FILE *to);

#endif
