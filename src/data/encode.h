/* encode.h - a record to what enters the model: ids, labels, patches, grids
 *
 *     [<|im_start|>system\n SYSTEM <|im_end|>\n]
 *     <|im_start|>user\n {<|vision_start|> pads <|vision_end|>} PROMPT <|im_end|>\n
 *     <|im_start|>assistant\n PREFIX ANSWER <|im_end|>
 *
 * Training ends right behind the last <|im_end|>, inference behind the opening
 * of the answer. Text of people is literal: no control token is seen in it. The
 * answer is cut into tokens apart from the prompt, so both have the same prompt
 * tokens. Labels are the ids of answers and of the <|im_end|> behind them, -100
 * elsewhere; the loss shifts them.
 *
 * Held for every sample, or it is an error: the placeholders of picture k are
 * its grid's t*h*w / merge^2; no label is a placeholder; something is
 * supervised; n <= max_length. Nothing is cut.
 *
 * A PREFIX is not supervised; a line in front of the answer is a part of it, and is.
 *
 * Any number of threads may use an encoder once it is open, each with an arena of
 * its own: a sample is the same whatever was encoded before. What encoding leaves in
 * it are ids of pieces of text (text/tokenizer.h), which take memory up to a bound.
 */
#ifndef QVL_DATA_ENCODE_H
#define QVL_DATA_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "data/message.h"
#include "data/record.h"
#include "data/token_type.h"
#include "image/processor.h"
#include "text/label.h"
#include "text/tokenizer.h"

/* Which turns of the assistant are supervised. */
typedef enum { QVL_LOSS_ALL_TURNS, QVL_LOSS_LAST_TURN } qvl_loss_turns;

/* Is the EXIF orientation of a picture applied? */
typedef enum { QVL_EXIF_PROFILE, QVL_EXIF_ON, QVL_EXIF_OFF } qvl_exif;

/* Zeroes are the defaults. Copied. */
typedef struct {
    const char *model;          // folder with tokenizer and processor files
    const char *profile;        // of image/processor.h; NULL: the default one
    qvl_exif exif;              // zero: as the profile has it
    int64_t min_pixels;         // of a picture; 0: as the model says
    int64_t max_pixels;
    int max_length;             // tokens of a sample; 0: no limit
    qvl_answer_rules answer;
    qvl_prompt prompt[QVL_N_MODES];
    const char *const *user;    // [n_user] texts that ask, instead of those of
    int n_user;                 // prompt: each sample draws one, by seed, epoch and
                                // name of its first picture, seen from the folder
                                // of its file
    const char *answer_line;    // in front of answers, on a line of its own; not of
                                // conversations and of qvl_irrelevant_answer;
                                // NULL: none
    const char *response_prefix; // behind the opening of an answer, not
                                 // supervised; NULL: none
    qvl_loss_turns loss;
    bool wants_types;           // of the tokens of dense answers
    double summary_ratio;       // share of samples that are asked for their
                                // summary: 0 none, 1 all
    uint64_t seed;              // of that choice
    const char *dataset;        // name, for that choice and for messages;
                                // NULL: "data"
} qvl_encoder_options;

typedef struct qvl_encoder qvl_encoder;

/* Open. Fails with QVL_E_MODEL when files are missing or wrong or the tokenizer
 * lacks a control token of the layout, QVL_E_CONFIG for a prompt that cannot be
 * filled in, a summary_ratio that is no share, a limit below 0, QVL_E_USAGE for a
 * profile or bounds that are none. Unwinds when there is no host memory for the
 * handle, QVL_E_MEMORY for what it holds; samples return QVL_E_MEMORY always. */
int qvl_encoder_open(qvl_encoder **e, const qvl_encoder_options *options,
                     qvl_err *err);

/* The same with the files of `other` (NULL: none), which stays open longer: its model, profile,
 * exif and bounds of pictures are those of the new one too, whatever its options say.
 * Not while somebody uses `other`. */
int qvl_encoder_open_beside(qvl_encoder **e, const qvl_encoder *other,
                            const qvl_encoder_options *options, qvl_err *err);
void qvl_encoder_close(qvl_encoder *e);

/* Borrowed until the encoder is closed. */
const qvl_tokenizer *qvl_encoder_tokenizer(const qvl_encoder *e);
const qvl_processor *qvl_encoder_processor(const qvl_encoder *e);
/* The texts of a turn that asks, filled in; system is empty for none. Where texts are
 * drawn the user's is not among them. */
const qvl_prompt *qvl_encoder_prompt(const qvl_encoder *e, qvl_mode mode);

/* Does each sample draw the text that asks? NULL does not. */
bool qvl_encoder_draws_prompts(const qvl_encoder *e);

/* One sample; belongs to the arena. */
typedef struct {
    int n;             // tokens
    int64_t *id;       // [n]
    int64_t *label;    // [n], QVL_IGNORE_INDEX where nothing is supervised
    int8_t *type;      // [n] what each token says, of data/token_type.h; NULL: not
                       // wanted, or the answer is no dense one
    float *pixels;     // [n_patches, n_values]; NULL: text alone
    size_t n_patches;
    size_t n_values;   // numbers of a patch
    int64_t *grid;     // [n_grids, 3] patches: in time, down, across
    int n_grids;       // pictures
    int n_supervised;  // labels that are not QVL_IGNORE_INDEX
    int n_image_tok;   // placeholders
    qvl_mode mode;
    const qvl_record *record;  // that it was made of, borrowed
    const char *system;  // text of the system turn; NULL: none
    const char *answer;  // text of the last answer; NULL: prompt alone
} qvl_encoded;

/* The mode that a record is asked in: drawn by seed, dataset, the record's index
 * and the epoch, which counts from 0. A conversation has none and is told as
 * QVL_MODE_DENSE. */
qvl_mode qvl_encoder_draw_mode(const qvl_encoder *e, const qvl_record *record,
                               uint64_t epoch);

/* A sample for training: prompt, answer, labels, pictures.
 *
 *   epoch   draws the mode, as qvl_encoder_draw_mode does
 *
 * Fails with QVL_E_DATA (and QVL_E_RANGE for a sample longer than max_length)
 * naming file, line and what is wrong; QVL_E_IO when a picture cannot be read;
 * QVL_E_MODEL when the tokenizer makes other placeholders of a text than the grids
 * have. out is unchanged then. The other functions that encode fail alike. */
int qvl_encode(const qvl_encoder *e, const qvl_record *record, uint64_t epoch,
               qvl_arena *arena, qvl_encoded *out, qvl_err *err);

/* The same without pixels, for lengths: pictures are not opened where the record
 * gives their size. pixels is NULL, all else as in qvl_encode. */
int qvl_encode_text(const qvl_encoder *e, const qvl_record *record,
                    uint64_t epoch, qvl_arena *arena, qvl_encoded *out,
                    qvl_err *err);

/* qvl_encode_text in a mode, whatever an epoch would draw; the mode of a
 * conversation has no effect. */
int qvl_encode_text_as(const qvl_encoder *e, const qvl_record *record,
                       qvl_mode mode, qvl_arena *arena, qvl_encoded *out,
                       qvl_err *err);

/* qvl_encode_text with the text that asks in the most tokens, where each sample draws
 * one. */
int qvl_encode_text_longest(const qvl_encoder *e, const qvl_record *record,
                            uint64_t epoch, qvl_arena *arena, qvl_encoded *out,
                            qvl_err *err);

/* A sample for inference: it ends with the opening of the answer and has no
 * labels that count. Of a conversation the last turn is left out when it is the
 * assistant's. The record needs no answer, and no size: pictures are measured. */
int qvl_encode_prompt(const qvl_encoder *e, const qvl_record *record,
                      uint64_t epoch, qvl_arena *arena, qvl_encoded *out,
                      qvl_err *err);

/* The objects of a sample's dense answer as it has them, in px: in canonical form
 * and in order, made anew. [*n], of the arena; NULL and 0 when it has another answer,
 * or is a prompt. */
const qvl_object *qvl_encoded_objects(const qvl_encoder *e,
                                      const qvl_encoded *sample, int *n,
                                      qvl_arena *arena);

/* Read a sample back, as a check of tokenizer and layout: the supervised ids of
 * the last answer must give its text and <|im_end|>, a dense answer must say what
 * its record has, and the system text must stand in what the ids give; a prompt has
 * the system text alone. Fails with QVL_E_MODEL, QVL_E_INTERNAL or QVL_E_MEMORY. For
 * the first samples of a run. */
int qvl_encoded_check(const qvl_encoder *e, const qvl_encoded *sample,
                      qvl_err *err);

#endif
