/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cbor.c - any bytes as a batch of windows in CBOR, and as one stored window: refused with a
 * reason, or read into windows that are the same again after a way through CBOR and JSON.
 */
#include "wire_front.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct idem_wire_reader *reader;
    const struct idem_window *window = NULL;
    uint32_t seq = 0;

    if (reader == NULL && idem_wire_reader_new(wire_front(), &reader) != 0)
        abort();
    if (size > IDEM_WIRE_BODY_MAX)
        return 0;
    wire_check(idem_wire_read_cbor, data, size);
    int err = idem_wire_read_window(reader, data, size, &seq, &window);
    if ((err == 0) != (window != NULL))
        abort();
    return 0;
}
