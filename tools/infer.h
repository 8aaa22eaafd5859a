/* infer.h - the modes of `qvl infer` */
#ifndef TOOLS_INFER_H
#define TOOLS_INFER_H

#include <stdbool.h>

#include "image/face.h"
#include "infer/parse.h"
#include "infer/session.h"

/* Pictures of what replies say: FOLDER/NAME.png by the name of a picture; of several
 * with one name the last one stays. */
typedef struct {
    const char *folder;  // borrowed
    qvl_face *face;      // owned; NULL: letters of image/font.h
    bool has_warned;     // that letters are missing
} infer_overlays;

/* Open the font, if one is named. Close accepts a zeroed struct. Fails as
 * qvl_face_open does. */
int infer_overlays_open(infer_overlays *o, const char *folder,
                        const char *font, qvl_err *err);
void infer_overlays_close(infer_overlays *o);

/* Many records of a file. */
typedef struct {
    const char *input;    // JSONL
    const char *output;   // JSONL; NULL, "-": standard output
    infer_overlays *overlays;  // pictures with what was found; NULL: none
    const char *root;     // of relative picture paths; NULL: as records have it
    int limit;            // records, 0: all
    int flush_lines;      // lines of the output written at a time
    bool resume;          // go on behind what an earlier run has written
    bool verify;          // say of the first records what was read
    size_t max_bytes;     // of a picture that is downloaded, > 0
} infer_batch_options;

/* Fails with QVL_E_DATA when some records failed, after all others are written;
 * QVL_E_INTERRUPTED after a signal, with what is done so far kept for --resume;
 * QVL_E_USAGE when there is nothing to go on with, the output being finished, or an
 * earlier run left a part and --resume is not given; QVL_E_IO; errors that are not
 * of single records. */
int infer_batch(qvl_session *s, const infer_batch_options *options,
                qvl_err *err);

/* A record that was asked, in a line of the output. */
typedef struct {
    size_t index;
    const qvl_record *record;
    const qvl_asked *asked;
    const qvl_encoder *encoder;
    qvl_arena *arena;  // of what is made on the way
} infer_line;

/* Append the line of a record whose replies are done: the first one, and where
 * there are several all of them as "candidates". "usage" counts all. */
void infer_line_put(qvl_str *s, const infer_line *l);

/* Read a reply to a record: tolerantly, and as one that is cut where tokens or the
 * count of its objects ended it. Unwinds out of memory. */
void infer_read_reply(qvl_answer *answer, const qvl_record *record,
                      const qvl_reply *reply, qvl_arena *arena);

/* Append that of one that failed; of what was asked nothing is read. */
void infer_line_put_failure(qvl_str *s, const infer_line *l, const char *why);

/* One prompt; its replies go to standard output, a line each where there are
 * several. */
typedef struct {
    const char *prompt;        // NULL: the dense one
    const char *system;        // NULL: none
    const char *const *image;  // [n_images]
    int n_images;
    infer_overlays *overlays;  // NULL: none
    size_t max_bytes;          // as above
    bool stream;
} infer_once_options;

int infer_once(qvl_session *s, const infer_once_options *options,
               qvl_err *err);

/* A conversation with whoever types; ends with "exit", "quit" or the end of
 * the input. What goes wrong with a turn is printed, and the conversation is as it
 * was before; only QVL_E_DEVICE_LOST, or unwinding out of host memory, ends it with
 * an error. err is not NULL. */
int infer_chat(qvl_session *s, const char *system, size_t max_bytes,
               bool stream, qvl_err *err);

/* Download the pictures that are http and https URLs: their names become data:
 * URLs of the arena. Fails as qvl_fetch does; names before the one that failed are
 * replaced then. The second for a record, whose copy `to` is; they may be the same,
 * and `to` is unchanged on error. */
int infer_fetch(const char **image, int n, size_t max_bytes, qvl_arena *arena,
                qvl_err *err);
int infer_fetch_record(qvl_record *to, const qvl_record *from,
                       size_t max_bytes, qvl_arena *arena, qvl_err *err);

/* A conversation as the messages of a record: [{role, content}], the tree in
 * the arena, with copies of the names of pictures. Texts of people become JSON here
 * and nothing else. Fails with QVL_E_FORMAT for a text that is not UTF-8,
 * QVL_E_MEMORY. */
typedef struct {
    const char *role;
    const char *text;
    const char *const *image;  // [n_images] in front of the text
    int n_images;
} infer_turn;

int infer_record(qvl_record *record, const infer_turn *turn, int n,
                 qvl_arena *arena, qvl_err *err);

/* Run the queue until the replies are done and write them to standard output; one
 * alone is streamed when asked to. Fails as qvl_generator_step does. */
int infer_finish(qvl_session *s, const qvl_asked *asked, bool stream,
                 qvl_err *err);

/* A picture of what a reply says of the first picture of its record, with the
 * truth beside it where the record has objects. `name` is what the picture was called
 * before it was downloaded. The folder is made. Nothing for a record without
 * pictures. Warns once of letters that are missing. Fails as qvl_overlay_save does. */
int infer_overlay(infer_overlays *o, const char *name,
                  const qvl_record *record, const qvl_reply *reply,
                  qvl_err *err);

#endif
