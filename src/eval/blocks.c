/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocks.c - the blocks and challenge protocols, see protocol.h.
 */
#include <stdlib.h>
#include <string.h>

#include "eval/keys.h"
#include "eval/protocol.h"

struct pointing {
    const struct idem_recording *rec;
    const struct idem_traces *traces;         /* as recorded: say which runs hold a gesture */
    const struct idem_traces *enrol, *probed; /* whose statistics count */
    const struct idem_mixture *mix;
    const struct idem_protocol *protocol;
    uint32_t run; /* blocks of a probe */
    struct idem_setup setup;
    uint32_t *owner; /* of each probe */
    uint32_t room;
};

/* Adds events [first, end) of a session as one window. The number of gestures in it. */
static int add_events(const struct pointing *p, const struct idem_traces *traces, uint32_t session,
                      uint32_t first, uint32_t end, struct idem_stat_set *set, uint32_t index)
{
    const size_t len = set->len;
    float *window = calloc(len, sizeof *window), *stats = idem_stat_set_at(set, index);
    if (!window)
        return IDEM_ERR_NOMEM;
    uint32_t gestures = idem_trace_stats(&traces->list[session], p->mix, first, end, window);
    idem_round_to_grid(window, len);
    for (size_t i = 0; i < len; i++)
        stats[i] += window[i];
    free(window);
    set->strokes[index] += (float)gestures;
    return (int)gestures;
}

static uint32_t events_of(const struct pointing *p, uint32_t session)
{
    return p->rec->sessions[session].count;
}

static int add_whole(const struct pointing *p, const struct idem_traces *traces, uint32_t session,
                     struct idem_stat_set *set, uint32_t index)
{
    int r = add_events(p, traces, session, 0, events_of(p, session), set, index);
    return r < 0 ? r : 0;
}

static int own(struct pointing *p, uint32_t probe, uint32_t owner)
{
    if (probe >= p->room) {
        uint32_t room = p->room ? 2 * p->room : 1024;
        uint32_t *grown = realloc(p->owner, room * sizeof *grown);
        if (!grown)
            return IDEM_ERR_NOMEM;
        p->owner = grown;
        p->room = room;
    }
    p->owner[probe] = owner;
    return 0;
}

/* Every run of blocks of one session, runs without a gesture left out. */
static int add_runs(struct pointing *p, uint32_t session, uint32_t owner)
{
    const uint32_t events = p->protocol->events, blocks = events_of(p, session) / events;
    uint32_t index;
    int r = 0;
    for (uint32_t k = 0; k + p->run <= blocks && r == 0; k++) {
        const uint32_t first = k * events, end = (k + p->run) * events;
        if (idem_trace_gestures(&p->traces->list[session], first, end) == 0)
            continue;
        if ((r = idem_stat_set_add(&p->setup.probes, &index)) < 0)
            return r;
        r = add_events(p, p->probed, session, first, end, &p->setup.probes, index);
        if (r >= 0)
            r = own(p, index, owner);
    }
    return r;
}

/* Events that a person's probe sessions hold, for those who also enrol; 0: the person is left out.
 */
static uint32_t probe_events(const struct pointing *p, const struct idem_person *person)
{
    uint32_t enrolling = 0, most = 0;
    for (uint32_t i = 0; i < person->count; i++) {
        const struct idem_session *s = &p->rec->sessions[person->first + i];
        enrolling += idem_protocol_enrols(p->protocol, s, i);
        if (idem_protocol_probes(p->protocol, s, i) && s->count > most)
            most = s->count;
    }
    return enrolling ? most : 0;
}

static int add_person(struct pointing *p, const struct idem_person *person)
{
    uint32_t index;
    if (probe_events(p, person) < p->protocol->events)
        return 0;
    int r = idem_stat_set_add(&p->setup.profiles, &index);
    for (uint32_t i = 0; i < person->count && r == 0; i++) {
        const struct idem_session *s = &p->rec->sessions[person->first + i];
        if (idem_protocol_enrols(p->protocol, s, i))
            r = add_whole(p, p->enrol, person->first + i, &p->setup.profiles, index);
        else if (idem_protocol_probes(p->protocol, s, i))
            r = add_runs(p, person->first + i, index);
    }
    return r;
}

static int pair_all(struct pointing *p)
{
    int r = p->setup.profiles.count < 2 || !p->setup.probes.count ? IDEM_ERR_TOO_LITTLE : 0;
    for (uint32_t u = 0; u < p->setup.profiles.count; u++)
        for (uint32_t i = 0; i < p->setup.probes.count && r == 0; i++)
            r = idem_comparisons_add(&p->setup.comparisons, u, i, p->owner[i], p->owner[i] == u);
    return r;
}

static int start(struct pointing *p, const struct idem_front *front)
{
    const struct idem_shape shape = idem_front_shape(front, IDEM_POINTER);
    idem_stat_set_init(&p->setup.profiles, shape);
    idem_stat_set_init(&p->setup.probes, shape);
    return shape.cells ? 0 : IDEM_ERR_MISMATCH;
}

static int finish(struct pointing *p, int r, struct idem_setup *out)
{
    free(p->owner);
    if (r < 0)
        idem_setup_fini(&p->setup);
    else
        *out = p->setup;
    return r;
}

int idem_setup_blocks_resampled(const struct idem_recording *rec, const struct idem_traces *traces,
                                const struct idem_traces *enrol, const struct idem_traces *probed,
                                const struct idem_front *front,
                                const struct idem_protocol *protocol, uint32_t run,
                                struct idem_setup *out)
{
    struct pointing p = {.rec = rec,
                         .traces = traces,
                         .enrol = enrol,
                         .probed = probed,
                         .mix = &front->mixture,
                         .protocol = protocol,
                         .run = run};
    int r = start(&p, front);
    for (uint32_t i = 0; i < rec->person_count && r == 0; i++)
        r = add_person(&p, &rec->people[i]);
    if (r == 0)
        r = pair_all(&p);
    return finish(&p, r, out);
}

int idem_setup_blocks(const struct idem_recording *rec, const struct idem_traces *traces,
                      const struct idem_front *front, const struct idem_protocol *protocol,
                      uint32_t run, struct idem_setup *out)
{
    return idem_setup_blocks_resampled(rec, traces, traces, traces, front, protocol, run, out);
}

/* One labelled session against its own account; one without a single gesture says nothing. */
static int challenge(struct pointing *p, uint32_t session, uint32_t account)
{
    const struct idem_session *s = &p->rec->sessions[session];
    uint32_t index;
    int r = idem_stat_set_add(&p->setup.probes, &index);
    if (r == 0)
        r = add_whole(p, p->probed, session, &p->setup.probes, index);
    if (r < 0)
        return r;
    return idem_comparisons_add(&p->setup.comparisons, account, index, IDEM_NOBODY,
                                s->illegal == IDEM_LABEL_OWNER);
}

static int add_account(struct pointing *p, const struct idem_person *person)
{
    uint32_t index, enrolling = 0;
    for (uint32_t i = 0; i < person->count; i++)
        enrolling += p->rec->sessions[person->first + i].split == IDEM_SPLIT_TRAIN;
    if (!enrolling)
        return 0;
    int r = idem_stat_set_add(&p->setup.profiles, &index);
    for (uint32_t i = 0; i < person->count && r == 0; i++) {
        const struct idem_session *s = &p->rec->sessions[person->first + i];
        if (s->split == IDEM_SPLIT_TRAIN)
            r = add_whole(p, p->enrol, person->first + i, &p->setup.profiles, index);
        else if (s->split == IDEM_SPLIT_TEST && s->illegal != IDEM_LABEL_NONE)
            r = challenge(p, person->first + i, index);
    }
    return r;
}

int idem_setup_challenge(const struct idem_recording *rec, const struct idem_traces *traces,
                         const struct idem_front *front, struct idem_setup *out)
{
    struct pointing p = {
        .rec = rec, .traces = traces, .enrol = traces, .probed = traces, .mix = &front->mixture};
    int r = start(&p, front);
    for (uint32_t i = 0; i < rec->person_count && r == 0; i++)
        r = add_account(&p, &rec->people[i]);
    if (r == 0 && (!p.setup.profiles.count || !p.setup.probes.count))
        r = IDEM_ERR_TOO_LITTLE;
    return finish(&p, r, out);
}
