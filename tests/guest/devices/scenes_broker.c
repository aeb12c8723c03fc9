/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenes_broker.c - the broker as it is shipped, before a kernel and udev; this program is its
 * sensor and its courier:
 *
 *   what can type is handed over, what cannot is not     also the keyboard that claims one letter
 *   what was there, what came                            flags, time, one group a physical device
 *   two say that they are the same                       the later one is a twin; the one that is
 *                                                        named is cut off, and not the other
 *   a program's keyboard                                 is synthetic; cut off, it says nothing
 *   plugged in and pulled out at once, many times        nothing is left, and no id comes again
 *   more than there is room for                          what is not handed over is silenced
 */
#include <fcntl.h>
#include <linux/input.h>
#include <linux/uinput.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/line.h"
#include "keyboard.h"
#include "scenes.h"
#include "tap.h"

enum { VENDOR = 0x046d, PRODUCT = 0xc31c, WAIT_MS = 10000, QUIET_MS = 1500, ALL = 512 };
enum { TIMES = 20, TOO_MANY = IDEM_DEVICES_MAX + 3, TRIES = 500, TRY_US = 20000 };

/* What the sensor was told of. */
struct heard {
    struct idem_device_message of[ALL];
    int fd[ALL];
    bool here[ALL], again;
    uint32_t count;
    struct idem_done_message done;
    bool has_done;
};

static struct {
    pid_t pid;
    int sensor, courier;
    struct heard heard;
} b;

/* ------------------------------------------------------------------ the broker's peers */

static int listen_at(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    unlink(path);
    return bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 4) == 0 ? fd : -1;
}

static bool start(void)
{
    int sensor = listen_at("/tmp/broker-sensor"), courier = listen_at("/tmp/broker-courier");

    b.pid = fork();
    if (b.pid == 0) {
        execl("/usr/libexec/idem/idem-broker", "idem-broker", "--without-logind", "olga",
              "--sensor", "/tmp/broker-sensor", "--courier", "/tmp/broker-courier", (char *)NULL);
        _exit(127);
    }
    b.sensor = accept4(sensor, NULL, NULL, SOCK_CLOEXEC);
    b.courier = accept4(courier, NULL, NULL, SOCK_CLOEXEC);
    close(sensor);
    close(courier);
    return b.sensor >= 0 && b.courier >= 0;
}

static void take_device(struct heard *h, const struct idem_device_message *m, int fd)
{
    for (uint32_t i = 0; i < h->count; i++)
        h->again |= h->of[i].id == m->id;
    if (h->count == ALL)
        return;
    h->of[h->count] = *m;
    h->fd[h->count] = fd;
    h->here[h->count++] = true;
}

static void take_gone(struct heard *h, uint64_t id)
{
    for (uint32_t i = 0; i < h->count; i++)
        if (h->of[i].id == id && h->here[i]) {
            h->here[i] = false;
            close(h->fd[i]);
        }
}

/* One message, if there is one in time. */
static bool hear(int wait_ms)
{
    static struct idem_line_buffer got;
    struct pollfd p = {.fd = b.sensor, .events = POLLIN};

    if (poll(&p, 1, wait_ms) <= 0 || idem_line_receive(b.sensor, 'b', 's', &got) != 0)
        return false;
    uint32_t type = idem_line_head(&got)->type;
    if (type == IDEM_BS_DEVICE)
        take_device(&b.heard, (const void *)got.bytes, got.fd);
    else if (got.fd >= 0)
        close(got.fd);
    if (type == IDEM_BS_GONE)
        take_gone(&b.heard, ((const struct idem_number_message *)(const void *)got.bytes)->number);
    if (type == IDEM_BS_DONE) {
        memcpy(&b.heard.done, got.bytes, sizeof b.heard.done);
        b.heard.has_done = true;
    }
    return true;
}

static void hear_out(void)
{
    while (hear(QUIET_MS))
        ;
}

static uint32_t here(void)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < b.heard.count; i++)
        n += b.heard.here[i];
    return n;
}

/* The device that was told of last and is still here; NULL: none, in good time. */
static const struct idem_device_message *newest(uint32_t before)
{
    while (b.heard.count <= before && hear(WAIT_MS))
        ;
    return b.heard.count > before ? &b.heard.of[b.heard.count - 1] : NULL;
}

static int ask(uint32_t which, uint32_t number)
{
    struct idem_verb_message m = {
        .head = {IDEM_SB_VERB, sizeof m}, .verb = which, .number = number};

    b.heard.has_done = false;
    if (idem_line_send(b.sensor, &m.head, -1) != 0)
        return 1;
    while (!b.heard.has_done && hear(WAIT_MS))
        ;
    return b.heard.has_done && b.heard.done.number == number ? b.heard.done.error : 1;
}

static void read_number(const char *event, const char *name, char *text)
{
    char path[128];

    snprintf(path, sizeof path, "/sys/class/input/%s/device/%s", strrchr(event, '/') + 1, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, 7);
    text[n < 0 ? 0 : n] = 0;
    if (fd >= 0)
        close(fd);
}

/* The node is there before udev has said what it is. */
static bool is_known(const char *event)
{
    char path[64];
    struct stat s;

    if (stat(event, &s) != 0)
        return false;
    snprintf(path, sizeof path, "/run/udev/data/c%u:%u", major(s.st_rdev), minor(s.st_rdev));
    for (int i = 0; i < TRIES && access(path, F_OK) != 0; i++)
        usleep(TRY_US);
    return access(path, F_OK) == 0;
}

static bool is_silent(const char *event)
{
    char text[8];

    read_number(event, "inhibited", text);
    return text[0] == '1';
}

/* ------------------------------------------------------------------ scenes */

static int make_keys(const int *keys, size_t count)
{
    struct uinput_setup setup = {.id = {.bustype = BUS_USB, .vendor = 1, .product = 2},
                                 .name = "few keys"};
    int fd = open("/dev/uinput", O_WRONLY | O_CLOEXEC);

    ioctl(fd, UI_SET_EVBIT, EV_KEY);
    for (size_t i = 0; i < count; i++)
        ioctl(fd, UI_SET_KEYBIT, keys[i]);
    return ioctl(fd, UI_DEV_SETUP, &setup) == 0 && ioctl(fd, UI_DEV_CREATE) == 0 ? fd : -1;
}

static void what_can_type(void)
{
    const int power[] = {KEY_POWER, KEY_SLEEP, KEY_VOLUMEUP}, letter[] = {KEY_Q, KEY_ENTER};
    uint32_t before = b.heard.count;
    int button = make_keys(power, 3);

    hear_out();
    tap_check(button >= 0 && b.heard.count == before, "a power button is not handed over");
    int q = make_keys(letter, 2);
    tap_check(q >= 0 && newest(before) != NULL, "what has no more than one letter is");
    close(button);
    close(q);
    hear_out();
}

static void twins(void)
{
    struct keyboard one, two;
    uint32_t before = b.heard.count;

    if (!tap_check(keyboard_gadget(0, VENDOR, PRODUCT, &one) == 0 && newest(before) != NULL,
                   "a USB keyboard comes"))
        return;
    const struct idem_device_message first = *newest(before);
    tap_check(first.vendor == VENDOR && first.product == PRODUCT &&
                  first.source == IDEM_SOURCE_HARDWARE && first.arrived_us > 0 &&
                  first.flags == IDEM_DEVICE_HOTPLUGGED,
              "hardware, new, of its vendor and product");
    before = b.heard.count;
    if (!tap_check(keyboard_gadget(1, VENDOR, PRODUCT, &two) == 0 && newest(before) != NULL,
                   "another one says that it is the same"))
        return;
    const struct idem_device_message second = *newest(before);
    tap_check((second.flags & IDEM_DEVICE_TWIN) != 0 && second.group != first.group &&
                  second.arrived_us > first.arrived_us,
              "a twin, and another device");
    tap_check(ask(IDEM_VERB_CUT_OFF, second.id) == 0, "it is cut off");
    tap_check(port_authorized(1) == 0 && port_authorized(0) == 1, "it, and not the other");
    hear_out();
    tap_check(ask(IDEM_VERB_CUT_OFF, second.id) == IDEM_ERR_NOT_FOUND, "once");
    port_authorize(1);
    keyboard_remove(&two);
    keyboard_remove(&one);
    hear_out();
}

static void a_programs(void)
{
    struct keyboard kb;
    struct input_event event;
    uint32_t before = b.heard.count;

    if (!tap_check(keyboard_uinput("A keyboard", VENDOR, PRODUCT, &kb) == 0 && newest(before),
                   "a program makes a keyboard"))
        return;
    const struct idem_device_message *d = newest(before);
    int fd = b.heard.fd[b.heard.count - 1];
    tap_check(d->source == IDEM_SOURCE_SYNTHETIC, "it is synthetic");
    keyboard_key(&kb, KEY_A, true);
    keyboard_key(&kb, KEY_A, false);
    tap_check(read(fd, &event, sizeof event) == (ssize_t)sizeof event, "what it types is read");
    tap_check(write(fd, &event, sizeof event) < 0, "and nothing can be written to it");
    while (read(fd, &event, sizeof event) > 0)
        ;
    tap_check(ask(IDEM_VERB_CUT_OFF, d->id) == 0 && is_silent(kb.event), "it is cut off");
    keyboard_key(&kb, KEY_B, true);
    tap_check(read(fd, &event, sizeof event) < 0, "and is heard no more");
    keyboard_remove(&kb);
    hear_out();
}

static void come_and_go(void)
{
    const int letter[] = {KEY_Q};
    uint32_t before = here();

    for (int i = 0; i < TIMES; i++)
        close(make_keys(letter, 1));
    hear_out();
    tap_check(here() == before, "what came and went at once, %d times: nothing is left", TIMES);
}

static void too_many(void)
{
    static struct keyboard kb[TOO_MANY];
    uint32_t before = here();
    int made = 0, silent = 0;

    while (made < TOO_MANY && keyboard_uinput("One of many", 1, 2, &kb[made]) == 0)
        made++;
    hear_out();
    tap_check(made == TOO_MANY && here() == IDEM_DEVICES_MAX, "%d devices: %u are handed over",
              made, here());
    for (int i = 0; i < made; i++) /* udev need not tell of them in their order */
        silent += is_silent(kb[i].event);
    tap_check(silent == made - (IDEM_DEVICES_MAX - (int)before), "the other %d are silenced",
              silent);
    while (made > 0)
        keyboard_remove(&kb[--made]);
    hear_out();
    tap_check(here() == before, "they go, and there is room again");
}

void scenes_broker(void)
{
    struct keyboard there;

    if (!tap_check(keyboard_uinput("There before", 1, 1, &there) == 0 && is_known(there.event) &&
                       start(),
                   "a broker begins"))
        return;
    hear_out();
    bool all_old = b.heard.count > 0;
    for (uint32_t i = 0; i < b.heard.count; i++)
        all_old = all_old && b.heard.of[i].flags == 0 && b.heard.of[i].arrived_us == 0;
    tap_check(all_old, "what was there before it is not new");
    what_can_type();
    twins();
    a_programs();
    come_and_go();
    too_many();
    tap_check(!b.heard.again, "no id came twice");
    keyboard_remove(&there);
    kill(b.pid, SIGTERM);
    int status = 1;
    waitpid(b.pid, &status, 0);
    tap_check(status == 0, "the broker ends");
    close(b.sensor);
    close(b.courier);
}
