/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine.h - how a process of the agent gives up what it does not need, before it reads the first
 * byte of anybody. What a unit file promises can be left out of a unit file; this cannot.
 *
 *   idem_confine_process   no new privileges, no capabilities, no core dumps, nobody but root may
 *                          look into it, its memory is not swapped out
 *   idem_confine_files     Landlock: the paths that are named, and no other; no TCP
 *   idem_confine_calls     seccomp: the system calls that are named; any other ends the process
 *
 * In this order, after everything is opened that is to stay open. There is no way back.
 *
 * Not with a sanitizer, which makes calls of its own: there all three do nothing, and
 * idem_confine_is_built() says so.
 */
#ifndef IDEM_AGENT_CONFINE_H
#define IDEM_AGENT_CONFINE_H

#include "idem/idem.h"

bool idem_confine_is_built(void);

/* Capabilities are dropped from all sets, the bounding set too where that is allowed. IDEM_ERR_IO.
 * *locked, when not NULL: memory stays out of the swap space; a limit may be in the way. */
int idem_confine_process(bool *locked);

enum {
    IDEM_CONFINE_READ = 1,   /* files and directories beneath */
    IDEM_CONFINE_WRITE = 2,  /* make, write, rename and remove files beneath; sockets too */
    IDEM_CONFINE_CONNECT = 4 /* beside the paths: TCP connections may be opened */
};

struct idem_confine_path {
    const char *path; /* a file or a directory; one that is not there is passed over */
    unsigned access;  /* IDEM_CONFINE_READ | IDEM_CONFINE_WRITE */
};

/*
 * No path at all (NULL, 0): the process can open nothing. flags: IDEM_CONFINE_CONNECT or 0; ports
 * are never listened on, and signals and abstract sockets of other processes are out of reach, both
 * where the kernel knows how. IDEM_ERR_NOT_FOUND: the kernel has no Landlock, which is to be
 * logged; IDEM_ERR_IO.
 */
int idem_confine_files(const struct idem_confine_path *paths, size_t count, unsigned flags);

enum idem_confine_answer {
    IDEM_CONFINE_ALLOW = 0,
    IDEM_CONFINE_NOTHING, /* not done, and 0 returned as though it were; before any ALLOW */
    IDEM_CONFINE_ENOSYS,  /* not done: the kernel has no such call. Likewise */
};

/* One call, for any arguments or for those with (argument & mask) == value, and likewise for the
 * second one. Several rows of a call allow any of them. A name that the architecture does not have
 * is passed over. */
struct idem_confine_call {
    const char *name;
    unsigned argument;
    uint64_t mask; /* 0: any */
    uint64_t value;
    enum idem_confine_answer answer;
    unsigned argument2;
    uint64_t mask2, value2; /* mask2 0: any */
};

/*
 * What is always allowed: memory that is never run, time, waiting by poll(2), messages on sockets
 * that are open, closing, lines on stderr, ending. Everything else is in calls. IDEM_ERR_IO when
 * the kernel refuses.
 */
int idem_confine_calls(const struct idem_confine_call *calls, size_t count);

#endif
