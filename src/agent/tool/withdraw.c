/* SPDX-License-Identifier: Apache-2.0 */
/* withdraw.c - `idem-agent withdraw`: the acknowledgement is taken back at this seat. */
#include "agent/tool/tool.h"

#include <stdio.h>
#include <unistd.h>

int idem_tool_withdraw(const struct idem_tool *tool)
{
    json_t *answer = NULL;
    int err;

    if (!tool->yes && !isatty(STDIN_FILENO))
        return idem_tool_usage(tool, "nobody can be asked here; --yes says that it is meant");
    if (!tool->yes &&
        !idem_tool_confirm("Stop collecting, and take back your acknowledgement here?"))
        return IDEM_EXIT_FAILED;
    err = idem_tool_ask(tool, idem_tool_request("withdraw"), &answer);
    if (err != 0)
        return err;
    puts(
        "Done: nothing more is collected here, and what waited to be sent is thrown away. The\n"
        "server is told as soon as it is reached, and does not learn from the session in which it\n"
        "is. What was learned before goes by erasure, and the record of the acknowledgement when\n"
        "you withdraw it in idem's console: ask your privacy officer.");
    json_decref(answer);
    return IDEM_EXIT_OK;
}
