/* SPDX-License-Identifier: Apache-2.0 */
/*
 * injection_honest.c - sources that type faster than a hand and are no attack: what the guard takes
 * them for when it knows what they are, and when it does not.
 *
 *   token      44 characters of modhex and Enter at a touch, five touches
 *   scanner    barcodes of 8 to 20 digits, often with a prefix, and Enter or Tab; ten scans
 *   steno      a word a chord, all its keys at once; now and then backspaces take one back
 *   tap-hold   a person's recording on a keyboard whose home row has a second function: a short
 *              press of such a key is sent when it is let go, and held for one report
 *   macro pad  a shortcut or a snippet, now and then
 *   autotype   a password manager: name, Tab, password, Enter, a key every 25 ms, held for none
 *
 * Report intervals, pauses and lengths are drawn for each stream by the seed, in the ranges of such
 * devices; reports are up to 0.2 ms late.
 */
#include "eval/injection.h"

#include <linux/input-event-codes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/parallel.h"

enum { LATE_US = 200, TAPPING_TERM_US = 200000 };

/* Someone or something at work on a stream. */
struct hand {
    struct idem_rng *rng;
    struct idem_key_stream *out;
    int64_t now_us;            /* of the next report */
    int64_t hold_us, after_us; /* a key is down; nothing is */
};

static int64_t between(struct hand *h, double low_ms, double high_ms)
{
    return (int64_t)((low_ms + (high_ms - low_ms) * idem_rng_uniform(h->rng)) * 1000);
}

static int64_t late(struct hand *h)
{
    return idem_rng_below(h->rng, LATE_US);
}

static void tap(struct hand *h, uint8_t key)
{
    int64_t down = h->now_us + late(h), up = h->now_us + h->hold_us + late(h);
    idem_key_stream_put(h->out, down, key, IDEM_KEY_DOWN);
    idem_key_stream_put(h->out, up > down ? up : down, key, IDEM_KEY_UP);
    h->now_us += h->hold_us + h->after_us + LATE_US;
}

/* A modifier and a key, in one report down and in one up. */
static void tap_with(struct hand *h, uint8_t modifier, uint8_t key)
{
    int64_t down = h->now_us + late(h), up = h->now_us + h->hold_us + late(h);
    up = up > down ? up : down;
    idem_key_stream_put(h->out, down, modifier, IDEM_KEY_DOWN);
    idem_key_stream_put(h->out, down, key, IDEM_KEY_DOWN);
    idem_key_stream_put(h->out, up, key, IDEM_KEY_UP);
    idem_key_stream_put(h->out, up, modifier, IDEM_KEY_UP);
    h->now_us += h->hold_us + h->after_us + LATE_US;
}

/* Reports at one of the intervals that devices have. */
static void pace(struct hand *h)
{
    static const uint8_t intervals_ms[] = {1, 2, 4, 8, 10};
    h->hold_us = h->after_us = 1000 * intervals_ms[idem_rng_below(h->rng, 5)];
}

static void token(struct hand *h)
{
    static const uint8_t modhex[16] = {KEY_C, KEY_B, KEY_D, KEY_E, KEY_F, KEY_G, KEY_H, KEY_I,
                                       KEY_J, KEY_K, KEY_L, KEY_N, KEY_R, KEY_T, KEY_U, KEY_V};
    pace(h);
    h->after_us += 10000 * idem_rng_below(h->rng, 3);
    for (int touch = 0; touch < 5; touch++) {
        for (int i = 0; i < 44; i++)
            tap(h, modhex[idem_rng_below(h->rng, 16)]);
        tap(h, KEY_ENTER);
        h->now_us += between(h, 15000, 200000);
    }
}

static void scanner(struct hand *h)
{
    const uint32_t prefix = idem_rng_below(h->rng, 3);
    const uint8_t suffix = idem_rng_below(h->rng, 4) == 0 ? KEY_TAB : KEY_ENTER;
    pace(h);
    for (int scan = 0; scan < 10; scan++) {
        uint32_t digits = 8 + idem_rng_below(h->rng, 13);
        if (prefix == 1)
            tap(h, KEY_F8);
        if (prefix == 2)
            tap_with(h, KEY_LEFTSHIFT, KEY_A);
        for (uint32_t i = 0; i < digits; i++)
            tap(h, (uint8_t)(KEY_1 + idem_rng_below(h->rng, 10)));
        tap(h, suffix);
        h->now_us += between(h, 1500, 20000);
    }
}

static void steno(struct hand *h)
{
    const bool firmware = idem_rng_below(h->rng, 2) == 0;
    uint32_t last = 0;
    if (firmware)
        pace(h);
    else
        h->hold_us = h->after_us = 30; /* a program: as fast as the calls go */
    for (int word = 0; word < 200; word++) {
        uint32_t letters = 1 + idem_rng_below(h->rng, 8);
        int64_t began = h->now_us;
        if (last && idem_rng_below(h->rng, 12) == 0) {
            for (uint32_t i = 0; i < last; i++)
                tap(h, KEY_BACKSPACE);
            last = 0;
        } else {
            tap(h, KEY_SPACE);
            if (idem_rng_below(h->rng, 12) == 0)
                tap_with(h, KEY_LEFTSHIFT, KEY_T);
            for (uint32_t i = 0; i < letters; i++)
                tap(h, idem_device_letter(h->rng));
            last = letters + 1;
        }
        double chord_ms = 300 * exp(0.4 * idem_rng_normal(h->rng));
        int64_t due = began + (int64_t)(chord_ms * 1000);
        h->now_us = due > h->now_us + 40000 ? due : h->now_us + 40000;
    }
}

static void macro_pad(struct hand *h)
{
    static const uint8_t keys[] = {KEY_C, KEY_V, KEY_X, KEY_Z, KEY_S, KEY_TAB, KEY_F5, KEY_L};
    static const uint8_t mods[] = {KEY_LEFTCTRL, KEY_LEFTALT, KEY_LEFTMETA};
    pace(h);
    for (int press = 0; press < 40; press++) {
        if (idem_rng_below(h->rng, 8) == 0)
            for (uint32_t i = 0, n = 4 + idem_rng_below(h->rng, 12); i < n; i++)
                tap(h, idem_device_letter(h->rng));
        else
            tap_with(h, mods[idem_rng_below(h->rng, 3)], keys[idem_rng_below(h->rng, 8)]);
        h->now_us += between(h, 800, 40000);
    }
}

static void secret(struct hand *h, uint32_t letters, uint32_t capital_in)
{
    for (uint32_t i = 0; i < letters; i++) {
        uint8_t key = idem_device_letter(h->rng);
        key = key == KEY_SPACE ? (uint8_t)(KEY_1 + idem_rng_below(h->rng, 10)) : key;
        if (idem_rng_below(h->rng, capital_in) == 0)
            tap_with(h, KEY_LEFTSHIFT, key);
        else
            tap(h, key);
    }
}

static void autotype(struct hand *h)
{
    h->hold_us = 100;
    h->after_us = 25000;
    for (uint32_t i = 0, n = 1 + idem_rng_below(h->rng, 3); i < n; i++) {
        secret(h, 5 + idem_rng_below(h->rng, 10), 20);
        tap(h, KEY_TAB);
        secret(h, 12 + idem_rng_below(h->rng, 13), 3);
        tap(h, KEY_ENTER);
        h->now_us += between(h, 30000, 600000);
    }
}

/* ------------------------------------------------------------------ made from people */

static bool home_row(uint8_t code)
{
    return (code >= KEY_A && code <= KEY_F) || (code >= KEY_J && code <= KEY_SEMICOLON);
}

/* A session drawn, its short presses of the home row sent when they are let go. */
static int tap_hold(struct hand *h, const struct idem_injection_pool *people)
{
    const struct idem_stroke *from;
    const struct idem_session *s = idem_injection_draw(people, h->rng, &from);
    if (s == NULL)
        return 0;
    struct idem_stroke *strokes = malloc(((size_t)s->count + 1) * sizeof *strokes);
    if (strokes == NULL)
        return IDEM_ERR_NOMEM;
    pace(h);
    for (uint32_t i = 0; i < s->count; i++) {
        struct idem_stroke *k = &strokes[i];
        *k = from[i];
        int64_t held = k->release_us - k->press_us;
        if (!k->released || !home_row(k->code) || held < 0 || held >= TAPPING_TERM_US)
            continue;
        k->press_us = k->release_us;
        k->release_us += h->hold_us + late(h);
    }
    int r = idem_key_stream_strokes(h->out, strokes, s->count, 0);
    explicit_bzero(strokes, ((size_t)s->count + 1) * sizeof *strokes);
    free(strokes);
    return r;
}

static const struct {
    const char *key, *name;
    enum idem_guard_role role;
    void (*make)(struct hand *h); /* NULL: from people */
} sources[IDEM_HONEST_SOURCES] = {
    {"token", "security key", IDEM_ROLE_TOKEN, token},
    {"scanner", "barcode scanner", IDEM_ROLE_SCANNER, scanner},
    {"steno", "steno machine", IDEM_ROLE_STENO, steno},
    {"macro-pad", "macro pad", IDEM_ROLE_MACRO_PAD, macro_pad},
    {"autotype", "password manager", IDEM_ROLE_AUTOTYPE, autotype},
    {"tap-hold", "home-row functions", IDEM_ROLE_ORDINARY, NULL},
};

/* ------------------------------------------------------------------ before the guard */

struct trial {
    uint32_t keys;
    enum idem_guard_kind verdict[2]; /* undeclared, declared */
    int err;
};

struct trials {
    int source;
    const struct idem_injection_pool *people;
    uint64_t seed;
    struct trial list[IDEM_HONEST_STREAMS];
};

/* An alarm stays, whatever comes later. */
static int judge(const struct idem_key_stream *stream, enum idem_guard_role role,
                 enum idem_guard_kind *out)
{
    struct idem_injection_seat seat;
    struct idem_injection_alarm alarm;
    int r = idem_injection_seat_init(&seat, IDEM_JUDGE_GUARD, role, 0, 0);
    if (r < 0)
        return r;
    *out = idem_injection_seat_next(&seat, stream, 0, &alarm) ? alarm.verdict.kind
                                                              : idem_guard_read(seat.guard).kind;
    idem_injection_seat_fini(&seat);
    return 0;
}

static void try(void *arg, int i)
{
    struct trials *t = arg;
    struct trial *one = &t->list[i];
    struct idem_key_stream stream = {0};
    struct idem_rng rng;
    struct hand h = {.rng = &rng, .out = &stream, .now_us = 10000000};
    idem_rng_seed(&rng, t->seed * 1000003 + (uint64_t)t->source * 10007 + (uint64_t)i);
    if (sources[t->source].make != NULL)
        sources[t->source].make(&h);
    else
        one->err = tap_hold(&h, t->people);
    idem_key_stream_seal(&stream);
    if (one->err == 0)
        one->err = stream.err;
    one->keys = stream.key_downs;
    for (int declared = 0; declared < 2 && one->err == 0; declared++)
        one->err = judge(&stream, declared ? sources[t->source].role : IDEM_ROLE_ORDINARY,
                         &one->verdict[declared]);
    idem_key_stream_free(&stream);
}

int idem_injection_honest(int source, const struct idem_injection_pool *people, uint64_t seed,
                          struct idem_injection_honest *out)
{
    struct trials *t = calloc(1, sizeof *t);
    struct idem_injection_honest h = {
        .key = sources[source].key, .name = sources[source].name, .role = sources[source].role};
    int r = t ? 0 : IDEM_ERR_NOMEM;
    if (r == 0 && (sources[source].make != NULL || people->count > 0)) {
        t->source = source;
        t->people = people;
        t->seed = seed;
        h.streams = IDEM_HONEST_STREAMS;
        idem_parallel(try, t, IDEM_HONEST_STREAMS);
    }
    for (uint32_t i = 0; i < h.streams && r == 0; i++) {
        r = t->list[i].err;
        h.keys += t->list[i].keys;
        h.undeclared[t->list[i].verdict[0]]++;
        h.declared[t->list[i].verdict[1]]++;
    }
    free(t);
    if (r == 0)
        *out = h;
    return r;
}
