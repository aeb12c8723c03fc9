/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alarm.h - alarms of guards to bytes and back. They are few and small, so there is one form, JSON:
 *
 *   batch  = {"alarms": [alarm, ...], ?"clock_ms": integer}
 *   alarm  = {"seq": n, "device": "keyboard" | "pointer", "kind": name, "confidence": 0..1,
 *             "saw": [{"reason": name, "count": 0..255, "value": number}, ...]}
 *
 * Names are the guard's own (guard/words.c); words for people are made from them by whoever shows
 * an alarm. The store keeps the same object without its number. Cases that are refused: unknown and
 * repeated fields, a kind that is no alarm and no macro, a keyboard's kind of a pointer, reasons
 * that only a server can have, a reason twice, none at all, numbers outside their range: every
 * value is a mean, a deviation or a size, so none is below nought.
 *
 * Numbers are rounded on the way in and out, to what a verdict can be judged by: a mean hold told
 * to the microsecond would tell more of a person's rhythm than that.
 */
#ifndef IDEM_WIRE_ALARM_H
#define IDEM_WIRE_ALARM_H

#include "wire/text.h"
#include "wire/wire.h"

enum {
    IDEM_WIRE_ALARMS_MAX = 16,    /* in a batch */
    IDEM_WIRE_ALARM_SEQ_MAX = 64, /* of a session; sequence numbers start at 1 */
    IDEM_WIRE_ALARM_JSON_MAX = 512,
    IDEM_WIRE_ALARM_VALUE_MAX = 1000000000,
};

struct idem_wire_alarm {
    uint32_t seq;
    enum idem_modality device;
    struct idem_guard_verdict verdict; /* at_us: nought */
};

struct idem_wire_alarms {
    uint32_t count;
    bool has_clock;
    int64_t clock_ms;
    struct idem_wire_alarm alarms[IDEM_WIRE_ALARMS_MAX];
};

/* Confidence to 0.001, values to 0.1, a coefficient of variation to 0.01. */
void idem_wire_round_verdict(struct idem_guard_verdict *v);

/*
 * IDEM_ERR_FORMAT: not JSON; IDEM_ERR_INVALID, IDEM_ERR_LIMIT: a field is missing, unknown or
 * outside its range. why receives a sentence in printable ASCII.
 */
int idem_wire_read_alarms(const void *bytes, size_t len, struct idem_wire_alarms *out,
                          char why[IDEM_WIRE_WHY_MAX]);
/* A batch of count alarms. clock_ms below nought: none. */
void idem_wire_write_alarms(struct idem_text *t, const struct idem_wire_alarm *alarms,
                            uint32_t count, int64_t clock_ms);
/* The object without "seq", as the store keeps it, and back; of a server's own reasons too. */
void idem_wire_write_alarm(struct idem_text *t, const struct idem_wire_alarm *alarm);
int idem_wire_read_alarm(const void *bytes, size_t len, struct idem_wire_alarm *out);

#endif
