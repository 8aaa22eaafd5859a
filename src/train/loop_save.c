/* loop_save.c - what a checkpoint says of a run beside weights and moments
 *
 * The window of numbers and the sums of the run travel with it, so a run that is
 * taken up logs the lines it would have logged. The checkpoint says how records
 * were ordered; a run that orders them otherwise is refused.
 *
 * A run may go on from a checkpoint of another output_dir. The last and the best
 * checkpoint are then told by paths outside of this run; only what lies in it is
 * linked to or kept from rotation.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "train/loop_state.h"

/* ---- texts of a checkpoint ----------------------------------------------- */

static const char *bool_text(bool b)
{
    return b ? "true" : "false";
}

static const char *callbacks(qvl_loop *r, qvl_save_why why)
{
    qvl_str_reset(&r->text);
    qvl_str_puts(&r->text, "{\"cadence\": ");
    qvl_cadence_put(&r->text, &r->state);
    qvl_str_puts(&r->text, ", \"window\": ");
    qvl_metrics_put(&r->text, &r->window);
    qvl_str_puts(&r->text, ", \"loss_sum\": ");
    qvl_json_number(&r->text, r->loss_sum);
    qvl_str_printf(&r->text, ", \"n_losses\": %lld, \"interrupted\": %s, "
                   "\"owes_evaluation\": %s}", (long long)r->n_losses,
                   bool_text(why == QVL_SAVE_INTERRUPTED),
                   bool_text(r->owes_evaluation));
    return qvl_arena_strdup(&r->arena, r->text.p);
}

static const char *strategy_word(qvl_loop *r)
{
    return qvl_run_config_word(r->c, "training.packing_strategy", &r->arena);
}

static void put_words(qvl_loop *r)
{
    qvl_str *s = &r->text;
    for (int i = 0; i < r->words.n; i++) {
        const qvl_loop_word *w = &r->words.v[i];
        qvl_str_puts(s, i == 0 ? ", \"words\": {" : ", ");
        qvl_json_quote(s, w->key, strlen(w->key));
        qvl_str_puts(s, ": ");
        qvl_json_quote(s, w->text, strlen(w->text));
    }
    qvl_str_puts(s, r->words.n > 0 ? "}" : "");
}

/* What the order of the data depends on, and where it stands. Rules of packed rows
 * are left out where there are none. */
static const char *dataloader(qvl_loop *r)
{
    const qvl_epoch_plan *p = &r->plan;
    qvl_str *s = &r->text;
    qvl_str_reset(s);
    qvl_str_printf(s, "{\"n_records\": %zu, \"batch\": %zu, \"accumulate\": %zu, "
                   "\"seed\": %llu, \"shuffle\": %s, \"drop_last\": %s, "
                   "\"step\": %lld", p->n_records, p->batch, p->accumulate,
                   (unsigned long long)p->seed, bool_text(p->is_shuffled),
                   bool_text(p->drops_last), (long long)r->step);
    if (r->c->training.packing) {
        qvl_pack_rules rules = qvl_samples_pack(&r->samples, r->c).rules;
        qvl_str_printf(s, ", \"packing_length\": %d, \"packing_window\": %d, "
                       "\"packing_strategy\": \"%s\", \"epoch\": %llu, "
                       "\"n_given\": %zu, \"ends_epoch\": %s", rules.capacity,
                       rules.window, strategy_word(r),
                       (unsigned long long)r->at.epoch, r->at.n_given,
                       bool_text(r->at.ends_epoch));
    }
    put_words(r);
    qvl_str_putc(s, '}');
    return qvl_arena_strdup(&r->arena, s->p);
}

/* ---- the best ------------------------------------------------------------ */

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* The best checkpoint where it lies in this run; NULL: in that which this one
 * goes on from, or there is none. */
static const char *own_best(qvl_loop *r)
{
    bool is_own = r->best_path != NULL
                  && qvl_run_folder_has(&r->folder, r->best_path, &r->arena);
    return is_own ? r->best_path : NULL;
}

/* ---- links --------------------------------------------------------------- */

/* Make or replace the link `name` in the folder of the run. */
static int put_link(const qvl_loop *r, const char *name,
                    const char *checkpoint)
{
    char link[4096], tmp[4096];
    const char *target = name_of(checkpoint);
    snprintf(link, sizeof link, "%s/%s", r->folder.path, name);
    snprintf(tmp, sizeof tmp, "%s/%s.tmp", r->folder.path, name);
    unlink(tmp);
    if (symlink(target, tmp) != 0 || rename(tmp, link) != 0)
        return qvl_file_fail("cannot make link", link, errno,
                             "a place to write in", r->err);
    return QVL_OK;
}

static int put_links(qvl_loop *r)
{
    const char *best = own_best(r);
    if (!r->c->training.create_checkpoint_symlink)
        return QVL_OK;
    if (best != NULL && qvl_file_is_dir(best))
        QVL_TRY(put_link(r, "best", best));
    return put_link(r, "last", r->last_path);
}

/* ---- saving -------------------------------------------------------------- */

static qvl_train_state state_of(qvl_loop *r, qvl_save_why why)
{
    const qvl_run_config *c = r->c;
    return (qvl_train_state){
        .epoch = qvl_loop_at(r).epoch,
        .num_train_epochs = c->training.num_train_epochs,
        .best_global_step = r->state.has_best ? r->state.best_step : -1,
        .best_metric = r->state.best_metric,
        .best_model_checkpoint = r->best_path,
        .eval_steps = r->cadence.eval_steps,
        .logging_steps = r->cadence.logging_steps,
        .save_steps = r->cadence.save_steps,
        .train_batch_size = c->training.per_device_train_batch_size,
        .num_input_tokens_seen = r->n_seen_tok,
        .log_history = qvl_run_log_history(r->log),
        .stateful_callbacks = callbacks(r, why),
        .dataloader = dataloader(r),
        .args = r->args,
    };
}

int qvl_loop_save(qvl_loop *r, qvl_save_why why)
{
    const qvl_run_config *c = r->c;
    char path[4096];
    qvl_error error;
    const char *planned =
        qvl_arena_printf(&r->arena, "%s/checkpoint-%lld", r->folder.path,
                         (long long)r->step);
    if (r->state.has_best && r->state.best_step == r->step)
        r->best_path = planned;
    const char *best = own_best(r);
    qvl_train_state state = state_of(r, why);
    qvl_train_save_options options = {
        .save_only_model =
            c->training.save_only_model && why != QVL_SAVE_INTERRUPTED,
        .is_final = why == QVL_SAVE_FINAL,
        .save_total_limit = c->training.save_total_limit,
        .max_shard_bytes = (uint64_t)c->training.max_shard_size,
        .best = best != NULL ? name_of(best) : NULL,
    };
    if (qvl_train_save(r->trainer, r->folder.path, &options, &state, path,
                       sizeof path, &error) != 0)
        return qvl_loop_fail(&error, r->err);
    r->last_path = planned;
    r->saved_step = r->step;
    qvl_log(QVL_LOG_DEBUG, "step %lld: saved %s", (long long)r->step, path);
    return put_links(r);
}

/* ---- resuming ------------------------------------------------------------ */

static int fail_order(const qvl_loop *r, const char *key, const char *found,
                      const char *wanted)
{
    qvl_fail(r->err, QVL_E_CONFIG, "training.resume_from_checkpoint (%s): "
             "found %s %s in the checkpoint, expected %s as now",
             r->folder.resume, key, found, wanted);
    qvl_err_hint(r->err, "the order of the data would differ; keep records, "
                 "batch size, accumulation, seed, packing, fusion and augmentation");
    return QVL_E_CONFIG;
}

static int check_number(const qvl_loop *r, const qvl_node *map,
                        const char *key, double now)
{
    char found[32] = "nothing", wanted[32];
    double v;
    bool has = qvl_node_as_float(qvl_node_find(map, key), &v);
    if (has && v == now)
        return QVL_OK;
    if (has)
        snprintf(found, sizeof found, "%.17g", v);
    snprintf(wanted, sizeof wanted, "%.17g", now);
    return fail_order(r, key, found, wanted);
}

static int check_switch(const qvl_loop *r, const qvl_node *map,
                        const char *key, bool now)
{
    bool b;
    if (!qvl_node_as_bool(qvl_node_find(map, key), &b))
        return fail_order(r, key, "nothing", bool_text(now));
    return b == now ? QVL_OK : fail_order(r, key, bool_text(b), bool_text(now));
}

static int check_word(const qvl_loop *r, const qvl_node *map, const char *key,
                      const char *now)
{
    const char *word = "nothing";
    bool has = qvl_node_as_string(qvl_node_find(map, key), &word);
    return has && strcmp(word, now) == 0 ? QVL_OK
                                         : fail_order(r, key, word, now);
}

static bool has_word(const qvl_loop *r, const char *key)
{
    for (int i = 0; i < r->words.n; i++)
        if (strcmp(r->words.v[i].key, key) == 0)
            return true;
    return false;
}

/* The same words as now, none missing, none more. */
static int check_words(const qvl_loop *r, const qvl_node *words)
{
    for (int i = 0; i < r->words.n; i++)
        QVL_TRY(check_word(r, words, r->words.v[i].key, r->words.v[i].text));
    bool is_map = words != NULL && words->kind == QVL_NODE_MAP;
    for (size_t i = 0; is_map && i < words->n; i++) {
        const char *text = "something";
        qvl_node_as_string(&words->items[i], &text);
        if (!has_word(r, words->keys[i].s))
            return fail_order(r, words->keys[i].s, text, "nothing");
    }
    return QVL_OK;
}

/* Packed as now, or not packed as now. */
static int check_packing(qvl_loop *r, const qvl_node *map)
{
    qvl_pack_rules rules = qvl_samples_pack(&r->samples, r->c).rules;
    double length = 0;
    qvl_node_as_float(qvl_node_find(map, "packing_length"), &length);
    if (!r->c->training.packing)
        return length == 0 ? QVL_OK
                           : check_number(r, map, "packing_length", 0);
    QVL_TRY(check_number(r, map, "packing_length", rules.capacity));
    QVL_TRY(check_number(r, map, "packing_window", rules.window));
    return check_word(r, map, "packing_strategy", strategy_word(r));
}

/* The order of the data must be that of the run that is taken up. */
static int check_order(qvl_loop *r, const qvl_node *map)
{
    const qvl_epoch_plan *p = &r->plan;
    QVL_TRY(check_words(r, qvl_node_find(map, "words")));
    QVL_TRY(check_number(r, map, "n_records", (double)p->n_records));
    QVL_TRY(check_number(r, map, "batch", (double)p->batch));
    QVL_TRY(check_number(r, map, "accumulate", (double)p->accumulate));
    QVL_TRY(check_number(r, map, "seed", (double)p->seed));
    QVL_TRY(check_packing(r, map));
    QVL_TRY(check_switch(r, map, "shuffle", p->is_shuffled));
    return check_switch(r, map, "drop_last", p->drops_last);
}

static int parse(qvl_loop *r, qvl_node **root, const char *json,
                 const char *name)
{
    if (json == NULL)
        return qvl_fail(r->err, QVL_E_FORMAT, "%s: found no %s, expected one",
                        r->folder.resume, name);
    return qvl_json_parse(root, json, strlen(json), name, &r->arena, r->err);
}

/* The path of the checkpoint that was taken up: in the words of this run where
 * it is one of its own. */
static const char *resumed_path(qvl_loop *r)
{
    char name[32];
    snprintf(name, sizeof name, "checkpoint-%lld", (long long)r->step);
    const char *path =
        qvl_arena_printf(&r->arena, "%s/%s", r->folder.resume, name);
    if (!qvl_file_is_dir(path))  // no folder of a run, the checkpoint itself
        path = r->folder.resume;
    if (r->folder.path == NULL)  // a folder that is not made yet
        return path;
    const char *own =
        qvl_arena_printf(&r->arena, "%s/%s", r->folder.path, name);
    return qvl_file_is_same(own, path) ? own : path;
}

/* The path of the best checkpoint, as it was noted. A run whose folder has moved
 * since finds its own where it is now. */
static const char *resumed_best(qvl_loop *r, const char *noted)
{
    if (!qvl_file_is_dir(noted)
        && qvl_run_folder_has(&r->folder, r->last_path, &r->arena)) {
        const char *moved = qvl_arena_printf(&r->arena, "%s/%s", r->folder.path,
                                             name_of(noted));
        if (qvl_file_is_dir(moved))
            return moved;
    }
    return qvl_arena_strdup(&r->arena, noted);
}

/* Packed anew, the rows that were trained on must end where they ended: lengths
 * follow from much that is not in the checkpoint, and other ones make other rows. */
static int check_rows(const qvl_loop *r)
{
    qvl_pack_source pack = qvl_samples_pack(&r->samples, r->c);
    qvl_pack_progress now;
    uint64_t n_rows = (uint64_t)r->step * r->plan.accumulate * r->plan.batch;
    if (n_rows == 0)
        return QVL_OK;
    QVL_TRY(qvl_pack_stream_at(&pack, n_rows, &now, r->err));
    if (now.epoch == r->at.epoch && now.n_given == r->at.n_given)
        return QVL_OK;
    qvl_fail(r->err, QVL_E_CONFIG, "training.resume_from_checkpoint (%s): "
             "found %zu samples of epoch %llu in the checkpoint, expected %zu of "
             "epoch %llu as rows are packed now", r->folder.resume, r->at.n_given,
             (unsigned long long)r->at.epoch, now.n_given,
             (unsigned long long)now.epoch);
    qvl_err_hint(r->err, "rows follow from the lengths of samples; keep records, "
                 "prompts, pixels of pictures and how answers are written");
    return QVL_E_CONFIG;
}

/* Where packed rows stood. */
static int resume_rows(qvl_loop *r, const qvl_node *order)
{
    int64_t epoch, n_given;
    if (!r->c->training.packing)
        return QVL_OK;
    if (!qvl_node_as_int(qvl_node_find(order, "epoch"), &epoch) || epoch < 0
        || !qvl_node_as_int(qvl_node_find(order, "n_given"), &n_given)
        || n_given < 0
        || !qvl_node_as_bool(qvl_node_find(order, "ends_epoch"),
                             &r->at.ends_epoch))
        return qvl_fail(r->err, QVL_E_FORMAT, "%s: found no place in the order of "
                        "the rows, expected one", r->folder.resume);
    r->at.epoch = (uint64_t)epoch;
    r->at.n_given = (size_t)n_given;
    return check_rows(r);
}

int qvl_loop_resume(qvl_loop *r, const qvl_train_state *state)
{
    qvl_node *order, *kept;
    QVL_TRY(parse(r, &order, state->dataloader, "dataloader_state"));
    QVL_TRY(parse(r, &kept, state->stateful_callbacks, "stateful_callbacks"));
    QVL_TRY(check_order(r, order));
    QVL_TRY(resume_rows(r, order));
    QVL_TRY(qvl_cadence_read(&r->state, qvl_node_find(kept, "cadence"),
                             r->err));
    QVL_TRY(qvl_metrics_read(&r->window, qvl_node_find(kept, "window"),
                             &r->arena, r->err));
    if (!qvl_node_as_float(qvl_node_find(kept, "loss_sum"), &r->loss_sum)
        || !qvl_node_as_int(qvl_node_find(kept, "n_losses"), &r->n_losses)
        || !qvl_node_as_bool(qvl_node_find(kept, "owes_evaluation"),
                             &r->owes_evaluation))
        return qvl_fail(r->err, QVL_E_FORMAT, "%s: found no sum of losses, "
                        "expected one", r->folder.resume);
    r->n_seen_tok = state->num_input_tokens_seen;
    r->saved_step = r->step;
    r->last_path = resumed_path(r);
    if (state->best_model_checkpoint != NULL)
        r->best_path = resumed_best(r, state->best_model_checkpoint);
    return QVL_OK;
}
