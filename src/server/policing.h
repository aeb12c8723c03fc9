/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policing.h - the policy in force: which rules each session goes by, and how a new policy takes
 * the place of the old one while sessions go on.
 *
 *   main thread   idem_policing_offer: a policy that was read and is good; the newest offer counts
 *   worker        takes it with its next turn: the change is written to the audit log first, then
 *                 every session gets the rules that now hold for its person and is judged anew. If
 *                 the log cannot be written the old policy stays and the offer is tried again.
 *
 * A lock that stands is not lifted by a policy that would not have locked: that takes strong
 * authentication, as always. An exemption that ends does so within a round of the worker's sweep.
 */
#ifndef IDEM_SERVER_POLICING_H
#define IDEM_SERVER_POLICING_H

#include "server/policy.h"

struct idem_command;
struct idem_request;
struct idem_session;
struct idem_worker;

/* Reads a policy's file, or the shipped one when path is NULL; logs file, line and reason when it
 * cannot be used, and warnings when it can. */
int idem_policing_load(const char *path, bool demo, struct idem_policy **out);

/* Any thread. Takes over the caller's reference. */
void idem_policing_offer(struct idem_worker *w, struct idem_policy *policy);

/* Worker: the session's rules, by what is known of it now. */
void idem_policing_assign(struct idem_worker *w, struct idem_session *s);
/* And judges it by them. */
void idem_policing_again(struct idem_worker *w, struct idem_session *s);
/* Worker: ends the session if that is what stands. */
void idem_policing_end(struct idem_worker *w, struct idem_session *s);
/* Worker, with each turn: an offer, if there is one. */
void idem_policing_tick(struct idem_worker *w);
/* Worker, before its thread starts: the policy that it begins with is in the audit log. */
void idem_policing_started(struct idem_worker *w);

/* GET /v1/policy: text, id, since when, and the rules for whom the query names. */
void idem_policing_get(struct idem_request *r);

#endif
