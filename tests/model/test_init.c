/* test_init.c - how weights are drawn: what ends a branch, what does not */
#include "check.h"

#include <math.h>

#include "base/file.h"
#include "model/init.h"
#include "tensor/dtype.h"
#include "tensor/safetensors.h"

static const char text_size[] =
    "config:\n"
    "  model_type: qwen3\n"
    "  dtype: float32\n"
    "  vocab_size: 40\n"
    "  hidden_size: 64\n"
    "  intermediate_size: 96\n"
    "  num_hidden_layers: 8\n"
    "  num_attention_heads: 4\n"
    "  num_key_value_heads: 2\n"
    "  head_dim: 16\n"
    "  rms_norm_eps: 1.0e-6\n"
    "  rope_theta: 10000\n"
    "  tie_word_embeddings: true\n"
    "  bos_token_id: 7\n"
    "  eos_token_id: 9\n"
    "init: {linear: fan_in, embedding: 0.125, positions: sine}\n";

static const char picture_size[] =
    "config:\n"
    "  model_type: qwen3_vl\n"
    "  dtype: float32\n"
    "  image_token_id: 36\n"
    "  video_token_id: 37\n"
    "  vision_start_token_id: 33\n"
    "  vision_end_token_id: 34\n"
    "  tie_word_embeddings: true\n"
    "  text_config:\n"
    "    model_type: qwen3_vl_text\n"
    "    vocab_size: 40\n"
    "    hidden_size: 64\n"
    "    intermediate_size: 96\n"
    "    num_hidden_layers: 8\n"
    "    num_attention_heads: 2\n"
    "    num_key_value_heads: 2\n"
    "    head_dim: 32\n"
    "    rms_norm_eps: 1.0e-6\n"
    "    rope_theta: 10000\n"
    "    rope_scaling: {mrope_interleaved: true, mrope_section: [6, 5, 5]}\n"
    "    bos_token_id: 7\n"
    "    eos_token_id: 9\n"
    "  vision_config:\n"
    "    model_type: qwen3_vl\n"
    "    depth: 2\n"
    "    hidden_size: 64\n"
    "    intermediate_size: 128\n"
    "    num_heads: 4\n"
    "    in_channels: 3\n"
    "    patch_size: 4\n"
    "    temporal_patch_size: 2\n"
    "    spatial_merge_size: 2\n"
    "    out_hidden_size: 64\n"
    "    num_position_embeddings: 16\n"
    "    deepstack_visual_indexes: [1]\n"
    "processor: {patch_size: 4, temporal_patch_size: 2, merge_size: 2}\n"
    "init: {linear: fan_in, embedding: 0.125, positions: sine}\n";

/* Root of the mean square of a tensor of a folder. */
static double rms_of(const char *folder, const char *name)
{
    qvl_arena arena = { 0 };
    qvl_err err = { 0 };
    qvl_st *file;
    double sum = 0.0;
    CHECK_OK(qvl_st_open(&file, qvl_arena_printf(&arena, "%s/model.safetensors",
                                                 folder), &err), err);
    const qvl_st_tensor *t = qvl_st_find(file, name);
    CHECK(t != NULL, "%s is there", name);
    CHECK_INT(t->dtype, QVL_F32, "%s", name);
    float *w = qvl_arena_array(&arena, float, t->n_elems);
    CHECK_OK(qvl_st_to_f32(t, w, &err), err);
    for (size_t i = 0; i < t->n_elems; i++)
        sum += (double)w[i] * w[i];
    double rms = sqrt(sum / (double)t->n_elems);
    qvl_st_close(file);
    qvl_arena_release(&arena);
    return rms;
}

static void check_rms(const char *folder, const char *name, double want)
{
    double found = rms_of(folder, name);
    CHECK(fabs(found / want - 1.0) < 0.05, "%s: found %g, wanted %g", name,
          found, want);
}

/* The folder of a model of that size. */
static const char *folder_of(const char *name, const char *text)
{
    qvl_err err = { 0 };
    const char *folder = check_path(name);
    const char *size = check_path("size.yaml");
    CHECK_OK(qvl_file_write_all(size, text, strlen(text), &err), err);
    qvl_init_options o = { .size = size, .output = folder, .seed = 1,
                           .dtype = -1 };
    CHECK_OK(qvl_init_model(&o, &err), err);
    CHECK_FAILS(qvl_init_model(&o, &err), QVL_E_USAGE, err, "there already");
    return folder;
}

/* fan_in: 1 / sqrt(inputs), at the end of a branch / sqrt(2 layers) as well. */
static void test_text_model(void)
{
    const char *folder = folder_of("text", text_size);
    check_rms(folder, "model.embed_tokens.weight", 0.125);
    check_rms(folder, "model.layers.0.self_attn.q_proj.weight", 1.0 / 8.0);
    check_rms(folder, "model.layers.7.mlp.up_proj.weight", 1.0 / 8.0);
    check_rms(folder, "model.layers.7.self_attn.o_proj.weight",
              1.0 / 8.0 / 4.0);
    check_rms(folder, "model.layers.3.mlp.down_proj.weight",
              1.0 / sqrt(96.0) / 4.0);
    check_rms(folder, "model.norm.weight", 1.0);
}

/* The tower counts its own blocks; what joins the two ends no branch. */
static void test_picture_model(void)
{
    const char *folder = folder_of("picture", picture_size);
    check_rms(folder, "model.language_model.layers.0.self_attn.o_proj.weight",
              1.0 / 8.0 / 4.0);
    check_rms(folder, "model.visual.blocks.0.attn.qkv.weight", 1.0 / 8.0);
    check_rms(folder, "model.visual.blocks.0.attn.proj.weight",
              1.0 / 8.0 / 2.0);
    check_rms(folder, "model.visual.blocks.1.mlp.linear_fc2.weight",
              1.0 / sqrt(128.0) / 2.0);
    check_rms(folder, "model.visual.merger.linear_fc2.weight", 1.0 / 16.0);
    check_rms(folder, "model.visual.deepstack_merger_list.0.linear_fc2.weight",
              1.0 / 16.0);
    check_rms(folder, "model.visual.patch_embed.proj.weight",
              1.0 / sqrt(3.0 * 2.0 * 4.0 * 4.0));
}

RUN_TESTS(TEST(test_text_model), TEST(test_picture_model))
