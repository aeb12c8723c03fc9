/* SPDX-License-Identifier: Apache-2.0 */
/* key.c - see key.h. */
#include "agent/courier/key.h"

#include "base/bytes.h"

int idem_key_load(int dir, struct idem_seat_key *out)
{
    struct idem_seat_key key;
    int err = idem_seat_key_read(dir, IDEM_KEY_FILE, &key);

    if (err == 0 && key.seat == 0)
        err = IDEM_ERR_NOT_FOUND;
    if (err == 0)
        *out = key;
    return err;
}

int idem_key_take(int dir, struct idem_seat_key *out)
{
    int err = idem_seat_key_read(dir, IDEM_KEY_FILE, out);

    if (err == 0)
        return out->seat == 0 ? 0 : IDEM_ERR_MISMATCH;
    if (err != IDEM_ERR_NOT_FOUND)
        return err;
    idem_seat_key_make(out);
    return idem_seat_key_write(dir, IDEM_KEY_FILE, out);
}

int idem_key_registration(const struct idem_seat_key *key, const char *code, const char *host,
                          char body[IDEM_KEY_REGISTRATION_MAX], size_t *len)
{
    struct idem_text text = {.bytes = body, .cap = IDEM_KEY_REGISTRATION_MAX};
    int err = idem_seat_key_registration(key, code, host, &text);

    if (err == 0)
        *len = text.len;
    return err;
}

int idem_key_registered(int dir, struct idem_seat_key *key, int64_t seat)
{
    struct idem_seat_key enrolled = *key;

    if (seat <= 0)
        return IDEM_ERR_INVALID;
    enrolled.seat = seat;
    int err = idem_seat_key_write(dir, IDEM_KEY_FILE, &enrolled);
    if (err == 0)
        *key = enrolled;
    idem_wipe(&enrolled, sizeof enrolled);
    return err;
}
