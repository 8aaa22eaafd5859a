/* answer_file.h - rows of answers as `qvl infer --jsonl` writes them
 *
 * A row is a map on a line of its own. One is in memory at a time; blank lines are
 * passed over.
 */
#ifndef TOOLS_ANSWER_FILE_H
#define TOOLS_ANSWER_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "data/record.h"
#include "infer/parse.h"

typedef struct {
    // borrowed
    const char *path;
    // owned
    FILE *file;
    char *line;      // of getline
    size_t cap;

    int n_lines;     // read
    size_t n_rows;   // among them, bad ones too
} answer_file;

/* Open for reading; fails with QVL_E_IO. Close accepts a zeroed struct. */
int answer_file_open(answer_file *f, const char *path, qvl_err *err);
void answer_file_close(answer_file *f);

/* The next row, in the arena; *row is NULL at the end. QVL_E_FORMAT or QVL_E_DATA with
 * file and line for one that is no map of JSON: the next call goes on behind it.
 * QVL_E_IO is the end. Unwinds out of memory. */
int answer_file_next(answer_file *f, const qvl_node **row, qvl_arena *arena,
                     qvl_err *err);

/* What a row has of both sides: NULL where it is missing or null. */
typedef struct {
    const qvl_node *truth;  // gt_norm1000
    const qvl_node *pred;
    const qvl_node *text;   // response, clean_text, or raw_text: a string
    qvl_parse_options how;  // to read the text: cut or not, its pictures
} answer_row;

void answer_row_find(answer_row *out, const qvl_node *row);

/* Predicted objects, 0 to 1000: those of pred, else of the text; one of them must be
 * there. *answer is what the text gives, zeroed without one. Fails as
 * qvl_objects_read does. */
int answer_row_read(const answer_row *row, const qvl_object **pred, int *n,
                    qvl_answer *answer, qvl_arena *arena, qvl_err *err);

#endif
