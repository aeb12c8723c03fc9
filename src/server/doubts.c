/* SPDX-License-Identifier: Apache-2.0 */
/* doubts.c - see doubts.h. */
#include "server/doubts.h"

#include "server/sessions.h"

const char *idem_doubt_name(int bit)
{
    static const char *const names[IDEM_DOUBTS] = {"token-reused", "token-torn", "seat-cloned"};
    return names[bit];
}

void idem_doubt_raise(struct idem_session *s, unsigned doubt)
{
    if ((s->doubts & doubt) == doubt)
        return;
    s->doubts |= doubt;
    s->doubts_unsaved = s->spoiled = true;
}

unsigned idem_doubts_answered(unsigned doubts)
{
    unsigned standing = doubts & IDEM_DOUBTS_STANDING;
    return (doubts & ~(unsigned)IDEM_DOUBTS_STANDING) | standing << IDEM_DOUBTS_PAST;
}

void idem_doubts_recall(struct idem_session *s, unsigned doubts)
{
    s->doubts = doubts;
    s->spoiled = s->spoiled || doubts != 0;
}

bool idem_doubts_step_up(const struct idem_session *s)
{
    return (s->doubts & IDEM_DOUBTS_STANDING) != 0;
}
