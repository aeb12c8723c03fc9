/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.c - messages, numbers and the progress bar, see command.h.
 */
#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void say(const char *format, va_list args)
{
    fputs("idem: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int idem_cli_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return IDEM_EXIT_FAILED;
}

int idem_cli_usage(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    fprintf(stderr, "usage: see idem %s --help\n", command);
    return IDEM_EXIT_USAGE;
}

void idem_cli_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

bool idem_cli_number(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || text[digits])
        return false;
    uint32_t value = (uint32_t)strtoul(text, NULL, 10);
    if (value < min || value > max)
        return false;
    *out = value;
    return true;
}

double idem_cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One bar at a time: steps follow each other. started: the whole command, since many short steps
 * take long, too. */
static struct {
    const char *step;
    double started, drawn;
} bar;

static void draw(uint32_t done, uint32_t of)
{
    char filled[41];
    int n = of ? (int)((uint64_t)done * 40 / of) : 0;
    memset(filled, '#', (size_t)n);
    memset(filled + n, '.', (size_t)(40 - n));
    filled[40] = 0;
    fprintf(stderr, "\r%-10s [%s] %3d %%", bar.step, filled, n * 100 / 40);
    fflush(stderr);
}

void idem_cli_begin(void)
{
    bar.started = idem_cli_now();
}

void idem_cli_progress(void *arg, uint32_t done, uint32_t of)
{
    double now = idem_cli_now();
    if (bar.step != arg) {
        bar.step = arg;
        bar.drawn = 0;
    }
    if (now - bar.started < 2 || !isatty(STDERR_FILENO))
        return;
    if (done >= of) {
        fputs("\r\033[K", stderr);
        bar.step = NULL;
    } else if (now - bar.drawn > 0.1) {
        draw(done, of);
        bar.drawn = now;
    }
}
