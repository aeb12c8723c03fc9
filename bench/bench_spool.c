/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_spool.c - how much eight hours of work are, in windows, bytes and blocks of the courier's
 * spool: what its default bound was chosen from.
 *
 * usage: bench_spool POPULATION.pop RECORDING.csv[.gz]...
 *
 * Recorded people are played into the collectors as an agent would; their windows are packed as
 * the sensor sends them. Their recorded time counts without pauses above IDLE, so that "eight
 * hours" are eight hours without a break: more than anybody's working day.
 */
#include "agent/courier/spool.h"
#include "agent/pack.h"
#include "input/recording.h"
#include "window/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE_MAX = 2048, IDLE_US = 60 * 1000 * 1000 };

struct tally {
    double windows, bytes, blocks; /* in eight hours */
};

struct play {
    const struct idem_front *front;
    struct idem_window *window;
    uint64_t windows, bytes, blocks;
    size_t largest;
    int64_t busy_us, last_us;
};

static void take(struct play *p)
{
    static _Alignas(16) uint8_t bytes[IDEM_MESSAGE_MAX];
    size_t len;

    if (idem_pack_window(p->window, bytes, sizeof bytes, &len) != 0)
        abort();
    p->windows++;
    p->bytes += len;
    p->blocks += idem_spool_blocks(len, "somebody");
    p->largest = len > p->largest ? len : p->largest;
}

static void passed(struct play *p, int64_t t_us)
{
    int64_t step = t_us - p->last_us;

    if (step > 0)
        p->busy_us += step < IDLE_US ? step : IDLE_US;
    p->last_us = t_us;
}

static void type(struct play *p, const struct idem_recording *rec, const struct idem_session *s)
{
    struct idem_keyboard *kb;

    if (idem_keyboard_new(p->front, IDEM_WINDOW_KEYS, &kb) != 0)
        abort();
    for (uint32_t i = 0; i < s->count; i++) {
        const struct idem_stroke *k = &rec->strokes[s->first + i];
        passed(p, k->press_us);
        bool ready = idem_keyboard_event(kb, k->code, IDEM_KEY_DOWN, k->press_us);
        if (k->released)
            ready |= idem_keyboard_event(kb, k->code, IDEM_KEY_UP, k->release_us);
        while (ready && idem_keyboard_take(kb, p->window) == 0)
            take(p);
    }
    idem_keyboard_free(kb);
}

static void point(struct play *p, const struct idem_recording *rec, const struct idem_session *s)
{
    struct idem_pointer *ptr;

    if (idem_pointer_new(p->front, IDEM_WINDOW_GESTURES, &ptr) != 0)
        abort();
    for (uint32_t i = 0; i < s->count; i++) {
        const struct idem_motion *e = &rec->motions[s->first + i];
        passed(p, e->t_us);
        if (idem_pointer_event(ptr, e->kind, e->x, e->y, e->t_us))
            while (idem_pointer_take(ptr, p->window) == 0)
                take(p);
    }
    idem_pointer_free(ptr);
}

static struct play play_person(const struct idem_front *front, const struct idem_recording *rec,
                               const struct idem_person *person)
{
    struct play p = {.front = front};

    if (idem_window_new(front, rec->modality, &p.window) != 0)
        abort();
    for (uint32_t i = 0; i < person->count; i++) {
        const struct idem_session *s = &rec->sessions[person->first + i];
        p.last_us = INT64_MAX;
        (rec->modality == IDEM_KEYBOARD ? type : point)(&p, rec, s);
    }
    idem_window_free(p.window);
    return p;
}

static int by_blocks(const void *a, const void *b)
{
    const struct tally *x = a, *y = b;
    return (x->blocks > y->blocks) - (x->blocks < y->blocks);
}

static void row(const char *name, const struct tally *t)
{
    printf("  %-18s %8.0f %10.0f %8.0f\n", name, t->windows, t->bytes / 1024, t->blocks);
}

static void report(const char *path, struct tally *people, uint32_t count, size_t largest)
{
    struct tally mean = {0};

    for (uint32_t i = 0; i < count; i++) {
        mean.windows += people[i].windows / count;
        mean.bytes += people[i].bytes / count;
        mean.blocks += people[i].blocks / count;
    }
    qsort(people, count, sizeof *people, by_blocks);
    printf("%s: %u people; the largest window is %zu bytes\n", path, count, largest);
    printf("  %-18s %8s %10s %8s\n", "in eight hours", "windows", "KiB", "blocks");
    row("mean", &mean);
    row("95 of 100 below", &people[count * 95 / 100]);
    row("busiest", &people[count - 1]);
}

static int measure(const struct idem_front *front, const char *path)
{
    static struct tally people[PEOPLE_MAX];
    struct idem_fault fault;
    struct idem_recording *rec;
    size_t largest = 0;
    uint32_t count = 0;

    if (idem_recording_read(path, &(struct idem_recording_options){.skip_bad = true}, &rec,
                            &fault) != 0) {
        fprintf(stderr, "%s\n", fault.text);
        return 1;
    }
    for (uint32_t i = 0; i < rec->person_count && count < PEOPLE_MAX; i++) {
        struct play p = play_person(front, rec, &rec->people[i]);
        double scale = 8 * 3600e6 / (double)(p.busy_us + 1);
        if (p.windows == 0 || p.busy_us < IDLE_US)
            continue;
        people[count++] = (struct tally){scale * (double)p.windows, scale * (double)p.bytes,
                                         scale * (double)p.blocks};
        largest = p.largest > largest ? p.largest : largest;
    }
    if (count > 0)
        report(path, people, count, largest);
    idem_recording_free(rec);
    return count > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static char bytes[4 * 1024 * 1024];
    struct idem_population *pop;
    FILE *f = argc > 2 ? fopen(argv[1], "rb") : NULL;
    size_t len = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    int err = 0;

    if (f)
        fclose(f);
    if (idem_population_parse(bytes, len, &pop, NULL) != 0) {
        fprintf(stderr, "usage: bench_spool POPULATION.pop RECORDING.csv[.gz]...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++)
        err |= measure(idem_population_front(pop), argv[i]);
    idem_population_free(pop);
    return err;
}
