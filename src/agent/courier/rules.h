/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - what the server says in its answers, as plain data: the rules that a seat goes by, and
 * what stands of a session. JSON of a peer: every number has a range, every list a length, and
 * what is missing is as in the shipped policy, so that a newer courier works with an older server.
 */
#ifndef IDEM_AGENT_COURIER_RULES_H
#define IDEM_AGENT_COURIER_RULES_H

#include <jansson.h>

#include "agent/message.h"

enum {
    IDEM_POLICY_ID_MAX = 65,
    IDEM_LEVEL_NAME_MAX = 16,
    IDEM_WORD_MAX = 32,
    IDEM_PROBLEM_TEXT_MAX = 256,
};

struct idem_rules {
    bool fail_closed;
    uint32_t fail_after_s;
    bool unlock_counts, pause_allowed;
    uint32_t pause_at_most_s;
    bool exempt_behaviour, exempt_guard;
    char level[IDEM_LEVEL_NAME_MAX];       /* of privacy, "" when not said */
    struct idem_settings_message settings; /* guard off where exempted; collect 0 */
};

/* As of the shipped policy. */
void idem_rules_default(struct idem_rules *out);
/* object: the answer to an opening, or to a question for the rules. IDEM_ERR_INVALID: a member is
 * not what it should be; *out is untouched. */
int idem_rules_parse(const json_t *object, struct idem_rules *out);
/* The members of object that idem_rules_parse() looks at, as a new object to be kept; NULL: no
 * memory. */
json_t *idem_rules_copy(const json_t *object);

/* What stands of a session, from its object. */
struct idem_standing {
    bool stands;
    enum idem_agent_action action; /* OBSERVE unless it stands */
    int cut_off;                   /* enum idem_modality, or -1 */
    bool closed;
    char state[IDEM_WORD_MAX], cause[IDEM_WORD_MAX];
    char policy[IDEM_POLICY_ID_MAX];
    char text[IDEM_PROBLEM_TEXT_MAX]; /* why, in the server's words, or "" */
};

/* IDEM_ERR_INVALID: it is no session object. */
int idem_standing_parse(const json_t *session, struct idem_standing *out);

/* A problem document: its name without "/problems/", and its detail. Both "" when it is none. */
struct idem_problem_said {
    char name[IDEM_WORD_MAX], detail[IDEM_PROBLEM_TEXT_MAX];
};

void idem_problem_parse(const char *body, size_t len, struct idem_problem_said *out);

/* A member's text in a buffer of that size; false: there is none that fits, and *out is "". */
bool idem_json_copy(const json_t *object, const char *name, char *out, size_t cap);

#endif
