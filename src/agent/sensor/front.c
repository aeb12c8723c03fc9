/* SPDX-License-Identifier: Apache-2.0 */
/* front.c - see front.h. Its size is asked by seeking: stat(2) is a call for paths, too. */
#include "agent/sensor/front.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/line.h"

static bool is_sealed(int fd, uint64_t size)
{
    const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & wanted) == wanted && size > 0 && size <= IDEM_FRONT_MAX &&
           lseek(fd, 0, SEEK_END) == (off_t)size;
}

int idem_front_receive(int fd, uint64_t size, struct idem_front **out)
{
    if (!is_sealed(fd, size)) {
        idem_line_drop(fd);
        return IDEM_ERR_INVALID;
    }
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    idem_line_drop(fd);
    if (bytes == MAP_FAILED)
        return IDEM_ERR_IO;
    int err = idem_front_parse(bytes, size, out);
    munmap(bytes, size);
    return err;
}
