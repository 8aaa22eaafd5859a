/* record_file.h - the lines of a JSONL file, to be written again as they are
 *
 * Records are read and checked, but what is written is their text, byte by byte, so
 * that nothing is lost that only others know. Names of pictures are part of
 * it: a file whose records name pictures relative to its folder can be written to
 * that folder only.
 */
#ifndef TOOLS_RECORD_FILE_H
#define TOOLS_RECORD_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "data/record.h"

typedef struct {
    const char *text;  // without its end
    size_t len;
    int n_objects;
    int number;        // in the file, 1-based
} record_line;

typedef struct {
    const char *path;
    record_line *line;  // [n] records
    size_t n;           // > 0
    bool is_bound;      // a picture is named relative to the folder
    const char *image_root; // of relative names of pictures; NULL: there are none
} record_file;

/* What is asked of the records of a file beside their form. */
typedef struct {
    qvl_record_options options;
    int (*check)(void *ctx, const qvl_record *record, qvl_err *err);  // NULL: none
    void *ctx;
} record_file_rules;

/* Read a file, into the arena; err is not NULL. Fails as qvl_records_next does for the first
 * record that is bad, with QVL_E_DATA for a file without any, QVL_E_IO. */
int record_file_load(record_file *f, const char *path, qvl_arena *arena,
                     qvl_err *err);

/* The same by these rules; fails with what the check of a record returns, too. */
int record_file_load_by(record_file *f, const char *path,
                        const record_file_rules *rules, qvl_arena *arena,
                        qvl_err *err);

/* Begin a file for records of f. QVL_E_USAGE when it is f itself, or stands in
 * another folder though pictures are bound to that of f; else as
 * qvl_file_out_open. */
int record_file_begin(qvl_file_out **out, const record_file *f,
                      const char *path, qvl_err *err);

/* Who reads a new file under ROOT_IMAGE_DIR would look for its pictures there: warn
 * where that is set, though they are named relative to the folder of `output`. */
void record_file_warn_of_root(const char *output);

/* Append the records with these numbers, [n]. Fails as qvl_file_out_write does. */
int record_file_put(qvl_file_out *out, const record_file *f,
                    const size_t *record, size_t n, qvl_err *err);

#endif
