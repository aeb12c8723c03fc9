/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.c - see sandbox.h. Names that an architecture does not have are skipped by libseccomp.
 * Arguments are looked at where a call is needed for one thing only: sockets by family, new threads
 * but no new processes, memory that is written but never run.
 */
#include "server/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* clang-format off */
static const char *const allowed[] = {
    /* files: SQLite, logs, heads of logs, keys */
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2",
    "pwritev2", "lseek", "_llseek", "close", "fsync", "fdatasync", "sync_file_range",
    "ftruncate", "ftruncate64", "fallocate", "open", "openat", "stat", "lstat", "fstat",
    "stat64", "lstat64", "fstat64", "newfstatat", "fstatat64", "statx", "statfs", "fstatfs",
    "statfs64", "fstatfs64", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
    "getcwd", "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat",
    "rmdir", "chmod", "fchmod", "fchmodat", "fchown", "fchown32", "utimensat", "getdents",
    "getdents64", "flock", "fcntl", "fcntl64", "dup", "dup2", "dup3", "pipe", "pipe2", "umask",
    "copy_file_range", "fadvise64",
    /* memory */
    "munmap", "mremap", "madvise", "brk", "mincore", "mlock", "munlock", "msync",
    /* threads, signals, time */
    "futex", "futex_time64", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_sigpending", "sigaltstack", "sigreturn",
    "tgkill", "gettid", "getpid", "getppid", "exit", "exit_group", "set_robust_list",
    "set_tid_address", "rseq", "restart_syscall", "membarrier", "sched_yield",
    "sched_getaffinity", "sched_setscheduler", "sched_getparam", "sched_getscheduler",
    "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64",
    "clock_nanosleep", "clock_nanosleep_time64", "nanosleep", "gettimeofday", "time",
    "getrusage", "times",
    /* connections that have come in, and waiting */
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll",
    "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64", "eventfd2", "accept",
    "accept4", "shutdown", "getsockopt", "setsockopt", "getsockname", "getpeername", "recv",
    "recvfrom", "recvmsg", "send", "sendto", "sendmsg", "sendfile", "sendfile64",
    /* who and where it is */
    "uname", "getuid", "geteuid", "getgid", "getegid", "getuid32", "geteuid32", "getgid32",
    "getegid32", "getresuid", "getresgid", "getrandom", "sysinfo", "getrlimit", "ugetrlimit",
    "getcpu",
    /* syslog(3) opens its socket anew when the log was restarted */
    "connect",
};
/* clang-format on */

static const char *const allowed_outbound[] = {"sendmmsg", "recvmmsg", "bind", "socketpair"};

static int allow(scmp_filter_ctx filter, const char *const *names, size_t count)
{
    int err = 0;

    for (size_t i = 0; i < count && err == 0; i++) {
        int call = seccomp_syscall_resolve_name(names[i]);
        if (call != __NR_SCMP_ERROR)
            err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
    }
    return err;
}

static int allow_sockets(scmp_filter_ctx filter, bool outbound)
{
    static const int families[] = {AF_INET, AF_INET6, AF_NETLINK}; /* the last for looking up */
    int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                               SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));

    for (size_t i = 0; outbound && i < COUNT(families) && err == 0; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                               SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
    return err != 0 || !outbound ? err : allow(filter, allowed_outbound, COUNT(allowed_outbound));
}

/* clone3 hides its flags behind a pointer; told that there is none, glibc takes clone. */
static int allow_threads(scmp_filter_ctx filter)
{
    int err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                               SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
    /* A thread that the filter meets in its first lines may still want to be nice (errands.c). */
    if (err == 0)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setpriority), 1,
                               SCMP_A0(SCMP_CMP_EQ, PRIO_PROCESS, 0));
    /* A limit may be read, not set. */
    return err != 0 ? err
                    : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
                                       SCMP_A2(SCMP_CMP_EQ, 0, 0));
}

/* Looking up names loads libraries (nsswitch), so with outbound connections code may be mapped from
 * files; memory that was written to is never made executable. */
static int allow_memory(scmp_filter_ctx filter, bool outbound)
{
    int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

    for (int i = 0; i < 2 && err == 0; i++) {
        int call = i == 0 ? SCMP_SYS(mmap) : SCMP_SYS(mmap2);
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        if (err == 0)
            err =
                seccomp_rule_add(filter, outbound ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES), call,
                                 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC));
    }
    return err;
}

static int allow_ioctls(scmp_filter_ctx filter)
{
    static const unsigned long requests[] = {FIONBIO, FIONREAD, TCGETS};
    int err = 0;

    for (size_t i = 0; i < COUNT(requests) && err == 0; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                               SCMP_A1(SCMP_CMP_EQ, requests[i], 0));
    return err;
}

bool idem_sandbox_is_built(void)
{
    return !SANITIZED;
}

int idem_sandbox_enter(const struct idem_sandbox *sandbox)
{
    int err;

    if (SANITIZED)
        return IDEM_OK;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL)
        return IDEM_ERR_NOMEM;
    (void)((err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1)) != 0 ||
           (err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2)) != 0 ||
           (err = allow(filter, allowed, COUNT(allowed))) != 0 ||
           (err = allow_sockets(filter, sandbox->outbound)) != 0 ||
           (err = allow_threads(filter)) != 0 ||
           (err = allow_memory(filter, sandbox->outbound)) != 0 ||
           (err = allow_ioctls(filter)) != 0 || (err = seccomp_load(filter)) != 0);
    seccomp_release(filter);
    return err == 0 ? IDEM_OK : IDEM_ERR_IO;
}
