/* SPDX-License-Identifier: Apache-2.0 */
/* line.c - the command's end of the local socket, see tool.h. */
#include "agent/tool/tool.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* The courier may have to ask the server; how things stand it knows. */
enum { ANSWER_MS = 40 * 1000, STATUS_MS = 5 * 1000 };

int idem_tool_connect(const struct idem_tool *tool, struct idem_tool_line *line)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    line->len = 0;
    line->fd = -1;
    if (strlen(tool->socket) >= sizeof at.sun_path)
        return IDEM_ERR_NOT_FOUND;
    strcpy(at.sun_path, tool->socket);
    /* Not to wait where nobody accepts: the log-in must not hang here. */
    line->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (line->fd >= 0 && connect(line->fd, (const struct sockaddr *)&at, sizeof at) == 0)
        return 0;
    idem_tool_hang_up(line);
    return IDEM_ERR_NOT_FOUND;
}

void idem_tool_hang_up(struct idem_tool_line *line)
{
    if (line->fd >= 0)
        close(line->fd);
    line->fd = -1;
}

int idem_tool_send(struct idem_tool_line *line, json_t *request)
{
    char bytes[IDEM_CONTROL_REQUEST_MAX];
    size_t len = json_dumpb(request, bytes, sizeof bytes - 1, JSON_COMPACT);

    json_decref(request);
    if (len == 0 || len > sizeof bytes - 1)
        return IDEM_ERR_LIMIT;
    bytes[len++] = '\n';
    /* A socket's buffer takes a request whole. */
    return send(line->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : IDEM_ERR_IO;
}

static int take_line(struct idem_tool_line *line, json_t **out)
{
    char *end = memchr(line->bytes, '\n', line->len);
    size_t len;
    json_t *got;

    if (end == NULL)
        return IDEM_ERR_NOT_FOUND;
    len = (size_t)(end - line->bytes);
    got = json_loadb(line->bytes, len, 0, NULL);
    line->len -= len + 1;
    memmove(line->bytes, end + 1, line->len);
    if (!json_is_object(got)) {
        json_decref(got);
        return IDEM_ERR_FORMAT;
    }
    *out = got;
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int receive(struct idem_tool_line *line, int timeout_ms)
{
    struct pollfd p = {.fd = line->fd, .events = POLLIN};
    int n = poll(&p, 1, timeout_ms);
    ssize_t got;

    if (n < 0 && errno == EINTR)
        return 0;
    if (n <= 0 || line->len == sizeof line->bytes)
        return IDEM_ERR_IO;
    got = recv(line->fd, line->bytes + line->len, sizeof line->bytes - line->len, 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (got <= 0)
        return IDEM_ERR_IO;
    line->len += (size_t)got;
    return 0;
}

int idem_tool_hear(struct idem_tool_line *line, int timeout_ms, json_t **out)
{
    const int64_t until = now_ms() + timeout_ms;
    int err;

    while ((err = take_line(line, out)) == IDEM_ERR_NOT_FOUND) {
        const int64_t left = until - now_ms();
        if (timeout_ms > 0 && left <= 0)
            return IDEM_ERR_IO;
        err = receive(line, timeout_ms > 0 ? (int)left : -1);
        if (err != 0)
            return err;
    }
    return err;
}

int idem_tool_lost(const struct idem_tool *tool, int err)
{
    if (err == IDEM_ERR_NOT_FOUND)
        return idem_tool_fail("idem is not running on this computer: nobody answers at %s "
                              "(systemctl status idem-courier)",
                              tool->socket);
    if (err == IDEM_ERR_FORMAT)
        return idem_tool_fail("what answers at %s is not idem", tool->socket);
    return idem_tool_fail("idem's courier did not answer: systemctl status idem-courier says more "
                          "(is a server named in /etc/idem/agent.yaml?)");
}

int idem_tool_check(const json_t *answer)
{
    const char *message = idem_tool_text(answer, "message");

    if (idem_tool_true(answer, "ok"))
        return 0;
    fputs("idem-agent: ", stderr);
    idem_tool_put(stderr, message[0] != '\0' ? message : "idem's courier refused");
    fputc('\n', stderr);
    return IDEM_EXIT_FAILED;
}

json_t *idem_tool_request(const char *name)
{
    return json_pack("{s:s}", "request", name);
}

int idem_tool_ask(const struct idem_tool *tool, json_t *request, json_t **out)
{
    struct idem_tool_line line;
    json_t *answer = NULL;
    const bool known = strcmp(idem_tool_text(request, "request"), "status") == 0;
    int err = idem_tool_connect(tool, &line);

    if (err == 0)
        err = idem_tool_send(&line, request);
    else
        json_decref(request);
    if (err == 0)
        err = idem_tool_hear(&line, known ? STATUS_MS : ANSWER_MS, &answer);
    idem_tool_hang_up(&line);
    if (err != 0)
        return idem_tool_lost(tool, err);
    err = idem_tool_check(answer);
    if (err == 0 && out != NULL)
        *out = json_incref(answer);
    json_decref(answer);
    return err;
}
