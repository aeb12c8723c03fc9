/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - everything that an administrator says about one server: the file
 * (packaging/server.yaml is one with every setting explained), and the command line, which has the
 * last word (options.h).
 *
 *   idem_config_init    defaults: plain HTTP on 127.0.0.1, ./var
 *   idem_config_read    the file; says file, line and reason of the first fault
 *   (options)           change single settings
 *   idem_config_check   what only the whole can answer: may this address speak plain HTTP?
 *
 * Paths are as they were written. Nothing here opens any of the files but the one that is read.
 */
#ifndef IDEM_SERVER_CONFIG_H
#define IDEM_SERVER_CONFIG_H

#include "server/address.h"
#include "server/heads.h"

enum {
    IDEM_LISTEN_MAX = 8,
    IDEM_HOSTS_MAX = 32,
    IDEM_HOST_TEXT_MAX = 261, /* a name of 253 characters, a colon and a port, and some more */
    IDEM_PROXIES_MAX = 64,
    IDEM_CLAIM_ROLES_MAX = 64,
    IDEM_CONFIG_PATH_MAX = 1024,
    IDEM_CONFIG_TEXT_MAX = 512,
    IDEM_CONFIG_TEXTS_MAX = 512,
    IDEM_CONFIG_WHY_MAX = 640,
};

struct idem_listen {
    struct idem_address address;
    bool tls;
    bool apart;    /* of plain_http: for a proxy on this machine, by a thread of its own */
    uint32_t line; /* in the file; 0: from the command line, or the default */
};

/* How much of the server one caller may take. */
struct idem_limits {
    uint32_t connections;             /* in all */
    uint32_t connections_per_address; /* of an IPv4 address or an IPv6 network of 64 bits */
    uint32_t failures_per_minute;     /* bad tokens of one address, until the answer is 429 */
    int64_t first_ms;                 /* from connecting to a first whole head, TLS included */
    int64_t idle_ms;                  /* from an answer to the next whole head */
    int64_t body_ms;                  /* from a head to the end of its body */
    int64_t answer_ms;                /* for taking an answer; streams are not meant */
};

struct idem_claim_role {
    const char *claim; /* a value of the role claim */
    const char *role;  /* one of analyst, operator, privacy-officer, auditor, employee */
};

/* Whether only those system calls may be made that the server needs (sandbox.h). */
enum idem_sandboxing {
    IDEM_SANDBOX_WHERE_POSSIBLE, /* the default */
    IDEM_SANDBOX_ALWAYS,         /* or no server */
    IDEM_SANDBOX_NEVER
};

/* People's log-in at somebody else's. issuer NULL: there is none. */
struct idem_oidc_config {
    const char *issuer, *client_id, *client_secret_file, *redirect_uri;
    const char *name_claim;   /* what a person is called by; default "sub" */
    const char *role_claim;   /* default "groups" */
    const char *scope;        /* default "openid profile" */
    const char *organisation; /* whose accounts they are */
    const char *ca_file;      /* PEM: who may sign the provider's certificate; NULL: the system's */
    struct idem_claim_role roles[IDEM_CLAIM_ROLES_MAX];
    uint32_t role_count;
};

struct idem_config {
    const char *file; /* NULL: none was read */
    const char *data, *population, *www;
    const char *policy; /* NULL: the built-in one */
    const char *user;   /* to become once the keys are read and the ports are open; NULL: stay */
    unsigned threads;
    const char *setup; /* print a set-up link for this organisation; NULL: only when it is needed */
    bool demo;         /* anybody on this machine may open sessions */
    unsigned token_life_s; /* of a session's token, which is renewed */
    bool test_clock;
    enum idem_sandboxing sandbox;

    struct idem_listen listens[IDEM_LISTEN_MAX];
    uint32_t listen_count;
    bool plain_anywhere; /* plain HTTP on an address that is not loopback */
    const char *hosts[IDEM_HOSTS_MAX];
    uint32_t host_count;
    const char *certificate, *key;
    uint32_t tls_line;
    struct idem_network proxies[IDEM_PROXIES_MAX]; /* whose X-Forwarded-For is believed */
    uint32_t proxy_count;
    struct idem_limits limits;

    struct idem_heads_options audit; /* where heads of the logs are sent */
    struct idem_oidc_config oidc;

    char *texts[IDEM_CONFIG_TEXTS_MAX]; /* what the pointers above point to */
    uint32_t text_count;
};

void idem_config_init(struct idem_config *config);
void idem_config_fini(struct idem_config *config);
/* Keeps file's pointer. why: IDEM_CONFIG_WHY_MAX bytes, written when it fails: "FILE:LINE:..." */
int idem_config_read(struct idem_config *config, const char *file, char *why);
/* The same of bytes that are there already; file is what they are called. */
int idem_config_parse(struct idem_config *config, const char *bytes, size_t len, const char *file,
                      char *why);
/* Also settles who speaks TLS: the addresses of `listen`, when there is a certificate. */
int idem_config_check(struct idem_config *config, char *why);
/* Whether somebody listens with TLS. */
bool idem_config_has_tls(const struct idem_config *config);

/* For config.c and options.c. tls: if there will be a certificate. */
int idem_config_listen(struct idem_config *config, const char *text, bool tls, uint32_t line);
/* Forgets where the file said to listen; plain_http keeps its addresses. */
void idem_config_unlisten(struct idem_config *config);

#endif
