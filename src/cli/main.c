/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - `idem`: a table of subcommands.
 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"train", idem_cli_train, "learn a population from recordings"},
    {"eval", idem_cli_eval, "measure recognition on recordings: verify, blocks, challenge"},
    {"audit", idem_cli_audit, "check, show or export the audit log; show the key of its heads"},
    {"policy", idem_cli_policy, "check a policy's file, show which rules hold for whom"},
    {"account", idem_cli_account, "make, list, disable and reset accounts of the console"},
    {"seat", idem_cli_seat, "invite, register, list and revoke seats"},
    {"key", idem_cli_key, "add, list and revoke API keys of web applications"},
    {"person", idem_cli_person, "export what is held of a person, or erase it"},
    {"backup", idem_cli_backup, "copy a server's data bases while it runs"},
    {"restore", idem_cli_restore, "put a backup in place, without who was erased since"},
    {"keys", idem_cli_keys, "export people's keys under a passphrase, and bring them back"},
    {"replay", idem_cli_replay, "play recorded people as live sessions against a server"},
};

static void help(FILE *to)
{
    fprintf(to,
            "idem: is it still you? Recognises people by how they type and move the pointer.\n\n"
            "usage: idem COMMAND [OPTION...] [FILE...]\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].help);
    fprintf(to, "\nidem COMMAND --help says more. Exit status: 0 done, 1 failed, 2 wrong usage.\n");
}

int main(int argc, char **argv)
{
    idem_cli_begin();
    if (argc < 2) {
        help(stderr);
        return IDEM_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        help(stdout);
        return IDEM_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("idem " IDEM_VERSION);
        return IDEM_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "idem: there is no command \"%s\"; idem --help lists them\n", argv[1]);
    return IDEM_EXIT_USAGE;
}
