/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bodies.c - see bodies.h. Windows are decoded and checked here, on the HTTP thread, and written
 * out again in the one canonical form that the store keeps, so that what a peer sent byte for byte
 * goes no further.
 */
#include "server/bodies.h"

#include "server/http.h"

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
static bool take_clock(struct idem_request *r, int64_t clock_ms)
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

/* ------------------------------------------------------------------ opening a session */

static bool take_name(struct idem_request *r, const json_t *value, const char *field,
                      const char **out)
{
    if (!json_is_string(value) || json_string_length(value) == 0 ||
        json_string_length(value) > IDEM_NAME_MAX) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                            "\"%s\" must be a string of 1 to %d bytes", field, IDEM_NAME_MAX);
        return false;
    }
    *out = json_string_value(value);
    return true;
}

/* Without a seat's or a back end's word there is the demo only, and that only in its server. */
static bool take_organisation(struct idem_request *r, const json_t *value)
{
    if (json_is_string(value) && strcmp(json_string_value(value), "demo") == 0) {
        r->command.opening = (struct idem_opening){
            .organisation = idem_http_parts(r->http)->demo,
            .kind = IDEM_SESSION_DEMO,
            .start = IDEM_START_STRONG,
        };
        return true;
    }
    idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"organisation\" must be \"demo\"");
    return false;
}

static bool take_device_class(struct idem_request *r, const json_t *value)
{
    if (value == NULL)
        return true;
    if (json_is_string(value) &&
        idem_device_class_parse(json_string_value(value), &r->command.device_class) == 0)
        return true;
    idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                        "\"device_class\" must be \"desktop\" or \"laptop\"");
    return false;
}

static bool take_open_clock(struct idem_request *r, const json_t *value)
{
    if (value == NULL)
        return true;
    if (json_is_integer(value))
        return take_clock(r, json_integer_value(value));
    idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"clock_ms\" must be an integer");
    return false;
}

static bool only_known(struct idem_request *r, json_t *root)
{
    static const char *const known[] = {"organisation", "person", "seat", "device_class",
                                        "clock_ms"};
    const char *name;
    json_t *value;

    json_object_foreach(root, name, value)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            found = found || strcmp(known[i], name) == 0;
        if (!found) {
            idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                                "a session has organisation, person, seat and device_class, and "
                                "no other field");
            return false;
        }
    }
    return true;
}

static bool take_open(struct idem_request *r, json_t *root)
{
    const struct idem_people *people = idem_http_parts(r->http)->people;
    const char *person, *seat;

    if (!only_known(r, root) || !take_organisation(r, json_object_get(root, "organisation")) ||
        !take_name(r, json_object_get(root, "person"), "person", &person) ||
        !take_name(r, json_object_get(root, "seat"), "seat", &seat) ||
        !take_device_class(r, json_object_get(root, "device_class")) ||
        !take_open_clock(r, json_object_get(root, "clock_ms")))
        return false;
    idem_people_handle(people, "demo", person, r->command.handle);
    memcpy(r->command.name, person, strlen(person) + 1);
    memcpy(r->command.seat, seat, strlen(seat) + 1);
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

bool idem_body_open(struct idem_request *r)
{
    if (idem_http_parts(r->http)->demo == 0) {
        idem_request_refuse(r, IDEM_PROBLEM_TOKEN_MISSING,
                            "sessions are opened by enrolled seats and by API keys");
        return false;
    }
    return idem_body_json(r) && take_open(r, r->command.json);
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
    r->command.payload = r->payload.bytes;
    return !batch.has_clock || take_clock(r, batch.clock_ms);
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
    return !batch.has_clock || take_clock(r, batch.clock_ms);
}
