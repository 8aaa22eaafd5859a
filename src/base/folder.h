/* folder.h - folders: their names, made durable, removed
 *
 * All failures are QVL_E_IO with the path and the reason of the system, or
 * QVL_E_MEMORY, unless a function says otherwise; out-parameters are then
 * unchanged. Nothing here unwinds but where it says so.
 */
#ifndef QVL_FOLDER_H
#define QVL_FOLDER_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* Is there a folder of this name? Fails with `code` and "WHAT (FOLDER): found
 * REASON, expected a folder". */
int qvl_folder_check(const char *folder, const char *what, int code,
                     qvl_err *err);

/* Names of the entries of a folder but "." and "..", sorted by their bytes;
 * they belong to the arena. *name is NULL when there are none. */
int qvl_folder_names(const char *folder, char ***name, size_t *n,
                     qvl_arena *arena, qvl_err *err);

/* The folder that holds `path`: what stands before its last slash, "." for a name
 * alone. Belongs to the arena; runs out of host memory as it does (unwinds). */
const char *qvl_folder_above(const char *path, qvl_arena *arena);

/* The absolute path of a folder without links and dots; belongs to the arena. Fails
 * with QVL_E_IO; runs out of host memory as an arena does. */
int qvl_folder_real(const char **real, const char *folder, qvl_arena *arena,
                    qvl_err *err);

/* How `path` is called from `folder`, both as qvl_folder_real gives them: "" for the
 * folder itself, "a/b" for what lies in it, "../a" where both lie in one that is not
 * "/"; all else keeps its absolute path. Belongs to the arena, or is `path`; runs out
 * of host memory as an arena does. */
const char *qvl_folder_relative(const char *folder, const char *path,
                                qvl_arena *arena);

/* Make the names in a folder durable. */
int qvl_folder_sync(const char *folder, qvl_err *err);

/* The same for the folder that holds `path`, which does not end in a slash. */
int qvl_folder_sync_above(const char *path, qvl_err *err);

/* Remove a folder and what is in it. A folder inside is an error, and all else is
 * gone then. One that is not there is fine. */
int qvl_folder_remove(const char *folder, qvl_err *err);

#endif
