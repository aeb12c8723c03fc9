/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - the sentence that belongs to each error number. */
#include "idem/idem.h"

const char *idem_strerror(int err)
{
    switch (err) {
    case IDEM_OK:
        return "no error";
    case IDEM_ERR_NOMEM:
        return "out of memory";
    case IDEM_ERR_INVALID:
        return "an argument is outside its range";
    case IDEM_ERR_FORMAT:
        return "the data is not of the expected format";
    case IDEM_ERR_VERSION:
        return "the data is of a version that this build does not read";
    case IDEM_ERR_TRUNCATED:
        return "the data ends too early";
    case IDEM_ERR_CHECKSUM:
        return "the data is damaged (checksum mismatch)";
    case IDEM_ERR_LIMIT:
        return "a limit would be exceeded";
    case IDEM_ERR_MISMATCH:
        return "the statistics belong to another population, modality or level";
    case IDEM_ERR_LEVEL:
        return "this privacy level exists in offline evaluation only";
    case IDEM_ERR_TOO_LITTLE:
        return "not enough data";
    case IDEM_ERR_IO:
        return "input/output error";
    case IDEM_ERR_NOT_FOUND:
        return "not found";
    case IDEM_ERR_FULL:
        return "no space left";
    default:
        return "unknown error";
    }
}
