/* SPDX-License-Identifier: Apache-2.0 */
/*
 * injection_human.c - recorded people before the judges: nobody here should be taken for a machine.
 *
 * Three passes: every session on a device of its own, the same on a device that has just appeared
 * beside one of the same kind, and all sessions of a person on one device, a minute between them.
 * An alarm is dealt with at once (idem_guard_reset) and the rest is judged on, so that a session
 * may have several. Nothing is known of the recording's clock. Sessions of programs (is_bot) are
 * judged once and counted apart.
 */
#include "eval/injection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/parallel.h"

enum { BETWEEN_US = 60000000 };

/* What one person's recordings gave; put together in order at the end. */
struct result {
    struct idem_injection_people sum;
    uint32_t room;
    int err;
};

struct crowd {
    const struct idem_recording *rec;
    struct result *results; /* [people] */
};

static void list_alarm(struct result *r, const struct idem_false_alarm *alarm)
{
    struct idem_injection_people *s = &r->sum;
    if (s->listed == r->room) {
        uint32_t room = r->room ? r->room * 2 : 4;
        struct idem_false_alarm *list = realloc(s->list, room * sizeof *list);
        if (list == NULL) {
            r->err = IDEM_ERR_NOMEM;
            return;
        }
        s->list = list;
        r->room = room;
    }
    s->list[s->listed++] = *alarm;
}

static void guard(struct result *r, const struct idem_key_stream *stream,
                  enum idem_injection_pass pass, uint32_t person, uint32_t session)
{
    struct idem_injection_seat seat;
    struct idem_injection_alarm alarm;
    uint32_t from = 0;
    if (stream->count == 0)
        return;
    if (idem_injection_seat_init(
            &seat, pass == IDEM_PASS_ATTACHED ? IDEM_JUDGE_ATTACHED : IDEM_JUDGE_GUARD,
            IDEM_ROLE_ORDINARY, stream->list[0].t_us, 0) < 0) {
        r->err = IDEM_ERR_NOMEM;
        return;
    }
    enum idem_guard_kind last = IDEM_GUARD_INSUFFICIENT;
    while (idem_injection_seat_next(&seat, stream, from, &alarm)) {
        const struct idem_false_alarm a = {person, session, pass, alarm.key, alarm.verdict};
        r->sum.alarms[pass]++;
        last = alarm.verdict.kind;
        list_alarm(r, &a);
        from = alarm.event + 1;
        idem_injection_seat_reset(&seat);
    }
    if (!idem_guard_is_alarm(last))
        last = idem_guard_read(seat.guard).kind;
    r->sum.verdicts[pass][last]++;
    idem_injection_seat_fini(&seat);
}

/* Alarms of a long pass: told by session, and counted from its beginning. ends: of sessions. */
static void assign(struct result *r, uint32_t from, const struct idem_person *p,
                   const uint32_t *ends)
{
    for (uint32_t i = from; i < r->sum.listed; i++) {
        struct idem_false_alarm *a = &r->sum.list[i];
        uint32_t k = 0;
        while (k + 1 < p->count && ends[k] < a->key)
            k++;
        a->session = p->first + k;
        a->key -= k ? ends[k - 1] : 0;
    }
}

static void peers(struct result *r, const struct idem_key_stream *stream)
{
    for (enum idem_injection_judge j = IDEM_JUDGE_UKIP; j < IDEM_JUDGES; j++) {
        struct idem_injection_seat seat;
        struct idem_injection_alarm alarm;
        uint32_t from = 0;
        (void)idem_injection_seat_init(&seat, j, IDEM_ROLE_ORDINARY, 0, 0);
        while (idem_injection_seat_next(&seat, stream, from, &alarm)) {
            r->sum.peer_sessions[j] += from == 0;
            r->sum.peer_alarms[j]++;
            from = alarm.event + 1;
            idem_injection_seat_reset(&seat);
        }
    }
}

/* A session that was recorded from a program: it is no person's, an alarm is no false one. */
static void program(struct result *r, const struct idem_key_stream *stream)
{
    struct idem_injection_seat seat;
    struct idem_injection_alarm alarm;
    r->err = idem_injection_seat_init(&seat, IDEM_JUDGE_GUARD, IDEM_ROLE_ORDINARY, 0, 0);
    if (r->err < 0)
        return;
    r->sum.programs++;
    r->sum.programs_alarmed += idem_injection_seat_next(&seat, stream, 0, &alarm);
    idem_injection_seat_fini(&seat);
}

/* One session on devices of its own, and at the end of `all`. */
static void session(struct result *r, const struct crowd *c, uint32_t number,
                    struct idem_key_stream *all)
{
    const struct idem_session *s = &c->rec->sessions[number];
    const struct idem_stroke *strokes = &c->rec->strokes[s->first];
    struct idem_key_stream one = {0};
    const bool human = s->bot != IDEM_LABEL_OTHER;
    int64_t due = all->count ? all->list[all->count - 1].t_us + BETWEEN_US : 0;
    if (s->count == 0)
        return;
    r->err = idem_key_stream_strokes(&one, strokes, s->count, 0);
    if (r->err == 0 && human)
        r->err = idem_key_stream_strokes(all, strokes, s->count, due - one.list[0].t_us);
    if (r->err == 0 && !human)
        program(r, &one);
    if (r->err == 0 && human) {
        r->sum.keys += s->count;
        r->sum.sessions++;
        guard(r, &one, IDEM_PASS_FRESH, s->person, number);
        guard(r, &one, IDEM_PASS_ATTACHED, s->person, number);
        peers(r, &one);
    }
    idem_key_stream_free(&one);
}

static void person(void *arg, int i)
{
    const struct crowd *c = arg;
    const struct idem_person *p = &c->rec->people[i];
    struct result *r = &c->results[i];
    struct idem_key_stream all = {0};
    uint32_t *ends = calloc(p->count + 1, sizeof *ends);
    r->err = ends ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t k = 0; k < p->count && r->err == 0; k++) {
        session(r, c, p->first + k, &all);
        ends[k] = all.key_downs;
    }
    uint32_t listed = r->sum.listed;
    if (r->err == 0)
        guard(r, &all, IDEM_PASS_LONG, (uint32_t)i, p->first);
    if (r->err == 0)
        assign(r, listed, p, ends);
    idem_key_stream_free(&all);
    free(ends);
}

void idem_injection_people_add(struct idem_injection_people *to,
                               const struct idem_injection_people *from)
{
    to->keys += from->keys;
    to->sessions += from->sessions;
    to->programs += from->programs;
    to->programs_alarmed += from->programs_alarmed;
    for (int p = 0; p < IDEM_PASSES; p++) {
        to->alarms[p] += from->alarms[p];
        for (int k = 0; k < IDEM_GUARD_KINDS; k++)
            to->verdicts[p][k] += from->verdicts[p][k];
    }
    for (int j = 0; j < IDEM_JUDGES; j++) {
        to->peer_alarms[j] += from->peer_alarms[j];
        to->peer_sessions[j] += from->peer_sessions[j];
    }
}

static int gather(const struct crowd *c, struct idem_injection_people *out)
{
    struct idem_injection_people sum = {0};
    uint32_t all = 0;
    for (uint32_t i = 0; i < c->rec->person_count; i++) {
        if (c->results[i].err < 0)
            return c->results[i].err;
        all += c->results[i].sum.listed;
    }
    sum.list = calloc((size_t)all + 1, sizeof *sum.list);
    if (sum.list == NULL)
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < c->rec->person_count; i++) {
        const struct idem_injection_people *p = &c->results[i].sum;
        idem_injection_people_add(&sum, p);
        if (p->listed)
            memcpy(sum.list + sum.listed, p->list, p->listed * sizeof *p->list);
        sum.listed += p->listed;
    }
    *out = sum;
    return 0;
}

int idem_injection_people(const struct idem_recording *rec, struct idem_injection_people *out)
{
    struct crowd c = {.rec = rec, .results = calloc(rec->person_count + 1, sizeof *c.results)};
    if (c.results == NULL)
        return IDEM_ERR_NOMEM;
    idem_parallel(person, &c, (int)rec->person_count);
    int r = gather(&c, out);
    for (uint32_t i = 0; i < rec->person_count; i++)
        free(c.results[i].sum.list);
    free(c.results);
    return r;
}

void idem_injection_people_fini(struct idem_injection_people *p)
{
    free(p->list);
    memset(p, 0, sizeof *p);
}

/* P(X <= seen) under a Poisson mean. */
static double at_most(uint64_t seen, double mean)
{
    double term = exp(-mean), sum = term;
    for (uint64_t i = 1; i <= seen; i++) {
        term *= mean / (double)i;
        sum += term;
    }
    return sum;
}

double idem_injection_upper95(uint64_t seen)
{
    double lo = (double)seen, hi = (double)seen + 4 * sqrt((double)seen + 1) + 4;
    if (seen > 500) /* normal, with the continuity term; off by less than one in a thousand */
        return (double)seen + 1.645 * sqrt((double)seen) + 1.23;
    for (int i = 0; i < 60; i++) {
        double mid = (lo + hi) / 2;
        if (at_most(seen, mid) > 0.05)
            lo = mid;
        else
            hi = mid;
    }
    return hi;
}
