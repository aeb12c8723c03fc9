/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sending.c - windows and alarms on their way: from the sensor into the spool, which is on disk,
 * from there to the server, and out of the spool when the server has them on its own disk.
 *
 *   case                                    what happens
 *   no session yet, the server is away      the window waits in the spool, under its person's name
 *   sent, no answer                         the same batch again, in the same session, under the
 *                                           same numbers: the server answers as it would have
 *   the session is gone meanwhile           what was on the wire is dropped and counted: elsewhere
 *                                           it would look like a replay. Alarms are sent again
 *   a window of another front               dropped and counted
 *   refused for good                        likewise: sent again it would be refused again
 *   the server is at a pause                the windows from before it wait until that is over
 *   the person has changed                  windows and alarms are whose they were made under
 *
 * An alarm is written as what the server will read, and checked by its reader, before it is kept.
 */
#include "agent/courier/courier.h"

#include <stdio.h>
#include <string.h>

#include "agent/pack.h"
#include "base/log.h"

enum { HOUR_MS = 3600 * 1000, BATCH_MAX = IDEM_WIRE_BODY_MAX - 256 };

static _Alignas(16) uint8_t record_bytes[IDEM_SPOOL_RECORD_MAX];
static uint8_t body_bytes[IDEM_WIRE_BODY_MAX];

static int64_t hour_now(void)
{
    return idem_courier_unix_ms() / HOUR_MS;
}

/* ------------------------------------------------------------------ in */

/* The window of packed bytes, in one of c->windows; NULL: it cannot be used. */
static struct idem_window *unpack(struct idem_courier *c, const void *bytes, size_t len)
{
    const struct idem_window_message *m = bytes;
    struct idem_window *w = m->modality < IDEM_MODALITIES ? c->windows[m->modality] : NULL;

    return w != NULL && idem_unpack_window(bytes, len, w) == 0 ? w : NULL;
}

bool idem_sending_waits(struct idem_courier *c, enum idem_spool_kind kind, const char *person)
{
    struct idem_spool_record r;

    return c->spool != NULL &&
           idem_spool_next(c->spool, kind, person, 0, &r, record_bytes, sizeof record_bytes) == 0;
}

static bool can_send(const struct idem_courier *c, const char *person)
{
    return idem_session_is_open(c) && strcmp(c->session.person, person) == 0 &&
           c->not_before_us <= idem_loop_now();
}

void idem_sending_window(struct idem_courier *c, const struct idem_line_buffer *message)
{
    struct idem_window *w = unpack(c, message->bytes, message->len);
    uint64_t id;

    if (w == NULL) {
        idem_log(IDEM_LOG_ERROR, "courier: peer: the sensor's window is none, or of another front");
        return;
    }
    if (c->collected[0] == 0 || c->spool == NULL)
        return; /* made for nobody */
    int err = idem_spool_append(c->spool, IDEM_SPOOL_WINDOW, c->collected, hour_now(),
                                message->bytes, message->len, &id);
    idem_upkeep_wait(c); /* for what had to go, too */
    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "courier: kernel: the spool takes no more: %s",
                 idem_strerror(err));
    else if (!can_send(c, c->collected))
        idem_control_window(c->control, c->front, w, 0, true);
    idem_ask_changed(c);
}

static void to_wire(const struct idem_alarm_message *m, struct idem_wire_alarm *out)
{
    *out = (struct idem_wire_alarm){.seq = 1, .device = (enum idem_modality)m->modality};
    out->verdict.kind = (enum idem_guard_kind)m->kind;
    out->verdict.confidence = (double)m->confidence;
    out->verdict.saw_count = m->saw_count;
    for (uint32_t i = 0; i < m->saw_count; i++)
        out->verdict.saw[i] = (struct idem_guard_saw){(enum idem_guard_reason)m->saw[i].reason,
                                                      m->saw[i].count, m->saw[i].value};
    idem_wire_round_verdict(&out->verdict);
}

bool idem_sending_alarm(struct idem_courier *c, const char *whose,
                        const struct idem_alarm_message *m)
{
    char json[IDEM_WIRE_ALARM_JSON_MAX];
    struct idem_text t = {json, 0, sizeof json, false};
    struct idem_wire_alarm alarm, back;
    uint64_t id;

    if (c->spool == NULL || whose[0] == 0)
        return c->spool == NULL; /* no server to send it to; or nobody has said yet who is here */
    to_wire(m, &alarm);
    idem_wire_write_alarm(&t, &alarm);
    if (t.full || idem_wire_read_alarm(json, t.len, &back) != 0) {
        idem_log(IDEM_LOG_ERROR, "courier: peer: the sensor's alarm is none that a server takes");
        return true;
    }
    int err = idem_spool_append(c->spool, IDEM_SPOOL_ALARM, whose, hour_now(), json, t.len, &id);
    idem_upkeep_wait(c);
    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "courier: kernel: the spool takes no more alarms: %s",
                 idem_strerror(err));
    else
        c->alarm_is_new = true;
    if (strcmp(whose, c->person) == 0)
        idem_control_alarm(c->control, m);
    idem_ask_changed(c);
    return err == 0 || err == IDEM_ERR_FULL;
}

/* ------------------------------------------------------------------ a batch */

struct batch {
    uint64_t ids[IDEM_WIRE_WINDOWS_MAX];
    uint32_t count, first_seq;
    size_t bytes;
    bool again; /* it has been on the wire */
};

/* The next record that can be sent, in w; what cannot be is dropped. */
static int next_window(struct idem_courier *c, uint64_t after, struct idem_spool_record *r,
                       struct idem_window **w)
{
    int err;

    while ((err = idem_spool_next(c->spool, IDEM_SPOOL_WINDOW, c->session.person, after, r,
                                  record_bytes, sizeof record_bytes)) == 0) {
        *w = unpack(c, record_bytes, r->len);
        if (*w != NULL)
            return 0;
        idem_log(IDEM_LOG_ERROR, "courier: a window of another front waits: it is dropped");
        err = idem_spool_drop(c->spool, r->id);
        if (err != 0)
            return err;
        after = r->id;
    }
    return err;
}

/* The window would be the batch's next. False: it does not belong, or does not fit. */
static bool joins(struct idem_courier *c, struct batch *b, const struct idem_spool_record *r,
                  const struct idem_window *w)
{
    size_t len;

    if (b->count == 0)
        b->again = r->seq != 0;
    if (b->again != (r->seq != 0) || (b->again && r->seq != b->first_seq + b->count) ||
        idem_wire_write_window(c->front, w, b->first_seq + b->count, body_bytes, sizeof body_bytes,
                               &len) != 0 ||
        b->bytes + len > BATCH_MAX)
        return false;
    b->bytes += len;
    return true;
}

/* What is in flight, or as many as fit into a body. */
static int gather(struct idem_courier *c, struct batch *b)
{
    struct idem_spool_record r;
    struct idem_window *w;
    uint64_t after = 0;
    int err = 0;

    *b = (struct batch){.first_seq = c->session.next_seq};
    while (b->count < IDEM_WIRE_WINDOWS_MAX && (err = next_window(c, after, &r, &w)) == 0 &&
           joins(c, b, &r, w))
        after = b->ids[b->count++] = r.id;
    if (b->count > 0)
        return 0;
    if (err == 0) { /* too large for any body: no honest one is */
        idem_log(IDEM_LOG_ERROR, "courier: peer: a window is too large to be sent: it is dropped");
        err = idem_spool_drop(c->spool, r.id);
    }
    return err == 0 || err == IDEM_ERR_NOT_FOUND ? IDEM_SESSION_AGAIN : err;
}

/* Under way already, and not what the session is at: it belongs to a past that is lost. */
static bool is_astray(struct idem_courier *c)
{
    struct idem_spool_record r;
    struct idem_window *w;

    return next_window(c, 0, &r, &w) == 0 && r.seq != 0 && r.seq != c->session.next_seq;
}

static int write_batch(struct idem_courier *c, const struct batch *b, size_t *len)
{
    struct idem_wire_seal seal = {.key = &c->key.key};
    struct idem_wire_writer writer;
    struct idem_spool_record r;
    struct idem_window *w;
    uint64_t after = 0;

    memcpy(seal.nonce, c->session.nonce, sizeof seal.nonce);
    memcpy(seal.link, c->session.link, sizeof seal.link);
    int err = idem_wire_batch_begin_sealed(&writer, &seal, c->front, b->count, -1, body_bytes,
                                           sizeof body_bytes);
    for (uint32_t i = 0; i < b->count && err == 0; i++) {
        err = next_window(c, after, &r, &w);
        if (err == 0 && r.id != b->ids[i])
            err = IDEM_ERR_MISMATCH;
        if (err == 0)
            err = idem_wire_batch_put(&writer, w, b->first_seq + i);
        after = r.id;
    }
    if (err == 0)
        err = idem_wire_batch_end(&writer, len);
    memcpy(c->link, writer.link, sizeof c->link);
    return err;
}

/* ------------------------------------------------------------------ windows */

static bool windows_due(struct idem_courier *c)
{
    return idem_session_is_open(c) && c->may_send && !c->held_back && c->front != NULL &&
           !c->front_wanted && idem_sending_waits(c, IDEM_SPOOL_WINDOW, c->session.person);
}

static int windows_begin(struct idem_courier *c)
{
    struct batch b;
    size_t len = 0;

    if (is_astray(c)) {
        idem_session_lose(c, "windows are under way that do not belong to it");
        return IDEM_SESSION_AGAIN;
    }
    int err = gather(c, &b);
    if (err == 0 && !b.again)
        err = idem_spool_sent(c->spool, IDEM_SPOOL_WINDOW, b.ids, b.count, c->session.id,
                              b.first_seq);
    if (err == 0)
        err = write_batch(c, &b, &len);
    if (err != 0)
        return err;
    c->sent_last = b.first_seq + b.count - 1;
    const struct idem_http_request r = {.method = "POST",
                                        .path = "/v1/windows",
                                        .token = c->session.token,
                                        .type = "application/cbor",
                                        .body = body_bytes,
                                        .len = len,
                                        .limit = IDEM_ANSWER_MAX};
    return idem_session_ask(c, &r);
}

static void told(struct idem_courier *c)
{
    struct idem_spool_record r;
    struct idem_window *w;
    uint64_t after = 0;

    while (next_window(c, after, &r, &w) == 0 && r.seq != 0 && r.seq <= c->sent_last) {
        idem_control_window(c->control, c->front, w, r.seq, false);
        after = r.id;
    }
}

/* First what the session is at, then the windows out of the spool: after a failure in between they
 * are taken out again (session.c). */
static void acknowledged(struct idem_courier *c)
{
    told(c);
    memcpy(c->session.link, c->link, sizeof c->session.link);
    c->session.next_seq = c->sent_last + 1;
    int err = idem_session_keep(c);
    if (err == 0)
        err = idem_spool_acknowledged(c->spool, IDEM_SPOOL_WINDOW, c->sent_last);
    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "courier: kernel: an acknowledgement cannot be kept on disk: %s",
                 idem_strerror(err));
}

static void drop_in_flight(struct idem_courier *c, enum idem_spool_kind kind)
{
    struct idem_spool_record r;

    while (idem_spool_next(c->spool, kind, c->session.person, 0, &r, record_bytes,
                           sizeof record_bytes) == 0 &&
           r.seq != 0)
        if (idem_spool_drop(c->spool, r.id) != 0)
            break;
}

static void windows_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    json_t *doc = a->status == 200 ? json_loadb(a->body, a->len, 0, NULL) : NULL;
    json_int_t held = json_integer_value(json_object_get(doc, "acknowledged"));

    if (a->status != 200) {
        if (!idem_session_refused(c, a)) {
            idem_session_say(c, "the server does not take these windows", a);
            drop_in_flight(c, IDEM_SPOOL_WINDOW);
        }
        return;
    }
    if (held >= (json_int_t)c->sent_last) {
        idem_backoff_reset(&c->opening);
        acknowledged(c);
        idem_learning_standing(c, json_object_get(doc, "session"));
    } else {
        idem_session_lose(c, "the server acknowledges less than it was sent");
    }
    json_decref(doc);
}

const struct idem_operation idem_operation_windows = {"windows", windows_due, windows_begin,
                                                      windows_answered, NULL};

/* ------------------------------------------------------------------ alarms */

static bool alarms_due(struct idem_courier *c)
{
    return idem_session_is_open(c) && idem_sending_waits(c, IDEM_SPOOL_ALARM, c->session.person);
}

/* What is in flight, or what waits; ids of the latter. */
static uint32_t gather_alarms(struct idem_courier *c, struct idem_wire_alarm *alarms, uint64_t *ids,
                              bool *again)
{
    struct idem_spool_record r;
    uint32_t count = 0;
    uint64_t after = 0;

    while (count < IDEM_WIRE_ALARMS_MAX &&
           idem_spool_next(c->spool, IDEM_SPOOL_ALARM, c->session.person, after, &r, record_bytes,
                           sizeof record_bytes) == 0) {
        after = r.id;
        if (idem_wire_read_alarm(record_bytes, r.len, &alarms[count]) != 0) {
            idem_spool_drop(c->spool, r.id); /* of another version: the server would refuse it */
            continue;
        }
        if (count == 0)
            *again = r.seq != 0;
        if (*again != (r.seq != 0))
            break;
        alarms[count].seq = *again ? r.seq : c->session.next_alarm + count;
        ids[count++] = r.id;
    }
    return count;
}

static int alarms_begin(struct idem_courier *c)
{
    struct idem_wire_alarm alarms[IDEM_WIRE_ALARMS_MAX];
    uint64_t ids[IDEM_WIRE_ALARMS_MAX];
    struct idem_text t = {(char *)body_bytes, 0, sizeof body_bytes, false};
    bool again = false;
    uint32_t count = gather_alarms(c, alarms, ids, &again);

    if (count == 0)
        return IDEM_SESSION_AGAIN;
    if (!again) {
        int err =
            idem_spool_sent(c->spool, IDEM_SPOOL_ALARM, ids, count, c->session.id, alarms[0].seq);
        if (err != 0)
            return err;
    }
    c->sent_last = alarms[count - 1].seq;
    idem_wire_write_alarms(&t, alarms, count, -1);
    return idem_session_post(c, "/v1/alarms", c->session.token, &t);
}

static void alarms_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    json_t *doc = a->status == 200 ? json_loadb(a->body, a->len, 0, NULL) : NULL;

    if (a->status == 200) {
        c->session.next_alarm = c->sent_last + 1;
        if (idem_session_keep(c) != 0 ||
            idem_spool_acknowledged(c->spool, IDEM_SPOOL_ALARM, c->sent_last) != 0)
            idem_log(IDEM_LOG_ERROR, "courier: kernel: an acknowledgement cannot be kept on disk");
        idem_learning_standing(c, json_object_get(doc, "session"));
    } else if (!idem_session_refused(c, a)) {
        idem_session_say(c, "the server does not take these alarms", a);
        drop_in_flight(c, IDEM_SPOOL_ALARM);
    }
    json_decref(doc);
}

const struct idem_operation idem_operation_alarms = {"alarms", alarms_due, alarms_begin,
                                                     alarms_answered, NULL};
