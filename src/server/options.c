/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h. */
#include "server/options.h"

#include "server/constants.h"
#include "server/organisations.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPT_CONFIG = 1,
    OPT_CHECK,
    OPT_POPULATION,
    OPT_PORT,
    OPT_LISTEN,
    OPT_HOST,
    OPT_CERTIFICATE,
    OPT_KEY,
    OPT_PLAIN,
    OPT_DATA,
    OPT_WWW,
    OPT_POLICY,
    OPT_THREADS,
    OPT_TOKEN_LIFE,
    OPT_HEAD_FILE,
    OPT_SYSLOG,
    OPT_SETUP,
    OPT_DEMO,
    OPT_TEST_CLOCK,
    OPT_NO_SANDBOX,
    OPT_ROUTES,
    OPT_HELP
};

static const char usage[] =
    "usage: idem-server --population FILE [options]\n"
    "       idem-server --config FILE [options]\n"
    "\n"
    "Continuous authentication over HTTP: takes windows, says whether it is still them.\n"
    "\n"
    "  --config FILE           settings, see packaging/server.yaml; the options below come after\n"
    "  --check-config          read everything, say what is wrong, and end\n"
    "  --population FILE       the population to compare with (see idem train)\n"
    "  --port N                listen on 127.0.0.1, 0 for any free port (default 8787)\n"
    "  --listen ADDRESS:PORT   listen there, and not where the file says; may be repeated\n"
    "  --host NAME             a name that others know this server by; may be repeated\n"
    "  --tls-certificate FILE  PEM: the certificate, then those that lead to its authority\n"
    "  --tls-key FILE          PEM: its private key\n"
    "  --data DIR              data base and secrets, made when absent (default ./var)\n"
    "  --policy FILE           what is done when (see idem policy check)\n"
    "  --www DIR               the page (default: none)\n"
    "  --threads N             processors to use, 1..16 (default: all there are)\n"
    "  --token-seconds N       how long a session's token is good (default 900)\n"
    "  --plain-http-on-any-address  no TLS, even where others can listen in\n"
    "  --no-sandbox            leave system calls that are never needed allowed\n"
    "  --audit-head-file FILE  where signed heads of the audit log go: best to another machine\n"
    "  --audit-syslog          and to syslog\n"
    "  --setup ORGANISATION    print a one-time link that makes an operator there\n"
    "  --demo                  anybody on this machine may open sessions, in \"demo\"\n"
    "  --test-clock            requests may carry their own time; for tests and replays only\n"
    "  --routes                print what is answered, and to whom, and end\n"
    "  --help                  this text\n";

static const struct option longopts[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"check-config", no_argument, NULL, OPT_CHECK},
    {"population", required_argument, NULL, OPT_POPULATION},
    {"port", required_argument, NULL, OPT_PORT},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"host", required_argument, NULL, OPT_HOST},
    {"tls-certificate", required_argument, NULL, OPT_CERTIFICATE},
    {"tls-key", required_argument, NULL, OPT_KEY},
    {"plain-http-on-any-address", no_argument, NULL, OPT_PLAIN},
    {"data", required_argument, NULL, OPT_DATA},
    {"www", required_argument, NULL, OPT_WWW},
    {"policy", required_argument, NULL, OPT_POLICY},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"token-seconds", required_argument, NULL, OPT_TOKEN_LIFE},
    {"audit-head-file", required_argument, NULL, OPT_HEAD_FILE},
    {"audit-syslog", no_argument, NULL, OPT_SYSLOG},
    {"setup", required_argument, NULL, OPT_SETUP},
    {"demo", no_argument, NULL, OPT_DEMO},
    {"test-clock", no_argument, NULL, OPT_TEST_CLOCK},
    {"no-sandbox", no_argument, NULL, OPT_NO_SANDBOX},
    {"routes", no_argument, NULL, OPT_ROUTES},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

struct parse {
    struct idem_config *config;
    bool listening; /* the command line has said where */
    bool naming;    /* and under which names */
    char *why;
};

const char *idem_options_usage(void)
{
    return usage;
}

static int bad(struct parse *p, const char *what)
{
    snprintf(p->why, IDEM_CONFIG_WHY_MAX, "%s; see idem-server --help", what);
    return IDEM_ERR_INVALID;
}

/* ------------------------------------------------------------------ single options */

static int take_listen(struct parse *p, const char *address)
{
    if (!p->listening)
        idem_config_unlisten(p->config);
    p->listening = true;
    int err = idem_config_listen(p->config, address, true, 0);
    if (err == IDEM_ERR_LIMIT)
        return bad(p, "there are too many addresses");
    return err == 0 ? IDEM_OK : bad(p, "that is not an address with a port");
}

static int take_number(struct parse *p, long min, long max, long *out)
{
    char *end;

    errno = 0;
    long value = strtol(optarg, &end, 10);
    if (errno != 0 || end == optarg || *end != '\0' || value < min || value > max)
        return bad(p, "a number is out of range");
    *out = value;
    return IDEM_OK;
}

static int take_port(struct parse *p)
{
    char address[IDEM_ADDRESS_TEXT_MAX];
    long port;

    int err = take_number(p, 0, UINT16_MAX, &port);
    if (err != 0)
        return err;
    snprintf(address, sizeof address, "127.0.0.1:%ld", port);
    return take_listen(p, address);
}

static int take_token_life(struct parse *p)
{
    long seconds;

    int err = take_number(p, 1, IDEM_TOKEN_LIFE_MAX_S, &seconds);
    if (err == 0)
        p->config->token_life_s = (unsigned)seconds;
    return err;
}

static int take_threads(struct parse *p)
{
    long threads;

    int err = take_number(p, 1, IDEM_THREADS_MAX, &threads);
    if (err == 0)
        p->config->threads = (unsigned)threads;
    return err;
}

static int take_host(struct parse *p)
{
    if (!p->naming)
        p->config->host_count = 0;
    p->naming = true;
    if (p->config->host_count == IDEM_HOSTS_MAX || strlen(optarg) >= IDEM_HOST_TEXT_MAX)
        return bad(p, "there are too many hosts, or one is too long");
    p->config->hosts[p->config->host_count++] = optarg;
    return IDEM_OK;
}

static const char **text_of(struct idem_config *c, int which)
{
    switch (which) {
    case OPT_POPULATION:
        return &c->population;
    case OPT_CERTIFICATE:
        return &c->certificate;
    case OPT_KEY:
        return &c->key;
    case OPT_DATA:
        return &c->data;
    case OPT_WWW:
        return &c->www;
    case OPT_HEAD_FILE:
        return &c->audit.file;
    case OPT_POLICY:
        return &c->policy;
    case OPT_SETUP:
        return &c->setup;
    default:
        return NULL;
    }
}

static bool *flag_of(struct idem_config *c, int which)
{
    switch (which) {
    case OPT_PLAIN:
        return &c->plain_anywhere;
    case OPT_SYSLOG:
        return &c->audit.syslog;
    case OPT_DEMO:
        return &c->demo;
    case OPT_TEST_CLOCK:
        return &c->test_clock;
    default:
        return NULL;
    }
}

static int take(struct parse *p, int which)
{
    const char **text = text_of(p->config, which);
    bool *flag = flag_of(p->config, which);

    if (text != NULL)
        *text = optarg;
    else if (flag != NULL)
        *flag = true;
    else if (which == OPT_NO_SANDBOX)
        p->config->sandbox = IDEM_SANDBOX_NEVER;
    else if (which == OPT_TOKEN_LIFE)
        return take_token_life(p);
    else if (which == OPT_PORT)
        return take_port(p);
    else if (which == OPT_LISTEN)
        return take_listen(p, optarg);
    else if (which == OPT_HOST)
        return take_host(p);
    else if (which == OPT_THREADS)
        return take_threads(p);
    return IDEM_OK;
}

/* ------------------------------------------------------------------ all of them */

/* What must be known before the rest: help, and the file that the rest changes. */
static int first_round(int argc, char **argv, struct parse *p, enum idem_options_wish *wish)
{
    int which, err;

    opterr = 0;
    optind = 1;
    while ((which = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
        if (which == '?')
            return bad(p, "unknown option, or one without its argument");
        if (which == OPT_HELP || which == OPT_ROUTES) {
            *wish = which == OPT_HELP ? IDEM_OPTIONS_HELP : IDEM_OPTIONS_ROUTES;
            return IDEM_OK;
        }
        if (which == OPT_CHECK)
            *wish = IDEM_OPTIONS_CHECK;
        if (which != OPT_CONFIG)
            continue;
        if (p->config->file != NULL)
            return bad(p, "--config is given twice");
        if ((err = idem_config_read(p->config, optarg, p->why)) != 0)
            return err;
    }
    return optind < argc ? bad(p, "there are no arguments besides options") : IDEM_OK;
}

static unsigned processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > IDEM_THREADS_MAX ? IDEM_THREADS_MAX : (unsigned)count;
}

int idem_options_parse(int argc, char **argv, struct idem_config *config,
                       enum idem_options_wish *wish, char *why)
{
    struct parse p = {.config = config, .why = why};
    int which;

    *wish = IDEM_OPTIONS_SERVE;
    int err = first_round(argc, argv, &p, wish);
    if (err != 0 || *wish == IDEM_OPTIONS_HELP || *wish == IDEM_OPTIONS_ROUTES)
        return err;
    optind = 1;
    while (err == 0 && (which = getopt_long(argc, argv, "", longopts, NULL)) != -1)
        err = take(&p, which);
    if (err != 0)
        return err;
    if (config->setup != NULL && !idem_organisation_good(config->setup))
        return bad(&p, "--setup takes an organisation: 1..64 of a-z, 0-9 and -");
    if (config->listen_count == 0)
        idem_config_listen(config, "127.0.0.1:8787", true, 0);
    if (config->threads == 0)
        config->threads = processors();
    return idem_config_check(config, why);
}
