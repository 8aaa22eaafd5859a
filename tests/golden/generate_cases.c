/* generate_cases.c - prompts from a tensor file, answered token by token */
#include "generate_cases.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "infer/batch.h"
#include "tensor/dtype.h"
#include "tensor/safetensors.h"

#define MAX_PROMPTS 16

typedef struct {
    int64_t *token;  // [max_new]
    float *logit;    // [max_new, vocab]
    int n;
} answer;

typedef struct {
    const golden_generate *g;
    worst *w;
    size_t *n_compared;
    qvl_err *err;
    qvl_arena arena;
    qvl_st *input, *expected;
    qvl_st_writer *writer;
    qvl_model *model;
    qvl_batcher *batcher;
    qvl_request prompt[MAX_PROMPTS];
    int n;
    size_t vocab;
} run;

static const char *path_of(run *r, const char *name)
{
    return qvl_arena_printf(&r->arena, "%s/%s", r->g->folder, name);
}

/* ---- the case ----------------------------------------------------------- */

static int number_of(run *r, const char *key, double *out)
{
    if (qvl_node_as_float(qvl_node_find(r->g->json, key), out))
        return QVL_OK;
    return qvl_fail(r->err, QVL_E_FORMAT,
                    "%s (%s/case.json): found nothing, expected a number", key,
                    r->g->folder);
}

/* Tensor "prompt.I.NAME", NULL when there is none. */
static const qvl_st_tensor *find(run *r, int i, const char *name)
{
    return qvl_st_find(r->input, qvl_arena_printf(&r->arena, "prompt.%d.%s",
                                                  i, name));
}

static int read_whole(run *r, int i, const char *name, const int64_t **out,
                      size_t *n)
{
    const qvl_st_tensor *t = find(r, i, name);
    if (t == NULL)
        return qvl_fail(r->err, QVL_E_FORMAT, "prompt.%d.%s: not there", i,
                        name);
    int64_t *v = qvl_arena_array(&r->arena, int64_t, t->n_elems);
    QVL_TRY(qvl_st_to_i64(t, v, r->err));
    *out = v;
    *n = t->n_elems;
    return QVL_OK;
}

static int read_pictures(run *r, int i, const char *pixels, const char *grid,
                         qvl_batch_pictures *p)
{
    const qvl_st_tensor *t = find(r, i, pixels);
    size_t n;
    if (t == NULL)
        return QVL_OK;
    float *v = qvl_arena_array(&r->arena, float, t->n_elems);
    QVL_TRY(qvl_st_to_f32(t, v, r->err));
    QVL_TRY(read_whole(r, i, grid, &p->grid, &n));
    p->pixels = v;
    p->n_patches = t->shape[0];
    p->n = (int)(n / 3);
    return QVL_OK;
}

static int read_prompt(run *r, int i, double max_new, double penalty)
{
    qvl_request *p = &r->prompt[i];
    size_t n;
    QVL_TRY(read_whole(r, i, "input_ids", &p->id, &n));
    p->n = (int)n;
    p->max_new = (int)max_new;
    p->sampling = qvl_sampling_greedy();
    p->sampling.repetition_penalty = penalty;
    QVL_TRY(read_pictures(r, i, "pixel_values", "image_grid_thw",
                          &p->images));
    return read_pictures(r, i, "pixel_values_videos", "video_grid_thw",
                         &p->videos);
}

static int open_case(run *r)
{
    const char *model, *input;
    double n, max_new, penalty;
    qvl_model_options o = { .device = r->g->device };
    if (!qvl_node_as_string(qvl_node_find(r->g->json, "model"), &model)
        || !qvl_node_as_string(qvl_node_find(r->g->json, "input"), &input))
        return qvl_fail(r->err, QVL_E_FORMAT, "%s/case.json: no model or input",
                        r->g->folder);
    QVL_TRY(number_of(r, "prompts", &n));
    QVL_TRY(number_of(r, "max_new_tokens", &max_new));
    QVL_TRY(number_of(r, "repetition_penalty", &penalty));
    if (n < 1 || n > MAX_PROMPTS)
        return qvl_fail(r->err, QVL_E_FORMAT, "%s/case.json: %g prompts",
                        r->g->folder, n);
    r->n = (int)n;
    QVL_TRY(qvl_dtype_parse(r->g->dtype, &o.dtype, r->err));
    QVL_TRY(qvl_st_open(&r->input, path_of(r, input), r->err));
    QVL_TRY(qvl_st_open(&r->expected, path_of(r, "expected.safetensors"),
                        r->err));
    for (int i = 0; i < r->n; i++)
        QVL_TRY(read_prompt(r, i, max_new, penalty));
    QVL_TRY(qvl_model_open(&r->model, path_of(r, model), &o, r->err));
    r->vocab = (size_t)qvl_model_about(r->model)->config->vocab;
    return QVL_OK;
}

/* ---- answers ------------------------------------------------------------ */

/* Answer prompts [first, first + n) at a time. */
static int answer_some(run *r, int first, int n, answer *out)
{
    int ticket[MAX_PROMPTS];
    QVL_TRY(qvl_batcher_open(&r->batcher, r->model, n, r->err));
    for (int i = 0; i < n; i++) {
        size_t most = (size_t)r->prompt[first + i].max_new;
        out[i] = (answer){
            .token = qvl_arena_array(&r->arena, int64_t, most),
            .logit = qvl_arena_array(&r->arena, float, most * r->vocab),
        };
        QVL_TRY(qvl_batcher_add(r->batcher, &r->prompt[first + i], &ticket[i],
                                r->err));
    }
    while (qvl_batcher_n_open(r->batcher) > 0) {
        const qvl_new_token *token;
        int n_tokens;
        QVL_TRY(qvl_batcher_step(r->batcher, &token, &n_tokens, r->err));
        for (int k = 0; k < n_tokens; k++)
            for (int i = 0; i < n; i++)
                if (ticket[i] == token[k].ticket) {
                    size_t at = (size_t)out[i].n * r->vocab;
                    memcpy(out[i].logit + at, token[k].logit,
                           r->vocab * sizeof(float));
                    out[i].token[out[i].n++] = token[k].id;
                }
    }
    qvl_batcher_close(r->batcher);
    r->batcher = NULL;
    return QVL_OK;
}

static int compare_tokens(run *r, int i, const answer *a, const char *how)
{
    const char *name = qvl_arena_printf(&r->arena, "tokens.%d", i);
    const qvl_st_tensor *t = qvl_st_find(r->expected, name);
    if (t == NULL || t->n_elems != (size_t)a->n)
        return qvl_fail(r->err, QVL_E_FORMAT, "%s: found %d tokens, expected "
                        "%zu", name, a->n, t != NULL ? t->n_elems : 0);
    int64_t *want = qvl_arena_array(&r->arena, int64_t, t->n_elems);
    QVL_TRY(qvl_st_to_i64(t, want, r->err));
    size_t n_wrong = 0;
    for (size_t k = 0; k < t->n_elems; k++)
        n_wrong += want[k] != a->token[k];
    worst_add(r->w, qvl_arena_printf(&r->arena, "%s, %s", name, how),
              (double)n_wrong, 0.0);
    ++*r->n_compared;
    return QVL_OK;
}

static int compare_logits(run *r, int i, const answer *a)
{
    const char *name = qvl_arena_printf(&r->arena, "step_logits.%d", i);
    const qvl_st_tensor *t = qvl_st_find(r->expected, name);
    double tolerance;
    const qvl_node *map = qvl_node_find(r->g->json, "tolerance");
    if (t == NULL || t->n_elems != (size_t)a->n * r->vocab
        || !qvl_node_as_float(qvl_node_find(map, "step_logits_abs"),
                              &tolerance))
        return qvl_fail(r->err, QVL_E_FORMAT,
                        "%s: of another size, or without a tolerance", name);
    float *want = qvl_arena_array(&r->arena, float, t->n_elems);
    QVL_TRY(qvl_st_to_f32(t, want, r->err));
    worst_add(r->w, name, largest_difference(a->logit, want, t->n_elems),
              tolerance);
    ++*r->n_compared;
    return QVL_OK;
}

static int write_answers(run *r, const answer *a)
{
    const char *slash = strrchr(r->g->folder, '/');
    QVL_TRY(qvl_file_make_dirs(r->g->output, r->err));
    QVL_TRY(qvl_st_writer_open(
        &r->writer,
        qvl_arena_printf(&r->arena, "%s/%s.safetensors", r->g->output,
                         slash != NULL ? slash + 1 : r->g->folder),
        r->err));
    for (int i = 0; i < r->n; i++) {
        size_t shape[2] = { (size_t)a[i].n, r->vocab };
        const char *name = qvl_arena_printf(&r->arena, "tokens.%d", i);
        QVL_TRY(qvl_st_writer_declare(r->writer, name, QVL_I64, shape, 1,
                                      r->err));
        name = qvl_arena_printf(&r->arena, "step_logits.%d", i);
        QVL_TRY(qvl_st_writer_declare(r->writer, name, QVL_F32, shape, 2,
                                      r->err));
    }
    for (int i = 0; i < r->n; i++) {
        size_t n = (size_t)a[i].n;
        QVL_TRY(qvl_st_writer_write(r->writer, a[i].token,
                                    n * sizeof(int64_t), r->err));
        QVL_TRY(qvl_st_writer_write(r->writer, a[i].logit,
                                    n * r->vocab * sizeof(float), r->err));
    }
    qvl_st_writer *w = r->writer;
    r->writer = NULL;
    return qvl_st_writer_commit(w, r->err);
}

static int run_steps(void *arg)
{
    run *r = arg;
    answer alone[MAX_PROMPTS], together[MAX_PROMPTS];
    QVL_TRY(open_case(r));
    for (int i = 0; i < r->n; i++)
        QVL_TRY(answer_some(r, i, 1, &alone[i]));
    QVL_TRY(answer_some(r, 0, r->n, together));
    if (r->g->output != NULL)
        QVL_TRY(write_answers(r, alone));
    for (int i = 0; i < r->n; i++) {
        QVL_TRY(compare_tokens(r, i, &alone[i], "alone"));
        QVL_TRY(compare_tokens(r, i, &together[i], "together"));
        QVL_TRY(compare_logits(r, i, &alone[i]));
    }
    return QVL_OK;
}

int golden_generate_case(const golden_generate *g, worst *w,
                         size_t *n_compared, qvl_err *err)
{
    run r = { .g = g, .w = w, .n_compared = n_compared, .err = err };
    int rc = qvl_guard(run_steps, &r, err);
    qvl_batcher_close(r.batcher);
    qvl_st_writer_abort(r.writer);
    qvl_st_close(r.input);
    qvl_st_close(r.expected);
    qvl_model_close(r.model);
    qvl_arena_release(&r.arena);
    return rc;
}
