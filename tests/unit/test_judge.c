/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_judge.c - what a window means for its session, and what a profile learns when it ends, with
 * two modalities: the keyboard of simulated people, and a pointer of one cell that tells left from
 * right.
 *
 * The cases of judge.h and quarantine.h: the first modality enrols directly, the second only under
 * trust and is thrown away when trust falls; dips, tails and daily shares are left out of what is
 * learned.
 */
#include "people.h"

#include "model/adapt.h"
#include "server/enrol.h"
#include "server/judge.h"
#include "server/metrics.h"
#include "server/pause.h"
#include "server/quarantine.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    OWNER = 101,
    THIEF = 202,
    STEP_MS = 10000,
    GESTURES = 10,
    KEYS = 25,
    ENROL = IDEM_ENROL_KEYS / KEYS, /* windows */
};

static struct idem_population *pop;
static struct idem_judge judge;
static struct idem_wire_reader *reader;
static struct idem_window *gesture_window;

static char dir[32], path[64];
static struct idem_store *store;
static struct idem_people *people;
static struct idem_vault *vault;
static struct idem_ledger *ledger;
static struct idem_sessions *sessions;
static struct idem_session *session;
static int64_t demo;

/* ------------------------------------------------------------------ the world */

/* A pointer model whose first cell carries one direction. */
static void pointer_model(const struct idem_front *front, struct idem_model *model)
{
    assert_int_equal(idem_model_alloc(model, idem_front_shape(front, IDEM_POINTER), 2), 0);
    for (size_t k = 0; k < idem_shape_dims(model->shape); k++) {
        model->weight[k] = 0.5f;
        model->load[2 * k] = k == 0 ? 1.0f : 0.0f;
        model->load[2 * k + 1] = k == 2 ? 1.0f : 0.0f;
    }
    model->reach = 100;
    model->noise[0] = model->noise[1] = 0.05f;
    idem_model_seal(model);
}

static void build_population(void)
{
    struct idem_learn_options opt = people_learn_options();
    struct idem_model model[IDEM_MODALITIES];
    struct idem_model *models[IDEM_MODALITIES] = {&model[0], &model[1]};
    struct idem_front *front = people_front(40, 1000);
    struct idem_corpus corpus;

    assert_int_equal(idem_mixture_alloc(&front->mixture, IDEM_FEATURES, 2, 2), 0);
    assert_int_equal(idem_front_seal(front), 0);
    people_corpus(front, 40, 1000, &corpus);
    assert_int_equal(idem_learn(&corpus, &opt, &model[IDEM_KEYBOARD]), 0);
    idem_corpus_fini(&corpus);
    pointer_model(front, &model[IDEM_POINTER]);
    assert_int_equal(idem_population_build(front, models, &pop), 0);
}

static int make_world(void **state)
{
    (void)state;
    build_population();
    judge.population = pop;
    judge.front = idem_population_front(pop);
    judge.params = idem_trust_defaults();
    assert_int_equal(idem_scorer_new(pop, &judge.scorer), 0);
    assert_int_equal(idem_wire_reader_new(judge.front, &reader), 0);
    return idem_window_new(judge.front, IDEM_POINTER, &gesture_window);
}

static int end_world(void **state)
{
    (void)state;
    idem_window_free(gesture_window);
    idem_wire_reader_free(reader);
    idem_scorer_free(judge.scorer);
    idem_population_free(pop);
    return 0;
}

/* ------------------------------------------------------------------ a session */

static void open_session(void)
{
    struct idem_store_session row = {.organisation = demo, .seat = "seat"};
    uint8_t id[IDEM_ID_BYTES], handle[IDEM_ID_BYTES], person[IDEM_ID_BYTES];

    randombytes_buf(id, sizeof id);
    idem_people_handle(people, "demo", "ada", handle);
    assert_int_equal(idem_people_admit(people, demo, handle, person), 0);
    assert_int_equal(idem_people_admitted(people), 0);
    assert_int_equal(idem_sessions_add(sessions, id, "seat", &session), 0);
    assert_int_equal(idem_people_get(people, demo, person, &session->person), 0);
    assert_int_equal(idem_sessions_open(sessions, session), 0);
    memcpy(row.id, id, sizeof row.id);
    memcpy(row.person, person, sizeof row.person);
    assert_int_equal(idem_people_add(people, session->person, "ada", "", 0), 0);
    assert_int_equal(store->ops->session_add(store, &row), 0);
    session->row = row.row;
    session->clock_ms = session->opened_ms = 1800000000000;
}

static int setup(void **state)
{
    const char *why;
    (void)state;
    strcpy(dir, "/tmp/idem-judge-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/idem.db", dir);
    assert_int_equal(idem_store_sqlite_open(path, &store, NULL), 0);
    assert_int_equal(store->ops->organisation(store, "demo", &demo), 0);
    assert_int_equal(idem_vault_open(dir, true, &vault, &why), 0);
    assert_int_equal(idem_ledger_open(dir, &ledger, &why), 0);
    const struct idem_people_parts parts = {store, vault, ledger};
    assert_int_equal(idem_people_new(dir, &parts, judge.front, &people), 0);
    assert_int_equal(idem_sessions_new(&sessions), 0);
    open_session();
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"idem.db",       "idem.db-wal", "idem.db-shm",
                                        "pseudonym.key", "keys.db-wal", "keys.db-shm",
                                        "keys.db"};
    (void)state;
    idem_sessions_free(sessions);
    idem_people_free(people);
    idem_ledger_close(ledger);
    idem_vault_close(vault);
    store->ops->close(store);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

/* As the worker does: first the row, then the judgement. */
static void receive(const struct idem_window *window)
{
    static uint8_t payload[8192];
    struct idem_store_window row = {.organisation = demo,
                                    .session = session->row,
                                    .previous = session->last_row,
                                    .payload = payload};

    session->clock_ms += STEP_MS;
    row.seq = session->received + 1;
    row.received_ms = session->clock_ms;
    assert_int_equal(
        idem_wire_write_window(judge.front, window, row.seq, payload, sizeof payload, &row.len), 0);
    assert_int_equal(idem_people_seal_window(people, session->person, session->id, &row), 0);
    assert_int_equal(store->ops->window_add(store, &row), 0);
    session->last_row = row.row;
    assert_int_equal(idem_judge_window(&judge, session, window, row.row), 0);
}

static void type_long(uint64_t who, uint64_t seed, int windows, uint32_t keys)
{
    struct person person;
    person_draw(&person, who);
    struct typist typist = typist_new(&person, seed);
    for (int i = 0; i < windows; i++) {
        struct idem_window *w = typist_window(&typist, judge.front, keys);
        receive(w);
        idem_window_free(w);
    }
}

static void type(uint64_t who, uint64_t seed, int windows)
{
    type_long(who, seed, windows, KEYS);
}

/* Windows of gestures to one side: +1 or -1. */
static void move(int side, int windows)
{
    for (int i = 0; i < windows; i++) {
        const int32_t sums[4] = {side * GESTURES * IDEM_GRID, 0, 0, 0};
        assert_int_equal(idem_window_begin(gesture_window, GESTURES, 9000), 0);
        assert_int_equal(idem_window_put(gesture_window, 0, GESTURES * IDEM_GRID, sums), 0);
        assert_int_equal(idem_window_end(gesture_window), 0);
        receive(gesture_window);
    }
}

static const struct idem_template *template_of(enum idem_modality m)
{
    return &session->person->templates[0][m];
}

static double strokes(enum idem_modality m)
{
    return template_of(m)->profile != NULL ? idem_profile_strokes(template_of(m)->profile) : 0;
}

static uint32_t shown(enum idem_modality m)
{
    struct idem_session_view view;
    idem_session_view(session, "demo", &view);
    return view.enrolment.part[m].have;
}

/* Ends the session as the worker does. */
static void end_session(void)
{
    struct idem_session *forgotten;
    struct idem_lesson lesson;

    assert_int_equal(store->ops->begin(store), 0);
    assert_int_equal(
        idem_quarantine_learn(people, store, &judge, reader, session, session->clock_ms, &lesson),
        0);
    assert_int_equal(store->ops->commit(store), 0);
    idem_lesson_apply(&lesson, session);
    idem_sessions_close(sessions, session, &forgotten);
    assert_null(forgotten);
}

/* ------------------------------------------------------------------ enrolment */

static void test_both_modalities_enrol_side_by_side(void **state)
{
    (void)state;
    type(OWNER, 1, ENROL - 1);
    move(1, 9);
    assert_int_equal(session->state, IDEM_STATE_ENROLLING);
    assert_true(strokes(IDEM_KEYBOARD) == IDEM_ENROL_KEYS - KEYS);
    assert_true(strokes(IDEM_POINTER) == 90);
    type(OWNER, 2, 1);
    assert_true(template_of(IDEM_KEYBOARD)->enrolled && template_of(IDEM_KEYBOARD)->unsaved);
    assert_false(template_of(IDEM_POINTER)->enrolled);
    assert_int_equal(session->state, IDEM_STATE_INSUFFICIENT);
    assert_null(session->trust);
}

static void test_the_second_modality_waits_for_trust(void **state)
{
    (void)state;
    type(OWNER, 1, ENROL);
    move(1, 20);
    assert_true(strokes(IDEM_POINTER) == 0);
    assert_int_equal(shown(IDEM_POINTER), IDEM_ENROL_GESTURES);
    assert_false(template_of(IDEM_POINTER)->enrolled);
    type(OWNER, 2, IDEM_QUARANTINE_MARGIN - 1);
    assert_int_equal(session->state, IDEM_STATE_OK);
    move(1, 1);
    assert_false(template_of(IDEM_POINTER)->enrolled);
    type(OWNER, 3, 1);
    move(1, 1);
    assert_true(template_of(IDEM_POINTER)->enrolled);
    assert_true(strokes(IDEM_POINTER) >= IDEM_ENROL_GESTURES);
    assert_null(session->candidate[IDEM_POINTER]);
}

static void test_a_thief_enrols_nothing(void **state)
{
    (void)state;
    type(OWNER, 1, ENROL + 2);
    move(-1, 10);
    type(THIEF, 1, 10);
    assert_true(session->spoiled);
    assert_null(session->candidate[IDEM_POINTER]);
    move(-1, 20);
    assert_int_equal(shown(IDEM_POINTER), 0);
    end_session();
    assert_true(strokes(IDEM_POINTER) == 0);
    assert_true(strokes(IDEM_KEYBOARD) == IDEM_ENROL_KEYS);
}

/* Trust from before the takeover is still fresh, and the thief leaves the keyboard alone. */
static void test_a_thief_who_only_points_enrols_nothing(void **state)
{
    (void)state;
    type(OWNER, 1, ENROL + 6);
    assert_int_equal(session->state, IDEM_STATE_OK);
    move(-1, 20);
    assert_int_equal(session->state, IDEM_STATE_OK);
    assert_false(template_of(IDEM_POINTER)->enrolled);
    end_session();
    assert_true(strokes(IDEM_POINTER) == 0);
}

/* A button's timings come beside gestures: a window of nothing else holds no stroke. */
static void test_timings_alone_enrol_nothing(void **state)
{
    const uint32_t cell = idem_front_cells(judge.front, IDEM_POINTER) - 1;
    const int32_t sums[4] = {0};
    (void)state;
    assert_int_equal(idem_window_begin(gesture_window, IDEM_ENROL_GESTURES, 9000), 0);
    assert_int_equal(idem_window_put(gesture_window, cell, IDEM_ENROL_GESTURES * IDEM_GRID, sums),
                     0);
    assert_int_equal(idem_window_end(gesture_window), 0);
    receive(gesture_window);
    assert_int_equal(shown(IDEM_POINTER), 0);
    assert_false(template_of(IDEM_POINTER)->enrolled);
}

static void test_the_pointer_alone_can_lock(void **state)
{
    (void)state;
    move(1, 15);
    assert_true(template_of(IDEM_POINTER)->enrolled);
    move(1, 5);
    assert_int_equal(session->state, IDEM_STATE_OK);
    for (int i = 0; i < 40 && !session->locked; i++)
        move(-1, 1);
    assert_int_equal(session->state, IDEM_STATE_LOCKED);
    assert_true(session->lock_unsaved);
    assert_true(session->reason_count > 0);
}

/* ------------------------------------------------------------------ what stands */

static struct idem_policy_rules rules_for(enum idem_guard_action ask, enum idem_guard_action lock)
{
    struct idem_policy_rules r = {
        .step_up = {.trust = 0.4, .line = 1},
        .lock = {.trust = 0.1, .line = 2},
        .below_step_up = {ask, 11},
        .below_lock = {lock, 12},
        .insufficient = {IDEM_GUARD_OBSERVE, 13},
        .gate = {.browser_trust_max = 1},
        .enrol_sessions = 1,
    };
    return r;
}

static uint32_t waiting(void)
{
    uint32_t n = 0;
    for (const struct idem_decision *d = session->decisions; d != NULL; d = d->next)
        n++;
    return n;
}

static const struct idem_decision *newest(void)
{
    const struct idem_decision *d = session->decisions;
    while (d != NULL && d->next != NULL)
        d = d->next;
    return d;
}

static void test_policy_says_what_follows_from_trust(void **state)
{
    struct idem_policy_rules observe = rules_for(IDEM_GUARD_OBSERVE, IDEM_GUARD_OBSERVE),
                             notify = rules_for(IDEM_GUARD_OBSERVE, IDEM_GUARD_NOTIFY),
                             lock = rules_for(IDEM_GUARD_STEP_UP, IDEM_GUARD_LOCK);
    (void)state;
    session->rules = &observe;
    type(OWNER, 1, ENROL);
    assert_int_equal(newest()->what.cause, IDEM_CAUSE_ENROLLED);
    for (int m = 0; m < IDEM_MODALITIES; m++) /* as after a transaction */
        session->person->templates[0][m].unsaved = false;
    type(OWNER, 2, 4);
    type(THIEF, 1, 12);
    assert_int_equal(session->state, IDEM_STATE_OK);
    assert_true(session->spoiled && !session->locked); /* it teaches nothing all the same */
    assert_int_equal(waiting(), 1);

    session->rules = &notify;
    assert_true(idem_judge_refresh(session, session->clock_ms));
    assert_int_equal(session->state, IDEM_STATE_OK);
    assert_int_equal(newest()->what.action, IDEM_GUARD_NOTIFY);
    assert_int_equal(newest()->what.line, 12);

    session->rules = &lock;
    session->seen_ms = session->clock_ms;
    idem_judge_anew(session, session->clock_ms);
    assert_int_equal(session->state, IDEM_STATE_LOCKED);
    assert_int_equal(newest()->what.cause, IDEM_CAUSE_BELOW_LOCK);
    assert_int_equal(newest()->outcome, IDEM_OUTCOME_APPLIED);
    assert_true(newest()->threshold == 0.1 && newest()->trust_recent < 0.1);
    assert_int_equal(waiting(), 3);

    session->rules = &observe; /* a lock is kept, and nothing new is decided */
    idem_judge_anew(session, session->clock_ms);
    assert_int_equal(session->state, IDEM_STATE_LOCKED);
    assert_int_equal(waiting(), 3);
    idem_judge_unlock(session);
    assert_int_equal(session->state, IDEM_STATE_OK);
    assert_int_equal(newest()->what.cause, IDEM_CAUSE_AUTHENTICATED);
    assert_true(newest()->logged);
}

static void test_what_is_lifted_says_why(void **state)
{
    struct idem_policy_rules strict = rules_for(IDEM_GUARD_STEP_UP, IDEM_GUARD_STEP_UP),
                             observe = rules_for(IDEM_GUARD_OBSERVE, IDEM_GUARD_OBSERVE);
    (void)state;
    session->rules = &strict;
    type(OWNER, 1, ENROL + 2);
    type(THIEF, 1, 12);
    assert_int_equal(session->state, IDEM_STATE_STEP_UP);
    session->rules = &observe;
    idem_judge_anew(session, session->clock_ms);
    assert_int_equal(session->state, IDEM_STATE_OK);
    assert_int_equal(newest()->what.cause, IDEM_CAUSE_POLICY);
    assert_int_equal(newest()->from, IDEM_STATE_STEP_UP);
    assert_int_equal(newest()->to, IDEM_STATE_OK);
}

static void test_silence_locks_and_says_by_which_line(void **state)
{
    (void)state;
    type(OWNER, 1, ENROL + 4);
    idem_judge_silence(session, IDEM_GUARD_LOCK, 55);
    assert_int_equal(session->state, IDEM_STATE_LOCKED);
    assert_true(session->lock_unsaved);
    assert_int_equal(newest()->what.cause, IDEM_CAUSE_SILENCE);
    assert_int_equal(newest()->what.line, 55);
    idem_judge_unlock(session);
    assert_int_equal(session->state, IDEM_STATE_OK);
}

/* Failing open gives up a lock by behaviour that nobody could record, and never an alarm's. */
static void test_a_lock_that_cannot_be_recorded(void **state)
{
    struct idem_policy_rules rules = rules_for(IDEM_GUARD_STEP_UP, IDEM_GUARD_LOCK);
    (void)state;
    session->rules = &rules;
    type(OWNER, 1, ENROL + 4);
    type(THIEF, 1, 12);
    idem_judge_unrecorded(session);
    assert_int_equal(session->state, IDEM_STATE_LOCKED);
    rules.lock_fails_open = true;
    idem_judge_unrecorded(session);
    assert_false(session->locked);
    assert_int_equal(session->state, IDEM_STATE_STEP_UP);
    assert_int_equal(newest()->outcome, IDEM_OUTCOME_REFUSED_BY_FAIL_MODE);
    idem_judge_refresh(session, session->clock_ms);
    assert_false(session->locked);
    session->lock_refused = false; /* the store takes writes again */
    idem_judge_refresh(session, session->clock_ms);
    assert_int_equal(session->state, IDEM_STATE_LOCKED);
}

enum { MINUTES = 60 * 1000 };

static void pause_from(int64_t from_ms, int64_t until_ms)
{
    session->pause_from_ms = from_ms;
    session->pause_until_ms = until_ms;
    session->pause_unsaved = false;
}

static void test_a_pause_is_no_silence(void **state)
{
    struct idem_policy_rules rules = rules_for(IDEM_GUARD_STEP_UP, IDEM_GUARD_LOCK);
    (void)state;
    rules.insufficient.action = IDEM_GUARD_LOCK;
    rules.seat.pause_allowed = true;
    rules.seat.pause_most_ms = 60 * MINUTES;
    session->rules = &rules;
    type(OWNER, 1, ENROL + 4);
    const int64_t last = session->clock_ms, from = last + 10 * MINUTES, until = from + 30 * MINUTES;

    idem_judge_refresh(session, from);
    assert_int_equal(session->state, IDEM_STATE_OK);
    pause_from(from, until);
    idem_judge_refresh(session, from);
    assert_int_equal(session->state, IDEM_STATE_INSUFFICIENT);
    idem_judge_refresh(session, until - 1);
    assert_true(idem_paused(session, until - 1) && !session->locked);
    idem_judge_refresh(session, until + 5 * MINUTES); /* ten before it and five after: as allowed */
    assert_false(session->locked);
    assert_true(session->pause_until_ms == 0 && session->pause_unsaved);
    assert_true(session->pause_end_ms == until);
    idem_judge_refresh(session, until + 5 * MINUTES + 1);
    assert_true(session->locked);
}

static void test_what_ends_a_pause(void **state)
{
    struct idem_policy_rules rules = rules_for(IDEM_GUARD_STEP_UP, IDEM_GUARD_LOCK);
    (void)state;
    rules.seat.pause_allowed = true;
    rules.seat.pause_most_ms = 30 * MINUTES;
    session->rules = &rules;
    const int64_t now = session->clock_ms;

    pause_from(now, now + 20 * MINUTES);
    idem_judge_refresh(session, now + 1);
    assert_true(idem_paused(session, now + 1));
    session->doubts = 1; /* something asks for strong authentication */
    idem_judge_refresh(session, now + 2);
    assert_true(session->pause_until_ms == 0 && session->pause_end_ms == now + 2);
    session->doubts = 0;

    pause_from(now, now + 20 * MINUTES);
    rules.seat.pause_most_ms = 10 * MINUTES; /* another policy */
    idem_judge_refresh(session, now + 10 * MINUTES - 1);
    assert_true(session->pause_until_ms != 0);
    idem_judge_refresh(session, now + 10 * MINUTES);
    assert_true(session->pause_until_ms == 0);

    pause_from(now, now + 20 * MINUTES);
    rules.seat.pause_allowed = false;
    idem_judge_refresh(session, now + 1);
    assert_true(session->pause_until_ms == 0);

    rules.seat.pause_allowed = true; /* the clock was set back: it would last for days */
    pause_from(now + 24 * 60 * MINUTES, now + 24 * 60 * MINUTES + 5 * MINUTES);
    idem_judge_refresh(session, now);
    assert_true(session->pause_until_ms == 0);
}

/* A seat that has not been heard of for a minute is not told at once. */
static void test_a_silent_seat_is_not_reached(void **state)
{
    struct idem_policy_rules rules = rules_for(IDEM_GUARD_STEP_UP, IDEM_GUARD_LOCK);
    (void)state;
    rules.insufficient.action = IDEM_GUARD_LOCK;
    session->rules = &rules;
    type(OWNER, 1, ENROL + 4);
    session->seen_ms = session->clock_ms;
    idem_judge_refresh(session, session->clock_ms + 16 * 60 * 1000);
    assert_int_equal(session->state, IDEM_STATE_LOCKED);
    assert_int_equal(newest()->what.cause, IDEM_CAUSE_INSUFFICIENT);
    assert_int_equal(newest()->outcome, IDEM_OUTCOME_SEAT_NOT_REACHED);
}

/* Behind a locked screen there is little to say; a seat that has said so is there. */
static void test_a_seat_that_has_said_when_it_will_be_heard(void **state)
{
    struct idem_policy_rules rules = rules_for(IDEM_GUARD_STEP_UP, IDEM_GUARD_LOCK);
    (void)state;
    rules.insufficient.action = IDEM_GUARD_STEP_UP;
    session->rules = &rules;
    session->opening.kind = IDEM_SESSION_AGENT;
    type(OWNER, 1, ENROL + 4);
    const int64_t heard = session->clock_ms + 5 * MINUTES + 10 * 1000, now = heard + 660 * 1000;

    idem_session_expect(session, heard, 600);
    idem_judge_refresh(session, now);
    assert_int_equal(newest()->what.cause, IDEM_CAUSE_INSUFFICIENT);
    assert_int_equal(newest()->outcome, IDEM_OUTCOME_APPLIED);

    session->stands = (struct idem_stands){0}; /* a minute later than said */
    idem_judge_refresh(session, now + 1);
    assert_int_equal(newest()->outcome, IDEM_OUTCOME_SEAT_NOT_REACHED);

    session->stands = (struct idem_stands){0}; /* heard without a promise */
    idem_session_expect(session, heard, 600);
    idem_session_expect(session, heard, 0);
    idem_judge_refresh(session, heard + 660 * 1000);
    assert_int_equal(newest()->outcome, IDEM_OUTCOME_SEAT_NOT_REACHED);
}

/* Somebody who opens a session and then does nothing at all. */
static void test_silence_from_the_start_is_silence(void **state)
{
    struct idem_policy_rules rules = rules_for(IDEM_GUARD_STEP_UP, IDEM_GUARD_LOCK);
    (void)state;
    rules.insufficient.action = IDEM_GUARD_STEP_UP;
    type(OWNER, 1, ENROL);
    session->rules = &rules;
    session->opened_ms = session->clock_ms;
    idem_judge_refresh(session, session->clock_ms + 14 * 60 * 1000);
    assert_int_equal(session->state, IDEM_STATE_INSUFFICIENT);
    assert_null(session->trust);
    idem_judge_refresh(session, session->clock_ms + 16 * 60 * 1000);
    assert_int_equal(session->state, IDEM_STATE_STEP_UP);
    assert_int_equal(newest()->what.cause, IDEM_CAUSE_INSUFFICIENT);
}

/* Trust that rises and falls on purpose fills no log; a lock is written all the same. */
static void test_a_session_has_so_many_lines(void **state)
{
    struct idem_policy_rules strict = rules_for(IDEM_GUARD_STEP_UP, IDEM_GUARD_STEP_UP),
                             lock = rules_for(IDEM_GUARD_STEP_UP, IDEM_GUARD_LOCK),
                             observe = rules_for(IDEM_GUARD_OBSERVE, IDEM_GUARD_OBSERVE);
    uint32_t lines = 0;
    (void)state;
    session->rules = &observe;
    type(OWNER, 1, ENROL + 2);
    type(THIEF, 1, 12);
    for (int i = 0; i < 300; i++) {
        idem_decisions_free(session);
        session->rules = i % 2 == 0 ? &strict : &observe;
        idem_judge_refresh(session, session->clock_ms);
        assert_int_equal(waiting(), 1);
        lines += !newest()->logged;
    }
    assert_true(lines > 90 && lines <= IDEM_DECISIONS_LOGGED_MAX);
    session->rules = &lock;
    idem_judge_refresh(session, session->clock_ms);
    assert_int_equal(newest()->what.action, IDEM_GUARD_LOCK);
    assert_false(newest()->logged);
}

/* After a restart only what is not in the log yet is decided again. */
static void test_a_replay_decides_what_is_not_logged(void **state)
{
    (void)state;
    session->replaying = true;
    session->decided_row = INT64_MAX;
    type(OWNER, 1, ENROL + 4);
    type(THIEF, 1, 12);
    assert_int_equal(session->state, IDEM_STATE_LOCKED);
    assert_int_equal(waiting(), 0);
}

static void test_enrolment_under_way_is_kept_when_the_session_ends(void **state)
{
    (void)state;
    type(OWNER, 1, 4);
    move(1, 3);
    end_session();
    assert_true(strokes(IDEM_KEYBOARD) == 100 && strokes(IDEM_POINTER) == 30);
    open_session();
    assert_true(strokes(IDEM_KEYBOARD) == 100);
    type(OWNER, 2, ENROL - 4);
    assert_true(template_of(IDEM_KEYBOARD)->enrolled);
}

static void test_a_candidate_is_kept_only_by_a_session_that_was_judged(void **state)
{
    (void)state;
    type(OWNER, 1, ENROL);
    move(-1, 5);
    end_session(); /* not one window could be judged */
    assert_true(strokes(IDEM_POINTER) == 0);
    open_session();
    move(1, 5);
    type(OWNER, 2, IDEM_QUARANTINE_MARGIN);
    end_session();
    assert_true(strokes(IDEM_POINTER) == 50);
    assert_false(template_of(IDEM_POINTER)->enrolled);
}

/* ------------------------------------------------------------------ quarantine */

static void test_a_quiet_session_teaches_its_daily_share(void **state)
{
    const struct idem_adapt_rules rules = idem_adapt_defaults(IDEM_KEYBOARD);
    (void)state;
    type(OWNER, 1, ENROL);
    type(OWNER, 2, 30);
    end_session();
    double learned = strokes(IDEM_KEYBOARD) - IDEM_ENROL_KEYS;
    assert_true(rules.per_day * IDEM_ENROL_KEYS < 5 * KEYS);
    assert_true(learned == 4 * KEYS); /* whole windows, the newest */
    assert_true(template_of(IDEM_KEYBOARD)->day_strokes == learned);
}

/* One window is longer than the day's share: it is learned in part, and nothing after it. */
static void test_a_window_beyond_the_share_is_learned_in_part(void **state)
{
    const double share = idem_adapt_defaults(IDEM_KEYBOARD).per_day * IDEM_ENROL_KEYS;
    (void)state;
    type(OWNER, 1, ENROL);
    type_long(OWNER, 2, 8, (uint32_t)(1.5 * share));
    end_session();
    assert_true(strokes(IDEM_KEYBOARD) > IDEM_ENROL_KEYS + share - 1);
    assert_true(strokes(IDEM_KEYBOARD) < IDEM_ENROL_KEYS + share + 1);
    assert_int_equal(idem_profile_windows(template_of(IDEM_KEYBOARD)->profile), ENROL + 1);
}

static void test_the_last_windows_teach_nothing(void **state)
{
    (void)state;
    type(OWNER, 1, ENROL);
    type(OWNER, 5, IDEM_QUARANTINE_MARGIN + 1);
    end_session();
    assert_true(strokes(IDEM_KEYBOARD) == IDEM_ENROL_KEYS + KEYS);
}

static void test_windows_near_a_dip_teach_nothing(void **state)
{
    (void)state;
    type(OWNER, 1, ENROL);
    type(OWNER, 2, 12);
    /* of ENROL .. ENROL + 11: two before the dip, and with enough after them */
    session->dips[session->dip_count++] = (struct idem_dip){ENROL + 2, ENROL + 10};
    end_session();
    assert_true(strokes(IDEM_KEYBOARD) == IDEM_ENROL_KEYS + 2 * KEYS);
}

static void test_a_profile_forgets_beyond_its_size(void **state)
{
    const double most = idem_adapt_defaults(IDEM_KEYBOARD).strokes_most;
    struct idem_template *t = NULL;
    (void)state;
    type(OWNER, 1, ENROL);
    t = &session->person->templates[0][IDEM_KEYBOARD];
    while (strokes(IDEM_KEYBOARD) <= most)
        assert_int_equal(idem_profile_merge(t->profile, t->profile), 0);
    type(OWNER, 2, 30);
    end_session();
    assert_true(strokes(IDEM_KEYBOARD) > most - 1);
    assert_true(strokes(IDEM_KEYBOARD) < most + 1);
}

static void test_the_enrolment_stays_the_anchor(void **state)
{
    (void)state;
    type(OWNER, 1, ENROL);
    assert_null(template_of(IDEM_KEYBOARD)->anchor);
    type(OWNER, 2, 30);
    end_session();
    for (int day = 1; day <= 3; day++) {
        assert_true(idem_profile_strokes(template_of(IDEM_KEYBOARD)->anchor) == IDEM_ENROL_KEYS);
        assert_true(strokes(IDEM_KEYBOARD) > IDEM_ENROL_KEYS);
        open_session();
        session->clock_ms += day * 24 * INT64_C(3600000);
        type(OWNER, 2 + (uint64_t)day, 30);
        end_session();
    }
    assert_true(strokes(IDEM_KEYBOARD) > 1.4 * IDEM_ENROL_KEYS);
}

/* Windows of somebody whom trust did not notice: the lesson as a whole is too far off. */
static void test_a_lesson_too_far_off_is_refused(void **state)
{
    (void)state;
    type(OWNER, 1, ENROL);
    type(THIEF, 1, 3);
    type(OWNER, 2, IDEM_QUARANTINE_MARGIN);
    session->dip_count = 0;
    session->spoiled = session->locked = false;
    idem_trust_step_up(session->trust, session->clock_ms * 1000);
    int64_t refused = idem_metric_read(IDEM_METRIC_DRIFTS);
    end_session();
    assert_int_equal(idem_metric_read(IDEM_METRIC_DRIFTS), refused + 1);
    assert_true(strokes(IDEM_KEYBOARD) == IDEM_ENROL_KEYS);
    assert_null(template_of(IDEM_KEYBOARD)->anchor);
    assert_true(template_of(IDEM_KEYBOARD)->day_strokes == 0);
}

static void test_what_was_learned_is_what_the_store_holds(void **state)
{
    struct idem_person *person = session->person;
    uint8_t id[IDEM_ID_BYTES];
    (void)state;
    memcpy(id, person->id, sizeof id);
    type(OWNER, 1, ENROL);
    move(1, 3);
    type(OWNER, 2, 20);
    end_session();
    double keys = strokes(IDEM_KEYBOARD), gestures = strokes(IDEM_POINTER);
    idem_people_put(people, person);
    assert_int_equal(idem_people_get(people, demo, id, &person), 0);
    session->person = person;
    assert_true(strokes(IDEM_KEYBOARD) == keys && strokes(IDEM_POINTER) == gestures);
    assert_true(template_of(IDEM_KEYBOARD)->enrolled);
    assert_true(idem_profile_strokes(template_of(IDEM_KEYBOARD)->anchor) == IDEM_ENROL_KEYS);
    assert_null(template_of(IDEM_POINTER)->anchor);
}

/* ------------------------------------------------------------------ who may enrol whom */

static struct idem_policy_rules strict = {
    .trusted_start = true, .enrol_sessions = 2, .gate.browser_trust_max = 0.9};

static const char *waits(void)
{
    struct idem_session_view view;
    idem_session_view(session, "demo", &view);
    return view.enrolment.waits_for != NULL ? view.enrolment.waits_for : "nothing";
}

/* Some hours after the one before. */
static void open_another(enum idem_session_kind kind, enum idem_session_start start)
{
    const int64_t later = session->clock_ms + INT64_C(2) * 3600 * 1000;

    open_session();
    session->clock_ms = session->opened_ms = later;
    session->rules = &strict;
    session->opening.kind = kind;
    session->opening.start = start;
}

static void test_nobody_enrols_whom_nobody_vouched_for(void **state)
{
    (void)state;
    session->rules = &strict;
    type(OWNER, 1, ENROL);
    assert_true(strokes(IDEM_KEYBOARD) == 0);
    assert_string_equal(waits(), "trusted-start");
    assert_int_equal(session->state, IDEM_STATE_ENROLLING);
    /* Confirmed: what came before still is nobody's. */
    session->opening.start = IDEM_START_SUPERVISED;
    session->start_row = session->last_row;
    assert_false(idem_enrol_may(session, session->start_row));
    type(OWNER, 2, 1);
    assert_true(strokes(IDEM_KEYBOARD) == KEYS);
    assert_string_equal(waits(), "nothing");
}

static void test_one_sitting_is_not_enough(void **state)
{
    (void)state;
    session->rules = &strict;
    session->opening.start = IDEM_START_STRONG;
    type(OWNER, 1, 3 * ENROL);
    assert_true(strokes(IDEM_KEYBOARD) == IDEM_ENROL_KEYS); /* no session gives more */
    assert_false(template_of(IDEM_KEYBOARD)->enrolled);
    assert_string_equal(waits(), "another-session");
    end_session();
    assert_false(template_of(IDEM_KEYBOARD)->enrolled);
    open_another(IDEM_SESSION_AGENT, IDEM_START_NONE);
    type(OWNER, 2, 3);
    assert_false(template_of(IDEM_KEYBOARD)->enrolled);
    end_session();
    open_another(IDEM_SESSION_AGENT, IDEM_START_STRONG);
    type(OWNER, 3, ENROL / 2 - 1);
    assert_false(template_of(IDEM_KEYBOARD)->enrolled); /* its share is half */
    type(OWNER, 4, 1);
    assert_true(template_of(IDEM_KEYBOARD)->enrolled);
    assert_int_equal(template_of(IDEM_KEYBOARD)->sessions, 2);
}

/* Two people who sit down one after the other are one occasion. */
static void test_a_session_right_after_does_not_count(void **state)
{
    (void)state;
    session->rules = &strict;
    session->opening.start = IDEM_START_STRONG;
    type(OWNER, 1, ENROL);
    const int64_t end = session->clock_ms;
    end_session();
    open_another(IDEM_SESSION_AGENT, IDEM_START_STRONG);
    session->opened_ms = session->clock_ms = end;
    type(OWNER, 2, ENROL);
    assert_int_equal(template_of(IDEM_KEYBOARD)->sessions, 1);
    assert_false(template_of(IDEM_KEYBOARD)->enrolled);
    assert_string_equal(waits(), "another-session");
    end_session();
    open_another(IDEM_SESSION_AGENT, IDEM_START_STRONG);
    type(OWNER, 3, ENROL / 2);
    assert_true(template_of(IDEM_KEYBOARD)->enrolled);
}

/* A second modality too: a candidate that is complete waits for its second session. */
static void test_a_candidate_takes_two_sessions_too(void **state)
{
    (void)state;
    type(OWNER, 1, ENROL);
    assert_true(template_of(IDEM_KEYBOARD)->enrolled);
    session->rules = &strict;
    session->opening.start = IDEM_START_STRONG;
    session->opening.kind = IDEM_SESSION_AGENT;
    move(1, 20);
    type(OWNER, 2, 5);
    move(1, 1);
    assert_false(template_of(IDEM_POINTER)->enrolled);
    end_session();
    assert_false(template_of(IDEM_POINTER)->enrolled);
    assert_true(strokes(IDEM_POINTER) >= IDEM_ENROL_GESTURES);
    open_another(IDEM_SESSION_AGENT, IDEM_START_STRONG);
    move(1, 10);
    type(OWNER, 3, 5);
    move(1, 1);
    assert_true(template_of(IDEM_POINTER)->enrolled);
    assert_int_equal(template_of(IDEM_POINTER)->sessions, 2);
}

static void test_an_alarm_takes_its_session_off_the_count(void **state)
{
    struct idem_guard_alarm alarm = {.verdict.kind = IDEM_GUARD_INJECTED_KEYS};
    (void)state;
    session->rules = &strict;
    session->opening.start = IDEM_START_STRONG;
    type(OWNER, 1, ENROL - 1);
    assert_int_equal(template_of(IDEM_KEYBOARD)->sessions, 1);
    idem_guard_alarm_take(session, &alarm);
    assert_int_equal(idem_quarantine_withdraw(people, store, &judge, reader, session), 0);
    assert_true(strokes(IDEM_KEYBOARD) == 0);
    assert_int_equal(template_of(IDEM_KEYBOARD)->sessions, 0);
}

static void test_unsigned_evidence_speaks_for_nobody_beyond_its_cap(void **state)
{
    (void)state;
    type(OWNER, 1, ENROL + 12);
    const double signed_trust = session->reading.trust;
    session->rules = &strict;
    session->opening.kind = IDEM_SESSION_WEB;
    idem_judge_refresh(session, session->clock_ms);
    assert_true(signed_trust > 0.9 && session->reading.trust == 0.9);
    assert_true(session->reading.p_owner <= 0.9);
    session->opening.kind = IDEM_SESSION_AGENT;
    idem_judge_refresh(session, session->clock_ms);
    assert_true(session->reading.trust == signed_trust);
    session->opening.kind = IDEM_SESSION_WEB;
    type(THIEF, 1, 10);
    assert_true(session->reading.trust < 0.5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_both_modalities_enrol_side_by_side),
        TEST(test_the_second_modality_waits_for_trust),
        TEST(test_a_thief_enrols_nothing),
        TEST(test_a_thief_who_only_points_enrols_nothing),
        TEST(test_timings_alone_enrol_nothing),
        TEST(test_the_pointer_alone_can_lock),
        TEST(test_policy_says_what_follows_from_trust),
        TEST(test_what_is_lifted_says_why),
        TEST(test_silence_locks_and_says_by_which_line),
        TEST(test_a_lock_that_cannot_be_recorded),
        TEST(test_a_silent_seat_is_not_reached),
        TEST(test_a_seat_that_has_said_when_it_will_be_heard),
        TEST(test_a_pause_is_no_silence),
        TEST(test_what_ends_a_pause),
        TEST(test_silence_from_the_start_is_silence),
        TEST(test_a_session_has_so_many_lines),
        TEST(test_a_replay_decides_what_is_not_logged),
        TEST(test_enrolment_under_way_is_kept_when_the_session_ends),
        TEST(test_a_candidate_is_kept_only_by_a_session_that_was_judged),
        TEST(test_a_quiet_session_teaches_its_daily_share),
        TEST(test_a_window_beyond_the_share_is_learned_in_part),
        TEST(test_the_last_windows_teach_nothing),
        TEST(test_windows_near_a_dip_teach_nothing),
        TEST(test_a_profile_forgets_beyond_its_size),
        TEST(test_the_enrolment_stays_the_anchor),
        TEST(test_a_lesson_too_far_off_is_refused),
        TEST(test_what_was_learned_is_what_the_store_holds),
        TEST(test_nobody_enrols_whom_nobody_vouched_for),
        TEST(test_one_sitting_is_not_enough),
        TEST(test_a_candidate_takes_two_sessions_too),
        TEST(test_a_session_right_after_does_not_count),
        TEST(test_an_alarm_takes_its_session_off_the_count),
        TEST(test_unsigned_evidence_speaks_for_nobody_beyond_its_cap),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
