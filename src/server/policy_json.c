/* SPDX-License-Identifier: Apache-2.0 */
/* policy_json.c - a policy's rules as JSON, each with the line of the file that decided it. */
#include "server/policy_parts.h"

static void put_threshold(struct idem_text *t, const char *name,
                          const struct idem_policy_threshold *h)
{
    idem_text_fmt(t, "\"%s\":{\"line\":%u,\"false_alarms_per_seat_week\":{\"allowed\":", name,
                  h->line);
    idem_text_number(t, h->allowed);
    idem_text_put(t, ",\"seen\":");
    idem_text_number(t, h->seen);
    idem_text_put(t, ",\"at_most\":");
    idem_text_number(t, h->at_most);
    idem_text_fmt(t, ",\"supported\":%s},\"log_odds\":", h->supported ? "true" : "false");
    idem_text_number(t, h->log_odds);
    idem_text_put(t, ",\"trust\":");
    idem_text_number(t, h->trust);
    idem_text_put(t, "}");
}

static void put_do(struct idem_text *t, const char *name, const struct idem_policy_do *d)
{
    idem_text_fmt(t, "\"%s\":{\"action\":\"%s\",\"line\":%u}", name,
                  idem_guard_action_name(d->action), d->line);
}

static void put_guard(struct idem_text *t, const struct idem_policy_rules *r)
{
    idem_text_put(t, "\"guard\":[");
    for (uint32_t i = 0; i < r->guard_count; i++) {
        const struct idem_guard_rule *row = &r->guard[i];
        idem_text_fmt(t, "%s{\"kind\":\"%s\",\"confidence\":", i > 0 ? "," : "",
                      idem_guard_kind_name(row->kind));
        idem_text_number(t, row->at_least);
        idem_text_fmt(t, ",\"action\":\"%s\",\"line\":%u}", idem_guard_action_name(row->action),
                      row->line);
    }
    idem_text_put(t, "]");
}

static void put_classes(struct idem_text *t, const struct idem_policy_gate *g)
{
    idem_text_put(t, "\"classes\":[");
    for (uint32_t i = 0; i < g->class_count; i++) {
        idem_text_fmt(t, "%s{\"class\":", i > 0 ? "," : "");
        idem_text_string(t, g->classes[i].name);
        idem_text_fmt(t, ",\"standing\":\"%s\",\"line\":%u",
                      idem_policy_standing_name(g->classes[i].standing), g->classes[i].line);
        if (g->classes[i].trust_at_least > 0) {
            idem_text_put(t, ",\"trust_at_least\":");
            idem_text_number(t, g->classes[i].trust_at_least);
        }
        idem_text_put(t, "}");
    }
    idem_text_put(t, "]");
}

static void put_silence(struct idem_text *t, const char *name, const struct idem_policy_silence *s)
{
    idem_text_fmt(t, "\"%s\":{\"requests\":%u,\"seconds\":%lld,\"line\":%u}", name, s->requests,
                  (long long)(s->ms / 1000), s->line);
}

static void put_gate(struct idem_text *t, const struct idem_policy_gate *g)
{
    idem_text_put(t, "\"gate\":{");
    put_classes(t, g);
    idem_text_fmt(t, ",\"until_enrolled\":{\"answer\":\"%s\",\"line\":%u},\"silence\":{",
                  idem_policy_until_enrolled_name(g->until_enrolled), g->until_enrolled_line);
    put_silence(t, "step_up", &g->silence_step_up);
    idem_text_put(t, ",");
    put_silence(t, "lock", &g->silence_lock);
    idem_text_put(t, "},\"browser_trust_at_most\":{\"trust\":");
    idem_text_number(t, g->browser_trust_max);
    idem_text_fmt(t, ",\"line\":%u},\"step_up_max_age\":{\"seconds\":%lld,\"line\":%u}}",
                  g->browser_line, (long long)(g->step_up_max_age_ms / 1000), g->step_up_line);
}

static void put_group(struct idem_text *t, const struct idem_policy_rules *r)
{
    if (r->group == NULL) {
        idem_text_put(t, "{\"group\":null,");
        return;
    }
    idem_text_put(t, "{\"group\":{\"name\":");
    idem_text_string(t, r->group);
    idem_text_fmt(t, ",\"line\":%u},", r->group_line);
}

void idem_policy_rules_json(struct idem_text *t, const struct idem_policy_rules *r)
{
    put_group(t, r);
    idem_text_put(t, "\"hours_per_week\":");
    idem_text_number(t, r->hours_per_week);
    idem_text_put(t, ",\"thresholds\":{");
    put_threshold(t, "step_up", &r->step_up);
    idem_text_put(t, ",");
    put_threshold(t, "lock", &r->lock);
    idem_text_put(t, "},\"actions\":{");
    put_do(t, "below_step_up", &r->below_step_up);
    idem_text_put(t, ",");
    put_do(t, "below_lock", &r->below_lock);
    idem_text_put(t, ",");
    put_do(t, "insufficient", &r->insufficient);
    idem_text_put(t, "},");
    put_guard(t, r);
    idem_text_fmt(t, ",\"fail_mode\":{\"locking\":\"%s\",\"after_seconds\":%lld,\"line\":%u},",
                  r->lock_fails_open ? "open" : "closed", (long long)(r->fail_after_ms / 1000),
                  r->fail_line);
    put_gate(t, &r->gate);
    idem_text_put(t, ",");
    idem_policy_seat_json(t, &r->seat);
    idem_text_fmt(t,
                  ",\"enrolment\":{\"trusted_start\":%s,\"trusted_start_line\":%u,\"sessions\":%u,"
                  "\"sessions_line\":%u},\"exempt\":{\"behaviour\":%s,\"guard\":%s}}",
                  r->trusted_start ? "true" : "false", r->trusted_start_line, r->enrol_sessions,
                  r->enrol_sessions_line, r->exempt_behaviour ? "true" : "false",
                  r->exempt_guard ? "true" : "false");
}
