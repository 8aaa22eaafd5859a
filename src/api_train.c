/* api_train.c - the public functions of training
 *
 * As in api.c: guards around the modules that do the work, and the translation
 * of public structs into theirs.
 */
#include "qvl_train.h"

#include <stdio.h>
#include <string.h>

#include "api.h"
#include "train/ckpt.h"
#include "train/run_options.h"
#include "train/trainer.h"

/* ---- open --------------------------------------------------------------- */

void qvl_train_defaults(qvl_train_options *options)
{
    qvl_run_options_init(options);
}

typedef struct {
    qvl_trainer *trainer;
    const char *folder;
    const qvl_train_options *o;
    qvl_err *err;
} opening;

static int open_trainer(void *arg)
{
    opening *w = arg;
    const qvl_train_options *o = w->o;
    qvl_model_options model;
    qvl_options device = { .device = o->device, .n_threads = o->n_threads,
                           .dtype = o->dtype };
    QVL_TRY(qvl_api_model_options(&model, &device, w->err));
    return qvl_trainer_open(&w->trainer, w->folder, &model, o, w->err);
}

int qvl_train_open(qvl_trainer **trainer, const char *folder,
                   const qvl_train_options *options, qvl_error *error)
{
    qvl_err err = { 0 };
    opening w = { .folder = folder, .o = options, .err = &err };
    int rc = qvl_guard(open_trainer, &w, &err);
    if (rc == QVL_OK)
        *trainer = w.trainer;
    return qvl_api_report(rc, &err, error);
}

void qvl_train_close(qvl_trainer *trainer)
{
    qvl_trainer_close(trainer);
}

/* ---- what there is ------------------------------------------------------ */

int qvl_train_n_groups(const qvl_trainer *trainer)
{
    return qvl_trainer_about(trainer)->groups->n;
}

int qvl_train_group_at(const qvl_trainer *trainer, int k,
                       qvl_train_group *group)
{
    const qvl_groups *g = qvl_trainer_about(trainer)->groups;
    if (k < 0 || k >= g->n)
        return QVL_E_USAGE;
    int part = g->item[k].part;
    *group = (qvl_train_group){
        .part = part < QVL_N_PARTS ? qvl_part_name((qvl_part)part) : "all",
        .learning_rate = g->item[k].lr,
        .weight_decay = g->item[k].decay,
        .n_params = g->item[k].n_params,
        .n_elems = g->item[k].n_elems,
    };
    return QVL_OK;
}

int qvl_train_n_parts(const qvl_trainer *trainer)
{
    (void)trainer;
    return QVL_N_PARTS;
}

int qvl_train_part_at(const qvl_trainer *trainer, int k, qvl_train_part *part)
{
    const qvl_groups *g = qvl_trainer_about(trainer)->groups;
    if (k < 0 || k >= QVL_N_PARTS)
        return QVL_E_USAGE;
    *part = (qvl_train_part){ .part = qvl_part_name((qvl_part)k),
                              .n_elems = g->part_elems[k],
                              .n_trained = g->part_trained[k] };
    return QVL_OK;
}

static const qvl_model_parts *model_of(const qvl_trainer *trainer)
{
    return qvl_model_about(qvl_trainer_about(trainer)->model);
}

size_t qvl_train_n_tensors(const qvl_trainer *trainer)
{
    return qvl_checkpoint_report(model_of(trainer)->checkpoint)->n_entries;
}

/* NULL: no such tensor. */
static const qvl_checkpoint_entry *entry_at(const qvl_trainer *trainer,
                                            size_t k)
{
    if (k >= qvl_train_n_tensors(trainer))
        return NULL;
    return qvl_checkpoint_at(model_of(trainer)->checkpoint, k);
}

int qvl_train_tensor_at(const qvl_trainer *trainer, size_t k,
                        qvl_tensor *tensor)
{
    const qvl_checkpoint_entry *e = entry_at(trainer, k);
    if (e == NULL)
        return QVL_E_USAGE;
    const qvl_st_tensor *t = e->tensor;
    *tensor = (qvl_tensor){ .name = t->name, .is_f32 = 1, .rank = t->rank,
                            .n_elems = t->n_elems };
    memcpy(tensor->shape, t->shape, sizeof tensor->shape);
    return QVL_OK;
}

int qvl_train_tensor_group(const qvl_trainer *trainer, size_t k)
{
    const qvl_checkpoint_entry *e = entry_at(trainer, k);
    return e != NULL ? qvl_trainer_about(trainer)->groups->group[e->param]
                     : -1;
}

typedef struct {
    qvl_trainer *trainer;
    size_t k;
    float *dst;
    qvl_err *err;
} reading;

static int read_tensor(void *arg)
{
    const reading *r = arg;
    size_t n = qvl_train_n_tensors(r->trainer);
    if (r->k >= n)
        return qvl_fail(r->err, QVL_E_USAGE, "tensor: found number %zu, "
                        "expected one below %zu", r->k, n);
    return qvl_trainer_read(r->trainer, r->k, r->dst, r->err);
}

int qvl_train_read(qvl_trainer *trainer, size_t k, float *dst,
                   qvl_error *error)
{
    qvl_err err = { 0 };
    reading r = { trainer, k, dst, &err };
    return qvl_api_report(qvl_guard(read_tensor, &r, &err), &err, error);
}

void qvl_train_memory(const qvl_trainer *trainer, uint64_t *held_bytes,
                      uint64_t *peak_bytes)
{
    const qvl_device *dev = model_of(trainer)->device;
    qvl_device_counts counts;
    dev->be->counts(dev, &counts);
    *held_bytes = counts.bytes_held;
    *peak_bytes = counts.bytes_held_peak;
}

/* ---- steps -------------------------------------------------------------- */

typedef struct {
    qvl_trainer *trainer;
    const qvl_batch_in *batch;
    int n;
    qvl_trainer_report report;
    qvl_train_score score;
    qvl_err *err;
} stepping;

/* Sources live for the call only. */
static int run_step(void *arg)
{
    stepping *s = arg;
    const qvl_model_config *config = model_of(s->trainer)->config;
    qvl_arena *arena = qvl_trainer_about(s->trainer)->calls;
    qvl_trainer_drop_rows(s->trainer);
    qvl_arena_reset(arena);
    qvl_batch_source *source =
        qvl_arena_array(arena, qvl_batch_source, s->n > 0 ? s->n : 0);
    for (int k = 0; k < s->n; k++)
        QVL_TRY(qvl_api_source(&source[k], config, &s->batch[k], s->err));
    return qvl_trainer_step(s->trainer, source, s->n, &s->report, s->err);
}

/* Rate of a part in the step; negative when it has no group of its own. */
static double rate_of(const qvl_groups *g, int part, double factor)
{
    for (int k = 0; k < g->n; k++)
        if (g->item[k].part == part)
            return g->item[k].lr * factor;
    return -1.0;
}

/* The rate that is reported as such: of the llm where it is trained. */
static double main_rate(const qvl_groups *g, double factor)
{
    static const int order[] = { QVL_PART_LLM, QVL_N_PARTS, QVL_PART_ALIGNER };
    for (size_t k = 0; k < QVL_COUNT(order); k++) {
        double lr = rate_of(g, order[k], factor);
        if (lr >= 0.0)
            return lr;
    }
    return rate_of(g, QVL_PART_VIT, factor);
}

static void fill_report(const qvl_trainer *trainer,
                        const qvl_trainer_report *r, qvl_train_report *out)
{
    const qvl_trainer_parts *t = qvl_trainer_about(trainer);
    *out = (qvl_train_report){
        .step = t->counts->n_steps,
        .loss = r->loss,
        .token_acc = r->n_labels > 0 ? (double)r->n_correct
                                           / (double)r->n_labels
                                     : 0.0,
        .n_labels = r->n_labels, .n_correct = r->n_correct,
        .n_tokens = r->n_tokens, .grad_norm = r->grad_norm,
        .lr = main_rate(t->groups, r->factor),
        .lr_vit = rate_of(t->groups, QVL_PART_VIT, r->factor),
        .lr_aligner = rate_of(t->groups, QVL_PART_ALIGNER, r->factor),
        .is_skipped = r->is_skipped,
        .n_skipped = t->counts->n_skipped,
        .loss_scale = r->loss_scale,
    };
}

int qvl_train_step(qvl_trainer *trainer, const qvl_batch_in *batches,
                   int n_batches, qvl_train_report *report, qvl_error *error)
{
    qvl_err err = { 0 };
    stepping s = { .trainer = trainer, .batch = batches, .n = n_batches,
                   .err = &err };
    int rc = qvl_guard(run_step, &s, &err);
    if (rc == QVL_OK)
        fill_report(trainer, &s.report, report);
    return qvl_api_report(rc, &err, error);
}

static int run_evaluation(void *arg)
{
    stepping *s = arg;
    qvl_batch_source source;
    qvl_trainer_drop_rows(s->trainer);
    QVL_TRY(qvl_api_source(&source, model_of(s->trainer)->config, s->batch,
                           s->err));
    return qvl_trainer_evaluate(s->trainer, &source, &s->score, s->err);
}

int qvl_train_evaluate(qvl_trainer *trainer, const qvl_batch_in *batch,
                       qvl_train_score *score, qvl_error *error)
{
    qvl_err err = { 0 };
    stepping s = { .trainer = trainer, .batch = batch, .err = &err };
    int rc = qvl_guard(run_evaluation, &s, &err);
    if (rc == QVL_OK)
        *score = s.score;
    return qvl_api_report(rc, &err, error);
}

size_t qvl_train_n_rows(const qvl_trainer *trainer)
{
    size_t n;
    qvl_trainer_rows(trainer, &n);
    return n;
}

int qvl_train_row_at(const qvl_trainer *trainer, size_t k,
                     qvl_train_score *score)
{
    size_t n;
    const qvl_train_score *row = qvl_trainer_rows(trainer, &n);
    if (k >= n)
        return QVL_E_USAGE;
    *score = row[k];
    return QVL_OK;
}

int qvl_train_row_labels(const qvl_trainer *trainer, size_t k,
                         const qvl_train_label **label)
{
    if (k >= qvl_train_n_rows(trainer))
        return QVL_E_USAGE;
    *label = qvl_trainer_row_labels(trainer, k);
    return QVL_OK;
}

void qvl_train_metric(qvl_trainer *trainer, double value)
{
    qvl_sched_metric(qvl_trainer_about(trainer)->sched, value);
}

int64_t qvl_train_steps_done(const qvl_trainer *trainer)
{
    return qvl_trainer_about(trainer)->counts->n_steps;
}

/* ---- checkpoints -------------------------------------------------------- */

typedef struct {
    qvl_trainer *trainer;
    const char *folder;
    const qvl_train_save_options *options;
    const qvl_train_state *state;   // to save
    qvl_train_state *read;          // to resume from
    const char *path;
    size_t room;      // bytes of the path that the caller has
    qvl_arena *arena;
    qvl_err *err;
    qvl_arena scratch;
} keeping;

/* The path of a checkpoint is known before it is made; so is whether the
 * caller has room for it. */
static int check_room(const keeping *k)
{
    char name[32];
    int n = snprintf(name, sizeof name, "/checkpoint-%lld",
                     (long long)qvl_train_steps_done(k->trainer));
    size_t needed = strlen(k->folder) + (size_t)n + 1;
    if (needed <= k->room)
        return QVL_OK;
    return qvl_fail(k->err, QVL_E_RANGE,
                    "path of the checkpoint: found room for %zu bytes, "
                    "expected %zu", k->room, needed);
}

static int save_run(void *arg)
{
    keeping *k = arg;
    QVL_TRY(check_room(k));
    return qvl_ckpt_save(k->trainer, k->folder, k->options, k->state,
                         &k->path, k->arena, k->err);
}

int qvl_train_save(qvl_trainer *trainer, const char *run_folder,
                   const qvl_train_save_options *options,
                   const qvl_train_state *state, char *path,
                   size_t path_bytes, qvl_error *error)
{
    qvl_err err = { 0 };
    keeping k = { .trainer = trainer, .folder = run_folder,
                  .options = options, .state = state,
                  .room = path != NULL ? path_bytes : SIZE_MAX,
                  .err = &err,
                  .arena = qvl_trainer_about(trainer)->calls };
    qvl_arena_reset(k.arena);
    int rc = qvl_guard(save_run, &k, &err);
    if (rc == QVL_OK && path != NULL)
        snprintf(path, path_bytes, "%s", k.path);
    return qvl_api_report(rc, &err, error);
}

static int resume_run(void *arg)
{
    keeping *k = arg;
    /* The folder may be a text of the state before, which goes now. */
    const char *folder = qvl_arena_strdup(&k->scratch, k->folder);
    qvl_arena_reset(k->arena);
    return qvl_ckpt_resume(k->trainer, folder, k->read, k->arena, k->err);
}

int qvl_train_resume(qvl_trainer *trainer, const char *folder,
                     qvl_train_state *state, qvl_error *error)
{
    qvl_err err = { 0 };
    keeping k = { .trainer = trainer, .folder = folder, .read = state,
                  .err = &err, .arena = qvl_trainer_about(trainer)->texts };
    int rc = qvl_guard(resume_run, &k, &err);
    qvl_arena_release(&k.scratch);
    return qvl_api_report(rc, &err, error);
}
