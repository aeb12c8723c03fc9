/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdings.h - the parts of a person's dossier (dossier.h) that are sealed at rest, opened: the
 * name, how the person types and moves the pointer, cell by cell in words and numbers; and beside
 * it every row of every table that names the person.
 */
#ifndef IDEM_SERVER_HOLDINGS_H
#define IDEM_SERVER_HOLDINGS_H

#include "server/worker_parts.h"

enum { IDEM_HOLDINGS_ROOM = 64 * 1024 }; /* below it rows are left out */

/* Members of the object that is being written, each with the comma before it. named: with the name,
 * for whoever may see it. *more is set when rows were left out. On the worker. */
int idem_holdings_put(struct idem_worker *w, const struct idem_person *person, bool named,
                      struct idem_text *t, bool *more);

#endif
