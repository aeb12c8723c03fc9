/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liveness_report.c - what was found as tables and as JSON, and every false alarm by name.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "eval/injection.h"
#include "eval/lessons.h"
#include "eval/liveness.h"
#include "eval/robot.h"

#define COUNT  IDEM_SHEET_COUNT, false
#define NUMBER IDEM_SHEET_NUMBER, false
#define RATE   IDEM_SHEET_RATE, false

/* Of programs against people; the same columns for all such tables. */
static const struct idem_sheet_column verdicts[] = {
    {"programs", "programs", COUNT},
    {"people", "people", COUNT},
    {"auc", "AUC", NUMBER},
    {"auc_low", "from", NUMBER},
    {"auc_high", "to", NUMBER},
    {"auc3", "first 3: AUC", NUMBER},
    {"auc3_low", "from", NUMBER},
    {"auc3_high", "to", NUMBER},
    {"alarmed", "alarmed", COUNT},
    {"alarmed5", "by the 5th", COUNT},
    {"at_p50", "p50", COUNT},
    {"at_p95", "p95", COUNT},
    {"false_alarms", "false alarms", COUNT},
};

static const struct idem_sheet_column styles[] = {
    {"sessions", "sessions", COUNT},
    {"alarmed5", "by the 5th", COUNT},
    {"alarmed", "by the 8th", COUNT},
    {"nats", "nats a movement", NUMBER},
};

static const struct idem_sheet_column replays[] = {
    {"sessions", "sessions", COUNT},
    {"alarmed", "alarmed", COUNT},
    {"as_replay", "as a replay", COUNT},
};

static const struct idem_sheet_column people[] = {
    {"people", "people", COUNT},
    {"sessions", "sessions", COUNT},
    {"hours", "active hours", NUMBER},
    {"gestures", "gestures", COUNT},
    {"false_alarms", "false alarms", COUNT},
    {"sessions_alarmed", "sessions", COUNT},
    {"upper95_per_1000_gestures", "at most, 1000 gestures", NUMBER},
    {"upper95_per_hour", "at most, an hour", NUMBER},
    {"human", "told human", COUNT},
};

static const struct idem_sheet_column alarms[] = {
    {"session", "session", COUNT},
    {"gesture", "gesture", COUNT},
    {"seconds", "s", NUMBER},
};

#define TABLE(o, key, title, note, columns)                                                        \
    idem_sheet_add(&(o)->sheet, key, title, note, columns, sizeof(columns) / sizeof *(columns))

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ------------------------------------------------------------------ programs against people */

static int add_row(struct idem_sheet_table *t, const char *label,
                   const struct idem_liveness_scores *scores, int source)
{
    struct idem_liveness_row r;
    int err = idem_liveness_row(scores, source, &r);
    if (err == IDEM_ERR_TOO_LITTLE)
        return 0;
    const double v[] = {r.programs,   r.people,   r.auc.value,   r.auc.low, r.auc.high,
                        r.auc3.value, r.auc3.low, r.auc3.high,   r.alarmed, r.soon,
                        r.at_p50,     r.at_p95,   r.false_alarms};
    return err < 0 ? err : idem_sheet_row(t, label, v);
}

static bool has_program(const struct idem_liveness_scores *scores, uint32_t source)
{
    for (uint32_t i = 0; i < scores->count; i++)
        if (scores->list[i].program && scores->list[i].source == source)
            return true;
    return false;
}

static int file_rows(struct idem_sheet_table *t, const struct idem_liveness_file *f)
{
    char label[IDEM_SHEET_LABEL];
    uint32_t sources = 0;
    int r = 0;
    for (uint32_t p = 0; p < f->rec->person_count && r == 0; p++) {
        if (!has_program(&f->scores, p) || ++sources > IDEM_LIVENESS_SOURCES)
            continue;
        snprintf(label, sizeof label, "%.28s: %.30s", base(f->path), f->rec->people[p].name);
        r = add_row(t, label, &f->scores, (int)p);
    }
    snprintf(label, sizeof label, "%.28s: all", base(f->path));
    return r == 0 ? add_row(t, label, &f->scores, -1) : r;
}

static int shipped_table(struct idem_liveness_outcome *o)
{
    struct idem_sheet_table *t =
        TABLE(o, "shipped", "Programs against people, the guard as shipped",
              "a session each; the shipped weights have seen the recording they were taught from, "
              "and none else. Gestures at the alarm: a dash is later or never",
              verdicts);
    int r = t ? 0 : IDEM_ERR_NOMEM;
    for (int i = 0; i < o->tested_count && r == 0; i++)
        r = file_rows(t, &o->tested[i]);
    return r;
}

static int left_out_row(struct idem_liveness_outcome *o, struct idem_sheet_table *t,
                        const char *label, int source, bool narrow)
{
    struct idem_liveness_scores scores = {NULL, 0, 0};
    int r = idem_liveness_left_out(&o->movements, o->teach, source, narrow, &scores);
    if (r == 0)
        r = add_row(t, label, &scores, -1);
    idem_liveness_scores_fini(&scores);
    return r;
}

static bool taught_by(const struct idem_recording *rec, const char *name)
{
    for (uint32_t i = 0; i < rec->person_count; i++)
        if (strcmp(rec->people[i].name, name) == 0)
            return true;
    return false;
}

static int left_out_table(struct idem_liveness_outcome *o, bool narrow)
{
    struct idem_sheet_table *t =
        narrow ? TABLE(o, "left_out_narrow", "The same again, without made hands",
                       "people are known at the recording's own task only: what programs are "
                       "told apart by there, and what knowing more of hands costs there",
                       verdicts)
               : TABLE(o, "left_out", "The same, by weights that have not seen the program",
                       "nor the session, of a person or a program: three folds of sessions. The "
                       "last row leaves out sessions only",
                       verdicts);
    int r = t ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < o->movements.source_count && r == 0; i++)
        if (o->movements.source[i].program && taught_by(o->teach, o->movements.source[i].name))
            r = left_out_row(o, t, o->movements.source[i].name, (int)i, narrow);
    return r == 0 ? left_out_row(o, t, "all, sessions left out", -1, narrow) : r;
}

static int styles_table(struct idem_liveness_outcome *o)
{
    struct idem_sheet_table *t =
        TABLE(o, "styles", "Made programs, by weights that have not seen their kind",
              "sessions of eight gestures", styles);
    int r = t ? 0 : IDEM_ERR_NOMEM;
    for (int style = 0; style < IDEM_ROBOT_STYLES && r == 0; style++) {
        struct idem_liveness_style s;
        r = idem_liveness_style(&o->movements, style, &s);
        const double v[] = {s.sessions, s.soon, s.alarmed, s.nats};
        if (r == 0)
            r = idem_sheet_row(t, idem_robot_name((enum idem_robot)style), v);
    }
    return r;
}

/* ------------------------------------------------------------------ people */

static int replays_table(struct idem_liveness_outcome *o)
{
    static const double noises[] = {0, 1, 2};
    struct idem_sheet_table *t =
        TABLE(o, "replays", "People's sessions, and the same again",
              "played again on the same device, every position moved by up to so many px and every "
              "interval by up to so many ms; alarms that the session did not cause alone",
              replays);
    int r = t ? 0 : IDEM_ERR_NOMEM;
    for (int n = 0; n < 3 && r == 0; n++) {
        struct idem_liveness_replay sum = {0, 0, 0};
        char label[IDEM_SHEET_LABEL];
        for (int i = 0; i < o->human_count && r == 0; i++)
            r = idem_liveness_replays(o->human[i].rec, noises[n], &sum);
        const double v[] = {sum.sessions, sum.alarmed, sum.as_replay};
        snprintf(label, sizeof label, "noise %.0f", noises[n]);
        if (r == 0)
            r = idem_sheet_row(t, label, v);
    }
    return r;
}

static int people_row(struct idem_sheet_table *t, const char *label,
                      const struct idem_liveness_people *p)
{
    const double most = idem_injection_upper95(p->alarms), n = (double)p->movements;
    const double v[] = {p->people,    p->sessions,         p->hours,        n,
                        p->alarms,    p->sessions_alarmed, 1000 * most / n, most / p->hours,
                        p->told_human};
    return idem_sheet_row(t, label, v);
}

static struct idem_liveness_people total(const struct idem_liveness_outcome *o)
{
    struct idem_liveness_people sum = {0};
    for (int i = 0; i < o->human_count; i++) {
        const struct idem_liveness_people *p = &o->human[i].people;
        sum.people += p->people;
        sum.sessions += p->sessions;
        sum.hours += p->hours;
        sum.movements += p->movements;
        sum.alarms += p->alarms;
        sum.sessions_alarmed += p->sessions_alarmed;
        sum.told_human += p->told_human;
    }
    return sum;
}

static int people_table(struct idem_liveness_outcome *o)
{
    struct idem_sheet_table *t =
        TABLE(o, "people", "People, whom nobody should be alarmed by",
              "a device a session; upper ends of one-sided 95 % intervals (exact Poisson: three of "
              "none); an active hour holds an event at least every five seconds",
              people);
    const struct idem_liveness_people sum = total(o);
    int r = t ? 0 : IDEM_ERR_NOMEM;
    for (int i = 0; i < o->human_count && r == 0; i++)
        r = people_row(t, base(o->human[i].path), &o->human[i].people);
    return r == 0 ? people_row(t, "all", &sum) : r;
}

static int alarms_table(struct idem_liveness_outcome *o)
{
    struct idem_sheet_table *t =
        TABLE(o, "first_alarms", "People's alarms, the first of a session", NULL, alarms);
    int r = t ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < o->alarm_count && i < IDEM_SHEET_ROWS && r == 0; i++) {
        const struct idem_liveness_alarm *a = &o->alarms[i];
        const struct idem_recording *rec = o->human[a->file].rec;
        const char *why =
            a->verdict.saw_count ? idem_guard_reason_name(a->verdict.saw[0].reason) : "nothing";
        const double v[] = {a->session, a->at, 1e-6 * (double)a->verdict.at_us};
        char label[IDEM_SHEET_LABEL];
        snprintf(label, sizeof label, "%.18s %.12s %.16s: %.12s", base(o->human[a->file].path),
                 rec->people[a->person].name, rec->sessions[a->session].name, why);
        r = idem_sheet_row(t, label, v);
    }
    return r;
}

int idem_liveness_sheet(struct idem_liveness_outcome *o)
{
    int r = o->tested_count ? shipped_table(o) : 0;
    if (r == 0 && o->teach)
        r = left_out_table(o, false);
    if (r == 0 && o->teach)
        r = left_out_table(o, true);
    if (r == 0 && o->teach)
        r = styles_table(o);
    if (r == 0 && o->human_count)
        r = people_table(o);
    if (r == 0 && o->human_count)
        r = replays_table(o);
    if (r == 0 && o->alarm_count)
        r = alarms_table(o);
    return r;
}

/* ------------------------------------------------------------------ JSON */

static json_t *alarms_array(const struct idem_liveness_outcome *o)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < o->alarm_count; i++) {
        const struct idem_liveness_alarm *a = &o->alarms[i];
        const struct idem_recording *rec = o->human[a->file].rec;
        char text[IDEM_GUARD_TEXT];
        json_t *one = json_object();
        json_object_set_new(one, "file", json_string(base(o->human[a->file].path)));
        json_object_set_new(one, "person", json_string(rec->people[a->person].name));
        json_object_set_new(one, "session", json_string(rec->sessions[a->session].name));
        json_object_set_new(one, "gesture", json_integer(a->at));
        json_object_set_new(one, "kind", json_string(idem_guard_kind_name(a->verdict.kind)));
        json_object_set_new(one, "cause",
                            json_string(idem_guard_text(&a->verdict, text, sizeof text)));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *human_object(const struct idem_liveness_outcome *o)
{
    const struct idem_liveness_people p = total(o);
    const double most = idem_injection_upper95(p.alarms);
    json_t *root = json_object();
    json_object_set_new(root, "sessions", json_integer(p.sessions));
    json_object_set_new(root, "gestures", json_integer((json_int_t)p.movements));
    json_object_set_new(root, "hours", json_real(p.hours));
    json_object_set_new(root, "false_alarms", json_integer(p.alarms));
    json_object_set_new(root, "upper95_per_1000_gestures",
                        p.movements ? json_real(1000 * most / (double)p.movements) : json_null());
    json_object_set_new(root, "upper95_per_hour",
                        p.hours > 0 ? json_real(most / p.hours) : json_null());
    return root;
}

int idem_liveness_json(const struct idem_liveness_outcome *o, FILE *to)
{
    json_t *root = idem_sheet_object(&o->sheet);
    json_object_set_new(root, "human", human_object(o));
    json_object_set_new(root, "alarms", alarms_array(o));
    return idem_sheet_dump(root, to);
}
