/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keystroke.c - what belongs together in a stream of key events.
 *
 *   keys      a down   b down   a up   b up              (rollover: b before a's release)
 *   holds     [a .................]
 *                      [b ..............]
 *   flight    a's release to b's press, here negative: known only at "a up"
 *
 * What real recorders do, and what comes of it:
 *   auto-repeat                        ignored
 *   press of a key that is down        its release was lost: the older stroke is forgotten
 *   release of a key that is not down  ignored
 *   release after 5 s                  no hold: a lost release, or a modifier at rest
 *   more than ten keys down            the oldest is forgotten
 *   equal time stamps                  as measured: hold 5 ms (the clip), flight 0
 *   a negative hold, in recordings     5 ms, too; in a live stream the clock ran backwards
 *   a clock that runs backwards        everything held is forgotten, the chain starts anew
 *   presses over 5 s apart             no transition
 */
#include "window/keystroke.h"

#include "base/bytes.h"

#include <string.h>

static double clamp(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

float idem_hold_value(int64_t press_us, int64_t release_us)
{
    return (float)clamp((double)(release_us - press_us) / 1000.0, 5.0, 1000.0);
}

bool idem_flight_value(int64_t press1_us, int64_t release1_us, int64_t press2_us, float *value)
{
    if (press2_us < press1_us || press2_us - press1_us > IDEM_FLIGHT_GAP_US)
        return false;
    *value = (float)clamp((double)(press2_us - release1_us) / 1000.0, -300.0, 1500.0);
    return true;
}

void idem_chain_init(struct idem_chain *chain)
{
    idem_wipe(chain, sizeof *chain);
}

static void forget(struct idem_chain *chain, uint32_t i)
{
    memmove(&chain->held[i], &chain->held[i + 1], (chain->count - i - 1) * sizeof chain->held[0]);
    chain->count--;
    idem_wipe(&chain->held[chain->count], sizeof chain->held[0]);
}

static int find_down(const struct idem_chain *chain, uint32_t key)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        if (chain->held[i].down && chain->held[i].key == key)
            return (int)i;
    }
    return -1;
}

static void forget_lost(struct idem_chain *chain, int64_t t_us)
{
    for (uint32_t i = chain->count; i-- > 0;) {
        if (chain->held[i].down && t_us - chain->held[i].press_us > IDEM_HOLD_LOST_US)
            forget(chain, i);
    }
}

static uint32_t emit_flight(const struct idem_held *held, struct idem_obs *out)
{
    out->slot = held->next_slot;
    return idem_flight_value(held->press_us, held->release_us, held->next_press_us, &out->value);
}

static uint32_t press(struct idem_chain *chain, const struct idem_zoning *zoning, uint32_t key,
                      int64_t t_us, struct idem_obs *out)
{
    uint32_t n = 0;
    int again = find_down(chain, key);

    if (again >= 0)
        forget(chain, (uint32_t)again);
    if (chain->count == IDEM_ROLLOVER)
        forget(chain, 0);

    uint16_t zone = zoning->flight[key];
    if (chain->count > 0) {
        struct idem_held *prev = &chain->held[chain->count - 1];
        prev->has_next = true;
        prev->next_press_us = t_us;
        prev->next_slot = zoning->holds + (uint32_t)prev->flight_zone * zoning->flights + zone;
        if (!prev->down) {
            n += emit_flight(prev, &out[n]);
            forget(chain, chain->count - 1);
        }
    }
    chain->held[chain->count++] = (struct idem_held){.press_us = t_us,
                                                     .key = key,
                                                     .hold_zone = zoning->hold[key],
                                                     .flight_zone = zone,
                                                     .down = true};
    return n;
}

static uint32_t release(struct idem_chain *chain, uint32_t key, int64_t t_us, struct idem_obs *out)
{
    uint32_t n = 0;
    int i = find_down(chain, key);

    if (i < 0)
        return 0;
    struct idem_held *held = &chain->held[i];
    held->down = false;
    held->key = 0;
    held->release_us = t_us;
    out[n++] = (struct idem_obs){held->hold_zone, idem_hold_value(held->press_us, t_us)};
    if (held->has_next) {
        n += emit_flight(held, &out[n]);
        forget(chain, (uint32_t)i);
    } else if ((uint32_t)i + 1 < chain->count) {
        forget(chain, (uint32_t)i); /* its successor was forgotten: nothing more to wait for */
    }
    return n;
}

uint32_t idem_chain_event(struct idem_chain *chain, const struct idem_zoning *zoning, uint32_t key,
                          enum idem_key_action action, int64_t t_us,
                          struct idem_obs out[IDEM_OBS_PER_EVENT], uint32_t *strokes)
{
    *strokes = 0;
    t_us = idem_time_bound(t_us);
    if (key >= IDEM_KEYS)
        key = IDEM_KEY_OTHER;
    if (chain->started && t_us < chain->last_us)
        idem_chain_init(chain);
    chain->started = true;
    chain->last_us = t_us;
    forget_lost(chain, t_us);
    switch (action) {
    case IDEM_KEY_DOWN:
        return press(chain, zoning, key, t_us, out);
    case IDEM_KEY_UP: {
        uint32_t n = release(chain, key, t_us, out);
        *strokes = n > 0;
        return n;
    }
    case IDEM_KEY_REPEAT:
        break;
    }
    return 0;
}
