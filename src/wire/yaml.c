/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.c - from bytes to the tree; see yaml.h. libyaml's events are taken one by one, so that what
 * is forbidden is seen before it is resolved and a limit stops the reading and not only the result.
 */
#include "wire/yaml_node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* The tree while it grows. */
struct grower {
    struct idem_yaml *y;
    uint32_t nodes, depth;
    struct idem_yaml_node *open[IDEM_YAML_DEPTH_MAX]; /* maps and lists not yet ended */
    struct idem_yaml_node *key; /* of the innermost map, waiting for a value */
    struct idem_yaml_node *keys[IDEM_YAML_DEPTH_MAX]; /* likewise of the outer ones */
    uint32_t documents;
};

/* ------------------------------------------------------------------ faults */

static void blame(struct idem_yaml *y, uint32_t line, uint32_t column, const char *fmt, va_list ap)
{
    struct idem_yaml_fault *f = &y->fault;

    if (y->failed)
        return;
    y->failed = true;
    f->line = line;
    f->column = column;
    vsnprintf(f->reason, sizeof f->reason, fmt, ap);
    for (char *ch = f->reason; *ch != '\0'; ch++)
        if ((unsigned char)*ch < 0x20 || *ch == 0x7f)
            *ch = ' '; /* a fault is one line of a log */
}

uint32_t idem_yaml_blame(struct idem_yaml *y, const struct idem_yaml_node *node, const char *fmt,
                         ...)
{
    va_list ap;

    va_start(ap, fmt);
    blame(y, node != NULL ? node->line : 0, node != NULL ? node->column : 0, fmt, ap);
    va_end(ap);
    return 0;
}

__attribute__((format(printf, 3, 4))) static int fail(struct idem_yaml *y, const yaml_mark_t *at,
                                                      const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    blame(y, (uint32_t)at->line + 1, (uint32_t)at->column + 1, fmt, ap);
    va_end(ap);
    return IDEM_ERR_FORMAT;
}

const char *idem_yaml_fault_text(const struct idem_yaml_fault *f, char text[IDEM_YAML_FAULT_TEXT])
{
    if (f->line > 0)
        snprintf(text, IDEM_YAML_FAULT_TEXT, "%s:%u:%u: %s", f->name, f->line, f->column,
                 f->reason);
    else
        snprintf(text, IDEM_YAML_FAULT_TEXT, "%s: %s", f->name, f->reason);
    return text;
}

/* ------------------------------------------------------------------ growing */

static int node_new(struct grower *g, enum idem_yaml_kind kind, const yaml_mark_t *at,
                    const void *text, size_t len, struct idem_yaml_node **out)
{
    struct idem_yaml *y = g->y;

    if (g->nodes >= IDEM_YAML_NODES_MAX)
        return fail(y, at, "more than %d keys and values", IDEM_YAML_NODES_MAX);
    if (len > IDEM_YAML_TEXT_MAX)
        return fail(y, at, "a text of more than %d bytes", IDEM_YAML_TEXT_MAX);
    if (len > 0 && memchr(text, '\0', len) != NULL)
        return fail(y, at, "a text with a zero byte in it");
    struct idem_yaml_node *node = calloc(1, sizeof *node + len + 1);
    if (node == NULL)
        return IDEM_ERR_NOMEM;
    if (len > 0)
        memcpy(node->text, text, len);
    node->len = len;
    node->kind = kind;
    node->line = (uint32_t)at->line + 1;
    node->column = (uint32_t)at->column + 1;
    node->made_before = y->made;
    y->made = node;
    g->nodes++;
    *out = node;
    return IDEM_OK;
}

static void append(struct idem_yaml_node *parent, struct idem_yaml_node *node)
{
    if (parent->last != NULL)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    parent->count++;
}

static int take_key(struct grower *g, struct idem_yaml_node *map, struct idem_yaml_node *node,
                    const yaml_mark_t *at)
{
    if (node->kind != IDEM_YAML_SCALAR)
        return fail(g->y, at, "a key has to be a word");
    if (map->count >= IDEM_YAML_KEYS_MAX)
        return fail(g->y, at, "more than %d keys in one map", IDEM_YAML_KEYS_MAX);
    if (strcmp(node->text, "<<") == 0)
        return fail(g->y, at, "merge keys (<<) are not used here");
    const struct idem_yaml_node *twin = idem_yaml_get(map, node->text);
    if (twin != NULL)
        return fail(g->y, at, "\"%.64s\" stands here twice; the first is on line %u", node->text,
                    twin->key->line);
    g->key = node;
    return IDEM_OK;
}

/* Files a node where it belongs: as the root, a list's item, a map's key or its value. */
static int place(struct grower *g, struct idem_yaml_node *node, const yaml_mark_t *at)
{
    if (g->depth == 0) {
        g->y->root = node;
        return IDEM_OK;
    }
    struct idem_yaml_node *parent = g->open[g->depth - 1];
    if (parent->kind == IDEM_YAML_MAP && g->key == NULL)
        return take_key(g, parent, node, at);
    node->key = g->key;
    g->key = NULL;
    append(parent, node);
    return IDEM_OK;
}

static int descend(struct grower *g, struct idem_yaml_node *node, const yaml_mark_t *at)
{
    if (g->depth >= IDEM_YAML_DEPTH_MAX)
        return fail(g->y, at, "nested deeper than %d levels", IDEM_YAML_DEPTH_MAX);
    g->keys[g->depth] = g->key;
    g->open[g->depth++] = node;
    g->key = NULL;
    return IDEM_OK;
}

static int take_scalar(struct grower *g, const yaml_event_t *event)
{
    struct idem_yaml_node *node = NULL;
    const yaml_mark_t *at = &event->start_mark;

    int err = node_new(g, IDEM_YAML_SCALAR, at, event->data.scalar.value, event->data.scalar.length,
                       &node);
    if (err != 0)
        return err;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return place(g, node, at);
}

static int take_open(struct grower *g, const yaml_event_t *event, enum idem_yaml_kind kind)
{
    struct idem_yaml_node *node = NULL;
    const yaml_mark_t *at = &event->start_mark;
    int err;

    (void)((err = node_new(g, kind, at, NULL, 0, &node)) != 0 || (err = place(g, node, at)) != 0 ||
           (err = descend(g, node, at)) != 0);
    return err;
}

static int take_end(struct grower *g)
{
    g->depth--;
    g->key = g->keys[g->depth];
    return IDEM_OK;
}

/* ------------------------------------------------------------------ events */

static int refuse_extras(struct grower *g, const yaml_event_t *event, const void *anchor,
                         const void *tag)
{
    if (anchor != NULL)
        return fail(g->y, &event->start_mark, "anchors (&name) are not used here");
    if (tag != NULL)
        return fail(g->y, &event->start_mark, "tags (!name) are not used here");
    return IDEM_OK;
}

static int take_document(struct grower *g, const yaml_event_t *event)
{
    if (event->data.document_start.version_directive != NULL ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end)
        return fail(g->y, &event->start_mark, "directives (%%NAME) are not used here");
    if (g->documents++ > 0)
        return fail(g->y, &event->start_mark, "a second document begins here; one is read");
    return IDEM_OK;
}

static int take_event(struct grower *g, const yaml_event_t *event)
{
    int err;

    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return take_document(g, event);
    case YAML_ALIAS_EVENT:
        return fail(g->y, &event->start_mark, "aliases (*name) are not used here; quote a star");
    case YAML_SCALAR_EVENT:
        err = refuse_extras(g, event, event->data.scalar.anchor, event->data.scalar.tag);
        return err != 0 ? err : take_scalar(g, event);
    case YAML_SEQUENCE_START_EVENT:
        err = refuse_extras(g, event, event->data.sequence_start.anchor,
                            event->data.sequence_start.tag);
        return err != 0 ? err : take_open(g, event, IDEM_YAML_LIST);
    case YAML_MAPPING_START_EVENT:
        err = refuse_extras(g, event, event->data.mapping_start.anchor,
                            event->data.mapping_start.tag);
        return err != 0 ? err : take_open(g, event, IDEM_YAML_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return take_end(g);
    default:
        return IDEM_OK;
    }
}

/* libyaml's own words are kept; the commonest of its complaints has a plainer cause. */
static int parser_failed(struct idem_yaml *y, const yaml_parser_t *parser, const char *bytes,
                         size_t len)
{
    const yaml_mark_t *at = &parser->problem_mark;

    if (parser->error == YAML_MEMORY_ERROR)
        return IDEM_ERR_NOMEM;
    if (parser->error == YAML_READER_ERROR) {
        yaml_mark_t where = {0};
        for (size_t i = 0; i < parser->problem_offset && i < len; i++) {
            where.column = bytes[i] == '\n' ? 0 : where.column + 1;
            where.line += bytes[i] == '\n';
        }
        return fail(y, &where, "not text in UTF-8: %s", parser->problem);
    }
    if (at->index < len && bytes[at->index] == '\t')
        return fail(y, at, "a tab cannot indent; use blanks");
    return fail(y, at, "not YAML: %s", parser->problem != NULL ? parser->problem : "damaged");
}

static int read_events(struct grower *g, yaml_parser_t *parser, const char *bytes, size_t len)
{
    bool more = true;

    while (more) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return parser_failed(g->y, parser, bytes, len);
        int err = take_event(g, &event);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (err != 0)
            return err;
    }
    return IDEM_OK;
}

static int grow(struct idem_yaml *y, const char *bytes, size_t len)
{
    struct grower g = {.y = y};
    yaml_parser_t parser;

    if (len > IDEM_YAML_BYTES_MAX) {
        idem_yaml_blame(y, NULL, "larger than %d KiB", IDEM_YAML_BYTES_MAX / 1024);
        return IDEM_ERR_LIMIT;
    }
    if (!yaml_parser_initialize(&parser))
        return IDEM_ERR_NOMEM;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len);
    int err = read_events(&g, &parser, bytes, len);
    yaml_parser_delete(&parser);
    if (err == 0 && y->root == NULL) {
        idem_yaml_blame(y, NULL, "there is nothing in it");
        return IDEM_ERR_FORMAT;
    }
    return err;
}

static void yaml_free(struct idem_yaml *y)
{
    for (struct idem_yaml_node *node = y->made, *before; node != NULL; node = before) {
        before = node->made_before;
        free(node);
    }
    free(y);
}

int idem_yaml_parse(const char *bytes, size_t len, const char *name, struct idem_yaml **out,
                    struct idem_yaml_fault *fault)
{
    struct idem_yaml *y = calloc(1, sizeof *y);

    if (y == NULL) {
        *fault = (struct idem_yaml_fault){.reason = "out of memory"};
        return IDEM_ERR_NOMEM;
    }
    snprintf(y->fault.name, sizeof y->fault.name, "%s", name);
    int err = grow(y, bytes, len);
    if (err != 0) {
        idem_yaml_blame(y, NULL, "%s", idem_strerror(err));
        *fault = y->fault;
        yaml_free(y);
        return err;
    }
    *out = y;
    return IDEM_OK;
}

int idem_yaml_end(struct idem_yaml *y, struct idem_yaml_fault *fault)
{
    bool failed = y->failed;

    if (failed)
        *fault = y->fault;
    yaml_free(y);
    return failed ? IDEM_ERR_FORMAT : IDEM_OK;
}
