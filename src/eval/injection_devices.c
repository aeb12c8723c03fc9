/* SPDX-License-Identifier: Apache-2.0 */
/*
 * injection_devices.c - what devices make of a payload's skeleton, in time.
 *
 *   plain      key down, up after the hold; the next key-down after next_us
 *   shifted    Shift leads by lead_us, the key is held, Shift follows after lead_us; what comes
 *              next begins when a plain key pressed with the last report of Shift would have let
 *              it. With lead_us 0 modifier and key share one report, down and up.
 *   combo      all modifiers in one report, then the key as with Shift
 *   delay      is added to the time until the next key-down
 *   jitter     0-20 ms after each keystroke, where the model has no jitter of its own
 *
 * A skeleton holds no characters. Letters are drawn as frequent as in English with a space in six,
 * by the seed; combinations draw their modifiers, a combination of one is a key like Tab or Escape.
 */
#include "eval/injection.h"

#include <linux/input-event-codes.h>
#include <math.h>

enum { JITTER_MS = 20 };
#define GAP_SPREAD 0.45 /* sigma of the logarithm of a humanised gap */

const struct idem_device_model idem_device_models[IDEM_DEVICE_MODELS] = {
    {"ducky", "Ducky v1", .hold_us = 2000, .next_us = 6000, .lead_us = 2000},
    {"flipper", "Flipper", .hold_us = 2000, .next_us = 4000},
    {"jitter-20", "jitter 0-20 ms", .hold_us = 2000, .next_us = 6000, .lead_us = 2000,
     .jitter_ms = 20},
    {"jitter-80", "jitter 0-80 ms", .hold_us = 2000, .next_us = 6000, .lead_us = 2000,
     .jitter_ms = 80},
    {"jitter-160", "jitter 0-160 ms", .hold_us = 2000, .next_us = 6000, .lead_us = 2000,
     .jitter_ms = 160},
    {"delay-40", "string delay 40 ms", .hold_us = 2000, .next_us = 6000, .lead_us = 2000,
     .string_delay_ms = 40},
    {"delay-50", "string delay 50 ms", .hold_us = 2000, .next_us = 6000, .lead_us = 2000,
     .string_delay_ms = 50},
    {"delay-100", "string delay 100 ms", .hold_us = 2000, .next_us = 6000, .lead_us = 2000,
     .string_delay_ms = 100},
    {"burst-3", "3 fast keys, then 51 ms", .hold_us = 2000, .next_us = 6000, .lead_us = 2000,
     .burst = 3, .pause_ms = 51},
    {"burst-24", "24 fast keys, then 760 ms", .hold_us = 2000, .next_us = 6000, .lead_us = 2000,
     .burst = 24, .pause_ms = 760},
    {"humanised", "humanised gaps, holds 8-27 ms", .hold_us = 8000, .hold_most_us = 27000,
     .next_us = 1000, .lead_us = 8000, .median_ms = 130, .humanised = true},
    {"humanised-holds", "humanised gaps and holds", .hold_us = 88000, .hold_spread = 0.27,
     .next_us = 1000, .lead_us = 30000, .median_ms = 130, .humanised = true},
};

struct player {
    const struct idem_device_model *m;
    struct idem_rng *rng;
    struct idem_key_stream *out;
    int64_t next_us; /* the earliest next key-down */
    int64_t last_us; /* the last key-down */
    uint32_t burst;  /* key-downs since the last pause */
    bool jitter;     /* switched on by the payload */
};

/* Per thousand letters, a to z. */
static const uint8_t frequency[26] = {82, 15, 28, 43, 127, 22, 20, 61, 70, 2,  8, 40, 24,
                                      67, 75, 19, 1,  60,  63, 91, 28, 10, 24, 2, 20, 1};
static const uint8_t letter_keys[26] = {
    KEY_A, KEY_B, KEY_C, KEY_D, KEY_E, KEY_F, KEY_G, KEY_H, KEY_I, KEY_J, KEY_K, KEY_L, KEY_M,
    KEY_N, KEY_O, KEY_P, KEY_Q, KEY_R, KEY_S, KEY_T, KEY_U, KEY_V, KEY_W, KEY_X, KEY_Y, KEY_Z};

static uint8_t letter(struct idem_rng *rng)
{
    uint32_t at = idem_rng_below(rng, 1003);
    for (int i = 0; i < 26; i++) {
        if (at < frequency[i])
            return letter_keys[i];
        at -= frequency[i];
    }
    return KEY_E;
}

uint8_t idem_device_letter(struct idem_rng *rng)
{
    return idem_rng_below(rng, 6) == 0 ? KEY_SPACE : letter(rng);
}

static int64_t hold(const struct player *p)
{
    const struct idem_device_model *m = p->m;
    if (m->hold_spread > 0)
        return (int64_t)(m->hold_us * exp(m->hold_spread * idem_rng_normal(p->rng)));
    uint32_t more = m->hold_most_us > m->hold_us ? m->hold_most_us - m->hold_us : 0;
    return m->hold_us + (more ? idem_rng_below(p->rng, more + 1) : 0);
}

/* The key-down that begins a keystroke of so many key-downs. */
static int64_t begin(struct player *p, uint32_t downs)
{
    const struct idem_device_model *m = p->m;
    if (m->burst && p->burst + downs > m->burst && p->burst) {
        int64_t paused = p->last_us + (int64_t)m->pause_ms * 1000;
        p->next_us = p->next_us > paused ? p->next_us : paused;
        p->burst = 0;
    }
    p->burst += downs;
    return p->next_us;
}

/* began, down: first and last key-down of the keystroke; all_up: its last release. */
static void end(struct player *p, int64_t began, int64_t down, int64_t all_up, bool character)
{
    const struct idem_device_model *m = p->m;
    int64_t free_us = (int64_t)m->next_us - m->hold_us; /* between two reports of keys */
    uint32_t jitter = m->jitter_ms ? m->jitter_ms : p->jitter ? JITTER_MS : 0;
    p->last_us = down;
    if (m->median_ms) {
        int64_t due =
            began + (int64_t)(m->median_ms * 1000.0 * exp(GAP_SPREAD * idem_rng_normal(p->rng)));
        p->next_us = due > all_up + m->next_us ? due : all_up + m->next_us;
        return;
    }
    p->next_us = all_up + free_us + (int64_t)(character ? m->string_delay_ms : 0) * 1000;
    if (jitter)
        p->next_us += (int64_t)(idem_rng_uniform(p->rng) * jitter * 1000);
}

static void tap(struct player *p, uint8_t key, bool character)
{
    int64_t t = begin(p, 1), up = t + hold(p);
    idem_key_stream_put(p->out, t, key, IDEM_KEY_DOWN);
    idem_key_stream_put(p->out, up, key, IDEM_KEY_UP);
    end(p, t, t, up, character);
}

/* Modifiers, then their key, the way the device does it. */
static void chord(struct player *p, const uint8_t *mods, uint32_t count, uint8_t key,
                  bool character)
{
    int64_t lead = p->m->lead_us, t = begin(p, count + 1);
    if (lead && p->m->humanised)
        lead += idem_rng_below(p->rng, 20000);
    int64_t down = t + lead, up = down + hold(p), all_up = up + lead;
    for (uint32_t i = 0; i < count; i++)
        idem_key_stream_put(p->out, t, mods[i], IDEM_KEY_DOWN);
    idem_key_stream_put(p->out, down, key, IDEM_KEY_DOWN);
    idem_key_stream_put(p->out, up, key, IDEM_KEY_UP);
    for (uint32_t i = 0; i < count; i++)
        idem_key_stream_put(p->out, all_up, mods[i], IDEM_KEY_UP);
    end(p, t, down, all_up, character);
}

/* A combination of so many keys; all different, the modifiers first. */
static void combo(struct player *p, uint32_t keys)
{
    static const uint8_t single[] = {KEY_TAB,  KEY_ESC,   KEY_DOWN, KEY_UP,
                                     KEY_LEFT, KEY_RIGHT, KEY_F4,   KEY_DELETE};
    static const uint8_t mods[] = {KEY_LEFTMETA,  KEY_LEFTCTRL,  KEY_LEFTALT,  KEY_LEFTSHIFT,
                                   KEY_RIGHTMETA, KEY_RIGHTCTRL, KEY_RIGHTALT, KEY_RIGHTSHIFT};
    uint8_t held[IDEM_PAYLOAD_COMBO];
    uint32_t from = idem_rng_below(p->rng, 3);
    if (keys == 1) {
        tap(p, single[idem_rng_below(p->rng, sizeof single)], false);
        return;
    }
    uint32_t count = keys - 1 < IDEM_PAYLOAD_COMBO - 1 ? keys - 1 : IDEM_PAYLOAD_COMBO - 1;
    for (uint32_t i = 0; i < count; i++)
        held[i] = i < 8 ? mods[(from + i) % 8] : (uint8_t)(KEY_F1 + i - 8);
    chord(p, held, count, letter(p->rng), false);
}

static void step(struct player *p, const struct idem_payload_step *s)
{
    static const uint8_t shift = KEY_LEFTSHIFT;
    uint32_t times = s->kind <= IDEM_STEP_ENTER ? s->value : 1;
    for (uint32_t i = 0; i < times; i++) {
        if (s->kind == IDEM_STEP_PLAIN)
            tap(p, idem_device_letter(p->rng), true);
        else if (s->kind == IDEM_STEP_SHIFTED)
            chord(p, &shift, 1, letter(p->rng), true);
        else if (s->kind == IDEM_STEP_ENTER)
            tap(p, KEY_ENTER, false);
        else if (s->kind == IDEM_STEP_COMBO)
            combo(p, s->value);
        else if (s->kind == IDEM_STEP_DELAY)
            p->next_us += (int64_t)s->value * 1000;
        else
            p->jitter = s->value != 0;
    }
}

int idem_device_play(const struct idem_device_model *model, const struct idem_payloads *payloads,
                     uint32_t payload, struct idem_rng *rng, int64_t start_us,
                     struct idem_key_stream *out)
{
    const struct idem_payload *p = &payloads->list[payload];
    struct player player = {.m = model, .rng = rng, .out = out, .next_us = start_us};
    for (uint32_t i = 0; i < p->count; i++)
        step(&player, &payloads->steps[p->first + i]);
    idem_key_stream_seal(out);
    return out->err;
}
