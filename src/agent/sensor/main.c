/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - idem-sensor: the one process that sees keys, and that can do nothing with them but hand
 * out windows and alarms. See docs/agent.md.
 *
 * It reads one inherited socket, "sensor", and no argument but --help and --level, which is root's
 * to say, in the unit. First it gives up all it
 * does not need; then it waits for the broker.
 */
#include <stdio.h>
#include <string.h>

#include "agent/sensor/broker.h"
#include "agent/sensor/confined.h"
#include "base/log.h"

struct sensor {
    struct idem_loop loop;
    struct idem_engine *engine;
    struct idem_devices devices;
    struct idem_broker_line broker;
    struct idem_courier_line courier;
    struct idem_timer untouched;
    bool finished[IDEM_MODALITIES]; /* a window was, in this turn of the loop */
};

/* Too large for a stack that is wiped. */
static struct sensor sensor;

static void on_window(void *arg, const struct idem_window *window)
{
    struct sensor *s = arg;

    s->finished[idem_window_modality(window)] = true;
    idem_courier_line_window(&s->courier, window);
}

static void on_alarm(void *arg, const struct idem_alarm_message *alarm)
{
    struct sensor *s = arg;
    idem_courier_line_alarm(&s->courier, alarm);
}

static void on_verb(void *arg, enum idem_verb verb, uint32_t number)
{
    struct sensor *s = arg;
    idem_broker_line_verb(&s->broker, verb, number);
}

static void on_deadline(void *arg, int64_t at_us)
{
    struct sensor *s = arg;
    int64_t left_us = at_us < 0 ? -1 : at_us - idem_loop_now();

    (void)idem_loop_after(&s->loop, &s->untouched, at_us >= 0 && left_us < 0 ? 0 : left_us);
}

static void on_due(void *arg)
{
    struct sensor *s = arg;
    idem_engine_due(s->engine, idem_loop_now());
}

/* After whatever has happened. */
static void settle(void *arg)
{
    struct sensor *s = arg;

    for (int m = 0; m < IDEM_MODALITIES; m++) {
        if (s->finished[m])
            idem_devices_renew(&s->devices, (enum idem_modality)m);
        s->finished[m] = false;
    }
    idem_devices_listen(&s->devices);
    idem_courier_line_state(&s->courier);
}

static int begin(struct sensor *s, int listening, enum idem_level finest)
{
    const struct idem_engine_calls calls = {on_window, on_alarm, on_verb, on_deadline, s};
    int err = idem_engine_new(&calls, &s->engine);

    if (err != 0)
        return err;
    s->untouched = (struct idem_timer){.due = on_due, .arg = s};
    idem_devices_init(&s->devices, &s->loop, s->engine, settle, s);
    idem_courier_line_init(&s->courier, &s->loop, s->engine, settle, s);
    s->courier.finest = finest;
    s->broker = (struct idem_broker_line){.loop = &s->loop,
                                          .engine = s->engine,
                                          .devices = &s->devices,
                                          .courier = &s->courier,
                                          .settle = settle,
                                          .arg = s};
    return idem_broker_line_wait(&s->broker, listening);
}

static int help(void)
{
    printf("usage: idem-sensor [--level hand|mixed|finger|fingerrow]\n"
           "Reads the keyboards and pointers that idem-broker hands to it, and makes windows and\n"
           "alarms of what they say. Started by systemd with the socket \"sensor\"; see\n"
           "idem-sensor(8).\n"
           "  --level  how finely keys may be told, whatever courier and server say; by default\n"
           "           hand\n");
    return 0;
}

int main(int argc, char **argv)
{
    enum idem_level finest = IDEM_LEVEL_DEFAULT;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return help();
    if (argc != 1 &&
        (argc != 3 || strcmp(argv[1], "--level") != 0 || idem_level_parse(argv[2], &finest) != 0))
        return fputs("idem-sensor: unknown argument; see idem-sensor --help\n", stderr), 2;
    int listening = idem_line_inherited("sensor");
    if (listening < 0) {
        idem_log(IDEM_LOG_ERROR, "config: no socket named \"sensor\" was handed over");
        return 2;
    }
    idem_devices_prepare();
    int err = idem_sensor_confine();
    if (err == 0)
        err = begin(&sensor, listening, finest);
    if (err == 0)
        err = idem_loop_run(&sensor.loop);
    idem_log(IDEM_LOG_ERROR, "kernel: the sensor ends: %s", idem_strerror(err));
    return 1;
}
