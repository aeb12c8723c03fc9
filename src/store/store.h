/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - what the server keeps, as a table of functions over a data base.
 *
 * One thread uses a store. Everything that writes stands between begin and commit; after a failed
 * call the caller rolls back and nothing of the transaction remains. Nothing is durable before
 * commit has returned 0.
 *
 * Errors: IDEM_ERR_FULL (no space; may be repeated when there is), IDEM_ERR_IO (reading or writing
 * failed), IDEM_ERR_FORMAT (the data base is not ours or damaged), IDEM_ERR_VERSION (a schema newer
 * than this build), IDEM_ERR_NOT_FOUND, IDEM_ERR_NOMEM.
 *
 * Windows are a log: rows are numbered upwards without ever reusing a number, are read back all in
 * order when the server starts, and for one session by following each row's "previous" from the
 * session's last row. There is deliberately no index by session: it would cost a random page for
 * every window written.
 */
#ifndef IDEM_STORE_STORE_H
#define IDEM_STORE_STORE_H

#include "idem/idem.h"

enum {
    IDEM_ID_BYTES = 16,
    IDEM_HASH_BYTES = 32,
    IDEM_STORE_NAME_MAX = 128,
    IDEM_GROUP_MAX = 32, /* bytes of a site, a country, a job, as policy groups people by */
    IDEM_NONCE_BYTES = 32,
    IDEM_ORGANISATION_MAX = 64,
    IDEM_STORE_PAYLOAD_MAX = 64 * 1024 + 64, /* sealed, as all bytes of people here */
    IDEM_STORE_PROFILE_MAX = 1024 * 1024,
    IDEM_STORE_SKETCH_MAX = 64 * 1024,
    IDEM_STORE_ALARM_MAX = 1024,
};

struct idem_store_session {
    int64_t row; /* given by session_add */
    int64_t organisation;
    uint8_t id[IDEM_ID_BYTES], person[IDEM_ID_BYTES];
    uint8_t token_hash[IDEM_HASH_BYTES];
    char seat[IDEM_STORE_NAME_MAX + 1];
    uint8_t device_class;
    bool test_clock; /* its clock is given by the requests */
    bool locked;
    int64_t opened_ms;
    int64_t unlock_row;  /* the session's windows up to this row came before its last unlock */
    uint8_t kind, start; /* server/command.h */
    bool has_nonce;
    uint8_t nonce[IDEM_NONCE_BYTES];
    int64_t token_expires_ms; /* 0: with the session */
    int64_t api_key;
    int64_t start_row;   /* windows up to this row came before anybody vouched for the person */
    int64_t decided_row; /* decisions that followed from windows up to this row are in the log */
    int64_t seat_row;    /* given by sessions_open, as are the next two */
    uint32_t renewals;   /* of its token */
    unsigned doubts;     /* server/doubts.h */
    int64_t paused_from_ms, paused_until_ms; /* 0: it is not */
    int64_t pause_row; /* the next pause begins after a window of this row or a later one */
    /* Site and country are the seat's, the job is the person's. */
    char site[IDEM_GROUP_MAX + 1], country[IDEM_GROUP_MAX + 1], job[IDEM_GROUP_MAX + 1];
};

struct idem_store_profile {
    int64_t organisation;
    uint8_t person[IDEM_ID_BYTES];
    uint8_t device_class, modality;
    uint64_t front;
    const void *bytes;
    size_t len;
    const void *anchor; /* NULL: the profile is its own anchor */
    size_t anchor_len;
    int64_t learned_ms;
    int64_t day;        /* since 1970, of day_strokes */
    double day_strokes; /* learned on that day */
    int64_t until_row;  /* windows up to this row are in it, or never will be */
    uint32_t sessions;  /* that were enrolled from */
};

/* Imprints of a person's windows (model/sketch.h). */
struct idem_store_sketch {
    int64_t organisation;
    uint8_t person[IDEM_ID_BYTES];
    uint8_t modality;
    uint64_t front;
    const void *bytes;
    size_t len;
};

struct idem_store_window {
    int64_t row; /* given by window_add */
    int64_t organisation, session, previous;
    uint32_t seq;
    int64_t received_ms;
    const void *payload;
    size_t len;
};

struct idem_store_alarm {
    int64_t row; /* given by alarm_add */
    int64_t organisation, session;
    uint32_t seq; /* the sender's number, 0: the server's own */
    uint8_t action;
    bool cleared;       /* by a strong authentication since */
    uint32_t windows;   /* that the session held then */
    int64_t window_row; /* own: the window that it was raised for, else 0 */
    int64_t received_ms;
    const char *payload; /* UTF-8, not ended by a nought */
    size_t len;
};

typedef int idem_store_organisation_fn(void *arg, int64_t row, const char *name);
typedef int idem_store_session_fn(void *arg, const struct idem_store_session *session);
typedef int idem_store_profile_fn(void *arg, const struct idem_store_profile *profile);
typedef int idem_store_sketch_fn(void *arg, const struct idem_store_sketch *sketch);
typedef int idem_store_window_fn(void *arg, const struct idem_store_window *window);

typedef int idem_store_alarm_fn(void *arg, const struct idem_store_alarm *alarm);

struct idem_store;

/* Callbacks end an iteration by returning other than 0, which is passed on. Pointers in what they
 * receive are valid during the call. */
struct idem_store_ops {
    void (*close)(struct idem_store *s);
    /* The data base's own words for the last failure. */
    const char *(*why)(struct idem_store *s);

    int (*begin)(struct idem_store *s);
    int (*commit)(struct idem_store *s);
    void (*rollback)(struct idem_store *s);

    int (*organisation)(struct idem_store *s, const char *name, int64_t *row);
    int (*organisations)(struct idem_store *s, idem_store_organisation_fn *fn, void *arg);
    /* The name must not be there yet. */
    int (*organisation_add)(struct idem_store *s, const char *name, int64_t *row);
    /* Known already: only the job changes, when it is not empty. */
    int (*person_add)(struct idem_store *s, int64_t organisation, const uint8_t *person,
                      const uint8_t key_id[IDEM_ID_BYTES], const char *job, int64_t now_ms);
    /* IDEM_ERR_NOT_FOUND when there is no such person in the organisation. */
    int (*person_find)(struct idem_store *s, int64_t organisation, const uint8_t *person);
    int (*person_count)(struct idem_store *s, int64_t *count);
    int (*profile_put)(struct idem_store *s, const struct idem_store_profile *profile);
    int (*profiles)(struct idem_store *s, int64_t organisation, const uint8_t *person,
                    idem_store_profile_fn *fn, void *arg);

    int (*sketch_put)(struct idem_store *s, const struct idem_store_sketch *sketch);
    /* One person's, or with NULL everybody's of the organisation. */
    int (*sketches)(struct idem_store *s, int64_t organisation, const uint8_t *person,
                    idem_store_sketch_fn *fn, void *arg);

    /* Adds the seat too when it is new; one without a key takes site and country from the session.
     */
    int (*session_add)(struct idem_store *s, struct idem_store_session *session);
    int (*session_lock)(struct idem_store *s, int64_t row, bool locked, int64_t unlock_row);
    /* Somebody vouches for the person from now on. */
    int (*session_start)(struct idem_store *s, int64_t row, uint8_t start, int64_t start_row);
    int (*session_decided)(struct idem_store *s, int64_t row, int64_t decided_row);
    /* closed_ms: kept rounded to the hour, as are the times of opening and of alarms from then on;
     * numbers of rows and windows are forgotten. With a person's last open session his profiles'
     * until_row is, too: no window is left that it could be compared with. */
    int (*session_close)(struct idem_store *s, int64_t row, int64_t closed_ms);
    int (*sessions_open)(struct idem_store *s, idem_store_session_fn *fn, void *arg);

    int (*window_add)(struct idem_store *s, struct idem_store_window *window);
    /* All rows, oldest first. */
    int (*windows)(struct idem_store *s, idem_store_window_fn *fn, void *arg);
    /* One session's, newest first, beginning with the row last (0: none). */
    int (*session_windows)(struct idem_store *s, int64_t last, idem_store_window_fn *fn, void *arg);
    int (*session_windows_drop)(struct idem_store *s, int64_t last);
    /* The number of the newest window ever added. */
    int64_t (*last_row)(const struct idem_store *s);

    int (*alarm_add)(struct idem_store *s, struct idem_store_alarm *alarm);
    /* Those of open sessions, oldest first. */
    int (*alarms)(struct idem_store *s, idem_store_alarm_fn *fn, void *arg);
    /* Of one session: all there are now have been dealt with. */
    int (*alarms_clear)(struct idem_store *s, int64_t session);
};

/* Beside these, each for its own part of the server and NULL until its file fills it. */
struct idem_store_seat_ops;
struct idem_store_access_ops;
struct idem_store_privacy_ops;
struct idem_store_audit_ops;
struct idem_store_binding_ops;
struct idem_store_retention_ops;
struct idem_store_acknowledgement_ops;

struct idem_store {
    const struct idem_store_ops *ops;
    const struct idem_store_seat_ops *seats;
    const struct idem_store_access_ops *access;
    const struct idem_store_privacy_ops *privacy;
    const struct idem_store_audit_ops *audit;
    const struct idem_store_binding_ops *bindings;
    const struct idem_store_retention_ops *retention;
    const struct idem_store_acknowledgement_ops *acknowledgements;
};

/* A file, made when absent. *why, when not NULL, receives a static sentence on failure. */
int idem_store_sqlite_open(const char *path, struct idem_store **out, const char **why);

#endif
