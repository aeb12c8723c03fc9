/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_splice.c - reads the recordings, learns or loads populations, deals the parts, see
 * eval_splice.h.
 */
#include "cli/eval_splice.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int add(struct idem_splice_stage *stage, const char *path, const char *users,
               const struct idem_splice_options *o)
{
    stage->sources[stage->count++] = (struct idem_source){
        .path = path, .users = users, .skip_bad = o->skip_bad, .teaches = true};
    return 0;
}

/* The population file among --population, if it is one; it must stand alone. */
static int find_file(const struct idem_splice_options *o, struct idem_splice_stage *stage)
{
    for (int i = 0; i < o->populations; i++) {
        if (!idem_cli_is_population(o->population[i])) {
            add(stage, o->population[i], o->population_users, o);
            continue;
        }
        if (o->populations > 1 || o->folds)
            return idem_cli_usage("eval", "%s: a population file stands alone, without --folds",
                                  o->population[i]);
        stage->population_file = o->population[i];
    }
    return 0;
}

static int read_all(const struct idem_splice_options *o, struct idem_splice_stage *stage)
{
    const char *paths[IDEM_MODALITIES] = {o->keys, o->pointer};
    const char *users[IDEM_MODALITIES] = {o->users, o->pointer_users};
    int r = find_file(o, stage), at[IDEM_MODALITIES] = {-1, -1};
    for (int m = 0; m < IDEM_MODALITIES && r == 0; m++) {
        if (!paths[m])
            continue;
        at[m] = stage->count;
        r = add(stage, paths[m], users[m], o);
    }
    if (r == 0)
        r = idem_cli_read(stage->sources, stage->count);
    for (enum idem_modality m = 0; m < IDEM_MODALITIES && r == 0; m++) {
        if (at[m] < 0)
            continue;
        stage->recs[m] = stage->sources[at[m]].rec;
        if (stage->recs[m]->modality != m)
            r = idem_cli_fail("%s is no %s recording", paths[m], idem_modality_name(m));
    }
    return r;
}

static void describe(const struct idem_splice_options *o, struct idem_splice_stage *stage)
{
    char *to = stage->population;
    const size_t room = sizeof stage->population;
    if (stage->population_file)
        snprintf(to, room, "the file %.200s", stage->population_file);
    else if (o->folds)
        snprintf(to, room, "%u folds over people, each learned from the others%s", o->folds,
                 o->populations ? " and from further recordings" : "");
    else
        snprintf(to, room, "learned from other recordings");
}

/* One population for all: the file, or learned from the recordings of others. */
static int load_population(const struct idem_splice_options *o, struct idem_splice_stage *stage,
                           const struct idem_cast_options *how, struct idem_population **out)
{
    struct idem_learned learned;
    struct idem_fault fault;
    if (stage->population_file) {
        int r = idem_cli_read_population(stage->population_file, &learned);
        if (r != 0)
            return r;
    } else if (idem_learn_recordings(how->extra, how->extra_count, &how->learning, &learned,
                                     &fault) < 0) {
        return idem_cli_fail("%s", fault.text);
    }
    for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++)
        if (stage->recs[m] && !learned.population->present[m]) {
            idem_population_free(learned.population);
            return idem_cli_fail("%s: this population knows no %s", o->population[0],
                                 idem_modality_name(m));
        }
    *out = learned.population;
    return 0;
}

static int deal(const struct idem_splice_options *o, struct idem_splice_stage *stage)
{
    static char step[] = "learning";
    struct idem_recording *extra[IDEM_SPLICE_SOURCES];
    struct idem_fault fault;
    struct idem_cast_options how = {
        .folds = o->folds,
        .extra = extra,
        .extra_count = stage->population_file ? 0 : o->populations,
        .learning = {.level = o->level ? o->level : idem_level_name(IDEM_LEVEL_DEFAULT),
                     .flights = "ud",
                     .calibrate = true,
                     .progress = idem_cli_progress,
                     .progress_arg = step}};
    for (int i = 0; i < how.extra_count; i++)
        extra[i] = stage->sources[i].rec;
    int r = o->folds ? 0 : load_population(o, stage, &how, &how.population);
    if (r == 0 && idem_cast_new(stage->recs, &how, &stage->cast, &fault) < 0)
        r = idem_cli_fail("%s", fault.text);
    return r;
}

int idem_splice_open(const struct idem_splice_options *o, struct idem_splice_stage *stage)
{
    *stage = (struct idem_splice_stage){.started = idem_cli_now()};
    int r = read_all(o, stage);
    if (r == 0)
        r = deal(o, stage);
    if (r != 0)
        return r;
    describe(o, stage);
    stage->level = idem_level_name(idem_front_level(stage->cast.populations[0].population->front));
    if (o->level && strcmp(o->level, stage->level) != 0)
        return idem_cli_fail("%s is of level %s, not %s", stage->population_file, stage->level,
                             o->level);
    return 0;
}

void idem_splice_close(struct idem_splice_stage *stage)
{
    idem_cast_free(&stage->cast);
    idem_cli_close(stage->sources, stage->count);
}

void idem_splice_use(const struct idem_splice_stage *stage, struct idem_seat_options *seat)
{
    for (int m = 0; m < IDEM_MODALITIES; m++)
        seat->use[m] = seat->perform[m] = stage->cast.has[m];
}

void idem_splice_seat(const struct idem_splice_options *o, const struct idem_splice_stage *stage,
                      struct idem_seat_options *seat)
{
    *seat = (struct idem_seat_options){
        .targets = {stage->cast.has[IDEM_KEYBOARD] ? o->window : 0,
                    stage->cast.has[IDEM_POINTER] ? o->gestures : 0},
        .enrol = {o->enrol, o->enrol_gestures},
        .enrol_share = o->enrol_percent / 100.0,
        .params = idem_trust_defaults(),
        .refractory_s = o->refractory_s,
    };
    if (o->hazard)
        seat->params.hazard_per_hour = o->hazard / 10000.0;
    idem_splice_use(stage, seat);
}

int idem_splice_files(const struct idem_splice_stage *stage, struct idem_outcome_file *files,
                      int room)
{
    struct stat st;
    int n = 0;
    if (stage->population_file && n < room)
        files[n++] = (struct idem_outcome_file){
            .path = stage->population_file,
            .use = "population file",
            .bytes = stat(stage->population_file, &st) == 0 ? (uint64_t)st.st_size : 0};
    for (int i = 0; i < stage->count && n < room; i++) {
        const struct idem_recording *rec = stage->sources[i].rec;
        bool tested = rec == stage->recs[IDEM_KEYBOARD] || rec == stage->recs[IDEM_POINTER];
        files[n++] =
            (struct idem_outcome_file){.path = stage->sources[i].path,
                                       .use = tested ? "put to the test" : "population learned",
                                       .bytes = rec->bytes,
                                       .people = rec->person_count,
                                       .rows = rec->row_count,
                                       .lost = rec->lost_releases,
                                       .skipped = rec->skipped};
    }
    return n;
}
