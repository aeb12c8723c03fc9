/* SPDX-License-Identifier: Apache-2.0 */
/* presence.c - see presence.h. */
#include "agent/broker/presence.h"

#include <string.h>

static bool is_name(const char *name)
{
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    return *name != 0;
}

bool idem_session_is_persons(const struct idem_session *session)
{
    return session->path[0] != 0 && strncmp(session->class, "user", 4) == 0 &&
           strcmp(session->class, "user-incomplete") != 0 &&
           strcmp(session->state, "closing") != 0 && is_name(session->user);
}

enum idem_presence idem_presence_of(bool sleeping, const struct idem_session *front,
                                    const struct idem_session *owner)
{
    if (!idem_session_is_persons(owner))
        return IDEM_NOBODY;
    if (sleeping)
        return IDEM_SUSPENDED;
    if (strcmp(front->path, owner->path) != 0)
        return IDEM_AWAY;
    if (owner->remote)
        return IDEM_REMOTE;
    return owner->locked ? IDEM_LOCKED : IDEM_PRESENT;
}

void idem_unlocks_see(struct idem_unlocks *unlocks, const struct idem_session *owner)
{
    bool same = strcmp(unlocks->path, owner->path) == 0;

    if (owner->path[0] == 0)
        return;
    if (owner->since_us > unlocks->newest_us) {
        unlocks->newest_us = owner->since_us;
        unlocks->count += strstr(owner->service, "autologin") == NULL;
    } else if (same && unlocks->locked && !owner->locked) {
        unlocks->count++;
    }
    memcpy(unlocks->path, owner->path, sizeof unlocks->path);
    unlocks->locked = owner->locked;
}
