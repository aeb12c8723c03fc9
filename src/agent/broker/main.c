/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - idem-broker: the only part of the agent with rights. Read it in this order: this file,
 * lines.h (who is spoken to), presence.h and seat.h (who is here), devices.h (what is plugged in),
 * notify.h. Everything that anybody can ask of it goes through on_verb() below.
 *
 *   a verb too often    refused with IDEM_ERR_LIMIT; a sensor that goes on asking loses its line
 *   SIGTERM, SIGINT     the end; the others notice by their lines
 */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/broker/devices.h"
#include "agent/broker/lines.h"
#include "agent/broker/notify.h"
#include "agent/broker/rights.h"
#include "agent/broker/seat.h"
#include "base/log.h"

/* So many at once, and then one each so many microseconds. */
struct allowance {
    uint32_t burst;
    int64_t each_us;
    int64_t full_us; /* when all of it is there again */
};

struct broker {
    struct idem_loop loop;
    struct idem_seat seat;
    struct idem_devices devices;
    struct idem_lines lines;
    struct idem_children cuts;
    struct idem_notify notify;
    struct idem_watch signals;
    struct allowance verbs[IDEM_VERBS], refusals;
    const char *fixed_user;
    bool no_devices;
};

static struct broker broker = {
    .seat.name = "seat0",
    .lines = {.sensor.path = "/run/idem-agent/sensor", .courier.path = "/run/idem-agent/courier"},
    .verbs = {[IDEM_VERB_CUT_OFF] = {IDEM_DEVICES_MAX, 1000000, 0},
              [IDEM_VERB_LOCK] = {4, 1000000, 0},
              [IDEM_VERB_NOTIFY] = {4, 5 * 1000000, 0}},
    .refusals = {32, 1000000, 0},
};

static bool is_allowed(struct allowance *a)
{
    int64_t now = idem_loop_now(), full = a->full_us > now ? a->full_us : now;

    if (full - now > (a->burst - 1) * a->each_us)
        return false;
    a->full_us = full + a->each_us;
    return true;
}

/* ------------------------------------------------------------------ verbs */

static void done(struct broker *b, uint32_t verb, uint32_t number, int err)
{
    struct idem_done_message m = {
        .head = {IDEM_BS_DONE, sizeof m}, .verb = verb, .number = number, .error = err};

    idem_lines_tell(&b->lines.sensor, &m.head, -1);
}

static int run_cut(const void *arg, uint32_t id)
{
    return idem_devices_cut(arg, id);
}

static void on_cut(void *arg, uint32_t id, int err)
{
    (void)arg;
    idem_log(err == 0 ? IDEM_LOG_INFO : IDEM_LOG_ERROR, "device %u: %s", id,
             err == 0 ? "cut off" : idem_strerror(err));
    done(&broker, IDEM_VERB_CUT_OFF, id, err);
}

/* Silent at once; off its bus as soon as it lets go of it. */
static int cut_off(struct broker *b, uint32_t id)
{
    int silent = idem_devices_silence(&b->devices, id);

    if (silent == IDEM_ERR_NOT_FOUND)
        return silent;
    if (idem_child_start(&b->cuts, IDEM_CHILDREN, run_cut, on_cut, &b->devices, id) != 0)
        on_cut(NULL, id, silent);
    return 0;
}

static void on_lock(void *arg, int err)
{
    done(arg, IDEM_VERB_LOCK, 0, err);
}

static int start(struct broker *b, uint32_t verb, uint32_t number)
{
    if (!is_allowed(&b->verbs[verb]))
        return IDEM_ERR_LIMIT;
    if (verb == IDEM_VERB_CUT_OFF)
        return cut_off(b, number);
    if (verb == IDEM_VERB_LOCK)
        return idem_seat_lock(&b->seat);
    int err = idem_notify_show(&b->notify, number);
    if (err == 0)
        done(b, verb, number, 0);
    return err;
}

/* All that the sensor can make happen. */
static void on_verb(void *arg, uint32_t verb, uint32_t number)
{
    struct broker *b = arg;
    int err = start(b, verb, number);

    if (err == 0)
        return;
    idem_log(IDEM_LOG_ERROR, "verb %u of %u: %s", verb, number, idem_strerror(err));
    done(b, verb, number, err);
    if (!is_allowed(&b->refusals))
        idem_lines_end(&b->lines.sensor, "it asks too much");
}

/* ------------------------------------------------------------------ what is told */

static void tell_sensor_presence(struct broker *b)
{
    struct idem_presence_message m = {.head = {IDEM_BS_PRESENCE, sizeof m},
                                      .presence = b->seat.now.presence,
                                      .unlocked = b->seat.now.unlocked};

    idem_lines_tell(&b->lines.sensor, &m.head, -1);
}

static void tell_courier_presence(void *arg)
{
    struct broker *b = arg;
    idem_lines_tell(&b->lines.courier, &b->seat.now.head, -1);
}

/* Not logged: when somebody comes and goes is nobody's business. */
static void on_seat(void *arg)
{
    struct broker *b = arg;

    tell_sensor_presence(b);
    tell_courier_presence(b);
}

static void tell_device(void *arg, const struct idem_device *device)
{
    struct broker *b = arg;
    int fd = b->lines.sensor.watch.fd < 0 ? -1 : idem_devices_node(device);

    if (fd < 0)
        return;
    idem_lines_tell(&b->lines.sensor, &device->message.head, fd);
    close(fd);
}

static void tell_gone(void *arg, uint32_t id)
{
    struct broker *b = arg;
    struct idem_number_message m = {.head = {IDEM_BS_GONE, sizeof m}, .number = id};

    idem_lines_tell(&b->lines.sensor, &m.head, -1);
}

static void tell_sensor_all(void *arg)
{
    struct broker *b = arg;

    tell_sensor_presence(b);
    for (size_t i = 0; i < IDEM_DEVICES_MAX; i++)
        if (b->devices.table[i].message.id != 0)
            tell_device(b, &b->devices.table[i]);
}

/* ------------------------------------------------------------------ start and end */

static void on_signal(void *arg, short events)
{
    struct broker *b = arg;
    struct signalfd_siginfo s;

    (void)events;
    if (read(b->signals.fd, &s, sizeof s) != (ssize_t)sizeof s)
        return;
    if (s.ssi_signo == SIGCHLD) {
        idem_child_reap(&b->cuts);
        idem_child_reap(&b->notify.children);
    } else
        idem_loop_end(&b->loop, 0);
}

static int watch_signals(struct broker *b)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    b->signals =
        (struct idem_watch){signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), POLLIN, on_signal, b};
    return b->signals.fd < 0 ? IDEM_ERR_IO : idem_loop_watch(&b->loop, &b->signals);
}

/* Nobody is spoken to before there is something to say of the seat. */
static void open_lines(void *arg)
{
    struct broker *b = arg;

    b->lines.loop = &b->loop;
    b->lines.verb = on_verb;
    b->lines.sensor_is_new = tell_sensor_all;
    b->lines.courier_is_new = tell_courier_presence;
    b->lines.arg = b;
    idem_lines_open(&b->lines);
}

static int open_seat(struct broker *b)
{
    b->seat.loop = &b->loop;
    b->seat.known = open_lines;
    b->seat.changed = on_seat;
    b->seat.lock_done = on_lock;
    b->seat.arg = b;
    if (b->fixed_user == NULL)
        return idem_seat_open(&b->seat);
    int err = idem_seat_fixed(&b->seat, b->fixed_user);
    idem_log(err == 0 ? IDEM_LOG_INFO : IDEM_LOG_ERROR,
             err == 0 ? "config: %s is at this seat all day, and its screen cannot be locked"
                      : "config: no user %s",
             b->fixed_user);
    return err;
}

static int open_devices(struct broker *b)
{
    b->devices.loop = &b->loop;
    b->devices.seat = b->seat.name;
    b->devices.came = tell_device;
    b->devices.went = tell_gone;
    b->devices.arg = b;
    if (b->no_devices) {
        idem_log(IDEM_LOG_INFO, "config: no devices are read");
        return 0;
    }
    int err = idem_devices_open(&b->devices);
    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "kernel: udev cannot be asked for devices");
    return err;
}

static int run(struct broker *b)
{
    b->lines.sensor.watch.fd = b->lines.courier.watch.fd = -1;
    b->notify.who = &b->seat.now;
    int err = idem_rights_give_up();
    if (err == 0)
        err = watch_signals(b);
    if (err == 0)
        err = open_devices(b);
    if (err == 0)
        err = open_seat(b);
    if (err == 0)
        err = idem_loop_run(&b->loop);
    idem_lines_close(&b->lines);
    idem_seat_close(&b->seat);
    idem_devices_close(&b->devices);
    return err == 0 ? 0 : 1;
}

static const char usage[] =
    "usage: idem-broker [options]\n"
    "Hands the seat's keyboards and pointers to the sensor, says who is present, and does what "
    "the\n"
    "sensor may ask for: cut off a device, lock the screen, show a notice.\n"
    "  --sensor PATH          the sensor's socket (/run/idem-agent/sensor)\n"
    "  --courier PATH         the courier's socket (/run/idem-agent/courier)\n"
    "  --seat NAME            logind's seat (seat0)\n"
    "  --without-logind USER  USER is at this seat all day; nothing can be locked\n"
    "  --no-devices           where evdev may not be read\n"
    "  --notify-bus ADDRESS   instead of /run/user/UID/bus\n"
    "  --help, --version\n";

int main(int argc, char **argv)
{
    static const struct option options[] = {{"sensor", required_argument, NULL, 's'},
                                            {"courier", required_argument, NULL, 'c'},
                                            {"seat", required_argument, NULL, 'e'},
                                            {"without-logind", required_argument, NULL, 'w'},
                                            {"no-devices", no_argument, NULL, 'd'},
                                            {"notify-bus", required_argument, NULL, 'n'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {NULL, 0, NULL, 0}};
    static const char **const kept[] = {['s'] = &broker.lines.sensor.path,
                                        ['c'] = &broker.lines.courier.path,
                                        ['e'] = &broker.seat.name,
                                        ['w'] = &broker.fixed_user,
                                        ['n'] = &broker.notify.bus};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?')
            return 2;
        if (option == 'h' || option == 'V') {
            printf("%s", option == 'h' ? usage : "idem-broker " IDEM_VERSION "\n");
            return 0;
        }
        if (option == 'd')
            broker.no_devices = true;
        else
            *kept[option] = optarg;
    }
    if (optind == argc)
        return run(&broker);
    fputs(usage, stderr);
    return 2;
}
