/* SPDX-License-Identifier: Apache-2.0 */
/* person.c - `idem person`: what is held of somebody, and its end; at the server, as an officer. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/remote.h"

static const char about[] =
    "usage: idem person export ID\n"
    "       idem person erase ID --reason TEXT\n\n"
    "ID is the pseudonym, p_... . export prints everything that is held of the person, as JSON.\n"
    "erase takes it away for good: sessions end at once, the person's key is destroyed, and no\n"
    "backup can bring the person back. Both take a privacy officer's account and are written to\n"
    "the audit log.\n\n"
    "  --reason TEXT       why, for the audit log; no names\n" IDEM_REMOTE_HELP;

enum { REASON = 256, HELP };

static const struct option longs[] = {
    {"reason", required_argument, NULL, REASON},
    {"help", no_argument, NULL, HELP},
    IDEM_REMOTE_OPTIONS,
    {NULL, 0, NULL, 0},
};

struct options {
    struct idem_remote_options remote;
    const char *verb, *id, *reason;
};

static int parse(struct options *o, int argc, char **argv)
{
    int id;

    optind = 1;
    while ((id = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (id == HELP) {
            fputs(about, stdout);
            return -1;
        }
        if (id == REASON)
            o->reason = optarg;
        else if (!idem_remote_option(&o->remote, id, optarg))
            return idem_cli_usage("person", "this option does not exist or lacks its value");
    }
    if (argc - optind != 2)
        return idem_cli_usage("person", "export ID or erase ID");
    o->verb = argv[optind];
    o->id = argv[optind + 1];
    if (strspn(o->id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") !=
        strlen(o->id))
        return idem_cli_usage("person", "ID is a pseudonym: p_ and 22 characters");
    return 0;
}

static int call(const struct options *o, const char *method, json_t *body, json_t **answer)
{
    struct idem_remote *r = NULL;
    char path[128];

    if (snprintf(path, sizeof path, "/v1/people/%s/%s", o->id, o->verb) >= (int)sizeof path)
        return idem_cli_usage("person", "ID is a pseudonym: p_ and 22 characters");
    int err = idem_remote_new(&o->remote, true, &r);
    if (err == 0)
        err = idem_remote_call(r, method, path, body, answer);
    idem_remote_free(r);
    return err;
}

static int export(const struct options *o)
{
    json_t *answer = NULL;
    int err = call(o, "GET", NULL, &answer);

    if (err == 0) {
        json_dumpf(answer, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(answer);
    return err;
}

/* What is left to do is said: neither old copies of keys nor a population are in reach here. */
static void tell(const struct options *o, const json_t *answer)
{
    if (json_is_true(json_object_get(answer, "before")))
        printf("%s was erased before\n", o->id);
    else
        printf("%s is erased: key, profiles, sessions, name, and what the logs said\n", o->id);
    printf("Files of idem keys export from before still hold the key: export anew, and destroy "
           "them\n");
    if (json_is_true(json_object_get(answer, "population_outdated")))
        printf("The population in use was learned with this person, among others: learn it anew "
               "with\n  idem train -o NEW --from-store DIR/idem.db --population OLD\nand start the "
               "server with NEW\n");
}

static int erase(const struct options *o)
{
    json_t *answer = NULL, *body;

    if (o->reason == NULL)
        return idem_cli_usage("person", "--reason says why");
    body = json_pack("{s:s}", "reason", o->reason);
    int err = body ? call(o, "POST", body, &answer) : idem_cli_fail("the reason is not UTF-8");
    if (err == 0)
        tell(o, answer);
    json_decref(body);
    json_decref(answer);
    return err;
}

int idem_cli_person(int argc, char **argv)
{
    struct options o = {0};
    int err = parse(&o, argc, argv);

    if (err)
        return err < 0 ? IDEM_EXIT_OK : err;
    if (strcmp(o.verb, "export") == 0)
        return export(&o);
    if (strcmp(o.verb, "erase") == 0)
        return erase(&o);
    return idem_cli_usage("person", "export ID or erase ID");
}
