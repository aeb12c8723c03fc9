/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builder.h - rows in the order of a file become people, sessions and contiguous arrays. Private to
 * src/input.
 *
 * While rows come in, sessions stand in the order of their first row and a row only notes its
 * session; idem_builder_finish() puts people's sessions and sessions' rows together, stably.
 */
#ifndef IDEM_INPUT_BUILDER_H
#define IDEM_INPUT_BUILDER_H

#include "input/recording.h"

struct idem_builder {
    struct idem_recording *rec;
    uint32_t row_cap, session_cap, person_cap;
    uint32_t *session_of_row;
    char *names; /* bytes with terminators; people and sessions hold offsets until the end */
    uint32_t names_len, names_cap;
    uint32_t *person_name, *session_name; /* offsets */
    uint32_t *table;                      /* open addressing: 1 + session, 0 empty */
    uint32_t table_cap;                   /* a power of two */
    uint32_t *person_table;
    uint32_t person_table_cap;
    uint32_t last; /* the session of the row before, the likeliest one for the next */
    bool in_order; /* so far no row belongs to an earlier session than the row before */
};

/*
 * Makes room for one more of `count` items of `size` bytes; array: the address of their pointer.
 * IDEM_ERR_LIMIT beyond `max` items.
 */
int idem_builder_grow(void *array, uint32_t count, uint32_t *cap, size_t size, uint32_t max);
int idem_builder_init(struct idem_builder *b, const char *path, enum idem_modality modality);
void idem_builder_fini(struct idem_builder *b);
/* The session of that user and name, made when new (*fresh). */
int idem_builder_session(struct idem_builder *b, struct idem_field user, struct idem_field session,
                         uint32_t *out, bool *fresh);
/* One more row of a session. */
int idem_builder_stroke(struct idem_builder *b, uint32_t session, const struct idem_stroke *stroke);
int idem_builder_motion(struct idem_builder *b, uint32_t session, const struct idem_motion *motion);
/* Hands the recording over. */
int idem_builder_finish(struct idem_builder *b, struct idem_recording **out);
/* Of a finished recording of key events: joins each release, a stroke marked released, to its
 * press. */
void idem_builder_pair(struct idem_recording *rec);
/* Closes the gaps that emptied sessions have left; sessions and people keep their order. */
void idem_recording_drop_empty(struct idem_recording *rec);

#endif
