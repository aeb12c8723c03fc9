/* SPDX-License-Identifier: Apache-2.0 */
/* seat_key.c - see seat_key.h. */
#include "cli/seat_key.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cli/command.h"

int idem_cli_read_seat_key(const char *file, struct idem_seat_key *out)
{
    switch (idem_seat_key_read(AT_FDCWD, file, out)) {
    case 0:
        return 0;
    case IDEM_ERR_NOT_FOUND:
        return IDEM_ERR_NOT_FOUND;
    case IDEM_ERR_INVALID:
        return idem_cli_fail("%s: is not a file of yours that no others can read; chmod 600 it, or "
                             "make another",
                             file);
    case IDEM_ERR_FORMAT:
        return idem_cli_fail("%s: is not a seat's key", file);
    default:
        return idem_cli_fail("%s: %s", file, strerror(errno));
    }
}

int idem_cli_write_seat_key(const char *file, const struct idem_seat_key *key)
{
    int err = idem_seat_key_write(AT_FDCWD, file, key);

    if (err == IDEM_ERR_LIMIT)
        return idem_cli_fail("%s: the name is too long", file);
    return err == 0 ? 0 : idem_cli_fail("%s: %s", file, strerror(errno));
}
