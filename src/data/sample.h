/* sample.h - one sample on its way through the encoder; private to it */
#ifndef QVL_DATA_SAMPLE_H
#define QVL_DATA_SAMPLE_H

#include <stdbool.h>

#include "base/str.h"
#include "data/encode.h"
#include "text/chat.h"

/* What a sample is made for. */
typedef enum {
    QVL_SAMPLE_TRAIN,   // answer, labels, pixels
    QVL_SAMPLE_LENGTH,  // answer, labels
    QVL_SAMPLE_PROMPT   // pixels
} qvl_sample_purpose;

struct qvl_encoder {
    // owned
    qvl_arena arena;        // texts of the options
    qvl_tokenizer *tokenizer;  // of `other` where there is one
    qvl_processor processor;   // likewise what it points to
    qvl_decode_options decode;  // of pictures
    qvl_encoder_options o;
    qvl_prompt prompt[QVL_N_MODES];  // filled in
    const char **user;      // [o.n_user] likewise
    int longest_user;       // of them, in tokens
    uint64_t dataset;       // hash of its name
    int im_end;             // ids
    int vision_start;
    int vision_end;
    int image_pad;
    // borrowed
    const qvl_encoder *other;  // NULL: none
};

typedef struct {
    // borrowed
    const qvl_encoder *e;
    const qvl_record *record;
    uint64_t epoch;
    bool has_mode;     // out.mode is given and not drawn
    int user;          // 1 + the text that asks; 0: it is drawn
    qvl_sample_purpose purpose;
    qvl_arena *arena;  // of results
    qvl_err *err;
    // owned
    qvl_arena scratch;
    qvl_ids ids;
    qvl_ids labels;    // one beside each of ids
    qvl_str text;
    qvl_spans spans;   // of a dense answer whose types are wanted
    size_t answer_from, answer_end;  // ids of the last answer

    qvl_chat chat;
    qvl_patch_plan *plan;  // [record->n_images]
    qvl_encoded out;
} qvl_sample;

/* The four below are called in the order plan, turns, ids, pixels. They fail as
 * qvl_encode does, but run out of host memory as an arena does too.
 *
 * Turns of the sample: what is asked, and unless it is a prompt the answer. */
int qvl_sample_turns(qvl_sample *s);

/* Ids and labels of the turns, and what must hold for them. */
int qvl_sample_ids(qvl_sample *s);

/* Sizes of the pictures after resizing. */
int qvl_sample_plan(qvl_sample *s);

/* Pixel rows of the pictures. */
int qvl_sample_pixels(qvl_sample *s);

/* Refuse a text that is a special token, with `code`. `what` names it. */
int qvl_encoder_check_text(const qvl_encoder *e, const char *what,
                           const char *text, int code, qvl_err *err);

#endif
