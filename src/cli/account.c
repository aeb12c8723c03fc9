/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.c - `idem account`: an operator makes, lists, disables and resets accounts of the
 * console. It asks the server like any console does, so that the server's checks and its audit log
 * hold here too; nothing is ever written beside it. Who has lost the last operator starts the
 * server once with --setup ORGANISATION.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/remote.h"

static const char about[] =
    "usage: idem account add NAME --role ROLE... [--person ID]\n"
    "       idem account list\n"
    "       idem account roles NUMBER --role ROLE...\n"
    "       idem account disable|enable|reset NUMBER\n\n"
    "add      prints a password, once, which must be changed at the first log-in\n"
    "roles    all that the account holds from now on\n"
    "reset    another password; the second factor is to be enrolled anew\n\n"
    "  --role ROLE         analyst, operator, privacy-officer, auditor; employee, alone; names,\n"
    "                      beside analyst; may be repeated\n"
    "  --person ID         whose account it is, p_...; else the one of the same name\n"
    "  --json              the server's answer as it is\n" IDEM_REMOTE_HELP;

enum { ROLE = 256, PERSON, JSON, HELP, ROLES_MAX = 8 };

static const struct option longs[] = {
    {"role", required_argument, NULL, ROLE},
    {"person", required_argument, NULL, PERSON},
    {"json", no_argument, NULL, JSON},
    {"help", no_argument, NULL, HELP},
    IDEM_REMOTE_OPTIONS,
    {NULL, 0, NULL, 0},
};

struct options {
    struct idem_remote_options remote;
    const char *roles[ROLES_MAX], *person;
    int role_count;
    bool json;
    const char *verb, *what;
};

/* ------------------------------------------------------------------ options */

static int take(struct options *o, int id, char *value)
{
    switch (id) {
    case ROLE:
        if (o->role_count == ROLES_MAX)
            return idem_cli_usage("account", "there are not that many roles");
        o->roles[o->role_count++] = value;
        return 0;
    case PERSON:
        o->person = value;
        return 0;
    case JSON:
        o->json = true;
        return 0;
    default:
        if (idem_remote_option(&o->remote, id, value))
            return 0;
        return idem_cli_usage("account", "this option does not exist or lacks its value");
    }
}

static int parse(struct options *o, int argc, char **argv)
{
    int id, err = 0;

    optind = 1;
    while (err == 0 && (id = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (id == HELP) {
            fputs(about, stdout);
            return -1;
        }
        err = take(o, id, optarg);
    }
    if (err)
        return err;
    if (optind == argc || argc - optind > 2)
        return idem_cli_usage("account", "say what is to be done, and to which");
    o->verb = argv[optind];
    o->what = optind + 1 < argc ? argv[optind + 1] : NULL;
    return 0;
}

static bool is(const struct options *o, const char *verb)
{
    return strcmp(o->verb, verb) == 0;
}

/* ------------------------------------------------------------------ answers */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static void print_json(const json_t *answer)
{
    json_dumpf(answer, stdout, JSON_INDENT(2));
    putchar('\n');
}

static void print_roles(const json_t *account)
{
    json_t *roles = json_object_get(account, "roles"), *role;
    size_t i;

    json_array_foreach(roles, i, role) printf("%s%s", i > 0 ? "," : "", json_string_value(role));
}

static void print_account(const json_t *account)
{
    const char *state = json_is_true(json_object_get(account, "disabled")) ? "disabled"
                        : json_is_true(json_object_get(account, "fresh"))  ? "fresh"
                                                                           : "in use";

    printf("%6lld  %-9s %-11s %-30s ",
           (long long)json_integer_value(json_object_get(account, "id")), state,
           json_is_true(json_object_get(account, "totp")) ? "two factors" : "one factor",
           text_of(account, "name"));
    print_roles(account);
    putchar('\n');
}

static int show(const struct options *o, const json_t *answer)
{
    const char *password = text_of(answer, "password");

    if (o->json) {
        print_json(answer);
        return 0;
    }
    print_account(json_object_get(answer, "account"));
    if (password[0])
        printf("\n%s\n\nThe password, shown this once; to be changed at the first log-in.\n",
               password);
    return 0;
}

/* ------------------------------------------------------------------ what is asked */

static json_t *roles_of(const struct options *o)
{
    json_t *roles = json_array();
    for (int i = 0; i < o->role_count; i++)
        json_array_append_new(roles, json_string(o->roles[i]));
    return roles;
}

static int ask(const struct options *o, struct idem_remote *r, const char *path, json_t *body)
{
    json_t *answer = NULL;
    int err = idem_remote_call(r, "POST", path, body, &answer);

    if (err == 0)
        err = show(o, answer);
    json_decref(answer);
    return err;
}

static int add(const struct options *o, struct idem_remote *r)
{
    json_t *body =
        json_pack("{s:s, s:o, s:s*}", "name", o->what, "roles", roles_of(o), "person", o->person);
    int err = body ? ask(o, r, "/v1/accounts", body)
                   : idem_cli_fail("this is not UTF-8, or memory ran out");
    json_decref(body);
    return err;
}

static int list(const struct options *o, struct idem_remote *r)
{
    json_int_t after = 0;
    int err;

    do {
        char path[64];
        json_t *answer = NULL, *account;
        size_t i;
        snprintf(path, sizeof path, "/v1/accounts?after=%lld", (long long)after);
        if ((err = idem_remote_call(r, "GET", path, NULL, &answer)) != 0)
            return err;
        if (o->json)
            print_json(answer);
        else
            json_array_foreach(json_object_get(answer, "accounts"), i, account)
                print_account(account);
        after = json_integer_value(json_object_get(answer, "next"));
        json_decref(answer);
    } while (after != 0);
    return 0;
}

static json_t *change_of(const struct options *o)
{
    if (is(o, "roles"))
        return json_pack("{s:o}", "roles", roles_of(o));
    if (is(o, "reset"))
        return json_pack("{s:b}", "reset", 1);
    return json_pack("{s:b}", "disabled", is(o, "disable"));
}

static int change(const struct options *o, struct idem_remote *r)
{
    uint32_t number;
    char path[64];

    if (!idem_cli_number(o->what, 1, 999999999, &number))
        return idem_cli_usage("account", "%s takes the number that list shows", o->verb);
    snprintf(path, sizeof path, "/v1/accounts/%u", number);
    json_t *body = change_of(o);
    int err = ask(o, r, path, body);
    json_decref(body);
    return err;
}

int idem_cli_account(int argc, char **argv)
{
    struct options o = {.json = false};
    struct idem_remote *r = NULL;
    int err = parse(&o, argc, argv);

    if (err)
        return err < 0 ? IDEM_EXIT_OK : err;
    const bool lists = is(&o, "list"), adds = is(&o, "add"), roles = is(&o, "roles");
    if (!lists && !adds && !roles && !is(&o, "disable") && !is(&o, "enable") && !is(&o, "reset"))
        return idem_cli_usage("account", "there is no \"%s\"", o.verb);
    if ((o.what == NULL) != lists)
        return idem_cli_usage("account", lists ? "list takes nothing" : "which account?");
    if ((adds || roles) != (o.role_count > 0))
        return idem_cli_usage("account", adds || roles ? "--role ROLE is missing"
                                                       : "--role does not belong here");
    err = idem_remote_new(&o.remote, true, &r);
    if (err == 0)
        err = lists ? list(&o, r) : adds ? add(&o, r) : change(&o, r);
    idem_remote_free(r);
    return err;
}
