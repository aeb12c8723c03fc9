/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_rules.c - the sections of a policy that hold for everybody or, in a group, for some:
 * thresholds, actions, guard, fail_mode, gate, enrolment (seat: policy_seat.c). A section that is
 * absent, or a setting in it, leaves what was there before: the default, or what stands at the top
 * of the file.
 */
#include "server/policy_parts.h"

#include "model/false_alarms.h"

#include <math.h>
#include <string.h>

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char *const action_names[] = {"observe", "notify",         "step-up",
                                           "lock",    "cut-off-device", "end-session"};
_Static_assert(COUNT(action_names) == IDEM_GUARD_ACTIONS, "one name an action");
static const char *const standing_names[] = {"bound", "unsuspected", "matching"};
static const char *const until_names[] = {"step-up", "deny", "allow-ordinary"};

const char *idem_policy_standing_name(enum idem_policy_standing standing)
{
    return standing_names[standing];
}

const char *idem_policy_until_enrolled_name(enum idem_policy_until_enrolled answer)
{
    return until_names[answer];
}

/* ------------------------------------------------------------------ what holds without a file */

static struct idem_policy_threshold threshold_of(double allowed, double hours, uint32_t line)
{
    const struct idem_false_alarms found = idem_false_alarms_threshold(allowed / hours);

    return (struct idem_policy_threshold){
        .line = line,
        .allowed = allowed,
        .log_odds = found.log_odds,
        .trust = 1 / (1 + exp(-found.log_odds)),
        .seen = found.seen_per_hour * hours,
        .at_most = found.at_most_per_hour * hours,
        .supported = found.supported,
    };
}

/*
 * Keys that no hand typed have been typed already when the alarm comes, so a sure alarm locks, and
 * cuts off the device that did it: it would type on when somebody unlocks. A
 * pointer that a program moves may be a tool that its owner uses, and a window seen before may be
 * an error of whoever sent it: both ask who is there. Remote help is everyday in many companies.
 */
static const struct idem_guard_rule default_guard[] = {
    {IDEM_GUARD_INJECTED_KEYS, 0.99, IDEM_GUARD_CUT_OFF_DEVICE, 0},
    {IDEM_GUARD_INJECTED_KEYS, 0, IDEM_GUARD_STEP_UP, 0},
    {IDEM_GUARD_SCRIPTED_POINTER, 0, IDEM_GUARD_STEP_UP, 0},
    {IDEM_GUARD_REMOTE_CONTROL, 0, IDEM_GUARD_NOTIFY, 0},
    {IDEM_GUARD_MACRO, 0, IDEM_GUARD_OBSERVE, 0},
    {IDEM_GUARD_REPLAY, 0, IDEM_GUARD_STEP_UP, 0},
};

static struct idem_policy_gate default_gate(void)
{
    return (struct idem_policy_gate){
        .classes = {{"ordinary", 0, IDEM_STANDING_UNSUSPECTED, 0},
                    {"sensitive", 0, IDEM_STANDING_MATCHING, 0}},
        .class_count = 2,
        .until_enrolled = IDEM_UNTIL_ENROLLED_STEP_UP,
        .silence_step_up = {0, 20, 10 * MINUTE},
        .silence_lock = {0, 60, 30 * MINUTE},
        .browser_trust_max = 0.95,
        .step_up_max_age_ms = 5 * MINUTE,
    };
}

struct idem_policy_rules idem_policy_default_rules(void)
{
    struct idem_policy_rules r = {
        .hours_per_week = 40,
        .step_up = threshold_of(4, 40, 0),
        .lock = threshold_of(0.8, 40, 0),
        .below_step_up = {IDEM_GUARD_STEP_UP, 0},
        .below_lock = {IDEM_GUARD_LOCK, 0},
        .insufficient = {IDEM_GUARD_OBSERVE, 0},
        .guard_count = COUNT(default_guard),
        .lock_fails_open = false,
        .fail_after_ms = 10 * MINUTE,
        .gate = default_gate(),
        .seat = idem_policy_default_seat(),
        .trusted_start = true,
        .enrol_sessions = 2,
    };
    memcpy(r.guard, default_guard, sizeof default_guard);
    return r;
}

/* ------------------------------------------------------------------ thresholds */

/* A wish that the recordings cannot show is refused, unless the file says that it knows. */
static void check_wish(struct idem_policy *p, const struct idem_yaml_node *node,
                       const struct idem_policy_threshold *t, double hours, bool quietest)
{
    const double least = hours / idem_false_alarms_hours();

    if (node == NULL || t->supported || idem_yaml_failed(p->yaml))
        return;
    if (!quietest)
        idem_yaml_blame(p->yaml, node,
                        "%g is less than the recordings can show: %.1f active hours, so %.2f a "
                        "seat-week or more; \"beyond_recordings: quietest\" takes the quietest "
                        "threshold there is (at most %.1f a seat-week, 95 %%)",
                        t->allowed, idem_false_alarms_hours(), least, t->at_most);
    else
        idem_policy_warn(p, t->line,
                         "%g a seat-week is wished, the recordings (%.1f active hours) show at "
                         "most %.1f (95 %%) at the quietest threshold, which is taken",
                         t->allowed, idem_false_alarms_hours(), t->at_most);
}

static void read_wish(struct idem_policy *p, const struct idem_yaml_node *section, const char *key,
                      bool quietest, double hours, struct idem_policy_threshold *t)
{
    const struct idem_yaml_node *node = idem_yaml_get(section, key);
    double allowed = t->allowed;
    uint32_t line = idem_yaml_number(p->yaml, node, 0, 1000, &allowed);

    *t = threshold_of(allowed, hours, line != 0 ? line : t->line);
    check_wish(p, node, t, hours, quietest);
}

static void read_thresholds(struct idem_policy *p, const struct idem_yaml_node *section,
                            struct idem_policy_rules *r)
{
    static const char *const keys[] = {"hours_per_week", "step_up", "lock", "beyond_recordings"};
    static const char *const beyond[] = {"refuse", "quietest"};
    int answer = 0;

    if (section == NULL)
        return;
    idem_yaml_keys(p->yaml, section, keys, COUNT(keys));
    idem_yaml_choice(p->yaml, idem_yaml_get(section, "beyond_recordings"), beyond, COUNT(beyond),
                     &answer);
    idem_yaml_number(p->yaml, idem_yaml_get(section, "hours_per_week"), 1, 168, &r->hours_per_week);
    read_wish(p, section, "step_up", answer == 1, r->hours_per_week, &r->step_up);
    read_wish(p, section, "lock", answer == 1, r->hours_per_week, &r->lock);
}

/* ------------------------------------------------------------------ actions */

static void read_action(struct idem_policy *p, const struct idem_yaml_node *node, bool device,
                        enum idem_guard_action *action, uint32_t *line)
{
    int which = (int)*action;
    uint32_t at = idem_yaml_choice(p->yaml, node, action_names, COUNT(action_names), &which);

    if (at == 0)
        return;
    if (which == IDEM_GUARD_CUT_OFF_DEVICE && !device)
        idem_yaml_blame(p->yaml, node, "only a guard's alarm is about a device; lock instead");
    *action = (enum idem_guard_action)which;
    *line = at;
}

static void read_do(struct idem_policy *p, const struct idem_yaml_node *section, const char *key,
                    struct idem_policy_do *out)
{
    read_action(p, idem_yaml_get(section, key), false, &out->action, &out->line);
}

static void read_actions(struct idem_policy *p, const struct idem_yaml_node *section,
                         struct idem_policy_rules *r)
{
    static const char *const keys[] = {"below_step_up", "below_lock", "insufficient"};

    idem_yaml_keys(p->yaml, section, keys, COUNT(keys));
    read_do(p, section, "below_step_up", &r->below_step_up);
    read_do(p, section, "below_lock", &r->below_lock);
    read_do(p, section, "insufficient", &r->insufficient);
}

/* ------------------------------------------------------------------ guard */

static const enum idem_guard_kind guard_kinds[] = {
    IDEM_GUARD_INJECTED_KEYS, IDEM_GUARD_SCRIPTED_POINTER, IDEM_GUARD_REMOTE_CONTROL,
    IDEM_GUARD_MACRO, IDEM_GUARD_REPLAY};

static void drop_kind(struct idem_policy_rules *r, enum idem_guard_kind kind)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < r->guard_count; i++)
        if (r->guard[i].kind != kind)
            r->guard[kept++] = r->guard[i];
    r->guard_count = kept;
}

/* An action alone, or {confidence: 0.9, action: lock}. */
static void read_row(struct idem_policy *p, const struct idem_yaml_node *node,
                     struct idem_guard_rule *row)
{
    static const char *const keys[] = {"confidence", "action"};
    const struct idem_yaml_node *action = node;

    if (idem_yaml_kind(node) != IDEM_YAML_SCALAR) {
        idem_yaml_keys(p->yaml, node, keys, COUNT(keys));
        idem_yaml_number(p->yaml, idem_yaml_get(node, "confidence"), 0, 1, &row->at_least);
        action = idem_yaml_get(node, "action");
        if (action == NULL)
            idem_yaml_blame(p->yaml, node, "there is no action here");
    }
    read_action(p, action, true, &row->action, &row->line);
}

/* Rows with the highest confidence first: the first that fits decides. */
static void read_kind(struct idem_policy *p, const struct idem_yaml_node *list,
                      enum idem_guard_kind kind, struct idem_policy_rules *r)
{
    const struct idem_yaml_node *node = NULL;
    double last = 2;

    if (idem_yaml_kind(list) == IDEM_YAML_MAP)
        idem_yaml_blame(p->yaml, list, "an action, or a list of {confidence, action}, is expected");
    if (idem_yaml_list(p->yaml, list, 4, &node) == 0)
        return;
    drop_kind(r, kind);
    for (; node != NULL; node = node == list ? NULL : idem_yaml_next(node)) {
        struct idem_guard_rule row = {kind, 0, IDEM_GUARD_OBSERVE, 0};
        read_row(p, node, &row);
        if (row.at_least >= last)
            idem_yaml_blame(p->yaml, node,
                            "the row before decides already; the highest confidence stands first");
        last = row.at_least;
        if (r->guard_count < IDEM_POLICY_GUARD_MAX)
            r->guard[r->guard_count++] = row;
    }
}

static void read_guard(struct idem_policy *p, const struct idem_yaml_node *section,
                       struct idem_policy_rules *r)
{
    const char *keys[COUNT(guard_kinds)];

    for (size_t i = 0; i < COUNT(guard_kinds); i++)
        keys[i] = idem_guard_kind_name(guard_kinds[i]);
    idem_yaml_keys(p->yaml, section, keys, COUNT(keys));
    for (size_t i = 0; i < COUNT(guard_kinds); i++) {
        const struct idem_yaml_node *list = idem_yaml_get(section, keys[i]);
        if (list != NULL)
            read_kind(p, list, guard_kinds[i], r);
    }
}

/* ------------------------------------------------------------------ failing */

static const char gate_stays_shut[] =
    "the gate never fails open: no answer is a refusal. Failing open exists for locking only "
    "(fail_mode: locking)";

static void read_fail_mode(struct idem_policy *p, const struct idem_yaml_node *section,
                           struct idem_policy_rules *r)
{
    static const char *const keys[] = {"locking", "after"};
    static const char *const modes[] = {"closed", "open"};
    int mode = r->lock_fails_open;

    if (idem_yaml_get(section, "gate") != NULL)
        idem_yaml_blame(p->yaml, idem_yaml_get(section, "gate"), "%s", gate_stays_shut);
    idem_yaml_keys(p->yaml, section, keys, COUNT(keys));
    uint32_t line =
        idem_yaml_choice(p->yaml, idem_yaml_get(section, "locking"), modes, COUNT(modes), &mode);
    r->lock_fails_open = mode == 1;
    r->fail_line = line != 0 ? line : r->fail_line;
    idem_yaml_span(p->yaml, idem_yaml_get(section, "after"), MINUTE, DAY, &r->fail_after_ms);
}

/* ------------------------------------------------------------------ the gate */

static void read_standing(struct idem_policy *p, const struct idem_yaml_node *node,
                          enum idem_policy_standing *out)
{
    int which = 0;

    if (idem_yaml_choice(p->yaml, node, standing_names, COUNT(standing_names), &which) != 0)
        *out = (enum idem_policy_standing)which;
}

/* A standing alone, or {standing: matching, trust_at_least: 0.9}. */
static void read_class(struct idem_policy *p, const struct idem_yaml_node *node,
                       struct idem_policy_class *c)
{
    static const char *const keys[] = {"standing", "trust_at_least"};
    const struct idem_yaml_node *standing = node, *trust = NULL;

    if (idem_yaml_kind(node) != IDEM_YAML_SCALAR) {
        idem_yaml_keys(p->yaml, node, keys, COUNT(keys));
        standing = idem_yaml_get(node, "standing");
        trust = idem_yaml_get(node, "trust_at_least");
        if (standing == NULL)
            idem_yaml_blame(p->yaml, node, "there is no standing here");
    }
    *c = (struct idem_policy_class){.name = idem_yaml_key(node), .line = idem_yaml_line(node)};
    read_standing(p, standing, &c->standing);
    if (trust != NULL && c->standing != IDEM_STANDING_MATCHING)
        idem_yaml_blame(p->yaml, trust, "only \"matching\" compares trust");
    idem_yaml_number(p->yaml, trust, 0.5, 0.999999, &c->trust_at_least);
    if (strlen(c->name) == 0 || strlen(c->name) > IDEM_POLICY_NAME_MAX)
        idem_yaml_blame(p->yaml, node, "a class has a name of 1 to %d bytes", IDEM_POLICY_NAME_MAX);
}

/* The classes of a file replace all that were there: a class that nobody named is the strictest. */
static void read_classes(struct idem_policy *p, const struct idem_yaml_node *map,
                         struct idem_policy_gate *g)
{
    if (map == NULL)
        return;
    if (idem_yaml_kind(map) != IDEM_YAML_MAP || idem_yaml_count(map) == 0) {
        idem_yaml_blame(p->yaml, map, "\"class: standing\" lines are expected here");
        return;
    }
    if (idem_yaml_count(map) > IDEM_POLICY_CLASSES_MAX) {
        idem_yaml_blame(p->yaml, map, "more than %d classes", IDEM_POLICY_CLASSES_MAX);
        return;
    }
    g->class_count = 0;
    for (const struct idem_yaml_node *n = idem_yaml_first(map); n != NULL; n = idem_yaml_next(n))
        read_class(p, n, &g->classes[g->class_count++]);
}

static void read_silence(struct idem_policy *p, const struct idem_yaml_node *node,
                         struct idem_policy_silence *s)
{
    static const char *const keys[] = {"requests", "after"};
    int64_t requests = s->requests;

    if (node == NULL)
        return;
    s->line = idem_yaml_keys(p->yaml, node, keys, COUNT(keys));
    idem_yaml_int(p->yaml, idem_yaml_get(node, "requests"), 1, 100000, &requests);
    idem_yaml_span(p->yaml, idem_yaml_get(node, "after"), 10 * 1000, DAY, &s->ms);
    s->requests = (uint32_t)requests;
}

static void read_silences(struct idem_policy *p, const struct idem_yaml_node *section,
                          struct idem_policy_gate *g)
{
    static const char *const keys[] = {"step_up", "lock"};

    if (section == NULL)
        return;
    idem_yaml_keys(p->yaml, section, keys, COUNT(keys));
    read_silence(p, idem_yaml_get(section, "step_up"), &g->silence_step_up);
    read_silence(p, idem_yaml_get(section, "lock"), &g->silence_lock);
    if (g->silence_lock.requests < g->silence_step_up.requests ||
        g->silence_lock.ms < g->silence_step_up.ms)
        idem_yaml_blame(p->yaml, section,
                        "silence locks before it asks: \"lock\" counts from the same window on as "
                        "\"step_up\" and has to be later");
}

static void refuse_open_gate(struct idem_policy *p, const struct idem_yaml_node *section)
{
    static const char *const open[] = {"fail", "fail_open", "fail_mode", "fail_closed", "on_error"};

    for (size_t i = 0; i < COUNT(open); i++)
        if (idem_yaml_get(section, open[i]) != NULL)
            idem_yaml_blame(p->yaml, idem_yaml_get(section, open[i]), "%s", gate_stays_shut);
}

static void read_gate(struct idem_policy *p, const struct idem_yaml_node *section,
                      struct idem_policy_gate *g)
{
    static const char *const keys[] = {"classes", "until_enrolled", "silence",
                                       "browser_trust_at_most", "step_up_max_age"};
    int answer = (int)g->until_enrolled;
    uint32_t line;

    refuse_open_gate(p, section);
    idem_yaml_keys(p->yaml, section, keys, COUNT(keys));
    read_classes(p, idem_yaml_get(section, "classes"), g);
    line = idem_yaml_choice(p->yaml, idem_yaml_get(section, "until_enrolled"), until_names,
                            COUNT(until_names), &answer);
    g->until_enrolled = (enum idem_policy_until_enrolled)answer;
    g->until_enrolled_line = line != 0 ? line : g->until_enrolled_line;
    read_silences(p, idem_yaml_get(section, "silence"), g);
    line = idem_yaml_number(p->yaml, idem_yaml_get(section, "browser_trust_at_most"), 0.5, 1,
                            &g->browser_trust_max);
    g->browser_line = line != 0 ? line : g->browser_line;
    line = idem_yaml_span(p->yaml, idem_yaml_get(section, "step_up_max_age"), 10 * 1000, DAY,
                          &g->step_up_max_age_ms);
    g->step_up_line = line != 0 ? line : g->step_up_line;
}

/* ------------------------------------------------------------------ enrolment */

static void read_enrolment(struct idem_policy *p, const struct idem_yaml_node *section,
                           struct idem_policy_rules *r)
{
    static const char *const keys[] = {"trusted_start", "sessions"};
    int64_t sessions = r->enrol_sessions;
    uint32_t line;

    idem_yaml_keys(p->yaml, section, keys, COUNT(keys));
    line = idem_yaml_bool(p->yaml, idem_yaml_get(section, "trusted_start"), &r->trusted_start);
    r->trusted_start_line = line != 0 ? line : r->trusted_start_line;
    line = idem_yaml_int(p->yaml, idem_yaml_get(section, "sessions"), 1, 50, &sessions);
    r->enrol_sessions = (uint32_t)sessions;
    r->enrol_sessions_line = line != 0 ? line : r->enrol_sessions_line;
}

/* What only the sections together can answer. */
static void check_rules(struct idem_policy *p, const struct idem_yaml_node *map,
                        const struct idem_policy_rules *r)
{
    if (r->gate.browser_trust_max <= r->step_up.trust)
        idem_yaml_blame(p->yaml, map,
                        "a step-up follows from trust below %.3f, and a browser's trust never gets "
                        "above %.3f (browser_trust_at_most): every web session would be asked for "
                        "good; allow fewer false alarms, or raise the limit",
                        r->step_up.trust, r->gate.browser_trust_max);
    if (idem_yaml_get(map, "thresholds") != NULL && r->lock.log_odds > r->step_up.log_odds)
        idem_policy_warn(p, r->lock.line,
                         "a lock may be wrong more often than a step-up: sessions lock before they "
                         "are asked");
}

void idem_policy_read_rules(struct idem_policy *p, const struct idem_yaml_node *map,
                            struct idem_policy_rules *rules)
{
    const struct idem_yaml_node *gate = idem_yaml_get(map, "gate");

    read_thresholds(p, idem_yaml_get(map, "thresholds"), rules);
    read_actions(p, idem_yaml_get(map, "actions"), rules);
    read_guard(p, idem_yaml_get(map, "guard"), rules);
    read_fail_mode(p, idem_yaml_get(map, "fail_mode"), rules);
    if (gate != NULL)
        read_gate(p, gate, &rules->gate);
    idem_policy_read_seat(p, idem_yaml_get(map, "seat"), &rules->seat);
    read_enrolment(p, idem_yaml_get(map, "enrolment"), rules);
    check_rules(p, map, rules);
}
