/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_agent_message.c - any bytes as a message between the agent's processes: refused, or of one
 * way only. A window that is accepted is the same again after a way there and back; presence,
 * settings and acts do to the sensor's engine what they may.
 *
 * Bytes: u8 way, u8 descriptors, then the message; its length is mended.
 */
#include "agent/pack.h"
#include "agent/sensor/engine.h"
#include "wire_front.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char ways[][2] = {{'b', 's'}, {'s', 'b'}, {'b', 'c'}, {'s', 'c'},
                               {'c', 's'}, {'c', 'b'}, {'b', 'b'}, {'x', 's'}};
enum { WAYS = sizeof ways / sizeof ways[0], ALLOWED_WAYS = 5 };

static _Alignas(16) uint8_t message[IDEM_MESSAGE_MAX], packed[IDEM_MESSAGE_MAX];
static int64_t deadline = -1;

static void require(bool held)
{
    if (!held)
        abort();
}

static void require_one_way(size_t len, uint32_t fds, uint32_t way)
{
    for (uint32_t w = 0; w < WAYS; w++)
        require(idem_message_check(message, len, fds, ways[w][0], ways[w][1]) == (w == way));
    require(way < ALLOWED_WAYS && fds <= 1);
    require(!idem_message_check(message, len, fds + 1, ways[way][0], ways[way][1]));
    require(strcmp(idem_message_name(((struct idem_message_head *)message)->type), "unknown") != 0);
}

/* ------------------------------------------------------------------ windows */

static void check_window(size_t len)
{
    const struct idem_window_message *m = (const void *)message;
    struct idem_window *window;
    size_t again = 0;

    require(m->modality < IDEM_MODALITIES);
    if (idem_window_new(wire_front(), (enum idem_modality)m->modality, &window) != 0)
        abort();
    if (idem_unpack_window(message, len, window) == 0) {
        require(idem_pack_window(window, packed, sizeof packed, &again) == 0);
        require(again == len && memcmp(packed, message, len) == 0);
    }
    idem_window_free(window);
}

/* ------------------------------------------------------------------ the engine */

static void on_window(void *arg, const struct idem_window *window)
{
    (void)arg, (void)window;
    abort(); /* nobody typed */
}

static void on_alarm(void *arg, const struct idem_alarm_message *alarm)
{
    (void)arg, (void)alarm;
    abort();
}

static void on_verb(void *arg, enum idem_verb verb, uint32_t number)
{
    const struct idem_verb_message m = {{IDEM_SB_VERB, sizeof m}, verb, number};

    (void)arg;
    require(verb != IDEM_VERB_CUT_OFF); /* nothing has alarmed */
    memcpy(packed, &m, sizeof m);
    require(idem_message_check(packed, sizeof m, 0, 's', 'b'));
}

static void on_deadline(void *arg, int64_t at_us)
{
    (void)arg;
    deadline = at_us;
}

static struct idem_engine *the_engine(void)
{
    static struct idem_engine *engine;
    const struct idem_engine_calls calls = {on_window, on_alarm, on_verb, on_deadline, NULL};

    if (engine == NULL && idem_engine_new(&calls, &engine) != 0)
        abort();
    return engine;
}

static void check_engine(void)
{
    static int64_t now_us;
    struct idem_engine *e = the_engine();
    const struct idem_presence_message *p = (const void *)message;
    struct idem_state_message state = {{IDEM_SC_STATE, sizeof state}, 0, 0, 0, 0, 0, 0};

    now_us += 300000;
    if (p->head.type == IDEM_BS_PRESENCE)
        idem_engine_presence(e, (enum idem_presence)p->presence, p->unlocked, now_us);
    else if (p->head.type == IDEM_CS_SETTINGS)
        require(idem_engine_settings(e, (const void *)message, now_us) == 0);
    else if (p->head.type == IDEM_CS_ACT)
        idem_engine_act(e, (const void *)message, now_us);
    require(deadline <= now_us + IDEM_ENGINE_LOCK_US); /* no device: a lock that was not seen */
    if (deadline >= 0 && deadline <= now_us)
        idem_engine_due(e, now_us);
    idem_engine_state(e, &state);
    memcpy(packed, &state, sizeof state);
    require(idem_message_check(packed, sizeof state, 0, 's', 'c'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 + sizeof(struct idem_message_head) || size - 2 > sizeof message)
        return 0;
    const uint32_t way = data[0] % WAYS, fds = data[1] % 4;
    const uint32_t len = (uint32_t)(size - 2);
    memcpy(message, data + 2, len);
    memcpy(message + offsetof(struct idem_message_head, len), &len, sizeof len);
    if (!idem_message_check(message, len, fds, ways[way][0], ways[way][1]))
        return 0;
    require_one_way(len, fds, way);
    if (((struct idem_message_head *)message)->type == IDEM_SC_WINDOW)
        check_window(len);
    check_engine();
    return 0;
}
