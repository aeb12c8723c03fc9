/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote.h - an operator's subcommands against a server: one request after the other, with a
 * log-in of the console or, in the demonstration, the operator's token.
 *
 *   --server URL       default http://127.0.0.1:8787
 *   --ca FILE          authorities to believe instead of the system's
 *   --login NAME       an account; password and code are asked for, or read from standard input
 *   --token-file FILE  the demonstration's operator.token
 */
#ifndef IDEM_CLI_REMOTE_H
#define IDEM_CLI_REMOTE_H

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>

enum {
    IDEM_REMOTE_HOST_MAX = 256,
    IDEM_REMOTE_SERVER = 512, /* ids of the options */
    IDEM_REMOTE_CA,
    IDEM_REMOTE_LOGIN,
    IDEM_REMOTE_TOKEN_FILE,
};

#define IDEM_REMOTE_OPTIONS                                                                        \
    {"server", required_argument, NULL, IDEM_REMOTE_SERVER},                                       \
        {"ca", required_argument, NULL, IDEM_REMOTE_CA},                                           \
        {"login", required_argument, NULL, IDEM_REMOTE_LOGIN},                                     \
    {                                                                                              \
        "token-file", required_argument, NULL, IDEM_REMOTE_TOKEN_FILE                              \
    }

#define IDEM_REMOTE_HELP                                                                           \
    "  --server URL        default http://127.0.0.1:8787\n"                                        \
    "  --ca FILE           authorities to believe instead of the system's\n"                       \
    "  --login NAME        an operator's account, NAME@ORGANISATION where names are not enough;\n" \
    "                      password and code are asked for, or read from\n"                        \
    "                      standard input, a line each\n"                                          \
    "  --token-file FILE   the demonstration's operator.token instead of a log-in\n"

struct idem_remote_options {
    const char *server, *ca, *login, *token_file;
};

/* True when the option is one of these. */
bool idem_remote_option(struct idem_remote_options *o, int id, char *value);

struct idem_remote;

/* Connects nothing yet. as_operator: with the credentials of the options, which are needed. 0, or
 * an exit code after a message. */
int idem_remote_new(const struct idem_remote_options *o, bool as_operator,
                    struct idem_remote **out);
/* Logs out. */
void idem_remote_free(struct idem_remote *r);
/* The name under which the server is asked for: what a seat signs. */
const char *idem_remote_host(const struct idem_remote *r);

/* method: with a body or NULL. *answer: its object, the caller's. 0, or an exit code after a
 * message with what the server said. */
int idem_remote_call(struct idem_remote *r, const char *method, const char *path, json_t *body,
                     json_t **answer);

/* "host:port" as a client sends it in Host: without the port that belongs to the scheme. host:
 * IDEM_REMOTE_HOST_MAX bytes. False: not a URL. */
bool idem_remote_host_of(const char *url, char *host);

#endif
