/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.c - see keys.h. Measuring runs on all cores; summing up is sequential and
 * cheap, and so the same whatever the number of threads.
 */
#include "eval/keys.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/parallel.h"

/* A slice of one session before it becomes statistics. */
struct piece {
    const struct idem_stroke *strokes;
    uint32_t count, person;
    bool carried;         /* the session goes on before it */
    struct idem_obs *obs; /* into measured.obs */
    uint32_t obs_count;
};

struct measured {
    const struct idem_filing *filing;
    struct piece *pieces;
    uint32_t count, people;
    struct idem_obs *obs;
};

enum { PIECES_PER_JOB = 256 };

static void measure_job(void *arg, int job)
{
    struct measured *m = arg;
    uint32_t from = (uint32_t)job * PIECES_PER_JOB, end = from + PIECES_PER_JOB;
    for (uint32_t i = from; i < end && i < m->count; i++) {
        struct piece *p = &m->pieces[i];
        p->obs_count = idem_filing_strokes(m->filing, p->carried ? p->strokes - 1 : NULL,
                                           p->strokes, p->count, p->obs);
    }
}

static uint32_t slices_of(uint32_t strokes, uint32_t slice)
{
    uint32_t n = (strokes + slice / 2) / slice;
    return n ? n : 1;
}

/* Cuts one session; returns where the next piece's measurements may go. */
static struct idem_obs *cut(struct measured *m, const struct idem_stroke *strokes, uint32_t count,
                            uint32_t slice, struct idem_obs *obs)
{
    uint32_t n = slices_of(count, slice);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = (uint32_t)((uint64_t)count * i / n);
        uint32_t end = (uint32_t)((uint64_t)count * (i + 1) / n);
        m->pieces[m->count++] = (struct piece){.strokes = strokes + from,
                                               .count = end - from,
                                               .person = m->people,
                                               .carried = i > 0,
                                               .obs = obs};
        obs += (size_t)(end - from) * (1 + m->filing->flight_count);
    }
    return obs;
}

static int measure(struct measured *m, struct idem_recording *const *recs, int count,
                   uint32_t slice)
{
    size_t pieces = 0, rows = 0;
    for (int r = 0; r < count; r++)
        for (uint32_t s = 0; s < recs[r]->session_count; s++) {
            pieces += slices_of(recs[r]->sessions[s].count, slice);
            rows += recs[r]->sessions[s].count;
        }
    m->pieces = malloc((pieces + 1) * sizeof *m->pieces);
    m->obs = malloc((rows + 1) * (1 + m->filing->flight_count) * sizeof *m->obs);
    if (!m->pieces || !m->obs)
        return IDEM_ERR_NOMEM;
    struct idem_obs *obs = m->obs;
    for (int r = 0; r < count; r++)
        for (uint32_t p = 0; p < recs[r]->person_count; p++, m->people++)
            for (uint32_t s = 0; s < recs[r]->people[p].count; s++) {
                const struct idem_session *session =
                    &recs[r]->sessions[recs[r]->people[p].first + s];
                obs = cut(m, recs[r]->strokes + session->first, session->count, slice, obs);
            }
    idem_parallel(measure_job, m, (int)((m->count + PIECES_PER_JOB - 1) / PIECES_PER_JOB));
    return 0;
}

static int learn_front(const struct measured *m, struct idem_front **front)
{
    struct idem_slot_times *slots = calloc(m->filing->slots, sizeof *slots);
    if (!slots)
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < m->count; i++)
        for (uint32_t k = 0; k < m->pieces[i].obs_count; k++)
            idem_slot_times_add(&slots[m->pieces[i].obs[k].slot],
                                (double)m->pieces[i].obs[k].value);
    int r = idem_keyboard_front_learn(m->filing->level, &m->filing->zoning, slots, m->filing->slots,
                                      front);
    free(slots);
    return r;
}

/* The front files by its table of slots, which is filled when it is sealed; until then by this one.
 */
static int32_t *cell_table(const struct idem_front *front)
{
    int32_t *cell = malloc((front->slots + 1) * sizeof *cell);
    for (uint32_t s = 0; cell && s < front->slots; s++)
        cell[s] = -1;
    for (uint32_t c = 0; cell && c < front->cells; c++)
        cell[front->slot[c]] = (int32_t)c;
    return cell;
}

static void file_piece(const struct idem_front *front, const int32_t *cell,
                       const struct piece *piece, float *stats, double *square)
{
    for (uint32_t k = 0; k < piece->obs_count; k++) {
        int32_t c = cell[piece->obs[k].slot];
        if (c < 0)
            continue;
        float one[IDEM_CONTRASTS] = {0};
        float *f = stats + front->cells + (size_t)c * IDEM_CONTRASTS;
        idem_histogram_add(front->edges + (size_t)c * IDEM_EDGES, piece->obs[k].value, one);
        stats[c] += 1;
        for (uint32_t i = 0; i < IDEM_CONTRASTS; i++) {
            f[i] += one[i];
            square[(size_t)c * IDEM_CONTRASTS + i] += (double)one[i] * one[i];
        }
    }
}

static int fill_corpus(const struct measured *m, const struct idem_front *front,
                       struct idem_corpus *corpus)
{
    const struct idem_shape shape = {front->cells, IDEM_KEYBOARD_CHANNELS};
    const size_t len = idem_shape_len(shape);
    int32_t *cell = cell_table(front);
    float *stats = malloc(len * sizeof *stats);
    int r = cell && stats ? idem_corpus_init(corpus, shape) : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < m->count && r == 0; i++) {
        if (i == 0 || m->pieces[i].person != m->pieces[i - 1].person)
            r = idem_corpus_person(corpus);
        memset(stats, 0, len * sizeof *stats);
        file_piece(front, cell, &m->pieces[i], stats, corpus->square);
        if (r == 0)
            r = idem_corpus_slice(corpus, stats, (float)m->pieces[i].count);
    }
    if (r == 0)
        idem_filing_discounts(m->filing, front, corpus->discount);
    free(cell);
    free(stats);
    return r;
}

int idem_keys_learn_front(const struct idem_filing *filing, struct idem_recording *const *recs,
                          int count, uint32_t slice_strokes, struct idem_front **front,
                          struct idem_corpus *corpus)
{
    struct measured m = {.filing = filing};
    struct idem_corpus filled = {0};
    struct idem_front *learned = NULL;
    int r = measure(&m, recs, count, slice_strokes);
    if (r == 0)
        r = learn_front(&m, &learned);
    if (r == 0)
        r = fill_corpus(&m, learned, &filled);
    free(m.pieces);
    free(m.obs);
    if (r < 0) {
        idem_corpus_fini(&filled);
        idem_front_free(learned);
        return r;
    }
    *front = learned;
    *corpus = filled;
    return 0;
}

void idem_round_to_grid(float *stats, size_t len)
{
    for (size_t i = 0; i < len; i++)
        stats[i] = rintf(stats[i] * IDEM_GRID) / IDEM_GRID;
}

int idem_keys_window(const struct idem_filing *filing, const struct idem_front *front,
                     const struct idem_stroke *strokes, uint32_t count, float *stats)
{
    const size_t len = idem_shape_len(idem_front_shape(front, IDEM_KEYBOARD));
    struct idem_obs *obs = malloc((size_t)count * IDEM_OBS_PER_STROKE * sizeof *obs + 1);
    float *window = calloc(len, sizeof *window);
    int r = obs && window ? 0 : IDEM_ERR_NOMEM;
    if (r == 0) {
        uint32_t n = idem_filing_strokes(filing, NULL, strokes, count, obs);
        for (uint32_t k = 0; k < n; k++)
            idem_front_file(front, obs[k].slot, obs[k].value, window);
        idem_round_to_grid(window, len);
        for (size_t i = 0; i < len; i++)
            stats[i] += window[i];
    }
    free(obs);
    free(window);
    return r;
}
