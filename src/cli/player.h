/* SPDX-License-Identifier: Apache-2.0 */
/*
 * player.h - one live session of `idem replay`: a script played through the edge library, its
 * windows sent one request after the other, its verdicts told.
 *
 *   waiting -> opening -> playing -> closing -> done       (failed from anywhere)
 *
 * Beside the collectors each device has a guard; what it alarms about is sent before any window.
 * Nobody signs in here, so an alarm is not armed again.
 *
 * A player has one request under way at most. Windows queue up to IDEM_PLAYER_QUEUE; then the
 * script waits, so a slow server slows the replay down and loses nothing. A request that found no
 * server or a busy one (503) is sent anew, up to IDEM_PLAYER_TRIES times: repeats are harmless.
 */
#ifndef IDEM_CLI_PLAYER_H
#define IDEM_CLI_PLAYER_H

#include "cli/client.h"
#include "cli/script.h"
#include "cli/seat_key.h"
#include "idem/idem.h"
#include "wire/alarm.h"

enum {
    IDEM_PLAYER_QUEUE = 64,
    IDEM_PLAYER_TRIES = 8,
    IDEM_PLAYER_TOKEN = 128,
    IDEM_PLAYER_STATE = 24,
    IDEM_PLAYER_ALARMS = IDEM_WIRE_ALARMS_MAX,
};

enum idem_player_phase {
    IDEM_PLAYER_WAITING,
    IDEM_PLAYER_OPENING,
    IDEM_PLAYER_PLAYING,
    IDEM_PLAYER_CLOSING,
    IDEM_PLAYER_DONE,
    IDEM_PLAYER_FAILED,
};

struct idem_queued {
    struct idem_window *window;
    uint32_t seq;
    int64_t t_us; /* in the script */
};

/* What all players share. */
struct idem_stage {
    struct idem_client *client;
    const struct idem_front *front;
    const char *token;                /* for opening sessions, or NULL */
    bool back_end;                    /* the token is an API key */
    const struct idem_seat_key *seat; /* it signs, or NULL */
    const char *host;                 /* the server's name, as the seat signs it */
    bool clock;                       /* send the script's time with every request */
    int64_t epoch_ms;                 /* wall clock at script time 0 */
    uint64_t windows;                 /* acknowledged */
    uint64_t alarms;                  /* likewise, macros not counted */
    void (*say)(const char *line);
};

struct idem_player {
    struct idem_stage *stage;
    const char *name;
    struct idem_script script;
    int64_t takeover_us; /* when other hands come, or -1 */
    const char *impostor;

    enum idem_player_phase phase;
    bool busy; /* a request is under way */
    uint32_t tries;
    uint32_t next; /* event of the script */
    struct idem_keyboard *keyboard;
    struct idem_pointer *pointer;
    struct idem_queued queue[IDEM_PLAYER_QUEUE]; /* ring: the first `queued` from `head` */
    uint32_t head, queued, seq;
    struct idem_guard *guards[IDEM_MODALITIES];
    struct idem_guard_verdict told[IDEM_MODALITIES];   /* the last that was put in a queue */
    struct idem_wire_alarm alarms[IDEM_PLAYER_ALARMS]; /* not acknowledged */
    uint32_t alarm_count, alarm_seq;
    int64_t alarm_us; /* script time of the newest of them */

    bool challenged; /* a seat has what it signs to open */
    uint8_t challenge[IDEM_SEAL_NONCE];
    struct idem_wire_seal seal;   /* a seat's: what its windows are signed with */
    uint8_t link[IDEM_SEAL_LINK]; /* after the windows under way */
    uint32_t renewals;            /* of the token */
    double renew_at;              /* on idem_cli_now's clock, INFINITY: never */
    char token[IDEM_PLAYER_TOKEN], session[IDEM_PLAYER_TOKEN], state[IDEM_PLAYER_STATE];
    double trust;                        /* as last told, NAN: none */
    int64_t sent_us;                     /* script time of the windows last acknowledged */
    int64_t caught_us;                   /* step-up or lock after the takeover, or -1 */
    uint32_t keys_after, gestures_after; /* acknowledged since the takeover */
    bool ended_locked;
};

/* Plays everything up to script time now_us that there is room for, and sends when nothing is under
 * way. */
void idem_player_step(struct idem_player *player, int64_t now_us);
/* Script time at which step has something to do; INT64_MAX while it waits for an answer or for
 * nothing. */
int64_t idem_player_due(const struct idem_player *player);
bool idem_player_over(const struct idem_player *player);
void idem_player_free(struct idem_player *player);

#endif
