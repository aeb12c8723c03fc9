/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes_access.c - log-ins and accounts: bodies into visits (visit.h), and who may call what. A
 * field that no row names is refused.
 */
#include "server/routes.h"

#include "server/bodies.h"
#include "server/dossier.h"
#include "server/http.h"
#include "server/oidc_login.h"
#include "server/people_access.h"
#include "server/visit.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* For answers that log in or out. */
static void give_cookie(struct idem_request *r, struct idem_visit *v)
{
    r->inline_cookie[0] = '\0';
    r->set_cookie = v->cookie = r->inline_cookie;
}

/* ------------------------------------------------------------------ fields */

enum field_kind {
    FIELD_NAME,         /* printable */
    FIELD_SECRET,       /* anything without a nought; wiped in the body */
    FIELD_ORGANISATION, /* [a-z0-9-]{1,64} */
    FIELD_ROLES,
    FIELD_BOOLEAN,
    FIELD_PERSON,
};

struct field {
    const char *name;
    enum field_kind kind;
    bool needed;
    size_t at, cap; /* where in the visit */
};

#define FIELD(name, kind, needed, member)                                                          \
    {                                                                                              \
        name, kind, needed, offsetof(struct idem_visit, member),                                   \
            sizeof(((struct idem_visit *)0)->member)                                               \
    }

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if ((uint8_t)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static bool take_text(const struct field *f, json_t *value, char *out)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);

    if (text == NULL || len == 0 || len >= f->cap ||
        (f->kind == FIELD_NAME && !is_printable(text)) ||
        (f->kind == FIELD_ORGANISATION && !idem_organisation_good(text)))
        return false;
    memcpy(out, text, len + 1);
    if (f->kind == FIELD_SECRET)
        sodium_memzero((char *)(uintptr_t)text, len);
    return true;
}

static bool take_roles(json_t *value, unsigned *out)
{
    unsigned roles = 0;

    if (!json_is_array(value) || json_array_size(value) > 8)
        return false;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *name = json_string_value(json_array_get(value, i));
        unsigned role = name != NULL ? idem_role_parse(name) : 0;
        if (role == 0)
            return false;
        roles |= role;
    }
    *out = roles;
    return true;
}

static bool take_value(struct idem_visit *v, const struct field *f, json_t *value)
{
    char *at = (char *)v + f->at;

    switch (f->kind) {
    case FIELD_ROLES:
        return take_roles(value, &v->roles);
    case FIELD_BOOLEAN:
        if (f->at == offsetof(struct idem_visit, reset))
            v->reset = json_is_true(value);
        else
            v->disabled = json_is_true(value);
        return json_is_boolean(value);
    case FIELD_PERSON:
        v->has_person = json_is_string(value) &&
                        idem_public_id_parse("p_", json_string_value(value), v->person) == 0;
        return v->has_person;
    default:
        return take_text(f, value, at);
    }
}

static const struct field *field_of(const struct field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

static bool take_fields(struct idem_request *r, struct idem_visit *v, const struct field *fields,
                        size_t count)
{
    const char *name;
    json_t *value;

    json_object_foreach(r->command.json, name, value)
    {
        const struct field *f = field_of(fields, count, name);
        if (f == NULL) {
            idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"%.32s\" is not known here",
                                is_printable(name) ? name : "?");
            return false;
        }
        if (!take_value(v, f, value)) {
            idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"%s\" cannot be taken", f->name);
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (fields[i].needed && json_object_get(r->command.json, fields[i].name) == NULL) {
            idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"%s\" is missing", fields[i].name);
            return false;
        }
    }
    return true;
}

/* The body, as the fields say; and what the request itself brings. NULL: refused. */
static struct idem_visit *read_visit(struct idem_request *r, const struct field *fields,
                                     size_t count)
{
    struct idem_visit *v = NULL;

    if (idem_body_json(r))
        v = idem_visit_begin(r);
    sodium_memzero(r->body.bytes, r->body.len); /* perhaps with a password */
    return v != NULL && take_fields(r, v, fields, count) ? v : NULL;
}

#define READ_VISIT(r, fields) read_visit(r, fields, sizeof(fields) / sizeof((fields)[0]))

/* ------------------------------------------------------------------ log-ins */

/* Left out: the only one there is beside the demonstration. */
static void find_organisation(struct idem_request *r, struct idem_visit *v)
{
    const struct idem_organisations *all = idem_http_parts(r->http)->organisations;
    const char *only = "";

    for (uint32_t i = 0; i < idem_organisations_count(all) && v->organisation_name[0] == '\0';
         i++) {
        const char *name = idem_organisations_name(all, idem_organisations_at(all, i));
        if (strcmp(name, "demo") == 0)
            continue;
        if (only[0] != '\0')
            only = "?"; /* there are several: no name of an organisation */
        else
            only = name;
    }
    if (v->organisation_name[0] == '\0')
        strncpy(v->organisation_name, only, IDEM_ORGANISATION_MAX);
    v->organisation = idem_organisations_row(all, v->organisation_name);
}

static void post_login(struct idem_request *r)
{
    static const struct field fields[] = {
        FIELD("organisation", FIELD_ORGANISATION, false, organisation_name),
        FIELD("name", FIELD_NAME, true, name),
        FIELD("password", FIELD_SECRET, true, password),
        FIELD("totp", FIELD_SECRET, false, code),
    };
    struct idem_visit *v = READ_VISIT(r, fields);

    if (v == NULL)
        return;
    find_organisation(r, v);
    idem_access_login_key(v->access, v->organisation_name, v->name, v->login_key);
    give_cookie(r, v);
    idem_request_call(r, idem_login_begin);
}

static void post_logout(struct idem_request *r)
{
    struct idem_visit *v = idem_visit_begin(r);

    if (v == NULL)
        return;
    give_cookie(r, v);
    idem_request_call(r, idem_logout);
}

static void get_me(struct idem_request *r)
{
    if (idem_visit_begin(r) != NULL)
        idem_request_call(r, idem_me);
}

static void post_password(struct idem_request *r)
{
    static const struct field fields[] = {
        FIELD("current", FIELD_SECRET, true, password),
        FIELD("password", FIELD_SECRET, true, wanted),
    };
    struct idem_visit *v = READ_VISIT(r, fields);

    if (v == NULL)
        return;
    give_cookie(r, v);
    idem_request_call(r, idem_me_password);
}

static void post_totp(struct idem_request *r)
{
    static const struct field fields[] = {
        FIELD("code", FIELD_SECRET, false, code),
        FIELD("ticket", FIELD_SECRET, false, ticket),
    };
    struct idem_visit *v = READ_VISIT(r, fields);

    if (v == NULL)
        return;
    if (v->ticket[0] != '\0' && v->code[0] == '\0') {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"code\" is missing");
        return;
    }
    give_cookie(r, v);
    idem_request_call(r, idem_me_totp);
}

static void post_setup(struct idem_request *r)
{
    static const struct field fields[] = {
        FIELD("token", FIELD_SECRET, true, token),
        FIELD("organisation", FIELD_ORGANISATION, true, organisation_name),
        FIELD("name", FIELD_NAME, true, name),
        FIELD("password", FIELD_SECRET, true, wanted),
        FIELD("ticket", FIELD_SECRET, false, ticket),
        FIELD("code", FIELD_SECRET, false, code),
    };
    struct idem_visit *v = READ_VISIT(r, fields);

    if (v == NULL)
        return;
    if ((v->ticket[0] == '\0') != (v->code[0] == '\0')) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"ticket\" and \"code\" go together");
        return;
    }
    give_cookie(r, v);
    idem_request_call(r, idem_setup);
}

static void travel(struct idem_request *r, void (*go)(struct idem_request *, struct idem_visit *))
{
    struct idem_visit *v = idem_visit_begin(r);

    if (v == NULL)
        return;
    give_cookie(r, v);
    go(r, v);
}

static void get_oidc_start(struct idem_request *r)
{
    travel(r, idem_oidc_go);
}

static void get_oidc_callback(struct idem_request *r)
{
    travel(r, idem_oidc_return);
}

/* ------------------------------------------------------------------ accounts */

static bool take_row(const char *text, int64_t *out)
{
    size_t len = strlen(text);

    if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
        return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

static void get_accounts(struct idem_request *r)
{
    const char *after = idem_request_argument(r, "after");
    struct idem_visit *v = idem_visit_begin(r);

    if (v == NULL)
        return;
    if (after != NULL && !take_row(after, &v->row))
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"after\" must be an account's id");
    else if (idem_request_big_answer(r, IDEM_ACCOUNT_PAGE * IDEM_ACCOUNT_JSON_MAX + 64))
        idem_request_call(r, idem_accounts_list);
}

static bool check_roles(struct idem_request *r, const struct idem_visit *v)
{
    const char *fault = idem_roles_fault(v->roles);

    if (fault != NULL)
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"roles\": %s", fault);
    return fault == NULL;
}

static void post_accounts(struct idem_request *r)
{
    static const struct field fields[] = {
        FIELD("name", FIELD_NAME, true, name),
        FIELD("roles", FIELD_ROLES, true, roles),
        FIELD("person", FIELD_PERSON, false, person),
    };
    struct idem_visit *v = READ_VISIT(r, fields);

    if (v == NULL || !check_roles(r, v))
        return;
    if (v->has_person && v->roles != IDEM_MAY_EMPLOYEE)
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                            "\"person\" goes with the role employee");
    else if (strncmp(v->name, "p_", 2) == 0 || strncmp(v->name, "oidc/", 5) == 0)
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"name\" looks like a pseudonym");
    else
        idem_request_call(r, idem_accounts_add);
}

static void post_account(struct idem_request *r)
{
    static const struct field fields[] = {
        FIELD("roles", FIELD_ROLES, false, roles),
        FIELD("disabled", FIELD_BOOLEAN, false, disabled),
        FIELD("reset", FIELD_BOOLEAN, false, reset),
    };
    struct idem_visit *v = READ_VISIT(r, fields);

    if (v == NULL)
        return;
    if (!take_row(r->path_id, &v->row))
        idem_request_refuse(r, IDEM_PROBLEM_NO_SUCH_ACCOUNT, "this is not an account's id");
    else if (json_object_get(r->command.json, "roles") != NULL && !check_roles(r, v))
        return;
    else
        idem_request_call(r, idem_accounts_change);
}

/* ------------------------------------------------------------------ people */

static void get_people(struct idem_request *r)
{
    const char *after = idem_request_argument(r, "after");
    struct idem_visit *v = idem_visit_begin(r);

    if (v == NULL)
        return;
    if (after != NULL && idem_public_id_parse("p_", after, v->person) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"after\" must be a person's id");
        return;
    }
    v->has_person = after != NULL;
    if (idem_request_big_answer(r, IDEM_PEOPLE_PAGE * IDEM_PERSON_ROW_MAX + 64))
        idem_request_call(r, idem_people_list);
}

static void post_name(struct idem_request *r)
{
    static const struct field fields[] = {FIELD("reason", FIELD_NAME, true, reason)};
    struct idem_visit *v = READ_VISIT(r, fields);

    if (v == NULL)
        return;
    if (idem_public_id_parse("p_", r->path_id, r->command.id) != 0)
        idem_request_refuse(r, IDEM_PROBLEM_NO_SUCH_PERSON, "this is not a person's id");
    else
        idem_request_call(r, idem_people_look_up);
}

static void get_my_data(struct idem_request *r)
{
    if (idem_visit_begin(r) != NULL && idem_request_big_answer(r, IDEM_DOSSIER_MAX))
        idem_request_call(r, idem_people_own);
}

static void get_export(struct idem_request *r)
{
    const char *reason = idem_request_argument(r, "reason");
    struct idem_visit *v = idem_visit_begin(r);

    if (v == NULL)
        return;
    if (reason != NULL && (strlen(reason) > IDEM_REASON_TEXT_MAX || !is_printable(reason))) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"reason\" has at most %d bytes",
                            IDEM_REASON_TEXT_MAX);
        return;
    }
    strcpy(v->reason, reason != NULL ? reason : "");
    if (idem_public_id_parse("p_", r->path_id, r->command.id) != 0)
        idem_request_refuse(r, IDEM_PROBLEM_NO_SUCH_PERSON, "this is not a person's id");
    else if (idem_request_big_answer(r, IDEM_DOSSIER_MAX))
        idem_request_call(r, idem_people_export);
}

/* ------------------------------------------------------------------ the table */

enum {
    ASKS = IDEM_MAY_ACCOUNT | IDEM_MAY_STAFF,
    PEOPLE = IDEM_MAY_ANALYST | IDEM_MAY_OPERATOR | IDEM_MAY_PRIVACY,
    LOOKS = IDEM_MAY_OPERATOR | IDEM_MAY_AUDITOR,
};

/* clang-format off */
static const struct idem_route rows[] = {
    {"POST", "/v1/login",         IDEM_MAY_ANYBODY,  post_login},
    {"POST", "/v1/setup",         IDEM_MAY_ANYBODY,  post_setup},
    {"GET",  "/v1/oidc/start",    IDEM_MAY_ANYBODY,  get_oidc_start},
    {"GET",  "/v1/oidc/callback", IDEM_MAY_ANYBODY,  get_oidc_callback},
    {"POST", "/v1/logout",        IDEM_MAY_ACCOUNT,  post_logout},
    {"GET",  "/v1/me",            ASKS,              get_me},
    {"POST", "/v1/me/password",   IDEM_MAY_ACCOUNT,  post_password},
    {"POST", "/v1/me/totp",       IDEM_MAY_ACCOUNT,  post_totp},
    {"GET",  "/v1/me/data",       IDEM_MAY_EMPLOYEE, get_my_data},
    {"GET",  "/v1/accounts",      LOOKS,             get_accounts},
    {"POST", "/v1/accounts",      IDEM_MAY_OPERATOR, post_accounts},
    {"POST", "/v1/accounts/{id}", IDEM_MAY_OPERATOR, post_account},
    {"GET",  "/v1/people",        PEOPLE,            get_people},
    {"GET",  "/v1/people/{id}/export", IDEM_MAY_PRIVACY, get_export},
    {"POST", "/v1/people/{id}/name", IDEM_MAY_PRIVACY | IDEM_MAY_NAMES, post_name},
};
/* clang-format on */

const struct idem_route_table idem_routes_access = IDEM_ROUTE_TABLE(rows);
