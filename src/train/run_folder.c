/* run_folder.c - which folder a run writes to, or goes on with
 *
 * mkdir decides between two runs that start at once. A version counts up from
 * the largest there. A checkpoint of another output_dir is read, and the run
 * gets a new folder in its own.
 */
#include "train/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"

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

/* Longest path of a run's folder. */
#define PATH_BYTES 4096

typedef bool accept_fn(const char *path);

/* The path of the folder in `folder` with the largest number, in best
 * [PATH_BYTES]; false: none. `accepts` may refuse one. */
static bool newest(char *best, const char *folder, const char *prefix,
                   char behind, accept_fn *accepts)
{
    DIR *d = opendir(folder);
    long best_number = -1;
    if (d == NULL)
        return false;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[PATH_BYTES];
        long number = number_of(e->d_name, prefix, behind);
        int n = snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (number <= best_number || n >= PATH_BYTES || !qvl_file_is_dir(path)
            || (accepts != NULL && !accepts(path)))
            continue;
        memcpy(best, path, (size_t)n + 1);
        best_number = number;
    }
    closedir(d);
    return best_number >= 0;
}

static bool has_checkpoint(const char *run)
{
    char path[PATH_BYTES];
    return newest(path, run, "checkpoint-", '\0', NULL);
}

/* Number of the newest version in a folder; -1: none. */
static long newest_version(const char *folder)
{
    char path[PATH_BYTES];
    if (!newest(path, folder, "v", '-', NULL))
        return -1;
    return number_of(strrchr(path, '/') + 1, "v", '-');
}

/* ---- new folders --------------------------------------------------------- */

/* OUTPUT_DIR/vN-TIME, N one above the largest there. mkdir decides between two
 * runs that start at once. */
static int make_version(qvl_run_folder *f, const char *output_dir,
                        const struct tm *now, qvl_arena *arena, qvl_err *err)
{
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", now);
    QVL_TRY(qvl_file_make_dirs(output_dir, err));
    for (int tries = 0; tries < 100; tries++) {
        f->path = qvl_arena_printf(arena, "%s/v%ld-%s", output_dir,
                                   newest_version(output_dir) + 1, stamp);
        if (mkdir(f->path, 0777) == 0)
            return QVL_OK;
        if (errno != EEXIST)
            break;
    }
    return qvl_file_fail("cannot make folder", f->path, errno,
                         "a place to write in", err);
}

static int make_new(qvl_run_folder *f, const char *output_dir, bool versions,
                    const struct tm *now, qvl_arena *arena, qvl_err *err)
{
    if (versions)
        return make_version(f, output_dir, now, arena, err);
    f->path = output_dir;
    return qvl_file_make_dirs(output_dir, err);
}

/* ---- old folders --------------------------------------------------------- */

static int find_newest(qvl_run_folder *f, const char *output_dir,
                       qvl_arena *arena, qvl_err *err)
{
    char run[PATH_BYTES];
    if (has_checkpoint(output_dir))
        snprintf(run, sizeof run, "%s", output_dir);
    else if (!newest(run, output_dir, "v", '-', has_checkpoint))
        return qvl_fail(err, QVL_E_CONFIG, "training.resume_from_checkpoint: "
                        "found no checkpoint in %s, expected one", output_dir);
    f->path = f->resume = qvl_arena_strdup(arena, run);
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
static const char *run_of(const char *folder, const char *output_dir,
                          qvl_arena *arena)
{
    const char *run = has_checkpoint(folder) ? folder
                                             : parent_of(folder, arena);
    if (qvl_file_is_same(run, output_dir)
        || qvl_file_is_same(parent_of(run, arena), output_dir))
        return run;
    return NULL;
}

bool qvl_run_folder_has(const qvl_run_folder *folder, const char *checkpoint,
                        qvl_arena *arena)
{
    return qvl_file_is_same(parent_of(checkpoint, arena), folder->path);
}

int qvl_run_folder_open(qvl_run_folder *folder, const char *output_dir,
                        bool versions, const char *resume, const struct tm *now,
                        qvl_arena *arena, qvl_err *err)
{
    qvl_run_folder f = { 0 };
    if (resume != NULL && strcasecmp(resume, "false") != 0) {
        if (strcasecmp(resume, "true") == 0 || strcmp(resume, "last") == 0) {
            QVL_TRY(find_newest(&f, output_dir, arena, err));
        } else if (!qvl_file_is_dir(resume)) {
            return qvl_fail(err, QVL_E_CONFIG,
                            "training.resume_from_checkpoint: found %s, "
                            "expected the folder of a checkpoint, true or last",
                            resume);
        } else {
            f.resume = resume;
            f.path = run_of(resume, output_dir, arena);
        }
    }
    if (f.path == NULL)
        QVL_TRY(make_new(&f, output_dir, versions, now, arena, err));
    *folder = f;
    return QVL_OK;
}
