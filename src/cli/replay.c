/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - `idem replay`: recorded people as live sessions against a server, many at once.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/player.h"
#include "cli/remote.h"

enum {
    SOURCES_MAX = 16,
    TAKEOVERS_MAX = 64,
    PEOPLE_MAX = 4096,
    WAIT_MAX_MS = 100,
    RETRY_MS = 200,
    INJECTED_KEYS = 200
};

static const char help_text[] =
    "usage: idem replay [OPTION...] DATA...\n\n"
    "Plays each recorded person as one live session against a server: events go through the\n"
    "edge library at their own times, windows are sent, and every verdict is printed as it\n"
    "changes. People of the same name in several files (keyboard and pointer) are one person.\n"
    "A session that is locked stops. First the server learns a person, then it compares.\n\n"
    "  --server URL           default http://127.0.0.1:8787\n"
    "  --speed X              X times as fast, 1 to 100000 (default 1); above 1 requests carry\n"
    "                         the recording's time, which the server takes only when it was\n"
    "                         started with --test-clock\n"
    "  --takeover A:B@SECONDS from then on B's hands are at A's session; may be repeated\n"
    "  --inject A@SECONDS     from then on a machine types at A's session; may be repeated\n"
    "  --people N             the first N people only (with these two: N besides the A's,\n"
    "                         default none)\n"
    "  --users RANGES         people with these numbers only: 106-117\n"
    "  --seat FILE            all of them sit at this seat: its key (idem seat register) signs\n"
    "  --api-key FILE         a web application opens their sessions, with the key in FILE\n"
    "  --token TOKEN          the operator's, if the server wants one to open sessions\n"
    "  --skip-bad             leave out bad rows, count them and say so\n"
    "  -h, --help\n";

struct takeover {
    const char *text;
    char *owner, *impostor; /* impostor NULL: a machine */
    double seconds;
};

struct replay {
    const char *server;
    double speed;
    struct takeover takeovers[TAKEOVERS_MAX];
    int takeover_count;
    uint32_t people;
    bool people_given;
    struct idem_source sources[SOURCES_MAX];
    struct idem_recording *recs[SOURCES_MAX];
    int count;
    struct idem_stage stage;
    struct idem_seat_key seat;
    char host[IDEM_REMOTE_HOST_MAX], api_key[128];
    struct idem_front *front;
    struct idem_player *players;
    uint32_t player_count;
};

/* ------------------------------------------------------------------ options */

static const struct option options[] = {
    {"server", required_argument, NULL, 's'},   {"speed", required_argument, NULL, 'x'},
    {"takeover", required_argument, NULL, 'o'}, {"inject", required_argument, NULL, 'i'},
    {"people", required_argument, NULL, 'n'},   {"token", required_argument, NULL, 'k'},
    {"skip-bad", no_argument, NULL, 'b'},       {"users", required_argument, NULL, 'u'},
    {"seat", required_argument, NULL, 'S'},     {"api-key", required_argument, NULL, 'K'},
    {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
};

static bool parse_seconds(const char *text, double min, double max, double *out)
{
    struct idem_field field = {text, (uint32_t)strlen(text)};
    return idem_field_number(field, out) && *out >= min && *out <= max;
}

static int too_many(void)
{
    return idem_cli_usage("replay", "at most %d takeovers and injections", TAKEOVERS_MAX);
}

/* A@SECONDS; a machine has no name. */
static int parse_inject(struct replay *r, const char *text)
{
    const char *at = strrchr(text, '@');
    struct takeover *t = &r->takeovers[r->takeover_count];
    if (r->takeover_count == TAKEOVERS_MAX)
        return too_many();
    if (!at || at == text || !parse_seconds(at + 1, 0.001, 1e6, &t->seconds))
        return idem_cli_usage("replay", "--inject is A@SECONDS, not %s", text);
    t->text = text;
    t->owner = strndup(text, (size_t)(at - text));
    r->takeover_count++;
    return t->owner ? 0 : idem_cli_fail("out of memory");
}

/* A:B@SECONDS; names may hold anything but the colon (A) and the last at sign (B). */
static int parse_takeover(struct replay *r, const char *text)
{
    const char *colon = strchr(text, ':'), *at = strrchr(text, '@');
    struct takeover *t = &r->takeovers[r->takeover_count];
    if (r->takeover_count == TAKEOVERS_MAX)
        return too_many();
    if (!colon || !at || at < colon || colon == text || at == colon + 1 ||
        !parse_seconds(at + 1, 0.001, 1e6, &t->seconds))
        return idem_cli_usage("replay", "--takeover is A:B@SECONDS, not %s", text);
    t->text = text;
    t->owner = strndup(text, (size_t)(colon - text));
    t->impostor = strndup(colon + 1, (size_t)(at - colon - 1));
    r->takeover_count++;
    return t->owner && t->impostor ? 0 : idem_cli_fail("out of memory");
}

static int read_seat(struct replay *r, const char *file)
{
    int err = idem_cli_read_seat_key(file, &r->seat);
    if (err == IDEM_ERR_NOT_FOUND || (err == 0 && r->seat.seat == 0))
        return idem_cli_fail("%s: no seat has been registered with it", file);
    r->stage.seat = &r->seat;
    return err;
}

static int read_api_key(struct replay *r, const char *file)
{
    FILE *f = fopen(file, "r");
    bool good = f && fgets(r->api_key, sizeof r->api_key, f);
    if (f)
        fclose(f);
    if (!good)
        return idem_cli_fail("%s: holds no key", file);
    r->api_key[strcspn(r->api_key, "\r\n")] = 0;
    r->stage.token = r->api_key;
    r->stage.back_end = true;
    return 0;
}

static int take_option(struct replay *r, int opt)
{
    switch (opt) {
    case 's':
        r->server = optarg;
        return 0;
    case 'x':
        return parse_seconds(optarg, 1, 1e5, &r->speed)
                   ? 0
                   : idem_cli_usage("replay", "--speed takes 1 to 100000");
    case 'o':
        return parse_takeover(r, optarg);
    case 'i':
        return parse_inject(r, optarg);
    case 'n':
        r->people_given = true;
        return idem_cli_number(optarg, 0, PEOPLE_MAX, &r->people)
                   ? 0
                   : idem_cli_usage("replay", "--people takes 0 to %d", PEOPLE_MAX);
    case 'k':
        r->stage.token = optarg;
        return 0;
    case 'S':
        return read_seat(r, optarg);
    case 'K':
        return read_api_key(r, optarg);
    case 'h':
        fputs(help_text, stdout);
        return -1;
    default:
        return idem_cli_usage("replay", "this option does not exist or lacks its value");
    }
}

static int parse(struct replay *r, int argc, char **argv)
{
    const char *users = NULL;
    bool skip_bad = false;
    int opt;
    while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        int result = opt == 'b' || opt == 'u' ? 0 : take_option(r, opt);
        skip_bad |= opt == 'b';
        users = opt == 'u' ? optarg : users;
        if (result != 0)
            return result;
    }
    if (optind == argc || argc - optind > SOURCES_MAX)
        return idem_cli_usage("replay", "1 to %d recordings are played", SOURCES_MAX);
    for (; optind < argc; optind++)
        r->sources[r->count++] = (struct idem_source){
            .path = argv[optind], .users = users, .skip_bad = skip_bad, .keep_lost = true};
    return 0;
}

/* ------------------------------------------------------------------ people */

static struct idem_player *add_player(struct replay *r, const char *name)
{
    struct idem_player *p = &r->players[r->player_count];
    if (idem_script_make(r->recs, r->count, name, &p->script) < 0)
        return NULL;
    p->stage = &r->stage;
    p->name = name;
    p->takeover_us = p->caught_us = -1;
    p->trust = NAN;
    r->player_count++;
    return p;
}

static int make_other(struct replay *r, const struct takeover *t, struct idem_script *out)
{
    if (!t->impostor)
        return idem_script_machine(INJECTED_KEYS, out);
    return idem_script_make(r->recs, r->count, t->impostor, out);
}

static int add_takeover(struct replay *r, const struct takeover *t)
{
    const char *option = t->impostor ? "--takeover" : "--inject";
    struct idem_script other;
    int64_t at_us = llround(t->seconds * 1e6);
    struct idem_player *p = add_player(r, t->owner);
    if (!p)
        return idem_cli_fail("%s %s: nobody recorded is called %s", option, t->text, t->owner);
    if (make_other(r, t, &other) < 0)
        return idem_cli_fail("%s %s: nobody recorded is called %s", option, t->text, t->impostor);
    int err = idem_script_take_over(&p->script, &other, at_us);
    idem_script_free(&other);
    if (err < 0)
        return idem_cli_fail("%s %s: %s's recording lasts no %.0f s", option, t->text, t->owner,
                             t->seconds);
    p->takeover_us = at_us;
    p->impostor = t->impostor ? t->impostor : "a machine";
    return 0;
}

static bool is_player(const struct replay *r, const char *name)
{
    for (uint32_t i = 0; i < r->player_count; i++)
        if (strcmp(r->players[i].name, name) == 0)
            return true;
    return false;
}

static int cast(struct replay *r)
{
    uint32_t others = r->people_given ? r->people : r->takeover_count ? 0 : PEOPLE_MAX;
    r->players = calloc(PEOPLE_MAX + TAKEOVERS_MAX, sizeof *r->players);
    if (!r->players)
        return idem_cli_fail("out of memory");
    for (int i = 0; i < r->takeover_count; i++) {
        int err = add_takeover(r, &r->takeovers[i]);
        if (err)
            return err;
    }
    for (int f = 0; f < r->count; f++)
        for (uint32_t i = 0; i < r->recs[f]->person_count && others; i++) {
            if (is_player(r, r->recs[f]->people[i].name))
                continue;
            if (!add_player(r, r->recs[f]->people[i].name))
                return idem_cli_fail("out of memory");
            others--;
        }
    return 0;
}

/* ------------------------------------------------------------------ the server */

struct fetched {
    struct idem_front **front;
    char why[256];
    bool done;
};

static void got_front(void *arg, long status, const char *body, size_t len)
{
    struct fetched *f = arg;
    f->done = true;
    if (status != 200)
        snprintf(f->why, sizeof f->why, "%ld %.200s", status, body);
    else if (idem_front_parse(body, len, f->front) < 0)
        snprintf(f->why, sizeof f->why, "its front cannot be read by this version");
}

static int fetch_front(struct replay *r)
{
    const struct idem_client_request request = {.method = "GET", .path = "/v1/front"};
    struct fetched f = {.front = &r->front};
    if (idem_client_new(r->server, &r->stage.client) < 0 ||
        idem_client_send(r->stage.client, &request, got_front, &f) < 0)
        return idem_cli_fail("out of memory");
    while (!f.done)
        idem_client_wait(r->stage.client, WAIT_MAX_MS);
    if (f.why[0])
        return idem_cli_fail("%s: %s", r->server, f.why);
    r->stage.front = r->front;
    r->stage.host = r->host;
    return idem_remote_host_of(r->server, r->host)
               ? 0
               : idem_cli_fail("%s: not a server's URL", r->server);
}

static void say(const char *line)
{
    puts(line);
    fflush(stdout);
}

/* How long to wait for the earliest that is due, in ms of the wall. */
static int pause_for(const struct replay *r, int64_t now_us)
{
    int64_t due = INT64_MAX;
    bool again = false;
    for (uint32_t i = 0; i < r->player_count; i++) {
        int64_t d = idem_player_due(&r->players[i]);
        again |= d == INT64_MIN && r->players[i].tries > 0;
        due = d < due && r->players[i].tries == 0 ? d : due;
    }
    if (due <= now_us)
        return 0;
    double ms = due == INT64_MAX ? WAIT_MAX_MS : (double)(due - now_us) / 1000 / r->speed + 0.5;
    int most = again ? RETRY_MS : WAIT_MAX_MS;
    return ms > most ? most : (int)ms;
}

static bool step_all(struct replay *r, int64_t now_us)
{
    bool going = false;
    for (uint32_t i = 0; i < r->player_count; i++) {
        idem_player_step(&r->players[i], now_us);
        going |= !idem_player_over(&r->players[i]);
    }
    return going;
}

static void perform(struct replay *r)
{
    double started = idem_cli_now();
    r->stage.epoch_ms = (int64_t)time(NULL) * 1000;
    for (;;) {
        int64_t now_us = (int64_t)((idem_cli_now() - started) * 1e6 * r->speed);
        if (!step_all(r, now_us))
            return;
        idem_client_wait(r->stage.client, pause_for(r, now_us));
    }
}

/* ------------------------------------------------------------------ the end */

/* Locked while the hands were still the owner's. */
static bool owner_locked(const struct idem_player *p)
{
    return p->ended_locked && (p->takeover_us < 0 || p->sent_us < p->takeover_us);
}

static void tell_takeover(const struct idem_player *p)
{
    if (p->phase == IDEM_PLAYER_FAILED)
        return;
    if (owner_locked(p))
        printf("takeover %s -> %s: did not come about, %s was locked out after %.1f s\n", p->name,
               p->impostor, p->name, (double)p->sent_us / 1e6);
    else if (p->caught_us < 0)
        printf("takeover %s -> %s: NOT NOTICED within %u keys and %u gestures\n", p->name,
               p->impostor, p->keys_after, p->gestures_after);
    else
        printf("takeover %s -> %s: noticed after %.1f s, %u keys and %u gestures\n", p->name,
               p->impostor, (double)(p->caught_us - p->takeover_us) / 1e6, p->keys_after,
               p->gestures_after);
}

static int tell(const struct replay *r)
{
    uint32_t failed = 0, locked = 0;
    for (uint32_t i = 0; i < r->player_count; i++) {
        const struct idem_player *p = &r->players[i];
        failed += p->phase == IDEM_PLAYER_FAILED;
        locked += owner_locked(p);
        if (p->takeover_us >= 0)
            tell_takeover(p);
    }
    printf("%u sessions, %llu windows, %llu alarms; owners locked out: %u; failed: %u\n",
           r->player_count, (unsigned long long)r->stage.windows,
           (unsigned long long)r->stage.alarms, locked, failed);
    return failed ? IDEM_EXIT_FAILED : IDEM_EXIT_OK;
}

static int run(struct replay *r)
{
    int err = idem_cli_read(r->sources, r->count);
    for (int i = 0; i < r->count; i++)
        r->recs[i] = r->sources[i].rec;
    if (err == 0 && (err = cast(r)) == 0 && (err = fetch_front(r)) == 0) {
        r->stage.clock = r->speed > 1;
        r->stage.say = say;
        perform(r);
        err = tell(r);
    }
    return err;
}

int idem_cli_replay(int argc, char **argv)
{
    struct replay *r = calloc(1, sizeof *r);
    if (!r)
        return idem_cli_fail("out of memory");
    r->server = "http://127.0.0.1:8787";
    r->speed = 1;
    int err = parse(r, argc, argv);
    err = err == 0 ? run(r) : err < 0 ? IDEM_EXIT_OK : err;
    idem_client_free(r->stage.client);
    for (uint32_t i = 0; i < r->player_count; i++)
        idem_player_free(&r->players[i]);
    free(r->players);
    idem_front_free(r->front);
    idem_cli_close(r->sources, r->count);
    for (int i = 0; i < r->takeover_count; i++) {
        free(r->takeovers[i].owner);
        free(r->takeovers[i].impostor);
    }
    free(r);
    return err;
}
