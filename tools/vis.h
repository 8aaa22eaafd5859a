/* vis.h - what `qvl vis dataset` and `qvl vis predictions` share
 *
 * A folder with pictures vis_00000.png, by the number of the record or row, from 0 on,
 * in its file; and index.jsonl with a line for each of them.
 */
#ifndef TOOLS_VIS_H
#define TOOLS_VIS_H

#include <stdbool.h>

#include "base/file.h"
#include "base/str.h"
#include "score/page.h"

/* Files that are being written, and what all pictures have in common. */
typedef struct {
    const char *folder;         // borrowed
    // owned
    qvl_face *face;             // NULL: letters of image/font.h
    qvl_categories categories;
    qvl_file_out *index;
    qvl_arena arena;            // of one picture
    qvl_str line;               // of the index, or of another file
    size_t n_drawn;
    bool has_warned;            // that letters are missing
} vis;

/* Open the font, if one is named ("FILE", "FILE#N"), make the folder, begin
 * index.jsonl in it. Close accepts a zeroed struct. Fails with QVL_E_IO,
 * QVL_E_FORMAT, QVL_E_RANGE; unwinds out of memory. */
int vis_open(vis *v, const char *folder, const char *font, qvl_err *err);
void vis_close(vis *v);

/* The index is complete. */
int vis_commit(vis *v, qvl_err *err);

/* Name of a picture in the folder; with the folder: of the arena. */
const char *vis_name(vis *v, size_t number);
const char *vis_path(vis *v, const char *name);

/* A text if it can be written, else "(NAME: see index.jsonl)"; a warning where it
 * cannot, once. */
const char *vis_text(vis *v, const char *name, const char *text);

/* What helps where letters are missing: the end of a warning. face: that of the
 * pictures, or NULL. */
const char *vis_letters_advice(const qvl_face *face);

/* Warn once when names of categories have no letters. */
void vis_warn(vis *v);

/* Append what v->line holds to a file, with a line's end, and empty it. */
int vis_write_line(vis *v, qvl_file_out *out, qvl_err *err);

/* Append ", "KEY": "TEXT"" to v->line. */
void vis_put_text(vis *v, const char *key, const char *text);

/* Choose n of n_rows, 0: all; is_chosen[n_rows], of the arena. */
const bool *vis_choose(size_t n_rows, int n, int seed, qvl_arena *arena);

#endif
