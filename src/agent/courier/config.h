/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - what an administrator decides about a seat: /etc/idem/agent.yaml, read once, when the
 * courier starts. What policy decides comes from the server and stands in no file here.
 *
 *     server: https://idem.example     where to; http only to the machine itself
 *     ca: /etc/idem/ca.pem             instead of the system's authorities
 *     person: "%u@example"             %u: the log-in name
 *     job: support                     as the policy's groups name it
 *     login_is_strong: yes             the log-in at this seat counts as strong authentication
 *     x11: no                          the sensor for X sessions may connect
 */
#ifndef IDEM_AGENT_COURIER_CONFIG_H
#define IDEM_AGENT_COURIER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/objects.h"
#include "wire/yaml.h"

enum {
    IDEM_HOST_MAX = 254, /* of a name in DNS, its nought included */
    IDEM_PORT_MAX = 6,
    IDEM_CA_MAX = 256,
    IDEM_JOB_MAX = 33,
};

struct idem_server_address {
    bool tls;
    char name[IDEM_HOST_MAX]; /* to look up; an IPv6 address without brackets */
    char port[IDEM_PORT_MAX];
    char host[IDEM_HOST_MAX + IDEM_PORT_MAX + 2]; /* as it is dialled: the Host header */
};

struct idem_courier_config {
    struct idem_server_address server;
    char ca[IDEM_CA_MAX]; /* "": the system's */
    char person[IDEM_NAME_MAX + 1];
    char job[IDEM_JOB_MAX];
    bool login_is_strong, x11;
};

/* "https://name", "https://name:port", "http://127.0.0.1:8787". *why is a static sentence.
 * IDEM_ERR_INVALID */
int idem_server_address_parse(const char *url, struct idem_server_address *out, const char **why);
int idem_courier_config_parse(const char *bytes, size_t len, const char *name,
                              struct idem_courier_config *out, struct idem_yaml_fault *fault);
/* IDEM_ERR_IO: the file cannot be read, else as above; fault says so either way. */
int idem_courier_config_read(const char *file, struct idem_courier_config *out,
                             struct idem_yaml_fault *fault);
/* The name that the server knows a log-in name by. IDEM_ERR_LIMIT: it is too long. */
int idem_courier_person(const struct idem_courier_config *config, const char *user,
                        char out[IDEM_NAME_MAX + 1]);

#endif
