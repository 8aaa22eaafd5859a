/* test_config.c - config.json: what is read, and every mistake that is told */
#include "check.h"
#include "find_arch.h"
#include "model/config.h"

#include "base/file.h"
#include "base/json.h"
#include "tensor/dtype.h"
#include "tiny.h"

/* The tiny config with one part of its text replaced. */
static const char *edited(const char *from, const char *to, qvl_arena *arena)
{
    const char *at = strstr(tiny_config, from);
    CHECK(at != NULL, "%s is not in the config", from);
    return qvl_arena_printf(arena, "%.*s%s%s", (int)(at - tiny_config),
                            tiny_config, to, at + strlen(from));
}

static int read_text(qvl_model_config *c, const char *text, qvl_arena *arena,
                     qvl_err *err)
{
    qvl_node *root;
    CHECK_OK(qvl_json_parse(&root, text, strlen(text), "config.json", arena,
                            err),
             *err);
    return qvl_model_config_read(c, root, &tiny_arch, arena, err);
}

static int64_t dim(const qvl_model_config *c, const char *name)
{
    return c->dims.i[find_dim(c->arch, name)];
}

static void test_values(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_model_config c;
    CHECK_OK(read_text(&c, tiny_config, &arena, &err), err);
    CHECK_INT(dim(&c, "V"), 200, "V");
    CHECK_INT(dim(&c, "h"), 144, "h");
    CHECK_INT(dim(&c, "tied"), 0, "tied");
    CHECK(c.dims.f[find_dim(c.arch, "eps")] == 1e-6, "eps");
    CHECK(c.dims.n_list[0] == 3 && c.dims.list[0][2] == 4, "taps");
    CHECK(c.rope.type == QVL_ROPE_DEFAULT && c.rope.theta == 5e6
              && c.rope.dim == 128 && c.rope.section[1] == 20,
          "rope");
    CHECK(c.has_vision && c.vision.merge == 2 && c.vision.grid_side == 48
              && c.vision.patch_values == 1536 && c.vision.n_angles == 36
              && c.vision.image_token == 190 && c.vision.end_token == 193,
          "vision");
    CHECK(c.n_eos == 1 && c.eos[0] == 199, "eos");
    CHECK(c.dtype == QVL_F32 && c.max_positions == 262144, "the rest");
    qvl_arena_release(&arena);
}

static void test_spellings(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_model_config c;
    const char *text = edited("\"rope_theta\": 5000000,",
                              "\"rope_parameters\": {\"rope_theta\": 7e6, "
                              "\"rope_type\": \"default\"},",
                              &arena);
    CHECK_OK(read_text(&c, text, &arena, &err), err);
    CHECK(c.rope.theta == 7e6 && c.rope.section[0] == 0, "rope_parameters");

    text = edited("{\"rope_type\": \"default\"", "{\"type\": \"default\"",
                  &arena);
    CHECK_OK(read_text(&c, text, &arena, &err), err);
    CHECK_INT(c.rope.section[0], 24, "type");

    text = edited("\"eos_token_id\": 199", "\"eos_token_id\": [3, 199]",
                  &arena);
    CHECK_OK(read_text(&c, text, &arena, &err), err);
    CHECK(c.n_eos == 2 && c.eos[1] == 199, "list of eos");

    text = edited("\"eos_token_id\": 199, \"dtype\"",
                  "\"eos_token_id\": null, \"torch_dtype\"", &arena);
    CHECK_OK(read_text(&c, text, &arena, &err), err);
    CHECK(c.n_eos == 0 && c.dtype == QVL_F32, "null and torch_dtype");

    text = edited("\"rope_type\": \"default\",",
                  "\"rope_type\": \"yarn\", \"factor\": 3.0, "
                  "\"original_max_position_embeddings\": 262144,",
                  &arena);
    CHECK_OK(read_text(&c, text, &arena, &err), err);
    CHECK(c.rope.type == QVL_ROPE_YARN && c.rope.factor == 3.0
              && c.rope.beta_fast == 32.0,
          "yarn");
    qvl_arena_release(&arena);
}

static void test_tied(void)
{
    static const struct {
        const char *top, *text;
        bool tied;
    } cases[] = {
        { "\"tie_word_embeddings\": true,", "", true },
        { "\"tie_word_embeddings\": false,",
          "\"tie_word_embeddings\": true,", false },
        { "", "\"tie_word_embeddings\": true,", true },
        { "\"tie_word_embeddings\": null,",
          "\"tie_word_embeddings\": true,", true },
        { "", "", false },
    };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err = { 0 };
        qvl_model_config c;
        const char *from = "\"tie_word_embeddings\": false,\n "
                           "\"text_config\": {";
        const char *to = qvl_arena_printf(&arena, "%s\"text_config\": {%s",
                                          cases[i].top, cases[i].text);
        CHECK_OK(read_text(&c, edited(from, to, &arena), &arena, &err), err);
        CHECK_INT(c.tied, cases[i].tied, "case %zu", i);
        CHECK_INT(dim(&c, "tied"), cases[i].tied, "case %zu", i);
    }
    qvl_arena_release(&arena);
}

static void test_mistakes(void)
{
    static const struct {
        const char *from, *to, *part;
    } cases[] = {
        { "\"hidden_size\": 96,", "",
          "hidden_size (config.json): found nothing" },
        { "\"hidden_size\": 96", "\"hidden_size\": \"96\"",
          "found string 96, expected a whole number above 0" },
        { "\"vocab_size\": 200", "\"vocab_size\": 0", "vocab_size" },
        { "\"vocab_size\": 200", "\"vocab_size\": null",
          "text_config.vocab_size (config.json): found nothing" },
        { "\"vocab_size\": 200", "\"size\": 200",
          "text_config.vocab_size (config.json): found nothing" },
        { "\"num_heads\": 2,", "",
          "vision_config.num_heads (config.json): found nothing" },
        { "\"num_hidden_layers\": 5", "\"num_hidden_layers\": 2.5",
          "num_hidden_layers (config.json:5:" },
        { "\"rope_theta\": 5000000,", "", "rope_theta" },
        { "\"rope_type\": \"default\"", "\"rope_type\": \"linear\"",
          "found string linear, expected default or yarn" },
        { "\"rope_type\": \"default\"", "\"rope_type\": \"yarn\"",
          "factor (config.json): found nothing" },
        { "[24, 20, 20]", "[24, 20, 21]", "found a sum of 65" },
        { "[24, 20, 20]", "[24, 40]", "three whole numbers" },
        { "\"mrope_interleaved\": true", "\"mrope_interleaved\": false",
          "mrope_interleaved" },
        { "\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\"",
          "found string gelu, expected silu" },
        { "gelu_pytorch_tanh", "gelu", "vision_config.hidden_act" },
        { "\"head_dim\": 128", "\"head_dim\": 128, \"attention_bias\": true",
          "attention_bias" },
        { "[1, 3, 4]", "[1, 4, 3]", "increasing numbers below depth" },
        { "[1, 3, 4]", "[1, 3, 6]", "increasing numbers below depth" },
        { "\"out_hidden_size\": 96", "\"out_hidden_size\": 64",
          "out_hidden_size" },
        { "\"num_heads\": 2", "\"num_heads\": 8", "multiple of 4" },
        { "2304", "2303", "a square number" },
        { "\"image_token_id\": 190", "\"image_token_id\": 200",
          "an id below vocab_size" },
        { "\"video_token_id\": 191,", "", "video_token_id" },
        { "\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3",
          "nh % nkv == 0" },
        { "\"dtype\": \"float32\"", "\"dtype\": \"float31\"", "dtype" },
        { "\"eos_token_id\": 199", "\"eos_token_id\": 1000",
          "eos_token_id" },
        { "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": 1",
          "true or false" },
        { "1e-06", "0", "a number above 0" },
        { "\"model_type\": \"qwen3_vl\"", "\"model_type\": 3",
          "model_type" },
    };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err = { 0 };
        qvl_model_config c;
        const char *text = edited(cases[i].from, cases[i].to, &arena);
        CHECK_FAILS(read_text(&c, text, &arena, &err), QVL_E_MODEL, err,
                    cases[i].part);
    }
    qvl_arena_release(&arena);
}

static int derive_nothing(qvl_dims *d, qvl_err *err)
{
    (void)d;
    (void)err;
    return QVL_OK;
}

/* A text model keeps its values at the top, and has no tokens for pictures. */
static void test_flat(void)
{
    static const qvl_arch_dim dims[] = {
        { "H", QVL_DIM_INT, QVL_DIM_CONFIG, "hidden_size", 0 },
        { "tied", QVL_DIM_BOOL, QVL_DIM_CONFIG, "tie_word_embeddings", 0 },
    };
    static const char text[] =
        "{\"model_type\": \"qwen3\", \"hidden_size\": 8, \"vocab_size\": 9,"
        " \"head_dim\": 4, \"rope_theta\": 1e6, \"rope_scaling\": null,"
        " \"tie_word_embeddings\": true, \"unknown\": {\"a\": [1]}}";
    qvl_arch arch = { .name = "flat", .dim = dims,
                      .n_dims = (int)QVL_COUNT(dims),
                      .derive = derive_nothing };
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_node *root;
    qvl_model_config c;
    CHECK_OK(qvl_json_parse(&root, text, strlen(text), "config.json", &arena,
                            &err),
             err);
    CHECK_OK(qvl_model_config_read(&c, root, &arch, &arena, &err), err);
    CHECK(c.dims.i[0] == 8 && c.dims.i[1] == 1 && c.tied, "dims");
    CHECK(!c.has_vision && c.vision.image_token == -1, "vision");
    CHECK(c.rope.theta == 1e6 && c.rope.section[0] == 0, "rope");
    CHECK(c.dtype == -1 && c.n_eos == 0 && c.max_positions == 0, "absent");
    qvl_arena_release(&arena);
}

static void test_files(void)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_model_config c;
    CHECK_FAILS(qvl_model_config_load(&c, check_path("nowhere"), &arena,
                                      &err),
                QVL_E_MODEL, err, "nowhere): found");
    CHECK_FAILS(qvl_model_config_load(&c, check_dir(), &arena, &err),
                QVL_E_MODEL, err, "config.json");

    CHECK_OK(qvl_file_write_all(check_path("config.json"), "{\"a\": }", 7,
                                &err),
             err);
    CHECK_FAILS(qvl_model_config_load(&c, check_dir(), &arena, &err),
                QVL_E_MODEL, err, "config.json:1:");

    static const char other[] = "{\"model_type\": \"bert\"}";
    CHECK_OK(qvl_file_write_all(check_path("config.json"), other,
                                sizeof other - 1, &err),
             err);
    CHECK_FAILS(qvl_model_config_load(&c, check_dir(), &arena, &err),
                QVL_E_MODEL, err, "found bert, expected one of");
    qvl_arena_release(&arena);
}

/* A text model with experts in some layers; `layers` is what says in which. */
static int read_experts(qvl_model_config *c, const char *layers,
                        qvl_arena *arena, qvl_err *err)
{
    const char *text = qvl_arena_printf(
        arena,
        "{\"model_type\": \"qwen3_vl_moe\", \"image_token_id\": 1,"
        " \"video_token_id\": 2, \"vision_start_token_id\": 3,"
        " \"vision_end_token_id\": 4, \"text_config\": {\"vocab_size\": 9,"
        " \"hidden_size\": 8, \"intermediate_size\": 12,"
        " \"num_attention_heads\": 2, \"num_key_value_heads\": 1,"
        " \"head_dim\": 4, \"rms_norm_eps\": 1e-6, \"rope_theta\": 1e6,"
        " \"num_experts\": 3, \"num_experts_per_tok\": 2,"
        " \"moe_intermediate_size\": 5, %s}, \"vision_config\": {\"depth\": 1,"
        " \"hidden_size\": 8, \"intermediate_size\": 8, \"num_heads\": 2,"
        " \"in_channels\": 3, \"patch_size\": 2, \"temporal_patch_size\": 2,"
        " \"spatial_merge_size\": 2, \"out_hidden_size\": 8,"
        " \"num_position_embeddings\": 4, \"deepstack_visual_indexes\": []}}",
        layers);
    CHECK_OK(qvl_file_write_all(check_path("config.json"), text, strlen(text),
                                err), *err);
    return qvl_model_config_load(c, check_dir(), arena, err);
}

static bool has_param(const qvl_param_list *list, int layer, const char *name)
{
    char full[128];
    snprintf(full, sizeof full, "model.language_model.layers.%d.mlp.%s", layer,
             name);
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->item[i].name, full) == 0)
            return true;
    return false;
}

/* A layer has experts unless it is listed, and then every step-th; its weights
 * are named as the checkpoint of such a layer names them. */
static void test_experts(void)
{
    static const struct {
        const char *layers;
        const char *wanted;  // a letter a layer: experts or plain
    } cases[] = {
        { "\"num_hidden_layers\": 4, \"decoder_sparse_step\": 1,"
          " \"mlp_only_layers\": []", "eeee" },
        { "\"num_hidden_layers\": 5, \"decoder_sparse_step\": 2,"
          " \"mlp_only_layers\": [3]", "peppp" },
        { "\"num_hidden_layers\": 3, \"decoder_sparse_step\": 1,"
          " \"mlp_only_layers\": [2, 0, 7]", "pep" },
        { "\"num_hidden_layers\": 3, \"decoder_sparse_step\": 4,"
          " \"mlp_only_layers\": []", "ppp" },
    };
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_model_config c;
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_param_list list = { .arena = &arena };
        CHECK_OK(read_experts(&c, cases[i].layers, &arena, &err), err);
        c.arch->params(&list, &c.dims);
        for (int l = 0; cases[i].wanted[l] != '\0'; l++) {
            bool experts = cases[i].wanted[l] == 'e';
            CHECK_INT(has_param(&list, l, "gate.weight"), experts,
                      "case %zu, layer %d", i, l);
            CHECK_INT(has_param(&list, l, "experts.gate_up_proj"), experts,
                      "case %zu, layer %d", i, l);
            CHECK_INT(has_param(&list, l, "gate_proj.weight"), !experts,
                      "case %zu, layer %d", i, l);
            CHECK_INT(has_param(&list, l, "down_proj.weight"), !experts,
                      "case %zu, layer %d", i, l);
        }
    }
    CHECK_FAILS(read_experts(&c, "\"num_hidden_layers\": 4,"
                             " \"decoder_sparse_step\": 0,"
                             " \"mlp_only_layers\": []", &arena, &err),
                QVL_E_MODEL, err, "decoder_sparse_step");
    CHECK_FAILS(read_experts(&c, "\"num_hidden_layers\": 4,"
                             " \"decoder_sparse_step\": 1,"
                             " \"mlp_only_layers\": [-1]", &arena, &err),
                QVL_E_MODEL, err, "mlp_only_layers");
    CHECK_FAILS(read_experts(&c, "\"num_hidden_layers\": 300,"
                             " \"decoder_sparse_step\": 1,"
                             " \"mlp_only_layers\": []", &arena, &err),
                QVL_E_MODEL, err, "more than 256 values of sparse");
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_values), TEST(test_spellings), TEST(test_tied),
          TEST(test_mistakes), TEST(test_flat), TEST(test_files),
          TEST(test_experts))
