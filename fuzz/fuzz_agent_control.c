/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_agent_control.c - any bytes as a request on the courier's local socket: refused with a
 * sentence, or read into a request whose argument is a text without control characters, and whose
 * seconds are in their range.
 */
#include "agent/courier/control.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
    if (!held)
        abort();
}

static void check_argument(const struct idem_control_said *said)
{
    const char *end = memchr(said->argument, '\0', sizeof said->argument);

    require(end != NULL);
    for (const char *at = said->argument; at < end; at++)
        require((unsigned char)*at >= 0x20 && *at != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct idem_control_said said = {.seconds = 77};
    const char *why = NULL;

    if (idem_control_read((const char *)data, size, &said, &why) != 0) {
        require(why != NULL && why[0] != '\0' && said.seconds == 77);
        return 0;
    }
    require((unsigned)said.request < IDEM_CONTROL_REQUESTS && size <= IDEM_CONTROL_REQUEST_MAX);
    check_argument(&said);
    require((said.request == IDEM_CONTROL_PAUSE) ==
            (said.seconds >= 1 && said.seconds <= IDEM_PAUSE_LONGEST_S));
    return 0;
}
