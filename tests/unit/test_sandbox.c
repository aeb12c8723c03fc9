/* SPDX-License-Identifier: Apache-2.0 */
/* What is not allowed ends the process, in every thread, and what is needed is not. Each attempt is
 * made in a child, since nobody comes back from the filter. */
#include "server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SURVIVED = 7, NOT_ENTERED = 8 };

/* The child's end: SURVIVED, or minus the signal that ended it. */
static int outcome(void (*attempt)(void), bool outbound)
{
    const struct idem_sandbox sandbox = {.outbound = outbound};
    int status;

    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (idem_sandbox_enter(&sandbox) != 0)
            _exit(NOT_ENTERED);
        attempt();
        _exit(SURVIVED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void assert_deadly(void (*attempt)(void), bool outbound)
{
    assert_int_equal(outcome(attempt, outbound), idem_sandbox_is_built() ? -SIGSYS : SURVIVED);
}

static void assert_allowed(void (*attempt)(void), bool outbound)
{
    assert_int_equal(outcome(attempt, outbound), SURVIVED);
}

/* ------------------------------------------------------------------ attempts */

static void packet_socket(void)
{
    (void)socket(AF_PACKET, SOCK_RAW, 0);
}

static void run_a_program(void)
{
    /* One that is not there: with a sanitizer, where there is no filter, the test goes on. */
    execl("/nonexistent/program", "program", (char *)NULL);
}

static void make_a_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid(child, NULL, 0);
}

static void look_into_a_process(void)
{
    ptrace(PTRACE_PEEKDATA, getppid(), NULL, NULL);
}

static void raise_a_limit(void)
{
    struct rlimit limit = {64, 64};
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void run_what_was_written(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void write_what_is_run(void)
{
    mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void be_nice(void)
{
    if (setpriority(PRIO_PROCESS, 0, 5) != 0)
        _exit(1);
}

static void internet_socket(void)
{
    (void)socket(AF_INET, SOCK_STREAM, 0);
}

static void log_socket(void)
{
    (void)socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* With what nsswitch loads for it; the answer does not matter. */
static void look_up_a_name(void)
{
    struct addrinfo *found = NULL;

    if (getaddrinfo("name.invalid", "443", NULL, &found) == 0)
        freeaddrinfo(found);
}

static void *nothing(void *arg)
{
    return arg;
}

static void start_a_thread(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
        _exit(1);
}

static void use_a_file(void)
{
    char name[] = "/dev/shm/idem-sandbox-XXXXXX";
    int fd = mkstemp(name);

    if (fd < 0 || write(fd, "x", 1) != 1 || fdatasync(fd) != 0 || ftruncate(fd, 0) != 0 ||
        close(fd) != 0 || unlink(name) != 0)
        _exit(1);
}

/* ------------------------------------------------------------------ tests */

static void what_is_never_needed_ends_the_process(void **state)
{
    static void (*const attempts[])(void) = {
        packet_socket, run_a_program,        make_a_process,   look_into_a_process,
        raise_a_limit, run_what_was_written, write_what_is_run};

    (void)state;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        assert_deadly(attempts[i], false);
        assert_deadly(attempts[i], true);
    }
}

static void what_is_needed_is_allowed(void **state)
{
    (void)state;
    assert_allowed(start_a_thread, false);
    assert_allowed(use_a_file, false);
    assert_allowed(log_socket, false);
    assert_allowed(be_nice, false);
}

static void connections_of_its_own_only_where_they_are_needed(void **state)
{
    (void)state;
    assert_deadly(internet_socket, false);
    assert_allowed(internet_socket, true);
    assert_allowed(look_up_a_name, true);
}

static pthread_barrier_t barrier;

static void *connect_later(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&barrier);
    internet_socket();
    _exit(SURVIVED);
}

static void threads_that_run_already_are_held_too(void **state)
{
    const struct idem_sandbox sandbox = {.outbound = false};
    pthread_t thread;
    int status;

    (void)state;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        pthread_barrier_init(&barrier, NULL, 2);
        if (pthread_create(&thread, NULL, connect_later, NULL) != 0 ||
            idem_sandbox_enter(&sandbox) != 0)
            _exit(NOT_ENTERED);
        pthread_barrier_wait(&barrier);
        pthread_join(thread, NULL);
        _exit(NOT_ENTERED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (idem_sandbox_is_built())
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    else
        assert_int_equal(WEXITSTATUS(status), SURVIVED);
}

int main(void)
{
    const struct rlimit no_core = {0, 0};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_never_needed_ends_the_process),
        cmocka_unit_test(what_is_needed_is_allowed),
        cmocka_unit_test(connections_of_its_own_only_where_they_are_needed),
        cmocka_unit_test(threads_that_run_already_are_held_too),
    };
    setrlimit(RLIMIT_CORE, &no_core); /* what dies here dies on purpose */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
