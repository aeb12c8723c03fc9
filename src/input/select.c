/* SPDX-License-Identifier: Apache-2.0 */
/*
 * select.c - taking people, sessions and strokes out of a recording, see recording.h.
 */
#include "input/builder.h"

#include <stdlib.h>
#include <string.h>

void idem_recording_drop_empty(struct idem_recording *rec)
{
    uint32_t people = 0, sessions = 0;
    for (uint32_t p = 0; p < rec->person_count; p++) {
        struct idem_person person = {.name = rec->people[p].name, .first = sessions};
        for (uint32_t i = 0; i < rec->people[p].count; i++) {
            struct idem_session s = rec->sessions[rec->people[p].first + i];
            s.person = people;
            if (s.count)
                rec->sessions[sessions++] = s;
        }
        person.count = sessions - person.first;
        if (person.count)
            rec->people[people++] = person;
    }
    rec->person_count = people;
    rec->session_count = sessions;
}

void idem_recording_drop_lost(struct idem_recording *rec)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; rec->strokes && i < rec->session_count; i++) {
        struct idem_session *s = &rec->sessions[i];
        uint32_t from = s->first, end = from + s->count;
        s->first = kept;
        for (; from < end; from++)
            if (rec->strokes[from].released)
                rec->strokes[kept++] = rec->strokes[from];
        s->count = kept - s->first;
    }
    idem_recording_drop_empty(rec);
}

void idem_recording_drop_test(struct idem_recording *rec)
{
    bool split = false;
    for (uint32_t i = 0; i < rec->session_count; i++)
        split |= rec->sessions[i].split == IDEM_SPLIT_TRAIN;
    for (uint32_t i = 0; split && i < rec->session_count; i++)
        if (rec->sessions[i].split == IDEM_SPLIT_TEST)
            rec->sessions[i].count = 0;
    idem_recording_drop_empty(rec);
}

struct range {
    uint64_t lo, hi, step;
};

/* A number of at most 18 digits, if there are any. */
static bool parse_digits(const char **at, bool *there, uint64_t *out)
{
    size_t digits = strspn(*at, "0123456789");
    *there = digits > 0;
    if (*there)
        *out = strtoull(*at, NULL, 10);
    *at += digits;
    return digits <= 18;
}

/* One range: "5", "5-9", "5-", "-9" or "5-9/2". Moves *at behind it and its comma. */
static bool parse_range(const char **at, struct range *out)
{
    struct range r = {0, UINT64_MAX, 1};
    bool first, second = false, step = true;
    if (!parse_digits(at, &first, &r.lo))
        return false;
    if (**at == '-') {
        (*at)++;
        if (!parse_digits(at, &second, &r.hi) || (!first && !second))
            return false;
        if (**at == '/') {
            (*at)++;
            if (!parse_digits(at, &step, &r.step) || !step || r.step == 0)
                return false;
        }
    } else if (first) {
        r.hi = r.lo;
    } else {
        return false;
    }
    if (**at == ',' && (*at)[1])
        (*at)++;
    else if (**at)
        return false;
    *out = r;
    return r.lo <= r.hi;
}

static bool in_range(const struct range *r, uint64_t n)
{
    return n >= r->lo && n <= r->hi && (n - r->lo) % r->step == 0;
}

/* The digits of a name as one number. */
static uint64_t number_of(const char *name)
{
    uint64_t n = 0;
    for (; *name; name++)
        if (*name >= '0' && *name <= '9' && n < UINT64_MAX / 20)
            n = n * 10 + (uint64_t)(*name - '0');
    return n;
}

int idem_recording_keep(struct idem_recording *rec, const char *ranges)
{
    struct range range;
    if (!*ranges)
        return IDEM_ERR_INVALID;
    for (const char *at = ranges; *at;)
        if (!parse_range(&at, &range))
            return IDEM_ERR_INVALID;
    for (uint32_t p = 0; p < rec->person_count; p++) {
        uint64_t n = number_of(rec->people[p].name);
        bool kept = false;
        for (const char *at = ranges; *at && !kept;)
            kept = parse_range(&at, &range) && in_range(&range, n);
        for (uint32_t s = 0; s < rec->people[p].count && !kept; s++)
            rec->sessions[rec->people[p].first + s].count = 0;
    }
    idem_recording_drop_empty(rec);
    return rec->person_count ? 0 : IDEM_ERR_NOT_FOUND;
}
