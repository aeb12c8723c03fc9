/* SPDX-License-Identifier: Apache-2.0 */
/* rights.c - see rights.h. */
#include "agent/broker/rights.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "idem/idem.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#define LOAD(field)              BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what)             BPF_STMT(BPF_RET | BPF_K, what)
#define IF_SKIP(value, skip)     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skip, 0)
#define UNLESS_SKIP(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define REFUSE(name)             UNLESS_SKIP(__NR_##name, 1), RETURN(SECCOMP_RET_ERRNO | EPERM)

#ifndef SANITIZED
/* From here on they are x32's, which has the same architecture. */
enum { FOREIGN_CALLS = 0x40000000 };

static int keep_capabilities(uint32_t wanted)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct has[2];

    if (syscall(SYS_capget, &head, has) != 0)
        return IDEM_ERR_IO;
    has[0].effective = has[0].permitted &= wanted;
    has[1].effective = has[1].permitted = 0;
    has[0].inheritable = has[1].inheritable = 0;
    return syscall(SYS_capset, &head, has) == 0 ? 0 : IDEM_ERR_IO;
}

static int refuse_calls(void)
{
#ifdef ARCHITECTURE
    static struct sock_filter filter[] = {
        LOAD(arch),
        IF_SKIP(ARCHITECTURE, 1),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FOREIGN_CALLS, 0, 1),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        REFUSE(execve),
        REFUSE(execveat),
        REFUSE(ptrace),
        REFUSE(process_vm_readv),
        REFUSE(process_vm_writev),
        REFUSE(pidfd_getfd),
        REFUSE(io_uring_setup),
        REFUSE(unshare),
        REFUSE(setns),
        REFUSE(bpf),
        REFUSE(perf_event_open),
        REFUSE(userfaultfd),
        UNLESS_SKIP(__NR_socket, 4),
        LOAD(args[0]),
        IF_SKIP(AF_UNIX, 2),
        IF_SKIP(AF_NETLINK, 1),
        RETURN(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
        RETURN(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};

    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return IDEM_ERR_IO;
#endif
    return 0;
}

int idem_rights_give_up(void)
{
    if (prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        keep_capabilities(1U << CAP_SETUID | 1U << CAP_SETGID) != 0)
        return IDEM_ERR_IO;
    return refuse_calls();
}
#else
int idem_rights_give_up(void)
{
    return 0;
}
#endif
