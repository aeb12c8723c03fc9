/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_csv.c - any bytes as a recording, strict and skipping: read or refused with a reason, never
 * more.
 */
#include <stdint.h>
#include <stdlib.h>

#include "input/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int skip = 0; skip < 2; skip++) {
        struct idem_recording_options options = {.skip_bad = skip};
        struct idem_recording *rec = NULL;
        struct idem_fault fault = {""};
        int err = idem_recording_read_bytes("fuzz", data, size, &options, &rec, &fault);
        if (err < 0 && (rec || !fault.text[0]))
            abort(); /* a failure has a reason and no result */
        if (err == 0 && (!rec->row_count || !rec->person_count || !rec->session_count))
            abort();
        idem_recording_free(rec);
    }
    return 0;
}
