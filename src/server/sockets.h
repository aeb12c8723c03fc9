/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockets.h - the sockets that the server listens on. They are opened before anything else, so that
 * a port below 1024 can be had before the process becomes somebody who may not.
 */
#ifndef IDEM_SERVER_SOCKETS_H
#define IDEM_SERVER_SOCKETS_H

#include "server/config.h"

struct idem_sockets {
    int fds[IDEM_LISTEN_MAX];
    struct idem_address addresses[IDEM_LISTEN_MAX]; /* with the port that was found for port 0 */
    bool tls[IDEM_LISTEN_MAX], apart[IDEM_LISTEN_MAX];
    uint32_t count;
};

/* Logs why not. [::] takes IPv4, too. */
int idem_sockets_open(const struct idem_config *config, struct idem_sockets *sockets);
/* The addresses stay readable. Twice does no harm. */
void idem_sockets_close(struct idem_sockets *sockets);

#endif
