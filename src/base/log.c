/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - time stamped lines on stderr, written with one call each so that threads do not mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

void idem_log(enum idem_log_level level, const char *fmt, ...)
{
    static const char *const names[] = {"error", "info"};
    char line[1024], stamp[32];
    struct timespec ts;
    struct tm tm;
    va_list ap;

    clock_gettime(CLOCK_REALTIME, &ts);
    gmtime_r(&ts.tv_sec, &tm);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &tm);
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    fprintf(stderr, "%s %s: %s\n", stamp, names[level], line);
}
