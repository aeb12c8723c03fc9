/* SPDX-License-Identifier: Apache-2.0 */
/* notify.c - see notify.h. */
#include "agent/broker/notify.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/log.h"

enum { LOW = 0, NORMAL = 1, CRITICAL = 2 }; /* urgency, of the desktop notification specification */
enum { ADDRESS_MAX = 64, REPLY_US = 5 * 1000 * 1000 };

static const struct {
    uint8_t urgency;
    const char *head, *text;
} words[IDEM_NOTICES] = {
    [IDEM_NOTICE_COLLECTING] =
        {NORMAL, "Recognition is on",
         "The rhythm of your typing and pointing is measured at this seat, never what you type. "
         "\"idem-agent watch\" shows all that is sent."},
    [IDEM_NOTICE_ACKNOWLEDGE] =
        {NORMAL, "Please read first",
         "Nothing is measured before you have read what is: \"idem-agent acknowledge\"."},
    [IDEM_NOTICE_STEP_UP] = {CRITICAL, "Please show that it is you",
                             "Strong authentication is asked for: \"idem-agent status\" says how."},
    [IDEM_NOTICE_LOCKED] =
        {CRITICAL, "The screen was locked",
         "What was typed or pointed did not seem to be yours. \"idem-agent status\" says more."},
    [IDEM_NOTICE_CUT_OFF] =
        {CRITICAL, "A device was cut off",
         "It typed or pointed as no hand does. Unplug it; plugged in again it starts anew."},
    [IDEM_NOTICE_ALARM] = {CRITICAL, "Typed or pointed, but by no hand",
                           "A device or a program acts in your place. Nothing was cut off. "
                           "\"idem-agent status\" says more."},
    [IDEM_NOTICE_OFFLINE] = {NORMAL, "The screen was locked",
                             "The server could not be reached for longer than the policy allows."},
    [IDEM_NOTICE_UNTOUCHED] = {LOW, "The screen was locked",
                               "Nobody had touched this seat for as long as the policy allows."},
    [IDEM_NOTICE_PAUSED] = {NORMAL, "Recognition pauses",
                            "Nothing is measured until the pause is over or you end it."},
    [IDEM_NOTICE_RESUMED] = {NORMAL, "Recognition is on again", "The pause is over."},
};

/* Told to the person, and to no journal: it would say to the second when somebody was there,
 * paused, had yet to acknowledge, or had left the seat untouched. */
static bool is_private(uint32_t number)
{
    return number == IDEM_NOTICE_COLLECTING || number == IDEM_NOTICE_ACKNOWLEDGE ||
           number == IDEM_NOTICE_PAUSED || number == IDEM_NOTICE_RESUMED ||
           number == IDEM_NOTICE_UNTOUCHED;
}

/* From here on this process is the person's. */
static int become(uint32_t uid)
{
    const struct passwd *who = getpwuid(uid);

    if (uid == geteuid())
        return 0;
    return who != NULL && initgroups(who->pw_name, who->pw_gid) == 0 &&
                   setresgid(who->pw_gid, who->pw_gid, who->pw_gid) == 0 &&
                   setresuid(uid, uid, uid) == 0
               ? 0
               : IDEM_ERR_IO;
}

static int show(sd_bus *bus, uint32_t number)
{
    sd_bus_message *m = NULL;
    int r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.Notifications",
                                           "/org/freedesktop/Notifications",
                                           "org.freedesktop.Notifications", "Notify");

    if (r >= 0)
        r = sd_bus_message_append(m, "susssasa{sv}i", "idem", 0, "security-high",
                                  words[number].head, words[number].text, 0, 1, "urgency", "y",
                                  words[number].urgency, -1);
    if (r >= 0)
        r = sd_bus_call(bus, m, REPLY_US, NULL, NULL);
    sd_bus_message_unref(m);
    return r < 0 ? IDEM_ERR_IO : 0;
}

static int run(const void *arg, uint32_t number)
{
    const struct idem_notify *notify = arg;
    char address[ADDRESS_MAX];
    sd_bus *bus = NULL;

    snprintf(address, sizeof address, "unix:path=/run/user/%u/bus", notify->who->uid);
    if (become(notify->who->uid) != 0 || sd_bus_new(&bus) < 0)
        return IDEM_ERR_IO;
    int err = sd_bus_set_address(bus, notify->bus != NULL ? notify->bus : address) >= 0 &&
                      sd_bus_set_bus_client(bus, 1) >= 0 && sd_bus_start(bus) >= 0
                  ? show(bus, number)
                  : IDEM_ERR_IO;
    sd_bus_flush_close_unref(bus);
    return err;
}

static void next(struct idem_notify *notify);

static void on_end(void *arg, uint32_t number, int err)
{
    if (err != 0 && is_private(number))
        idem_log(IDEM_LOG_INFO, "a notice could not be shown");
    else if (err != 0)
        idem_log(IDEM_LOG_INFO, "no desktop showed \"%s\"", words[number].head);
    next(arg);
}

static void next(struct idem_notify *notify)
{
    uint32_t number = 0;

    while (number < IDEM_NOTICES && (notify->waiting >> number & 1) == 0)
        number++;
    if (number < IDEM_NOTICES &&
        idem_child_start(&notify->children, 1, run, on_end, notify, number) == 0)
        notify->waiting &= ~(1U << number);
}

int idem_notify_show(struct idem_notify *notify, uint32_t number)
{
    if (!is_private(number))
        idem_log(IDEM_LOG_INFO, "notice: %s. %s", words[number].head, words[number].text);
    if (notify->who->user[0] == 0)
        return IDEM_ERR_NOT_FOUND;
    notify->waiting |= 1U << number;
    next(notify);
    return 0;
}
