/* SPDX-License-Identifier: Apache-2.0 */
/* control_parts.h - what the files of the local socket share. Private to control*.c. */
#ifndef IDEM_AGENT_COURIER_CONTROL_PARTS_H
#define IDEM_AGENT_COURIER_CONTROL_PARTS_H

#include "agent/courier/control.h"
#include "wire/text.h"

enum idem_control_who { IDEM_BY_ANYBODY, IDEM_BY_PERSON, IDEM_BY_ROOT };

enum idem_control_who idem_control_who(enum idem_control_request request);
/* "acknowledge" */
const char *idem_control_request_name(enum idem_control_request request);

/* One line each, its end included. A window that says more than fits sets t->full. */
void idem_control_put_window(struct idem_text *t, const struct idem_front *front,
                             const struct idem_window *window, uint32_t seq, bool waiting);
void idem_control_put_alarm(struct idem_text *t, const struct idem_alarm_message *alarm);
void idem_control_put_refusal(struct idem_text *t, const char *error, const char *message);

/* ------------------------------------------------------------------ connections */

struct idem_control_peer {
    struct idem_control *control;
    struct idem_watch watch; /* fd -1: free */
    uid_t uid;
    int64_t since_us;               /* its last request, answer or the accepting */
    uint32_t ticket;                /* it waits for, or 0 */
    bool watching, ending, reading; /* reading: in read_on() */
    size_t in_len;
    char *out; /* what the kernel would not take yet, or NULL */
    size_t out_len, out_sent;
    char in[IDEM_CONTROL_REQUEST_MAX + 1];
};

struct idem_control {
    struct idem_loop *loop;
    struct idem_control_calls calls;
    void *arg;
    struct idem_watch listening;
    struct idem_timer timer;
    bool seated;
    uid_t person;
    uint32_t tickets;
    struct idem_control_status told; /* to watchers */
    struct idem_control_peer peers[IDEM_CONTROL_CONNECTIONS];
    char line[IDEM_CONTROL_ANSWER_MAX];
};

/* Room for one line, the same for all. */
static inline struct idem_text idem_control_line(struct idem_control *c)
{
    return (struct idem_text){c->line, 0, sizeof c->line, false};
}

/* What cannot be written at once is kept; who is a line behind is dropped (watch.fd -1). */
void idem_control_say(struct idem_control_peer *p, const struct idem_text *t);
void idem_control_say_object(struct idem_control_peer *p, json_t *object); /* takes it over */
/* Sets what the loop waits for, after something was said. */
void idem_control_expect(struct idem_control_peer *p);
/* The status with one more member, a new object or NULL. value is taken over. */
json_t *idem_control_status_of(struct idem_control *c, enum idem_control_audience audience,
                               const char *kind, json_t *value);
void idem_control_begin_watch(struct idem_control_peer *p);

#endif
