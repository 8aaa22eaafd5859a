/* run_folder.c - which folder a run writes to, or goes on with
 *
 * A version counts up from the largest there; a lock of output_dir keeps two runs that
 * start at once from counting to the same. A checkpoint of another output_dir is
 * read, and the run gets a new folder in its own.
 */
#include "train/run_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"

/* Number behind a prefix, with nothing or `behind` after it; -1: another name. */
static long number_of(const char *name, const char *prefix, char behind)
{
    size_t n = strlen(prefix);
    char *end;
    if (strncmp(name, prefix, n) != 0 || name[n] < '0' || name[n] > '9')
        return -1;
    errno = 0;
    long v = strtol(name + n, &end, 10);
    return errno == 0 && *end == behind ? v : -1;
}

/* The path of the folder in `folder` with the largest number, of equal ones the last by
 * name; NULL: none. `of_runs`: only such as have a checkpoint. */
static int newest(const char **best, const char *folder, const char *prefix,
                  char behind, bool of_runs, qvl_arena *arena, qvl_err *err)
{
    char **name;
    size_t n;
    long best_number = 0;
    *best = NULL;
    if (!qvl_file_exists(folder))
        return QVL_OK;
    QVL_TRY(qvl_folder_names(folder, &name, &n, arena, err));
    for (size_t i = 0; i < n; i++) {
        long number = number_of(name[i], prefix, behind);
        const char *path = qvl_arena_printf(arena, "%s/%s", folder, name[i]);
        const char *inner = path;
        if (number < best_number || !qvl_file_is_dir(path))
            continue;
        if (of_runs)
            QVL_TRY(newest(&inner, path, "checkpoint-", '\0', false, arena, err));
        if (inner == NULL)
            continue;
        *best = path;
        best_number = number;
    }
    return QVL_OK;
}

static int has_checkpoint(bool *has, const char *run, qvl_arena *arena, qvl_err *err)
{
    const char *path;
    QVL_TRY(newest(&path, run, "checkpoint-", '\0', false, arena, err));
    *has = path != NULL;
    return QVL_OK;
}

/* ---- new folders --------------------------------------------------------- */

/* OUTPUT_DIR/vN-TIME, N one above the largest there. */
static int make_version(qvl_run_folder *f, const char *output_dir,
                        const struct tm *now, qvl_arena *arena, qvl_err *err)
{
    char stamp[32];
    const char *last;
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", now);
    QVL_TRY(newest(&last, output_dir, "v", '-', false, arena, err));
    long n = last != NULL ? number_of(strrchr(last, '/') + 1, "v", '-') : -1;
    const char *path = qvl_arena_printf(arena, "%s/v%ld-%s", output_dir, n + 1, stamp);
    if (mkdir(path, 0777) != 0)
        return qvl_file_fail("cannot make folder", path, errno, "a place to write in",
                             err);
    f->path = path;
    return QVL_OK;
}

typedef struct {
    qvl_run_folder *folder;
    const char *output_dir;
    const struct tm *now;
    qvl_arena *arena;
    qvl_err *err;
} making;

static int make_locked(void *arg)
{
    const making *m = arg;
    return make_version(m->folder, m->output_dir, m->now, m->arena, m->err);
}

int qvl_run_folder_make(qvl_run_folder *folder, const char *output_dir,
                        const struct tm *now, qvl_arena *arena, qvl_err *err)
{
    if (folder->path != NULL)
        return qvl_file_make_dirs(folder->path, err);
    QVL_TRY(qvl_file_make_dirs(output_dir, err));
    int fd = open(output_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return qvl_file_fail("cannot open folder", output_dir, errno,
                             "a place to write in", err);
    flock(fd, LOCK_EX);  // what cannot lock goes on without
    making m = { folder, output_dir, now, arena, err };
    int rc = qvl_guard(make_locked, &m, err);
    close(fd);
    return rc;
}

/* ---- old folders --------------------------------------------------------- */

static int find_newest(qvl_run_folder *f, const char *output_dir,
                       qvl_arena *arena, qvl_err *err)
{
    bool is_run;
    const char *run = output_dir;
    QVL_TRY(has_checkpoint(&is_run, output_dir, arena, err));
    if (!is_run)
        QVL_TRY(newest(&run, output_dir, "v", '-', true, arena, err));
    if (run == NULL)
        return qvl_fail(err, QVL_E_CONFIG, "training.resume_from_checkpoint: "
                        "found no checkpoint in %s, expected one", output_dir);
    f->path = f->resume = run;
    return QVL_OK;
}

static const char *parent_of(const char *path, qvl_arena *arena)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    while (n > 1 && path[n - 1] == '/')
        n--;
    return n > 0 ? qvl_arena_strndup(arena, path, n) : ".";
}

/* The run of this output_dir that a checkpoint belongs to, or that the folder
 * itself is; NULL: another's. */
static int run_of(const char **run, const char *folder, const char *output_dir,
                  qvl_arena *arena, qvl_err *err)
{
    bool is_run;
    QVL_TRY(has_checkpoint(&is_run, folder, arena, err));
    *run = is_run ? folder : parent_of(folder, arena);
    if (!qvl_file_is_same(*run, output_dir)
        && !qvl_file_is_same(parent_of(*run, arena), output_dir))
        *run = NULL;
    return QVL_OK;
}

bool qvl_run_folder_has(const qvl_run_folder *folder, const char *checkpoint,
                        qvl_arena *arena)
{
    return folder->path != NULL
           && qvl_file_is_same(parent_of(checkpoint, arena), folder->path);
}

int qvl_run_folder_find(qvl_run_folder *folder, const char *output_dir,
                        bool versions, const char *resume, qvl_arena *arena,
                        qvl_err *err)
{
    qvl_run_folder f = { 0 };
    if (resume != NULL && strcasecmp(resume, "false") != 0) {
        if (strcasecmp(resume, "true") == 0 || strcasecmp(resume, "last") == 0) {
            QVL_TRY(find_newest(&f, output_dir, arena, err));
        } else if (!qvl_file_is_dir(resume)) {
            return qvl_fail(err, QVL_E_CONFIG,
                            "training.resume_from_checkpoint: found %s, "
                            "expected the folder of a checkpoint, true or last",
                            resume);
        } else {
            f.resume = resume;
            QVL_TRY(run_of(&f.path, resume, output_dir, arena, err));
        }
    }
    if (f.path == NULL && !versions)
        f.path = output_dir;
    *folder = f;
    return QVL_OK;
}
