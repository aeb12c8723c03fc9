/* SPDX-License-Identifier: Apache-2.0 */
/*
 * porter.h - the gate's parts in one place: what it knows of sessions (standing.h), which cookie is
 * whose (bindings.h), the policy in force, and the thread that records (recorder.h). Between the
 * question of a proxy and the answer nothing here waits for the worker.
 *
 *   HTTP thread   ask -> decide (gate.h) -> record -> [durable] -> answer
 *   worker        tell, after each change of a session; bind; lock, when the gate says so
 *
 * The gate never fails open. Where each thing that can break ends:
 *
 *   the worker stands still for IDEM_GATE_CLOSED_MS    closed, 503
 *   a record cannot be written, or too many wait       closed, 503, whatever was decided
 *   the worker cannot be told to lock                  denied all the same, and told with the next
 *   no policy, no session, no binding                  step-up, 401
 *   the server is gone                                 the proxy's own error; docs/gate.md
 */
#ifndef IDEM_SERVER_PORTER_H
#define IDEM_SERVER_PORTER_H

#include "bus/bus.h"
#include "server/bindings.h"
#include "server/gate.h"
#include "server/organisations.h"
#include "server/people.h"
#include "server/recorder.h"
#include "server/standing.h"

enum {
    IDEM_CLIENT_MAX = 128, /* what a proxy says of a browser, bytes */
    IDEM_CLASS_MAX = 64,
    IDEM_POLICY_SHORT = 12, /* of the policy's id, in records */
};

struct idem_porter;
struct idem_session;
struct idem_worker;

struct idem_porter_parts {
    const char *dir;          /* the data directory, for gate.db */
    struct idem_heads *heads; /* of the record, NULL: they go nowhere */
    struct idem_bus *bus;
    struct idem_policy *policy;       /* to begin with */
    const struct idem_people *people; /* for the key of clients */
    const struct idem_organisations *organisations;
};

int idem_porter_new(const struct idem_porter_parts *parts, struct idem_porter **out);
/* Answers that were put are still given; afterwards the gate is closed. */
void idem_porter_stop(struct idem_porter *p);
void idem_porter_free(struct idem_porter *p);

struct idem_bindings *idem_porter_bindings(struct idem_porter *p);
struct idem_standings *idem_porter_standings(struct idem_porter *p);
struct idem_recorder *idem_porter_recorder(struct idem_porter *p);
/* The worker's own connection to the record, for reading. */
int idem_porter_reader(struct idem_porter *p, struct idem_gate_log **out);
int64_t idem_porter_monotonic_ms(void);

/* ------------------------------------------------------------------ the worker's; p may be NULL */

/* What the session is now. Also for the thread that judges the session's person. */
void idem_porter_tell(struct idem_porter *p, const struct idem_session *s);
/* Of the session, or those that an API key has bound to any: cookies are bound to nothing again. */
void idem_porter_unbind(struct idem_porter *p, int32_t slot);
void idem_porter_unbind_key(struct idem_porter *p, int64_t api_key);
/* The worker is alive. */
void idem_porter_beat(struct idem_porter *p);
/* The policy in force from now on; a reference of its own. Sessions have to be told again. */
void idem_porter_policy(struct idem_porter *p, struct idem_policy *policy);
/* What the worker found in the store when it began. */
int idem_porter_restore(struct idem_porter *p, struct idem_worker *w);

/* ------------------------------------------------------------------ any thread */

/* Of what a proxy says of a browser. */
void idem_porter_client(const struct idem_porter *p, const char *client,
                        uint8_t hash[IDEM_HASH_BYTES]);

struct idem_porter_ask {
    int64_t organisation, now_ms;
    bool has_cookie;
    uint8_t cookie[IDEM_HASH_BYTES];
    const char *client; /* NULL: the proxy does not say */
    const char *class;  /* "": the strictest there is */
};

struct idem_porter_answer {
    struct idem_gate_answer answer;
    char person[IDEM_PUBLIC_ID_TEXT + 1], session[IDEM_PUBLIC_ID_TEXT + 1]; /* "": unbound */
    char policy[IDEM_POLICY_SHORT + 1];
};

/* Decides; counts the request against silence, and has the session locked if that is the answer. It
 * is not to be told to anybody before it is recorded. */
void idem_porter_ask(struct idem_porter *p, const struct idem_porter_ask *ask,
                     struct idem_porter_answer *out);

#endif
