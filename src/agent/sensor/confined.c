/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confined.c - see confined.h.
 *
 * Of a device the sensor may ask what it is and read what it says: ioctls that read, of type 'E'.
 * The one that sets anything is the clock of its own time stamps. It cannot grab a device, revoke
 * it, shake it or remap its keys. libevdev also asks for name, place and serial number: the kernel
 * is not asked, the answer is empty.
 */
#include "agent/sensor/confined.h"

#include <fcntl.h>
#include <linux/input.h>
#include <sys/socket.h>

#include "agent/confine.h"
#include "base/log.h"

/* Of an ioctl: direction, size, type, number. */
#define DIRECTION_AND_TYPE UINT64_C(0xc000ff00)
#define ALL_BUT_SIZE       UINT64_C(0xc000ffff)
#define READS              _IOC(_IOC_READ, 'E', 0, 0)
#define NAME               _IOC(_IOC_READ, 'E', 0x06, 0)
#define PLACE              _IOC(_IOC_READ, 'E', 0x07, 0)
#define SERIAL             _IOC(_IOC_READ, 'E', 0x08, 0)

int idem_sensor_confine(void)
{
    static const struct idem_confine_call calls[] = {
        {.name = "read"},
        {.name = "accept4"},
        {.name = "getsockopt"},
        {.name = "setsockopt",
         .argument = 1,
         .mask = UINT32_MAX,
         .value = SOL_SOCKET,
         .argument2 = 2,
         .mask2 = UINT32_MAX,
         .value2 = SO_LINGER},
        {.name = "getuid"},
        {.name = "lseek"},
        {.name = "fcntl", .argument = 1, .mask = UINT32_MAX, .value = F_GET_SEALS},
        {.name = "fcntl", .argument = 1, .mask = UINT32_MAX, .value = F_GETFL},
        {.name = "ioctl", .argument = 1, .mask = DIRECTION_AND_TYPE, .value = READS},
        {.name = "ioctl", .argument = 1, .mask = UINT32_MAX, .value = EVIOCSCLOCKID},
        {"ioctl", 1, ALL_BUT_SIZE, NAME, IDEM_CONFINE_NOTHING, 0, 0, 0},
        {"ioctl", 1, ALL_BUT_SIZE, PLACE, IDEM_CONFINE_NOTHING, 0, 0, 0},
        {"ioctl", 1, ALL_BUT_SIZE, SERIAL, IDEM_CONFINE_NOTHING, 0, 0, 0},
    };
    bool locked = false;
    int err = idem_confine_process(&locked);

    if (err == 0 && !locked)
        idem_log(IDEM_LOG_INFO, "config: memory may be swapped out (LimitMEMLOCK)");
    if (err == 0)
        err = idem_confine_files(NULL, 0, 0);
    if (err == IDEM_ERR_NOT_FOUND) {
        idem_log(IDEM_LOG_INFO, "kernel: no Landlock; the system call filter stands alone");
        err = 0;
    }
    if (err == 0)
        err = idem_confine_calls(calls, sizeof calls / sizeof *calls);
    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "kernel: the sensor cannot be confined, so it does not run");
    return err;
}
