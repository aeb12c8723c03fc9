/* SPDX-License-Identifier: Apache-2.0 */
/* routes.h - the table of routes (docs/api.md, in code). */
#ifndef IDEM_SERVER_ROUTES_H
#define IDEM_SERVER_ROUTES_H

#include "server/request.h"

#include <stdio.h>

struct idem_route_table {
    const struct idem_route *rows;
    size_t count;
};

#define IDEM_ROUTE_TABLE(rows)                                                                     \
    {                                                                                              \
        rows, sizeof(rows) / sizeof((rows)[0])                                                     \
    }

/* routes_audit.c: the audit log, what people acknowledge */
extern const struct idem_route_table idem_routes_audit;
extern const struct idem_route_table idem_routes_privacy;
/* routes_gate.c: the gate, bindings, step-up */
extern const struct idem_route_table idem_routes_gate;
/* routes_seats.c: seats, challenges, API keys, tokens of sessions */
extern const struct idem_route_table idem_routes_seats;

/* routes_access.c: log-ins, accounts, who there is */
extern const struct idem_route_table idem_routes_access;

struct idem_signer;
/* routes_seats.c: a seat's statement about its session command.id, {"counter", "signature"}, whose
 * bytes `seal` lays out. False: refused. The worker looks at the counter. */
bool idem_routes_counted(struct idem_request *r, const struct idem_signer *signer,
                         void (*seal)(const uint8_t nonce[IDEM_SEAL_NONCE], uint32_t counter,
                                      struct idem_seal_message *out));

/* "METHOD PATH WHO,WHO" a line: all of them. */
void idem_routes_list(FILE *out);
/* Sets r->route and r->path_id, or refuses. */
void idem_routes_find(struct idem_request *r, const char *method, const char *path);

#endif
