/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init.c - the first program of both guests, linked statically. It mounts, loads the modules that
 * stand in /modules/list, in that order, and then, by the kernel's command line ("guest="),
 *
 *   devices   starts udevd and the scenes, and ends the machine when they end
 *   system    puts a tmpfs over Debian's read-only root (overlayfs), shows this build's programs
 *             under /payload, and hands over to systemd. Root and programs are in the initramfs:
 *             a machine without a disk waits for none, so that its clock, where it is emulated,
 *             knows no time but its own
 *   none      ends the machine: a look whether it boots at all
 *
 * It runs in a guest only: it refuses to be anything but process 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *what, *where, *kind, *options;
} mounts[] = {
    {"proc", "/proc", "proc", NULL},        {"sysfs", "/sys", "sysfs", NULL},
    {"devtmpfs", "/dev", "devtmpfs", NULL}, {"tmpfs", "/run", "tmpfs", "mode=755"},
    {"tmpfs", "/tmp", "tmpfs", NULL},
};

static void power_off(void)
{
    sync();
    reboot(RB_POWER_OFF);
    _exit(1);
}

static void fail(const char *what)
{
    printf("init: %s: %s\n", what, strerror(errno));
    fflush(stdout);
    power_off();
}

static void mount_on(const char *what, const char *where, const char *kind, unsigned long flags,
                     const char *options)
{
    mkdir(where, 0755);
    if (mount(what, where, kind, flags, options) != 0)
        fail(where);
}

static void load(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    /* Two USB ports for the emulated keyboards, at high speed. */
    const char *options = strstr(path, "dummy_hcd") ? "num=2" : "";
    if (fd < 0 || (syscall(SYS_finit_module, fd, options, 0) != 0 && errno != EEXIST))
        fail(path);
    close(fd);
}

static void load_modules(void)
{
    char line[256];
    FILE *list = fopen("/modules/list", "re");

    while (list && fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = 0;
        load(line);
    }
    if (list)
        fclose(list);
}

static int run(const char *const argv[])
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        execv(argv[0], (char *const *)(void *)(uintptr_t)argv);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Device nodes are devtmpfs's work and udevd's: it alone tells libudev's monitors of devices. */
static void start_udevd(void)
{
    const char *const daemon[] = {"/lib/systemd/systemd-udevd", "--daemon", NULL};
    const char *const trigger[] = {"/bin/udevadm", "trigger", "--action=add", NULL};
    const char *const settle[] = {"/bin/udevadm", "settle", "--timeout=20", NULL};

    if (run(daemon) != 0 || run(trigger) != 0 || run(settle) != 0)
        fail("udevd");
}

static void devices_guest(void)
{
    const char *const scenes[] = {"/scenes", NULL};

    mount_on("configfs", "/sys/kernel/config", "configfs", 0, NULL);
    start_udevd();
    int report = open("/dev/ttyS1", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (report < 0 || dup2(report, STDOUT_FILENO) < 0)
        fail("/dev/ttyS1");
    printf("# scenes end with %d\n", run(scenes));
    fflush(stdout);
}

/* The squashfs is a file of the initramfs. */
static void attach_root(void)
{
    int file = open("/system.squashfs", O_RDONLY | O_CLOEXEC);
    int loop = open("/dev/loop0", O_RDONLY | O_CLOEXEC);

    if (file < 0 || loop < 0 || ioctl(loop, LOOP_SET_FD, file) != 0)
        fail("/system.squashfs");
    close(file);
}

static void system_guest(void)
{
    attach_root();
    mount_on("/dev/loop0", "/lower", "squashfs", MS_RDONLY, NULL);
    mount_on("tmpfs", "/upper", "tmpfs", 0, "mode=755");
    mkdir("/upper/over", 0755);
    mkdir("/upper/work", 0755);
    mount_on("overlay", "/root", "overlay", 0,
             "lowerdir=/lower,upperdir=/upper/over,workdir=/upper/work");
    mount_on("/payload", "/root/payload", "", MS_BIND, NULL);
    for (size_t i = 0; i + 1 < sizeof mounts / sizeof *mounts; i++) {
        char to[64];
        snprintf(to, sizeof to, "/root%s", mounts[i].where);
        if (mount(mounts[i].where, to, NULL, MS_MOVE, NULL) != 0)
            fail(to);
    }
    if (chdir("/root") != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0)
        fail("/root");
    execl("/payload/prepare", "/payload/prepare", (char *)NULL);
    fail("/payload/prepare");
}

int main(void)
{
    const char *guest = getenv("guest");

    if (getpid() != 1) {
        fprintf(stderr, "guest-init: runs as a machine's first program only\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++)
        mount_on(mounts[i].what, mounts[i].where, mounts[i].kind, 0, mounts[i].options);
    load_modules();
    printf("init: %s\n", guest ? guest : "none");
    fflush(stdout);
    if (guest && strcmp(guest, "devices") == 0)
        devices_guest();
    else if (guest && strcmp(guest, "system") == 0)
        system_guest();
    power_off();
}
