/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c - `idem policy`: check a policy's file before a server takes it, show which rules hold
 * for somebody and which line says so, and the table that thresholds come from.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/command.h"
#include "model/false_alarms.h"
#include "server/policy.h"

#include <sodium.h>

static const char about[] =
    "usage: idem policy check FILE [--strict] [--json]\n"
    "       idem policy show [FILE] [--organisation NAME] [--site NAME] [--country CC]\n"
    "                        [--job NAME] [--person PSEUDONYM] [--json]\n"
    "       idem policy print [--demo]\n"
    "       idem policy table [--json]\n"
    "\n"
    "check  says whether a server would take the file: nothing is wrong, or FILE:LINE:COLUMN:\n"
    "       and the reason. Warnings are about what is legal and probably not meant.\n"
    "show   which rules hold for somebody, each with its line, and what the thresholds come to:\n"
    "       false alarms a seat-week as allowed, as seen in recordings, and how many there may\n"
    "       be (95 %). Without FILE: the shipped policy.\n"
    "print  the shipped policy, to begin one's own with.\n"
    "table  false alarms by threshold, from which all policies' thresholds come.\n"
    "\n"
    "  --strict        warnings are faults\n"
    "  --json          the answer as JSON on standard output\n"
    "  --demo          the demonstration's policy\n"
    "  --organisation, --site, --country, --job, --person   whom to show the rules of\n"
    "\n"
    "Exit status: 0 fine, 1 the file cannot be used, 2 wrong usage.\n";

enum { STRICT = 256, JSON, DEMO, ORGANISATION, SITE, COUNTRY, JOB, PERSON, HELP };

static const struct option longs[] = {
    {"strict", no_argument, NULL, STRICT},
    {"json", no_argument, NULL, JSON},
    {"demo", no_argument, NULL, DEMO},
    {"organisation", required_argument, NULL, ORGANISATION},
    {"site", required_argument, NULL, SITE},
    {"country", required_argument, NULL, COUNTRY},
    {"job", required_argument, NULL, JOB},
    {"person", required_argument, NULL, PERSON},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

struct options {
    const char *verb, *file;
    bool strict, json, demo;
    struct idem_policy_subject subject;
};

/* ------------------------------------------------------------------ options */

static int take(struct options *o, int id)
{
    switch (id) {
    case STRICT:
        o->strict = true;
        return 0;
    case JSON:
        o->json = true;
        return 0;
    case DEMO:
        o->demo = true;
        return 0;
    case ORGANISATION:
        o->subject.organisation = optarg;
        return 0;
    case SITE:
        o->subject.site = optarg;
        return 0;
    case COUNTRY:
        o->subject.country = optarg;
        return 0;
    case JOB:
        o->subject.job = optarg;
        return 0;
    case PERSON:
        o->subject.person = optarg;
        return 0;
    default:
        return idem_cli_usage("policy", "this option does not exist or lacks its value");
    }
}

/* 0: go on. -1: help was printed. Otherwise an exit code after a message. */
static int parse(struct options *o, int argc, char **argv)
{
    int id, r = 0;

    *o = (struct options){.subject = {"", "", "", "", ""}};
    optind = 1;
    while (r == 0 && (id = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (id == HELP || id == 'h') {
            fputs(about, stdout);
            return -1;
        }
        r = take(o, id);
    }
    if (r != 0)
        return r;
    if (optind >= argc)
        return idem_cli_usage("policy", "check, show, print or table?");
    o->verb = argv[optind++];
    if (optind < argc)
        o->file = argv[optind++];
    return optind < argc ? idem_cli_usage("policy", "one file at a time") : 0;
}

/* ------------------------------------------------------------------ the file */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000;
}

/* A byte more than a policy may have, so that one that is too large is refused as such. */
static int slurp(const char *path, char **text, size_t *len)
{
    enum { MOST = IDEM_YAML_BYTES_MAX + 1 };
    struct stat st;
    FILE *f = fopen(path, "rb");
    char *bytes = NULL;

    if (f == NULL || fstat(fileno(f), &st) != 0 || S_ISDIR(st.st_mode) ||
        (bytes = malloc(MOST)) == NULL) {
        if (f != NULL)
            fclose(f);
        return idem_cli_fail("%s cannot be read", path);
    }
    *len = fread(bytes, 1, MOST, f);
    fclose(f);
    *text = bytes;
    return 0;
}

static void put_place(struct idem_text *t, const struct idem_yaml_fault *f)
{
    idem_text_fmt(t, "{\"line\":%u,\"column\":%u,\"reason\":", f->line, f->column);
    idem_text_string(t, f->reason);
    idem_text_put(t, "}");
}

static void print_text(const struct idem_text *t)
{
    printf("%.*s\n", (int)t->len, t->bytes);
}

static int tell_fault(const struct options *o, const struct idem_yaml_fault *fault)
{
    char line[IDEM_YAML_FAULT_TEXT], bytes[2048];
    struct idem_text t = {bytes, 0, sizeof bytes, false};

    if (!o->json) {
        fprintf(stderr, "%s\n", idem_yaml_fault_text(fault, line));
        return IDEM_EXIT_FAILED;
    }
    idem_text_put(&t, "{\"usable\":false,\"fault\":");
    put_place(&t, fault);
    idem_text_put(&t, "}");
    print_text(&t);
    return IDEM_EXIT_FAILED;
}

/* 0, or an exit code after a message. */
static int open_policy(const struct options *o, struct idem_policy **out)
{
    struct idem_yaml_fault fault;
    char *text = NULL;
    size_t len = 0;
    int err;

    if (o->file == NULL) {
        const char *shipped = idem_policy_shipped(o->demo, &len);
        err = idem_policy_parse(shipped, len, "the shipped policy", now_ms(), out, &fault);
    } else {
        int r = slurp(o->file, &text, &len);
        if (r != 0)
            return r;
        err = idem_policy_parse(text, len, o->file, now_ms(), out, &fault);
    }
    free(text);
    return err == 0 ? 0 : tell_fault(o, &fault);
}

/* ------------------------------------------------------------------ check */

static void check_json(const struct idem_policy *p)
{
    char bytes[16384];
    struct idem_text t = {bytes, 0, sizeof bytes, false};

    idem_text_fmt(&t, "{\"usable\":true,\"id\":\"%s\",\"warnings\":[", idem_policy_id(p));
    for (uint32_t i = 0; i < idem_policy_warnings(p); i++) {
        idem_text_put(&t, i > 0 ? "," : "");
        put_place(&t, idem_policy_warning(p, i));
    }
    idem_text_put(&t, "]}");
    print_text(&t);
}

static int check(const struct options *o)
{
    struct idem_policy *p;
    char line[IDEM_YAML_FAULT_TEXT];

    if (o->file == NULL)
        return idem_cli_usage("policy", "which file is to be checked?");
    int r = open_policy(o, &p);
    if (r != 0)
        return r;
    for (uint32_t i = 0; i < idem_policy_warnings(p); i++)
        fprintf(stderr, "%s%s\n", idem_yaml_fault_text(idem_policy_warning(p, i), line),
                o->strict ? "" : " (warning)");
    r = o->strict && idem_policy_warnings(p) > 0 ? IDEM_EXIT_FAILED : 0;
    if (o->json)
        check_json(p);
    else if (r == 0)
        printf("%s can be used; id %s\n", o->file, idem_policy_id(p));
    idem_policy_unref(p);
    return r;
}

/* ------------------------------------------------------------------ show */

/* "line 12", or "default" for what the file leaves out. */
static const char *place(uint32_t line, char text[24])
{
    if (line == 0)
        return "default";
    snprintf(text, 24, "line %u", line);
    return text;
}

static void show_threshold(const char *name, const struct idem_policy_threshold *t,
                           const struct idem_policy_do *d)
{
    char a[24], b[24];

    printf("  %-8s %g false alarms a seat-week allowed (%s): trust below %.4g (log odds %.1f)\n",
           name, t->allowed, place(t->line, a), t->trust, t->log_odds);
    printf("           seen in recordings %.2f, at most %.1f (95 %%)%s; then: %s (%s)\n", t->seen,
           t->at_most, t->supported ? "" : "; the wish is beyond what they can show",
           idem_guard_action_name(d->action), place(d->line, b));
}

static void show_guard(const struct idem_policy_rules *r)
{
    char at[24];

    puts("guard");
    for (uint32_t i = 0; i < r->guard_count; i++)
        printf("  %-16s confidence %.2f and more: %s (%s)\n",
               idem_guard_kind_name(r->guard[i].kind), r->guard[i].at_least,
               idem_guard_action_name(r->guard[i].action), place(r->guard[i].line, at));
}

static void show_silence(const char *name, const struct idem_policy_silence *s)
{
    char at[24];
    printf("  silence, %-7s after %u requests or %lld s without a sufficient window (%s)\n", name,
           s->requests, (long long)(s->ms / 1000), place(s->line, at));
}

static void show_gate(const struct idem_policy_gate *g)
{
    char at[24];

    puts("gate (never fails open)");
    for (uint32_t i = 0; i < g->class_count; i++) {
        printf("  %-16s %s", g->classes[i].name, idem_policy_standing_name(g->classes[i].standing));
        if (g->classes[i].trust_at_least > 0)
            printf(", trust at least %g", g->classes[i].trust_at_least);
        printf(" (%s)\n", place(g->classes[i].line, at));
    }
    printf("  until enrolled   %s (%s)\n", idem_policy_until_enrolled_name(g->until_enrolled),
           place(g->until_enrolled_line, at));
    show_silence("step-up", &g->silence_step_up);
    show_silence("lock", &g->silence_lock);
    printf("  a browser's evidence raises trust to %g at most (%s)\n", g->browser_trust_max,
           place(g->browser_line, at));
    printf("  a strong authentication is fresh for %lld s (%s)\n",
           (long long)(g->step_up_max_age_ms / 1000), place(g->step_up_line, at));
}

static void show_seat(const struct idem_policy_seat *s)
{
    char at[24];

    if (s->lock_untouched_ms == 0)
        printf("a seat that nobody touches: does not lock itself (%s)\n",
               place(s->lock_untouched_line, at));
    else
        printf("a seat that nobody touches: locks itself after %lld s (%s)\n",
               (long long)(s->lock_untouched_ms / 1000), place(s->lock_untouched_line, at));
    printf("  at a step-up     %s (%s)\n",
           s->step_up_locks ? "locks the screen" : "tells the person", place(s->step_up_line, at));
    printf("  unlocking it     %s strong authentication (%s)\n", s->unlock_counts ? "is" : "is no",
           place(s->unlock_line, at));
    if (s->pause_allowed)
        printf("  pauses           of %lld s at most (%s)\n", (long long)(s->pause_most_ms / 1000),
               place(s->pause_line, at));
    else
        printf("  pauses           none (%s)\n", place(s->pause_line, at));
}

static void show_whom(const struct idem_policy *p, const struct idem_policy_rules *r,
                      const struct options *o)
{
    const struct idem_policy_exemption *e = idem_policy_exemption(p, o->subject.person, now_ms());
    char at[24];

    printf("%s, id %s\n", idem_policy_name(p), idem_policy_id(p));
    if (r->group != NULL)
        printf("group \"%s\" (%s)\n", r->group, place(r->group_line, at));
    else
        puts("no group: the settings for everybody");
    if (e != NULL)
        printf("exempted (%s): no action for %s%s%s; answers by %s instead\n", place(e->line, at),
               e->behaviour ? "behaviour" : "", e->behaviour && e->guard ? " and " : "",
               e->guard ? "guard's alarms" : "", e->alternative_factor);
}

static void show_rest(const struct idem_policy_rules *r)
{
    char a[24], b[24];

    printf("  nothing fresh to compare: %s (%s)\n", idem_guard_action_name(r->insufficient.action),
           place(r->insufficient.line, a));
    show_guard(r);
    printf("locking fails %s (%s)\n", r->lock_fails_open ? "open" : "closed",
           place(r->fail_line, a));
    show_gate(&r->gate);
    show_seat(&r->seat);
    printf("enrolment: trusted start %s (%s), %u session%s at least (%s)\n",
           r->trusted_start ? "needed" : "not needed", place(r->trusted_start_line, a),
           r->enrol_sessions, r->enrol_sessions == 1 ? "" : "s", place(r->enrol_sessions_line, b));
}

static void show_acknowledgement(const struct idem_policy *p, const char *country)
{
    const struct idem_policy_acknowledgement *a = idem_policy_acknowledgement(p, country);
    char at[24];

    if (!a->required)
        printf("acknowledgement: not asked for (%s)\n", place(a->line, at));
    else if (a->text_count == 0)
        puts("acknowledgement: no text for this country, so nothing is collected");
    else
        printf("acknowledgement: version %s, %u text%s (%s)\n", a->version, a->text_count,
               a->text_count == 1 ? "" : "s", place(a->line, at));
}

static int show(const struct options *o)
{
    struct idem_policy *p;
    int r = open_policy(o, &p);

    if (r != 0)
        return r;
    const struct idem_policy_rules *rules = idem_policy_rules(p, &o->subject, now_ms());
    if (o->json) {
        char *bytes = malloc(IDEM_POLICY_JSON_MAX);
        struct idem_text t = {bytes, 0, bytes != NULL ? IDEM_POLICY_JSON_MAX : 0, false};
        idem_policy_rules_json(&t, rules);
        if (t.full)
            r = idem_cli_fail("out of memory");
        else
            print_text(&t);
        free(bytes);
    } else {
        show_whom(p, rules, o);
        printf("thresholds, a seat-week being %g active hours\n", rules->hours_per_week);
        show_threshold("step-up", &rules->step_up, &rules->below_step_up);
        show_threshold("lock", &rules->lock, &rules->below_lock);
        show_rest(rules);
        show_acknowledgement(p, o->subject.country);
    }
    idem_policy_unref(p);
    return r;
}

/* ------------------------------------------------------------------ print, table */

static int print_shipped(const struct options *o)
{
    size_t len;
    const char *text = idem_policy_shipped(o->demo, &len);

    return fwrite(text, 1, len, stdout) == len ? 0 : idem_cli_fail("cannot write");
}

static int table(const struct options *o)
{
    const double week = 40;
    struct idem_false_alarms row;

    if (o->json)
        printf("{\"recording\":\"%s\",\"active_hours\":%.4f,\"rows\":[",
               idem_false_alarms_recording(), idem_false_alarms_hours());
    else
        printf(
            "%s, %.1f active hours; a seat-week of %g\n"
            "| log odds | trust | false alarms a seat-week | at most, 95 %% |\n|---|---|---|---|\n",
            idem_false_alarms_recording(), idem_false_alarms_hours(), week);
    for (uint32_t i = 0; idem_false_alarms_row(i, &row); i++) {
        const double trust = 1 / (1 + exp(-row.log_odds));
        if (o->json)
            printf("%s{\"log_odds\":%.1f,\"per_hour\":%.6f,\"at_most_per_hour\":%.6f}",
                   i > 0 ? "," : "", row.log_odds, row.seen_per_hour, row.at_most_per_hour);
        else
            printf("| %.1f | %.3f | %.2f | %.1f |\n", row.log_odds, trust, row.seen_per_hour * week,
                   row.at_most_per_hour * week);
    }
    if (o->json)
        puts("]}");
    return 0;
}

int idem_cli_policy(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct options *o);
    } verbs[] = {{"check", check}, {"show", show}, {"print", print_shipped}, {"table", table}};
    struct options o;
    int r = parse(&o, argc, argv);

    if (r != 0)
        return r < 0 ? IDEM_EXIT_OK : r;
    if (sodium_init() < 0)
        return idem_cli_fail("the random generator does not work");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, o.verb) == 0)
            return verbs[i].run(&o);
    return idem_cli_usage("policy", "there is no \"%s\": check, show, print or table", o.verb);
}
