/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_secrets.c - a new secret is on the disk before anything depends on it, its name as well as
 * its bytes; and what lies there is read back, or refused.
 */
#include "server/secrets.h"

#include "idem/idem.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/idem-secrets-XXXXXX", path[64];
static int files_synced, directories_synced;
static bool named_when_synced; /* the directory was synchronised with the name in it */

/* In place of the C library's: notes what is synchronised. */
int fsync(int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        directories_synced++;
        named_when_synced = access(path, F_OK) == 0;
    } else {
        files_synced++;
    }
    return (int)syscall(SYS_fsync, fd);
}

static void test_a_new_secret_is_on_the_disk_with_its_name(void **state)
{
    uint8_t made[IDEM_SECRET_BYTES], read[IDEM_SECRET_BYTES];
    (void)state;

    snprintf(path, sizeof path, "%s/x.key", dir);
    assert_int_equal(idem_secret_load(dir, "x.key", true, made), 0);
    assert_true(files_synced == 1 && directories_synced == 1 && named_when_synced);
    assert_int_equal(idem_secret_load(dir, "x.key", false, read), 0);
    assert_memory_equal(made, read, sizeof made);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_not_equal(idem_secret_load(dir, "x.key", true, read), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_not_equal(idem_secret_load(dir, "x.key", false, read), 0);
}

static int make(void **state)
{
    (void)state;
    return sodium_init() < 0 || mkdtemp(dir) == NULL ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_secret_is_on_the_disk_with_its_name),
    };
    return cmocka_run_group_tests(tests, make, end);
}
