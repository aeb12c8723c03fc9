/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyboard.c - the keyboard's collector: events in, windows out.
 *
 * A window is ready when it holds its target number of keystrokes. Transitions still pending then
 * (keys held across the border) fall into the next window.
 */
#include "base/bytes.h"
#include "window/front.h"
#include "window/keystroke.h"
#include "window/window.h"

#include <stdlib.h>

struct idem_keyboard {
    const struct idem_front *front;
    struct idem_chain chain;
    uint32_t target, strokes;
    int64_t first_us, last_us; /* of the window under construction */
    float stats[];             /* flat, of the keyboard's shape */
};

static size_t stats_size(const struct idem_keyboard *kb)
{
    return idem_shape_len(idem_front_shape(kb->front, IDEM_KEYBOARD)) * sizeof kb->stats[0];
}

int idem_keyboard_new(const struct idem_front *front, uint32_t target, struct idem_keyboard **out)
{
    struct idem_shape shape = idem_front_shape(front, IDEM_KEYBOARD);
    if (shape.cells == 0 || target < 5 || target > IDEM_WINDOW_STROKES_MAX)
        return IDEM_ERR_INVALID;
    struct idem_keyboard *kb = calloc(1, sizeof *kb + idem_shape_len(shape) * sizeof kb->stats[0]);
    if (kb == NULL)
        return IDEM_ERR_NOMEM;
    kb->front = front;
    kb->target = target;
    *out = kb;
    return IDEM_OK;
}

static void clear_window(struct idem_keyboard *kb)
{
    idem_wipe(kb->stats, stats_size(kb));
    kb->strokes = 0;
    kb->first_us = kb->last_us = 0;
}

void idem_keyboard_free(struct idem_keyboard *kb)
{
    if (kb == NULL)
        return;
    idem_keyboard_reset(kb);
    free(kb);
}

void idem_keyboard_reset(struct idem_keyboard *kb)
{
    idem_chain_init(&kb->chain);
    clear_window(kb);
}

void idem_keyboard_gap(struct idem_keyboard *kb)
{
    idem_chain_init(&kb->chain);
}

uint32_t idem_keyboard_pending(const struct idem_keyboard *kb)
{
    return kb->strokes;
}

bool idem_keyboard_event(struct idem_keyboard *kb, uint32_t key, enum idem_key_action action,
                         int64_t t_us)
{
    struct idem_obs obs[IDEM_OBS_PER_EVENT];
    uint32_t strokes;

    t_us = idem_time_bound(t_us);
    uint32_t n = idem_chain_event(&kb->chain, &kb->front->zoning, key, action, t_us, obs, &strokes);

    if (n == 0)
        return kb->strokes >= kb->target;
    if (kb->strokes >= IDEM_WINDOW_STROKES_MAX) /* nobody takes the windows: keep the newest rest */
        clear_window(kb);
    for (uint32_t i = 0; i < n; i++)
        idem_front_file(kb->front, obs[i].slot, obs[i].value, kb->stats);
    if (kb->first_us == 0 || t_us < kb->last_us)
        kb->first_us = t_us;
    kb->last_us = t_us;
    kb->strokes += strokes;
    idem_wipe(obs, sizeof obs);
    return kb->strokes >= kb->target;
}

int idem_keyboard_take(struct idem_keyboard *kb, struct idem_window *out)
{
    if (out->modality != IDEM_KEYBOARD || out->front_id != kb->front->id)
        return IDEM_ERR_MISMATCH;
    if (kb->strokes < kb->target)
        return IDEM_ERR_TOO_LITTLE;
    int r = idem_window_fill(out, kb->stats, kb->strokes, kb->last_us - kb->first_us);
    if (r == 0)
        clear_window(kb);
    return r;
}
