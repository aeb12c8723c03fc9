/* SPDX-License-Identifier: Apache-2.0 */
/*
 * player_seat.h - how a player of `idem replay` opens its session and keeps its token: as the
 * demonstration does, as a web application's back end, or as a seat that signs.
 */
#ifndef IDEM_CLI_PLAYER_SEAT_H
#define IDEM_CLI_PLAYER_SEAT_H

#include "cli/player.h"

#include <jansson.h>

/* The body of POST /v1/sessions; NULL: out of memory, or a name that is not UTF-8. A seat has its
 * challenge by now. */
json_t *idem_player_opening(const struct idem_player *p);
/* What the answer says of token and nonce. False: it lacks what the session needs. */
bool idem_player_take_opening(struct idem_player *p, const json_t *answer);
/* The body of a renewal, empty without a seat; NULL: out of memory. */
json_t *idem_player_renewal(const struct idem_player *p);
/* The new token, or the first one; when it is to be renewed. */
bool idem_player_take_token(struct idem_player *p, const json_t *answer);

#endif
