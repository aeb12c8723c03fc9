/* SPDX-License-Identifier: Apache-2.0 */
/* world.c - see world.h: processes, and what their lines say. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define SOCKETS "/run/idem-agent"

enum { SENSOR_USER = 991, FRONT_SOURCE_MAX = 1024 * 1024, FIRST_INHERITED = 3 };

/* ------------------------------------------------------------------ processes */

static int listen_at(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    unlink(path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&to, sizeof to) != 0 ||
        chmod(path, 0600) != 0 || listen(fd, 8) != 0) {
        tap_say("%s: %s", path, strerror(errno));
        exit(1);
    }
    return fd;
}

static void be_sensor(int listening)
{
    char pid[16];

    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_FDNAMES", "sensor", 1);
    setenv("LISTEN_PID", pid, 1);
    /* dup2() of a descriptor onto itself leaves close-on-exec as it is. */
    if (dup2(listening, FIRST_INHERITED) != FIRST_INHERITED ||
        fcntl(FIRST_INHERITED, F_SETFD, 0) != 0 || setgroups(0, NULL) != 0 ||
        setresgid(SENSOR_USER, SENSOR_USER, SENSOR_USER) != 0 ||
        setresuid(SENSOR_USER, SENSOR_USER, SENSOR_USER) != 0)
        _exit(126);
    execl("/usr/libexec/idem/idem-sensor", "idem-sensor", (char *)NULL);
    _exit(127);
}

pid_t world_start_sensor(const struct world *w)
{
    pid_t pid = fork();

    if (pid == 0)
        be_sensor(w->sensor_listening);
    return pid;
}

pid_t world_start_broker(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        execl("/usr/libexec/idem/idem-broker", "idem-broker", "--without-logind", "olga",
              (char *)NULL);
        _exit(127);
    }
    return pid;
}

void world_kill(pid_t *pid)
{
    if (*pid > 0) {
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

bool world_ended(pid_t pid, int *status)
{
    return waitpid(pid, status, WNOHANG) == pid;
}

/* ------------------------------------------------------------------ what the courier says */

static int memory_of(const void *bytes, size_t len)
{
    int fd = memfd_create("front", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        tap_say("front: %s", strerror(errno));
        exit(1);
    }
    return fd;
}

/* The public half of the population that is shipped. */
static int front(size_t *len)
{
    static uint8_t bytes[FRONT_SOURCE_MAX];
    struct idem_population *pop = NULL;
    const char *reason = "cannot be read";
    int source = open("/default.pop", O_RDONLY | O_CLOEXEC);
    ssize_t n = source >= 0 ? read(source, bytes, sizeof bytes) : -1;

    if (n <= 0 || idem_population_parse(bytes, (size_t)n, &pop, &reason) != 0) {
        tap_say("/default.pop: %s", reason);
        exit(1);
    }
    close(source);
    const void *half = idem_population_front_bytes(pop, len);
    int fd = memory_of(half, *len);
    idem_population_free(pop);
    return fd;
}

void world_give_leave(const struct world *w)
{
    struct idem_settings_message settings;
    struct idem_number_message m = {.head = {IDEM_CS_FRONT, sizeof m}};
    size_t len = 0;
    int fd = front(&len);

    m.number = len;
    idem_settings_default(&settings);
    settings.collect = 1;
    settings.window_keys = WORLD_WINDOW_KEYS;
    if (idem_line_send(w->line, &m.head, fd) != 0 ||
        idem_line_send(w->line, &settings.head, -1) != 0)
        tap_say("the sensor takes no settings");
    close(fd);
}

/* ------------------------------------------------------------------ what it hears */

static void drop(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void hear_broker(struct world *w)
{
    static struct idem_line_buffer got;
    int err = idem_line_receive(w->told, 'b', 'c', &got);

    if (err == IDEM_ERR_NOT_FOUND)
        return;
    if (err != 0) {
        drop(&w->told);
        return;
    }
    if (idem_line_head(&got)->type == IDEM_BC_PRESENCE) {
        memcpy(&w->presence, got.bytes, sizeof w->presence);
        return;
    }
    drop(&w->line);
    w->line = got.fd;
    w->lines++;
    world_give_leave(w);
}

static void keep(struct world *w, const struct idem_line_buffer *got)
{
    switch (idem_line_head(got)->type) {
    case IDEM_SC_WINDOW:
        w->windows++;
        memcpy(&w->window, got->bytes, sizeof w->window);
        break;
    case IDEM_SC_ALARM:
        memcpy(&w->alarms[w->alarm_count % WORLD_ALARMS], got->bytes, sizeof *w->alarms);
        w->alarm_count++;
        break;
    case IDEM_SC_STATE:
        memcpy(&w->state, got->bytes, sizeof w->state);
        break;
    default:
        memcpy(&w->dones[w->done_count % WORLD_DONES], got->bytes, sizeof *w->dones);
        w->done_count++;
    }
}

static void hear_sensor(struct world *w)
{
    static struct idem_line_buffer got;
    int err = idem_line_receive(w->line, 's', 'c', &got);

    if (err == 0)
        keep(w, &got);
    else if (err != IDEM_ERR_NOT_FOUND)
        drop(&w->line);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void turn(struct world *w, int ms)
{
    struct pollfd from[] = {
        {w->courier_listening, POLLIN, 0}, {w->told, POLLIN, 0}, {w->line, POLLIN, 0}};

    if (poll(from, 3, ms) <= 0)
        return;
    if (from[0].revents) {
        uid_t uid;
        int fd = idem_line_accept(w->courier_listening, &uid);
        drop(&w->told);
        w->told = fd >= 0 ? fd : -1;
    }
    if (from[1].revents && w->told == from[1].fd)
        hear_broker(w);
    if (from[2].revents && w->line == from[2].fd)
        hear_sensor(w);
}

bool world_listen(struct world *w, int ms, bool (*done)(const struct world *w, const void *arg),
                  const void *arg)
{
    int64_t end = now_ms() + ms;

    while (!(done && done(w, arg))) {
        int64_t left = end - now_ms();
        if (left <= 0)
            return done && done(w, arg);
        turn(w, (int)left);
    }
    return true;
}

static bool keyboards_are(const struct world *w, const void *count)
{
    return w->line >= 0 && w->state.keyboards == *(const uint32_t *)count;
}

bool world_has_keyboards(struct world *w, uint32_t count)
{
    bool ok = world_listen(w, WORLD_WAIT_MS, keyboards_are, &count);

    if (!ok)
        tap_say("the sensor reads %u keyboards, not %u", w->state.keyboards, count);
    return ok;
}

void world_forget(struct world *w)
{
    world_listen(w, 200, NULL, NULL);
    w->windows = w->alarm_count = w->done_count = 0;
}

const struct idem_alarm_message *world_alarm(const struct world *w, enum idem_agent_action least)
{
    for (uint32_t i = 0; i < w->alarm_count && i < WORLD_ALARMS; i++)
        if (w->alarms[i].kind == IDEM_GUARD_INJECTED_KEYS && w->alarms[i].action >= least)
            return &w->alarms[i];
    return NULL;
}

bool world_did(const struct world *w, enum idem_verb verb)
{
    for (uint32_t i = 0; i < w->done_count && i < WORLD_DONES; i++)
        if (w->dones[i].verb == verb && w->dones[i].error == 0)
            return true;
    return false;
}

/* ------------------------------------------------------------------ start and end */

static bool is_collecting(const struct world *w, const void *arg)
{
    (void)arg;
    return w->line >= 0 && w->state.collecting == 1;
}

void world_open(struct world *w)
{
    *w = (struct world){.told = -1, .line = -1};
    mkdir(SOCKETS, 0755);
    w->sensor_listening = listen_at(SOCKETS "/sensor");
    w->courier_listening = listen_at(SOCKETS "/courier");
}

bool world_start(struct world *w)
{
    world_open(w);
    w->sensor = world_start_sensor(w);
    w->broker = world_start_broker();
    return world_listen(w, WORLD_WAIT_MS, is_collecting, NULL);
}

void world_stop(struct world *w)
{
    world_kill(&w->broker);
    world_kill(&w->sensor);
    drop(&w->told);
    drop(&w->line);
    drop(&w->sensor_listening);
    drop(&w->courier_listening);
}
