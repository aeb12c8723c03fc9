/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assets.h - the page. Every file under a directory is read once, at start; afterwards only names
 * that were found there exist, so that no request can name anything else. Immutable, any thread.
 */
#ifndef IDEM_SERVER_ASSETS_H
#define IDEM_SERVER_ASSETS_H

#include "idem/idem.h"

#include <microhttpd.h>

/* For browsers: ask by TLS only, for a year. */
#define IDEM_HSTS "max-age=31536000"

struct idem_assets;

/* dir NULL: no page. Links are not followed. */
int idem_assets_load(const char *dir, struct idem_assets **out);
void idem_assets_free(struct idem_assets *assets);
/* The response for a path such as "/assets/app.js" ("/" is "/index.html"), or NULL. It stays the
 * assets'. tls: for a connection that speaks it. etag: the file's, quoted. */
struct MHD_Response *idem_assets_find(const struct idem_assets *assets, const char *path, bool tls,
                                      const char **etag);

#endif
