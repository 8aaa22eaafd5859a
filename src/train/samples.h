/* samples.h - the records of a run, and the recipes that make samples of them
 *
 * A run has one recipe for training and one for validation; of a fusion each entry has
 * its own, and draws of its own: an entry's samples do not depend on the others.
 *
 * Opening reads every record of every file and encodes every text, so that what
 * is wrong with a record or too long is known before the model is opened. The
 * first samples of each file are encoded with their pictures and read back.
 */
#ifndef QVL_TRAIN_SAMPLES_H
#define QVL_TRAIN_SAMPLES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/run_config.h"
#include "data/augment/augment.h"
#include "data/encode.h"
#include "data/fusion_plan.h"
#include "data/pack_stream.h"
#include "data/recipe.h"

/* Samples of each file that are read back. */
#define QVL_SAMPLES_CHECKED 8

/* Tokens of a sample; a token of the prompt is neither a picture's nor supervised. */
typedef struct {
    int prompt;
    int image;
    int answer;  // supervised
} qvl_sample_length;

typedef struct {
    const qvl_record *record;  // [n] of all files in their order; of a fusion those of
                               // entries that are taken
    size_t n;
    qvl_recipes recipes;       // of the records
    qvl_recipe *recipe;        // [recipes.n] the same, to be filled
    const int *entry;          // [recipes.n] of a fusion; NULL: there is none
    qvl_sample_length (*length)[QVL_N_MODES]; // [n] in each mode, zeroes in one
                               // that is never asked for; NULL unless LENGTHS, or
                               // samples of training are to be packed
    int64_t n_tokens;      // of all, in epoch 0
    int64_t n_supervised;
    int64_t n_image_tok;
    int longest_tok;
} qvl_sample_set;

typedef struct {
    qvl_sample_set train;
    qvl_sample_set val;  // n is 0 without records for evaluations
    qvl_fusion_plan *fusion;   // of training; NULL: none
    const size_t *first;       // [fusion->fusion->n] as in qvl_epoch_plan
    qvl_augmenter *augmenter;  // [train.recipes.n] of those that are augmented; NULL:
                               // none is
    // owned
    qvl_encoder *encoder;      // one of the recipes, for what all of them share
    qvl_encoder **beside;      // [n_beside] the others
    int n_beside;
} qvl_samples;

/* What is done with the samples of all records when they are opened. */
typedef enum {
    QVL_SAMPLES_FIRST,   // texts are encoded; the first of a file read back
    QVL_SAMPLES_ALL,     // all are read back
    QVL_SAMPLES_LENGTHS  // texts are encoded, however long; lengths are kept
} qvl_samples_check;

/* Open what a configuration names; borrows it. Records belong to the arena.
 *
 * Fails as qvl_records_load, qvl_fusion_plan_init, qvl_encoder_open, qvl_encode and
 * qvl_encoded_check do, with QVL_E_DATA for a record that its entry of a fusion refuses,
 * and with QVL_E_MEMORY: s is unchanged then, and nothing is held. */
int qvl_samples_open(qvl_samples *s, const qvl_run_config *config,
                     qvl_samples_check check, qvl_arena *arena, qvl_err *err);
void qvl_samples_close(qvl_samples *s);

/* Read the records of training alone, without a model: there are no encoders, lengths
 * or records of validation then. Fails as the reading above does, but unwinds without
 * host memory; s is unchanged then. */
int qvl_samples_read(qvl_samples *s, const qvl_run_config *config,
                     qvl_arena *arena, qvl_err *err);

/* Length of sample k in an epoch, of a set that has lengths. */
const qvl_sample_length *qvl_sample_set_length(const qvl_sample_set *set,
                                               size_t k, uint64_t epoch);

/* Steps of a run that is not packed; of a packed one as many as if it were not. At
 * least 1. */
int64_t qvl_samples_steps(const qvl_samples *s, const qvl_run_config *config);

/* Augment samples of training from now on, when the configuration asks for it: in a
 * run of total_steps > 0. Borrows the configuration; what it makes belongs to the arena.
 * Runs out of host memory as an arena does. */
void qvl_samples_augment(qvl_samples *s, const qvl_run_config *config,
                         int64_t total_steps, qvl_arena *arena);

/* What is done to the records of a recipe that has all of the run's rules, or if none
 * has, to those of another one; NULL: nothing is augmented. Borrowed. */
const qvl_augmenter *qvl_samples_augmenter(const qvl_samples *s);

/* The key that names the records of training: custom.train_jsonl, or of a fusion
 * custom.fusion_config. */
const char *qvl_samples_key(const qvl_samples *s);

/* The order in which a run takes its training samples: batches of one rank. */
qvl_epoch_plan qvl_samples_plan(const qvl_samples *s,
                                const qvl_run_config *config);

/* The same with packed rows, plan.batch of them a batch; training.packing was on when
 * the samples were opened. Borrows the samples. Lengths are those that opening kept:
 * nothing is encoded to find one, and none fails. Where samples are augmented, texts
 * are, without pixels, and lengths fail as qvl_recipe_see and qvl_encode_text do; so it
 * is where objects or prompts are drawn. */
qvl_pack_source qvl_samples_pack(const qvl_samples *s,
                                 const qvl_run_config *config);

/* Append a sample as a person reads it: its text, placeholders of a picture as
 * one word and their number, then the supervised text. Fails with QVL_E_RANGE for an
 * id without a token, out may have a part then; out of memory unwinds as in
 * base/arena.h. */
int qvl_samples_put(const qvl_encoder *encoder, const qvl_encoded *sample,
                    qvl_str *out, qvl_err *err);

#endif
