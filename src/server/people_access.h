/* SPDX-License-Identifier: Apache-2.0 */
/*
 * people_access.h - who there is, by pseudonym; and what is held about oneself. On the worker.
 */
#ifndef IDEM_SERVER_PEOPLE_ACCESS_H
#define IDEM_SERVER_PEOPLE_ACCESS_H

#include "server/worker_parts.h"

enum {
    IDEM_PEOPLE_PAGE = 50,
    IDEM_PERSON_ROW_MAX = 1024, /* of one person in a list, as JSON */
};

/* GET /v1/people */
void idem_people_list(struct idem_worker *w, struct idem_command *c);
/* GET /v1/me/data */
void idem_people_own(struct idem_worker *w, struct idem_command *c);
/* GET /v1/people/{id}/export: a line first, as with names */
void idem_people_export(struct idem_worker *w, struct idem_command *c);
/* POST /v1/people/{id}/name */
void idem_people_look_up(struct idem_worker *w, struct idem_command *c);

#endif
