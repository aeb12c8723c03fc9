/* SPDX-License-Identifier: Apache-2.0 */
/* visit.c - how a visit begins and how it is forgotten; see visit.h. */
#include "server/visit.h"

#include "server/http.h"
#include "server/request.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void free_visit(void *arg)
{
    struct idem_visit *v = arg;

    if (v->free_trip != NULL)
        v->free_trip(v->trip);
    sodium_memzero(arg, sizeof(struct idem_visit));
    free(arg);
}

/* One address; of IPv6 its network of 64 bits, for whoever has one address of it has all. */
static void take_address(struct idem_request *r, struct idem_visit *v)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct idem_machine machine;

    if (idem_request_client(r, &machine) != 0)
        memset(&machine, 0, sizeof machine);
    if (memcmp(machine.bytes, mapped, sizeof mapped) != 0)
        memset(machine.bytes + 8, 0, 8);
    crypto_generichash(v->address, sizeof v->address, machine.bytes, sizeof machine.bytes,
                       v->access->login_key, IDEM_ACCESS_KEY);
}

static void take_cookie(struct idem_request *r, struct idem_visit *v)
{
    const char *cookie = idem_request_cookie(r);

    v->secure = idem_request_secure(r);
    if (cookie == NULL || strlen(cookie) != IDEM_SECRET_TEXT)
        return;
    v->has_old = true;
    idem_auth_hash(cookie, v->old);
    idem_auth_csrf(cookie, v->csrf);
}

struct idem_visit *idem_visit_begin(struct idem_request *r)
{
    struct idem_visit *v = calloc(1, sizeof *v);

    if (v == NULL) {
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "no memory for a log-in");
        return NULL;
    }
    r->command.arg = v;
    r->command.free_arg = free_visit;
    v->command = &r->command;
    v->access = idem_http_parts(r->http)->access;
    v->disabled = -1;
    v->account.totp_step = -1;
    take_address(r, v);
    take_cookie(r, v);
    return v;
}
