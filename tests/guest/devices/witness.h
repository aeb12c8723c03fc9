/* SPDX-License-Identifier: Apache-2.0 */
/*
 * witness.h - somebody else who reads a keyboard, beside the sensor: how many keys went down, when
 * the last event came by the kernel's own time stamp, when the kernel was told to take nothing from
 * the device any more (`inhibited`), and when it was gone.
 */
#ifndef IDEM_GUEST_WITNESS_H
#define IDEM_GUEST_WITNESS_H

#include <pthread.h>
#include <stdint.h>

struct witness {
    uint32_t downs;
    int64_t last_us, silent_us, gone_us; /* CLOCK_MONOTONIC; 0: not yet */
    pthread_t thread;
    int fd, inhibited, end[2];
};

void witness_begin(const char *event, struct witness *out);
void witness_end(struct witness *witness);

#endif
