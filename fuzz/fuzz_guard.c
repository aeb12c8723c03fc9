/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_guard.c - any events at any times into a guard: what it says is in its ranges after every
 * event, an alarm stays until it is dealt with, and words are ended.
 *
 * The input: five bytes about the device (source, role, what is known of it, its clock), then
 * events of 8 bytes: u8 what, u8 flags, u16 key or position, i32 step in time. Bit 7 of `what`
 * makes the step the upper half of the time: the ends of its range are the interesting ones.
 */
#include "base/bytes.h"
#include "idem/idem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_words(const struct idem_guard_verdict *v)
{
    char text[IDEM_GUARD_TEXT], little[5];
    if (idem_guard_text(v, text, sizeof text) != text || strlen(text) >= sizeof text)
        abort();
    if (strlen(idem_guard_text(v, little, sizeof little)) >= sizeof little)
        abort();
}

static void check(const struct idem_guard_verdict *v)
{
    if ((unsigned)v->kind >= IDEM_GUARD_KINDS || idem_guard_kind_name(v->kind) == NULL ||
        !(v->confidence >= 0 && v->confidence <= 1) || v->saw_count > IDEM_GUARD_SAW_MAX)
        abort();
    for (uint32_t i = 0; i < v->saw_count; i++) {
        if (v->saw[i].reason == IDEM_SAW_NOTHING ||
            (unsigned)v->saw[i].reason >= IDEM_GUARD_REASONS || v->saw[i].count > 255 ||
            !isfinite(v->saw[i].value))
            abort();
        for (uint32_t k = 0; k < i; k++)
            if (v->saw[k].reason == v->saw[i].reason)
                abort(); /* each reason once */
    }
    if (idem_guard_is_alarm(v->kind) && v->saw_count == 0)
        abort(); /* an alarm has a reason */
}

static struct idem_guard *make(struct idem_reader *r)
{
    struct idem_guard *guard = NULL;
    const uint8_t source = idem_read_u8(r), role = idem_read_u8(r), known = idem_read_u8(r);
    const struct idem_guard_device device = {
        .source = (enum idem_guard_source)(source % 5), /* one beyond the last */
        .role = (enum idem_guard_role)(role % (IDEM_GUARD_ROLES + 1)),
        .hotplugged = known & 1,
        .twin = known & 2,
        .arrived_us = known & 4   ? INT64_MIN
                      : known & 8 ? INT64_MAX
                                  : 0,
        .tick_us = known & 16   ? 15625
                   : known & 32 ? UINT32_MAX
                                : idem_read_u16(r)};
    int err = idem_guard_new(known & 64 ? NULL : &device, &guard);
    if ((err == 0) != (guard != NULL) || (err < 0 && err != IDEM_ERR_INVALID))
        abort();
    return guard;
}

/* True when the guard said that there is something to read. */
static bool feed(struct idem_guard *guard, uint8_t what, uint8_t flags, uint16_t key, int64_t now)
{
    static const double places[] = {NAN, INFINITY, -INFINITY, 1e300, 60000, -60000};
    if (what & 8) {
        double x = key % 64 < 6 ? places[key % 64] : key / 16.0;
        return idem_guard_pointer(guard, (enum idem_pointer_kind)(what & 7), x, key % 1000, flags,
                                  now);
    }
    return idem_guard_key(guard, key, (enum idem_key_action)((what & 7) % 3), flags, now);
}

static void run(struct idem_guard *guard, struct idem_reader *r)
{
    int64_t now = 0;
    struct idem_guard_verdict was = idem_guard_read(guard);
    while (r->err == 0) {
        const uint8_t what = idem_read_u8(r), flags = idem_read_u8(r);
        const uint16_t key = idem_read_u16(r);
        const int32_t step = (int32_t)idem_read_u32(r);
        now = what & 0x80 ? (int64_t)((uint64_t)(uint32_t)step << 32)
                          : (int64_t)((uint64_t)now + (uint64_t)(int64_t)step);
        bool news = true;
        if ((what & 0x70) == 0x70)
            idem_guard_reset(guard);
        else if ((what & 0x70) == 0x60)
            idem_guard_gap(guard);
        else
            news = feed(guard, what, flags, key, now);
        const struct idem_guard_verdict v = idem_guard_read(guard);
        check(&v);
        if (!news && v.kind != was.kind)
            abort(); /* a change that nobody would have read */
        if (idem_guard_is_alarm(was.kind) && !idem_guard_is_alarm(v.kind) && (what & 0x70) != 0x70)
            abort();
        was = v;
    }
    check_words(&was);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct idem_reader r;
    idem_reader_init(&r, data, size);
    struct idem_guard *guard = make(&r);
    if (guard != NULL)
        run(guard, &r);
    idem_guard_free(guard);
    return 0;
}
