/* SPDX-License-Identifier: Apache-2.0 */
/* from_store.h - the part of `idem train` that recentres on a server's data base. */
#ifndef IDEM_CLI_FROM_STORE_H
#define IDEM_CLI_FROM_STORE_H

#include "cli/command.h"

struct idem_from_store {
    const char *store; /* idem.db */
    const char *organisation;
    const char *population; /* the file that the server runs with */
    uint32_t people_min;
};

/* Whose profiles it was: the ids of their keys. */
struct idem_members {
    uint8_t *key_ids; /* IDEM_ID_BYTES each; a person may be there more than once */
    size_t count;
};

/*
 * The population in use, its models' centre and spread moved to the people of the data base
 * (eval/relearn.h). 0, or an exit code after a message.
 */
int idem_cli_from_store(const struct idem_from_store *from, struct idem_learned *out,
                        struct idem_members *members);
/* Before the file of that content is put in its place: notes in the data base whose it was. */
int idem_cli_from_store_note(const struct idem_from_store *from, const struct idem_members *members,
                             const void *bytes, size_t len);

#endif
