/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_parts.h - the policy from the inside, for policy.c (life and questions), policy_read.c
 * (the file as a whole), policy_rules.c and policy_seat.c (the sections that groups may replace).
 */
#ifndef IDEM_SERVER_POLICY_PARTS_H
#define IDEM_SERVER_POLICY_PARTS_H

#include "server/policy.h"

#include <stdatomic.h>

/* What a group asks of a subject; an empty list asks nothing. */
enum idem_policy_condition {
    IDEM_CONDITION_ORGANISATION,
    IDEM_CONDITION_SITE,
    IDEM_CONDITION_COUNTRY,
    IDEM_CONDITION_JOB,
    IDEM_CONDITIONS
};

struct idem_policy_names {
    const char *names[IDEM_POLICY_NAMES_MAX];
    uint32_t count;
};

struct idem_policy_group {
    struct idem_policy_names conditions[IDEM_CONDITIONS];
};

/* Exempted people's rules stand beside those of everybody: [exempt_behaviour + 2 * exempt_guard] */
enum { IDEM_POLICY_VARIANTS = 4 };
struct idem_policy_variants {
    struct idem_policy_rules of[IDEM_POLICY_VARIANTS];
};

struct idem_policy {
    atomic_uint references;
    struct idem_yaml *yaml; /* owns most strings below */
    char *text;
    size_t len;
    char name[IDEM_YAML_NAME_MAX], id[IDEM_POLICY_ID_TEXT + 1];

    struct idem_policy_variants *rules; /* [group_count + 1]: the first is without a group */
    struct idem_policy_group *groups;   /* [group_count] */
    uint32_t group_count;

    struct idem_policy_retention retention;
    struct idem_policy_acknowledgement countries[IDEM_POLICY_COUNTRIES_MAX];
    uint32_t country_count;
    struct idem_policy_exemption *exemptions; /* ordered by person */
    uint32_t exemption_count;

    struct idem_yaml_fault warnings[IDEM_POLICY_WARNINGS_MAX];
    uint32_t warning_count;
};

/* policy_rules.c: the sections of a map that are there replace those of *rules. */
void idem_policy_read_rules(struct idem_policy *p, const struct idem_yaml_node *map,
                            struct idem_policy_rules *rules);
/* What holds where the file says nothing: the same as the shipped file. */
struct idem_policy_rules idem_policy_default_rules(void);

/* policy_seat.c: one of those sections */
void idem_policy_read_seat(struct idem_policy *p, const struct idem_yaml_node *section,
                           struct idem_policy_seat *seat);
struct idem_policy_seat idem_policy_default_seat(void);
/* A member "seat" of the rules' JSON. */
void idem_policy_seat_json(struct idem_text *t, const struct idem_policy_seat *seat);

/* policy_read.c */
void idem_policy_read(struct idem_policy *p, int64_t now_ms);
__attribute__((format(printf, 3, 4))) void idem_policy_warn(struct idem_policy *p, uint32_t line,
                                                            const char *fmt, ...);
/* A policy with defaults in place of everything. */
struct idem_policy_retention idem_policy_default_retention(void);

#endif
