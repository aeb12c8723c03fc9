/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broker.h - the sensor's line to the broker: devices, presence and the courier's line come in, the
 * three verbs go out.
 *
 *   who may connect   root, as the kernel says; or who runs this process himself, for trying it out
 *   a second broker   takes the place of the first: the first is dying
 *   no broker         all devices are closed, what was begun is wiped, nothing is collected
 *   it does not read  a verb that cannot be sent ends the line: there is nobody at its other end
 *   a message that may not be: likewise
 */
#ifndef IDEM_AGENT_SENSOR_BROKER_H
#define IDEM_AGENT_SENSOR_BROKER_H

#include "agent/line.h"
#include "agent/loop.h"
#include "agent/sensor/courier.h"
#include "agent/sensor/devices.h"

struct idem_broker_line {
    struct idem_loop *loop;
    struct idem_engine *engine;
    struct idem_devices *devices;
    struct idem_courier_line *courier;
    struct idem_watch listening, watch; /* fd -1: none */
    struct idem_line_buffer received;
    void (*settle)(void *arg);
    void *arg;
};

/* Waits on the inherited socket; loop, engine, devices, courier, settle and arg are set. */
int idem_broker_line_wait(struct idem_broker_line *b, int listening);
void idem_broker_line_verb(struct idem_broker_line *b, enum idem_verb verb, uint32_t number);

#endif
