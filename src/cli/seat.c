/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seat.c - `idem seat`: an operator invites, lists and revokes seats; a seat registers. And `idem
 * key`, the same for the API keys of web applications.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/remote.h"
#include "cli/seat_key.h"

static const char seat_about[] =
    "usage: idem seat add NAME [--site SITE] [--country CC] [--device-class desktop|laptop]\n"
    "                          [--again] [--hours N]\n"
    "       idem seat list\n"
    "       idem seat revoke NUMBER\n"
    "       idem seat register CODE --key FILE\n\n"
    "add       an operator: prints a code, which is good once, for 72 hours\n"
    "register  the seat: makes a key, registers it with the code and keeps it in FILE, mode 0600\n"
    "revoke    its sessions end at once\n\n"
    "  --again             another code for a seat that there is; its key is good until then\n"
    "  --hours N           how long the code is good, 1..720\n"
    "  --key FILE          where the seat's key is kept\n"
    "  --json              the server's answer as it is\n" IDEM_REMOTE_HELP;

static const char key_about[] =
    "usage: idem key add NAME [--gate]\n"
    "       idem key list\n"
    "       idem key revoke NUMBER\n\n"
    "add     prints the key, once: for the back end of a web application, never for a page\n"
    "revoke  the sessions that were opened with it end\n\n"
    "  --gate              for a reverse proxy that asks the gate, instead of a back end\n"
    "  --json              the server's answer as it is\n" IDEM_REMOTE_HELP;

enum { REGISTRATION_MAX = 512 }; /* bytes of its body */
enum { SITE = 256, COUNTRY, DEVICE_CLASS, AGAIN, HOURS, KEY, GATE, JSON, HELP };

static const struct option longs[] = {
    {"site", required_argument, NULL, SITE},
    {"country", required_argument, NULL, COUNTRY},
    {"device-class", required_argument, NULL, DEVICE_CLASS},
    {"again", no_argument, NULL, AGAIN},
    {"hours", required_argument, NULL, HOURS},
    {"key", required_argument, NULL, KEY},
    {"gate", no_argument, NULL, GATE},
    {"json", no_argument, NULL, JSON},
    {"help", no_argument, NULL, HELP},
    IDEM_REMOTE_OPTIONS,
    {NULL, 0, NULL, 0},
};

struct options {
    const char *command; /* "seat", "key" */
    struct idem_remote_options remote;
    const char *site, *country, *device_class, *key;
    uint32_t hours;
    bool again, gate, json;
    const char *verb, *what;
};

/* ------------------------------------------------------------------ options */

static int take(struct options *o, int id, char *value)
{
    switch (id) {
    case SITE:
        o->site = value;
        return 0;
    case COUNTRY:
        o->country = value;
        return 0;
    case DEVICE_CLASS:
        o->device_class = value;
        return 0;
    case KEY:
        o->key = value;
        return 0;
    case AGAIN:
        o->again = true;
        return 0;
    case GATE:
        o->gate = true;
        return 0;
    case JSON:
        o->json = true;
        return 0;
    case HOURS:
        return idem_cli_number(value, 1, 720, &o->hours)
                   ? 0
                   : idem_cli_usage(o->command, "--hours takes a number from 1 to 720");
    default:
        if (idem_remote_option(&o->remote, id, value))
            return 0;
        return idem_cli_usage(o->command, "this option does not exist or lacks its value");
    }
}

static int parse(struct options *o, const char *about, int argc, char **argv)
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
        return idem_cli_usage(o->command, "say what is to be done, and to which");
    o->verb = argv[optind];
    o->what = optind + 1 < argc ? argv[optind + 1] : NULL;
    return 0;
}

static bool is(const struct options *o, const char *verb, bool what)
{
    return strcmp(o->verb, verb) == 0 && (o->what != NULL) == what;
}

/* ------------------------------------------------------------------ what both have */

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

static int revoke(const struct options *o, struct idem_remote *r)
{
    char path[128];
    json_t *answer = NULL;
    uint32_t number;

    if (!idem_cli_number(o->what, 1, 999999999, &number))
        return idem_cli_usage(o->command, "revoke takes the number that list shows");
    snprintf(path, sizeof path, "/v1/%ss/%u/revoke", o->command, number);
    int err = idem_remote_call(r, "POST", path, NULL, &answer);
    if (err == 0 && o->json)
        print_json(answer);
    else if (err == 0)
        printf("%s is revoked\n", text_of(answer, "name"));
    json_decref(answer);
    return err;
}

static int as_operator(const struct options *o,
                       int (*run)(const struct options *, struct idem_remote *))
{
    struct idem_remote *r = NULL;
    int err = idem_remote_new(&o->remote, true, &r);

    if (err == 0)
        err = run(o, r);
    idem_remote_free(r);
    return err;
}

/* ------------------------------------------------------------------ seats */

static void set_text(json_t *body, const char *name, const char *text)
{
    if (text)
        json_object_set_new(body, name, json_string(text));
}

static int add_seat(const struct options *o, struct idem_remote *r)
{
    json_t *body = json_object(), *answer = NULL;

    set_text(body, "name", o->what);
    set_text(body, "site", o->site);
    set_text(body, "country", o->country);
    set_text(body, "device_class", o->device_class);
    if (o->again)
        json_object_set_new(body, "again", json_true());
    if (o->hours)
        json_object_set_new(body, "hours", json_integer(o->hours));
    int err = idem_remote_call(r, "POST", "/v1/seats", body, &answer);
    if (err == 0 && o->json)
        print_json(answer);
    else if (err == 0)
        printf("%s\n\nGood once, until %s. At the seat:\n  idem seat register %s --key FILE "
               "--server URL\n",
               text_of(answer, "code"), text_of(answer, "code_expires"), text_of(answer, "code"));
    json_decref(body);
    json_decref(answer);
    return err;
}

static int list_seats(const struct options *o, struct idem_remote *r)
{
    json_int_t after = 0;
    int err = 0;
    size_t i;

    if (!o->json)
        printf("%6s  %-9s %-12s %-7s %-8s %s\n", "number", "state", "site", "country", "device",
               "name");
    do {
        char path[64];
        json_t *answer = NULL, *seat;
        snprintf(path, sizeof path, "/v1/seats?after=%lld", (long long)after);
        if ((err = idem_remote_call(r, "GET", path, NULL, &answer)) != 0)
            return err;
        if (o->json)
            print_json(answer);
        else
            json_array_foreach(json_object_get(answer, "seats"), i, seat)
                printf("%6lld  %-9s %-12s %-7s %-8s %s\n",
                       (long long)json_integer_value(json_object_get(seat, "id")),
                       text_of(seat, "state"), text_of(seat, "site"), text_of(seat, "country"),
                       text_of(seat, "device_class"), text_of(seat, "name"));
        after = json_integer_value(json_object_get(answer, "next"));
        json_decref(answer);
    } while (after != 0);
    return 0;
}

/* The key is on disk before the server hears of it. */
static int take_key(const struct options *o, struct idem_seat_key *key)
{
    int err = idem_cli_read_seat_key(o->key, key);

    if (err == 0 && key->seat != 0)
        return idem_cli_fail("%s: is registered already, as seat %lld", o->key,
                             (long long)key->seat);
    if (err != IDEM_ERR_NOT_FOUND)
        return err;
    idem_seat_key_make(key);
    return idem_cli_write_seat_key(o->key, key);
}

static json_t *registration(const char *code, const char *host, const struct idem_seat_key *key)
{
    char bytes[REGISTRATION_MAX];
    struct idem_text body = {.bytes = bytes, .cap = sizeof bytes};

    if (idem_seat_key_registration(key, code, host, &body) != 0)
        return NULL;
    return json_loadb(body.bytes, body.len, 0, NULL);
}

static int register_seat(const struct options *o)
{
    struct idem_seat_key key;
    struct idem_remote *r = NULL;
    json_t *answer = NULL;

    if (!o->key)
        return idem_cli_usage("seat", "--key FILE says where the key is kept");
    int err = take_key(o, &key);
    if (err || (err = idem_remote_new(&o->remote, false, &r)) != 0)
        return err;
    json_t *body = registration(o->what, idem_remote_host(r), &key);
    err = body ? idem_remote_call(r, "POST", "/v1/seats/register", body, &answer)
               : idem_cli_fail("%s: is not a code of 25 letters and digits", o->what);
    const json_t *seat = json_object_get(answer, "seat");
    key.seat = json_integer_value(json_object_get(seat, "id"));
    if (err == 0)
        err = idem_cli_write_seat_key(o->key, &key);
    if (err == 0 && o->json)
        print_json(answer);
    else if (err == 0)
        printf("seat %s is enrolled with %s\n", text_of(seat, "name"),
               text_of(seat, "organisation"));
    json_decref(body);
    json_decref(answer);
    idem_remote_free(r);
    return err;
}

int idem_cli_seat(int argc, char **argv)
{
    struct options o = {.command = "seat"};
    int err = parse(&o, seat_about, argc, argv);

    if (err)
        return err < 0 ? IDEM_EXIT_OK : err;
    if (is(&o, "add", true))
        return as_operator(&o, add_seat);
    if (is(&o, "list", false))
        return as_operator(&o, list_seats);
    if (is(&o, "revoke", true))
        return as_operator(&o, revoke);
    if (is(&o, "register", true))
        return register_seat(&o);
    return idem_cli_usage("seat", "add NAME, list, revoke NUMBER or register CODE");
}

/* ------------------------------------------------------------------ keys */

static int add_key(const struct options *o, struct idem_remote *r)
{
    json_t *body =
        json_pack("{s:s, s:[s]}", "name", o->what, "scopes", o->gate ? "gate" : "sessions");
    json_t *answer = NULL;
    int err = body ? idem_remote_call(r, "POST", "/v1/keys", body, &answer)
                   : idem_cli_fail("this is not UTF-8, or memory ran out");

    if (err == 0 && o->json)
        print_json(answer);
    else if (err == 0)
        printf("%s\n", text_of(answer, "secret"));
    json_decref(body);
    json_decref(answer);
    return err;
}

static int list_keys(const struct options *o, struct idem_remote *r)
{
    json_int_t after = 0;
    int err = 0;
    size_t i;

    do {
        char path[64];
        json_t *answer = NULL, *key;
        snprintf(path, sizeof path, "/v1/keys?after=%lld", (long long)after);
        if ((err = idem_remote_call(r, "GET", path, NULL, &answer)) != 0)
            return err;
        if (o->json)
            print_json(answer);
        else
            json_array_foreach(json_object_get(answer, "keys"), i, key) printf(
                "%6lld  %-9s %-9s %s\n", (long long)json_integer_value(json_object_get(key, "id")),
                json_is_true(json_object_get(key, "revoked")) ? "revoked" : "good",
                json_string_value(json_array_get(json_object_get(key, "scopes"), 0)),
                text_of(key, "name"));
        after = json_integer_value(json_object_get(answer, "next"));
        json_decref(answer);
    } while (after != 0);
    return 0;
}

int idem_cli_key(int argc, char **argv)
{
    struct options o = {.command = "key"};
    int err = parse(&o, key_about, argc, argv);

    if (err)
        return err < 0 ? IDEM_EXIT_OK : err;
    if (is(&o, "add", true))
        return as_operator(&o, add_key);
    if (is(&o, "list", false))
        return as_operator(&o, list_keys);
    if (is(&o, "revoke", true))
        return as_operator(&o, revoke);
    return idem_cli_usage("key", "add NAME, list or revoke NUMBER");
}
