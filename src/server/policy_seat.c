/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_seat.c - the policy's section `seat`: what a seat does by itself, and what the person at
 * it may do. The seat is told with each session (seat_rules.c); what concerns the server is held to
 * here, too: whether unlocking the screen counts, and pauses.
 *
 *   lock_untouched   an unlocked seat that nobody touches locks itself; never
 *   step_up          what the seat does when strong authentication is asked for: it tells the
 *                    person, or locks the screen, which asks for it
 *   unlock_counts    unlocking the screen is strong authentication
 *   pause            whether the person may pause the collection, and for how long at once
 */
#include "server/policy_parts.h"

#include <string.h>

enum { MINUTE = 60 * 1000, DAY = 24 * 60 * MINUTE, PAUSE_MOST = 8 * 60 * MINUTE, WORD_MAX = 64 };
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char *const step_up_names[] = {"notify", "lock"};

const char *idem_policy_seat_step_up_name(const struct idem_policy_seat *seat)
{
    return step_up_names[seat->step_up_locks];
}

struct idem_policy_seat idem_policy_default_seat(void)
{
    return (struct idem_policy_seat){
        .lock_untouched_ms = 10 * MINUTE,
        .step_up_locks = false,
        .unlock_counts = true,
        .pause_allowed = true,
        .pause_most_ms = 30 * MINUTE,
    };
}

static void read_untouched(struct idem_policy *p, const struct idem_yaml_node *node,
                           struct idem_policy_seat *s)
{
    const char *word = "";

    if (node == NULL)
        return;
    s->lock_untouched_line = idem_yaml_line(node);
    if (idem_yaml_kind(node) == IDEM_YAML_SCALAR &&
        idem_yaml_text(p->yaml, node, WORD_MAX, &word) != 0 && strcmp(word, "never") == 0)
        s->lock_untouched_ms = 0;
    else
        idem_yaml_span(p->yaml, node, MINUTE, DAY, &s->lock_untouched_ms);
}

static void read_pause(struct idem_policy *p, const struct idem_yaml_node *map,
                       struct idem_policy_seat *s)
{
    static const char *const keys[] = {"allowed", "at_most"};

    if (map == NULL)
        return;
    s->pause_line = idem_yaml_keys(p->yaml, map, keys, COUNT(keys));
    idem_yaml_bool(p->yaml, idem_yaml_get(map, "allowed"), &s->pause_allowed);
    idem_yaml_span(p->yaml, idem_yaml_get(map, "at_most"), MINUTE, PAUSE_MOST, &s->pause_most_ms);
}

void idem_policy_read_seat(struct idem_policy *p, const struct idem_yaml_node *section,
                           struct idem_policy_seat *s)
{
    static const char *const keys[] = {"lock_untouched", "step_up", "unlock_counts", "pause"};
    int step_up = s->step_up_locks;
    uint32_t line;

    if (section == NULL)
        return;
    idem_yaml_keys(p->yaml, section, keys, COUNT(keys));
    read_untouched(p, idem_yaml_get(section, "lock_untouched"), s);
    line = idem_yaml_choice(p->yaml, idem_yaml_get(section, "step_up"), step_up_names,
                            COUNT(step_up_names), &step_up);
    s->step_up_locks = step_up == 1;
    s->step_up_line = line != 0 ? line : s->step_up_line;
    line = idem_yaml_bool(p->yaml, idem_yaml_get(section, "unlock_counts"), &s->unlock_counts);
    s->unlock_line = line != 0 ? line : s->unlock_line;
    read_pause(p, idem_yaml_get(section, "pause"), s);
    if (s->step_up_locks && !s->unlock_counts)
        idem_policy_warn(p, idem_yaml_line(section),
                         "a step-up locks the screen, and unlocking it does not count: the seat "
                         "locks again until an operator or an application has answered");
}

static void put_seconds(struct idem_text *t, int64_t ms)
{
    if (ms == 0)
        idem_text_put(t, "null");
    else
        idem_text_fmt(t, "%lld", (long long)(ms / 1000));
}

void idem_policy_seat_json(struct idem_text *t, const struct idem_policy_seat *s)
{
    idem_text_put(t, "\"seat\":{\"lock_untouched\":{\"seconds\":");
    put_seconds(t, s->lock_untouched_ms);
    idem_text_fmt(t,
                  ",\"line\":%u},\"step_up\":{\"does\":\"%s\",\"line\":%u},\"unlock_counts\":"
                  "{\"counts\":%s,\"line\":%u},\"pause\":{\"allowed\":%s,\"at_most_seconds\":%lld,"
                  "\"line\":%u}}",
                  s->lock_untouched_line, idem_policy_seat_step_up_name(s), s->step_up_line,
                  s->unlock_counts ? "true" : "false", s->unlock_line,
                  s->pause_allowed ? "true" : "false", (long long)(s->pause_most_ms / 1000),
                  s->pause_line);
}
