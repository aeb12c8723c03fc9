/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idem.h - the public face of libidem.
 *
 * The way of the data, and the order of this header:
 *
 *   events -> strokes -> window      the edge half: struct idem_front, idem_keyboard, _pointer
 *   events -> verdict                is it a hand at all: struct idem_guard, at the edge too
 *   window -> score -> trust         the server half: struct idem_population, idem_profile, _trust
 *
 * All types are opaque. No function does I/O, reads a clock or logs. Allocation happens in the
 * *_new and *_parse functions only, never per event and never per window. No function is re-entrant
 * on the same object; different objects may be used from different threads; a front and a
 * population are immutable after creation and may be shared.
 *
 * Functions that can fail return 0 or a negative enum idem_error; outputs come last and are written
 * only on success. Times are microseconds on one monotonic clock. Log-likelihood ratios are in
 * nats.
 */
#ifndef IDEM_IDEM_H
#define IDEM_IDEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ errors */

enum idem_error {
    IDEM_OK = 0,
    IDEM_ERR_NOMEM = -1,       /* an allocation at set-up failed */
    IDEM_ERR_INVALID = -2,     /* an argument is outside its stated range (caller's bug) */
    IDEM_ERR_FORMAT = -3,      /* bytes that are not what they claim to be */
    IDEM_ERR_VERSION = -4,     /* a known format in a version this build does not read */
    IDEM_ERR_TRUNCATED = -5,   /* the bytes end too early */
    IDEM_ERR_CHECKSUM = -6,    /* the bytes were damaged */
    IDEM_ERR_LIMIT = -7,       /* a stated maximum would be exceeded */
    IDEM_ERR_MISMATCH = -8,    /* statistics of another front, modality or level */
    IDEM_ERR_LEVEL = -9,       /* a privacy level that must not leave the evaluation tool */
    IDEM_ERR_TOO_LITTLE = -10, /* not enough data to learn or to say anything */
    IDEM_ERR_IO = -11,         /* only above the library: reading or writing failed */
    IDEM_ERR_NOT_FOUND = -12,
    IDEM_ERR_FULL = -13, /* no space left, on disk or in a bounded queue */
};

/* A short English sentence for an idem_error; never NULL. */
const char *idem_strerror(int err);

/* ------------------------------------------------------------------ vocabulary */

enum idem_modality { IDEM_KEYBOARD = 0, IDEM_POINTER = 1, IDEM_MODALITIES = 2 };

/*
 * How finely a key is told before anything is stored: holds by / flights by
 *   hand: hand / hand (default)   mixed: finger / hand   finger: finger / finger
 *   fingerrow: finger and row / finger and row
 * Finer than that exists in the offline evaluation only (src/eval) and cannot be linked to
 * anything that sends.
 */
enum idem_level {
    IDEM_LEVEL_HAND = 0,
    IDEM_LEVEL_MIXED = 1,
    IDEM_LEVEL_FINGER = 2,
    IDEM_LEVEL_FINGERROW = 3,
};

/* What leaves a seat unless a deployment decides otherwise: this level, and in a window so much. */
#define IDEM_LEVEL_DEFAULT IDEM_LEVEL_HAND
enum { IDEM_WINDOW_KEYS = 100, IDEM_WINDOW_GESTURES = 10 };

const char *idem_level_name(enum idem_level level);
int idem_level_parse(const char *name, enum idem_level *out);
const char *idem_modality_name(enum idem_modality modality);

/* ------------------------------------------------------------------ edge: the front */

/*
 * The front is the edge half of a population: which cells exist, the edges of their bins, the
 * pointer's mixture. It holds aggregate statistics only and is public.
 */
struct idem_front;

/* Parses a front from bytes (as written by idem_front_write). The bytes are checked before use. */
int idem_front_parse(const void *bytes, size_t len, struct idem_front **out);
void idem_front_free(struct idem_front *front);
/* Identifies the front: statistics may be added or compared only under the same id. */
uint64_t idem_front_id(const struct idem_front *front);
enum idem_level idem_front_level(const struct idem_front *front);
/* Number of cells and channels of a modality; 0 cells when the front does not know the modality. */
uint32_t idem_front_cells(const struct idem_front *front, enum idem_modality modality);
uint32_t idem_front_channels(const struct idem_front *front, enum idem_modality modality);

/* ------------------------------------------------------------------ edge: collecting */

/*
 * A window under construction is inside the collector; idem_*_take() hands it out finished: rounded
 * to the grid, order destroyed, and the collector starts the next one.
 */
struct idem_window;
struct idem_keyboard;
struct idem_pointer;

/*
 * target: strokes per window (keys or gestures), 5..1000. A window shorter than its target is never
 * ready; what it holds is carried on. The front must outlive the collector.
 */
int idem_keyboard_new(const struct idem_front *front, uint32_t target, struct idem_keyboard **out);
void idem_keyboard_free(struct idem_keyboard *kb); /* wipes */

enum idem_key_action { IDEM_KEY_UP = 0, IDEM_KEY_DOWN = 1, IDEM_KEY_REPEAT = 2 };

/*
 * One key event. key: a Linux input event code (KEY_A is 30), 0..255, others count as "other"; it
 * is reduced to a zone here and forgotten. t_us: time stamp. Auto-repeat is ignored; a second press
 * without a release means the release was lost; time running backwards or a pause above
 * 5 s breaks the chain of transitions. Returns true when a window is ready to be taken.
 */
bool idem_keyboard_event(struct idem_keyboard *kb, uint32_t key, enum idem_key_action action,
                         int64_t t_us);
/* Events were lost (SYN_DROPPED, focus lost, suspend): forget keys held down; no long hold results.
 */
void idem_keyboard_gap(struct idem_keyboard *kb);
/* Forgets everything not yet taken, and wipes it. */
void idem_keyboard_reset(struct idem_keyboard *kb);
/* Strokes gathered so far towards the next window. */
uint32_t idem_keyboard_pending(const struct idem_keyboard *kb);
/* Fills *out (from idem_window_new on the same front). IDEM_ERR_TOO_LITTLE when none is ready. */
int idem_keyboard_take(struct idem_keyboard *kb, struct idem_window *out);

int idem_pointer_new(const struct idem_front *front, uint32_t target, struct idem_pointer **out);
void idem_pointer_free(struct idem_pointer *ptr);

enum idem_pointer_kind {
    IDEM_POINTER_MOVE = 0, /* while a button is down this is a drag */
    IDEM_POINTER_PRESS = 1,
    IDEM_POINTER_RELEASE = 2,
    IDEM_POINTER_SCROLL = 3,
    IDEM_POINTER_PRESS_OTHER = 4, /* any button but the primary one */
    IDEM_POINTER_RELEASE_OTHER = 5,
};

/*
 * One pointer event. x, y: any linear unit, |.| < 60000; a position outside, or not finite, is a
 * recorder's artefact and forgotten, a press or release there still counts. A pause above 300 ms
 * and time running backwards end a gesture. Returns true when a window is ready to be taken.
 */
bool idem_pointer_event(struct idem_pointer *ptr, enum idem_pointer_kind kind, double x, double y,
                        int64_t t_us);
void idem_pointer_gap(struct idem_pointer *ptr);
void idem_pointer_reset(struct idem_pointer *ptr);
uint32_t idem_pointer_pending(const struct idem_pointer *ptr);
int idem_pointer_take(struct idem_pointer *ptr, struct idem_window *out);

/* ------------------------------------------------------------------ edge: the guard */

/*
 * Is a human hand at this device at all? One guard a device, fed with the same events as the
 * collectors. It judges raw timing within a few keystrokes or gestures, keeps nothing but sums and
 * the keys held down at the moment, and what it says holds neither keys nor text.
 */
struct idem_guard;

enum idem_guard_kind {
    IDEM_GUARD_INSUFFICIENT = 0,
    IDEM_GUARD_HUMAN,
    IDEM_GUARD_INJECTED_KEYS,    /* a programmable keyboard, or a program that types */
    IDEM_GUARD_SCRIPTED_POINTER, /* a program that moves the pointer */
    IDEM_GUARD_REMOTE_CONTROL,   /* a hand perhaps, but not at this device */
    IDEM_GUARD_MACRO,            /* not typed by hand, but a known honest source behaving as one */
    IDEM_GUARD_REPLAY,           /* seen before, or too regular to be a person */
    IDEM_GUARD_KINDS,
};

/* Where the platform says that a device's events come from. Evidence, never proof. */
enum idem_guard_source {
    IDEM_SOURCE_UNKNOWN = 0, /* a browser cannot tell */
    IDEM_SOURCE_HARDWARE,
    IDEM_SOURCE_SYNTHETIC, /* XTEST, uinput, SendInput */
    IDEM_SOURCE_REMOTE,    /* the input of RDP, VNC and the like */
};

/* What a device is known as, from its identification or an operator's list. */
enum idem_guard_role {
    IDEM_ROLE_ORDINARY = 0, /* a keyboard, a mouse, or unknown */
    IDEM_ROLE_TOKEN,        /* types a one-time password when touched */
    IDEM_ROLE_SCANNER,      /* barcodes, cards */
    IDEM_ROLE_STENO,        /* a word a chord */
    IDEM_ROLE_MACRO_PAD,
    IDEM_ROLE_AUTOTYPE, /* a password manager's */
    IDEM_GUARD_ROLES,
};

struct idem_guard_device {
    enum idem_guard_source source;
    enum idem_guard_role role;
    bool hotplugged;    /* appeared at arrived_us while somebody was working */
    bool twin;          /* another attached device has the same vendor and product */
    bool wireless;      /* a radio may hold reports back: Bluetooth, a receiver */
    int64_t arrived_us; /* on the clock of the events */
    uint32_t tick_us;   /* resolution of the time stamps; 0: unknown, the guard finds out */
};

/* What the guard saw. Each has a name, a unit and a sentence (guard/words.c). */
enum idem_guard_reason {
    IDEM_SAW_NOTHING = 0,
    IDEM_SAW_HOLDS_SHORT,    /* value: mean hold, ms; count: keys */
    IDEM_SAW_HOLDS_EQUAL,    /* value: standard deviation of holds, ms */
    IDEM_SAW_GAPS_SHORT,     /* value: mean time between key-downs, ms */
    IDEM_SAW_GAPS_EQUAL,     /* value: standard deviation of these times, ms */
    IDEM_SAW_NO_ROLLOVER,    /* value: 0; count: keys without one overlap */
    IDEM_SAW_SHIFT_EXACT,    /* count: capitals whose Shift led by no time at all */
    IDEM_SAW_CAPITALS_BARE,  /* count: capitals that came without Shift */
    IDEM_SAW_ONE_REPORT,     /* count: modifier and key in one report */
    IDEM_SAW_STRAIGHT,       /* value: largest distance from the chord, px; count: gestures */
    IDEM_SAW_CONSTANT_SPEED, /* value: coefficient of variation of speed; count: gestures */
    IDEM_SAW_UNLIKE_HAND,    /* value: nats of the pointer's model; count: gestures */
    IDEM_SAW_CLICKS_SHORT,   /* value: mean hold of the button, ms; count: clicks */
    IDEM_SAW_JUMP,           /* a click without a way there; value: px; count */
    IDEM_SAW_WARP,           /* pointer moved without an event of the device; count */
    IDEM_SAW_SYNTHETIC,      /* the platform names a synthetic source */
    IDEM_SAW_REMOTE_SOURCE,  /* the platform names a remote source */
    IDEM_SAW_ROLE,           /* value: enum idem_guard_role that the bursts agree with */
    IDEM_SAW_ROLE_BROKEN,    /* value: the role that they do not agree with */
    IDEM_SAW_TAP_HOLD,       /* short holds on the home row alone: a keyboard's own function */
    IDEM_SAW_NEW_DEVICE,     /* value: s since it appeared */
    IDEM_SAW_TWIN,           /* its identification is another device's too */
    IDEM_SAW_UNLIKE_PAST,    /* value: mean hold of this device before, ms */
    IDEM_SAW_REPEATED,       /* the same intervals again; count: how many in a row */
    IDEM_SAW_WINDOW_BEFORE,  /* the server has had this window; value: share of it, % */
    IDEM_SAW_WINDOW_REGULAR, /* sums that no typing adds up to; count: cells that show it */
    IDEM_GUARD_REASONS,
};

struct idem_guard_saw {
    enum idem_guard_reason reason;
    uint32_t count; /* 0..255 */
    float value;    /* finite; in the unit above */
};

enum { IDEM_GUARD_SAW_MAX = 4, IDEM_GUARD_TEXT = 320 };

struct idem_guard_verdict {
    enum idem_guard_kind kind;
    double confidence; /* P(kind), 0..1, under the stated prior of guard.h */
    int64_t at_us;     /* the deciding event */
    uint32_t saw_count;
    struct idem_guard_saw saw[IDEM_GUARD_SAW_MAX]; /* the weightiest first */
};

/* device: copied; NULL: nothing is known. The only function that allocates. */
int idem_guard_new(const struct idem_guard_device *device, struct idem_guard **out);
void idem_guard_free(struct idem_guard *guard); /* wipes */
size_t idem_guard_size(void);                   /* bytes a device */

enum {
    IDEM_GUARD_CAPITAL = 1, /* key: made a capital though neither Shift nor Caps Lock is on, by
                             * what the system says of them; left out where it cannot say */
    IDEM_GUARD_WARPED = 2,  /* pointer: came about without an event of the device */
};

/*
 * One event of this device, as for the collectors; events that share a time stamp to the
 * microsecond on a clock finer than a millisecond came in one report. True when the verdict has
 * changed in kind, or an alarm has gained a reason: time to read it. An alarm stays until
 * idem_guard_reset().
 */
bool idem_guard_key(struct idem_guard *guard, uint32_t key, enum idem_key_action action,
                    unsigned flags, int64_t t_us);
bool idem_guard_pointer(struct idem_guard *guard, enum idem_pointer_kind kind, double x, double y,
                        unsigned flags, int64_t t_us);
/* Events were lost: a gap in the data, never a reason. */
void idem_guard_gap(struct idem_guard *guard);
/* The alarm has been dealt with: everything but the device is forgotten. */
void idem_guard_reset(struct idem_guard *guard);
struct idem_guard_verdict idem_guard_read(const struct idem_guard *guard);

/* True for the verdicts that somebody should hear of: all but insufficient, human and macro. */
bool idem_guard_is_alarm(enum idem_guard_kind kind);
/* Stable names for wire and logs: "injected-keys", "holds-short". NULL outside the range. */
const char *idem_guard_kind_name(enum idem_guard_kind kind);
const char *idem_guard_reason_name(enum idem_guard_reason reason);
int idem_guard_kind_parse(const char *name, enum idem_guard_kind *out);
int idem_guard_reason_parse(const char *name, enum idem_guard_reason *out);
/* The verdict in words, weightiest reason first; always ended by a nought. Returns text. */
const char *idem_guard_text(const struct idem_guard_verdict *verdict, char *text, size_t cap);
/* What a USB device is known as. IDEM_ROLE_ORDINARY for all that is not in the table of known.c. */
enum idem_guard_role idem_guard_role_of(uint16_t vendor, uint16_t product);

/* ------------------------------------------------------------------ the window */

/*
 * Per cell n, and per channel two sums: of the pointer clipped deviations and their centred
 * squares, of the keyboard contrasts of a blurred histogram. All are integers on the grid of
 * 1/IDEM_GRID. No order, no key, no coordinate.
 */
enum { IDEM_GRID = 64 };

int idem_window_new(const struct idem_front *front, enum idem_modality modality,
                    struct idem_window **out);
void idem_window_free(struct idem_window *window);
enum idem_modality idem_window_modality(const struct idem_window *window);
uint64_t idem_window_front_id(const struct idem_window *window);
uint32_t idem_window_strokes(const struct idem_window *window);
/* From the first to the last measurement of the window, monotonic, rounded to 100 ms. */
uint32_t idem_window_duration_ms(const struct idem_window *window);
/*
 * Flat views, in grid units: n[cells]; sums[cells * channels * 2], two a channel: for the pointer
 * (sum, square), for the keyboard six contrasts of a blurred histogram.
 */
const int32_t *idem_window_counts(const struct idem_window *window);
const int32_t *idem_window_sums(const struct idem_window *window);

/* ------------------------------------------------------------------ server: the population */

struct idem_population;

/* Parses a population file. *reason, when not NULL, receives a static sentence on failure. */
int idem_population_parse(const void *bytes, size_t len, struct idem_population **out,
                          const char **reason);
void idem_population_free(struct idem_population *pop);
const struct idem_front *idem_population_front(const struct idem_population *pop);
/* The front's bytes, owned by the population, as served to the edge. */
const void *idem_population_front_bytes(const struct idem_population *pop, size_t *len);

/* ------------------------------------------------------------------ server: profile and score */

/* The discounted sum of accepted windows of one person, modality and device class. */
struct idem_profile;

int idem_profile_new(const struct idem_front *front, enum idem_modality modality,
                     struct idem_profile **out);
void idem_profile_free(struct idem_profile *profile);
int idem_profile_add(struct idem_profile *profile, const struct idem_window *window);
int idem_profile_subtract(struct idem_profile *profile, const struct idem_window *window);
int idem_profile_merge(struct idem_profile *profile, const struct idem_profile *other);
/* Multiplies everything by factor in (0, 1]: forgetting. */
int idem_profile_discount(struct idem_profile *profile, double factor);
double idem_profile_strokes(const struct idem_profile *profile);
uint32_t idem_profile_windows(const struct idem_profile *profile);
size_t idem_profile_size(const struct idem_profile *profile);
int idem_profile_write(const struct idem_profile *profile, void *bytes, size_t cap, size_t *len);
int idem_profile_parse(const struct idem_front *front, const void *bytes, size_t len,
                       struct idem_profile **out);

/* Scratch memory for scoring, one per thread. */
struct idem_scorer;
int idem_scorer_new(const struct idem_population *pop, struct idem_scorer **out);
void idem_scorer_free(struct idem_scorer *scorer);

struct idem_score {
    double raw;       /* log-likelihood ratio under the model, nats, before calibration */
    double llr;       /* calibrated log-likelihood ratio "same person" : "two people", nats */
    double unbounded; /* the same before it is bounded: for comparing, it claims too much */
    bool sufficient;  /* enough evidence in probe and profile to be used at all */
};

int idem_score_window(struct idem_scorer *scorer, const struct idem_profile *profile,
                      const struct idem_window *window, struct idem_score *out);

/* ------------------------------------------------------------------ server: trust */

struct idem_trust_params {
    double prior;           /* P(owner) when a session opens after its log-in, above 0.5 */
    double hazard_per_hour; /* takeovers expected per active hour */
    int64_t expiry_us;      /* without a sufficient window for so long, trust is stale */
};

struct idem_trust_params idem_trust_defaults(void);

struct idem_trust_state {
    double p_owner;  /* posterior that the owner is still there, 0..1 */
    double p_recent; /* the same from what came after the last step-up alone */
    /*
     * The log odds of both before calibration bounds the ratios in them, and trust, 1 / (1 +
     * exp(-log_odds)). They claim too much to be read as odds, but go on falling where p_owner
     * cannot. Decisions compare them with thresholds whose rate of false alarms was measured (`idem
     * eval takeover`).
     */
    double log_odds, log_odds_recent;
    double trust, trust_recent;
    double llr;               /* of the whole session so far, calibrated, nats */
    double suspect_llr;       /* most incriminating suffix, nats (negative incriminates) */
    uint32_t suspect_windows; /* its length in windows: the likeliest takeover point */
    uint32_t windows;         /* sufficient windows seen */
    bool stale;               /* no sufficient window for expiry_us */
};

struct idem_trust;

int idem_trust_new(const struct idem_population *pop, const struct idem_trust_params *params,
                   int64_t now_us, struct idem_trust **out);
void idem_trust_free(struct idem_trust *trust);
/* One more window, at the receiver's time now_us. */
int idem_trust_update(struct idem_trust *trust, struct idem_scorer *scorer,
                      const struct idem_profile *profiles[IDEM_MODALITIES],
                      const struct idem_window *window, int64_t now_us);
/* Strong authentication: raises trust to the prior at most and cancels no evidence. */
void idem_trust_step_up(struct idem_trust *trust, int64_t now_us);
struct idem_trust_state idem_trust_read(const struct idem_trust *trust, int64_t now_us);

/* ------------------------------------------------------------------ explanation */

enum { IDEM_REASON_TEXT = 120 };

struct idem_reason {
    double llr; /* contribution in nats; negative speaks against the owner */
    uint16_t cell, channel;
    char text[IDEM_REASON_TEXT]; /* "left hand holds 38 ms longer than usual" */
};

/* The cells and channels that moved the score most, strongest first. Writes at most max reasons
 * and returns their number, or a negative error. */
int idem_explain(struct idem_scorer *scorer, const struct idem_profile *profile,
                 const struct idem_window *window, struct idem_reason *out, int max);

/* The same over the filter's most incriminating suffix of the session, both modalities together. */
int idem_trust_explain(const struct idem_trust *trust, struct idem_scorer *scorer,
                       const struct idem_profile *profiles[IDEM_MODALITIES],
                       struct idem_reason *out, int max);

#ifdef __cplusplus
}
#endif
#endif
