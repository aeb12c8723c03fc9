/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deeds.h - what was asked of a server and what it acknowledged, with the disk's times of both: the
 * memory of the peers, against which a store that survived is held.
 *
 * A deed that was acknowledged before the cut must be there, one that was never asked must not, and
 * one that was asked and not acknowledged may be there whole or not at all.
 */
#ifndef IDEM_TESTS_DEEDS_H
#define IDEM_TESTS_DEEDS_H

#include "store/chain.h"
#include "world.h"

enum {
    DEED_SESSIONS_MAX = 32,
    DEEDS_MAX = 4096,
    DEED_LOGS = 2, /* audit, gate */
    DEED_LINES_MAX = 256,
    DEED_WHY_MAX = 200,
};

#define NEVER SIZE_MAX

struct deed_session {
    uint8_t id[IDEM_ID_BYTES];
    int person;
    size_t opened;                 /* when acknowledged */
    size_t close_asked, closed;    /* or NEVER */
    size_t unlock_asked, unlocked; /* the last one */
};

enum deed_kind { DEED_WINDOW, DEED_ALARM };

struct deed {
    enum deed_kind kind;
    int session;
    uint32_t seq;
    const uint8_t *payload; /* a window's; borrowed */
    uint32_t len;
    size_t asked, done; /* done: NEVER when it was refused or not answered */
};

/* A line of a log, known by the head that it became. */
struct deed_line {
    struct idem_chain_head head;
    size_t done;
};

struct deeds {
    struct deed_line lines[DEED_LOGS][DEED_LINES_MAX];
    int line_count[DEED_LOGS];
    struct deed_session sessions[DEED_SESSIONS_MAX];
    int session_count;
    struct deed deeds[DEEDS_MAX];
    int count;
};

/* Holds the open store and the keys beside it against what was known after n operations of the
 * disk. False: why says what is missing, half, unreadable, or there without having been asked for.
 */
bool deeds_hold(const struct deeds *d, size_t n, struct idem_store *store, struct idem_vault *vault,
                char why[DEED_WHY_MAX]);

/* Are the chains of the logs whole, with every line that was acknowledged by then? */
bool deeds_lines_hold(const struct deeds *d, size_t n, char why[DEED_WHY_MAX]);

#endif
