/* file.c - reading, mapping, and replacing through a file beside the target
 *
 * A writer holds a lock on its temporary file, which tells a living writer from
 * what a dead process left. Commit syncs the file, renames it and syncs the
 * folder: after that a power cut leaves the old file or the new one.
 */
#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"

/* Small pieces are gathered up to this; one system call moves so much. */
#define OUT_BUFFER_BYTES ((size_t)256 << 10)
/* Linux moves less than 2 GiB a call; this is a round number below it. */
#define CALL_MAX_BYTES ((size_t)1 << 30)

int qvl_file_fail(const char *what, const char *path, int reason,
                  const char *wanted, qvl_err *err)
{
    int code = reason == ENOMEM ? QVL_E_MEMORY : QVL_E_IO;
    return qvl_fail(err, code, "%s (%s): found \"%s\", expected %s", what, path,
                    strerror(reason), wanted);
}

/* Open for reading and look at it; a folder is an error. */
static int open_for_reading(int *fd, struct stat *info, const char *path,
                            qvl_err *err)
{
    int f = open(path, O_RDONLY | O_CLOEXEC);
    if (f < 0)
        return qvl_file_fail("cannot open file", path, errno, "a readable file",
                             err);
    int reason = 0;
    if (fstat(f, info) != 0)
        reason = errno;
    else if (S_ISDIR(info->st_mode))
        reason = EISDIR;
    if (reason != 0) {
        close(f);
        return qvl_file_fail("cannot open file", path, reason,
                             "a readable file", err);
    }
    *fd = f;
    return QVL_OK;
}

/* Arguments of read_all, which runs under a guard. */
typedef struct {
    int fd;
    size_t hint_bytes;  // probable length
    const char *path;
    qvl_arena *arena;
    qvl_err *err;
    char *text;  // result
    size_t len;  // result
} reading;

/* Read to the end whatever the hint said: the file may grow, or be a pipe.
 * One byte more than the hint is asked for, so that its end is seen. */
static int read_all(void *arg)
{
    reading *r = arg;
    size_t cap = r->hint_bytes + 2;
    r->text = qvl_arena_alloc(r->arena, cap);
    for (;;) {
        if (r->len + 1 == cap) {
            char *larger = qvl_arena_alloc_n(r->arena, cap, 2);
            memcpy(larger, r->text, r->len);
            r->text = larger;
            cap *= 2;
        }
        size_t room = cap - 1 - r->len;
        ssize_t n = read(r->fd, r->text + r->len,
                         room < CALL_MAX_BYTES ? room : CALL_MAX_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return qvl_file_fail("cannot read file", r->path, errno,
                                 "its content", r->err);
        if (n == 0)
            break;
        r->len += (size_t)n;
    }
    r->text[r->len] = '\0';
    return QVL_OK;
}

int qvl_file_read(const char *path, char **text, size_t *len,
                  qvl_arena *arena, qvl_err *err)
{
    assert(path != NULL && text != NULL && arena != NULL);

    int fd = -1;
    struct stat info;
    QVL_TRY(open_for_reading(&fd, &info, path, err));
    reading r = {
        .fd = fd,
        .hint_bytes = info.st_size > 0 ? (size_t)info.st_size : 4096,
        .path = path,
        .arena = arena,
        .err = err,
    };
    int rc = qvl_guard(read_all, &r, err);
    close(fd);
    if (rc == QVL_E_MEMORY)
        qvl_err_add(err, "reading %s", path);
    if (rc != QVL_OK)
        return rc;
    *text = r.text;
    if (len != NULL)
        *len = r.len;
    return QVL_OK;
}

int qvl_file_map_open(qvl_file_map *map, const char *path, qvl_err *err)
{
    assert(map != NULL && path != NULL);

    int fd = -1;
    struct stat info;
    QVL_TRY(open_for_reading(&fd, &info, path, err));
    if (!S_ISREG(info.st_mode)) {
        close(fd);
        return qvl_fail(err, QVL_E_IO, "cannot map file (%s): found a device or"
                        " a pipe, expected a regular file", path);
    }
    size_t len = (size_t)info.st_size;
    const void *p = "";  // an empty file cannot be mapped
    if (len > 0)
        p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    int reason = errno;
    close(fd);
    if (p == MAP_FAILED)
        return qvl_file_fail("cannot map file", path, reason,
                             "room in the address space", err);
    *map = (qvl_file_map){ .p = p, .len = len };
    return QVL_OK;
}

void qvl_file_map_close(qvl_file_map *map)
{
    if (map == NULL)
        return;
    if (map->len > 0)
        munmap((void *)(uintptr_t)map->p, map->len);
    *map = (qvl_file_map){ 0 };
}

void qvl_file_forget(const void *p, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)p + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)p + n) / page * page;
    if (end > first)
        madvise((void *)first, end - first, MADV_DONTNEED);
}

struct qvl_file_out {
    // owned
    int fd;
    char *path;      // target
    char *tmp_path;  // what is being written
    char *buffer;    // [OUT_BUFFER_BYTES]
    size_t n_buffered;
    bool failed;
};

static void out_free(qvl_file_out *out)
{
    if (out->fd >= 0)
        close(out->fd);
    free(out->path);
    free(out->tmp_path);
    free(out->buffer);
    free(out);
}

/* A handle without a file, or NULL when memory is out. */
static qvl_file_out *out_new(const char *path)
{
    qvl_file_out *out = calloc(1, sizeof *out);
    if (out == NULL)
        return NULL;
    size_t tmp_bytes = strlen(path) + sizeof ".tmp." + 3 * sizeof(long);
    out->fd = -1;
    out->path = strdup(path);
    out->tmp_path = malloc(tmp_bytes);
    out->buffer = malloc(OUT_BUFFER_BYTES);
    if (out->path == NULL || out->tmp_path == NULL || out->buffer == NULL) {
        out_free(out);
        return NULL;
    }
    snprintf(out->tmp_path, tmp_bytes, "%s.tmp.%ld", path, (long)getpid());
    return out;
}

/* Do the descriptor and the name still mean one file? */
static bool is_same_file(int fd, const char *path)
{
    struct stat a;
    struct stat b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev
           && a.st_ino == b.st_ino;
}

/* Open the file beside the target. A file of that name may be left from a
 * process that died with our number, so it is reused; the lock, which a
 * living writer holds, tells the two apart. */
static int open_tmp(qvl_file_out *out, qvl_err *err)
{
    out->fd = open(out->tmp_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (out->fd < 0)
        return qvl_file_fail("cannot write file", out->path, errno,
                             "a folder that takes files", err);
    if (flock(out->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return qvl_fail(err, QVL_E_IO, "cannot write file (%s): found another "
                        "writer of it, expected none", out->path);
    if (!is_same_file(out->fd, out->tmp_path))
        return qvl_fail(err, QVL_E_IO, "cannot write file (%s): found another "
                        "writer that has just ended, expected none", out->path);
    if (ftruncate(out->fd, 0) == 0)
        return QVL_OK;
    int reason = errno;
    unlink(out->tmp_path);
    return qvl_file_fail("cannot write file", out->path, reason,
                         "an empty file", err);
}

int qvl_file_out_open(qvl_file_out **out, const char *path, qvl_err *err)
{
    assert(out != NULL && path != NULL);

    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return qvl_fail(err, QVL_E_IO, "cannot replace file (%s): found %s, "
                        "expected a regular file or nothing", path,
                        S_ISDIR(info.st_mode) ? "a folder" : "a device");
    qvl_file_out *o = out_new(path);
    if (o == NULL)
        return qvl_fail(err, QVL_E_MEMORY, "no memory to write %s", path);
    int rc = open_tmp(o, err);
    if (rc != QVL_OK) {
        out_free(o);
        return rc;
    }
    *out = o;
    return QVL_OK;
}

/* Write all n bytes to the file. */
static int write_now(qvl_file_out *out, const char *p, size_t n, qvl_err *err)
{
    while (n > 0) {
        ssize_t k = write(out->fd, p, n < CALL_MAX_BYTES ? n : CALL_MAX_BYTES);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            int reason = k < 0 ? errno : ENOSPC;
            out->failed = true;
            return qvl_file_fail("cannot write file", out->path, reason,
                                 "room for it", err);
        }
        p += k;
        n -= (size_t)k;
    }
    return QVL_OK;
}

static int flush(qvl_file_out *out, qvl_err *err)
{
    size_t n = out->n_buffered;
    out->n_buffered = 0;
    return write_now(out, out->buffer, n, err);
}

int qvl_file_out_write(qvl_file_out *out, const void *p, size_t n,
                       qvl_err *err)
{
    assert(out != NULL && (p != NULL || n == 0));

    if (out->failed)
        return qvl_fail(err, QVL_E_IO, "cannot write file (%s): found an "
                        "earlier failure, expected none", out->path);
    if (n > OUT_BUFFER_BYTES - out->n_buffered)
        QVL_TRY(flush(out, err));
    if (n >= OUT_BUFFER_BYTES)
        return write_now(out, p, n, err);
    if (n > 0)
        memcpy(out->buffer + out->n_buffered, p, n);
    out->n_buffered += n;
    return QVL_OK;
}

int qvl_file_out_commit(qvl_file_out *out, qvl_err *err)
{
    assert(out != NULL);

    int rc = qvl_file_out_write(out, NULL, 0, err);  // an earlier failure?
    if (rc == QVL_OK)
        rc = flush(out, err);
    if (rc == QVL_OK && fsync(out->fd) != 0)
        rc = qvl_file_fail("cannot sync file", out->path, errno,
                           "a synced file", err);
    if (rc == QVL_OK && rename(out->tmp_path, out->path) != 0)
        rc = qvl_file_fail("cannot rename to", out->path, errno,
                           "a target that can be replaced", err);
    if (rc != QVL_OK) {
        qvl_file_out_abort(out);
        return rc;
    }
    rc = qvl_folder_sync_above(out->path, err);
    out_free(out);
    return rc;
}

void qvl_file_out_abort(qvl_file_out *out)
{
    if (out == NULL)
        return;
    unlink(out->tmp_path);
    out_free(out);
}

int qvl_file_write_all(const char *path, const void *p, size_t n, qvl_err *err)
{
    qvl_file_out *out;
    QVL_TRY(qvl_file_out_open(&out, path, err));
    int rc = qvl_file_out_write(out, p, n, err);
    if (rc != QVL_OK) {
        qvl_file_out_abort(out);
        return rc;
    }
    return qvl_file_out_commit(out, err);
}

bool qvl_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool qvl_file_identify(const char *path, qvl_file_id *id)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return false;
    *id = (qvl_file_id){ .device = (uint64_t)info.st_dev,
                         .number = (uint64_t)info.st_ino };
    return true;
}

bool qvl_file_is_same(const char *a, const char *b)
{
    qvl_file_id x, y;
    return qvl_file_identify(a, &x) && qvl_file_identify(b, &y)
           && x.device == y.device && x.number == y.number;
}

bool qvl_file_is_dir(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Make one folder unless it is there. */
static int make_dir(const char *path, qvl_err *err)
{
    if (mkdir(path, 0777) == 0)
        return QVL_OK;
    int reason = errno;
    if (qvl_file_is_dir(path))
        return QVL_OK;
    return qvl_file_fail("cannot make folder", path, reason,
                         "a folder or nothing", err);
}

int qvl_file_make_dirs(const char *path, qvl_err *err)
{
    assert(path != NULL);

    if (path[0] == '\0')
        return qvl_fail(err, QVL_E_IO, "cannot make folder: found an empty "
                        "path, expected a name");
    char *part = strdup(path);
    if (part == NULL)
        return qvl_fail(err, QVL_E_MEMORY, "no memory to make %s", path);
    int rc = QVL_OK;
    for (char *p = part + 1; rc == QVL_OK; p++) {
        bool at_end = *p == '\0';
        if (!at_end && *p != '/')
            continue;
        *p = '\0';
        rc = make_dir(part, err);
        if (at_end)
            break;
        *p = '/';
    }
    free(part);
    return rc;
}
