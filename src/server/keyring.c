/* SPDX-License-Identifier: Apache-2.0 */
/* keyring.c - see keyring.h. */
#include "server/keyring.h"

#include "base/log.h"
#include "server/clock.h"
#include "store/erase.h"

#include <limits.h>
#include <stdio.h>

static int open_files(const char *dir, struct idem_people_parts *parts)
{
    const char *why = "the data base cannot be read";
    int64_t known = 0;
    int err = idem_people_with_keys(parts->store, &known);

    if (err == 0)
        err = idem_ledger_open(dir, &parts->ledger, &why);
    if (err == 0)
        err = idem_vault_open(dir, known == 0, &parts->vault, &why);
    if (err == IDEM_ERR_NOT_FOUND)
        why = "keys.db is missing, and what is stored of people cannot be read without it: bring "
              "it back (idem keys import), or begin with an empty data directory";
    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "%s: %s", dir, why);
    return err;
}

static void tell(const struct idem_people_check *check)
{
    if (check->erased > 0)
        idem_log(IDEM_LOG_INFO, "%lld erasures completed", (long long)check->erased);
    if (check->sealed > 0)
        idem_log(IDEM_LOG_INFO, "%lld people of an older version sealed", (long long)check->sealed);
    if (check->without_key > 0)
        idem_log(IDEM_LOG_ERROR,
                 "%lld people have no key in keys.db: what is stored of them cannot be read",
                 (long long)check->without_key);
}

int idem_keyring_open(const char *dir, struct idem_people_parts *parts)
{
    struct idem_people_check check;
    char gate[PATH_MAX];
    int err = open_files(dir, parts);

    if (err != 0)
        return err;
    if (snprintf(gate, sizeof gate, "%s/gate.db", dir) >= (int)sizeof gate)
        return IDEM_ERR_INVALID;
    const struct idem_erase_places places = {.store = parts->store,
                                             .vault = parts->vault,
                                             .ledger = parts->ledger,
                                             .gate = gate,
                                             .now_ms = idem_clock_ms()};
    err = idem_people_prepare(&places, &check);
    if (err == 0)
        tell(&check);
    else
        idem_log(IDEM_LOG_ERROR, "%s: what is known of people cannot be put in order: %s", dir,
                 idem_strerror(err));
    return err;
}

void idem_keyring_close(struct idem_people_parts *parts)
{
    idem_ledger_close(parts->ledger);
    idem_vault_close(parts->vault);
    parts->ledger = NULL;
    parts->vault = NULL;
}
