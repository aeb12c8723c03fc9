/* SPDX-License-Identifier: Apache-2.0 */
/*
 * motion.c - the pointer's judge: one movement after the other, evidence for a program or a hand.
 *
 *   movement   . . . . .  300 ms | press | release | scroll | 1.28 s     ends, is measured
 *              [-------]         and the forest says how many nats it is worth
 *   jump       .         100 ms    . P                one report across the screen, then a click:
 *                                 [--]                no movement to measure, and none was made
 *   rush       . . . . P                              a click at full speed: no hand stops so
 *   repeat     the steps of an earlier movement, all of them, in order
 *   warp       the pointer was moved without the device: alarms at once, no hand can
 *
 * Whatever comes of one movement is bounded, so that no single one alarms, and odds never fall
 * below the prior, so that an hour of honest work buys nothing for what comes after. A brief click
 * counts only beside a suspicious movement: a touchpad's tap is as brief as a program's click.
 *
 * What is no evidence: the clock of the events (browsers, mice and remote desktops all have one), a
 * line along an axis (scroll bars, edges of the screen), fewer than four positions, a press where
 * the pointer was not (touch), a source's name before anything was moved.
 */
#include "guard/motion.h"

#include "window/keystroke.h"

#include <math.h>
#include <string.h>

#define GAP_US INT64_C(300000)
/* No session has so long a pause: half a lifetime. */
#define LONGEST_US (INT64_C(1) << 50)

/* Evidence of one movement, nats, for a program and for a hand. */
static const double most_for_program = 5.0, most_for_hand = 3.0;
static const double most_of_drag = 1.0, most_of_little = 0.5;
/* What is left of earlier evidence when a movement adds its own: little and often never alarms. */
static const double fading = 0.97;
/* A click after a jump; at full speed; a movement seen before; a warp; a brief click beside one. */
static const double tap_nats = 0.4; /* after a jump where a hand was before: touch, as a rule */
static const double jump_nats = 4.0, rush_nats = 3.0, repeat_nats = 7.0;
static const double warp_nats = 14, click_nats = 0.7;
/* A jump's and a rush's least length, a rush's least speed per s; rest before, click after. */
static const double leap_units = 60, rush_units = 2000;
#define JUMP_IDLE_US  INT64_C(100000)
#define JUMP_CLICK_US INT64_C(150000)
#define RUSH_CLICK_US INT64_C(40000)
#define RUSH_STEP_US  INT64_C(60000)
/* Of a pointer that reports more seldom a jump is the rule: remote desktops. */
#define SLOW_US INT64_C(80000)
/* No finger lets go sooner. */
#define BRIEF_CLICK_US INT64_C(20000)
/* Movements of fewer steps or units come again by chance. */
enum { REPEAT_STEPS = 12, HUMAN_MOVES = 6, SOURCE_MOVES = 4 };
static const double repeat_units = 60;
/* ln odds at which a hand is told, and of a source that is said to be none. */
static const double human_likeness = 4.6, source_odds = 3.0;
/* Positions from here on are recorders' artefacts. */
static const double position_max = 60000;

void idem_motion_judge_init(struct idem_motion_judge *j, const struct idem_guard_device *device)
{
    memset(j, 0, sizeof *j);
    j->device = *device;
    j->forest = &idem_forest_shipped;
    j->grain.finest = 1;
    j->grain.per_pixel = 1000;
    j->odds = IDEM_GUARD_PRIOR;
    j->finding.log_odds = IDEM_GUARD_PRIOR;
}

/* ------------------------------------------------------------------ the finding */

/* Reasons of an alarm, the weightiest first. */
static void tell_reasons(struct idem_motion_judge *j)
{
    const struct idem_sightings *s = &j->saw;
    struct idem_finding *f = &j->finding;
    f->saw_count = 0;
    if (s->warps > 0)
        idem_finding_see(f, IDEM_SAW_WARP, s->warps, 0);
    if (s->repeats > 0)
        idem_finding_see(f, IDEM_SAW_REPEATED, s->repeats, 0);
    if (s->jumps > 0)
        idem_finding_see(f, IDEM_SAW_JUMP, s->jumps, s->leap / s->jumps);
    if (s->straight > 1)
        idem_finding_see(f, IDEM_SAW_STRAIGHT, s->straight, s->line);
    if (s->steady > 1)
        idem_finding_see(f, IDEM_SAW_CONSTANT_SPEED, s->steady, s->spread / s->steady);
    if (s->unlike > 0)
        idem_finding_see(f, IDEM_SAW_UNLIKE_HAND, s->unlike, s->nats);
    if (s->clicks > 1)
        idem_finding_see(f, IDEM_SAW_CLICKS_SHORT, s->clicks, s->hold_ms / s->clicks);
    if (j->device.source == IDEM_SOURCE_SYNTHETIC)
        idem_finding_see(f, IDEM_SAW_SYNTHETIC, 0, 0);
    if (j->device.source == IDEM_SOURCE_REMOTE)
        idem_finding_see(f, IDEM_SAW_REMOTE_SOURCE, 0, 0);
}

/* True when there is something to tell: another kind, or another reason. */
static bool tell(struct idem_motion_judge *j, enum idem_guard_kind kind, double odds, int64_t t_us)
{
    struct idem_finding *f = &j->finding;
    const struct idem_finding before = *f;
    f->log_odds = odds;
    if (kind != f->kind)
        f->at_us = t_us;
    f->kind = kind;
    if (idem_guard_is_alarm(kind))
        tell_reasons(j);
    else
        f->saw_count = 0;
    return before.kind != f->kind || f->saw_count > before.saw_count;
}

static enum idem_guard_kind kind_of_alarm(const struct idem_sightings *s)
{
    if (s->warps > 0 && s->unlike + s->jumps == 0)
        return IDEM_GUARD_REMOTE_CONTROL;
    return s->repeats > s->unlike + s->jumps ? IDEM_GUARD_REPLAY : IDEM_GUARD_SCRIPTED_POINTER;
}

static bool conclude(struct idem_motion_judge *j, int64_t t_us)
{
    const enum idem_guard_source source = j->device.source;
    const bool foreign = source == IDEM_SOURCE_SYNTHETIC || source == IDEM_SOURCE_REMOTE;
    const enum idem_guard_kind was = j->finding.kind;
    if (j->odds >= IDEM_GUARD_ALARM) {
        const bool stays = idem_guard_is_alarm(was) && was != IDEM_GUARD_REMOTE_CONTROL;
        return tell(j, stays ? was : kind_of_alarm(&j->saw), j->odds, t_us);
    }
    if (idem_guard_is_alarm(was))
        return false;
    if (foreign && j->judged >= SOURCE_MOVES)
        return tell(j, IDEM_GUARD_REMOTE_CONTROL, source_odds, t_us);
    j->hand |= j->likeness >= human_likeness && j->judged >= HUMAN_MOVES;
    if (j->likeness >= human_likeness && j->judged >= HUMAN_MOVES)
        return tell(j, IDEM_GUARD_HUMAN, fmin(20, j->likeness - IDEM_GUARD_PRIOR), t_us);
    return tell(j, IDEM_GUARD_INSUFFICIENT, j->odds, t_us);
}

/* Nats for a program (or, negative, for a hand) come in: of something new, or more of the last. */
static bool weigh(struct idem_motion_judge *j, double nats, bool fresh, int64_t t_us)
{
    const double above = (fresh ? fading : 1) * (j->odds - IDEM_GUARD_PRIOR) + nats;
    j->odds = IDEM_GUARD_PRIOR + fmax(0, above);
    if (above <= 0 && !idem_guard_is_alarm(j->finding.kind))
        memset(&j->saw, 0, sizeof j->saw);
    j->likeness = fmax(0, j->likeness - nats);
    j->total += nats;
    j->judged += fresh;
    j->suspect = nats > 0;
    return conclude(j, t_us);
}

/* ------------------------------------------------------------------ movements */

static bool seen_before(struct idem_motion_judge *j, const float *measure, double way)
{
    const struct idem_strand *s = &j->strand;
    struct idem_past_moves *past = &j->past;
    if (s->hash_count < REPEAT_STEPS || measure[IDEM_MEASURE_LINE] <= IDEM_MEASURE_NONE ||
        way * j->grain.per_pixel < repeat_units)
        return false;
    const uint32_t hash = (uint32_t)(s->hash >> 32 ^ s->hash) | 1;
    for (uint32_t i = 0; i < IDEM_MOTION_PASTS; i++)
        if (past->hash[i] == hash)
            return true;
    past->hash[past->next] = hash;
    past->next = (past->next + 1) % IDEM_MOTION_PASTS;
    return false;
}

/* What can be said in words of a movement that speaks for a program. */
static void describe(struct idem_motion_judge *j, const float *m, double nats)
{
    struct idem_sightings *s = &j->saw;
    s->unlike++;
    s->nats += nats;
    if (m[IDEM_MEASURE_LINE] > IDEM_MEASURE_NONE && m[IDEM_MEASURE_LINE] < -0.2F) {
        s->straight++;
        s->line = fmax(s->line, exp((double)m[IDEM_MEASURE_LINE]) - 0.2);
    }
    if (m[IDEM_MEASURE_STEPS] > IDEM_MEASURE_NONE && m[IDEM_MEASURE_STEPS] < -1.9F) {
        s->steady++;
        s->spread += exp((double)m[IDEM_MEASURE_STEPS]) - 0.03;
    }
}

/*
 * What the forest may say for a program at most: little of drags, of which it knows but circles,
 * and less of movements too short or slow to have a texture. Exactness counts as ever.
 */
static double said_of(const struct idem_motion_judge *j, const float *measure)
{
    const double exact = idem_exactness(measure);
    const double said = idem_forest_llr(j->forest, measure) - exact;
    const bool textured = measure[IDEM_MEASURE_ROUGH] > IDEM_MEASURE_NONE;
    const double most = !textured ? most_of_little : j->pressed ? most_of_drag : most_for_program;
    return exact + fmin(most, said);
}

/* The pieces of one unbroken movement together are worth no more than one movement. */
static double bounded(struct idem_motion_judge *j, const float *measure)
{
    const double before = j->run, after = before + said_of(j, measure);
    j->run = fmax(-most_for_hand, fmin(most_for_program, after));
    return j->run - before;
}

/* goes_on: only its length ended it. */
static bool end_movement(struct idem_motion_judge *j, bool goes_on, int64_t t_us)
{
    float *measure = j->measure;
    bool changed = false;
    double way;
    if (idem_strand_measure(&j->strand, &j->grain, measure, &way)) {
        measure[IDEM_MEASURE_DRAG] = j->pressed ? 1 : 0;
        double nats = bounded(j, measure);
        j->measured++;
        if (nats > 0)
            describe(j, measure, nats);
        if (!goes_on && j->pieces == 0 && seen_before(j, measure, way)) {
            j->saw.repeats++;
            nats = repeat_nats;
        }
        changed = weigh(j, nats, j->pieces++ == 0, t_us);
    }
    idem_strand_clear(&j->strand);
    if (!goes_on) {
        j->run = 0;
        j->pieces = 0;
    }
    return changed;
}

/* A pause, or the longest time of a movement, has ended the one under way before t_us. */
static bool end_before(struct idem_motion_judge *j, int64_t t_us)
{
    const bool pause = t_us - j->last_us > GAP_US;
    const bool full = j->strand.count > 0 && t_us - j->strand.start_us > IDEM_STRAND_LONGEST_US;
    return pause || full ? end_movement(j, !pause, j->last_us) : false;
}

static void note_grain(struct idem_grain *grain, double x, double y, double dx, double dy)
{
    if (!grain->fractions && (x != (double)(int32_t)x || y != (double)(int32_t)y)) {
        grain->fractions = true;
        grain->finest = 1;
    }
    if (fabs(x) > 4 || fabs(y) > 4)
        grain->per_pixel = 1;
    if (dx > 0 && dx < grain->finest)
        grain->finest = dx;
    if (dy > 0 && dy < grain->finest)
        grain->finest = dy;
}

static void move(struct idem_motion_judge *j, double x, double y, int64_t t_us, int64_t idle_us)
{
    const double dx = j->placed ? fabs(x - j->x) : 0, dy = j->placed ? fabs(y - j->y) : 0;
    note_grain(&j->grain, x, y, dx, dy);
    if (dx > 0 || dy > 0) {
        j->lone = idle_us > JUMP_IDLE_US;
        if (j->strand.count >= 3 && idle_us > 0)
            j->pace_us = j->pace_us ? j->pace_us + (idle_us - j->pace_us) / 8 : idle_us;
        j->before_us = t_us - idle_us;
        j->step_x = dx;
        j->step_y = dy;
        j->step_us = t_us;
    }
    idem_strand_add(&j->strand, x, y, t_us, j->grain.per_pixel);
    j->x = x;
    j->y = y;
    j->placed = true;
}

/* ------------------------------------------------------------------ clicks and warps */

/* A click that no movement led to, or that came at full speed. */
static bool judge_approach(struct idem_motion_judge *j, int64_t t_us)
{
    const double leap = sqrt(j->step_x * j->step_x + j->step_y * j->step_y) * j->grain.per_pixel;
    const int64_t since = t_us - j->step_us, took = j->step_us - j->before_us;
    if (leap < leap_units || j->pace_us > SLOW_US)
        return false;
    const bool jump = j->lone && since <= JUMP_CLICK_US;
    const bool rush = !j->lone && since <= RUSH_CLICK_US && took > 0 && took <= RUSH_STEP_US &&
                      leap * 1e6 / (double)took >= rush_units;
    j->step_x = j->step_y = 0;
    if (!jump && !rush)
        return false;
    j->saw.jumps++;
    j->saw.leap += leap;
    return weigh(j, j->hand ? tap_nats : jump ? jump_nats : rush_nats, true, t_us);
}

/* measured: the way to this click has been judged as a movement. */
static bool press(struct idem_motion_judge *j, bool measured, int64_t t_us)
{
    j->pressed = true;
    j->press_us = t_us;
    return measured ? false : judge_approach(j, t_us);
}

static bool release(struct idem_motion_judge *j, int64_t t_us)
{
    const int64_t held = t_us - j->press_us;
    const bool brief = j->pressed && held >= 0 && held < BRIEF_CLICK_US;
    j->pressed = false;
    if (!brief || !j->suspect || j->hand)
        return false;
    j->saw.clicks++;
    j->saw.hold_ms += (double)held / 1000;
    j->suspect = false;
    j->odds += click_nats;
    j->total += click_nats;
    return conclude(j, t_us);
}

static bool warp(struct idem_motion_judge *j, double x, double y, int64_t t_us)
{
    idem_strand_clear(&j->strand);
    j->x = x;
    j->y = y;
    j->placed = true;
    j->step_x = j->step_y = 0;
    j->saw.warps++;
    return weigh(j, warp_nats, true, t_us);
}

/* ------------------------------------------------------------------ events */

/* Time that cannot be: the clock ran backwards, or further than any session. */
static bool time_broken(const struct idem_motion_judge *j, int64_t t_us)
{
    return j->started && (t_us < j->last_us || t_us - j->last_us > LONGEST_US);
}

static void forget_way(struct idem_motion_judge *j)
{
    idem_strand_clear(&j->strand);
    j->placed = j->pressed = j->lone = j->suspect = false;
    j->x = j->y = j->step_x = j->step_y = j->run = 0;
    j->pieces = 0;
}

void idem_motion_judge_gap(struct idem_motion_judge *j)
{
    forget_way(j);
    j->started = false;
}

bool idem_motion_judge_event(struct idem_motion_judge *j, enum idem_pointer_kind kind, double x,
                             double y, unsigned flags, int64_t t_us)
{
    const bool there = fabs(x) < position_max && fabs(y) < position_max;
    const uint32_t judged = j->judged;
    t_us = idem_time_bound(t_us);
    if (time_broken(j, t_us))
        idem_motion_judge_gap(j);
    const int64_t idle_us = j->started ? t_us - j->last_us : 0;
    bool changed = j->started ? end_before(j, t_us) : false;
    j->started = true;
    j->last_us = t_us;
    if (kind == IDEM_POINTER_MOVE) {
        if (there && (flags & IDEM_GUARD_WARPED) != 0)
            changed |= warp(j, x, y, t_us);
        else if (there)
            move(j, x, y, t_us, idle_us);
        return changed;
    }
    changed |= end_movement(j, false, t_us);
    if (kind == IDEM_POINTER_PRESS || kind == IDEM_POINTER_PRESS_OTHER)
        changed |= press(j, j->judged != judged, t_us);
    else if (kind == IDEM_POINTER_RELEASE || kind == IDEM_POINTER_RELEASE_OTHER)
        changed |= release(j, t_us);
    if (there) {
        j->x = x;
        j->y = y;
        j->placed = true;
    }
    return changed;
}
