/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - what the sensor does with events: windows, verdicts, actions, the untouched lock.
 * Pure: time is passed in, everything that leaves goes through the functions in idem_engine_calls,
 * and nothing is allocated for an event. The same engine stands behind the kernel's events and
 * behind an X server's (x11/).
 *
 *   what comes                what it does
 *   a device                  gets a place; the first of a group also a guard
 *   an event while PRESENT    is judged, then collected where that was acknowledged
 *   an event at other times   is not looked at
 *   leaving PRESENT           what was begun is wiped: window, gesture, keys down. Likewise when
 *                             somebody shows anew who he is, and when collecting ends
 *   NOBODY, REMOTE            the leave to collect is gone until the courier gives it anew, because
 *                             it was one person's. All guards begin anew
 *   an alarm                  acts by the rows of the settings, at once; is told once, and again
 *                             only when it has become another kind or asks for more
 *   an unlock                 guards that had alarmed begin anew: a person has dealt with it
 *   an act of the courier     cuts off only what has alarmed here; at most so many (ACTS)
 *   a LOCK, and the seat is   asked for again, a few times (LOCKS). A desktop that does not lock
 *   still PRESENT             cannot be made to
 *   nobody touches anything   LOCK after settings.untouched_s. Auto-repeat, and a device that
 *                             alarmed, are no touch. Without any device nobody can tell
 */
#ifndef IDEM_AGENT_SENSOR_ENGINE_H
#define IDEM_AGENT_SENSOR_ENGINE_H

#include "agent/message.h"
#include "input/event.h"

enum {
    IDEM_ENGINE_ACTS = 8,         /* of the courier, in one go */
    IDEM_ENGINE_ACT_US = 2000000, /* and from then on one in so long */
    IDEM_ENGINE_LOCKS = 3,        /* asked for again, */
    IDEM_ENGINE_LOCK_US = 5000000 /* each after so long, while nothing is seen of the lock */
};

/* Called from within idem_engine_*(); what they are given is valid during the call. */
struct idem_engine_calls {
    void (*window)(void *arg, const struct idem_window *window);
    void (*alarm)(void *arg, const struct idem_alarm_message *alarm);
    void (*verb)(void *arg, enum idem_verb verb, uint32_t number);
    /* idem_engine_due() is to be called then; below nought: not at all. */
    void (*deadline)(void *arg, int64_t at_us);
    void *arg;
};

struct idem_engine_device {
    uint32_t id, group; /* as in idem_device_message */
    bool keyboard, pointer;
    struct idem_guard_device known;
};

struct idem_engine;

/* Until settings come: those of idem_settings_default(), and NOBODY. */
int idem_engine_new(const struct idem_engine_calls *calls, struct idem_engine **out);
void idem_engine_free(struct idem_engine *e); /* wipes */

/* now_us: one clock that goes on while the machine sleeps; that of events may be another. */
void idem_engine_presence(struct idem_engine *e, enum idem_presence presence, uint32_t unlocked,
                          int64_t now_us);
/* Already checked (message.h). IDEM_ERR_NOMEM: nothing is collected. */
int idem_engine_settings(struct idem_engine *e, const struct idem_settings_message *settings,
                         int64_t now_us);
/* Takes the front over. The same id again: nothing happens. IDEM_ERR_NOMEM as above. */
int idem_engine_front(struct idem_engine *e, struct idem_front *front);

/* The device's place, 0..IDEM_DEVICES_MAX - 1, or IDEM_ERR_LIMIT, IDEM_ERR_INVALID: its id is in
 * use, IDEM_ERR_NOMEM. */
int idem_engine_device(struct idem_engine *e, const struct idem_engine_device *device,
                       int64_t now_us);
void idem_engine_gone(struct idem_engine *e, int place);
void idem_engine_event(struct idem_engine *e, int place, const struct idem_input_event *event,
                       int64_t now_us);

/* What became of a verb: a cut-off that failed may be asked for again. */
void idem_engine_done(struct idem_engine *e, const struct idem_done_message *done);
/* False: there were too many. */
bool idem_engine_act(struct idem_engine *e, const struct idem_act_message *act, int64_t now_us);
void idem_engine_due(struct idem_engine *e, int64_t now_us);

/* Events are of use now: else devices need not be read. */
bool idem_engine_listens(const struct idem_engine *e);
/* presence, collecting, keyboards and pointers; the rest is the caller's. */
void idem_engine_state(const struct idem_engine *e, struct idem_state_message *state);

#endif
