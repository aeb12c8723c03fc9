/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.h - a small reader of files that people write: one YAML document of maps, lists and scalars,
 * with hard limits, and nothing in it that a reader would have to resolve (no anchors, aliases,
 * tags, merge keys, directives, second documents) or that says one thing twice (equal keys).
 *
 * What a scalar means is decided by the getter that asks for it and not by its looks, so a country
 * may be called NO. Getters take NULL for a setting that is absent: the output keeps its default
 * and the line is 0. They record the first fault of the document and go on, so that a chain of them
 * is checked once, at its end:
 *
 *     static const char *const known[] = {"port", "tls"};
 *     struct idem_yaml *y;
 *     int64_t port = 8787;
 *
 *     int err = idem_yaml_parse(bytes, len, name, &y, fault);
 *     if (err != 0)
 *         return err;
 *     const struct idem_yaml_node *top = idem_yaml_root(y);
 *     idem_yaml_keys(y, top, known, 2);
 *     line = idem_yaml_int(y, idem_yaml_get(top, "port"), 0, 65535, &port);
 *     err = idem_yaml_end(y, fault);
 */
#ifndef IDEM_WIRE_YAML_H
#define IDEM_WIRE_YAML_H

#include "idem/idem.h"

enum {
    IDEM_YAML_BYTES_MAX = 512 * 1024,
    IDEM_YAML_NODES_MAX = 40000,
    IDEM_YAML_DEPTH_MAX = 12,
    IDEM_YAML_KEYS_MAX = 256,   /* in one map */
    IDEM_YAML_TEXT_MAX = 16384, /* bytes of one scalar */
    IDEM_YAML_NAME_MAX = 256,
    IDEM_YAML_REASON_MAX = 256,
    IDEM_YAML_FAULT_TEXT = IDEM_YAML_NAME_MAX + IDEM_YAML_REASON_MAX + 32
};

struct idem_yaml_fault {
    char name[IDEM_YAML_NAME_MAX]; /* of the file, as the caller called it */
    uint32_t line, column;         /* from 1; 0: the file as a whole */
    char reason[IDEM_YAML_REASON_MAX];
};

struct idem_yaml;
struct idem_yaml_node;

/* Writes *fault when it fails: IDEM_ERR_FORMAT, IDEM_ERR_LIMIT or IDEM_ERR_NOMEM. */
int idem_yaml_parse(const char *bytes, size_t len, const char *name, struct idem_yaml **out,
                    struct idem_yaml_fault *fault);
/* Frees the document with all its nodes and texts. IDEM_ERR_FORMAT and *fault when any getter
 * found one. */
int idem_yaml_end(struct idem_yaml *y, struct idem_yaml_fault *fault);
/* "file:line:column: reason"; returns text. */
const char *idem_yaml_fault_text(const struct idem_yaml_fault *fault,
                                 char text[IDEM_YAML_FAULT_TEXT]);

/* ------------------------------------------------------------------ the tree */

enum idem_yaml_kind { IDEM_YAML_SCALAR, IDEM_YAML_LIST, IDEM_YAML_MAP };

const struct idem_yaml_node *idem_yaml_root(const struct idem_yaml *y);
/* 0 for NULL. */
uint32_t idem_yaml_line(const struct idem_yaml_node *node);
enum idem_yaml_kind idem_yaml_kind(const struct idem_yaml_node *node);
/* The value of a key, NULL when it is absent or node is no map (or NULL). */
const struct idem_yaml_node *idem_yaml_get(const struct idem_yaml_node *map, const char *key);
/* Items of a list, values of a map; 0 for a scalar and for NULL. */
uint32_t idem_yaml_count(const struct idem_yaml_node *node);
/* In the file's order: for (n = first(x); n != NULL; n = next(n)). NULL for a scalar and NULL. */
const struct idem_yaml_node *idem_yaml_first(const struct idem_yaml_node *node);
const struct idem_yaml_node *idem_yaml_next(const struct idem_yaml_node *node);
/* The key that a map's value stands under; NULL for others. */
const char *idem_yaml_key(const struct idem_yaml_node *node);

/* ------------------------------------------------------------------ getters
 * Return the line that the setting stands on; 0 when it is absent or there was a fault.
 */

bool idem_yaml_failed(const struct idem_yaml *y);
/* Records a fault at node (NULL: of the file), unless there is one already. Returns 0. */
__attribute__((format(printf, 3, 4))) uint32_t
idem_yaml_blame(struct idem_yaml *y, const struct idem_yaml_node *node, const char *fmt, ...);
/* The node is a map with keys among these; the fault names the nearest of them. */
uint32_t idem_yaml_keys(struct idem_yaml *y, const struct idem_yaml_node *map,
                        const char *const *known, size_t count);
/* A list of at most max items, or a single scalar, which counts as a list of one: then *first is
 * the scalar itself. */
uint32_t idem_yaml_list(struct idem_yaml *y, const struct idem_yaml_node *node, uint32_t max,
                        const struct idem_yaml_node **first);
/* 1..max bytes; *out lives as long as the document. */
uint32_t idem_yaml_text(struct idem_yaml *y, const struct idem_yaml_node *node, size_t max,
                        const char **out);
/* yes, no, true, false */
uint32_t idem_yaml_bool(struct idem_yaml *y, const struct idem_yaml_node *node, bool *out);
uint32_t idem_yaml_int(struct idem_yaml *y, const struct idem_yaml_node *node, int64_t min,
                       int64_t max, int64_t *out);
uint32_t idem_yaml_number(struct idem_yaml *y, const struct idem_yaml_node *node, double min,
                          double max, double *out);
/* One of the names; *out is its index. */
uint32_t idem_yaml_choice(struct idem_yaml *y, const struct idem_yaml_node *node,
                          const char *const *names, size_t count, int *out);
/* "30 s", "15 min", "24 h", "90 d", "500 ms": with its unit, as milliseconds. */
uint32_t idem_yaml_span(struct idem_yaml *y, const struct idem_yaml_node *node, int64_t min_ms,
                        int64_t max_ms, int64_t *out_ms);
/* "2026-01-31": its first millisecond, UTC, since 1970. */
uint32_t idem_yaml_date(struct idem_yaml *y, const struct idem_yaml_node *node, int64_t *out_ms);

#endif
