/* ckpt_folder.h - checkpoints as folders: names, the marker, which are whole
 *
 * A checkpoint is RUN/checkpoint-STEP with a marker, checkpoint.json, that lists
 * every other file with its size and checksum and was written last. While it is
 * made, or replaced, or deleted, it bears another name, checkpoint-STEP.tmp...,
 * so whatever has the plain name is whole; what a kill leaves behind has the
 * other one and goes at the next start or save.
 *
 * Every function here that fails does so with QVL_E_IO too, and runs out of host
 * memory as an arena does, or with QVL_E_MEMORY. Texts belong to the arena.
 */
#ifndef QVL_TRAIN_CKPT_FOLDER_H
#define QVL_TRAIN_CKPT_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "base/str.h"

#define QVL_CKPT_MARKER "checkpoint.json"

typedef struct {
    const char *name;
    uint64_t bytes;
    const char *sum;  // 16 hexadecimal digits
} qvl_ckpt_file;

typedef struct {
    int64_t step;
    bool is_final;    // rotation leaves it alone
    bool can_resume;  // moments are there
    qvl_ckpt_file *file;
    size_t n_files;
} qvl_ckpt_marker;

/* List the files of a folder, which it reads through, and write its marker; there
 * is none yet, and no folder inside. */
int qvl_ckpt_seal(const char *folder, int64_t step, bool is_final,
                  bool can_resume, qvl_arena *arena, qvl_err *err);

/* Read a marker. Fails with QVL_E_FORMAT naming what is wrong in it. */
int qvl_ckpt_read_marker(qvl_ckpt_marker *m, const char *folder,
                         qvl_arena *arena, qvl_err *err);

/* Are all files there with their sizes and, reading them through, with their
 * checksums? Fails with QVL_E_FORMAT. */
int qvl_ckpt_check_files(const qvl_ckpt_marker *m, const char *folder,
                         qvl_arena *arena, qvl_err *err);

/* The newest checkpoint of a run whose files qvl_ckpt_check_files finds right;
 * *path is NULL when there is none. One that is not whole, or damaged, is passed over
 * with a warning. */
int qvl_ckpt_newest(const char *run, const char **path, qvl_arena *arena,
                    qvl_err *err);

/* Remove what broken saves and deletions left in a run folder; a checkpoint that was
 * to be replaced, and was not, has its name again. */
int qvl_ckpt_clean(const char *run, qvl_arena *arena, qvl_err *err);

/* Give a finished folder its name; a checkpoint that has it is replaced. Fails as
 * qvl_ckpt_read_marker does when something else has it. */
int qvl_ckpt_put(const char *temp, const char *path, qvl_arena *arena,
                 qvl_err *err);

/* Delete the oldest checkpoints beyond `limit` (<= 0: none), but not that of step
 * `newest`, not `best` (its name, or NULL), not `used` (a path, or NULL), and none
 * that is final; final ones do not count. */
int qvl_ckpt_rotate(const char *run, int limit, int64_t newest,
                    const char *best, const char *used, qvl_arena *arena,
                    qvl_err *err);

/* A JSON file of a folder as a tree, of the arena. Fails with QVL_E_FORMAT. */
int qvl_ckpt_load_json(qvl_node **root, const char *folder, const char *name,
                       qvl_arena *arena, qvl_err *err);

/* Append a tree as JSON text: 2 spaces a level, behind `depth` levels; numbers as
 * they were spelled. */
void qvl_ckpt_print_json(qvl_str *s, const qvl_node *n, int depth);

#endif
