/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_read.c - a request on the local socket, as far as it can be understood: an object with
 * the name of a request and its argument, nothing else, nothing twice.
 */
#include "agent/courier/control_parts.h"

#include <string.h>

static const struct row {
    const char *name, *argument; /* its member; NULL: none */
    enum idem_control_who who;
} rows[IDEM_CONTROL_REQUESTS] = {
    [IDEM_CONTROL_STATUS] = {"status", NULL, IDEM_BY_ANYBODY},
    [IDEM_CONTROL_WATCH] = {"watch", NULL, IDEM_BY_PERSON},
    [IDEM_CONTROL_TEXT] = {"text", "language", IDEM_BY_PERSON},
    [IDEM_CONTROL_ACKNOWLEDGE] = {"acknowledge", "version", IDEM_BY_PERSON},
    [IDEM_CONTROL_WITHDRAW] = {"withdraw", NULL, IDEM_BY_PERSON},
    [IDEM_CONTROL_PAUSE] = {"pause", "seconds", IDEM_BY_PERSON},
    [IDEM_CONTROL_RESUME] = {"resume", NULL, IDEM_BY_PERSON},
    [IDEM_CONTROL_NONCE] = {"nonce", NULL, IDEM_BY_PERSON},
    [IDEM_CONTROL_ENROL] = {"enrol", "code", IDEM_BY_ROOT},
};

enum idem_control_who idem_control_who(enum idem_control_request request)
{
    return rows[request].who;
}

const char *idem_control_request_name(enum idem_control_request request)
{
    return rows[request].name;
}

static int fail(const char **why, const char *sentence)
{
    *why = sentence;
    return IDEM_ERR_INVALID;
}

static int find(const json_t *root, enum idem_control_request *out, const char **why)
{
    const char *name = json_string_value(json_object_get(root, "request"));

    if (name == NULL)
        return fail(why, "\"request\" must be there, a text");
    for (size_t i = 0; i < IDEM_CONTROL_REQUESTS; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        *out = (enum idem_control_request)i;
        return 0;
    }
    return fail(why, "there is no such request");
}

static int take_seconds(const json_t *value, struct idem_control_said *out, const char **why)
{
    const json_int_t n = json_integer_value(value);

    if (!json_is_integer(value) || n < 1 || n > IDEM_PAUSE_LONGEST_S)
        return fail(why, "\"seconds\" must be a whole number from 1 to 86400");
    out->seconds = (uint32_t)n;
    return 0;
}

/* Into a URL or a header nothing may go that ends a line; what else it means, the server knows. */
static int take_text(const json_t *value, struct idem_control_said *out, const char **why)
{
    const char *text = json_string_value(value);
    const size_t len = json_string_length(value);

    if (text == NULL || len == 0 || len >= sizeof out->argument)
        return fail(why, "the request's argument must be a text of 1 to 143 bytes");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return fail(why, "the request's argument holds control characters");
    memcpy(out->argument, text, len + 1);
    return 0;
}

static int take(const json_t *root, struct idem_control_said *out, const char **why)
{
    const char *name;
    const json_t *value;
    int err = find(root, &out->request, why);

    if (err != 0)
        return err;
    name = rows[out->request].argument;
    value = name != NULL ? json_object_get(root, name) : NULL;
    if (json_object_size(root) != (name != NULL ? 2 : 1) || (name != NULL && value == NULL))
        return fail(why, "a request has its name, its argument and nothing else");
    if (name == NULL)
        return 0;
    return out->request == IDEM_CONTROL_PAUSE ? take_seconds(value, out, why)
                                              : take_text(value, out, why);
}

int idem_control_read(const char *bytes, size_t len, struct idem_control_said *out,
                      const char **why)
{
    struct idem_control_said said = {0};
    json_t *root;
    int err;

    if (len > IDEM_CONTROL_REQUEST_MAX)
        return fail(why, "a request has at most 4096 bytes");
    root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        *why = "a request is a JSON object on a line of its own";
        return IDEM_ERR_FORMAT;
    }
    err = take(root, &said, why);
    json_decref(root);
    if (err == 0)
        *out = said;
    return err;
}
