/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_watch.c - the streams of the local socket: who watches is told each window, each alarm
 * and each change of the status, and nothing is made up for nobody.
 */
#include "agent/courier/control_parts.h"

#include <string.h>

/* True when it is another, but for what changes by itself. */
static bool take_status(struct idem_control *c)
{
    struct idem_control_status now = {0}, before = c->told;

    c->calls.status(c->arg, &now);
    c->told = now;
    now.pause_left_s = before.pause_left_s = 0;
    now.reached_ms = before.reached_ms = 0;
    return memcmp(&now, &before, sizeof now) != 0;
}

void idem_control_begin_watch(struct idem_control_peer *p)
{
    static char ok[] = "{\"ok\":true}\n";
    const struct idem_text t = {ok, sizeof ok - 1, sizeof ok, false};

    idem_control_changed(p->control); /* so that nobody who watches already misses anything */
    p->watching = true;
    idem_control_say(p, &t);
    if (p->watch.fd < 0)
        return;
    (void)take_status(p->control);
    idem_control_say_object(
        p, idem_control_status_of(p->control, IDEM_FOR_PERSON, "event", json_string("status")));
}

static bool is_watched(const struct idem_control *c)
{
    for (size_t i = 0; i < IDEM_CONTROL_CONNECTIONS; i++)
        if (c->peers[i].watch.fd >= 0 && c->peers[i].watching)
            return true;
    return false;
}

static void tell(struct idem_control *c, const struct idem_text *t)
{
    for (size_t i = 0; i < IDEM_CONTROL_CONNECTIONS; i++) {
        struct idem_control_peer *p = &c->peers[i];
        if (p->watch.fd < 0 || !p->watching)
            continue;
        idem_control_say(p, t);
        if (p->watch.fd >= 0)
            idem_control_expect(p);
    }
}

void idem_control_window(struct idem_control *c, const struct idem_front *front,
                         const struct idem_window *window, uint32_t seq, bool waiting)
{
    struct idem_text t = idem_control_line(c);

    if (!is_watched(c))
        return;
    idem_control_put_window(&t, front, window, seq, waiting);
    tell(c, &t);
}

void idem_control_alarm(struct idem_control *c, const struct idem_alarm_message *alarm)
{
    struct idem_text t = idem_control_line(c);

    if (!is_watched(c))
        return;
    idem_control_put_alarm(&t, alarm);
    tell(c, &t);
}

void idem_control_changed(struct idem_control *c)
{
    if (!is_watched(c) || !take_status(c))
        return;
    for (size_t i = 0; i < IDEM_CONTROL_CONNECTIONS; i++) {
        struct idem_control_peer *p = &c->peers[i];
        if (p->watch.fd < 0 || !p->watching)
            continue;
        idem_control_say_object(
            p, idem_control_status_of(c, IDEM_FOR_PERSON, "event", json_string("status")));
        if (p->watch.fd >= 0)
            idem_control_expect(p);
    }
}

void idem_control_over(struct idem_control *c)
{
    static char over[] = "{\"event\":\"over\"}\n";
    const struct idem_text t = {over, sizeof over - 1, sizeof over, false};

    for (size_t i = 0; i < IDEM_CONTROL_CONNECTIONS; i++) {
        if (c->peers[i].watch.fd >= 0 && c->peers[i].watching)
            c->peers[i].ending = true;
    }
    tell(c, &t);
}
