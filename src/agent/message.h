/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h - everything that the agent's processes can say to each other. There is nothing else:
 * what is not in this file does not cross.
 *
 *               devices, presence, the courier's line
 *     broker ------------------------------------------> sensor
 *       |    <------------------------------------------   |  ^
 *       |        three verbs: cut off, lock, notify        |  | what policy asks for
 *       |                                                  v  |
 *       +------------------------------------------------> courier <---> server
 *           presence, the sensor's line (nothing comes back)
 *
 * A message is one datagram of a SOCK_SEQPACKET pair (line.h): a head and the body of its type, in
 * the machine's own byte order, because it never leaves the machine. Each type has one length,
 * but for windows, and each field a range; idem_message_check() refuses everything else, and
 * whoever receives what it refuses ends the line. Reserved bytes are nought.
 *
 * Which way a type may go is a part of it (the letters of its name: broker, sensor, courier), so
 * that no process takes for an order what a neighbour was only told.
 */
#ifndef IDEM_AGENT_MESSAGE_H
#define IDEM_AGENT_MESSAGE_H

#include "idem/idem.h"

enum idem_message_type {
    /* broker to sensor */
    IDEM_BS_DEVICE = 1, /* idem_device_message, with a read-only evdev descriptor */
    IDEM_BS_GONE,       /* idem_number_message: the device's id */
    IDEM_BS_PRESENCE,   /* idem_presence_message, without the user */
    IDEM_BS_LINE,       /* idem_number_message (0), with the descriptor of a line to the courier */
    IDEM_BS_DONE,       /* idem_done_message: what became of a verb */
    /* sensor to broker: the three verbs */
    IDEM_SB_VERB, /* idem_verb_message */
    /* broker to courier; nothing comes back */
    IDEM_BC_PRESENCE, /* idem_presence_message */
    IDEM_BC_LINE,     /* idem_number_message (0), with the descriptor of a line to the sensor */
    /* sensor to courier */
    IDEM_SC_WINDOW, /* idem_window_message and the window (pack.h) */
    IDEM_SC_ALARM,  /* idem_alarm_message */
    IDEM_SC_STATE,  /* idem_state_message: on each change */
    IDEM_SC_DONE,   /* idem_done_message, handed on */
    /* courier to sensor */
    IDEM_CS_FRONT,    /* idem_number_message: bytes, with a sealed memory file that holds them */
    IDEM_CS_SETTINGS, /* idem_settings_message */
    IDEM_CS_ACT,      /* idem_act_message: what the server's policy asks for */
    IDEM_CS_HEARD,    /* idem_number_message: alarms up to this number need not be sent again */
    IDEM_MESSAGE_TYPES,
};

enum {
    IDEM_MESSAGE_MAX = 64 * 1024, /* bytes, the head included */
    IDEM_DEVICES_MAX = 64,        /* that a sensor reads at once */
    IDEM_USER_MAX = 64,           /* bytes of a user's name, its nought included */
    IDEM_FRONT_MAX = 1024 * 1024, /* bytes of a front */
};

struct idem_message_head {
    uint32_t type; /* enum idem_message_type */
    uint32_t len;  /* of the whole message */
};

/* ------------------------------------------------------------------ devices */

enum {                             /* flags of a device */
       IDEM_DEVICE_HOTPLUGGED = 1, /* appeared after the broker had begun */
       IDEM_DEVICE_TWIN = 2,       /* another attached one has the same vendor and product */
       IDEM_DEVICE_WIRELESS = 4,
       IDEM_DEVICE_FLAGS = 7,
};

/* What a sensor may know of a device: no name, no serial number, no place in the bus. */
struct idem_device_message {
    struct idem_message_head head;
    uint32_t id;     /* given by the broker, from 1, never twice */
    uint32_t group;  /* the same for all event nodes of one physical device */
    uint32_t source; /* enum idem_guard_source */
    uint32_t flags;
    uint16_t vendor, product;
    uint32_t dpi;       /* of a mouse, 0: unknown */
    int64_t arrived_us; /* CLOCK_MONOTONIC; 0: it was there before the broker */
};

/* ------------------------------------------------------------------ presence */

enum idem_presence {
    IDEM_NOBODY = 0, /* no user's session on this seat: it is over */
    IDEM_PRESENT, /* somebody's session is in front and not locked: the only state in which anything
                     is collected */
    IDEM_LOCKED,
    IDEM_AWAY, /* another terminal or the greeter is in front; the session goes on behind it */
    IDEM_SUSPENDED,
    IDEM_REMOTE, /* the session in front is not worked from here */
    IDEM_PRESENCES,
};

struct idem_presence_message {
    struct idem_message_head head;
    uint32_t presence; /* enum idem_presence */
    uint32_t uid;      /* of the session's user; 0 in NOBODY and to a sensor */
    uint32_t unlocked; /* how often this user has shown who he is, by log-ins and unlockings: from
                          nought on after each NOBODY, and with another broker */
    uint32_t reserved;
    char user[IDEM_USER_MAX]; /* empty to a sensor, and in NOBODY; filled up with noughts */
};

/* ------------------------------------------------------------------ verbs */

enum idem_verb {
    IDEM_VERB_CUT_OFF = 1, /* number: a device's id */
    IDEM_VERB_LOCK,        /* number: nought */
    IDEM_VERB_NOTIFY,      /* number: enum idem_notice */
    IDEM_VERBS,
};

/* What can be told to the person at the seat. The broker has the words. */
enum idem_notice {
    IDEM_NOTICE_COLLECTING = 1, /* collection begins */
    IDEM_NOTICE_ACKNOWLEDGE,    /* there is something to read first */
    IDEM_NOTICE_STEP_UP,        /* strong authentication is asked for */
    IDEM_NOTICE_LOCKED,         /* why the screen was locked: it did not seem to be you */
    IDEM_NOTICE_CUT_OFF,        /* a device was cut off */
    IDEM_NOTICE_ALARM,          /* something typed or moved that is no hand; nothing was done */
    IDEM_NOTICE_OFFLINE,        /* locked because the server could not be reached for too long */
    IDEM_NOTICE_UNTOUCHED,      /* locked because nobody touched it */
    IDEM_NOTICE_PAUSED,         /* the pause begins */
    IDEM_NOTICE_RESUMED,        /* the pause is over */
    IDEM_NOTICES,
};

struct idem_verb_message {
    struct idem_message_head head;
    uint32_t verb;   /* enum idem_verb */
    uint32_t number; /* what it is about */
};

/* error: 0 or an idem_error: NOT_FOUND: no such device, nobody's session to lock, nobody to tell;
 * IO: the kernel or logind refused; LIMIT: asked too often. */
struct idem_done_message {
    struct idem_message_head head;
    uint32_t verb, number;
    int32_t error;
    uint32_t reserved;
};

/* ------------------------------------------------------------------ what the sensor says */

struct idem_window_message {
    struct idem_message_head head;
    uint32_t modality; /* enum idem_modality */
    uint32_t strokes, duration_ms;
    uint32_t cells; /* that follow, packed (pack.h) */
    uint64_t front;
};

/*
 * action: what the sensor has asked the broker for by itself, from the rows of its settings.
 *
 * The sensor keeps an alarm until IDEM_CS_HEARD says its number or a later one, and begins a new
 * line with all that it keeps. The courier says so when the alarm is on its disk, or when it has
 * given it up for good: one that dies between the two hears the alarm twice.
 */
struct idem_alarm_message {
    struct idem_message_head head;
    uint64_t number; /* ascending from 1 since the sensor was started */
    uint32_t device; /* its id: for idem_act_message, never sent on */
    uint32_t modality;
    uint32_t kind, action; /* enum idem_guard_kind, enum idem_agent_action */
    float confidence;
    uint32_t saw_count;
    struct {
        uint32_t reason, count; /* enum idem_guard_reason */
        float value;
        uint32_t reserved;
    } saw[IDEM_GUARD_SAW_MAX];
};

struct idem_state_message {
    struct idem_message_head head;
    uint32_t presence;
    uint32_t collecting; /* 1: windows are being made */
    uint32_t keyboards, pointers;
    uint32_t dropped; /* windows that found no courier, since the sensor was started */
    uint32_t broker;  /* 1: there is one */
};

struct idem_number_message {
    struct idem_message_head head;
    uint64_t number;
};

/* ------------------------------------------------------------------ what the courier says */

/* As the policy names them, from the mildest on. */
enum idem_agent_action {
    IDEM_ACTION_OBSERVE = 0,
    IDEM_ACTION_NOTIFY,
    IDEM_ACTION_STEP_UP,
    IDEM_ACTION_LOCK,
    IDEM_ACTION_CUT_OFF, /* and lock */
    IDEM_ACTION_END_SESSION,
    IDEM_ACTIONS,
};

enum { IDEM_GUARD_ROWS = 4 }; /* of a kind, in the policy */

struct idem_guard_row {
    float confidence; /* from here on; rows from the highest down, unused ones above 1 */
    uint32_t action;  /* enum idem_agent_action */
};

/* What a sensor goes by. Until the first one comes it collects nothing, and alarms act by the
 * shipped policy. */
struct idem_settings_message {
    struct idem_message_head head;
    uint32_t collect; /* 1: acknowledged, not paused, not exempted, a front is there */
    uint32_t guard;   /* 1: guards are on: always but for an exemption from them */
    /* Strokes of a window, from IDEM_WINDOW_KEYS and IDEM_WINDOW_GESTURES to 1000: one of a few
     * strokes would be read like a text. */
    uint32_t window_keys, window_gestures;
    uint32_t untouched_s;   /* lock after so long without a touch, from 60 on; 0: never */
    uint32_t step_up_locks; /* 1: asking for step-up is locking the screen */
    struct idem_guard_row rows[IDEM_GUARD_KINDS][IDEM_GUARD_ROWS];
};

/*
 * action: NOTIFY, STEP_UP, LOCK, CUT_OFF or END_SESSION (which is a lock here). A cut-off reaches
 * devices that this sensor has itself alarmed about, of the given modality, and no other: the
 * courier can name none.
 */
struct idem_act_message {
    struct idem_message_head head;
    uint32_t action;
    uint32_t modality; /* of a cut-off */
    uint32_t notice;   /* enum idem_notice: what the person is told, or 0 */
    uint32_t reserved;
};

/* ------------------------------------------------------------------ */

/* True when bytes hold one whole message, of a type that this direction allows, with every field in
 * its range. from, to: 'b', 's' or 'c'. fds: descriptors that came with it. Aligned for any
 * message. */
bool idem_message_check(const void *bytes, size_t len, uint32_t fds, char from, char to);
/* "device", "verb": for logs. */
const char *idem_message_name(uint32_t type);
const char *idem_presence_name(uint32_t presence);
const char *idem_action_name(uint32_t action);
/* By the policy's name: "cut-off-device". IDEM_ERR_NOT_FOUND */
int idem_action_parse(const char *name, enum idem_agent_action *out);
/* What alarms do until a server has said otherwise: the shipped policy's. */
void idem_settings_default(struct idem_settings_message *out);

#endif
