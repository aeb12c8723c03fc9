/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.h - what the CBOR and the JSON half of reading share: the fields, their ranges, and the
 * sentence that says what was wrong. Private to src/wire.
 */
#ifndef IDEM_WIRE_READER_H
#define IDEM_WIRE_READER_H

#include "wire/wire.h"

enum idem_wire_field {
    IDEM_FIELD_SEQ,
    IDEM_FIELD_MODALITY,
    IDEM_FIELD_FRONT,
    IDEM_FIELD_STROKES,
    IDEM_FIELD_DURATION,
    IDEM_FIELD_CELLS,
    IDEM_FIELDS
};

/* The two parts of a batch's seal, which come together or not at all. */
enum idem_wire_part { IDEM_PART_PREVIOUS = 1, IDEM_PART_SIGNATURE = 2 };

enum { IDEM_WIRE_BATCH_FIELDS = 4 };

/* A window's fields but its cells, as they are gathered. */
struct idem_wire_head {
    uint32_t have; /* bit per idem_wire_field */
    uint32_t seq, strokes, duration_ms;
    enum idem_modality modality;
    uint64_t front;
};

struct idem_wire_reader {
    const struct idem_front *front;
    struct idem_window *windows[IDEM_MODALITIES]; /* NULL: the front does not know the modality */
    struct idem_window *current;
    int index;      /* of the window being read in its batch, -1: none */
    int cell;       /* likewise in "cells" */
    unsigned parts; /* of the seal that have been read */
    int32_t *sums;
    uint32_t sums_max; /* numbers that fit into sums: the widest modality's channels * 2 */
    char why[IDEM_WIRE_WHY_MAX];
};

/* Composes the sentence, with the place in front of it, and returns err. */
__attribute__((format(printf, 3, 4))) int idem_wire_fail(struct idem_wire_reader *r, int err,
                                                         const char *fmt, ...);
int idem_wire_field_find(struct idem_wire_reader *r, struct idem_wire_head *head, const char *name,
                         size_t len, enum idem_wire_field *out);
/* The four integers of the head, range-checked. */
int idem_wire_head_int(struct idem_wire_reader *r, struct idem_wire_head *head,
                       enum idem_wire_field field, int64_t value);
int idem_wire_head_modality(struct idem_wire_reader *r, struct idem_wire_head *head,
                            const char *name, size_t len);
/* True when everything but the cells has been seen. */
bool idem_wire_head_full(const struct idem_wire_head *head);
/* Checks the head and opens r->current. */
int idem_wire_open(struct idem_wire_reader *r, const struct idem_wire_head *head);
/* How many numbers a cell of the open window has after its own number and count. */
uint32_t idem_wire_cell_sums(const struct idem_wire_reader *r);
/* Files one cell: cell, n and r->sums. */
int idem_wire_cell(struct idem_wire_reader *r, int64_t cell, int64_t n);
int idem_wire_close(struct idem_wire_reader *r);
/* A part of the seal has been read; not twice. */
int idem_wire_sealed(struct idem_wire_reader *r, enum idem_wire_part part,
                     struct idem_wire_batch *batch);
/* At the end of a batch: both parts or none. */
int idem_wire_seal_whole(struct idem_wire_reader *r, const struct idem_wire_batch *batch);

#endif
