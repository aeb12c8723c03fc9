/* SPDX-License-Identifier: Apache-2.0 */
/*
 * player.c - guest-player WHAT: somebody at the seat's keyboards, for a driver that is a script.
 *
 *   person NAME STROKES     a recorded person, on a USB keyboard
 *   quick NAME STROKES      the same on a keyboard of a program's, which an emulated machine has
 *                           less work with; it is told of as such
 *   payload MODEL           the payload, by that device, on a USB keyboard beside
 *   stream SECONDS SPEED    a mouse of 1,000 reports and ten keys a second, by uinput, so many
 * times as fast
 *
 * Each prints "ready" when the devices are there, begins at the next line of its standard input,
 * and prints "done", with how many events it made, when it has ended. A device that is taken away
 * ends it, too ("cut").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keyboard.h"
#include "script.h"
#include "stream.h"

static void wait_for_start(void)
{
    char line[16];

    printf("ready\n");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        exit(0);
}

enum { VENDOR = 0x046d, PRODUCT = 0xc31c, NO_PORT = -1 };

static int play(int port, struct idem_key_stream *s)
{
    struct keyboard kb;
    int err = port == NO_PORT ? keyboard_uinput("A keyboard", VENDOR, PRODUCT, &kb)
                              : keyboard_gadget(port, VENDOR, PRODUCT, &kb);

    if (err != 0)
        return 1;
    wait_for_start();
    bool cut = keyboard_play(&kb, s) != 0 || (port != NO_PORT && port_authorized(port) == 0);
    printf("%s %u\n", cut ? "cut" : "done", s->key_downs);
    fflush(stdout);
    wait_for_start(); /* and it stays plugged in until then */
    keyboard_remove(&kb);
    return 0;
}

static int person(const char *name, const char *strokes, int port)
{
    struct idem_key_stream s;

    return script_person(name, (uint32_t)atoi(strokes), &s) != 0 ? 1 : play(port, &s);
}

static int payload(const char *model)
{
    struct idem_key_stream s;

    return script_payload(model, &s) != 0 ? 1 : play(1, &s);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "person") == 0)
        return person(argv[2], argv[3], 0);
    if (argc == 4 && strcmp(argv[1], "quick") == 0)
        return person(argv[2], argv[3], NO_PORT);
    if (argc == 3 && strcmp(argv[1], "payload") == 0)
        return payload(argv[2]);
    if (argc == 4 && strcmp(argv[1], "stream") == 0)
        return stream_play(atof(argv[2]), atoi(argv[3]), wait_for_start);
    fprintf(
        stderr,
        "usage: guest-player person|quick NAME STROKES | payload MODEL | stream SECONDS SPEED\n");
    return 2;
}
