/* SPDX-License-Identifier: Apache-2.0 */
/*
 * movements.c - see movements.h.
 */
#include "eval/movements.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So long after the last event a session is over, and its last movement. */
#define REST_US INT64_C(400000)

int idem_movements_source(struct idem_movements *m, const char *name, bool program, double share)
{
    for (uint32_t i = 0; i < m->source_count; i++)
        if (strcmp(m->source[i].name, name) == 0)
            return (int)i;
    if (m->source_count == IDEM_SOURCES)
        return IDEM_ERR_LIMIT;
    struct idem_move_source *s = &m->source[m->source_count];
    *s = (struct idem_move_source){.program = program, .share = share};
    snprintf(s->name, sizeof s->name, "%s", name);
    return (int)m->source_count++;
}

static int keep(struct idem_movements *m, uint32_t source, uint32_t fold, const float *measure)
{
    if (m->count == m->room) {
        uint32_t room = m->room ? 2 * m->room : 4096;
        struct idem_movement *grown = realloc(m->list, room * sizeof *grown);
        if (!grown)
            return IDEM_ERR_NOMEM;
        m->list = grown;
        m->room = room;
    }
    struct idem_movement *to = &m->list[m->count++];
    memcpy(to->measure, measure, sizeof to->measure);
    to->source = (uint8_t)source;
    to->fold = (uint8_t)fold;
    m->source[source].movements++;
    return 0;
}

static bool feed(struct idem_motion_judge *j, const struct idem_motion *e)
{
    return idem_motion_judge_event(j, (enum idem_pointer_kind)e->kind, (double)e->x, (double)e->y,
                                   0, e->t_us);
}

/* An event that ends the last movement and is nothing else. */
static struct idem_motion curtain(const struct idem_motion *last)
{
    return (struct idem_motion){
        .t_us = last->t_us + REST_US, .x = last->x, .y = last->y, .kind = IDEM_POINTER_SCROLL};
}

int idem_movements_play(struct idem_movements *m, uint32_t source, uint32_t fold,
                        const struct idem_motion *motions, uint32_t count)
{
    const struct idem_guard_device device = {0};
    struct idem_motion_judge judge;
    int r = 0;
    idem_motion_judge_init(&judge, &device);
    for (uint32_t i = 0; i <= count && count > 0 && r == 0; i++) {
        const struct idem_motion end = curtain(&motions[count - 1]);
        const uint32_t before = judge.measured;
        feed(&judge, i < count ? &motions[i] : &end);
        if (judge.measured != before)
            r = keep(m, source, fold, judge.measure);
    }
    return r;
}

void idem_movements_fini(struct idem_movements *m)
{
    free(m->list);
    m->list = NULL;
    m->count = m->room = 0;
}

/* What the events so far are worth, apart from what the judge makes of it. */
struct tally {
    double sum;
    uint32_t count;
};

static void note_alarm(struct idem_motion_judge *j, struct idem_ordeal *out)
{
    if (out->alarms++ == 0) {
        out->alarm_at = j->judged;
        out->alarm_us = j->finding.at_us;
        out->kind = j->finding.kind;
        out->finding = j->finding;
    }
    j->odds = IDEM_GUARD_PRIOR;
    j->finding = (struct idem_finding){.log_odds = IDEM_GUARD_PRIOR};
    memset(&j->saw, 0, sizeof j->saw);
}

/* One event; movements count what the forest says of them, jumps what the judge does. */
static void step(struct idem_motion_judge *j, const struct idem_motion *e, struct tally *t)
{
    const uint32_t measured = j->measured, judged = j->judged;
    const double total = j->total;
    feed(j, e);
    if (j->measured != measured)
        t->sum += fmax(-5, fmin(5, idem_forest_llr(j->forest, j->measure)));
    else if (j->judged != judged)
        t->sum += j->total - total;
    else
        return;
    t->count++;
}

void idem_ordeal(const struct idem_forest *forest, const struct idem_motion *motions,
                 uint32_t count, struct idem_ordeal *out)
{
    const struct idem_guard_device device = {0};
    struct idem_motion_judge judge;
    struct tally tally = {0, 0};
    *out = (struct idem_ordeal){.most = IDEM_GUARD_PRIOR};
    if (count == 0)
        return;
    idem_motion_judge_init(&judge, &device);
    judge.forest = forest;
    for (uint32_t i = 0; i <= count; i++) {
        const struct idem_motion end = curtain(&motions[count - 1]);
        step(&judge, i < count ? &motions[i] : &end, &tally);
        if (judge.judged <= 3 && tally.count > 0)
            out->mean3 = tally.sum / tally.count;
        if (idem_guard_is_alarm(judge.finding.kind))
            note_alarm(&judge, out);
        out->most = fmax(out->most, judge.odds);
    }
    out->judged = judge.judged;
    out->mean = tally.count ? tally.sum / tally.count : 0;
    if (out->alarms == 0) {
        out->kind = judge.finding.kind;
        out->finding = judge.finding;
    }
}
