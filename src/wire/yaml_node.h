/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_node.h - the tree from the inside, for yaml.c (makes it) and yaml_get.c (reads it). */
#ifndef IDEM_WIRE_YAML_NODE_H
#define IDEM_WIRE_YAML_NODE_H

#include "wire/yaml.h"

struct idem_yaml_node {
    enum idem_yaml_kind kind;
    bool plain; /* a scalar without quotes */
    uint32_t line, column, count;
    struct idem_yaml_node *first, *last; /* of a list or map */
    struct idem_yaml_node *next;
    const struct idem_yaml_node *key;
    struct idem_yaml_node *made_before; /* all of the document, for freeing */
    size_t len;
    char text[];
};

struct idem_yaml {
    struct idem_yaml_node *root, *made;
    bool failed;
    struct idem_yaml_fault fault;
};

#endif
