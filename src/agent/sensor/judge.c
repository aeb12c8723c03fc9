/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c - see engine.h: a guard each physical device, and what an alarm does. */
#include "agent/sensor/engine_parts.h"

#include "base/bytes.h"

static enum idem_agent_action action_of(const struct idem_settings_message *settings,
                                        const struct idem_guard_verdict *verdict)
{
    const struct idem_guard_row *rows = settings->rows[verdict->kind];

    for (int r = 0; r < IDEM_GUARD_ROWS; r++)
        if (verdict->confidence >= (double)rows[r].confidence)
            return (enum idem_agent_action)rows[r].action;
    return IDEM_ACTION_OBSERVE;
}

void idem_engine_verb(struct idem_engine *e, enum idem_verb verb, uint32_t number)
{
    e->calls.verb(e->calls.arg, verb, number);
}

static bool locks(const struct idem_engine *e, enum idem_agent_action action)
{
    return action >= IDEM_ACTION_LOCK ||
           (action == IDEM_ACTION_STEP_UP && e->settings.step_up_locks != 0);
}

static uint32_t notice_of(enum idem_agent_action action)
{
    static const uint32_t notices[IDEM_ACTIONS] = {[IDEM_ACTION_NOTIFY] = IDEM_NOTICE_ALARM,
                                                   [IDEM_ACTION_STEP_UP] = IDEM_NOTICE_STEP_UP,
                                                   [IDEM_ACTION_LOCK] = IDEM_NOTICE_LOCKED,
                                                   [IDEM_ACTION_CUT_OFF] = IDEM_NOTICE_CUT_OFF,
                                                   [IDEM_ACTION_END_SESSION] = IDEM_NOTICE_LOCKED};
    return notices[action];
}

static void cut_off(struct idem_engine *e, struct idem_engine_group *g)
{
    if (!g->cut)
        idem_engine_verb(e, IDEM_VERB_CUT_OFF, g->device);
    g->cut = e->cut = true;
}

/* The device first: a lock does not stop it. */
static void act_on(struct idem_engine *e, struct idem_engine_group *g,
                   enum idem_agent_action action, int64_t now_us)
{
    if (action == IDEM_ACTION_CUT_OFF)
        cut_off(e, g);
    if (locks(e, action))
        idem_engine_lock(e, now_us);
    if (notice_of(action) != 0)
        idem_engine_verb(e, IDEM_VERB_NOTIFY, notice_of(action));
}

static void tell(struct idem_engine *e, const struct idem_engine_group *g,
                 const struct idem_guard_verdict *v, enum idem_agent_action action)
{
    struct idem_alarm_message m = {
        .head = {IDEM_SC_ALARM, sizeof m},
        .device = g->device,
        .modality = g->modality,
        .kind = v->kind,
        .action = action,
        .confidence = (float)v->confidence,
        .saw_count = v->saw_count,
    };

    for (uint32_t i = 0; i < v->saw_count; i++) {
        m.saw[i].reason = v->saw[i].reason;
        m.saw[i].count = v->saw[i].count;
        m.saw[i].value = v->saw[i].value;
    }
    e->calls.alarm(e->calls.arg, &m);
}

static void on_news(struct idem_engine *e, struct idem_engine_place *place, uint32_t modality,
                    int64_t now_us)
{
    struct idem_engine_group *g = place->group;
    struct idem_guard_verdict v = idem_guard_read(g->guard);
    enum idem_agent_action action = action_of(&e->settings, &v);

    if (v.kind != IDEM_GUARD_MACRO && !idem_guard_is_alarm(v.kind))
        return;
    if ((g->told >> v.kind & 1) && action <= g->acted)
        return;
    g->alarmed |= idem_guard_is_alarm(v.kind);
    g->device = place->device.id;
    g->modality = modality;
    g->told |= 1U << v.kind;
    if (action > g->acted) {
        g->acted = action;
        act_on(e, g, action, now_us);
    }
    tell(e, g, &v, action);
}

void idem_engine_judge(struct idem_engine *e, struct idem_engine_place *place,
                       const struct idem_input_event *ev, int64_t now_us)
{
    struct idem_engine_group *g = place->group;
    bool key = ev->kind == IDEM_INPUT_KEY, news;

    if (key) {
        news = idem_guard_key(g->guard, ev->key, ev->action, ev->flags, ev->t_us);
    } else {
        if (!idem_engine_walk(&g->x, &g->y, ev))
            idem_guard_gap(g->guard);
        news = idem_guard_pointer(g->guard, ev->pointer, g->x, g->y, ev->flags, ev->t_us);
    }
    if (news)
        on_news(e, place, key ? IDEM_KEYBOARD : IDEM_POINTER, now_us);
}

void idem_engine_forgive(struct idem_engine_group *g)
{
    if (g->nodes == 0)
        return;
    idem_guard_reset(g->guard);
    g->alarmed = g->cut = false;
    g->told = 0;
    g->acted = IDEM_ACTION_OBSERVE;
    g->device = g->modality = 0;
}

/* ------------------------------------------------------------------ what the courier asks for */

static bool may_act(struct idem_engine *e, int64_t now_us)
{
    while (e->acts > 0 && now_us - e->acts_us >= IDEM_ENGINE_ACT_US) {
        e->acts--;
        e->acts_us += IDEM_ENGINE_ACT_US;
    }
    if (e->acts == IDEM_ENGINE_ACTS)
        return false;
    if (e->acts++ == 0)
        e->acts_us = now_us;
    return true;
}

void idem_engine_done(struct idem_engine *e, const struct idem_done_message *m)
{
    for (int i = 0; i < IDEM_DEVICES_MAX; i++)
        if (m->verb == IDEM_VERB_CUT_OFF && m->error != 0 && e->groups[i].device == m->number)
            e->groups[i].cut = false;
}

/* Nobody is told that a device was cut off when none was: what alarmed may be no device of this
 * sensor's, but an X session's. */
static uint32_t notice_for(struct idem_engine *e, const struct idem_act_message *m)
{
    bool cut = e->cut;

    if (m->action == IDEM_ACTION_CUT_OFF)
        e->cut = false;
    return m->notice == IDEM_NOTICE_CUT_OFF && !cut ? IDEM_NOTICE_ALARM : m->notice;
}

bool idem_engine_act(struct idem_engine *e, const struct idem_act_message *m, int64_t now_us)
{
    if (!may_act(e, now_us))
        return false;
    for (int i = 0; i < IDEM_DEVICES_MAX && m->action == IDEM_ACTION_CUT_OFF; i++) {
        struct idem_engine_group *g = &e->groups[i];
        if (g->nodes > 0 && g->alarmed && g->modality == m->modality)
            cut_off(e, g);
    }
    if (locks(e, (enum idem_agent_action)m->action))
        idem_engine_lock(e, now_us);
    uint32_t notice = notice_for(e, m);
    if (notice != 0)
        idem_engine_verb(e, IDEM_VERB_NOTIFY, notice);
    return true;
}
