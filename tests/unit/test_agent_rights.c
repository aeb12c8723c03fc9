/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_rights.c - what the broker's children report, and what the broker can no longer do
 * once it has given up its rights, tried in a child.
 */
#include "agent/broker/child.h"
#include "agent/broker/rights.h"
#include "idem/idem.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

static int reports;
static struct {
    uint32_t number;
    int err;
} reported[16];

static void report(void *arg, uint32_t number, int err)
{
    assert_ptr_equal(arg, reported);
    reported[reports].number = number;
    reported[reports++].err = err;
}

static void wait_for(struct idem_children *children, int count)
{
    siginfo_t info;

    while (reports < count) {
        assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
        idem_child_reap(children);
    }
}

static int answer(const void *arg, uint32_t number)
{
    (void)arg;
    return -(int)number;
}

static int die(const void *arg, uint32_t number)
{
    (void)arg;
    (void)number;
    return raise(SIGKILL);
}

static int count_descriptors(const void *arg, uint32_t number)
{
    int open = 0;

    (void)arg;
    (void)number;
    for (int fd = STDERR_FILENO + 1; fd < 256; fd++)
        open += fcntl(fd, F_GETFD) != -1;
    return -open;
}

static void a_child_reports_how_it_ended(void **state)
{
    (void)state;
    struct idem_children children = {0};

    reports = 0;
    assert_int_equal(idem_child_start(&children, 1, answer, report, reported, 12), 0);
    assert_int_equal(idem_child_start(&children, 1, answer, report, reported, 1), IDEM_ERR_LIMIT);
    wait_for(&children, 1);
    assert_int_equal(reported[0].number, 12);
    assert_int_equal(reported[0].err, IDEM_ERR_NOT_FOUND);
    assert_int_equal(idem_child_start(&children, 1, die, report, reported, 7), 0);
    wait_for(&children, 2);
    assert_int_equal(reported[1].err, IDEM_ERR_IO);
    for (uint32_t i = 0; i < IDEM_CHILDREN; i++)
        assert_int_equal(idem_child_start(&children, IDEM_CHILDREN, answer, report, reported, 0),
                         0);
    assert_int_equal(idem_child_start(&children, IDEM_CHILDREN, answer, report, reported, 0),
                     IDEM_ERR_LIMIT);
    wait_for(&children, 2 + IDEM_CHILDREN);
}

static void a_child_holds_no_descriptor(void **state)
{
    (void)state;
    struct idem_children children = {0};

    reports = 0;
    assert_true(dup2(STDERR_FILENO, 200) == 200);
    assert_int_equal(idem_child_start(&children, 1, count_descriptors, report, reported, 0), 0);
    wait_for(&children, 1);
    assert_int_equal(reported[0].err, 0);
    close(200);
}

static int try_everything(const void *arg, uint32_t number)
{
    char *const none[] = {NULL};

    (void)arg;
    (void)number;
    if (idem_rights_give_up() != 0)
        return -1;
    if (SANITIZED)
        return 0;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE) != 0)
        return -2;
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EAFNOSUPPORT ||
        socket(AF_INET6, SOCK_DGRAM, 0) >= 0 || socket(AF_PACKET, SOCK_RAW, 0) >= 0 ||
        socket(AF_VSOCK, SOCK_STREAM, 0) >= 0 || socket(AF_ALG, SOCK_SEQPACKET, 0) >= 0)
        return -3;
    if (socket(AF_UNIX, SOCK_STREAM, 0) < 0 || socket(AF_NETLINK, SOCK_RAW, 15) < 0)
        return -4;
    if (execve("/bin/false", none, none) == 0 || errno != EPERM)
        return -5;
    if (ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0 || errno != EPERM)
        return -6;
    return geteuid() == 0 && chown("/", 1, 1) == 0 ? -7 : 0;
}

static void there_is_no_network_and_no_program_to_be_had(void **state)
{
    (void)state;
    struct idem_children children = {0};

    reports = 0;
    assert_int_equal(idem_child_start(&children, 1, try_everything, report, reported, 0), 0);
    wait_for(&children, 1);
    assert_int_equal(reported[0].err, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_reports_how_it_ended),
        cmocka_unit_test(a_child_holds_no_descriptor),
        cmocka_unit_test(there_is_no_network_and_no_program_to_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
