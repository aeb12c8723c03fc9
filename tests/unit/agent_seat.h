/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_seat.h - a seat for tests of the sensor's engine: people and machines at its devices, one
 * clock, and a note of everything that comes out.
 */
#ifndef IDEM_TESTS_AGENT_SEAT_H
#define IDEM_TESTS_AGENT_SEAT_H

#include "agent/sensor/engine.h"

enum { SEAT_NOTED = 64, SEAT_S = 1000000 };

struct seat {
    struct idem_engine *engine;
    struct idem_settings_message settings; /* seat_set() hands them over */
    int64_t now;                           /* of events and of the engine: here they are one */
    /* what came out */
    uint32_t windows[IDEM_MODALITIES], strokes;
    uint32_t alarms, verbs, deadlines;
    struct idem_alarm_message alarm[SEAT_NOTED];
    struct {
        enum idem_verb verb;
        uint32_t number;
    } verb[SEAT_NOTED];
    uint32_t order; /* verbs before the last alarm */
    int64_t deadline;
};

extern struct seat seat;

/* Before and after each test. */
int seat_begin(void **state);
int seat_end(void **state);

void seat_set(void);
void seat_be(enum idem_presence presence, uint32_t unlocked);
/* A small front of keyboards only. */
void seat_front(void);
/* Returns its place. */
int seat_attach(uint32_t id, uint32_t group, bool keyboard);
struct idem_state_message seat_state(void);

void seat_key(int place, uint32_t code, enum idem_key_action action);
/* Somebody types. */
void seat_type(int place, size_t keys, uint64_t seed);
/* A programmable keyboard: held 2 ms, the next one 6 ms later. */
void seat_inject(int place, size_t keys);

/* So many verbs, each with its number. */
void seat_assert_verbs(size_t count, ...);

#endif
