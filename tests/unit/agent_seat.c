/* SPDX-License-Identifier: Apache-2.0 */
/* agent_seat.c - see agent_seat.h. */
#include "agent_seat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "people.h"

struct seat seat;

static void on_window(void *arg, const struct idem_window *w)
{
    (void)arg;
    seat.windows[idem_window_modality(w)]++;
    seat.strokes = idem_window_strokes(w);
}

static void on_alarm(void *arg, const struct idem_alarm_message *alarm)
{
    (void)arg;
    struct idem_alarm_message sent = *alarm;

    sent.number = 1; /* which the outbox gives it */
    assert_true(idem_message_check(&sent, sizeof sent, 0, 's', 'c'));
    assert_true(seat.alarms < SEAT_NOTED);
    seat.order = seat.verbs;
    seat.alarm[seat.alarms++] = *alarm;
}

static void on_verb(void *arg, enum idem_verb verb, uint32_t number)
{
    (void)arg;
    assert_true(seat.verbs < SEAT_NOTED);
    seat.verb[seat.verbs].verb = verb;
    seat.verb[seat.verbs++].number = number;
}

static void on_deadline(void *arg, int64_t at_us)
{
    (void)arg;
    seat.deadlines++;
    seat.deadline = at_us;
}

int seat_begin(void **state)
{
    const struct idem_engine_calls calls = {on_window, on_alarm, on_verb, on_deadline, NULL};
    (void)state;

    memset(&seat, 0, sizeof seat);
    seat.now = 1000 * (int64_t)SEAT_S;
    idem_settings_default(&seat.settings);
    return idem_engine_new(&calls, &seat.engine);
}

int seat_end(void **state)
{
    (void)state;
    idem_engine_free(seat.engine);
    return 0;
}

void seat_set(void)
{
    assert_int_equal(idem_engine_settings(seat.engine, &seat.settings, seat.now), 0);
}

void seat_be(enum idem_presence presence, uint32_t unlocked)
{
    idem_engine_presence(seat.engine, presence, unlocked, seat.now);
}

void seat_front(void)
{
    assert_int_equal(idem_engine_front(seat.engine, people_front(20, 300)), 0);
}

int seat_attach(uint32_t id, uint32_t group, bool keyboard)
{
    const struct idem_engine_device d = {
        .id = id,
        .group = group,
        .keyboard = keyboard,
        .pointer = !keyboard,
        .known = {.source = IDEM_SOURCE_HARDWARE, .tick_us = 1},
    };
    return idem_engine_device(seat.engine, &d, seat.now);
}

void seat_key(int place, uint32_t code, enum idem_key_action action)
{
    const struct idem_input_event e = {
        .kind = IDEM_INPUT_KEY, .t_us = seat.now, .key = code, .action = action};
    idem_engine_event(seat.engine, place, &e, seat.now);
}

void seat_type(int place, size_t keys, uint64_t seed)
{
    struct key_event *events = calloc(2 * keys, sizeof *events);
    struct person person;

    person_draw(&person, 7);
    struct typist typist = typist_new(&person, seed);
    typist.now_us = seat.now;
    typist_type(&typist, keys, events);
    for (size_t i = 0; i < 2 * keys; i++) {
        seat.now = events[i].t_us;
        seat_key(place, events[i].key, events[i].action);
    }
    seat.now += SEAT_S;
    free(events);
}

void seat_inject(int place, size_t keys)
{
    for (size_t i = 0; i < keys; i++) {
        seat_key(place, 16 + i % 10, IDEM_KEY_DOWN);
        seat.now += 2000;
        seat_key(place, 16 + i % 10, IDEM_KEY_UP);
        seat.now += 6000;
    }
    seat.now += SEAT_S;
}

struct idem_state_message seat_state(void)
{
    struct idem_state_message m = {0};
    idem_engine_state(seat.engine, &m);
    return m;
}

void seat_assert_verbs(size_t count, ...)
{
    va_list list;

    va_start(list, count);
    assert_int_equal(seat.verbs, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(seat.verb[i].verb, va_arg(list, int));
        assert_int_equal(seat.verb[i].number, va_arg(list, int));
    }
    va_end(list);
}
