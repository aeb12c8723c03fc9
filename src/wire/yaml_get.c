/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_get.c - from the tree to values with their ranges; see yaml.h. */
#include "wire/yaml_node.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 40, WORDS_TEXT = 160 };

const struct idem_yaml_node *idem_yaml_root(const struct idem_yaml *y)
{
    return y->root;
}

uint32_t idem_yaml_line(const struct idem_yaml_node *node)
{
    return node != NULL ? node->line : 0;
}

enum idem_yaml_kind idem_yaml_kind(const struct idem_yaml_node *node)
{
    return node->kind;
}

const struct idem_yaml_node *idem_yaml_get(const struct idem_yaml_node *map, const char *key)
{
    if (map == NULL || map->kind != IDEM_YAML_MAP)
        return NULL;
    for (const struct idem_yaml_node *node = map->first; node != NULL; node = node->next)
        if (strcmp(node->key->text, key) == 0)
            return node;
    return NULL;
}

uint32_t idem_yaml_count(const struct idem_yaml_node *node)
{
    return node != NULL ? node->count : 0;
}

const struct idem_yaml_node *idem_yaml_first(const struct idem_yaml_node *node)
{
    return node != NULL ? node->first : NULL;
}

const struct idem_yaml_node *idem_yaml_next(const struct idem_yaml_node *node)
{
    return node->next;
}

const char *idem_yaml_key(const struct idem_yaml_node *node)
{
    return node->key != NULL ? node->key->text : NULL;
}

bool idem_yaml_failed(const struct idem_yaml *y)
{
    return y->failed;
}

/* ------------------------------------------------------------------ near words */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance of two words, each cut at WORD_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], n = least(strlen(a), WORD_MAX), m = least(strlen(b), WORD_MAX);

    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j];
            row[j] = least(least(above, row[j - 1]) + 1, corner + (a[i - 1] != b[j - 1]));
            corner = above;
        }
    }
    return row[m];
}

static const char *nearest(const char *word, const char *const *known, size_t count)
{
    const char *best = known[0];

    for (size_t i = 1; i < count; i++)
        if (distance(word, known[i]) < distance(word, best))
            best = known[i];
    return best;
}

static const char *list_words(const char *const *words, size_t count, char text[WORDS_TEXT])
{
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count && len < WORDS_TEXT; i++) {
        const char *joint = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        int n = snprintf(text + len, WORDS_TEXT - len, "%s%s", joint, words[i]);
        len += n > 0 ? (size_t)n : 0;
    }
    return text;
}

uint32_t idem_yaml_keys(struct idem_yaml *y, const struct idem_yaml_node *map,
                        const char *const *known, size_t count)
{
    if (map == NULL)
        return 0;
    if (map->kind != IDEM_YAML_MAP)
        return idem_yaml_blame(y, map, "\"key: value\" lines are expected here");
    for (const struct idem_yaml_node *node = map->first; node != NULL; node = node->next) {
        const char *word = node->key->text;
        size_t i = 0;
        while (i < count && strcmp(known[i], word) != 0)
            i++;
        if (i == count)
            return idem_yaml_blame(y, node->key,
                                   "there is no setting \"%.64s\" here; the nearest is \"%s\"",
                                   word, nearest(word, known, count));
    }
    return map->line;
}

/* ------------------------------------------------------------------ scalars */

/* The text of a scalar with something in it, or NULL and a fault; NULL also for an absent one. */
static const char *scalar(struct idem_yaml *y, const struct idem_yaml_node *node, const char *what)
{
    if (node == NULL)
        return NULL;
    if (node->kind != IDEM_YAML_SCALAR) {
        idem_yaml_blame(y, node, "%s is expected here, not a %s", what,
                        node->kind == IDEM_YAML_LIST ? "list" : "map");
        return NULL;
    }
    if (node->len == 0) {
        idem_yaml_blame(y, node, "there is no value; %s is expected", what);
        return NULL;
    }
    return node->text;
}

uint32_t idem_yaml_list(struct idem_yaml *y, const struct idem_yaml_node *node, uint32_t max,
                        const struct idem_yaml_node **first)
{
    if (node == NULL)
        return 0;
    if (node->kind == IDEM_YAML_SCALAR && scalar(y, node, "a list") == NULL)
        return 0;
    if (node->kind == IDEM_YAML_MAP)
        return idem_yaml_blame(y, node, "a list is expected here, not a map");
    if (node->kind == IDEM_YAML_LIST && node->count == 0)
        return idem_yaml_blame(y, node, "the list is empty; leave the setting out instead");
    if (node->count > max)
        return idem_yaml_blame(y, node, "%u items; at most %u are taken", node->count, max);
    *first = node->kind == IDEM_YAML_LIST ? node->first : node;
    return node->line;
}

uint32_t idem_yaml_text(struct idem_yaml *y, const struct idem_yaml_node *node, size_t max,
                        const char **out)
{
    const char *text = scalar(y, node, "a text");

    if (text == NULL)
        return 0;
    if (node->len > max)
        return idem_yaml_blame(y, node, "%zu bytes long; at most %zu are taken", node->len, max);
    *out = text;
    return node->line;
}

uint32_t idem_yaml_bool(struct idem_yaml *y, const struct idem_yaml_node *node, bool *out)
{
    const char *text = scalar(y, node, "yes or no");

    if (text == NULL)
        return 0;
    bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
        return idem_yaml_blame(y, node, "yes or no is expected, not \"%.40s\"", text);
    *out = yes;
    return node->line;
}

uint32_t idem_yaml_int(struct idem_yaml *y, const struct idem_yaml_node *node, int64_t min,
                       int64_t max, int64_t *out)
{
    const char *text = scalar(y, node, "a whole number");
    char *end;

    if (text == NULL)
        return 0;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end != '\0' || text[strspn(text, "-0123456789")] != '\0')
        return idem_yaml_blame(y, node, "a whole number is expected, not \"%.40s\"", text);
    if (errno != 0 || value < min || value > max)
        return idem_yaml_blame(y, node, "%.40s is not between %" PRId64 " and %" PRId64, text, min,
                               max);
    *out = value;
    return node->line;
}

uint32_t idem_yaml_number(struct idem_yaml *y, const struct idem_yaml_node *node, double min,
                          double max, double *out)
{
    const char *text = scalar(y, node, "a number");
    char *end;

    if (text == NULL)
        return 0;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || text[strspn(text, "-+.0123456789eE")] != '\0')
        return idem_yaml_blame(y, node, "a number is expected, not \"%.40s\"", text);
    if (!(value >= min && value <= max))
        return idem_yaml_blame(y, node, "%.40s is not between %g and %g", text, min, max);
    *out = value;
    return node->line;
}

uint32_t idem_yaml_choice(struct idem_yaml *y, const struct idem_yaml_node *node,
                          const char *const *names, size_t count, int *out)
{
    char words[WORDS_TEXT];
    const char *text = scalar(y, node, "a word");

    if (text == NULL)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (int)i;
            return node->line;
        }
    }
    return idem_yaml_blame(y, node, "\"%.40s\" is not %s", text, list_words(names, count, words));
}

/* ------------------------------------------------------------------ times */

uint32_t idem_yaml_span(struct idem_yaml *y, const struct idem_yaml_node *node, int64_t min_ms,
                        int64_t max_ms, int64_t *out_ms)
{
    static const struct unit {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
    const char *text = scalar(y, node, "a time with its unit");
    char *end;

    if (text == NULL)
        return 0;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    const char *name = end + strspn(end, " ");
    bool digit = text[0] >= '0' && text[0] <= '9';
    for (size_t i = 0; digit && i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(name, units[i].name) != 0)
            continue;
        if (errno != 0 || value > max_ms / units[i].ms || value * units[i].ms < min_ms)
            return idem_yaml_blame(y, node, "%.40s is not between %.6g s and %.6g d", text,
                                   (double)min_ms / 1000, (double)max_ms / 86400000);
        *out_ms = value * units[i].ms;
        return node->line;
    }
    return idem_yaml_blame(
        y, node, "a time with its unit (ms, s, min, h, d) is expected, not \"%.40s\"", text);
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Of the Gregorian calendar; month from 1, year from 1970. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t past = year - 1;

    return past * 365 + past / 4 - past / 100 + past / 400 - 719162 + before[month - 1] +
           (month > 2 && is_leap(year)) + day - 1;
}

static bool parse_date(const char *text, int64_t *days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const char form[] = "0000-00-00";

    for (size_t i = 0; i < sizeof form; i++) {
        bool fits = form[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i];
        if (!fits)
            return false;
    }
    int64_t year = atoi(text), month = atoi(text + 5), day = atoi(text + 8);
    if (year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (month == 2 && is_leap(year)))
        return false;
    *days = days_since_1970(year, month, day);
    return true;
}

uint32_t idem_yaml_date(struct idem_yaml *y, const struct idem_yaml_node *node, int64_t *out_ms)
{
    const char *text = scalar(y, node, "a date");
    int64_t days;

    if (text == NULL)
        return 0;
    if (!parse_date(text, &days))
        return idem_yaml_blame(y, node, "a date like 2026-01-31 is expected, not \"%.40s\"", text);
    *out_ms = days * 86400000;
    return node->line;
}
