/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.c - the courier's lines to the other processes: who may begin one, what comes in, what goes
 * out.
 *
 *   broker   connects to the inherited socket "courier"; root (or the courier's own user, where all
 *            run as one). The last one counts. It says presence, and hands over lines to the sensor
 *   sensor   what the broker hands over. Front, settings and acts go out; windows, alarms and its
 *            state come in
 *   x11      connects to the inherited socket "x11": the user at the seat and nobody else, only if
 *            the configuration says so. Windows are made there only while the sensor has no device,
 *            so that no stroke counts twice; it is asked to act on nothing. It may be any program
 *            of that user: what it says unasked is not taken
 *
 * A peer that says what it may not, or is gone, loses its line. A descriptor that is no socket ends
 * the process: nobody hands a device to a courier by mistake.
 */
#include "agent/courier/courier.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/courier/stranger.h"
#include "base/log.h"

enum { AT_ONCE = 16, DIED = 3 }; /* messages of one peer before the others have their turn */
/* No hand makes a window a second; what has waited for a courier comes in one go. */
enum { RATION = 240, RATION_US = 1000000 };
enum { LATE_US = 30 * 1000000 }; /* no alarm is for as long on its way */

static struct idem_line_buffer received; /* one message is looked at at a time */

static bool send_to(struct idem_courier_line *line, const struct idem_message_head *head, int fd);

/* ------------------------------------------------------------------ ends */

static void end(struct idem_courier_line *line, const char *why)
{
    struct idem_courier *c = line->courier;

    if (!idem_lines_stand(line))
        return;
    idem_log(IDEM_LOG_INFO, "courier: the line to the %s has ended: %s", line->name, why);
    idem_loop_unwatch(&c->loop, &line->watch);
    idem_stranger_close(line->watch.fd);
    line->watch.fd = -1;
    line->has_front = line->has_said = false;
    memset(&line->state, 0, sizeof line->state);
    memset(&line->told, 0, sizeof line->told);
    if (line == &c->broker)
        idem_presence_lost(c);
    idem_lines_update(c);
    idem_ask_changed(c);
}

static void begin(struct idem_courier_line *line, int fd)
{
    struct idem_courier *c = line->courier;

    end(line, "there is another");
    line->watch.fd = fd;
    line->leave = line == &c->sensor; /* what it has made meanwhile, by a former process's leave */
    if (idem_loop_watch(&c->loop, &line->watch) != 0) {
        idem_stranger_close(fd);
        line->watch.fd = -1;
        return;
    }
    idem_log(IDEM_LOG_INFO, "courier: the %s is there", line->name);
    idem_lines_update(c);
    idem_ask_changed(c);
}

void idem_lines_shut_x11(struct idem_courier *c)
{
    end(&c->x11, "another user's");
}

/* ------------------------------------------------------------------ what comes in */

static void hear(struct idem_courier_line *line);

/* What the sensor before has still said is heard first. */
static void take_line(struct idem_courier *c)
{
    int type, fd = received.fd;
    socklen_t len = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0) {
        idem_log(IDEM_LOG_ERROR, "courier: peer: a descriptor came that is no socket; ending");
        _exit(DIED);
    }
    if (idem_lines_stand(&c->sensor))
        hear(&c->sensor);
    begin(&c->sensor, fd);
}

static void from_broker(struct idem_courier *c)
{
    switch (idem_line_head(&received)->type) {
    case IDEM_BC_PRESENCE:
        idem_presence_take(c, (const void *)received.bytes);
        break;
    case IDEM_BC_LINE:
        take_line(c);
        break;
    default:
        break;
    }
}

/* Whose windows are made changes only when nobody's are. */
static bool makes_windows(const struct idem_courier_line *line)
{
    return idem_lines_stand(line) && (line->state.collecting != 0 || line->told.collect != 0);
}

/* Somebody is followed by somebody else in what the sensor says when it has said that nobody was
 * there. It may say so before the broker does, or after. */
void idem_lines_settle(struct idem_courier *c)
{
    bool late = idem_loop_now() - c->changed_us > LATE_US;

    if (c->person[0] == 0 || (c->guarded[0] != 0 && !c->guarded_left && !late))
        return;
    memcpy(c->guarded, c->person, sizeof c->guarded);
    c->guarded_left = false;
}

static void turn_away(struct idem_courier *c, const struct idem_courier_line *line)
{
    if (c->turned_away++ == 0)
        idem_log(IDEM_LOG_ERROR, "courier: peer: the %s says more than it was asked for",
                 line->name);
}

static bool is_within_ration(struct idem_courier_line *line)
{
    int64_t now = idem_loop_now(), back = (now - line->rationed_us) / RATION_US;

    line->windows = back > line->windows ? 0 : line->windows - (uint32_t)back;
    line->rationed_us = line->windows == 0 ? now : line->rationed_us + back * RATION_US;
    return line->windows < RATION;
}

static void take_window(struct idem_courier_line *line)
{
    if (!line->leave || !is_within_ration(line)) {
        turn_away(line->courier, line);
        return;
    }
    line->windows++;
    idem_sending_window(line->courier, &received);
}

static void take_alarm(struct idem_courier_line *line)
{
    const struct idem_alarm_message *alarm = (const void *)received.bytes;
    const struct idem_number_message heard = {{IDEM_CS_HEARD, sizeof heard}, alarm->number};
    struct idem_courier *c = line->courier;
    bool own = line == &c->x11; /* its line ends with its person's being here */

    idem_lines_settle(c);
    if (own && line->told.guard == 0)
        turn_away(c, line);
    else if (!idem_sending_alarm(c, own ? c->person : c->guarded, alarm))
        return;
    send_to(line, &heard.head, -1);
}

static void take_state(struct idem_courier_line *line)
{
    struct idem_courier *c = line->courier;

    line->state = *(const struct idem_state_message *)(const void *)received.bytes;
    if (line->has_said && line->state.collecting == 0)
        line->leave = line->told.collect != 0;
    line->has_said = true;
    if (line == &c->sensor && line->state.presence == IDEM_NOBODY) {
        c->guarded_left = true;
        if (strcmp(c->guarded, c->person) != 0)
            idem_lines_settle(c);
    }
    idem_lines_update(c);
    idem_ask_changed(c);
}

static void from_sensor(struct idem_courier_line *line)
{
    switch (idem_line_head(&received)->type) {
    case IDEM_SC_WINDOW:
        take_window(line);
        break;
    case IDEM_SC_ALARM:
        take_alarm(line);
        break;
    case IDEM_SC_STATE:
        take_state(line);
        break;
    default: /* IDEM_SC_DONE: what the broker did is in the broker's log */
        break;
    }
}

static void hear(struct idem_courier_line *line)
{
    struct idem_courier *c = line->courier;
    char from = line == &c->broker ? 'b' : 's';
    int fd = line->watch.fd, err = 0;

    for (int i = 0; i < AT_ONCE && err == 0 && line->watch.fd == fd; i++) {
        /* Nothing that is the person's own may come with a descriptor: none is taken. */
        err = line == &c->x11 && idem_stranger_carries(fd)
                  ? IDEM_ERR_INVALID
                  : idem_line_receive(fd, from, 'c', &received);
        if (err == 0 && from == 'b')
            from_broker(c);
        else if (err == 0)
            from_sensor(line);
    }
    if (err == IDEM_ERR_INVALID)
        end(line, "peer: it said what it may not");
    else if (err != 0 && err != IDEM_ERR_NOT_FOUND)
        end(line, "it is gone");
}

/* Both lines may have waited: who is here comes before what was made under him. */
static void heard(void *arg, short events)
{
    struct idem_courier_line *line = arg;
    struct idem_courier *c = line->courier;

    (void)events;
    if (line != &c->broker && idem_lines_stand(&c->broker))
        hear(&c->broker);
    if (idem_lines_stand(line))
        hear(line);
    idem_session_step(c);
}

/* ------------------------------------------------------------------ who may begin */

static void at_the_door(void *arg, short events)
{
    struct idem_courier *c = arg;
    uid_t uid;
    int fd;

    (void)events;
    while ((fd = idem_line_accept(c->door.fd, &uid)) >= 0) {
        if (uid == 0 || uid == geteuid()) {
            begin(&c->broker, fd);
            continue;
        }
        idem_log(IDEM_LOG_ERROR, "courier: peer: user %u is no broker", (unsigned)uid);
        close(fd);
    }
}

static void at_the_x11_door(void *arg, short events)
{
    struct idem_courier *c = arg;
    uid_t uid;
    int fd;

    (void)events;
    for (int i = 0; i < AT_ONCE && (fd = idem_line_accept(c->x11_door.fd, &uid)) >= 0; i++) {
        idem_stranger_meet(fd);
        if (c->config.x11 && idem_presence_is_here(c) && uid == c->seat.uid)
            begin(&c->x11, fd);
        else
            idem_stranger_close(fd);
    }
}

static void init_line(struct idem_courier *c, struct idem_courier_line *line, const char *name)
{
    *line = (struct idem_courier_line){.courier = c, .name = name};
    line->watch = (struct idem_watch){-1, POLLIN, heard, line};
}

static int open_door(struct idem_courier *c, struct idem_watch *door, const char *name,
                     void (*ready)(void *arg, short events))
{
    int fd = idem_line_inherited(name);

    *door = (struct idem_watch){fd, POLLIN, ready, c};
    return fd < 0 ? IDEM_ERR_NOT_FOUND : idem_loop_watch(&c->loop, door);
}

int idem_lines_open(struct idem_courier *c)
{
    init_line(c, &c->broker, "broker");
    init_line(c, &c->sensor, "sensor");
    init_line(c, &c->x11, "sensor for X");
    if (open_door(c, &c->x11_door, "x11", at_the_x11_door) == 0) /* may be missing */
        idem_stranger_meet(c->x11_door.fd);
    return open_door(c, &c->door, "courier", at_the_door);
}

void idem_lines_close(struct idem_courier *c)
{
    struct idem_courier_line *const lines[] = {&c->broker, &c->sensor, &c->x11};

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        idem_loop_unwatch(&c->loop, &lines[i]->watch);
        if (idem_lines_stand(lines[i]))
            idem_stranger_close(lines[i]->watch.fd);
        lines[i]->watch.fd = -1;
    }
}

/* ------------------------------------------------------------------ what goes out */

static bool send_to(struct idem_courier_line *line, const struct idem_message_head *head, int fd)
{
    int err = idem_line_send(line->watch.fd, head, fd);

    if (err == IDEM_ERR_FULL)
        end(line, "it does not read");
    else if (err != 0)
        end(line, "it is gone");
    return err == 0;
}

static void send_front(struct idem_courier *c, struct idem_courier_line *line)
{
    const struct idem_number_message m = {{IDEM_CS_FRONT, sizeof m}, c->front_len};

    if (c->front != NULL && !line->has_front)
        line->has_front = send_to(line, &m.head, c->front_fd);
}

static void send_settings(struct idem_courier *c, struct idem_courier_line *line, bool collect,
                          bool guard)
{
    struct idem_settings_message m = c->rules.settings;

    m.head = (struct idem_message_head){IDEM_CS_SETTINGS, sizeof m};
    m.collect = collect && line->has_front;
    m.guard = m.guard != 0 && guard;
    if (memcmp(&m, &line->told, sizeof m) == 0 || !send_to(line, &m.head, -1))
        return;
    line->told = m;
    line->leave = line->leave || m.collect != 0;
}

static bool has_devices(const struct idem_courier_line *line)
{
    return idem_lines_stand(line) && line->state.keyboards + line->state.pointers > 0;
}

/* Windows that are still on their way belong to the one before. */
static bool may_collect(struct idem_courier *c)
{
    if (!idem_presence_may_collect(c))
        return false;
    if (strcmp(c->collected, c->person) == 0)
        return true;
    if (makes_windows(&c->sensor) || makes_windows(&c->x11))
        return false;
    memcpy(c->collected, c->person, sizeof c->collected);
    memcpy(c->guarded, c->person, sizeof c->guarded);
    return true;
}

/* Said once to a person, not after every unlocking. */
static void tell_collecting(struct idem_courier *c)
{
    bool collecting = c->sensor.told.collect != 0 || c->x11.told.collect != 0;

    if (!collecting || c->told_collecting || !idem_lines_stand(&c->sensor))
        return;
    c->told_collecting = true;
    idem_lines_notify(c, IDEM_NOTICE_COLLECTING);
}

void idem_lines_update(struct idem_courier *c)
{
    bool collect = may_collect(c);
    bool x11 = idem_lines_stand(&c->x11) && !has_devices(&c->sensor);
    bool present = c->seat.presence == IDEM_PRESENT; /* which the one for X is not told */

    if (idem_lines_stand(&c->sensor))
        send_front(c, &c->sensor);
    if (idem_lines_stand(&c->sensor))
        send_settings(c, &c->sensor, collect && !x11, true);
    if (idem_lines_stand(&c->x11))
        send_front(c, &c->x11);
    if (idem_lines_stand(&c->x11))
        send_settings(c, &c->x11, collect && x11 && present, x11 && present);
    tell_collecting(c);
}

void idem_lines_act(struct idem_courier *c, const struct idem_act_message *act)
{
    if (idem_lines_stand(&c->sensor))
        send_to(&c->sensor, &act->head, -1);
}

void idem_lines_notify(struct idem_courier *c, enum idem_notice notice)
{
    struct idem_act_message act;

    idem_act_message(IDEM_ACTION_NOTIFY, 0, notice, &act);
    idem_lines_act(c, &act);
}
