/* SPDX-License-Identifier: Apache-2.0 */
/* policing.c - see policing.h. */
#include "server/policing.h"

#include "base/log.h"
#include "model/false_alarms.h"
#include "server/acknowledgement.h"
#include "server/clock.h"
#include "server/porter.h"
#include "server/request.h"
#include "server/worker_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ reading */

static int complain(const char *path, const char *why)
{
    idem_log(IDEM_LOG_ERROR, "config: %s: %s", path, why);
    return IDEM_ERR_IO;
}

/* A byte more than a policy may have, so that one that is too large is refused as such. */
static int slurp(const char *path, char **text, size_t *len)
{
    enum { MOST = IDEM_YAML_BYTES_MAX + 1 };
    struct stat st;
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return complain(path, strerror(errno));
    char *bytes = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? malloc(MOST) : NULL;
    for (*len = 0; bytes != NULL && *len < MOST; *len += (size_t)n)
        if ((n = read(fd, bytes + *len, MOST - *len)) <= 0)
            break;
    close(fd);
    if (bytes == NULL || n < 0) {
        free(bytes);
        return complain(path, "cannot be read, or is not a file");
    }
    *text = bytes;
    return IDEM_OK;
}

int idem_policing_load(const char *path, bool demo, struct idem_policy **out)
{
    char line[IDEM_YAML_FAULT_TEXT], *own = NULL;
    struct idem_yaml_fault fault;
    size_t len;
    const char *text = idem_policy_shipped(demo, &len);
    int err = path != NULL ? slurp(path, &own, &len) : IDEM_OK;

    if (err != 0)
        return err;
    err = idem_policy_parse(own != NULL ? own : text, len, path != NULL ? path : "shipped policy",
                            idem_clock_ms(), out, &fault);
    free(own);
    if (err != 0) {
        idem_log(IDEM_LOG_ERROR, "config: %s", idem_yaml_fault_text(&fault, line));
        return err;
    }
    for (uint32_t i = 0; path != NULL && i < idem_policy_warnings(*out); i++)
        idem_log(IDEM_LOG_INFO, "config: %s",
                 idem_yaml_fault_text(idem_policy_warning(*out, i), line));
    return IDEM_OK;
}

/* ------------------------------------------------------------------ whose rules */

static void assign(struct idem_worker *w, struct idem_session *s)
{
    const int64_t now = idem_clock_ms(); /* exemptions end by the calendar, not by a test's clock */
    const struct idem_policy_subject subject = {
        .organisation = idem_organisations_name(w->parts.organisations, s->person->organisation),
        .site = s->opening.site,
        .country = s->opening.country,
        .job = s->opening.job,
        .person = s->person->name,
    };
    const struct idem_policy_exemption *e = idem_policy_exemption(w->policy, s->person->name, now);

    s->policy = w->policy;
    s->rules = idem_policy_rules(w->policy, &subject, now);
    if (e != NULL)
        s->rules_until_ms = e->until_ms;
}

void idem_policing_assign(struct idem_worker *w, struct idem_session *s)
{
    s->rules_until_ms = INT64_MAX;
    if (w->policy != NULL)
        assign(w, s);
    idem_acknowledgement_assign(w, s);
}

/* ------------------------------------------------------------------ a new one */

void idem_policing_offer(struct idem_worker *w, struct idem_policy *policy)
{
    idem_policy_unref(atomic_exchange(&w->offered, policy));
}

static int write_change(struct idem_worker *w, const struct idem_policy *policy)
{
    json_t *detail =
        json_pack("{s:s, s:s, s:i}", "id", idem_policy_id(policy), "file", idem_policy_name(policy),
                  "warnings", (int)idem_policy_warnings(policy));
    const struct idem_audit_line line = {.at_ms = idem_clock_ms(),
                                         .actor = "system",
                                         .action = "policy.taken",
                                         .detail = detail,
                                         .important = true};
    int err = detail != NULL ? idem_audit_write(w, &line) : IDEM_ERR_NOMEM;

    json_decref(detail);
    return err;
}

void idem_policing_again(struct idem_worker *w, struct idem_session *s)
{
    idem_policing_assign(w, s);
    if (s->closed)
        return;
    idem_judge_anew(s, s->test_clock ? s->clock_ms : w->now_ms);
    idem_worker_changed(w, s);
    idem_worker_unsaved(w, s);
}

void idem_policing_end(struct idem_worker *w, struct idem_session *s)
{
    if (!s->closed && s->stands.action == IDEM_GUARD_END_SESSION)
        idem_lifecycle_end(w, s); /* what could not be written is tried again by the sweep */
}

/* The policy check sees one file; here both are known. */
static void warn_of_words(const struct idem_policy *before, const struct idem_policy *policy)
{
    const struct idem_policy_acknowledgement *now, *then;
    uint8_t old[IDEM_POLICY_HASH], fresh[IDEM_POLICY_HASH];

    for (uint32_t i = 0; (now = idem_policy_acknowledgement_at(policy, i)) != NULL; i++) {
        then = idem_policy_acknowledgement(before, now->country);
        if (strcmp(then->country, now->country) != 0 || strcmp(then->version, now->version) != 0)
            continue;
        idem_policy_acknowledgement_hash(then, old);
        idem_policy_acknowledgement_hash(now, fresh);
        if (memcmp(old, fresh, sizeof old) != 0)
            idem_log(IDEM_LOG_ERROR,
                     "config: %s:%u: the text to be acknowledged (%s) was changed under the same "
                     "version \"%s\": it is taken as a new one, and everybody is asked again",
                     idem_policy_name(policy), (unsigned)now->line, now->country, now->version);
    }
}

static void take(struct idem_worker *w, struct idem_policy *policy)
{
    struct idem_policy *before = w->policy;

    if (before != NULL)
        warn_of_words(before, policy);
    w->policy = policy;
    w->policy_since_ms = w->now_ms;
    idem_porter_policy(w->parts.porter, policy);
    for (int32_t slot = 0; slot < IDEM_SESSION_SLOTS_MAX; slot++)
        if (idem_sessions_at(w->sessions, slot) != NULL)
            idem_policing_again(w, idem_sessions_at(w->sessions, slot));
    idem_worker_save(w);
    idem_log(IDEM_LOG_INFO, "the policy %s is in force, id %s", idem_policy_name(policy),
             idem_policy_id(policy));
    idem_policy_unref(before);
}

void idem_policing_tick(struct idem_worker *w)
{
    struct idem_policy *none = NULL;
    struct idem_policy *policy = atomic_exchange(&w->offered, NULL);

    if (policy == NULL)
        return;
    if (write_change(w, policy) == 0)
        take(w, policy);
    else if (!atomic_compare_exchange_strong(&w->offered, &none, policy))
        idem_policy_unref(policy); /* a newer one has come meanwhile */
}

void idem_policing_started(struct idem_worker *w)
{
    w->policy_since_ms = idem_clock_ms();
    if (w->policy != NULL)
        write_change(w, w->policy);
}

/* ------------------------------------------------------------------ GET /v1/policy */

enum { ANSWER_MAX = IDEM_POLICY_JSON_MAX + 2 * IDEM_YAML_BYTES_MAX + 4096 };

static const char *wanted(const struct idem_command *c, const char *name)
{
    const char *text = json_string_value(json_object_get(c->json, name));
    return text != NULL ? text : "";
}

/* Whether another organisation's person is exempted is nobody's business here. */
static const char *person_wanted(struct idem_worker *w, const struct idem_command *c)
{
    const char *name = wanted(c, "person");
    struct idem_store *store = w->parts.store;
    uint8_t id[IDEM_ID_BYTES];

    if (idem_public_id_parse("p_", name, id) != 0 ||
        (c->grant.organisation != IDEM_ORGANISATION_ANY &&
         store->ops->person_find(store, c->grant.organisation, id) != 0))
        return "";
    return name;
}

static const struct idem_policy_rules *rules_wanted(struct idem_worker *w,
                                                    const struct idem_command *c)
{
    const struct idem_policy_subject subject = {
        .organisation = idem_organisations_name(w->parts.organisations, c->grant.organisation),
        .site = wanted(c, "site"),
        .country = wanted(c, "country"),
        .job = wanted(c, "job"),
        .person = person_wanted(w, c),
    };
    return idem_policy_rules(w->policy, &subject, c->received_ms);
}

/* The file speaks of every organisation: where there are several, nobody reads of another's. The
 * demonstration's is in every data base, and nobody of it reads beside others. */
static bool may_read_text(struct idem_worker *w, const struct idem_command *c)
{
    const struct idem_organisations *all = w->parts.organisations;

    for (uint32_t i = 0; i < idem_organisations_count(all); i++) {
        const int64_t row = idem_organisations_at(all, i);
        if (row != c->grant.organisation && c->grant.organisation != IDEM_ORGANISATION_ANY &&
            strcmp(idem_organisations_name(all, row), "demo") != 0)
            return false;
    }
    return true;
}

static void put_retention(struct idem_text *t, const struct idem_policy_retention *r)
{
    idem_text_fmt(t,
                  ",\"retention\":{\"closed_sessions_hours\":%lld,\"windows_hours\":%lld,"
                  "\"audit_detail_days\":%lld,\"gate_records_days\":%lld}",
                  (long long)(r->closed_sessions_ms / 3600000),
                  (long long)(r->windows_ms / 3600000), (long long)(r->audit_detail_ms / 86400000),
                  (long long)(r->gate_records_ms / 86400000));
}

static void get(struct idem_worker *w, struct idem_command *c)
{
    struct idem_text *t = &c->answer;
    size_t len;

    c->status = 200;
    idem_text_fmt(t, "{\"id\":\"%s\",\"since\":", idem_policy_id(w->policy));
    idem_text_time(t, w->policy_since_ms);
    idem_text_put(t, ",\"file\":");
    idem_text_string(t, idem_policy_name(w->policy));
    idem_text_put(t, ",\"thresholds_from\":");
    idem_text_string(t, idem_false_alarms_recording());
    put_retention(t, idem_policy_retention(w->policy));
    idem_text_put(t, ",\"rules\":");
    idem_policy_rules_json(t, rules_wanted(w, c));
    idem_text_put(t, ",\"text\":");
    if (may_read_text(w, c))
        idem_text_string(t, idem_policy_text(w->policy, &len));
    else
        idem_text_put(t, "null");
    idem_text_put(t, "}");
    c->done(c, false);
}

void idem_policing_get(struct idem_request *r)
{
    static const char *const names[] = {"site", "country", "job", "person"};

    if (!idem_request_big_answer(r, ANSWER_MAX))
        return;
    r->command.json = json_object();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = idem_request_argument(r, names[i]);
        if (value != NULL &&
            json_object_set_new(r->command.json, names[i], json_string(value)) != 0) {
            idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"%s\" must be UTF-8", names[i]);
            return;
        }
    }
    idem_request_call(r, get);
}
