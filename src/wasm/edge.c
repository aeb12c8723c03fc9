/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge.c - the edge half of libidem as a WebAssembly module without imports.
 *
 * A page can call functions with numbers and read the module's memory; that is the whole interface.
 * This file turns the objects of idem.h into such functions: one module instance holds one front,
 * one keyboard and one pointer collector, and one finished window of each modality. Everything else
 * is the same C that the native side compiles.
 *
 * The order of calls:
 *
 *   edge_front_buffer(len)   a place in memory for the front's bytes, which the caller copies in
 *   edge_open(kb, ptr)       parses them and makes the collectors; again after a new front
 *   edge_key, edge_pointer   events; the answer says whether a window is ready, and whether the
 *                            guard (guard.c) has something new to say
 *
 *   edge_take(modality)      finishes the window and makes it readable ...
 *
 *   edge_counts, edge_sums   ... here, until the next edge_take of that modality
 *
 *   edge_cell_name           what a row of them stands for, in words
 *
 * Cases: a call before edge_open or with a modality the front does not know answers nought or
 * IDEM_ERR_INVALID and touches nothing. Time is passed as a double in microseconds, because a
 * 64-bit integer would reach JavaScript as a BigInt; a time that is not finite breaks the chain.
 */
#include "wasm/guard.h"
#include "window/front.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

/* The largest front that is accepted; the shipped one is far below. */
enum { FRONT_MAX = 1 << 20 };
/* Bits of the answer to an event. */
enum { WINDOW_READY = 1, GUARD_NEWS = 2 };
/* Room for the longest name of a cell. */
enum { NAME_MAX_BYTES = 96 };
/* 2^53: up to here a double counts microseconds exactly (285 years). */
static const double TIME_MAX = 9007199254740992.0;

static struct {
    unsigned char *bytes;
    uint32_t len;
    struct idem_front *front;
    struct idem_keyboard *keyboard;
    struct idem_pointer *pointer;
    struct idem_window *windows[IDEM_MODALITIES];
    char name[NAME_MAX_BYTES];
} edge;

/* The exports, so that -Wmissing-prototypes holds here as everywhere. */
void *edge_front_buffer(uint32_t len);
int edge_open(uint32_t keyboard_target, uint32_t pointer_target);
void edge_close(void);
uint32_t edge_front_id_half(int high);
int edge_level(void);
uint32_t edge_cells(int modality);
uint32_t edge_channels(int modality);
const char *edge_cell_name(int modality, uint32_t cell);
int edge_key(uint32_t key, int action, uint32_t flags, double t_us);
int edge_pointer(int kind, double x, double y, uint32_t flags, double t_us);
void edge_gap(int modality);
void edge_reset(int modality);
uint32_t edge_pending(int modality);
int edge_take(int modality);
uint32_t edge_strokes(int modality);
uint32_t edge_duration_ms(int modality);
const int32_t *edge_counts(int modality);
const int32_t *edge_sums(int modality);

static const struct idem_window *window_of(int modality)
{
    if (modality < 0 || modality >= IDEM_MODALITIES)
        return NULL;
    return edge.windows[modality];
}

static bool time_ok(double t_us)
{
    return isfinite(t_us) && fabs(t_us) < TIME_MAX;
}

static void drop_collectors(void)
{
    idem_keyboard_free(edge.keyboard);
    idem_pointer_free(edge.pointer);
    idem_window_free(edge.windows[IDEM_KEYBOARD]);
    idem_window_free(edge.windows[IDEM_POINTER]);
    idem_front_free(edge.front);
    idem_edge_guards_close();
    edge.keyboard = NULL;
    edge.pointer = NULL;
    edge.windows[IDEM_KEYBOARD] = NULL;
    edge.windows[IDEM_POINTER] = NULL;
    edge.front = NULL;
}

static int make_keyboard(uint32_t target)
{
    int r = IDEM_OK;
    if (idem_front_cells(edge.front, IDEM_KEYBOARD) == 0)
        return IDEM_OK;
    if ((r = idem_keyboard_new(edge.front, target, &edge.keyboard)) != IDEM_OK)
        return r;
    return idem_window_new(edge.front, IDEM_KEYBOARD, &edge.windows[IDEM_KEYBOARD]);
}

static int make_pointer(uint32_t target)
{
    int r = IDEM_OK;
    if (idem_front_cells(edge.front, IDEM_POINTER) == 0)
        return IDEM_OK;
    if ((r = idem_pointer_new(edge.front, target, &edge.pointer)) != IDEM_OK)
        return r;
    return idem_window_new(edge.front, IDEM_POINTER, &edge.windows[IDEM_POINTER]);
}

/* A buffer for the front's bytes, or NULL when len is nought, too large, or memory is short. */
void *EXPORT(edge_front_buffer)(uint32_t len)
{
    free(edge.bytes);
    edge.bytes = NULL;
    edge.len = 0;
    if (len == 0 || len > FRONT_MAX)
        return NULL;
    edge.bytes = malloc(len);
    edge.len = edge.bytes == NULL ? 0 : len;
    return edge.bytes;
}

/* 0, or the idem_error that refused the front or a target. The buffer is given back either way. */
int EXPORT(edge_open)(uint32_t keyboard_target, uint32_t pointer_target)
{
    int r = IDEM_OK;
    drop_collectors();
    if (edge.bytes == NULL)
        return IDEM_ERR_INVALID;
    r = idem_front_parse(edge.bytes, edge.len, &edge.front);
    (void)edge_front_buffer(0);
    if (r != IDEM_OK || (r = make_keyboard(keyboard_target)) != IDEM_OK ||
        (r = make_pointer(pointer_target)) != IDEM_OK || (r = idem_edge_guards_open()) != IDEM_OK)
        drop_collectors();
    return r;
}

void EXPORT(edge_close)(void)
{
    drop_collectors();
    (void)edge_front_buffer(0);
}

uint32_t EXPORT(edge_front_id_half)(int high)
{
    uint64_t id = edge.front == NULL ? 0 : idem_front_id(edge.front);
    return (uint32_t)(high != 0 ? id >> 32 : id);
}

int EXPORT(edge_level)(void)
{
    return edge.front == NULL ? IDEM_ERR_INVALID : (int)idem_front_level(edge.front);
}

uint32_t EXPORT(edge_cells)(int modality)
{
    const struct idem_window *w = window_of(modality);
    return w == NULL ? 0 : idem_front_cells(edge.front, (enum idem_modality)modality);
}

uint32_t EXPORT(edge_channels)(int modality)
{
    const struct idem_window *w = window_of(modality);
    return w == NULL ? 0 : idem_front_channels(edge.front, (enum idem_modality)modality);
}

static void keyboard_name(uint32_t cell)
{
    char words[NAME_MAX_BYTES - sizeof " hold"];
    bool hold = false;
    uint32_t slot = edge.front->slot[cell];
    if (idem_slot_describe(edge.front->level, slot, words, sizeof words, &hold) != IDEM_OK)
        snprintf(words, sizeof words, "cell %u", (unsigned)cell);
    snprintf(edge.name, sizeof edge.name, "%s%s", words, hold ? " hold" : "");
}

/* A cell in words, valid until the next call: "left ring finger hold". NULL outside the shape. */
const char *EXPORT(edge_cell_name)(int modality, uint32_t cell)
{
    if (cell >= edge_cells(modality))
        return NULL;
    if (modality == IDEM_KEYBOARD)
        keyboard_name(cell);
    else
        snprintf(edge.name, sizeof edge.name, "kind of movement %u", (unsigned)cell + 1);
    return edge.name;
}

static int answer(bool ready, bool news)
{
    return (ready ? WINDOW_READY : 0) | (news ? GUARD_NEWS : 0);
}

/* flags: IDEM_GUARD_CAPITAL. WINDOW_READY: a window can be taken; GUARD_NEWS: a verdict be read. */
int EXPORT(edge_key)(uint32_t key, int action, uint32_t flags, double t_us)
{
    struct idem_guard *guard = idem_edge_guard(IDEM_KEYBOARD);
    bool ready = false;

    if (guard == NULL || action < IDEM_KEY_UP || action > IDEM_KEY_REPEAT)
        return 0;
    if (!time_ok(t_us)) {
        edge_gap(IDEM_KEYBOARD);
        return 0;
    }
    const enum idem_key_action what = (enum idem_key_action)action;
    if (edge.keyboard != NULL)
        ready = idem_keyboard_event(edge.keyboard, key, what, (int64_t)t_us);
    return answer(ready, idem_guard_key(guard, key, what, flags, (int64_t)t_us));
}

/* The same for a pointer. */
int EXPORT(edge_pointer)(int kind, double x, double y, uint32_t flags, double t_us)
{
    struct idem_guard *guard = idem_edge_guard(IDEM_POINTER);
    bool ready = false;

    if (guard == NULL || kind < IDEM_POINTER_MOVE || kind > IDEM_POINTER_RELEASE_OTHER)
        return 0;
    if (!time_ok(t_us) || !isfinite(x) || !isfinite(y)) {
        edge_gap(IDEM_POINTER);
        return 0;
    }
    const enum idem_pointer_kind what = (enum idem_pointer_kind)kind;
    if (edge.pointer != NULL)
        ready = idem_pointer_event(edge.pointer, what, x, y, (int64_t)t_us);
    return answer(ready, idem_guard_pointer(guard, what, x, y, flags, (int64_t)t_us));
}

void EXPORT(edge_gap)(int modality)
{
    struct idem_guard *guard = idem_edge_guard(modality);

    if (modality == IDEM_KEYBOARD && edge.keyboard != NULL)
        idem_keyboard_gap(edge.keyboard);
    else if (modality == IDEM_POINTER && edge.pointer != NULL)
        idem_pointer_gap(edge.pointer);
    if (guard != NULL)
        idem_guard_gap(guard);
}

void EXPORT(edge_reset)(int modality)
{
    if (modality == IDEM_KEYBOARD && edge.keyboard != NULL)
        idem_keyboard_reset(edge.keyboard);
    else if (modality == IDEM_POINTER && edge.pointer != NULL)
        idem_pointer_reset(edge.pointer);
}

uint32_t EXPORT(edge_pending)(int modality)
{
    if (modality == IDEM_KEYBOARD && edge.keyboard != NULL)
        return idem_keyboard_pending(edge.keyboard);
    if (modality == IDEM_POINTER && edge.pointer != NULL)
        return idem_pointer_pending(edge.pointer);
    return 0;
}

int EXPORT(edge_take)(int modality)
{
    if (modality == IDEM_KEYBOARD && edge.keyboard != NULL)
        return idem_keyboard_take(edge.keyboard, edge.windows[IDEM_KEYBOARD]);
    if (modality == IDEM_POINTER && edge.pointer != NULL)
        return idem_pointer_take(edge.pointer, edge.windows[IDEM_POINTER]);
    return IDEM_ERR_INVALID;
}

uint32_t EXPORT(edge_strokes)(int modality)
{
    const struct idem_window *w = window_of(modality);
    return w == NULL ? 0 : idem_window_strokes(w);
}

uint32_t EXPORT(edge_duration_ms)(int modality)
{
    const struct idem_window *w = window_of(modality);
    return w == NULL ? 0 : idem_window_duration_ms(w);
}

/* edge_cells() numbers. */
const int32_t *EXPORT(edge_counts)(int modality)
{
    const struct idem_window *w = window_of(modality);
    return w == NULL ? NULL : idem_window_counts(w);
}

/* edge_cells() x edge_channels() pairs of sum and square. */
const int32_t *EXPORT(edge_sums)(int modality)
{
    const struct idem_window *w = window_of(modality);
    return w == NULL ? NULL : idem_window_sums(w);
}
