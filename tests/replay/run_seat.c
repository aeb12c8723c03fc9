/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_seat.c - plays what the kernel says of a seat's devices into the sensor's decoder and engine,
 * and compares what comes out.
 *
 * A file (tests/replay/seat_NAME.t): comments behind '#', then one thing a line,
 *
 *     device ID keyboard|mouse|touchpad [GROUP]    gone ID
 *     presence NAME [UNLOCKED]                     as docs/agent.md names them
 *     settings [collect] [keys=N] [gestures=N] [untouched=S] [noguard] [steplocks]
 *     wait MS                                      the timer of the untouched lock goes with it
 *     ID CODE [VALUE]                              one event: 1 KEY_A 1, 2 REL_X -3, 1 SYN_DROPPED
 *     tap ID CODE HOLD_MS                          down, a report, up, a report
 *
 * a blank line, then everything that came out, in its order:
 *
 *     window keyboard 5        verb cut-off 2        verb lock        verb notify cut-off
 *     alarm injected-keys cut-off-device 2
 *
 * run_seat POPULATION FILE... ends with 0 when every file agrees.
 */
#include <libevdev/libevdev.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sensor/engine.h"
#include "input/evdev.h"

enum { TEXT = 256, OUT_MAX = 64 * 1024, IDS = 16, US_A_MS = 1000 };

static struct seat {
    const char *file;
    int line;
    struct idem_engine *engine;
    struct idem_settings_message settings;
    struct idem_evdev decoder[IDS];
    int place[IDS];
    uint32_t unlocked;
    int64_t now_us, due_us;
    char out[OUT_MAX];
    size_t len;
} seat;

static void give_up(const char *what, const char *detail)
{
    fprintf(stderr, "%s:%d: %s: %s\n", seat.file, seat.line, what, detail);
    exit(1);
}

__attribute__((format(printf, 1, 2))) static void put(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    int n = vsnprintf(seat.out + seat.len, sizeof seat.out - seat.len, format, list);
    va_end(list);
    if (n < 0 || (size_t)n >= sizeof seat.out - seat.len)
        give_up("too much comes out", "");
    seat.len += (size_t)n;
}

/* ------------------------------------------------------------------ what comes out */

static void on_window(void *arg, const struct idem_window *w)
{
    (void)arg;
    put("window %s %u\n", idem_modality_name(idem_window_modality(w)), idem_window_strokes(w));
}

static void on_alarm(void *arg, const struct idem_alarm_message *m)
{
    (void)arg;
    put("alarm %s %s %u\n", idem_guard_kind_name((enum idem_guard_kind)m->kind),
        idem_action_name(m->action), m->device);
}

static void on_verb(void *arg, enum idem_verb verb, uint32_t number)
{
    static const char *const notices[IDEM_NOTICES] = {[IDEM_NOTICE_STEP_UP] = "step-up",
                                                      [IDEM_NOTICE_LOCKED] = "locked",
                                                      [IDEM_NOTICE_CUT_OFF] = "cut-off",
                                                      [IDEM_NOTICE_ALARM] = "alarm",
                                                      [IDEM_NOTICE_UNTOUCHED] = "untouched"};
    (void)arg;
    if (verb == IDEM_VERB_CUT_OFF)
        put("verb cut-off %u\n", number);
    else if (verb == IDEM_VERB_LOCK)
        put("verb lock\n");
    else
        put("verb notify %s\n", notices[number] != NULL ? notices[number] : "?");
}

static void on_deadline(void *arg, int64_t at_us)
{
    (void)arg;
    seat.due_us = at_us;
}

/* ------------------------------------------------------------------ what goes in */

static void wait_us(int64_t us)
{
    int64_t until = seat.now_us + us;

    while (seat.due_us >= 0 && seat.due_us <= until) {
        seat.now_us = seat.due_us > seat.now_us ? seat.due_us : seat.now_us;
        idem_engine_due(seat.engine, seat.now_us);
    }
    seat.now_us = until;
}

static uint32_t id_of(const char *text)
{
    unsigned long id = strtoul(text, NULL, 10);

    if (id == 0 || id >= IDS)
        give_up("no such device", text);
    return (uint32_t)id;
}

static void feed(uint32_t id, const char *name, int value)
{
    struct idem_input_event out[IDEM_EVDEV_OUT];
    struct input_event in = {.value = value};
    int type = libevdev_event_type_from_code_name(name);

    if (type < 0 || seat.place[id] < 0)
        give_up("no such code or device", name);
    in.type = (uint16_t)type;
    in.code = (uint16_t)libevdev_event_code_from_code_name(name);
    in.input_event_sec = seat.now_us / 1000000;
    in.input_event_usec = seat.now_us % 1000000;
    uint32_t n = idem_evdev_event(&seat.decoder[id], &in, out);
    for (uint32_t i = 0; i < n; i++)
        idem_engine_event(seat.engine, seat.place[id], &out[i], seat.now_us);
}

static void tap(uint32_t id, const char *name, double hold_ms)
{
    feed(id, name, 1);
    feed(id, "SYN_REPORT", 0);
    wait_us((int64_t)(hold_ms * US_A_MS));
    feed(id, name, 0);
    feed(id, "SYN_REPORT", 0);
}

static void attach(uint32_t id, const char *kind, const char *group)
{
    const struct idem_evdev_shape shape = {
        .keyboard = strcmp(kind, "keyboard") == 0,
        .pointer = strcmp(kind, "mouse") == 0      ? IDEM_EVDEV_RELATIVE
                   : strcmp(kind, "touchpad") == 0 ? IDEM_EVDEV_TOUCHPAD
                                                   : IDEM_EVDEV_NO_POINTER,
        .axis = {{0, 4000, 40}, {0, 4000, 40}},
    };
    const struct idem_engine_device device = {
        .id = id,
        .group = group[0] ? id_of(group) : id,
        .keyboard = shape.keyboard,
        .pointer = shape.pointer != IDEM_EVDEV_NO_POINTER,
        .known = {.source = IDEM_SOURCE_HARDWARE, .tick_us = 1},
    };
    idem_evdev_init(&seat.decoder[id], &shape);
    seat.place[id] = idem_engine_device(seat.engine, &device, seat.now_us);
}

static void set_one(const char *word)
{
    struct idem_settings_message *s = &seat.settings;
    unsigned long n = strchr(word, '=') != NULL ? strtoul(strchr(word, '=') + 1, NULL, 10) : 1;

    if (strncmp(word, "collect", 7) == 0)
        s->collect = (uint32_t)n;
    else if (strncmp(word, "keys=", 5) == 0)
        s->window_keys = (uint32_t)n;
    else if (strncmp(word, "gestures=", 9) == 0)
        s->window_gestures = (uint32_t)n;
    else if (strncmp(word, "untouched=", 10) == 0)
        s->untouched_s = (uint32_t)n;
    else if (strcmp(word, "noguard") == 0)
        s->guard = 0;
    else if (strcmp(word, "steplocks") == 0)
        s->step_up_locks = 1;
    else
        give_up("no such setting", word);
}

static void set(char *words)
{
    idem_settings_default(&seat.settings);
    for (char *word = strtok(words, " \n"); word != NULL; word = strtok(NULL, " \n"))
        set_one(word);
    if (idem_engine_settings(seat.engine, &seat.settings, seat.now_us) != 0)
        give_up("out of memory", "");
}

static void be(const char *name, const char *unlocked)
{
    for (uint32_t p = 0; p < IDEM_PRESENCES; p++) {
        if (strcmp(name, idem_presence_name(p)) != 0)
            continue;
        if (unlocked[0])
            seat.unlocked = (uint32_t)strtoul(unlocked, NULL, 10);
        idem_engine_presence(seat.engine, (enum idem_presence)p, seat.unlocked, seat.now_us);
        return;
    }
    give_up("no such presence", name);
}

static void play(char *line)
{
    char word[4][64] = {"", "", "", ""};

    sscanf(line, "%63s %63s %63s %63s", word[0], word[1], word[2], word[3]);
    if (strcmp(word[0], "settings") == 0) {
        set(line + strlen("settings"));
    } else if (strcmp(word[0], "device") == 0) {
        attach(id_of(word[1]), word[2], word[3]);
    } else if (strcmp(word[0], "gone") == 0) {
        idem_engine_gone(seat.engine, seat.place[id_of(word[1])]);
        seat.place[id_of(word[1])] = -1;
    } else if (strcmp(word[0], "presence") == 0) {
        be(word[1], word[2]);
    } else if (strcmp(word[0], "wait") == 0) {
        wait_us((int64_t)(strtod(word[1], NULL) * US_A_MS));
    } else if (strcmp(word[0], "tap") == 0) {
        tap(id_of(word[1]), word[2], strtod(word[3], NULL));
    } else {
        feed(id_of(word[0]), word[1], (int)strtol(word[2][0] ? word[2] : "0", NULL, 10));
    }
}

/* ------------------------------------------------------------------ files */

static struct idem_front *front_of(const char *path)
{
    static uint8_t bytes[1 << 20];
    struct idem_population *pop = NULL;
    struct idem_front *front = NULL;
    FILE *file = fopen(path, "rb");
    size_t len = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;

    if (file != NULL)
        fclose(file);
    if (idem_population_parse(bytes, len, &pop, NULL) != 0)
        give_up("no population", path);
    const void *half = idem_population_front_bytes(pop, &len);
    if (idem_front_parse(half, len, &front) != 0)
        give_up("no front", path);
    idem_population_free(pop);
    return front;
}

static void begin(const char *population, const char *path)
{
    const struct idem_engine_calls calls = {on_window, on_alarm, on_verb, on_deadline, NULL};

    memset(&seat, 0, sizeof seat);
    seat.file = path;
    seat.now_us = 1000 * (int64_t)US_A_MS;
    seat.due_us = -1;
    for (int i = 0; i < IDS; i++)
        seat.place[i] = -1;
    if (idem_engine_new(&calls, &seat.engine) != 0 ||
        idem_engine_front(seat.engine, front_of(population)) != 0)
        give_up("out of memory", "");
}

static bool is_comment(const char *line)
{
    return line[0] == '#';
}

static bool compare(FILE *file)
{
    char line[TEXT];
    size_t at = 0;

    while (fgets(line, sizeof line, file) != NULL) {
        seat.line++;
        size_t len = strlen(line);
        if (is_comment(line))
            continue;
        if (strncmp(seat.out + at, line, len) != 0) {
            fprintf(stderr, "%s:%d: expected %scame out:\n%s", seat.file, seat.line, line,
                    seat.out + at);
            return false;
        }
        at += len;
    }
    if (at != seat.len)
        fprintf(stderr, "%s: more came out:\n%s", seat.file, seat.out + at);
    return at == seat.len;
}

static bool run(const char *population, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[TEXT];

    begin(population, path);
    if (file == NULL)
        give_up("cannot be read", path);
    while (fgets(line, sizeof line, file) != NULL && line[0] != '\n') {
        seat.line++;
        if (!is_comment(line))
            play(line);
    }
    bool ok = compare(file);
    fclose(file);
    idem_engine_free(seat.engine);
    return ok;
}

int main(int argc, char **argv)
{
    int failures = argc < 3;

    for (int i = 2; i < argc; i++)
        failures += !run(argv[1], argv[i]);
    return failures != 0;
}
