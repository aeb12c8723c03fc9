/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quarantine.h - what a person's profiles learn from a session that has ended. Worker only.
 *
 * A window is learned when its session was judged and trust never fell below step-up, when it lies
 * neither near a dip of trust nor among the session's last windows (which no later ones have
 * vouched for), and when the profile has not learned its daily share yet. Newest first, so that the
 * share goes to the newest. What is gathered so is one lesson, which is folded in or refused as
 * model/adapt.h says. Enrolment that was under way is kept on the same conditions, or as it
 * is where nothing else could judge it. A guard's alarm forbids some or all of it (guard_alarm.h).
 */
#ifndef IDEM_SERVER_QUARANTINE_H
#define IDEM_SERVER_QUARANTINE_H

#include "server/judge.h"

/* A lesson: profiles that take the place of the person's once the transaction is committed. */
struct idem_lesson {
    struct idem_template templates[IDEM_MODALITIES]; /* profile NULL: nothing changes */
};

/*
 * Takes out of profiles that are not complete what the session has enrolled from windows that a
 * guard's alarm forbids to learn, if there is any left; what has changed is to be saved. Begun anew
 * after a failure, it takes nothing out twice.
 */
int idem_quarantine_withdraw(struct idem_people *people, struct idem_store *store,
                             const struct idem_judge *judge, struct idem_wire_reader *reader,
                             struct idem_session *s);

/*
 * Computes the lesson of session s and writes it, within the caller's transaction. The judge's
 * scorer must be idle.
 */
int idem_quarantine_learn(struct idem_people *people, struct idem_store *store,
                          const struct idem_judge *judge, struct idem_wire_reader *reader,
                          const struct idem_session *s, int64_t now_ms, struct idem_lesson *out);
/* After the commit; or, when it failed: */
void idem_lesson_apply(struct idem_lesson *lesson, struct idem_session *s);
void idem_lesson_forget(struct idem_lesson *lesson);

#endif
