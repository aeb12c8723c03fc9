/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - what is decided, by a file that people write (docs/policy.md): whom which rules hold
 * for, how many false alarms a seat-week are allowed, what each finding leads to, what the gate
 * asks for, what is kept how long, who is exempted until when.
 *
 * A policy is immutable and counted; any thread may read one that it holds a reference to. Each
 * setting remembers the line of the file that decided it.
 *
 *   whom      the settings at the top of the file hold for everybody; the first group, in the
 *             file's order, whose conditions all hold may replace some of them. A condition is a
 *             list; an attribute that is unknown ("") fulfils none. No group replaces what only an
 *             installation can have: retention, acknowledgement, exemptions.
 *   exempted  a person's behaviour (and, if the file says so, what his guard says) leads to no
 *             action; where the gate needs standing the alternative factor is asked for instead
 *   fail      open or closed is for locking only. The gate never fails open, and a file that wants
 *             it is refused.
 */
#ifndef IDEM_SERVER_POLICY_H
#define IDEM_SERVER_POLICY_H

#include "server/guard_policy.h"
#include "wire/text.h"
#include "wire/yaml.h"

enum {
    IDEM_POLICY_GROUPS_MAX = 64,
    IDEM_POLICY_NAMES_MAX = 64, /* values of one condition */
    IDEM_POLICY_NAME_MAX = 128, /* bytes */
    IDEM_POLICY_GUARD_MAX = 24, /* rows of kind and confidence */
    IDEM_POLICY_CLASSES_MAX = 8,
    IDEM_POLICY_COUNTRIES_MAX = 64,
    IDEM_POLICY_HASH = 32, /* bytes: of what is to be acknowledged */
    IDEM_POLICY_LANGUAGES_MAX = 16,
    IDEM_POLICY_EXEMPTIONS_MAX = 4096,
    IDEM_POLICY_WARNINGS_MAX = 16,
    IDEM_POLICY_ID_TEXT = 32,         /* hexadecimal digits of a hash of the file */
    IDEM_POLICY_JSON_MAX = 16 * 1024, /* without the file's text */
};

/* ------------------------------------------------------------------ rules */

/* A limit on false alarms, and the filter's threshold that keeps it (model/false_alarms.h). */
struct idem_policy_threshold {
    uint32_t line;
    double allowed;  /* false alarms a seat-week, as the file says */
    double log_odds; /* an alarm is below it */
    double trust;    /* the same as 1 / (1 + exp(-log_odds)) */
    double seen;     /* false alarms a seat-week at this threshold in the recordings, ... */
    double at_most;  /* ... and how many there may be, 95 % (of none seen: the rule of three) */
    bool supported;  /* false: the recordings are too short for `allowed`, the quietest is taken */
};

struct idem_policy_do {
    enum idem_guard_action action;
    uint32_t line;
};

/* What a session has to be for the gate; each asks for what stands before it, too. */
enum idem_policy_standing {
    IDEM_STANDING_BOUND,       /* the browser's cookie is bound to it, it is open and not locked */
    IDEM_STANDING_UNSUSPECTED, /* nothing asks for a step-up, and it has not fallen silent */
    IDEM_STANDING_MATCHING,    /* the behaviour was compared, is fresh and matches, whatever strong
                                * authentication there was */
    IDEM_STANDINGS
};

struct idem_policy_class {
    const char *name;
    uint32_t line;
    enum idem_policy_standing standing;
    double trust_at_least; /* MATCHING: and the session's trust; 0: the step-up threshold's */
};

enum idem_policy_until_enrolled {
    IDEM_UNTIL_ENROLLED_STEP_UP,        /* each request asks for strong authentication */
    IDEM_UNTIL_ENROLLED_DENY,           /* none is let through */
    IDEM_UNTIL_ENROLLED_ALLOW_ORDINARY, /* classes that ask for less than MATCHING are let through
                                         */
    IDEM_UNTIL_ENROLLED_ANSWERS
};

/* Absence is evidence: after so many protected requests, or so long, without a sufficient window.
 */
struct idem_policy_silence {
    uint32_t line;
    uint32_t requests;
    int64_t ms;
};

struct idem_policy_gate {
    struct idem_policy_class classes[IDEM_POLICY_CLASSES_MAX];
    uint32_t class_count;
    enum idem_policy_until_enrolled until_enrolled;
    uint32_t until_enrolled_line;
    struct idem_policy_silence silence_step_up;
    struct idem_policy_silence silence_lock; /* counted from the same window on, not after it */
    double browser_trust_max; /* a browser's evidence raises trust to this at most, lowers it freely
                               */
    uint32_t browser_line;
    int64_t step_up_max_age_ms; /* a strong authentication counts as fresh for so long */
    uint32_t step_up_line;
};

/* What a seat does by itself, and what the person at it may do (policy_seat.c). */
struct idem_policy_seat {
    int64_t lock_untouched_ms; /* 0: never */
    int64_t pause_most_ms;     /* of one pause, by the server's clock */
    bool step_up_locks;        /* else it tells the person */
    bool unlock_counts, pause_allowed;
    uint32_t lock_untouched_line, step_up_line, unlock_line, pause_line;
};

struct idem_policy_rules {
    const char *group; /* NULL: no group, the settings at the top */
    uint32_t group_line;

    double hours_per_week; /* of a seat-week, active ones */
    struct idem_policy_threshold step_up, lock;

    struct idem_policy_do below_step_up, below_lock; /* trust under a threshold */
    struct idem_policy_do insufficient;              /* nothing fresh to compare */
    struct idem_guard_rule guard[IDEM_POLICY_GUARD_MAX];
    uint32_t guard_count;

    bool lock_fails_open;  /* a lock that cannot be recorded or fetched is not held */
    int64_t fail_after_ms; /* at the seat: no server for so long */
    uint32_t fail_line;

    struct idem_policy_gate gate;
    struct idem_policy_seat seat;

    bool trusted_start;
    uint32_t trusted_start_line;
    uint32_t enrol_sessions;
    uint32_t enrol_sessions_line;

    bool exempt_behaviour, exempt_guard; /* for an exempted person: the actions are observe */
};

struct idem_policy_subject {
    const char *organisation, *site, *country, *job; /* "": unknown */
    const char *person;                              /* pseudonym, "p_..." */
};

struct idem_policy;

/*
 * text: the file, copied. name: of the file, for faults. now_ms: exemptions end within a year of
 * it. Writes *fault when it fails: IDEM_ERR_FORMAT, IDEM_ERR_LIMIT, IDEM_ERR_NOMEM. One reference.
 */
int idem_policy_parse(const char *text, size_t len, const char *name, int64_t now_ms,
                      struct idem_policy **out, struct idem_yaml_fault *fault);
/* The policy that is shipped as data/policy.yaml (demo: data/demo-policy.yaml), compiled in. */
const char *idem_policy_shipped(bool demo, size_t *len);
struct idem_policy *idem_policy_ref(struct idem_policy *policy);
void idem_policy_unref(struct idem_policy *policy); /* NULL is fine */

/* Which rules hold for the subject at that time. Never NULL, nothing is allocated; valid as long as
 * the policy. */
const struct idem_policy_rules *idem_policy_rules(const struct idem_policy *policy,
                                                  const struct idem_policy_subject *subject,
                                                  int64_t now_ms);
/* A class of resources; one that the file does not name is as strict as the strictest there is. */
const struct idem_policy_class *idem_policy_class(const struct idem_policy_rules *rules,
                                                  const char *name);
/* The row that decides what an alarm does, or NULL: it is observed. */
const struct idem_guard_rule *idem_policy_guard(const struct idem_policy_rules *rules,
                                                enum idem_guard_kind kind, double confidence);

/* ------------------------------------------------------------------ for the whole installation */

struct idem_policy_retention {
    int64_t closed_sessions_ms;
    int64_t windows_ms; /* of a session after its end, when nothing has folded them; 0: at once */
    int64_t audit_detail_ms;
    int64_t gate_records_ms;
    uint32_t closed_sessions_line, windows_line, audit_detail_line, gate_records_line;
};

struct idem_policy_language {
    const char *language; /* "en", "pt-BR"; "" when the file gives one text without a language */
    const char *text;
};

/* What an employee acknowledges before anything is collected. */
struct idem_policy_acknowledgement {
    const char *country; /* "any": those that have none of their own */
    bool required;
    const char *version;
    struct idem_policy_language texts[IDEM_POLICY_LANGUAGES_MAX];
    uint32_t text_count;
    uint32_t line;
};

struct idem_policy_exemption {
    const char *person;
    int64_t until_ms; /* the first millisecond in which it does not hold any more */
    const char *alternative_factor;
    bool behaviour, guard;
    uint32_t line;
};

const struct idem_policy_retention *idem_policy_retention(const struct idem_policy *policy);
/* Never NULL: without one of its own, and without "any", one that is required and has no text, so
 * that nothing is collected. */
const struct idem_policy_acknowledgement *
idem_policy_acknowledgement(const struct idem_policy *policy, const char *country);
/* What is acknowledged, as 32 bytes: the entry, its version, and every text in its language. */
void idem_policy_acknowledgement_hash(const struct idem_policy_acknowledgement *a,
                                      uint8_t hash[IDEM_POLICY_HASH]);
/* The countries that have an entry; NULL behind the last. */
const struct idem_policy_acknowledgement *
idem_policy_acknowledgement_at(const struct idem_policy *policy, uint32_t i);
/* The person's exemption, if there is one that holds at that time; NULL otherwise. */
const struct idem_policy_exemption *idem_policy_exemption(const struct idem_policy *policy,
                                                          const char *person, int64_t now_ms);

/* ------------------------------------------------------------------ about the policy itself */

/* A name for what is in the file: equal texts have equal ids. */
const char *idem_policy_id(const struct idem_policy *policy);
const char *idem_policy_name(const struct idem_policy *policy);
const char *idem_policy_text(const struct idem_policy *policy, size_t *len);
/* What is legal and probably not meant, or promises less than it seems to. */
uint32_t idem_policy_warnings(const struct idem_policy *policy);
const struct idem_yaml_fault *idem_policy_warning(const struct idem_policy *policy, uint32_t i);
/* Rules as JSON: at most IDEM_POLICY_JSON_MAX bytes. */
void idem_policy_rules_json(struct idem_text *t, const struct idem_policy_rules *rules);

/* "notify" or "lock". */
const char *idem_policy_seat_step_up_name(const struct idem_policy_seat *seat);
const char *idem_policy_standing_name(enum idem_policy_standing standing);
const char *idem_policy_until_enrolled_name(enum idem_policy_until_enrolled answer);

#endif
