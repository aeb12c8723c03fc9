/* SPDX-License-Identifier: Apache-2.0 */
/* again.c - see again.h. */
#include "server/again.h"

#include "base/log.h"
#include "model/even.h"
#include "model/form.h"

/* ------------------------------------------------------------------ making and unmaking */

int idem_again_init(const struct idem_front *front, const uint8_t key[IDEM_SIPHASH_KEY],
                    struct idem_again *out)
{
    int err = idem_seen_new(IDEM_SEEN_BITS, &out->seen);

    for (enum idem_modality m = 0; m < IDEM_MODALITIES && err == 0; m++)
        if (idem_front_cells(front, m) > 0)
            err = idem_imprinter_new(front, m, key, &out->imprinters[m]);
    if (err == 0 && idem_front_cells(front, IDEM_KEYBOARD) > 0)
        err = idem_even_new(front, &out->even);
    return err;
}

void idem_again_fini(struct idem_again *again)
{
    idem_seen_free(again->seen);
    idem_even_free(again->even);
    for (int m = 0; m < IDEM_MODALITIES; m++)
        idem_imprinter_free(again->imprinters[m]);
    *again = (struct idem_again){0};
}

int idem_again_bench_init(struct idem_again *again, const struct idem_front *front,
                          struct idem_again_bench *out)
{
    int err = IDEM_OK;

    out->again = again;
    out->front = front;
    for (enum idem_modality m = 0; m < IDEM_MODALITIES && err == 0; m++)
        if (again->imprinters[m] != NULL)
            err = idem_sketcher_new(front, m, again->imprinters[m], &out->sketchers[m]);
    return err;
}

void idem_again_bench_fini(struct idem_again_bench *bench)
{
    for (int m = 0; m < IDEM_MODALITIES; m++)
        idem_sketcher_free(bench->sketchers[m]);
    *bench = (struct idem_again_bench){0};
}

/* ------------------------------------------------------------------ at start */

struct loading {
    struct idem_again *again;
    struct idem_people *people;
    uint64_t front;
};

/* One table serves all organisations, and none can learn from it what another one has had. */
static uint64_t within(int64_t organisation, uint64_t whole)
{
    return whole ^ (uint64_t)organisation * UINT64_C(0x9e3779b97f4a7c15);
}

static int load_sketch(void *arg, const struct idem_store_sketch *stored)
{
    struct loading *l = arg;
    const int64_t organisation = stored->organisation;
    struct idem_sketch sketch = {0};

    if (stored->front != l->front) /* imprints under another front are of other sums */
        return IDEM_OK;
    int err = idem_people_open_sketch(l->people, stored, &sketch);
    if (err == IDEM_ERR_NOT_FOUND) /* without a key nobody can send these windows again */
        return IDEM_OK;
    for (uint32_t i = 0; err == 0 && i < sketch.count; i++)
        idem_seen_put(l->again->seen, within(organisation, sketch.list[i].whole));
    idem_sketch_fini(&sketch);
    return err;
}

int idem_again_load(struct idem_again *again, struct idem_store *store, struct idem_people *people,
                    int64_t organisation, uint64_t front)
{
    struct loading l = {again, people, front};
    return store->ops->sketches(store, organisation, NULL, load_sketch, &l);
}

void idem_again_forget(struct idem_again *again, const struct idem_person *person)
{
    for (int m = 0; m < IDEM_MODALITIES; m++)
        for (uint32_t i = 0; i < person->sketches[m].count; i++)
            idem_seen_drop(again->seen,
                           within(person->organisation, person->sketches[m].list[i].whole));
}

/* ------------------------------------------------------------------ one window */

/*
 * Whole and formless windows are certain but for the hash; re-noised and shifted ones have a rate
 * of false alarms, which model/sketch.h states.
 */
static struct idem_guard_verdict verdict(double confidence, enum idem_guard_reason reason,
                                         uint32_t count, double value)
{
    return (struct idem_guard_verdict){
        .kind = IDEM_GUARD_REPLAY,
        .confidence = confidence,
        .saw_count = 1,
        .saw = {{.reason = reason, .count = count, .value = (float)value}},
    };
}

static bool judge_match(const struct idem_sketch_match *match, bool seen,
                        struct idem_guard_verdict *out)
{
    static const double sure[] = {
        [IDEM_RESENT_NOT] = 1,      [IDEM_RESENT_WHOLE] = 1,      [IDEM_RESENT_PARTS] = 0.999,
        [IDEM_RESENT_NEAR] = 0.999, [IDEM_RESENT_SHIFTED] = 0.99,
    };
    if (match->how == IDEM_RESENT_NOT && !seen)
        return false;
    const double share = match->how == IDEM_RESENT_NOT ? 1 : idem_sketch_share(match);
    *out = verdict(sure[match->how], IDEM_SAW_WINDOW_BEFORE, 0, 100 * share);
    return true;
}

static bool is_too_even(const struct idem_again_bench *b, const struct idem_session *s,
                        const struct idem_window *window)
{
    const struct idem_template *t = &s->person->templates[s->device_class][IDEM_KEYBOARD];
    struct idem_even_sums sums;

    if (!t->enrolled)
        return false;
    sums = idem_even_weigh(b->again->even, t->profile->stats, window);
    return idem_even_is_too(&sums);
}

static bool judge_form(const struct idem_again_bench *b, const struct idem_session *s,
                       const struct idem_window *window, struct idem_guard_verdict *out)
{
    struct idem_form form;

    if (idem_window_modality(window) != IDEM_KEYBOARD)
        return false;
    idem_form_read(b->front, window, &form);
    if (idem_form_fault(&form) == IDEM_FORM_SOUND && !is_too_even(b, s, window))
        return false;
    *out = verdict(1, IDEM_SAW_WINDOW_REGULAR, form.bent < 255 ? form.bent : 255, 0);
    return true;
}

bool idem_again_look(struct idem_again_bench *bench, struct idem_session *s,
                     const struct idem_window *window, int64_t row)
{
    const enum idem_modality m = idem_window_modality(window);
    struct idem_sketch *sketch = &s->person->sketches[m];
    struct idem_guard_verdict found;
    struct idem_sketch_match match;
    struct idem_imprint imprint;

    if (bench->again == NULL)
        return false;
    idem_imprint_make(bench->again->imprinters[m], window, &imprint);
    idem_sketch_compare(bench->sketchers[m], sketch, window, &imprint, &match);
    const bool seen =
        idem_seen_put(bench->again->seen, within(s->person->organisation, imprint.whole));
    const bool hit = judge_match(&match, seen, &found) || judge_form(bench, s, window, &found);
    imprint.session = (uint32_t)s->row;
    if (idem_sketch_add(sketch, &imprint) != 0)
        idem_log(IDEM_LOG_ERROR, "kernel: no memory to remember a window by");
    if (hit)
        idem_guard_alarm_raise(s, m, &found, row);
    return hit;
}
