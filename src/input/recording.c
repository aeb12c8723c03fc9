/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recording.c - see recording.h: which columns, what a row means, what a bad row is.
 */
#include "input/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/builder.h"
#include "input/keynames.h"

enum column {
    USER,
    SESSION,
    KEY,
    ZONE,
    PRESS,
    RELEASE,
    DAY,
    TIME,
    X,
    Y,
    BUTTON,
    STATE,
    SPLIT,
    ILLEGAL,
    BOT,
};

static const char *const column_names[] = {
    [USER] = "user",   [SESSION] = "session",    [KEY] = "key",
    [ZONE] = "zone",   [PRESS] = "press_ms",     [RELEASE] = "release_ms",
    [DAY] = "day",     [TIME] = "t_ms",          [X] = "x",
    [Y] = "y",         [BUTTON] = "button",      [STATE] = "state",
    [SPLIT] = "split", [ILLEGAL] = "is_illegal", [BOT] = "is_bot",
};
enum { COLUMNS = sizeof column_names / sizeof *column_names };

struct reader {
    struct idem_csv *csv;
    struct idem_builder build;
    int column[COLUMNS]; /* place in a row, or -1 */
    bool events;         /* a keyboard's, each in a row of its own */
    bool pressed;        /* one of them is a press */
    const struct idem_field *row;
    struct idem_fault *fault;
};

static bool has(const struct reader *r, enum column c)
{
    return r->column[c] >= 0;
}

static struct idem_field field(const struct reader *r, enum column c)
{
    return has(r, c) ? r->row[r->column[c]] : (struct idem_field){"", 0};
}

/* Which of the three shapes, by the columns that are there. */
static int find_columns(struct reader *r, enum idem_modality *modality)
{
    for (int c = 0; c < COLUMNS; c++)
        r->column[c] = idem_csv_column(r->csv, column_names[c]);
    if (!has(r, USER) || !has(r, SESSION))
        return idem_csv_blame(r->csv, r->fault, "no column `user` or no column `session`");
    if (has(r, PRESS) && has(r, RELEASE) && has(r, KEY) != has(r, ZONE)) {
        *modality = IDEM_KEYBOARD;
        return 0;
    }
    if (has(r, TIME) && has(r, X) && has(r, Y) && has(r, STATE)) {
        *modality = IDEM_POINTER;
        return 0;
    }
    r->events = has(r, TIME) && has(r, KEY) && has(r, STATE);
    if (r->events) {
        *modality = IDEM_KEYBOARD;
        return 0;
    }
    return idem_csv_blame(r->csv, r->fault,
                          "neither a keyboard recording (user,session,key or zone,press_ms,"
                          "release_ms, or user,session,t_ms,key,state) nor a pointer recording "
                          "(user,session,t_ms,x,y,state)");
}

static bool name_ok(struct idem_field name)
{
    return name.len >= 1 && name.len <= IDEM_RECORDING_NAME;
}

static int bad_number(struct reader *r, enum column c)
{
    struct idem_field f = field(r, c);
    return idem_csv_blame(r->csv, r->fault, "%s is not a number in range: \"%.*s\"",
                          column_names[c], f.len > 40 ? 40 : (int)f.len, f.at);
}

static int read_split(struct reader *r, enum idem_split *out)
{
    struct idem_field f = field(r, SPLIT);
    if (f.len == 0)
        *out = IDEM_SPLIT_NONE;
    else if (idem_field_is(f, "train"))
        *out = IDEM_SPLIT_TRAIN;
    else if (idem_field_is(f, "test"))
        *out = IDEM_SPLIT_TEST;
    else
        return idem_csv_blame(r->csv, r->fault, "split is neither train nor test nor empty");
    return 0;
}

static int read_label(struct reader *r, enum column c, enum idem_label *out)
{
    struct idem_field f = field(r, c);
    if (f.len == 0)
        *out = IDEM_LABEL_NONE;
    else if (f.len == 1 && (*f.at == '0' || *f.at == '1'))
        *out = *f.at == '1' ? IDEM_LABEL_OTHER : IDEM_LABEL_OWNER;
    else
        return idem_csv_blame(r->csv, r->fault, "%s is neither 0 nor 1 nor empty", column_names[c]);
    return 0;
}

/* Everything of a row that belongs to its session; called only once the rest of the row is known
 * good. */
static int find_session(struct reader *r, uint32_t *session)
{
    struct idem_field user = field(r, USER), name = field(r, SESSION);
    enum idem_split split = IDEM_SPLIT_NONE;
    enum idem_label illegal = IDEM_LABEL_NONE, bot = IDEM_LABEL_NONE;
    double day = 0;
    bool fresh;
    int err;
    if (!name_ok(user) || !name_ok(name))
        return idem_csv_blame(r->csv, r->fault, "user or session is empty or over %d bytes",
                              IDEM_RECORDING_NAME);
    if ((err = read_split(r, &split)) < 0 || (err = read_label(r, ILLEGAL, &illegal)) < 0 ||
        (err = read_label(r, BOT, &bot)) < 0)
        return err;
    bool dated = has(r, DAY) && field(r, DAY).len;
    if (dated && !idem_field_number(field(r, DAY), &day))
        return bad_number(r, DAY);
    if ((err = idem_builder_session(&r->build, user, name, session, &fresh)) < 0)
        return err;
    struct idem_session *s = &r->build.rec->sessions[*session];
    if (fresh) {
        s->split = split;
        s->illegal = illegal;
        s->bot = bot;
        s->day = dated ? day : s->day;
    } else if (s->split != split || s->illegal != illegal || s->bot != bot) {
        return idem_csv_blame(r->csv, r->fault,
                              "split, is_illegal or is_bot differs from the session's first row");
    }
    return 0;
}

static int read_code(struct reader *r, uint8_t *code)
{
    if (!has(r, ZONE)) {
        if (field(r, KEY).len == 0)
            return idem_csv_blame(r->csv, r->fault, "key is empty");
        *code = idem_keyname_code(field(r, KEY));
        return 0;
    }
    if (idem_keyname_zone(field(r, ZONE), code))
        return 0;
    return idem_csv_blame(r->csv, r->fault, "unknown zone");
}

static int keyboard_row(struct reader *r)
{
    struct idem_stroke stroke = {0};
    uint32_t session;
    int err;
    if ((err = read_code(r, &stroke.code)) < 0)
        return err;
    if (!idem_field_time(field(r, PRESS), &stroke.press_us))
        return bad_number(r, PRESS);
    stroke.released = field(r, RELEASE).len > 0;
    if (stroke.released && !idem_field_time(field(r, RELEASE), &stroke.release_us))
        return bad_number(r, RELEASE);
    if ((err = find_session(r, &session)) < 0 ||
        (err = idem_builder_stroke(&r->build, session, &stroke)) < 0)
        return err;
    r->build.rec->lost_releases += !stroke.released;
    r->build.rec->unknown_names += !has(r, ZONE) && stroke.code == IDEM_KEYNAME_OTHER;
    return 0;
}

/* A release comes in as a stroke of its own, marked released, and is joined to its press later. */
static int event_row(struct reader *r)
{
    struct idem_stroke stroke = {0};
    uint32_t session;
    int err;
    if (field(r, KEY).len == 0)
        return idem_csv_blame(r->csv, r->fault, "key is empty");
    stroke.code = idem_keyname_event(field(r, KEY));
    stroke.released = idem_field_is(field(r, STATE), "up");
    if (!stroke.released && !idem_field_is(field(r, STATE), "down"))
        return idem_csv_blame(r->csv, r->fault, "state is neither down nor up");
    if (!idem_field_time(field(r, TIME), &stroke.press_us))
        return bad_number(r, TIME);
    if ((err = find_session(r, &session)) < 0 ||
        (err = idem_builder_stroke(&r->build, session, &stroke)) < 0)
        return err;
    r->build.rec->unknown_names += !stroke.released && stroke.code == IDEM_KEYNAME_OTHER;
    r->pressed |= !stroke.released;
    return 0;
}

/*
 * A drag and a touch move are positions; a browser's Clicked, DoubleClicked and ContextMenu follow
 * a press and a release that are recorded themselves, so they say no more than where the pointer
 * is.
 */
static uint8_t pointer_kind(struct idem_field state, bool *known)
{
    static const struct {
        const char *state;
        uint8_t kind;
    } kinds[] = {
        {"Move", IDEM_POINTER_MOVE},          {"Drag", IDEM_POINTER_MOVE},
        {"Pressed", IDEM_POINTER_PRESS},      {"Released", IDEM_POINTER_RELEASE},
        {"Up", IDEM_POINTER_SCROLL},          {"Down", IDEM_POINTER_SCROLL},
        {"Clicked", IDEM_POINTER_MOVE},       {"DoubleClicked", IDEM_POINTER_MOVE},
        {"ContextMenu", IDEM_POINTER_MOVE},   {"MoveTouch", IDEM_POINTER_MOVE},
        {"PressedTouch", IDEM_POINTER_PRESS}, {"ReleasedTouch", IDEM_POINTER_RELEASE},
    };
    *known = true;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (idem_field_is(state, kinds[i].state))
            return kinds[i].kind;
    *known = false;
    return IDEM_POINTER_MOVE;
}

/* Which button went down or up: the primary one unless the recording says otherwise. */
static uint8_t which_button(const struct reader *r, uint8_t kind)
{
    static const char *const primary[] = {"", "Left", "Button.left", "NoButton"};
    if (kind != IDEM_POINTER_PRESS && kind != IDEM_POINTER_RELEASE)
        return kind;
    for (size_t i = 0; i < sizeof primary / sizeof *primary; i++)
        if (idem_field_is(field(r, BUTTON), primary[i]))
            return kind;
    return kind == IDEM_POINTER_PRESS ? IDEM_POINTER_PRESS_OTHER : IDEM_POINTER_RELEASE_OTHER;
}

static int pointer_row(struct reader *r)
{
    struct idem_motion motion = {0};
    double x, y;
    uint32_t session;
    bool known;
    int err;
    if (!idem_field_time(field(r, TIME), &motion.t_us))
        return bad_number(r, TIME);
    if (!idem_field_number(field(r, X), &x) || x > 1e9 || x < -1e9)
        return bad_number(r, X);
    if (!idem_field_number(field(r, Y), &y) || y > 1e9 || y < -1e9)
        return bad_number(r, Y);
    if (field(r, STATE).len == 0)
        return idem_csv_blame(r->csv, r->fault, "state is empty");
    motion.x = (float)x;
    motion.y = (float)y;
    motion.kind = which_button(r, pointer_kind(field(r, STATE), &known));
    if ((err = find_session(r, &session)) < 0 ||
        (err = idem_builder_motion(&r->build, session, &motion)) < 0)
        return err;
    r->build.rec->unknown_names += !known;
    return 0;
}

/* True when the error is one row's, and the options say to go on without it. */
static bool skip(struct reader *r, int err, const struct idem_recording_options *options)
{
    struct idem_recording *rec = r->build.rec;
    if (err != IDEM_ERR_FORMAT || idem_csv_failed(r->csv) || !options || !options->skip_bad)
        return false;
    if (rec->skipped++ == 0)
        rec->first_skipped = *r->fault;
    return true;
}

static int explain(struct reader *r, int err)
{
    if (err == IDEM_ERR_NOMEM || err == IDEM_ERR_LIMIT)
        idem_csv_blame(r->csv, r->fault, "%s",
                       err == IDEM_ERR_NOMEM
                           ? "out of memory"
                           : "more rows, sessions or bytes in a line than this reader accepts");
    return err;
}

static int read_rows(struct reader *r, const struct idem_recording_options *options)
{
    int (*row)(struct reader *) = r->build.rec->modality == IDEM_POINTER ? pointer_row
                                  : r->events                            ? event_row
                                                                         : keyboard_row;
    for (;;) {
        int err = idem_csv_row(r->csv, &r->row, r->fault);
        if (err == 0)
            return 0;
        if (err > 0)
            err = row(r);
        if (err < 0 && !skip(r, err, options))
            return explain(r, err);
    }
}

/* Takes the file over and closes it. */
static int read_all(struct idem_csv *csv, const char *name,
                    const struct idem_recording_options *options, struct idem_recording **out,
                    struct idem_fault *fault)
{
    struct reader r = {.csv = csv, .fault = fault};
    enum idem_modality modality = IDEM_KEYBOARD;
    int err = find_columns(&r, &modality);
    if (err == 0 && (err = idem_builder_init(&r.build, name, modality)) == 0) {
        r.build.rec->zones = has(&r, ZONE);
        r.build.rec->bytes = idem_csv_size(csv);
        if ((err = read_rows(&r, options)) == 0 && r.build.rec->row_count == 0)
            err = idem_csv_blame(csv, fault, "no rows");
        if (err == 0 && r.events && !r.pressed)
            err = idem_csv_blame(csv, fault, "no key is ever pressed");
        if (err == 0 && (err = idem_builder_finish(&r.build, out)) < 0)
            explain(&r, err);
        if (err == 0 && r.events)
            idem_builder_pair(*out);
        idem_builder_fini(&r.build);
    } else if (err == IDEM_ERR_NOMEM) {
        explain(&r, err);
    }
    idem_csv_close(csv);
    return err;
}

int idem_recording_read(const char *path, const struct idem_recording_options *options,
                        struct idem_recording **out, struct idem_fault *fault)
{
    struct idem_csv *csv;
    int err = idem_csv_open(path, &csv, fault);
    return err < 0 ? err : read_all(csv, path, options, out, fault);
}

int idem_recording_read_bytes(const char *name, const void *bytes, size_t len,
                              const struct idem_recording_options *options,
                              struct idem_recording **out, struct idem_fault *fault)
{
    struct idem_csv *csv;
    int err = idem_csv_open_bytes(name, bytes, len, &csv, fault);
    return err < 0 ? err : read_all(csv, name, options, out, fault);
}

void idem_recording_free(struct idem_recording *rec)
{
    if (!rec)
        return;
    if (rec->strokes)
        explicit_bzero(rec->strokes, rec->row_count * sizeof *rec->strokes);
    if (rec->motions)
        explicit_bzero(rec->motions, rec->row_count * sizeof *rec->motions);
    free(rec->people);
    free(rec->sessions);
    free(rec->strokes);
    free(rec->motions);
    free(rec->path);
    free(rec->names);
    free(rec);
}
