/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.h - what a seat signs with its Ed25519 key, byte for byte, for whoever signs and whoever
 * checks: registering, opening a session, renewing its token, what the person at it has done, and
 * the chain of windows.
 *
 *   nonce --first--> link 0 --window 1--> link 1 --window 2--> link 2 ...     (BLAKE2b-256)
 *
 *   link i = H("idem window 1", session nonce, i, link i - 1, the window as the server keeps it)
 *
 * One signature a request, over its last link: that vouches for every window before it in the
 * session. A window that is changed, left out, moved or put into another session changes the link.
 *
 * Each statement begins with a name of its own, so that none can stand for another, and every text
 * in it with its length. The host is the one that the seat has dialled: what it signed for another
 * server is worthless at this one.
 */
#ifndef IDEM_WIRE_SEAL_H
#define IDEM_WIRE_SEAL_H

#include "idem/idem.h"

enum {
    IDEM_SEAL_SEED = 32, /* what a key file holds */
    IDEM_SEAL_SECRET = 64,
    IDEM_SEAL_PUBLIC = 32,
    IDEM_SEAL_SIGNATURE = 64,
    IDEM_SEAL_NONCE = 32,
    IDEM_SEAL_LINK = 32,
    IDEM_SEAL_INSTANCE = 16,
    IDEM_SEAL_TEXT_MAX = 255, /* of a text in a statement */
    IDEM_SEAL_CODE_TEXT = 29, /* "XXXXX-XXXXX-XXXXX-XXXXX-XXXXX", 125 random bits */
    IDEM_SEAL_CODE_HASH = 32,
    IDEM_SEAL_MESSAGE_MAX = 1024,
};

struct idem_seal_key {
    uint8_t public[IDEM_SEAL_PUBLIC];
    uint8_t secret[IDEM_SEAL_SECRET];
};

/* A statement, ready to be signed or checked. */
struct idem_seal_message {
    uint8_t bytes[IDEM_SEAL_MESSAGE_MAX];
    size_t len;
};

/* What a seat says when it opens a session. Texts: at most IDEM_SEAL_TEXT_MAX bytes. */
struct idem_seal_opening {
    const char *host;
    uint8_t nonce[IDEM_SEAL_NONCE]; /* the challenge */
    int64_t seat;
    const char *person, *job; /* job: "" when there is none */
    int64_t time_ms;          /* the seat's clock */
    uint8_t instance[IDEM_SEAL_INSTANCE];
    uint8_t start;
};

/* seed: NULL makes one. */
void idem_seal_key_make(const uint8_t seed[IDEM_SEAL_SEED], struct idem_seal_key *out);
void idem_seal_sign(const struct idem_seal_key *key, const struct idem_seal_message *message,
                    uint8_t signature[IDEM_SEAL_SIGNATURE]);
bool idem_seal_good(const uint8_t public[IDEM_SEAL_PUBLIC], const struct idem_seal_message *message,
                    const uint8_t signature[IDEM_SEAL_SIGNATURE]);

/* Statements. IDEM_ERR_LIMIT: a text is too long. */
int idem_seal_registration(const uint8_t code_hash[IDEM_SEAL_CODE_HASH],
                           const uint8_t public[IDEM_SEAL_PUBLIC], const char *host,
                           struct idem_seal_message *out);
int idem_seal_opening(const struct idem_seal_opening *opening, struct idem_seal_message *out);
void idem_seal_renewal(const uint8_t nonce[IDEM_SEAL_NONCE], uint32_t counter,
                       struct idem_seal_message *out);
void idem_seal_binding(const uint8_t nonce[IDEM_SEAL_NONCE], uint32_t counter,
                       struct idem_seal_message *out);
/* The person has just authenticated strongly at the seat. */
void idem_seal_strong(const uint8_t nonce[IDEM_SEAL_NONCE], uint32_t counter,
                      struct idem_seal_message *out);
/* Nothing is collected for so long; 0: it goes on. */
void idem_seal_pause(const uint8_t nonce[IDEM_SEAL_NONCE], uint32_t counter, uint32_t seconds,
                     struct idem_seal_message *out);
/* The person at the seat has read this version. IDEM_ERR_LIMIT */
int idem_seal_acknowledgement(const uint8_t nonce[IDEM_SEAL_NONCE], const char *version,
                              struct idem_seal_message *out);
void idem_seal_windows(const uint8_t link[IDEM_SEAL_LINK], struct idem_seal_message *out);

/* The chain: where it begins, and one window further. */
void idem_seal_first(const uint8_t nonce[IDEM_SEAL_NONCE], uint8_t link[IDEM_SEAL_LINK]);
void idem_seal_next(const uint8_t nonce[IDEM_SEAL_NONCE], uint32_t seq, const void *window,
                    size_t len, uint8_t link[IDEM_SEAL_LINK]);

/* Enrolment codes. text has room for IDEM_SEAL_CODE_TEXT + 1. */
void idem_seal_code_new(char *text);
/* Small letters, missing or other hyphens, spaces, and O, I, L for 0 and 1 are understood.
 * IDEM_ERR_FORMAT: not a code. */
int idem_seal_code_hash(const char *text, uint8_t hash[IDEM_SEAL_CODE_HASH]);

/* Base64url without padding; text has room for 2 + 4 * len / 3. IDEM_ERR_FORMAT: not len bytes. */
void idem_seal_text(const uint8_t *bytes, size_t len, char *text);
int idem_seal_parse(const char *text, uint8_t *bytes, size_t len);

#endif
