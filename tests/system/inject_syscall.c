/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inject_syscall.c - makes a running process do one system call of our choosing, as somebody would
 * who had taken it over, and tells what became of it.
 *
 *   inject_syscall PID CALL [ARGUMENT...]
 *
 * CALL: a name that libseccomp knows, or a number. ARGUMENT: a number, or "=text" for the address
 * of that text, which is put on the process's stack. One line on standard output:
 *
 *   returned N        the process did the call and goes on as before
 *   died of SIGNAL    the number of the signal
 *   ended with N      it has a handler for what is trapped, which ended it; one that lets it go on
 *                     is run to its end first, and the result is its own
 *
 * Ends with 0 in both cases, with 2 when the process could not be had. The process waits in a
 * system call, as ours do: the instruction for another one stands right before it. Its registers
 * are put back, and the call that was interrupted begins again. For x86-64 only.
 */
#include <elf.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

enum { ARGUMENTS = 6, STEP = 8, FAR_BELOW = 16384, TEXT_MAX = 512, INSTRUCTION = 2, ENDED = 1000 };

static int fail(const char *what)
{
    fprintf(stderr, "inject_syscall: %s: %s\n", what, strerror(errno));
    return 2;
}

static void prepare(struct user_regs_struct *r, long call, const unsigned long *a)
{
    r->rip -= INSTRUCTION;
    r->rax = (unsigned long)call;
    r->orig_rax = (unsigned long)-1; /* what was interrupted is not begun again yet */
    r->rdi = a[0];
    r->rsi = a[1];
    r->rdx = a[2];
    r->r10 = a[3];
    r->r8 = a[4];
    r->r9 = a[5];
}

/* The call that was interrupted, from its beginning. */
static struct user_regs_struct begin_again(const struct user_regs_struct *before)
{
    struct user_regs_struct r = *before;

    if ((long)r.orig_rax >= 0 && (long)r.rax < 0) {
        r.rax = r.orig_rax;
        r.rip -= INSTRUCTION;
        r.orig_rax = (unsigned long)-1;
    }
    return r;
}

static bool is_return(const struct user_regs_struct *r)
{
    return (long)r->orig_rax == SYS_rt_sigreturn;
}

static int registers(int request, pid_t pid, struct user_regs_struct *r)
{
    struct iovec all = {r, sizeof *r};
    return (int)ptrace(request, pid, (void *)NT_PRSTATUS, &all);
}

/* Text at that address, in the units that ptrace writes. */
static int put_text(pid_t pid, unsigned long at, const char *text)
{
    char padded[TEXT_MAX + STEP] = {0};
    size_t len = strlen(text);

    if (len >= TEXT_MAX)
        return -1;
    memcpy(padded, text, len);
    for (size_t i = 0; i <= len; i += STEP) {
        long word;
        memcpy(&word, padded + i, sizeof word);
        if (ptrace(PTRACE_POKEDATA, pid, (void *)(at + i), (void *)word) != 0)
            return -1;
    }
    return 0;
}

static int read_arguments(pid_t pid, unsigned long stack, char **from, unsigned long *to)
{
    unsigned long at = (stack - FAR_BELOW) & ~(unsigned long)(STEP - 1);

    for (int i = 0; i < ARGUMENTS && from[i] != NULL; i++) {
        if (from[i][0] != '=') {
            to[i] = strtoul(from[i], NULL, 0);
            continue;
        }
        if (put_text(pid, at, from[i] + 1) != 0)
            return -1;
        to[i] = at;
        at += TEXT_MAX;
    }
    return 0;
}

static long number_of(const char *call)
{
    char *end;
    long n = strtol(call, &end, 0);

    return *end == 0 ? n : seccomp_syscall_resolve_name(call);
}

/* To the next stop of that kind: 0; the signal that ended the process, or ENDED and its status;
 * below nought: it stopped otherwise. */
static int go_on(pid_t pid)
{
    int status = 0, deliver = 0;

    for (;;) {
        if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)deliver) != 0 ||
            waitpid(pid, &status, __WALL) != pid)
            return -1;
        if (WIFSIGNALED(status))
            return WTERMSIG(status);
        if (WIFEXITED(status))
            return ENDED + WEXITSTATUS(status);
        if (WSTOPSIG(status) == (SIGTRAP | 0x80))
            return 0;
        deliver = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
    }
}

static bool is_trapped(pid_t pid)
{
    const struct __ptrace_peeksiginfo_args which = {.nr = 1};
    siginfo_t waits;

    return ptrace(PTRACE_PEEKSIGINFO, pid, (void *)(uintptr_t)&which, &waits) == 1 &&
           waits.si_signo == SIGSYS;
}

/* Through the process's own handler, to the way out of its last call. */
static int through_handler(pid_t pid)
{
    struct user_regs_struct r;
    bool back = false;
    int signal = 0;

    while (signal == 0 && !back) {
        signal = go_on(pid);
        if (signal == 0 && registers(PTRACE_GETREGSET, pid, &r) != 0)
            return -1;
        back = signal == 0 && is_return(&r);
        if (signal == 0)
            signal = go_on(pid);
    }
    return signal;
}

/* A filter's verdict comes after the way out of the call: whoever survives it makes another. */
static int inject(pid_t pid, long call, char **arguments)
{
    struct user_regs_struct before, during, after;
    unsigned long a[ARGUMENTS] = {0};

    if (registers(PTRACE_GETREGSET, pid, &before) != 0)
        return fail("registers");
    if (read_arguments(pid, before.rsp, arguments, a) != 0)
        return fail("arguments");
    during = before;
    prepare(&during, call, a);
    if (registers(PTRACE_SETREGSET, pid, &during) != 0)
        return fail("registers");
    int signal = go_on(pid);
    if (signal == 0)
        signal = go_on(pid);
    if (signal == 0 && is_trapped(pid))
        signal = through_handler(pid);
    after = begin_again(&before);
    if (signal == 0 && (registers(PTRACE_GETREGSET, pid, &during) != 0 ||
                        registers(PTRACE_SETREGSET, pid, &after) != 0))
        return fail("registers");
    if (signal == 0)
        signal = go_on(pid);
    if (signal < 0)
        return fail("the call");
    if (signal >= ENDED)
        printf("ended with %d\n", signal - ENDED);
    else if (signal > 0)
        printf("died of %d\n", signal);
    else
        printf("returned %ld\n", (long)during.rax);
    return signal > 0 || ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0 ? 0 : fail("letting go");
}

int main(int argc, char **argv)
{
    int status;

    if (argc < 3) {
        fprintf(stderr, "usage: inject_syscall PID CALL [ARGUMENT...]\n");
        return 2;
    }
    pid_t pid = (pid_t)strtol(argv[1], NULL, 10);
    long call = number_of(argv[2]);
    if (call < 0)
        return fail("no such call");
    if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD) != 0 ||
        ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0)
        return fail("attaching");
    if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
        return fail("stopping");
    return inject(pid, call, argv + 3);
}
