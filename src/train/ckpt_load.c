/* ckpt_load.c - a trainer brought to the state of a checkpoint
 *
 * All files are read and checked before the first number of the trainer changes.
 */
#include "train/ckpt.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "train/ckpt_folder.h"

#define PIECE_ELEMS ((size_t)1 << 18)

/* One resume. */
typedef struct {
    qvl_trainer_parts t;
    const qvl_model_parts *m;
    const char *folder;  // of the checkpoint
    qvl_arena *arena;
    qvl_err *err;
    qvl_ckpt_marker marker;
    // owned
    qvl_checkpoint *weights;
    qvl_st *moments;
    qvl_str text;
    // values, to be taken when all is read
    qvl_trainer_counts counts;
    qvl_sched_memory memory;
    int64_t n_updates;
    qvl_train_state state;
} resuming;

/* ---- texts -------------------------------------------------------------- */

static int wrong(resuming *r, const char *file, const char *key,
                 const char *wanted)
{
    return qvl_fail(r->err, QVL_E_FORMAT,
                    "%s (%s/%s): found nothing that fits, expected %s", key,
                    r->folder, file, wanted);
}

static int take_int(resuming *r, const qvl_node *map, const char *file,
                    const char *key, int64_t *out)
{
    if (qvl_node_as_int(qvl_node_find(map, key), out) && *out >= 0)
        return QVL_OK;
    return wrong(r, file, key, "a whole number from 0 on");
}

static int take_number(resuming *r, const qvl_node *map, const char *file,
                       const char *key, double *out)
{
    if (qvl_node_as_float(qvl_node_find(map, key), out))
        return QVL_OK;
    return wrong(r, file, key, "a number");
}

/* The storage type decides what the weights' bits are. */
static int check_dtype(resuming *r, const qvl_node *map)
{
    const char *found;
    if (!qvl_node_as_string(qvl_node_find(map, "dtype"), &found))
        return wrong(r, QVL_CKPT_SCHEDULER, "dtype", "a storage type");
    if (strcmp(found, qvl_dtype_name(r->t.dtype)) == 0)
        return QVL_OK;
    return qvl_fail(r->err, QVL_E_CONFIG,
                    "%s: found weights trained as %s, expected %s as this run "
                    "is", r->folder, found, qvl_dtype_name(r->t.dtype));
}

/* A schedule may be changed on the way, but hardly by mistake. */
static void compare_schedule(const resuming *r, const qvl_node *map,
                             int64_t max_steps, double lr)
{
    const char *name;
    const qvl_sched *s = r->t.sched;
    if (qvl_node_as_string(qvl_node_find(map, "lr_scheduler_type"), &name)
        && strcmp(name, qvl_sched_name(s)) != 0)
        qvl_log(QVL_LOG_WARN, "%s was trained with schedule %s, this run has "
                "%s", r->folder, name, qvl_sched_name(s));
    if (max_steps != s->o->max_steps)
        qvl_log(QVL_LOG_WARN, "%s was trained for %lld steps, this run for "
                "%lld", r->folder, (long long)max_steps,
                (long long)s->o->max_steps);
    if (lr != s->o->learning_rate)
        qvl_log(QVL_LOG_WARN, "%s was trained with learning rate %g, this run "
                "has %g", r->folder, lr, s->o->learning_rate);
}

static int read_scheduler(resuming *r)
{
    static const char file[] = QVL_CKPT_SCHEDULER;
    qvl_node *map;
    int64_t in_row, max_steps;
    double lr;
    QVL_TRY(qvl_ckpt_load_json(&map, r->folder, file, r->arena, r->err));
    QVL_TRY(check_dtype(r, map));
    QVL_TRY(take_int(r, map, file, "global_step", &r->counts.n_steps));
    QVL_TRY(take_int(r, map, file, "n_skipped", &r->counts.n_skipped));
    QVL_TRY(take_int(r, map, file, "n_skipped_in_row", &in_row));
    QVL_TRY(take_int(r, map, file, "n_updates", &r->n_updates));
    QVL_TRY(take_int(r, map, file, "n_bad", &r->memory.n_bad));
    QVL_TRY(take_int(r, map, file, "max_steps", &max_steps));
    QVL_TRY(take_number(r, map, file, "learning_rate", &lr));
    QVL_TRY(take_number(r, map, file, "scale", &r->memory.scale));
    r->memory.best = (double)NAN;
    if (qvl_node_find(map, "plateau_best") != NULL)
        QVL_TRY(take_number(r, map, file, "plateau_best", &r->memory.best));
    if (r->counts.n_steps != r->marker.step)
        return wrong(r, file, "global_step", "the step of the folder");
    r->counts.n_skipped_in_row = (int)in_row;
    compare_schedule(r, map, max_steps, lr);
    return QVL_OK;
}

static int read_scaler(resuming *r)
{
    static const char file[] = QVL_CKPT_SCALER;
    qvl_node *map;
    r->counts.loss_scale = 1.0;
    if (r->t.dtype != QVL_F16)
        return QVL_OK;
    QVL_TRY(qvl_ckpt_load_json(&map, r->folder, file, r->arena, r->err));
    QVL_TRY(take_number(r, map, file, "loss_scale", &r->counts.loss_scale));
    return take_int(r, map, file, "n_clean", &r->counts.n_clean);
}

static const char *text_of(resuming *r, const qvl_node *n)
{
    qvl_str_reset(&r->text);
    qvl_ckpt_print_json(&r->text, n, 0);
    return qvl_arena_strdup(r->arena, r->text.p);
}

static int read_state(resuming *r)
{
    static const char file[] = QVL_CKPT_STATE;
    qvl_node *map;
    qvl_train_state *s = &r->state;
    QVL_TRY(qvl_ckpt_load_json(&map, r->folder, file, r->arena, r->err));
    QVL_TRY(take_number(r, map, file, "epoch", &s->epoch));
    QVL_TRY(take_number(r, map, file, "num_train_epochs",
                        &s->num_train_epochs));
    QVL_TRY(take_int(r, map, file, "best_global_step", &s->best_global_step));
    if (s->best_global_step > 0)
        QVL_TRY(take_number(r, map, file, "best_metric", &s->best_metric));
    qvl_node_as_string(qvl_node_find(map, "best_model_checkpoint"),
                       &s->best_model_checkpoint);
    QVL_TRY(take_int(r, map, file, "eval_steps", &s->eval_steps));
    QVL_TRY(take_int(r, map, file, "logging_steps", &s->logging_steps));
    QVL_TRY(take_int(r, map, file, "save_steps", &s->save_steps));
    QVL_TRY(take_int(r, map, file, "train_batch_size", &s->train_batch_size));
    QVL_TRY(take_int(r, map, file, "num_input_tokens_seen",
                     &s->num_input_tokens_seen));
    QVL_TRY(take_number(r, map, file, "total_flos", &s->total_flos));
    const qvl_node *history = qvl_node_find(map, "log_history");
    const qvl_node *callbacks = qvl_node_find(map, "stateful_callbacks");
    if (history == NULL || callbacks == NULL)
        return wrong(r, file, "log_history", "it beside stateful_callbacks");
    s->log_history = text_of(r, history);
    s->stateful_callbacks = text_of(r, callbacks);
    return QVL_OK;
}

static int read_texts(resuming *r)
{
    qvl_node *root;
    QVL_TRY(read_scheduler(r));
    QVL_TRY(read_scaler(r));
    QVL_TRY(read_state(r));
    QVL_TRY(qvl_ckpt_load_json(&root, r->folder, QVL_CKPT_LOADER, r->arena,
                               r->err));
    r->state.dataloader = text_of(r, root);
    const char *args = qvl_arena_printf(r->arena, "%s/" QVL_CKPT_ARGS,
                                        r->folder);
    if (!qvl_file_exists(args))
        return QVL_OK;
    QVL_TRY(qvl_ckpt_load_json(&root, r->folder, QVL_CKPT_ARGS, r->arena,
                               r->err));
    r->state.args = text_of(r, root);
    return QVL_OK;
}

/* ---- tensors ------------------------------------------------------------ */

static const qvl_st_tensor *find_part(const resuming *r, int i,
                                      const char *part)
{
    const char *name = qvl_arena_printf(r->arena, "%s.%s",
                                        r->m->params->item[i].name, part);
    return qvl_st_find(r->moments, name);
}

static bool fits(const qvl_st_tensor *t, const qvl_arch_param *p)
{
    bool same = t->dtype == QVL_F32 && t->rank == p->rank;
    for (int k = 0; same && k < p->rank; k++)
        same = t->shape[k] == p->shape[k];
    return same;
}

/* The tensors of the file are those of the trained parameters, all of them and
 * no others. */
static int check_moments(resuming *r)
{
    static const char *const part[] = { "exp_avg", "exp_avg_sq", "master" };
    size_t n = 0;
    for (int i = 0; i < r->m->params->n; i++) {
        const qvl_arch_param *p = &r->m->params->item[i];
        if (!r->t.groups->trained[i] || p->same_as != -1)
            continue;
        for (int k = 0; k < 3; k++) {
            const qvl_st_tensor *t = find_part(r, i, part[k]);
            bool needed = k < 2 || qvl_optim_has_master(r->t.optim, i);
            if (t == NULL && needed)
                return qvl_fail(r->err, QVL_E_CONFIG,
                                "%s.%s (%s/" QVL_CKPT_OPTIMIZER "): found "
                                "none, expected one, as this run trains the "
                                "parameter", p->name, part[k], r->folder);
            if (t != NULL && !fits(t, p))
                return qvl_fail(r->err, QVL_E_MODEL,
                                "%s (%s/" QVL_CKPT_OPTIMIZER "): found "
                                "another type or shape than the parameter "
                                "has", t->name, r->folder);
            n += t != NULL;
        }
    }
    if (n == qvl_st_count(r->moments))
        return QVL_OK;
    return qvl_fail(r->err, QVL_E_CONFIG,
                    "%s/" QVL_CKPT_OPTIMIZER ": found %zu tensors, expected "
                    "%zu, as this run trains fewer parameters",
                    r->folder, qvl_st_count(r->moments), n);
}

static int load_part(resuming *r, int i, qvl_optim_part part,
                     const qvl_st_tensor *t, float *piece)
{
    const unsigned char *data = t->data;
    for (size_t at = 0; at < t->n_elems; at += PIECE_ELEMS) {
        size_t n = t->n_elems - at < PIECE_ELEMS ? t->n_elems - at
                                                 : PIECE_ELEMS;
        memcpy(piece, data + 4 * at, 4 * n);
        QVL_TRY(qvl_optim_write_state(r->t.optim, i, part, at, n, piece,
                                      r->err));
    }
    return QVL_OK;
}

static int load_tensors(resuming *r)
{
    float *piece = qvl_arena_array(r->arena, float, PIECE_ELEMS);
    QVL_TRY(qvl_checkpoint_load(r->weights, r->m->store, r->err));
    QVL_TRY(qvl_optim_reset(r->t.optim, r->err));
    for (int i = 0; i < r->m->params->n; i++) {
        if (!r->t.groups->trained[i]
            || r->m->params->item[i].same_as != -1)
            continue;
        QVL_TRY(load_part(r, i, QVL_OPTIM_M, find_part(r, i, "exp_avg"),
                          piece));
        QVL_TRY(load_part(r, i, QVL_OPTIM_V, find_part(r, i, "exp_avg_sq"),
                          piece));
        const qvl_st_tensor *master = find_part(r, i, "master");
        if (master != NULL)
            QVL_TRY(load_part(r, i, QVL_OPTIM_MASTER, master, piece));
    }
    return QVL_OK;
}

/* ---- the folder --------------------------------------------------------- */

/* The folder itself, or the newest checkpoint in it, whose files were read
 * through to find it. */
static int find_folder(resuming *r, const char *folder, bool *is_checked)
{
    const char *marker = qvl_arena_printf(r->arena, "%s/" QVL_CKPT_MARKER,
                                          folder);
    r->folder = folder;
    *is_checked = !qvl_file_exists(marker);
    if (!*is_checked)
        return QVL_OK;
    QVL_TRY(qvl_ckpt_clean(folder, r->arena, r->err));
    QVL_TRY(qvl_ckpt_newest(folder, &r->folder, r->arena, r->err));
    if (r->folder != NULL)
        return QVL_OK;
    return qvl_fail(r->err, QVL_E_IO,
                    "%s: found no complete checkpoint, expected one, or a run "
                    "folder with one", folder);
}

typedef struct {
    resuming *r;
    const char *folder;
} resume_job;

static int resume_all(void *arg)
{
    const resume_job *job = arg;
    resuming *r = job->r;
    bool is_checked;
    QVL_TRY(find_folder(r, job->folder, &is_checked));
    QVL_TRY(qvl_ckpt_read_marker(&r->marker, r->folder, r->arena, r->err));
    if (!r->marker.can_resume)
        return qvl_fail(r->err, QVL_E_CONFIG,
                        "%s: found weights alone, expected moments beside "
                        "them: it was saved with save_only_model",
                        r->folder);
    if (!is_checked)
        QVL_TRY(qvl_ckpt_check_files(&r->marker, r->folder, r->arena,
                                     r->err));
    QVL_TRY(read_texts(r));
    QVL_TRY(qvl_checkpoint_open(&r->weights, r->folder, r->m->params,
                                r->err));
    QVL_TRY(qvl_st_open(&r->moments,
                        qvl_arena_printf(r->arena, "%s/" QVL_CKPT_OPTIMIZER,
                                         r->folder), r->err));
    QVL_TRY(check_moments(r));
    QVL_TRY(load_tensors(r));
    qvl_optim_set_updates(r->t.optim, r->n_updates);
    r->t.sched->memory = r->memory;
    *r->t.counts = r->counts;
    return QVL_OK;
}

int qvl_ckpt_resume(qvl_trainer *trainer, const char *folder,
                    qvl_train_state *state, qvl_arena *arena, qvl_err *err)
{
    resuming r = { .t = *qvl_trainer_about(trainer), .arena = arena,
                   .err = err };
    r.m = qvl_model_about(r.t.model);
    resume_job job = { &r, folder };
    int rc = qvl_guard(resume_all, &job, err);
    qvl_str_release(&r.text);
    qvl_st_close(r.moments);
    qvl_checkpoint_close(r.weights);
    if (rc == QVL_OK)
        *state = r.state;
    return rc;
}
