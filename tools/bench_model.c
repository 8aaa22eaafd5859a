/* bench_model.c - vision tower, prompt, and decoding of a model, timed
 *
 * Vision and prompt are one step each, timed until the device is done. Decoding goes
 * through the batcher: prompts are read first, untimed, and answers end by their length
 * alone. Its bytes are the weights of the text decoder, once a step; what is read of
 * the cache is not counted.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "bench.h"
#include "infer/batch.h"
#include "model/model.h"
#include "step_facts.h"
#include "tensor/dtype.h"

typedef struct {
    const bench_options *o;
    qvl_err *err;
    qvl_arena arena;
    qvl_model *model;
    const qvl_model_config *config;
    int dtype;
    int image_h, image_w;   // patches
    bench_roof roof;
    char device[32];
    // of the measurement
    qvl_batch_source source;
    qvl_model_want want;
    double first_s, rest_s; // of a decoding: first tokens, the others
} bench;

static int open_bench(bench *b)
{
    const bench_options *o = b->o;
    QVL_TRY(qvl_dtype_parse(o->dtype, &b->dtype, b->err));
    qvl_model_options how = { .device = o->device, .n_threads = o->n_threads,
                              .dtype = b->dtype };
    QVL_TRY(qvl_model_open(&b->model, o->model, &how, b->err));
    const qvl_model_parts *parts = qvl_model_about(b->model);
    b->config = parts->config;
    snprintf(b->device, sizeof b->device, "%s:%d",
             parts->device->info.backend, parts->device->info.index);
    QVL_TRY(bench_picture(b->config, o->image, &b->image_h, &b->image_w,
                          b->err));
    return bench_measure_roof(parts->device, b->dtype, &b->roof, b->err);
}

static int64_t *make_ids(bench *b, int n, int row)
{
    int64_t *id = qvl_arena_array(&b->arena, int64_t, n);
    bench_text(b->config, id, n, row);
    return id;
}

/* Operations of the last step. */
static double last_flop(const bench *b)
{
    return step_plan_flop(qvl_model_plan(b->model), qvl_model_batch(b->model));
}

static void tell(bench *b, const char *name, const char *shape,
                 const bench_time *t, double flop, double bytes,
                 double units, const char *unit)
{
    bench_print(&(bench_line){
        .name = name, .shape = shape, .device = b->device,
        .dtype = qvl_dtype_name(b->dtype), .median_s = t->median_s,
        .min_s = t->min_s, .flop = flop, .bytes = bytes, .units = units,
        .unit = unit, .roof_flop = b->roof.flop,
        .roof_bytes = b->roof.bytes, .rss_bytes = bench_peak_bytes() },
        b->o->json);
}

static int run_source(void *arg)
{
    bench *b = arg;
    const qvl_model_parts *parts = qvl_model_about(b->model);
    QVL_TRY(qvl_model_step(b->model, &b->source, &b->want, b->err));
    return parts->device->be->wait(parts->device, b->err);
}

static int bench_vision(bench *b)
{
    if (b->image_h == 0)
        return qvl_fail(b->err, QVL_E_USAGE,
                        "bench model (%s): found no vision tower or no "
                        "picture, expected both", b->o->model);
    size_t n = (size_t)b->image_h * (size_t)b->image_w;
    b->source = bench_sample(b->config, b->image_h, b->image_w, 0, false,
                             &b->arena);
    b->want = (qvl_model_want){ .vision = true };
    bench_time t;
    char shape[64];
    QVL_TRY(bench_repeat(run_source, b, b->o->repeats, &t));
    snprintf(shape, sizeof shape, "%d x %d patches", b->image_h, b->image_w);
    tell(b, "vision", shape, &t, last_flop(b), 0.0, (double)n, "patches");
    return QVL_OK;
}

static int bench_prefill(bench *b)
{
    int n = b->o->prompt;
    int32_t zero[1] = { 0 };
    int n_blocks = (n + QVL_CACHE_BLOCK - 1) / QVL_CACHE_BLOCK;
    int32_t *block = qvl_arena_array(&b->arena, int32_t, n_blocks);
    for (int i = 0; i < n_blocks; i++)
        block[i] = i;
    qvl_batch_cache cache = { .n_slots = n_blocks * QVL_CACHE_BLOCK,
                              .block_len = QVL_CACHE_BLOCK, .block = block,
                              .n_blocks = n_blocks, .table = zero,
                              .past = zero, .next = zero };
    b->source = (qvl_batch_source){ .n_rows = 1, .row_len = n,
                                    .id = make_ids(b, n, 0),
                                    .logits = QVL_LOGITS_LAST,
                                    .cache = &cache };
    b->want = (qvl_model_want){ 0 };
    bench_time t;
    char shape[64];
    QVL_TRY(bench_repeat(run_source, b, b->o->repeats, &t));
    snprintf(shape, sizeof shape, "%d tokens", n);
    tell(b, "prefill", shape, &t, last_flop(b), 0.0, n, "tokens");
    qvl_model_drop_cache(b->model);
    return QVL_OK;
}

/* Answer all prompts; the first tokens are those of reading them. */
static int run_decode(bench *b, const qvl_request *request)
{
    qvl_batcher *batcher;
    const qvl_new_token *token;
    int n, ticket;
    QVL_TRY(qvl_batcher_open(&batcher, b->model, b->o->seats, b->err));
    qvl_batcher_set_piece(batcher, INT_MAX);  // read at once, then answer
    int rc = QVL_OK;
    for (int i = 0; rc == QVL_OK && i < b->o->seats; i++)
        rc = qvl_batcher_add(batcher, &request[i], &ticket, b->err);
    int read = 0;
    while (rc == QVL_OK && read < b->o->seats) {
        rc = qvl_batcher_step(batcher, &token, &n, b->err);
        read += n;
    }
    double start = bench_now_s();
    while (rc == QVL_OK && qvl_batcher_n_open(batcher) > 0)
        rc = qvl_batcher_step(batcher, &token, &n, b->err);
    b->rest_s = bench_now_s() - start;
    qvl_batcher_close(batcher);
    return rc;
}

/* Bytes of weights that a token reads: those of the text decoder, the head
 * once. */
static double text_bytes(const bench *b)
{
    const qvl_model_parts *parts = qvl_model_about(b->model);
    double bytes = 0.0;
    for (int i = 0; i < parts->params->n; i++) {
        const qvl_arch_param *p = &parts->params->item[i];
        double n = qvl_dtype_bytes(qvl_store_dtype(parts->store, i));
        for (int k = 0; k < p->rank; k++)
            n *= (double)p->shape[k];
        bool is_table = strstr(p->name, "embed_tokens") != NULL;
        if (strcmp(p->group, "text") == 0
            && (!is_table || b->config->tied))
            bytes += p->same_as < 0 || !b->config->tied ? n : 0.0;
    }
    return bytes;
}

static int bench_decode(bench *b)
{
    int seats = b->o->seats, n = b->o->fresh + 1;
    double all[BENCH_MAX_REPEATS];
    qvl_request *request = qvl_arena_array(&b->arena, qvl_request, seats);
    for (int i = 0; i < seats; i++)
        request[i] = (qvl_request){ .id = make_ids(b, b->o->prompt, i),
                                    .n = b->o->prompt, .max_new = n,
                                    .sampling = qvl_sampling_greedy() };
    for (int i = -1; i < b->o->repeats; i++) {
        QVL_TRY(run_decode(b, request));
        if (i >= 0)
            all[i] = b->rest_s;
    }
    bench_time time = bench_time_of(all, b->o->repeats);
    char shape[64];
    snprintf(shape, sizeof shape, "%d + %d tokens x %d", b->o->prompt,
             b->o->fresh, seats);
    tell(b, "decode", shape, &time, 0.0,
         text_bytes(b) * b->o->fresh, (double)b->o->fresh * seats, "tokens");
    return QVL_OK;
}

static int run_all(void *arg)
{
    static const struct {
        const char *name;
        int (*run)(bench *b);
    } part[] = { { "vision", bench_vision },
                 { "prefill", bench_prefill },
                 { "decode", bench_decode } };
    bench *b = arg;
    bool found = false;
    for (size_t i = 0; i < QVL_COUNT(part); i++)
        found = found || b->o->what == NULL
                || strcmp(b->o->what, part[i].name) == 0;
    if (!found)
        return qvl_fail(b->err, QVL_E_USAGE,
                        "flag --what: found %s, expected vision, prefill or "
                        "decode", b->o->what);
    QVL_TRY(open_bench(b));
    for (size_t i = 0; i < QVL_COUNT(part); i++) {
        bool wanted = b->o->what != NULL
                          ? strcmp(b->o->what, part[i].name) == 0
                          : i > 0 || b->image_h > 0;
        if (wanted)
            QVL_TRY(part[i].run(b));
    }
    return QVL_OK;
}

int bench_model(const bench_options *o, qvl_err *err)
{
    bench b = { .o = o, .err = err };
    int rc = qvl_guard(run_all, &b, err);
    qvl_model_close(b.model);
    qvl_arena_release(&b.arena);
    return rc;
}
