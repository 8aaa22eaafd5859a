/* inherit.h - a YAML file, the files it extends, merged
 *
 * A file whose name ends in .json is read as JSON.
 *
 * `extends: PATH | [PATH, ...]` at the top of a file names parents, relative to
 * the folder of the file. They are merged left to right, the file on top.
 * Maps merge key by key; everything else replaces as a whole, null included.
 * Lists never append. A cycle is an error that prints the chain. `extends` does
 * not stand in the result.
 *
 * Nodes keep the file and the line in which they were written.
 *
 * All of it runs out of host memory as an arena does.
 */
#ifndef QVL_CONFIG_INHERIT_H
#define QVL_CONFIG_INHERIT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"

/* Files by the order in which they were merged, weakest first. A zeroed struct
 * is empty. */
typedef struct {
    const char **v;     // [n] in the arena, as they were named first
    const char **real;  // [n] without links and dots
    int n;
    int cap;
} qvl_config_files;

/* Read a file with what it extends, on top of `under` (may be NULL).
 *
 *   out    a map, in the arena
 *   files  gets the files that were read, each once, behind those it has
 *
 * Fails with QVL_E_CONFIG, QVL_E_IO, QVL_E_MEMORY; files may have grown then. */
int qvl_config_inherit(const qvl_node **out, const char *path,
                       const qvl_node *under, qvl_config_files *files,
                       qvl_arena *arena, qvl_err *err);

/* A new map: `over` merged onto `under`. Both are maps, or NULL for an empty
 * one; neither changes, and their nodes are shared. */
typedef const qvl_node *qvl_config_merge_fn(const qvl_node *under,
                                            const qvl_node *over,
                                            qvl_arena *arena);
qvl_config_merge_fn qvl_config_merge;

/* The same for files that are merged in another way; over is never NULL then. */
int qvl_config_inherit_by(const qvl_node **out, const char *path,
                          qvl_config_merge_fn *merge, qvl_config_files *files,
                          qvl_arena *arena, qvl_err *err);

/* A map of nested keys with one leaf: "a.b" and "1" give {a: {b: 1}}. `place`
 * stands for the file. A value in quotes is the text in them, an empty one null; one
 * that is no YAML scalar is taken as text. */
const qvl_node *qvl_config_leaf(const char *path, const char *value,
                                const char *place, qvl_arena *arena);

#endif
