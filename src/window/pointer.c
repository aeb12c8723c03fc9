/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pointer.c - the pointer's collector: events in, windows out.
 *
 * A window is ready when it holds its target number of gestures. Timings of buttons ride along:
 * they are no strokes, so somebody who only clicks fills no window, and what is beyond
 * IDEM_TIMINGS_PER_STROKE times the target, for each kind of timing, is not counted.
 */
#include "base/bytes.h"
#include "window/front.h"
#include "window/gesture.h"
#include "window/window.h"

#include <stdlib.h>

struct idem_pointer {
    const struct idem_front *front;
    struct idem_gesture gesture;
    uint32_t target, strokes;
    bool any;                  /* the window under construction holds something */
    int64_t first_us, last_us; /* of that window */
    float stats[];             /* flat, of the pointer's shape */
};

static size_t stats_size(const struct idem_pointer *ptr)
{
    return idem_shape_len(idem_front_shape(ptr->front, IDEM_POINTER)) * sizeof ptr->stats[0];
}

int idem_pointer_new(const struct idem_front *front, uint32_t target, struct idem_pointer **out)
{
    struct idem_shape shape = idem_front_shape(front, IDEM_POINTER);
    if (shape.cells == 0 || target < 5 || target > IDEM_WINDOW_STROKES_MAX)
        return IDEM_ERR_INVALID;
    if (front->mixture.features != IDEM_FEATURES)
        return IDEM_ERR_MISMATCH;
    struct idem_pointer *ptr =
        calloc(1, sizeof *ptr + idem_shape_len(shape) * sizeof ptr->stats[0]);
    if (ptr == NULL)
        return IDEM_ERR_NOMEM;
    ptr->front = front;
    ptr->target = target;
    *out = ptr;
    return IDEM_OK;
}

static void clear_window(struct idem_pointer *ptr)
{
    idem_wipe(ptr->stats, stats_size(ptr));
    ptr->strokes = 0;
    ptr->any = false;
    ptr->first_us = ptr->last_us = 0;
}

void idem_pointer_free(struct idem_pointer *ptr)
{
    if (ptr == NULL)
        return;
    idem_pointer_reset(ptr);
    free(ptr);
}

void idem_pointer_reset(struct idem_pointer *ptr)
{
    idem_gesture_init(&ptr->gesture);
    clear_window(ptr);
}

void idem_pointer_gap(struct idem_pointer *ptr)
{
    idem_gesture_init(&ptr->gesture);
}

uint32_t idem_pointer_pending(const struct idem_pointer *ptr)
{
    return ptr->strokes;
}

static bool scalar_full(const struct idem_pointer *ptr, enum idem_scalar scalar)
{
    uint32_t cell = ptr->front->mixture.components + (uint32_t)scalar;
    return ptr->stats[cell] >= (float)(IDEM_TIMINGS_PER_STROKE * ptr->target);
}

static void file(struct idem_pointer *ptr, unsigned found, const struct idem_observed *observed,
                 int64_t t_us)
{
    if (ptr->strokes >=
        IDEM_WINDOW_STROKES_MAX) /* nobody takes the windows: keep the newest rest */
        clear_window(ptr);
    if ((found & IDEM_OBSERVED_SCALAR) && scalar_full(ptr, observed->scalar))
        found &= ~(unsigned)IDEM_OBSERVED_SCALAR;
    idem_mixture_observe(&ptr->front->mixture, found, observed, ptr->stats);
    if (!ptr->any || t_us < ptr->last_us)
        ptr->first_us = t_us;
    ptr->any = true;
    ptr->last_us = t_us;
    ptr->strokes += (found & IDEM_OBSERVED_GESTURE) != 0;
}

bool idem_pointer_event(struct idem_pointer *ptr, enum idem_pointer_kind kind, double x, double y,
                        int64_t t_us)
{
    struct idem_observed observed;
    unsigned found = idem_gesture_event(&ptr->gesture, kind, x, y, t_us, &observed);

    if (found != 0) {
        file(ptr, found, &observed, t_us);
        idem_wipe(&observed, sizeof observed);
    }
    return ptr->strokes >= ptr->target;
}

int idem_pointer_take(struct idem_pointer *ptr, struct idem_window *out)
{
    if (out->modality != IDEM_POINTER || out->front_id != ptr->front->id)
        return IDEM_ERR_MISMATCH;
    if (ptr->strokes < ptr->target)
        return IDEM_ERR_TOO_LITTLE;
    int r = idem_window_fill(out, ptr->stats, ptr->strokes, ptr->last_us - ptr->first_us);
    if (r == 0)
        clear_window(ptr);
    return r;
}
