/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_seeds.c - writes the seeds that follow the binary formats, the same bytes every time.
 *
 * usage: make_seeds CORPUS_FOLDER (fuzz/all.sh BUILD seeds compiles and runs it)
 *
 *   front/typing          a small front, then events that fill windows (fuzz_front.c)
 *   population/keyboard   the same front with a model of rank 2
 *   profile/keyboard      a profile of 75 strokes (fuzz_profile.c)
 *   sketch/empty, typed   a sketch of nothing, and one of two imprints with a window behind it
 *                         (fuzz_sketch.c)
 *   guard/...             events of hands and machines (fuzz_guard.c)
 *   cbor, json            one window; a batch of both modalities; one that a seat has sealed; and
 *                         as the store keeps one
 *   agent_spool/...       a kept session, a spool's head, a part of a record; deeds of a day
 *                         (fuzz_agent_spool.c)
 *   agent_message/...     one of each that reaches a process of the agent (fuzz_agent_message.c)
 *
 * To be run again whenever a format changes: seeds that are refused at once find nothing.
 */
#include "agent/courier/keep_session.h"
#include "agent/courier/spool_head.h"
#include "agent/pack.h"
#include "base/rng.h"
#include "model/population.h"
#include "model/profile.h"
#include "model/sketch.h"
#include "wire_front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 6, RANK = 2, EVENTS = 60, ROOM = 1 << 16 };

static const char *corpus;

static void check(int err)
{
    if (err == 0)
        return;
    fprintf(stderr, "make_seeds: %s\n", idem_strerror(err));
    exit(1);
}

static void save(const char *name, const void *bytes, size_t len)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", corpus, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, len, file) != len || fclose(file) != 0) {
        fprintf(stderr, "make_seeds: cannot write %s\n", path);
        exit(1);
    }
}

/* Six cells of level hand: enough to have a shape. */
static struct idem_front *small_front(void)
{
    struct idem_front *front;
    struct idem_zoning zoning;
    check(idem_zoning_init(&zoning, IDEM_LEVEL_HAND));
    check(idem_front_alloc(idem_zoning_slots(&zoning), CELLS, &front));
    front->zoning = zoning;
    front->level = IDEM_LEVEL_HAND;
    for (uint32_t c = 0; c < CELLS; c++) {
        front->slot[c] = 3 * c;
        for (uint32_t e = 0; e < IDEM_EDGES; e++)
            front->edges[c * IDEM_EDGES + e] = 50 + 20 * (float)e;
    }
    check(idem_front_seal(front));
    return front;
}

/* Two keys in rollover; the times are steps from one event to the next. */
static void write_events(struct idem_writer *w)
{
    struct idem_rng rng;
    idem_rng_seed(&rng, 1);
    for (int i = 0; i < EVENTS; i++) {
        static const uint16_t actions[] = {IDEM_KEY_DOWN, IDEM_KEY_DOWN, IDEM_KEY_UP, IDEM_KEY_UP};
        const uint16_t key = (uint16_t)(i % 2 == 0 ? 16 + i / 4 % 10 : 30 + i / 4 % 9);
        idem_write_u16(w, key);
        idem_write_u16(w, actions[i % 4]);
        idem_write_u32(w, 20000 + idem_rng_below(&rng, 80000));
    }
}

static void seed_front(const struct idem_front *front)
{
    static uint8_t bytes[ROOM];
    struct idem_writer w;
    idem_writer_init(&w, bytes, sizeof bytes);
    idem_write_u16(&w, 0);
    check(idem_front_write(front, &w));
    const uint16_t len = (uint16_t)(w.len - 2);
    write_events(&w);
    check(w.err);
    const size_t all = w.len;
    idem_writer_init(&w, bytes, 2);
    idem_write_u16(&w, len);
    save("front/typing", bytes, all);
}

static void seed_sketch(void)
{
    static uint8_t bytes[IDEM_SKETCH_BYTES_MAX + 64];
    /* strokes and sums of the first cells: one time, two times, many */
    static const uint8_t window[] = {1,  100, 20, 0xc0, 10, 5, 3, 2, 40, 0xb0, 30,
                                     20, 10,  5,  30,   9,  8, 7, 6, 5,  4};
    struct idem_sketch sketch = {0};
    struct idem_imprint imprint = {.whole = 5, .text = 7, .cell = {1, 2, 3, 4}, .near = {1, 2, 3}};
    size_t len;

    check(idem_sketch_write(&sketch, 0, bytes, sizeof bytes, &len));
    memcpy(bytes + len, window, sizeof window);
    save("sketch/empty", bytes, len + sizeof window);
    check(idem_sketch_add(&sketch, &imprint));
    imprint.whole = 4;
    check(idem_sketch_add(&sketch, &imprint));
    check(idem_sketch_write(&sketch, 0, bytes, sizeof bytes, &len));
    memcpy(bytes + len, window, sizeof window);
    save("sketch/typed", bytes, len + sizeof window);
    idem_sketch_fini(&sketch);
}

static void seed_profile(const struct idem_front *front)
{
    static uint8_t bytes[ROOM];
    struct idem_profile *profile;
    struct idem_window *window;
    size_t len;
    check(idem_profile_new(front, IDEM_KEYBOARD, &profile));
    check(idem_window_new(front, IDEM_KEYBOARD, &window));
    for (int32_t i = 0; i < 3; i++) {
        const int32_t sums[IDEM_CONTRASTS] = {90 - 40 * i, -30, 20, 10 * i, -5, 3};
        check(idem_window_begin(window, 25, 6100));
        for (uint32_t c = 0; c < CELLS; c += 2)
            check(idem_window_put(window, c, 3 * IDEM_GRID, sums));
        check(idem_window_end(window));
        check(idem_profile_add(profile, window));
    }
    check(idem_profile_write(profile, bytes, sizeof bytes, &len));
    save("profile/keyboard", bytes, len);
    idem_window_free(window);
    idem_profile_free(profile);
}

/* Takes the front. */
static void seed_population(struct idem_front *front)
{
    struct idem_model model;
    struct idem_model *models[IDEM_MODALITIES] = {&model, NULL};
    struct idem_population *pop;
    struct idem_rng rng;
    void *bytes;
    size_t len;
    idem_rng_seed(&rng, 2);
    check(idem_model_alloc(&model, idem_front_shape(front, IDEM_KEYBOARD), RANK));
    for (size_t k = 0; k < idem_shape_dims(model.shape); k++) {
        model.weight[k] = 0.8f;
        model.plain[k] = 0.2f;
        for (size_t i = 0; i < RANK; i++)
            model.load[k * RANK + i] = (float)(0.4 * idem_rng_normal(&rng));
    }
    model.plain_share = 0.5f;
    model.reach = 200;
    for (size_t i = 0; i < RANK; i++)
        model.session[i] = 0.1f;
    idem_model_seal(&model);
    check(idem_population_build(front, models, &pop));
    check(idem_population_write(pop, &bytes, &len));
    save("population/keyboard", bytes, len);
    free(bytes);
    idem_population_free(pop);
}

static void fill(struct idem_window *window, enum idem_modality m)
{
    static const int32_t key[IDEM_CONTRASTS] = {30, -20, 12, 0, -7, 4};
    static const int32_t gesture[6] = {12, -8, 3, 4, -5, 6};
    check(
        idem_window_begin(window, m == IDEM_KEYBOARD ? 25 : 10, m == IDEM_KEYBOARD ? 6100 : 9000));
    if (m == IDEM_KEYBOARD) {
        for (uint32_t c = 0; c < 13; c += 2)
            check(idem_window_put(window, c, (1 + (int32_t)c % 3) * IDEM_GRID, key));
    } else {
        check(idem_window_put(window, 0, 300, gesture));
        check(idem_window_put(window, 1, 200, gesture));
    }
    check(idem_window_end(window));
}

static void seed_batch(const char *name, bool json, uint32_t count, int64_t clock_ms)
{
    static const uint32_t seqs[] = {7, 8, 70000};
    static uint8_t bytes[ROOM];
    struct idem_wire_writer writer;
    size_t len;
    check(idem_wire_batch_begin(&writer, wire_front(), json, count, clock_ms, bytes, sizeof bytes));
    for (uint32_t i = 0; i < count; i++) {
        const enum idem_modality m = i == 1 ? IDEM_POINTER : IDEM_KEYBOARD;
        struct idem_window *window;
        check(idem_window_new(wire_front(), m, &window));
        fill(window, m);
        check(idem_wire_batch_put(&writer, window, count == 1 ? 1 : seqs[i]));
        idem_window_free(window);
    }
    check(idem_wire_batch_end(&writer, &len));
    save(name, bytes, len);
}

/* As a seat sends it, with a key that everybody may know. */
static void seed_sealed(void)
{
    static const uint8_t seed[IDEM_SEAL_SEED] = {1};
    static uint8_t bytes[ROOM];
    struct idem_wire_writer writer;
    struct idem_wire_seal seal = {.nonce = {2}};
    struct idem_window *window;
    struct idem_seal_key key;
    size_t len;
    idem_seal_key_make(seed, &key);
    seal.key = &key;
    idem_seal_first(seal.nonce, seal.link);
    check(idem_wire_batch_begin_sealed(&writer, &seal, wire_front(), 1, -1, bytes, sizeof bytes));
    check(idem_window_new(wire_front(), IDEM_KEYBOARD, &window));
    fill(window, IDEM_KEYBOARD);
    check(idem_wire_batch_put(&writer, window, 1));
    idem_window_free(window);
    check(idem_wire_batch_end(&writer, &len));
    save("cbor/sealed", bytes, len);
}

static void seed_stored(void)
{
    uint8_t bytes[1024];
    struct idem_window *window;
    size_t len;
    check(idem_window_new(wire_front(), IDEM_KEYBOARD, &window));
    fill(window, IDEM_KEYBOARD);
    check(idem_wire_write_window(wire_front(), window, 3, bytes, sizeof bytes, &len));
    save("cbor/stored", bytes, len);
    idem_window_free(window);
}

/* A device by five bytes, see fuzz_guard.c. */
static void begin_guard(struct idem_writer *w, uint8_t *bytes, uint8_t source, uint8_t role)
{
    idem_writer_init(w, bytes, ROOM);
    idem_write_u8(w, source);
    idem_write_u8(w, role);
    idem_write_u8(w, 0);
    idem_write_u16(w, 0);
}

static void put_guard(struct idem_writer *w, uint8_t what, uint16_t key, uint32_t step_us)
{
    idem_write_u8(w, what);
    idem_write_u8(w, 0);
    idem_write_u16(w, key);
    idem_write_u32(w, step_us);
}

static void save_guard(struct idem_writer *w, const char *name, const uint8_t *bytes)
{
    check(w->err);
    save(name, bytes, w->len);
}

static void seed_guard(void)
{
    static uint8_t bytes[ROOM];
    struct idem_writer w;
    struct idem_rng rng;
    begin_guard(&w, bytes, IDEM_SOURCE_UNKNOWN, IDEM_ROLE_ORDINARY);
    for (uint16_t i = 0; i < 40; i++) {
        put_guard(&w, IDEM_KEY_DOWN, 30 + i % 9, 4000);
        put_guard(&w, IDEM_KEY_UP, 30 + i % 9, 2000);
    }
    save_guard(&w, "guard/injected", bytes);
    begin_guard(&w, bytes, IDEM_SOURCE_HARDWARE, IDEM_ROLE_TOKEN);
    for (uint16_t i = 0; i < 45; i++) {
        put_guard(&w, IDEM_KEY_DOWN, 32 + i % 7, 10000);
        put_guard(&w, IDEM_KEY_UP, 32 + i % 7, 10000);
    }
    save_guard(&w, "guard/token", bytes);
    idem_rng_seed(&rng, 1);
    begin_guard(&w, bytes, IDEM_SOURCE_HARDWARE, IDEM_ROLE_ORDINARY);
    for (uint16_t i = 0; i < 240; i++)
        put_guard(&w, i % 4 < 2 ? IDEM_KEY_DOWN : IDEM_KEY_UP, (i % 2 ? 30 : 16) + i / 4 % 9,
                  20000 + idem_rng_below(&rng, 80000));
    save_guard(&w, "guard/typed", bytes);
    begin_guard(&w, bytes, IDEM_SOURCE_UNKNOWN, IDEM_ROLE_ORDINARY);
    for (uint16_t i = 0; i < 180; i++)
        put_guard(&w, 8 | (i % 30 < 28 ? IDEM_POINTER_MOVE : i % 30 - 27), 64 + i * 20, 16667);
    save_guard(&w, "guard/pointed", bytes);
}

static void seed_kept_session(void)
{
    uint8_t bytes[1 + IDEM_KEEP_SESSION_BYTES] = {'s'};
    struct idem_keep_session s = {
        .id = "c0ffee", .token = "t0k3n", .person = "olga", .user = "olga", .policy = "3f"};
    size_t len;

    s.next_seq = 5;
    s.next_alarm = 2;
    s.counter = 9;
    check(idem_keep_format_session(&s, bytes + 1, sizeof bytes - 1, &len));
    save("agent_spool/session", bytes, 1 + len);
}

static void seed_spool(void)
{
    static const uint8_t day[] = {'d', 9, 1, 9, 1, 9, 0x41, 10, 4, 1, 0,    1, 0x40, 7, 0, 3, 3,
                                  11,  5, 5, 3, 0, 0, 9,    2,  6, 1, 0x44, 3, 4,    0, 0, 0};
    uint8_t bytes[1 + IDEM_SPOOL_PLAIN];
    struct idem_spool_head head = {.generation = 3, .blocks = 512, .next_id = 4, .session = "s"};
    struct idem_spool_part part = {
        .id = 3, .parts = 1, .len = 4, .person = "olga", .bytes = day, .count = 4};

    head.flights[0] = 1;
    head.flight[0][0] = (struct idem_spool_flight){2, 1};
    bytes[0] = 'h';
    idem_spool_write_head(&head, bytes + 1);
    save("agent_spool/head", bytes, 400);
    bytes[0] = 'p';
    idem_spool_write_part(&part, bytes + 1);
    save("agent_spool/part", bytes, 60);
    save("agent_spool/day", day, sizeof day);
}

/* way: as fuzz_agent_message.c numbers them. */
static void save_message(const char *name, uint8_t way, uint8_t fds, const void *message,
                         size_t len)
{
    static uint8_t bytes[ROOM];
    char path[64];

    bytes[0] = way;
    bytes[1] = fds;
    memcpy(bytes + 2, message, len);
    snprintf(path, sizeof path, "agent_message/%s", name);
    save(path, bytes, 2 + len);
}

static void seed_packed(void)
{
    static _Alignas(16) uint8_t bytes[ROOM / 2];
    static const char *const names[] = {"window-keyboard", "window-pointer"};

    for (int m = 0; m < IDEM_MODALITIES; m++) {
        struct idem_window *window;
        size_t len;
        check(idem_window_new(wire_front(), (enum idem_modality)m, &window));
        fill(window, (enum idem_modality)m);
        check(idem_pack_window(window, bytes, sizeof bytes, &len));
        save_message(names[m], 3, 0, bytes, len);
        idem_window_free(window);
    }
}

static void seed_messages(void)
{
    const struct idem_device_message device = {
        .head = {IDEM_BS_DEVICE, sizeof device}, .id = 7, .group = 3, .source = 1, .dpi = 1600};
    const struct idem_presence_message presence = {
        .head = {IDEM_BS_PRESENCE, sizeof presence}, .presence = IDEM_PRESENT, .unlocked = 2};
    const struct idem_presence_message told = {.head = {IDEM_BC_PRESENCE, sizeof told},
                                               .presence = IDEM_LOCKED,
                                               .uid = 1000,
                                               .unlocked = 2,
                                               .user = "olga"};
    const struct idem_verb_message verb = {{IDEM_SB_VERB, sizeof verb}, IDEM_VERB_CUT_OFF, 7};
    const struct idem_done_message done = {
        {IDEM_SC_DONE, sizeof done}, IDEM_VERB_LOCK, 0, IDEM_ERR_IO, 0};
    const struct idem_alarm_message alarm = {.head = {IDEM_SC_ALARM, sizeof alarm},
                                             .number = 1,
                                             .device = 7,
                                             .kind = IDEM_GUARD_INJECTED_KEYS,
                                             .action = IDEM_ACTION_CUT_OFF,
                                             .confidence = 0.99F,
                                             .saw_count = 1,
                                             .saw = {{IDEM_SAW_HOLDS_SHORT, 4, 2.0F, 0}}};
    const struct idem_number_message front = {{IDEM_CS_FRONT, sizeof front}, 40000};
    const struct idem_number_message heard = {{IDEM_CS_HEARD, sizeof heard}, 3};
    const struct idem_act_message act = {
        .head = {IDEM_CS_ACT, sizeof act}, .action = IDEM_ACTION_LOCK, .notice = 4};
    struct idem_settings_message settings;

    idem_settings_default(&settings);
    settings.untouched_s = 600;
    save_message("device", 0, 1, &device, sizeof device);
    save_message("presence", 0, 0, &presence, sizeof presence);
    save_message("verb", 1, 0, &verb, sizeof verb);
    save_message("presence-user", 2, 0, &told, sizeof told);
    save_message("done", 3, 0, &done, sizeof done);
    save_message("alarm", 3, 0, &alarm, sizeof alarm);
    save_message("front", 4, 1, &front, sizeof front);
    save_message("settings", 4, 0, &settings, sizeof settings);
    save_message("act", 4, 0, &act, sizeof act);
    save_message("heard", 4, 0, &heard, sizeof heard);
    seed_packed();
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_seeds CORPUS_FOLDER\n");
        return 2;
    }
    corpus = argv[1];
    struct idem_front *front = small_front();
    seed_front(front);
    seed_profile(front);
    seed_sketch();
    seed_population(front); /* which frees it */
    for (int json = 0; json < 2; json++) {
        seed_batch(json ? "json/one" : "cbor/one", json, 1, -1);
        seed_batch(json ? "json/both" : "cbor/both", json, 3, INT64_C(1800000000000));
    }
    seed_sealed();
    seed_stored();
    seed_guard();
    seed_kept_session();
    seed_spool();
    seed_messages();
    return 0;
}
