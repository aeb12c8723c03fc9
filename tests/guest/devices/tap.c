/* SPDX-License-Identifier: Apache-2.0 */
/* tap.c - see tap.h. */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned checks, failures;

bool tap_check(bool ok, const char *format, ...)
{
    va_list args;

    failures += !ok;
    printf("%s %u - ", ok ? "ok" : "not ok", ++checks);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    puts("");
    fflush(stdout);
    return ok;
}

void tap_say(const char *format, ...)
{
    va_list args;

    printf("# ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    puts("");
    fflush(stdout);
}

int tap_end(void)
{
    printf("1..%u\n", checks);
    fflush(stdout);
    return failures != 0;
}
