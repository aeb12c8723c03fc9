/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_json.c - any bytes as a batch of windows in JSON: refused with a reason, or read into
 * windows that are the same again after a way through CBOR and JSON.
 */
#include "wire_front.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= IDEM_WIRE_BODY_MAX)
        wire_check(idem_wire_read_json, data, size);
    return 0;
}
