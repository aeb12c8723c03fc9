/* SPDX-License-Identifier: Apache-2.0 */
/* assets.c - see assets.h. */
#include "server/assets.h"

#include "base/bytes.h"
#include "base/log.h"
#include "server/constants.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_CAP = 256, DEPTH_MAX = 8 };

struct asset {
    char path[PATH_CAP]; /* with a slash in front */
    char etag[20];
    struct MHD_Response *plain, *tls;
};

struct idem_assets {
    size_t count;
    struct asset assets[IDEM_ASSETS_MAX];
};

struct type {
    const char *suffix, *type;
};

static const struct type types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".wasm", "application/wasm"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".json", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
    {".map", "application/json"},
};

/* Only what the page itself brings may run; WASM is compiled from the page's own file. */
static const char policy[] =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' "
    "data:; font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

static const char *type_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(dot, types[i].suffix) == 0)
            return types[i].type;
    return "application/octet-stream";
}

static int read_file(int dir, const char *name, char **bytes, size_t *len)
{
    struct stat st;
    int err = IDEM_ERR_IO;
    char *buffer = NULL;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        goto out;
    err = IDEM_ERR_LIMIT;
    if (st.st_size > IDEM_ASSET_BYTES_MAX)
        goto out;
    err = IDEM_ERR_NOMEM;
    buffer = malloc((size_t)st.st_size + 1);
    if (buffer == NULL)
        goto out;
    ssize_t n = read(fd, buffer, (size_t)st.st_size + 1);
    err = n == st.st_size ? IDEM_OK : IDEM_ERR_IO;
    if (err == 0) {
        *bytes = buffer;
        *len = (size_t)n;
        buffer = NULL;
    }
out:
    free(buffer);
    if (fd >= 0)
        close(fd);
    return err;
}

static void add_headers(struct MHD_Response *response, const struct asset *a, bool tls)
{
    /* File names under /assets/ carry a hash of the content and never change. */
    const char *cache =
        strncmp(a->path, "/assets/", 8) == 0 ? "public, max-age=31536000, immutable" : "no-cache";

    MHD_add_response_header(response, "Content-Type", type_of(a->path));
    MHD_add_response_header(response, "Cache-Control", cache);
    MHD_add_response_header(response, "ETag", a->etag);
    MHD_add_response_header(response, "Content-Security-Policy", policy);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(response, "Cross-Origin-Opener-Policy", "same-origin");
    if (tls)
        MHD_add_response_header(response, "Strict-Transport-Security", IDEM_HSTS);
}

/* One for plain HTTP, which has the bytes, and one for TLS, which goes before it. */
static int make_responses(struct asset *a, char *bytes, size_t len)
{
    snprintf(a->etag, sizeof a->etag, "\"%016llx\"", (unsigned long long)idem_fnv64(bytes, len));
    a->plain = MHD_create_response_from_buffer(len, bytes, MHD_RESPMEM_MUST_FREE);
    if (a->plain == NULL) {
        free(bytes);
        return IDEM_ERR_NOMEM;
    }
    a->tls = MHD_create_response_from_buffer(len, bytes, MHD_RESPMEM_PERSISTENT);
    if (a->tls == NULL) {
        MHD_destroy_response(a->plain);
        return IDEM_ERR_NOMEM;
    }
    add_headers(a->plain, a, false);
    add_headers(a->tls, a, true);
    return IDEM_OK;
}

static int add_file(struct idem_assets *x, int dir, const char *prefix, const char *name)
{
    char *bytes;
    size_t len;

    if (x->count == IDEM_ASSETS_MAX)
        return IDEM_ERR_LIMIT;
    struct asset *a = &x->assets[x->count];
    if (snprintf(a->path, sizeof a->path, "%s/%s", prefix, name) >= (int)sizeof a->path)
        return IDEM_ERR_LIMIT;
    int err = read_file(dir, name, &bytes, &len);
    if (err == 0)
        err = make_responses(a, bytes, len);
    if (err == 0)
        x->count++;
    return err;
}

static int add_dir(struct idem_assets *x, int fd, const char *prefix, int depth);

static int add_entry(struct idem_assets *x, int dir, const char *prefix, const char *name,
                     int depth)
{
    char below[PATH_CAP];
    struct stat st;

    if (name[0] == '.' || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return IDEM_OK;
    if (S_ISREG(st.st_mode))
        return add_file(x, dir, prefix, name);
    if (!S_ISDIR(st.st_mode))
        return IDEM_OK;
    int n = snprintf(below, sizeof below, "%s/%s", prefix, name);
    if (depth == DEPTH_MAX || n >= (int)sizeof below)
        return IDEM_ERR_LIMIT;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? IDEM_ERR_IO : add_dir(x, fd, below, depth + 1);
}

/* Takes fd. */
static int add_dir(struct idem_assets *x, int fd, const char *prefix, int depth)
{
    struct dirent *entry;
    int err = IDEM_OK;
    DIR *dir = fdopendir(fd);

    if (dir == NULL) {
        close(fd);
        return IDEM_ERR_IO;
    }
    while (err == 0 && (entry = readdir(dir)) != NULL)
        err = add_entry(x, fd, prefix, entry->d_name, depth);
    closedir(dir);
    return err;
}

int idem_assets_load(const char *dir, struct idem_assets **out)
{
    struct idem_assets *x = calloc(1, sizeof *x);
    int err = IDEM_OK;

    if (x == NULL)
        return IDEM_ERR_NOMEM;
    if (dir != NULL) {
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        err = fd < 0 ? IDEM_ERR_IO : add_dir(x, fd, "", 0);
    }
    if (err != 0) {
        idem_log(IDEM_LOG_ERROR, "config: the page in %s cannot be read: %s", dir,
                 idem_strerror(err));
        idem_assets_free(x);
        return err;
    }
    *out = x;
    return IDEM_OK;
}

void idem_assets_free(struct idem_assets *assets)
{
    if (assets == NULL)
        return;
    for (size_t i = 0; i < assets->count; i++) {
        MHD_destroy_response(assets->assets[i].tls);
        MHD_destroy_response(assets->assets[i].plain);
    }
    free(assets);
}

struct MHD_Response *idem_assets_find(const struct idem_assets *assets, const char *path, bool tls,
                                      const char **etag)
{
    if (strcmp(path, "/") == 0)
        path = "/index.html";
    for (size_t i = 0; i < assets->count; i++) {
        if (strcmp(assets->assets[i].path, path) == 0) {
            *etag = assets->assets[i].etag;
            return tls ? assets->assets[i].tls : assets->assets[i].plain;
        }
    }
    return NULL;
}
