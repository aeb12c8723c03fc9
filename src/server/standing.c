/* SPDX-License-Identifier: Apache-2.0 */
/* standing.c - see standing.h. */
#include "server/standing.h"

#include "server/pause.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LOCK_STRIPES = 64 };

struct place {
    bool live;
    struct idem_standing standing;
    struct idem_silence silence;
};

struct idem_standings {
    _Atomic int64_t beaten_ms;
    pthread_mutex_t locks[LOCK_STRIPES];
    struct place places[IDEM_SESSION_SLOTS_MAX];
};

int idem_standings_new(struct idem_standings **out)
{
    struct idem_standings *t = calloc(1, sizeof *t);

    if (t == NULL)
        return IDEM_ERR_NOMEM;
    for (int i = 0; i < LOCK_STRIPES; i++)
        pthread_mutex_init(&t->locks[i], NULL);
    *out = t;
    return IDEM_OK;
}

/* The table's reference to the policy of before is given back. */
static void replace(struct place *p, const struct idem_standing *standing)
{
    struct idem_policy *before = p->live ? p->standing.policy : NULL;

    p->live = standing != NULL;
    if (p->live) {
        p->standing = *standing;
        p->standing.policy = idem_policy_ref(standing->policy);
    }
    idem_policy_unref(before);
}

void idem_standings_free(struct idem_standings *t)
{
    if (t == NULL)
        return;
    for (int i = 0; i < IDEM_SESSION_SLOTS_MAX; i++)
        replace(&t->places[i], NULL);
    for (int i = 0; i < LOCK_STRIPES; i++)
        pthread_mutex_destroy(&t->locks[i]);
    free(t);
}

static struct place *enter(struct idem_standings *t, int32_t slot)
{
    pthread_mutex_lock(&t->locks[slot % LOCK_STRIPES]);
    return &t->places[slot];
}

static void leave(struct idem_standings *t, int32_t slot)
{
    pthread_mutex_unlock(&t->locks[slot % LOCK_STRIPES]);
}

static bool is_there(const struct place *p, const uint8_t id[IDEM_ID_BYTES])
{
    return p->live && memcmp(p->standing.id, id, IDEM_ID_BYTES) == 0;
}

void idem_standings_publish(struct idem_standings *t, int32_t slot,
                            const struct idem_standing *standing)
{
    struct place *p = enter(t, slot);

    if (!is_there(p, standing->id) || p->standing.evidence != standing->evidence)
        p->silence = (struct idem_silence){0};
    else if (p->standing.strong_ms != standing->strong_ms)
        p->silence.allowed = 0;
    if (!standing->locked)
        p->silence.locking = false;
    replace(p, standing);
    leave(t, slot);
}

/* Of the lock's allowance only what a step-up takes: nobody is locked because of a restart. */
void idem_standings_spend(struct idem_standings *t, int32_t slot, const uint8_t id[IDEM_ID_BYTES])
{
    struct place *p = enter(t, slot);

    if (is_there(p, id)) {
        p->silence.allowed = UINT32_MAX;
        p->silence.requests = p->standing.rules->gate.silence_step_up.requests;
    }
    leave(t, slot);
}

void idem_standings_end(struct idem_standings *t, int32_t slot, const uint8_t id[IDEM_ID_BYTES])
{
    struct place *p = enter(t, slot);
    if (is_there(p, id))
        replace(p, NULL);
    leave(t, slot);
}

bool idem_standing_paused(const struct idem_standing *s, int64_t now_ms)
{
    return idem_pause_holds(s->pause_from_ms, s->pause_until_ms,
                            s->clock_ms != 0 ? s->clock_ms : now_ms);
}

/* now_ms: of a request that counts; 0: it does not. */
static int take(struct idem_standings *t, int32_t slot, const uint8_t id[IDEM_ID_BYTES],
                int64_t now_ms, struct idem_standing *out, struct idem_silence *silence)
{
    struct place *p = enter(t, slot);
    const bool there = is_there(p, id);

    if (there) {
        const unsigned more = now_ms != 0 && !idem_standing_paused(&p->standing, now_ms);
        p->silence.requests += p->silence.requests < UINT32_MAX ? more : 0;
        p->silence.allowed += p->silence.allowed < UINT32_MAX ? more : 0;
        *out = p->standing;
        out->policy = idem_policy_ref(p->standing.policy);
        *silence = p->silence;
    }
    leave(t, slot);
    return there ? IDEM_OK : IDEM_ERR_NOT_FOUND;
}

int idem_standings_read(struct idem_standings *t, int32_t slot, const uint8_t id[IDEM_ID_BYTES],
                        struct idem_standing *out)
{
    struct idem_silence ignored;
    return take(t, slot, id, 0, out, &ignored);
}

int idem_standings_ask(struct idem_standings *t, int32_t slot, const uint8_t id[IDEM_ID_BYTES],
                       int64_t now_ms, struct idem_standing *out, struct idem_silence *silence)
{
    return take(t, slot, id, now_ms, out, silence);
}

void idem_standings_asked(struct idem_standings *t, int32_t slot, const uint8_t id[IDEM_ID_BYTES],
                          int64_t now_ms)
{
    struct place *p = enter(t, slot);
    if (is_there(p, id) && p->silence.asked_ms == 0)
        p->silence.asked_ms = now_ms;
    leave(t, slot);
}

bool idem_standings_locking(struct idem_standings *t, int32_t slot, const uint8_t id[IDEM_ID_BYTES],
                            bool told)
{
    struct place *p = enter(t, slot);
    const bool news = is_there(p, id) && p->silence.locking != told;
    if (news)
        p->silence.locking = told;
    leave(t, slot);
    return news;
}

void idem_standings_beat(struct idem_standings *t, int64_t monotonic_ms)
{
    atomic_store_explicit(&t->beaten_ms, monotonic_ms, memory_order_relaxed);
}

int64_t idem_standings_beaten(const struct idem_standings *t)
{
    return atomic_load_explicit(&t->beaten_ms, memory_order_relaxed);
}
