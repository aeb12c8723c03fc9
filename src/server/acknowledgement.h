/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acknowledgement.h - no acknowledgement on record, no collection: a session whose person has not
 * acknowledged the version that the policy asks for in its country has its windows refused before
 * anything of them is stored.
 *
 *   what is asked for   the policy's entry for the session's country, its version and its words: a
 *                       number of all that stands in the session (needs), that of the one on record
 *                       in the person (acknowledged), so that asking costs one comparison. Another
 *                       country's text of the same version is another text, and so is one that was
 *                       changed without changing the version
 *   given               POST /v1/acknowledgement: by the session itself (the person at the seat,
 *                       whose key signs it: a stolen token says nothing of what he has read), by
 *                       the employee, or by the web application's back end for its session. The
 * version that was read must be named: who read an older one is asked again withdrawn DELETE
 * /v1/acknowledgement by the employee in the console or the back end: open sessions end at once,
 * their windows go, nothing of them is learned. By a session's own token only that session does:
 * whoever has stolen one must not end what the person does at other seats What was learned before
 * goes by erasure, which is another request a new text          the policy changes: sessions that
 * are open are refused from then on, too. When the version stayed the same the log says so
 * (policing.c): whoever changed the words has probably not meant to ask everybody again
 *
 * Alarms of a guard are taken all the same: they say what a device did that is no person, and carry
 * nothing of how somebody types. A seat must not become open to a machine because a form is
 * unsigned.
 */
#ifndef IDEM_SERVER_ACKNOWLEDGEMENT_H
#define IDEM_SERVER_ACKNOWLEDGEMENT_H

#include <stdbool.h>

struct idem_request;
struct idem_session;
struct idem_worker;

/* Worker: what is on record for the session's person. A store that fails counts as nothing. */
void idem_acknowledgement_load(struct idem_worker *w, struct idem_session *s);
/* Worker: what the policy in force asks of the session. */
void idem_acknowledgement_assign(struct idem_worker *w, struct idem_session *s);
bool idem_acknowledgement_missing(const struct idem_session *s);

/* routes_audit.c */
void idem_acknowledgement_get(struct idem_request *r);
void idem_acknowledgement_post(struct idem_request *r);
void idem_acknowledgement_delete(struct idem_request *r);

#endif
