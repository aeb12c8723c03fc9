/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the server's receipt time: Unix milliseconds that never run backwards while the
 * process lives, whatever is done to the machine's clock. Any thread.
 */
#ifndef IDEM_SERVER_CLOCK_H
#define IDEM_SERVER_CLOCK_H

#include <stdint.h>

int64_t idem_clock_ms(void);

#endif
