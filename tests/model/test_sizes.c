/* test_sizes.c - the released sizes: their parameters, and loops that end
 *
 * Widths, layers, heads and the tied head of a config lead to the numbers of
 * parameters that are published, so the layer spec has every tensor, each once.
 * Steps of long batches are cut for a device that ends loops.
 */
#include "check.h"

#include "base/json.h"
#include "graph/plan.h"
#include "model/batch.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "model/init.h"

static const char config_format[] =
    "{\"model_type\": \"qwen3_vl\", \"image_token_id\": 151655,"
    " \"video_token_id\": 151656, \"vision_start_token_id\": 151652,"
    " \"vision_end_token_id\": 151653, \"tie_word_embeddings\": %s,"
    " \"text_config\": {\"vocab_size\": 151936, \"hidden_size\": %d,"
    "  \"intermediate_size\": %d, \"num_hidden_layers\": %d,"
    "  \"num_attention_heads\": %d, \"num_key_value_heads\": 8,"
    "  \"head_dim\": 128, \"rms_norm_eps\": 1e-06, \"rope_theta\": 5000000,"
    "  \"rope_scaling\": {\"mrope_section\": [24, 20, 20]}},"
    " \"vision_config\": {\"depth\": %d, \"hidden_size\": %d,"
    "  \"intermediate_size\": %d, \"num_heads\": 16, \"in_channels\": 3,"
    "  \"patch_size\": 16, \"temporal_patch_size\": 2,"
    "  \"spatial_merge_size\": 2, \"out_hidden_size\": %d,"
    "  \"num_position_embeddings\": 2304,"
    "  \"deepstack_visual_indexes\": %s}}";

static const struct {
    const char *name;
    bool tied;
    int hidden, inner, layers, heads;
    int depth, vision_hidden, vision_inner;
    const char *taps;
    size_t vision, text;
    int n_tensors;  // 0: not published
} sizes[] = {
    { "2B", true, 2048, 6144, 28, 16, 24, 1024, 4096, "[5, 11, 17]",
      406957056, 1720574976, 0 },
    { "4B", true, 2560, 9728, 36, 32, 24, 1024, 4096, "[5, 11, 17]",
      415347712, 4022468096, 0 },
    { "8B", false, 4096, 12288, 36, 32, 27, 1152, 4304, "[8, 16, 24]",
      576388336, 8190735360, 0 },
    { "32B", false, 5120, 25600, 64, 64, 27, 1152, 4304, "[8, 16, 24]",
      595266800, 32762123264, 1058 },
};

static void test_released(void)
{
    for (size_t i = 0; i < QVL_COUNT(sizes); i++) {
        qvl_arena arena = { 0 };
        qvl_err err = { 0 };
        qvl_node *root;
        qvl_model_config c;
        const char *text = qvl_arena_printf(
            &arena, config_format, sizes[i].tied ? "true" : "false",
            sizes[i].hidden, sizes[i].inner, sizes[i].layers, sizes[i].heads,
            sizes[i].depth, sizes[i].vision_hidden, sizes[i].vision_inner,
            sizes[i].hidden, sizes[i].taps);
        CHECK_OK(qvl_json_parse(&root, text, strlen(text), "config.json",
                                &arena, &err),
                 err);
        CHECK_OK(qvl_model_config_read(&c, root, qvl_arch_for("qwen3_vl"),
                                       &arena, &err),
                 err);
        qvl_param_list params = { .arena = &arena };
        c.arch->params(&params, &c.dims);
        size_t vision = 0, language = 0;
        int n = 0;
        for (int k = 0; k < params.n; k++) {
            const qvl_arch_param *p = &params.item[k];
            if (p->same_as != -1)
                continue;
            n++;
            *(strcmp(p->group, "text") == 0 ? &language : &vision) +=
                qvl_arch_param_elems(p);
        }
        CHECK_INT(vision, sizes[i].vision, "vision of %s", sizes[i].name);
        CHECK_INT(language, sizes[i].text, "text of %s", sizes[i].name);
        if (sizes[i].n_tensors > 0)
            CHECK_INT(n, sizes[i].n_tensors, "tensors of %s", sizes[i].name);
        qvl_arena_release(&arena);
    }
}

/* ---- loops ---- */

enum { TURNS = 65535, ROW = 4096, SIDE = 64 };

/* As Mesa's driver on the processor. */
static const qvl_backend no_backend = { .name = "none" };
static const qvl_device ends_loops = {
    .be = &no_backend,
    .info = { .backend = "none", .name = "ends loops",
              .device_class = QVL_CLASS_VULKAN_CPU, .max_turns = TURNS,
              .max_walk = 7000 },
};

/* Rows of text, the first with a picture of 4096 patches, every token but those
 * of the picture labelled. */
static qvl_batch_source long_rows(const qvl_model_config *c, int n_rows,
                                  qvl_arena *arena)
{
    static const int64_t grid[] = { 1, SIDE, SIDE };
    int n_image = SIDE * SIDE / (c->vision.merge * c->vision.merge);
    size_t n = (size_t)n_rows * ROW;
    int64_t *id = qvl_arena_array(arena, int64_t, n);
    int64_t *label = qvl_arena_array(arena, int64_t, n);
    for (size_t i = 0; i < n; i++)
        label[i] = id[i] = (int64_t)(i % 1000);
    id[0] = c->vision.start_token;
    for (int i = 0; i < n_image; i++)
        id[1 + i] = c->vision.image_token;
    id[1 + n_image] = c->vision.end_token;
    for (int i = 0; i < n_image + 2; i++)
        label[i] = QVL_IGNORE_INDEX;
    return (qvl_batch_source){
        .n_rows = n_rows, .row_len = ROW, .id = id, .label = label,
        .images = { .grid = grid, .n = 1, .n_patches = SIDE * SIDE,
                    .pixels = qvl_arena_array(arena, float,
                                              (size_t)SIDE * SIDE
                                              * (size_t)c->vision.patch_values) },
    };
}

/* Plan an optimizer step's program of so many rows, or that of their loss. */
static int plan_rows(qvl_plan *plan, const char *size, int n_rows, bool grads,
                     qvl_arena *arena, qvl_err *err)
{
    static const char *const output = "stat_sum";
    qvl_model_config c;
    qvl_batch batch;
    qvl_param_list params = { .arena = arena };
    qvl_program *program = qvl_arena_array(arena, qvl_program, 1);
    CHECK_OK(qvl_init_config(&c, size, arena, err), *err);
    c.arch->params(&params, &c.dims);
    bool *trained = qvl_arena_array(arena, bool, params.n);
    for (int i = 0; i < params.n; i++)
        trained[i] = params.item[i].same_as == -1;
    qvl_batch_source source = long_rows(&c, n_rows, arena);
    CHECK_OK(qvl_batch_make(&batch, &c, &source, arena, err), *err);
    qvl_program_init(program, params.n, c.arch->n_inputs, arena);
    c.arch->train(program, &batch.dims);
    const qvl_plan_options options = {
        .output = &output, .n_outputs = 1, .trained = grads ? trained : NULL,
        .types = { .act = QVL_F32, .res = QVL_F32 },
        .device = &ends_loops,
    };
    return qvl_plan_make(plan, program, &options, arena, err);
}

/* Every step of 32,768 tokens turns its loops as often as it may, or fewer. Of
 * experts that train fewer tokens fit: all uses may be those of one expert. */
static void test_loops(void)
{
    static const struct {
        const char *size;
        int n_rows;
        bool grads;
        const char *refused;  // kernel, NULL: none
    } cases[] = {
        { "2B", 8, true, NULL }, { "8B", 8, true, NULL },
        { "32B", 8, true, NULL }, { "30B-A3B", 8, false, NULL },
        { "30B-A3B", 1, true, NULL },
        { "30B-A3B", 8, true, "kernel expert_tn (line " },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena arena = { 0 };
        qvl_err err = { 0 };
        qvl_plan plan;
        int rc = plan_rows(&plan, cases[i].size, cases[i].n_rows,
                           cases[i].grads, &arena, &err);
        CHECK_INT(rc, cases[i].refused != NULL ? QVL_E_UNSUPPORTED : QVL_OK,
                  "%s: %s", cases[i].size, err.msg);
        if (cases[i].refused != NULL)
            CHECK_HAS(err.msg, cases[i].refused, "%s", cases[i].size);
        uint64_t most = 0;
        for (int s = 0; rc == QVL_OK && s < plan.n_steps; s++) {
            uint64_t turns;
            const qvl_planned *p = &plan.step[s];
            CHECK_OK(qvl_device_turns(&ends_loops, p->kernel, p->arg, &turns,
                                      &err), err);
            CHECK(turns <= TURNS, "%s: %s turns %llu times", cases[i].size,
                  p->kernel->op, (unsigned long long)turns);
            most = turns > most ? turns : most;
        }
        CHECK(rc != QVL_OK || most > TURNS / 2, "%s: %llu turns are few",
              cases[i].size, (unsigned long long)most);
        qvl_arena_release(&arena);
    }
}

RUN_TESTS(TEST(test_released), TEST(test_loops))
