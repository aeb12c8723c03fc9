/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - see command.h. */
#include "server/command.h"

#include <stdarg.h>
#include <stdio.h>

void idem_command_refuse(struct idem_command *command, enum idem_problem problem, const char *fmt,
                         ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(command->detail, sizeof command->detail, fmt, ap);
    va_end(ap);
    command->problem = problem;
}
