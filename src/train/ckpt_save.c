/* ckpt_save.c - a checkpoint written beside its place, then renamed
 *
 * In this order: the model folder, whole (model/checkpoint_save.c), without what it
 * copied of the run it came from; what continues the run; the marker that makes it
 * count; the name. A failure before the name takes the folder away. Older checkpoints
 * are rotated out after it, and that they stay is a warning: the new one is saved.
 */
#include "train/ckpt.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/log.h"
#include "train/ckpt_folder.h"

#define PIECE_ELEMS ((size_t)1 << 18)  // that pass the host at a time

/* One save. */
typedef struct {
    const qvl_trainer_parts *t;
    const qvl_model_parts *m;
    const qvl_train_save_options *o;
    const qvl_train_state *state;
    const char *run, *temp, *path;
    qvl_arena *arena;
    qvl_err *err;
    // owned
    qvl_st_writer *writer;
    qvl_str text;
    bool has_temp;
} saving;

static const char *in_temp(saving *s, const char *name)
{
    return qvl_arena_printf(s->arena, "%s/%s", s->temp, name);
}

/* ---- moments ------------------------------------------------------------ */

static const char *const part_name[] = {
    [QVL_OPTIM_M] = "exp_avg",
    [QVL_OPTIM_V] = "exp_avg_sq",
    [QVL_OPTIM_MASTER] = "master",
};

/* Weights whose file, or storage, has fewer bits than they are trained in. */
static bool *find_masters(saving *s)
{
    const qvl_checkpoint *ck = s->m->checkpoint;
    bool *needs = qvl_arena_array(s->arena, bool, s->m->params->n);
    for (size_t k = 0; k < qvl_checkpoint_report(ck)->n_entries; k++) {
        const qvl_checkpoint_entry *e = qvl_checkpoint_at(ck, k);
        if (e->tensor->dtype != QVL_F32)
            needs[e->param] = true;
    }
    for (int i = 0; i < s->m->params->n; i++)
        if (s->t->groups->trained[i] && qvl_optim_has_master(s->t->optim, i))
            needs[i] = true;
    return needs;
}

/* Is this a tensor of optimizer.safetensors? */
static bool is_saved(const saving *s, const bool *masters, int i, int part)
{
    return s->t->groups->trained[i] && s->m->params->item[i].same_as == -1
           && (part != QVL_OPTIM_MASTER || masters[i]);
}

static int declare_moments(saving *s, const bool *masters)
{
    for (int i = 0; i < s->m->params->n; i++)
        for (int part = 0; part <= QVL_OPTIM_MASTER; part++) {
            const qvl_arch_param *p = &s->m->params->item[i];
            if (!is_saved(s, masters, i, part))
                continue;
            const char *name = qvl_arena_printf(s->arena, "%s.%s", p->name,
                                                part_name[part]);
            QVL_TRY(qvl_st_writer_declare(s->writer, name, QVL_F32, p->shape,
                                          p->rank, s->err));
        }
    return QVL_OK;
}

static int write_part(saving *s, int i, int part, float *piece)
{
    size_t n = qvl_arch_param_elems(&s->m->params->item[i]);
    for (size_t at = 0; at < n; at += PIECE_ELEMS) {
        size_t m = n - at < PIECE_ELEMS ? n - at : PIECE_ELEMS;
        QVL_TRY(qvl_optim_read_state(s->t->optim, i, (qvl_optim_part)part, at,
                                     m, piece, s->err));
        QVL_TRY(qvl_st_writer_write(s->writer, piece, m * sizeof *piece,
                                    s->err));
    }
    return QVL_OK;
}

static int write_moments(saving *s)
{
    const bool *masters = find_masters(s);
    float *piece = qvl_arena_array(s->arena, float, PIECE_ELEMS);
    QVL_TRY(qvl_st_writer_open(&s->writer, in_temp(s, QVL_CKPT_OPTIMIZER),
                               s->err));
    QVL_TRY(qvl_st_writer_meta(
        s->writer, "n_updates",
        qvl_arena_printf(s->arena, "%" PRId64,
                         qvl_optim_n_updates(s->t->optim)),
        s->err));
    QVL_TRY(declare_moments(s, masters));
    for (int i = 0; i < s->m->params->n; i++)
        for (int part = 0; part <= QVL_OPTIM_MASTER; part++)
            if (is_saved(s, masters, i, part))
                QVL_TRY(write_part(s, i, part, piece));
    qvl_st_writer *w = s->writer;
    s->writer = NULL;
    return qvl_st_writer_commit(w, s->err);
}

/* ---- texts -------------------------------------------------------------- */

static void put_key(saving *s, const char *key)
{
    qvl_str_puts(&s->text, s->text.len > 0 ? ",\n  " : "{\n  ");
    qvl_json_quote(&s->text, key, strlen(key));
    qvl_str_puts(&s->text, ": ");
}

static void put_int(saving *s, const char *key, int64_t v)
{
    put_key(s, key);
    qvl_str_printf(&s->text, "%" PRId64, v);
}

static int put_number(saving *s, const char *key, double v)
{
    if (!isfinite(v))
        return qvl_fail(s->err, QVL_E_USAGE,
                        "%s: found %g, expected a finite number", key, v);
    put_key(s, key);
    qvl_json_number(&s->text, v);
    return QVL_OK;
}

static void put_word(saving *s, const char *key, const char *word)
{
    put_key(s, key);
    qvl_str_puts(&s->text, word);
}

static void put_text(saving *s, const char *key, const char *text)
{
    put_key(s, key);
    qvl_json_quote(&s->text, text, strlen(text));
}

/* A text of the caller as a tree. */
static int parse_text(saving *s, qvl_node **root, const char *what,
                      const char *json)
{
    int rc = qvl_json_parse(root, json, strlen(json), what, s->arena, s->err);
    if (rc == QVL_E_FORMAT)
        return qvl_fail(s->err, QVL_E_USAGE, "%s, expected JSON",
                        s->err != NULL ? s->err->msg : what);
    return rc;
}

/* A text of the caller, set anew. */
static int put_json(saving *s, const char *key, const char *json,
                    const char *otherwise)
{
    qvl_node *root;
    QVL_TRY(parse_text(s, &root, key, json != NULL ? json : otherwise));
    put_key(s, key);
    qvl_ckpt_print_json(&s->text, root, 1);
    return QVL_OK;
}

static int end_text(saving *s, const char *name)
{
    qvl_str_puts(&s->text, "\n}\n");
    int rc = qvl_file_write_all(in_temp(s, name), s->text.p, s->text.len,
                                s->err);
    qvl_str_reset(&s->text);
    return rc;
}

static int write_scheduler(saving *s)
{
    const qvl_trainer_counts *c = s->t->counts;
    const qvl_sched *sched = s->t->sched;
    put_text(s, "dtype", qvl_dtype_name(s->t->dtype));
    put_int(s, "global_step", c->n_steps);
    QVL_TRY(put_number(s, "learning_rate", sched->o->learning_rate));
    put_text(s, "lr_scheduler_type", qvl_sched_name(sched));
    put_int(s, "max_steps", sched->o->max_steps);
    put_int(s, "n_bad", sched->memory.n_bad);
    put_int(s, "n_skipped", c->n_skipped);
    put_int(s, "n_skipped_in_row", c->n_skipped_in_row);
    put_int(s, "n_updates", qvl_optim_n_updates(s->t->optim));
    if (isfinite(sched->memory.best))
        QVL_TRY(put_number(s, "plateau_best", sched->memory.best));
    QVL_TRY(put_number(s, "scale", sched->memory.scale));
    return end_text(s, QVL_CKPT_SCHEDULER);
}

static int write_scaler(saving *s)
{
    QVL_TRY(put_number(s, "loss_scale", s->t->counts->loss_scale));
    put_int(s, "n_clean", s->t->counts->n_clean);
    return end_text(s, QVL_CKPT_SCALER);
}

/* Keys in the order of their letters. */
static int write_state(saving *s)
{
    const qvl_train_state *st = s->state;
    bool has_best = st->best_global_step > 0;
    put_int(s, "best_global_step", has_best ? st->best_global_step : 0);
    if (has_best)
        QVL_TRY(put_number(s, "best_metric", st->best_metric));
    else
        put_word(s, "best_metric", "null");
    if (st->best_model_checkpoint != NULL)
        put_text(s, "best_model_checkpoint", st->best_model_checkpoint);
    else
        put_word(s, "best_model_checkpoint", "null");
    QVL_TRY(put_number(s, "epoch", st->epoch));
    put_int(s, "eval_steps", st->eval_steps);
    put_int(s, "global_step", s->t->counts->n_steps);
    put_word(s, "is_hyper_param_search", "false");
    put_word(s, "is_local_process_zero", "true");
    put_word(s, "is_world_process_zero", "true");
    QVL_TRY(put_json(s, "log_history", st->log_history, "[]"));
    put_int(s, "logging_steps", st->logging_steps);
    put_int(s, "max_steps", s->t->sched->o->max_steps);
    put_int(s, "num_input_tokens_seen", st->num_input_tokens_seen);
    QVL_TRY(put_number(s, "num_train_epochs", st->num_train_epochs));
    put_int(s, "save_steps", st->save_steps);
    QVL_TRY(put_json(s, "stateful_callbacks", st->stateful_callbacks, "{}"));
    QVL_TRY(put_number(s, "total_flos", st->total_flos));
    put_int(s, "train_batch_size", st->train_batch_size);
    put_word(s, "trial_name", "null");
    put_word(s, "trial_params", "null");
    return end_text(s, QVL_CKPT_STATE);
}

/* A file that is one text of the caller. */
static int write_text(saving *s, const char *name, const char *json)
{
    qvl_node *root;
    QVL_TRY(parse_text(s, &root, name, json));
    qvl_ckpt_print_json(&s->text, root, 0);
    qvl_str_putc(&s->text, '\n');
    int rc = qvl_file_write_all(in_temp(s, name), s->text.p, s->text.len,
                                s->err);
    qvl_str_reset(&s->text);
    return rc;
}

/* The model may itself have come from a checkpoint, whose texts went along. */
static int remove_copies(saving *s)
{
    static const char *const name[] = {
        QVL_CKPT_SCHEDULER, QVL_CKPT_SCALER, QVL_CKPT_STATE,
        QVL_CKPT_LOADER,    QVL_CKPT_ARGS,   QVL_CKPT_MARKER,
    };
    for (size_t k = 0; k < QVL_COUNT(name); k++)
        if (unlink(in_temp(s, name[k])) != 0 && errno != ENOENT)
            return qvl_file_fail("cannot remove file", in_temp(s, name[k]),
                                 errno, "to be allowed to", s->err);
    return QVL_OK;
}

static int write_texts(saving *s)
{
    const qvl_train_state *st = s->state;
    if (!s->o->save_only_model) {
        QVL_TRY(write_moments(s));
        QVL_TRY(write_scheduler(s));
        if (s->t->dtype == QVL_F16)
            QVL_TRY(write_scaler(s));
        QVL_TRY(write_text(s, QVL_CKPT_LOADER,
                           st->dataloader != NULL ? st->dataloader : "{}"));
    }
    if (st->args != NULL)
        QVL_TRY(write_text(s, QVL_CKPT_ARGS, st->args));
    return write_state(s);
}

/* ---- the folder --------------------------------------------------------- */

static int save_all(void *arg)
{
    saving *s = arg;
    int64_t step = s->t->counts->n_steps;
    QVL_TRY(qvl_file_make_dirs(s->run, s->err));
    QVL_TRY(qvl_ckpt_clean(s->run, s->arena, s->err));
    s->path = qvl_arena_printf(s->arena, "%s/checkpoint-%" PRId64, s->run,
                               step);
    s->temp = qvl_arena_printf(s->arena, "%s.tmp", s->path);
    QVL_TRY(qvl_checkpoint_save(s->m->checkpoint, s->m->store, s->temp,
                                s->o->max_shard_bytes, s->err));
    s->has_temp = true;
    QVL_TRY(remove_copies(s));
    QVL_TRY(write_texts(s));
    QVL_TRY(qvl_ckpt_seal(s->temp, step, s->o->is_final, !s->o->save_only_model,
                          s->arena, s->err));
    return qvl_ckpt_put(s->temp, s->path, s->arena, s->err);
}

int qvl_ckpt_save(qvl_trainer *trainer, const char *run,
                  const qvl_train_save_options *options,
                  const qvl_train_state *state, const char **path,
                  qvl_arena *arena, qvl_err *err)
{
    saving s = { .t = qvl_trainer_about(trainer), .o = options,
                 .state = state, .run = run, .arena = arena, .err = err };
    s.m = qvl_model_about(s.t->model);
    int rc = qvl_guard(save_all, &s, err);
    qvl_st_writer_abort(s.writer);
    qvl_str_release(&s.text);
    if (rc != QVL_OK && s.has_temp)
        qvl_folder_remove(s.temp, NULL);
    QVL_TRY(rc);
    *path = s.path;
    qvl_err why = { 0 };
    if (qvl_ckpt_rotate(run, options->save_total_limit, s.t->counts->n_steps,
                        options->best, s.t->folder, arena, &why) != QVL_OK)
        qvl_log(QVL_LOG_WARN, "%s: old checkpoints stay: %s", run, why.msg);
    return QVL_OK;
}
