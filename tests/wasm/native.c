/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native.c - the native half of the comparison between libidem and its WebAssembly build.
 *
 *   native front            writes a synthetic front to stdout: every slot a cell, a small mixture
 *   native windows FRONT    reads events from stdin, writes each finished window as a line of JSON
 *   native guards           reads events from stdin, writes each new verdict as a line of JSON
 *
 * Events, one a line, times in microseconds:
 *   k KEY ACTION T [FLAGS]     p KIND X Y T     g MODALITY
 *
 * sdk/test/edge.test.ts compiles it with the library's own sources, plays the same events into the
 * module and holds the lines against each other.
 */
#include "idem/idem.h"
#include "window/front.h"
#include "window/kinematics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRONT_CAP = 1 << 20, KEYBOARD_TARGET = 25, POINTER_TARGET = 10 };
enum { FEATURES = IDEM_FEATURES, DIMS = 8, COMPONENTS = 4 };

struct edge {
    struct idem_front *front;
    struct idem_keyboard *keyboard;
    struct idem_pointer *pointer;
    struct idem_window *windows[IDEM_MODALITIES];
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "native: %s\n", what);
    exit(1);
}

/* A fixed sequence in [-1, 1): the front must be the same on every machine. */
static float next_value(void)
{
    static uint32_t state = 12345;
    state = state * 1664525u + 1013904223u;
    return (float)(int32_t)state / 2147483648.0f;
}

static void fill_keyboard(struct idem_front *front)
{
    for (uint32_t c = 0; c < front->cells; c++) {
        float at = c < front->zoning.holds ? 60 + 10 * next_value() : 40 * next_value();
        front->slot[c] = c;
        for (uint32_t e = 0; e < IDEM_EDGES; e++) {
            front->edges[c * IDEM_EDGES + e] = at;
            at += 15 + 8 * next_value();
        }
    }
}

static void fill_pointer(struct idem_mixture *mix)
{
    for (uint32_t i = 0; i < FEATURES * IDEM_KNOTS; i++)
        mix->quantile[i] = -4.0f + 16.0f * (float)(i % IDEM_KNOTS) / IDEM_KNOTS;
    for (uint32_t i = 0; i < DIMS * FEATURES; i++)
        mix->project[i] = 0.4f * next_value();
    for (uint32_t i = 0; i < COMPONENTS * DIMS; i++) {
        mix->mean[i] = next_value();
        mix->inv_sd[i] = 1.0f;
    }
    for (uint32_t i = 0; i < COMPONENTS; i++)
        mix->log_weight[i] = -1.4f;
}

static int write_front(void)
{
    static unsigned char bytes[FRONT_CAP];
    struct idem_zoning zoning;
    struct idem_front *front;
    struct idem_writer w;

    if (idem_zoning_init(&zoning, IDEM_LEVEL_MIXED) != 0)
        die("no zoning");
    uint32_t slots = idem_zoning_slots(&zoning);
    if (idem_front_alloc(slots, slots, &front) != 0)
        die("no front");
    front->level = IDEM_LEVEL_MIXED;
    front->zoning = zoning;
    fill_keyboard(front);
    if (idem_mixture_alloc(&front->mixture, FEATURES, DIMS, COMPONENTS) != 0)
        die("no mixture");
    fill_pointer(&front->mixture);
    idem_writer_init(&w, bytes, sizeof bytes);
    if (idem_front_seal(front) != 0 || idem_front_write(front, &w) != 0 || w.err != 0)
        die("front not written");
    idem_front_free(front);
    return fwrite(bytes, 1, w.len, stdout) == w.len ? 0 : 1;
}

static void open_edge(const char *path, struct edge *e)
{
    static unsigned char bytes[FRONT_CAP];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        die("cannot open the front");
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    if (idem_front_parse(bytes, len, &e->front) != 0)
        die("cannot parse the front");
    if (idem_keyboard_new(e->front, KEYBOARD_TARGET, &e->keyboard) != 0 ||
        idem_pointer_new(e->front, POINTER_TARGET, &e->pointer) != 0)
        die("no collectors");
    for (int m = 0; m < IDEM_MODALITIES; m++)
        if (idem_window_new(e->front, (enum idem_modality)m, &e->windows[m]) != 0)
            die("no window");
}

static void close_edge(struct edge *e)
{
    for (int m = 0; m < IDEM_MODALITIES; m++)
        idem_window_free(e->windows[m]);
    idem_keyboard_free(e->keyboard);
    idem_pointer_free(e->pointer);
    idem_front_free(e->front);
}

static void print_window(const struct idem_front *front, const struct idem_window *w)
{
    enum idem_modality m = idem_window_modality(w);
    uint32_t cells = idem_front_cells(front, m), per_cell = 2 * idem_front_channels(front, m);
    const char *comma = "";

    printf("{\"modality\":\"%s\",\"front\":\"%016" PRIx64 "\",\"strokes\":%u,\"duration_ms\":%u,",
           idem_modality_name(m), idem_window_front_id(w), (unsigned)idem_window_strokes(w),
           (unsigned)idem_window_duration_ms(w));
    printf("\"cells\":[");
    for (uint32_t c = 0; c < cells; c++) {
        if (idem_window_counts(w)[c] == 0)
            continue;
        printf("%s[%u,%d", comma, (unsigned)c, (int)idem_window_counts(w)[c]);
        for (uint32_t k = 0; k < per_cell; k++)
            printf(",%d", (int)idem_window_sums(w)[c * per_cell + k]);
        printf("]");
        comma = ",";
    }
    printf("]}\n");
}

static void play_key(struct edge *e, const char *line)
{
    unsigned key, action;
    int64_t t;
    if (sscanf(line, "k %u %u %" SCNd64, &key, &action, &t) != 3)
        die("bad key event");
    if (idem_keyboard_event(e->keyboard, key, (enum idem_key_action)action, t) &&
        idem_keyboard_take(e->keyboard, e->windows[IDEM_KEYBOARD]) == 0)
        print_window(e->front, e->windows[IDEM_KEYBOARD]);
}

static void play_pointer(struct edge *e, const char *line)
{
    unsigned kind;
    double x, y;
    int64_t t;
    if (sscanf(line, "p %u %lf %lf %" SCNd64, &kind, &x, &y, &t) != 4)
        die("bad pointer event");
    if (idem_pointer_event(e->pointer, (enum idem_pointer_kind)kind, x, y, t) &&
        idem_pointer_take(e->pointer, e->windows[IDEM_POINTER]) == 0)
        print_window(e->front, e->windows[IDEM_POINTER]);
}

static void play_gap(struct edge *e, const char *line)
{
    if (line[2] == '0')
        idem_keyboard_gap(e->keyboard);
    else
        idem_pointer_gap(e->pointer);
}

static int play_windows(const char *path)
{
    struct edge e = {0};
    char line[128];
    open_edge(path, &e);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (line[0] == 'k')
            play_key(&e, line);
        else if (line[0] == 'p')
            play_pointer(&e, line);
        else if (line[0] == 'g')
            play_gap(&e, line);
        else
            die("unknown event");
    }
    close_edge(&e);
    return 0;
}

static void print_verdict(const struct idem_guard *guard, const char *device)
{
    const struct idem_guard_verdict v = idem_guard_read(guard);
    char text[IDEM_GUARD_TEXT];

    printf("{\"device\":\"%s\",\"kind\":\"%s\",\"confidence\":%.17g,\"saw\":[", device,
           idem_guard_kind_name(v.kind), v.confidence);
    for (uint32_t i = 0; i < v.saw_count; i++)
        printf("%s{\"reason\":\"%s\",\"count\":%u,\"value\":%.9g}", i > 0 ? "," : "",
               idem_guard_reason_name(v.saw[i].reason), (unsigned)v.saw[i].count,
               (double)v.saw[i].value);
    printf("],\"text\":\"%s\"}\n", idem_guard_text(&v, text, sizeof text));
}

static void guard_key(struct idem_guard *guard, const char *line)
{
    unsigned key, action, flags = 0;
    int64_t t;
    if (sscanf(line, "k %u %u %" SCNd64 " %u", &key, &action, &t, &flags) < 3)
        die("bad key event");
    if (idem_guard_key(guard, key, (enum idem_key_action)action, flags, t))
        print_verdict(guard, "keyboard");
}

static void guard_pointer(struct idem_guard *guard, const char *line)
{
    unsigned kind;
    double x, y;
    int64_t t;
    if (sscanf(line, "p %u %lf %lf %" SCNd64, &kind, &x, &y, &t) != 4)
        die("bad pointer event");
    if (idem_guard_pointer(guard, (enum idem_pointer_kind)kind, x, y, 0, t))
        print_verdict(guard, "pointer");
}

/* Two guards as the module has them. */
static int play_guards(void)
{
    const struct idem_guard_device page = {.tick_us = 100};
    struct idem_guard *guards[IDEM_MODALITIES];
    char line[128];
    if (idem_guard_new(&page, &guards[0]) != 0 || idem_guard_new(&page, &guards[1]) != 0)
        die("no guards");
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (line[0] == 'k')
            guard_key(guards[IDEM_KEYBOARD], line);
        else if (line[0] == 'p')
            guard_pointer(guards[IDEM_POINTER], line);
        else if (line[0] == 'g')
            idem_guard_gap(guards[line[2] == '0' ? IDEM_KEYBOARD : IDEM_POINTER]);
        else
            die("unknown event");
    }
    idem_guard_free(guards[0]);
    idem_guard_free(guards[1]);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "guards") == 0)
        return play_guards();
    if (argc == 2 && strcmp(argv[1], "front") == 0)
        return write_front();
    if (argc == 3 && strcmp(argv[1], "windows") == 0)
        return play_windows(argv[2]);
    fprintf(stderr,
            "usage: native front | native windows FRONT < EVENTS | native guards < EVENTS\n");
    return 2;
}
