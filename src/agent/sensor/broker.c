/* SPDX-License-Identifier: Apache-2.0 */
/* broker.c - see broker.h. */
#include "agent/sensor/broker.h"

#include <poll.h>
#include <unistd.h>

#include "base/log.h"

enum { MESSAGES_A_TURN = 32 };

static void end(struct idem_broker_line *b, const char *why)
{
    if (b->watch.fd < 0)
        return;
    idem_loop_unwatch(b->loop, &b->watch);
    close(b->watch.fd);
    b->watch.fd = -1;
    b->courier->broker = 0;
    idem_engine_presence(b->engine, IDEM_NOBODY, 0, idem_loop_now());
    idem_devices_clear(b->devices);
    idem_log(IDEM_LOG_INFO, "broker: %s; no device is read", why);
}

void idem_broker_line_verb(struct idem_broker_line *b, enum idem_verb verb, uint32_t number)
{
    const struct idem_verb_message m = {
        .head = {IDEM_SB_VERB, sizeof m}, .verb = verb, .number = number};

    if (b->watch.fd < 0 || idem_line_send(b->watch.fd, &m.head, -1) != 0)
        idem_log(IDEM_LOG_ERROR, "broker: cannot be asked for verb %d", (int)verb);
}

/* ------------------------------------------------------------------ what it says */

static void on_device(struct idem_broker_line *b)
{
    int err = idem_devices_add(b->devices, (const void *)b->received.bytes, b->received.fd);

    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "broker: a device that cannot be read: %s", idem_strerror(err));
}

static void on_presence(struct idem_broker_line *b)
{
    const struct idem_presence_message *m = (const void *)b->received.bytes;

    idem_engine_presence(b->engine, (enum idem_presence)m->presence, m->unlocked, idem_loop_now());
}

static void on_done(struct idem_broker_line *b)
{
    const struct idem_done_message *m = (const void *)b->received.bytes;

    if (m->verb == IDEM_VERB_CUT_OFF && m->error == 0)
        idem_devices_remove_group(b->devices, m->number);
    else
        idem_engine_done(b->engine, m);
    idem_courier_line_done(b->courier, m);
}

static void on_message(struct idem_broker_line *b)
{
    const struct idem_number_message *m = (const void *)b->received.bytes;

    switch (m->head.type) {
    case IDEM_BS_DEVICE:
        on_device(b);
        break;
    case IDEM_BS_GONE:
        idem_devices_remove(b->devices, (uint32_t)m->number);
        break;
    case IDEM_BS_PRESENCE:
        on_presence(b);
        break;
    case IDEM_BS_LINE:
        idem_courier_line_begin(b->courier, b->received.fd);
        break;
    case IDEM_BS_DONE:
        on_done(b);
        break;
    default:
        break;
    }
}

static void on_ready(void *arg, short events)
{
    struct idem_broker_line *b = arg;
    int err = 0;

    (void)events;
    for (int i = 0; i < MESSAGES_A_TURN && err == 0 && b->watch.fd >= 0; i++) {
        err = idem_line_receive(b->watch.fd, 'b', 's', &b->received);
        if (err == 0)
            on_message(b);
    }
    if (err == IDEM_ERR_IO)
        end(b, "gone");
    else if (err == IDEM_ERR_INVALID)
        end(b, "peer: says what it may not");
    b->settle(b->arg);
}

/* ------------------------------------------------------------------ its coming */

static void begin(struct idem_broker_line *b, int fd)
{
    end(b, "another one takes its place");
    b->watch = (struct idem_watch){.fd = fd, .events = POLLIN, .ready = on_ready, .arg = b};
    if (idem_loop_watch(b->loop, &b->watch) != 0) {
        close(fd);
        b->watch.fd = -1;
        return;
    }
    b->courier->broker = 1;
    idem_log(IDEM_LOG_INFO, "broker: here");
}

static void on_caller(void *arg, short events)
{
    struct idem_broker_line *b = arg;
    uid_t uid = 0;
    int fd = idem_line_accept(b->listening.fd, &uid);

    (void)events;
    if (fd < 0)
        return;
    if (uid == 0 || uid == getuid()) {
        begin(b, fd);
    } else {
        close(fd);
        idem_log(IDEM_LOG_ERROR, "peer: a caller that is not root was turned away");
    }
    b->settle(b->arg);
}

int idem_broker_line_wait(struct idem_broker_line *b, int listening)
{
    b->watch = (struct idem_watch){.fd = -1};
    b->listening =
        (struct idem_watch){.fd = listening, .events = POLLIN, .ready = on_caller, .arg = b};
    return idem_loop_watch(b->loop, &b->listening);
}
