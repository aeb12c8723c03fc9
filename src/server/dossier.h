/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dossier.h - everything that is held about one person, as one JSON object: for the person
 * (GET /v1/me/data) and, by the privacy officer, on the person's behalf (GET
 * /v1/people/{id}/export).
 *
 *   person           profiles by their sizes, and how far enrolment is
 *   name, habits, windows_known_again, rows
 *                    what is sealed, opened (holdings.h), and every row
 *   acknowledgement  which text, and in which hour
 *   sessions         as the console sees them, with the reasons
 *   windows          those of open sessions as they were sent, in words and numbers; no others are
 *   decisions        about those sessions, and by what
 *   gate             records that were opened, or not, in the person's name
 *
 * Lists hold the newest; "more" says which of them were longer. Of imprints, which are hashes whose
 * numbers say nothing to anybody, how many there are.
 */
#ifndef IDEM_SERVER_DOSSIER_H
#define IDEM_SERVER_DOSSIER_H

#include "server/worker_parts.h"

enum {
    IDEM_DOSSIER_MAX = 2 * 1024 * 1024,
    IDEM_DOSSIER_SESSIONS = 16,
    IDEM_DOSSIER_WINDOWS = 32, /* of all sessions */
    IDEM_DOSSIER_DECISIONS = 100,
    IDEM_DOSSIER_LINES = 5000, /* of the log that are looked through */
    IDEM_DOSSIER_GATE = 200,
};

/* On the worker. named: with the name, for the person, and for whoever has given a reason. t has
 * room for IDEM_DOSSIER_MAX. Errors: the store's. */
int idem_dossier(struct idem_worker *w, int64_t organisation, const uint8_t person[IDEM_ID_BYTES],
                 bool named, struct idem_text *t);

#endif
