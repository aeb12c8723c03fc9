/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain.c - hashes of lines, and the check of a whole log; see chain.h.
 *
 * The check goes through the log once. Blanked lines and what covers them are gathered as ranges
 * and compared at the end, since a cover comes after what it covers. Heads are sorted, so that the
 * earliest one that does not fit is told: nothing up to the head before it was touched.
 */
#include "store/chain.h"

#include "store/cover.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

struct range {
    int64_t first, last;
    int64_t hour; /* in which a blanked line was written */
};

struct ranges {
    struct range *at;
    size_t count, cap;
};

struct idem_chain_check {
    struct idem_chain_head head;
    struct idem_chain_head *heads;
    size_t head_count, next_head;
    struct ranges blanks, covers;
    char log[IDEM_CHAIN_NAME_MAX + 1];
    bool has_key;
    uint8_t key[IDEM_HEAD_PUBLIC];
    idem_chain_cover_fn *tell;
    void *tell_arg;
    int64_t blanked;
    char fault[IDEM_CHAIN_FAULT_MAX];
};

/* ------------------------------------------------------------------ arithmetic */

static const char origin_mark[] = "idem log", body_mark[] = "idem body", line_mark[] = "idem line";

static void put_number(crypto_generichash_state *state, int64_t number)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((uint64_t)number >> (8 * i));
    crypto_generichash_update(state, bytes, sizeof bytes);
}

/* The mark with its nought: no input of one kind can be one of another. */
static void start(crypto_generichash_state *state, const char *mark)
{
    crypto_generichash_init(state, NULL, 0, IDEM_CHAIN_HASH);
    crypto_generichash_update(state, (const uint8_t *)mark, strlen(mark) + 1);
}

void idem_chain_origin(const char *log, struct idem_chain_head *out)
{
    crypto_generichash_state state;

    start(&state, origin_mark);
    crypto_generichash_update(&state, (const uint8_t *)log, strlen(log));
    crypto_generichash_final(&state, out->hash, IDEM_CHAIN_HASH);
    out->seq = 0;
}

void idem_chain_body_hash(const uint8_t salt[IDEM_CHAIN_SALT], const char *body, size_t len,
                          uint8_t out[IDEM_CHAIN_HASH])
{
    crypto_generichash_state state;

    start(&state, body_mark);
    crypto_generichash_update(&state, salt, IDEM_CHAIN_SALT);
    crypto_generichash_update(&state, (const uint8_t *)body, len);
    crypto_generichash_final(&state, out, IDEM_CHAIN_HASH);
}

void idem_chain_link(const struct idem_chain_head *before, struct idem_chain_line *line)
{
    crypto_generichash_state state;

    start(&state, line_mark);
    crypto_generichash_update(&state, before->hash, IDEM_CHAIN_HASH);
    put_number(&state, line->seq);
    put_number(&state, line->at_ms);
    put_number(&state, line->organisation);
    crypto_generichash_update(&state, line->body_hash, IDEM_CHAIN_HASH);
    crypto_generichash_final(&state, line->hash, IDEM_CHAIN_HASH);
}

/* ------------------------------------------------------------------ ranges */

static int add_range(struct ranges *r, int64_t first, int64_t last, int64_t hour)
{
    if (r->count > 0 && r->at[r->count - 1].last + 1 == first && r->at[r->count - 1].hour == hour) {
        r->at[r->count - 1].last = last;
        return IDEM_OK;
    }
    if (r->count == IDEM_CHAIN_RANGES_MAX)
        return IDEM_ERR_LIMIT;
    if (r->count == r->cap) {
        size_t cap = r->cap == 0 ? 64 : 2 * r->cap;
        struct range *at = realloc(r->at, cap * sizeof *at);
        if (at == NULL)
            return IDEM_ERR_NOMEM;
        r->at = at;
        r->cap = cap;
    }
    r->at[r->count++] = (struct range){first, last, hour};
    return IDEM_OK;
}

static int by_first(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* The first number of the sorted blanks that no cover holds, 0: all are held. */
static int64_t first_uncovered(const struct ranges *blanks, struct ranges *covers)
{
    size_t c = 0;
    int64_t held = 0; /* covered without a gap from where we are, up to this */

    if (covers->count > 0)
        qsort(covers->at, covers->count, sizeof covers->at[0], by_first);
    for (size_t b = 0; b < blanks->count; b++) {
        int64_t need = blanks->at[b].first;
        while (need <= blanks->at[b].last) {
            while (c < covers->count && covers->at[c].first <= need) {
                held = covers->at[c].last > held ? covers->at[c].last : held;
                c++;
            }
            if (held < need)
                return need;
            need = held + 1;
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ the check */

static int by_seq(const void *a, const void *b)
{
    const struct idem_chain_head *x = a, *y = b;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

int idem_chain_check_new(const char *log, const struct idem_chain_head *heads, size_t count,
                         struct idem_chain_check **out)
{
    struct idem_chain_check *c = calloc(1, sizeof *c);

    if (c == NULL || (c->heads = calloc(count + 1, sizeof *heads)) == NULL) {
        free(c);
        return IDEM_ERR_NOMEM;
    }
    snprintf(c->log, sizeof c->log, "%s", log);
    idem_chain_origin(log, &c->head);
    c->head_count = count;
    if (count > 0) {
        memcpy(c->heads, heads, count * sizeof *heads);
        qsort(c->heads, count, sizeof *heads, by_seq);
    }
    *out = c;
    return IDEM_OK;
}

void idem_chain_check_free(struct idem_chain_check *check)
{
    if (check == NULL)
        return;
    free(check->heads);
    free(check->blanks.at);
    free(check->covers.at);
    free(check);
}

__attribute__((format(printf, 2, 3))) static int fault(struct idem_chain_check *c, const char *fmt,
                                                       ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(c->fault, sizeof c->fault, fmt, args);
    va_end(args);
    return IDEM_ERR_FORMAT;
}

void idem_chain_check_key(struct idem_chain_check *check, const uint8_t *public_key)
{
    check->has_key = true;
    memcpy(check->key, public_key, sizeof check->key);
}

void idem_chain_check_covers(struct idem_chain_check *check, idem_chain_cover_fn *fn, void *arg)
{
    check->tell = fn;
    check->tell_arg = arg;
}

/* A cover names earlier lines only. */
static int take_ranges(struct idem_chain_check *c, const struct idem_cover *cover, int64_t seq)
{
    for (uint32_t i = 0; i < cover->count; i++) {
        const int64_t first = cover->ranges[i][0], last = cover->ranges[i][1];
        if (first < 1 || last < first || last >= seq)
            return fault(c, "line %" PRId64 " says that lines were blanked which it cannot know",
                         seq);
        int err = add_range(&c->covers, first, last, 0);
        if (err != 0)
            return err;
    }
    return IDEM_OK;
}

/* By age: what was blanked up to there was as old as that. A line of a time to come, from a clock
 * that was wrong for a while, goes with those around it (idem_chain_before). */
static int check_ages(struct idem_chain_check *c, const struct idem_cover *cover,
                      const struct idem_chain_line *line)
{
    if (strcmp(cover->reason, IDEM_COVER_RETENTION) != 0)
        return IDEM_OK;
    for (size_t i = 0; i < c->blanks.count && c->blanks.at[i].first <= cover->ranges[0][1]; i++) {
        const int64_t at_ms = c->blanks.at[i].hour * HOUR_MS;
        if (at_ms >= cover->before_ms && at_ms + HOUR_MS <= line->at_ms + DAY_MS)
            return fault(c,
                         "line %" PRId64 " was blanked by line %" PRId64 " as too old and was not",
                         c->blanks.at[i].first, line->seq);
    }
    return IDEM_OK;
}

static int take_cover(struct idem_chain_check *c, const json_t *detail,
                      const struct idem_chain_line *line)
{
    const struct idem_cover_place place = {c->log, c->head, line->at_ms};
    struct idem_cover cover;

    if (idem_cover_parse(detail, &cover) != 0)
        return fault(c, "line %" PRId64 " says that lines were blanked, but not which and why",
                     line->seq);
    int err = take_ranges(c, &cover, line->seq);
    if (err != 0)
        return err;
    if (!c->has_key)
        return fault(c,
                     "line %" PRId64 " says that lines were blanked; without the public key "
                     "nobody knows whether the server wrote it",
                     line->seq);
    if (idem_cover_verify(&place, &cover, c->key) != 0)
        return fault(c, "line %" PRId64 " says that lines were blanked and is not signed by the %s",
                     line->seq, cover.is_signed ? "key, or not for this place" : "server");
    if ((err = check_ages(c, &cover, line)) == 0 && c->tell != NULL)
        c->tell(c->tell_arg, line->seq, line->at_ms, &cover);
    return err;
}

static int take_body(struct idem_chain_check *c, const struct idem_chain_line *line)
{
    json_t *body = json_loadb(line->body, line->len, JSON_REJECT_DUPLICATES, NULL);
    const char *action = json_string_value(json_object_get(body, "action"));
    int err = IDEM_OK;

    if (!json_is_object(body))
        err = fault(c, "line %" PRId64 " does not say anything readable", line->seq);
    else if (action != NULL && strcmp(action, IDEM_COVER_ACTION) == 0)
        err = take_cover(c, json_object_get(body, "detail"), line);
    json_decref(body);
    return err;
}

/* Is what the line says what its hash was made of? */
static int check_body(struct idem_chain_check *c, const struct idem_chain_line *line)
{
    uint8_t hash[IDEM_CHAIN_HASH];

    if (line->body == NULL) {
        c->blanked++;
        return add_range(&c->blanks, line->seq, line->seq, line->at_ms / HOUR_MS);
    }
    idem_chain_body_hash(line->salt, line->body, line->len, hash);
    if (memcmp(hash, line->body_hash, sizeof hash) != 0)
        return fault(c, "line %" PRId64 " was changed", line->seq);
    return take_body(c, line);
}

static int check_heads(struct idem_chain_check *c)
{
    while (c->next_head < c->head_count && c->heads[c->next_head].seq <= c->head.seq) {
        const struct idem_chain_head *h = &c->heads[c->next_head];
        if (h->seq == c->head.seq && memcmp(h->hash, c->head.hash, sizeof h->hash) != 0)
            return fault(c,
                         "line %" PRId64 " or one before it was rewritten: the signed head of that "
                         "line is another (lines up to %" PRId64 " fit theirs)",
                         h->seq, c->next_head > 0 ? c->heads[c->next_head - 1].seq : 0);
        c->next_head++;
    }
    return IDEM_OK;
}

int idem_chain_check_line(struct idem_chain_check *check, const struct idem_chain_line *line)
{
    struct idem_chain_line again = *line;
    int err;

    if (check->fault[0] != '\0')
        return IDEM_ERR_FORMAT;
    if (line->seq > check->head.seq + 1)
        return fault(check, "line %" PRId64 " is missing", check->head.seq + 1);
    if (line->seq != check->head.seq + 1)
        return fault(check, "line %" PRId64 " is out of its place", line->seq);
    if ((err = check_body(check, line)) != 0)
        return err;
    idem_chain_link(&check->head, &again);
    if (memcmp(again.hash, line->hash, sizeof again.hash) != 0)
        return fault(check, "line %" PRId64 " was changed, or the one before it was", line->seq);
    check->head.seq = line->seq;
    memcpy(check->head.hash, line->hash, sizeof line->hash);
    return check_heads(check);
}

int idem_chain_check_end(struct idem_chain_check *check)
{
    if (check->fault[0] != '\0')
        return IDEM_ERR_FORMAT;
    if (check->next_head < check->head_count) {
        int64_t first = check->head.seq + 1, last = check->heads[check->head_count - 1].seq;
        return fault(check, "the end is missing: lines %" PRId64 " to %" PRId64 " were there",
                     first, last);
    }
    int64_t seq = first_uncovered(&check->blanks, &check->covers);
    if (seq != 0)
        return fault(check, "line %" PRId64 " was blanked and no later line says why", seq);
    return IDEM_OK;
}

const char *idem_chain_check_fault(const struct idem_chain_check *check)
{
    return check->fault;
}

struct idem_chain_head idem_chain_check_head(const struct idem_chain_check *check)
{
    return check->head;
}

int64_t idem_chain_check_blanked(const struct idem_chain_check *check)
{
    return check->blanked;
}
