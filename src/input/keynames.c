/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keynames.c - see keynames.h. Names of one character take one look into a table, longer ones a
 * binary search.
 */
#include "input/keynames.h"

#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LEN = 11 };

struct name {
    char text[NAME_MAX_LEN + 1];
    uint8_t code;
};

/* The printable keys of the US layout, lower case, by their character. 0: no such key. */
static const uint8_t characters[128] = {
    ['a'] = KEY_A,          ['b'] = KEY_B,          ['c'] = KEY_C,         ['d'] = KEY_D,
    ['e'] = KEY_E,          ['f'] = KEY_F,          ['g'] = KEY_G,         ['h'] = KEY_H,
    ['i'] = KEY_I,          ['j'] = KEY_J,          ['k'] = KEY_K,         ['l'] = KEY_L,
    ['m'] = KEY_M,          ['n'] = KEY_N,          ['o'] = KEY_O,         ['p'] = KEY_P,
    ['q'] = KEY_Q,          ['r'] = KEY_R,          ['s'] = KEY_S,         ['t'] = KEY_T,
    ['u'] = KEY_U,          ['v'] = KEY_V,          ['w'] = KEY_W,         ['x'] = KEY_X,
    ['y'] = KEY_Y,          ['z'] = KEY_Z,          ['0'] = KEY_0,         ['1'] = KEY_1,
    ['2'] = KEY_2,          ['3'] = KEY_3,          ['4'] = KEY_4,         ['5'] = KEY_5,
    ['6'] = KEY_6,          ['7'] = KEY_7,          ['8'] = KEY_8,         ['9'] = KEY_9,
    ['`'] = KEY_GRAVE,      ['-'] = KEY_MINUS,      ['='] = KEY_EQUAL,     ['['] = KEY_LEFTBRACE,
    [']'] = KEY_RIGHTBRACE, ['\\'] = KEY_BACKSLASH, [';'] = KEY_SEMICOLON, ['\''] = KEY_APOSTROPHE,
    [','] = KEY_COMMA,      ['.'] = KEY_DOT,        ['/'] = KEY_SLASH,     [' '] = KEY_SPACE,
};

/* Sorted by strcmp: looked up by bsearch. */
static const struct name names[] = {
    {"alt", KEY_LEFTALT},
    {"altgr", KEY_RIGHTALT},
    {"backspace", KEY_BACKSPACE},
    {"capslock", KEY_CAPSLOCK},
    {"ctrl", KEY_LEFTCTRL},
    {"delete", KEY_DELETE},
    {"down", KEY_DOWN},
    {"end", KEY_END},
    {"enter", KEY_ENTER},
    {"escape", KEY_ESC},
    {"f1", KEY_F1},
    {"f10", KEY_F10},
    {"f11", KEY_F11},
    {"f12", KEY_F12},
    {"f2", KEY_F2},
    {"f3", KEY_F3},
    {"f4", KEY_F4},
    {"f5", KEY_F5},
    {"f6", KEY_F6},
    {"f7", KEY_F7},
    {"f8", KEY_F8},
    {"f9", KEY_F9},
    {"home", KEY_HOME},
    {"insert", KEY_INSERT},
    {"left", KEY_LEFT},
    {"menu", KEY_COMPOSE},
    {"meta", KEY_LEFTMETA},
    {"num*", KEY_KPASTERISK},
    {"num+", KEY_KPPLUS},
    {"num-", KEY_KPMINUS},
    {"num.", KEY_KPDOT},
    {"num/", KEY_KPSLASH},
    {"num0", KEY_KP0},
    {"num1", KEY_KP1},
    {"num2", KEY_KP2},
    {"num3", KEY_KP3},
    {"num4", KEY_KP4},
    {"num5", KEY_KP5},
    {"num6", KEY_KP6},
    {"num7", KEY_KP7},
    {"num8", KEY_KP8},
    {"num9", KEY_KP9},
    {"numdel", KEY_KPDOT},
    {"numdown", KEY_KP2},
    {"numend", KEY_KP1},
    {"numins", KEY_KP0},
    {"numleft", KEY_KP4},
    {"numlock", KEY_NUMLOCK},
    {"numpgdn", KEY_KP3},
    {"numpgup", KEY_KP9},
    {"numright", KEY_KP6},
    {"pagedown", KEY_PAGEDOWN},
    {"pageup", KEY_PAGEUP},
    {"pause", KEY_PAUSE},
    {"right", KEY_RIGHT},
    {"scrolllock", KEY_SCROLLLOCK},
    {"shift", KEY_LEFTSHIFT},
    {"space", KEY_SPACE},
    {"tab", KEY_TAB},
    {"up", KEY_UP},
};

/* A zone's home-row key; the fingers from the left little one to the right little one. */
static const struct name zones[] = {
    {"f0", KEY_A},
    {"f1", KEY_S},
    {"f2", KEY_D},
    {"f3", KEY_F},
    {"f4", KEY_J},
    {"f5", KEY_K},
    {"f6", KEY_L},
    {"f7", KEY_SEMICOLON},
    {"space", KEY_SPACE},
    {"backspace", KEY_BACKSPACE},
    {"shift", KEY_LEFTSHIFT},
    {"capslock", KEY_CAPSLOCK},
    {"other", IDEM_KEYNAME_OTHER},
};

/* ASCII only: names of keys have no other letters. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int compare(const void *key, const void *row)
{
    return strcmp(key, ((const struct name *)row)->text);
}

uint8_t idem_keyname_code(struct idem_field name)
{
    char text[NAME_MAX_LEN + 1];
    if (name.len == 1) {
        uint8_t code = characters[(unsigned char)lower(name.at[0]) & 127];
        return code && !(name.at[0] & 128) ? code : IDEM_KEYNAME_OTHER;
    }
    if (name.len > NAME_MAX_LEN)
        return IDEM_KEYNAME_OTHER;
    for (uint32_t i = 0; i < name.len; i++)
        text[i] = lower(name.at[i]);
    text[name.len] = 0;
    const struct name *row =
        bsearch(text, names, sizeof names / sizeof *names, sizeof *names, compare);
    return row ? row->code : IDEM_KEYNAME_OTHER;
}

/* The key of a character that needs Shift on the US layout; 0 when there is none. */
static uint8_t shifted(char c)
{
    static const char from[] = "!@#$%^&*()_+{}|:\"<>?~", to[] = "1234567890-=[]\\;',./`";
    const char *at = c ? strchr(from, c) : NULL;
    return at ? characters[(unsigned char)to[at - from]] : 0;
}

/* "Key.page_up" without its prefix and underscores, and by the name that it has here. */
static uint8_t named(struct idem_field name)
{
    static const struct {
        const char *theirs, *ours;
    } other[] = {{"esc", "escape"}, {"cmd", "meta"},     {"cmdr", "meta"},
                 {"altl", "alt"},   {"altr", "altgr"},   {"ctrll", "ctrl"},
                 {"ctrlr", "ctrl"}, {"shiftl", "shift"}, {"shiftr", "shift"}};
    char text[NAME_MAX_LEN + 1];
    uint32_t n = 0;
    for (uint32_t i = 4; i < name.len; i++) {
        if (name.at[i] == '_')
            continue;
        if (n == NAME_MAX_LEN)
            return IDEM_KEYNAME_OTHER;
        text[n++] = name.at[i];
    }
    text[n] = 0;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (strcmp(text, other[i].theirs) == 0)
            return idem_keyname_code(
                (struct idem_field){other[i].ours, (uint32_t)strlen(other[i].ours)});
    return n > 1 ? idem_keyname_code((struct idem_field){text, n}) : IDEM_KEYNAME_OTHER;
}

/* "<96>" to "<105>", the digits of the numeric pad. */
static uint8_t virtual_key(struct idem_field name)
{
    static const uint8_t pad[] = {KEY_KP0, KEY_KP1, KEY_KP2, KEY_KP3, KEY_KP4,
                                  KEY_KP5, KEY_KP6, KEY_KP7, KEY_KP8, KEY_KP9};
    double number;
    if (!idem_field_number((struct idem_field){name.at + 1, name.len - 2}, &number) ||
        number < 96 || number > 105)
        return IDEM_KEYNAME_OTHER;
    return pad[(int)number - 96];
}

uint8_t idem_keyname_event(struct idem_field name)
{
    if (name.len > 4 && memcmp(name.at, "Key.", 4) == 0)
        return named(name);
    if (name.len > 2 && name.at[0] == '<' && name.at[name.len - 1] == '>')
        return virtual_key(name);
    if (name.len == 2 && memcmp(name.at, "\\\\", 2) == 0)
        return KEY_BACKSLASH; /* as a program's source writes it */
    uint8_t code = name.len == 1 ? shifted(name.at[0]) : 0;
    return code ? code : idem_keyname_code(name);
}

bool idem_keyname_zone(struct idem_field name, uint8_t *out)
{
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        if (idem_field_is(name, zones[i].text)) {
            *out = zones[i].code;
            return true;
        }
    }
    return false;
}
