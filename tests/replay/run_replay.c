/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_replay.c - plays text recordings of key events into the chain and compares what is measured.
 *
 * A file (tests/replay/NAME.t): comments behind '#', then one event a line,
 *
 *     down KEY MS      up KEY MS      repeat KEY MS      gap
 *
 * a blank line, then every measurement in order, by the words that explanations use:
 *
 *     hold left ring finger 90
 *     flight left hand to space bar -20
 *
 * KEY is a name as in recordings (a, space, shift, enter) or a Linux event code in digits, except
 * that "d0".."d9" are the digit keys. MS may have decimals. A first line "level NAME" chooses a
 * level other than mixed. run_replay FILE... ends with 0 when every file agrees.
 */
#include "input/keynames.h"
#include "window/keystroke.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 256, OBS_MAX = 1024 };

struct replay {
    const char *file;
    int line;
    enum idem_level level;
    struct idem_zoning zoning;
    struct idem_chain chain;
    struct idem_obs obs[OBS_MAX];
    uint32_t count, next; /* measured; compared so far */
    int failures;
};

static void complain(struct replay *r, const char *what, const char *detail)
{
    fprintf(stderr, "%s:%d: %s%s%s\n", r->file, r->line, what, detail[0] ? ": " : "", detail);
    r->failures++;
}

static uint32_t key_code(const char *name)
{
    if (isdigit((unsigned char)name[0]))
        return (uint32_t)strtoul(name, NULL, 10);
    if (name[0] == 'd' && isdigit((unsigned char)name[1]))
        name++;
    struct idem_field field = {name, (uint32_t)strlen(name)};
    return idem_keyname_code(field);
}

static void play(struct replay *r, const char *line)
{
    static const char *const verbs[] = {"up", "down", "repeat"};
    struct idem_obs out[IDEM_OBS_PER_EVENT];
    char verb[16], key[32];
    double ms;
    uint32_t strokes;

    if (strcmp(line, "gap") == 0) {
        idem_chain_init(&r->chain);
        return;
    }
    if (sscanf(line, "%15s %31s %lf", verb, key, &ms) != 3) {
        complain(r, "not an event", line);
        return;
    }
    for (int action = IDEM_KEY_UP; action <= IDEM_KEY_REPEAT; action++) {
        if (strcmp(verb, verbs[action]) != 0)
            continue;
        uint32_t n =
            idem_chain_event(&r->chain, &r->zoning, key_code(key), (enum idem_key_action)action,
                             (int64_t)llround(ms * 1000), out, &strokes);
        for (uint32_t i = 0; i < n && r->count < OBS_MAX; i++)
            r->obs[r->count++] = out[i];
        return;
    }
    complain(r, "not an event", line);
}

/* A measurement as a line of the file. */
static void tell(const struct replay *r, const struct idem_obs *obs, char text[LINE_MAX_BYTES])
{
    char place[128];
    bool hold = true;

    if (idem_slot_describe(r->level, obs->slot, place, sizeof place, &hold) != 0)
        snprintf(place, sizeof place, "slot %u", obs->slot);
    double ms = round((double)obs->value * 100) / 100 + 0.0; /* no "-0" */
    snprintf(text, LINE_MAX_BYTES, "%s %s %.8g", hold ? "hold" : "flight", place, ms);
}

static void compare(struct replay *r, const char *line)
{
    char got[LINE_MAX_BYTES], both[2 * LINE_MAX_BYTES + 32];
    if (r->next == r->count) {
        complain(r, "nothing was measured here, expected", line);
        return;
    }
    tell(r, &r->obs[r->next++], got);
    if (strcmp(got, line) != 0) {
        snprintf(both, sizeof both, "%s (expected: %s)", got, line);
        complain(r, "measured", both);
    }
}

/* The line without comment and white space around it; false when nothing but a comment was there.
 */
static bool strip(char *line)
{
    char *comment = strchr(line, '#');
    if (comment != NULL)
        *comment = '\0';
    size_t len = strlen(line);
    while (len > 0 && isspace((unsigned char)line[len - 1]))
        line[--len] = '\0';
    return len > 0 || comment == NULL;
}

static void choose_level(struct replay *r, const char *name)
{
    if (idem_level_parse(name, &r->level) != 0 || idem_zoning_init(&r->zoning, r->level) != 0)
        complain(r, "not a level", name);
}

static void run_lines(struct replay *r, FILE *in)
{
    char line[LINE_MAX_BYTES];
    bool events = true, any = false;

    while (fgets(line, sizeof line, in) != NULL) {
        r->line++;
        if (!strip(line))
            continue;
        if (line[0] == '\0') {
            events = events && !any;
        } else if (strncmp(line, "level ", 6) == 0) {
            choose_level(r, line + 6);
        } else if (events) {
            any = true;
            play(r, line);
        } else {
            compare(r, line);
        }
    }
    for (; r->next < r->count; r->next++) {
        tell(r, &r->obs[r->next], line);
        complain(r, "measured, but not expected", line);
    }
    if (events || !any)
        complain(r, "the file has no events, or no expectations behind a blank line", "");
}

static int run_file(const char *file)
{
    static struct replay r;
    FILE *in = fopen(file, "r");

    memset(&r, 0, sizeof r);
    r.file = file;
    choose_level(&r, "mixed");
    if (in == NULL) {
        complain(&r, "cannot be opened", "");
        return 1;
    }
    run_lines(&r, in);
    fclose(in);
    printf("%s %s (%u measurements)\n", r.failures ? "FAILED" : "ok", file, r.count);
    return r.failures != 0;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++)
        failed |= run_file(argv[i]);
    return failed;
}
