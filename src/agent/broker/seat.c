/* SPDX-License-Identifier: Apache-2.0 */
/* seat.c - see seat.h. */
#include "agent/broker/seat.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

#define LOGIND     "org.freedesktop.login1"
#define PROPERTIES "org.freedesktop.DBus.Properties"

enum { TRY_US = 1000 * 1000, TRY_MOST_US = 60 * 1000 * 1000, KNOWN_US = 10 * 1000 * 1000 };
enum { AT_ONCE = 64 };

static void ask(struct idem_seat *seat);
static void failed(struct idem_seat *seat, const char *what, int err);
static void rearm(struct idem_seat *seat);

/* ------------------------------------------------------------------ what is said of it */

static void say(struct idem_seat *seat, enum idem_presence presence, const struct idem_session *who)
{
    struct idem_presence_message m = {.head = {IDEM_BC_PRESENCE, sizeof m},
                                      .presence = presence,
                                      .unlocked = seat->unlocks.count};

    if (presence != IDEM_NOBODY) {
        m.uid = who->uid;
        memcpy(m.user, who->user, sizeof m.user);
    }
    if (memcmp(&m, &seat->now, sizeof m) == 0)
        return;
    seat->now = m;
    seat->changed(seat->arg);
}

static bool is_another(const struct idem_presence_message *now, const struct idem_session *owner)
{
    return now->uid != owner->uid || strcmp(now->user, owner->user) != 0;
}

static void decide(struct idem_seat *seat)
{
    enum idem_presence presence = idem_presence_of(seat->sleeping, &seat->front, &seat->owner);

    if (presence == IDEM_NOBODY || is_another(&seat->now, &seat->owner)) {
        seat->unlocks.count = 0;
        say(seat, IDEM_NOBODY, NULL);
    }
    if (presence == IDEM_NOBODY)
        return;
    idem_unlocks_see(&seat->unlocks, &seat->owner);
    say(seat, presence, &seat->owner);
}

static void settle(struct idem_seat *seat)
{
    decide(seat);
    if (seat->is_known)
        return;
    seat->is_known = true;
    seat->known(seat->arg);
}

/* ------------------------------------------------------------------ a session's properties */

static void keep(char *out, size_t cap, const char *text)
{
    size_t len = strlen(text);

    memset(out, 0, cap);
    if (len < cap)
        memcpy(out, text, len);
}

static int read_text(sd_bus_message *m, char *out, size_t cap)
{
    const char *text;
    int r = sd_bus_message_read(m, "v", "s", &text);

    if (r > 0)
        keep(out, cap, text);
    return r;
}

static int read_bool(sd_bus_message *m, bool *out)
{
    int value;
    int r = sd_bus_message_read(m, "v", "b", &value);

    if (r > 0)
        *out = value != 0;
    return r;
}

static int read_property(sd_bus_message *m, const char *name, struct idem_session *s)
{
    const char *path;

    if (strcmp(name, "Id") == 0)
        return read_text(m, s->id, sizeof s->id);
    if (strcmp(name, "Class") == 0)
        return read_text(m, s->class, sizeof s->class);
    if (strcmp(name, "State") == 0)
        return read_text(m, s->state, sizeof s->state);
    if (strcmp(name, "Service") == 0)
        return read_text(m, s->service, sizeof s->service);
    if (strcmp(name, "Name") == 0)
        return read_text(m, s->user, sizeof s->user);
    if (strcmp(name, "User") == 0)
        return sd_bus_message_read(m, "v", "(uo)", &s->uid, &path);
    if (strcmp(name, "Remote") == 0)
        return read_bool(m, &s->remote);
    if (strcmp(name, "LockedHint") == 0)
        return read_bool(m, &s->locked);
    if (strcmp(name, "TimestampMonotonic") == 0)
        return sd_bus_message_read(m, "v", "t", &s->since_us);
    return sd_bus_message_skip(m, "v");
}

static int read_session(sd_bus_message *m, struct idem_session *out)
{
    struct idem_session s = {0};
    int r = sd_bus_message_enter_container(m, 'a', "{sv}");

    memcpy(s.path, out->path, sizeof s.path);
    while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        const char *name;
        if ((r = sd_bus_message_read(m, "s", &name)) < 0 || (r = read_property(m, name, &s)) < 0)
            return r;
        r = sd_bus_message_exit_container(m);
    }
    if (r >= 0)
        *out = s;
    return r;
}

/* ------------------------------------------------------------------ asking */

static bool is_missing(const sd_bus_error *e)
{
    return e != NULL &&
           sd_bus_error_has_names(e, SD_BUS_ERROR_UNKNOWN_OBJECT, SD_BUS_ERROR_UNKNOWN_METHOD) > 0;
}

/* True with an answer; that the session has ended meanwhile is one. */
static bool take_session(struct idem_seat *seat, sd_bus_message *m, struct idem_session *session)
{
    const sd_bus_error *e = sd_bus_message_get_error(m);
    int r = e != NULL ? -sd_bus_message_get_errno(m) : read_session(m, session);

    if (is_missing(e)) {
        *session = (struct idem_session){0};
        return true;
    }
    if (r < 0)
        failed(seat, "a session", r);
    return r >= 0;
}

static void answered(struct idem_seat *seat)
{
    seat->asking = sd_bus_slot_unref(seat->asking);
    seat->lost_us = 0;
    settle(seat);
    if (seat->again)
        ask(seat);
}

static void get(struct idem_seat *seat, sd_bus_message_handler_t then, const char *path)
{
    seat->asking = sd_bus_slot_unref(seat->asking);
    int r = sd_bus_call_method_async(seat->bus, &seat->asking, LOGIND, path, PROPERTIES, "GetAll",
                                     then, seat, "s", LOGIND ".Session");
    if (r < 0)
        failed(seat, "a session", r);
}

static int on_owner(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    struct idem_seat *seat = arg;

    (void)error;
    if (take_session(seat, m, &seat->owner))
        answered(seat);
    return 0;
}

/* The front is known. Who was there last may still be behind it. */
static void front_known(struct idem_seat *seat)
{
    if (idem_session_is_persons(&seat->front))
        seat->owner = seat->front;
    else if (seat->owner.path[0] != 0) {
        get(seat, on_owner, seat->owner.path);
        return;
    }
    answered(seat);
}

static int on_front(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    struct idem_seat *seat = arg;

    (void)error;
    if (take_session(seat, m, &seat->front))
        front_known(seat);
    return 0;
}

static int on_seat(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    struct idem_seat *seat = arg;
    const sd_bus_error *e = sd_bus_message_get_error(m);
    const char *id = "", *path = "/";
    int r =
        e != NULL ? -sd_bus_message_get_errno(m) : sd_bus_message_read(m, "v", "(so)", &id, &path);

    (void)error;
    if (r < 0 && !is_missing(e)) {
        failed(seat, "the seat", r);
        return 0;
    }
    seat->front = (struct idem_session){0};
    keep(seat->front.path, sizeof seat->front.path, strcmp(path, "/") == 0 ? "" : path);
    if (seat->front.path[0] != 0)
        get(seat, on_front, seat->front.path);
    else
        front_known(seat);
    return 0;
}

/* One question at a time; what changes meanwhile is asked after it. */
static void ask(struct idem_seat *seat)
{
    seat->again = seat->asking != NULL;
    if (seat->again)
        return;
    int r = sd_bus_call_method_async(seat->bus, &seat->asking, LOGIND, seat->path, PROPERTIES,
                                     "Get", on_seat, seat, "ss", LOGIND ".Seat", "ActiveSession");
    if (r < 0)
        failed(seat, "the seat", r);
}

/* ------------------------------------------------------------------ signals */

static int on_properties(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    struct idem_seat *seat = arg;
    const char *path = sd_bus_message_get_path(m);

    (void)error;
    if (strcmp(path, seat->path) == 0 || strcmp(path, seat->front.path) == 0 ||
        strcmp(path, seat->owner.path) == 0)
        ask(seat);
    return 0;
}

static int on_manager(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    struct idem_seat *seat = arg;
    int sleeping;

    (void)error;
    if (!sd_bus_message_is_signal(m, LOGIND ".Manager", "PrepareForSleep")) {
        ask(seat);
    } else if (sd_bus_message_read(m, "b", &sleeping) > 0) {
        seat->sleeping = sleeping != 0;
        if (seat->is_known)
            settle(seat);
    }
    return 0;
}

/* logind came or went. */
static int on_owner_change(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    struct idem_seat *seat = arg;
    const char *name, *before, *after;

    (void)error;
    if (sd_bus_message_read(m, "sss", &name, &before, &after) > 0 && *after != 0) {
        seat->sleeping = false;
        ask(seat);
    }
    return 0;
}

static int listen_to(struct idem_seat *seat)
{
    int r = sd_bus_add_match_async(seat->bus, NULL,
                                   "type='signal',sender='org.freedesktop.DBus',"
                                   "member='NameOwnerChanged',arg0='" LOGIND "'",
                                   on_owner_change, NULL, seat);
    if (r >= 0)
        r = sd_bus_match_signal_async(seat->bus, NULL, LOGIND, NULL, LOGIND ".Manager", NULL,
                                      on_manager, NULL, seat);
    if (r >= 0)
        r = sd_bus_match_signal_async(seat->bus, NULL, LOGIND, NULL, PROPERTIES,
                                      "PropertiesChanged", on_properties, NULL, seat);
    return r;
}

/* ------------------------------------------------------------------ lock */

static void locks_done(struct idem_seat *seat, int err)
{
    seat->locking = sd_bus_slot_unref(seat->locking);
    for (; seat->locks > 0; seat->locks--)
        seat->lock_done(seat->arg, err);
}

static int on_locked(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    const sd_bus_error *e = sd_bus_message_get_error(m);

    (void)error;
    if (e != NULL)
        idem_log(IDEM_LOG_ERROR, "logind did not lock: %s", e->message);
    locks_done(arg, e != NULL ? IDEM_ERR_IO : 0);
    return 0;
}

int idem_seat_lock(struct idem_seat *seat)
{
    if (seat->owner.id[0] == 0)
        return IDEM_ERR_NOT_FOUND;
    if (seat->bus == NULL)
        return IDEM_ERR_IO;
    if (seat->locking == NULL &&
        sd_bus_call_method_async(seat->bus, &seat->locking, LOGIND, "/org/freedesktop/login1",
                                 LOGIND ".Manager", "LockSession", on_locked, seat, "s",
                                 seat->owner.id) < 0)
        return IDEM_ERR_IO;
    seat->locks++;
    rearm(seat);
    return 0;
}

/* ------------------------------------------------------------------ the bus */

static void connect_to_bus(struct idem_seat *seat);

static void drop_bus(struct idem_seat *seat)
{
    idem_loop_unwatch(seat->loop, &seat->watch);
    (void)idem_loop_after(seat->loop, &seat->due, -1);
    seat->asking = sd_bus_slot_unref(seat->asking);
    locks_done(seat, IDEM_ERR_IO);
    seat->bus = sd_bus_close_unref(seat->bus);
}

/* Tried again, ever more rarely. What was known stands for a while, not for ever. */
static void failed(struct idem_seat *seat, const char *what, int err)
{
    int64_t now = idem_loop_now();

    if (seat->lost_us == 0) {
        idem_log(IDEM_LOG_ERROR, "logind does not tell of %s: %s", what, strerror(-err));
        seat->lost_us = now;
    }
    int64_t lost_us = now - seat->lost_us;
    int64_t wait_us = lost_us < KNOWN_US ? TRY_US : lost_us < TRY_MOST_US ? lost_us : TRY_MOST_US;
    seat->asking = sd_bus_slot_unref(seat->asking);
    (void)idem_loop_after(seat->loop, &seat->retry, wait_us);
    if (lost_us < KNOWN_US)
        return;
    seat->front = seat->owner = (struct idem_session){0};
    settle(seat);
}

static void on_retry(void *arg)
{
    struct idem_seat *seat = arg;

    if (seat->bus == NULL)
        connect_to_bus(seat);
    else
        ask(seat);
}

static void rearm(struct idem_seat *seat)
{
    uint64_t due = UINT64_MAX;
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t now = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
    seat->watch.events = (short)sd_bus_get_events(seat->bus);
    if (sd_bus_get_timeout(seat->bus, &due) < 0 || due == UINT64_MAX)
        (void)idem_loop_after(seat->loop, &seat->due, -1);
    else
        (void)idem_loop_after(seat->loop, &seat->due, due > now ? (int64_t)(due - now) : 0);
}

static void pump(struct idem_seat *seat)
{
    int r = 1;

    for (int i = 0; i < AT_ONCE && r > 0; i++)
        r = sd_bus_process(seat->bus, NULL);
    if (r >= 0) {
        rearm(seat);
        return;
    }
    drop_bus(seat);
    failed(seat, "anything: the bus is gone", r);
}

static void on_due(void *arg)
{
    pump(arg);
}

static void on_bus(void *arg, short events)
{
    (void)events;
    pump(arg);
}

static void connect_to_bus(struct idem_seat *seat)
{
    int r = sd_bus_open_system(&seat->bus);

    seat->sleeping = seat->again = false;
    if (r < 0 || (r = listen_to(seat)) < 0) {
        seat->bus = sd_bus_close_unref(seat->bus);
        failed(seat, "anything: no bus", r);
        return;
    }
    seat->watch.fd = sd_bus_get_fd(seat->bus);
    (void)idem_loop_watch(seat->loop, &seat->watch);
    ask(seat);
    rearm(seat);
}

int idem_seat_open(struct idem_seat *seat)
{
    char *path = NULL;
    struct timespec t;

    if (sd_bus_path_encode("/org/freedesktop/login1/seat", seat->name, &path) < 0)
        return IDEM_ERR_NOMEM;
    keep(seat->path, sizeof seat->path, path);
    free(path);
    clock_gettime(CLOCK_MONOTONIC, &t);
    seat->unlocks.newest_us = (uint64_t)t.tv_sec * 1000000;
    seat->now.head = (struct idem_message_head){IDEM_BC_PRESENCE, sizeof seat->now};
    seat->watch = (struct idem_watch){-1, 0, on_bus, seat};
    seat->due = (struct idem_timer){.due = on_due, .arg = seat};
    seat->retry = (struct idem_timer){.due = on_retry, .arg = seat};
    connect_to_bus(seat);
    return 0;
}

int idem_seat_fixed(struct idem_seat *seat, const char *user)
{
    const struct passwd *who = getpwnam(user);
    struct idem_session s = {.path = "/", .class = "user"};

    if (who == NULL || strlen(user) >= sizeof s.user)
        return IDEM_ERR_NOT_FOUND;
    memcpy(s.user, user, strlen(user));
    s.uid = who->pw_uid;
    seat->front = seat->owner = s;
    settle(seat);
    return 0;
}

void idem_seat_close(struct idem_seat *seat)
{
    if (seat->bus != NULL)
        drop_bus(seat);
}
