/* SPDX-License-Identifier: Apache-2.0 */
/* policy_shipped.c - the files of data/ that a server without --policy goes by, compiled in. */
#include "server/policy.h"

#include "policy_texts.inc"

const char *idem_policy_shipped(bool demo, size_t *len)
{
    *len = demo ? (size_t)demo_policy_len : (size_t)policy_len;
    return demo ? demo_policy : policy;
}
