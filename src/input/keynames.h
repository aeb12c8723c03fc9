/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keynames.h - from the key names of recordings to Linux input event codes.
 *
 * Recordings name physical keys (a, space, backspace, shift, num1, enter, ., left, ...); shipped
 * excerpts name only zones (f0..f7, space, backspace, shift, capslock, other). Both become a code
 * that the window code reduces to a zone again: a zone is represented by its home-row key.
 */
#ifndef IDEM_INPUT_KEYNAMES_H
#define IDEM_INPUT_KEYNAMES_H

#include "input/csv.h"

/* What an unknown key is called from here on: the window code files it under "other". */
enum { IDEM_KEYNAME_OTHER = 255 };

/* The code of a key name, upper or lower case; IDEM_KEYNAME_OTHER when the name is not known. */
uint8_t idem_keyname_code(struct idem_field name);
/*
 * The code of a key as a recorder of events names it: by the character that came of it ("A" and
 * "!" are keys, too), "Key.page_up", or "<97>", a virtual key of the numeric pad.
 */
uint8_t idem_keyname_event(struct idem_field name);
/* The code that stands for a zone; false when there is no such zone. */
bool idem_keyname_zone(struct idem_field name, uint8_t *out);

#endif
