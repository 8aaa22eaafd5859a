/* loop_end.c - after the last step: the last line of the log, and a word to people
 *
 * Numbers of the whole run: its mean loss, its time, the best checkpoint. The
 * curve is drawn last; a run that is interrupted has neither.
 */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "train/curve.h"
#include "train/loop_state.h"

static void put_path(qvl_str *out, const char *key, const char *path)
{
    qvl_str_printf(out, "\"%s\": ", key);
    if (path != NULL)
        qvl_json_quote(out, path, strlen(path));
    else
        qvl_str_puts(out, "null");
    qvl_str_puts(out, ", ");
}

static void put_number(qvl_str *out, const char *key, double v)
{
    qvl_str_printf(out, "\"%s\": ", key);
    qvl_metrics_number(out, v);
    qvl_str_puts(out, ", ");
}

static void put_set(qvl_str *out, const char *key, const qvl_sample_set *set)
{
    qvl_str_printf(out, "\"%s\": {\"records\": %zu, \"tokens\": %lld, "
                   "\"supervised\": %lld, \"longest\": %d}, ", key, set->n,
                   (long long)set->n_tokens, (long long)set->n_supervised,
                   set->longest_tok);
}

static void put_parameters(qvl_str *out, const qvl_loop *r)
{
    size_t n_all = 0, n_trained = 0;
    for (int k = 0; k < qvl_train_n_parts(r->trainer); k++) {
        qvl_train_part part;
        qvl_train_part_at(r->trainer, k, &part);
        n_all += part.n_elems;
        n_trained += part.n_trained;
    }
    qvl_str_printf(out, "\"model_parameter_info\": \"%zu of %zu parameters "
                   "were trained\", ", n_trained, n_all);
}

static double mean_loss(const qvl_loop *r)
{
    return r->n_losses > 0 ? r->loss_sum / (double)r->n_losses : NAN;
}

static int write_last_line(qvl_loop *r, double seconds)
{
    qvl_str *out = &r->text;
    double steps = (double)(r->step - r->first_step);
    double samples =
        steps * (double)r->plan.batch * (double)r->plan.accumulate;
    qvl_metric_place place = qvl_loop_place(r);
    qvl_str_reset(out);
    qvl_str_putc(out, '{');
    put_path(out, "last_model_checkpoint", r->last_path);
    put_path(out, "best_model_checkpoint", r->best_path);
    put_number(out, "best_metric",
               r->state.has_best ? r->state.best_metric : NAN);
    qvl_str_printf(out, "\"global_step\": %lld, ", (long long)r->step);
    put_set(out, "train_dataset", &r->samples.train);
    put_set(out, "val_dataset", &r->samples.val);
    put_parameters(out, r);
    put_number(out, "memory", place.memory_gib);
    put_number(out, "train_runtime", seconds);
    put_number(out, "train_samples_per_second", samples / seconds);
    put_number(out, "train_steps_per_second", steps / seconds);
    put_number(out, "train_loss", mean_loss(r));
    qvl_str_printf(out, "\"log_history\": %s}", qvl_run_log_history(r->log));
    return qvl_run_log_put_line(r->log, out->p, r->err);
}

static int draw_curve(qvl_loop *r)
{
    const char *folder =
        qvl_arena_printf(&r->arena, "%s/images", r->folder.path);
    QVL_TRY(qvl_file_make_dirs(folder, r->err));
    return qvl_curve_save(qvl_arena_printf(&r->arena, "%s/loss.png", folder),
                          qvl_run_log_history(r->log), r->err);
}

int qvl_loop_end(qvl_loop *r)
{
    double seconds = qvl_clock_s() - r->began_s;
    QVL_TRY(write_last_line(r, seconds));
    QVL_TRY(draw_curve(r));
    qvl_str_reset(&r->text);
    qvl_metrics_duration(&r->text, seconds);
    qvl_log(QVL_LOG_INFO, "%lld steps in %s, mean loss %.4f",
            (long long)(r->step - r->first_step), r->text.p, mean_loss(r));
    if (r->best_path != NULL)
        qvl_log(QVL_LOG_INFO, "best: %s, %s %g", r->best_path,
                r->c->training.metric_for_best_model, r->state.best_metric);
    if (r->last_path != NULL)
        qvl_log(QVL_LOG_INFO, "last: %s", r->last_path);
    return QVL_OK;
}
