/* SPDX-License-Identifier: Apache-2.0 */
/*
 * again.h - has this window been there before, or was it never typed? What the server asks of each
 * window while it judges it, with the means of model/sketch.h, seen.h and form.h.
 *
 *   the person's sketch       windows of his that come again, changed or not, in this session or a
 *                             later one, from whichever seat
 *   the organisation's table  windows that come again under somebody else's name
 *   the window's form         sums that no typing adds up to, or nearer to the person's profile
 *                             than any sample of his typing (model/form.h, even.h)
 *
 * A hit is a guard's alarm of kind replay (guard_alarm.h); the window is evidence of nothing and
 * teaches nothing. A window repeated under its own number is not judged, so never asked about.
 *
 * What is remembered lives with the person (people.h). At rest are the imprints of sessions that
 * have ended; those of open ones come back when their windows are replayed after a restart, so that
 * a replay finds what it found before, and no window finds itself.
 */
#ifndef IDEM_SERVER_AGAIN_H
#define IDEM_SERVER_AGAIN_H

#include "model/seen.h"
#include "model/sketch.h"
#include "server/sessions.h"

/* What all judges share: the secret signs of the imprints, and the organisation's table. */
struct idem_again {
    struct idem_imprinter *imprinters[IDEM_MODALITIES]; /* NULL: the front knows no such */
    struct idem_seen *seen;
    struct idem_even *even; /* NULL: the front knows no keyboard */
};

int idem_again_init(const struct idem_front *front, const uint8_t key[IDEM_SIPHASH_KEY],
                    struct idem_again *out);
void idem_again_fini(struct idem_again *again);
/* Puts the sketches of an organisation's people into the table, at start. */
int idem_again_load(struct idem_again *again, struct idem_store *store, struct idem_people *people,
                    int64_t organisation, uint64_t front);

/* The table forgets the windows that the person's sketches hold. */
void idem_again_forget(struct idem_again *again, const struct idem_person *person);

/* What each thread that judges has of its own. */
struct idem_again_bench {
    struct idem_again *again; /* NULL: nothing is asked */
    const struct idem_front *front;
    struct idem_sketcher *sketchers[IDEM_MODALITIES];
};

int idem_again_bench_init(struct idem_again *again, const struct idem_front *front,
                          struct idem_again_bench *out);
void idem_again_bench_fini(struct idem_again_bench *bench);

/*
 * True when the window has been there or was never typed: the alarm is raised. It is remembered in
 * either case. row: the window's in the store.
 */
bool idem_again_look(struct idem_again_bench *bench, struct idem_session *s,
                     const struct idem_window *window, int64_t row);

#endif
