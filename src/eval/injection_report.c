/* SPDX-License-Identifier: Apache-2.0 */
/*
 * injection_report.c - what was found as tables, as JSON, and every false alarm by name.
 */
#include "eval/injection.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT  IDEM_SHEET_COUNT, false
#define NUMBER IDEM_SHEET_NUMBER, false
#define CURVE  IDEM_SHEET_RATE, true

static const struct idem_sheet_column devices[] = {
    {"payloads", "payloads", COUNT},
    {"alarmed", "alarmed", COUNT},
    {"key_p50", "key p50", COUNT},
    {"key_p99", "key p99", COUNT},
    {"macro", "macro", COUNT},
    {"alarmed_attached", "just attached", COUNT},
    {"key_p50_attached", "key p50", COUNT},
    {"key_p99_attached", "key p99", COUNT},
    {"alarmed_clone", "cloned", COUNT},
    {"key_p50_clone", "key p50", COUNT},
    {"key_p99_clone", "key p99", COUNT},
};

static const struct idem_sheet_column rules[] = {
    {"payloads", "payloads", COUNT},         {"alarmed_ukip", "ukip", COUNT},
    {"key_p50_ukip", "key p50", COUNT},      {"key_p99_ukip", "key p99", COUNT},
    {"alarmed_duckhunt", "duckhunt", COUNT}, {"key_p50_duckhunt", "key p50", COUNT},
    {"key_p99_duckhunt", "key p99", COUNT},
};

static const struct idem_sheet_column after[] = {
    {"payloads", "payloads", COUNT},  {"alarmed", "alarmed", COUNT},
    {"key_p50", "key p50", COUNT},    {"key_p99", "key p99", COUNT},
    {"before", "too early", COUNT},   {"kernel", "by a kernel", COUNT},
    {"kernel_p50", "key p50", COUNT}, {"kernel_p99", "key p99", COUNT},
};

static const struct idem_sheet_column clocks[] = {
    {"payloads", "payloads", COUNT},   {"fine", "alarmed, us clock", COUNT},
    {"fine_p99", "key p99", COUNT},    {"browser", "0.1 ms", COUNT},
    {"browser_p99", "key p99", COUNT}, {"ms", "1 ms", COUNT},
    {"ms_p99", "key p99", COUNT},      {"coarse", "15.6 ms", COUNT},
    {"coarse_p99", "key p99", COUNT},  {"late", "1 ms late", COUNT},
    {"late_p99", "key p99", COUNT},    {"stalls", "busy host", COUNT},
    {"stalls_p99", "key p99", COUNT},
};

static const struct idem_sheet_column by_key[] = {
    {"key", "key-downs", COUNT},
    {"fast", "Ducky v1", CURVE},
    {"slow", "string delay 100 ms", CURVE},
    {"jitter", "jitter 0-160 ms", CURVE},
    {"humanised", "humanised", CURVE},
};

static const struct idem_sheet_column honest[] = {
    {"streams", "streams", COUNT},
    {"keys", "keys", COUNT},
    {"macro", "macro", COUNT},
    {"human", "human", COUNT},
    {"insufficient", "insufficient", COUNT},
    {"alarmed", "alarmed", COUNT},
    {"undeclared_macro", "unknown: macro", COUNT},
    {"undeclared_human", "human", COUNT},
    {"undeclared_insufficient", "insufficient", COUNT},
    {"undeclared_alarmed", "alarmed", COUNT},
};

static const struct idem_sheet_column claims[] = {
    {"payloads", "payloads", COUNT},     {"token", "security key", COUNT},
    {"token_p99", "key p99", COUNT},     {"scanner", "scanner", COUNT},
    {"scanner_p99", "key p99", COUNT},   {"steno", "steno", COUNT},
    {"steno_p99", "key p99", COUNT},     {"macro_pad", "macro pad", COUNT},
    {"macro_pad_p99", "key p99", COUNT}, {"autotype", "autotype", COUNT},
    {"autotype_p99", "key p99", COUNT},
};

static const struct idem_sheet_column people[] = {
    {"keys", "keys", COUNT},
    {"sessions", "sessions", COUNT},
    {"false_alarms", "false alarms", COUNT},
    {"upper95_per_million_keys", "at most, a million keys", NUMBER},
    {"human", "human", COUNT},
    {"macro", "macro", COUNT},
    {"insufficient", "insufficient", COUNT},
    {"alarmed", "alarmed", COUNT},
    {"programs", "programs", COUNT},
    {"programs_alarmed", "alarmed", COUNT},
};

static const struct idem_sheet_column peers[] = {
    {"sessions", "sessions", COUNT},         {"ukip", "ukip: sessions", COUNT},
    {"ukip_alarms", "alarms", COUNT},        {"ukip_repeat", "repeats counted", COUNT},
    {"ukip_repeat_alarms", "alarms", COUNT}, {"duckhunt", "duckhunt: sessions", COUNT},
    {"duckhunt_alarms", "alarms", COUNT},
};

static const char *const pass_names[IDEM_PASSES] = {"a device each session", "just attached",
                                                    "one device a person"};

#define TABLE(o, key, title, note, columns)                                                        \
    idem_sheet_add(&(o)->sheet, key, title, note, columns, sizeof(columns) / sizeof *(columns))

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int devices_table(struct idem_injection_outcome *o)
{
    snprintf(o->note, sizeof o->note,
             "payloads of six or more key-downs; key: the key-down at or before which the alarm "
             "came, a dash: not reached; macro: taken for an honest source; seed %llu",
             (unsigned long long)o->seed);
    struct idem_sheet_table *t = TABLE(o, "devices", "Payloads by device", o->note, devices);
    for (int m = 0; t && m < IDEM_DEVICE_MODELS; m++) {
        const struct idem_injection_score *s = o->scores[m];
        const struct idem_injection_score *g = &s[IDEM_JUDGE_GUARD], *a = &s[IDEM_JUDGE_ATTACHED],
                                          *c = &s[IDEM_JUDGE_CLONE];
        const double v[] = {
            g->payloads, g->alarmed, g->key_p50, g->key_p99, g->verdicts[IDEM_GUARD_MACRO],
            a->alarmed,  a->key_p50, a->key_p99, c->alarmed, c->key_p50,
            c->key_p99};
        (void)idem_sheet_row(t, idem_device_models[m].name, v);
    }
    return t ? 0 : IDEM_ERR_NOMEM;
}

static int rules_table(struct idem_injection_outcome *o)
{
    struct idem_sheet_table *t =
        TABLE(o, "rules", "The same before other tools' rules", NULL, rules);
    for (int m = 0; t && m < IDEM_DEVICE_MODELS; m++) {
        const struct idem_injection_score *u = &o->scores[m][IDEM_JUDGE_UKIP],
                                          *d = &o->scores[m][IDEM_JUDGE_DUCKHUNT];
        const double v[] = {u->payloads, u->alarmed, u->key_p50, u->key_p99,
                            d->alarmed,  d->key_p50, d->key_p99};
        (void)idem_sheet_row(t, idem_device_models[m].name, v);
    }
    return t ? 0 : IDEM_ERR_NOMEM;
}

static int after_table(struct idem_injection_outcome *o)
{
    if (o->after[0].keys == NULL)
        return 0;
    struct idem_sheet_table *t =
        TABLE(o, "after_hand", "The same behind a hand",
              "up to 150 keys of a recorded session on the same device, a pause, the payload; "
              "a clock of 1 ms; by a kernel: the same as hardware, to the microsecond",
              after);
    for (int m = 0; t && m < IDEM_DEVICE_MODELS; m++) {
        const struct idem_injection_score *s = &o->after[m], *k = &o->after_kernel[m];
        const double v[] = {s->payloads, s->alarmed, s->key_p50, s->key_p99,
                            s->before,   k->alarmed, k->key_p50, k->key_p99};
        (void)idem_sheet_row(t, idem_device_models[m].name, v);
    }
    return t ? 0 : IDEM_ERR_NOMEM;
}

static int clocks_table(struct idem_injection_outcome *o)
{
    if (!o->with_clocks)
        return 0;
    struct idem_sheet_table *t =
        TABLE(o, "clocks", "The same on coarser clocks and late", NULL, clocks);
    for (int m = 0; t && m < IDEM_DEVICE_MODELS; m++) {
        double v[1 + 2 * IDEM_CLOCKS] = {o->clocks[m][0].payloads};
        for (int c = 0; c < IDEM_CLOCKS; c++) {
            v[1 + 2 * c] = o->clocks[m][c].alarmed;
            v[2 + 2 * c] = o->clocks[m][c].key_p99;
        }
        (void)idem_sheet_row(t, idem_device_models[m].name, v);
    }
    return t ? 0 : IDEM_ERR_NOMEM;
}

static uint32_t alarms_in(const uint32_t *verdicts)
{
    uint32_t n = 0;
    for (int k = 0; k < IDEM_GUARD_KINDS; k++)
        if (idem_guard_is_alarm((enum idem_guard_kind)k))
            n += verdicts[k];
    return n;
}

static int honest_table(struct idem_injection_outcome *o)
{
    struct idem_sheet_table *t =
        TABLE(o, "honest", "Honest sources, known as what they are and unknown",
              "simulated, but for home-row functions, which are people's recordings; the verdict "
              "at the end, an alarm stays",
              honest);
    for (int i = 0; t && i < IDEM_HONEST_SOURCES; i++) {
        const struct idem_injection_honest *h = &o->honest[i];
        const double v[] = {h->streams,
                            (double)h->keys,
                            h->declared[IDEM_GUARD_MACRO],
                            h->declared[IDEM_GUARD_HUMAN],
                            h->declared[IDEM_GUARD_INSUFFICIENT],
                            alarms_in(h->declared),
                            h->undeclared[IDEM_GUARD_MACRO],
                            h->undeclared[IDEM_GUARD_HUMAN],
                            h->undeclared[IDEM_GUARD_INSUFFICIENT],
                            alarms_in(h->undeclared)};
        if (h->streams)
            (void)idem_sheet_row(t, h->name, v);
    }
    return t ? 0 : IDEM_ERR_NOMEM;
}

static int claims_table(struct idem_injection_outcome *o)
{
    struct idem_sheet_table *t =
        TABLE(o, "claims", "Payloads through a device that claims to be an honest source",
              "alarmed, by what it claims to be", claims);
    for (int m = 0; t && m < IDEM_DEVICE_MODELS; m++) {
        double v[1 + 2 * (IDEM_GUARD_ROLES - 1)] = {o->claims[m][IDEM_ROLE_TOKEN].payloads};
        for (int role = IDEM_ROLE_TOKEN; role < IDEM_GUARD_ROLES; role++) {
            v[2 * role - 1] = o->claims[m][role].alarmed;
            v[2 * role] = o->claims[m][role].key_p99;
        }
        (void)idem_sheet_row(t, idem_device_models[m].name, v);
    }
    return t ? 0 : IDEM_ERR_NOMEM;
}

static const struct idem_injection_score *score_of(const struct idem_injection_outcome *o,
                                                   const char *key)
{
    for (int m = 0; m < IDEM_DEVICE_MODELS; m++)
        if (strcmp(idem_device_models[m].key, key) == 0)
            return &o->scores[m][IDEM_JUDGE_GUARD];
    return &o->scores[0][IDEM_JUDGE_GUARD];
}

/* The share of payloads that had no alarm at or before so many key-downs. */
static double share_left(const struct idem_injection_score *s, uint32_t key)
{
    uint32_t n = 0;
    while (n < s->payloads && s->keys[n] <= key)
        n++;
    return s->payloads ? 1 - (double)n / s->payloads : NAN;
}

static int by_key_table(struct idem_injection_outcome *o)
{
    static const uint32_t at[] = {1,  2,  3,  4,  5,  6,  7,  8,   9,   10, 12,
                                  15, 20, 25, 30, 40, 50, 75, 100, 150, 200};
    struct idem_sheet_table *t =
        TABLE(o, "by_key", "Payloads not yet noticed after so many key-downs", NULL, by_key);
    if (t == NULL)
        return IDEM_ERR_NOMEM;
    t->log_x = true;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        const double v[] = {at[i], share_left(score_of(o, "ducky"), at[i]),
                            share_left(score_of(o, "delay-100"), at[i]),
                            share_left(score_of(o, "jitter-160"), at[i]),
                            share_left(score_of(o, "humanised"), at[i])};
        (void)idem_sheet_row(t, "", v);
    }
    return 0;
}

static double upper_per_million(uint64_t alarms, uint64_t keys)
{
    return keys ? idem_injection_upper95(alarms) / (double)keys * 1e6 : NAN;
}

static void people_row(struct idem_sheet_table *t, const char *label,
                       const struct idem_injection_people *p, int pass)
{
    const double v[] = {(double)p->keys,
                        p->sessions,
                        p->alarms[pass],
                        upper_per_million(p->alarms[pass], p->keys),
                        p->verdicts[pass][IDEM_GUARD_HUMAN],
                        p->verdicts[pass][IDEM_GUARD_MACRO],
                        p->verdicts[pass][IDEM_GUARD_INSUFFICIENT],
                        alarms_in(p->verdicts[pass]),
                        pass == IDEM_PASS_FRESH ? p->programs : NAN,
                        pass == IDEM_PASS_FRESH ? p->programs_alarmed : NAN};
    (void)idem_sheet_row(t, label, v);
}

static struct idem_injection_people total(const struct idem_injection_outcome *o)
{
    struct idem_injection_people sum = {0};
    for (int i = 0; i < o->file_count; i++)
        idem_injection_people_add(&sum, &o->files[i].people);
    return sum;
}

static int people_table(struct idem_injection_outcome *o)
{
    const struct idem_injection_people all = total(o);
    struct idem_sheet_table *t =
        TABLE(o, "people", "People",
              "verdicts at the end of each session, or of each person where one device lasts; "
              "at most: a 95 % bound, one-sided",
              people);
    for (int pass = 0; t && pass < IDEM_PASSES; pass++)
        for (int i = 0; i <= o->file_count; i++) {
            char label[IDEM_SHEET_LABEL];
            bool last = i == o->file_count;
            if (last && o->file_count == 1)
                continue;
            snprintf(label, sizeof label, "%.36s, %s", last ? "all" : base(o->files[i].path),
                     pass_names[pass]);
            people_row(t, label, last ? &all : &o->files[i].people, pass);
        }
    return t ? 0 : IDEM_ERR_NOMEM;
}

static int peers_table(struct idem_injection_outcome *o)
{
    struct idem_sheet_table *t =
        TABLE(o, "people_peers", "The same people before other rules", NULL, peers);
    for (int i = 0; t && i < o->file_count; i++) {
        const struct idem_injection_people *p = &o->files[i].people;
        const double v[] = {p->sessions,
                            p->peer_sessions[IDEM_JUDGE_UKIP],
                            p->peer_alarms[IDEM_JUDGE_UKIP],
                            p->peer_sessions[IDEM_JUDGE_UKIP_REPEAT],
                            p->peer_alarms[IDEM_JUDGE_UKIP_REPEAT],
                            p->peer_sessions[IDEM_JUDGE_DUCKHUNT],
                            p->peer_alarms[IDEM_JUDGE_DUCKHUNT]};
        (void)idem_sheet_row(t, base(o->files[i].path), v);
    }
    return t ? 0 : IDEM_ERR_NOMEM;
}

static int alarm_lines(struct idem_injection_outcome *o)
{
    o->sheet.list.title = "False alarms";
    for (int i = 0; i < o->file_count; i++)
        for (uint32_t a = 0; a < o->files[i].people.listed; a++) {
            const struct idem_false_alarm *f = &o->files[i].people.list[a];
            const struct idem_recording *rec = o->files[i].rec;
            char text[IDEM_GUARD_TEXT], line[IDEM_GUARD_TEXT + 400];
            snprintf(line, sizeof line, "%s, person %s, session %s, key %u (%s): %s, %s",
                     base(o->files[i].path), rec->people[f->person].name,
                     rec->sessions[f->session].name, f->key, pass_names[f->pass],
                     idem_guard_kind_name(f->verdict.kind),
                     idem_guard_text(&f->verdict, text, sizeof text));
            int r = idem_sheet_line(&o->sheet, line);
            if (r < 0)
                return r;
        }
    return 0;
}

int idem_injection_sheet(struct idem_injection_outcome *o)
{
    int r;
    if ((r = devices_table(o)) < 0 || (r = rules_table(o)) < 0 || (r = after_table(o)) < 0 ||
        (r = clocks_table(o)) < 0 || (r = by_key_table(o)) < 0 || (r = honest_table(o)) < 0 ||
        (r = claims_table(o)) < 0)
        return r;
    if (o->file_count == 0)
        return 0;
    if ((r = people_table(o)) < 0 || (r = peers_table(o)) < 0)
        return r;
    return alarm_lines(o);
}

/* ------------------------------------------------------------------ JSON */

static json_t *key_or_null(double key)
{
    return isfinite(key) ? json_integer((json_int_t)key) : json_null();
}

static json_t *score_object(const struct idem_injection_score *s)
{
    json_t *o = json_object();
    json_object_set_new(o, "payloads", json_integer(s->payloads));
    json_object_set_new(o, "alarmed", json_integer(s->alarmed));
    json_object_set_new(o, "key_p50", key_or_null(s->key_p50));
    json_object_set_new(o, "key_p99", key_or_null(s->key_p99));
    return o;
}

static json_t *model_object(const struct idem_injection_outcome *o, int m)
{
    static const char *const names[IDEM_JUDGES] = {NULL,   "attached",    "clone",
                                                   "ukip", "ukip_repeat", "duckhunt"};
    json_t *root = score_object(&o->scores[m][IDEM_JUDGE_GUARD]);
    json_object_set_new(root, "humanised", json_boolean(idem_device_models[m].humanised));
    json_object_set_new(root, "macro",
                        json_integer(o->scores[m][IDEM_JUDGE_GUARD].verdicts[IDEM_GUARD_MACRO]));
    for (int j = 1; j < IDEM_JUDGES; j++)
        json_object_set_new(root, names[j], score_object(&o->scores[m][j]));
    return root;
}

static json_t *human_object(const struct idem_injection_outcome *o)
{
    const struct idem_injection_people p = total(o);
    json_t *root = json_object();
    json_object_set_new(root, "keys", json_integer((json_int_t)p.keys));
    json_object_set_new(root, "sessions", json_integer(p.sessions));
    json_object_set_new(root, "false_alarms", json_integer(p.alarms[IDEM_PASS_FRESH]));
    json_object_set_new(root, "upper95_per_million_keys",
                        p.keys ? json_real(upper_per_million(p.alarms[IDEM_PASS_FRESH], p.keys))
                               : json_null());
    json_object_set_new(root, "false_alarms_attached", json_integer(p.alarms[IDEM_PASS_ATTACHED]));
    json_object_set_new(root, "false_alarms_one_device", json_integer(p.alarms[IDEM_PASS_LONG]));
    return root;
}

static json_t *alarms_array(const struct idem_injection_outcome *o)
{
    json_t *list = json_array();
    for (int i = 0; i < o->file_count; i++)
        for (uint32_t a = 0; a < o->files[i].people.listed; a++) {
            const struct idem_false_alarm *f = &o->files[i].people.list[a];
            const struct idem_recording *rec = o->files[i].rec;
            char text[IDEM_GUARD_TEXT];
            json_t *one = json_object();
            json_object_set_new(one, "file", json_string(base(o->files[i].path)));
            json_object_set_new(one, "person", json_string(rec->people[f->person].name));
            json_object_set_new(one, "session", json_string(rec->sessions[f->session].name));
            json_object_set_new(one, "key", json_integer(f->key));
            json_object_set_new(one, "pass", json_string(pass_names[f->pass]));
            json_object_set_new(one, "kind", json_string(idem_guard_kind_name(f->verdict.kind)));
            json_object_set_new(one, "cause",
                                json_string(idem_guard_text(&f->verdict, text, sizeof text)));
            json_array_append_new(list, one);
        }
    return list;
}

int idem_injection_json(const struct idem_injection_outcome *o, FILE *to)
{
    json_t *root = idem_sheet_object(&o->sheet), *models = json_object();
    for (int m = 0; m < IDEM_DEVICE_MODELS; m++)
        json_object_set_new(models, idem_device_models[m].key, model_object(o, m));
    json_object_set_new(root, "models", models);
    json_object_set_new(root, "human", human_object(o));
    json_object_set_new(root, "alarms", alarms_array(o));
    json_object_set_new(root, "seed", json_integer((json_int_t)o->seed));
    return idem_sheet_dump(root, to);
}

void idem_injection_outcome_fini(struct idem_injection_outcome *o)
{
    for (int m = 0; m < IDEM_DEVICE_MODELS; m++) {
        for (int j = 0; j < IDEM_JUDGES; j++)
            idem_injection_score_fini(&o->scores[m][j]);
        for (int c = 0; c < IDEM_CLOCKS; c++)
            idem_injection_score_fini(&o->clocks[m][c]);
        for (int role = 0; role < IDEM_GUARD_ROLES; role++)
            idem_injection_score_fini(&o->claims[m][role]);
        idem_injection_score_fini(&o->after[m]);
        idem_injection_score_fini(&o->after_kernel[m]);
    }
    for (int i = 0; i < o->file_count; i++)
        idem_injection_people_fini(&o->files[i].people);
    idem_sheet_fini(&o->sheet);
}
