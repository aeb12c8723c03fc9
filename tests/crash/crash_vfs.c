/* SPDX-License-Identifier: Apache-2.0 */
/* crash_vfs.c - SQLite's view of disk.h; see crash_vfs.h. One lock for everything. */
#include "crash_vfs.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHM_REGIONS_MAX = 64 };

/* What the connections of one data base share, by its name. */
struct share {
    int readers, reserved, pending,
        exclusive; /* who holds the lock, by owner + 1; readers: count */
    void *regions[SHM_REGIONS_MAX];
    int shm_shared[SQLITE_SHM_NLOCK];
    bool shm_exclusive[SQLITE_SHM_NLOCK];
    int mapped; /* connections that use the regions */
};

struct file {
    sqlite3_file base;
    int file;                 /* on the disk, or -1 */
    struct disk_file private; /* without a name */
    struct share *share;
    bool sync_directory, temporary, mapped;
    int lock, owner;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sqlite3_vfs *unix_vfs;
static struct disk *disk;
static char share_names[DISK_NAMES_MAX][DISK_NAME_MAX];
static struct share shares[DISK_NAMES_MAX];
static int owners, open_files;
static struct crash_fault fault;
static uint64_t calls, faults;
static int last_error;

static struct file *of(sqlite3_file *f)
{
    return (struct file *)f;
}

/* ------------------------------------------------------------------ faults */

static bool fails(enum crash_call call)
{
    if ((fault.calls & (unsigned)call) == 0)
        return false;
    calls++;
    if (calls <= fault.after || faults >= fault.times)
        return false;
    faults++;
    errno = last_error = fault.how == CRASH_EIO ? EIO : ENOSPC;
    return true;
}

static int code(int io_error)
{
    return fault.how == CRASH_EIO ? io_error : SQLITE_FULL;
}

void crash_vfs_fault(const struct crash_fault *f)
{
    pthread_mutex_lock(&lock);
    fault = f != NULL ? *f : (struct crash_fault){0};
    calls = faults = 0;
    pthread_mutex_unlock(&lock);
}

uint64_t crash_vfs_faults(void)
{
    pthread_mutex_lock(&lock);
    uint64_t n = faults;
    pthread_mutex_unlock(&lock);
    return n;
}

uint64_t crash_vfs_calls(void)
{
    pthread_mutex_lock(&lock);
    uint64_t n = calls;
    pthread_mutex_unlock(&lock);
    return n;
}

/* ------------------------------------------------------------------ a file */

static const struct disk_file *content(const struct file *f)
{
    return f->temporary ? &f->private : &disk->files[f->file];
}

static int file_close(sqlite3_file *base)
{
    struct file *f = of(base);
    pthread_mutex_lock(&lock);
    free(f->private.bytes);
    open_files--;
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *out, int want, sqlite3_int64 at)
{
    int rc = SQLITE_OK;

    pthread_mutex_lock(&lock);
    const struct disk_file *c = content(of(base));
    const size_t from = (size_t)at, len = (size_t)want;
    const size_t have = from >= c->len ? 0 : c->len - from < len ? c->len - from : len;
    if (!of(base)->temporary && fails(CRASH_READ)) {
        rc = SQLITE_IOERR_READ;
    } else {
        if (have > 0)
            memcpy(out, c->bytes + from, have);
        memset((char *)out + have, 0, len - have);
        rc = have < len ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

static int write_named(struct file *f, const void *bytes, size_t len, size_t at)
{
    if (!fails(CRASH_WRITE)) {
        disk_write(disk, f->file, at, bytes, len);
        return SQLITE_OK;
    }
    if (fault.how == CRASH_SHORT && len / 2 > 0)
        disk_write(disk, f->file, at, bytes, len / 2);
    return code(SQLITE_IOERR_WRITE);
}

static int file_write(sqlite3_file *base, const void *bytes, int len, sqlite3_int64 at)
{
    struct file *f = of(base);
    int rc = SQLITE_OK;

    pthread_mutex_lock(&lock);
    if (f->temporary)
        disk_file_put(&f->private, (size_t)at, bytes, (size_t)len);
    else
        rc = write_named(f, bytes, (size_t)len, (size_t)at);
    pthread_mutex_unlock(&lock);
    return rc;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 len)
{
    struct file *f = of(base);
    int rc = SQLITE_OK;

    pthread_mutex_lock(&lock);
    if (f->temporary)
        disk_file_cut(&f->private, (size_t)len);
    else if (fails(CRASH_TRUNCATE))
        rc = SQLITE_IOERR_TRUNCATE;
    else
        disk_truncate(disk, f->file, (size_t)len);
    pthread_mutex_unlock(&lock);
    return rc;
}

static int sync_named(struct file *f)
{
    if (fails(CRASH_SYNC)) {
        disk_sync_lost(disk, f->file);
        return SQLITE_IOERR_FSYNC;
    }
    disk_sync(disk, f->file);
    if (f->sync_directory)
        disk_sync_directory(disk);
    f->sync_directory = false;
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    pthread_mutex_lock(&lock);
    int rc = of(base)->temporary ? SQLITE_OK : sync_named(of(base));
    pthread_mutex_unlock(&lock);
    return rc;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *out)
{
    pthread_mutex_lock(&lock);
    *out = (sqlite3_int64)content(of(base))->len;
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
    (void)base;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

/* As SQLite's own VFS answers on Linux. */
static int sector_size(sqlite3_file *base)
{
    (void)base;
    return DISK_PAGE;
}

static int characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ------------------------------------------------------------------ locks of the file */

static bool others(int holder, const struct file *f)
{
    return holder != 0 && holder != f->owner;
}

static bool may_lock(const struct file *f, int level)
{
    const struct share *s = f->share;

    if (others(s->exclusive, f))
        return false;
    if (level == SQLITE_LOCK_SHARED)
        return !others(s->pending, f);
    if (others(s->reserved, f) || others(s->pending, f))
        return false;
    return level != SQLITE_LOCK_EXCLUSIVE || s->readers <= 1;
}

static int file_lock(sqlite3_file *base, int level)
{
    struct file *f = of(base);
    struct share *s = f->share;
    int rc = SQLITE_BUSY;

    pthread_mutex_lock(&lock);
    if (level <= f->lock) {
        rc = SQLITE_OK;
    } else if (may_lock(f, level)) {
        s->readers += f->lock == SQLITE_LOCK_NONE;
        if (level >= SQLITE_LOCK_RESERVED)
            s->reserved = f->owner;
        if (level >= SQLITE_LOCK_PENDING)
            s->pending = f->owner;
        if (level == SQLITE_LOCK_EXCLUSIVE)
            s->exclusive = f->owner;
        f->lock = level;
        rc = SQLITE_OK;
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

static int file_unlock(sqlite3_file *base, int level)
{
    struct file *f = of(base);
    struct share *s = f->share;

    pthread_mutex_lock(&lock);
    if (level < f->lock) {
        s->reserved = s->reserved == f->owner ? 0 : s->reserved;
        s->pending = s->pending == f->owner ? 0 : s->pending;
        s->exclusive = s->exclusive == f->owner ? 0 : s->exclusive;
        s->readers -= level == SQLITE_LOCK_NONE;
        f->lock = level;
    }
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

static int check_reserved(sqlite3_file *base, int *out)
{
    pthread_mutex_lock(&lock);
    *out = of(base)->share->reserved != 0;
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

/* ------------------------------------------------------------------ shared memory */

static int shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **out)
{
    struct share *s = of(base)->share;
    int rc = SQLITE_OK;

    *out = NULL;
    if (region >= SHM_REGIONS_MAX)
        return SQLITE_IOERR_SHMSIZE;
    pthread_mutex_lock(&lock);
    s->mapped += !of(base)->mapped;
    of(base)->mapped = true;
    if (s->regions[region] == NULL && extend)
        s->regions[region] = calloc(1, (size_t)size);
    if (s->regions[region] == NULL && extend)
        rc = SQLITE_NOMEM;
    *out = s->regions[region];
    pthread_mutex_unlock(&lock);
    return rc;
}

static bool shm_free(const struct share *s, int at, int n, bool exclusive)
{
    for (int i = at; i < at + n; i++)
        if (s->shm_exclusive[i] || (exclusive && s->shm_shared[i] > 0))
            return false;
    return true;
}

static int shm_lock(sqlite3_file *base, int at, int n, int flags)
{
    struct share *s = of(base)->share;
    const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    int rc = SQLITE_OK;

    pthread_mutex_lock(&lock);
    if ((flags & SQLITE_SHM_LOCK) != 0 && !shm_free(s, at, n, exclusive)) {
        rc = SQLITE_BUSY;
    } else {
        const bool take = (flags & SQLITE_SHM_LOCK) != 0;
        for (int i = at; i < at + n; i++) {
            if (exclusive)
                s->shm_exclusive[i] = take;
            else
                s->shm_shared[i] += take ? 1 : -1;
        }
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

static void shm_barrier(sqlite3_file *base)
{
    (void)base;
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
}

static int shm_unmap(sqlite3_file *base, int delete)
{
    struct share *s = of(base)->share;

    (void)delete; /* the last one out leaves nothing, asked or not: it is memory */
    pthread_mutex_lock(&lock);
    s->mapped -= of(base)->mapped;
    of(base)->mapped = false;
    for (int i = 0; i < SHM_REGIONS_MAX && s->mapped == 0; i++) {
        free(s->regions[i]);
        s->regions[i] = NULL;
    }
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = check_reserved,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

/* ------------------------------------------------------------------ the directory */

static struct share *share_of(const char *name)
{
    int i = 0;

    while (share_names[i][0] != '\0' && strcmp(share_names[i], name) != 0)
        if (++i == DISK_NAMES_MAX)
            abort();
    snprintf(share_names[i], DISK_NAME_MAX, "%s", name);
    return &shares[i];
}

static int open_named(struct file *f, const char *name, int flags)
{
    f->file = disk_find(disk, name);
    if (f->file < 0 && (flags & SQLITE_OPEN_CREATE) == 0)
        return SQLITE_CANTOPEN;
    if (fails(CRASH_OPEN))
        return SQLITE_CANTOPEN;
    if (f->file < 0)
        f->file = disk_create(disk, name);
    f->sync_directory =
        (flags & SQLITE_OPEN_CREATE) != 0 &&
        (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    f->share = share_of(name);
    return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out)
{
    struct file *f = of(base);
    int rc = SQLITE_OK;

    (void)vfs;
    memset(f, 0, sizeof *f);
    pthread_mutex_lock(&lock);
    f->owner = ++owners;
    f->temporary = name == NULL;
    f->file = -1;
    if (name != NULL)
        rc = open_named(f, name, flags);
    if (rc == SQLITE_OK) {
        base->pMethods = &methods;
        open_files++;
    }
    pthread_mutex_unlock(&lock);
    if (out != NULL)
        *out = flags;
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    int rc = SQLITE_OK;

    (void)vfs;
    pthread_mutex_lock(&lock);
    if (disk_find(disk, name) < 0) {
        rc = SQLITE_IOERR_DELETE_NOENT;
    } else if (fails(CRASH_DELETE)) {
        rc = SQLITE_IOERR_DELETE;
    } else {
        disk_delete(disk, name);
        if (sync_directory)
            disk_sync_directory(disk);
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs;
    pthread_mutex_lock(&lock);
    const int file = disk_find(disk, name);
    *out = file >= 0 && (flags != SQLITE_ACCESS_EXISTS || disk->files[file].len > 0);
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int cap, char *out)
{
    (void)vfs;
    return snprintf(out, (size_t)cap, "%s", name) < cap ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_randomness(sqlite3_vfs *vfs, int len, char *out)
{
    (void)vfs;
    return unix_vfs->xRandomness(unix_vfs, len, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return unix_vfs->xSleep(unix_vfs, us);
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    return unix_vfs->xCurrentTime(unix_vfs, out);
}

static int vfs_last_error(sqlite3_vfs *vfs, int len, char *out)
{
    (void)vfs;
    if (len > 0)
        out[0] = '\0';
    return last_error;
}

/* ------------------------------------------------------------------ installing */

void crash_vfs_install(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 1,
        .szOsFile = sizeof(struct file),
        .mxPathname = DISK_NAME_MAX - 16,
        .zName = "crash",
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_name,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
    };
    unix_vfs = sqlite3_vfs_find(NULL);
    sqlite3_vfs_register(&vfs, 1);
}

void crash_vfs_mount(struct disk *d)
{
    pthread_mutex_lock(&lock);
    if (open_files != 0)
        abort();
    disk = d;
    memset(shares, 0, sizeof shares);
    memset(share_names, 0, sizeof share_names);
    pthread_mutex_unlock(&lock);
}

struct disk *crash_vfs_disk(void)
{
    return disk;
}

size_t crash_vfs_now(void)
{
    pthread_mutex_lock(&lock);
    size_t now = disk->count;
    pthread_mutex_unlock(&lock);
    return now;
}

/* ------------------------------------------------------------------ PRAGMA synchronous */

static char forced[64];

static int keep_forced(void *arg, int action, const char *name, const char *value,
                       const char *schema, const char *trigger)
{
    (void)arg;
    (void)schema;
    (void)trigger;
    return action == SQLITE_PRAGMA && value != NULL && sqlite3_stricmp(name, "synchronous") == 0
               ? SQLITE_IGNORE
               : SQLITE_OK;
}

static int force(sqlite3 *db, const char **why, const void *api)
{
    (void)why;
    (void)api;
    int rc = sqlite3_exec(db, forced, NULL, NULL, NULL);
    return rc != SQLITE_OK ? rc : sqlite3_set_authorizer(db, keep_forced, NULL);
}

void crash_vfs_synchronous(const char *mode)
{
    sqlite3_reset_auto_extension();
    if (mode == NULL)
        return;
    snprintf(forced, sizeof forced, "PRAGMA synchronous = %s", mode);
    sqlite3_auto_extension((void (*)(void))force);
}
