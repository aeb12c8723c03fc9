/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gesture.c - what belongs together in a stream of pointer events.
 *
 *   point and click   . . . . . P R          the press ends the gesture and is its last point;
 *                     [---------]            P to R is a click's hold
 *   drag              . . P - - - - R        moves with a button down; the release ends it
 *                         [---------]
 *   move              . . . . .     (300 ms)      known only when the next event comes
 *                     [-------]
 *   scroll            . . . . S              a wheel event ends the gesture and is not part of it
 *                     [-----]
 *   double click      P R P R                R to P with no move in between is the gap
 *                       [-]
 *
 * What real sources do, and what comes of it:
 *   moves for more than 1.28 s         the gesture ends before, the next one begins
 *   less than 6 ms after the last      one point: the later position at the earlier time, so also
 *   point, equal time stamps           with every event of a burst
 *   a clock that runs backwards        as a pause; buttons and the double click are forgotten
 *   a position of 65535 or not finite  no point; a press or release there still counts
 *   a press of a button that is down   its release was lost: the older press is forgotten
 *   a release without its press        ends the gesture, yields no hold
 *   nothing but lost positions         likewise
 *   fewer than 3 points, under 30 ms,
 *   under 3 units                      nothing is measured, the points are wiped
 *
 * So one event yields at most one gesture: after a pause the buffer is empty, and the event itself
 * can add no more than one point to it.
 */
#include "window/gesture.h"

#include "base/bytes.h"

#include <math.h>

/* Coordinates from here on are recorders' artefacts (65535). */
static const double coordinate_max = 60000;

void idem_gesture_init(struct idem_gesture *g)
{
    idem_wipe(g, sizeof *g);
}

static void clear_path(struct idem_gesture *g)
{
    const size_t n = g->path.count;
    idem_wipe(g->path.t_us, n * sizeof g->path.t_us[0]);
    idem_wipe(g->path.x, n * sizeof g->path.x[0]);
    idem_wipe(g->path.y, n * sizeof g->path.y[0]);
    g->path.count = g->events = g->drags = 0;
    g->x0 = g->y0 = 0;
    g->lead_us = 0;
}

static unsigned end_gesture(struct idem_gesture *g, enum idem_gesture_end end,
                            struct idem_observed *out)
{
    const struct idem_gesture_frame frame = {end, g->lead_us, 2 * g->drags > g->events};
    bool measured = idem_kinematics(&g->path, &frame, out->feature);
    clear_path(g);
    return measured ? IDEM_OBSERVED_GESTURE : 0;
}

/* before_us: time of the event before. */
static void add_point(struct idem_gesture *g, double x, double y, int64_t t_us, int64_t before_us)
{
    struct idem_path *p = &g->path;
    if (!(fabs(x) < coordinate_max && fabs(y) < coordinate_max))
        return;
    if (p->count == 0) {
        g->x0 = x;
        g->y0 = y;
        g->start_us = t_us;
        g->lead_us = t_us - before_us;
    }
    uint32_t at = p->count;
    if (at > 0 && t_us - g->start_us - p->t_us[at - 1] < IDEM_MERGE_US)
        at--;
    else
        p->t_us[p->count++] = (int32_t)(t_us - g->start_us);
    p->x[at] = (float)(x - g->x0);
    p->y[at] = (float)(y - g->y0);
}

static unsigned tell(struct idem_observed *out, enum idem_scalar scalar, int64_t us)
{
    out->scalar = scalar;
    out->value = logf(1e-6f * (float)(us > 4000 ? us : 4000));
    return IDEM_OBSERVED_SCALAR;
}

static unsigned press(struct idem_gesture *g, bool other, double x, double y, int64_t t_us,
                      struct idem_observed *out)
{
    g->button[other] = (struct idem_button){true, t_us, x, y};
    if (!g->just_released || t_us - g->release_us >= IDEM_DOUBLE_CLICK_US)
        return 0;
    return tell(out, IDEM_SCALAR_DOUBLE_CLICK, t_us - g->release_us);
}

static unsigned release(struct idem_gesture *g, bool other, double x, double y, int64_t t_us,
                        struct idem_observed *out)
{
    const struct idem_button b = g->button[other];
    g->button[other] = (struct idem_button){0};
    g->just_released = true;
    g->release_us = t_us;
    if (!b.down || t_us - b.press_us >= IDEM_CLICK_HOLD_US ||
        !(hypot(x - b.x, y - b.y) < IDEM_CLICK_DISTANCE))
        return 0;
    return tell(out, other ? IDEM_SCALAR_OTHER_CLICK : IDEM_SCALAR_CLICK, t_us - b.press_us);
}

static void move(struct idem_gesture *g)
{
    if (g->button[0].down || g->button[1].down)
        g->drags++;
    else
        g->just_released = false;
}

/* The gesture that had ended before time t_us, by a pause or its length, if there was one. */
static unsigned end_before(struct idem_gesture *g, int64_t t_us, struct idem_observed *out)
{
    unsigned found = 0;
    bool backwards = g->started && t_us < g->last_us;

    if (backwards || (g->started && t_us - g->last_us > IDEM_GESTURE_GAP_US))
        found = end_gesture(g, IDEM_GESTURE_PAUSE, out);
    else if (g->path.count > 0 && t_us - g->start_us > IDEM_GESTURE_LONGEST_US)
        found = end_gesture(g, IDEM_GESTURE_FULL, out);
    if (backwards)
        idem_gesture_init(g);
    g->started = true;
    g->last_us = t_us;
    return found != 0 ? found | IDEM_OBSERVED_BEFORE : 0;
}

unsigned idem_gesture_event(struct idem_gesture *g, enum idem_pointer_kind kind, double x, double y,
                            int64_t t_us, struct idem_observed *out)
{
    const int64_t before_us = g->started && t_us >= g->last_us ? g->last_us : t_us - IDEM_LEAD_US;
    unsigned found = end_before(g, t_us, out);

    if (kind == IDEM_POINTER_SCROLL) {
        unsigned ended = end_gesture(g, IDEM_GESTURE_SCROLL, out);
        return found | (ended != 0 ? ended | IDEM_OBSERVED_BEFORE : 0);
    }
    add_point(g, x, y, t_us, before_us);
    g->events++;
    switch (kind) {
    case IDEM_POINTER_PRESS:
    case IDEM_POINTER_PRESS_OTHER:
        found |= press(g, kind == IDEM_POINTER_PRESS_OTHER, x, y, t_us, out);
        return found | end_gesture(g, IDEM_GESTURE_PRESS, out);
    case IDEM_POINTER_RELEASE:
    case IDEM_POINTER_RELEASE_OTHER:
        found |= release(g, kind == IDEM_POINTER_RELEASE_OTHER, x, y, t_us, out);
        return found | end_gesture(g, IDEM_GESTURE_RELEASE, out);
    default:
        move(g);
        return found;
    }
}

unsigned idem_gesture_finish(struct idem_gesture *g, struct idem_observed *out)
{
    unsigned found = end_gesture(g, IDEM_GESTURE_PAUSE, out);
    idem_gesture_init(g);
    return found;
}
