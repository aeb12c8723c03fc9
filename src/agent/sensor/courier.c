/* SPDX-License-Identifier: Apache-2.0 */
/* courier.c - see courier.h. */
#include "agent/sensor/courier.h"

#include <poll.h>
#include <string.h>

#include "agent/sensor/front.h"
#include "base/log.h"

void idem_courier_line_end(struct idem_courier_line *c, const char *why)
{
    if (c->watch.fd < 0)
        return;
    idem_loop_unwatch(c->loop, &c->watch);
    idem_line_drop(c->watch.fd);
    c->watch.fd = -1;
    idem_log(IDEM_LOG_INFO, "courier: %s", why);
}

static void complain(struct idem_courier_line *c, const char *what, const char *why)
{
    if (c->complaints++ < IDEM_COURIER_COMPLAINTS)
        idem_log(IDEM_LOG_ERROR, "courier: %s%s", what, why);
}

/* Of what was sent: wait until it can be read, or end the line. */
static void take_note(struct idem_courier_line *c, int err)
{
    if (err == IDEM_ERR_FULL)
        c->watch.events = POLLIN | POLLOUT;
    else if (err == 0)
        c->watch.events = POLLIN;
    else
        idem_courier_line_end(c, "gone");
}

void idem_courier_line_window(struct idem_courier_line *c, const struct idem_window *window)
{
    take_note(c, idem_outbox_window(&c->outbox, c->watch.fd, window));
}

void idem_courier_line_alarm(struct idem_courier_line *c, const struct idem_alarm_message *alarm)
{
    uint32_t lost = c->outbox.lost;

    take_note(c, idem_outbox_alarm(&c->outbox, c->watch.fd, alarm));
    if (c->outbox.lost != lost)
        complain(c, "an alarm has waited for too long and is lost", "");
}

void idem_courier_line_done(struct idem_courier_line *c, const struct idem_done_message *done)
{
    struct idem_done_message m = *done;

    m.head.type = IDEM_SC_DONE;
    if (c->watch.fd >= 0)
        (void)idem_line_send(c->watch.fd, &m.head, -1);
}

void idem_courier_line_state(struct idem_courier_line *c)
{
    struct idem_state_message m = {
        .head = {IDEM_SC_STATE, sizeof m}, .dropped = c->outbox.dropped, .broker = c->broker};

    idem_engine_state(c->engine, &m);
    if (c->watch.fd < 0 || memcmp(&m, &c->told, sizeof m) == 0)
        return;
    int err = idem_line_send(c->watch.fd, &m.head, -1);
    if (err == 0)
        c->told = m;
    else
        take_note(c, err);
}

/* ------------------------------------------------------------------ what it says */

static void on_front(struct idem_courier_line *c)
{
    const struct idem_number_message *m = (const void *)c->received.bytes;
    struct idem_front *front = NULL;
    int err = idem_front_receive(c->received.fd, m->number, &front);

    if (err == 0 && idem_front_level(front) > c->finest) {
        complain(c, "a front finer than this seat allows (--level): ",
                 idem_level_name(idem_front_level(front)));
        idem_front_free(front);
        return;
    }
    if (err == 0)
        err = idem_engine_front(c->engine, front);
    if (err != 0)
        complain(c, "a front that is none: ", idem_strerror(err));
}

static void on_message(struct idem_courier_line *c)
{
    const void *m = c->received.bytes;
    int64_t now_us = idem_loop_now();

    switch (idem_line_head(&c->received)->type) {
    case IDEM_CS_FRONT:
        on_front(c);
        break;
    case IDEM_CS_SETTINGS:
        if (idem_engine_settings(c->engine, m, now_us) != 0)
            complain(c, "there is no memory to collect in", "");
        break;
    case IDEM_CS_ACT:
        if (!idem_engine_act(c->engine, m, now_us))
            complain(c, "it asks for too much in too short a time", "");
        break;
    case IDEM_CS_HEARD:
        idem_outbox_heard(&c->outbox, ((const struct idem_number_message *)m)->number);
        break;
    default:
        break;
    }
}

static void on_ready(void *arg, short events)
{
    struct idem_courier_line *c = arg;
    int err = 0;

    if (events & POLLOUT)
        take_note(c, idem_outbox_flush(&c->outbox, c->watch.fd));
    for (int i = 0; i < IDEM_COURIER_A_TURN && err == 0 && c->watch.fd >= 0; i++) {
        err = idem_line_receive(c->watch.fd, 'c', 's', &c->received);
        if (err == 0)
            on_message(c);
    }
    if (err == IDEM_ERR_IO)
        idem_courier_line_end(c, "gone");
    else if (err == IDEM_ERR_INVALID)
        idem_courier_line_end(c, "peer: says what it may not; the line is ended");
    c->settle(c->arg);
}

void idem_courier_line_begin(struct idem_courier_line *c, int fd)
{
    idem_courier_line_end(c, "another one takes its place");
    c->watch.fd = fd;
    c->watch.events = POLLIN;
    c->told = (struct idem_state_message){0};
    c->complaints = 0;
    idem_outbox_renew(&c->outbox);
    if (idem_loop_watch(c->loop, &c->watch) != 0) {
        idem_line_drop(fd);
        c->watch.fd = -1;
        return;
    }
    idem_log(IDEM_LOG_INFO, "courier: here");
    idem_courier_line_state(c);
    if (c->watch.fd >= 0)
        take_note(c, idem_outbox_flush(&c->outbox, c->watch.fd));
}

void idem_courier_line_init(struct idem_courier_line *c, struct idem_loop *loop,
                            struct idem_engine *engine, void (*settle)(void *arg), void *arg)
{
    memset(c, 0, sizeof *c);
    c->loop = loop;
    c->engine = engine;
    c->settle = settle;
    c->arg = arg;
    c->finest = IDEM_LEVEL_DEFAULT;
    c->watch = (struct idem_watch){.fd = -1, .events = POLLIN, .ready = on_ready, .arg = c};
}
