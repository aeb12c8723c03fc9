/* SPDX-License-Identifier: Apache-2.0 */
/* organisations.c - see organisations.h. An entry is written before the count that shows it. */
#include "server/organisations.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct organisation {
    int64_t row;
    char name[IDEM_ORGANISATION_MAX + 1];
};

struct idem_organisations {
    atomic_uint count;
    struct organisation list[IDEM_ORGANISATIONS_MAX];
};

static int take(void *arg, int64_t row, const char *name)
{
    return idem_organisations_add(arg, row, name);
}

int idem_organisations_new(struct idem_store *store, struct idem_organisations **out)
{
    struct idem_organisations *o = calloc(1, sizeof *o);

    if (o == NULL)
        return IDEM_ERR_NOMEM;
    int err = store->ops->organisations(store, take, o);
    if (err != 0) {
        free(o);
        return err;
    }
    *out = o;
    return IDEM_OK;
}

void idem_organisations_free(struct idem_organisations *o)
{
    free(o);
}

uint32_t idem_organisations_count(const struct idem_organisations *o)
{
    return atomic_load(&o->count);
}

int64_t idem_organisations_at(const struct idem_organisations *o, uint32_t at)
{
    return o->list[at].row;
}

const char *idem_organisations_name(const struct idem_organisations *o, int64_t row)
{
    for (uint32_t i = 0; o != NULL && i < idem_organisations_count(o); i++)
        if (o->list[i].row == row)
            return o->list[i].name;
    return "";
}

int64_t idem_organisations_row(const struct idem_organisations *o, const char *name)
{
    for (uint32_t i = 0; i < idem_organisations_count(o); i++)
        if (strcmp(o->list[i].name, name) == 0)
            return o->list[i].row;
    return 0;
}

bool idem_organisation_good(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return len > 0 && len <= IDEM_ORGANISATION_MAX && name[len] == '\0';
}

int idem_organisations_add(struct idem_organisations *o, int64_t row, const char *name)
{
    uint32_t at = idem_organisations_count(o);

    if (name == NULL || !idem_organisation_good(name))
        return IDEM_ERR_FORMAT;
    if (at == IDEM_ORGANISATIONS_MAX)
        return IDEM_ERR_LIMIT;
    o->list[at].row = row;
    memcpy(o->list[at].name, name, strlen(name) + 1);
    atomic_store(&o->count, at + 1);
    return IDEM_OK;
}
