/* SPDX-License-Identifier: Apache-2.0 */
/*
 * injection_play.c - judges before a device, and payloads before a judge, see injection.h.
 */
#include "eval/injection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/parallel.h"

/* ------------------------------------------------------------------ one judge, one device */

int idem_injection_seat_init(struct idem_injection_seat *seat, enum idem_injection_judge judge,
                             enum idem_guard_role role, int64_t first_us, uint32_t tick_us)
{
    const bool attached = judge == IDEM_JUDGE_ATTACHED;
    const struct idem_guard_device device = {
        /* Recordings of people were made in pages, which stall: they are nobody's kernel stamps. */
        .source = tick_us > 0 ? IDEM_SOURCE_HARDWARE : IDEM_SOURCE_UNKNOWN,
        .role = role,
        .hotplugged = attached,
        .twin = judge == IDEM_JUDGE_CLONE,
        .arrived_us = attached ? first_us - 1000000 : 0,
        .tick_us = tick_us};
    *seat = (struct idem_injection_seat){.judge = judge};
    return judge <= IDEM_JUDGE_CLONE ? idem_guard_new(&device, &seat->guard) : 0;
}

void idem_injection_seat_fini(struct idem_injection_seat *seat)
{
    idem_guard_free(seat->guard);
    seat->guard = NULL;
}

void idem_injection_seat_reset(struct idem_injection_seat *seat)
{
    if (seat->guard != NULL)
        idem_guard_reset(seat->guard);
    memset(&seat->ukip, 0, sizeof seat->ukip);
    memset(&seat->duckhunt, 0, sizeof seat->duckhunt);
}

static bool guard_event(struct idem_injection_seat *seat, const struct idem_key_event *e)
{
    return idem_guard_key(seat->guard, e->code, (enum idem_key_action)e->action, 0, e->t_us) &&
           idem_guard_is_alarm(idem_guard_read(seat->guard).kind);
}

static bool event(struct idem_injection_seat *seat, const struct idem_key_event *e)
{
    if (seat->guard != NULL)
        return guard_event(seat, e);
    if (e->action != IDEM_KEY_DOWN || (e->again && seat->judge != IDEM_JUDGE_UKIP_REPEAT))
        return false;
    return seat->judge == IDEM_JUDGE_DUCKHUNT ? idem_peer_duckhunt_down(&seat->duckhunt, e->t_us)
                                              : idem_peer_ukip_down(&seat->ukip, e->t_us);
}

bool idem_injection_seat_next(struct idem_injection_seat *seat,
                              const struct idem_key_stream *stream, uint32_t from,
                              struct idem_injection_alarm *out)
{
    for (uint32_t i = from; i < stream->count; i++) {
        const struct idem_key_event *e = &stream->list[i];
        seat->keys += e->action == IDEM_KEY_DOWN && !e->again;
        if (!event(seat, e))
            continue;
        *out = (struct idem_injection_alarm){.event = i, .key = seat->keys};
        if (seat->guard != NULL)
            out->verdict = idem_guard_read(seat->guard);
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------ payloads */

struct game {
    const struct idem_payloads *payloads;
    const struct idem_device_model *model;
    enum idem_injection_judge judge;
    const struct idem_injection_options *options;
    uint32_t *keys;             /* [payloads] */
    enum idem_guard_kind *kind; /* [payloads] the last verdict */
    bool *before;               /* [payloads] the hand before it was taken for a machine */
    int *err;
};

/* From what a device sends to what a guard is told. */
static void deliver(struct idem_key_stream *s, enum idem_injection_clock clock,
                    struct idem_rng *rng)
{
    static const int64_t ticks[IDEM_CLOCKS] = {
        [IDEM_CLOCK_BROWSER] = 100, [IDEM_CLOCK_MS] = 1000, [IDEM_CLOCK_COARSE] = 15625};
    if (clock == IDEM_CLOCK_LATE)
        idem_key_stream_late(s, rng, 1000);
    else if (clock == IDEM_CLOCK_STALLS)
        idem_key_stream_stall(s, rng);
    else
        idem_key_stream_tick(s, ticks[clock]);
}

enum { PAST_KEYS = 150, PAST_PAUSE_US = 1500000 };

/* The last keys of a session drawn, before the payload; moves where the payload may begin. */
static int past(const struct game *g, struct idem_rng *rng, struct idem_key_stream *stream,
                int64_t *start_us)
{
    const struct idem_stroke *strokes;
    const struct idem_session *s = idem_injection_draw(g->options->past, rng, &strokes);
    if (s == NULL)
        return 0;
    uint32_t count = s->count < PAST_KEYS ? s->count : PAST_KEYS;
    strokes += s->count - count;
    int r = idem_key_stream_strokes(stream, strokes, count, *start_us - strokes->press_us);
    if (r == 0)
        *start_us = stream->list[stream->count - 1].t_us + PAST_PAUSE_US;
    return r;
}

/* Alarms before the payload are dealt with, as a false alarm would be. */
static void judge(const struct game *g, struct idem_injection_seat *seat,
                  const struct idem_key_stream *stream, uint32_t first, int i)
{
    struct idem_injection_alarm alarm;
    uint32_t from = 0, own = 0;
    for (uint32_t e = 0; e < first; e++)
        own += stream->list[e].action == IDEM_KEY_DOWN && !stream->list[e].again;
    g->keys[i] = IDEM_NEVER;
    while (g->keys[i] == IDEM_NEVER && idem_injection_seat_next(seat, stream, from, &alarm)) {
        from = alarm.event + 1;
        if (alarm.event >= first) {
            g->keys[i] = alarm.key - own;
        } else {
            g->before[i] = true;
            idem_injection_seat_reset(seat);
        }
    }
    if (seat->guard != NULL)
        g->kind[i] = idem_guard_read(seat->guard).kind;
}

/* Who knows that a device is hardware has its events from the kernel, to the microsecond. */
static uint32_t told_tick(const struct game *g)
{
    bool hardware = g->judge == IDEM_JUDGE_ATTACHED || g->judge == IDEM_JUDGE_CLONE;
    return hardware && g->options->clock == IDEM_CLOCK_FINE;
}

static void play(void *arg, int i)
{
    const struct game *g = arg;
    struct idem_key_stream stream = {0};
    struct idem_injection_seat seat = {0};
    struct idem_rng rng;
    int64_t start_us = 10000000; /* a device appears a second before: no time below nought */
    uint32_t first = 0;
    int r = 0;
    idem_rng_seed(&rng, g->options->seed * 1000003 + (uint64_t)i);
    if (g->options->past)
        r = past(g, &rng, &stream, &start_us);
    first = stream.count;
    if (r == 0)
        r = idem_device_play(g->model, g->payloads, (uint32_t)i, &rng, start_us, &stream);
    if (r == 0 && stream.count > 0) {
        deliver(&stream, g->options->clock, &rng);
        r = idem_injection_seat_init(&seat, g->judge, g->options->role, stream.list[0].t_us,
                                     told_tick(g));
    }
    if (r == 0 && stream.count > 0)
        judge(g, &seat, &stream, first, i);
    g->err[i] = r;
    idem_injection_seat_fini(&seat);
    idem_key_stream_free(&stream);
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The smallest key by which so large a share had its alarm. */
static double quantile(const uint32_t *keys, uint32_t n, double share)
{
    uint32_t at = (uint32_t)ceil(share * n);
    if (n == 0 || keys[at - (at > 0)] == IDEM_NEVER)
        return INFINITY;
    return keys[at - (at > 0)];
}

static int tally(const struct game *g, struct idem_injection_score *out)
{
    struct idem_injection_score s = {0};
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->payloads->count; i++) {
        if (g->err[i] < 0)
            return g->err[i];
        if (g->payloads->list[i].key_downs < IDEM_INJECTION_DOWNS)
            continue;
        s.alarmed += g->keys[i] != IDEM_NEVER;
        s.before += g->before[i];
        s.verdicts[g->kind[i]]++;
        g->keys[n++] = g->keys[i];
    }
    qsort(g->keys, n, sizeof *g->keys, ascending);
    s.payloads = n;
    s.key_p50 = quantile(g->keys, n, 0.5);
    s.key_p99 = quantile(g->keys, n, 0.99);
    s.keys = g->keys;
    *out = s;
    return 0;
}

int idem_injection_play(const struct idem_payloads *payloads, const struct idem_device_model *model,
                        enum idem_injection_judge judge_by,
                        const struct idem_injection_options *options,
                        struct idem_injection_score *out)
{
    const size_t n = payloads->count;
    struct game g = {.payloads = payloads,
                     .model = model,
                     .judge = judge_by,
                     .options = options,
                     .keys = calloc(n + 1, sizeof *g.keys),
                     .kind = calloc(n + 1, sizeof *g.kind),
                     .before = calloc(n + 1, sizeof *g.before),
                     .err = calloc(n + 1, sizeof *g.err)};
    int r = g.keys && g.kind && g.before && g.err ? 0 : IDEM_ERR_NOMEM;
    if (r == 0) {
        idem_parallel(play, &g, (int)n);
        r = tally(&g, out);
    }
    if (r < 0)
        free(g.keys);
    free(g.kind);
    free(g.before);
    free(g.err);
    return r;
}

void idem_injection_score_fini(struct idem_injection_score *score)
{
    free(score->keys);
    memset(score, 0, sizeof *score);
}
