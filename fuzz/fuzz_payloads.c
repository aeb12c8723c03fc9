/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_payloads.c - any bytes as skeletons of payloads: read or refused with a reason; what was
 * read adds up.
 */
#include <stdint.h>
#include <stdlib.h>

#include "input/payloads.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct idem_payloads p = {0};
    struct idem_fault fault = {""};
    int err = idem_payloads_read_bytes("fuzz", data, size, &p, &fault);
    uint32_t at = 0;
    if (err < 0 && (p.list || !fault.text[0]))
        abort(); /* a failure has a reason and no result */
    for (uint32_t i = 0; i < p.count; i++) {
        if (p.list[i].first != at || p.list[i].count == 0 ||
            p.list[i].key_downs > p.list[i].count * (uint32_t)(2 * IDEM_PAYLOAD_SAME))
            abort();
        at += p.list[i].count;
    }
    if (at != p.step_count)
        abort();
    idem_payloads_free(&p);
    return 0;
}
