/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.c - see control.h: the connections of the local socket, who is behind them, and whose
 * turn it is. What is said is read in control_read.c and written in control_status.c and
 * control_events.c.
 *
 * A connection is reading (its next request), waiting (for an answer to its ticket; nothing more is
 * read), watching (nothing more is expected) or ending (closed once what it is owed is written).
 */
#include "agent/courier/control_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/courier/stranger.h"
#include "agent/line.h"

enum { AT_ONCE = 16 }; /* connections, before the others have their turn */

/* 0.99, and not the float next to it. */
#define REALS JSON_REAL_PRECISION(6)

static const int64_t idle_us = (int64_t)IDEM_CONTROL_IDLE_S * 1000000;

/* ------------------------------------------------------------------ connections */

static bool is_person(const struct idem_control *c, uid_t uid)
{
    return c->seated && uid == c->person;
}

static enum idem_control_audience audience(const struct idem_control_peer *p)
{
    return is_person(p->control, p->uid) ? IDEM_FOR_PERSON
           : p->uid == 0                 ? IDEM_FOR_ROOT
                                         : IDEM_FOR_ANYBODY;
}

static void drop(struct idem_control_peer *p)
{
    if (p->watch.fd < 0)
        return;
    idem_loop_unwatch(p->control->loop, &p->watch);
    idem_stranger_close(p->watch.fd);
    free(p->out);
    p->watch.fd = -1;
    p->out = NULL;
    p->ticket = 0;
    p->watching = false;
}

void idem_control_expect(struct idem_control_peer *p)
{
    p->watch.events =
        (short)((p->out != NULL ? POLLOUT : 0) | (p->ticket == 0 && !p->ending ? POLLIN : 0));
}

/* True when all is written; a peer that is gone is dropped. */
static bool flush(struct idem_control_peer *p)
{
    while (p->out_sent < p->out_len) {
        ssize_t n = send(p->watch.fd, p->out + p->out_sent, p->out_len - p->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return false;
        if (n < 0) {
            drop(p);
            return false;
        }
        p->out_sent += (size_t)n;
    }
    free(p->out);
    p->out = NULL;
    if (p->ending)
        drop(p);
    return true;
}

/* What the kernel does not take at once is kept, of one line only: who is a line behind is slow. */
static void put_by(struct idem_control_peer *p, const char *bytes, size_t len)
{
    if (p->out != NULL || (p->out = malloc(len)) == NULL) {
        drop(p);
        return;
    }
    memcpy(p->out, bytes, len);
    p->out_len = len;
    p->out_sent = 0;
}

void idem_control_say(struct idem_control_peer *p, const struct idem_text *t)
{
    size_t sent = 0;

    if (p->watch.fd < 0)
        return;
    if (p->out == NULL) {
        ssize_t n = send(p->watch.fd, t->bytes, t->len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            drop(p);
            return;
        }
        sent = n > 0 ? (size_t)n : 0;
    }
    if (sent < t->len)
        put_by(p, t->bytes + sent, t->len - sent);
    else if (p->ending)
        drop(p);
}

static void refuse(struct idem_control_peer *p, const char *error, const char *message)
{
    struct idem_text t = idem_control_line(p->control);

    idem_control_put_refusal(&t, error, message);
    idem_control_say(p, &t);
}

static void refuse_last(struct idem_control_peer *p, const char *error, const char *message)
{
    p->ending = true;
    refuse(p, error, message);
}

/* ------------------------------------------------------------------ answers */

void idem_control_say_object(struct idem_control_peer *p, json_t *object)
{
    struct idem_control *c = p->control;
    size_t len =
        object != NULL ? json_dumpb(object, c->line, sizeof c->line - 1, REALS | JSON_COMPACT) : 0;
    struct idem_text t = {c->line, len + 1, sizeof c->line, false};

    json_decref(object);
    if (len == 0 || len > sizeof c->line - 1) {
        refuse(p, "failed", "the answer is too long to be given");
        return;
    }
    c->line[len] = '\n';
    idem_control_say(p, &t);
}

json_t *idem_control_status_of(struct idem_control *c, enum idem_control_audience audience,
                               const char *kind, json_t *value)
{
    struct idem_control_status status = {0};
    json_t *out;

    c->calls.status(c->arg, &status);
    out = idem_control_status_json(&status, audience);
    if (out == NULL || json_object_set(out, kind, value) != 0) {
        json_decref(out);
        out = NULL;
    }
    json_decref(value);
    return out;
}

static void say_status(struct idem_control_peer *p)
{
    idem_control_say_object(p, idem_control_status_of(p->control, audience(p), "ok", json_true()));
}

static struct idem_control_peer *find(struct idem_control *c, uint32_t ticket)
{
    for (size_t i = 0; i < IDEM_CONTROL_CONNECTIONS; i++)
        if (ticket != 0 && c->peers[i].watch.fd >= 0 && c->peers[i].ticket == ticket)
            return &c->peers[i];
    return NULL;
}

static void read_on(struct idem_control_peer *p);
static void expire(void *arg);

static void answered(struct idem_control_peer *p)
{
    if (p->watch.fd < 0)
        return;
    p->since_us = idem_loop_now();
    if (p->control->timer.due == NULL)
        expire(p->control);
    if (!p->reading)
        read_on(p);
}

void idem_control_answer(struct idem_control *c, uint32_t ticket, const json_t *members)
{
    struct idem_control_peer *p = find(c, ticket);
    json_t *out;

    if (p == NULL)
        return;
    p->ticket = 0;
    out = json_pack("{s:b}", "ok", 1);
    if (members != NULL)
        json_object_update_missing(out, (json_t *)(uintptr_t)members);
    idem_control_say_object(p, out);
    answered(p);
}

void idem_control_refuse(struct idem_control *c, uint32_t ticket, const char *error,
                         const char *message)
{
    struct idem_control_peer *p = find(c, ticket);

    if (p == NULL)
        return;
    p->ticket = 0;
    refuse(p, error, message);
    answered(p);
}

/* ------------------------------------------------------------------ requests */

static bool may(struct idem_control_peer *p, enum idem_control_request request)
{
    const enum idem_control_who who = idem_control_who(request);

    if (who == IDEM_BY_ROOT && p->uid != 0) {
        refuse(p, "not-root", "only the administrator (root) can register this computer");
        return false;
    }
    if (who != IDEM_BY_PERSON || is_person(p->control, p->uid))
        return true;
    if (p->control->seated)
        refuse(p, "not-yours", "somebody else is at this seat: only that person may ask for this");
    else
        refuse(p, "nobody", "nobody is logged in at this computer's screen");
    return false;
}

static void ask(struct idem_control_peer *p, const struct idem_control_said *said)
{
    struct idem_control *c = p->control;
    const uint32_t ticket = ++c->tickets != 0 ? c->tickets : ++c->tickets;

    p->ticket = ticket;
    if (c->calls.ask(c->arg, ticket, said) == 0)
        return; /* answered, perhaps by now */
    if (p->ticket != ticket)
        return;
    p->ticket = 0;
    refuse(p, "failed", "this could not be done just now");
}

static void request(struct idem_control_peer *p, const char *line, size_t len)
{
    struct idem_control_said said;
    const char *why;

    if (idem_control_read(line, len, &said, &why) != 0) {
        refuse_last(p, "malformed", why);
        return;
    }
    p->since_us = idem_loop_now();
    if (!may(p, said.request))
        return;
    if (said.request == IDEM_CONTROL_STATUS)
        say_status(p);
    else if (said.request == IDEM_CONTROL_WATCH)
        idem_control_begin_watch(p);
    else
        ask(p, &said);
}

/* The lines that are here, one by one, as long as the peer is reading. */
static void read_on(struct idem_control_peer *p)
{
    char line[IDEM_CONTROL_REQUEST_MAX + 1];
    char *end;

    p->reading = true;
    while (p->watch.fd >= 0 && p->ticket == 0 && !p->watching && !p->ending &&
           (end = memchr(p->in, '\n', p->in_len)) != NULL) {
        const size_t len = (size_t)(end - p->in);
        memcpy(line, p->in, len);
        p->in_len -= len + 1;
        memmove(p->in, end + 1, p->in_len);
        request(p, line, len);
    }
    p->reading = false;
    if (p->watch.fd >= 0 && p->in_len == sizeof p->in && p->ticket == 0 && !p->ending)
        refuse_last(p, "malformed", "a request has at most 4096 bytes");
    if (p->watch.fd >= 0)
        idem_control_expect(p);
}

static void receive(struct idem_control_peer *p)
{
    ssize_t n = idem_stranger_receive(p->watch.fd, p->in + p->in_len, sizeof p->in - p->in_len);

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    /* Who sends a descriptor wants no answer; a watcher has nothing more to say. */
    if (n <= 0 || p->watching) {
        drop(p);
        return;
    }
    p->in_len += (size_t)n;
    read_on(p);
}

static void ready(void *arg, short events)
{
    struct idem_control_peer *p = arg;

    if ((events & POLLOUT) != 0 && !flush(p) && p->watch.fd < 0)
        return;
    if (p->watch.fd >= 0 && (events & POLLIN) != 0 && p->ticket == 0 && !p->ending)
        receive(p);
    else if (p->watch.fd >= 0 && (events & (POLLHUP | POLLERR | POLLNVAL)) != 0)
        drop(p);
    if (p->watch.fd >= 0)
        idem_control_expect(p);
}

/* ------------------------------------------------------------------ accepting */

static size_t count(const struct idem_control *c, uid_t uid, bool others)
{
    size_t n = 0;

    for (size_t i = 0; i < IDEM_CONTROL_CONNECTIONS; i++) {
        const struct idem_control_peer *p = &c->peers[i];
        if (p->watch.fd >= 0 && (others ? p->uid != 0 && !is_person(c, p->uid) : p->uid == uid))
            n++;
    }
    return n;
}

static struct idem_control_peer *place(struct idem_control *c, uid_t uid)
{
    if (count(c, uid, false) >= IDEM_CONTROL_OF_ONE)
        return NULL;
    if (uid != 0 && !is_person(c, uid) && count(c, uid, true) >= IDEM_CONTROL_OTHERS)
        return NULL;
    for (size_t i = 0; i < IDEM_CONTROL_CONNECTIONS; i++)
        if (c->peers[i].watch.fd < 0)
            return &c->peers[i];
    return NULL;
}

static void turn_away(struct idem_control *c, int fd)
{
    struct idem_text t = idem_control_line(c);

    idem_control_put_refusal(&t, "too-many", "too many are connected; try again in a moment");
    (void)!send(fd, t.bytes, t.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    idem_stranger_close(fd);
}

static void admit(struct idem_control *c, int fd, uid_t uid)
{
    struct idem_control_peer *p = place(c, uid);

    if (p == NULL) {
        turn_away(c, fd);
        return;
    }
    idem_stranger_meet(fd);
    p->control = c;
    p->uid = uid;
    p->since_us = idem_loop_now();
    p->ticket = 0;
    p->watching = p->ending = p->reading = false;
    p->in_len = 0;
    p->watch = (struct idem_watch){.fd = fd, .events = POLLIN, .ready = ready, .arg = p};
    if (idem_loop_watch(c->loop, &p->watch) != 0) {
        p->watch.fd = -1;
        turn_away(c, fd);
        return;
    }
    if (c->timer.due == NULL)
        expire(c);
}

static void connected(void *arg, short events)
{
    struct idem_control *c = arg;
    uid_t uid;
    int fd;

    (void)events;
    for (int i = 0; i < AT_ONCE && (fd = idem_line_accept(c->listening.fd, &uid)) >= 0; i++)
        admit(c, fd, uid);
}

/* Closes who has said nothing for too long, and comes again while there is somebody to wait for. */
static void expire(void *arg)
{
    struct idem_control *c = arg;
    const int64_t now = idem_loop_now();
    int64_t next = -1;

    for (size_t i = 0; i < IDEM_CONTROL_CONNECTIONS; i++) {
        struct idem_control_peer *p = &c->peers[i];
        const int64_t left = p->since_us + idle_us - now;
        if (p->watch.fd < 0 || p->watching || p->ticket != 0)
            continue;
        if (left <= 0)
            drop(p);
        else if (next < 0 || left < next)
            next = left;
    }
    (void)idem_loop_after(c->loop, &c->timer, next);
    c->timer.due = next < 0 ? NULL : expire;
}

/* ------------------------------------------------------------------ the seat */

void idem_control_presence(struct idem_control *c, const struct idem_presence_message *seat)
{
    const bool seated = seat != NULL && seat->presence != IDEM_NOBODY;

    if (c->seated && (!seated || seat->uid != c->person)) {
        idem_control_over(c);
        for (size_t i = 0; i < IDEM_CONTROL_CONNECTIONS; i++)
            if (c->peers[i].watch.fd >= 0 && c->peers[i].uid == c->person && !c->peers[i].watching)
                drop(&c->peers[i]);
    }
    c->seated = seated;
    c->person = seated ? seat->uid : 0;
}

/* ------------------------------------------------------------------ */

int idem_control_new(struct idem_loop *loop, int listening, const struct idem_control_calls *calls,
                     void *arg, struct idem_control **out)
{
    struct idem_control *c = calloc(1, sizeof *c);

    if (c == NULL)
        return IDEM_ERR_NOMEM;
    c->loop = loop;
    c->calls = *calls;
    c->arg = arg;
    c->timer.arg = c;
    for (size_t i = 0; i < IDEM_CONTROL_CONNECTIONS; i++)
        c->peers[i].watch.fd = -1;
    c->listening =
        (struct idem_watch){.fd = listening, .events = POLLIN, .ready = connected, .arg = c};
    if (idem_loop_watch(loop, &c->listening) != 0) {
        free(c);
        return IDEM_ERR_LIMIT;
    }
    idem_stranger_meet(listening);
    *out = c;
    return 0;
}

void idem_control_free(struct idem_control *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < IDEM_CONTROL_CONNECTIONS; i++)
        drop(&c->peers[i]);
    idem_loop_unwatch(c->loop, &c->listening);
    (void)idem_loop_after(c->loop, &c->timer, -1);
    free(c);
}
