/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem.h - everything that can go wrong with a request, as problem documents (RFC 9457): one row
 * each with its status, its title and what to do about it.
 */
#ifndef IDEM_SERVER_PROBLEM_H
#define IDEM_SERVER_PROBLEM_H

#include "wire/text.h"

enum idem_problem {
    IDEM_PROBLEM_NONE = 0,
    IDEM_PROBLEM_MALFORMED_JSON,
    IDEM_PROBLEM_MALFORMED_CBOR,
    IDEM_PROBLEM_INVALID_FIELD,
    IDEM_PROBLEM_TOKEN_MISSING,
    IDEM_PROBLEM_TOKEN_UNKNOWN,
    IDEM_PROBLEM_STEP_UP_NEEDED,
    IDEM_PROBLEM_FORBIDDEN_HOST,
    IDEM_PROBLEM_FORBIDDEN_ORIGIN,
    IDEM_PROBLEM_FORBIDDEN_SESSION,
    IDEM_PROBLEM_FORBIDDEN_ROLE,
    IDEM_PROBLEM_CSRF_MISSING,
    IDEM_PROBLEM_ACKNOWLEDGEMENT_MISSING,
    IDEM_PROBLEM_ACKNOWLEDGEMENT_OUTDATED,
    IDEM_PROBLEM_BINDING_REFUSED,
    IDEM_PROBLEM_GATE_DENIED,
    IDEM_PROBLEM_NO_SUCH_SESSION,
    IDEM_PROBLEM_NO_SUCH_PERSON,
    IDEM_PROBLEM_NO_SUCH_ROUTE,
    IDEM_PROBLEM_METHOD_NOT_ALLOWED,
    IDEM_PROBLEM_TOO_MANY_GAPS,
    IDEM_PROBLEM_SEQUENCE_TOO_FAR,
    IDEM_PROBLEM_FRONT_MISMATCH,
    IDEM_PROBLEM_SESSION_CLOSED,
    IDEM_PROBLEM_SESSION_LOCKED,
    IDEM_PROBLEM_TOO_MANY_ALARMS,
    IDEM_PROBLEM_ALARM_NUMBER_TAKEN,
    IDEM_PROBLEM_BODY_TOO_LARGE,
    IDEM_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
    IDEM_PROBLEM_TOO_MANY_SESSIONS,
    IDEM_PROBLEM_TOO_MANY_FAILURES,
    IDEM_PROBLEM_OVERLOADED,
    IDEM_PROBLEM_GATE_CLOSED,
    IDEM_PROBLEM_STORAGE_FULL,
    IDEM_PROBLEM_STORAGE_FAILED,
    IDEM_PROBLEMS
};

enum { IDEM_PROBLEM_DETAIL_MAX = 200 };

unsigned idem_problem_status(enum idem_problem problem);
/* The document. detail: what was wrong, and where; a sentence, printable ASCII. */
void idem_problem_json(struct idem_text *t, enum idem_problem problem, const char *detail);
/* What a failed store means to the one who asked. */
enum idem_problem idem_problem_of_store(int err);

#endif
