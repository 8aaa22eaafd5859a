/* folder.c - lists, syncs and removes folders
 *
 * An open folder is closed also when memory runs out while its names are
 * copied.
 */
#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static int system_error(const char *path, qvl_err *err)
{
    return qvl_file_fail("cannot use folder", path, errno, "one to work in",
                         err);
}

int qvl_folder_check(const char *folder, const char *what, int code,
                     qvl_err *err)
{
    struct stat info;
    int reason = stat(folder, &info) != 0     ? errno
                 : S_ISDIR(info.st_mode) == 0 ? ENOTDIR
                                              : 0;
    if (reason == 0)
        return QVL_OK;
    qvl_file_fail(what, folder, reason, "a folder", err);
    if (err != NULL)
        err->code = code;
    return code;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The next entry but the folder and the one above it; NULL: at the end, errno 0, or
 * where reading failed. */
static const char *next_name(DIR *dir)
{
    struct dirent *d;
    do {
        errno = 0;
        d = readdir(dir);
    } while (d != NULL && (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0));
    return d != NULL ? d->d_name : NULL;
}

typedef struct {
    const char *folder;
    DIR *dir;
    char **name;
    size_t n, cap;
    qvl_arena *arena;
    qvl_err *err;
} listing;

static int read_names(void *arg)
{
    listing *l = arg;
    for (const char *name; (name = next_name(l->dir)) != NULL;) {
        if (l->n == l->cap) {
            l->cap = l->cap > 0 ? 2 * l->cap : 16;
            char **more = qvl_arena_array(l->arena, char *, l->cap);
            if (l->n > 0)
                memcpy(more, l->name, l->n * sizeof *more);
            l->name = more;
        }
        l->name[l->n++] = qvl_arena_strdup(l->arena, name);
    }
    return errno == 0 ? QVL_OK : system_error(l->folder, l->err);
}

int qvl_folder_names(const char *folder, char ***name, size_t *n,
                     qvl_arena *arena, qvl_err *err)
{
    listing l = { .folder = folder, .dir = opendir(folder), .arena = arena,
                  .err = err };
    if (l.dir == NULL)
        return system_error(folder, err);
    int rc = qvl_guard(read_names, &l, err);
    closedir(l.dir);
    QVL_TRY(rc);
    if (l.n > 0)
        qsort(l.name, l.n, sizeof *l.name, by_bytes);
    *name = l.name;
    *n = l.n;
    return QVL_OK;
}

int qvl_folder_sync(const char *folder, qvl_err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return system_error(folder, err);
    /* Some file systems cannot sync a folder; they say EINVAL and need no sync. */
    bool is_synced = fsync(fd) == 0 || errno == EINVAL;
    int rc = is_synced ? QVL_OK : system_error(folder, err);
    close(fd);
    return rc;
}

const char *qvl_folder_above(const char *path, qvl_arena *arena)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return ".";
    return qvl_arena_strndup(arena, path,
                             slash > path ? (size_t)(slash - path) : 1);
}

int qvl_folder_real(const char **real, const char *folder, qvl_arena *arena,
                    qvl_err *err)
{
    char found[PATH_MAX];
    if (realpath(folder, found) == NULL)
        return system_error(folder, err);
    *real = qvl_arena_strdup(arena, found);
    return QVL_OK;
}

/* Bytes of the folders that both paths begin with: up to a slash in both, or to the
 * end of one where the other has a slash or its end. */
static size_t shared_bytes(const char *a, const char *b)
{
    size_t shared = 0;
    size_t i = 0;
    for (; a[i] != '\0' && a[i] == b[i]; i++)
        if (a[i] == '/')
            shared = i;
    bool is_whole = (a[i] == '\0' || a[i] == '/') && (b[i] == '\0' || b[i] == '/');
    return is_whole ? i : shared;
}

const char *qvl_folder_relative(const char *folder, const char *path,
                                qvl_arena *arena)
{
    size_t shared = shared_bytes(folder, path);
    const char *to = path + shared + (path[shared] == '/');
    const char *up = "";
    if (folder[1] == '\0')  // "/" holds all
        return path + 1;
    if (shared == 0)
        return path;
    for (const char *p = folder + shared; *p != '\0'; p++)
        if (*p == '/')
            up = qvl_arena_printf(arena, "%s../", up);
    char *name = qvl_arena_printf(arena, "%s%s", up, to);
    size_t len = strlen(name);
    if (*to == '\0' && len > 0)
        name[len - 1] = '\0';  // no slash behind the last ".."
    return name;
}

int qvl_folder_sync_above(const char *path, qvl_err *err)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return qvl_folder_sync(".", err);
    if (slash == path)
        return qvl_folder_sync("/", err);
    size_t len = (size_t)(slash - path);
    char *above = malloc(len + 1);
    if (above == NULL)
        return qvl_fail(err, QVL_E_MEMORY, "no memory for a path");
    memcpy(above, path, len);
    above[len] = '\0';
    int rc = qvl_folder_sync(above, err);
    free(above);
    return rc;
}

int qvl_folder_remove(const char *folder, qvl_err *err)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return errno == ENOENT ? QVL_OK : system_error(folder, err);
    int rc = QVL_OK;
    for (const char *name; (name = next_name(dir)) != NULL;)
        if (unlinkat(dirfd(dir), name, 0) != 0 && rc == QVL_OK)
            rc = system_error(folder, err);
    if (errno != 0 && rc == QVL_OK)
        rc = system_error(folder, err);
    closedir(dir);
    if (rc == QVL_OK && rmdir(folder) != 0)
        rc = system_error(folder, err);
    return rc;
}
