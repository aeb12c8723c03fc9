/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.c - the keyboard's judge: puts keystrokes together and lets the contest weigh them.
 *
 * Cases:
 *   auto-repeat, or a key going down that is down      no event at all
 *   a release without a press, a negative hold         nothing is judged
 *   held longer than HELD_MAX_US                       a lost release: nothing is judged
 *   more than IDEM_KEYS_HELD keys down                 the oldest counts as let go
 *   Backspace, a volume key again, at once             repeated by the device: nothing is judged
 *   a pause, time running backwards                    no time between keys is known
 *   a gap in the events                                all that is down is forgotten
 *
 *   down a    ---gap---    down b
 *     |----hold a----|        |----hold b----|
 *                 up a --flight--             up b       b is judged when it goes up
 */
#include "guard/keys.h"

#include "base/bytes.h"
#include "window/keystroke.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Input event codes (linux/input-event-codes.h, which other systems do not have). */
enum {
    KEY_BACKSPACE = 14,
    KEY_TAB = 15,
    KEY_ENTER = 28,
    KEY_LEFTCTRL = 29,
    KEY_A = 30,
    KEY_F = 33,
    KEY_J = 36,
    KEY_SEMICOLON = 39,
    KEY_LEFTSHIFT = 42,
    KEY_RIGHTSHIFT = 54,
    KEY_LEFTALT = 56,
    KEY_SPACE = 57,
    KEY_F1 = 59,
    KEY_F10 = 68,
    KEY_F11 = 87,
    KEY_F12 = 88,
    KEY_RIGHTCTRL = 97,
    KEY_RIGHTALT = 100,
    KEY_DELETE = 111,
    KEY_LEFTMETA = 125,
    KEY_RIGHTMETA = 126,
};

enum {
    HELD_MAX_US = 5000000,
    GAP_MAX_US = 5000000,
    STALL_US = 150000,      /* a shorter silence hides no key */
    STALL_FRESH_US = 60000, /* so long after it a bunch may begin */
    OVERLAP_MAX_US = 1000000,
    REPEAT_US = 200000, /* such a key again sooner was held */
    EXACT_US = 4000,    /* Shift and its key at once, within what delivery takes */
    LED_US = 20000,
    ARRIVAL_US = 60000000,   /* a device is new for a minute */
    TICK_STRETCH = 64,       /* events over which the clock's coarseness is looked for */
    TICK_ROUNDING_US = 2000, /* what rounding to milliseconds makes of equal intervals */
    TICK_GRID_US = 30000,    /* on a clock as coarse as this no hold is known to be brief */
    TICK_KNOWN_US = 4000,    /* a device may be coarser than its clock is said to be */
    STAMP_TICK_US = 100,     /* a clock coarser than this is no kernel's */
    REPORT_TICK_US = 10,     /* equal stamps mean one report only on a clock as fine as this */
    REST_US = 1000000,       /* between two bursts of a device */
    REST_STENO_US = 60000,
    SYNTHETIC_KEYS = 4, /* keys after which a synthetic source is told */
    ALARM_STROKES = 4,  /* no alarm upon less */
    HUMAN_STROKES = 10,
    MACRO_STROKES = 4,
    SERIAL_STROKES = 5, /* so many without overlap are worth telling */
    PAST_STROKES = 20,  /* by hand, until a device has a past */
    DOWNS_MAX = 255,
};

/* ln odds at which a hand is told, and of a source that is called synthetic. */
static const double human_odds = 5.5, source_odds = 3.0;

/* ------------------------------------------------------------------ what a key is */

static bool is_shift(uint32_t key)
{
    return key == KEY_LEFTSHIFT || key == KEY_RIGHTSHIFT;
}

static bool is_modifier(uint32_t key)
{
    return is_shift(key) || key == KEY_LEFTCTRL || key == KEY_RIGHTCTRL || key == KEY_LEFTALT ||
           key == KEY_RIGHTALT || key == KEY_LEFTMETA || key == KEY_RIGHTMETA;
}

/* Letters, digits, punctuation and space. */
static bool is_text(uint32_t key)
{
    return (key >= 2 && key <= 13) || (key >= 16 && key <= 27) || (key >= 30 && key <= 41) ||
           (key >= 43 && key <= 53) || key == KEY_SPACE || key == 86;
}

/* The home row's eight, and the space bar. */
static bool is_tap_hold(uint32_t key)
{
    return (key >= KEY_A && key <= KEY_F) || (key >= KEY_J && key <= KEY_SEMICOLON) ||
           key == KEY_SPACE;
}

static bool is_function(uint32_t key)
{
    return (key >= KEY_F1 && key <= KEY_F10) || key == KEY_F11 || key == KEY_F12;
}

/* Keys that some keyboards press again and again as long as they are held. */
static bool repeats(uint32_t key)
{
    return key == KEY_BACKSPACE || key >= KEY_DELETE;
}

static bool is_foreign(enum idem_guard_role role, uint32_t key)
{
    if (role == IDEM_ROLE_ORDINARY || role == IDEM_ROLE_MACRO_PAD)
        return false;
    if (is_text(key) || is_shift(key) || key == KEY_ENTER || key == KEY_TAB)
        return false;
    if (role == IDEM_ROLE_SCANNER && is_function(key))
        return false; /* a prefix that tells scans from typing */
    return role != IDEM_ROLE_STENO || key != KEY_BACKSPACE;
}

static uint32_t longest_burst(enum idem_guard_role role)
{
    switch (role) {
    case IDEM_ROLE_TOKEN:
        return 80;
    case IDEM_ROLE_SCANNER:
        return 128;
    case IDEM_ROLE_STENO:
        return 48;
    case IDEM_ROLE_MACRO_PAD:
        return 24;
    case IDEM_ROLE_AUTOTYPE:
        return 160;
    default:
        return UINT32_MAX;
    }
}

/* ------------------------------------------------------------------ the clock */

void idem_key_judge_init(struct idem_key_judge *j, const struct idem_guard_device *device)
{
    memset(j, 0, sizeof *j);
    j->device = *device;
    /* A program is the more likely the less the platform knows of a hand. */
    double odds = -6.0;
    if (device->twin)
        odds += 1.0;
    if (device->source == IDEM_SOURCE_SYNTHETIC)
        odds += 2.0;
    bool hardware = device->source == IDEM_SOURCE_HARDWARE;
    bool stamped =
        hardware && !device->wireless && device->tick_us > 0 && device->tick_us <= STAMP_TICK_US;
    idem_contest_init(&j->contest, device->role, hardware, stamped, odds);
    j->last_us = j->last_down_us = j->last_up_us = IDEM_TIME_NONE;
    j->modifier_us = IDEM_TIME_NONE;
    j->tick_us[0] = j->tick_us[1] = INT64_MAX;
}

/* A device that has just been plugged in is e^3 times as likely to be an attacker's. */
static void weigh_arrival(struct idem_key_judge *j, int64_t t_us)
{
    if (j->weighed)
        return;
    j->weighed = true;
    if (!j->device.hotplugged || t_us - idem_time_bound(j->device.arrived_us) > ARRIVAL_US)
        return;
    idem_contest_suspect(&j->contest, 3.0);
}

static int64_t tick_of(const struct idem_key_judge *j)
{
    if (j->device.tick_us >= TICK_KNOWN_US)
        return j->device.tick_us;
    int64_t least = j->tick_us[0] < j->tick_us[1] ? j->tick_us[0] : j->tick_us[1];
    if (least == INT64_MAX) /* all alike: a machine's two kinds, or one tick of a coarse clock */
        return j->mixed ? 1 : TICK_GRID_US;
    return least;
}

/*
 * How coarse are the clock's ticks, or the keyboard's? Intervals of the same kind, which are every
 * second one when keys do not overlap, differ by whole ticks or not at all. No difference: a
 * machine's rhythm on whatever clock.
 */
static void measure_tick(struct idem_key_judge *j, int64_t dt)
{
    int64_t before = j->interval_us[1];
    int64_t apart = dt > before ? dt - before : before - dt;
    if (before > 0 && apart > TICK_ROUNDING_US && apart < j->tick_us[0])
        j->tick_us[0] = apart;
    if (j->interval_us[0] > 0 && llabs(dt - j->interval_us[0]) > TICK_ROUNDING_US)
        j->mixed = true;
    j->interval_us[1] = j->interval_us[0];
    j->interval_us[0] = dt;
    if (++j->tick_events < TICK_STRETCH)
        return;
    j->tick_events = 0;
    j->tick_us[1] = j->tick_us[0];
    j->tick_us[0] = INT64_MAX;
}

static bool any_down(const struct idem_key_judge *j)
{
    return j->held_count > 0;
}

/* Everything that the time since the last event says. */
static void pass_time(struct idem_key_judge *j, int64_t t_us)
{
    weigh_arrival(j, t_us);
    if (j->last_us != IDEM_TIME_NONE && t_us >= j->last_us) {
        int64_t dt = t_us - j->last_us;
        measure_tick(j, dt);
        if (dt >= STALL_US) {
            j->stall_us = dt;
            j->stall_end_us = t_us;
            idem_contest_stall(&j->contest, dt, any_down(j));
        }
        if (dt >= (j->device.role == IDEM_ROLE_STENO ? REST_STENO_US : REST_US))
            j->burst = 0;
    }
    j->last_us = t_us;
}

/* From before to now, or nothing when it is too long or negative. */
static int64_t since(int64_t before_us, int64_t t_us)
{
    if (before_us == IDEM_TIME_NONE || t_us < before_us || t_us - before_us > GAP_MAX_US)
        return IDEM_TIME_NONE;
    return t_us - before_us;
}

/* ------------------------------------------------------------------ keys going down */

static struct idem_held_key *find(struct idem_key_judge *j, uint32_t key)
{
    for (uint32_t i = 0; i < j->held_count; i++)
        if (j->held[i].code == key)
            return &j->held[i];
    return NULL;
}

/* The one that has been down longest. */
static struct idem_held_key *oldest(struct idem_key_judge *j)
{
    struct idem_held_key *first = &j->held[0];
    for (uint32_t i = 1; i < j->held_count; i++)
        if (j->held[i].down_us < first->down_us)
            first = &j->held[i];
    return first;
}

/* Takes a key out, and wipes what it leaves. */
static struct idem_held_key take(struct idem_key_judge *j, struct idem_held_key *held)
{
    struct idem_held_key was = *held;
    struct idem_held_key *last = &j->held[--j->held_count];
    *held = *last;
    idem_wipe(last, sizeof *last);
    return was;
}

static bool shift_is_down(const struct idem_key_judge *j)
{
    for (uint32_t i = 0; i < j->held_count; i++)
        if (is_shift(j->held[i].code))
            return true;
    return false;
}

/* A key that has been held for long, by an elbow or a game, overlaps everything. */
static bool overlaps(struct idem_key_judge *j, int64_t t_us)
{
    const struct idem_held_key *before = j->last_code != 0 ? find(j, j->last_code) : NULL;
    return before != NULL && (before->what & IDEM_STROKE_MODIFIER) == 0 &&
           t_us - before->down_us <= OVERLAP_MAX_US;
}

/* How long before its key did Shift go down? */
static unsigned shift_lead(const struct idem_key_judge *j, int64_t t_us)
{
    int64_t lead = since(j->modifier_us, t_us);
    if (lead == IDEM_TIME_NONE)
        return 0;
    return lead <= EXACT_US ? IDEM_STROKE_EXACT : lead >= LED_US ? IDEM_STROKE_LED : 0;
}

static unsigned what_is(struct idem_key_judge *j, uint32_t key, unsigned flags, int64_t t_us)
{
    unsigned what = 0;
    bool fine = j->device.tick_us > 0 && j->device.tick_us <= REPORT_TICK_US;
    if (is_modifier(key))
        what |= IDEM_STROKE_MODIFIER | (is_shift(key) ? 0U : IDEM_STROKE_CHORD);
    else if (fine && j->modifier_us == t_us)
        what |= IDEM_STROKE_REPORT;
    if (key == j->last_code)
        what |= IDEM_STROKE_SAME;
    if (overlaps(j, t_us))
        what |= IDEM_STROKE_ROLLOVER;
    if (is_tap_hold(key))
        what |= IDEM_STROKE_TAP_HOLD;
    if (is_foreign(j->device.role, key))
        what |= IDEM_STROKE_FOREIGN;
    if (j->last_code != 0 && is_modifier(j->last_code))
        what |= IDEM_STROKE_SWEEP;
    if (j->burst > longest_burst(j->device.role))
        what |= IDEM_STROKE_LONG_BURST;
    if ((flags & IDEM_GUARD_CAPITAL) != 0 && !j->sticky && !shift_is_down(j))
        what |= IDEM_STROKE_BARE;
    if (is_text(key) && shift_is_down(j) && is_shift(j->last_code))
        what |= shift_lead(j, t_us);
    if (is_text(key))
        j->sticky = false;
    return what;
}

/* ------------------------------------------------------------------ the finding */

static void remember(struct idem_key_judge *j, const struct idem_guard_stroke *s)
{
    j->hold_ms[j->recent_at] = (float)((double)s->hold_us / 1000.0);
    j->gap_ms[j->recent_at] =
        s->gap_us == IDEM_TIME_NONE ? NAN : (float)((double)s->gap_us / 1000.0);
    j->recent_at = (uint8_t)((j->recent_at + 1) % IDEM_KEYS_RECENT);
    if (j->recent < IDEM_KEYS_RECENT)
        j->recent++;
    if ((s->what & IDEM_STROKE_ROLLOVER) != 0)
        j->serial = 0;
    else if (j->serial < DOWNS_MAX)
        j->serial++;
}

/* What holds were on this device as long as a hand was the best explanation. */
static void remember_hand(struct idem_key_judge *j, int64_t hold_us)
{
    float ms = (float)((double)hold_us / 1000.0);
    if (idem_contest_best_honest(&j->contest) != IDEM_BY_HAND || j->contest.by_hand == 0)
        return;
    float weight = j->contest.by_hand < PAST_STROKES ? 1.0F / (float)j->contest.by_hand
                                                     : 1.0F / (float)PAST_STROKES;
    j->past_ms += weight * (ms - j->past_ms);
}

/* Mean and standard deviation of the newest times that are known. */
static uint32_t moments(const float *ms, uint32_t n, double *mean, double *sd)
{
    double sum = 0, squares = 0;
    uint32_t known = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!isnan(ms[i])) {
            double d = (double)ms[i];
            sum += d;
            squares += d * d;
            known++;
        }
    *mean = known > 0 ? sum / known : 0;
    double variance = known > 0 ? squares / known - *mean * *mean : 0;
    *sd = variance > 0 ? sqrt(variance) : 0;
    return known;
}

/* The machines that are known by their holds. */
static bool brief(enum idem_explanation by)
{
    return by == IDEM_BY_EXACT || by == IDEM_BY_JITTER || by == IDEM_BY_HUMANISED;
}

/* Adds to the finding what the winning explanation rests on. */
static void give_reasons(struct idem_key_judge *j, enum idem_explanation by)
{
    struct idem_finding *f = &j->finding;
    double hold, hold_sd, gap, gap_sd;
    uint32_t n = moments(j->hold_ms, j->recent, &hold, &hold_sd);
    uint32_t gaps = moments(j->gap_ms, j->recent, &gap, &gap_sd);

    if (brief(by))
        idem_finding_see(f, IDEM_SAW_HOLDS_SHORT, n, hold);
    if (by == IDEM_BY_EVEN)
        idem_finding_see(f, IDEM_SAW_HOLDS_EQUAL, n, hold_sd);
    if (by == IDEM_BY_FAST)
        idem_finding_see(f, IDEM_SAW_GAPS_SHORT, gaps, gap);
    if (j->contest.bare > 0)
        idem_finding_see(f, IDEM_SAW_CAPITALS_BARE, j->contest.bare, 0);
    if (by == IDEM_BY_PROGRAM && j->contest.exact > 1)
        idem_finding_see(f, IDEM_SAW_SHIFT_EXACT, j->contest.exact, 0);
    if (j->contest.reports > 0)
        idem_finding_see(f, IDEM_SAW_ONE_REPORT, j->contest.reports, 0);
    if (by == IDEM_BY_EVEN_FLIGHT || (by == IDEM_BY_EXACT && gaps > 1 && gap_sd < 2.0))
        idem_finding_see(f, IDEM_SAW_GAPS_EQUAL, gaps, gap_sd);
    if (gaps > 1 && gap < 35.0)
        idem_finding_see(f, IDEM_SAW_GAPS_SHORT, gaps, gap);
    if (by == IDEM_BY_EVEN && j->serial >= SERIAL_STROKES)
        idem_finding_see(f, IDEM_SAW_NO_ROLLOVER, j->serial, 0);
    if (brief(by) && j->contest.by_hand >= PAST_STROKES && hold < (double)j->past_ms / 2)
        idem_finding_see(f, IDEM_SAW_UNLIKE_PAST, 0, (double)j->past_ms);
}

static void give_context(struct idem_key_judge *j)
{
    const struct idem_guard_device *d = &j->device;
    struct idem_finding *f = &j->finding;
    if (d->role != IDEM_ROLE_ORDINARY)
        idem_finding_see(f, IDEM_SAW_ROLE_BROKEN, 0, (double)d->role);
    int64_t age = f->at_us - idem_time_bound(d->arrived_us);
    if (d->hotplugged && age >= 0 && age <= ARRIVAL_US)
        idem_finding_see(f, IDEM_SAW_NEW_DEVICE, 0, (double)age / 1e6);
    if (d->twin)
        idem_finding_see(f, IDEM_SAW_TWIN, 0, 0);
    if (d->source == IDEM_SOURCE_SYNTHETIC)
        idem_finding_see(f, IDEM_SAW_SYNTHETIC, 0, 0);
    if (d->source == IDEM_SOURCE_REMOTE)
        idem_finding_see(f, IDEM_SAW_REMOTE_SOURCE, 0, 0);
}

static bool turn(struct idem_key_judge *j, enum idem_guard_kind kind, double log_odds, int64_t t_us)
{
    bool fresh = j->finding.kind != kind;
    if (fresh)
        j->finding = (struct idem_finding){.kind = kind, .at_us = t_us};
    j->finding.log_odds = log_odds;
    return fresh;
}

static bool find_machine(struct idem_key_judge *j, double odds, int64_t t_us)
{
    bool fresh = turn(j, IDEM_GUARD_INJECTED_KEYS, odds, t_us);
    uint32_t before = j->finding.saw_count;
    give_reasons(j, idem_contest_best_machine(&j->contest));
    give_context(j);
    return fresh || j->finding.saw_count > before;
}

static bool find_honest(struct idem_key_judge *j, double odds, int64_t t_us)
{
    const struct idem_contest *c = &j->contest;
    enum idem_explanation by = idem_contest_best_honest(c);
    bool macro = by == IDEM_BY_ROLE || (by == IDEM_BY_TAP_HOLD && tick_of(j) < TICK_GRID_US &&
                                        c->elsewhere >= MACRO_STROKES);
    if (macro && c->nats[by] >= IDEM_GUARD_ALARM && c->strokes >= MACRO_STROKES) {
        bool fresh = turn(j, IDEM_GUARD_MACRO, c->nats[by], t_us);
        idem_finding_see(&j->finding, by == IDEM_BY_ROLE ? IDEM_SAW_ROLE : IDEM_SAW_TAP_HOLD,
                         c->strokes, by == IDEM_BY_ROLE ? (double)j->device.role : 0.0);
        return fresh;
    }
    if (odds <= -human_odds && c->by_hand >= HUMAN_STROKES)
        return turn(j, IDEM_GUARD_HUMAN, -odds, t_us);
    return false;
}

/* A source that is no hand's device, whatever its timing: a remote hand perhaps. */
static bool find_source(struct idem_key_judge *j, int64_t t_us)
{
    enum idem_guard_source source = j->device.source;
    if ((source != IDEM_SOURCE_SYNTHETIC && source != IDEM_SOURCE_REMOTE) ||
        j->device.role != IDEM_ROLE_ORDINARY || j->downs < SYNTHETIC_KEYS)
        return false;
    bool fresh = turn(j, IDEM_GUARD_REMOTE_CONTROL, source_odds, t_us);
    give_context(j);
    return fresh;
}

static bool judge(struct idem_key_judge *j, int64_t t_us)
{
    double odds = idem_contest_odds(&j->contest);
    if ((odds >= IDEM_GUARD_ALARM && j->contest.strokes >= ALARM_STROKES) ||
        j->finding.kind == IDEM_GUARD_INJECTED_KEYS)
        return find_machine(j, odds > j->finding.log_odds ? odds : j->finding.log_odds, t_us);
    if (j->finding.kind == IDEM_GUARD_REMOTE_CONTROL)
        return false;
    return find_source(j, t_us) || find_honest(j, odds, t_us);
}

/* ------------------------------------------------------------------ keys going up */

/* A keystroke is over: weighs it. */
static bool weigh(struct idem_key_judge *j, const struct idem_held_key *was, int64_t t_us)
{
    int64_t hold = t_us - was->down_us;
    if (was->silent || hold < 0 || hold > HELD_MAX_US)
        return false;
    struct idem_guard_stroke s = {.hold_us = hold,
                                  .gap_us = was->gap_us,
                                  .flight_us = was->flight_us,
                                  .stall_us = was->stall_us,
                                  .what = was->what};
    remember(j, &s);
    idem_contest_stroke(&j->contest, &s, tick_of(j));
    remember_hand(j, hold);
    return judge(j, t_us);
}

static bool release(struct idem_key_judge *j, uint32_t key, int64_t t_us)
{
    struct idem_held_key *held = find(j, key);
    if (held == NULL)
        return false;
    struct idem_held_key was = take(j, held);
    j->last_up_us = t_us;
    if (is_shift(key) && key == j->last_code)
        j->sticky = true;
    return weigh(j, &was, t_us);
}

static bool press(struct idem_key_judge *j, uint32_t key, unsigned flags, int64_t t_us)
{
    bool news = false;
    if (find(j, key) != NULL)
        return false;
    if (j->held_count == IDEM_KEYS_HELD) {
        struct idem_held_key was = take(j, oldest(j));
        news = weigh(j, &was, t_us);
    }
    int64_t gap = since(j->last_down_us, t_us);
    int64_t up = j->last_up_us > j->last_down_us || j->last_up_us == IDEM_TIME_NONE
                     ? since(j->last_up_us, t_us)
                     : IDEM_TIME_NONE;
    bool stalled = j->stall_us > 0 && t_us - j->stall_end_us <= STALL_FRESH_US;

    j->burst++;
    if (j->downs < DOWNS_MAX)
        j->downs++;
    const unsigned what = what_is(j, key, flags, t_us);
    j->held[j->held_count++] = (struct idem_held_key){
        .down_us = t_us,
        .gap_us = gap,
        .flight_us = up,
        .stall_us = stalled ? j->stall_us : 0,
        .code = (uint16_t)key,
        .what = (uint16_t)what,
        .silent = key == j->last_code && repeats(key) && gap != IDEM_TIME_NONE && gap < REPEAT_US,
    };
    if (is_modifier(key))
        j->modifier_us = t_us;
    j->last_down_us = t_us;
    j->last_code = (uint16_t)key;
    return news;
}

bool idem_key_judge_event(struct idem_key_judge *j, uint32_t key, enum idem_key_action action,
                          unsigned flags, int64_t t_us)
{
    key = key < IDEM_KEYS ? key : IDEM_KEY_OTHER;
    t_us = idem_time_bound(t_us);
    if (action == IDEM_KEY_REPEAT)
        return false;
    pass_time(j, t_us);
    if (action == IDEM_KEY_UP)
        return release(j, key, t_us);
    return press(j, key, flags, t_us);
}

void idem_key_judge_gap(struct idem_key_judge *j)
{
    idem_wipe(j->held, sizeof j->held);
    idem_wipe(j->hold_ms, sizeof j->hold_ms);
    idem_wipe(j->gap_ms, sizeof j->gap_ms);
    idem_wipe(j->interval_us, sizeof j->interval_us);
    j->recent = j->recent_at = 0;
    j->held_count = 0;
    j->last_us = j->last_down_us = j->last_up_us = j->modifier_us = IDEM_TIME_NONE;
    j->last_code = 0;
    j->stall_us = j->stall_end_us = 0;
    j->burst = 0;
    j->sticky = false;
}
