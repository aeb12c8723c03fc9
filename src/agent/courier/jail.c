/* SPDX-License-Identifier: Apache-2.0 */
/* jail.c - see jail.h. */
#include "agent/courier/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "agent/confine.h"
#include "base/log.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct {
    const char *state;
    uint64_t pass; /* behind the arguments of the handler's own call */
} jail;

/* ------------------------------------------------------------------ the wire */

static bool is_under(const char *path, const char *directory)
{
    size_t len = strlen(directory);

    return strncmp(path, directory, len) == 0 && (path[len] == 0 || path[len] == '/');
}

bool idem_jail_is_beyond(const char *path, const char *state)
{
    static const char *const beyond[] = {"/dev", "/sys", "/home", "/root", "/proc"};
    static const char *const open_to_all[] = {"/dev/null", "/dev/urandom",
                                              "/proc/sys/kernel/random/boot_id"};

    if (strstr(path, "..") != NULL || strstr(path, "//") != NULL || strstr(path, "/./") != NULL)
        return true; /* nobody here climbs */
    for (size_t i = 0; i < COUNT(open_to_all); i++)
        if (strcmp(path, open_to_all[i]) == 0)
            return false;
    if (is_under(path, state))
        return false;
    for (size_t i = 0; i < COUNT(beyond); i++)
        if (is_under(path, beyond[i]))
            return true;
    return false;
}

/* In a signal handler: nothing but system calls. */
static void die(const char *path)
{
    static const char said[] = "courier: peer: an open beyond the wire: ";

    (void)!write(STDERR_FILENO, said, sizeof said - 1);
    (void)!write(STDERR_FILENO, path, strnlen(path, 80));
    (void)!write(STDERR_FILENO, "\n", 1);
    _exit(IDEM_JAIL_DIED);
}

static long open_again(int dir, const char *path, unsigned long flags, unsigned long mode)
{
    struct open_how how = {.flags = flags & 0x7fffffff};

    if (idem_jail_is_beyond(path, jail.state))
        die(path);
    if ((flags & (O_CREAT | __O_TMPFILE)) != 0)
        how.mode = mode & 07777;
    return syscall(SYS_openat2, dir, path, &how, sizeof how, jail.pass);
}

#if defined(__x86_64__)
enum { RESULT = REG_RAX };
static unsigned long argument(const ucontext_t *u, int n)
{
    static const int registers[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10};
    return (unsigned long)u->uc_mcontext.gregs[registers[n]];
}
static void put_result(ucontext_t *u, long result)
{
    u->uc_mcontext.gregs[RESULT] = result;
}
#elif defined(__aarch64__)
static unsigned long argument(const ucontext_t *u, int n)
{
    return u->uc_mcontext.regs[n];
}
static void put_result(ucontext_t *u, long result)
{
    u->uc_mcontext.regs[0] = (unsigned long)result;
}
#else
#error "where are the arguments of a system call here?"
#endif

static void trapped(int signal, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    int before = errno;
    long result = -1;

    (void)signal;
#ifdef SYS_open
    if (info->si_syscall == SYS_open)
        result = open_again(AT_FDCWD, (const char *)argument(u, 0), argument(u, 1), argument(u, 2));
    else
#endif
        if (info->si_syscall == SYS_openat)
        result = open_again((int)argument(u, 0), (const char *)argument(u, 1), argument(u, 2),
                            argument(u, 3));
    else
        die("openat2");
    put_result(u, result < 0 ? -errno : result);
    errno = before;
}

/* Beside the filter of what is allowed: the kernel takes the stricter answer of both. */
static int lay_wire(void)
{
    const struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_NODEFER};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int err = IDEM_ERR_IO;

    if (filter != NULL && sigaction(SIGSYS, &action, NULL) == 0 &&
        getrandom(&jail.pass, sizeof jail.pass, 0) == sizeof jail.pass &&
#ifdef SYS_open
        seccomp_rule_add(filter, SCMP_ACT_TRAP, SCMP_SYS(open), 0) == 0 &&
#endif
        seccomp_rule_add(filter, SCMP_ACT_TRAP, SCMP_SYS(openat), 0) == 0 &&
        seccomp_rule_add(filter, SCMP_ACT_TRAP, SCMP_SYS(openat2), 1,
                         SCMP_A4(SCMP_CMP_NE, jail.pass, 0)) == 0 &&
        seccomp_load(filter) == 0)
        err = 0;
    if (filter != NULL)
        seccomp_release(filter);
    return err;
}

/* ------------------------------------------------------------------ what is left */

#define ONLY(call, n, v)                                                                           \
    {                                                                                              \
        .name = call, .argument = n, .mask = UINT64_MAX, .value = v                                \
    }

/* clang-format off */
static const struct idem_confine_call calls[] = {
    /* files: the state, libraries and settings of name look-up, authorities */
    {.name = "read"}, {.name = "pread64"}, {.name = "write"}, {.name = "pwrite64"},
    {.name = "writev"}, {.name = "lseek"}, {.name = "open"}, {.name = "openat"},
    {.name = "openat2"}, {.name = "fstat"}, {.name = "newfstatat"}, {.name = "statx"},
    {.name = "stat"}, {.name = "lstat"}, {.name = "access"}, {.name = "faccessat"},
    {.name = "faccessat2"}, {.name = "readlink"}, {.name = "readlinkat"}, {.name = "getdents64"},
    {.name = "fsync"}, {.name = "fdatasync"}, {.name = "ftruncate"}, {.name = "fallocate"},
    {.name = "flock"}, {.name = "renameat"}, {.name = "renameat2"}, {.name = "rename"},
    {.name = "unlinkat"}, {.name = "unlink"}, {.name = "fcntl"}, {.name = "memfd_create"},
    {.name = "umask"}, {.name = "getcwd"},
    /* the network */
    ONLY("socket", 0, AF_INET), ONLY("socket", 0, AF_INET6), ONLY("socket", 0, AF_UNIX),
    ONLY("socket", 0, AF_NETLINK), /* which addresses are there: of looking up */
    {.name = "connect"}, {.name = "bind"}, {.name = "accept4"}, {.name = "getsockopt"},
    {.name = "setsockopt"}, {.name = "getsockname"}, {.name = "getpeername"},
    {.name = "recvfrom"}, {.name = "sendto"}, {.name = "sendmmsg"}, {.name = "recvmmsg"},
    {.name = "shutdown"}, ONLY("ioctl", 1, FIONREAD), {.name = "setitimer"},
    /* code from libraries (name look-up), never memory that was written */
    {.name = "mmap", .argument = 2, .mask = PROT_WRITE},
    /* a thread, never a process */
    {.name = "clone", .argument = 0, .mask = CLONE_THREAD, .value = CLONE_THREAD},
    {.name = "clone3", .answer = IDEM_CONFINE_ENOSYS}, {.name = "clone3"},
    {.name = "set_robust_list"}, {.name = "rseq"}, {.name = "sched_getaffinity"},
    {.name = "rt_sigaction"}, {.name = "sigaltstack"}, {.name = "eventfd2"},
    ONLY("prlimit64", 2, 0), {.name = "tgkill"},
    /* who and where it is */
    {.name = "uname"}, {.name = "getuid"}, {.name = "geteuid"}, {.name = "getgid"},
    {.name = "getegid"}, {.name = "getppid"}, {.name = "clock_getres"},
    {.name = "clock_nanosleep"}, {.name = "sysinfo"},
};
/* clang-format on */

static int wall(const char *state, const char *ca)
{
    const struct idem_confine_path paths[] = {
        {state, IDEM_CONFINE_READ | IDEM_CONFINE_WRITE},
        {"/etc", IDEM_CONFINE_READ},
        {"/usr/lib", IDEM_CONFINE_READ},
        {"/usr/share", IDEM_CONFINE_READ},
        {"/lib", IDEM_CONFINE_READ},
        {"/lib64", IDEM_CONFINE_READ},
        {"/run/systemd/resolve", IDEM_CONFINE_READ},
        {"/run/resolvconf", IDEM_CONFINE_READ},
        {"/dev/null", IDEM_CONFINE_READ},
        {"/dev/urandom", IDEM_CONFINE_READ},
        {"/proc/sys/kernel/random/boot_id", IDEM_CONFINE_READ},
        {ca, IDEM_CONFINE_READ},
    };
    int err = idem_confine_files(paths, COUNT(paths) - (ca[0] == 0), IDEM_CONFINE_CONNECT);

    if (err == IDEM_ERR_NOT_FOUND)
        idem_log(IDEM_LOG_ERROR, "courier: kernel: it has no Landlock: files are walled off by the "
                                 "unit alone");
    return err == IDEM_ERR_NOT_FOUND ? 0 : err;
}

int idem_jail_enter(const char *state, const char *ca)
{
    int err = idem_confine_process(NULL);

    /* A limit on locked memory would make the authorities' 4 MB fail, later and elsewhere. */
    munlockall();
    jail.state = state;
    if (err == 0)
        err = wall(state, ca);
    if (err == 0 && idem_confine_is_built())
        err = lay_wire();
    if (err == 0)
        err = idem_confine_calls(calls, COUNT(calls));
    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "courier: kernel: it cannot be confined: %s", idem_strerror(err));
    return err;
}
