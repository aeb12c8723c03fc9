/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_line.c - what the agent's processes say to each other: each message in its own
 * direction, length and range only; descriptors that came with what is refused are closed; a
 * window survives the way, and one that no collector makes does not.
 */
#include "agent/line.h"
#include "agent/pack.h"
#include "people.h"
#include "window/window.h"

#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct idem_line_buffer got;

static struct idem_verb_message a_verb(uint32_t verb, uint32_t number)
{
    return (struct idem_verb_message){
        .head = {IDEM_SB_VERB, sizeof(struct idem_verb_message)}, .verb = verb, .number = number};
}

static bool checked(const void *message, size_t len, uint32_t fds, const char *way)
{
    _Alignas(16) uint8_t bytes[IDEM_MESSAGE_MAX];
    memcpy(bytes, message, len);
    return idem_message_check(bytes, len, fds, way[0], way[1]);
}

static void verbs_are_three_and_of_one_size(void **state)
{
    (void)state;
    const struct {
        uint32_t verb, number;
        bool good;
    } cases[] = {{IDEM_VERB_CUT_OFF, 3, true}, {IDEM_VERB_CUT_OFF, 0, false},
                 {IDEM_VERB_LOCK, 0, true},    {IDEM_VERB_LOCK, 1, false},
                 {IDEM_VERB_NOTIFY, 1, true},  {IDEM_VERB_NOTIFY, IDEM_NOTICES, false},
                 {IDEM_VERB_NOTIFY, 0, false}, {0, 0, false},
                 {IDEM_VERBS, 0, false}};

    assert_int_equal(sizeof(struct idem_verb_message), 16);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct idem_verb_message m = a_verb(cases[i].verb, cases[i].number);
        assert_int_equal(checked(&m, sizeof m, 0, "sb"), cases[i].good);
        assert_false(checked(&m, sizeof m, 0, "cs"));
        assert_false(checked(&m, sizeof m, 0, "bs"));
        assert_false(checked(&m, sizeof m, 1, "sb"));
        assert_false(checked(&m, sizeof m - 4, 0, "sb"));
    }
}

static void nobody_orders_what_is_not_his(void **state)
{
    struct idem_settings_message m;
    struct idem_act_message act = {.head = {IDEM_CS_ACT, sizeof act}, .action = IDEM_ACTION_LOCK};
    static const char *const ways[] = {"bs", "sb", "bc", "cb", "sc"};
    (void)state;

    idem_settings_default(&m);
    assert_true(checked(&m, sizeof m, 0, "cs"));
    assert_true(checked(&act, sizeof act, 0, "cs"));
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        assert_false(checked(&m, sizeof m, 0, ways[i]));
        assert_false(checked(&act, sizeof act, 0, ways[i]));
    }
    for (uint32_t type = 0; type < IDEM_MESSAGE_TYPES + 2; type++) {
        /* Nothing at all goes from the courier to the broker. */
        uint8_t bytes[512] = {0};
        for (uint32_t len = 8; len <= sizeof bytes; len += 4) {
            struct idem_message_head head = {type, len};
            memcpy(bytes, &head, sizeof head);
            assert_false(checked(bytes, len, 0, "cb"));
        }
    }
}

static void numbers_stay_in_their_range(void **state)
{
    struct idem_settings_message m;
    (void)state;

    idem_settings_default(&m);
    m.rows[2][0].confidence = (float)NAN;
    assert_false(checked(&m, sizeof m, 0, "cs"));
    idem_settings_default(&m);
    m.rows[2][1].action = IDEM_ACTIONS;
    assert_false(checked(&m, sizeof m, 0, "cs"));
    idem_settings_default(&m);
    m.untouched_s = 60;
    assert_true(checked(&m, sizeof m, 0, "cs"));
    m.untouched_s = 59;
    assert_false(checked(&m, sizeof m, 0, "cs"));
    idem_settings_default(&m);
    m.window_keys = IDEM_WINDOW_KEYS - 1; /* so few would be a text */
    assert_false(checked(&m, sizeof m, 0, "cs"));
    idem_settings_default(&m);
    m.window_gestures = IDEM_WINDOW_GESTURES - 1;
    assert_false(checked(&m, sizeof m, 0, "cs"));
    struct idem_presence_message p = {
        .head = {IDEM_BC_PRESENCE, sizeof p}, .presence = IDEM_PRESENT, .uid = 1000, .user = "ada"};
    assert_true(checked(&p, sizeof p, 0, "bc"));
    p.user[40] = 'x'; /* behind the end: a way to send something along */
    assert_false(checked(&p, sizeof p, 0, "bc"));
    memset(p.user, 'a', sizeof p.user);
    assert_false(checked(&p, sizeof p, 0, "bc"));
    p = (struct idem_presence_message){.head = {IDEM_BS_PRESENCE, sizeof p}, .uid = 1000};
    assert_false(checked(&p, sizeof p, 0, "bs")); /* a sensor does not learn who it is */
}

static void a_descriptor_comes_along_or_is_closed(void **state)
{
    int ends[2], null = open("/dev/null", O_RDONLY);
    struct idem_device_message d = {
        .head = {IDEM_BS_DEVICE, sizeof d}, .id = 1, .group = 1, .arrived_us = 5};
    (void)state;

    assert_int_equal(idem_line_pair(ends), 0);
    assert_int_equal(idem_line_receive(ends[1], 'b', 's', &got), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_line_send(ends[0], &d.head, null), 0);
    assert_int_equal(idem_line_receive(ends[1], 'b', 's', &got), 0);
    assert_true(got.fd >= 0);
    int next = got.fd;
    close(got.fd);
    d.id = 0;
    assert_int_equal(idem_line_send(ends[0], &d.head, null), 0);
    assert_int_equal(idem_line_receive(ends[1], 'b', 's', &got), IDEM_ERR_INVALID);
    assert_int_equal(got.fd, -1);
    int again = dup(null); /* the number is free again: nothing was leaked */
    assert_int_equal(again, next);
    close(again);
    close(ends[0]);
    assert_int_equal(idem_line_receive(ends[1], 'b', 's', &got), IDEM_ERR_IO);
    assert_int_equal(idem_line_send(ends[1], &d.head, -1), IDEM_ERR_IO);
    close(ends[1]);
    close(null);
}

/* A TCP socket whose close(2) waits for a minute: what was written to it is not read. */
static int a_socket_that_lingers(int *peer)
{
    const struct linger minute = {1, 60};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    static const char bytes[65536];
    int door = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(door, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(door, 1), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    *peer = accept(door, NULL, NULL);
    close(door);
    while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &minute, sizeof minute), 0);
    return fd;
}

static void nobody_is_kept_by_what_he_closes(void **state)
{
    struct idem_verb_message m = a_verb(IDEM_VERB_LOCK, 0);
    int ends[2], peer, other;
    (void)state;

    assert_int_equal(idem_line_pair(ends), 0);
    int fd = a_socket_that_lingers(&peer);
    assert_int_equal(idem_line_send(ends[0], &m.head, fd), 0);
    close(fd); /* the last one is in the line */
    int inner[2] = {-1, -1};
    fd = a_socket_that_lingers(&other);
    assert_int_equal(idem_line_pair(inner), 0);
    assert_int_equal(idem_line_send(inner[0], &m.head, fd), 0);
    assert_int_equal(idem_line_send(ends[0], &m.head, inner[1]), 0);
    close(fd); /* this one in a socket in the line */
    close(inner[1]);
    alarm(30); /* ends the test where it would wait */
    for (int i = 0; i < 2; i++)
        assert_int_equal(idem_line_receive(ends[1], 's', 'b', &got), IDEM_ERR_INVALID);
    alarm(0);
    close(inner[0]);
    close(other);
    close(peer);
    close(ends[0]);
    close(ends[1]);
}

static void who_does_not_read_stops_nobody(void **state)
{
    int ends[2], err = 0;
    struct idem_verb_message m = a_verb(IDEM_VERB_LOCK, 0);
    (void)state;

    assert_int_equal(idem_line_pair(ends), 0);
    for (int i = 0; i < 1000000 && err == 0; i++)
        err = idem_line_send(ends[0], &m.head, -1);
    assert_int_equal(err, IDEM_ERR_FULL);
    close(ends[0]);
    close(ends[1]);
}

/* ------------------------------------------------------------------ windows */

static void a_window_survives_the_way(void **state)
{
    static uint8_t bytes[IDEM_MESSAGE_MAX];
    struct idem_front *front = people_front(12, 1000);
    struct idem_window *back;
    struct person person;
    size_t len;
    (void)state;

    person_draw(&person, 77);
    struct typist typist = typist_new(&person, 1);
    struct idem_window *w = typist_window(&typist, front, 100);
    assert_int_equal(idem_window_new(front, IDEM_KEYBOARD, &back), 0);
    assert_int_equal(idem_pack_window(w, bytes, sizeof bytes, &len), 0);
    assert_true(idem_message_check(bytes, len, 0, 's', 'c'));
    assert_int_equal(idem_unpack_window(bytes, len, back), 0);
    assert_int_equal(back->strokes, w->strokes);
    assert_int_equal(back->duration_ms, w->duration_ms);
    assert_memory_equal(back->n, w->n, idem_shape_len(w->shape) * sizeof w->n[0]);

    assert_int_equal(idem_pack_window(w, bytes, len - 1, &len), IDEM_ERR_LIMIT);
    assert_int_equal(idem_pack_window(w, bytes, sizeof bytes, &len), 0);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_not_equal(idem_unpack_window(bytes, cut, back), 0);
    uint32_t far = w->shape.cells;
    memcpy(bytes + sizeof(struct idem_window_message), &far, sizeof far);
    assert_int_equal(idem_unpack_window(bytes, len, back), IDEM_ERR_INVALID);
    idem_window_free(back);
    idem_window_free(w);
    idem_front_free(front);
}

/* ------------------------------------------------------------------ inherited sockets */

static void names_find_their_descriptor(void **state)
{
    char pid[32];
    (void)state;

    int fd = open("/dev/null", O_RDONLY);
    assert_int_equal(dup2(fd, 4), 4);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_FDNAMES", "courier:control", 1);
    setenv("LISTEN_PID", "1", 1);
    assert_int_equal(idem_line_inherited("control"), IDEM_ERR_NOT_FOUND);
    setenv("LISTEN_PID", pid, 1);
    assert_int_equal(idem_line_inherited("control"), 4);
    assert_int_equal(idem_line_inherited("contro"), IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_line_inherited("x11"), IDEM_ERR_NOT_FOUND);
    unsetenv("LISTEN_FDS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbs_are_three_and_of_one_size),
        cmocka_unit_test(nobody_orders_what_is_not_his),
        cmocka_unit_test(numbers_stay_in_their_range),
        cmocka_unit_test(a_descriptor_comes_along_or_is_closed),
        cmocka_unit_test(nobody_is_kept_by_what_he_closes),
        cmocka_unit_test(who_does_not_read_stops_nobody),
        cmocka_unit_test(a_window_survives_the_way),
        cmocka_unit_test(names_find_their_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
