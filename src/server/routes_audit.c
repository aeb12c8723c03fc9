/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes_audit.c - reading the audit log.
 *
 *   GET /v1/audit        lines of the auditor's organisation and of the installation, oldest first:
 *                        ?log=audit|audit_seats&after=N&limit=N. "next" is the "after" of the next
 *                        page. Reading is itself a line, once an hour and reader; what cannot be
 *                        written down is not shown
 *   GET /v1/audit/head   the heads, signed, and the key's public half
 *   /v1/acknowledgement  acknowledgement.h
 *
 * Lines about seats keep the hour, and are shown when the hour is over: whoever asked every second
 * would otherwise see the second.
 */
#include "server/routes.h"

#include "server/acknowledgement.h"
#include "server/heads.h"
#include "server/worker_parts.h"
#include "store/audit.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINES_DEFAULT = 100,
    LINES_MAX = 500,
    ANSWER_MAX = 256 * 1024,
    LINE_ROOM = IDEM_CHAIN_BODY_MAX + 512, /* what one line takes at most */
};

/* ------------------------------------------------------------------ questions */

static bool take_number(struct idem_request *r, const char *name, int64_t min, int64_t max,
                        int64_t *out)
{
    const char *text = idem_request_argument(r, name);
    char *end;

    if (text == NULL)
        return true;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < min || value > max) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"%s\" must be a number from %lld on",
                            name, (long long)min);
        return false;
    }
    *out = value;
    return true;
}

static bool take_log(struct idem_request *r, int64_t *out)
{
    const char *name = idem_request_argument(r, "log");

    for (enum idem_audit_log log = 0; log < IDEM_AUDIT_LOGS; log++) {
        if (name == NULL || strcmp(name, idem_audit_log_name(log)) == 0) {
            *out = log;
            return true;
        }
    }
    idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                        "\"log\" must be \"audit\" or \"audit_seats\"");
    return false;
}

/* ------------------------------------------------------------------ on the worker */

static bool has_read(struct idem_worker *w, const struct idem_grant *g, int64_t hour)
{
    for (int i = 0; i < IDEM_AUDIT_READERS_MAX; i++) {
        const struct idem_audit_reader *one = &w->audit.readers[i];
        if (one->hour == hour && one->organisation == g->organisation &&
            strcmp(one->actor, g->actor) == 0)
            return true;
    }
    return false;
}

static int note_reading(struct idem_worker *w, const struct idem_command *c)
{
    const struct idem_grant *g = &c->grant;
    const int64_t hour = c->received_ms / IDEM_AUDIT_HOUR_MS;
    const struct idem_audit_line line = {.organisation = g->organisation,
                                         .at_ms = c->received_ms,
                                         .actor = g->actor,
                                         .action = "audit.read"};
    if (has_read(w, g, hour))
        return IDEM_OK;
    int err = idem_audit_write(w, &line);
    if (err != 0)
        return err;
    struct idem_audit_reader *one = &w->audit.readers[w->audit.next_reader];
    w->audit.next_reader = (w->audit.next_reader + 1) % IDEM_AUDIT_READERS_MAX;
    one->organisation = g->organisation;
    one->hour = hour;
    memcpy(one->actor, g->actor, sizeof one->actor);
    return IDEM_OK;
}

struct page {
    struct idem_text *t;
    int64_t next;
    int64_t until_ms; /* lines from then on are not shown yet */
    bool full;
};

static void put_hex(struct idem_text *t, const uint8_t hash[IDEM_CHAIN_HASH])
{
    char text[2 * IDEM_CHAIN_HASH + 1];
    idem_text_string(t, sodium_bin2hex(text, sizeof text, hash, IDEM_CHAIN_HASH));
}

/* A page ends where the answer's room ends; the next one begins there. */
static int put_line(void *arg, const struct idem_chain_line *line)
{
    struct page *p = arg;
    struct idem_text *t = p->t;

    p->full = p->full || t->cap - t->len < LINE_ROOM || line->at_ms >= p->until_ms;
    if (p->full)
        return IDEM_OK;
    idem_text_put(t, t->bytes[t->len - 1] == '[' ? "" : ",");
    idem_text_fmt(t, "{\"seq\":%lld,\"at\":", (long long)line->seq);
    idem_text_time(t, line->at_ms);
    idem_text_fmt(t, ",\"installation\":%s,\"hash\":", line->organisation == 0 ? "true" : "false");
    put_hex(t, line->hash);
    idem_text_put(t, ",\"line\":");
    if (line->body != NULL)
        idem_text_bytes(t, line->body, line->len);
    else
        idem_text_put(t, "null");
    idem_text_put(t, "}");
    p->next = line->seq;
    return IDEM_OK;
}

static int64_t member(const struct idem_command *c, const char *name)
{
    return json_integer_value(json_object_get(c->json, name));
}

static void read_page(struct idem_worker *w, struct idem_command *c)
{
    struct idem_store *store = w->parts.store;
    enum idem_audit_log log = (enum idem_audit_log)member(c, "log");
    struct page page = {.t = &c->answer, .next = member(c, "after"), .until_ms = INT64_MAX};
    int err = note_reading(w, c);

    if (log == IDEM_AUDIT_SEATS_LOG)
        page.until_ms = c->received_ms - c->received_ms % IDEM_AUDIT_HOUR_MS;
    idem_text_fmt(&c->answer, "{\"log\":\"%s\",\"lines\":[", idem_audit_log_name(log));
    if (err == 0)
        err = store->audit->read(store, log, c->grant.organisation, page.next,
                                 (int)member(c, "limit"), put_line, &page);
    idem_text_fmt(&c->answer, "],\"next\":%lld}", (long long)page.next);
    c->status = 200;
    if (err != 0)
        idem_worker_refuse_store(c, err);
    c->done(c, false);
}

static void read_heads(struct idem_worker *w, struct idem_command *c)
{
    char line[IDEM_HEAD_LINE_MAX], key[IDEM_SECRET_TEXT + 1];
    const char *before = "{\"heads\":[";
    struct idem_head head;

    for (enum idem_audit_log log = 0; log < IDEM_AUDIT_LOGS && w->parts.heads != NULL; log++) {
        if (idem_heads_now(w->parts.heads, idem_audit_log_name(log), c->received_ms, &head) != 0)
            continue;
        idem_text_put(&c->answer, before);
        idem_text_bytes(&c->answer, line, idem_head_line(&head, line));
        before = ",";
    }
    if (*before == '{') {
        idem_command_refuse(c, IDEM_PROBLEM_NO_SUCH_ROUTE, "there are no heads yet");
    } else {
        idem_secret_text(idem_heads_public(w->parts.heads), key);
        idem_text_fmt(&c->answer, "],\"key\":\"%s\"}", key);
        c->status = 200;
    }
    c->done(c, false);
}

/* ------------------------------------------------------------------ the routes */

static void get_audit(struct idem_request *r)
{
    int64_t log = 0, after = 0, limit = LINES_DEFAULT;

    if (!take_log(r, &log) || !take_number(r, "after", 0, INT64_MAX, &after) ||
        !take_number(r, "limit", 1, LINES_MAX, &limit))
        return;
    if (!idem_request_big_answer(r, ANSWER_MAX))
        return;
    r->command.json = json_pack("{s:I, s:I, s:I}", "log", (json_int_t)log, "after",
                                (json_int_t)after, "limit", (json_int_t)limit);
    if (r->command.json == NULL)
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "no memory for the question");
    else
        idem_request_call(r, read_page);
}

static void get_head(struct idem_request *r)
{
    idem_request_call(r, read_heads);
}

enum { OWN = IDEM_MAY_SESSION | IDEM_MAY_API_KEY | IDEM_MAY_EMPLOYEE };

/* clang-format off */
static const struct idem_route rows[] = {
    {"GET",    "/v1/audit",           IDEM_MAY_AUDITOR, get_audit},
    {"GET",    "/v1/audit/head",      IDEM_MAY_AUDITOR, get_head},
    {"GET",    "/v1/acknowledgement", OWN, idem_acknowledgement_get},
    {"POST",   "/v1/acknowledgement", OWN, idem_acknowledgement_post},
    {"DELETE", "/v1/acknowledgement", OWN, idem_acknowledgement_delete},
};
/* clang-format on */

const struct idem_route_table idem_routes_audit = IDEM_ROUTE_TABLE(rows);
