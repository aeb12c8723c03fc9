/* SPDX-License-Identifier: Apache-2.0 */
/* player_seat.c - see player_seat.h. */
#include "cli/player_seat.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"

/* Of a token's life, after which another one is asked for. */
#define RENEW_AFTER 0.6

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static json_t *base64(const uint8_t *bytes, size_t len)
{
    char text[2 + 4 * IDEM_SEAL_SIGNATURE / 3];
    idem_seal_text(bytes, len, text);
    return json_string(text);
}

static json_t *signed_opening(const struct idem_player *p)
{
    const struct idem_seat_key *seat = p->stage->seat;
    struct idem_seal_opening o = {.host = p->stage->host,
                                  .seat = seat->seat,
                                  .person = p->name,
                                  .job = "",
                                  .time_ms = now_ms(),
                                  .start = 1};
    uint8_t signature[IDEM_SEAL_SIGNATURE];
    struct idem_seal_message message;

    memcpy(o.nonce, p->challenge, sizeof o.nonce);
    if (idem_seat_key_instance(seat, o.instance) != 0 || idem_seal_opening(&o, &message) != 0)
        return NULL;
    idem_seal_sign(&seat->key, &message, signature);
    return json_pack("{s:I, s:s, s:o, s:I, s:o, s:s, s:o}", "seat_id", (json_int_t)o.seat, "person",
                     p->name, "nonce", base64(o.nonce, sizeof o.nonce), "time_ms",
                     (json_int_t)o.time_ms, "instance", base64(o.instance, sizeof o.instance),
                     "start", "strong", "signature", base64(signature, sizeof signature));
}

json_t *idem_player_opening(const struct idem_player *p)
{
    json_t *body;

    if (p->stage->seat)
        body = signed_opening(p);
    else if (p->stage->back_end)
        body = json_pack("{s:s, s:s, s:s}", "person", p->name, "seat", "replay", "start", "strong");
    else
        body = json_pack("{s:s, s:s, s:s}", "organisation", "demo", "person", p->name, "seat",
                         "replay");
    if (body && p->stage->clock)
        json_object_set_new(body, "clock_ms", json_integer(p->stage->epoch_ms));
    return body;
}

bool idem_player_take_token(struct idem_player *p, const json_t *answer)
{
    const char *token = json_string_value(json_object_get(answer, "token"));
    const json_t *life = json_object_get(answer, "token_life_s");

    if (!token || strlen(token) == 0 || strlen(token) >= sizeof p->token)
        return false;
    memcpy(p->token, token, strlen(token) + 1);
    p->renew_at = json_is_integer(life)
                      ? idem_cli_now() + RENEW_AFTER * (double)json_integer_value(life)
                      : (double)INFINITY;
    return true;
}

bool idem_player_take_opening(struct idem_player *p, const json_t *answer)
{
    const char *nonce = json_string_value(json_object_get(answer, "nonce"));

    if (!idem_player_take_token(p, answer))
        return false;
    if (!p->stage->seat)
        return true;
    p->seal.key = &p->stage->seat->key;
    if (!nonce || idem_seal_parse(nonce, p->seal.nonce, sizeof p->seal.nonce) != 0)
        return false;
    idem_seal_first(p->seal.nonce, p->seal.link);
    return true;
}

json_t *idem_player_renewal(const struct idem_player *p)
{
    uint8_t signature[IDEM_SEAL_SIGNATURE];
    struct idem_seal_message message;

    if (!p->stage->seat)
        return json_object();
    idem_seal_renewal(p->seal.nonce, p->renewals, &message);
    idem_seal_sign(&p->stage->seat->key, &message, signature);
    return json_pack("{s:I, s:o}", "counter", (json_int_t)p->renewals, "signature",
                     base64(signature, sizeof signature));
}
