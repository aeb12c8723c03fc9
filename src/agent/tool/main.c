/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - `idem-agent`: a table of subcommands, for the person at the seat.
 */
#include "agent/tool/tool.h"

#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { JSON = 256, ALL, YES, TERMINAL, ONCE, SOCKET, HELP };
enum { MAY_JSON = 1, MAY_ALL = 2, MAY_YES = 4, MAY_TERMINAL = 8, MAY_ONCE = 16 };

static const struct command {
    const char *name, *argument; /* argument: as --help calls it; in brackets when it may be left */
    int (*run)(const struct idem_tool *tool);
    unsigned may;
    const char *help, *more;
} commands[] = {
    {"status", NULL, idem_tool_status, MAY_JSON, "what is on, under which policy, and why",
     "Says what idem does at this seat: whether it collects and if not, why; what the policy asks\n"
     "for; whether the server is reached; what is asked of you. What is about a person is told to\n"
     "the person at the seat only. Exit status 0: all is well; 1: something is wrong."},
    {"watch", NULL, idem_tool_watch, MAY_JSON | MAY_ALL | MAY_ONCE,
     "shows each window as it is sent, in words and numbers",
     "Shows everything that leaves this computer about your typing and pointing, as it leaves:\n"
     "window by window, and what the guards see. Ctrl-C ends it."},
    {"pause", "[MINUTES]", idem_tool_pause, 0, "collects nothing for a while, if policy permits",
     "Locks the screen. When you unlock it within 2 minutes, which shows that it is you, nothing\n"
     "is collected for so many minutes (15 if you do not say, or as many as the policy allows).\n"
     "The server is told. Guards stay on: they tell machines from hands and know no person."},
    {"resume", NULL, idem_tool_resume, 0, "ends the pause", "Ends the pause before its time."},
    {"acknowledge", NULL, idem_tool_acknowledge, MAY_YES,
     "shows what you are told about idem, and records that you have read it",
     "Shows the text in your language (LANG), asks, and has it recorded. Until then nothing of\n"
     "how you type or point is collected."},
    {"withdraw", NULL, idem_tool_withdraw, MAY_YES, "takes the acknowledgement back",
     "Ends collection in this session; what it had collected is not learned."},
    {"nonce", NULL, idem_tool_nonce, MAY_JSON, "a one-time word for a log-in on the web here",
     "Prints a word that binds one browser's log-in to this seat, good once and not for long."},
    {"welcome", NULL, idem_tool_welcome, MAY_TERMINAL,
     "what the log-in runs; silent if nothing is new",
     "Shows the text when it has not been acknowledged or has changed, and asks. Otherwise, and\n"
     "when idem cannot be asked, it is silent. On a desktop it uses zenity or kdialog."},
    {"enrol", "CODE", idem_tool_enrol, 0, "registers this computer (root)",
     "Registers this computer at the server that /etc/idem/agent.yaml names, with the code that\n"
     "`idem seat add` has printed."},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct {
    struct option option;
    unsigned may; /* 0: every command */
    const char *help;
} options[] = {
    {{"json", no_argument, NULL, JSON}, MAY_JSON, "--json         as JSON, one object a line"},
    {{"all", no_argument, NULL, ALL}, MAY_ALL, "--all          with every number that is sent"},
    {{"once", no_argument, NULL, ONCE}, MAY_ONCE, "--once         ends after the next window"},
    {{"yes", no_argument, NULL, YES}, MAY_YES, "--yes          does not ask"},
    {{"terminal", no_argument, NULL, TERMINAL},
     MAY_TERMINAL,
     "--terminal     asks here, without waiting for the courier"},
    {{"socket", required_argument, NULL, SOCKET},
     0,
     "--socket PATH  of the courier (" IDEM_TOOL_SOCKET ")"},
    {{"help", no_argument, NULL, HELP}, 0, "--help"},
};

enum { OPTIONS = sizeof options / sizeof *options };

int idem_tool_fail(const char *format, ...)
{
    va_list args;

    fputs("idem-agent: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return IDEM_EXIT_FAILED;
}

int idem_tool_usage(const struct idem_tool *tool, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "idem-agent %s: ", tool->command);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "; idem-agent %s --help says more\n", tool->command);
    return IDEM_EXIT_USAGE;
}

static void help(FILE *to)
{
    fprintf(to, "idem-agent: what idem does at this seat, and your say in it.\n\n"
                "usage: idem-agent COMMAND [OPTION...]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].help);
    fprintf(to, "\nidem-agent COMMAND --help says more; idem-agent(1) says all.\n"
                "Exit status: 0 done, 1 failed or something is wrong, 2 wrong usage.\n");
}

static void help_of(const struct command *c)
{
    printf("usage: idem-agent %s%s%s [OPTION...]\n\n%s\n\n", c->name,
           c->argument != NULL ? " " : "", c->argument != NULL ? c->argument : "", c->more);
    for (size_t i = 0; i < OPTIONS; i++)
        if (options[i].may == 0 || (options[i].may & c->may) != 0)
            printf("  %s\n", options[i].help);
}

static unsigned may_of(int id)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (options[i].option.val == id)
            return options[i].may;
    return 0;
}

static bool take(struct idem_tool *tool, int id)
{
    switch (id) {
    case JSON:
        return tool->json = true;
    case ALL:
        return tool->all = true;
    case ONCE:
        return tool->once = true;
    case YES:
        return tool->yes = true;
    case TERMINAL:
        return tool->terminal = true;
    case SOCKET:
        return (tool->socket = optarg) != NULL;
    default:
        return false;
    }
}

static int take_word(const struct command *c, struct idem_tool *tool, int argc, char **argv)
{
    if (argc - optind > (c->argument != NULL ? 1 : 0))
        return idem_tool_usage(tool, "there is a word too many: \"%s\"", argv[argc - 1]);
    tool->argument = optind < argc ? argv[optind] : NULL;
    if (tool->argument == NULL && c->argument != NULL && c->argument[0] != '[')
        return idem_tool_usage(tool, "%s is missing", c->argument);
    return 0;
}

static int run(const struct command *c, int argc, char **argv)
{
    struct idem_tool tool = {.command = c->name, .socket = IDEM_TOOL_SOCKET};
    struct option table[OPTIONS + 1] = {{NULL, 0, NULL, 0}};
    int id, err;

    for (size_t i = 0; i < OPTIONS; i++)
        table[i] = options[i].option;
    table[OPTIONS] = (struct option){NULL, 0, NULL, 0};
    opterr = 0;
    while ((id = getopt_long(argc, argv, "h", table, NULL)) != -1) {
        const unsigned may = may_of(id);
        if (id == HELP || id == 'h') {
            help_of(c);
            return IDEM_EXIT_OK;
        }
        if ((may != 0 && (may & c->may) == 0) || !take(&tool, id))
            return idem_tool_usage(&tool, "there is no option \"%s\", or it lacks its value",
                                   argv[optind - 1]);
    }
    err = take_word(c, &tool, argc, argv);
    return err != 0 ? err : c->run(&tool);
}

int main(int argc, char **argv)
{
    setlocale(LC_TIME, "");
    if (argc < 2) {
        help(stderr);
        return IDEM_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        help(stdout);
        return IDEM_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("idem-agent " IDEM_VERSION);
        return IDEM_EXIT_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run(&commands[i], argc - 1, argv + 1);
    fprintf(stderr, "idem-agent: there is no command \"%s\"; idem-agent --help lists them\n",
            argv[1]);
    return IDEM_EXIT_USAGE;
}
