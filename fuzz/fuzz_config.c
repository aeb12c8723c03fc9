/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config.c - any bytes as the server's configuration. What is taken keeps the promises of the
 * check: no plain HTTP outside without the sentence, no TLS without both files, no address that
 * others reach without a name. What is refused has a reason.
 */
#include "server/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

static void require_promises(const struct idem_config *c)
{
    require(c->population != NULL && c->listen_count > 0 && c->listen_count <= IDEM_LISTEN_MAX);
    require((c->certificate == NULL) == (c->key == NULL));
    for (uint32_t i = 0; i < c->listen_count; i++) {
        const struct idem_listen *l = &c->listens[i];
        bool outside = !idem_address_is_loopback(&l->address);
        require(!l->tls || c->certificate != NULL);
        require(!outside || l->tls || c->plain_anywhere);
        require(!outside || c->host_count > 0);
    }
    require(c->limits.connections >= 16 && c->limits.first_ms > 0 && c->limits.body_ms > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct idem_config config;
    char why[IDEM_CONFIG_WHY_MAX] = "";

    idem_config_init(&config);
    int err = idem_config_parse(&config, (const char *)data, size, "fuzz.yaml", why);
    require(err == 0 || strncmp(why, "fuzz.yaml", 9) == 0);
    if (err == 0) {
        err = idem_config_check(&config, why);
        require(err == 0 || why[0] != '\0');
        if (err == 0)
            require_promises(&config);
    }
    idem_config_fini(&config);
    return 0;
}
