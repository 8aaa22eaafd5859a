/* record.h - one line of a JSONL file, checked, in pixels
 *
 * A record names pictures of one size and what is to be said of them: objects
 * with a geometry each, a summary, or a conversation. What can be wrong with a
 * record by itself is found here, before training begins, and said with file,
 * line, column and the object. What depends on the model and on what is asked
 * encode.h finds: special tokens in a text, a mode without its answer, length.
 *
 *     images            [text, ...]  paths, relative to the picture folder, or
 *                       data: URLs, or what stands behind their comma when it is
 *                       longer than 200 characters; http and https URLs where
 *                       the reader says so, no others
 *     width, height     of every picture, as it stands upright (EXIF)
 *     objects           [{desc, one of bbox_2d poly line (quad: a poly)}, ...]
 *     summary           one line of text
 *     metadata          a map, carried along; of keys that begin with _fusion_
 *                       it has those of a fused record alone, with texts
 *     messages          makes it a conversation: the rest may be absent
 *
 * A null is as if the key were not there. Other keys are counted and ignored.
 */
#ifndef QVL_DATA_RECORD_H
#define QVL_DATA_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/node.h"
#include "data/geom.h"
#include "data/lint.h"
#include "image/edit.h"

/* Longest line, in bytes: room for several pictures in data: URLs. */
#define QVL_RECORD_MAX_BYTES ((size_t)256 << 20)

/* A point this far outside of the picture, in px, is a warning, not an error. */
#define QVL_RECORD_MARGIN_PX 2.0

typedef struct {
    qvl_geom_kind kind;
    int n;                // points; a box has 2
    const double *point;  // [n, 2] px, as written
    const char *desc;     // one line, never empty
} qvl_object;

/* Belongs to the arena it was read into, or to its reader, texts included. */
typedef struct {
    const char *file;         // the JSONL file
    int line;                 // in it, 1-based
    size_t index;             // among the records of the file, 0-based; of a
                              // set of samples: of all its files
    const char *const *image; // [n_images] paths that can be opened, URLs;
                              // of a conversation: in the order of its turns
    int n_images;
    int w, h;                 // px; 0: not given (a conversation, or a reader
                              // without needs; and no objects)
    const qvl_object *object; // [n_objects]
    int n_objects;
    const char *summary;      // NULL: none
    const qvl_node *messages; // NULL unless a conversation; else for
                              // qvl_chat_read_messages
    bool has_image_list;      // conversation: its pictures stand in `images`,
                              // not in its turns
    const qvl_node *metadata; // NULL: none
    const qvl_edit *edit;     // done to each picture once it is decoded; w, h and
                              // objects are those behind it. NULL: nothing
} qvl_record;

/* What metadata say of a record that was taken into a file of several sets of data:
 * the set, its template, target or source, its mode. */
typedef enum {
    QVL_FUSED_SOURCE,
    QVL_FUSED_TEMPLATE,
    QVL_FUSED_DOMAIN,
    QVL_FUSED_MODE,
    QVL_N_FUSED
} qvl_fused;

/* Their keys, "_fusion_source" and so on. */
extern const char *const qvl_fused_keys[QVL_N_FUSED];

/* What a reader asks of its records beside their form. */
enum qvl_record_needs {
    QVL_NEEDS_ANSWER = 1,   // objects or a summary; the last turn of a
                            // conversation is the assistant's
    QVL_NEEDS_OBJECTS = 2,  // at least one, unless it is a conversation
    QVL_NEEDS_SUMMARY = 4   // unless it is a conversation
};

/* How much is done to see that the pictures are right. */
typedef enum {
    QVL_PICTURES_NAMED,    // nothing: names alone
    QVL_PICTURES_EXIST,    // files are there
    QVL_PICTURES_MEASURED  // and can be read, and have width and height
} qvl_picture_check;

/* What can be wrong with a record, and the word for it in reports. */
#define QVL_FAULT_TABLE(X)                                                    \
    X(LINE, "line too long")                                                  \
    X(JSON, "no JSON")                                                        \
    X(FIELD, "missing or wrong field")                                        \
    X(IMAGES, "images")                                                       \
    X(PICTURE, "picture file")                                                \
    X(SIZE, "size of picture")                                                \
    X(OBJECTS, "no objects")                                                  \
    X(DESC, "desc")                                                           \
    X(GEOMETRY, "not one geometry")                                           \
    X(COORDS, "coordinates")                                                  \
    X(POINTS, "number of points")                                             \
    X(FLAT, "no extent")                                                      \
    X(OUTSIDE, "outside of the picture")                                      \
    X(OBSOLETE, "obsolete key")                                               \
    X(SUMMARY, "summary")                                                     \
    X(MESSAGES, "messages")                                                   \
    X(LENGTH, "sample cannot be encoded")

#define QVL_FAULT_ENUM(name, text) QVL_FAULT_##name,
typedef enum { QVL_FAULT_TABLE(QVL_FAULT_ENUM) QVL_N_FAULTS } qvl_fault;
#undef QVL_FAULT_ENUM

/* What is odd but allowed. */
#define QVL_ODDITY_TABLE(X)                                                   \
    X(FIELD, "unknown fields, ignored")                                       \
    X(QUAD, "quad, an old name of poly")                                      \
    X(MARGIN, "points up to 2 px outside of the picture")                     \
    X(CROSSING, "polygons that cross themselves")

#define QVL_ODDITY_ENUM(name, text) QVL_ODDITY_##name,
typedef enum { QVL_ODDITY_TABLE(QVL_ODDITY_ENUM) QVL_N_ODDITIES } qvl_oddity;
#undef QVL_ODDITY_ENUM

const char *qvl_fault_text(qvl_fault fault);
const char *qvl_oddity_text(qvl_oddity oddity);

/* Every fault of a record is told, also behind the first. `text` is one line
 * with file and line in front, borrowed for the call. */
typedef void qvl_fault_sink(void *ctx, qvl_fault fault, int line,
                            const char *text);

typedef struct {
    unsigned needs;           // enum qvl_record_needs, joined by |
    qvl_picture_check pictures;
    const char *image_root;   // folder of relative paths; NULL: what the
                              // environment names in ROOT_IMAGE_DIR, else the
                              // folder of the file
    qvl_lint lint;            // dialect of descriptions and summaries
    bool has_urls;            // pictures may be http and https URLs, which
                              // are not looked at here
    size_t limit;             // read so many records at most; 0: all
    qvl_fault_sink *on_fault; // NULL: none
    void *ctx;
} qvl_record_options;

/* Seen by a reader so far. */
typedef struct {
    size_t n_records;               // good ones
    size_t n_bad;
    size_t n_relative;              // names of pictures relative to the folder
    size_t n_objects;               // of the good ones, by kind:
    size_t of_kind[QVL_N_GEOM];
    size_t fault[QVL_N_FAULTS];
    size_t oddity[QVL_N_ODDITIES];
    int oddity_line[QVL_N_ODDITIES]; // of the first; 0: none
} qvl_record_counts;

typedef struct qvl_records qvl_records;

/* Open a file for reading record by record. options are copied, on_fault and ctx
 * kept; NULL stands for zeroes. Fails with QVL_E_IO. Unwinds when there is no host
 * memory for the handle, QVL_E_MEMORY for what it holds. */
int qvl_records_open(qvl_records **r, const char *path,
                     const qvl_record_options *options, qvl_err *err);
void qvl_records_close(qvl_records *r);

/* Read the next record. Blank lines are passed over, a byte order mark in front
 * of the file too; lines may end in CR LF.
 *
 *   out     the record, in the arena
 *   is_end  set at the end of the file (or of the limit); out is unchanged
 *
 * Fails with QVL_E_DATA or QVL_E_FORMAT and the first fault when the record is
 * bad: the next call goes on behind it. QVL_E_IO is the end. Runs out of host
 * memory as an arena does, or with QVL_E_MEMORY. */
int qvl_records_next(qvl_records *r, qvl_record *out, bool *is_end,
                     qvl_arena *arena, qvl_err *err);

/* What a line gave. */
typedef struct {
    const qvl_record *record;  // NULL: it is bad
    const qvl_err *err;        // then its first fault
    const qvl_record *rest;    // and what could be read, to be looked at: any
                               // field may be missing or wrong; names of
                               // pictures and desc may be NULL, an object
                               // may have no points
    const bool *is_bad_object; // [rest->n_objects] has a fault; NULL: none has
    const char *text;          // the line, as it stands in the file but for a
                               // mark in front of the first and the LF behind it
    size_t len;                // bytes
} qvl_record_result;

/* Bytes after which no more lines are read together. */
#define QVL_RECORDS_MANY_BYTES ((size_t)32 << 20)

/* Read up to `most` lines at once and check them by several threads (0: as many as
 * there are processors); faults are told in the order of lines.
 *
 *   out  [*n] in their order, good until the next call, or until the reader is
 *        closed; *n is 0 at the end of the file
 *
 * Fails with QVL_E_IO, QVL_E_MEMORY. */
int qvl_records_many(qvl_records *r, size_t most, int n_threads,
                     const qvl_record_result **out, size_t *n, qvl_err *err);

/* Borrowed until the reader is closed. */
const qvl_record_counts *qvl_records_seen(const qvl_records *r);
/* Folder of relative pictures, likewise. */
const char *qvl_records_image_root(const qvl_records *r);

typedef struct {
    const qvl_record *record;  // [n]
    size_t n;
} qvl_record_list;

/* Bad records that qvl_records_load reports before it gives up. */
#define QVL_RECORD_MAX_FAULTS 20

/* Read all records of a file, into the arena, by several threads (0: as many as there
 * are processors). Bad ones make it fail as a whole, as
 * qvl_records_next does for the first of them; the others are reported one by one
 * (qvl_log). A file without a record is QVL_E_DATA. Oddities are reported once a
 * file. All records of one call share one text `file`, those of two calls never do.
 *
 * Fails as qvl_records_open does too, and with QVL_E_MEMORY. */
int qvl_records_load(qvl_record_list *out, const char *path,
                     const qvl_record_options *options, int n_threads,
                     qvl_arena *arena, qvl_err *err);

#endif
