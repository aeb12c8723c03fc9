/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sheet.c - see sheet.h: making tables, text and JSON.
 */
#include "eval/sheet.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "idem/idem.h"

struct idem_sheet_table *idem_sheet_add(struct idem_sheet *sheet, const char *key,
                                        const char *title, const char *note,
                                        const struct idem_sheet_column *columns, int count)
{
    if (sheet->table_count == IDEM_SHEET_TABLES || count > IDEM_SHEET_COLUMNS)
        return NULL;
    struct idem_sheet_table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->key = key;
    t->title = title;
    t->note = note;
    t->columns = columns;
    t->column_count = count;
    return sheet->tables[sheet->table_count++] = t;
}

int idem_sheet_row(struct idem_sheet_table *table, const char *label, const double *values)
{
    if (table->row_count == IDEM_SHEET_ROWS)
        return IDEM_ERR_LIMIT;
    snprintf(table->label[table->row_count], IDEM_SHEET_LABEL, "%s", label);
    memcpy(table->cell[table->row_count], values, (size_t)table->column_count * sizeof *values);
    table->row_count++;
    return 0;
}

int idem_sheet_line(struct idem_sheet *sheet, const char *line)
{
    struct idem_sheet_list *list = &sheet->list;
    if (list->count == IDEM_SHEET_LINES) {
        list->left_out++;
        return 0;
    }
    if (list->lines == NULL &&
        (list->lines = (char **)calloc(IDEM_SHEET_LINES, sizeof *list->lines)) == NULL)
        return IDEM_ERR_NOMEM;
    if ((list->lines[list->count] = strdup(line)) == NULL)
        return IDEM_ERR_NOMEM;
    list->count++;
    return 0;
}

void idem_sheet_fini(struct idem_sheet *sheet)
{
    for (int i = 0; i < sheet->table_count; i++)
        free(sheet->tables[i]);
    for (int i = 0; i < sheet->list.count; i++)
        free(sheet->list.lines[i]);
    free((void *)sheet->list.lines);
    sheet->list = (struct idem_sheet_list){NULL, NULL, 0, 0};
    sheet->table_count = 0;
}

/* ------------------------------------------------------------------ text */

static void print_cell(const struct idem_sheet_column *c, double v, int width, FILE *to)
{
    if (!isfinite(v))
        fprintf(to, "%*s", width, "-");
    else if (c->kind == IDEM_SHEET_COUNT)
        fprintf(to, "%*.0f", width, v);
    else if (c->kind == IDEM_SHEET_RATE)
        fprintf(to, "%*.2f %%", width - 2, v * 100);
    else
        fprintf(to, "%*.3f", width, v);
}

static int column_width(const struct idem_sheet_column *c)
{
    int n = (int)strlen(c->heading);
    return (n > 9 ? n : 9) + 2;
}

static void print_table(const struct idem_sheet_table *t, FILE *to)
{
    int label = 12;
    for (int r = 0; r < t->row_count; r++)
        label = (int)strlen(t->label[r]) > label ? (int)strlen(t->label[r]) : label;
    fprintf(to, "\n%s\n  %-*s", t->title, label, "");
    for (int c = 0; c < t->column_count; c++)
        fprintf(to, "%*s", column_width(&t->columns[c]), t->columns[c].heading);
    fputc('\n', to);
    for (int r = 0; r < t->row_count; r++) {
        fprintf(to, "  %-*s", label, t->label[r]);
        for (int c = 0; c < t->column_count; c++)
            print_cell(&t->columns[c], t->cell[r][c], column_width(&t->columns[c]), to);
        fputc('\n', to);
    }
    if (t->note)
        fprintf(to, "  %s\n", t->note);
}

static void print_list(const struct idem_sheet_list *list, FILE *to)
{
    fprintf(to, "\n%s\n", list->title);
    for (int i = 0; i < list->count; i++)
        fprintf(to, "  %s\n", list->lines[i]);
    if (list->left_out)
        fprintf(to, "  and %d more\n", list->left_out);
    if (list->count == 0)
        fputs("  none\n", to);
}

void idem_sheet_print(const struct idem_sheet *sheet, FILE *to)
{
    fprintf(to, "%s: %s\n", sheet->protocol, sheet->lead);
    for (int i = 0; i < sheet->table_count; i++)
        print_table(sheet->tables[i], to);
    if (sheet->list.title)
        print_list(&sheet->list, to);
}

/* ------------------------------------------------------------------ JSON */

static json_t *row_object(const struct idem_sheet_table *t, int r)
{
    json_t *o = json_object();
    json_object_set_new(o, "label", json_string(t->label[r]));
    for (int c = 0; c < t->column_count; c++) {
        double v = t->cell[r][c];
        json_t *value = !isfinite(v) ? json_null()
                        : t->columns[c].kind == IDEM_SHEET_COUNT
                            ? json_integer((json_int_t)llround(v))
                            : json_real(v);
        json_object_set_new(o, t->columns[c].key, value);
    }
    return o;
}

json_t *idem_sheet_object(const struct idem_sheet *sheet)
{
    json_t *root = json_object();
    json_object_set_new(root, "protocol", json_string(sheet->protocol));
    json_object_set_new(root, "command", json_string(sheet->command_line));
    for (int i = 0; i < sheet->table_count; i++) {
        json_t *rows = json_array();
        for (int r = 0; r < sheet->tables[i]->row_count; r++)
            json_array_append_new(rows, row_object(sheet->tables[i], r));
        json_object_set_new(root, sheet->tables[i]->key, rows);
    }
    return root;
}

int idem_sheet_dump(json_t *root, FILE *to)
{
    int r = root ? json_dumpf(root, to, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : -1;
    json_decref(root);
    fputc('\n', to);
    return r == 0 && fflush(to) == 0 && !ferror(to) ? 0 : IDEM_ERR_IO;
}

int idem_sheet_json(const struct idem_sheet *sheet, FILE *to)
{
    return idem_sheet_dump(idem_sheet_object(sheet), to);
}
