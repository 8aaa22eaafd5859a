/* test_model.c - a whole model against known numbers, on every back end
 *
 * The numbers are those of a reference in double precision (norms, rotations
 * and table weights in single). Single precision all the way is 2.6e-5 from
 * them on logits; hence 1e-4 on logits and 1e-4 relative on gradients.
 */
#include "each_backend.h"
#include "qvl.h"

#include <limits.h>

#include "tensor/dtype.h"
#include "tiny.h"

#define V 200
#define SUPERVISED 8  // the last tokens have labels

/* A model folder, an open model and a batch for it. */
typedef struct {
    qvl_arena arena;
    qvl *model;
    int64_t id[TINY_TOKENS + 1];
    int64_t label[TINY_TOKENS + 1];
    float image[44 * 1536];
    float video[32 * 1536];
    qvl_batch_in batch;
} fixture;

static fixture f;

/* Parameters as the generated architecture lists them. */
static const char *write_folder(bool tied)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_model_config config;
    qvl_param_list params;
    const char *key = "\"tie_word_embeddings\": ";
    const char *at = strstr(tiny_config, key) + strlen(key);
    const char *text = qvl_arena_printf(
        &arena, "%.*s%s%s", (int)(at - tiny_config), tiny_config,
        tied ? "true" : "false", at + strlen("false"));
    tiny_open(&config, &params, text, &arena);
    tiny_folder folder = { .dtype = QVL_F32, .config = text };
    const char *dir = tiny_write(tied ? "tied" : "untied", &params, &folder);
    CHECK_OK(qvl_model_config_load(&config, dir, &arena, &err), err);
    qvl_param_list generated = { .arena = &arena };
    config.arch->params(&generated, &config.dims);
    CHECK_INT(generated.n, params.n, "parameters");
    qvl_arena_release(&arena);
    return dir;
}

static void open_model(const char *dir, const char *device,
                       const char *dtype)
{
    memset(&f, 0, sizeof f);
    qvl_error error;
    qvl_options options = { .device = device, .dtype = dtype };
    CHECK(qvl_open(&f.model, dir, &options, &error) == 0, "%s",
          error.message);
    tiny_stream("pixel_values", f.image, QVL_COUNT(f.image));
    tiny_stream("pixel_values_videos", f.video, QVL_COUNT(f.video));
    for (int t = 0; t < TINY_TOKENS; t++) {
        f.id[t] = tiny_ids[t];
        f.label[t] = t < TINY_TOKENS - SUPERVISED ? -100 : tiny_ids[t];
    }
    f.batch = (qvl_batch_in){
        .n_rows = 1,
        .row_len = TINY_TOKENS,
        .input_ids = f.id,
        .labels = f.label,
        .images = { f.image, 44, 1536, &tiny_image_grid[0][0], 2 },
        .videos = { f.video, 32, 1536, &tiny_video_grid[0][0], 1 },
    };
}

static void close_model(void)
{
    qvl_close(f.model);
    qvl_arena_release(&f.arena);
}

static void forward(unsigned want)
{
    qvl_error error;
    CHECK(qvl_forward(f.model, &f.batch, want, &error) == 0, "%s",
          error.message);
}

/* A result by name, in the arena. */
static const void *result(const char *name, size_t *n)
{
    qvl_error error;
    for (size_t k = 0; k < qvl_n_results(f.model); k++) {
        qvl_tensor t;
        qvl_result_at(f.model, k, &t);
        if (strcmp(t.name, name) != 0)
            continue;
        void *data = qvl_arena_alloc_n(&f.arena, t.n_elems, 8);
        CHECK(qvl_read(f.model, k, data, &error) == 0, "%s", error.message);
        *n = t.n_elems;
        return data;
    }
    CHECK(false, "no result %s", name);
    return NULL;
}

static double norm(const float *x, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

/* ---- known numbers ------------------------------------------------------ */

typedef struct {
    int row;
    double first[4], sum, l2;
    int best;
} known_row;

static const known_row rows[] = {
    { 0, { 1.4982437, 0.4582641, 2.5691024, -0.0065845 }, -20.203321,
      19.175710, 11 },
    { 4, { 2.5859731, 3.5615980, 0.3231142, 1.3271591 }, 0.316204, 21.937612,
      35 },
    { 12, { 1.9445479, 2.2288804, -1.1587823, 0.5323066 }, 2.259801,
      19.648265, 71 },
    { 40, { 1.5661110, 1.0053688, -0.3508832, 2.5862142 }, -1.621478,
      20.146006, 150 },
};

/* L2 norm and first element of a gradient. */
static const struct {
    const char *name;
    double l2, first;
} grads[] = {
    { "lm_head.weight", 4.325095993, 0.027898721 },
    { "model.language_model.norm.weight", 0.746951499, 0.078526099 },
    { "model.language_model.embed_tokens.weight", 1.806516600, 0 },
    { "model.language_model.layers.0.input_layernorm.weight", 1.485168717,
      0.132113085 },
    { "model.language_model.layers.0.self_attn.q_norm.weight", 0.516600457,
      0.121755542 },
    { "model.language_model.layers.0.self_attn.k_norm.weight", 0.507344666,
      0.131732828 },
    { "model.language_model.layers.1.mlp.gate_proj.weight", 3.223959185,
      -0.012671054 },
    { "model.language_model.layers.2.self_attn.k_proj.weight", 0.774731834,
      0.001639854 },
    { "model.visual.merger.linear_fc2.weight", 18.250540235, 0.068367515 },
    { "model.visual.merger.norm.weight", 0.988317615, -0.067362617 },
    { "model.visual.deepstack_merger_list.0.norm.weight", 0.297946275,
      -0.008459052 },
    { "model.visual.deepstack_merger_list.2.linear_fc1.weight", 2.092153691,
      0.004054658 },
    { "model.visual.blocks.5.mlp.linear_fc1.weight", 1.726722544,
      -0.009765506 },
    { "model.visual.blocks.0.attn.qkv.weight", 18.266188311, -0.070863711 },
    { "model.visual.pos_embed.weight", 2.245257095, 0.000289162 },
    { "model.visual.patch_embed.proj.bias", 3.069515125, 0.147127876 },
    { "model.visual.patch_embed.proj.weight", 65.335814772, 0.024606960 },
};

static void check_row(const float *logits, const known_row *k)
{
    const float *row = logits + k->row * V;
    double sum = 0.0;
    int best = 0;
    for (int c = 0; c < V; c++) {
        sum += row[c];
        best = row[c] > row[best] ? c : best;
    }
    for (int c = 0; c < 4; c++)
        CHECK_NEAR(row[c], k->first[c], 1e-4, "row %d column %d", k->row, c);
    CHECK_NEAR(norm(row, V), k->l2, 1e-4 * k->l2, "row %d", k->row);
    /* 200 errors of at most 1e-4, of either sign. */
    CHECK_NEAR(sum, k->sum, 1.5e-3, "row %d", k->row);
    CHECK_INT(best, k->best, "row %d", k->row);
}

static void check_vision(void)
{
    static const double first[] = { 2.8577621, -0.8417128, -0.8908987,
                                    0.7122885 };
    static const double deepstack[] = { 69.934260, 68.562690, 64.652447 };
    size_t n;
    const float *x = result("vision.embeds", &n);
    CHECK_INT(n, 11 * 96, "vision.embeds");
    for (int c = 0; c < 4; c++)
        CHECK_NEAR(x[c], first[c], 1e-4, "vision.embeds %d", c);
    CHECK_NEAR(norm(x, n), 65.323180, 1e-3, "vision.embeds");
    for (int k = 0; k < 3; k++) {
        char name[32];
        snprintf(name, sizeof name, "vision.deepstack.%d", k);
        x = result(name, &n);
        CHECK_NEAR(norm(x, n), deepstack[k], 1e-3, "%s", name);
        if (k == 0) {
            CHECK_NEAR(x[0], -0.0390498, 1e-4, "%s", name);
            CHECK_NEAR(x[1], -0.5290431, 1e-4, "%s", name);
        }
    }
    x = result("vision_video.embeds", &n);
    CHECK_INT(n, 8 * 96, "vision_video.embeds");
}

static void check_positions(void)
{
    size_t n;
    const int64_t *p = result("position_ids", &n);
    CHECK_INT(n, 3 * TINY_TOKENS, "position_ids");
    for (size_t i = 0; i < n; i++)
        CHECK_INT(p[i], tiny_positions[i / TINY_TOKENS][i % TINY_TOKENS],
                  "position_ids %zu", i);
    const int64_t *delta = result("rope_delta", &n);
    CHECK(n == 1 && delta[0] == -7, "rope_delta");
}

static void check_grads(void)
{
    size_t n;
    for (size_t i = 0; i < QVL_COUNT(grads); i++) {
        char name[128];
        snprintf(name, sizeof name, "grad.%s", grads[i].name);
        const float *g = result(name, &n);
        CHECK_NEAR(norm(g, n), grads[i].l2, 1e-4 * grads[i].l2, "%s", name);
        double typical = grads[i].l2 / sqrt((double)n);
        CHECK_NEAR(g[0], grads[i].first, 1e-4 * typical + 1e-8, "%s", name);
    }
    /* Rows of the placeholders are never looked up. */
    const float *e = result("grad.model.language_model.embed_tokens.weight",
                            &n);
    for (int c = 0; c < 96; c++)
        CHECK(e[190 * 96 + c] == 0.0f && e[191 * 96 + c] == 0.0f,
              "placeholder, column %d", c);
}

/* ---- tests -------------------------------------------------------------- */

static void all_numbers(const char *device, const void *dir)
{
    size_t n;
    print_message("on %s\n", device);
    open_model(dir, device, "f32");
    forward(QVL_LOGITS | QVL_LOSS | QVL_VISION | QVL_GRADIENTS);
    const float *logits = result("logits", &n);
    for (size_t i = 0; i < QVL_COUNT(rows); i++)
        check_row(logits, &rows[i]);
    CHECK_NEAR(norm(logits, n), 128.965862, 1e-2, "all logits");
    CHECK_NEAR(*(const float *)result("loss", &n), 6.688675667, 2e-5, "loss");
    check_vision();
    check_positions();
    check_grads();
    close_model();
}

static void test_untied(void)
{
    each_backend(all_numbers, write_folder(false));
}

static void test_tied(void)
{
    static const double first[] = { 12.9399198, 3.7291473, -10.3565738,
                                    10.1744071 };
    size_t n;
    open_model(write_folder(true), "cpu", NULL);
    forward(QVL_LOGITS | QVL_LOSS | QVL_GRADIENTS);
    const float *logits = result("logits", &n);
    for (int c = 0; c < 4; c++)
        CHECK_NEAR(logits[40 * V + c], first[c], 1e-4, "row 40 column %d", c);
    CHECK_NEAR(norm(logits, n), 513.219239, 1e-2, "all logits");
    CHECK_NEAR(*(const float *)result("loss", &n), 13.033032342, 1e-4,
               "loss");
    const float *e = result("grad.model.language_model.embed_tokens.weight",
                            &n);
    CHECK_NEAR(norm(e, n), 9.857195521, 1e-3, "embedding");
    CHECK_NEAR(e[0], -0.000117263, 2e-6, "embedding");
    const float *b = result("grad.model.visual.patch_embed.proj.bias", &n);
    CHECK_NEAR(norm(b, n), 12.057611721, 1.2e-3, "bias");
    close_model();
}

/* One token more: its logits are those of a step that goes on from here. */
static void test_next_token(void)
{
    static const known_row next = {
        41, { -1.2040512, 1.4687841, 0.4948524, 0.3251952 }, 0, 20.386463, 70
    };
    size_t n;
    open_model(write_folder(false), "cpu", NULL);
    f.id[TINY_TOKENS] = 33;
    f.batch.row_len = TINY_TOKENS + 1;
    f.batch.labels = NULL;
    forward(QVL_LOGITS);
    const float *row = (const float *)result("logits", &n) + 41 * V;
    int best = 0;
    for (int c = 0; c < V; c++)
        best = row[c] > row[best] ? c : best;
    for (int c = 0; c < 4; c++)
        CHECK_NEAR(row[c], next.first[c], 1e-4, "column %d", c);
    CHECK_NEAR(norm(row, V), next.l2, 1e-3, "L2");
    CHECK_INT(best, next.best, "best");
    close_model();
}

/* Sequences of a batch do not see each other, padding is nowhere, and a run is
 * used again for a batch of the same sizes. */
static void test_rows_apart(void)
{
    enum { LEN = 12 };
    static const int64_t id[2 * LEN] = { 0, 0, 0, 5, 6, 7, 8,  9,
                                         1, 2, 3, 4, 9, 8, 7,  6,
                                         5, 4, 3, 2, 1, 0, 0,  0 };
    static const int64_t mask[2 * LEN] = { 0, 0, 0, 1, 1, 1, 1, 1,
                                           1, 1, 1, 1, 1, 1, 1, 1,
                                           1, 1, 1, 1, 1, 0, 0, 0 };
    size_t n;
    open_model(write_folder(false), "cpu", NULL);
    f.batch = (qvl_batch_in){ .n_rows = 2, .row_len = LEN, .input_ids = id,
                              .attention_mask = mask };
    forward(QVL_LOGITS);
    const float *both = result("logits", &n);
    const float *alone[2];
    for (int row = 0; row < 2; row++) {
        f.batch = (qvl_batch_in){ .n_rows = 1, .row_len = 9,
                                  .input_ids = id + (row == 0 ? 3 : LEN) };
        forward(QVL_LOGITS);
        alone[row] = result("logits", &n);
    }
    for (int place = 0; place < 2 * LEN; place++)
        for (int c = 0; c < V; c++) {
            int row = place / LEN, col = place % LEN - (row == 0 ? 3 : 0);
            double want = mask[place] ? alone[row][col * V + c] : 0.0;
            CHECK_NEAR(both[place * V + c], want, mask[place] ? 2e-5 : 0,
                       "place %d column %d", place, c);
        }
    close_model();
}

/* More keys than some devices can walk over: refused there. */
static void long_row(const char *device, const void *dir)
{
    enum { LEN = 7001 };
    static int64_t id[LEN];
    qvl_error error;
    qvl_device *dev;
    qvl_err err;
    CHECK_OK(qvl_device_open(&dev, device, 0, &err), err);
    uint32_t most = dev->info.max_walk;
    qvl_device_close(dev);
    if (most == 0 || most >= LEN)
        return;
    open_model(dir, device, NULL);
    f.batch = (qvl_batch_in){ .n_rows = 1, .row_len = LEN, .input_ids = id };
    CHECK(qvl_forward(f.model, &f.batch, QVL_LOGITS, &error) != 0
              && error.exit_code == 2,
          "%s: %s", device, error.message);
    CHECK_HAS(error.message, "found 7001 rows in one walk", "%s", device);
    close_model();
}

static void test_long_row(void)
{
    each_backend(long_row, write_folder(false));
}

/* Storage of 16 bits: 8 bits of mantissa give 2^-9 a value, 11 bits 2^-12, and
 * errors add up over the layers. */
static void test_half_storage(void)
{
    static const struct {
        const char *dtype;
        double tolerance;
    } cases[] = { { "bf16", 6e-2 }, { "float16", 8e-3 } };
    const char *dir = write_folder(false);
    size_t n;
    open_model(dir, "cpu", NULL);
    forward(QVL_LOGITS);
    const float *full = result("logits", &n);
    float *want = malloc(n * sizeof *want);
    memcpy(want, full, n * sizeof *want);
    close_model();
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        open_model(dir, "cpu", cases[i].dtype);
        forward(QVL_LOGITS | QVL_LOSS | QVL_GRADIENTS);
        const float *found = result("logits", &n);
        float *difference = qvl_arena_array(&f.arena, float, n);
        for (size_t k = 0; k < n; k++)
            difference[k] = found[k] - want[k];
        double error = norm(difference, n) / norm(want, n);
        CHECK(error < cases[i].tolerance && error > 1e-5, "%s: %g",
              cases[i].dtype, error);
        CHECK_NEAR(*(const float *)result("loss", &n), 6.6887, 0.3, "%s",
                   cases[i].dtype);
        close_model();
    }
    free(want);
}

static void test_mistakes(void)
{
    qvl_error error;
    qvl *none = NULL;
    const char *dir = write_folder(false);
    CHECK(qvl_open(&none, check_path("nowhere"), &(qvl_options){ 0 }, &error)
                  != 0
              && error.exit_code == 4 && none == NULL,
          "folder: %s", error.message);
    CHECK(qvl_open(&none, dir, &(qvl_options){ .dtype = "i32" }, &error) != 0
              && error.exit_code == 2,
          "dtype: %s", error.message);
    CHECK(qvl_open(&none, dir, &(qvl_options){ .device = "tpu" }, &error) != 0
              && error.exit_code == 5,
          "device: %s", error.message);
    static const int threads[] = { -1, 1025, INT_MAX };
    for (size_t i = 0; i < QVL_COUNT(threads); i++)
        CHECK(qvl_open(&none, dir, &(qvl_options){ .device = "cpu",
                                                   .n_threads = threads[i] },
                       &error) != 0
                  && error.exit_code == 2
                  && strstr(error.message, "expected 0 to 1024") != NULL,
              "%d threads: %s", threads[i], error.message);

    open_model(dir, "cpu", NULL);
    f.batch.labels = NULL;
    CHECK(qvl_forward(f.model, &f.batch, QVL_LOSS, &error) != 0
              && error.exit_code == 3 && qvl_n_results(f.model) == 0,
          "labels: %s", error.message);
    CHECK(qvl_forward(f.model, &f.batch, 0, &error) != 0
              && error.exit_code == 2,
          "nothing wanted: %s", error.message);
    CHECK(qvl_forward(f.model, &f.batch, QVL_LOGITS | 32, &error) != 0
              && error.exit_code == 2,
          "unknown word: %s", error.message);
    CHECK_HAS(error.message, "want: found 33, expected", "unknown word");
    f.batch.images.n_cols = 100;
    CHECK(qvl_forward(f.model, &f.batch, QVL_LOGITS, &error) != 0,
          "columns: %s", error.message);
    CHECK_HAS(error.message, "found rows of 100 numbers, expected 1536",
              "columns");
    f.batch.images.n_cols = 1536;
    int n_grids = f.batch.images.n_grids;
    f.batch.images.n_grids = -1;
    CHECK(qvl_forward(f.model, &f.batch, QVL_LOGITS, &error) != 0
              && error.exit_code == 3,
          "grids: %s", error.message);
    CHECK_HAS(error.message, "pixel_values: found -1 grids", "grids");
    f.batch.images.n_grids = n_grids;
    forward(QVL_LOGITS);
    qvl_tensor t = { .rank = 7 };
    float x;
    size_t n = qvl_n_results(f.model), wrong[] = { n, n + 1, SIZE_MAX };
    for (size_t i = 0; i < QVL_COUNT(wrong); i++) {
        CHECK(qvl_result_at(f.model, wrong[i], &t) != 0 && t.rank == 7,
              "result %zu of %zu", wrong[i], n);
        CHECK(qvl_read(f.model, wrong[i], &x, &error) != 0
                  && error.exit_code == 2,
              "read %zu of %zu: %s", wrong[i], n, error.message);
    }
    CHECK(n > 0 && qvl_result_at(f.model, n - 1, &t) == 0, "the last result");
    close_model();
}

/* Out of host memory at many points of opening and running: an error with its
 * exit code, nothing left behind, and the next try works. */
static void test_no_memory(void)
{
    const char *dir = write_folder(false);
    qvl_error error;
    qvl *model = NULL;
    int rc = -1;
    for (size_t limit = 1000; rc != 0; limit += limit / 4) {
        qvl_memory_limit(limit);
        rc = qvl_open(&model, dir, &(qvl_options){ .device = "cpu" }, &error);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == 0 || error.exit_code == 5, "open: %s", error.message);
    }
    qvl_close(model);
    open_model(dir, "cpu", NULL);
    rc = -1;
    for (size_t limit = 1000; rc != 0; limit += limit / 4) {
        qvl_memory_limit(limit);
        rc = qvl_forward(f.model, &f.batch, QVL_LOSS | QVL_GRADIENTS, &error);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == 0 || error.exit_code == 5, "forward: %s", error.message);
    }
    size_t n;
    CHECK_NEAR(*(const float *)result("loss", &n), 6.688675667, 2e-5, "loss");
    close_model();
}

RUN_TESTS(TEST(test_untied), TEST(test_tied), TEST(test_next_token),
          TEST(test_rows_apart), TEST(test_half_storage), TEST(test_long_row),
          TEST(test_mistakes), TEST(test_no_memory))
