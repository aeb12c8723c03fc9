/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - see child.h. */
#include "agent/broker/child.h"

#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "idem/idem.h"

__attribute__((noreturn)) static void be_child(int (*run)(const void *, uint32_t), const void *arg,
                                               uint32_t number)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    alarm(IDEM_CHILD_S);
    _exit(-run(arg, number));
}

int idem_child_start(struct idem_children *children, int most,
                     int (*run)(const void *arg, uint32_t number),
                     void (*done)(void *arg, uint32_t number, int err), void *arg, uint32_t number)
{
    for (int i = 0; i < most; i++) {
        if (children->of[i].pid != 0)
            continue;
        pid_t pid = fork();
        if (pid == 0)
            be_child(run, arg, number);
        if (pid < 0)
            return IDEM_ERR_IO;
        children->of[i].pid = pid;
        children->of[i].done = done;
        children->of[i].arg = arg;
        children->of[i].number = number;
        return 0;
    }
    return IDEM_ERR_LIMIT;
}

void idem_child_reap(struct idem_children *children)
{
    for (int i = 0; i < IDEM_CHILDREN; i++) {
        int status;
        if (children->of[i].pid == 0 || waitpid(children->of[i].pid, &status, WNOHANG) <= 0)
            continue;
        children->of[i].pid = 0;
        children->of[i].done(children->of[i].arg, children->of[i].number,
                             WIFEXITED(status) ? -WEXITSTATUS(status) : IDEM_ERR_IO);
    }
}
