/* qvl_train.h - train a vision-language model from C
 *
 * Open a model folder for training, give it the batches of one optimizer step
 * at a time, read what came out, save and resume checkpoints. Where samples
 * come from, when to evaluate and when to save is the caller's.
 *
 * One step: the loss is the mean cross entropy over the labels of all its
 * batches; gradients are summed over the batches, clipped by their norm over
 * all trained parameters, and AdamW updates the weights on the device. A step
 * whose gradient is not finite changes neither weights nor moments.
 *
 * Errors and threads are as in qvl.h.
 */
#ifndef QVL_TRAIN_H
#define QVL_TRAIN_H

#include "qvl.h"

typedef struct qvl_trainer qvl_trainer;

/* ---- open --------------------------------------------------------------- */

/* All of a run. Fill it with qvl_train_defaults and change what differs; texts
 * and arrays are borrowed for the call of qvl_train_open. A negative number
 * means "not given" where the comment says so. */
typedef struct {
    // the device; see qvl_options
    const char *device;
    int n_threads;
    const char *dtype;           // of weights and activations
    int recompute;               // gradient checkpointing, a layer at a time

    // what is trained, in this order; a tied pair is trained if either is
    double freeze_ratio;         // freeze from the front: share of all numbers
    const char *const *freeze;   // [n_freeze] beginnings of names
    size_t n_freeze;
    const char *freeze_regex;    // found anywhere in a name; NULL: none
    int freeze_llm;              // the decoder and its head
    int freeze_vit;              // the vision tower without its aligner
    int freeze_aligner;          // the mergers
    const char *const *trainable;  // [n_trainable] beginnings: trained again
    size_t n_trainable;
    const char *trainable_regex;

    // AdamW
    const char *optimizer;       // "default", "multimodal"; NULL: multimodal
                                 // when vit_lr or aligner_lr is given
    double learning_rate;        // > 0
    double vit_lr, aligner_lr;   // negative: as learning_rate
    double beta1, beta2, epsilon, weight_decay;
    double max_grad_norm;        // <= 0: no clipping
    int max_skipped;             // skipped updates in a row that end the run
    int scores_rows;             // keep what qvl_train_row_at tells

    // the rate as a function of the step
    const char *schedule;        // "cosine", "linear", ...
    int64_t max_steps;           // > 0
    int64_t warmup_steps;        // 0: by warmup_ratio
    double warmup_ratio;         // share of max_steps, in [0, 1]
    double min_lr, min_lr_rate;  // floor as a rate, or as a share of it;
                                 // negative: not given
    double warmup_lr_rate;       // share at the first step; negative: none
    double num_cycles;           // negative: 0.5, or 1 with restarts
    double power, lr_end;        // polynomial
    double timescale;            // inverse_sqrt; negative: warmup or 10000
    const char *decay_type;      // warmup_stable_decay: "linear", "cosine",
                                 // "1-sqrt"
    int64_t num_decay_steps;     // warmup_stable_decay; negative: not given
    int64_t num_stable_steps;    // likewise
    double factor;               // reduce_lr_on_plateau
    int64_t patience;            // evaluations without progress
    int greater_is_better;       // of the number given to qvl_train_metric
} qvl_train_options;

/* The defaults of every field; learning_rate and max_steps stay 0 and must be
 * set. */
void qvl_train_defaults(qvl_train_options *options);

/* Open a model folder for training. Besides the errors of qvl_open: an option
 * outside its range, an unknown name, a schedule that lacks what it needs, a
 * regular expression that cannot be read, nothing left to train. *trainer is set on
 * success alone. */
int qvl_train_open(qvl_trainer **trainer, const char *folder,
                   const qvl_train_options *options, qvl_error *error);
/* Accepts NULL. */
void qvl_train_close(qvl_trainer *trainer);

/* ---- what there is ------------------------------------------------------ */

/* Parameters that share a rate and a decay; every trained one is in exactly
 * one group. */
typedef struct {
    const char *part;     // "vit", "aligner", "llm"; "all" without multimodal
    double learning_rate; // before the schedule
    double weight_decay;  // 0: a group of norms and biases
    size_t n_params;      // tensors
    size_t n_elems;
} qvl_train_group;

/* Functions of this section that take a number k return 0, or a negative code
 * when there is no such thing; then nothing was changed. Names live as long as the
 * trainer. */
int qvl_train_n_groups(const qvl_trainer *trainer);
int qvl_train_group_at(const qvl_trainer *trainer, int k,
                       qvl_train_group *group);

/* One part of the model: how much of it there is, and is trained. */
typedef struct {
    const char *part;  // "vit", "aligner", "llm"
    size_t n_elems;
    size_t n_trained;
} qvl_train_part;

int qvl_train_n_parts(const qvl_trainer *trainer);
int qvl_train_part_at(const qvl_trainer *trainer, int k,
                      qvl_train_part *part);

/* A tensor of the model, as in its checkpoint. */
size_t qvl_train_n_tensors(const qvl_trainer *trainer);
int qvl_train_tensor_at(const qvl_trainer *trainer, size_t k,
                        qvl_tensor *tensor);
/* Its group; -1: it is not trained, or there is no such tensor. */
int qvl_train_tensor_group(const qvl_trainer *trainer, size_t k);
/* Read it: dst [n_elems]; the 32-bit weights that are updated, whatever the
 * storage type. Waits for the device. */
int qvl_train_read(qvl_trainer *trainer, size_t k, float *dst,
                   qvl_error *error);

/* Device bytes held now and at most so far. */
void qvl_train_memory(const qvl_trainer *trainer, uint64_t *held_bytes,
                      uint64_t *peak_bytes);

/* ---- steps -------------------------------------------------------------- */

typedef struct {
    int64_t step;       // optimizer steps done, this one included
    double loss;        // mean over the labels of the step; 0 without labels
    double token_acc;   // share of them that is the most likely token
    int64_t n_labels;   // labels that count
    int64_t n_correct;
    int64_t n_tokens;   // without padding
    double grad_norm;   // before clipping; not finite when skipped for that
    double lr;          // rate of this step: of the llm, or of all; without
                        // these of the aligner, then of the vit
    double lr_vit;      // negative: no such group
    double lr_aligner;
    int is_skipped;     // weights were left alone: no label, or a gradient
                        // that is not finite
    int64_t n_skipped;  // of all steps of the run
    double loss_scale;  // of an f16 run, else 1
} qvl_train_report;

/* One optimizer step over n_batches > 0 batches, borrowed for the call. Waits for
 * the device at its end.
 *
 * Fails as qvl_forward does; after max_skipped skipped updates in a row; when
 * max_steps are done; *report is unchanged then. After an error of a batch the
 * weights are as they were; after one of the device the trainer is only good for
 * closing. */
int qvl_train_step(qvl_trainer *trainer, const qvl_batch_in *batches,
                   int n_batches, qvl_train_report *report, qvl_error *error);

/* Loss and hits of one batch without training; sums, so that batches add up.
 * A batch without labels gives zeros, but its n_tokens. */
typedef struct {
    double loss_sum;
    int64_t n_labels;
    int64_t n_correct;
    int64_t n_tokens;
} qvl_train_score;

/* Fails as qvl_forward does; *score is unchanged then. */
int qvl_train_evaluate(qvl_trainer *trainer, const qvl_batch_in *batch,
                       qvl_train_score *score, qvl_error *error);

/* Scores of single rows of the last step or evaluation, counted over its batches
 * in their order; a row without labels has zeros. Each sample of a packed row counts
 * as a row. Without scores_rows there are none, nor after one that failed. Where
 * there is no row k a negative code is returned, *score unchanged. */
size_t qvl_train_n_rows(const qvl_trainer *trainer);
int qvl_train_row_at(const qvl_trainer *trainer, size_t k,
                     qvl_train_score *score);

/* Loss and hit of one label. */
typedef struct {
    float loss;
    float hit;  // 1: the label is the most likely token; else 0
} qvl_train_label;

/* The labels of such a row, in their order: *label has n_labels of its score. It lives
 * until the next step or evaluation. Where there is no row k a negative code is
 * returned, *label unchanged. */
int qvl_train_row_labels(const qvl_trainer *trainer, size_t k,
                         const qvl_train_label **label);

/* Give the schedule the number of an evaluation; reduce_lr_on_plateau listens,
 * the others do not. */
void qvl_train_metric(qvl_trainer *trainer, double value);

/* ---- checkpoints -------------------------------------------------------- */

/* What a checkpoint says of the run beside weights and moments. Numbers and
 * texts of the caller, written to trainer_state.json and its neighbours as they
 * are; one that is not finite, or no JSON where that is said, is an error. A zeroed
 * struct is fine. */
typedef struct {
    double epoch;
    double num_train_epochs;
    int64_t best_global_step;   // <= 0: no best yet
    double best_metric;
    const char *best_model_checkpoint;  // NULL: none
    int64_t eval_steps, logging_steps, save_steps;
    int64_t train_batch_size;
    int64_t num_input_tokens_seen;
    double total_flos;
    const char *log_history;         // JSON list; NULL: []
    const char *stateful_callbacks;  // JSON map; NULL: {}
    const char *dataloader;          // JSON map, dataloader_state.json
    const char *args;                // JSON, args.json; NULL: no such file
} qvl_train_state;

typedef struct {
    int save_only_model;       // no moments: cannot be resumed
    int is_final;              // never deleted by rotation
    int save_total_limit;      // <= 0: keep all
    uint64_t max_shard_bytes;  // of a weight file, 0: one file
    const char *best;          // name of the checkpoint that rotation keeps,
                               // "checkpoint-20"; NULL: none
} qvl_train_save_options;

/* Write RUN/checkpoint-STEP, complete or not at all: a full disk or a kill
 * leaves what was there. A checkpoint of the same step is replaced. Then
 * deletes the oldest beyond the limit. Weights are a model folder of their own.
 *
 *   path   gets the folder's path, [path_bytes]; NULL: not wanted. Too few bytes
 *          are an error, and nothing is written then */
int qvl_train_save(qvl_trainer *trainer, const char *run_folder,
                   const qvl_train_save_options *options,
                   const qvl_train_state *state, char *path,
                   size_t path_bytes, qvl_error *error);

/* Continue from a checkpoint folder, or from the newest one of a run folder whose
 * files are complete and undamaged, and remove what killed saves left there. The
 * trainer is as it was after that step; on the CPU further steps give the same
 * bits. The texts of `state` live until the next call or the close.
 *
 * Fails when there is no complete checkpoint, when files are damaged, were saved
 * without moments, or are of another model or set of trained parameters; *state is
 * unchanged then, and the trainer only good for closing or for another call. */
int qvl_train_resume(qvl_trainer *trainer, const char *folder,
                     qvl_train_state *state, qvl_error *error);

/* Optimizer steps done. */
int64_t qvl_train_steps_done(const qvl_trainer *trainer);

#endif
