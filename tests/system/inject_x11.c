/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inject_x11.c - an attacker on an X server: key events under the name of a hardware keyboard.
 *
 *   inject_x11 DISPLAY DEVICE
 *
 * DEVICE: a device's name, or "xtest" for the server's own synthetic keyboard. Standard input
 * holds a line for each event, in order of time: milliseconds since the start, Linux input event
 * code, and 1 (down) or 0 (up). Every event is sent when it is due, by the XTEST extension, which
 * lets any client name the device that it wants to be.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xcb/xcb.h>
#include <xcb/xinput.h>
#include <xcb/xtest.h>

enum { EVDEV_OFFSET = 8 };

static int fail(const char *what)
{
    fprintf(stderr, "inject_x11: %s\n", what);
    return 1;
}

/* The number of the device of this name, or -1. */
static int find_device(xcb_connection_t *c, const char *name)
{
    xcb_input_xi_query_version_reply_t *version =
        xcb_input_xi_query_version_reply(c, xcb_input_xi_query_version(c, 2, 2), NULL);
    xcb_input_xi_query_device_reply_t *reply = xcb_input_xi_query_device_reply(
        c, xcb_input_xi_query_device(c, XCB_INPUT_DEVICE_ALL), NULL);
    int found = -1;

    free(version);
    if (reply == NULL)
        return -1;
    xcb_input_xi_device_info_iterator_t it = xcb_input_xi_query_device_infos_iterator(reply);
    for (; it.rem > 0; xcb_input_xi_device_info_next(&it)) {
        size_t len = it.data->name_len;
        if (len == strlen(name) && memcmp(xcb_input_xi_device_info_name(it.data), name, len) == 0)
            found = it.data->deviceid;
    }
    free(reply);
    return found;
}

static void wait_until(const struct timespec *start, double ms)
{
    long long ns = start->tv_nsec + (long long)(ms * 1e6);
    struct timespec due = {start->tv_sec + ns / 1000000000, ns % 1000000000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
        ;
}

/* The server tells a device's events from the core's by their numbers. */
static uint8_t type_of(xcb_connection_t *c, int device, int down)
{
    const xcb_query_extension_reply_t *xinput = xcb_get_extension_data(c, &xcb_input_id);

    if (device < 0)
        return down ? XCB_KEY_PRESS : XCB_KEY_RELEASE;
    return (uint8_t)(xinput->first_event +
                     (down ? XCB_INPUT_DEVICE_KEY_PRESS : XCB_INPUT_DEVICE_KEY_RELEASE));
}

static int play(xcb_connection_t *c, int device)
{
    uint8_t who = device < 0 ? 0 : (uint8_t)device;
    struct timespec start;
    double ms;
    int key, down;

    clock_gettime(CLOCK_MONOTONIC, &start);
    while (scanf("%lf %d %d", &ms, &key, &down) == 3) {
        if (key < 0 || key > 255 - EVDEV_OFFSET)
            return fail("a key that X cannot name");
        wait_until(&start, ms);
        xcb_test_fake_input(c, type_of(c, device, down), (uint8_t)(key + EVDEV_OFFSET), 0, XCB_NONE,
                            0, 0, who);
        if (xcb_flush(c) <= 0)
            return fail("the server is gone");
    }
    return feof(stdin) ? 0 : fail("a line that is none");
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return fail("usage: inject_x11 DISPLAY DEVICE");
    xcb_connection_t *c = xcb_connect(argv[1], NULL);
    if (xcb_connection_has_error(c))
        return fail("the X server cannot be reached");
    int device = strcmp(argv[2], "xtest") == 0 ? -1 : find_device(c, argv[2]);
    if (device < 0 && strcmp(argv[2], "xtest") != 0)
        return fail("there is no such device");
    int bad = play(c, device);
    free(xcb_get_input_focus_reply(c, xcb_get_input_focus(c), NULL)); /* all of it has arrived */
    xcb_disconnect(c);
    return bad;
}
