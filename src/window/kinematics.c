/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinematics.c - features of a gesture, see kinematics.h.
 *
 * The path is first put on the common clock (kinematics.h); stillness before the first move and
 * after the last is no part of it, but its length is told. What comes after works on even steps.
 *
 * Points p[0..n] make n steps. What belongs to step i stands at index i: its duration dt, its
 * displacement, its speed v; from step 1 on also the change against step i - 1: acceleration and
 * turn; from step 2 on jerk. The first three loops are free of branches and calls, so that the
 * compiler turns them into vector code; the arithmetic is float, whose relative error of 1e-6 is
 * far below a gesture's own noise.
 *
 *   p0 --step 0-- p1 --step 1-- p2 --step 2-- p3
 *                 turn 1        turn 2
 */
#include "window/kinematics.h"

#include "base/bytes.h"

#include <math.h>

#define PI         3.14159265f
#define LENGTH_MIN 3.0f
#define SPAN_MIN   0.03f
#define TURN_MIN   1e-3f
#define HOMING_S   0.1f
#define LEAD_MAX   2.0f

enum { POINTS = IDEM_CLOCK_STEPS + 1, WINDOW_POINTS = 5, PROFILE = 5 };

struct steps {
    uint32_t n;
    float x[POINTS], y[POINTS]; /* relative to the first point */
    float step;                 /* s, of every step */
    float dx[POINTS], dy[POINTS];
    float ds[POINTS], v[POINTS], turn[POINTS], a[POINTS];
    float bow[POINTS];       /* signed distance of a point from the chord, over the path */
    float travelled[POINTS]; /* of the n + 1 points */
    float length, duration, mean_speed, sd_speed;
    uint32_t fastest;
    float dwell, still; /* s without a move at the end, at the beginning */
};

/*
 * atan2 without branches. The polynomial on 0..1 is Abramowitz and Stegun 4.4.49, error below 2e-8
 * before rounding. y = +-0 with x < 0 gives +-pi, as in the library's.
 */
static inline float direction(float y, float x)
{
    float ax = fabsf(x), ay = fabsf(y);
    float most = ax > ay ? ax : ay, least = ax > ay ? ay : ax;
    float a = least / (most > 1e-30f ? most : 1e-30f), s = a * a;
    float r = 0.0028662257f;
    r = r * s - 0.0161657367f;
    r = r * s + 0.0429096138f;
    r = r * s - 0.0752896400f;
    r = r * s + 0.1065626393f;
    r = r * s - 0.1420889944f;
    r = r * s + 0.1999355085f;
    r = r * s - 0.3333314528f;
    r = a + a * s * r;
    /* pi / 2 - r beyond the diagonal, then pi - that on the left; as products, not branches */
    r = (ay > ax ? PI / 2 : 0) + (ay > ax ? -1.0f : 1.0f) * r;
    r = (x < 0 ? PI : 0) + (x < 0 ? -1.0f : 1.0f) * r;
    return copysignf(r, y);
}

static bool same_place(const struct idem_path *p, uint32_t i, uint32_t k)
{
    return p->x[i] == p->x[k] && p->y[i] == p->y[k];
}

/* Points [*lo, *hi] without the stillness on either side. */
static void trim(const struct idem_path *p, uint32_t *lo, uint32_t *hi)
{
    *hi = p->count - 1;
    *lo = 0;
    while (*hi > 0 && same_place(p, *hi, *hi - 1))
        --*hi;
    while (*lo < *hi && same_place(p, *lo, *lo + 1))
        ++*lo;
}

/* Even steps nearest to the common clock's over points [lo, hi]. */
static void to_clock(const struct idem_path *p, uint32_t lo, uint32_t hi, struct steps *m)
{
    const float span = 1e-6f * (float)(p->t_us[hi] - p->t_us[lo]);
    uint32_t n = (uint32_t)(span / IDEM_CLOCK_S + 0.5f), j = lo;

    n = n < 3 ? 3 : n > IDEM_CLOCK_STEPS ? IDEM_CLOCK_STEPS : n;
    m->n = n;
    m->duration = span;
    m->step = span / (float)n;
    for (uint32_t i = 0; i < n; i++) {
        float t = (float)p->t_us[lo] + 1e6f * m->step * (float)i;
        while (j + 1 < hi && (float)p->t_us[j + 1] < t)
            j++;
        float part = (t - (float)p->t_us[j]) / (float)(p->t_us[j + 1] - p->t_us[j]);
        m->x[i] = p->x[j] + part * (p->x[j + 1] - p->x[j]) - p->x[lo];
        m->y[i] = p->y[j] + part * (p->y[j + 1] - p->y[j]) - p->y[lo];
    }
    m->x[n] = p->x[hi] - p->x[lo];
    m->y[n] = p->y[hi] - p->y[lo];
}

/*
 * Interpolation leaves the last bits to the machine. Speeds on a grid of 1/64 unit/s and turns of
 * less than a thousandth taken for none keep an even, straight way even and straight on all of
 * them. Between 2^17 and 2^18 floats lie 1/64 apart; where a speed goes beyond, they do anyway.
 */
static inline float to_speed_grid(float v)
{
    return (v + 196608.0f) - 196608.0f;
}

static void differentiate(struct steps *m)
{
    const uint32_t n = m->n;
    const float rate = 1 / m->step;

    for (uint32_t i = 0; i < n; i++) {
        m->dx[i] = m->x[i + 1] - m->x[i];
        m->dy[i] = m->y[i + 1] - m->y[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        m->ds[i] = sqrtf(m->dx[i] * m->dx[i] + m->dy[i] * m->dy[i]);
        m->v[i] = to_speed_grid(m->ds[i] * rate);
    }
    m->a[0] = 0;
    for (uint32_t i = 1; i < n; i++)
        m->a[i] = (m->v[i] - m->v[i - 1]) * rate;
}

static void find_turns(struct steps *m)
{
    float ux[POINTS];

    for (uint32_t i = 0; i < m->n; i++)
        ux[i] = m->ds[i] > 0 ? m->dx[i] : 1.0f;
    for (uint32_t i = 1; i < m->n; i++) {
        float cross = ux[i - 1] * m->dy[i] - m->dy[i - 1] * ux[i];
        float dot = ux[i - 1] * ux[i] + m->dy[i - 1] * m->dy[i];
        float turn = direction(cross, dot);
        m->turn[i] = fabsf(turn) < TURN_MIN ? 0 : turn;
    }
}

static void sum_path(struct steps *m)
{
    float length = 0, speed = 0, top = -1;

    m->travelled[0] = 0;
    m->fastest = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        length += m->ds[i];
        speed += m->v[i];
        m->travelled[i + 1] = length;
        m->fastest = m->v[i] > top ? i : m->fastest;
        top = m->v[i] > top ? m->v[i] : top;
    }
    m->length = length;
    m->mean_speed = speed / (float)m->n;
}

/* Median of v[n]: Hoare's selection on a copy, then the greatest of the lower half. */
static float median(const float *v, uint32_t n)
{
    float a[POINTS];
    int32_t lo = 0, hi = (int32_t)n - 1;
    const int32_t middle = (int32_t)n / 2;

    a[0] = v[0];
    for (uint32_t i = 1; i < n; i++)
        a[i] = v[i];
    while (lo < hi) {
        float pivot = a[middle];
        int32_t i = lo, j = hi;
        while (i <= j) {
            while (a[i] < pivot)
                i++;
            while (pivot < a[j])
                j--;
            if (i <= j) {
                float swap = a[i];
                a[i++] = a[j];
                a[j--] = swap;
            }
        }
        if (j < middle)
            lo = i;
        if (middle < i)
            hi = j;
    }
    if (n % 2 != 0)
        return a[middle];
    float below = a[0];
    for (int32_t i = 1; i < middle; i++)
        below = a[i] > below ? a[i] : below;
    return 0.5f * (below + a[middle]);
}

/* Natural logarithm with an offset that keeps small values apart from nought. */
static inline float ln(float x, float offset)
{
    return logf(x + offset);
}

static void tell_speed(struct steps *m, float *f)
{
    float squares = 0;

    for (uint32_t i = 0; i < m->n; i++) {
        float d = m->v[i] - m->mean_speed;
        squares += d * d;
    }
    m->sd_speed = sqrtf(squares / (float)m->n);
    f[IDEM_FEATURE_SPEED_MEAN] = ln(m->mean_speed, 1);
    f[IDEM_FEATURE_SPEED_SD] = ln(m->sd_speed, 1);
    f[IDEM_FEATURE_SPEED_MAX] = ln(m->v[m->fastest], 1);
    f[IDEM_FEATURE_PEAK_TIME] = (float)m->fastest / (float)m->n;
    f[IDEM_FEATURE_SPEED_END] = (m->v[m->n - 1] + 1) / (m->mean_speed + 1);
    f[IDEM_FEATURE_SPEED_START] = (m->v[0] + 1) / (m->mean_speed + 1);
    f[IDEM_FEATURE_BRAKING] = ln(m->duration - m->step * (float)m->fastest, 0.01f);
    f[IDEM_FEATURE_SPEED_SKEW] = (m->mean_speed - median(m->v, m->n)) / (m->sd_speed + 1);
}

static void tell_acceleration(const struct steps *m, float *f)
{
    const float *a = m->a;
    float sum = 0, jerk = 0, least = a[1], most = a[1];

    for (uint32_t i = 1; i < m->n; i++) {
        sum += fabsf(a[i]);
        least = a[i] < least ? a[i] : least;
        most = a[i] > most ? a[i] : most;
    }
    for (uint32_t i = 2; i < m->n; i++) {
        jerk += fabsf(a[i] - a[i - 1]) / m->step;
    }
    f[IDEM_FEATURE_ACCELERATION] = ln(sum / (float)(m->n - 1), 1);
    f[IDEM_FEATURE_ACCELERATION_RANGE] = ln(most - least, 1);
    f[IDEM_FEATURE_JERK] = ln(jerk / (float)(m->n - 2), 1);
}

/* The movement as a first sub-movement and its corrections. */
static void tell_parts(const struct steps *m, float *f)
{
    const float *v = m->v, top = v[m->fastest];
    uint32_t peaks = 0, end = m->fastest;
    float second = 0;

    for (uint32_t i = 1; i + 1 < m->n; i++) {
        if (!(v[i] > v[i - 1] && v[i] >= v[i + 1] && v[i] > 0.1f * top))
            continue;
        peaks++;
        second = i != m->fastest && v[i] > second ? v[i] : second;
    }
    while (end + 1 < m->n && !(v[end + 1] > v[end] && v[end] < 0.5f * top))
        end++;
    f[IDEM_FEATURE_PEAKS] = ln((float)peaks, 1);
    f[IDEM_FEATURE_FIRST_SHARE] = m->travelled[end + 1] / m->length;
    f[IDEM_FEATURE_FIRST_TIME] = (float)(end + 1) / (float)m->n;
    f[IDEM_FEATURE_SECOND_PEAK] = second / (top + 1);
    for (uint32_t q = 0; q < PROFILE; q++)
        f[IDEM_FEATURE_SPEED_AT_1 + q] = v[(2 * q + 1) * m->n / 10] / (m->mean_speed + 1);
}

/* Distance of each point from the mean of five around it: what smoothing would take away. */
static void tell_tremor(const struct steps *m, float *f)
{
    float sum = 0;
    for (uint32_t i = 2; i + 2 <= m->n; i++) {
        float x = 0, y = 0;
        for (uint32_t k = i - 2; k <= i + 2; k++) {
            x += m->x[k];
            y += m->y[k];
        }
        x = x / WINDOW_POINTS - m->x[i];
        y = y / WINDOW_POINTS - m->y[i];
        sum += x * x + y * y;
    }
    f[IDEM_FEATURE_TREMOR] = ln(m->n > 3 ? sqrtf(sum / (float)(m->n - 3)) : 0, 0.1f);
}

static void tell_turns(const struct steps *m, float *f)
{
    float rate[POINTS], signed_sum = 0, sum = 0, rates = 0, bends = 0, squares = 0;
    const float turns = (float)(m->n - 1);

    for (uint32_t i = 1; i < m->n; i++) {
        float turn = fabsf(m->turn[i]);
        rate[i] = turn / m->step;
        signed_sum += m->turn[i];
        sum += turn;
        rates += rate[i];
        bends += turn / (m->ds[i] > 1 ? m->ds[i] : 1);
    }
    for (uint32_t i = 1; i < m->n; i++) {
        float d = rate[i] - rates / turns;
        squares += d * d;
    }
    f[IDEM_FEATURE_TURN_RATE] = ln(rates / turns, 0.01f);
    f[IDEM_FEATURE_TURN_RATE_SD] = ln(sqrtf(squares / turns), 0.01f);
    f[IDEM_FEATURE_TURN_END] = fabsf(signed_sum);
    f[IDEM_FEATURE_TURN_SUM] = sum;
    f[IDEM_FEATURE_TURN_MEAN] = sum / turns;
    f[IDEM_FEATURE_TURN_SIGNED] = signed_sum;
    f[IDEM_FEATURE_CURVATURE] = ln(bends / turns, 1e-4f);
}

/* The path against its chord, from the first point to the last. */
static void tell_shape(struct steps *m, float *f)
{
    const float X = m->x[m->n], Y = m->y[m->n], chord = sqrtf(X * X + Y * Y);
    const float scale = 1 / ((chord > 1 ? chord : 1) * m->length);
    const float ux = chord > 0 ? X : 1;
    const float first = m->ds[0] > 0 ? m->dx[0] : 1;
    float left = 0, right = 0;
    uint32_t at = 0;

    for (uint32_t i = 0; i <= m->n; i++)
        m->bow[i] = (X * m->y[i] - Y * m->x[i]) * scale;
    for (uint32_t i = 0; i <= m->n; i++) {
        at = fabsf(m->bow[i]) > fabsf(m->bow[at]) ? i : at;
        left = m->bow[i] > left ? m->bow[i] : left;
        right = m->bow[i] < right ? m->bow[i] : right;
    }
    f[IDEM_FEATURE_STRAIGHTNESS] = chord / m->length;
    f[IDEM_FEATURE_SIN] = chord > 0 ? Y / chord : 0;
    f[IDEM_FEATURE_COS] = chord > 0 ? X / chord : 1;
    f[IDEM_FEATURE_COS2] = 1 - 2 * f[IDEM_FEATURE_SIN] * f[IDEM_FEATURE_SIN];
    f[IDEM_FEATURE_BOW_LEFT] = left;
    f[IDEM_FEATURE_BOW_RIGHT] = right;
    f[IDEM_FEATURE_BOW_TIME] = (float)at / (float)m->n;
    f[IDEM_FEATURE_AIM] = direction(ux * m->dy[0] - Y * first, ux * first + Y * m->dy[0]);
    f[IDEM_FEATURE_BOW_COS] = m->bow[at] * f[IDEM_FEATURE_COS];
    f[IDEM_FEATURE_BOW_SIN] = m->bow[at] * f[IDEM_FEATURE_SIN];
    f[IDEM_FEATURE_BOW_COS2] = m->bow[at] * f[IDEM_FEATURE_COS2];
    f[IDEM_FEATURE_BOW_SIN2] = m->bow[at] * 2 * f[IDEM_FEATURE_SIN] * f[IDEM_FEATURE_COS];
}

/* Direction of the last fifth of the time against the chord's. */
static void tell_approach(const struct steps *m, float *f)
{
    const float X = m->x[m->n], Y = m->y[m->n];
    const uint32_t from = 4 * m->n / 5;
    const float ex = X - m->x[from], ey = Y - m->y[from];
    bool moved = (X != 0 || Y != 0) && (ex != 0 || ey != 0);

    f[IDEM_FEATURE_APPROACH] = moved ? direction(X * ey - Y * ex, X * ex + Y * ey) : 0;
}

static void tell_progress(const struct steps *m, float *f)
{
    uint32_t near_end = m->n - 1;

    for (uint32_t q = 0; q < 3; q++) {
        const float at = 0.25f * (float)((q + 1) * m->n);
        const uint32_t i = (uint32_t)at;
        f[IDEM_FEATURE_QUARTER_1 + q] = (m->travelled[i] + (at - (float)i) * m->ds[i]) / m->length;
    }
    while (near_end > 0 && m->step * (float)(m->n + 1 - near_end) <= HOMING_S)
        near_end--;
    f[IDEM_FEATURE_HOMING] = 1 - m->travelled[near_end] / m->length;
}

static void tell_frame(const struct idem_gesture_frame *frame, const struct steps *m, float *f)
{
    const float lead = 1e-6f * (float)frame->lead_us + m->still;

    f[IDEM_FEATURE_ENDS_PRESS] = frame->end == IDEM_GESTURE_PRESS;
    f[IDEM_FEATURE_ENDS_RELEASE] = frame->end == IDEM_GESTURE_RELEASE;
    f[IDEM_FEATURE_DRAG] = frame->drag;
    f[IDEM_FEATURE_LEAD] = ln(lead < LEAD_MAX ? lead : LEAD_MAX, 0.01f);
    f[IDEM_FEATURE_DWELL] = ln(m->dwell, 0.01f);
}

/* Between 2048 and 4096 floats lie 1/4096 apart; no feature reaches 1024. */
static inline float to_grid(float x)
{
    return (x + 3072.0f) - 3072.0f;
}

/* The path on the common clock; false: too short to be measured. */
static bool prepare(const struct idem_path *path, struct steps *m)
{
    uint32_t lo, hi;

    if (path->count < IDEM_PATH_MIN)
        return false;
    trim(path, &lo, &hi);
    if (hi + 1 < lo + IDEM_PATH_MIN || 1e-6f * (float)(path->t_us[hi] - path->t_us[lo]) < SPAN_MIN)
        return false;
    to_clock(path, lo, hi, m);
    m->still = 1e-6f * (float)(path->t_us[lo] - path->t_us[0]);
    m->dwell = 1e-6f * (float)(path->t_us[path->count - 1] - path->t_us[hi]);
    differentiate(m);
    sum_path(m);
    return m->length >= LENGTH_MIN;
}

bool idem_kinematics(const struct idem_path *path, const struct idem_gesture_frame *frame,
                     float *feature)
{
    struct steps m;

    if (!prepare(path, &m)) {
        idem_wipe(&m, sizeof m);
        return false;
    }
    find_turns(&m);
    feature[IDEM_FEATURE_LENGTH] = ln(m.length, 0);
    feature[IDEM_FEATURE_DURATION] = ln(m.duration, 0);
    tell_frame(frame, &m, feature);
    tell_speed(&m, feature);
    tell_acceleration(&m, feature);
    tell_parts(&m, feature);
    tell_tremor(&m, feature);
    tell_turns(&m, feature);
    tell_shape(&m, feature);
    tell_approach(&m, feature);
    tell_progress(&m, feature);
    for (uint32_t f = 0; f < IDEM_FEATURES; f++)
        feature[f] = to_grid(feature[f]);
    idem_wipe(&m, sizeof m);
    return true;
}

const char *idem_feature_words(uint32_t feature, bool more)
{
    static const char *const words[IDEM_FEATURES][2] = {
        [IDEM_FEATURE_LENGTH] = {"travels shorter ways", "travels longer ways"},
        [IDEM_FEATURE_DURATION] = {"makes shorter movements", "makes longer movements"},
        [IDEM_FEATURE_STRAIGHTNESS] = {"takes less direct ways", "takes straighter ways"},
        [IDEM_FEATURE_SPEED_MEAN] = {"moves slower", "moves faster"},
        [IDEM_FEATURE_SPEED_SD] = {"moves at a steadier speed", "changes speed more"},
        [IDEM_FEATURE_SPEED_MAX] = {"reaches lower top speeds", "reaches higher top speeds"},
        [IDEM_FEATURE_PEAK_TIME] = {"reaches top speed earlier", "reaches top speed later"},
        [IDEM_FEATURE_ACCELERATION] = {"accelerates more gently", "accelerates harder"},
        [IDEM_FEATURE_ACCELERATION_RANGE] = {"speeds up and brakes less",
                                             "speeds up and brakes harder"},
        [IDEM_FEATURE_JERK] = {"moves more smoothly", "moves more jerkily"},
        [IDEM_FEATURE_TURN_RATE] = {"turns more slowly", "turns more quickly"},
        [IDEM_FEATURE_TURN_RATE_SD] = {"turns more evenly", "turns more abruptly"},
        [IDEM_FEATURE_TURN_END] = {"keeps its direction more", "changes direction more"},
        [IDEM_FEATURE_TURN_SUM] = {"curves less", "curves more"},
        [IDEM_FEATURE_TURN_MEAN] = {"trembles less", "trembles more"},
        [IDEM_FEATURE_CURVATURE] = {"bends less tightly", "bends more tightly"},
        [IDEM_FEATURE_ENDS_PRESS] = {"clicks less after moving", "clicks more after moving"},
        [IDEM_FEATURE_SPEED_END] = {"slows down more at the end", "ends movements faster"},
        [IDEM_FEATURE_SPEED_START] = {"starts more gently", "starts faster"},
        [IDEM_FEATURE_QUARTER_1] = {"gets going later", "gets going sooner"},
        [IDEM_FEATURE_QUARTER_2] = {"covers its way later", "covers its way sooner"},
        [IDEM_FEATURE_QUARTER_3] = {"approaches the target later", "approaches the target sooner"},
        [IDEM_FEATURE_BOW_LEFT] = {"bows out less to one side", "bows out more to one side"},
        [IDEM_FEATURE_BOW_RIGHT] = {"bows out more to the other side",
                                    "bows out less to the other side"},
        [IDEM_FEATURE_BOW_TIME] = {"bows out earlier", "bows out later"},
        [IDEM_FEATURE_BRAKING] = {"brakes in a shorter time", "brakes for a longer time"},
        [IDEM_FEATURE_SPEED_SKEW] = {"spreads its speed more evenly", "moves in shorter bursts"},
        [IDEM_FEATURE_HOMING] = {"lingers longer at the target", "settles later on the target"},
        [IDEM_FEATURE_DRAG] = {"drags less", "drags more"},
        [IDEM_FEATURE_DWELL] = {"rests less before a click", "rests longer before a click"},
        [IDEM_FEATURE_LEAD] = {"sets off sooner", "pauses longer before it moves"},
        [IDEM_FEATURE_PEAKS] = {"corrects its aim less often", "corrects its aim more often"},
        [IDEM_FEATURE_FIRST_SHARE] = {"covers less of the way in the first push",
                                      "covers more of the way in the first push"},
        [IDEM_FEATURE_TREMOR] = {"holds its line more steadily", "holds its line less steadily"},
    };
    return feature < IDEM_FEATURES ? words[feature][more] : NULL;
}
