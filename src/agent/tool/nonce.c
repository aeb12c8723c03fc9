/* SPDX-License-Identifier: Apache-2.0 */
/* nonce.c - `idem-agent nonce`: a word that binds one browser's log-in to this seat. */
#include "agent/tool/tool.h"

#include <stdio.h>

int idem_tool_nonce(const struct idem_tool *tool)
{
    json_t *answer = NULL;
    int err = idem_tool_ask(tool, idem_tool_request("nonce"), &answer);

    if (err != 0)
        return err;
    if (tool->json) {
        json_object_del(answer, "ok");
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        idem_tool_print(idem_tool_text(answer, "nonce"));
    }
    json_decref(answer);
    return IDEM_EXIT_OK;
}
