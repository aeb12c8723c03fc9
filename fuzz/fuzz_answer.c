/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_answer.c - any bytes as a server's answer to the courier: refused or read, the same whatever
 * the pieces it comes in, never longer than it may be. What is read goes on as rules, as a session
 * object and as a problem document.
 */
#include "agent/courier/answer.h"
#include "agent/courier/rules.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 4096 };

static void require(bool held)
{
    if (!held)
        abort();
}

static int read_in(struct idem_answer_reader *r, const uint8_t *data, size_t size, size_t piece)
{
    int err = 0;

    idem_answer_begin(r, LIMIT);
    for (size_t at = 0; at < size && err == 0 && !r->whole; at += piece)
        err = idem_answer_feed(r, data + at, size - at < piece ? size - at : piece);
    return err == 0 && !r->whole ? idem_answer_ended(r) : err;
}

static void as_objects(const char *body, size_t len)
{
    struct idem_problem_said problem;
    struct idem_standing standing;
    struct idem_rules rules;
    json_t *doc = json_loadb(body, len, 0, NULL);

    idem_problem_parse(body, len, &problem);
    if (idem_rules_parse(doc, &rules) == 0)
        require(idem_message_check(&rules.settings, sizeof rules.settings, 0, 'c', 's'));
    idem_standing_parse(json_object_get(doc, "session"), &standing);
    json_decref(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct idem_answer_reader whole, pieces;
    int first = read_in(&whole, data, size, size + 1);
    int second = read_in(&pieces, data, size, 3);

    require((first == 0) == (second == 0) || whole.head > 0 || pieces.head > 0);
    require(whole.len <= LIMIT && pieces.len <= LIMIT);
    if (first == 0 && second == 0) {
        require(whole.status == pieces.status && whole.len == pieces.len);
        require(whole.len == 0 || memcmp(whole.body, pieces.body, whole.len) == 0);
        as_objects(whole.body != NULL ? whole.body : "", whole.len);
    }
    idem_answer_free(&whole);
    idem_answer_free(&pieces);
    return 0;
}
