/* SPDX-License-Identifier: Apache-2.0 */
/*
 * injection.h - how soon injected keys are noticed, and how often a hand is taken for them.
 *
 *   injection_stream.c   key events in order of time, made here or taken from a recording
 *   injection_devices.c  payload skeletons played through timing models of injecting devices
 *   injection_honest.c   honest sources that type faster than a hand, before the guard
 *   injection_peers.c    rules of other tools, from their descriptions, for comparison only
 *   injection_play.c     payloads against the judges;  injection_human.c  people against them
 *   injection_report.c   what is printed
 *
 * The alarm key is the number of key-downs up to and including the event that brought the alarm:
 * modifiers count, auto-repeat does not. A payload that is never noticed has none.
 */
#ifndef IDEM_EVAL_INJECTION_H
#define IDEM_EVAL_INJECTION_H

#include "base/rng.h"
#include "eval/sheet.h"
#include "idem/idem.h"
#include "input/payloads.h"
#include "input/recording.h"

/* ------------------------------------------------------------------ events */

struct idem_key_event {
    int64_t t_us;
    uint8_t code;
    uint8_t action; /* enum idem_key_action, up or down only */
    bool again;     /* a down of a key that is down: auto-repeat, or a release was lost */
};

/* A failed put is remembered in err, so that a stream may be made without a look at each event. */
struct idem_key_stream {
    struct idem_key_event *list;
    uint32_t count, room;
    uint32_t key_downs; /* those that are not `again` */
    int err;
};

void idem_key_stream_put(struct idem_key_stream *s, int64_t t_us, uint8_t code,
                         enum idem_key_action action);
/* Sets `again` and key_downs, once all events are there. */
void idem_key_stream_seal(struct idem_key_stream *s);
/* Times rounded down to a clock of so many microseconds. */
void idem_key_stream_tick(struct idem_key_stream *s, int64_t tick_us);
/* Each report, the events of one time, up to late_us later; their order stays. */
void idem_key_stream_late(struct idem_key_stream *s, struct idem_rng *rng, uint32_t late_us);
/* After 300 ms on average (exponential) what comes within 30-120 ms is delivered at their end. */
void idem_key_stream_stall(struct idem_key_stream *s, struct idem_rng *rng);
void idem_key_stream_free(struct idem_key_stream *s); /* wipes */

/*
 * Strokes of a recording as events, shift_us later than recorded. Of equal times the release of a
 * key's earlier stroke comes before its next press, every other release after the presses; a lost
 * release is no event.
 */
int idem_key_stream_strokes(struct idem_key_stream *s, const struct idem_stroke *strokes,
                            uint32_t count, int64_t shift_us);

enum { IDEM_INJECTION_FILES = 16 };

/* Recordings to draw a person's session from. */
struct idem_injection_pool {
    const struct idem_recording *recs[IDEM_INJECTION_FILES];
    int count;
};

/* A session of a person, any file as likely as any other; NULL when there is none. */
const struct idem_session *idem_injection_draw(const struct idem_injection_pool *pool,
                                               struct idem_rng *rng,
                                               const struct idem_stroke **strokes);

/* ------------------------------------------------------------------ injecting devices */

enum { IDEM_DEVICE_MODELS = 12 };

struct idem_device_model {
    const char *key, *name;         /* in JSON; for people */
    uint32_t hold_us, hold_most_us; /* uniform between them */
    double hold_spread;             /* if not 0, log-normal around hold_us with this sigma */
    uint32_t next_us;               /* from a key-down to the next one */
    uint32_t lead_us;               /* Shift before its key; 0: in one report, and out of it */
    uint32_t jitter_ms;             /* uniform from 0, added after each keystroke */
    uint32_t string_delay_ms;       /* added after each character */
    uint32_t burst, pause_ms;       /* after so many key-downs this long until the next */
    uint32_t median_ms;             /* log-normal times between key-downs in the place of next_us */
    bool humanised;                 /* reported apart */
};

extern const struct idem_device_model idem_device_models[IDEM_DEVICE_MODELS];

/* Plays a payload, its first key-down not before start_us. Appends to the stream and seals it. */
int idem_device_play(const struct idem_device_model *model, const struct idem_payloads *payloads,
                     uint32_t payload, struct idem_rng *rng, int64_t start_us,
                     struct idem_key_stream *out);
/* A letter of English or a space, as likely as in English text: the key of the US layout. */
uint8_t idem_device_letter(struct idem_rng *rng);

/* ------------------------------------------------------------------ judges */

/* Other tools' rules. Both see key-downs only. */
struct idem_peer_ukip {
    int64_t last_us[5];
    uint32_t count;
};
/* Five key-downs whose four gaps are all 50 ms or less. True: alarm. */
bool idem_peer_ukip_down(struct idem_peer_ukip *p, int64_t t_us);

struct idem_peer_duckhunt {
    int64_t last_us[26];
    uint32_t count;
};
/* 25 gaps of less than 30 ms on average. */
bool idem_peer_duckhunt_down(struct idem_peer_duckhunt *p, int64_t t_us);

enum idem_injection_judge {
    IDEM_JUDGE_GUARD,    /* nothing is known about the device: the headline */
    IDEM_JUDGE_ATTACHED, /* appeared a second before its first key */
    IDEM_JUDGE_CLONE,    /* it was always there, and another has its identification */
    IDEM_JUDGE_UKIP,
    IDEM_JUDGE_UKIP_REPEAT, /* auto-repeat counted, as the tool does */
    IDEM_JUDGE_DUCKHUNT,
    IDEM_JUDGES,
};

#define IDEM_NEVER UINT32_MAX /* the alarm key of what was not noticed */

struct idem_injection_alarm {
    uint32_t event;                    /* in the stream */
    uint32_t key;                      /* the alarm key */
    struct idem_guard_verdict verdict; /* guard only */
};

/* One judge before one device; fed with streams. */
struct idem_injection_seat {
    enum idem_injection_judge judge;
    struct idem_guard *guard;
    struct idem_peer_ukip ukip;
    struct idem_peer_duckhunt duckhunt;
    uint32_t keys; /* key-downs so far */
};

/* For guards: the device's role, the first event's time, and its clock's tick, 0 when unknown. */
int idem_injection_seat_init(struct idem_injection_seat *seat, enum idem_injection_judge judge,
                             enum idem_guard_role role, int64_t first_us, uint32_t tick_us);
void idem_injection_seat_fini(struct idem_injection_seat *seat);
/* Goes on from event `from`; true when there is an alarm, which is described. */
bool idem_injection_seat_next(struct idem_injection_seat *seat,
                              const struct idem_key_stream *stream, uint32_t from,
                              struct idem_injection_alarm *out);
/* The alarm has been dealt with. */
void idem_injection_seat_reset(struct idem_injection_seat *seat);

/* ------------------------------------------------------------------ payloads */

enum idem_injection_clock {
    IDEM_CLOCK_FINE, /* as modelled, to the microsecond */
    IDEM_CLOCK_BROWSER,
    IDEM_CLOCK_MS,
    IDEM_CLOCK_COARSE, /* 15.6 ms */
    IDEM_CLOCK_LATE,   /* each report is delivered up to 1 ms late */
    IDEM_CLOCK_STALLS, /* a busy host: now and then nothing for 30-120 ms, then all at once */
    IDEM_CLOCKS,
};

/* Payloads with fewer key-downs are played, but not counted. */
enum { IDEM_INJECTION_DOWNS = 6 };

struct idem_injection_score {
    uint32_t payloads, alarmed;
    uint32_t verdicts[IDEM_GUARD_KINDS]; /* at the end; guards only */
    uint32_t before;                     /* alarms before the first injected key */
    double key_p50, key_p99;             /* INFINITY: not reached */
    uint32_t *keys;                      /* [payloads] ascending, IDEM_NEVER at the end */
};

struct idem_injection_options {
    uint64_t seed;
    const struct idem_injection_pool *past; /* a hand's keys before each payload, or NULL */
    enum idem_guard_role role;              /* that the device claims */
    enum idem_injection_clock clock;
};

int idem_injection_play(const struct idem_payloads *payloads, const struct idem_device_model *model,
                        enum idem_injection_judge judge,
                        const struct idem_injection_options *options,
                        struct idem_injection_score *out);
void idem_injection_score_fini(struct idem_injection_score *score);

/* ------------------------------------------------------------------ people */

enum idem_injection_pass {
    IDEM_PASS_FRESH,    /* every session on a device of its own */
    IDEM_PASS_ATTACHED, /* which appeared a second before, beside one of the same kind */
    IDEM_PASS_LONG,     /* all sessions of a person on one device */
    IDEM_PASSES,
};

struct idem_false_alarm {
    uint32_t person, session;
    enum idem_injection_pass pass;
    uint32_t key; /* of the session, or of the person in one long pass */
    struct idem_guard_verdict verdict;
};

struct idem_injection_people {
    uint64_t keys;
    uint32_t sessions;
    uint32_t alarms[IDEM_PASSES];
    uint32_t verdicts[IDEM_PASSES][IDEM_GUARD_KINDS]; /* at the end of a session, or of a person */
    uint32_t peer_alarms[IDEM_JUDGES], peer_sessions[IDEM_JUDGES];
    uint32_t programs, programs_alarmed; /* sessions recorded as a program's, fresh devices */
    struct idem_false_alarm *list;
    uint32_t listed;
};

int idem_injection_people(const struct idem_recording *rec, struct idem_injection_people *out);
/* Adds counts; not the list. */
void idem_injection_people_add(struct idem_injection_people *to,
                               const struct idem_injection_people *from);
void idem_injection_people_fini(struct idem_injection_people *p);

/* The upper end of a one-sided 95 % interval of a Poisson count: 3.0 of none (rule of three). */
double idem_injection_upper95(uint64_t seen);

/* ------------------------------------------------------------------ honest sources */

enum { IDEM_HONEST_SOURCES = 6, IDEM_HONEST_STREAMS = 200 };

/* What honest sources that type faster than a hand were taken for, a stream each. */
struct idem_injection_honest {
    const char *key, *name;
    enum idem_guard_role role; /* that it is known as */
    uint32_t streams;          /* 0: made from people, and there are none */
    uint64_t keys;
    uint32_t declared[IDEM_GUARD_KINDS], undeclared[IDEM_GUARD_KINDS]; /* verdicts */
};

/* source: 0..IDEM_HONEST_SOURCES - 1; people: for the keyboard with functions of its own. */
int idem_injection_honest(int source, const struct idem_injection_pool *people, uint64_t seed,
                          struct idem_injection_honest *out);

/* ------------------------------------------------------------------ the answer */

struct idem_injection_file {
    const char *path;
    const struct idem_recording *rec;
    struct idem_injection_people people;
};

struct idem_injection_outcome {
    struct idem_injection_score scores[IDEM_DEVICE_MODELS][IDEM_JUDGES];
    struct idem_injection_score after[IDEM_DEVICE_MODELS]; /* a hand's keys; none without people */
    struct idem_injection_score after_kernel[IDEM_DEVICE_MODELS]; /* the same, by a kernel */
    struct idem_injection_score clocks[IDEM_DEVICE_MODELS][IDEM_CLOCKS];      /* if asked for */
    struct idem_injection_score claims[IDEM_DEVICE_MODELS][IDEM_GUARD_ROLES]; /* claimed roles */
    struct idem_injection_honest honest[IDEM_HONEST_SOURCES];
    struct idem_injection_file files[IDEM_INJECTION_FILES];
    int file_count;
    bool with_clocks;
    uint64_t seed;
    char note[192];          /* of the first table */
    struct idem_sheet sheet; /* protocol, lead and command line are the caller's */
};

/* Fills the sheet's tables from the rest. */
int idem_injection_sheet(struct idem_injection_outcome *o);
/* The sheet's JSON, and the objects `models` and `human` and the list `alarms`. */
int idem_injection_json(const struct idem_injection_outcome *o, FILE *to);
void idem_injection_outcome_fini(struct idem_injection_outcome *o);

#endif
