/* SPDX-License-Identifier: Apache-2.0 */
/* problem.c - the table of problems; see problem.h and docs/api.md. */
#include "server/problem.h"

#include "idem/idem.h"

struct row {
    unsigned status;
    const char *name, *title, *action;
};

/* clang-format off */
static const struct row rows[IDEM_PROBLEMS] = {
    [IDEM_PROBLEM_NONE] = {200, "none", "No problem", "Do nothing."},
    [IDEM_PROBLEM_MALFORMED_JSON] = {400, "malformed-json", "The body is not JSON",
        "Send a JSON object in UTF-8, without repeated names."},
    [IDEM_PROBLEM_MALFORMED_CBOR] = {400, "malformed-cbor", "The body is not CBOR",
        "Send one CBOR map with definite lengths, and nothing after it."},
    [IDEM_PROBLEM_INVALID_FIELD] = {400, "invalid-field", "A field cannot be accepted",
        "Correct the field that the detail names; docs/api.md lists fields and ranges."},
    [IDEM_PROBLEM_TOKEN_MISSING] = {401, "token-missing", "A token is needed",
        "Send \"Authorization: Bearer TOKEN\": the operator's from the link that the server"
        " printed, a session's from the answer that opened it."},
    [IDEM_PROBLEM_TOKEN_UNKNOWN] = {401, "token-unknown", "The token opens nothing",
        "Open a new session, or take the operator's link that the server printed last."},
    [IDEM_PROBLEM_STEP_UP_NEEDED] = {401, "step-up-needed", "More than a log-in is needed",
        "Authenticate strongly as WWW-Authenticate says, have the application report it, ask again."},
    [IDEM_PROBLEM_FORBIDDEN_HOST] = {403, "forbidden-host", "This server has another name",
        "Use the address that the server printed when it started."},
    [IDEM_PROBLEM_FORBIDDEN_ORIGIN] = {403, "forbidden-origin", "A foreign page may not ask",
        "Open the page from the address that the server printed when it started."},
    [IDEM_PROBLEM_FORBIDDEN_SESSION] = {403, "forbidden-session", "The token does not open this",
        "Use the token of this very session, or the operator's where docs/api.md allows it."},
    [IDEM_PROBLEM_FORBIDDEN_ROLE] = {403, "forbidden-role", "The role does not allow this",
        "Ask somebody whose role allows it; docs/api.md lists which role may do what."},
    [IDEM_PROBLEM_CSRF_MISSING] = {403, "csrf-missing", "The request does not come from the page",
        "Repeat the token of GET /v1/me in the header Idem-CSRF."},
    [IDEM_PROBLEM_ACKNOWLEDGEMENT_MISSING] = {403, "acknowledgement-missing",
        "What is collected has not been acknowledged",
        "Show GET /v1/acknowledgement to the person and answer with POST; collect nothing until then."},
    [IDEM_PROBLEM_ACKNOWLEDGEMENT_OUTDATED] = {409, "acknowledgement-outdated",
        "This is not what is to be acknowledged",
        "Read GET /v1/acknowledgement again and let the person read it."},
    [IDEM_PROBLEM_BINDING_REFUSED] = {403, "binding-refused", "This is not bound to that",
        "Fetch a new nonce in the session of the very person at the very seat, and use it once."},
    [IDEM_PROBLEM_GATE_DENIED] = {403, "gate-denied", "The gate stays shut",
        "Ask the security team; its record says why."},
    [IDEM_PROBLEM_LOGIN_FAILED] = {401, "login-failed", "The log-in failed",
        "Try again, or ask an operator to reset the account."},
    [IDEM_PROBLEM_SECOND_FACTOR] = {401, "second-factor-needed", "A code is needed",
        "Repeat the log-in with the code of your authenticator in \"totp\"."},
    [IDEM_PROBLEM_TOO_MANY_ATTEMPTS] = {429, "too-many-attempts", "Too many log-ins have failed",
        "Try again after the time in the Retry-After header."},
    [IDEM_PROBLEM_SETUP_OVER] = {403, "setup-over", "The set-up link opens nothing",
        "Use the link that the server printed last; without an account it prints one at each start."},
    [IDEM_PROBLEM_NO_SUCH_ACCOUNT] = {404, "no-such-account", "There is no such account",
        "List the accounts that there are."},
    [IDEM_PROBLEM_ALREADY_THERE] = {409, "already-there", "It is there already",
        "Choose another name."},
    [IDEM_PROBLEM_OWN_ACCOUNT] = {409, "own-account", "Nobody changes his own rights",
        "Ask another operator."},
    [IDEM_PROBLEM_LAST_OPERATOR] = {409, "last-operator", "An operator must stay",
        "Make another account an operator first."},
    [IDEM_PROBLEM_NO_SUCH_SESSION] = {404, "no-such-session", "There is no such session",
        "Open a session, or list the sessions that there are."},
    [IDEM_PROBLEM_NO_SUCH_PERSON] = {404, "no-such-person", "There is no such person",
        "Take a person's id from a session object."},
    [IDEM_PROBLEM_NO_SUCH_ROUTE] = {404, "no-such-route", "There is nothing at this address",
        "Compare the path with docs/api.md."},
    [IDEM_PROBLEM_METHOD_NOT_ALLOWED] = {405, "method-not-allowed", "Not with this method",
        "Use one of the methods in the Allow header."},
    [IDEM_PROBLEM_TOO_MANY_GAPS] = {409, "too-many-gaps", "Too many windows are missing",
        "Send the missing windows of the session first."},
    [IDEM_PROBLEM_SEQUENCE_TOO_FAR] = {409, "sequence-too-far", "The sequence number is too high",
        "Number windows one after the other, beginning with 1."},
    [IDEM_PROBLEM_FRONT_MISMATCH] = {409, "front-mismatch", "The windows belong to another front",
        "Fetch /v1/front again and collect new windows with it."},
    [IDEM_PROBLEM_SESSION_CLOSED] = {409, "session-closed", "The session is closed",
        "Open a new session."},
    [IDEM_PROBLEM_SESSION_LOCKED] = {409, "session-locked", "The session is locked",
        "Have an operator unlock it."},
    [IDEM_PROBLEM_TOO_MANY_ALARMS] = {409, "too-many-alarms", "The session has had all its alarms",
        "Close the session and open a new one."},
    [IDEM_PROBLEM_ALARM_NUMBER_TAKEN] = {409, "alarm-number-taken", "Another alarm has this number",
        "Send the alarm again under the next free number; nothing of the request was taken."},
    [IDEM_PROBLEM_BODY_TOO_LARGE] = {413, "body-too-large", "The body is too large",
        "Send fewer windows at once; a body holds at most 64 KiB."},
    [IDEM_PROBLEM_LENGTH_UNCLEAR] = {400, "length-unclear", "Where the body ends can be read twice",
        "Send one Content-Length, or \"Transfer-Encoding: chunked\", and not both."},
    [IDEM_PROBLEM_UNSUPPORTED_MEDIA_TYPE] = {415, "unsupported-media-type", "Not this media type",
        "Send application/json, or application/cbor for windows."},
    [IDEM_PROBLEM_TOO_MANY_SESSIONS] = {429, "too-many-sessions", "Too many sessions are open",
        "Close sessions that are not in use, then try again."},
    [IDEM_PROBLEM_TOO_MANY_FAILURES] = {429, "too-many-failures", "Too many bad tokens",
        "Send a token that is known; others are not looked at for the time in Retry-After."},
    [IDEM_PROBLEM_OVERLOADED] = {503, "overloaded", "The server cannot take more now",
        "Try again after the time in the Retry-After header."},
    [IDEM_PROBLEM_GATE_CLOSED] = {503, "gate-closed", "The gate cannot answer",
        "Let nothing through, and ask again after the time in the Retry-After header."},
    [IDEM_PROBLEM_STORAGE_FULL] = {507, "storage-full", "The disk is full",
        "Make room on the server's disk, then send the same again; nothing of it was taken."},
    [IDEM_PROBLEM_STORAGE_FAILED] = {500, "storage-failed", "The data base failed",
        "Look at the server's log, then send the same again; nothing of it was taken."},
    [IDEM_PROBLEM_TOKEN_EXPIRED] = {401, "token-expired", "The token has had its time",
        "Renew a token before it expires: POST /v1/sessions/{id}/token; a session that has none"
        " left is over for whoever has no key to sign with."},
    [IDEM_PROBLEM_COUNTER_USED] = {409, "counter-used", "This was signed before",
        "Sign again with a higher counter."},
    [IDEM_PROBLEM_SIGNATURE_WRONG] = {403, "signature-wrong", "The signature does not hold",
        "Sign with the key that the seat registered, over what docs/seats.md says."},
    [IDEM_PROBLEM_CHAIN_BROKEN] = {409, "chain-broken", "The windows do not follow the last one",
        "Send windows in their order, none left out, each batch with the link before it."},
    [IDEM_PROBLEM_CHALLENGE_EXPIRED] = {409, "challenge-expired", "The challenge is not good",
        "Fetch a new one from POST /v1/challenge and sign it within a minute."},
    [IDEM_PROBLEM_CHALLENGE_USED] = {409, "challenge-used", "The challenge was answered before",
        "Fetch a new one from POST /v1/challenge; each opens one session."},
    [IDEM_PROBLEM_CODE_UNKNOWN] = {403, "code-unknown", "There is no such enrolment code",
        "Compare it with what the operator was given, or ask for another one."},
    [IDEM_PROBLEM_CODE_USED] = {409, "code-used", "The enrolment code has been used",
        "If it was not you, tell the operator: somebody else has registered with it."},
    [IDEM_PROBLEM_CODE_EXPIRED] = {410, "code-expired", "The enrolment code has expired",
        "Ask the operator for another one: idem seat add NAME --again."},
    [IDEM_PROBLEM_KEY_TAKEN] = {409, "key-taken", "The key is another seat's",
        "Make a new key: each seat has its own."},
    [IDEM_PROBLEM_NAME_TAKEN] = {409, "name-taken", "There is one of this name",
        "Choose another name; for a seat's new code say \"again\"."},
    [IDEM_PROBLEM_SEAT_ENROLLED] = {409, "seat-enrolled", "The seat speaks for itself",
        "Only its own key opens sessions on an enrolled seat; name another one."},
    [IDEM_PROBLEM_SEAT_REVOKED] = {403, "seat-revoked", "The seat may not send any more",
        "Ask the operator to enrol it again."},
    [IDEM_PROBLEM_SEAT_CLONED] = {409, "seat-cloned", "The seat is in two places",
        "One of them is a copy: tell the operator, who revokes the seat or enrols it anew."},
    [IDEM_PROBLEM_NO_SUCH_SEAT] = {404, "no-such-seat", "There is no such seat",
        "List the seats that there are."},
    [IDEM_PROBLEM_NO_SUCH_KEY] = {404, "no-such-key", "There is no such API key",
        "List the keys that there are."},
    [IDEM_PROBLEM_KEY_FROM_PAGE] = {403, "key-from-page", "An API key does not belong in a page",
        "Take the key out of the page and revoke it: whoever saw the page has it."},
    [IDEM_PROBLEM_UNLOCK_NOT_COUNTED] = {403, "unlock-not-counted", "Unlocking the seat is not enough",
        "Have an operator unlock the session, or authenticate strongly to an application."},
    [IDEM_PROBLEM_TOO_MANY_STATEMENTS] = {429, "too-many-statements", "The seat says too much at once",
        "Say it again after the time in the Retry-After header, with a higher counter."},
    [IDEM_PROBLEM_PAUSE_NOT_ALLOWED] = {403, "pause-not-allowed", "The session cannot be paused now",
        "Go on; where strong authentication is asked for, that comes first."},
    [IDEM_PROBLEM_SESSION_PAUSED] = {409, "session-paused", "The session is paused",
        "Collect nothing, and send what is left from before when the pause is over."},
};
/* clang-format on */

unsigned idem_problem_status(enum idem_problem problem)
{
    return rows[problem].status;
}

void idem_problem_json(struct idem_text *t, enum idem_problem problem, const char *detail)
{
    const struct row *row = &rows[problem];

    idem_text_fmt(t, "{\"type\":\"/problems/%s\",\"title\":", row->name);
    idem_text_string(t, row->title);
    idem_text_fmt(t, ",\"status\":%u,\"detail\":", row->status);
    idem_text_string(t, detail);
    idem_text_put(t, ",\"action\":");
    idem_text_string(t, row->action);
    idem_text_put(t, "}");
}

enum idem_problem idem_problem_of_store(int err)
{
    return err == IDEM_ERR_FULL ? IDEM_PROBLEM_STORAGE_FULL : IDEM_PROBLEM_STORAGE_FAILED;
}
