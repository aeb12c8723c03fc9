/* SPDX-License-Identifier: Apache-2.0 */
/* tap.h - what the guest reports: "ok 3 - sentence", "not ok 4 - sentence", "# remark". */
#ifndef IDEM_GUEST_TAP_H
#define IDEM_GUEST_TAP_H

#include <stdbool.h>

/* Returns ok. */
bool tap_check(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tap_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "1..N", and the exit status: 0 when there was no "not ok". */
int tap_end(void);

#endif
