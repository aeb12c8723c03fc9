/* SPDX-License-Identifier: Apache-2.0 */
/*
 * erasure.h - a person's data is erased while the server runs. docs/privacy.md says what that
 * means; store/erase.h what becomes of the rows.
 *
 *   1 ledger    a line in erasures.log, durable: from here on there is no way back, and whatever
 *               happens the next start completes it
 *   2 sessions  live ones end at once, and nothing of them is learned
 *   3 key       destroyed in keys.db
 *   4 gate      the bodies of records about the person
 *   5 rows      all, and the bodies of audit lines; with the line that says who did it and why
 *   6 memory    log-ins, sessions, the person, the table of windows that were seen
 *
 * Cases: asked twice, the second time changes nothing; a step that fails is answered as such and
 * may be repeated; another organisation's person is not there; what is not there was perhaps erased
 * before, which the ledger knows.
 */
#ifndef IDEM_SERVER_ERASURE_H
#define IDEM_SERVER_ERASURE_H

struct idem_command;
struct idem_worker;

/* CALL: command->id is the person, command->json has the reason. */
void idem_erasure_call(struct idem_worker *w, struct idem_command *c);

/* How many of those whom the population in use was learned from are erased; says so in the log and
 * in the metrics. At start and after each erasure. */
void idem_erasure_look_at_population(struct idem_worker *w);

#endif
