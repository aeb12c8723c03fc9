/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects.h - the API's objects as plain data, and their JSON. Strings are borrowed and UTF-8;
 * times are Unix milliseconds. Each *_MAX is a size that the object's JSON cannot exceed.
 */
#ifndef IDEM_WIRE_OBJECTS_H
#define IDEM_WIRE_OBJECTS_H

#include "idem/idem.h"
#include "wire/text.h"

enum {
    IDEM_NAME_MAX = 128, /* bytes of a person's or a seat's name */
    IDEM_REASONS_MAX = 5,
    IDEM_GAPS_MAX = 16,
    IDEM_DOUBTS_MAX = 4,
    IDEM_SESSION_JSON_MAX = 5120,
    IDEM_DEVICE_CLASSES = 2,
};

/* Sequence numbers first..last that are not there. */
struct idem_gap {
    uint32_t first, last;
};

struct idem_enrolment_part {
    uint32_t have, need;
    bool enrolled;
};

struct idem_enrolment_view {
    const char *state;     /* new, enrolling, enrolled */
    const char *waits_for; /* "trusted-start", "another-session", or NULL: nothing but strokes */
    struct idem_enrolment_part part[IDEM_MODALITIES];
};

/* A guard's alarm and what came of it. text: for people. */
struct idem_guard_view {
    const struct idem_guard_verdict *verdict; /* NULL: there was none */
    const char *device, *action;
    bool cleared; /* by a strong authentication since */
    int64_t at_ms;
};

struct idem_session_view {
    const char *id, *organisation, *person, *seat, *device_class, *state;
    const char *policy;         /* its id, NULL: none */
    const char *action, *cause; /* what stands; cause NULL: nothing does */
    const char *cut_off;        /* the device that is to be cut off, or NULL */
    uint32_t policy_line;       /* that says so, 0: none */
    bool compared;              /* false: trust and llr are null */
    double trust, p_owner, llr, step_up, lock;
    bool uncounted; /* windows are not told */
    uint32_t windows[IDEM_MODALITIES];
    struct idem_gap gaps[IDEM_GAPS_MAX];
    uint32_t gap_count;
    int64_t opened_ms, changed_ms;
    int64_t paused_until_ms; /* 0: it is not */
    struct idem_enrolment_view enrolment;
    const struct idem_reason *reasons;
    uint32_t reason_count;
    struct idem_guard_view guard;
    const char *doubts[IDEM_DOUBTS_MAX]; /* NULL: that one does not stand */
};

struct idem_profile_view {
    const char *modality, *device_class;
    uint32_t strokes, need;
    bool enrolled;
    int64_t learned_ms;
};

struct idem_person_view {
    const char *id, *organisation;
    struct idem_profile_view profiles[IDEM_MODALITIES * IDEM_DEVICE_CLASSES];
    uint32_t profile_count;
    struct idem_enrolment_view enrolment;
};

void idem_session_json(struct idem_text *t, const struct idem_session_view *view);
/* {"kind": ..., "confidence": ...}, or null. */
void idem_guard_json(struct idem_text *t, const struct idem_guard_view *view);
void idem_person_json(struct idem_text *t, const struct idem_person_view *view);
/* [[first, last], ...] */
void idem_gaps_json(struct idem_text *t, const struct idem_gap *gaps, uint32_t count);

#endif
