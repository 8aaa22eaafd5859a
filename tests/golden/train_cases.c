/* train_cases.c - runs through qvl_train.h against the losses, norms and weights of a
 * case
 */
#include "train_cases.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "batch_file.h"
#include "qvl_train.h"
#include "tensor/safetensors.h"

/* One case while it runs. */
#define ROUNDED_LOSS 0.02  // of a loss with 16-bit storage, relative

typedef struct {
    const char *folder;
    const qvl_node *json;
    golden_train *out;
    qvl_err *err;
    // owned
    qvl_arena arena;
    qvl_st *expected;
    qvl_trainer *trainer;
    // values
    qvl_batch_in *batch;  // [n_batches]
    int n_batches;
    int accumulate;
    int64_t n_steps;
} run;

/* ---- what the case says ------------------------------------------------- */

static const char *path_of(run *r, const char *name)
{
    return qvl_arena_printf(&r->arena, "%s/%s", r->folder, name);
}

static int number(run *r, const char *path, double *out)
{
    if (qvl_node_as_float(qvl_node_path(r->json, path), out))
        return QVL_OK;
    return qvl_fail(r->err, QVL_E_FORMAT,
                    "%s (%s/case.json): found nothing, expected a number",
                    path, r->folder);
}

static int text(run *r, const char *path, const char **out)
{
    if (qvl_node_as_string(qvl_node_path(r->json, path), out))
        return QVL_OK;
    return qvl_fail(r->err, QVL_E_FORMAT,
                    "%s (%s/case.json): found nothing, expected a text", path,
                    r->folder);
}

static bool is_trained_part(const run *r, const char *part)
{
    const qvl_node *list = qvl_node_find(r->json, "trainable_groups");
    if (list == NULL || list->kind != QVL_NODE_LIST)
        return true;
    for (size_t k = 0; k < list->n; k++)
        if (strcmp(list->items[k].s, part) == 0)
            return true;
    return false;
}

static int read_options(run *r, qvl_train_options *o)
{
    double warmup, steps;
    const qvl_node *betas = qvl_node_path(r->json, "train.betas");
    const qvl_node *many = qvl_node_path(r->json, "train.accumulate");
    qvl_train_defaults(o);
    o->device = r->out->device;
    o->dtype = r->out->dtype;
    QVL_TRY(number(r, "train.lr", &o->learning_rate));
    QVL_TRY(number(r, "train.eps", &o->epsilon));
    QVL_TRY(number(r, "train.wd", &o->weight_decay));
    QVL_TRY(number(r, "train.max_grad_norm", &o->max_grad_norm));
    QVL_TRY(number(r, "train.steps", &steps));
    QVL_TRY(number(r, "train.warmup", &warmup));
    QVL_TRY(text(r, "train.schedule", &o->schedule));
    if (strstr(o->schedule, "min_lr") != NULL)
        QVL_TRY(number(r, "train.min_lr", &o->min_lr));
    if (betas == NULL || betas->n != 2
        || !qvl_node_as_float(&betas->items[0], &o->beta1)
        || !qvl_node_as_float(&betas->items[1], &o->beta2))
        return qvl_fail(r->err, QVL_E_FORMAT,
                        "train.betas (%s/case.json): found no two numbers",
                        r->folder);
    o->max_steps = r->n_steps = (int64_t)steps;
    o->warmup_steps = (int64_t)warmup;
    r->accumulate = many != NULL ? (int)many->i : 1;
    o->freeze_vit = !is_trained_part(r, "vit");
    o->freeze_aligner = !is_trained_part(r, "aligner");
    o->freeze_llm = !is_trained_part(r, "llm");
    if (qvl_node_path(r->json, "train.group_lr") != NULL) {
        o->optimizer = "multimodal";
        QVL_TRY(number(r, "train.group_lr.aligner", &o->aligner_lr));
        QVL_TRY(number(r, "train.group_lr.llm", &o->learning_rate));
    }
    return QVL_OK;
}

static int read_batches(run *r)
{
    double n;
    const char *input;
    QVL_TRY(number(r, "batches", &n));
    QVL_TRY(text(r, "input", &input));
    r->n_batches = (int)n;
    r->batch = qvl_arena_array(&r->arena, qvl_batch_in, r->n_batches);
    for (int k = 0; k < r->n_batches; k++)
        QVL_TRY(batch_file_load_prefix(
            &r->batch[k], path_of(r, input),
            qvl_arena_printf(&r->arena, "batch.%d.", k), &r->arena, r->err));
    return QVL_OK;
}

/* ---- comparing ---------------------------------------------------------- */

static int take_error(run *r, const qvl_error *e)
{
    return qvl_fail(r->err, e->code, "%s", e->message);
}

static void compare(run *r, const char *what, double error, double tolerance)
{
    worst_add(&r->out->worst, what, error, tolerance);
    r->out->n_compared++;
}

static double difference(double a, double b)
{
    double d = a - b;
    return d < 0.0 ? -d : d;
}

/* Groups as the case lists them, in its order. */
static int compare_groups(run *r)
{
    const qvl_node *want = qvl_node_find(r->json, "param_groups");
    int n = qvl_train_n_groups(r->trainer);
    if (want == NULL || want->kind != QVL_NODE_LIST)
        return QVL_OK;
    compare(r, "number of groups", difference((double)n, (double)want->n),
            0.0);
    for (int g = 0; g < n && (size_t)g < want->n; g++) {
        qvl_train_group found;
        double lr = 0.0, decay = 0.0;
        const qvl_node *w = &want->items[g];
        const qvl_node *names = qvl_node_find(w, "params");
        qvl_node_as_float(qvl_node_find(w, "lr"), &lr);
        qvl_node_as_float(qvl_node_find(w, "weight_decay"), &decay);
        qvl_train_group_at(r->trainer, g, &found);
        compare(r, "rate of a group", found.learning_rate != lr, 0.0);
        compare(r, "decay of a group", found.weight_decay != decay, 0.0);
        size_t n_wrong = names->n;
        for (size_t k = 0; k < qvl_train_n_tensors(r->trainer); k++) {
            qvl_tensor t;
            qvl_train_tensor_at(r->trainer, k, &t);
            if (qvl_train_tensor_group(r->trainer, k) != g)
                continue;
            size_t i = 0;
            while (i < names->n && strcmp(names->items[i].s, t.name) != 0)
                i++;
            n_wrong += i < names->n ? (size_t)-1 : 1;
        }
        compare(r, "members of a group", (double)n_wrong, 0.0);
    }
    return QVL_OK;
}

static int expect(run *r, const char *name, size_t n, float **out)
{
    const qvl_st_tensor *e = qvl_st_find(r->expected, name);
    if (e == NULL || e->n_elems != n)
        return qvl_fail(r->err, QVL_E_FORMAT,
                        "%s (%s): found no %zu numbers", name, r->folder, n);
    *out = qvl_arena_array(&r->arena, float, n);
    return qvl_st_to_f32(e, *out, r->err);
}

/* Rates of the step: [groups] of the case. */
static void compare_rates(run *r, const qvl_train_report *step,
                          const float *want)
{
    for (int g = 0; g < qvl_train_n_groups(r->trainer); g++) {
        qvl_train_group group;
        qvl_train_group_at(r->trainer, g, &group);
        double found = strcmp(group.part, "vit") == 0       ? step->lr_vit
                       : strcmp(group.part, "aligner") == 0 ? step->lr_aligner
                                                            : step->lr;
        compare(r, "rate", difference(found, (double)want[g]),
                1e-6 * group.learning_rate);
    }
}

/* Are weights and activations stored in 16 bits? Then losses alone are
 * compared. */
static bool is_rounded(const run *r)
{
    return strcmp(r->out->dtype, "f32") != 0;
}

static int run_steps(run *r)
{
    float *loss, *norm, *lr;
    double loss_tol, norm_tol;
    int n_groups = qvl_train_n_groups(r->trainer);
    QVL_TRY(number(r, "tolerance.loss_abs", &loss_tol));
    QVL_TRY(number(r, "tolerance.grad_norm_rel", &norm_tol));
    QVL_TRY(expect(r, "loss", (size_t)r->n_steps, &loss));
    QVL_TRY(expect(r, "grad_norm", (size_t)r->n_steps, &norm));
    QVL_TRY(expect(r, "lr", (size_t)(r->n_steps * n_groups), &lr));
    qvl_batch_in *turn = qvl_arena_array(&r->arena, qvl_batch_in,
                                         r->accumulate);
    int next = 0;
    for (int64_t k = 0; k < r->n_steps; k++) {
        qvl_train_report step;
        qvl_error error;
        for (int i = 0; i < r->accumulate; i++)
            turn[i] = r->batch[next++ % r->n_batches];
        if (qvl_train_step(r->trainer, turn, r->accumulate, &step, &error)
            != 0)
            return take_error(r, &error);
        const char *at = qvl_arena_printf(&r->arena, "of step %lld",
                                          (long long)k);
        if (is_rounded(r)) {
            compare(r, qvl_arena_printf(&r->arena, "loss %s", at),
                    difference(step.loss, (double)loss[k])
                        / (double)loss[k],
                    ROUNDED_LOSS);
            continue;
        }
        compare(r, qvl_arena_printf(&r->arena, "loss %s", at),
                difference(step.loss, (double)loss[k]), loss_tol);
        compare(r, qvl_arena_printf(&r->arena, "norm %s", at),
                difference(step.grad_norm, (double)norm[k])
                    / (double)norm[k],
                norm_tol);
        compare_rates(r, &step, lr + k * n_groups);
    }
    return QVL_OK;
}

/* A final weight in full, or its digest. */
static int compare_final(run *r, const qvl_st_tensor *e, double tolerance)
{
    static const struct {
        const char *prefix;
        int kind;  // digest_kind, -1: all of it
    } form[] = {
        { "final.", -1 },
        { "final_rows.", DIGEST_ROWS },
        { "final_cols.", DIGEST_COLS },
        { "final_sample.", DIGEST_SAMPLE },
    };
    size_t f = 0;
    while (f < QVL_COUNT(form)
           && strncmp(e->name, form[f].prefix, strlen(form[f].prefix)) != 0)
        f++;
    if (f == QVL_COUNT(form))
        return QVL_OK;  // losses, norms, rates: compared step by step
    const char *name = e->name + strlen(form[f].prefix);
    for (size_t k = 0; k < qvl_train_n_tensors(r->trainer); k++) {
        qvl_tensor t;
        qvl_error error;
        float *want;
        qvl_train_tensor_at(r->trainer, k, &t);
        if (strcmp(t.name, name) != 0)
            continue;
        float *found = qvl_arena_array(&r->arena, float, t.n_elems);
        if (qvl_train_read(r->trainer, k, found, &error) != 0)
            return take_error(r, &error);
        size_t n = t.n_elems;
        if (form[f].kind >= 0) {
            digest_kind kind = (digest_kind)form[f].kind;
            n = digest_size(kind, t.n_elems, t.shape[0]);
            float *short_form = qvl_arena_array(&r->arena, float, n);
            digest(kind, found, t.n_elems, t.shape[0], short_form);
            found = short_form;
        }
        QVL_TRY(expect(r, e->name, n, &want));
        compare(r, e->name, relative_l2(found, want, n), tolerance);
        return QVL_OK;
    }
    return qvl_fail(r->err, QVL_E_FORMAT, "%s: the model has no such tensor",
                    e->name);
}

static int run_all(void *arg)
{
    run *r = arg;
    qvl_train_options options;
    qvl_error error;
    double tolerance;
    const char *model;
    QVL_TRY(qvl_st_open(&r->expected, path_of(r, "expected.safetensors"),
                        r->err));
    QVL_TRY(read_options(r, &options));
    QVL_TRY(read_batches(r));
    QVL_TRY(text(r, "model", &model));
    if (qvl_train_open(&r->trainer, path_of(r, model), &options, &error) != 0)
        return take_error(r, &error);
    QVL_TRY(compare_groups(r));
    QVL_TRY(run_steps(r));
    QVL_TRY(number(r, "tolerance.final_rel_l2", &tolerance));
    for (size_t k = 0; !is_rounded(r) && k < qvl_st_count(r->expected); k++)
        QVL_TRY(compare_final(r, qvl_st_at(r->expected, k), tolerance));
    return QVL_OK;
}

int golden_train_case(const char *folder, const qvl_node *json,
                      golden_train *out, qvl_err *err)
{
    run r = { .folder = folder, .json = json, .out = out, .err = err };
    int rc = qvl_guard(run_all, &r, err);
    qvl_train_close(r.trainer);
    qvl_st_close(r.expected);
    qvl_arena_release(&r.arena);
    return rc;
}
