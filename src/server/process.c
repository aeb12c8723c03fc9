/* SPDX-License-Identifier: Apache-2.0 */
/* process.c - see process.h. */
#include "server/process.h"

#include "base/log.h"

#include <errno.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void idem_process_prepare(sigset_t *signals)
{
    struct rlimit files;

    /* One heap that grows in large steps: tens of thousands of sessions are allocated by several
     * threads, and heaps of threads grow page by page, with a system call each. */
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, 16 * 1024 * 1024);
    mallopt(M_MXFAST, 0); /* else each of them sweeps the small free blocks first */
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file size is a full disk, not a reason to die */
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    sigprocmask(SIG_BLOCK, signals, NULL); /* inherited by all threads: only sigwait sees them */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int fail(const char *user, const char *why)
{
    idem_log(IDEM_LOG_ERROR, "config: cannot become the user %s: %s", user, why);
    return IDEM_ERR_IO;
}

int idem_process_become(const char *user)
{
    const struct passwd *who = getpwnam(user);

    if (who == NULL)
        return fail(user, "there is no such user");
    if (who->pw_uid == geteuid() && who->pw_uid == getuid())
        return IDEM_OK;
    if (initgroups(user, who->pw_gid) != 0 ||
        setresgid(who->pw_gid, who->pw_gid, who->pw_gid) != 0 ||
        setresuid(who->pw_uid, who->pw_uid, who->pw_uid) != 0)
        return fail(user, strerror(errno));
    if (setresuid(0, 0, 0) == 0)
        return fail(user, "the way back is still open");
    prctl(PR_SET_DUMPABLE, 0);
    return IDEM_OK;
}
