/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bodies.c - see bodies.h. Windows are decoded and checked here, on the HTTP thread, and written
 * out again in the one canonical form that the store keeps, so that what a peer sent byte for byte
 * goes no further.
 */
#include "server/bodies.h"

#include "server/http.h"
#include "server/metrics.h"
#include "server/notices.h"
#include "server/seats.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ------------------------------------------------------------------ media types */

/* "application/json; charset=utf-8" is application/json. */
static bool is_type(const char *header, const char *type)
{
    size_t len = strlen(type);
    return header != NULL && strncasecmp(header, type, len) == 0 &&
           (header[len] == '\0' || header[len] == ';' || header[len] == ' ');
}

static bool is_json(struct idem_request *r)
{
    return is_type(idem_request_header(r, "Content-Type"), "application/json");
}

static bool is_cbor(struct idem_request *r)
{
    return is_type(idem_request_header(r, "Content-Type"), "application/cbor");
}

/* A clock in a request is for tests, and only where the server was started for them. */
bool idem_body_clock(struct idem_request *r, int64_t clock_ms)
{
    static const int64_t latest = INT64_C(4102444800000); /* the year 2100 */

    if (!idem_http_parts(r->http)->test_clock) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                            "\"clock_ms\" is accepted only by a server started with --test-clock");
        return false;
    }
    if (clock_ms < 0 || clock_ms > latest) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"clock_ms\" is out of range");
        return false;
    }
    r->command.has_clock = true;
    r->command.clock_ms = clock_ms;
    return true;
}

/* The parser's message may quote the peer: only printable ASCII of it is passed on. */
static void refuse_json(struct idem_request *r, const json_error_t *fault)
{
    char text[100];
    size_t i = 0;

    for (; fault->text[i] != '\0' && i + 1 < sizeof text; i++)
        text[i] = fault->text[i] >= 0x20 && fault->text[i] <= 0x7e ? fault->text[i] : '?';
    text[i] = '\0';
    idem_request_refuse(r, IDEM_PROBLEM_MALFORMED_JSON, "line %d, column %d: %s", fault->line,
                        fault->column, text);
}

bool idem_body_json(struct idem_request *r)
{
    json_error_t fault;

    if (!is_json(r)) {
        idem_request_refuse(r, IDEM_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
                            "this is sent as application/json");
        return false;
    }
    json_t *root =
        json_loadb((const char *)r->body.bytes, r->body.len, JSON_REJECT_DUPLICATES, &fault);
    if (root == NULL)
        refuse_json(r, &fault);
    else if (!json_is_object(root))
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "the body must be an object");
    if (idem_request_refused(r)) {
        json_decref(root);
        return false;
    }
    r->command.json = root;
    return true;
}

/* ------------------------------------------------------------------ windows */

/* Each HTTP thread has a reader of its own, for as long as the thread lives. */
static _Thread_local struct idem_wire_reader *thread_reader;
static pthread_key_t reader_key;
static pthread_once_t reader_once = PTHREAD_ONCE_INIT;

static void free_reader(void *reader)
{
    idem_wire_reader_free(reader);
}

static void make_reader_key(void)
{
    pthread_key_create(&reader_key, free_reader);
}

static struct idem_wire_reader *reader_of(struct idem_request *r)
{
    if (thread_reader == NULL) {
        pthread_once(&reader_once, make_reader_key);
        if (idem_wire_reader_new(idem_population_front(idem_http_parts(r->http)->population),
                                 &thread_reader) != 0)
            return NULL;
        pthread_setspecific(reader_key, thread_reader);
    }
    return thread_reader;
}

/* Small windows tell more of single strokes, and crumbs would stand in for whole ones in
 * quarantine. */
static bool large_enough(const struct idem_window *window)
{
    uint32_t asked =
        idem_window_modality(window) == IDEM_KEYBOARD ? IDEM_WINDOW_KEYS : IDEM_WINDOW_GESTURES;
    return idem_window_strokes(window) >= asked;
}

/* One decoded window, written out again behind the ones before it. */
static int take_window(void *arg, uint32_t seq, const struct idem_window *window)
{
    struct idem_request *r = arg;

    if (!large_enough(window))
        return IDEM_ERR_TOO_LITTLE;
    const struct idem_front *front = idem_population_front(idem_http_parts(r->http)->population);
    struct idem_buffer *p = &r->payload;
    size_t len = 0;
    int err;

    while ((err = idem_wire_write_window(front, window, seq, p->bytes + p->len, p->cap - p->len,
                                         &len)) == IDEM_ERR_LIMIT) {
        if ((err = idem_buffer_reserve(p, p->cap - p->len + 1, 2 * IDEM_WIRE_BODY_MAX)) != 0)
            return err;
    }
    if (err != 0)
        return err;
    r->command.items[r->command.item_count++] =
        (struct idem_item){.seq = seq, .at = (uint32_t)p->len, .len = (uint32_t)len};
    p->len += len;
    return IDEM_OK;
}

static void refuse_windows(struct idem_request *r, struct idem_wire_reader *reader, int err,
                           bool cbor)
{
    enum idem_problem problem = IDEM_PROBLEM_INVALID_FIELD;

    if (err == IDEM_ERR_TOO_LITTLE) {
        idem_request_refuse(r, problem, "a window holds fewer strokes than this server asked for");
        return;
    }
    if (err == IDEM_ERR_FORMAT || err == IDEM_ERR_TRUNCATED)
        problem = cbor ? IDEM_PROBLEM_MALFORMED_CBOR : IDEM_PROBLEM_MALFORMED_JSON;
    else if (err == IDEM_ERR_MISMATCH)
        problem = IDEM_PROBLEM_FRONT_MISMATCH;
    else if (err == IDEM_ERR_NOMEM)
        problem = IDEM_PROBLEM_OVERLOADED;
    idem_request_refuse(r, problem, "%s", idem_wire_reader_why(reader));
}

/* The links of what has been written out, behind it; the last one is what is signed. */
static bool put_links(struct idem_request *r, const struct idem_wire_batch *batch,
                      const uint8_t nonce[IDEM_NONCE_BYTES])
{
    struct idem_command *c = &r->command;
    const size_t bytes = (size_t)c->item_count * IDEM_SEAL_LINK;
    uint8_t link[IDEM_SEAL_LINK];

    if (idem_buffer_reserve(&r->payload, bytes, 2 * IDEM_WIRE_BODY_MAX + bytes) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "no memory for the windows");
        return false;
    }
    uint8_t *links = r->payload.bytes + r->payload.len;
    memcpy(link, batch->previous, sizeof link);
    for (uint32_t i = 0; i < c->item_count; i++) {
        const struct idem_item *item = &c->items[i];
        idem_seal_next(nonce, item->seq, r->payload.bytes + item->at, item->len, link);
        memcpy(links + (size_t)i * IDEM_SEAL_LINK, link, sizeof link);
    }
    r->payload.len += bytes;
    c->links = links;
    return true;
}

/* The signature, by the key of the session's seat. A session without one needs none: the worker
 * knows which it is, and whether it is still open. */
static bool take_seal(struct idem_request *r, const struct idem_wire_batch *batch)
{
    struct idem_command *c = &r->command;
    struct idem_seal_message message;
    struct idem_signer signer;

    if (!idem_signers_get(idem_http_parts(r->http)->seats, c->id, &signer))
        return true;
    if (!put_links(r, batch, signer.nonce))
        return false;
    idem_seal_windows(c->links + (size_t)(c->item_count - 1) * IDEM_SEAL_LINK, &message);
    if (!idem_seal_good(signer.public_key, &message, batch->signature)) {
        idem_notice_of_session(IDEM_NOTICE_SIGNATURE_WRONG, c->grant.organisation, c->id);
        idem_request_refuse(r, IDEM_PROBLEM_SIGNATURE_WRONG,
                            "the windows are not what the seat's key has signed");
        return false;
    }
    memcpy(c->previous, batch->previous, sizeof c->previous);
    c->sealed = true;
    idem_metric_add(IDEM_METRIC_SIGNED, c->item_count);
    return true;
}

bool idem_body_windows(struct idem_request *r)
{
    struct idem_wire_reader *reader = reader_of(r);
    struct idem_wire_batch batch;
    bool cbor = is_cbor(r);
    int err;

    if (!cbor && !is_json(r)) {
        idem_request_refuse(r, IDEM_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
                            "windows are sent as application/cbor or application/json");
        return false;
    }
    if (reader == NULL || idem_buffer_reserve(&r->payload, 1, IDEM_BUFFER_FIRST) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "no memory for the windows");
        return false;
    }
    err = cbor ? idem_wire_read_cbor(reader, r->body.bytes, r->body.len, take_window, r, &batch)
               : idem_wire_read_json(reader, r->body.bytes, r->body.len, take_window, r, &batch);
    if (err != 0) {
        refuse_windows(r, reader, err, cbor);
        return false;
    }
    if ((batch.sealed && !take_seal(r, &batch)) ||
        (batch.has_clock && !idem_body_clock(r, batch.clock_ms)))
        return false;
    r->command.payload = r->payload.bytes;
    return true;
}

/* ------------------------------------------------------------------ alarms */

bool idem_body_alarms(struct idem_request *r)
{
    struct idem_wire_alarms batch;
    char why[IDEM_WIRE_WHY_MAX];

    if (!is_json(r)) {
        idem_request_refuse(r, IDEM_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
                            "alarms are sent as application/json");
        return false;
    }
    int err = idem_wire_read_alarms(r->body.bytes, r->body.len, &batch, why);
    if (err != 0) {
        idem_request_refuse(
            r, err == IDEM_ERR_FORMAT ? IDEM_PROBLEM_MALFORMED_JSON : IDEM_PROBLEM_INVALID_FIELD,
            "%s", why);
        return false;
    }
    r->command.item_count = batch.count;
    memcpy(r->command.alarms, batch.alarms, batch.count * sizeof batch.alarms[0]);
    return !batch.has_clock || idem_body_clock(r, batch.clock_ms);
}
