/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one line per event on stderr, for programs; the library itself never logs. A line says
 * whose fault the event is: bug, peer, kernel or config.
 */
#ifndef IDEM_BASE_LOG_H
#define IDEM_BASE_LOG_H

enum idem_log_level { IDEM_LOG_ERROR, IDEM_LOG_INFO };

__attribute__((format(printf, 2, 3))) void idem_log(enum idem_log_level level, const char *fmt,
                                                    ...);

#endif
