/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reel.h - one person's events of one session, in the order in which they happened, and what real
 * collectors make of them: alone, or cut at some moment and continued by somebody else.
 *
 * Active time is the time between neighbouring events, each pause counting IDEM_REEL_PAUSE_US at
 * most: a lunch break is five seconds of it. All rates "per active hour" are per hour of this.
 */
#ifndef IDEM_EVAL_REEL_H
#define IDEM_EVAL_REEL_H

#include "input/recording.h"

#define IDEM_REEL_PAUSE_US INT64_C(5000000)
#define IDEM_REEL_HANDOVER_US                                                                      \
    INT64_C(1000000) /* between the last of one and the first of another */

enum idem_reel_kind { IDEM_REEL_KEY_DOWN, IDEM_REEL_KEY_UP, IDEM_REEL_POINTER };

struct idem_reel_event {
    int64_t t_us;
    float x, y;
    uint8_t kind; /* enum idem_reel_kind */
    uint8_t code; /* of the key, or enum idem_pointer_kind */
};

struct idem_reel {
    struct idem_reel_event *events;
    uint32_t count;
    double active_s; /* from the first event to the last */
};

/* A person's reels: what a filter sees from one log-in to the next. */
struct idem_reels {
    struct idem_reel *list;
    uint32_t count;
};

/* Active time between two neighbouring events. */
double idem_reel_step(const struct idem_reel_event *before, const struct idem_reel_event *after);
/* The first event at or after so much active time where somebody may be interrupted: a press of a
 * key or a pointer's event. count when there is none. */
uint32_t idem_reel_at(const struct idem_reel *reel, double active_s);

/* One reel a recorded session. */
int idem_reels_of_person(const struct idem_recording *rec, uint32_t person, struct idem_reels *out);
/*
 * A typist and a pointer user as one person: as many reels as the one with more sessions has; the
 * other's sessions, laid end to end, are cut into as many parts of equal length. In a reel spells
 * of typing and of pointing alternate, every cycle cycle_s of active time, shared so that both are
 * used up together. No key is held down where a spell of typing ends.
 */
int idem_reels_alternate(const struct idem_reels *keys, const struct idem_reels *pointer,
                         double cycle_s, struct idem_reels *out);
void idem_reels_free(struct idem_reels *reels); /* wipes */

/* ------------------------------------------------------------------ collecting */

struct idem_reel_targets {
    uint32_t keys, gestures; /* strokes per window; 0: this modality is not collected */
};

/* A window, and when it was finished. */
struct idem_reel_window {
    struct idem_window *window;
    int64_t t_us;     /* of the event that finished it */
    double active_s;  /* since the first event, or since the new hands' first */
    uint32_t strokes; /* the same in strokes of both modalities, unfinished windows included */
    uint32_t event;   /* index; of takeovers: in the other's reel */
};

struct idem_reel_windows {
    struct idem_reel_window *list;
    uint32_t count, room;
};

/* All windows of a reel. */
int idem_reel_collect(const struct idem_front *front, const struct idem_reel_targets *targets,
                      const struct idem_reel *reel, struct idem_reel_windows *out);

struct idem_reel_splice {
    const struct idem_reel *owner, *other;
    uint32_t cut;  /* the owner's first event that does not happen any more */
    uint32_t from; /* the other's first event */
};

/*
 * The windows that are finished after the cut, the first of which may hold strokes of both. The
 * owner lets go of the keys that he holds; IDEM_REEL_HANDOVER_US later the other begins; releases
 * of keys that the other pressed before `from` are left out. Ends with the other's reel, or after
 * horizon_s of his active time.
 */
int idem_reel_collect_splice(const struct idem_front *front,
                             const struct idem_reel_targets *targets,
                             const struct idem_reel_splice *splice, double horizon_s,
                             struct idem_reel_windows *out);
void idem_reel_windows_free(struct idem_reel_windows *windows);

#endif
