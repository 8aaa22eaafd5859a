/* file.h - whole files in, whole files out
 *
 * What is written appears complete or not at all: a writer fills a file beside
 * its target ("PATH.tmp.PID") and commit renames it. A full disk or a short
 * write is an error and leaves nothing behind. All failures are QVL_E_IO with
 * the path and the reason of the system, or QVL_E_MEMORY; out-parameters are then
 * unchanged. Nothing here unwinds.
 */
#ifndef QVL_FILE_H
#define QVL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* Raise what the system said of a path, in the words that all such errors have:
 * WHAT (PATH): found "REASON", expected WANTED. `reason` is an errno. Returns
 * QVL_E_IO, QVL_E_MEMORY for ENOMEM. */
int qvl_file_fail(const char *what, const char *path, int reason,
                  const char *wanted, qvl_err *err);

/* Read a file to its end.
 *
 *   text   the bytes and a NUL behind them; belongs to the arena
 *   len    bytes without that NUL; may be NULL when only text is wanted
 *
 * Pipes work too. A directory is an error. */
int qvl_file_read(const char *path, char **text, size_t *len,
                  qvl_arena *arena, qvl_err *err);

/* A file as memory, read-only. Another process that shortens the file while
 * it is mapped ends this one with SIGBUS. */
typedef struct {
    // owned
    const void *p;  // never NULL while open; page aligned unless len is 0
    size_t len;     // bytes
} qvl_file_map;

/* Map a whole regular file; a device or a pipe is an error. */
int qvl_file_map_open(qvl_file_map *map, const char *path, qvl_err *err);
void qvl_file_map_close(qvl_file_map *map);

/* Bytes of a map, at any place in it, that are not read again soon need not stay
 * in memory; they come from the file when they are. */
void qvl_file_forget(const void *p, size_t n);

typedef struct qvl_file_out qvl_file_out;

/* Begin to replace `path`. Refuses a target that exists and is no regular file
 * (a device, a folder) and a second writer of the same target in this process; of
 * two processes the one that commits last wins. */
int qvl_file_out_open(qvl_file_out **out, const char *path, qvl_err *err);

/* Append n bytes. After a failure the only thing left to do is abort. */
int qvl_file_out_write(qvl_file_out *out, const void *p, size_t n,
                       qvl_err *err);

/* Write what is buffered, sync, rename, sync the folder. The handle has ended
 * when this returns, with or without an error: never abort it afterwards. When
 * the last of the steps alone fails, the target is the new file. */
int qvl_file_out_commit(qvl_file_out *out, qvl_err *err);

/* Give up: the target stays as it was. Accepts NULL. */
void qvl_file_out_abort(qvl_file_out *out);

/* The three steps above for a text that is already whole. */
int qvl_file_write_all(const char *path, const void *p, size_t n,
                       qvl_err *err);

/* What a link leads to counts. False also where the system does not tell. */
bool qvl_file_exists(const char *path);
bool qvl_file_is_dir(const char *path);

/* Are both there, and one and the same file or folder? */
bool qvl_file_is_same(const char *a, const char *b);

/* What tells a file from all others that are there, by whatever name. */
typedef struct {
    uint64_t device, number;
} qvl_file_id;

/* False, and *id unchanged, when there is no such file, or the system does not tell. */
bool qvl_file_identify(const char *path, qvl_file_id *id);

/* Make a folder and those above it; one that is there already is fine. Those that
 * were made before an error stay. */
int qvl_file_make_dirs(const char *path, qvl_err *err);

#endif
