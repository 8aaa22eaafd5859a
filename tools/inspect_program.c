/* inspect_program.c - qvl inspect program: the steps of a batch, not run
 *
 * The program of a batch of the sizes that the flags give is listed and
 * planned; nothing is allocated on a device and nothing runs. Bytes and
 * operations are those of the plan.
 */
#include "inspect_program.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "bench.h"
#include "graph/plan.h"
#include "infer/batch.h"
#include "model/batch.h"
#include "model/config.h"
#include "model/init.h"
#include "step_facts.h"
#include "tensor/dtype.h"

typedef enum { TRAIN, PREFILL, DECODE } phase;

static const char *const phase_name[] = { "train", "prefill", "decode" };

typedef struct {
    const inspect_program_options *o;
    qvl_str *out;
    qvl_err *err;
    qvl_arena arena;
    phase phase;
    int dtype;
    qvl_model_config config;
    qvl_param_list params;
    qvl_batch_cache cache;
    qvl_batch_source source;
    qvl_batch batch;
    qvl_program program;
    qvl_plan plan;
    size_t param_bytes, grad_bytes, state_bytes;
} inspection;

/* ---- the program ---------------------------------------------------------- */

static int read_flags(inspection *p)
{
    const inspect_program_options *o = p->o;
    size_t i = 0;
    if (o->pass != NULL)
        return qvl_fail(p->err, QVL_E_USAGE,
                        "flag --pass (qvl inspect program): found %s, expected "
                        "none: passes belong to the generator, which prints "
                        "them with: gen --dump %s --shaders shaders --arch FILE",
                        o->pass, o->pass);
    if ((o->model == NULL) == (o->size == NULL))
        return qvl_fail(p->err, QVL_E_USAGE,
                        "flags (qvl inspect program): found %s, expected "
                        "--model DIR or --size NAME",
                        o->model == NULL ? "neither" : "both");
    while (i < QVL_COUNT(phase_name) && strcmp(o->phase, phase_name[i]) != 0)
        i++;
    if (i == QVL_COUNT(phase_name))
        return qvl_fail(p->err, QVL_E_USAGE,
                        "flag --phase: found %s, expected train, prefill or "
                        "decode", o->phase);
    p->phase = (phase)i;
    if (o->tokens < 1 || o->tokens > 1 << 20)
        return qvl_fail(p->err, QVL_E_USAGE,
                        "flag --tokens: found %d, expected 1 to %d", o->tokens,
                        1 << 20);
    if (p->phase != TRAIN && o->checkpointing)
        return qvl_fail(p->err, QVL_E_USAGE,
                        "flag --checkpointing: found it with --phase %s, "
                        "expected train", o->phase);
    if (p->phase == DECODE && o->image != NULL)
        return qvl_fail(p->err, QVL_E_USAGE,
                        "flag --image: found %s with --phase decode, expected "
                        "none: pictures were read before", o->image);
    return qvl_dtype_parse(o->dtype, &p->dtype, p->err);
}

/* Blocks that hold n_tok tokens of one row, `past` of which are there. */
static void make_cache(inspection *p, int n_tok, int past)
{
    int n = (n_tok + QVL_CACHE_BLOCK - 1) / QVL_CACHE_BLOCK;
    int32_t *block = qvl_arena_array(&p->arena, int32_t, n);
    int32_t *row = qvl_arena_array(&p->arena, int32_t, 3);
    for (int i = 0; i < n; i++)
        block[i] = i;
    row[1] = past;
    row[2] = past;
    p->cache = (qvl_batch_cache){
        .n_slots = n * QVL_CACHE_BLOCK, .block_len = QVL_CACHE_BLOCK,
        .block = block, .n_blocks = n,
        .table = &row[0], .past = &row[1], .next = &row[2],
    };
    p->source.cache = &p->cache;
}

static int make_batch(inspection *p)
{
    int rows = 0, cols = 0;
    if (p->phase != DECODE)
        QVL_TRY(bench_picture(&p->config, p->o->image, &rows, &cols, p->err));
    int n = p->phase == DECODE ? 1 : p->o->tokens;
    p->source = bench_sample(&p->config, rows, cols, n, p->phase == TRAIN,
                             &p->arena);
    if (p->phase != TRAIN)
        p->source.logits = QVL_LOGITS_LAST;
    if (p->phase == PREFILL)
        make_cache(p, p->source.row_len, 0);
    if (p->phase == DECODE)
        make_cache(p, p->o->tokens + 1, p->o->tokens);
    QVL_TRY(qvl_batch_make(&p->batch, &p->config, &p->source, &p->arena,
                           p->err));
    /* Ranges tell the work of attention. */
    const qvl_arch *arch = p->config.arch;
    for (int i = 0; i < arch->n_inputs; i++) {
        qvl_batch_array a;
        if (arch->input[i].kind == QVL_INPUT_RANGE)
            QVL_TRY(qvl_batch_input(&p->batch, i, &a, p->err));
    }
    return QVL_OK;
}

static int make_plan(inspection *p)
{
    const qvl_arch *arch = p->config.arch;
    const qvl_dims *dims = &p->batch.dims;
    const char *output = p->phase == TRAIN ? "stat_sum" : "logits";
    bool *trained = qvl_arena_array(&p->arena, bool, p->params.n);
    memset(trained, true, (size_t)p->params.n * sizeof *trained);
    qvl_program_init(&p->program, p->params.n, arch->n_inputs, &p->arena);
    if (p->phase == TRAIN)
        arch->train(&p->program, dims);
    else if (p->phase == DECODE)
        arch->decode(&p->program, dims);
    else
        arch->infer(&p->program, dims);
    const qvl_plan_options options = {
        .output = &output, .n_outputs = 1,
        .trained = p->phase == TRAIN ? trained : NULL,
        .states = p->phase != TRAIN,
        .types = { .act = p->dtype, .res = QVL_F32 },
        .recompute = p->o->checkpointing,
        .align_bytes = 64,
    };
    /* A tied parameter is trained through the one it shares with. */
    for (int i = 0; i < p->params.n; i++)
        if (p->params.item[i].same_as != -1)
            trained[i] = false;
    return qvl_plan_make(&p->plan, &p->program, &options, &p->arena, p->err);
}

static size_t value_bytes(const inspection *p, const qvl_value *v)
{
    return v->n_elems
           * qvl_dtype_bytes(qvl_types_of(&p->plan.types, v->cls));
}

/* What the program uses that outlives it. */
static void count_memory(inspection *p)
{
    for (int i = 0; i < p->plan.n_values; i++) {
        const qvl_value *v = &p->plan.value[i];
        size_t bytes = value_bytes(p, v);
        if (!p->plan.needed[i])
            continue;
        if (v->kind == QVL_VALUE_PARAM)
            p->param_bytes += bytes;
        else if (v->kind == QVL_VALUE_GRAD)
            p->grad_bytes += bytes;
        else if (v->kind == QVL_VALUE_STATE)
            p->state_bytes += bytes;
    }
}

/* ---- steps ---------------------------------------------------------------- */

static const char *kind_name(qvl_value_kind kind)
{
    static const char *const name[] = {
        [QVL_VALUE_TEMP] = "temp", [QVL_VALUE_INPUT] = "input",
        [QVL_VALUE_PARAM] = "param", [QVL_VALUE_GRAD] = "grad",
        [QVL_VALUE_STATE] = "state",
    };
    return name[kind];
}

/* The name of a value as people know it: a parameter's in the checkpoint. */
static const char *value_name(const inspection *p, int v)
{
    const qvl_value *value = &p->plan.value[v];
    bool is_param = value->kind == QVL_VALUE_PARAM
                    || value->kind == QVL_VALUE_GRAD;
    if (is_param && value->index >= 0)
        return p->params.item[value->index].name;
    if (value->kind == QVL_VALUE_INPUT && value->index >= 0)
        return p->config.arch->input[value->index].name;
    return value->name != NULL ? value->name : "";
}

static void put_dims(inspection *p, const qvl_planned *s, int b,
                     const char *sep)
{
    size_t dim[4];
    int rank = step_dims(&p->plan, s, b, dim);
    for (int k = 0; k < rank; k++)
        qvl_str_printf(p->out, "%s%zu", k > 0 ? sep : "", dim[k]);
}

/* "out temp h [512, 1024] f32 at 0:4096" */
static void text_operand(inspection *p, const qvl_planned *s, int b)
{
    static const char *const access[] = {
        [QVL_ACCESS_IN] = "in", [QVL_ACCESS_OUT] = "out",
        [QVL_ACCESS_IO] = "io",
    };
    int v = s->value[b];
    const qvl_place *place = &p->plan.place[v];
    qvl_str_printf(p->out, "        %-3s %s %d %s [", access[s->kernel->access[b]],
                   kind_name(p->plan.value[v].kind), v, value_name(p, v));
    put_dims(p, s, b, ", ");
    qvl_str_printf(p->out, "] %s", qvl_dtype_name(s->kernel->dtype[b]));
    if (place->block >= 0)
        qvl_str_printf(p->out, " at %d:%zu", place->block,
                       place->at + s->at_bytes[b]);
    qvl_str_puts(p->out, "\n");
}

static void text_step(inspection *p, int i)
{
    const qvl_planned *s = &p->plan.step[i];
    qvl_str_printf(p->out, "%5d %s", i, s->kernel->name);
    if (s->step >= 0) {
        const qvl_step *step = &p->program.step[s->step];
        if (step->mark.repeat >= 0)
            qvl_str_printf(p->out, "  layer %d", step->mark.layer);
        qvl_str_printf(p->out, "%s  line %d",
                       step->mark.backward ? " backward" : "", step->line);
    }
    qvl_str_printf(p->out, "  %.6g FLOP  %.0f bytes\n",
                   step_flop(&p->plan, s, &p->batch),
                   step_bytes(&p->plan, s));
    for (int b = 0; b < s->kernel->n_bufs; b++)
        text_operand(p, s, b);
}

static void json_operand(inspection *p, const qvl_planned *s, int b)
{
    int v = s->value[b];
    const qvl_place *place = &p->plan.place[v];
    const char *name = value_name(p, v);
    qvl_str_printf(p->out, "%s{\"value\": %d, \"name\": ", b > 0 ? ", " : "",
                   v);
    qvl_json_quote(p->out, name, strlen(name));
    qvl_str_printf(p->out, ", \"kind\": \"%s\", \"dtype\": \"%s\", "
                           "\"writes\": %s, \"shape\": [",
                   kind_name(p->plan.value[v].kind),
                   qvl_dtype_name(s->kernel->dtype[b]),
                   s->kernel->access[b] == QVL_ACCESS_IN ? "false" : "true");
    put_dims(p, s, b, ", ");
    qvl_str_puts(p->out, "]");
    if (place->block >= 0)
        qvl_str_printf(p->out, ", \"block\": %d, \"at\": %zu", place->block,
                       place->at + s->at_bytes[b]);
    qvl_str_puts(p->out, "}");
}

static void json_step(inspection *p, int i)
{
    const qvl_planned *s = &p->plan.step[i];
    qvl_str_printf(p->out, "%s\n{\"step\": %d, \"op\": \"%s\", "
                           "\"kernel\": \"%s\"", i > 0 ? "," : "", i,
                   s->kernel->op, s->kernel->name);
    if (s->step >= 0) {
        const qvl_step *step = &p->program.step[s->step];
        qvl_str_printf(p->out, ", \"repeat\": %d, \"layer\": %d, "
                               "\"backward\": %s, \"line\": %d",
                       step->mark.repeat, step->mark.layer,
                       step->mark.backward ? "true" : "false", step->line);
    }
    qvl_str_printf(p->out, ", \"flop\": %.17g, \"bytes\": %.0f, "
                           "\"operands\": [",
                   step_flop(&p->plan, s, &p->batch),
                   step_bytes(&p->plan, s));
    for (int b = 0; b < s->kernel->n_bufs; b++)
        json_operand(p, s, b);
    qvl_str_puts(p->out, "]}");
}

/* ---- the whole ------------------------------------------------------------ */

static double all_bytes(const inspection *p)
{
    double bytes = 0.0;
    for (int i = 0; i < p->plan.n_steps; i++)
        bytes += step_bytes(&p->plan, &p->plan.step[i]);
    return bytes;
}

static void put_json(inspection *p)
{
    const qvl_plan *plan = &p->plan;
    qvl_str_printf(p->out,
                   "{\"architecture\": \"%s\", \"phase\": \"%s\", "
                   "\"dtype\": \"%s\", \"tokens\": %d, \"patches\": %zu, "
                   "\"n_steps\": %d, \"flop\": %.17g, \"bytes\": %.0f, "
                   "\"parameter_bytes\": %zu, \"gradient_bytes\": %zu, "
                   "\"state_bytes\": %zu, \"temp_bytes\": %zu, "
                   "\"temp_bytes_unshared\": %zu, \"n_blocks\": %d, "
                   "\"steps\": [",
                   p->config.arch->name, phase_name[p->phase],
                   qvl_dtype_name(p->dtype), p->batch.n_tokens,
                   p->source.images.n_patches, plan->n_steps,
                   step_plan_flop(plan, &p->batch), all_bytes(p),
                   p->param_bytes, p->grad_bytes, p->state_bytes,
                   plan->temp_bytes, plan->temp_bytes_sum, plan->n_blocks);
    for (int i = 0; i < plan->n_steps; i++)
        json_step(p, i);
    qvl_str_puts(p->out, "]}\n");
}

static void put_text(inspection *p)
{
    const qvl_plan *plan = &p->plan;
    for (int i = 0; i < plan->n_steps; i++)
        text_step(p, i);
    qvl_str_printf(p->out, "program        %s of %s, %s\n",
                   phase_name[p->phase], p->config.arch->name,
                   qvl_dtype_name(p->dtype));
    qvl_str_printf(p->out, "batch          %d tokens, %zu patches\n",
                   p->batch.n_tokens, p->source.images.n_patches);
    qvl_str_printf(p->out, "steps          %d of %d\n", plan->n_steps,
                   p->program.n_steps);
    qvl_str_printf(p->out, "work           %.6g FLOP, %.0f bytes\n",
                   step_plan_flop(plan, &p->batch), all_bytes(p));
    qvl_str_printf(p->out, "parameters     %zu bytes, gradients %zu, states "
                           "%zu\n",
                   p->param_bytes, p->grad_bytes, p->state_bytes);
    qvl_str_printf(p->out, "temporaries    %zu bytes in %d blocks, %zu without "
                           "sharing\n",
                   plan->temp_bytes, plan->n_blocks, plan->temp_bytes_sum);
}

static int run_all(void *arg)
{
    inspection *p = arg;
    const inspect_program_options *o = p->o;
    QVL_TRY(read_flags(p));
    QVL_TRY(o->model != NULL
                ? qvl_model_config_load(&p->config, o->model, &p->arena,
                                        p->err)
                : qvl_init_config(&p->config, o->size, &p->arena, p->err));
    p->params.arena = &p->arena;
    p->config.arch->params(&p->params, &p->config.dims);
    QVL_TRY(make_batch(p));
    QVL_TRY(make_plan(p));
    count_memory(p);
    if (o->json)
        put_json(p);
    else
        put_text(p);
    return QVL_OK;
}

int inspect_program(const inspect_program_options *o, qvl_str *out,
                    qvl_err *err)
{
    inspection p = { .o = o, .out = out, .err = err };
    int rc = qvl_guard(run_all, &p, err);
    qvl_arena_release(&p.arena);
    return rc;
}
