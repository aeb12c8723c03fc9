/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_alarm.c - any bytes as a batch of alarms: refused with a sentence in printable ASCII, or
 * read into alarms that keep their promises and are the same again after a way through JSON.
 */
#include "wire/alarm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

/* Rounding is done once: what comes back is written as it was. */
static void require_same(const struct idem_text *before, const struct idem_wire_alarm *back)
{
    char bytes[IDEM_WIRE_ALARM_JSON_MAX];
    struct idem_text t = {bytes, 0, sizeof bytes, false};

    idem_wire_write_alarm(&t, back);
    require(t.len == before->len && memcmp(t.bytes, before->bytes, t.len) == 0);
}

static void check_alarm(const struct idem_wire_alarm *a)
{
    const struct idem_guard_verdict *v = &a->verdict;
    char text[IDEM_GUARD_TEXT], bytes[IDEM_WIRE_ALARM_JSON_MAX];
    struct idem_text t = {bytes, 0, sizeof bytes, false};
    struct idem_wire_alarm back;

    require(a->seq >= 1 && (unsigned)a->device < IDEM_MODALITIES);
    require(idem_guard_is_alarm(v->kind) || v->kind == IDEM_GUARD_MACRO);
    require(v->confidence >= 0 && v->confidence <= 1);
    require(v->saw_count >= 1 && v->saw_count <= IDEM_GUARD_SAW_MAX);
    for (uint32_t i = 0; i < v->saw_count; i++)
        require(v->saw[i].count <= 255 && isfinite(v->saw[i].value) && v->saw[i].value >= 0);
    require(strlen(idem_guard_text(v, text, sizeof text)) < sizeof text);
    idem_wire_write_alarm(&t, a);
    require(!t.full && idem_wire_read_alarm(bytes, t.len, &back) == 0);
    require(back.device == a->device && back.verdict.kind == v->kind);
    require(back.verdict.saw_count == v->saw_count);
    require_same(&t, &back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char bytes[IDEM_WIRE_ALARMS_MAX * IDEM_WIRE_ALARM_JSON_MAX + 64];
    struct idem_text t = {bytes, 0, sizeof bytes, false};
    struct idem_wire_alarms batch, back;
    char why[IDEM_WIRE_WHY_MAX] = "";

    if (size > IDEM_WIRE_BODY_MAX)
        return 0;
    if (idem_wire_read_alarms(data, size, &batch, why) != 0) {
        require(why[0] != '\0' && memchr(why, '\0', sizeof why) != NULL);
        for (const char *ch = why; *ch != '\0'; ch++)
            require(*ch >= 0x20 && *ch <= 0x7e);
        return 0;
    }
    require(batch.count >= 1 && batch.count <= IDEM_WIRE_ALARMS_MAX);
    for (uint32_t i = 0; i < batch.count; i++)
        check_alarm(&batch.alarms[i]);
    idem_wire_write_alarms(&t, batch.alarms, batch.count, -1);
    require(!t.full && idem_wire_read_alarms(bytes, t.len, &back, why) == 0);
    require(back.count == batch.count);
    for (uint32_t i = 0; i < batch.count; i++)
        require(back.alarms[i].seq == batch.alarms[i].seq);
    return 0;
}
