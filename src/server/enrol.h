/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrol.h - how a person becomes known: which windows may enrol, and when a profile is complete.
 *
 *   who      a session enrols from the moment on at which somebody vouched for the person: strong
 *            authentication on an enrolled seat, or a supervisor's confirmation. Else whoever sits
 *            down first would be the owner for good
 *   how long from as many sessions as policy asks for: one sitting shows one mood, one chair, one
 *            keyboard, and perhaps one stand-in. A session counts once it has given its share, when
 *            it began well after the one before, and gives at most what one modality needs
 *   which    the first modality directly, a second one only after the first has vouched for the
 *            hands (judge.h)
 */
#ifndef IDEM_SERVER_ENROL_H
#define IDEM_SERVER_ENROL_H

#include "server/judge.h"

/* May the window of that row enrol its session's person at all? */
bool idem_enrol_may(const struct idem_session *s, int64_t row);
/* Nobody has vouched for the person of this session yet, and policy wants somebody to. */
bool idem_enrol_waits(const struct idem_session *s);

/* A window of the first modality: into the profile. */
int idem_enrol_directly(struct idem_judge *j, struct idem_session *s,
                        const struct idem_window *window, int64_t row);
/* A window of a second one: into the session's candidate. */
int idem_enrol_under_trust(struct idem_judge *j, struct idem_session *s,
                           const struct idem_window *window, int64_t row);
/* A replay has come upon a window that the stored profile holds already. */
void idem_enrol_recall(struct idem_session *s, const struct idem_window *window);

/* So many of the session's strokes were in the template, and so many are now: does it count from
 * now on? When they reach its share, and it began in a later hour than the last one that counted
 * gave something, with a whole hour between: two sittings at once are one occasion. */
bool idem_enrol_counts(const struct idem_session *s, enum idem_modality m,
                       const struct idem_template *template, double before, double now);
bool idem_enrol_complete(const struct idem_session *s, enum idem_modality m,
                         const struct idem_template *template);

#endif
