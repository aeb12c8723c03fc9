/* SPDX-License-Identifier: Apache-2.0 */
/* enrol.c - `idem-agent enrol`: the seat is registered by its courier, which has the key. */
#include "agent/tool/tool.h"

#include <stdio.h>

int idem_tool_enrol(const struct idem_tool *tool)
{
    json_t *answer = NULL;
    int err = idem_tool_ask(
        tool, json_pack("{s:s, s:s}", "request", "enrol", "code", tool->argument), &answer);

    if (err != 0)
        return err;
    printf("Registered: this computer is seat %lld, \"",
           (long long)idem_tool_int(answer, "seat.id"));
    idem_tool_put(stdout, idem_tool_text(answer, "seat.name"));
    puts("\".\nNothing is collected before the person at it has acknowledged what it does.");
    json_decref(answer);
    return IDEM_EXIT_OK;
}
