/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_edge.c - what an event costs at the edge, beside the machine's price for delivering it.
 *
 * usage: bench_edge [POPULATION.pop]
 *
 * Prints nanoseconds an event for keyboard and pointer, windows taken included, over made-up
 * streams: two keys in rollover; movements of minimum jerk at 62, 125 and 1000 reports a second,
 * half of them ending in a click. Without a population the front is learned from the streams
 * themselves: its tables are as large as a real one's. The guard is fed with the same streams and
 * with an injecting device's, which it alarms on and goes on judging. The limit beside it is one
 * read(2) of the event's bytes from a pipe, which any program that watches a device pays first.
 */
#include "base/rng.h"
#include "idem/idem.h"
#include "model/mixture_learn.h"
#include "model/population.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 200000, ROUNDS = 5, TARGET = 25 };

struct event {
    int64_t t_us;
    float x, y;
    uint32_t what; /* key * 4 + action, or enum idem_pointer_kind */
};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void make_keys(struct event *e, struct idem_rng *rng)
{
    int64_t t = 1000000;
    for (uint32_t i = 0; i + 3 < EVENTS; i += 4) {
        uint32_t a = 16 + idem_rng_below(rng, 10), b = 30 + idem_rng_below(rng, 9);
        const uint32_t what[4] = {a * 4 + IDEM_KEY_DOWN, b * 4 + IDEM_KEY_DOWN, a * 4, b * 4};
        for (uint32_t k = 0; k < 4; k++) {
            t += 20000 + idem_rng_below(rng, 80000);
            e[i + k] = (struct event){.t_us = t, .what = what[k]};
        }
    }
}

/* A programmable keyboard: 2 ms down, 4 ms up. */
static void make_injected(struct event *e, struct idem_rng *rng)
{
    int64_t t = 1000000;
    for (uint32_t i = 0; i + 1 < EVENTS; i += 2) {
        uint32_t key = 16 + idem_rng_below(rng, 30);
        e[i] = (struct event){.t_us = t, .what = key * 4 + IDEM_KEY_DOWN};
        e[i + 1] = (struct event){.t_us = t + 2000, .what = key * 4};
        t += 6000;
    }
}

/* Position along a movement of minimum jerk (Flash and Hogan 1985), s in 0..1. */
static double travelled(double s)
{
    return s * s * s * (10 + s * (6 * s - 15));
}

static uint32_t make_movement(struct event *e, uint32_t room, int64_t *t, uint32_t hz,
                              struct idem_rng *rng)
{
    const double seconds = 0.3 + 0.5 * idem_rng_uniform(rng),
                 reach = 100 + idem_rng_below(rng, 600);
    const double angle = 6.283185 * idem_rng_uniform(rng), bow = 0.1 * idem_rng_normal(rng);
    uint32_t n = (uint32_t)(seconds * hz), i;

    for (i = 0; i < n && i < room; i++) {
        double s = travelled((i + 1.0) / n), side = bow * sin(3.141593 * s);
        *t += 1000000 / hz;
        e[i] = (struct event){.t_us = *t,
                              .x = (float)rint(960 + reach * (s * cos(angle) - side * sin(angle))),
                              .y = (float)rint(540 + reach * (s * sin(angle) + side * cos(angle)))};
    }
    if (i + 2 < room && idem_rng_below(rng, 2) == 0) {
        for (uint32_t k = 0; k < 2; k++, i++) {
            *t += 60000 + idem_rng_below(rng, 40000);
            e[i] = e[i - 1];
            e[i].t_us = *t;
            e[i].what = k == 0 ? IDEM_POINTER_PRESS : IDEM_POINTER_RELEASE;
        }
    }
    *t += 100000 + idem_rng_below(rng, 600000);
    return i;
}

static void make_motion(struct event *e, uint32_t hz, struct idem_rng *rng)
{
    int64_t t = 1000000;
    memset(e, 0, EVENTS * sizeof *e);
    for (uint32_t i = 0; i < EVENTS;)
        i += make_movement(e + i, EVENTS - i, &t, hz, rng);
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_edge: %s\n", what);
    exit(1);
}

static struct idem_front *learn_front(const struct event *motion)
{
    struct idem_trace trace[2];
    struct idem_mixture_source source[2];
    struct idem_mixture_options opt = idem_mixture_defaults();
    struct idem_slot_times *times;
    struct idem_zoning zoning;
    struct idem_front *front;

    if (idem_zoning_init(&zoning, IDEM_LEVEL_MIXED) != 0)
        fail("no zones");
    times = calloc(idem_zoning_slots(&zoning), sizeof *times);
    if (times == NULL)
        fail("out of memory");
    for (uint32_t s = 0; s < idem_zoning_slots(&zoning); s++) {
        for (uint32_t k = 0; k < IDEM_CELL_MIN_STROKES; k++)
            idem_slot_times_add(&times[s], s < zoning.holds ? 40 + k : 2 * k - 100.0);
    }
    if (idem_keyboard_front_learn(IDEM_LEVEL_MIXED, &zoning, times, idem_zoning_slots(&zoning),
                                  &front) != 0)
        fail("no keyboard front");
    free(times);
    for (uint32_t u = 0; u < 2; u++) {
        idem_trace_init(&trace[u]);
        for (uint32_t i = u * EVENTS / 2; i < (u + 1) * EVENTS / 2; i++) {
            if (idem_trace_event(&trace[u], (enum idem_pointer_kind)motion[i].what, motion[i].x,
                                 motion[i].y, motion[i].t_us) != 0)
                fail("out of memory");
        }
        source[u] = (struct idem_mixture_source){&trace[u], u};
    }
    if (idem_mixture_learn(source, 2, &opt, &front->mixture) != 0 || idem_front_seal(front) != 0)
        fail("no pointer front");
    idem_trace_fini(&trace[0]);
    idem_trace_fini(&trace[1]);
    return front;
}

static double feed_keys(const struct idem_front *front, const struct event *e)
{
    struct idem_keyboard *kb;
    struct idem_window *window;
    uint32_t taken = 0;

    if (idem_keyboard_new(front, TARGET, &kb) != 0 ||
        idem_window_new(front, IDEM_KEYBOARD, &window) != 0)
        fail("no keyboard collector");
    double start = now_ns();
    for (uint32_t i = 0; i < EVENTS; i++) {
        if (idem_keyboard_event(kb, e[i].what / 4, (enum idem_key_action)(e[i].what % 4),
                                e[i].t_us))
            taken += idem_keyboard_take(kb, window) == 0;
    }
    double ns = (now_ns() - start) / EVENTS;
    if (taken == 0)
        fail("no keyboard window");
    idem_window_free(window);
    idem_keyboard_free(kb);
    return ns;
}

static double feed_motion(const struct idem_front *front, const struct event *e)
{
    struct idem_pointer *ptr;
    struct idem_window *window;
    uint32_t taken = 0;

    if (idem_pointer_new(front, TARGET, &ptr) != 0 ||
        idem_window_new(front, IDEM_POINTER, &window) != 0)
        fail("no pointer collector");
    double start = now_ns();
    for (uint32_t i = 0; i < EVENTS; i++) {
        if (idem_pointer_event(ptr, (enum idem_pointer_kind)e[i].what, e[i].x, e[i].y, e[i].t_us))
            taken += idem_pointer_take(ptr, window) == 0;
    }
    double ns = (now_ns() - start) / EVENTS;
    if (taken == 0)
        fail("no pointer window");
    idem_window_free(window);
    idem_pointer_free(ptr);
    return ns;
}

static struct idem_guard *new_guard(void)
{
    struct idem_guard *guard;
    if (idem_guard_new(NULL, &guard) != 0)
        fail("no guard");
    return guard;
}

/* The front is not needed: as the collectors' for best(). */
static double guard_keys(const struct idem_front *front, const struct event *e)
{
    struct idem_guard *guard = new_guard();
    uint32_t told = 0;
    (void)front;
    double start = now_ns();
    for (uint32_t i = 0; i < EVENTS; i++)
        told += idem_guard_key(guard, e[i].what / 4, (enum idem_key_action)(e[i].what % 4), 0,
                               e[i].t_us);
    double ns = (now_ns() - start) / EVENTS;
    if (told == 0)
        fail("no verdict on keys");
    idem_guard_free(guard);
    return ns;
}

static double guard_motion(const struct idem_front *front, const struct event *e)
{
    struct idem_guard *guard = new_guard();
    uint32_t told = 0;
    (void)front;
    double start = now_ns();
    for (uint32_t i = 0; i < EVENTS; i++)
        told += idem_guard_pointer(guard, (enum idem_pointer_kind)e[i].what, e[i].x, e[i].y, 0,
                                   e[i].t_us);
    double ns = (now_ns() - start) / EVENTS;
    (void)told;
    idem_guard_free(guard);
    return ns;
}

/* One write of many events, then one read each; the writes are not counted. */
static double read_pipe(const struct event *e)
{
    enum { BATCH = 1024 };
    struct event got;
    double spent = 0;
    int fds[2];

    if (pipe(fds) != 0)
        fail("no pipe");
    for (uint32_t i = 0; i + BATCH <= EVENTS; i += BATCH) {
        if (write(fds[1], e + i, BATCH * sizeof *e) != (ssize_t)(BATCH * sizeof *e))
            fail("the pipe is too small");
        double start = now_ns();
        for (uint32_t k = 0; k < BATCH; k++) {
            if (read(fds[0], &got, sizeof got) != (ssize_t)sizeof got)
                fail("cannot read the pipe");
        }
        spent += now_ns() - start;
    }
    close(fds[0]);
    close(fds[1]);
    return spent / (EVENTS / BATCH * BATCH);
}

static struct idem_population *load(const char *path)
{
    static char bytes[IDEM_POPULATION_BYTES_MAX];
    struct idem_population *pop;
    const char *reason;
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        fail("cannot open the population");
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    if (idem_population_parse(bytes, len, &pop, &reason) != 0)
        fail(reason);
    return pop;
}

/* The least of some rounds: the others were disturbed. */
static double best(double (*feed)(const struct idem_front *, const struct event *),
                   const struct idem_front *front, const struct event *e)
{
    double least = 1e9;
    for (int i = 0; i < ROUNDS; i++)
        least = fmin(least, feed(front, e));
    return least;
}

int main(int argc, char **argv)
{
    static const uint32_t rates[] = {62, 125, 1000};
    struct event *e = malloc(EVENTS * sizeof *e);
    struct idem_population *pop = NULL;
    struct idem_front *own = NULL;
    struct idem_rng rng;

    if (e == NULL)
        fail("out of memory");
    idem_rng_seed(&rng, 1);
    if (argc > 1) {
        pop = load(argv[1]);
    } else {
        make_motion(e, 125, &rng);
        own = learn_front(e);
    }
    const struct idem_front *front = pop != NULL ? idem_population_front(pop) : own;
    make_keys(e, &rng);
    printf("keyboard          %6.1f ns/event, guard %6.1f\n", best(feed_keys, front, e),
           best(guard_keys, front, e));
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        make_motion(e, rates[i], &rng);
        printf("pointer %4u Hz   %6.1f ns/event, guard %6.1f\n", rates[i],
               best(feed_motion, front, e), best(guard_motion, front, e));
    }
    make_injected(e, &rng);
    printf("injected keys                      guard %6.1f ns/event, %zu bytes a device\n",
           best(guard_keys, front, e), idem_guard_size());
    printf("read(2), %2zu bytes %6.1f ns/event (the machine's share)\n", sizeof *e, read_pipe(e));
    idem_front_free(own);
    idem_population_free(pop);
    free(e);
    return 0;
}
