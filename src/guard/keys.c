/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.c - the keyboard's judge.
 */
#include "guard/keys.h"

#include <string.h>

enum { SHORT_US = 20000, RUN = 5 };

void idem_key_judge_init(struct idem_key_judge *j, const struct idem_guard_device *device)
{
    memset(j, 0, sizeof *j);
    j->device = *device;
    j->finding.log_odds = IDEM_GUARD_PRIOR;
}

static struct idem_held_key *find(struct idem_key_judge *j, uint32_t key)
{
    for (int i = 0; i < IDEM_KEYS_HELD; i++)
        if (j->held[i].down && j->held[i].code == key)
            return &j->held[i];
    return NULL;
}

static void press(struct idem_key_judge *j, uint32_t key, int64_t t_us)
{
    for (int i = 0; i < IDEM_KEYS_HELD; i++)
        if (!j->held[i].down) {
            j->held[i] = (struct idem_held_key){t_us, (uint16_t)key, true};
            return;
        }
}

bool idem_key_judge_event(struct idem_key_judge *j, uint32_t key, enum idem_key_action action,
                          unsigned flags, int64_t t_us)
{
    (void)flags;
    struct idem_held_key *held = find(j, key);
    if (action == IDEM_KEY_DOWN && held == NULL)
        press(j, key, t_us);
    if (action != IDEM_KEY_UP || held == NULL)
        return false;
    int64_t hold = t_us - held->down_us;
    memset(held, 0, sizeof *held);
    j->short_run = hold >= 0 && hold < SHORT_US ? j->short_run + 1 : 0;
    if (j->short_run < RUN)
        return false;
    bool fresh = j->finding.kind != IDEM_GUARD_INJECTED_KEYS;
    j->finding.kind = IDEM_GUARD_INJECTED_KEYS;
    j->finding.log_odds = IDEM_GUARD_ALARM;
    if (fresh)
        j->finding.at_us = t_us;
    idem_finding_see(&j->finding, IDEM_SAW_HOLDS_SHORT, j->short_run, (double)hold / 1000.0);
    return fresh;
}

void idem_key_judge_gap(struct idem_key_judge *j)
{
    memset(j->held, 0, sizeof j->held);
    j->short_run = 0;
}
