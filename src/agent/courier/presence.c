/* SPDX-License-Identifier: Apache-2.0 */
/*
 * presence.c - what the broker says of the seat, and what follows from it here.
 *
 *   nobody, remote   the person's session is sent what waits, and closed (session.c)
 *   present          a session is opened or goes on; windows are collected if all else is in order
 *   locked, away,    the session goes on, asked for now and then so that it stays; the sensor,
 *   suspended        which hears it from the broker, makes nothing
 *   another user     the one's session ends and the other's begins. What is known of the one's
 *                    rules and acknowledgement is not the other's
 *   unlocked grows   the server is told (strong authentication), where policy lets that count
 *   broker gone      nothing is collected until there is one: nobody would lock the screen
 *
 * Failing closed: present and the server not reached for as long as policy says, counted from the
 * last answer or the last unlocking, whichever is later: whoever opens the screen has that time to
 * mend the network. While nobody can work here (locked, asleep, nobody, from afar) the time stands
 * still. At another terminal it runs on, and nothing but an unlocking, a log-in or another person
 * begins it anew: it takes no more than two keys to go to a terminal and back.
 */
#include "agent/courier/courier.h"

#include <string.h>

#include "base/log.h"

bool idem_presence_is_here(const struct idem_courier *c)
{
    return c->seat.presence != IDEM_NOBODY && c->seat.presence != IDEM_REMOTE && c->person[0] != 0;
}

bool idem_presence_may_collect(const struct idem_courier *c)
{
    return c->enrolled && idem_lines_stand(&c->broker) && idem_presence_is_here(c) &&
           strcmp(c->rules_of, c->person) == 0 && idem_learning_is_acknowledged(c) &&
           !c->rules.exempt_behaviour && c->pause.state != IDEM_PAUSE_ON && c->front != NULL &&
           !idem_session_is_left(c);
}

/* ------------------------------------------------------------------ failing closed */

void idem_presence_offline(struct idem_courier *c)
{
    int64_t since = c->reached_us > c->begun_us ? c->reached_us : c->begun_us;
    bool counts = c->seat.presence == IDEM_PRESENT && c->person[0] != 0 && c->rules.fail_closed &&
                  strcmp(c->rules_of, c->person) == 0;

    if (!counts || (c->offline_done && c->offline_at == c->seat.unlocked)) {
        idem_loop_after(&c->loop, &c->offline, -1);
        return;
    }
    int64_t left = since + (int64_t)c->rules.fail_after_s * IDEM_COURIER_SECOND - idem_loop_now();
    idem_loop_after(&c->loop, &c->offline, left < 0 ? 0 : left);
}

static void too_long(void *arg)
{
    struct idem_courier *c = arg;
    struct idem_act_message act;

    idem_log(IDEM_LOG_INFO, "courier: the server was not reached for %u s: policy locks the seat",
             c->rules.fail_after_s);
    c->offline_done = true;
    c->offline_at = c->seat.unlocked;
    idem_act_message(IDEM_ACTION_LOCK, 0, IDEM_NOTICE_OFFLINE, &act);
    idem_lines_act(c, &act);
}

/* ------------------------------------------------------------------ the pause */

static void schedule_pause(struct idem_courier *c)
{
    int64_t now = idem_loop_now();

    idem_loop_after(&c->loop, &c->pausing, idem_pause_due_us(&c->pause, now));
}

void idem_presence_paused(struct idem_courier *c, enum idem_pause_step step)
{
    if (step == IDEM_PAUSE_BEGINS || step == IDEM_PAUSE_ENDS) {
        c->pause_wanted = true;
        idem_lines_notify(c, step == IDEM_PAUSE_BEGINS ? IDEM_NOTICE_PAUSED : IDEM_NOTICE_RESUMED);
    }
    schedule_pause(c);
    idem_lines_update(c);
    idem_ask_changed(c);
}

static void pause_due(void *arg)
{
    struct idem_courier *c = arg;

    idem_presence_paused(c, idem_pause_due(&c->pause, idem_loop_now()));
    idem_session_step(c);
}

/* ------------------------------------------------------------------ the broker's word */

void idem_presence_init(struct idem_courier *c)
{
    c->offline = (struct idem_timer){.due = too_long, .arg = c};
    c->pausing = (struct idem_timer){.due = pause_due, .arg = c};
    c->begun_us = c->still_us = idem_loop_now();
}

/* Nobody works here, so that no time counts. */
static bool is_still(const struct idem_presence_message *seat)
{
    return seat->presence != IDEM_PRESENT && seat->presence != IDEM_AWAY;
}

/* Out of one presence into the next: what of the time without a server has counted so far. */
static void count_time(struct idem_courier *c, const struct idem_presence_message *before)
{
    int64_t now = idem_loop_now();
    int64_t since = c->reached_us > c->begun_us ? c->reached_us : c->begun_us;

    if (is_still(&c->seat) && !is_still(before))
        c->still_us = now;
    if (is_still(&c->seat) || !is_still(before))
        return;
    since += now - c->still_us;
    c->begun_us = since < now ? since : now;
}

/* Somebody else is at the seat, or nobody. */
static void other_user(struct idem_courier *c)
{
    idem_lines_shut_x11(c);
    idem_ask_refuse_all(c, "over", "Somebody else is at the seat now.");
    c->changed_us = idem_loop_now();
    if (c->person[0] != 0)
        memcpy(c->before, c->person, sizeof c->before);
    if (c->seat.user[0] == 0 || c->seat.presence == IDEM_NOBODY)
        c->person[0] = 0;
    else if (idem_courier_person(&c->config, c->seat.user, c->person) != 0) {
        idem_log(IDEM_LOG_ERROR, "courier: config: a user's name is too long for the server");
        c->person[0] = 0;
    }
    idem_lines_settle(c);
    c->told_collecting = c->told_acknowledge = c->offline_done = false;
    c->acted = (struct idem_act_once){0};
    c->strong_told = 0;
    if (c->person[0] != 0 && strcmp(c->rules_of, c->person) != 0)
        idem_learning_forget(c);
}

/* Another person than the last one, or the same who has shown who he is. */
static bool begins_anew(const struct idem_courier *c, const struct idem_presence_message *before,
                        bool other)
{
    if (c->person[0] == 0)
        return false;
    return (other && strcmp(c->person, c->before) != 0) ||
           (c->seat.unlocked > 0 && c->seat.unlocked != before->unlocked);
}

/* Somebody is back: time begins anew if he has shown who he is, and a server that was away is asked
 * at once. */
static void back(struct idem_courier *c, const struct idem_presence_message *before, bool other)
{
    count_time(c, before);
    if (begins_anew(c, before, other))
        c->begun_us = idem_loop_now();
    if (!c->was_told_to_wait && c->seat.presence == IDEM_PRESENT &&
        (other || c->seat.unlocked != before->unlocked || before->presence != IDEM_PRESENT))
        c->not_before_us = 0;
}

void idem_presence_take(struct idem_courier *c, const struct idem_presence_message *message)
{
    struct idem_presence_message before = c->seat;
    bool other = before.uid != message->uid || strcmp(before.user, message->user) != 0;

    c->seat = *message;
    c->seat_known = true;
    c->announced = c->announced && message->presence != IDEM_PRESENT;
    if (other)
        other_user(c);
    if (message->unlocked < c->strong_told) /* another broker counts from nought on */
        c->strong_told = message->unlocked;
    back(c, &before, other);
    idem_control_presence(c->control, message);
    idem_presence_paused(c, idem_pause_presence(&c->pause, message, idem_loop_now()));
    idem_presence_offline(c);
    idem_lines_update(c);
    idem_session_step(c);
}

void idem_presence_lost(struct idem_courier *c)
{
    idem_control_presence(c->control, NULL);
    idem_presence_paused(c, idem_pause_presence(&c->pause, NULL, idem_loop_now()));
}
