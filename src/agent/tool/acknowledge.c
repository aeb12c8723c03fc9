/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acknowledge.c - `idem-agent acknowledge`: the text that says what idem does, shown and recorded.
 */
#include "agent/tool/tool.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

int idem_tool_text_ask(const struct idem_tool *tool, json_t **out)
{
    char language[IDEM_CONTROL_ARGUMENT_MAX];

    return idem_tool_ask(
        tool, json_pack("{s:s, s:s}", "request", "text", "language", idem_tool_language(language)),
        out);
}

int idem_tool_acknowledge_now(const struct idem_tool *tool, const char *version)
{
    return idem_tool_ask(
        tool, json_pack("{s:s, s:s}", "request", "acknowledge", "version", version), NULL);
}

bool idem_tool_confirm(const char *question)
{
    static const char *const yes[] = {"y", "yes", "j", "ja", "o", "oui", "s", "si", "sim"};
    char line[32];

    printf("%s [yes/no] ", question);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    line[strcspn(line, "\r\n")] = '\0';
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (strcasecmp(line, yes[i]) == 0)
            return true;
    return false;
}

static int record(const struct idem_tool *tool, const json_t *text)
{
    const char *version = idem_tool_text(text, "version");
    int err;

    if (!tool->yes && !isatty(STDIN_FILENO))
        return idem_tool_usage(tool, "nobody can be asked here; --yes says that it was read");
    if (!tool->yes && !idem_tool_confirm("Have you read this, and do you acknowledge it?")) {
        puts("Nothing is recorded, and nothing of how you type or point is collected.");
        return IDEM_EXIT_FAILED;
    }
    err = idem_tool_acknowledge_now(tool, version);
    if (err == 0)
        puts("Recorded, with the version and the hour. `idem-agent withdraw` takes it back.");
    return err;
}

static int show(const struct idem_tool *tool, const json_t *text)
{
    const char *state = idem_tool_text(text, "state");

    if (strcmp(state, "not-required") == 0) {
        puts("The policy asks for no acknowledgement here.");
        return IDEM_EXIT_OK;
    }
    if (idem_tool_text(text, "text")[0] == '\0')
        return idem_tool_fail("your organisation has no text for this place yet; until it has one, "
                              "nothing of how you type or point is collected");
    idem_tool_print(idem_tool_text(text, "text"));
    printf("\n(version ");
    idem_tool_put(stdout, idem_tool_text(text, "version"));
    puts(")");
    if (strcmp(state, "given") != 0)
        return record(tool, text);
    puts("You have acknowledged this.");
    return IDEM_EXIT_OK;
}

int idem_tool_acknowledge(const struct idem_tool *tool)
{
    json_t *text = NULL;
    int err = idem_tool_text_ask(tool, &text);

    if (err == 0)
        err = show(tool, text);
    json_decref(text);
    return err;
}
