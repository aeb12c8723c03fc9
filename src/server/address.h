/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - addresses and networks as they are written in the configuration, and the key under
 * which a caller is counted. IPv4 is kept as IPv4-mapped IPv6 throughout, so that a socket for both
 * and a socket for one see the same caller as the same.
 */
#ifndef IDEM_SERVER_ADDRESS_H
#define IDEM_SERVER_ADDRESS_H

#include "idem/idem.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum {
    IDEM_ADDRESS_BYTES = 16,
    IDEM_ADDRESS_TEXT_MAX = INET6_ADDRSTRLEN + 8, /* with brackets, a port and the end */
    IDEM_FORWARDED_MAX = 1024,
};

/* Where to listen. */
struct idem_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } socket;
    socklen_t len;
};

/* One machine, as bytes. */
struct idem_machine {
    uint8_t bytes[IDEM_ADDRESS_BYTES];
};

struct idem_network {
    struct idem_machine first;
    unsigned bits; /* 0..128, counted as in IPv6 */
};

/* "127.0.0.1:8787", "[::1]:8787"; a name is nothing to listen on. IDEM_ERR_FORMAT. */
int idem_address_parse(const char *text, struct idem_address *out);
bool idem_address_is_loopback(const struct idem_address *address);
uint16_t idem_address_port(const struct idem_address *address);
/* text: IDEM_ADDRESS_TEXT_MAX bytes. */
void idem_address_text(const struct idem_address *address, char *text);

/* IDEM_ERR_INVALID when it is neither IPv4 nor IPv6. */
int idem_machine_of(const struct sockaddr *address, struct idem_machine *out);
/* "192.0.2.1", "2001:db8::1"; IDEM_ERR_FORMAT. */
int idem_machine_parse(const char *text, struct idem_machine *out);
void idem_machine_text(const struct idem_machine *machine, char *text);

/* "192.0.2.0/24", "2001:db8::/32", or one machine. IDEM_ERR_FORMAT, also when bits are set that
 * the length leaves out: somebody meant something else. */
int idem_network_parse(const char *text, struct idem_network *out);
bool idem_network_has(const struct idem_network *network, const struct idem_machine *machine);
bool idem_networks_have(const struct idem_network *networks, size_t count,
                        const struct idem_machine *machine);

/*
 * Who asked, when it was handed on by proxies: the last machine in an X-Forwarded-For that is not
 * one of the networks. What stands before it anybody may have written. IDEM_ERR_FORMAT when the
 * header does not say, IDEM_ERR_LIMIT when it is longer than IDEM_FORWARDED_MAX.
 */
int idem_forwarded_client(const char *header, const struct idem_network *networks, size_t count,
                          struct idem_machine *out);

#endif
