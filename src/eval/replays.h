/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replays.h - old windows sent again, changed, mixed, and windows drawn from what is known of a
 * person: how many the server's checks find (model/sketch.h, seen.h, form.h), and how many honest
 * windows they accuse.
 *
 * A person's sessions are laid end to end and cut into windows of so many strokes. Honest: every
 * window is compared with all before it and then remembered, as the server does. Attacks: all of
 * the person's windows are remembered (the newest of them that the sketch has room for); an
 * attacker who has them makes a window and sends it; each check is asked.
 */
#ifndef IDEM_EVAL_REPLAYS_H
#define IDEM_EVAL_REPLAYS_H

#include "base/rng.h"
#include "eval/sheet.h"
#include "input/recording.h"
#include "model/even.h"
#include "model/form.h"
#include "model/population.h"
#include "model/sketch.h"
#include "window/keystroke.h"

/* ------------------------------------------------------------------ typing */

/* A person's measurements in the order in which the collector makes them. Offline only. */
struct idem_typing {
    struct idem_obs *obs;
    uint32_t *stroke; /* [count], strokes that were complete before each */
    uint32_t count, strokes;
    uint32_t *session; /* [sessions], strokes that were complete before each session */
    uint32_t sessions;
};

/* tick_us: the resolution of a coarser clock, or 1. */
int idem_typing_of_person(const struct idem_front *front, const struct idem_recording *rec,
                          uint32_t person, int64_t tick_us, struct idem_typing *out);
void idem_typing_fini(struct idem_typing *t); /* wipes */

/* Measurements [first, end) are those of the strokes [from, to). */
void idem_typing_span(const struct idem_typing *t, uint32_t from, uint32_t to, uint32_t *first,
                      uint32_t *end);
/* Files measurements as a collector does. IDEM_ERR_INVALID: no collector sends such a window. */
int idem_typing_window(const struct idem_front *front, const struct idem_obs *obs, uint32_t count,
                       uint32_t strokes, struct idem_window *out);
/* Windows of `keys` strokes, or of so many whole sessions as hold that many. */
int idem_typing_windows(const struct idem_front *front, const struct idem_typing *t, uint32_t keys,
                        bool sessions, struct idem_window ***list, uint32_t *count);
void idem_typing_windows_free(struct idem_window **windows, uint32_t count);
/* Writes flat statistics into a window: counts rounded to whole strokes, sums to the grid. */
int idem_typing_force(const float *stats, uint32_t strokes, struct idem_window *out);

/* What is known of how somebody types: statistics, and the table of a front to draw from it. */
struct idem_drawer {
    const struct idem_front *front;
    const float *stats; /* flat: a profile's, or the sum over a public population */
};

/* A cell's shares of its bins; they sum to one but for rounding. */
void idem_draw_shares(const struct idem_drawer *d, uint32_t cell, double bins[IDEM_BINS]);
/* One time of a cell, ms: a bin by its share, evenly within it. */
float idem_draw_time(const struct idem_drawer *d, uint32_t cell, struct idem_rng *rng);
/* `strokes` keys along a path of zones, each with its hold and flight: obs[2 * strokes]. */
uint32_t idem_draw_path(const struct idem_drawer *d, uint32_t strokes, struct idem_rng *rng,
                        struct idem_obs *obs);
/* Every cell by itself, counts and bins: flat statistics. blurred: times, else whole bins. */
void idem_draw_cells(const struct idem_drawer *d, uint32_t strokes, bool blurred,
                     struct idem_rng *rng, float *stats);

/* ------------------------------------------------------------------ attacks */

/* Everything that an attack may draw on. */
struct idem_attacker {
    const struct idem_front *front;
    const struct idem_typing *typing; /* keyboard only */
    struct idem_window *const *windows;
    uint32_t count, keys;
    const float *profile, *population; /* flat; population: of everybody in the recording */
    float *stats;                      /* scratch, flat */
    struct idem_obs *obs;              /* scratch, 4 * keys and more */
    struct idem_rng rng;
};

struct idem_attack {
    const char *name;
    int (*make)(struct idem_attacker *a, double by, struct idem_window *out);
    double by;      /* milliseconds, windows, keys */
    uint32_t needs; /* windows of the person */
    bool stranger;  /* sent under the name of somebody else */
    bool pointer;   /* can be made of pointer windows, too */
};

extern const struct idem_attack idem_attacks[];
extern const int idem_attack_count;
/* NULL when there is none of this name. */
const struct idem_attack *idem_attack_named(const char *name);

/* ------------------------------------------------------------------ distances */

/* Between honest windows of one person, any two of his, in the measure of imprint.h. */
struct idem_distances {
    float *list; /* [pairs] */
    size_t pairs, room;
};

/* The probabilities that a near bit of windows d apart differs, and that they pass for replays. */
double idem_distance_bit(double d);
double idem_distance_agree(double d);
/*
 * The share of a projection's variance that its bit and the secret tell, the projection being
 * normal with this spread: with s = spread / step and the square wave's first harmonic,
 * 8 s^2 exp(-(pi s)^2).
 */
double idem_distance_tells(double spread);

int idem_distances_add(struct idem_window *const *windows, uint32_t count,
                       struct idem_distances *to);
void idem_distances_fini(struct idem_distances *d);
/* Sorts them. One pair at least. */
int idem_distances_report(struct idem_distances *d, const char *label, struct idem_sheet *sheet);

/* ------------------------------------------------------------------ the protocol */

enum idem_replays_check {
    IDEM_CHECK_WHOLE,
    IDEM_CHECK_SEEN, /* under another's name or long ago */
    IDEM_CHECK_PARTS,
    IDEM_CHECK_NEAR,
    IDEM_CHECK_SHIFTED,
    IDEM_CHECK_BENT,
    IDEM_CHECK_WHOLES,
    IDEM_CHECK_LOOSE,
    IDEM_CHECK_EVEN,
    IDEM_CHECK_REFUSED, /* by the decoder already */
    IDEM_CHECKS,
};

struct idem_replays_count {
    uint64_t windows, found, by[IDEM_CHECKS];
    uint64_t same_text; /* windows whose counts were there before */
    uint32_t nearest;   /* fewest near bits apart of any of them */
    uint32_t shifted;   /* the same where the keys were the same, a constant taken out */
    double even;        /* least scatter around the profile */
};

struct idem_replays_options {
    const struct idem_population *population;
    const struct idem_recording *recording;
    uint32_t strokes; /* of a window */
    uint32_t trials;  /* of each attack and person */
    uint64_t seed;
    void (*progress)(void *arg, uint32_t done, uint32_t of);
    void *progress_arg;
};

/* What people send who are themselves. */
enum idem_replays_honest {
    IDEM_HONEST_RECORDED,
    IDEM_HONEST_PASSAGES, /* windows of whole sessions: of those who type the same in each */
    IDEM_HONEST_CLOCK_16, /* on a clock of 15.6 ms */
    IDEM_HONEST_CLOCK_100,
    IDEM_HONESTS,
};

enum { IDEM_ATTACKS_MAX = 48 };

struct idem_replays {
    uint32_t people;
    struct idem_replays_count honest[IDEM_HONESTS], attacks[IDEM_ATTACKS_MAX];
    struct idem_distances distances;
};

/* IDEM_ERR_TOO_LITTLE when nobody has a window. */
int idem_replays_run(const struct idem_replays_options *options, struct idem_replays *out);
void idem_replays_fini(struct idem_replays *replays);
/* ------------------------------------------------------------------ scatter */

/*
 * Are many windows together too regular? Drawn strokes know neither sessions nor tasks nor their
 * neighbours, so windows of them scatter around the profile as independent strokes do and no more.
 * Measured for an answer only: the server does not ask.
 *
 * A person's first IDEM_SCATTER_PROFILE windows are the profile; what is told is the ratio of
 * even.h over runs of later ones.
 */
enum { IDEM_SCATTER_PROFILE = 8, IDEM_SCATTER_WINDOWS = 40, IDEM_SCATTER_RUNS = 3 };

enum idem_scatter_kind {
    IDEM_SCATTER_HONEST,
    IDEM_SCATTER_FROM_PROFILE, /* drawn from that very profile */
    IDEM_SCATTER_FROM_TYPING,  /* drawn from all that the person typed */
    IDEM_SCATTER_STROKES,      /* single strokes of all that he typed */
    IDEM_SCATTER_PUBLIC,       /* drawn from everybody */
    IDEM_SCATTER_KINDS,
};

/* Runs of so many windows. */
extern const uint32_t idem_scatter_lengths[IDEM_SCATTER_RUNS];

struct idem_scatter {
    uint32_t people;
    struct idem_scatter_runs {
        double *ratio; /* [count], ascending */
        uint32_t count, room;
    } runs[IDEM_SCATTER_KINDS][IDEM_SCATTER_RUNS];
};

/* Keyboard recordings; people with fewer windows are left out, perhaps all. */
int idem_scatter_run(const struct idem_replays_options *options, struct idem_scatter *out);
void idem_scatter_fini(struct idem_scatter *s);
int idem_scatter_report(const struct idem_scatter *scatter, struct idem_sheet *sheet);

/* Fills the sheet's tables. */
int idem_replays_report(struct idem_replays *replays, enum idem_modality modality,
                        struct idem_sheet *sheet);

#endif
