/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builder.c - see builder.h.
 */
#include "input/builder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 256 * 1024 * 1024 }; /* bytes of all names together */

int idem_builder_grow(void *array, uint32_t count, uint32_t *cap, size_t size, uint32_t max)
{
    void *old, *grown;
    memcpy(&old, array, sizeof old);
    if (count < *cap)
        return 0;
    if (count >= max)
        return IDEM_ERR_LIMIT;
    uint32_t want = *cap < 64 ? 64 : *cap > max / 2 ? max : *cap * 2;
    if (!(grown = realloc(old, want * size)))
        return IDEM_ERR_NOMEM;
    memcpy(array, &grown, sizeof grown);
    *cap = want;
    return 0;
}

/* FNV-1a: recordings are read offline, by whoever brought them. */
static uint32_t hash(uint32_t seed, struct idem_field text)
{
    uint32_t h = seed ^ 2166136261u;
    for (uint32_t i = 0; i < text.len; i++)
        h = (h ^ (unsigned char)text.at[i]) * 16777619u;
    return h ^ h >> 15;
}

static bool same(const struct idem_builder *b, uint32_t offset, struct idem_field text)
{
    return memcmp(b->names + offset, text.at, text.len) == 0 && b->names[offset + text.len] == 0;
}

/* Every name is followed by IDEM_RECORDING_NAME spare bytes, so that same() may compare before it
 * knows. */
static int keep_name(struct idem_builder *b, struct idem_field text, uint32_t *offset)
{
    while (b->names_len + text.len + 1 + IDEM_RECORDING_NAME > b->names_cap) {
        int r = idem_builder_grow(&b->names, b->names_cap, &b->names_cap, 1, NAMES_MAX);
        if (r < 0)
            return r;
    }
    memcpy(b->names + b->names_len, text.at, text.len);
    memset(b->names + b->names_len + text.len, 0, 1 + IDEM_RECORDING_NAME);
    *offset = b->names_len;
    b->names_len += text.len + 1;
    return 0;
}

/* Room for one more entry in a table that is at most half full. Old entries are filed anew. */
static int widen(uint32_t **table, uint32_t *cap, uint32_t count,
                 uint32_t (*rehash)(const struct idem_builder *, uint32_t),
                 const struct idem_builder *b)
{
    if (*cap && count < *cap / 2)
        return 0;
    uint32_t want = *cap ? *cap * 2 : 256;
    uint32_t *wide = calloc(want, sizeof *wide);
    if (!wide)
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = rehash(b, i) & (want - 1);
        while (wide[at])
            at = (at + 1) & (want - 1);
        wide[at] = i + 1;
    }
    free(*table);
    *table = wide;
    *cap = want;
    return 0;
}

static struct idem_field kept(const struct idem_builder *b, uint32_t offset)
{
    return (struct idem_field){b->names + offset, (uint32_t)strlen(b->names + offset)};
}

static uint32_t person_hash(const struct idem_builder *b, uint32_t i)
{
    return hash(0, kept(b, b->person_name[i]));
}

static uint32_t session_hash(const struct idem_builder *b, uint32_t i)
{
    return hash(b->rec->sessions[i].person * 2654435761u, kept(b, b->session_name[i]));
}

int idem_builder_init(struct idem_builder *b, const char *path, enum idem_modality modality)
{
    memset(b, 0, sizeof *b);
    b->in_order = true;
    b->rec = calloc(1, sizeof *b->rec);
    if (!b->rec || !(b->rec->path = strdup(path))) {
        idem_builder_fini(b);
        return IDEM_ERR_NOMEM;
    }
    b->rec->modality = modality;
    return 0;
}

void idem_builder_fini(struct idem_builder *b)
{
    idem_recording_free(b->rec);
    free(b->session_of_row);
    free(b->names);
    free(b->person_name);
    free(b->session_name);
    free(b->table);
    free(b->person_table);
    memset(b, 0, sizeof *b);
}

static int add_person(struct idem_builder *b, struct idem_field user, uint32_t *slot, uint32_t *out)
{
    struct idem_recording *rec = b->rec;
    uint32_t cap = b->person_cap, offset;
    int r;
    if ((r = idem_builder_grow(&rec->people, rec->person_count, &cap, sizeof *rec->people,
                               IDEM_RECORDING_SESSIONS)) < 0 ||
        (r = idem_builder_grow(&b->person_name, rec->person_count, &b->person_cap,
                               sizeof *b->person_name, IDEM_RECORDING_SESSIONS)) < 0 ||
        (r = keep_name(b, user, &offset)) < 0)
        return r;
    rec->people[rec->person_count] = (struct idem_person){0};
    b->person_name[rec->person_count] = offset;
    *out = rec->person_count;
    *slot = ++rec->person_count;
    return 0;
}

static int find_person(struct idem_builder *b, struct idem_field user, uint32_t *out)
{
    int r = widen(&b->person_table, &b->person_table_cap, b->rec->person_count, person_hash, b);
    if (r < 0)
        return r;
    uint32_t mask = b->person_table_cap - 1, at = hash(0, user) & mask;
    for (; b->person_table[at]; at = (at + 1) & mask) {
        if (same(b, b->person_name[b->person_table[at] - 1], user)) {
            *out = b->person_table[at] - 1;
            return 0;
        }
    }
    return add_person(b, user, &b->person_table[at], out);
}

static int add_session(struct idem_builder *b, uint32_t person, struct idem_field name,
                       uint32_t *slot, uint32_t *out)
{
    struct idem_recording *rec = b->rec;
    uint32_t cap = b->session_cap, offset;
    int r;
    if ((r = idem_builder_grow(&rec->sessions, rec->session_count, &cap, sizeof *rec->sessions,
                               IDEM_RECORDING_SESSIONS)) < 0 ||
        (r = idem_builder_grow(&b->session_name, rec->session_count, &b->session_cap,
                               sizeof *b->session_name, IDEM_RECORDING_SESSIONS)) < 0 ||
        (r = keep_name(b, name, &offset)) < 0)
        return r;
    rec->sessions[rec->session_count] = (struct idem_session){
        .person = person, .illegal = IDEM_LABEL_NONE, .bot = IDEM_LABEL_NONE, .day = NAN};
    b->session_name[rec->session_count] = offset;
    rec->people[person].count++;
    *out = rec->session_count;
    *slot = ++rec->session_count;
    return 0;
}

static bool is_last(const struct idem_builder *b, struct idem_field user, struct idem_field name)
{
    return b->rec->session_count && same(b, b->session_name[b->last], name) &&
           same(b, b->person_name[b->rec->sessions[b->last].person], user);
}

int idem_builder_session(struct idem_builder *b, struct idem_field user, struct idem_field session,
                         uint32_t *out, bool *fresh)
{
    uint32_t person, found;
    int r;
    *fresh = false;
    if (is_last(b, user, session)) {
        *out = b->last;
        return 0;
    }
    if ((r = find_person(b, user, &person)) < 0 ||
        (r = widen(&b->table, &b->table_cap, b->rec->session_count, session_hash, b)) < 0)
        return r;
    uint32_t mask = b->table_cap - 1, at = hash(person * 2654435761u, session) & mask;
    for (;; at = (at + 1) & mask) {
        if (!b->table[at]) {
            if ((r = add_session(b, person, session, &b->table[at], &found)) < 0)
                return r;
            *fresh = true;
            break;
        }
        found = b->table[at] - 1;
        if (b->rec->sessions[found].person == person && same(b, b->session_name[found], session))
            break;
    }
    b->last = found;
    *out = found;
    return 0;
}

static int add_row(struct idem_builder *b, uint32_t session, void *array, size_t size)
{
    uint32_t n = b->rec->row_count, cap = b->row_cap;
    int r;
    if ((r = idem_builder_grow(array, n, &cap, size, IDEM_RECORDING_ROWS)) < 0 ||
        (r = idem_builder_grow(&b->session_of_row, n, &b->row_cap, sizeof(uint32_t),
                               IDEM_RECORDING_ROWS)) < 0)
        return r;
    b->in_order &= n == 0 || session >= b->session_of_row[n - 1];
    b->session_of_row[n] = session;
    b->rec->sessions[session].count++;
    b->rec->row_count++;
    return 0;
}

int idem_builder_stroke(struct idem_builder *b, uint32_t session, const struct idem_stroke *stroke)
{
    int r = add_row(b, session, &b->rec->strokes, sizeof *stroke);
    if (r == 0)
        b->rec->strokes[b->rec->row_count - 1] = *stroke;
    return r;
}

int idem_builder_motion(struct idem_builder *b, uint32_t session, const struct idem_motion *motion)
{
    int r = add_row(b, session, &b->rec->motions, sizeof *motion);
    if (r == 0)
        b->rec->motions[b->rec->row_count - 1] = *motion;
    return r;
}

/* Sorts strokes by press time, stably: merges runs of growing length; `spare` has the same size. */
static void sort_strokes(struct idem_stroke *s, struct idem_stroke *spare, uint32_t n)
{
    bool sorted = true;
    for (uint32_t i = 1; i < n && sorted; i++)
        sorted = s[i - 1].press_us <= s[i].press_us;
    for (uint64_t run = 1; run < n && !sorted; run *= 2) {
        for (uint64_t lo = 0; lo < n; lo += 2 * run) {
            uint64_t mid = lo + run < n ? lo + run : n, hi = lo + 2 * run < n ? lo + 2 * run : n;
            uint64_t i = lo, j = mid;
            for (uint64_t k = lo; k < hi; k++)
                spare[k] = i < mid && (j >= hi || s[i].press_us <= s[j].press_us) ? s[i++] : s[j++];
        }
        memcpy(s, spare, n * sizeof *s);
    }
}

/* New places: people's sessions together in the order of their first rows, then sessions' rows. */
static int place_sessions(struct idem_builder *b, uint32_t *place)
{
    struct idem_recording *rec = b->rec;
    struct idem_session *sorted = malloc((rec->session_count + 1) * sizeof *sorted);
    uint32_t at = 0;
    if (!sorted)
        return IDEM_ERR_NOMEM;
    for (uint32_t p = 0; p < rec->person_count; at += rec->people[p].count, p++)
        rec->people[p].first = at;
    uint32_t *next = calloc(rec->person_count + 1, sizeof *next);
    if (!next) {
        free(sorted);
        return IDEM_ERR_NOMEM;
    }
    for (uint32_t s = 0; s < rec->session_count; s++) {
        uint32_t p = rec->sessions[s].person;
        place[s] = rec->people[p].first + next[p]++;
        b->in_order &= place[s] == s;
        sorted[place[s]] = rec->sessions[s];
        sorted[place[s]].name = rec->names + b->session_name[s];
    }
    at = 0;
    for (uint32_t s = 0; s < rec->session_count; at += sorted[s].count, s++)
        sorted[s].first = at;
    free(next);
    free(rec->sessions);
    rec->sessions = sorted;
    return 0;
}

/* Moves rows to their sessions' places. size: of a row; array: the address of the rows' pointer. */
static int place_rows(struct idem_builder *b, const uint32_t *place, void *array, size_t size)
{
    struct idem_recording *rec = b->rec;
    char *rows, *moved;
    memcpy(&rows, array, sizeof rows);
    if (b->in_order || !rows)
        return 0;
    moved = malloc(rec->row_count * size);
    uint32_t *next = calloc(rec->session_count + 1, sizeof *next);
    if (moved && next) {
        for (uint32_t i = 0; i < rec->row_count; i++) {
            uint32_t s = place[b->session_of_row[i]];
            memcpy(moved + (size_t)(rec->sessions[s].first + next[s]++) * size, rows + i * size,
                   size);
        }
        memcpy(array, &moved, sizeof moved);
        moved = rows;
    }
    int r = next && moved ? 0 : IDEM_ERR_NOMEM;
    free(next);
    free(moved);
    return r;
}

static int sort_sessions(struct idem_recording *rec)
{
    uint32_t longest = 1;
    for (uint32_t s = 0; s < rec->session_count; s++)
        longest = rec->sessions[s].count > longest ? rec->sessions[s].count : longest;
    struct idem_stroke *spare = malloc(longest * sizeof *spare);
    if (!spare)
        return IDEM_ERR_NOMEM;
    for (uint32_t s = 0; s < rec->session_count; s++)
        sort_strokes(rec->strokes + rec->sessions[s].first, spare, rec->sessions[s].count);
    explicit_bzero(spare, longest * sizeof *spare);
    free(spare);
    return 0;
}

int idem_builder_finish(struct idem_builder *b, struct idem_recording **out)
{
    struct idem_recording *rec = b->rec;
    uint32_t *place = malloc((rec->session_count + 1) * sizeof *place);
    if (!place)
        return IDEM_ERR_NOMEM;
    rec->names = b->names;
    b->names = NULL;
    for (uint32_t p = 0; p < rec->person_count; p++)
        rec->people[p].name = rec->names + b->person_name[p];
    int r = place_sessions(b, place);
    if (r == 0)
        r = place_rows(b, place, &rec->strokes, sizeof *rec->strokes);
    if (r == 0)
        r = place_rows(b, place, &rec->motions, sizeof *rec->motions);
    if (r == 0 && rec->modality == IDEM_KEYBOARD && rec->strokes)
        r = sort_sessions(rec);
    free(place);
    if (r == 0) {
        *out = rec;
        b->rec = NULL;
    }
    return r;
}

/* open: the place of the stroke that holds a key down, plus one. */
static void pair_session(struct idem_recording *rec, struct idem_session *s, uint32_t to)
{
    uint32_t open[256] = {0}, from = s->first, end = s->first + s->count;
    s->first = to;
    for (; from < end; from++) {
        struct idem_stroke stroke = rec->strokes[from];
        uint32_t *down = &open[stroke.code];
        if (!stroke.released) {
            rec->strokes[to] = stroke;
            *down = ++to;
            rec->lost_releases++;
        } else if (*down) {
            rec->strokes[*down - 1].release_us = stroke.press_us;
            rec->strokes[*down - 1].released = true;
            *down = 0;
            rec->lost_releases--;
        } else {
            rec->stray_releases++;
        }
    }
    s->count = to - s->first;
}

void idem_builder_pair(struct idem_recording *rec)
{
    uint32_t to = 0;
    for (uint32_t i = 0; i < rec->session_count; i++) {
        pair_session(rec, &rec->sessions[i], to);
        to += rec->sessions[i].count;
    }
    idem_recording_drop_empty(rec);
}
