/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.h - what a window means for its session: enrolment or evidence, the state that follows from
 * it, and why. The same function serves windows that just became durable and their replay after a
 * restart. Worker only; no I/O.
 *
 *   modality not enrolled, none other is   the window joins the person's profile directly
 *   modality not enrolled, another one is  it joins the session's candidate, which becomes part of
 *                                          the profile once it is complete and the enrolled
 * modality has vouched for it, and is thrown away when trust ever falls below step-up modality
 * enrolled                      it is scored, and the trust filter moves
 *
 * A window that was there before, or that nobody typed, is neither: it raises an alarm (again.h).
 * A guard's alarm forbids enrolment and can step the session up or lock it, whatever trust says
 * (guard_alarm.h).
 *
 * What stands is the strictest action that the session's policy wants for its alarm, its trust, or
 * its silence; what changes there is a decision (decision.h). A lock is kept until somebody lifts
 * it. Under a policy for which locking fails open, one that cannot be recorded is not kept.
 */
#ifndef IDEM_SERVER_JUDGE_H
#define IDEM_SERVER_JUDGE_H

#include "server/again.h"
#include "server/sessions.h"

struct idem_judge {
    const struct idem_population *population;
    const struct idem_front *front;
    struct idem_scorer *scorer;
    struct idem_trust_params params;
    struct idem_again_bench again; /* all nought: windows are not compared with those before */
};

/* row: the window's in the store. The session's clock_ms is now. */
int idem_judge_window(struct idem_judge *j, struct idem_session *s,
                      const struct idem_window *window, int64_t row);
/* Reads the filter at the session's time now_ms and draws the consequences. True when the state
 * or what stands has changed. */
bool idem_judge_refresh(struct idem_session *s, int64_t now_ms);
/* The same under other rules than before. */
void idem_judge_anew(struct idem_session *s, int64_t now_ms);
/* The gate has counted protected requests without evidence. action: at most a lock. Stands until a
 * strong authentication. */
void idem_judge_silence(struct idem_session *s, enum idem_guard_action action, uint32_t line);
/* A lock by behaviour that could not be recorded is given up where policy says so. */
void idem_judge_unrecorded(struct idem_session *s);
/* Strong authentication: lifts the lock, raises trust to the prior at most. */
void idem_judge_unlock(struct idem_session *s);
/* The session has a candidate, and as many windows were judged since it last grew as a takeover
 * needs to show: trust from before says nothing about whose hands these are. */
bool idem_judge_vouched(const struct idem_session *s, enum idem_modality m);
/* Makes the explanation if windows came since the last one. */
void idem_judge_explain(struct idem_judge *j, struct idem_session *s);

#endif
