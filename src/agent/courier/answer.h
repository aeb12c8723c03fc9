/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h - one answer of an HTTP/1.1 server, read as its bytes come in (libhttp-parser), with a
 * limit on everything that the peer decides: the head, the body, the fields that are looked at.
 *
 * Cases: a body of known length, chunked, up to the end of the connection, none (204, 304); half an
 * answer; garbage; a head without end; a body that is longer than it may be or than it said; bytes
 * behind the answer (nobody asked: the connection is not used again); 1xx (never asked for:
 * refused).
 */
#ifndef IDEM_AGENT_COURIER_ANSWER_H
#define IDEM_AGENT_COURIER_ANSWER_H

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IDEM_ANSWER_MAX = 64 * 1024, /* a usual body's bytes */
    IDEM_ANSWER_HEAD_MAX = 16 * 1024,
    IDEM_ANSWER_ETAG_MAX = 72,
    IDEM_ANSWER_FIELD_MAX = 24,   /* of a field's name that is looked at */
    IDEM_ANSWER_RETRY_MAX = 3600, /* seconds that a server may ask to be left alone */
};

struct idem_answer_reader {
    http_parser parser;
    size_t limit, head, len, cap;
    char *body; /* ended by a nought; NULL while there is none */
    int status, err;
    char field[IDEM_ANSWER_FIELD_MAX], etag[IDEM_ANSWER_ETAG_MAX], retry_after[12];
    uint32_t field_len;
    bool in_value, whole, extra;
};

/* limit: of the body. */
void idem_answer_begin(struct idem_answer_reader *r, size_t limit);
/* IDEM_ERR_FORMAT: no HTTP, or more than was asked for; IDEM_ERR_LIMIT: too long; IDEM_ERR_NOMEM.
 * After a failure and after r->whole nothing is to be fed. */
int idem_answer_feed(struct idem_answer_reader *r, const void *bytes, size_t len);
/* The connection has ended. IDEM_ERR_TRUNCATED unless that is how the answer ends. */
int idem_answer_ended(struct idem_answer_reader *r);
/* May the connection be used again? */
bool idem_answer_keeps(const struct idem_answer_reader *r);
/* Seconds, 0: nothing was said. */
uint32_t idem_answer_retry_after(const struct idem_answer_reader *r);
void idem_answer_free(struct idem_answer_reader *r);

#endif
