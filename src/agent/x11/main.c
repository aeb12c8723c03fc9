/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - idem-sensor-x11: windows and guards in an X session, for seats where the kernel's events
 * cannot be had. Chosen by an administrator, never by default: see NOTICE below, which it prints on
 * every start.
 *
 *   it runs as the person, and connects to the courier, which lets in only who sits at the seat
 *   it has no verbs: what an alarm does, the courier asks the other sensor for
 *   presence is the courier's word: it listens while settings say so, and is not connected to the X
 *   server otherwise, at a locked screen for example
 *   the courier is not there, or turns it away: it tries again, less and less often
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/confine.h"
#include "agent/sensor/courier.h"
#include "agent/x11/display.h"
#include "base/log.h"

#define IDEM_X11_SOCKET "/run/idem-agent/x11"

static const char notice[] =
    "this sensor reads an X session. An X socket shows whoever holds it all windows and all\n"
    "keys of the session, which is more than idem needs; and this process has all rights of the\n"
    "person. It is outside of what the agent promises, and runs because an administrator chose\n"
    "it. It asks the X server for times of keys and movements, and for nothing else.\n";

static const char usage[] =
    "usage: idem-sensor-x11 [--display DISPLAY] [--socket PATH] [--level LEVEL]\n"
    "  --display  the X server; by default that of the environment\n"
    "  --socket   the courier's; by default " IDEM_X11_SOCKET "\n"
    "  --level    the finest that keys may be told at: hand (default), mixed,\n"
    "             finger, fingerrow\n\n";

enum { FIRST_WAIT_S = 1, LONGEST_WAIT_S = 300, US_A_S = 1000000 };

struct x11 {
    const char *socket;
    enum idem_level finest;
    struct idem_loop loop;
    struct idem_engine *engine;
    struct idem_display display;
    struct idem_courier_line courier;
    struct idem_timer again;
    int64_t wait_s;
};

static struct x11 x11;

/* ------------------------------------------------------------------ what the engine hands out */

static void on_window(void *arg, const struct idem_window *window)
{
    struct x11 *x = arg;
    idem_courier_line_window(&x->courier, window);
}

static void on_alarm(void *arg, const struct idem_alarm_message *alarm)
{
    struct x11 *x = arg;
    struct idem_alarm_message told = *alarm;

    told.action = IDEM_ACTION_OBSERVE;
    idem_courier_line_alarm(&x->courier, &told);
}

static void on_verb(void *arg, enum idem_verb verb, uint32_t number)
{
    (void)arg, (void)verb, (void)number; /* nobody here could do it */
}

static void on_deadline(void *arg, int64_t at_us)
{
    (void)arg, (void)at_us;
}

/* ------------------------------------------------------------------ the courier */

/* Until the courier says otherwise. */
static void ask_for_nothing(struct x11 *x)
{
    struct idem_settings_message m;

    idem_settings_default(&m);
    m.guard = 0;
    (void)idem_engine_settings(x->engine, &m, idem_loop_now());
}

static void settle(void *arg)
{
    struct x11 *x = arg;
    const char *reason = "";

    if (x->courier.watch.fd < 0) {
        ask_for_nothing(x);
        (void)idem_loop_after(&x->loop, &x->again, x->wait_s * US_A_S);
    }
    if (idem_display_listen(&x->display, &reason) != 0) {
        idem_log(IDEM_LOG_ERROR, "config: %s", reason);
        idem_loop_end(&x->loop, IDEM_ERR_IO);
    }
    if (idem_engine_listens(x->engine))
        x->wait_s = FIRST_WAIT_S;
    idem_courier_line_state(&x->courier);
}

static void try_to_connect(void *arg)
{
    struct x11 *x = arg;
    int fd = idem_line_connect(x->socket);

    x->wait_s = x->wait_s * 2 > LONGEST_WAIT_S ? LONGEST_WAIT_S : x->wait_s * 2;
    if (fd >= 0)
        idem_courier_line_begin(&x->courier, fd);
    settle(x);
}

/* ------------------------------------------------------------------ */

static int begin(struct x11 *x, const char *display)
{
    const struct idem_engine_calls calls = {on_window, on_alarm, on_verb, on_deadline, x};
    int err = idem_confine_process(NULL);

    if (err == 0)
        err = idem_engine_new(&calls, &x->engine);
    if (err != 0)
        return err;
    idem_engine_presence(x->engine, IDEM_PRESENT, 0, idem_loop_now());
    idem_display_init(&x->display, display, &x->loop, x->engine);
    x->display.settle = settle;
    x->display.arg = x;
    idem_courier_line_init(&x->courier, &x->loop, x->engine, settle, x);
    x->courier.finest = x->finest;
    x->again = (struct idem_timer){.due = try_to_connect, .arg = x};
    x->wait_s = FIRST_WAIT_S;
    ask_for_nothing(x);
    try_to_connect(x);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"display", required_argument, NULL, 'd'},
                                            {"socket", required_argument, NULL, 's'},
                                            {"level", required_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *display = NULL;
    int option;

    x11.socket = IDEM_X11_SOCKET;
    x11.finest = IDEM_LEVEL_DEFAULT;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h')
            return printf("%s%s", usage, notice) < 0;
        if (option == 'd')
            display = optarg;
        else if (option == 's')
            x11.socket = optarg;
        else if (option == 'l' && idem_level_parse(optarg, &x11.finest) == 0)
            continue;
        else
            return 2;
    }
    if (optind < argc)
        return fputs(usage, stderr), 2;
    fprintf(stderr, "idem-sensor-x11: %s", notice);
    int err = begin(&x11, display);
    if (err == 0)
        err = idem_loop_run(&x11.loop);
    idem_log(IDEM_LOG_ERROR, "the sensor for X ends: %s", idem_strerror(err));
    return 1;
}
