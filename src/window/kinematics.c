/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinematics.c - features of a gesture, see kinematics.h.
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
#define HOMING_S   0.1f

struct steps {
    uint32_t n;
    float t[IDEM_PATH_MAX]; /* s, of the n + 1 points */
    float dt[IDEM_PATH_MAX], dx[IDEM_PATH_MAX], dy[IDEM_PATH_MAX];
    float ds[IDEM_PATH_MAX], v[IDEM_PATH_MAX], turn[IDEM_PATH_MAX];
    float travelled[IDEM_PATH_MAX]; /* of the n + 1 points */
    float length, duration, mean_speed, sd_speed;
    uint32_t fastest;
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

static void differentiate(const struct idem_path *p, struct steps *m)
{
    const uint32_t n = m->n = p->count - 1;

    for (uint32_t i = 0; i <= n; i++)
        m->t[i] = 1e-6f * (float)p->t_us[i];
    for (uint32_t i = 0; i < n; i++) {
        m->dt[i] = 1e-6f * (float)(p->t_us[i + 1] - p->t_us[i]);
        m->dx[i] = p->x[i + 1] - p->x[i];
        m->dy[i] = p->y[i + 1] - p->y[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        m->ds[i] = sqrtf(m->dx[i] * m->dx[i] + m->dy[i] * m->dy[i]);
        m->v[i] = m->ds[i] / m->dt[i];
    }
}

static void find_turns(struct steps *m)
{
    float ux[IDEM_PATH_MAX];

    for (uint32_t i = 0; i < m->n; i++)
        ux[i] = m->ds[i] > 0 ? m->dx[i] : 1.0f;
    for (uint32_t i = 1; i < m->n; i++) {
        float cross = ux[i - 1] * m->dy[i] - m->dy[i - 1] * ux[i];
        float dot = ux[i - 1] * ux[i] + m->dy[i - 1] * m->dy[i];
        m->turn[i] = direction(cross, dot);
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
    m->duration = m->t[m->n];
    m->mean_speed = speed / (float)m->n;
}

/* Median of v[n]: Hoare's selection on a copy, then the greatest of the lower half. */
static float median(const float *v, uint32_t n)
{
    float a[IDEM_PATH_MAX];
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
    f[IDEM_FEATURE_PEAK_TIME] = m->t[m->fastest] / m->duration;
    f[IDEM_FEATURE_SPEED_END] = (m->v[m->n - 1] + 1) / (m->mean_speed + 1);
    f[IDEM_FEATURE_SPEED_START] = (m->v[0] + 1) / (m->mean_speed + 1);
    f[IDEM_FEATURE_BRAKING] = ln(m->duration - m->t[m->fastest], 0.01f);
    f[IDEM_FEATURE_SPEED_SKEW] = (m->mean_speed - median(m->v, m->n)) / (m->sd_speed + 1);
}

static void tell_acceleration(const struct steps *m, float *f)
{
    float a[IDEM_PATH_MAX], sum = 0, jerk = 0, least, most;

    least = most = a[1] = (m->v[1] - m->v[0]) / m->dt[1];
    for (uint32_t i = 2; i < m->n; i++)
        a[i] = (m->v[i] - m->v[i - 1]) / m->dt[i];
    sum = fabsf(a[1]);
    for (uint32_t i = 2; i < m->n; i++) {
        sum += fabsf(a[i]);
        jerk += fabsf((a[i] - a[i - 1]) / m->dt[i]);
        least = a[i] < least ? a[i] : least;
        most = a[i] > most ? a[i] : most;
    }
    f[IDEM_FEATURE_ACCELERATION] = ln(sum / (float)(m->n - 1), 1);
    f[IDEM_FEATURE_ACCELERATION_RANGE] = ln(most - least, 1);
    f[IDEM_FEATURE_JERK] = ln(jerk / (float)(m->n - 2), 1);
}

static void tell_turns(const struct steps *m, float *f)
{
    float rate[IDEM_PATH_MAX], signed_sum = 0, sum = 0, rates = 0, bends = 0, squares = 0;
    const float turns = (float)(m->n - 1);

    for (uint32_t i = 1; i < m->n; i++) {
        float turn = fabsf(m->turn[i]);
        rate[i] = turn / m->dt[i];
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
static void tell_shape(const struct idem_path *p, const struct steps *m, float *f)
{
    const float X = p->x[m->n], Y = p->y[m->n], chord = sqrtf(X * X + Y * Y);
    const float scale = 1 / ((chord > 1 ? chord : 1) * m->length);
    const float ux = chord > 0 ? X : 1;
    const float first = m->ds[0] > 0 ? m->dx[0] : 1;
    float bow[IDEM_PATH_MAX], left = 0, right = 0;
    uint32_t at = 0;

    for (uint32_t i = 0; i <= m->n; i++)
        bow[i] = (X * p->y[i] - Y * p->x[i]) * scale;
    for (uint32_t i = 0; i <= m->n; i++) {
        at = fabsf(bow[i]) > fabsf(bow[at]) ? i : at;
        left = bow[i] > left ? bow[i] : left;
        right = bow[i] < right ? bow[i] : right;
    }
    f[IDEM_FEATURE_STRAIGHTNESS] = chord / m->length;
    f[IDEM_FEATURE_SIN] = chord > 0 ? Y / chord : 0;
    f[IDEM_FEATURE_COS] = chord > 0 ? X / chord : 1;
    f[IDEM_FEATURE_COS2] = 1 - 2 * f[IDEM_FEATURE_SIN] * f[IDEM_FEATURE_SIN];
    f[IDEM_FEATURE_BOW_LEFT] = left;
    f[IDEM_FEATURE_BOW_RIGHT] = right;
    f[IDEM_FEATURE_BOW_TIME] = m->t[at] / m->duration;
    f[IDEM_FEATURE_AIM] = direction(ux * m->dy[0] - Y * first, ux * first + Y * m->dy[0]);
}

/* Share of the path travelled at time t, between the points around it. from: a step not after t. */
static float share_at(const struct steps *m, float t, uint32_t *from)
{
    uint32_t i = *from;
    while (i + 1 < m->n && m->t[i + 1] < t)
        i++;
    *from = i;
    float part = (t - m->t[i]) / m->dt[i];
    return (m->travelled[i] + part * m->ds[i]) / m->length;
}

static void tell_progress(const struct steps *m, float *f)
{
    uint32_t step = 0, near_end = m->n - 1;

    for (uint32_t q = 0; q < 3; q++)
        f[IDEM_FEATURE_QUARTER_1 + q] = share_at(m, 0.25f * (float)(q + 1) * m->duration, &step);
    while (near_end > 0 && m->t[near_end - 1] >= m->duration - HOMING_S)
        near_end--;
    f[IDEM_FEATURE_HOMING] = 1 - m->travelled[near_end] / m->length;
}

/* Between 2048 and 4096 floats lie 1/4096 apart; no feature reaches 1024. */
static inline float to_grid(float x)
{
    return (x + 3072.0f) - 3072.0f;
}

bool idem_kinematics(const struct idem_path *path, enum idem_gesture_end end, bool drag,
                     float *feature)
{
    struct steps m;

    if (path->count < IDEM_PATH_MIN)
        return false;
    differentiate(path, &m);
    sum_path(&m);
    if (!(m.length >= LENGTH_MIN)) {
        idem_wipe(&m, sizeof m);
        return false;
    }
    find_turns(&m);
    feature[IDEM_FEATURE_LENGTH] = ln(m.length, 0);
    feature[IDEM_FEATURE_DURATION] = ln(m.duration, 0);
    feature[IDEM_FEATURE_ENDS_PRESS] = end == IDEM_GESTURE_PRESS;
    feature[IDEM_FEATURE_ENDS_RELEASE] = end == IDEM_GESTURE_RELEASE;
    feature[IDEM_FEATURE_DRAG] = drag;
    tell_speed(&m, feature);
    tell_acceleration(&m, feature);
    tell_turns(&m, feature);
    tell_shape(path, &m, feature);
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
    };
    return feature < IDEM_FEATURES ? words[feature][more] : NULL;
}
