/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_forwarded.c - any text as an X-Forwarded-For, a Host, an Origin, an address and a network.
 * Whoever asked, according to the header, is none of the proxies; and what is written out is read
 * back as the same.
 */
#include "server/address.h"
#include "server/hosts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

static void try_forwarded(const char *text)
{
    struct idem_network proxies[2];
    struct idem_machine who, again;
    char written[IDEM_ADDRESS_TEXT_MAX];

    require(idem_network_parse("10.0.0.0/8", &proxies[0]) == 0);
    require(idem_network_parse("2001:db8::/32", &proxies[1]) == 0);
    if (idem_forwarded_client(text, proxies, 2, &who) != 0)
        return;
    require(!idem_networks_have(proxies, 2, &who));
    idem_machine_text(&who, written);
    require(idem_machine_parse(written, &again) == 0);
    require(memcmp(&who, &again, sizeof who) == 0);
}

static void try_address(const char *text)
{
    struct idem_address address, again;
    struct idem_network network;
    char written[IDEM_ADDRESS_TEXT_MAX];

    if (idem_network_parse(text, &network) == 0)
        require(network.bits <= 128 && idem_network_has(&network, &network.first));
    if (idem_address_parse(text, &address) != 0)
        return;
    idem_address_text(&address, written);
    require(idem_address_parse(written, &again) == 0);
    require(idem_address_port(&address) == idem_address_port(&again));
    require(idem_address_is_loopback(&address) == idem_address_is_loopback(&again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"idem.example.com"};
    static const struct idem_hosts hosts = {{{8443, true}}, 1, names, 1, false};
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    try_forwarded(text);
    try_address(text);
    if (idem_hosts_know_origin(&hosts, text))
        require(strncasecmp(text, "https://", 8) == 0 && idem_hosts_know(&hosts, text + 8));
    free(text);
    return 0;
}
