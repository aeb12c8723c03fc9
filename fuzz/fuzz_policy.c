/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_policy.c - any bytes as a policy: refused with a place and a sentence on one line, or read
 * into rules that keep their promises for everybody, exempted people among them.
 */
#include "server/policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

static void check_sentence(const struct idem_yaml_fault *f)
{
    char line[IDEM_YAML_FAULT_TEXT];

    require(f->reason[0] != '\0' && memchr(f->reason, '\0', sizeof f->reason) != NULL);
    idem_yaml_fault_text(f, line);
    for (const char *ch = line; *ch != '\0'; ch++)
        require((unsigned char)*ch >= 0x20 && *ch != 0x7f);
}

static void check_threshold(const struct idem_policy_threshold *t)
{
    require(isfinite(t->log_odds) && t->trust > 0 && t->trust < 1);
    require(t->allowed >= 0 && t->seen >= 0 && t->at_most > t->seen);
    require(!t->supported || t->seen <= t->allowed * (1 + 1e-6));
}

static void check_rules(const struct idem_policy_rules *r)
{
    static char bytes[IDEM_POLICY_JSON_MAX];
    struct idem_text t = {bytes, 0, sizeof bytes, false};

    check_threshold(&r->step_up);
    check_threshold(&r->lock);
    require(r->below_step_up.action != IDEM_GUARD_CUT_OFF_DEVICE);
    require(r->below_lock.action != IDEM_GUARD_CUT_OFF_DEVICE);
    require(r->guard_count <= IDEM_POLICY_GUARD_MAX && r->enrol_sessions >= 1);
    require(r->gate.class_count >= 1 && r->gate.class_count <= IDEM_POLICY_CLASSES_MAX);
    require(r->gate.silence_lock.requests >= r->gate.silence_step_up.requests);
    require(r->gate.silence_lock.ms >= r->gate.silence_step_up.ms);
    require(idem_policy_class(r, "never named")->standing >= r->gate.classes[0].standing);
    require(!r->exempt_behaviour || r->below_lock.action == IDEM_GUARD_OBSERVE);
    for (int kind = 0; kind < IDEM_GUARD_KINDS; kind++) {
        const struct idem_guard_rule *row = idem_policy_guard(r, (enum idem_guard_kind)kind, 1);
        require(row == NULL || !r->exempt_guard || row->action == IDEM_GUARD_OBSERVE);
    }
    idem_policy_rules_json(&t, r);
    require(!t.full);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct idem_policy_subject people[] = {
        {"", "", "", "", ""},
        {"acme", "Lisbon", "PT", "support", "p_AAAAAAAAAAAAAAAAAAAAAA"},
        {"acme", "Porto", "PL", "finance", "p_BAAAAAAAAAAAAAAAAAAAAA"},
    };
    const int64_t now_ms = INT64_C(20779) * 86400000;
    struct idem_yaml_fault fault;
    struct idem_policy *p;

    if (idem_policy_parse((const char *)data, size, "fuzz.yaml", now_ms, &p, &fault) != 0) {
        check_sentence(&fault);
        return 0;
    }
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        check_rules(idem_policy_rules(p, &people[i], now_ms));
        require(idem_policy_acknowledgement(p, people[i].country)->country != NULL);
    }
    for (uint32_t i = 0; i < idem_policy_warnings(p); i++)
        check_sentence(idem_policy_warning(p, i));
    idem_policy_unref(p);
    return 0;
}
