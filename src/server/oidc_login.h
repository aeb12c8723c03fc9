/* SPDX-License-Identifier: Apache-2.0 */
/* oidc_login.h - the routes of OpenID Connect, between a request and oidc.h; see oidc_login.c. */
#ifndef IDEM_SERVER_OIDC_LOGIN_H
#define IDEM_SERVER_OIDC_LOGIN_H

#include "server/request.h"

struct idem_visit;

/* Of the browser that is on its way to the provider and back. */
#define IDEM_OIDC_COOKIE        "idem-oidc"
#define IDEM_OIDC_COOKIE_SECURE "__Host-idem-oidc"

/* HTTP thread: fill the visit from the request and send it on its way. */
void idem_oidc_go(struct idem_request *r, struct idem_visit *v);
void idem_oidc_return(struct idem_request *r, struct idem_visit *v);

#endif
