/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c - see gate.h. */
#include "server/gate.h"

#include "server/pause.h"

/* clang-format off */
static const char *const verdicts[IDEM_GATE_VERDICTS] = {
    "pass", "step-up", "deny", "lock", "closed",
};
static const char *const causes[IDEM_GATE_CAUSES] = {
    "matches", "unsuspected", "bound", "authenticated", "not-enrolled", "unbound", "other-client",
    "locked", "alarm", "silence", "doubt", "nothing-compared", "no-match", "worker-stands",
    "paused",
};
static const char *const levels[IDEM_GATE_LEVELS] = {"none", "low", "medium", "high"};
/* clang-format on */

const char *idem_gate_verdict_name(enum idem_gate_verdict verdict)
{
    return verdicts[verdict];
}

const char *idem_gate_cause_name(enum idem_gate_cause cause)
{
    return causes[cause];
}

const char *idem_gate_level_name(enum idem_gate_level level)
{
    return levels[level];
}

/* ------------------------------------------------------------------ what is known */

/* Decisions read this; everything in it follows from the question. */
struct known {
    const struct idem_gate_question *q;
    const struct idem_policy_gate *gate;
    const struct idem_policy_class *class;
    int64_t now_ms;      /* the session's */
    bool exempt, strong; /* strong authentication is fresh */
    bool vouched;        /* and it was not the seat that said so */
    bool compared, stale, doubted, matches;
    bool paused, matched; /* when the pause began */
};

/* What is later than now by more than two threads' difference is of a clock that was set back, and
 * nobody knows how old it is: older than anything that is asked. */
static int64_t since(int64_t now_ms, int64_t then_ms)
{
    if (then_ms - now_ms > IDEM_GATE_LATER_MS)
        return INT64_MAX;
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

/* A browser's evidence lowers trust freely and raises it to a bounded level only. */
static double trust_of(const struct known *k)
{
    const struct idem_standing *s = &k->q->standing;
    const double most = k->gate->browser_trust_max;
    return s->capped && s->trust > most ? most : s->trust;
}

/* Comparisons that are false for what is no number. */
static bool matches(const struct known *k)
{
    const struct idem_standing *s = &k->q->standing;
    const double least = k->class->trust_at_least;
    return s->llr >= IDEM_GATE_MATCH_NATS && s->suspect_llr > -IDEM_GATE_MATCH_NATS &&
           trust_of(k) >= (least > 0 ? least : k->q->rules->step_up.trust);
}

static struct known know(const struct idem_gate_question *q)
{
    const struct idem_standing *s = &q->standing;
    struct known k = {.q = q, .gate = &q->rules->gate};

    k.class = idem_policy_class(q->rules, q->class);
    k.now_ms = s->clock_ms != 0 ? s->clock_ms : q->now_ms;
    k.exempt = q->rules->exempt_behaviour;
    k.strong = s->strong_ms != 0 && since(k.now_ms, s->strong_ms) < k.gate->step_up_max_age_ms;
    k.compared = s->evidence > 0;
    k.stale = since(k.now_ms, s->evidence_ms) >= k.gate->silence_step_up.ms;
    k.doubted = k.compared && !(s->trust >= q->rules->step_up.trust);
    k.matches = k.compared && !k.stale && !k.doubted && matches(&k);
    k.vouched = s->factor_ms != 0 && since(k.now_ms, s->factor_ms) < k.gate->step_up_max_age_ms;
    k.paused = idem_standing_paused(s, q->now_ms);
    k.matched = k.compared && !k.doubted && matches(&k) &&
                since(s->pause_from_ms, s->evidence_ms) < k.gate->silence_step_up.ms;
    return k;
}

/* ------------------------------------------------------------------ silence */

/* How long ago that is, without the part of it that was paused. */
static int64_t silent_since(const struct known *k, int64_t then_ms)
{
    const struct idem_standing *s = &k->q->standing;
    const int64_t ago = since(k->now_ms, then_ms);
    const int64_t paused =
        idem_pause_within(s->pause_from_ms, s->pause_until_ms, then_ms, k->now_ms);

    return ago == INT64_MAX || ago < paused ? ago : ago - paused;
}

/* Counted from the newest window, whatever was authenticated since. By time only after a step-up
 * was asked for: who comes back from a long break is asked first. */
static bool silent_for_lock(const struct known *k)
{
    const struct idem_silence *silence = &k->q->silence;
    const struct idem_policy_silence *ask = &k->gate->silence_step_up,
                                     *lock = &k->gate->silence_lock;
    const int64_t after = lock->ms > ask->ms ? lock->ms - ask->ms : 0;

    return silence->requests > lock->requests ||
           (silence->asked_ms != 0 && silent_since(k, silence->asked_ms) >= after);
}

static bool silent(const struct known *k)
{
    const struct idem_standing *s = &k->q->standing;
    const struct idem_policy_silence *ask = &k->gate->silence_step_up;

    return k->q->silence.allowed > ask->requests ||
           (silent_since(k, s->strong_ms) >= ask->ms && silent_since(k, s->evidence_ms) >= ask->ms);
}

/* ------------------------------------------------------------------ answers */

static enum idem_gate_level level_of(const struct known *k)
{
    if (k->doubted || k->q->standing.alarmed)
        return IDEM_GATE_LEVEL_NONE;
    if (!k->matches)
        return IDEM_GATE_LEVEL_LOW;
    return k->q->standing.capped ? IDEM_GATE_LEVEL_MEDIUM : IDEM_GATE_LEVEL_HIGH;
}

static void say(const struct known *k, enum idem_gate_verdict verdict, enum idem_gate_cause cause,
                uint32_t line, struct idem_gate_answer *out)
{
    *out = (struct idem_gate_answer){
        .verdict = verdict,
        .cause = cause,
        .level = level_of(k),
        .line = line,
        .max_age_s = k->gate->step_up_max_age_ms / 1000,
    };
}

static bool below_matching(const struct known *k)
{
    return k->class->standing < IDEM_STANDING_MATCHING;
}

static void until_enrolled(const struct known *k, struct idem_gate_answer *out)
{
    const enum idem_policy_until_enrolled answer = k->gate->until_enrolled;
    enum idem_gate_verdict verdict = IDEM_GATE_STEP_UP;

    if (answer == IDEM_UNTIL_ENROLLED_DENY)
        verdict = IDEM_GATE_DENY;
    else if (below_matching(k) && (answer == IDEM_UNTIL_ENROLLED_ALLOW_ORDINARY || k->strong))
        verdict = IDEM_GATE_PASS;
    say(k, verdict, IDEM_GATE_NOT_ENROLLED, k->gate->until_enrolled_line, out);
}

/* Whose behaviour counts for nothing by the policy: the other factor does instead. */
static void exempted(const struct known *k, struct idem_gate_answer *out)
{
    if (below_matching(k))
        say(k, IDEM_GATE_PASS, IDEM_GATE_UNSUSPECTED, k->class->line, out);
    else
        say(k, k->strong ? IDEM_GATE_PASS : IDEM_GATE_STEP_UP, IDEM_GATE_AUTHENTICATED,
            k->class->line, out);
    out->level = IDEM_GATE_LEVEL_LOW;
}

static void ask_for_silence(const struct known *k, struct idem_gate_answer *out)
{
    say(k, IDEM_GATE_STEP_UP, IDEM_GATE_SILENCE, k->gate->silence_step_up.line, out);
    out->for_silence = true;
}

/* Doubt, or nothing to compare where the policy wants something. */
static void unsuspected(const struct known *k, struct idem_gate_answer *out)
{
    const struct idem_policy_rules *rules = k->q->rules;
    const bool doubt = k->doubted && rules->below_step_up.action >= IDEM_GUARD_STEP_UP;
    const bool nothing = (!k->compared || k->stale) && !k->paused &&
                         rules->insufficient.action >= IDEM_GUARD_STEP_UP;

    if (!doubt && !nothing)
        say(k, IDEM_GATE_PASS, IDEM_GATE_UNSUSPECTED, k->class->line, out);
    else if (k->strong && k->q->standing.trust_recent >= rules->step_up.trust)
        say(k, IDEM_GATE_PASS, IDEM_GATE_AUTHENTICATED, k->gate->step_up_line, out);
    else if (doubt)
        say(k, IDEM_GATE_STEP_UP, IDEM_GATE_DOUBT, rules->below_step_up.line, out);
    else
        say(k, IDEM_GATE_STEP_UP, IDEM_GATE_NOTHING_COMPARED, rules->insufficient.line, out);
}

static void matching(const struct known *k, struct idem_gate_answer *out)
{
    enum idem_gate_cause cause = k->doubted                 ? IDEM_GATE_DOUBT
                                 : !k->compared || k->stale ? IDEM_GATE_NOTHING_COMPARED
                                                            : IDEM_GATE_NO_MATCH;
    if (k->matches)
        say(k, IDEM_GATE_PASS, IDEM_GATE_MATCHES, k->class->line, out);
    else
        say(k, IDEM_GATE_STEP_UP, cause, k->class->line, out);
}

/* Nothing is collected, so another factor answers; but for nobody whose behaviour had not matched:
 * he would pause to be asked for it. A word of the seat itself is what any stand-in at it gives. */
static void paused(const struct known *k, struct idem_gate_answer *out)
{
    const bool pass = k->matched && k->vouched;

    if (k->doubted)
        say(k, IDEM_GATE_STEP_UP, IDEM_GATE_DOUBT, k->class->line, out);
    else
        say(k, pass ? IDEM_GATE_PASS : IDEM_GATE_STEP_UP, IDEM_GATE_PAUSED, k->class->line, out);
}

static void of_session(const struct known *k, struct idem_gate_answer *out)
{
    if (k->q->standing.locked)
        say(k, IDEM_GATE_DENY, IDEM_GATE_LOCKED, 0, out);
    else if (!k->exempt && !k->paused && k->q->standing.enrolled && silent_for_lock(k))
        say(k, IDEM_GATE_LOCK, IDEM_GATE_SILENCE, k->gate->silence_lock.line, out);
    else if (k->q->standing.alarmed)
        say(k, IDEM_GATE_STEP_UP, IDEM_GATE_ALARM, 0, out);
    else if (k->exempt)
        exempted(k, out);
    else if (!k->q->standing.enrolled)
        until_enrolled(k, out);
    else if (k->class->standing == IDEM_STANDING_BOUND)
        say(k, IDEM_GATE_PASS, IDEM_GATE_BOUND, k->class->line, out);
    else if (silent(k))
        ask_for_silence(k, out);
    else if (below_matching(k))
        unsuspected(k, out);
    else if (k->paused)
        paused(k, out);
    else
        matching(k, out);
}

void idem_gate_decide(const struct idem_gate_question *question, struct idem_gate_answer *out)
{
    const struct known k = know(question);

    if (!question->stands)
        say(&k, IDEM_GATE_CLOSED, IDEM_GATE_WORKER_STANDS, 0, out);
    else if (!question->bound)
        say(&k, IDEM_GATE_STEP_UP, IDEM_GATE_UNBOUND, 0, out);
    else if (question->other_client)
        say(&k, IDEM_GATE_DENY, IDEM_GATE_OTHER_CLIENT, 0, out);
    else
        of_session(&k, out);
    if (!question->stands || !question->bound || question->other_client ||
        question->standing.locked)
        out->level = IDEM_GATE_LEVEL_NONE;
}
