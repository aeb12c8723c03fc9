/* SPDX-License-Identifier: Apache-2.0 */
/* engine_parts.h - the engine's inside: engine.c (who is there, what is collected) and judge.c
 * (what is no hand, and what is done about it). */
#ifndef IDEM_AGENT_SENSOR_ENGINE_PARTS_H
#define IDEM_AGENT_SENSOR_ENGINE_PARTS_H

#include "agent/sensor/engine.h"

/* A physical device: its guard, and the way of its own pointer. */
struct idem_engine_group {
    uint32_t group, nodes; /* nodes 0: free */
    struct idem_guard *guard;
    double x, y;
    bool keyboard, pointer;
    bool alarmed;
    bool cut;                  /* asked for */
    uint32_t told;             /* a bit each enum idem_guard_kind */
    uint32_t acted;            /* enum idem_agent_action, the strongest so far */
    uint32_t device, modality; /* that the alarm came of */
};

struct idem_engine_place {
    struct idem_engine_device device; /* id 0: free */
    struct idem_engine_group *group;
};

struct idem_engine {
    struct idem_engine_calls calls;
    struct idem_settings_message settings;
    enum idem_presence presence;
    uint32_t unlocked;
    int64_t touched_us;
    uint32_t locks;   /* still to be asked for, while the seat stays PRESENT */
    int64_t locks_us; /* when next */
    struct idem_front *front;
    struct idem_keyboard *keyboard; /* NULL: no front, or it knows no keys */
    struct idem_pointer *pointer;
    struct idem_window *window[IDEM_MODALITIES];
    double x, y; /* of the seat's pointer */
    uint32_t acts;
    int64_t acts_us; /* when the last one was given back */
    bool cut; /* a device, since the courier last asked for a cut-off; it may be gone by now */
    struct idem_engine_place places[IDEM_DEVICES_MAX];
    struct idem_engine_group groups[IDEM_DEVICES_MAX];
};

/* Moves a place on; false: it had come too far from its origin, and is back there. */
bool idem_engine_walk(double *x, double *y, const struct idem_input_event *event);
void idem_engine_judge(struct idem_engine *e, struct idem_engine_place *place,
                       const struct idem_input_event *event, int64_t now_us);
void idem_engine_forgive(struct idem_engine_group *group);
/* Asks for a lock, and again where none is seen. */
void idem_engine_lock(struct idem_engine *e, int64_t now_us);
void idem_engine_verb(struct idem_engine *e, enum idem_verb verb, uint32_t number);

#endif
