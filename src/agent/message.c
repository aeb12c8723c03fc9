/* SPDX-License-Identifier: Apache-2.0 */
/* message.c - see message.h: one row a type, one check a body. */
#include "agent/message.h"

#include <math.h>
#include <string.h>

static bool number_is_nought(const void *body)
{
    const struct idem_number_message *m = body;
    return m->number == 0;
}

static bool device_id(const void *body)
{
    const struct idem_number_message *m = body;
    return m->number > 0 && m->number <= UINT32_MAX;
}

static bool alarm_number(const void *body)
{
    const struct idem_number_message *m = body;
    return m->number > 0;
}

static bool front_size(const void *body)
{
    const struct idem_number_message *m = body;
    return m->number > 0 && m->number <= IDEM_FRONT_MAX;
}

static bool device(const void *body)
{
    const struct idem_device_message *m = body;
    return m->id != 0 && m->group != 0 && m->source <= IDEM_SOURCE_REMOTE &&
           m->flags <= IDEM_DEVICE_FLAGS && m->dpi <= 100000 && m->arrived_us >= 0;
}

/* A user's name ends, and nothing stands behind its end. */
static bool is_text(const char *text, size_t cap)
{
    size_t len = strnlen(text, cap);

    for (size_t i = len; i < cap; i++)
        if (text[i] != 0)
            return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return len < cap;
}

static bool presence_at_courier(const void *body)
{
    const struct idem_presence_message *m = body;
    return m->presence < IDEM_PRESENCES && m->reserved == 0 && is_text(m->user, sizeof m->user) &&
           (m->presence != IDEM_NOBODY || (m->uid == 0 && m->user[0] == 0));
}

static bool presence_at_sensor(const void *body)
{
    const struct idem_presence_message *m = body;
    return presence_at_courier(body) && m->uid == 0 && m->user[0] == 0;
}

static bool verb_and_number(uint32_t verb, uint32_t number)
{
    switch (verb) {
    case IDEM_VERB_CUT_OFF:
        return number != 0;
    case IDEM_VERB_LOCK:
        return number == 0;
    case IDEM_VERB_NOTIFY:
        return number > 0 && number < IDEM_NOTICES;
    default:
        return false;
    }
}

static bool verb(const void *body)
{
    const struct idem_verb_message *m = body;
    return verb_and_number(m->verb, m->number);
}

static bool done(const void *body)
{
    const struct idem_done_message *m = body;
    return verb_and_number(m->verb, m->number) && m->error <= 0 && m->error > -1000 &&
           m->reserved == 0;
}

/* What it holds is looked at by who knows the front (pack.h). */
static bool window(const void *body)
{
    const struct idem_window_message *m = body;
    return m->modality < IDEM_MODALITIES && m->strokes > 0 && m->cells > 0;
}

static bool saw(const struct idem_alarm_message *m)
{
    for (uint32_t i = 0; i < IDEM_GUARD_SAW_MAX; i++) {
        bool used = i < m->saw_count;
        uint32_t reason = m->saw[i].reason;
        if (m->saw[i].reserved != 0 || m->saw[i].count > 255 || !isfinite(m->saw[i].value) ||
            reason >= IDEM_GUARD_REASONS || used != (reason != IDEM_SAW_NOTHING))
            return false;
    }
    return true;
}

static bool is_share(float f)
{
    return f >= 0 && f <= 1; /* not of a NaN */
}

static bool alarm_body(const void *body)
{
    const struct idem_alarm_message *m = body;
    return m->number != 0 && m->device != 0 && m->modality < IDEM_MODALITIES &&
           m->kind < IDEM_GUARD_KINDS && m->action < IDEM_ACTIONS && is_share(m->confidence) &&
           m->saw_count <= IDEM_GUARD_SAW_MAX && saw(m);
}

static bool state(const void *body)
{
    const struct idem_state_message *m = body;
    return m->presence < IDEM_PRESENCES && m->collecting <= 1 && m->broker <= 1 &&
           m->keyboards <= IDEM_DEVICES_MAX && m->pointers <= IDEM_DEVICES_MAX;
}

static bool is_target(uint32_t strokes, uint32_t least)
{
    return strokes >= least && strokes <= 1000;
}

static bool is_untouched(uint32_t s)
{
    return s == 0 || (s >= 60 && s <= 7 * 24 * 3600);
}

static bool settings(const void *body)
{
    const struct idem_settings_message *m = body;

    for (int k = 0; k < IDEM_GUARD_KINDS; k++)
        for (int r = 0; r < IDEM_GUARD_ROWS; r++)
            if (!(m->rows[k][r].confidence >= 0 && m->rows[k][r].confidence <= 2) ||
                m->rows[k][r].action >= IDEM_ACTIONS)
                return false;
    return m->collect <= 1 && m->guard <= 1 && m->step_up_locks <= 1 &&
           is_target(m->window_keys, IDEM_WINDOW_KEYS) &&
           is_target(m->window_gestures, IDEM_WINDOW_GESTURES) && is_untouched(m->untouched_s);
}

static bool act(const void *body)
{
    const struct idem_act_message *m = body;
    return m->action >= IDEM_ACTION_NOTIFY && m->action < IDEM_ACTIONS && m->reserved == 0 &&
           m->modality < IDEM_MODALITIES && m->notice < IDEM_NOTICES;
}

static const struct row {
    const char *name;
    char from, to;
    uint32_t fds;
    size_t len;
    bool (*good)(const void *body);
} rows[IDEM_MESSAGE_TYPES] = {
    [IDEM_BS_DEVICE] = {"device", 'b', 's', 1, sizeof(struct idem_device_message), device},
    [IDEM_BS_GONE] = {"gone", 'b', 's', 0, sizeof(struct idem_number_message), device_id},
    [IDEM_BS_PRESENCE] = {"presence", 'b', 's', 0, sizeof(struct idem_presence_message),
                          presence_at_sensor},
    [IDEM_BS_LINE] = {"line", 'b', 's', 1, sizeof(struct idem_number_message), number_is_nought},
    [IDEM_BS_DONE] = {"done", 'b', 's', 0, sizeof(struct idem_done_message), done},
    [IDEM_SB_VERB] = {"verb", 's', 'b', 0, sizeof(struct idem_verb_message), verb},
    [IDEM_BC_PRESENCE] = {"presence", 'b', 'c', 0, sizeof(struct idem_presence_message),
                          presence_at_courier},
    [IDEM_BC_LINE] = {"line", 'b', 'c', 1, sizeof(struct idem_number_message), number_is_nought},
    [IDEM_SC_WINDOW] = {"window", 's', 'c', 0, sizeof(struct idem_window_message), window},
    [IDEM_SC_ALARM] = {"alarm", 's', 'c', 0, sizeof(struct idem_alarm_message), alarm_body},
    [IDEM_SC_STATE] = {"state", 's', 'c', 0, sizeof(struct idem_state_message), state},
    [IDEM_SC_DONE] = {"done", 's', 'c', 0, sizeof(struct idem_done_message), done},
    [IDEM_CS_FRONT] = {"front", 'c', 's', 1, sizeof(struct idem_number_message), front_size},
    [IDEM_CS_SETTINGS] = {"settings", 'c', 's', 0, sizeof(struct idem_settings_message), settings},
    [IDEM_CS_ACT] = {"act", 'c', 's', 0, sizeof(struct idem_act_message), act},
    [IDEM_CS_HEARD] = {"heard", 'c', 's', 0, sizeof(struct idem_number_message), alarm_number},
};

static bool right_length(uint32_t type, size_t len)
{
    return type == IDEM_SC_WINDOW ? len > rows[type].len && len <= IDEM_MESSAGE_MAX
                                  : len == rows[type].len;
}

bool idem_message_check(const void *bytes, size_t len, uint32_t fds, char from, char to)
{
    const struct idem_message_head *head = bytes;

    if (len < sizeof *head || head->len != len || head->type >= IDEM_MESSAGE_TYPES)
        return false;
    const struct row *row = &rows[head->type];
    return row->good != NULL && row->from == from && row->to == to && row->fds == fds &&
           right_length(head->type, len) && row->good(bytes);
}

const char *idem_message_name(uint32_t type)
{
    return type < IDEM_MESSAGE_TYPES && rows[type].name != NULL ? rows[type].name : "unknown";
}

const char *idem_presence_name(uint32_t presence)
{
    static const char *const names[IDEM_PRESENCES] = {
        [IDEM_NOBODY] = "nobody", [IDEM_PRESENT] = "present",     [IDEM_LOCKED] = "locked",
        [IDEM_AWAY] = "away",     [IDEM_SUSPENDED] = "suspended", [IDEM_REMOTE] = "remote"};
    return presence < IDEM_PRESENCES ? names[presence] : "unknown";
}

static const char *const actions[IDEM_ACTIONS] = {
    [IDEM_ACTION_OBSERVE] = "observe",        [IDEM_ACTION_NOTIFY] = "notify",
    [IDEM_ACTION_STEP_UP] = "step-up",        [IDEM_ACTION_LOCK] = "lock",
    [IDEM_ACTION_CUT_OFF] = "cut-off-device", [IDEM_ACTION_END_SESSION] = "end-session"};

const char *idem_action_name(uint32_t action)
{
    return action < IDEM_ACTIONS ? actions[action] : "unknown";
}

int idem_action_parse(const char *name, enum idem_agent_action *out)
{
    for (int a = 0; a < IDEM_ACTIONS; a++) {
        if (strcmp(name, actions[a]) == 0) {
            *out = (enum idem_agent_action)a;
            return 0;
        }
    }
    return IDEM_ERR_NOT_FOUND;
}

void idem_settings_default(struct idem_settings_message *out)
{
    static const struct {
        enum idem_guard_kind kind;
        struct idem_guard_row rows[2];
    } shipped[] = {
        {IDEM_GUARD_INJECTED_KEYS, {{0.99F, IDEM_ACTION_CUT_OFF}, {0, IDEM_ACTION_STEP_UP}}},
        {IDEM_GUARD_SCRIPTED_POINTER, {{0, IDEM_ACTION_STEP_UP}, {2, 0}}},
        {IDEM_GUARD_REPLAY, {{0, IDEM_ACTION_STEP_UP}, {2, 0}}},
        {IDEM_GUARD_REMOTE_CONTROL, {{0, IDEM_ACTION_NOTIFY}, {2, 0}}},
    };

    memset(out, 0, sizeof *out);
    out->head = (struct idem_message_head){IDEM_CS_SETTINGS, sizeof *out};
    out->guard = 1;
    out->window_keys = IDEM_WINDOW_KEYS;
    out->window_gestures = IDEM_WINDOW_GESTURES;
    for (int k = 0; k < IDEM_GUARD_KINDS; k++)
        for (int r = 0; r < IDEM_GUARD_ROWS; r++)
            out->rows[k][r].confidence = 2;
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++)
        memcpy(out->rows[shipped[i].kind], shipped[i].rows, sizeof shipped[i].rows);
}
