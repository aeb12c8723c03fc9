/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_x11.c - an X server's devices, each before a guard of its own; told in lines.
 *
 *   watch_x11 DISPLAY
 *
 * A line on standard input asks for what has been seen since the last one; the answer is a line
 * for each device that sent anything, fields parted by tabs, and a line "done":
 *
 *   device  name  source  new  kind  confidence  at  downs  presses  moves  warps  repeats
 *   reasons
 *
 * new: 1 when it came after the start; at: how many key-downs, presses and warps of this device had
 * come when the alarm was given, 0 for none; reasons: names of what the guard saw, parted by
 * commas, or "-". After it every guard starts anew. Ends with its input.
 */
#include "input/xi2.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 50 };

struct watched {
    struct idem_guard *guard;
    int downs, presses, moves, warps, repeats, alarmed_at;
};

static struct watched watched[IDEM_XI2_DEVICES];

static int fail(const char *what)
{
    fprintf(stderr, "watch_x11: %s\n", what);
    return 1;
}

static struct watched *watch(const struct idem_xi2 *x, uint16_t number)
{
    const struct idem_xi2_device *device = idem_xi2_device(x, number);
    struct watched *w = &watched[number];
    const struct idem_guard_device known = {
        .source = device->source,
        .hotplugged = device->hotplugged,
        .arrived_us = device->arrived_us,
        .tick_us = 1000,
    };

    if (w->guard == NULL && idem_guard_new(&known, &w->guard) != 0)
        exit(fail("out of memory"));
    return w;
}

static void on_key(struct watched *w, const struct idem_xi2_event *e)
{
    w->downs += e->action == IDEM_KEY_DOWN;
    w->repeats += e->action == IDEM_KEY_REPEAT;
    idem_guard_key(w->guard, e->key, e->action, e->flags, e->t_us);
}

static void on_pointer(struct watched *w, const struct idem_xi2_event *e)
{
    bool warped = e->flags & IDEM_GUARD_WARPED;

    w->presses += e->pointer == IDEM_POINTER_PRESS;
    w->warps += warped;
    w->moves += e->pointer == IDEM_POINTER_MOVE && !warped;
    idem_guard_pointer(w->guard, e->pointer, e->x, e->y, e->flags, e->t_us);
}

static void on_event(const struct idem_xi2 *x, const struct idem_xi2_event *e)
{
    struct watched *w = watch(x, e->device);

    if (e->kind == IDEM_XI2_KEY)
        on_key(w, e);
    else if (e->kind == IDEM_XI2_POINTER)
        on_pointer(w, e);
    else if (e->kind == IDEM_XI2_GAP)
        idem_guard_gap(w->guard);
    if (w->alarmed_at == 0 && idem_guard_is_alarm(idem_guard_read(w->guard).kind))
        w->alarmed_at = w->downs + w->presses + w->warps;
}

static int drain(struct idem_xi2 *x)
{
    struct idem_xi2_event e;
    int r;

    while ((r = idem_xi2_next(x, &e)) == 1)
        on_event(x, &e);
    return r;
}

static void print_reasons(const struct idem_guard_verdict *v)
{
    if (v->saw_count == 0)
        printf("-");
    for (uint32_t i = 0; i < v->saw_count; i++)
        printf("%s%s", i > 0 ? "," : "", idem_guard_reason_name(v->saw[i].reason));
    printf("\n");
}

static void print_device(const struct idem_xi2_device *device, uint16_t number, struct watched *w)
{
    static const char *const sources[] = {"unknown", "hardware", "synthetic", "remote"};
    struct idem_guard_verdict v = idem_guard_read(w->guard);

    printf("%d\t%s\t%s\t%d\t%s\t%.6f\t%d\t%d\t%d\t%d\t%d\t%d\t", number, device->name,
           sources[device->source], device->hotplugged, idem_guard_kind_name(v.kind), v.confidence,
           w->alarmed_at, w->downs, w->presses, w->moves, w->warps, w->repeats);
    print_reasons(&v);
}

/* The look is also a way there and back, after which all that was sent before has arrived. */
static int answer(struct idem_xi2 *x)
{
    if (idem_xi2_look(x) != 0 || drain(x) != 0)
        return fail("the server is gone");
    for (uint16_t i = 0; i < IDEM_XI2_DEVICES; i++) {
        if (watched[i].guard == NULL)
            continue;
        print_device(idem_xi2_device(x, i), i, &watched[i]);
        idem_guard_free(watched[i].guard);
        watched[i] = (struct watched){0};
    }
    printf("done\n");
    fflush(stdout);
    return 0;
}

static int serve(struct idem_xi2 *x)
{
    struct pollfd from[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = idem_xi2_fd(x), .events = POLLIN}};
    char line[64];

    for (;;) {
        if (drain(x) != 0)
            return fail("the server is gone");
        int ready = poll(from, 2, LOOK_MS);
        if (ready < 0 || (ready == 0 && idem_xi2_look(x) != 0))
            return fail("the server is gone");
        if (from[0].revents == 0)
            continue;
        ssize_t got = read(STDIN_FILENO, line, sizeof line);
        if (got <= 0)
            return 0;
        if (answer(x) != 0)
            return 1;
    }
}

int main(int argc, char **argv)
{
    const char *reason = NULL;
    struct idem_xi2 *x = NULL;

    if (argc != 2)
        return fail("usage: watch_x11 DISPLAY");
    if (idem_xi2_open(argv[1], &x, &reason) != 0)
        return fail(reason);
    printf("ready\n");
    fflush(stdout);
    int bad = serve(x);
    idem_xi2_close(x);
    return bad;
}
