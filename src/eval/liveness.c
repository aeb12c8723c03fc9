/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liveness.c - see liveness.h: sessions before the judges, and what their scores are worth.
 */
#include "eval/liveness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "eval/injection.h"
#include "eval/lessons.h"
#include "eval/robot.h"
#include "guard/keys.h"

static int add(struct idem_liveness_scores *s, const struct idem_liveness_score *score)
{
    if (s->count == s->room) {
        uint32_t room = s->room ? 2 * s->room : 256;
        struct idem_liveness_score *grown = realloc(s->list, room * sizeof *grown);
        if (!grown)
            return IDEM_ERR_NOMEM;
        s->list = grown;
        s->room = room;
    }
    s->list[s->count++] = *score;
    return 0;
}

void idem_liveness_scores_fini(struct idem_liveness_scores *scores)
{
    free(scores->list);
    *scores = (struct idem_liveness_scores){0};
}

/* ------------------------------------------------------------------ sessions */

static void score_motions(const struct idem_recording *rec, const struct idem_session *s,
                          const struct idem_forest *forest, struct idem_liveness_score *out)
{
    struct idem_ordeal o;
    idem_ordeal(forest, &rec->motions[s->first], s->count, &o);
    out->all = o.mean;
    out->three = o.mean3;
    out->alarm_at = o.alarm_at;
    out->alarms = o.alarms;
}

static int score_strokes(const struct idem_recording *rec, const struct idem_session *s,
                         struct idem_liveness_score *out)
{
    const struct idem_guard_device device = {0};
    struct idem_key_stream stream = {0};
    struct idem_key_judge judge;
    int r = idem_key_stream_strokes(&stream, &rec->strokes[s->first], s->count, 0);
    idem_key_judge_init(&judge, &device);
    for (uint32_t i = 0; i < stream.count && r == 0; i++) {
        const struct idem_key_event *e = &stream.list[i];
        idem_key_judge_event(&judge, e->code, (enum idem_key_action)e->action, 0, e->t_us);
        if (out->alarms == 0 && idem_guard_is_alarm(judge.finding.kind)) {
            out->alarms = 1;
            out->alarm_at = judge.contest.strokes;
        }
    }
    out->all = out->three = idem_contest_odds(&judge.contest);
    idem_key_stream_free(&stream);
    return r;
}

int idem_liveness_score_file(const struct idem_recording *rec, const struct idem_forest *forest,
                             struct idem_liveness_scores *out)
{
    int r = 0;
    for (uint32_t i = 0; i < rec->session_count && r == 0; i++) {
        const struct idem_session *s = &rec->sessions[i];
        struct idem_liveness_score score = {.source = s->person,
                                            .program = s->bot == IDEM_LABEL_OTHER};
        if (s->bot == IDEM_LABEL_NONE)
            continue;
        if (rec->modality == IDEM_POINTER)
            score_motions(rec, s, forest, &score);
        else
            r = score_strokes(rec, s, &score);
        if (r == 0)
            r = add(out, &score);
    }
    return r;
}

int idem_liveness_left_out(const struct idem_movements *m, const struct idem_recording *rec,
                           int source, bool narrow, struct idem_liveness_scores *out)
{
    const int hands = narrow ? idem_lessons_hands(m) : -1;
    const char *name = source < 0 ? "" : m->source[source].name;
    int r = 0;
    for (int fold = 0; fold < IDEM_LESSON_FOLDS && r == 0; fold++) {
        const struct idem_growing how = {
            .without_source = source, .without_hands = hands, .without_fold = fold};
        struct idem_forest forest;
        r = idem_forest_grow(m, &how, &forest);
        for (uint32_t i = 0; i < rec->session_count && r == 0; i++) {
            const struct idem_session *s = &rec->sessions[i];
            struct idem_liveness_score score = {.source = s->person,
                                                .program = s->bot == IDEM_LABEL_OTHER};
            const bool own = source < 0 || strcmp(rec->people[s->person].name, name) == 0;
            if (s->bot == IDEM_LABEL_NONE || idem_lesson_fold(i) != (uint32_t)fold ||
                (score.program && !own))
                continue;
            score_motions(rec, s, &forest, &score);
            r = add(out, &score);
        }
    }
    return r;
}

int idem_liveness_style(const struct idem_movements *m, int style, struct idem_liveness_style *out)
{
    enum { EVENTS = 8192, FRESH = 100000 };
    struct idem_growing how = {.without_source = -1, .without_hands = -1, .without_fold = -1};
    struct idem_motion *motions = malloc(EVENTS * sizeof *motions);
    struct idem_forest forest;
    double nats = 0, judged = 0;
    for (uint32_t i = 0; i < m->source_count; i++)
        if (strcmp(m->source[i].name, idem_robot_name((enum idem_robot)style)) == 0)
            how.without_source = (int)i;
    int r = motions ? idem_forest_grow(m, &how, &forest) : IDEM_ERR_NOMEM;
    *out = (struct idem_liveness_style){0};
    for (uint64_t i = 0; i < IDEM_LIVENESS_STYLE_SESSIONS && r == 0; i++) {
        struct idem_ordeal o;
        const uint32_t n = idem_robot_play((enum idem_robot)style, FRESH + i,
                                           IDEM_LIVENESS_STYLE_GESTURES, motions, EVENTS);
        idem_ordeal(&forest, motions, n, &o);
        out->sessions++;
        out->alarmed += o.alarm_at > 0;
        out->soon += o.alarm_at > 0 && o.alarm_at <= IDEM_LIVENESS_SOON;
        nats += o.mean * o.judged;
        judged += o.judged;
    }
    out->nats = nats / judged;
    free(motions);
    return r;
}

/* ------------------------------------------------------------------ replays */

/* Sessions longer than this are cut: one half hour of movements is as good as two. */
enum { REPLAYED_EVENTS = 4000 };
#define REPLAY_PAUSE_US INT64_C(5000000)

static int replay_session(const struct idem_motion *motions, uint32_t count, double noise,
                          uint64_t seed, struct idem_liveness_replay *out)
{
    struct idem_motion *both = malloc(2 * (size_t)count * sizeof *both);
    struct idem_ordeal first, second;
    if (!both)
        return IDEM_ERR_NOMEM;
    memcpy(both, motions, count * sizeof *both);
    memcpy(both + count, motions, count * sizeof *both);
    idem_robot_replay(both + count, count, noise, seed);
    const int64_t shift = motions[count - 1].t_us - motions[0].t_us + REPLAY_PAUSE_US;
    for (uint32_t i = count; i < 2 * count; i++)
        both[i].t_us += shift;
    idem_ordeal(&idem_forest_shipped, motions, count, &first);
    idem_ordeal(&idem_forest_shipped, both, 2 * count, &second);
    out->sessions++;
    out->alarmed += second.alarms > first.alarms;
    out->as_replay += second.alarms > first.alarms && second.kind == IDEM_GUARD_REPLAY;
    free(both);
    return 0;
}

int idem_liveness_replays(const struct idem_recording *rec, double noise,
                          struct idem_liveness_replay *out)
{
    int r = 0;
    for (uint32_t i = 0; i < rec->session_count && r == 0 && out->sessions < IDEM_LIVENESS_REPLAYS;
         i++) {
        const struct idem_session *s = &rec->sessions[i];
        const uint32_t count = s->count < REPLAYED_EVENTS ? s->count : REPLAYED_EVENTS;
        if (rec->modality == IDEM_POINTER && count > 1)
            r = replay_session(&rec->motions[s->first], count, noise, i, out);
    }
    return r;
}

/* ------------------------------------------------------------------ people */

static int list_alarm(struct idem_liveness_outcome *o, const struct idem_liveness_alarm *alarm)
{
    if (o->alarm_count == o->alarm_room) {
        uint32_t room = o->alarm_room ? 2 * o->alarm_room : 16;
        struct idem_liveness_alarm *grown = realloc(o->alarms, room * sizeof *grown);
        if (!grown)
            return IDEM_ERR_NOMEM;
        o->alarms = grown;
        o->alarm_room = room;
    }
    o->alarms[o->alarm_count++] = *alarm;
    return 0;
}

static double active_hours(const struct idem_motion *motions, uint32_t count)
{
    int64_t sum = 0;
    for (uint32_t i = 1; i < count; i++) {
        const int64_t gap = motions[i].t_us - motions[i - 1].t_us;
        sum += gap > 0 && gap <= 5000000 ? gap : 0;
    }
    return (double)sum / 3.6e9;
}

static struct idem_guard_verdict verdict_of(const struct idem_finding *f)
{
    struct idem_guard_verdict v = {.kind = f->kind,
                                   .confidence = 1 / (1 + exp(-f->log_odds)),
                                   .at_us = f->at_us,
                                   .saw_count = f->saw_count};
    memcpy(v.saw, f->saw, sizeof v.saw);
    return v;
}

int idem_liveness_people(struct idem_liveness_outcome *o, uint32_t file)
{
    const struct idem_recording *rec = o->human[file].rec;
    struct idem_liveness_people *p = &o->human[file].people;
    int r = 0;
    p->people = rec->person_count;
    for (uint32_t i = 0; i < rec->session_count && r == 0; i++) {
        const struct idem_session *s = &rec->sessions[i];
        struct idem_ordeal ordeal;
        if (s->bot == IDEM_LABEL_OTHER)
            continue;
        idem_ordeal(&idem_forest_shipped, &rec->motions[s->first], s->count, &ordeal);
        p->sessions++;
        p->movements += ordeal.judged;
        p->alarms += ordeal.alarms;
        p->sessions_alarmed += ordeal.alarms > 0;
        p->told_human += ordeal.kind == IDEM_GUARD_HUMAN;
        p->hours += active_hours(&rec->motions[s->first], s->count);
        const struct idem_liveness_alarm a = {file, s->person, i, ordeal.alarm_at,
                                              verdict_of(&ordeal.finding)};
        if (ordeal.alarms > 0)
            r = list_alarm(o, &a);
    }
    return r;
}

void idem_liveness_outcome_fini(struct idem_liveness_outcome *o)
{
    for (int i = 0; i < o->tested_count; i++)
        idem_liveness_scores_fini(&o->tested[i].scores);
    idem_movements_fini(&o->movements);
    free(o->alarms);
    o->alarms = NULL;
    idem_sheet_fini(&o->sheet);
}
