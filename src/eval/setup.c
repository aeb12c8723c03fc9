/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup.c - which sessions enrol and which are probed, see protocol.h.
 */
#include <string.h>

#include "eval/protocol.h"

void idem_setup_fini(struct idem_setup *setup)
{
    idem_stat_set_fini(&setup->profiles);
    idem_stat_set_fini(&setup->probes);
    idem_comparisons_fini(&setup->comparisons);
}

bool idem_protocol_enrols(const struct idem_protocol *p, const struct idem_session *s,
                          uint32_t number)
{
    if (p->enrol_match)
        return strstr(s->name, p->enrol_match) != NULL;
    if (p->enrol)
        return number < p->enrol;
    return s->split == IDEM_SPLIT_TRAIN;
}

bool idem_protocol_probes(const struct idem_protocol *p, const struct idem_session *s,
                          uint32_t number)
{
    if (idem_protocol_enrols(p, s, number))
        return false;
    if (p->probe_match)
        return strstr(s->name, p->probe_match) != NULL;
    return p->enrol_match || p->enrol || s->split == IDEM_SPLIT_TEST;
}
