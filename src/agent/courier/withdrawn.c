/* SPDX-License-Identifier: Apache-2.0 */
/* withdrawn.c - see withdrawn.h. An object of jansson keeps the order in which it was filled. */
#include "agent/courier/withdrawn.h"

#include <stdint.h>
#include <string.h>

void idem_withdrawn_note(json_t **list, const char *person, const char *version)
{
    if (*list == NULL)
        *list = json_object();
    json_object_del(*list, person); /* so that it becomes the newest */
    if (json_object_size(*list) >= IDEM_WITHDRAWN_MAX)
        json_object_del(*list, json_object_iter_key(json_object_iter(*list)));
    json_object_set_new(*list, person, json_string(version));
}

void idem_withdrawn_clear(json_t *list, const char *person)
{
    json_object_del(list, person);
}

bool idem_withdrawn_is(const json_t *list, const char *person, const char *version)
{
    const char *withdrawn = json_string_value(json_object_get(list, person));

    return withdrawn != NULL && (withdrawn[0] == 0 || strcmp(withdrawn, version) == 0);
}

void idem_withdrawn_restore(json_t **list, const json_t *kept)
{
    const char *person;
    json_t *version;

    json_object_foreach((json_t *)(uintptr_t)kept, person, version) if (json_is_string(version))
        idem_withdrawn_note(list, person, json_string_value(version));
}
