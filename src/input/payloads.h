/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payloads.h - what injected keystrokes look like without what they say: skeletons of payloads, as
 * CSV with the columns corpus, payload, step, kind, value.
 *
 *   plain, shifted, enter  so many keystrokes of this kind, 1..100
 *   combo                  modifiers and a key pressed together; value: how many keys, 1..16
 *   delay                  the payload waits; value: ms, 0..3,600,000
 *   jitter                 the payload switches its device's own jitter; value: 1 on, 0 off
 *
 * Defined outcomes:
 *   - a payload begins where corpus or payload change or step is 0; rows of it stand together in
 *     the order of their steps, 0, 1, 2, ...; a step left out is a bad row, since what is left
 *     would be another payload;
 *   - a bad row (unknown kind, value out of range, empty or overlong name) ends the reading with
 *     "file:line: reason": a payload without one of its rows would be judged for what it is not.
 */
#ifndef IDEM_INPUT_PAYLOADS_H
#define IDEM_INPUT_PAYLOADS_H

#include "input/csv.h"

enum {
    IDEM_PAYLOAD_STEPS = 4 * 1024 * 1024, /* most rows in a file */
    IDEM_PAYLOAD_COUNT = 64 * 1024,       /* most payloads in a file */
    IDEM_PAYLOAD_NAME = 48,               /* most bytes in the name of a corpus or a payload */
    IDEM_PAYLOAD_COMBO = 16,
    IDEM_PAYLOAD_SAME = 100,
    IDEM_PAYLOAD_DELAY_MS = 3600000,
};

enum idem_payload_kind {
    IDEM_STEP_PLAIN,
    IDEM_STEP_SHIFTED,
    IDEM_STEP_ENTER,
    IDEM_STEP_COMBO,
    IDEM_STEP_DELAY,
    IDEM_STEP_JITTER,
};

struct idem_payload_step {
    uint8_t kind; /* enum idem_payload_kind */
    uint32_t value;
};

struct idem_payload {
    char name[2 * IDEM_PAYLOAD_NAME + 2]; /* corpus/payload */
    uint32_t first, count;                /* into steps */
    uint32_t key_downs;                   /* modifiers count */
};

struct idem_payloads {
    struct idem_payload *list;
    uint32_t count;
    struct idem_payload_step *steps;
    uint32_t step_count;
    uint64_t bytes; /* size of the file */
};

int idem_payloads_read(const char *path, struct idem_payloads *out, struct idem_fault *fault);
int idem_payloads_read_bytes(const char *name, const void *bytes, size_t len,
                             struct idem_payloads *out, struct idem_fault *fault);
void idem_payloads_free(struct idem_payloads *payloads);

#endif
