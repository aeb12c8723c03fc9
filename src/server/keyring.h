/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring.h - the keys of people and the ledger of who is erased, opened in the right order before
 * anything reads a person: erasures that a crash cut short are completed, people whom a backup
 * brought back are taken out again, and what an older version left unsealed is sealed.
 */
#ifndef IDEM_SERVER_KEYRING_H
#define IDEM_SERVER_KEYRING_H

#include "server/people.h"

/* parts->store is given. The reason of a failure has been logged. */
int idem_keyring_open(const char *dir, struct idem_people_parts *parts);
void idem_keyring_close(struct idem_people_parts *parts);

#endif
