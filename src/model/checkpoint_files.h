/* checkpoint_files.h - inside a checkpoint
 *
 * Private to checkpoint*.c.
 */
#ifndef QVL_CHECKPOINT_FILES_H
#define QVL_CHECKPOINT_FILES_H

#include "model/checkpoint.h"
#include "model/names.h"

/* A tensor of the files and the part of a parameter that it holds. */
typedef struct {
    qvl_checkpoint_entry e;
    size_t first;  // element of the parameter that comes first
    bool swapped;  // the file holds the last two axes exchanged
    bool is_part;  // one of several tensors that make the parameter
} qvl_piece;

struct qvl_checkpoint {
    // owned
    qvl_arena arena;
    const char *folder;
    qvl_st **file;  // [n_files] in the order of their names
    int n_files;
    qvl_piece *piece;  // [info.n_entries] in the order of the files
    const char **missing, **extra, **tied;
    qvl_checkpoint_entry *unread;  // [info.n_tied]
    qvl_checkpoint_info info;
    qvl_names names;
    // borrowed
    const qvl_param_list *params;
};

/* Open the tensor files of ck->folder into ck->file. Where an index says which
 * tensors count, *used [n_files] lists for each file whether tensor k does, else
 * it is NULL. Fails with QVL_E_MODEL or QVL_E_MEMORY; files that are open then are
 * in ck. Runs out of host memory as an arena does. */
int qvl_checkpoint_open_files(qvl_checkpoint *ck, bool ***used, qvl_err *err);

/* Names of the files of a folder that end in `suffix`, sorted. Fails as
 * qvl_folder_names does. */
int qvl_folder_list(const char *folder, const char *suffix, char ***name,
                    size_t *n, qvl_arena *arena, qvl_err *err);

/* Exchange the last two axes: dst [rows, cols] = src [cols, rows], which do not
 * overlap. */
void qvl_transpose(float *dst, const float *src, size_t rows, size_t cols);

#endif
