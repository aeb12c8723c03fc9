/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes_privacy.c - what the privacy officer does to a person's data, on the person's behalf.
 *
 *   POST /v1/people/{id}/erase    {"reason": "..."}; privacy officer (erasure.h)
 */
#include "server/routes.h"

#include "server/bodies.h"
#include "server/erasure.h"
#include "server/people.h"

#include <string.h>

enum { REASON_MAX = 500 };

static bool take_person(struct idem_request *r)
{
    if (idem_public_id_parse("p_", r->path_id, r->command.id) == 0)
        return true;
    idem_request_refuse(r, IDEM_PROBLEM_NO_SUCH_PERSON, "this is not a person's id");
    return false;
}

static bool take_reason(struct idem_request *r)
{
    const json_t *reason;

    if (!idem_body_json(r))
        return false;
    reason = json_object_get(r->command.json, "reason");
    if (json_object_size(r->command.json) == 1 && json_is_string(reason) &&
        json_string_length(reason) > 0 && json_string_length(reason) <= REASON_MAX)
        return true;
    idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                        "\"reason\" must be there, alone, with 1 to %d bytes", REASON_MAX);
    return false;
}

static void post_erase(struct idem_request *r)
{
    if (take_person(r) && take_reason(r))
        idem_request_call(r, idem_erasure_call);
}

/* clang-format off */
static const struct idem_route rows[] = {
    {"POST", "/v1/people/{id}/erase",  IDEM_MAY_PRIVACY,  post_erase},
};
/* clang-format on */

const struct idem_route_table idem_routes_privacy = IDEM_ROUTE_TABLE(rows);
