/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recording.h - a file of recorded people in memory: people -> sessions -> strokes or pointer
 * events.
 *
 * Three shapes of CSV, told apart by their header (columns in any order, others ignored):
 *   keyboard  user,session,key,press_ms,release_ms[,day]        or `zone` in the place of `key`
 *   events    user,session,t_ms,key,state[,is_bot]              a keyboard's, state down or up
 *   pointer   user,session,t_ms,x,y,state[,button][,split][,is_illegal][,kind][,is_bot]
 *
 * Defined outcomes:
 *   - people and sessions keep the order in which they first appear; their rows may be interleaved;
 *   - strokes of a session are sorted by press time, equal times in file order; an empty release_ms
 * is a lost release (kept, flagged); negative and very long holds are kept as they are;
 *   - of a keyboard's events a press and the next release of its key make a stroke; a key pressed
 *     again while it is down (auto-repeat, or its release was lost) leaves a lost release behind; a
 *     release of a key that is not down is left out and counted; a session without a press is left
 *     out;
 *   - pointer events keep the file's order, whatever their times; coordinates are kept as recorded;
 *   - an unknown key name counts as "other", an unknown pointer state as a mere position: both
 * counted;
 *   - split, is_illegal and is_bot belong to a session: its first row says, and a row that
 *     disagrees is a bad row;
 *   - a bad row ends the reading with "file:line: reason"; with skip_bad it is counted and left out
 * instead. Damage that reaches beyond a row (a cut gzip stream, a limit) always ends the reading.
 */
#ifndef IDEM_INPUT_RECORDING_H
#define IDEM_INPUT_RECORDING_H

#include "input/csv.h"

enum {
    IDEM_RECORDING_ROWS = 64 * 1024 * 1024, /* most rows in a file */
    IDEM_RECORDING_SESSIONS = 1024 * 1024,  /* most sessions in a file */
    IDEM_RECORDING_NAME = 128,              /* most bytes in a person's or a session's name */
};

struct idem_stroke {
    int64_t press_us;
    int64_t release_us; /* without meaning when the release was lost */
    uint8_t code;       /* Linux input event code, 255: other */
    bool released;
};

struct idem_motion {
    int64_t t_us;
    float x, y;
    uint8_t kind; /* enum idem_pointer_kind */
};

enum idem_split { IDEM_SPLIT_NONE = 0, IDEM_SPLIT_TRAIN = 1, IDEM_SPLIT_TEST = 2 };
enum idem_label { IDEM_LABEL_NONE = -1, IDEM_LABEL_OWNER = 0, IDEM_LABEL_OTHER = 1 };

struct idem_session {
    const char *name;
    uint32_t person; /* index */
    uint32_t first;  /* into strokes or motions */
    uint32_t count;
    enum idem_split split;
    enum idem_label illegal; /* is_illegal: did somebody else use the account? */
    enum idem_label bot;     /* is_bot: was it a program? IDEM_LABEL_OTHER then */
    double day;              /* days since the person's first session; NAN when not recorded */
};

struct idem_person {
    const char *name;
    uint32_t first; /* into sessions */
    uint32_t count;
};

struct idem_recording {
    enum idem_modality modality;
    bool zones; /* recorded with zones in the place of keys: levels above finger know nothing */
    struct idem_person *people;
    uint32_t person_count;
    struct idem_session *sessions; /* a person's sessions stand together */
    uint32_t session_count;
    struct idem_stroke *strokes; /* keyboard, else NULL; a session's stand together */
    struct idem_motion *motions; /* pointer, else NULL */
    uint32_t row_count;
    uint32_t lost_releases, unknown_names, skipped;
    uint32_t stray_releases;         /* of keys that were not down */
    struct idem_fault first_skipped; /* of the first row left out */
    char *path;
    uint64_t bytes; /* size of the file */
    char *names;    /* the text behind all names */
};

struct idem_recording_options {
    bool skip_bad;
};

/* Reads a file. On failure the fault says what and where. options may be NULL. */
int idem_recording_read(const char *path, const struct idem_recording_options *options,
                        struct idem_recording **out, struct idem_fault *fault);
int idem_recording_read_bytes(const char *name, const void *bytes, size_t len,
                              const struct idem_recording_options *options,
                              struct idem_recording **out, struct idem_fault *fault);
/*
 * Takes out strokes whose release was lost, then sessions without a stroke, then people without a
 * session: what the published protocols count.
 */
void idem_recording_drop_lost(struct idem_recording *rec);
/* Takes out sessions of split `test`, when there are others of split `train`: they must teach
 * nothing. */
void idem_recording_drop_test(struct idem_recording *rec);
/*
 * Keeps the people whose number, the digits of the name read as one, lies in ranges like "1-72" or
 * "1-10,15,20-"; "1-99/2" is every second one of a range. IDEM_ERR_INVALID for anything else;
 * IDEM_ERR_NOT_FOUND when nobody is left (the recording is then empty).
 */
int idem_recording_keep(struct idem_recording *rec, const char *ranges);
/* Wipes and frees. */
void idem_recording_free(struct idem_recording *rec);

#endif
