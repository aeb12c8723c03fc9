/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval.c - `idem eval`: reads, learns or loads the population, sets the protocol up, compares,
 * measures, tells.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/answer.h"
#include "cli/eval_injection.h"
#include "cli/eval_liveness.h"
#include "cli/eval_options.h"
#include "cli/eval_replays.h"
#include "cli/eval_splice.h"
#include "cli/eval_study.h"
#include "eval/outcome.h"
#include "input/labels.h"
#include "model/plda_learn.h"

struct evaluation {
    const struct idem_eval_options *o;
    double started;
    struct idem_source sources[IDEM_EVAL_POPULATIONS + 1]; /* the last in use is the data */
    int count;
    struct idem_learned learned;
    struct idem_outcome_file files[IDEM_EVAL_POPULATIONS + 1];
    struct idem_outcome outcome;
};

static struct idem_recording *data_of(const struct evaluation *e)
{
    return e->sources[e->count - 1].rec;
}

static int add_population(struct evaluation *e, const char *path, bool *is_file)
{
    struct stat st;
    *is_file = idem_cli_is_population(path);
    if (*is_file) {
        if (e->o->populations > 1)
            return idem_cli_usage("eval", "%s: a population file stands alone", path);
        if (e->o->population_users)
            return idem_cli_usage("eval",
                                  "%s has been learned already: --population-users "
                                  "comes too late",
                                  path);
        e->files[e->outcome.file_count++] =
            (struct idem_outcome_file){.path = path,
                                       .use = "population file",
                                       .bytes = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0};
        return idem_cli_read_population(path, &e->learned);
    }
    e->sources[e->count++] = (struct idem_source){
        .path = path, .users = e->o->population_users, .skip_bad = e->o->skip_bad, .teaches = true};
    return 0;
}

static int describe(struct evaluation *e)
{
    for (int i = 0; i < e->count; i++) {
        const struct idem_recording *rec = e->sources[i].rec;
        e->files[e->outcome.file_count++] = (struct idem_outcome_file){
            .path = e->sources[i].path,
            .use = i == e->count - 1 ? "put to the test" : "population learned",
            .bytes = rec->bytes,
            .people = rec->person_count,
            .rows = rec->row_count,
            .lost = rec->lost_releases,
            .skipped = rec->skipped};
    }
    return 0;
}

static int read_files(struct evaluation *e)
{
    bool is_file = false;
    int r = 0;
    for (int i = 0; i < e->o->populations && r == 0; i++) {
        r = add_population(e, e->o->population[i], &is_file);
        if (strcmp(e->o->population[i], e->o->data) == 0 && !e->o->users && r == 0)
            idem_cli_note("the population has seen the people of the test; --population-users and "
                          "--users keep them apart");
    }
    if (r != 0)
        return r;
    e->sources[e->count++] =
        (struct idem_source){.path = e->o->data, .users = e->o->users, .skip_bad = e->o->skip_bad};
    r = idem_cli_read(e->sources, e->count);
    if (r == 0)
        describe(e);
    return r;
}

static int check_modality(const struct evaluation *e)
{
    bool keys = e->o->kind == IDEM_EVAL_VERIFY;
    enum idem_modality wanted = keys ? IDEM_KEYBOARD : IDEM_POINTER;
    for (int i = 0; i < e->count; i++)
        if (e->sources[i].rec->modality != wanted)
            return idem_cli_fail("%s: %s needs a %s recording", e->sources[i].path,
                                 idem_eval_kind_name(e->o->kind), idem_modality_name(wanted));
    return 0;
}

static int check_level(const struct evaluation *e)
{
    const char *level = e->outcome.level;
    for (int i = 0; i < e->count && e->o->kind == IDEM_EVAL_VERIFY; i++)
        if (e->sources[i].rec->zones &&
            (strcmp(level, "fingerrow") == 0 || strcmp(level, "key") == 0))
            return idem_cli_fail("%s knows only zones, which level %s tells apart further",
                                 e->sources[i].path, level);
    return 0;
}

static int population(struct evaluation *e)
{
    static char step[] = "learning";
    struct idem_recording *recs[IDEM_EVAL_POPULATIONS];
    struct idem_fault fault;
    const struct idem_learning how = {.level = e->outcome.level,
                                      .flights = e->o->flights,
                                      .calibrate = true,
                                      .progress = idem_cli_progress,
                                      .progress_arg = step};
    if (e->learned.population) {
        const char *has = idem_level_name(idem_front_level(e->learned.population->front));
        if (e->o->level && strcmp(e->o->level, has) != 0)
            return idem_cli_fail("%s is of level %s, not %s", e->o->population[0], has,
                                 e->o->level);
        e->outcome.level = has;
        return strcmp(e->o->flights, "ud") == 0
                   ? 0
                   : idem_cli_fail("a population file knows the flight ud only");
    }
    for (int i = 0; i < e->count - 1; i++)
        recs[i] = e->sources[i].rec;
    if (idem_learn_recordings(recs, e->count - 1, &how, &e->learned, &fault) < 0)
        return idem_cli_fail("%s", fault.text);
    return 0;
}

static int explain_setup(const struct evaluation *e, int err)
{
    if (err == IDEM_ERR_TOO_LITTLE && e->o->kind == IDEM_EVAL_CHALLENGE)
        return idem_cli_fail(
            "%s: needs sessions of split train, and of split test both with label 0 and 1",
            e->o->data);
    if (err == IDEM_ERR_TOO_LITTLE)
        return idem_cli_fail(
            "%s: fewer than two people have sessions to enrol with and sessions to "
            "be probed by; --enrol, --enrol-match and --probe-match say which",
            e->o->data);
    if (err == IDEM_ERR_MISMATCH)
        return idem_cli_fail("%s: this population knows no %s", e->o->population[0],
                             idem_modality_name(data_of(e)->modality));
    return idem_cli_fail("%s: %s", e->o->data, idem_strerror(err));
}

/* Moves the population's centre to the enrolled profiles, once, before anything is scored. */
static int recentre(struct evaluation *e, const struct idem_setup *setup)
{
    struct idem_model *model = &e->learned.population->model[data_of(e)->modality];
    const struct idem_stat_set *set = &setup->profiles;
    const float **people = malloc((set->count + 1) * sizeof *people);
    int r = people ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t u = 0; u < set->count && r == 0; u++)
        people[u] = idem_stat_set_at(set, u);
    if (r == 0)
        r = idem_plda_recentre(model, people, set->count);
    free((void *)people);
    e->outcome.recentred = true;
    return r;
}

static int score(struct evaluation *e, struct idem_setup *setup)
{
    static char step[] = "comparing";
    const struct idem_compare_options options = {.progress = idem_cli_progress,
                                                 .progress_arg = step};
    const struct idem_model *model = &e->learned.population->model[data_of(e)->modality];
    int r = e->o->recentre && !e->outcome.recentred ? recentre(e, setup) : 0;
    return r < 0 ? r
                 : idem_compare(model, &setup->profiles, &setup->probes, &options,
                                &setup->comparisons);
}

/* Figures of a scored set-up; the comparisons stay for the plots when they are the last ones. */
static int measure(struct evaluation *e, struct idem_setup *setup)
{
    int r = idem_evaluate(&setup->comparisons.results, &e->outcome.evaluation[e->outcome.runs]);
    if (r < 0)
        return explain_setup(e, r);
    e->outcome.runs++;
    free(e->outcome.results.list);
    e->outcome.results = setup->comparisons.results;
    setup->comparisons.results.list = NULL;
    return 0;
}

static int run(struct evaluation *e, struct idem_setup *setup)
{
    int r = score(e, setup);
    return r < 0 ? explain_setup(e, r) : measure(e, setup);
}

/* Flips between blocks as recorded and the same blocks resampled, both scored here. */
static int count_flips(struct evaluation *e, struct idem_setup *recorded, struct idem_setup *setup)
{
    int r = score(e, recorded);
    if (r == 0)
        r = score(e, setup);
    if (r == 0)
        r = idem_flips_count(&recorded->comparisons.results, &setup->comparisons.results,
                             &e->outcome.flips[e->outcome.runs]);
    return r < 0 ? explain_setup(e, r) : 0;
}

static int evaluate_resampled(struct evaluation *e, const struct idem_traces *traces,
                              const struct idem_traces *resampled, uint32_t n)
{
    const struct idem_front *front = e->learned.population->front;
    const struct idem_protocol *how = &e->o->protocol;
    const struct idem_traces *enrol = e->o->resample_all ? resampled : traces;
    struct idem_setup recorded, setup;
    int r = idem_setup_blocks(data_of(e), traces, front, how, n, &recorded);
    if (r < 0)
        return explain_setup(e, r);
    r = idem_setup_blocks_resampled(data_of(e), traces, enrol, resampled, front, how, n, &setup);
    if (r < 0) {
        idem_setup_fini(&recorded);
        return explain_setup(e, r);
    }
    r = count_flips(e, &recorded, &setup);
    if (r == 0)
        r = measure(e, &setup);
    idem_setup_fini(&recorded);
    idem_setup_fini(&setup);
    return r;
}

/* Sets up run number n (blocks: of so many blocks) and scores it. */
static int evaluate_run(struct evaluation *e, const struct idem_traces *traces, uint32_t n)
{
    const struct idem_front *front = e->learned.population->front;
    const struct idem_recording *rec = data_of(e);
    struct idem_setup setup;
    int r;
    if (e->o->kind == IDEM_EVAL_VERIFY)
        r = idem_setup_verify(rec, front, &e->learned.filing, &e->o->protocol, &setup);
    else if (e->o->kind == IDEM_EVAL_BLOCKS)
        r = idem_setup_blocks(rec, traces, front, &e->o->protocol, n, &setup);
    else
        r = idem_setup_challenge(rec, traces, front, &setup);
    if (r < 0)
        return explain_setup(e, r);
    r = run(e, &setup);
    idem_setup_fini(&setup);
    return r;
}

static int evaluate(struct evaluation *e)
{
    const uint32_t runs = e->o->kind == IDEM_EVAL_BLOCKS ? e->o->protocol.blocks : 1;
    const struct idem_resampling *how = &e->o->resampling;
    struct idem_traces traces = {NULL, 0}, resampled = {NULL, 0};
    int r = 0;
    e->outcome.resampled = how->step_ms || fabs(how->scale - 1) > 0;
    if (e->o->kind != IDEM_EVAL_VERIFY && (r = idem_traces_make(data_of(e), &traces)) < 0)
        return explain_setup(e, r);
    if (e->outcome.resampled && (r = idem_traces_resampled(data_of(e), how, &resampled)) < 0)
        r = explain_setup(e, r);
    for (uint32_t n = 1; n <= runs && r == 0; n++)
        r = e->outcome.resampled ? evaluate_resampled(e, &traces, &resampled, n)
                                 : evaluate_run(e, &traces, n);
    idem_traces_free(&resampled);
    idem_traces_free(&traces);
    return r;
}

/* Labels of a file of their own, when one is given. */
static int label(const struct evaluation *e)
{
    struct idem_fault fault;
    uint32_t unknown;
    if (!e->o->labels)
        return 0;
    if (idem_labels_apply(data_of(e), e->o->labels, &unknown, &fault) < 0)
        return idem_cli_fail("%s", fault.text);
    if (unknown)
        idem_cli_note("%s: %u labels name no session of %s", e->o->labels, unknown, e->o->data);
    return 0;
}

static void print_outcome(const void *outcome, FILE *to)
{
    idem_outcome_print(outcome, to);
}

static int outcome_json(const void *outcome, FILE *to)
{
    return idem_outcome_json(outcome, to);
}

static int outcome_html(const void *outcome, FILE *to)
{
    return idem_outcome_html(outcome, to);
}

static int tell(struct evaluation *e)
{
    e->outcome.seconds = idem_cli_now() - e->started;
    e->outcome.front_id = idem_front_id(e->learned.population->front);
    const struct idem_answer answer = {&e->outcome, print_outcome, outcome_json, outcome_html};
    return idem_cli_answer(&answer, e->o->json, e->o->html);
}

/* Protocols with options and reports of their own, a file each. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} protocols[] = {
    {"ageing", idem_cli_eval_ageing},
    {"enrolment", idem_cli_eval_enrolment},
    {"injection", idem_cli_eval_injection},
    {"liveness", idem_cli_eval_liveness},
    {"leak", idem_cli_eval_leak},
    {"calibration", idem_cli_eval_calibration},
    {"replays", idem_cli_eval_replays},
    {"takeover", idem_cli_eval_takeover},
    {NULL, NULL},
};

int idem_cli_eval(int argc, char **argv)
{
    struct idem_eval_options o;
    for (size_t i = 0; argc > 1 && protocols[i].name; i++) {
        if (strcmp(argv[1], protocols[i].name) == 0)
            return protocols[i].run(argc - 1, argv + 1);
    }
    int r = idem_eval_parse(argc, argv, &o);
    if (r != 0)
        return r < 0 ? IDEM_EXIT_OK : r;
    char *line = idem_cli_line("idem", argc, argv);
    struct evaluation *e = calloc(1, sizeof *e);
    if (!e || !line) {
        free(line);
        free(e);
        return idem_cli_fail("out of memory");
    }
    e->o = &o;
    e->started = idem_cli_now();
    e->outcome = (struct idem_outcome){.protocol = idem_eval_kind_name(o.kind),
                                       .level = o.level ? o.level : "mixed",
                                       .files = e->files,
                                       .command_line = line};
    if ((r = read_files(e)) == 0 && (r = check_modality(e)) == 0 && (r = population(e)) == 0 &&
        (r = check_level(e)) == 0 && (r = label(e)) == 0 && (r = evaluate(e)) == 0)
        r = tell(e);
    idem_population_free(e->learned.population);
    idem_cli_close(e->sources, e->count);
    free(e->outcome.results.list);
    free(line);
    free(e);
    return r;
}
