/* SPDX-License-Identifier: Apache-2.0 */
/* sysfs.c - see sysfs.h. */
#include "agent/broker/sysfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "idem/idem.h"

enum { ATTRIBUTE_MAX = 1024, NUMBER_MAX = 32, DPI_MAX = 100000, LONG_BITS = 8 * sizeof(long) };

static int open_in(const char *dir, const char *name, int flags)
{
    char path[IDEM_SYSFS_PATH + NAME_MAX];

    int len = snprintf(path, sizeof path, "%s/%s", dir, name);
    return len < 0 || (size_t)len >= sizeof path ? -1 : open(path, flags | O_CLOEXEC);
}

int idem_sysfs_read(const char *dir, const char *name, char *out, size_t cap)
{
    char text[ATTRIBUTE_MAX];
    int fd = open_in(dir, name, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return IDEM_ERR_IO;
    text[n] = 0;
    size_t len = strcspn(text, "\n");
    if (len >= cap)
        return IDEM_ERR_LIMIT;
    memcpy(out, text, len);
    out[len] = 0;
    return 0;
}

int idem_sysfs_write(const char *dir, const char *name, const char *value)
{
    char now[NUMBER_MAX];
    int fd = open_in(dir, name, O_WRONLY);
    ssize_t n = fd < 0 ? -1 : write(fd, value, strlen(value));

    if (fd >= 0)
        close(fd);
    if (n != (ssize_t)strlen(value) || idem_sysfs_read(dir, name, now, sizeof now) != 0)
        return IDEM_ERR_IO;
    return strcmp(now, value) == 0 ? 0 : IDEM_ERR_IO;
}

int idem_sysfs_parent(const char *dir, char out[IDEM_SYSFS_PATH])
{
    const char *end = strrchr(dir, '/');

    if (end == NULL || end == dir || end - dir >= IDEM_SYSFS_PATH)
        return IDEM_ERR_NOT_FOUND;
    memmove(out, dir, (size_t)(end - dir));
    out[end - dir] = 0;
    return 0;
}

int idem_sysfs_usb(const char *dir, char out[IDEM_SYSFS_PATH])
{
    char at[IDEM_SYSFS_PATH], text[NUMBER_MAX];
    int err = idem_sysfs_parent(dir, at);

    for (; err == 0; err = idem_sysfs_parent(at, at)) {
        if (idem_sysfs_read(at, "idVendor", text, sizeof text) != 0)
            continue;
        memcpy(out, at, sizeof at);
        return 0;
    }
    return IDEM_ERR_NOT_FOUND;
}

static bool have_the_same(const char *a, const char *b, const char *name)
{
    char of_a[NUMBER_MAX], of_b[NUMBER_MAX];

    return idem_sysfs_read(a, name, of_a, sizeof of_a) == 0 &&
           idem_sysfs_read(b, name, of_b, sizeof of_b) == 0 && strcmp(of_a, of_b) == 0;
}

bool idem_sysfs_has_twin(const char *root, const char *usb)
{
    char list[IDEM_SYSFS_PATH], other[IDEM_SYSFS_PATH + NAME_MAX + 1];
    const char *own = strrchr(usb, '/');
    const struct dirent *entry;
    bool found = false;

    snprintf(list, sizeof list, "%s/bus/usb/devices", root);
    DIR *dir = opendir(list);
    while (dir != NULL && own != NULL && !found && (entry = readdir(dir)) != NULL) {
        snprintf(other, sizeof other, "%s/%s", list, entry->d_name);
        found = strcmp(entry->d_name, own + 1) != 0 && have_the_same(other, usb, "idVendor") &&
                have_the_same(other, usb, "idProduct");
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

uint32_t idem_sysfs_number(const char *dir, const char *name, int base)
{
    char text[NUMBER_MAX];

    return idem_sysfs_read(dir, name, text, sizeof text) == 0 ? (uint32_t)strtoul(text, NULL, base)
                                                              : 0;
}

static bool is_letter(unsigned key)
{
    return (key >= KEY_Q && key <= KEY_P) || (key >= KEY_A && key <= KEY_L) ||
           (key >= KEY_Z && key <= KEY_M);
}

/* Words of a kernel's long, the highest first: all letters are in the lowest 64 bits. */
bool idem_sysfs_types(const char *keys)
{
    uint64_t low = 0;

    for (const char *at = keys; *at;) {
        char *end;
        low = (LONG_BITS < 64 ? low << 32 : 0) | strtoull(at, &end, 16);
        if (end == at)
            return false;
        at = end + strspn(end, " ");
    }
    for (unsigned key = 0; key < 64; key++)
        if (is_letter(key) && (low >> key & 1) != 0)
            return true;
    return false;
}

uint32_t idem_sysfs_dpi(const char *text)
{
    const char *star = strchr(text, '*');
    unsigned long dpi = strtoul(star != NULL ? star + 1 : text, NULL, 10);

    return dpi <= DPI_MAX ? (uint32_t)dpi : 0;
}
