/* SPDX-License-Identifier: Apache-2.0 */
/* gadget.c - see gadget.h. */
#include "gadget.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/input-event-codes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GADGETS "/sys/kernel/config/usb_gadget"

enum { WAIT_TRIES = 500, TRY_MS = 20, WRITE_MS = 2000, PATH_LEN = 512 };

/* The boot keyboard of the HID specification, appendix B.1. */
static const uint8_t description[] = {
    0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01,
    0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x03, 0x95, 0x05, 0x75, 0x01,
    0x05, 0x08, 0x19, 0x01, 0x29, 0x05, 0x91, 0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x03, 0x95, 0x06,
    0x75, 0x08, 0x15, 0x00, 0x25, 0x65, 0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00, 0xc0};

/* Usages of the keyboard page, by input code; the modifiers are bits of the first byte. */
static const uint8_t usages[128] = {
    [KEY_A] = 4,      [KEY_B] = 5,      [KEY_C] = 6,          [KEY_D] = 7,
    [KEY_E] = 8,      [KEY_F] = 9,      [KEY_G] = 10,         [KEY_H] = 11,
    [KEY_I] = 12,     [KEY_J] = 13,     [KEY_K] = 14,         [KEY_L] = 15,
    [KEY_M] = 16,     [KEY_N] = 17,     [KEY_O] = 18,         [KEY_P] = 19,
    [KEY_Q] = 20,     [KEY_R] = 21,     [KEY_S] = 22,         [KEY_T] = 23,
    [KEY_U] = 24,     [KEY_V] = 25,     [KEY_W] = 26,         [KEY_X] = 27,
    [KEY_Y] = 28,     [KEY_Z] = 29,     [KEY_1] = 30,         [KEY_2] = 31,
    [KEY_3] = 32,     [KEY_4] = 33,     [KEY_5] = 34,         [KEY_6] = 35,
    [KEY_7] = 36,     [KEY_8] = 37,     [KEY_9] = 38,         [KEY_0] = 39,
    [KEY_ENTER] = 40, [KEY_ESC] = 41,   [KEY_BACKSPACE] = 42, [KEY_TAB] = 43,
    [KEY_SPACE] = 44, [KEY_MINUS] = 45, [KEY_SEMICOLON] = 51, [KEY_COMMA] = 54,
    [KEY_DOT] = 55,   [KEY_SLASH] = 56, [KEY_CAPSLOCK] = 57,
};

static uint8_t modifier(uint8_t code)
{
    switch (code) {
    case KEY_LEFTCTRL:
        return 1;
    case KEY_LEFTSHIFT:
        return 2;
    case KEY_LEFTALT:
        return 4;
    case KEY_LEFTMETA:
        return 8;
    case KEY_RIGHTSHIFT:
        return 32;
    default:
        return 0;
    }
}

static int put(const char *folder, const char *file, const void *bytes, size_t len)
{
    char path[PATH_LEN];

    snprintf(path, sizeof path, "%s/%s", folder, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? write(fd, bytes, len) : -1;
    if (n != (ssize_t)len)
        printf("# %s: %s\n", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return n == (ssize_t)len ? 0 : -1;
}

static int put_text(const char *folder, const char *file, const char *text)
{
    return put(folder, file, text, strlen(text));
}

static int put_number(const char *folder, const char *file, unsigned number)
{
    char text[16];

    snprintf(text, sizeof text, "0x%04x", number);
    return put_text(folder, file, text);
}

static void make(const char *folder, const char *below)
{
    char path[PATH_LEN];

    snprintf(path, sizeof path, "%s/%s", folder, below);
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        printf("# %s: %s\n", path, strerror(errno));
}

static void name_of(int port, char folder[128])
{
    snprintf(folder, 128, GADGETS "/port%d", port);
}

/* The device's half, then the moment at which it is plugged in: the write to UDC. */
static int plug_in(const char *folder, int port, uint16_t vendor, uint16_t product)
{
    char from[160], to[160], udc[32];

    make(folder, "");
    make(folder, "strings/0x409");
    make(folder, "configs/c.1");
    make(folder, "functions/hid.0");
    snprintf(from, sizeof from, "%s/functions/hid.0", folder);
    snprintf(to, sizeof to, "%s/configs/c.1/hid.0", folder);
    if (put_number(folder, "idVendor", vendor) != 0 ||
        put_number(folder, "idProduct", product) != 0 ||
        put_text(folder, "strings/0x409/manufacturer", "Acme") != 0 ||
        put_text(folder, "strings/0x409/product", "Keyboard") != 0 ||
        put_text(from, "protocol", "1") != 0 || put_text(from, "subclass", "1") != 0 ||
        put_text(from, "report_length", "8") != 0 ||
        put(from, "report_desc", description, sizeof description) != 0 ||
        (symlink(from, to) != 0 && errno != EEXIST))
        return -1;
    snprintf(udc, sizeof udc, "dummy_udc.%d", port);
    return put_text(folder, "UDC", udc);
}

/* Where the host's half of a port is in sysfs. */
static int host_path(int port, const char *below, char out[PATH_LEN])
{
    char pattern[128];
    glob_t found;

    snprintf(pattern, sizeof pattern, "/sys/devices/platform/dummy_hcd.%d/usb*/*-1%s", port, below);
    if (glob(pattern, 0, NULL, &found) != 0)
        return -1;
    snprintf(out, PATH_LEN, "%s", found.gl_pathv[0]);
    globfree(&found);
    return 0;
}

/* The number in functions/hid.0/dev is the number of /dev/hidgN. */
static int open_device(const char *folder)
{
    char path[PATH_MAX], node[32], text[32] = "";
    unsigned major_number, minor_number;

    snprintf(path, sizeof path, "%s/functions/hid.0/dev", folder);
    FILE *f = fopen(path, "re");
    bool ok = f && fgets(text, sizeof text, f) &&
              sscanf(text, "%u:%u", &major_number, &minor_number) == 2;
    if (f)
        fclose(f);
    snprintf(node, sizeof node, "/dev/hidg%u", ok ? minor_number : 0);
    int fd = -1;
    for (int i = 0; ok && fd < 0 && i < WAIT_TRIES; i++) {
        fd = open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
            usleep(TRY_MS * 1000);
    }
    return fd;
}

int keyboard_gadget(int port, uint16_t vendor, uint16_t product, struct keyboard *out)
{
    char folder[128], input[PATH_LEN];
    int found = -1;

    name_of(port, folder);
    if (plug_in(folder, port, vendor, product) != 0)
        return -1;
    *out = (struct keyboard){.fd = open_device(folder), .port = port};
    for (int i = 0; found != 0 && i < WAIT_TRIES; i++) {
        found = host_path(port, "/*/*/input/input*", input);
        if (found != 0)
            usleep(TRY_MS * 1000);
    }
    if (out->fd >= 0 && found == 0)
        return keyboard_node(input, out->event);
    printf("# port %d: the keyboard did not appear\n", port);
    keyboard_remove(out);
    return -1;
}

void gadget_remove(int port)
{
    char folder[128], path[160];
    static const char *const below[] = {"configs/c.1", "functions/hid.0", "strings/0x409", ""};

    name_of(port, folder);
    put_text(folder, "UDC", "\n");
    snprintf(path, sizeof path, "%s/configs/c.1/hid.0", folder);
    unlink(path);
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, below[i]);
        if (rmdir(path) != 0)
            printf("# %s: %s\n", path, strerror(errno));
    }
}

static void set_key(uint8_t report[REPORT], uint8_t code, bool down)
{
    uint8_t bit = modifier(code), usage = code < sizeof usages ? usages[code] : 0;

    if (bit)
        report[0] = (uint8_t)(down ? report[0] | bit : report[0] & ~bit);
    for (int i = REPORT - KEYS_AT_ONCE; usage && i < REPORT; i++) {
        if (report[i] == (down ? 0 : usage)) {
            report[i] = down ? usage : 0;
            return;
        }
    }
}

int gadget_key(struct keyboard *kb, uint8_t code, bool down)
{
    struct pollfd room = {.fd = kb->fd, .events = POLLOUT};

    set_key(kb->report, code, down);
    /* Nobody fetches the reports of a device that was cut off. */
    if (poll(&room, 1, WRITE_MS) != 1 || (room.revents & POLLOUT) == 0)
        return -1;
    return write(kb->fd, kb->report, REPORT) == REPORT ? 0 : -1;
}

int port_authorized(int port)
{
    char path[PATH_LEN];
    char digit = 0;

    if (host_path(port, "/authorized", path) != 0)
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, &digit, 1) : -1;
    if (fd >= 0)
        close(fd);
    return n == 1 ? digit - '0' : -1;
}

void port_authorize(int port)
{
    char path[PATH_LEN];
    int fd = host_path(port, "/authorized", path) == 0 ? open(path, O_WRONLY | O_CLOEXEC) : -1;

    if (fd < 0 || write(fd, "1", 1) != 1)
        printf("# port %d: %s\n", port, strerror(errno));
    if (fd >= 0)
        close(fd);
}
