/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_read.c - the file as a whole: who is in which group, and what only an installation can
 * have (retention, acknowledgement, exemptions). The sections with rules are in policy_rules.c.
 */
#include "server/policy_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR        (INT64_C(3600) * 1000)
#define DAY         (24 * HOUR)
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

enum { VERSION = 1, ACK_TEXT_MAX = IDEM_YAML_TEXT_MAX, WORDS_MAX = 64, PSEUDONYM_TEXT = 24 };

void idem_policy_warn(struct idem_policy *p, uint32_t line, const char *fmt, ...)
{
    va_list ap;

    if (p->warning_count >= IDEM_POLICY_WARNINGS_MAX)
        return;
    struct idem_yaml_fault *w = &p->warnings[p->warning_count++];
    snprintf(w->name, sizeof w->name, "%s", p->name);
    w->line = line;
    w->column = 1;
    va_start(ap, fmt);
    vsnprintf(w->reason, sizeof w->reason, fmt, ap);
    va_end(ap);
}

/* ------------------------------------------------------------------ groups */

/* As everywhere in ISO 3166: two capital letters. */
static bool is_country(const char *text)
{
    return strlen(text) == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' &&
           text[1] <= 'Z';
}

static void read_names(struct idem_policy *p, const struct idem_yaml_node *list, bool countries,
                       struct idem_policy_names *out)
{
    const struct idem_yaml_node *node = NULL;

    if (idem_yaml_list(p->yaml, list, IDEM_POLICY_NAMES_MAX, &node) == 0)
        return;
    for (; node != NULL; node = node == list ? NULL : idem_yaml_next(node)) {
        const char *name = "";
        if (idem_yaml_text(p->yaml, node, IDEM_POLICY_NAME_MAX, &name) == 0)
            return;
        if (countries && !is_country(name))
            idem_yaml_blame(p->yaml, node,
                            "\"%.40s\" is not a country's two capital letters, like PT", name);
        out->names[out->count++] = name;
    }
}

static void read_conditions(struct idem_policy *p, const struct idem_yaml_node *node,
                            struct idem_policy_group *g)
{
    static const char *const conditions[IDEM_CONDITIONS] = {"organisation", "site", "country",
                                                            "job"};
    uint32_t count = 0;

    for (int i = 0; i < IDEM_CONDITIONS; i++) {
        read_names(p, idem_yaml_get(node, conditions[i]), i == IDEM_CONDITION_COUNTRY,
                   &g->conditions[i]);
        count += g->conditions[i].count;
    }
    if (count == 0)
        idem_yaml_blame(p->yaml, node,
                        "a group without organisation, site, country or job would be everybody; "
                        "what holds for everybody stands at the top of the file");
}

static void read_group(struct idem_policy *p, const struct idem_yaml_node *node, uint32_t i)
{
    static const char *const keys[] = {"name",      "organisation", "site",      "country",
                                       "job",       "thresholds",   "actions",   "guard",
                                       "fail_mode", "gate",         "enrolment", "seat"};
    struct idem_policy_rules *rules = &p->rules[i + 1].of[0];

    idem_yaml_keys(p->yaml, node, keys, COUNT(keys));
    *rules = p->rules[0].of[0];
    rules->group_line = idem_yaml_line(node);
    if (idem_yaml_text(p->yaml, idem_yaml_get(node, "name"), IDEM_POLICY_NAME_MAX, &rules->group) ==
        0)
        idem_yaml_blame(p->yaml, node, "the group has no name");
    for (uint32_t k = 0; k < i && rules->group != NULL; k++)
        if (p->rules[k + 1].of[0].group != NULL &&
            strcmp(p->rules[k + 1].of[0].group, rules->group) == 0)
            idem_yaml_blame(p->yaml, node, "the group on line %u has the same name",
                            p->rules[k + 1].of[0].group_line);
    read_conditions(p, node, &p->groups[i]);
    idem_policy_read_rules(p, node, rules);
}

static void read_groups(struct idem_policy *p, const struct idem_yaml_node *list)
{
    const struct idem_yaml_node *node = NULL;

    if (list == NULL)
        return;
    if (idem_yaml_kind(list) != IDEM_YAML_LIST) {
        idem_yaml_blame(p->yaml, list, "a list of groups is expected: \"- name: ...\"");
        return;
    }
    if (idem_yaml_list(p->yaml, list, IDEM_POLICY_GROUPS_MAX, &node) == 0)
        return;
    for (; node != NULL && !idem_yaml_failed(p->yaml); node = idem_yaml_next(node))
        read_group(p, node, p->group_count++);
}

/* ------------------------------------------------------------------ retention */

struct idem_policy_retention idem_policy_default_retention(void)
{
    return (struct idem_policy_retention){
        .closed_sessions_ms = 24 * HOUR,
        .windows_ms = 0,
        .audit_detail_ms = 365 * DAY,
        .gate_records_ms = 90 * DAY,
    };
}

static void read_retention(struct idem_policy *p, const struct idem_yaml_node *section)
{
    static const char *const keys[] = {"closed_sessions", "windows", "audit_detail",
                                       "gate_records"};
    struct idem_policy_retention *r = &p->retention;
    struct idem_yaml *y = p->yaml;

    idem_yaml_keys(y, section, keys, COUNT(keys));
    r->closed_sessions_line =
        idem_yaml_span(y, idem_yaml_get(section, keys[0]), HOUR, 30 * DAY, &r->closed_sessions_ms);
    r->windows_line =
        idem_yaml_span(y, idem_yaml_get(section, keys[1]), 0, 72 * HOUR, &r->windows_ms);
    r->audit_detail_line = idem_yaml_span(y, idem_yaml_get(section, keys[2]), 30 * DAY, 3660 * DAY,
                                          &r->audit_detail_ms);
    r->gate_records_line =
        idem_yaml_span(y, idem_yaml_get(section, keys[3]), DAY, 3660 * DAY, &r->gate_records_ms);
}

/* ------------------------------------------------------------------ acknowledgement */

static void read_languages(struct idem_policy *p, const struct idem_yaml_node *node,
                           struct idem_policy_acknowledgement *a)
{
    if (idem_yaml_count(node) > IDEM_POLICY_LANGUAGES_MAX) {
        idem_yaml_blame(p->yaml, node, "more than %d languages", IDEM_POLICY_LANGUAGES_MAX);
        return;
    }
    for (const struct idem_yaml_node *n = idem_yaml_first(node); n != NULL; n = idem_yaml_next(n)) {
        struct idem_policy_language *l = &a->texts[a->text_count++];
        *l = (struct idem_policy_language){.language = idem_yaml_key(n), .text = ""};
        if (strlen(l->language) < 2 || strlen(l->language) > 35)
            idem_yaml_blame(p->yaml, n, "\"%.40s\" is not a language's tag, like pt-BR",
                            l->language);
        idem_yaml_text(p->yaml, n, ACK_TEXT_MAX, &l->text);
    }
}

/* One text, or one for each language. */
static void read_ack_text(struct idem_policy *p, const struct idem_yaml_node *node,
                          struct idem_policy_acknowledgement *a)
{
    if (node == NULL)
        return;
    if (idem_yaml_kind(node) == IDEM_YAML_MAP) {
        read_languages(p, node, a);
        return;
    }
    a->texts[0] = (struct idem_policy_language){.language = "", .text = ""};
    a->text_count = 1;
    idem_yaml_text(p->yaml, node, ACK_TEXT_MAX, &a->texts[0].text);
}

static void read_country(struct idem_policy *p, const struct idem_yaml_node *node,
                         struct idem_policy_acknowledgement *a)
{
    static const char *const keys[] = {"required", "version", "text"};

    *a = (struct idem_policy_acknowledgement){
        .country = idem_yaml_key(node), .required = true, .version = ""};
    a->line = idem_yaml_keys(p->yaml, node, keys, COUNT(keys));
    if (strcmp(a->country, "any") != 0 && !is_country(a->country))
        idem_yaml_blame(p->yaml, node, "\"%.40s\" is neither \"any\" nor a country, like PT",
                        a->country);
    idem_yaml_bool(p->yaml, idem_yaml_get(node, "required"), &a->required);
    idem_yaml_text(p->yaml, idem_yaml_get(node, "version"), WORDS_MAX, &a->version);
    read_ack_text(p, idem_yaml_get(node, "text"), a);
    if (!a->required)
        idem_policy_warn(p, a->line, "nobody is asked before windows are taken (%s)", a->country);
    else if (a->version[0] == '\0' || a->text_count == 0)
        idem_yaml_blame(p->yaml, node, "what is to be acknowledged has a version and a text");
}

static void read_acknowledgement(struct idem_policy *p, const struct idem_yaml_node *section)
{
    if (section == NULL)
        return;
    if (idem_yaml_kind(section) != IDEM_YAML_MAP) {
        idem_yaml_blame(p->yaml, section, "a country, or \"any\", is expected here");
        return;
    }
    if (idem_yaml_count(section) > IDEM_POLICY_COUNTRIES_MAX) {
        idem_yaml_blame(p->yaml, section, "more than %d countries", IDEM_POLICY_COUNTRIES_MAX);
        return;
    }
    for (const struct idem_yaml_node *n = idem_yaml_first(section); n != NULL;
         n = idem_yaml_next(n))
        read_country(p, n, &p->countries[p->country_count++]);
}

/* ------------------------------------------------------------------ exemptions */

static bool is_pseudonym(const char *text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return strlen(text) == PSEUDONYM_TEXT && strncmp(text, "p_", 2) == 0 &&
           strspn(text + 2, alphabet) == PSEUDONYM_TEXT - 2;
}

static void read_exempted(struct idem_policy *p, const struct idem_yaml_node *list,
                          struct idem_policy_exemption *e)
{
    static const char *const words[] = {"behaviour", "guard"};
    const struct idem_yaml_node *node = NULL;

    if (idem_yaml_list(p->yaml, list, COUNT(words), &node) == 0)
        return;
    e->behaviour = false;
    for (; node != NULL; node = node == list ? NULL : idem_yaml_next(node)) {
        int which = 0;
        if (idem_yaml_choice(p->yaml, node, words, COUNT(words), &which) == 0)
            return;
        e->behaviour = e->behaviour || which == 0;
        e->guard = e->guard || which == 1;
    }
}

static void read_until(struct idem_policy *p, const struct idem_yaml_node *entry, int64_t now_ms,
                       struct idem_policy_exemption *e)
{
    const struct idem_yaml_node *node = idem_yaml_get(entry, "until");
    int64_t day_ms = 0;

    if (node == NULL)
        idem_yaml_blame(p->yaml, entry, "an exemption has an end: \"until: 2026-12-31\"");
    if (idem_yaml_date(p->yaml, node, &day_ms) == 0)
        return;
    e->until_ms = day_ms + DAY; /* that day counts */
    if (day_ms > now_ms + 366 * DAY)
        idem_yaml_blame(p->yaml, node, "an exemption lasts a year at most; renew it then");
    else if (e->until_ms <= now_ms)
        idem_policy_warn(p, idem_yaml_line(node), "this exemption has ended");
}

static void read_exemption(struct idem_policy *p, const struct idem_yaml_node *node, int64_t now_ms,
                           struct idem_policy_exemption *e)
{
    static const char *const keys[] = {"person", "until", "alternative_factor", "exempt"};

    *e = (struct idem_policy_exemption){
        .person = "", .alternative_factor = "", .behaviour = true, .line = idem_yaml_line(node)};
    idem_yaml_keys(p->yaml, node, keys, COUNT(keys));
    idem_yaml_text(p->yaml, idem_yaml_get(node, "person"), WORDS_MAX, &e->person);
    if (!is_pseudonym(e->person))
        idem_yaml_blame(p->yaml, node,
                        "the exempted person is named by pseudonym: \"person: p_...\"");
    read_until(p, node, now_ms, e);
    if (idem_yaml_text(p->yaml, idem_yaml_get(node, "alternative_factor"), WORDS_MAX,
                       &e->alternative_factor) == 0)
        idem_yaml_blame(
            p->yaml, node,
            "an exempted person answers by something else: \"alternative_factor: ...\"");
    read_exempted(p, idem_yaml_get(node, "exempt"), e);
}

static int by_person(const void *a, const void *b)
{
    const struct idem_policy_exemption *x = a, *y = b;
    return strcmp(x->person, y->person);
}

static void sort_exemptions(struct idem_policy *p)
{
    qsort(p->exemptions, p->exemption_count, sizeof p->exemptions[0], by_person);
    for (uint32_t i = 1; i < p->exemption_count && !idem_yaml_failed(p->yaml); i++)
        if (strcmp(p->exemptions[i - 1].person, p->exemptions[i].person) == 0)
            idem_yaml_blame(p->yaml, NULL, "lines %u and %u exempt the same person",
                            p->exemptions[i - 1].line, p->exemptions[i].line);
}

static void read_exemptions(struct idem_policy *p, const struct idem_yaml_node *list,
                            int64_t now_ms)
{
    const struct idem_yaml_node *node = NULL;

    if (list == NULL)
        return;
    if (idem_yaml_kind(list) != IDEM_YAML_LIST) {
        idem_yaml_blame(p->yaml, list, "a list of exemptions is expected: \"- person: ...\"");
        return;
    }
    if (idem_yaml_list(p->yaml, list, IDEM_POLICY_EXEMPTIONS_MAX, &node) == 0)
        return;
    for (; node != NULL && !idem_yaml_failed(p->yaml); node = idem_yaml_next(node))
        read_exemption(p, node, now_ms, &p->exemptions[p->exemption_count++]);
    sort_exemptions(p);
}

/* ------------------------------------------------------------------ the whole */

void idem_policy_read(struct idem_policy *p, int64_t now_ms)
{
    static const char *const keys[] = {"version",   "thresholds", "actions",         "guard",
                                       "fail_mode", "gate",       "enrolment",       "retention",
                                       "groups",    "exemptions", "acknowledgement", "seat"};
    const struct idem_yaml_node *top = idem_yaml_root(p->yaml);
    int64_t version = 0;

    idem_yaml_keys(p->yaml, top, keys, COUNT(keys));
    if (idem_yaml_get(top, "version") == NULL)
        idem_yaml_blame(p->yaml, top, "\"version: %d\" is missing: what the file is written for",
                        VERSION);
    idem_yaml_int(p->yaml, idem_yaml_get(top, "version"), VERSION, VERSION, &version);
    p->rules[0].of[0] = idem_policy_default_rules();
    p->retention = idem_policy_default_retention();
    idem_policy_read_rules(p, top, &p->rules[0].of[0]);
    read_retention(p, idem_yaml_get(top, "retention"));
    read_acknowledgement(p, idem_yaml_get(top, "acknowledgement"));
    read_exemptions(p, idem_yaml_get(top, "exemptions"), now_ms);
    read_groups(p, idem_yaml_get(top, "groups"));
}
