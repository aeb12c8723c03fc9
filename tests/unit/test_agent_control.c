/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_control.c - the courier's local socket: what is no request is refused, who is not at
 * the seat is told nothing of the person, nobody takes all places, slow and silent callers lose
 * theirs, a watcher is shown all of a window, and descriptors that are sent along stop nothing.
 */
#include "agent/courier/control.h"
#include "agent/courier/control_words.h"
#include "people.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SPIN_MS = 5 };

/* Linked in the place of the real one (--wrap): the same, later. */
int64_t __real_idem_loop_now(void);
int64_t __wrap_idem_loop_now(void);
static int64_t later_us;

int64_t __wrap_idem_loop_now(void)
{
    return __real_idem_loop_now() + later_us;
}

struct courier {
    struct idem_loop loop;
    struct idem_timer end;
    struct idem_control *control;
    int listening;
    struct sockaddr_un address;
    socklen_t address_len;
    struct idem_control_status status;
    struct idem_control_said said;
    uint32_t ticket, asked;
    bool at_once; /* answers within the callback */
    int refuses;
};

static void give_status(void *arg, struct idem_control_status *out)
{
    const struct courier *c = arg;
    *out = c->status;
}

static int take(void *arg, uint32_t ticket, const struct idem_control_said *said)
{
    struct courier *c = arg;

    c->said = *said;
    c->ticket = ticket;
    c->asked++;
    if (c->at_once)
        idem_control_answer(c->control, ticket, NULL);
    return c->refuses;
}

static void over(void *arg)
{
    struct courier *c = arg;
    idem_loop_end(&c->loop, 0);
}

/* Long enough for all that is ready on this machine: each turn of the loop serves everybody. */
static void spin(struct courier *c)
{
    c->end = (struct idem_timer){.due = over, .arg = c};
    c->loop.over = false;
    assert_int_equal(idem_loop_after(&c->loop, &c->end, SPIN_MS * 1000), 0);
    assert_int_equal(idem_loop_run(&c->loop), 0);
}

static void seat(struct courier *c, enum idem_presence presence, uid_t uid)
{
    const struct idem_presence_message m = {.presence = presence, .uid = uid};
    idem_control_presence(c->control, &m);
}

static void open_listening(struct courier *c)
{
    c->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    c->address_len = sizeof c->address.sun_family;
    c->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(c->listening, (struct sockaddr *)&c->address, c->address_len), 0);
    assert_int_equal(listen(c->listening, 64), 0);
    c->address_len = sizeof c->address;
    assert_int_equal(getsockname(c->listening, (struct sockaddr *)&c->address, &c->address_len), 0);
}

static int set_up(void **state)
{
    static struct courier c;
    const struct idem_control_calls calls = {.status = give_status, .ask = take};

    memset(&c, 0, sizeof c);
    open_listening(&c);
    assert_int_equal(idem_control_new(&c.loop, c.listening, &calls, &c, &c.control), 0);
    c.status.enrolled = true;
    strcpy(c.status.server, "https://idem.example");
    *state = &c;
    return 0;
}

static int tear_down(void **state)
{
    struct courier *c = *state;
    idem_control_free(c->control);
    assert_int_equal(c->loop.watch_count, 0);
    assert_int_equal(c->loop.timer_count, 0);
    close(c->listening);
    return 0;
}

static int call(struct courier *c)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&c->address, c->address_len), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All that is there; "" when nothing is; NULL when the line was ended with nothing before. */
static const char *hear(struct courier *c, int fd)
{
    static char text[4 * IDEM_CONTROL_ANSWER_MAX];
    ssize_t n;

    spin(c);
    n = recv(fd, text, sizeof text - 1, 0);
    if (n < 0 && errno == EAGAIN)
        n = 0;
    else if (n <= 0)
        return NULL;
    text[n] = '\0';
    return text;
}

static const char *ask(struct courier *c, const char *request)
{
    int fd = call(c);
    const char *answer;

    say(fd, request);
    answer = hear(c, fd);
    close(fd);
    spin(c);
    return answer;
}

static void assert_has(const char *text, const char *what)
{
    if (text == NULL || strstr(text, what) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", what, text != NULL ? text : "");
}

static void assert_lacks(const char *text, const char *what)
{
    if (text == NULL || strstr(text, what) != NULL)
        fail_msg("\"%s\" is in \"%s\"", what, text != NULL ? text : "");
}

/* ------------------------------------------------------------------ reading */

static void reads_requests(void **state)
{
    static const char good[] = "{\"request\":\"pause\",\"seconds\":1800}";
    struct idem_control_said said;
    const char *why;
    (void)state;

    assert_int_equal(idem_control_read(good, strlen(good), &said, &why), 0);
    assert_int_equal(said.request, IDEM_CONTROL_PAUSE);
    assert_int_equal(said.seconds, 1800);
    assert_string_equal(said.argument, "");
}

static void refuses_what_is_no_request(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "1",
        "\"status\"",
        "{}",
        "{\"request\":1}",
        "{\"request\":\"\"}",
        "{\"request\":\"Status\"}",
        "{\"request\":\"status\",\"x\":1}",
        "{\"request\":\"status\",\"request\":\"status\"}",
        "{\"request\":\"pause\"}",
        "{\"request\":\"pause\",\"seconds\":0}",
        "{\"request\":\"pause\",\"seconds\":86401}",
        "{\"request\":\"pause\",\"seconds\":1.5}",
        "{\"request\":\"pause\",\"seconds\":\"60\"}",
        "{\"request\":\"pause\",\"seconds\":99999999999999999999}",
        "{\"request\":\"text\",\"language\":\"\"}",
        "{\"request\":\"text\",\"language\":\"d\\ne\"}",
        "{\"request\":\"text\",\"version\":\"1\"}",
        "{\"request\":\"enrol\",\"code\":null}",
        "{\"request\":\"enrol\",\"code\":\"a\\u0000b\"}",
        "{\"request\":\"status\"} {}",
        "{\"request\":\"status\"}\xff",
    };
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct idem_control_said said = {.seconds = 7};
        const char *why = NULL;
        assert_true(idem_control_read(bad[i], strlen(bad[i]), &said, &why) < 0);
        assert_true(why != NULL && why[0] != '\0');
        assert_int_equal(said.seconds, 7);
    }
}

/* ------------------------------------------------------------------ who may what */

static void each_is_told_what_is_his(void **state)
{
    struct idem_control_status s = {.enrolled = true,
                                    .server = "https://idem.example",
                                    .policy = "abc",
                                    .why = IDEM_WHY_PAUSED,
                                    .acknowledgement = IDEM_ACK_GIVEN,
                                    .acknowledged = "3",
                                    .has_rules = true,
                                    .standing = "locked"};
    static const char *const machine[] = {"presence", "why",     "devices",
                                          "spool",    "reached", "policy"},
                             *const person[] = {"acknowledgement", "rules", "standing", "pause",
                                                "level"};
    (void)state;

    for (int a = IDEM_FOR_ANYBODY; a <= IDEM_FOR_PERSON; a++) {
        json_t *j = idem_control_status_json(&s, (enum idem_control_audience)a);
        assert_string_equal(json_string_value(json_object_get(j, "server")), s.server);
        for (size_t i = 0; i < 6; i++)
            assert_int_equal(json_object_get(j, machine[i]) != NULL, a != IDEM_FOR_ANYBODY);
        for (size_t i = 0; i < 5; i++)
            assert_int_equal(json_object_get(j, person[i]) != NULL, a == IDEM_FOR_PERSON);
        if (a != IDEM_FOR_ANYBODY)
            assert_string_equal(json_string_value(json_object_get(j, "why")),
                                a == IDEM_FOR_PERSON ? "paused" : "personal");
        json_decref(j);
    }
}

static void every_reason_has_words(void **state)
{
    (void)state;
    for (int i = 0; i < IDEM_WHYS; i++) {
        const char *name = idem_control_why_name((enum idem_control_why)i);
        assert_non_null(name);
        assert_non_null(idem_control_why_words(name));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(name, idem_control_why_name((enum idem_control_why)k));
    }
    for (int i = 0; i < IDEM_ACKS; i++)
        assert_non_null(idem_control_ack_name((enum idem_control_acknowledgement)i));
    assert_null(idem_control_why_words("because"));
}

static void only_the_person_may(void **state)
{
    static const char *const requests[] = {"{\"request\":\"watch\"}\n",
                                           "{\"request\":\"text\",\"language\":\"en\"}\n",
                                           "{\"request\":\"acknowledge\",\"version\":\"1\"}\n",
                                           "{\"request\":\"withdraw\"}\n",
                                           "{\"request\":\"pause\",\"seconds\":60}\n",
                                           "{\"request\":\"resume\"}\n",
                                           "{\"request\":\"nonce\"}\n"};
    struct courier *c = *state;

    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        assert_has(ask(c, requests[i]), "\"error\":\"nobody\"");
        seat(c, IDEM_PRESENT, getuid() + 1);
        assert_has(ask(c, requests[i]), "\"error\":\"not-yours\"");
        idem_control_presence(c->control, NULL);
    }
    assert_int_equal(c->asked, 0);
    seat(c, IDEM_PRESENT, getuid());
    c->at_once = true;
    for (size_t i = 1; i < sizeof requests / sizeof *requests; i++) {
        assert_string_equal(ask(c, requests[i]), "{\"ok\":true}\n");
        assert_int_equal(c->asked, i);
    }
    assert_has(ask(c, "{\"request\":\"enrol\",\"code\":\"AAAAA\"}\n"),
               getuid() == 0 ? "\"ok\":true" : "\"error\":\"not-root\"");
}

static void strangers_see_no_person(void **state)
{
    struct courier *c = *state;
    const char *answer;

    strcpy(c->status.acknowledged, "version three");
    seat(c, IDEM_PRESENT, getuid() + 1);
    answer = ask(c, "{\"request\":\"status\"}\n");
    assert_has(answer, "https://idem.example");
    assert_lacks(answer, "version three");
    seat(c, IDEM_PRESENT, getuid());
    assert_has(ask(c, "{\"request\":\"status\"}\n"), "version three");
}

/* ------------------------------------------------------------------ answers */

static void answers_later_and_once(void **state)
{
    struct courier *c = *state;
    int fd = call(c);
    json_t *more = json_pack("{s:s, s:b}", "nonce", "abc", "ok", 0);

    seat(c, IDEM_PRESENT, getuid());
    say(fd, "{\"request\":\"nonce\"}\n{\"request\":\"status\"}\n");
    assert_string_equal(hear(c, fd), "");
    assert_int_equal(c->asked, 1);
    idem_control_answer(c->control, c->ticket + 1, more);
    assert_string_equal(hear(c, fd), "");
    idem_control_answer(c->control, c->ticket, more);
    const char *both = hear(c, fd);
    assert_has(both, "\"nonce\":\"abc\"");
    assert_lacks(both, "\"ok\":false");
    assert_has(both, "idem.example"); /* the next one is read then */
    idem_control_answer(c->control, c->ticket, more);
    assert_string_equal(hear(c, fd), "");
    json_decref(more);
    close(fd);
}

static void nobody_hears_another_ones_answer(void **state)
{
    struct courier *c = *state;
    int fd = call(c);

    seat(c, IDEM_PRESENT, getuid());
    say(fd, "{\"request\":\"nonce\"}\n");
    spin(c);
    close(fd);
    spin(c);
    fd = call(c);
    say(fd, "{\"request\":\"resume\"}\n");
    uint32_t first = c->ticket;
    spin(c);
    assert_int_not_equal(c->ticket, first);
    idem_control_answer(c->control, first, NULL);
    assert_string_equal(hear(c, fd), "");
    /* Another person is at the seat before the answer: the connection is gone with the ticket. */
    seat(c, IDEM_PRESENT, getuid() + 1);
    idem_control_refuse(c->control, c->ticket, "x", "y");
    assert_null(hear(c, fd));
    close(fd);
}

static void says_when_it_failed(void **state)
{
    struct courier *c = *state;

    seat(c, IDEM_PRESENT, getuid());
    c->refuses = IDEM_ERR_FULL;
    assert_has(ask(c, "{\"request\":\"resume\"}\n"), "\"error\":\"failed\"");
    /* A person who is told does not lose the line: it may ask again. */
    c->refuses = 0;
    c->at_once = true;
    int fd = call(c);
    for (int i = 0; i < 3; i++) {
        say(fd, "{\"request\":\"resume\"}\n");
        assert_string_equal(hear(c, fd), "{\"ok\":true}\n");
    }
    /* Many lines at once that are answered at once: no deeper with each. */
    for (int i = 0; i < 150; i++)
        say(fd, "{\"request\":\"resume\"}\n");
    const char *all = hear(c, fd);
    assert_non_null(all);
    assert_int_equal(strlen(all), 150 * strlen("{\"ok\":true}\n"));
    close(fd);
}

static void ends_what_is_malformed(void **state)
{
    char big[IDEM_CONTROL_REQUEST_MAX + 2];
    struct courier *c = *state;
    int fd = call(c);

    say(fd, "nonsense\n{\"request\":\"status\"}\n");
    const char *answer = hear(c, fd);
    assert_has(answer, "\"error\":\"malformed\"");
    assert_lacks(answer, "idem.example");
    assert_null(hear(c, fd));
    close(fd);
    memset(big, ' ', sizeof big);
    big[sizeof big - 1] = '\0';
    fd = call(c);
    say(fd, big);
    assert_has(hear(c, fd), "at most 4096 bytes");
    assert_null(hear(c, fd));
    close(fd);
    /* One byte at a time is as good. */
    fd = call(c);
    for (const char *at = "{\"request\":\"status\"}\n"; *at != '\0'; at++)
        assert_int_equal(send(fd, at, 1, 0), 1);
    assert_has(hear(c, fd), "idem.example");
    close(fd);
}

/* ------------------------------------------------------------------ places */

static void nobody_takes_all_places(void **state)
{
    struct courier *c = *state;
    int fds[IDEM_CONTROL_CONNECTIONS + 8];
    const size_t n = sizeof fds / sizeof *fds;

    for (size_t i = 0; i < n; i++)
        fds[i] = call(c);
    spin(c);
    for (size_t i = 0; i < n; i++) {
        const char *got = hear(c, fds[i]);
        if (i < IDEM_CONTROL_OF_ONE)
            assert_string_equal(got, "");
        else
            assert_has(got, "\"error\":\"too-many\"");
    }
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
    spin(c);
    assert_int_equal(c->loop.watch_count, 1);
    assert_has(ask(c, "{\"request\":\"status\"}\n"), "idem.example");
}

static void the_silent_lose_theirs(void **state)
{
    struct courier *c = *state;
    int silent = call(c), watcher = call(c), waiting = call(c);

    seat(c, IDEM_PRESENT, getuid());
    say(silent, "{\"requ");
    say(watcher, "{\"request\":\"watch\"}\n");
    say(waiting, "{\"request\":\"resume\"}\n");
    assert_non_null(hear(c, watcher));
    assert_int_equal(c->loop.timer_count, 1); /* the one that closes them */
    c->loop.timers[0]->due(c->loop.timers[0]->arg);
    assert_string_equal(hear(c, silent), "");
    later_us = ((int64_t)IDEM_CONTROL_IDLE_S + 1) * 1000000;
    c->loop.timers[0]->due(c->loop.timers[0]->arg);
    assert_null(hear(c, silent));
    assert_string_equal(hear(c, watcher), "");
    assert_int_equal(c->loop.timer_count, 0); /* nobody to wait for: no waking up */
    idem_control_answer(c->control, c->ticket, NULL);
    assert_string_equal(hear(c, waiting), "{\"ok\":true}\n");
    assert_int_equal(c->loop.timer_count, 1);
    later_us = 0;
    close(silent);
    close(watcher);
    close(waiting);
}

/* ------------------------------------------------------------------ watching */

static void watchers_see_changes_once(void **state)
{
    struct courier *c = *state;
    int fd = call(c);

    seat(c, IDEM_PRESENT, getuid());
    say(fd, "{\"request\":\"watch\"}\n");
    const char *first = hear(c, fd);
    assert_has(first, "{\"ok\":true}\n");
    assert_has(first, "\"event\":\"status\"");
    idem_control_changed(c->control);
    c->status.pause_left_s = 7; /* passes by itself */
    idem_control_changed(c->control);
    assert_string_equal(hear(c, fd), "");
    c->status.keyboards = 2;
    idem_control_changed(c->control);
    idem_control_changed(c->control);
    const char *change = hear(c, fd);
    assert_has(change, "\"keyboards\":2");
    assert_ptr_equal(strchr(change, '\n'), change + strlen(change) - 1);
    idem_control_over(c->control);
    assert_string_equal(hear(c, fd), "{\"event\":\"over\"}\n");
    assert_null(hear(c, fd));
    close(fd);
}

static void another_person_sees_nothing_more(void **state)
{
    struct courier *c = *state;
    int fd = call(c);

    seat(c, IDEM_PRESENT, getuid());
    say(fd, "{\"request\":\"watch\"}\n");
    assert_non_null(hear(c, fd));
    seat(c, IDEM_LOCKED, getuid()); /* still hers */
    assert_string_equal(hear(c, fd), "");
    seat(c, IDEM_PRESENT, getuid() + 1);
    c->status.keyboards = 3;
    idem_control_changed(c->control);
    assert_string_equal(hear(c, fd), "{\"event\":\"over\"}\n");
    assert_null(hear(c, fd));
    close(fd);
}

static void the_slow_lose_theirs(void **state)
{
    struct courier *c = *state;
    int fd = call(c), room = 4096;

    seat(c, IDEM_PRESENT, getuid());
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    say(fd, "{\"request\":\"watch\"}\n");
    spin(c);
    for (uint32_t i = 1; i < 4000 && c->loop.watch_count == 2; i++) {
        c->status.keyboards = i;
        idem_control_changed(c->control);
    }
    assert_int_equal(c->loop.watch_count, 1);
    close(fd);
}

static double number(const json_t *array, size_t at)
{
    return json_number_value(json_array_get(array, at));
}

static void holds_all(const json_t *cells, const struct idem_front *front,
                      const struct idem_window *window)
{
    const uint32_t width = 2 * idem_front_channels(front, IDEM_KEYBOARD);
    const int32_t *n = idem_window_counts(window), *sums = idem_window_sums(window);
    size_t at = 0;

    for (uint32_t cell = 0; cell < idem_front_cells(front, IDEM_KEYBOARD); cell++) {
        if (n[cell] == 0)
            continue;
        const json_t *one = json_array_get(cells, at++), *numbers = json_object_get(one, "numbers");
        assert_int_equal(json_array_size(numbers), 2 + width);
        assert_int_equal(number(numbers, 0), cell);
        assert_int_equal(number(numbers, 1), n[cell]);
        for (uint32_t k = 0; k < width; k++)
            assert_int_equal(number(numbers, 2 + k), sums[(size_t)cell * width + k]);
        assert_true(strlen(json_string_value(json_object_get(one, "what"))) > 0);
    }
    assert_int_equal(json_array_size(cells), at);
    assert_true(at > 3);
}

static void shows_all_of_a_window(void **state)
{
    struct courier *c = *state;
    struct idem_front *front = people_front(12, 1000);
    struct person person;
    struct typist typist;
    struct idem_window *window;
    int fd = call(c);

    person_draw(&person, 1);
    typist = typist_new(&person, 1);
    window = typist_window(&typist, front, 100);
    idem_control_window(c->control, front, window, 7, false); /* nobody watches */
    seat(c, IDEM_PRESENT, getuid());
    say(fd, "{\"request\":\"watch\"}\n");
    assert_non_null(hear(c, fd));
    idem_control_window(c->control, front, window, 8, true);
    json_t *told = json_loads(hear(c, fd), 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(told, "seq")), 8);
    assert_true(json_is_true(json_object_get(told, "waiting")));
    assert_int_equal(json_integer_value(json_object_get(told, "strokes")), 100);
    holds_all(json_object_get(told, "cells"), front, window);
    json_decref(told);
    idem_window_free(window);
    idem_front_free(front);
    close(fd);
}

static void says_an_alarm_in_words(void **state)
{
    struct courier *c = *state;
    struct idem_alarm_message alarm = {.modality = IDEM_KEYBOARD,
                                       .kind = IDEM_GUARD_INJECTED_KEYS,
                                       .action = IDEM_ACTION_LOCK,
                                       .confidence = 0.995f,
                                       .saw_count = 1};
    int fd = call(c);

    alarm.saw[0].reason = IDEM_SAW_HOLDS_SHORT;
    alarm.saw[0].count = 8;
    alarm.saw[0].value = 2.1f;
    seat(c, IDEM_PRESENT, getuid());
    say(fd, "{\"request\":\"watch\"}\n");
    assert_non_null(hear(c, fd));
    idem_control_alarm(c->control, &alarm);
    const char *told = hear(c, fd);
    assert_has(told, "\"kind\":\"injected-keys\"");
    assert_has(told, "\"action\":\"lock\"");
    assert_has(told, "\"reason\":\"holds-short\",\"count\":8,\"value\":2.1");
    close(fd);
}

/* ------------------------------------------------------------------ descriptors */

/* A TCP socket that takes a minute to be closed: its data is never read. */
static void make_lingering(int ends[3])
{
    static char bytes[65536];
    const struct linger minute = {1, 60};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof to;

    ends[2] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(ends[2], (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(listen(ends[2], 1), 0);
    assert_int_equal(getsockname(ends[2], (struct sockaddr *)&to, &len), 0);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(ends[0], (struct sockaddr *)&to, sizeof to), 0);
    ends[1] = accept(ends[2], NULL, NULL);
    while (send(ends[0], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &minute, sizeof minute), 0);
}

/* False: this kernel does not let it be sent. */
static bool hand_over(int line, int fd, int flags)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec part = {(char[]){"{"}, 1};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    *c = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return sendmsg(line, &m, MSG_NOSIGNAL | flags) == 1;
}

enum way { PLAIN, WITHIN_ANOTHER, OUT_OF_BAND, UNREAD, WAYS };

/* As an older kernel lets it: the socket is in the queue before the courier is there. */
static void send_lingering(int line, enum way way)
{
    int ends[3], pair[2];

    make_lingering(ends);
    if (way == UNREAD) /* a request that is refused, and what is behind it never read */
        say(line, "no\n");
    if (way == WITHIN_ANOTHER) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        assert_true(hand_over(pair[0], ends[0], 0));
        assert_true(hand_over(line, pair[1], 0));
        close(pair[0]);
        close(pair[1]);
    } else {
        assert_true(hand_over(line, ends[0], way == OUT_OF_BAND ? MSG_OOB : 0));
    }
    if (way == OUT_OF_BAND)
        say(line, "x\n");
    close(ends[0]); /* the courier's is the last; ends[1] is not read, and stays */
}

static int64_t seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* A minute of the kernel's against a few milliseconds: no close call. */
static void no_descriptor_holds_it_up(void **state)
{
    struct courier *c = *state;
    const struct idem_control_calls calls = {.status = give_status, .ask = take};

    for (enum way way = 0; way < WAYS; way++) {
        idem_control_free(c->control);
        c->control = NULL;
        close(c->listening);
        open_listening(c); /* one that has never met the courier */
        int fd = call(c);
        int64_t begun = seconds();
        send_lingering(fd, way);
        assert_int_equal(idem_control_new(&c->loop, c->listening, &calls, c, &c->control), 0);
        hear(c, fd);
        later_us += (int64_t)(IDEM_CONTROL_IDLE_S + 1) * 1000000;
        hear(c, fd);
        assert_has(ask(c, "{\"request\":\"status\"}\n"), "\"ok\":true");
        assert_true(seconds() - begun < 30);
        close(fd);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_requests),
        cmocka_unit_test(refuses_what_is_no_request),
        cmocka_unit_test(each_is_told_what_is_his),
        cmocka_unit_test(every_reason_has_words),
        CASE(only_the_person_may),
        CASE(strangers_see_no_person),
        CASE(answers_later_and_once),
        CASE(nobody_hears_another_ones_answer),
        CASE(says_when_it_failed),
        CASE(ends_what_is_malformed),
        CASE(nobody_takes_all_places),
        CASE(the_silent_lose_theirs),
        CASE(watchers_see_changes_once),
        CASE(another_person_sees_nothing_more),
        CASE(the_slow_lose_theirs),
        CASE(shows_all_of_a_window),
        CASE(says_an_alarm_in_words),
        CASE(no_descriptor_holds_it_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
