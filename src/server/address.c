/* SPDX-License-Identifier: Apache-2.0 */
/* address.c - see address.h. */
#include "server/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* ------------------------------------------------------------------ where to listen */

static int parse_port(const char *text, uint16_t *out)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '\0' || atoi(text) > UINT16_MAX)
        return IDEM_ERR_FORMAT;
    *out = (uint16_t)atoi(text);
    return IDEM_OK;
}

/* "[...]:port" or "...:port", cut in two. */
static int split_port(const char *text, char *host, size_t max, bool *v6, uint16_t *port)
{
    const char *colon = strrchr(text, ':');

    if (colon == NULL || parse_port(colon + 1, port) != 0)
        return IDEM_ERR_FORMAT;
    *v6 = text[0] == '[';
    if (*v6 && (colon - text < 3 || colon[-1] != ']'))
        return IDEM_ERR_FORMAT;
    const char *first = text + *v6;
    size_t len = (size_t)(colon - first) - *v6;
    if (len >= max)
        return IDEM_ERR_FORMAT;
    memcpy(host, first, len);
    host[len] = '\0';
    return IDEM_OK;
}

int idem_address_parse(const char *text, struct idem_address *out)
{
    struct idem_address a = {.len = 0};
    char host[INET6_ADDRSTRLEN];
    uint16_t port;
    bool v6;

    if (split_port(text, host, sizeof host, &v6, &port) != 0)
        return IDEM_ERR_FORMAT;
    if (v6) {
        a.len = sizeof a.socket.v6;
        a.socket.v6.sin6_family = AF_INET6;
        a.socket.v6.sin6_port = htons(port);
        if (inet_pton(AF_INET6, host, &a.socket.v6.sin6_addr) != 1)
            return IDEM_ERR_FORMAT;
    } else {
        a.len = sizeof a.socket.v4;
        a.socket.v4.sin_family = AF_INET;
        a.socket.v4.sin_port = htons(port);
        if (inet_pton(AF_INET, host, &a.socket.v4.sin_addr) != 1)
            return IDEM_ERR_FORMAT;
    }
    *out = a;
    return IDEM_OK;
}

bool idem_address_is_loopback(const struct idem_address *address)
{
    static const struct idem_network loopback = {{{[10] = 0xff, [11] = 0xff, [12] = 127}}, 104};
    struct idem_machine machine;

    if (idem_machine_of(&address->socket.any, &machine) != 0)
        return false;
    return idem_network_has(&loopback, &machine) ||
           memcmp(machine.bytes, &in6addr_loopback, sizeof machine.bytes) == 0;
}

uint16_t idem_address_port(const struct idem_address *address)
{
    return ntohs(address->socket.any.sa_family == AF_INET6 ? address->socket.v6.sin6_port
                                                           : address->socket.v4.sin_port);
}

void idem_address_text(const struct idem_address *address, char *text)
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool v6 = address->socket.any.sa_family == AF_INET6;

    if (v6)
        inet_ntop(AF_INET6, &address->socket.v6.sin6_addr, host, sizeof host);
    else
        inet_ntop(AF_INET, &address->socket.v4.sin_addr, host, sizeof host);
    snprintf(text, IDEM_ADDRESS_TEXT_MAX, v6 ? "[%s]:%u" : "%s:%u", host,
             idem_address_port(address));
}

/* ------------------------------------------------------------------ one machine */

int idem_machine_of(const struct sockaddr *address, struct idem_machine *out)
{
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;
        memcpy(out->bytes, &v6->sin6_addr, sizeof out->bytes);
        return IDEM_OK;
    }
    if (address->sa_family != AF_INET)
        return IDEM_ERR_INVALID;
    const struct sockaddr_in *v4 = (const void *)address;
    memcpy(out->bytes, mapped, sizeof mapped);
    memcpy(out->bytes + sizeof mapped, &v4->sin_addr, 4);
    return IDEM_OK;
}

int idem_machine_parse(const char *text, struct idem_machine *out)
{
    struct idem_machine m;

    if (inet_pton(AF_INET6, text, m.bytes) != 1) {
        memcpy(m.bytes, mapped, sizeof mapped);
        if (inet_pton(AF_INET, text, m.bytes + sizeof mapped) != 1)
            return IDEM_ERR_FORMAT;
    }
    *out = m;
    return IDEM_OK;
}

void idem_machine_text(const struct idem_machine *machine, char *text)
{
    bool v4 = memcmp(machine->bytes, mapped, sizeof mapped) == 0;
    inet_ntop(v4 ? AF_INET : AF_INET6, machine->bytes + (v4 ? sizeof mapped : 0), text,
              IDEM_ADDRESS_TEXT_MAX);
}

/* ------------------------------------------------------------------ networks */

static uint8_t mask_of(unsigned bits, unsigned byte)
{
    if (bits >= 8 * (byte + 1))
        return 0xff;
    return bits <= 8 * byte ? 0 : (uint8_t)(0xff00 >> (bits - 8 * byte));
}

static bool has_rest(const struct idem_network *n)
{
    for (unsigned i = 0; i < IDEM_ADDRESS_BYTES; i++)
        if (n->first.bytes[i] & (uint8_t)~mask_of(n->bits, i))
            return true;
    return false;
}

int idem_network_parse(const char *text, struct idem_network *out)
{
    struct idem_network n = {.bits = 128};
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);

    if (len >= sizeof host)
        return IDEM_ERR_FORMAT;
    memcpy(host, text, len);
    host[len] = '\0';
    if (idem_machine_parse(host, &n.first) != 0)
        return IDEM_ERR_FORMAT;
    if (slash != NULL) {
        const unsigned most = strchr(host, ':') == NULL ? 32 : 128;
        uint16_t bits;
        if (parse_port(slash + 1, &bits) != 0 || bits > most)
            return IDEM_ERR_FORMAT;
        n.bits = 128 - most + bits;
    }
    if (has_rest(&n))
        return IDEM_ERR_FORMAT;
    *out = n;
    return IDEM_OK;
}

bool idem_network_has(const struct idem_network *network, const struct idem_machine *machine)
{
    for (unsigned i = 0; i < IDEM_ADDRESS_BYTES; i++)
        if ((machine->bytes[i] & mask_of(network->bits, i)) != network->first.bytes[i])
            return false;
    return true;
}

bool idem_networks_have(const struct idem_network *networks, size_t count,
                        const struct idem_machine *machine)
{
    for (size_t i = 0; i < count; i++)
        if (idem_network_has(&networks[i], machine))
            return true;
    return false;
}

/* ------------------------------------------------------------------ handed on */

/* The last entry of a list of len bytes, without blanks; len is what is left before it. */
static int last_entry(const char *list, size_t *len, struct idem_machine *out)
{
    char host[INET6_ADDRSTRLEN];
    size_t end = *len, first;

    while (end > 0 && (list[end - 1] == ' ' || list[end - 1] == '\t'))
        end--;
    for (first = end; first > 0 && list[first - 1] != ','; first--)
        ;
    *len = first > 0 ? first - 1 : 0;
    while (first < end && (list[first] == ' ' || list[first] == '\t'))
        first++;
    if (end - first >= sizeof host)
        return IDEM_ERR_FORMAT;
    memcpy(host, list + first, end - first);
    host[end - first] = '\0';
    return idem_machine_parse(host, out);
}

int idem_forwarded_client(const char *header, const struct idem_network *networks, size_t count,
                          struct idem_machine *out)
{
    size_t len = strnlen(header, IDEM_FORWARDED_MAX + 1);

    if (len > IDEM_FORWARDED_MAX)
        return IDEM_ERR_LIMIT;
    do {
        struct idem_machine machine;
        if (last_entry(header, &len, &machine) != 0)
            return IDEM_ERR_FORMAT;
        if (!idem_networks_have(networks, count, &machine)) {
            *out = machine;
            return IDEM_OK;
        }
    } while (len > 0);
    return IDEM_ERR_FORMAT;
}
