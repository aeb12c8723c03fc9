/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - see lines.h. */
#include "agent/broker/lines.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

enum { WAIT_LEAST_US = 100 * 1000, WAIT_MOST_US = 10 * 1000 * 1000, AT_ONCE = 16 };

static void wait_for_it(struct idem_broker_line *line)
{
    (void)idem_loop_after(line->lines->loop, &line->again, line->wait_us);
    line->wait_us = line->wait_us * 2 < WAIT_MOST_US ? line->wait_us * 2 : WAIT_MOST_US;
}

void idem_lines_end(struct idem_broker_line *line, const char *why)
{
    if (line->watch.fd < 0)
        return;
    idem_log(IDEM_LOG_ERROR, "peer: the %s's line ended: %s", line->name, why);
    idem_loop_unwatch(line->lines->loop, &line->watch);
    close(line->watch.fd);
    line->watch.fd = -1;
    /* Who lived for a while is asked for at once; who dies of each line is not. */
    if (idem_loop_now() - line->since_us > WAIT_MOST_US)
        line->wait_us = WAIT_LEAST_US;
    wait_for_it(line);
}

void idem_lines_tell(struct idem_broker_line *line, const struct idem_message_head *head, int fd)
{
    int err = line->watch.fd < 0 ? 0 : idem_line_send(line->watch.fd, head, fd);

    if (err != 0)
        idem_lines_end(line, err == IDEM_ERR_FULL ? "it does not read" : "it is gone");
}

static void introduce(struct idem_lines *lines)
{
    struct idem_number_message m = {.head = {IDEM_BS_LINE, sizeof m}};
    int ends[2];

    if (lines->sensor.watch.fd < 0 || lines->courier.watch.fd < 0)
        return;
    if (idem_line_pair(ends) != 0) {
        idem_log(IDEM_LOG_ERROR, "kernel: no line between sensor and courier");
        return;
    }
    idem_lines_tell(&lines->sensor, &m.head, ends[0]);
    m.head.type = IDEM_BC_LINE;
    idem_lines_tell(&lines->courier, &m.head, ends[1]);
    close(ends[0]);
    close(ends[1]);
}

static void on_sensor(void *arg, short events)
{
    static struct idem_line_buffer got;
    struct idem_lines *lines = arg;
    int err = 0;

    (void)events;
    for (int i = 0; i < AT_ONCE && err == 0 && lines->sensor.watch.fd >= 0; i++) {
        err = idem_line_receive(lines->sensor.watch.fd, 's', 'b', &got);
        const struct idem_verb_message *m = (const void *)got.bytes;
        if (err == 0)
            lines->verb(lines->arg, m->verb, m->number);
    }
    if (err == IDEM_ERR_INVALID)
        idem_lines_end(&lines->sensor, "it said what it may not");
    else if (err == IDEM_ERR_IO)
        idem_lines_end(&lines->sensor, "it is gone");
}

/* Nothing is asked of this descriptor, so that this is its end: the kernel tells of that always. */
static void on_courier(void *arg, short events)
{
    struct idem_lines *lines = arg;

    (void)events;
    idem_lines_end(&lines->courier, "it is gone");
}

static void connect_to(void *arg)
{
    struct idem_broker_line *line = arg;
    struct idem_lines *lines = line->lines;
    bool is_courier = line == &lines->courier;

    line->watch.fd = idem_line_connect(line->path);
    if (line->watch.fd < 0) {
        line->watch.fd = -1;
        wait_for_it(line);
        return;
    }
    if (is_courier)
        shutdown(line->watch.fd, SHUT_RD);
    line->since_us = idem_loop_now();
    (void)idem_loop_watch(lines->loop, &line->watch);
    idem_log(IDEM_LOG_INFO, "the %s is there", line->name);
    (is_courier ? lines->courier_is_new : lines->sensor_is_new)(lines->arg);
    introduce(lines);
}

static void open_line(struct idem_lines *lines, struct idem_broker_line *line, const char *name)
{
    bool is_courier = line == &lines->courier;

    line->name = name;
    line->lines = lines;
    line->wait_us = WAIT_LEAST_US;
    line->again = (struct idem_timer){.due = connect_to, .arg = line};
    line->watch = (struct idem_watch){-1, is_courier ? 0 : POLLIN,
                                      is_courier ? on_courier : on_sensor, lines};
    connect_to(line);
}

void idem_lines_open(struct idem_lines *lines)
{
    open_line(lines, &lines->sensor, "sensor");
    open_line(lines, &lines->courier, "courier");
}

void idem_lines_close(struct idem_lines *lines)
{
    if (lines->sensor.watch.fd >= 0)
        close(lines->sensor.watch.fd);
    if (lines->courier.watch.fd >= 0)
        close(lines->courier.watch.fd);
}
