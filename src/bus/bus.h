/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus.h - how work gets from the many that receive it to the one that does it, as a table of
 * functions. Bounded: a full bus says so at once (IDEM_ERR_FULL) and never blocks a producer, so
 * that backpressure reaches the peer as an answer instead of as a pile.
 */
#ifndef IDEM_BUS_BUS_H
#define IDEM_BUS_BUS_H

#include "idem/idem.h"

struct idem_bus;

struct idem_bus_ops {
    /* Any thread. IDEM_ERR_FULL; IDEM_ERR_NOT_FOUND once the bus is shut. */
    int (*push)(struct idem_bus *bus, void *item);
    /* The one consumer: waits at most timeout_ms for the first item, then takes what is there, at
     * most max, oldest first. Returns the number taken. */
    size_t (*drain)(struct idem_bus *bus, void **items, size_t max, int timeout_ms);
    /* Nothing more may be pushed; what is inside can still be drained. Wakes the consumer. */
    void (*shut)(struct idem_bus *bus);
    size_t (*depth)(struct idem_bus *bus);
    /* The bus must be empty: items belong to their owners. */
    void (*free)(struct idem_bus *bus);
};

struct idem_bus {
    const struct idem_bus_ops *ops;
};

/* In this process. capacity: 1..65536 items. */
int idem_bus_local_new(size_t capacity, struct idem_bus **out);

#endif
