/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_confine.c - what a confined process can still do, and what it dies of. Each case is a
 * child that confines itself, tries, and tells by how it ends.
 */
#include "agent/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static char directory[] = "/tmp/idem-confine-XXXXXX";

/* 0..: exit code, -signal. */
static int ends(int (*child)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(child());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* ------------------------------------------------------------------ system calls */

static const struct idem_confine_call rows[] = {
    {.name = "getppid"},
    {.name = "no_such_call_anywhere"},
    {.name = "ioctl", .argument = 1, .mask = 0xff00, .value = 'T' << 8},
    {.name = "ioctl", .argument = 1, .mask = 0xffff, .value = TIOCGWINSZ, IDEM_CONFINE_NOTHING},
    {.name = "getpgid", .answer = IDEM_CONFINE_ENOSYS},
};

static void confine(void)
{
    if (idem_confine_process(NULL) != 0 || idem_confine_calls(rows, COUNT(rows)) != 0)
        _exit(99);
}

static int does_what_is_allowed(void)
{
    struct winsize size = {0};

    confine();
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || getppid() == 0 || getpid() == 0)
        return 1;
    idem_log(IDEM_LOG_INFO, "a line from a confined process");
    if (ioctl(-1, TIOCINQ, &size) != -1 || errno != EBADF)
        return 2;
    if (ioctl(-1, TIOCGWINSZ, &size) != 0)
        return 3;
    return getpgid(0) == -1 && errno == ENOSYS ? 0 : 4;
}

static int opens(void)
{
    confine();
    return open("/dev/null", O_RDONLY);
}

static int asks_for_a_socket(void)
{
    confine();
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int runs_a_program(void)
{
    confine();
    return execl("/bin/true", "true", (char *)NULL);
}

static int forks(void)
{
    confine();
    return fork();
}

static int looks_into_another(void)
{
    confine();
    return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int asks_another_kind_of_ioctl(void)
{
    confine();
    return ioctl(-1, _IOC(_IOC_WRITE, 'E', 0x90, 4), 1); /* EVIOCGRAB */
}

static int makes_memory_run(void)
{
    confine();
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == NULL;
}

static int writes_elsewhere(void)
{
    confine();
    return (int)write(STDOUT_FILENO, "", 1);
}

static void what_is_not_named_ends_the_process(void **state)
{
    (void)state;
    int (*const deaths[])(void) = {
        opens,
        asks_for_a_socket,
        runs_a_program,
        forks,
        looks_into_another,
        asks_another_kind_of_ioctl,
        makes_memory_run,
        writes_elsewhere,
    };

    if (!idem_confine_is_built()) {
        print_message("with a sanitizer nothing is confined\n");
        assert_int_equal(idem_confine_calls(rows, COUNT(rows)), 0);
        return;
    }
    assert_int_equal(ends(does_what_is_allowed), 0);
    for (size_t i = 0; i < COUNT(deaths); i++)
        assert_int_equal(ends(deaths[i]), -SIGSYS);
}

/* ------------------------------------------------------------------ the process */

static int has_given_up(void)
{
    struct rlimit core;
    bool locked;

    if (idem_confine_process(&locked) != 0)
        return 99;
    if (prctl(PR_GET_DUMPABLE) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 1;
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
        return 2;
    if (setrlimit(RLIMIT_CORE, &(const struct rlimit){1, 1}) == 0)
        return 3;
    return prctl(PR_CAPBSET_READ, 21, 0, 0, 0) == 1 && geteuid() == 0 ? 4 : 0;
}

static void rights_do_not_come_back(void **state)
{
    (void)state;
    if (idem_confine_is_built())
        assert_int_equal(ends(has_given_up), 0);
}

/* ------------------------------------------------------------------ files */

static char inside[64], another[64];

static int opens_by_its_paths(void)
{
    const struct idem_confine_path paths[] = {
        {directory, IDEM_CONFINE_READ | IDEM_CONFINE_WRITE},
        {"/no/such/place", IDEM_CONFINE_READ},
        {"/proc/self/status", IDEM_CONFINE_READ},
    };
    int err = idem_confine_process(NULL);

    if (err == 0)
        err = idem_confine_files(paths, COUNT(paths), 0);
    if (err == IDEM_ERR_NOT_FOUND)
        return 77;
    if (err != 0)
        return 99;
    if (open(inside, O_RDWR | O_CREAT | O_TRUNC, 0600) < 0 || rename(inside, another) != 0 ||
        unlink(another) != 0)
        return 1;
    if (open("/proc/self/status", O_RDONLY) < 0)
        return 2;
    if (open("/etc/passwd", O_RDONLY) >= 0 || open("/proc/self/mem", O_RDWR) >= 0)
        return 3;
    return mkdir("/tmp/idem-not-here", 0700) == 0 ? 4 : 0;
}

static int opens_nothing(void)
{
    int err = idem_confine_process(NULL);

    if (err == 0)
        err = idem_confine_files(NULL, 0, 0);
    if (err == IDEM_ERR_NOT_FOUND)
        return 77;
    return err != 0 ? 99 : open("/dev/null", O_RDONLY) >= 0 || open("/", O_RDONLY) >= 0;
}

static void no_path_but_those_named(void **state)
{
    (void)state;
    if (!idem_confine_is_built()) { /* with a sanitizer: the other build runs it */
        assert_int_equal(idem_confine_files(NULL, 0, 0), 0);
        return;
    }
    assert_non_null(mkdtemp(directory));
    snprintf(inside, sizeof inside, "%s/file", directory);
    snprintf(another, sizeof another, "%s/other", directory);
    int by_paths = ends(opens_by_its_paths), nothing = ends(opens_nothing);
    rmdir(directory);
    if (by_paths == 77 && nothing == 77) {
        print_message("this kernel has no Landlock: no path can be walled off\n");
        skip();
    }
    assert_true(by_paths == 0 && nothing == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_named_ends_the_process),
        cmocka_unit_test(rights_do_not_come_back),
        cmocka_unit_test(no_path_but_those_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
