/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the command line of idem-server: reads the file that --config names first, wherever
 * it stands among the others, and then changes single settings of it.
 */
#ifndef IDEM_SERVER_OPTIONS_H
#define IDEM_SERVER_OPTIONS_H

#include "server/config.h"

enum idem_options_wish {
    IDEM_OPTIONS_SERVE,
    IDEM_OPTIONS_CHECK,
    IDEM_OPTIONS_ROUTES,
    IDEM_OPTIONS_HELP
};

/* config keeps pointers into argv. why: IDEM_CONFIG_WHY_MAX bytes, written when it fails. */
int idem_options_parse(int argc, char **argv, struct idem_config *config,
                       enum idem_options_wish *wish, char *why);
const char *idem_options_usage(void);

#endif
