/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - keys, tickets, roles and the set-up link; see access.h. */
#include "server/access.h"

#include "base/log.h"
#include "server/oidc.h"
#include "server/organisations.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(IDEM_ACCESS_KEY == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "one size of key");
_Static_assert(IDEM_ACCOUNT_TOTP_MAX >= IDEM_TOTP_SECRET +
                                            crypto_aead_xchacha20poly1305_ietf_NPUBBYTES +
                                            crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "a sealed secret must fit");

enum {
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TICKET_FOR = 8 + IDEM_HASH_BYTES, /* what a ticket is bound to */
};

/* ------------------------------------------------------------------ life */

static void derive(const uint8_t *secret, const char *use, uint8_t key[IDEM_ACCESS_KEY])
{
    crypto_generichash(key, IDEM_ACCESS_KEY, (const uint8_t *)use, strlen(use), secret,
                       IDEM_SECRET_BYTES);
}

/* Without the key of before, the accounts that there are could never log in again. */
static int load_keys(struct idem_access *a, int64_t accounts)
{
    uint8_t secret[IDEM_SECRET_BYTES];
    int err = idem_secret_load(a->parts.dir, "access.key", accounts == 0, secret);

    if (err != 0)
        return err;
    derive(secret, "idem: login names", a->login_key);
    derive(secret, "idem: one-time codes", a->totp_key);
    derive(secret, "idem: tickets", a->ticket_key);
    sodium_memzero(secret, sizeof secret);
    return IDEM_OK;
}

static int count_accounts(const struct idem_access_parts *parts, int64_t *count)
{
    return parts->store->access->account_count(parts->store, 0, ~0U, count);
}

static int make_oidc(struct idem_access *a)
{
    uint8_t key[IDEM_SECRET_BYTES];

    if (a->parts.oidc == NULL || a->parts.oidc->issuer == NULL)
        return IDEM_OK;
    derive(a->ticket_key, "idem: seeds", key);
    int err = idem_oidc_new(a->parts.oidc, key, &a->oidc);
    sodium_memzero(key, sizeof key);
    return err;
}

int idem_access_new(const struct idem_access_parts *parts, struct idem_access **out)
{
    struct idem_access *a = calloc(1, sizeof *a);
    int64_t accounts = 0;
    int err;

    if (a == NULL)
        return IDEM_ERR_NOMEM;
    a->parts = *parts;
    if ((err = count_accounts(parts, &accounts)) != 0 || (err = load_keys(a, accounts)) != 0 ||
        (err = idem_lockout_new(&a->lockout)) != 0 || (err = make_oidc(a)) != 0 ||
        (err = idem_errands_new("idem-hasher", IDEM_HASHER_QUEUE, IDEM_HASHER_SHARE, &a->hasher)) !=
            0) {
        idem_access_free(a);
        return err;
    }
    a->setup_open = parts->setup != NULL || (accounts == 0 && !parts->demo);
    if (a->setup_open)
        idem_auth_token(a->setup_token, a->setup_hash);
    if (parts->setup != NULL)
        strncpy(a->setup_organisation, parts->setup, IDEM_ORGANISATION_MAX);
    *out = a;
    return IDEM_OK;
}

void idem_access_stop(struct idem_access *access)
{
    idem_errands_free(access->hasher);
    access->hasher = NULL;
    if (access->oidc != NULL)
        idem_oidc_stop(access->oidc);
}

void idem_access_free(struct idem_access *access)
{
    if (access == NULL)
        return;
    idem_errands_free(access->hasher);
    idem_oidc_free(access->oidc);
    idem_lockout_free(access->lockout);
    sodium_memzero(access, sizeof *access);
    free(access);
}

bool idem_access_setup_token(struct idem_access *access, char text[IDEM_SECRET_TEXT + 1])
{
    if (access->setup_token[0] == '\0')
        return false;
    memcpy(text, access->setup_token, sizeof access->setup_token);
    sodium_memzero(access->setup_token, sizeof access->setup_token);
    return true;
}

/* ------------------------------------------------------------------ names */

/* Each part with its end, so that no two pairs of them are the same bytes. */
static void hash_parts(const uint8_t key[IDEM_ACCESS_KEY], const char *kind, const char *first,
                       const char *second, uint8_t out[IDEM_HASH_BYTES])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, key, IDEM_ACCESS_KEY, IDEM_HASH_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)kind, strlen(kind) + 1);
    crypto_generichash_update(&state, (const uint8_t *)first, strlen(first) + 1);
    crypto_generichash_update(&state, (const uint8_t *)second, strlen(second) + 1);
    crypto_generichash_final(&state, out, IDEM_HASH_BYTES);
}

void idem_access_login_key(const struct idem_access *access, const char *organisation,
                           const char *name, uint8_t key[IDEM_HASH_BYTES])
{
    char small[IDEM_STORE_NAME_MAX + 1];
    size_t n = 0;

    for (; name[n] != '\0' && n < IDEM_STORE_NAME_MAX; n++)
        small[n] = (char)(name[n] >= 'A' && name[n] <= 'Z' ? name[n] - 'A' + 'a' : name[n]);
    small[n] = '\0';
    hash_parts(access->login_key, "name", organisation, small, key);
    sodium_memzero(small, sizeof small);
}

void idem_access_subject_key(const struct idem_access *access, const char *issuer,
                             const char *subject, uint8_t key[IDEM_HASH_BYTES])
{
    hash_parts(access->login_key, "subject", issuer, subject, key);
}

/* ------------------------------------------------------------------ sealing */

void idem_access_seal_totp(const struct idem_access *access, const uint8_t secret[IDEM_TOTP_SECRET],
                           struct idem_store_account *account)
{
    unsigned long long len;

    randombytes_buf(account->totp, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        account->totp + NONCE, &len, secret, IDEM_TOTP_SECRET, account->login_key, IDEM_HASH_BYTES,
        NULL, account->totp, access->totp_key);
    account->totp_len = NONCE + (size_t)len;
}

int idem_access_open_totp(const struct idem_access *access,
                          const struct idem_store_account *account,
                          uint8_t secret[IDEM_TOTP_SECRET])
{
    const size_t whole = NONCE + IDEM_TOTP_SECRET + crypto_aead_xchacha20poly1305_ietf_ABYTES;

    if (account->totp_len != whole ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(
            secret, NULL, NULL, account->totp + NONCE, whole - NONCE, account->login_key,
            IDEM_HASH_BYTES, account->totp, access->totp_key) != 0)
        return IDEM_ERR_FORMAT;
    return IDEM_OK;
}

static void put_number(uint8_t *at, int64_t number)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)((uint64_t)number >> (8 * i));
}

static int64_t get_number(const uint8_t *at)
{
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--)
        number = number << 8 | at[i];
    return (int64_t)number;
}

/* What a ticket is good for: the account and its factor as sealed, which no two sealings share. */
static void bind_ticket(const struct idem_store_account *account, uint8_t bound[TICKET_FOR])
{
    put_number(bound, account->row);
    crypto_generichash(bound + 8, TICKET_FOR - 8, account->totp, account->totp_len, NULL, 0);
}

void idem_access_ticket(const struct idem_access *access, const struct idem_store_account *account,
                        int64_t now_ms, uint8_t secret[IDEM_TOTP_SECRET],
                        char text[IDEM_TICKET_TEXT + 1])
{
    uint8_t plain[8 + IDEM_TOTP_SECRET], whole[IDEM_TICKET_BYTES], bound[TICKET_FOR];

    randombytes_buf(secret, IDEM_TOTP_SECRET);
    put_number(plain, now_ms);
    memcpy(plain + 8, secret, IDEM_TOTP_SECRET);
    bind_ticket(account, bound);
    randombytes_buf(whole, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(whole + NONCE, NULL, plain, sizeof plain, bound,
                                               sizeof bound, NULL, whole, access->ticket_key);
    sodium_bin2base64(text, IDEM_TICKET_TEXT + 1, whole, sizeof whole,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(plain, sizeof plain);
}

int idem_access_open_ticket(const struct idem_access *access,
                            const struct idem_store_account *account, int64_t now_ms,
                            const char *text, uint8_t secret[IDEM_TOTP_SECRET])
{
    uint8_t plain[8 + IDEM_TOTP_SECRET], whole[IDEM_TICKET_BYTES], bound[TICKET_FOR];
    size_t len;

    bind_ticket(account, bound);
    if (strlen(text) != IDEM_TICKET_TEXT ||
        sodium_base642bin(whole, sizeof whole, text, IDEM_TICKET_TEXT, NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        len != sizeof whole ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, whole + NONCE,
                                                   sizeof whole - NONCE, bound, sizeof bound, whole,
                                                   access->ticket_key) != 0)
        return IDEM_ERR_INVALID;
    int64_t age = now_ms - get_number(plain);
    if (age >= 0 && age <= IDEM_TICKET_MS)
        memcpy(secret, plain + 8, IDEM_TOTP_SECRET);
    sodium_memzero(plain, sizeof plain);
    return age >= 0 && age <= IDEM_TICKET_MS ? IDEM_OK : IDEM_ERR_INVALID;
}

/* ------------------------------------------------------------------ roles */

static const struct {
    const char *name;
    unsigned role;
} roles_by_name[] = {
    {"analyst", IDEM_MAY_ANALYST},         {"operator", IDEM_MAY_OPERATOR},
    {"privacy-officer", IDEM_MAY_PRIVACY}, {"auditor", IDEM_MAY_AUDITOR},
    {"employee", IDEM_MAY_EMPLOYEE},       {"names", IDEM_MAY_NAMES},
};

enum { ROLES = sizeof roles_by_name / sizeof roles_by_name[0] };

unsigned idem_role_parse(const char *name)
{
    for (int i = 0; i < ROLES; i++)
        if (strcmp(roles_by_name[i].name, name) == 0)
            return roles_by_name[i].role;
    return 0;
}

const char *idem_roles_fault(unsigned roles)
{
    if ((roles & IDEM_MAY_ROLES) == 0)
        return "an account holds at least one role";
    if ((roles & IDEM_MAY_EMPLOYEE) != 0 && roles != IDEM_MAY_EMPLOYEE)
        return "the role employee stands alone, or its holder's pseudonym would have a name";
    if ((roles & IDEM_MAY_NAMES) != 0 && (roles & IDEM_MAY_ANALYST) == 0)
        return "\"names\" goes with the role analyst";
    return NULL;
}

void idem_roles_json(struct idem_text *t, unsigned roles)
{
    const char *comma = "";

    idem_text_put(t, "[");
    for (int i = 0; i < ROLES; i++) {
        if ((roles & roles_by_name[i].role) == 0)
            continue;
        idem_text_fmt(t, "%s\"%s\"", comma, roles_by_name[i].name);
        comma = ",";
    }
    idem_text_put(t, "]");
}

bool idem_roles_need_totp(unsigned roles)
{
    return (roles & ~(unsigned)IDEM_MAY_EMPLOYEE) != 0;
}
