/* SPDX-License-Identifier: Apache-2.0 */
/* alarm.c - see alarm.h. jansson's tree is a fixed multiple of the body, which has a maximum. */
#include "wire/alarm.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct reading {
    bool own; /* from the store: without a number, and with a server's reasons */
    int index;
    char why[IDEM_WIRE_WHY_MAX];
};

__attribute__((format(printf, 2, 3))) static int refuse(struct reading *r, const char *fmt, ...)
{
    char what[IDEM_WIRE_WHY_MAX - 24];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    for (char *ch = what; *ch != '\0'; ch++)
        if (*ch < 0x20 || *ch > 0x7e)
            *ch = '?';
    if (r->index < 0)
        snprintf(r->why, sizeof r->why, "%s", what);
    else
        snprintf(r->why, sizeof r->why, "alarms[%d]: %s", r->index, what);
    return IDEM_ERR_INVALID;
}

/* ------------------------------------------------------------------ rounding */

static double round_to(double number, double parts)
{
    return round(number * parts) / parts;
}

void idem_wire_round_verdict(struct idem_guard_verdict *v)
{
    v->confidence = round_to(v->confidence, 1000);
    for (uint32_t i = 0; i < v->saw_count; i++) {
        const double parts = v->saw[i].reason == IDEM_SAW_CONSTANT_SPEED ? 100 : 10;
        v->saw[i].value = (float)fmax(round_to((double)v->saw[i].value, parts), 0);
    }
}

/* ------------------------------------------------------------------ reasons */

static int read_reason(struct reading *r, const json_t *value, struct idem_guard_saw *saw)
{
    const char *name = json_string_value(value);

    if (name == NULL || idem_guard_reason_parse(name, &saw->reason) != 0 ||
        saw->reason == IDEM_SAW_NOTHING)
        return refuse(r, "\"reason\" is not the name of one");
    if (!r->own &&
        (saw->reason == IDEM_SAW_WINDOW_BEFORE || saw->reason == IDEM_SAW_WINDOW_REGULAR))
        return refuse(r, "only a server can see \"%s\"", name);
    return IDEM_OK;
}

static int read_count(struct reading *r, const json_t *value, struct idem_guard_saw *saw)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > 255)
        return refuse(r, "\"count\" must be an integer in 0..255");
    saw->count = (uint32_t)json_integer_value(value);
    return IDEM_OK;
}

static int read_value(struct reading *r, const json_t *value, struct idem_guard_saw *saw)
{
    double number = json_number_value(value);

    if (!json_is_number(value) || !(fabs(number) <= IDEM_WIRE_ALARM_VALUE_MAX))
        return refuse(r, "\"value\" must be a number of at most %d", IDEM_WIRE_ALARM_VALUE_MAX);
    if (number < 0 && !r->own)
        return refuse(r, "\"value\" must not be below nought");
    saw->value = (float)number;
    return IDEM_OK;
}

static int read_saw(struct reading *r, const json_t *object, struct idem_guard_saw *saw)
{
    int err;

    if (!json_is_object(object) || json_object_size(object) != 3)
        return refuse(r, "what was seen has reason, count and value, and no other field");
    if ((err = read_reason(r, json_object_get(object, "reason"), saw)) != 0 ||
        (err = read_count(r, json_object_get(object, "count"), saw)) != 0)
        return err;
    return read_value(r, json_object_get(object, "value"), saw);
}

static int read_all_saw(struct reading *r, const json_t *list, struct idem_guard_verdict *v)
{
    const size_t size = json_array_size(list);
    int err = IDEM_OK;

    if (!json_is_array(list) || size == 0 || size > IDEM_GUARD_SAW_MAX)
        return refuse(r, "\"saw\" must be an array of 1 to %d reasons", IDEM_GUARD_SAW_MAX);
    for (size_t i = 0; i < size && err == 0; i++) {
        err = read_saw(r, json_array_get(list, i), &v->saw[i]);
        for (size_t k = 0; k < i && err == 0; k++)
            if (v->saw[k].reason == v->saw[i].reason)
                err = refuse(r, "a reason is given twice");
    }
    v->saw_count = (uint32_t)size;
    return err;
}

/* ------------------------------------------------------------------ an alarm */

static int read_seq(struct reading *r, const json_t *value, uint32_t *seq)
{
    if (r->own)
        return value == NULL ? IDEM_OK : refuse(r, "the store keeps the number elsewhere");
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > IDEM_WIRE_SEQ_MAX)
        return refuse(r, "\"seq\" must lie in 1..%d", IDEM_WIRE_SEQ_MAX);
    *seq = (uint32_t)json_integer_value(value);
    return IDEM_OK;
}

static int read_device(struct reading *r, const json_t *value, enum idem_modality *device)
{
    const char *name = json_string_value(value);

    for (enum idem_modality m = 0; m < IDEM_MODALITIES && name != NULL; m++)
        if (strcmp(name, idem_modality_name(m)) == 0) {
            *device = m;
            return IDEM_OK;
        }
    return refuse(r, "\"device\" must be \"keyboard\" or \"pointer\"");
}

static int read_kind(struct reading *r, const json_t *value, struct idem_wire_alarm *a)
{
    const char *name = json_string_value(value);
    enum idem_guard_kind kind = IDEM_GUARD_INSUFFICIENT;

    if (name == NULL || idem_guard_kind_parse(name, &kind) != 0 ||
        !(idem_guard_is_alarm(kind) || kind == IDEM_GUARD_MACRO))
        return refuse(r, "\"kind\" is not the name of an alarm or \"macro\"");
    if ((kind == IDEM_GUARD_INJECTED_KEYS && a->device != IDEM_KEYBOARD) ||
        (kind == IDEM_GUARD_SCRIPTED_POINTER && a->device != IDEM_POINTER))
        return refuse(r, "a %s has no \"%s\"", idem_modality_name(a->device), name);
    a->verdict.kind = kind;
    return IDEM_OK;
}

static int read_confidence(struct reading *r, const json_t *value, double *out)
{
    double number = json_number_value(value);

    if (!json_is_number(value) || !(number >= 0 && number <= 1))
        return refuse(r, "\"confidence\" must be a number in 0..1");
    *out = number;
    return IDEM_OK;
}

static int read_alarm(struct reading *r, const json_t *object, struct idem_wire_alarm *out)
{
    const size_t fields = r->own ? 4 : 5;
    struct idem_wire_alarm a = {0};
    int err;

    if (!json_is_object(object) || json_object_size(object) != fields)
        return refuse(r, "an alarm has seq, device, kind, confidence and saw, and no other field");
    if ((err = read_seq(r, json_object_get(object, "seq"), &a.seq)) != 0 ||
        (err = read_device(r, json_object_get(object, "device"), &a.device)) != 0 ||
        (err = read_kind(r, json_object_get(object, "kind"), &a)) != 0 ||
        (err = read_confidence(r, json_object_get(object, "confidence"), &a.verdict.confidence)) !=
            0 ||
        (err = read_all_saw(r, json_object_get(object, "saw"), &a.verdict)) != 0)
        return err;
    idem_wire_round_verdict(&a.verdict);
    *out = a;
    return IDEM_OK;
}

/* ------------------------------------------------------------------ a batch */

static int read_list(struct reading *r, const json_t *list, struct idem_wire_alarms *out)
{
    const size_t size = json_array_size(list);
    int err = IDEM_OK;

    if (!json_is_array(list) || size == 0 || size > IDEM_WIRE_ALARMS_MAX)
        return refuse(r, "\"alarms\" must be an array of 1 to %d alarms", IDEM_WIRE_ALARMS_MAX);
    for (size_t i = 0; i < size && err == 0; i++) {
        r->index = (int)i;
        err = read_alarm(r, json_array_get(list, i), &out->alarms[i]);
    }
    out->count = (uint32_t)size;
    return err;
}

static int read_batch(struct reading *r, const json_t *root, struct idem_wire_alarms *out)
{
    const json_t *clock = json_object_get(root, "clock_ms");

    if (!json_is_object(root))
        return refuse(r, "the body must be an object");
    if (json_object_size(root) != (clock != NULL ? 2 : 1))
        return refuse(r, "a request has \"alarms\" and no other field");
    if (clock != NULL && !json_is_integer(clock))
        return refuse(r, "\"clock_ms\" must be an integer");
    out->has_clock = clock != NULL;
    out->clock_ms = json_integer_value(clock);
    return read_list(r, json_object_get(root, "alarms"), out);
}

int idem_wire_read_alarms(const void *bytes, size_t len, struct idem_wire_alarms *out,
                          char why[IDEM_WIRE_WHY_MAX])
{
    struct reading r = {.index = -1};
    struct idem_wire_alarms batch = {0};
    json_error_t fault;
    json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &fault);
    int err = IDEM_ERR_FORMAT;

    if (root == NULL)
        refuse(&r, "line %d, column %d: %s", fault.line, fault.column, fault.text);
    else
        err = read_batch(&r, root, &batch);
    json_decref(root);
    if (err == 0)
        *out = batch;
    else
        memcpy(why, r.why, sizeof r.why);
    return err;
}

/* ------------------------------------------------------------------ writing */

static void put_fields(struct idem_text *t, const struct idem_wire_alarm *alarm)
{
    struct idem_guard_verdict rounded = alarm->verdict;
    const struct idem_guard_verdict *v = &rounded;

    idem_wire_round_verdict(&rounded);
    idem_text_fmt(t, "\"device\":\"%s\",\"kind\":\"%s\",\"confidence\":",
                  idem_modality_name(alarm->device), idem_guard_kind_name(v->kind));
    idem_text_number(t, v->confidence);
    idem_text_put(t, ",\"saw\":[");
    for (uint32_t i = 0; i < v->saw_count; i++) {
        idem_text_fmt(t, "%s{\"reason\":\"%s\",\"count\":%u,\"value\":", i > 0 ? "," : "",
                      idem_guard_reason_name(v->saw[i].reason), (unsigned)v->saw[i].count);
        idem_text_number(t, (double)v->saw[i].value);
        idem_text_put(t, "}");
    }
    idem_text_put(t, "]}");
}

void idem_wire_write_alarms(struct idem_text *t, const struct idem_wire_alarm *alarms,
                            uint32_t count, int64_t clock_ms)
{
    idem_text_put(t, "{\"alarms\":[");
    for (uint32_t i = 0; i < count; i++) {
        idem_text_fmt(t, "%s{\"seq\":%u,", i > 0 ? "," : "", (unsigned)alarms[i].seq);
        put_fields(t, &alarms[i]);
    }
    idem_text_put(t, "]");
    if (clock_ms >= 0) {
        idem_text_put(t, ",\"clock_ms\":");
        idem_text_int(t, clock_ms);
    }
    idem_text_put(t, "}");
}

/* ------------------------------------------------------------------ as the store keeps it */

void idem_wire_write_alarm(struct idem_text *t, const struct idem_wire_alarm *alarm)
{
    idem_text_put(t, "{");
    put_fields(t, alarm);
}

int idem_wire_read_alarm(const void *bytes, size_t len, struct idem_wire_alarm *out)
{
    struct reading r = {.own = true, .index = -1};
    json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
    int err = root == NULL ? IDEM_ERR_FORMAT : read_alarm(&r, root, out);

    json_decref(root);
    return err;
}
