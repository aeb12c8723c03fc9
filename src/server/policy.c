/* SPDX-License-Identifier: Apache-2.0 */
/* policy.c - a policy's life, and the questions it answers; see policy.h. */
#include "server/policy_parts.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ life */

static void policy_free(struct idem_policy *p)
{
    struct idem_yaml_fault ignored;

    if (p->yaml != NULL)
        idem_yaml_end(p->yaml, &ignored);
    free(p->text);
    free(p->rules);
    free(p->groups);
    free(p->exemptions);
    free(p);
}

struct idem_policy *idem_policy_ref(struct idem_policy *policy)
{
    atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    return policy;
}

void idem_policy_unref(struct idem_policy *policy)
{
    if (policy != NULL &&
        atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) == 1)
        policy_free(policy);
}

/* ------------------------------------------------------------------ parsing */

static void name_policy(struct idem_policy *p, const char *name)
{
    uint8_t hash[IDEM_POLICY_ID_TEXT / 2];

    snprintf(p->name, sizeof p->name, "%s", name);
    crypto_generichash(hash, sizeof hash, (const uint8_t *)p->text, p->len, NULL, 0);
    sodium_bin2hex(p->id, sizeof p->id, hash, sizeof hash);
}

/* Room for what the file may hold: as many groups and exemptions as there are items. */
static int make_room(struct idem_policy *p)
{
    const struct idem_yaml_node *top = idem_yaml_root(p->yaml);
    uint32_t groups = idem_yaml_count(idem_yaml_get(top, "groups"));
    uint32_t exemptions = idem_yaml_count(idem_yaml_get(top, "exemptions"));

    groups = groups > IDEM_POLICY_GROUPS_MAX ? IDEM_POLICY_GROUPS_MAX : groups;
    if (exemptions > IDEM_POLICY_EXEMPTIONS_MAX)
        exemptions = IDEM_POLICY_EXEMPTIONS_MAX;
    p->rules = calloc(groups + 1, sizeof p->rules[0]);
    p->groups = calloc(groups + 1, sizeof p->groups[0]);
    p->exemptions = calloc(exemptions + 1, sizeof p->exemptions[0]);
    return p->rules != NULL && p->groups != NULL && p->exemptions != NULL ? IDEM_OK
                                                                          : IDEM_ERR_NOMEM;
}

/* The same rules for people who are exempted from some of them. */
static struct idem_policy_rules exempted(struct idem_policy_rules rules, bool behaviour, bool guard)
{
    rules.exempt_behaviour = behaviour;
    rules.exempt_guard = guard;
    if (behaviour) {
        rules.below_step_up.action = IDEM_GUARD_OBSERVE;
        rules.below_lock.action = IDEM_GUARD_OBSERVE;
        rules.insufficient.action = IDEM_GUARD_OBSERVE;
    }
    for (uint32_t i = 0; i < rules.guard_count && guard; i++)
        rules.guard[i].action = IDEM_GUARD_OBSERVE;
    return rules;
}

static void make_variants(struct idem_policy *p)
{
    for (uint32_t g = 0; g <= p->group_count; g++)
        for (unsigned v = 1; v < IDEM_POLICY_VARIANTS; v++)
            p->rules[g].of[v] = exempted(p->rules[g].of[0], (v & 1) != 0, (v & 2) != 0);
}

static int read_policy(struct idem_policy *p, int64_t now_ms, struct idem_yaml_fault *fault)
{
    int err = idem_yaml_parse(p->text, p->len, p->name, &p->yaml, fault);

    if (err != 0)
        return err;
    err = make_room(p);
    if (err != 0) {
        *fault = (struct idem_yaml_fault){.reason = "out of memory"};
        return err;
    }
    idem_policy_read(p, now_ms);
    if (idem_yaml_failed(p->yaml)) {
        err = idem_yaml_end(p->yaml, fault);
        p->yaml = NULL;
        return err;
    }
    make_variants(p);
    return IDEM_OK;
}

int idem_policy_parse(const char *text, size_t len, const char *name, int64_t now_ms,
                      struct idem_policy **out, struct idem_yaml_fault *fault)
{
    struct idem_policy *p = calloc(1, sizeof *p);

    *fault = (struct idem_yaml_fault){.reason = "out of memory"};
    if (p == NULL || (p->text = malloc(len + 1)) == NULL) {
        free(p);
        return IDEM_ERR_NOMEM;
    }
    memcpy(p->text, text, len);
    p->text[len] = '\0';
    p->len = len;
    atomic_init(&p->references, 1);
    name_policy(p, name);
    int err = read_policy(p, now_ms, fault);
    if (err != 0) {
        policy_free(p);
        return err;
    }
    *out = p;
    return IDEM_OK;
}

/* ------------------------------------------------------------------ whose rules */

static bool among(const struct idem_policy_names *names, const char *value)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (strcmp(names->names[i], value) == 0)
            return true;
    return names->count == 0;
}

static uint32_t group_of(const struct idem_policy *p, const struct idem_policy_subject *s)
{
    for (uint32_t i = 0; i < p->group_count; i++) {
        const struct idem_policy_names *c = p->groups[i].conditions;
        if (among(&c[IDEM_CONDITION_ORGANISATION], s->organisation) &&
            among(&c[IDEM_CONDITION_SITE], s->site) &&
            among(&c[IDEM_CONDITION_COUNTRY], s->country) && among(&c[IDEM_CONDITION_JOB], s->job))
            return i + 1;
    }
    return 0;
}

const struct idem_policy_rules *idem_policy_rules(const struct idem_policy *policy,
                                                  const struct idem_policy_subject *subject,
                                                  int64_t now_ms)
{
    const struct idem_policy_exemption *e = idem_policy_exemption(policy, subject->person, now_ms);
    unsigned variant = e == NULL ? 0 : (e->behaviour ? 1u : 0) + (e->guard ? 2u : 0);

    return &policy->rules[group_of(policy, subject)].of[variant];
}

const struct idem_policy_class *idem_policy_class(const struct idem_policy_rules *rules,
                                                  const char *name)
{
    const struct idem_policy_class *strictest = &rules->gate.classes[0];

    for (uint32_t i = 0; i < rules->gate.class_count; i++) {
        const struct idem_policy_class *c = &rules->gate.classes[i];
        if (strcmp(c->name, name) == 0)
            return c;
        if (c->standing > strictest->standing ||
            (c->standing == strictest->standing && c->trust_at_least > strictest->trust_at_least))
            strictest = c;
    }
    return strictest;
}

const struct idem_guard_rule *idem_policy_guard(const struct idem_policy_rules *rules,
                                                enum idem_guard_kind kind, double confidence)
{
    for (uint32_t i = 0; i < rules->guard_count; i++)
        if (rules->guard[i].kind == kind && confidence >= rules->guard[i].at_least)
            return &rules->guard[i];
    return NULL;
}

/* ------------------------------------------------------------------ the installation's */

const struct idem_policy_retention *idem_policy_retention(const struct idem_policy *policy)
{
    return &policy->retention;
}

const struct idem_policy_acknowledgement *
idem_policy_acknowledgement(const struct idem_policy *policy, const char *country)
{
    static const struct idem_policy_acknowledgement none = {
        .country = "any", .required = true, .version = ""};
    const struct idem_policy_acknowledgement *any = &none;

    for (uint32_t i = 0; i < policy->country_count; i++) {
        if (strcmp(policy->countries[i].country, country) == 0)
            return &policy->countries[i];
        if (strcmp(policy->countries[i].country, "any") == 0)
            any = &policy->countries[i];
    }
    return any;
}

const struct idem_policy_acknowledgement *
idem_policy_acknowledgement_at(const struct idem_policy *policy, uint32_t i)
{
    return i < policy->country_count ? &policy->countries[i] : NULL;
}

/* With its nought, so that no two lists of words are one. */
static void add_words(crypto_generichash_state *state, const char *words)
{
    crypto_generichash_update(state, (const uint8_t *)words, strlen(words) + 1);
}

void idem_policy_acknowledgement_hash(const struct idem_policy_acknowledgement *a,
                                      uint8_t hash[IDEM_POLICY_HASH])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, IDEM_POLICY_HASH);
    add_words(&state, a->country);
    add_words(&state, a->version);
    for (uint32_t i = 0; i < a->text_count; i++) {
        add_words(&state, a->texts[i].language);
        add_words(&state, a->texts[i].text);
    }
    crypto_generichash_final(&state, hash, IDEM_POLICY_HASH);
}

static int compare_person(const void *key, const void *element)
{
    const struct idem_policy_exemption *e = element;
    return strcmp(key, e->person);
}

const struct idem_policy_exemption *idem_policy_exemption(const struct idem_policy *policy,
                                                          const char *person, int64_t now_ms)
{
    if (policy->exemption_count == 0)
        return NULL;
    const struct idem_policy_exemption *e =
        bsearch(person, policy->exemptions, policy->exemption_count, sizeof policy->exemptions[0],
                compare_person);
    return e != NULL && now_ms < e->until_ms ? e : NULL;
}

/* ------------------------------------------------------------------ about itself */

const char *idem_policy_id(const struct idem_policy *policy)
{
    return policy->id;
}

const char *idem_policy_name(const struct idem_policy *policy)
{
    return policy->name;
}

const char *idem_policy_text(const struct idem_policy *policy, size_t *len)
{
    *len = policy->len;
    return policy->text;
}

uint32_t idem_policy_warnings(const struct idem_policy *policy)
{
    return policy->warning_count;
}

const struct idem_yaml_fault *idem_policy_warning(const struct idem_policy *policy, uint32_t i)
{
    return &policy->warnings[i];
}
