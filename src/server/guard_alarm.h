/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard_alarm.h - a guard's alarm and its session: what it does at once, what it forbids to learn,
 * and how long it stands.
 *
 * Alarms come from a session's own guard, over HTTP (alarms.c), and from the server itself while it
 * judges a window (idem_guard_alarm_raise). Policy decides what each one does. The session shows
 * the strictest since its last strong authentication, of equals the newest, and afterwards the last
 * one, as dealt with.
 *
 *   kind              what the session teaches
 *   injected keys, scripted pointer, replay   nothing at all
 *   remote control    nothing from IDEM_QUARANTINE_MARGIN windows before the alarm on
 *   macro             everything: a token's or a scanner's strokes are few, and dips catch the rest
 *
 * Enrolment that was complete before the alarm stays: those windows were another moment's, and who
 * can type like a machine must not be able to strike people off. What a session has put into a
 * profile that is not complete yet is taken out again (quarantine.h).
 *
 * Own alarms are latched as those at the edge are: while one of its kind stands, a further one that
 * would do no more is not raised.
 */
#ifndef IDEM_SERVER_GUARD_ALARM_H
#define IDEM_SERVER_GUARD_ALARM_H

#include "server/guard_policy.h"
#include "wire/alarm.h"
#include "wire/objects.h"

struct idem_session;

struct idem_guard_alarm {
    struct idem_guard_verdict verdict;
    enum idem_modality device;
    enum idem_guard_action action;
    uint32_t line;    /* of the policy, 0: none */
    int64_t at_ms;    /* the session's time when it was received or raised */
    uint32_t windows; /* that the session held then, the one being judged among them */
};

/* A session's part: inside struct idem_session, nought to begin with. */
struct idem_session_guard {
    bool any;                      /* shown is one */
    bool standing;                 /* and not dealt with yet */
    struct idem_guard_alarm shown; /* see above */

    uint64_t held; /* numbers of the session's own alarms that are on disk: bit seq - 1 */
    uint64_t contents[IDEM_WIRE_ALARM_SEQ_MAX]; /* hashes of these alarms: [seq - 1] */

    struct idem_guard_alarm own; /* the last one that the server raised itself */
    int64_t own_row;             /* the window that it was raised for, 0: none yet */
    bool own_standing, own_unsaved, own_untold;

    bool barred; /* windows from this one on, counted from 0 in order of receipt, teach nothing */
    uint32_t barred_from;
    bool withdraw; /* what was enrolled from them is still to be taken out */
    int64_t enrolled_from[IDEM_MODALITIES]; /* rows above, ... */
    int64_t enrolled_to[IDEM_MODALITIES];   /* ... up to this one: gone into the profile directly */
};

/*
 * The server's own alarm, of the window `row` of the store that is being judged. For the thread
 * that judges the session's person; idem_judge_refresh afterwards. verdict->at_us does not matter.
 * Repeats are harmless, of the same row too: a replay after a restart raises again what it raised.
 */
void idem_guard_alarm_raise(struct idem_session *s, enum idem_modality device,
                            const struct idem_guard_verdict *verdict, int64_t row);

/* A hash of all but the number, above nought; good against accidents, not against forgers. */
uint64_t idem_guard_alarm_content(const struct idem_wire_alarm *alarm);
/* The number is that alarm's from now on. seq: 1..IDEM_WIRE_ALARM_SEQ_MAX. */
void idem_guard_alarm_hold(struct idem_session *s, uint32_t seq, uint64_t content);

/* What the session's policy wants: action and line. */
void idem_guard_alarm_decide(const struct idem_session *s, struct idem_guard_alarm *alarm);
/* An alarm takes effect: one of the session's guard, just made durable. Refresh afterwards. */
void idem_guard_alarm_take(struct idem_session *s, const struct idem_guard_alarm *alarm);
/* Strong authentication: what stood is dealt with. */
void idem_guard_alarm_clear(struct idem_session *s);

/* After a restart, before the windows: what is not learned. windows: as in the alarm. */
void idem_guard_alarm_bar(struct idem_session *s, enum idem_guard_kind kind, uint32_t windows);
/* And after them: what is shown and done. */
void idem_guard_alarm_recall(struct idem_session *s, const struct idem_guard_alarm *alarm,
                             bool standing, bool own);

/* As the API shows it; borrows the alarm. */
void idem_guard_alarm_view(const struct idem_guard_alarm *alarm, bool cleared,
                           struct idem_guard_view *out);
/* Nothing is learned from the window of this number. */
bool idem_guard_alarm_bars(const struct idem_session *s, uint32_t window);
/* The session has to ask for strong authentication. */
bool idem_guard_alarm_steps_up(const struct idem_session *s);

#endif
