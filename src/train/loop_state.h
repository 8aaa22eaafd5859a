/* loop_state.h - what the files of the loop share; private to them
 *
 * A function without an err of its own puts its error into r->err. All run out of
 * host memory as an arena does, or with QVL_E_MEMORY: qvl_loop_run is their guard.
 */
#ifndef QVL_TRAIN_LOOP_STATE_H
#define QVL_TRAIN_LOOP_STATE_H

#include "base/arena.h"
#include "qvl_train.h"
#include "train/cadence.h"
#include "train/loader.h"
#include "train/loop.h"
#include "train/metric.h"
#include "train/run_folder.h"
#include "train/run_log.h"
#include "train/samples.h"
#include "train/sources.h"
#include "train/type_metric.h"

/* A parameter that a curriculum moves, and its name in the log. */
typedef struct {
    const char *name;
    int op;                      // of the rules
    const qvl_aug_param *param;
    bool is_high;                // the upper end of a range
} qvl_loop_augment_state;

/* Names of numbers of augmentation; zeroes without. */
typedef struct {
    int n_ops;
    const char **fired;    // [n_ops]
    const char **skipped;  // [n_ops]
    int n_state;
    qvl_loop_augment_state *state;  // [n_state]
    int n_names;           // of all
} qvl_loop_augment;

/* A source and mode of samples whose first one was written as text. */
typedef struct {
    const char *label;
    const char *name;  // of the mode
} qvl_loop_kind;
/* A fact that samples and their order follow from, for checkpoints. */
typedef struct {
    const char *key, *text;
} qvl_loop_word;

typedef struct {
    const qvl_loop_word *v;  // [n]
    int n;
} qvl_loop_words;

typedef struct {
    // borrowed
    const qvl_loop_options *o;
    const qvl_run_config *c;
    qvl_err *err;
    // owned
    qvl_arena arena;  // records, texts; ends with the run
    qvl_samples samples;
    qvl_trainer *trainer;
    qvl_loader *loader;
    qvl_run_log *log;
    qvl_str text;     // work space
    qvl_str conversations;  // first samples as text

    qvl_sources sources;
    qvl_type_metrics types;
    qvl_loop_augment augment;
    qvl_run_folder folder;
    const char *args;  // args.json
    const char *conversation_path;  // file of the first samples; NULL: not wanted
    const qvl_loop_kind *kind;      // [n_kinds] that are in it
    int n_kinds;
    char last_sample[512];          // for a report; empty: none yet
    qvl_loop_words words;
    int64_t told_epoch;  // whose plan was logged last; -1: none
    qvl_epoch_plan plan;
    qvl_pack_source pack;  // with training.packing
    qvl_pack_progress at;  // behind the last step, with training.packing
    int64_t max_steps;
    qvl_cadence cadence;
    qvl_cadence_state state;

    int64_t step;          // done
    int64_t first_step;    // done when this process began
    double began_s;        // of qvl_clock_s
    qvl_metrics window;    // since the last line
    int64_t window_tokens, window_cells, window_samples, window_steps;
    double window_began_s, window_waited_s;
    double loss_sum;       // of all steps with labels
    int64_t n_losses;
    int64_t n_seen_tok;    // input tokens of the whole run
    int64_t n_skipped;
    const char *best_path;  // of its checkpoint; NULL: none
    const char *last_path;
    int64_t saved_step;     // of last_path
    bool owes_evaluation;   // that of this step was cut short by a stop
} qvl_loop;

/* Hand on an error of the public interface. */
int qvl_loop_fail(const qvl_error *error, qvl_err *err);

/* Has somebody asked to stop? */
bool qvl_loop_is_stopped(const qvl_loop *r);

/* Where the run stands. */
qvl_cadence_at qvl_loop_at(const qvl_loop *r);
qvl_metric_place qvl_loop_place(const qvl_loop *r);

/* Add the samples of a batch to the numbers of their sources; its rows are those
 * from *row on of the trainer's last call. */
void qvl_loop_count_rows(const qvl_loop *r, const qvl_collated *batch,
                         size_t *row, qvl_metrics *m);

/* loop_open.c: records, model, folder, log; prints the plan; resumes. Fails as
 * qvl_loop_run says. */
int qvl_loop_open(qvl_loop *r);

/* loop_eval.c: is metric_for_best_model a number that evaluations of records
 * from these sources have? `types` are of them, and of more behind them.
 * QVL_E_CONFIG: not. Arena: work space. */
int qvl_loop_check_metric(const qvl_run_config *c, const qvl_sources *sources,
                          const qvl_type_metrics *types, qvl_arena *arena,
                          qvl_err *err);

/* loop_eval.c: evaluate, log, judge. After a stop owes_evaluation is set, and
 * nothing was logged. Fails as the loader and qvl_train_evaluate do, with
 * QVL_E_CONFIG when the metric of the best model has no value, with QVL_E_IO.
 *
 *   is_best  out: the best so far; unchanged after a stop or an error */
int qvl_loop_evaluate(qvl_loop *r, bool *is_best);

/* loop_save.c */
typedef enum { QVL_SAVE_DUE, QVL_SAVE_FINAL, QVL_SAVE_INTERRUPTED } qvl_save_why;

/* Write the checkpoint of this step. Fails as qvl_train_save does, and with QVL_E_IO
 * when a link cannot be made; the checkpoint is there then. */
int qvl_loop_save(qvl_loop *r, qvl_save_why why);

/* Take up the state that a checkpoint had. Fails with QVL_E_CONFIG when the run
 * orders its records otherwise, QVL_E_FORMAT when something is missing. */
int qvl_loop_resume(qvl_loop *r, const qvl_train_state *state);

/* loop_words.c: those of a run with a fusion or with augmentation; none without. */
qvl_loop_words qvl_loop_words_of(qvl_loop *r);

/* loop_augment.c: augment the samples of the run from now on, when the configuration
 * asks for it, and name the numbers of it. The plan is known. */
void qvl_loop_augment_open(qvl_loop *r);

/* Add what was done to the samples of a batch to the window. */
void qvl_loop_augment_count(qvl_loop *r, const qvl_collated *batch);

/* Put where the curriculum stood in the last step into the window. Runs out of host
 * memory as an arena does. */
void qvl_loop_augment_log(qvl_loop *r);

/* loop_sample.c: write first samples as text from now on, where that is asked for. The
 * folder of the run is there. */
void qvl_loop_samples_open(qvl_loop *r);

/* Look at the n batches of the step to come, before it is done. Fails with QVL_E_IO, or
 * as qvl_samples_put does. */
int qvl_loop_see(qvl_loop *r, const qvl_collated *batch, int n);

/* The same for a batch of an evaluation, of which nothing is written. */
void qvl_loop_see_held_out(qvl_loop *r, const qvl_collated *batch);

/* Tell the log of the last sample that was looked at, if there was one. */
void qvl_loop_tell_last(const qvl_loop *r);

/* loop_end.c: the last line of the log, the curve. Fails with QVL_E_IO. */
int qvl_loop_end(qvl_loop *r);

#endif
