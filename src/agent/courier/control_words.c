/* SPDX-License-Identifier: Apache-2.0 */
/* control_words.c - see control_words.h. */
#include "agent/courier/control_words.h"

#include <string.h>

static const struct {
    const char *name, *words;
} whys[IDEM_WHYS] = {
    [IDEM_WHY_COLLECTING] = {"collecting", "it collects"},
    [IDEM_WHY_NOT_ENROLLED] = {"not-enrolled",
                               "this computer is not registered at a server (as root: "
                               "idem-agent enrol CODE)"},
    [IDEM_WHY_NO_BROKER] = {"no-broker", "the broker, which hands on devices, is not running "
                                         "(systemctl status idem-broker)"},
    [IDEM_WHY_NO_SENSOR] = {"no-sensor", "the sensor, which reads the devices, is not running "
                                         "(systemctl status idem-sensor)"},
    [IDEM_WHY_NOBODY] = {"nobody", "nobody is logged in at this screen"},
    [IDEM_WHY_REMOTE] = {"remote", "the session is worked from another computer"},
    [IDEM_WHY_LOCKED] = {"locked", "the screen is locked"},
    [IDEM_WHY_AWAY] = {"away", "another terminal is in front"},
    [IDEM_WHY_SUSPENDED] = {"suspended", "the computer is asleep"},
    [IDEM_WHY_NO_SESSION] = {"no-session", "the server has not opened a session yet"},
    [IDEM_WHY_EXEMPT] = {"exempt", "the policy exempts you from it"},
    [IDEM_WHY_NOT_ACKNOWLEDGED] = {"not-acknowledged",
                                   "you have not acknowledged the text that says what it does "
                                   "(idem-agent acknowledge shows it)"},
    [IDEM_WHY_PAUSED] = {"paused", "you have paused it"},
    [IDEM_WHY_NO_DEVICES] = {"no-devices", "there is no keyboard and no pointer"},
    [IDEM_WHY_PERSONAL] = {"personal", "for a reason that is told to the person at the seat only"},
};

static const char *const acks[IDEM_ACKS] = {
    [IDEM_ACK_UNKNOWN] = "unknown", [IDEM_ACK_NOT_ASKED] = "not-required",
    [IDEM_ACK_MISSING] = "missing", [IDEM_ACK_OUTDATED] = "outdated",
    [IDEM_ACK_GIVEN] = "given",
};

const char *idem_control_why_name(enum idem_control_why why)
{
    return (unsigned)why < IDEM_WHYS ? whys[why].name : "unknown";
}

const char *idem_control_why_words(const char *name)
{
    for (size_t i = 0; i < IDEM_WHYS; i++)
        if (strcmp(whys[i].name, name) == 0)
            return whys[i].words;
    return NULL;
}

const char *idem_control_ack_name(enum idem_control_acknowledgement state)
{
    return (unsigned)state < IDEM_ACKS ? acks[state] : "unknown";
}
