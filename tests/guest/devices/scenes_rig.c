/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenes_rig.c - the apparatus: a test of the agent is worth as much as the keyboards that it is
 * made with. They must be there under the identification asked for, and what is typed must arrive
 * key by key, with holds of the length that was played, as far as the port's own clock allows (an
 * emulated port is asked every few milliseconds).
 */
#include <fcntl.h>
#include <linux/input.h>
#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenes.h"

enum { GONE_TRIES = 500 }; /* of 20 ms: an end, not a promise */

struct heard {
    uint32_t downs, ups;
    double hold_ms; /* on average */
};

static bool is_device(const char *node, uint16_t vendor, uint16_t product)
{
    struct input_id id = {0};
    int fd = open(node, O_RDONLY | O_CLOEXEC);
    bool ok =
        fd >= 0 && ioctl(fd, EVIOCGID, &id) == 0 && id.vendor == vendor && id.product == product;

    if (fd >= 0)
        close(fd);
    return ok;
}

static bool is_gone(const char *node)
{
    for (int i = 0; i < GONE_TRIES; i++) {
        if (access(node, F_OK) != 0)
            return true;
        usleep(20000);
    }
    return false;
}

static void count(struct heard *h, int64_t down_us[KEY_CNT], const struct input_event *e)
{
    int64_t t = (int64_t)e->input_event_sec * 1000000 + e->input_event_usec;

    if (e->type != EV_KEY || e->value == 2)
        return;
    if (e->value == 1) {
        h->downs++;
        down_us[e->code] = t;
        return;
    }
    h->ups++;
    h->hold_ms += (double)(t - down_us[e->code]) / 1000;
}

/* What the kernel makes of it, until a child has played it all. */
static struct heard listen_to(struct keyboard *kb, const struct idem_key_stream *stream)
{
    struct heard h = {0};
    int64_t down_us[KEY_CNT] = {0};
    struct input_event e;
    int fd = open(kb->event, O_RDONLY | O_CLOEXEC | O_NONBLOCK), status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(keyboard_play(kb, stream) == 0 ? 0 : 1);
    while (waitpid(child, &status, WNOHANG) == 0) {
        while (read(fd, &e, sizeof e) == (ssize_t)sizeof e)
            count(&h, down_us, &e);
        usleep(2000);
    }
    usleep(100000);
    while (read(fd, &e, sizeof e) == (ssize_t)sizeof e)
        count(&h, down_us, &e);
    close(fd);
    h.hold_ms /= h.ups ? h.ups : 1;
    return h;
}

static double mean_hold(const struct idem_key_stream *s)
{
    double sum = 0;
    uint32_t n = 0;
    int64_t down[256] = {0};

    for (uint32_t i = 0; i < s->count; i++) {
        if (s->list[i].action == IDEM_KEY_DOWN) {
            down[s->list[i].code] = s->list[i].t_us;
            continue;
        }
        sum += (double)(s->list[i].t_us - down[s->list[i].code]) / 1000;
        n++;
    }
    return n ? sum / n : 0;
}

static void typed(const char *what, struct keyboard *kb, const struct idem_key_stream *s)
{
    struct heard h = listen_to(kb, s);

    tap_say("%s: %u of %u key-downs, held %.1f ms, played %.1f ms", what, h.downs, s->key_downs,
            h.hold_ms, mean_hold(s));
    /* A recorded key that was pressed again before it was released is another key here. */
    tap_check(h.downs >= s->key_downs * 95 / 100 && h.downs == h.ups &&
                  fabs(h.hold_ms - mean_hold(s)) < 25,
              "%s arrives key by key", what);
}

static void one(const char *what, struct keyboard *kb, uint16_t vendor, uint16_t product)
{
    struct idem_key_stream person, payload;

    tap_check(is_device(kb->event, vendor, product), "a %s keyboard is %04x:%04x", what, vendor,
              product);
    if (script_person("106", 40, &person) == 0)
        typed("a person", kb, &person);
    if (script_payload("ducky", &payload) == 0)
        typed("a payload", kb, &payload);
    idem_key_stream_free(&person);
    idem_key_stream_free(&payload);
    keyboard_remove(kb);
    tap_check(is_gone(kb->event), "a %s keyboard can be pulled out", what);
}

void scenes_rig(void)
{
    struct keyboard a, b;

    if (tap_check(keyboard_uinput("A keyboard", 0x046d, 0xc31c, &a) == 0,
                  "uinput makes a keyboard"))
        one("uinput", &a, 0x046d, 0xc31c);
    if (!tap_check(keyboard_gadget(0, 0x046d, 0xc31c, &a) == 0, "a USB keyboard is plugged in"))
        return;
    if (tap_check(keyboard_gadget(1, 0x046d, 0xc31c, &b) == 0, "and its twin")) {
        tap_check(port_authorized(0) == 1 && port_authorized(1) == 1, "both ports are authorized");
        one("USB", &b, 0x046d, 0xc31c);
    }
    keyboard_remove(&a);
}
