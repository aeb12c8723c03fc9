/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine.c - see confine.h.
 *
 * Two seccomp filters: what is answered without being done, and what is allowed. The kernel asks
 * both and takes the stricter answer, so that an answer is one also where an ALLOW covers it.
 *
 * A log line needs the time: glibc looks at the time zone's file whenever TZ is not set, and a
 * confined process may not. So TZ is set.
 */
#include "agent/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

bool idem_confine_is_built(void)
{
    return !SANITIZED;
}

/* ------------------------------------------------------------------ the process */

static int drop_capabilities(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* refused to who has none to begin with */
    return (int)syscall(SYS_capset, &head, none);
}

int idem_confine_process(bool *locked)
{
    const struct rlimit no_core = {0, 0};

    setenv("TZ", "UTC", 1);
    tzset();
    if (SANITIZED) {
        if (locked != NULL)
            *locked = true;
        return 0;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        setrlimit(RLIMIT_CORE, &no_core) != 0)
        return IDEM_ERR_IO;
    /* Before the capabilities go, one of which lifts the limit. Pages are locked as they come. */
    bool stays = mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
    if (drop_capabilities() != 0)
        return IDEM_ERR_IO;
    if (locked != NULL)
        *locked = stays;
    return 0;
}

/* ------------------------------------------------------------------ files */

/* As newer kernels have it: what Debian 12's header does not know yet is behind its fields. */
struct ruleset {
    uint64_t files, net, scoped;
};

enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_SCOPED = 6 };
enum { BIND_TCP = 1, CONNECT_TCP = 2, SCOPE_ABSTRACT = 1, SCOPE_SIGNAL = 2 };

#define ACCESS_TRUNCATE (UINT64_C(1) << 14)
#define ACCESS_FIRST    ((UINT64_C(1) << 13) - 1) /* of the first version */
#define READ_FILE       (LANDLOCK_ACCESS_FS_READ_FILE)
#define READ            (READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_FILE      (LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)
#define WRITE                                                                                      \
    (WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                   \
     LANDLOCK_ACCESS_FS_MAKE_SOCK)

static uint64_t files_of(long abi)
{
    uint64_t all = ACCESS_FIRST;

    if (abi >= ABI_REFER)
        all |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= ABI_TRUNCATE)
        all |= ACCESS_TRUNCATE;
    return all;
}

static int allow_path(int ruleset, const struct idem_confine_path *p, uint64_t known)
{
    struct stat st;
    uint64_t access =
        (p->access & IDEM_CONFINE_READ ? READ : 0) | (p->access & IDEM_CONFINE_WRITE ? WRITE : 0);
    int fd = open(p->path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : IDEM_ERR_IO;
    if (fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode))
        access &= READ_FILE | WRITE_FILE;
    const struct landlock_path_beneath_attr rule = {.allowed_access = access & known,
                                                    .parent_fd = fd};
    long err = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(fd);
    return err == 0 ? 0 : IDEM_ERR_IO;
}

int idem_confine_files(const struct idem_confine_path *paths, size_t count, unsigned flags)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (SANITIZED)
        return 0;
    if (abi < 1)
        return IDEM_ERR_NOT_FOUND;
    const struct ruleset rules = {
        .files = files_of(abi),
        .net = abi < ABI_NET                  ? 0
               : flags & IDEM_CONFINE_CONNECT ? BIND_TCP
                                              : BIND_TCP | CONNECT_TCP,
        .scoped = abi < ABI_SCOPED ? 0 : SCOPE_ABSTRACT | SCOPE_SIGNAL,
    };
    size_t size = abi >= ABI_SCOPED ? sizeof rules : abi >= ABI_NET ? 16 : 8;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    int err = ruleset < 0 ? IDEM_ERR_IO : 0;
    for (size_t i = 0; i < count && err == 0; i++)
        err = allow_path(ruleset, &paths[i], rules.files);
    if (err == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        err = IDEM_ERR_IO;
    if (ruleset >= 0)
        close(ruleset);
    return err;
}

/* ------------------------------------------------------------------ system calls */

/* clang-format off */
static const struct idem_confine_call always[] = {
    /* memory: written or run, never both; nothing new to run */
    {.name = "brk"}, {.name = "munmap"}, {.name = "mremap"}, {.name = "madvise"},
    {.name = "mmap", .argument = 2, .mask = PROT_EXEC},
    {.name = "mmap2", .argument = 2, .mask = PROT_EXEC},
    {.name = "mprotect", .argument = 2, .mask = PROT_EXEC},
    /* waiting, and messages on what is open */
    {.name = "poll"}, {.name = "ppoll"}, {.name = "ppoll_time64"}, {.name = "restart_syscall"},
    {.name = "recvmsg"}, {.name = "sendmsg"}, {.name = "shutdown"}, {.name = "close"},
    {.name = "write", .mask = UINT64_MAX, .value = STDERR_FILENO},
    /* time */
    {.name = "clock_gettime"}, {.name = "clock_gettime64"}, {.name = "gettimeofday"},
    {.name = "time"},
    /* what the C library does by itself */
    {.name = "futex"}, {.name = "futex_time64"}, {.name = "getrandom"}, {.name = "getpid"},
    {.name = "gettid"}, {.name = "rt_sigprocmask"}, {.name = "rt_sigreturn"},
    {.name = "sigreturn"}, {.name = "exit"}, {.name = "exit_group"},
};
/* clang-format on */

static int add(scmp_filter_ctx filter, uint32_t action, const struct idem_confine_call *call)
{
    int number = seccomp_syscall_resolve_name(call->name);

    if (number == __NR_SCMP_ERROR)
        return 0;
    /* A name of another architecture only (mmap2) has a number below nought, and no rule here. */
    if (number < 0)
        return 0;
    if (call->mask == 0)
        return seccomp_rule_add(filter, action, number, 0);
    const struct scmp_arg_cmp wanted[] = {
        SCMP_CMP(call->argument, SCMP_CMP_MASKED_EQ, call->mask, call->value),
        SCMP_CMP(call->argument2, SCMP_CMP_MASKED_EQ, call->mask2, call->value2),
    };
    return seccomp_rule_add_array(filter, action, number, call->mask2 == 0 ? 1 : 2, wanted);
}

/* The one that answers: everything else goes on to the next filter. */
static int load_answers(const struct idem_confine_call *calls, size_t count)
{
    static const uint32_t actions[] = {
        [IDEM_CONFINE_NOTHING] = SCMP_ACT_ERRNO(0), [IDEM_CONFINE_ENOSYS] = SCMP_ACT_ERRNO(ENOSYS)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    size_t answers = 0;
    int err = filter == NULL ? IDEM_ERR_NOMEM : 0;

    for (size_t i = 0; i < count && err == 0; i++) {
        if (calls[i].answer == IDEM_CONFINE_ALLOW)
            continue;
        answers++;
        err = add(filter, actions[calls[i].answer], &calls[i]);
    }
    if (err == 0 && answers > 0)
        err = seccomp_load(filter);
    seccomp_release(filter);
    return err;
}

/* Answered ones too: it is the stricter of both filters that counts. */
static int allow(scmp_filter_ctx filter, const struct idem_confine_call *calls, size_t count)
{
    int err = 0;

    for (size_t i = 0; i < count && err == 0; i++)
        err = add(filter, SCMP_ACT_ALLOW, &calls[i]);
    return err;
}

int idem_confine_calls(const struct idem_confine_call *calls, size_t count)
{
    if (SANITIZED)
        return 0;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int err = filter == NULL ? IDEM_ERR_NOMEM : 0;

    (void)(err != 0 || (err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1)) != 0 ||
           (err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2)) != 0 ||
           (err = allow(filter, always, COUNT(always))) != 0 ||
           (err = allow(filter, calls, count)) != 0 || (err = load_answers(calls, count)) != 0 ||
           (err = seccomp_load(filter)) != 0);
    if (filter != NULL)
        seccomp_release(filter);
    return err == 0 ? 0 : IDEM_ERR_IO;
}
