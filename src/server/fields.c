/* SPDX-License-Identifier: Apache-2.0 */
/* fields.c - single fields of a request's object, with their ranges; see bodies.h. */
#include "server/bodies.h"
#include "server/people.h"

#include <string.h>

bool idem_body_only(struct idem_request *r, const char *const *known, size_t count,
                    const char *what)
{
    const char *name;
    json_t *value;

    json_object_foreach(r->command.json, name, value)
    {
        bool found = false;
        for (size_t i = 0; i < count; i++)
            found = found || strcmp(known[i], name) == 0;
        if (!found) {
            idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "%s, and no other field", what);
            return false;
        }
    }
    return true;
}

bool idem_body_text(struct idem_request *r, const char *field, bool needed, size_t max,
                    const char **out)
{
    const json_t *value = json_object_get(r->command.json, field);
    const size_t len = json_string_length(value);

    if (value == NULL && !needed) {
        *out = "";
        return true;
    }
    if (!json_is_string(value) || (needed && len == 0) || len > max) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                            "\"%s\" must be a string of %d to %zu bytes", field, needed, max);
        return false;
    }
    *out = json_string_value(value);
    return true;
}

bool idem_body_integer(struct idem_request *r, const char *field, bool needed, int64_t min,
                       int64_t max, int64_t *out)
{
    const json_t *value = json_object_get(r->command.json, field);

    if (value == NULL && !needed)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max) {
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                            "\"%s\" must be an integer from %lld to %lld", field, (long long)min,
                            (long long)max);
        return false;
    }
    *out = json_integer_value(value);
    return true;
}

bool idem_body_bytes(struct idem_request *r, const char *field, uint8_t *out, size_t len)
{
    const char *text = json_string_value(json_object_get(r->command.json, field));

    if (text != NULL && idem_seal_parse(text, out, len) == 0)
        return true;
    idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"%s\" must be %zu bytes in base64url",
                        field, len);
    return false;
}

bool idem_body_device_class(struct idem_request *r, uint8_t *out)
{
    const json_t *value = json_object_get(r->command.json, "device_class");

    if (value == NULL ||
        (json_is_string(value) && idem_device_class_parse(json_string_value(value), out) == 0))
        return true;
    idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD,
                        "\"device_class\" must be \"desktop\" or \"laptop\"");
    return false;
}
