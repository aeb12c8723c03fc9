/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - `idem keys`: people's keys and the server's secrets to a place of their own, and back.
 */
#include "cli/keeping.h"

#include "store/keys_file.h"

#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char help_text[] =
    "usage: idem keys export --data DIR --out NEW [--passphrase-file FILE]\n"
    "       idem keys import --from FILE --data DIR [--passphrase-file FILE]\n\n"
    "export writes people's keys (keys.db) and the server's secrets (*.key) to one file under a\n"
    "passphrase. Keep it elsewhere than the backups: with both a lost disk is survivable, and "
    "with\n"
    "one of them nobody can read anything. A server may be running.\n\n"
    "When a person is erased, files exported before still hold that person's key: the erasure is\n"
    "complete when they are destroyed. So export anew after an erasure and destroy the old "
    "ones.\n\n"
    "import adds what is missing in DIR, but for the keys of people who are erased. The server "
    "must\n"
    "be stopped.\n\n"
    "      --data DIR              the data directory\n"
    "      --out NEW               a file that does not exist yet\n"
    "      --from FILE             what export has written\n"
    "      --passphrase-file FILE  its first line; else it is asked for\n"
    "  -h, --help\n";

struct keys {
    const char *data, *out, *from, *passphrase_file;
};

static int export(const struct keys *k, const char *passphrase)
{
    struct idem_keys_report report;
    char why[IDEM_WHY_MAX] = "";

    if (idem_keys_export(k->data, k->out, passphrase, &report, why) != 0)
        return idem_cli_fail("%s", why);
    printf("%s: the keys of %lld people and %u secrets\n", k->out, (long long)report.keys,
           report.files);
    return IDEM_EXIT_OK;
}

static int import(const struct keys *k, const char *passphrase)
{
    struct idem_keys_report report;
    char why[IDEM_WHY_MAX] = "";

    if (idem_keys_import(k->from, k->data, passphrase, &report, why) != 0)
        return idem_cli_fail("%s", why);
    printf("%s: the keys of %lld people and %u secrets added, %lld keys were there\n", k->data,
           (long long)report.keys, report.files, (long long)report.there);
    if (report.refused > 0)
        printf("  %lld keys left out: their people are erased. Destroy %s\n",
               (long long)report.refused, k->from);
    return IDEM_EXIT_OK;
}

static int run(const struct keys *k, bool out)
{
    char passphrase[IDEM_PASSPHRASE_MAX + 2] = "";
    int r = idem_cli_passphrase(k->passphrase_file, out, passphrase, sizeof passphrase);

    if (r == 0)
        r = out ? export(k, passphrase) : import(k, passphrase);
    sodium_memzero(passphrase, sizeof passphrase);
    return r;
}

static const char **slot(struct keys *k, int option)
{
    switch (option) {
    case 'd':
        return &k->data;
    case 'o':
        return &k->out;
    case 'f':
        return &k->from;
    default:
        return &k->passphrase_file;
    }
}

int idem_cli_keys(int argc, char **argv)
{
    static const struct option longs[] = {
        {"data", required_argument, NULL, 'd'}, {"out", required_argument, NULL, 'o'},
        {"from", required_argument, NULL, 'f'}, {"passphrase-file", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
    };
    struct keys k = {0};
    int option;

    while ((option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (option == 'h') {
            fputs(help_text, stdout);
            return IDEM_EXIT_OK;
        }
        if (option == '?')
            return idem_cli_usage("keys", "this option does not exist or lacks its value");
        *slot(&k, option) = optarg;
    }
    const char *verb = optind == argc - 1 ? argv[optind] : "";
    const bool out = strcmp(verb, "export") == 0;
    if ((!out && strcmp(verb, "import") != 0) || k.data == NULL ||
        (out ? k.out == NULL || k.from != NULL : k.from == NULL || k.out != NULL))
        return idem_cli_usage("keys", "it takes export with --data and --out, or import with "
                                      "--from and --data");
    if (sodium_init() < 0)
        return idem_cli_fail("the cryptographic library does not start");
    return run(&k, out);
}
