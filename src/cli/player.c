/* SPDX-License-Identifier: Apache-2.0 */
/*
 * player.c - see player.h.
 */
#include "cli/player.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/player_seat.h"
#include "wire/wire.h"

/* A change of trust that is worth a line. */
#define TOLD_STEP 0.1

static void say(const struct idem_player *p, int64_t t_us, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const struct idem_player *p, int64_t t_us, const char *format, ...)
{
    char line[512];
    va_list args;
    int n = snprintf(line, sizeof line, "%8.1f s  %-12.60s ", (double)t_us / 1e6, p->name);
    va_start(args, format);
    vsnprintf(line + n, sizeof line - (size_t)n, format, args);
    va_end(args);
    p->stage->say(line);
}

static void give_up(struct idem_player *p, const char *why)
{
    say(p, p->sent_us, "FAILED  %.300s", why);
    p->phase = IDEM_PLAYER_FAILED;
}

/* ------------------------------------------------------------------ answers */

/* The text of a field of an object, or "". */
static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* What a problem document says; anything else as it is. */
static void problem(struct idem_player *p, long status, const char *body, size_t len)
{
    json_t *doc = json_loadb(body, len, 0, NULL);
    char why[400];
    if (status == 400 && p->stage->clock && strstr(body, "--test-clock"))
        snprintf(
            why, sizeof why,
            "the server keeps its own time: start it with --test-clock, or replay at --speed 1");
    else
        snprintf(why, sizeof why, "%ld %s %s", status, doc ? text_of(doc, "detail") : body,
                 doc ? text_of(doc, "action") : "");
    json_decref(doc);
    give_up(p, why);
}

static bool retry(struct idem_player *p, long status)
{
    return (status == 0 || status == 503) && ++p->tries < IDEM_PLAYER_TRIES;
}

static const char *first_reason(const json_t *session)
{
    return text_of(json_array_get(json_object_get(session, "explanation"), 0), "text");
}

/* Why the session is not simply trusted: a guard's words before the model's. */
static const char *reason_of(const json_t *session, double trust)
{
    const json_t *guard = json_object_get(session, "guard");
    const char *action = text_of(guard, "action");
    bool acts = strcmp(action, "step-up") == 0 || strcmp(action, "lock") == 0 ||
                strcmp(action, "cut-off-device") == 0 || strcmp(action, "end-session") == 0;
    if (acts && !json_is_true(json_object_get(guard, "cleared")))
        return text_of(guard, "text");
    return trust < 0.5 ? first_reason(session) : "";
}

static void note_catch(struct idem_player *p)
{
    bool caught = strcmp(p->state, "locked") == 0 || strcmp(p->state, "step-up") == 0;
    if (caught && p->takeover_us >= 0 && p->sent_us >= p->takeover_us && p->caught_us < 0)
        p->caught_us = p->sent_us;
}

/* Tells the verdict when its state or its trust has changed. */
static void verdict(struct idem_player *p, const json_t *session)
{
    const json_t *value = json_object_get(session, "trust");
    const char *state = text_of(session, "state");
    double trust = json_is_number(value) ? json_number_value(value) : NAN;
    bool moved = isnan(trust) != isnan(p->trust) || fabs(trust - p->trust) >= TOLD_STEP;
    if (strcmp(state, p->state) == 0 && !moved)
        return;
    snprintf(p->state, sizeof p->state, "%s", state);
    p->trust = trust;
    note_catch(p);
    if (isnan(trust))
        say(p, p->sent_us, "%-12s %.300s", state, reason_of(session, trust));
    else
        say(p, p->sent_us, "%-12s trust %.2f  %.300s", state, trust, reason_of(session, trust));
}

static bool copy(char *to, const char *from)
{
    size_t len = strlen(from);
    if (len == 0 || len >= IDEM_PLAYER_TOKEN)
        return false;
    memcpy(to, from, len + 1);
    return true;
}

static int new_collectors(struct idem_player *p, const json_t *answer)
{
    const json_t *window = json_object_get(answer, "window");
    json_int_t keys = json_integer_value(json_object_get(window, "keyboard"));
    json_int_t gestures = json_integer_value(json_object_get(window, "pointer"));
    const struct idem_front *front = p->stage->front;
    int r = 0;
    if (keys > 0 && keys <= 1000 && idem_front_cells(front, IDEM_KEYBOARD))
        r = idem_keyboard_new(front, (uint32_t)keys, &p->keyboard);
    if (r == 0 && gestures > 0 && gestures <= 1000 && idem_front_cells(front, IDEM_POINTER))
        r = idem_pointer_new(front, (uint32_t)gestures, &p->pointer);
    for (int m = 0; m < IDEM_MODALITIES && r == 0; m++)
        r = idem_guard_new(NULL, &p->guards[m]);
    return r;
}

static void opened(void *arg, long status, const char *body, size_t len)
{
    struct idem_player *p = arg;
    p->busy = p->challenged = false;
    if (status != 201) {
        if (!retry(p, status))
            problem(p, status, body, len);
        else
            p->phase = IDEM_PLAYER_WAITING;
        return;
    }
    json_t *answer = json_loadb(body, len, 0, NULL);
    const json_t *session = json_object_get(answer, "session");
    char front[20];
    snprintf(front, sizeof front, "%016llx", (unsigned long long)idem_front_id(p->stage->front));
    if (!idem_player_take_opening(p, answer) || !copy(p->session, text_of(session, "id")))
        give_up(p, "the answer to opening a session has no token or no session");
    else if (strcmp(text_of(answer, "front"), front) != 0)
        give_up(p, "the server changed its front in between: start the replay anew");
    else if (new_collectors(p, answer) < 0)
        give_up(p, "out of memory");
    else
        p->phase = IDEM_PLAYER_PLAYING;
    p->tries = 0;
    json_decref(answer);
}

/* The windows of the request are held: off the queue. */
static void acknowledge(struct idem_player *p)
{
    struct idem_queued *q = &p->queue[p->head];
    uint32_t strokes = idem_window_strokes(q->window);
    /* told with the first window of the new hands, so that lines stand in the order of the verdicts
     */
    if (p->takeover_us >= 0 && q->t_us >= p->takeover_us && p->sent_us < p->takeover_us)
        say(p, p->takeover_us, "-> the hands are %s's now", p->impostor);
    p->sent_us = q->t_us;
    if (p->takeover_us >= 0 && q->t_us >= p->takeover_us && p->caught_us < 0) {
        p->keys_after += idem_window_modality(q->window) == IDEM_KEYBOARD ? strokes : 0;
        p->gestures_after += idem_window_modality(q->window) == IDEM_POINTER ? strokes : 0;
    }
    idem_window_free(q->window);
    q->window = NULL;
    p->head = (p->head + 1) % IDEM_PLAYER_QUEUE;
    p->queued--;
    p->stage->windows++;
}

static void close_if_locked(struct idem_player *p)
{
    if (strcmp(p->state, "locked") != 0 && strcmp(p->state, "closed") != 0)
        return;
    p->ended_locked = p->state[0] == 'l';
    p->phase = IDEM_PLAYER_CLOSING; /* a locked seat measures nothing */
}

/* The answer, to be given back; NULL after a refusal, which is tried again or told. */
static json_t *accepted(struct idem_player *p, long status, const char *body, size_t len)
{
    p->busy = false;
    json_t *answer = status == 200 ? json_loadb(body, len, 0, NULL) : NULL;
    if (answer == NULL && (status == 200 || !retry(p, status)))
        problem(p, status, body, len);
    return answer;
}

static void sent(void *arg, long status, const char *body, size_t len)
{
    struct idem_player *p = arg;
    json_t *answer = accepted(p, status, body, len);
    if (answer == NULL)
        return;
    p->tries = 0;
    memcpy(p->seal.link, p->link, sizeof p->link);
    acknowledge(p);
    verdict(p, json_object_get(answer, "session"));
    json_decref(answer);
    close_if_locked(p);
}

/* What the server says of the alarm, and that it holds it. */
static void warned(void *arg, long status, const char *body, size_t len)
{
    struct idem_player *p = arg;
    json_t *answer = accepted(p, status, body, len);
    if (answer == NULL)
        return;
    const json_t *session = json_object_get(answer, "session");
    const json_t *guard = json_object_get(session, "guard");
    p->tries = 0;
    for (uint32_t i = 0; i < p->alarm_count; i++)
        p->stage->alarms += idem_guard_is_alarm(p->alarms[i].verdict.kind);
    p->alarm_count = 0;
    p->sent_us = p->alarm_us > p->sent_us ? p->alarm_us : p->sent_us;
    say(p, p->alarm_us, "ALARM   %s at the %s, %s: %.300s", text_of(guard, "kind"),
        text_of(guard, "device"), text_of(guard, "action"), text_of(guard, "text"));
    verdict(p, session);
    json_decref(answer);
    close_if_locked(p);
}

static void challenged(void *arg, long status, const char *body, size_t len)
{
    struct idem_player *p = arg;
    p->busy = false;
    json_t *answer = status == 201 ? json_loadb(body, len, 0, NULL) : NULL;
    p->challenged =
        idem_seal_parse(text_of(answer, "nonce"), p->challenge, sizeof p->challenge) == 0;
    if (!p->challenged && !retry(p, status))
        problem(p, status, body, len);
    json_decref(answer);
}

static void renewed(void *arg, long status, const char *body, size_t len)
{
    struct idem_player *p = arg;
    json_t *answer = accepted(p, status, body, len);
    if (answer == NULL)
        return;
    p->tries = 0;
    if (!idem_player_take_token(p, answer))
        give_up(p, "the answer to a renewal has no token");
    json_decref(answer);
}

static void closed(void *arg, long status, const char *body, size_t len)
{
    struct idem_player *p = arg;
    p->busy = false;
    if (status == 204 || status == 409)
        p->phase = IDEM_PLAYER_DONE;
    else if (!retry(p, status))
        problem(p, status, body, len);
}

/* ------------------------------------------------------------------ requests */

static void send_request(struct idem_player *p, const struct idem_client_request *request,
                         idem_client_done_fn *done)
{
    p->busy = true;
    if (idem_client_send(p->stage->client, request, done, p) < 0) {
        p->busy = false;
        give_up(p, "out of memory");
    }
}

static void post_json(struct idem_player *p, const char *path, const char *token, json_t *body,
                      idem_client_done_fn *done)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (!text) {
        give_up(p, "this name is not UTF-8, or memory ran out");
        return;
    }
    const struct idem_client_request request = {.method = "POST",
                                                .path = path,
                                                .token = token,
                                                .type = "application/json",
                                                .body = text,
                                                .len = strlen(text)};
    send_request(p, &request, done);
    free(text);
}

/* A seat signs a challenge, which it asks for first. */
static void open_session(struct idem_player *p)
{
    if (p->stage->seat && !p->challenged) {
        post_json(p, "/v1/challenge", NULL, json_object(), challenged);
        return;
    }
    p->phase = IDEM_PLAYER_OPENING;
    post_json(p, "/v1/sessions", p->stage->token, idem_player_opening(p), opened);
}

static void renew_token(struct idem_player *p)
{
    char path[IDEM_PLAYER_TOKEN + 32];
    snprintf(path, sizeof path, "/v1/sessions/%s/token", p->session);
    p->renewals++;
    post_json(p, path, p->stage->seat ? NULL : p->token, idem_player_renewal(p), renewed);
}

static int begin_batch(struct idem_player *p, struct idem_wire_writer *w, int64_t clock_ms,
                       uint8_t *body, size_t cap)
{
    const struct idem_front *front = p->stage->front;
    return p->stage->seat ? idem_wire_batch_begin_sealed(w, &p->seal, front, 1, clock_ms, body, cap)
                          : idem_wire_batch_begin(w, front, false, 1, clock_ms, body, cap);
}

/* One window a request, so that each arrives at its own time. */
static void send_window(struct idem_player *p)
{
    static uint8_t body[IDEM_WIRE_BODY_MAX]; /* copied by the client */
    const struct idem_queued *q = &p->queue[p->head];
    struct idem_wire_writer w;
    size_t len = 0;
    int64_t clock_ms = p->stage->clock ? p->stage->epoch_ms + q->t_us / 1000 : -1;
    int r = begin_batch(p, &w, clock_ms, body, sizeof body);
    if (r == 0)
        r = idem_wire_batch_put(&w, q->window, q->seq);
    if (r == 0)
        r = idem_wire_batch_end(&w, &len);
    if (r < 0) {
        give_up(p, idem_strerror(r));
        return;
    }
    memcpy(p->link, w.link, sizeof p->link);
    const struct idem_client_request request = {.method = "POST",
                                                .path = "/v1/windows",
                                                .token = p->token,
                                                .type = "application/cbor",
                                                .body = body,
                                                .len = len};
    send_request(p, &request, sent);
}

/* All that wait, in one request: the queue is as long as a request may be. */
static void send_alarms(struct idem_player *p)
{
    static char body[IDEM_PLAYER_ALARMS * IDEM_WIRE_ALARM_JSON_MAX + 64]; /* copied by the client */
    struct idem_text t = {body, 0, sizeof body, false};
    const int64_t clock_ms = p->stage->clock ? p->stage->epoch_ms + p->alarm_us / 1000 : -1;
    idem_wire_write_alarms(&t, p->alarms, p->alarm_count, clock_ms);
    if (t.full) {
        give_up(p, "an alarm is longer than it can be");
        return;
    }
    const struct idem_client_request request = {.method = "POST",
                                                .path = "/v1/alarms",
                                                .token = p->token,
                                                .type = "application/json",
                                                .body = body,
                                                .len = t.len};
    send_request(p, &request, warned);
}

static void close_session(struct idem_player *p)
{
    char path[IDEM_PLAYER_TOKEN + 32];
    snprintf(path, sizeof path, "/v1/sessions/%s", p->session);
    const struct idem_client_request request = {
        .method = "DELETE", .path = path, .token = p->token};
    send_request(p, &request, closed);
}

/* ------------------------------------------------------------------ playing */

static int enqueue(struct idem_player *p, enum idem_modality modality, int64_t t_us)
{
    struct idem_window *window;
    int r = idem_window_new(p->stage->front, modality, &window);
    if (r < 0)
        return r;
    r = modality == IDEM_KEYBOARD ? idem_keyboard_take(p->keyboard, window)
                                  : idem_pointer_take(p->pointer, window);
    if (r < 0) {
        idem_window_free(window);
        return r;
    }
    p->queue[(p->head + p->queued) % IDEM_PLAYER_QUEUE] =
        (struct idem_queued){window, ++p->seq, t_us};
    p->queued++;
    return 0;
}

/* The guard has news: an alarm or a macro is sent, and once more when it has seen more. */
static void warn(struct idem_player *p, enum idem_modality device, int64_t t_us)
{
    const struct idem_guard_verdict v = idem_guard_read(p->guards[device]);
    struct idem_guard_verdict *told = &p->told[device];
    bool worth = idem_guard_is_alarm(v.kind) || v.kind == IDEM_GUARD_MACRO;
    bool again = told->kind == v.kind && told->saw_count >= v.saw_count;
    if (!worth || again || p->alarm_count == IDEM_PLAYER_ALARMS ||
        p->alarm_seq == IDEM_WIRE_ALARM_SEQ_MAX)
        return;
    *told = v;
    p->alarms[p->alarm_count++] = (struct idem_wire_alarm){++p->alarm_seq, device, v};
    p->alarm_us = t_us;
}

static int play_pointer(struct idem_player *p, const struct idem_script_event *e)
{
    enum idem_pointer_kind kind = (enum idem_pointer_kind)e->code;
    double x = (double)e->x, y = (double)e->y;
    if (idem_guard_pointer(p->guards[IDEM_POINTER], kind, x, y, 0, e->t_us))
        warn(p, IDEM_POINTER, e->t_us);
    return p->pointer && idem_pointer_event(p->pointer, kind, x, y, e->t_us)
               ? enqueue(p, IDEM_POINTER, e->t_us)
               : 0;
}

static int play_event(struct idem_player *p, const struct idem_script_event *e)
{
    if (e->what == IDEM_SCRIPT_POINTER)
        return play_pointer(p, e);
    enum idem_key_action action = e->what == IDEM_SCRIPT_KEY_DOWN ? IDEM_KEY_DOWN : IDEM_KEY_UP;
    if (idem_guard_key(p->guards[IDEM_KEYBOARD], e->code, action, 0, e->t_us))
        warn(p, IDEM_KEYBOARD, e->t_us);
    return p->keyboard && idem_keyboard_event(p->keyboard, e->code, action, e->t_us)
               ? enqueue(p, IDEM_KEYBOARD, e->t_us)
               : 0;
}

static void play(struct idem_player *p, int64_t now_us)
{
    while (p->next < p->script.count && p->queued < IDEM_PLAYER_QUEUE) {
        const struct idem_script_event *e = &p->script.events[p->next];
        if (e->t_us > now_us)
            return;
        int r = play_event(p, e);
        p->next++;
        if (r < 0) {
            give_up(p, idem_strerror(r));
            return;
        }
    }
}

void idem_player_step(struct idem_player *p, int64_t now_us)
{
    if (p->phase == IDEM_PLAYER_PLAYING)
        play(p, now_us);
    if (p->phase == IDEM_PLAYER_PLAYING && p->next == p->script.count && !p->queued &&
        !p->alarm_count)
        p->phase = IDEM_PLAYER_CLOSING;
    if (p->busy)
        return;
    if (p->phase == IDEM_PLAYER_WAITING)
        open_session(p);
    else if (p->phase == IDEM_PLAYER_PLAYING && idem_cli_now() >= p->renew_at)
        renew_token(p);
    else if (p->phase == IDEM_PLAYER_PLAYING && p->alarm_count)
        send_alarms(p);
    else if (p->phase == IDEM_PLAYER_PLAYING && p->queued)
        send_window(p);
    else if (p->phase == IDEM_PLAYER_CLOSING)
        close_session(p);
}

int64_t idem_player_due(const struct idem_player *p)
{
    if (idem_player_over(p) || p->busy)
        return INT64_MAX;
    if (p->phase != IDEM_PLAYER_PLAYING || p->alarm_count || p->queued ||
        p->next == p->script.count)
        return INT64_MIN;
    return p->script.events[p->next].t_us;
}

bool idem_player_over(const struct idem_player *p)
{
    return p->phase == IDEM_PLAYER_DONE || p->phase == IDEM_PLAYER_FAILED;
}

void idem_player_free(struct idem_player *p)
{
    while (p->queued) {
        idem_window_free(p->queue[p->head].window);
        p->head = (p->head + 1) % IDEM_PLAYER_QUEUE;
        p->queued--;
    }
    idem_keyboard_free(p->keyboard);
    idem_pointer_free(p->pointer);
    for (int m = 0; m < IDEM_MODALITIES; m++)
        idem_guard_free(p->guards[m]);
    idem_script_free(&p->script);
}
