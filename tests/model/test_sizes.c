/* test_sizes.c - parameters of the released sizes, counted from their configs
 *
 * Widths, layers, heads and the tied head of a config lead to the numbers of
 * parameters that are published, so the layer spec has every tensor, each once.
 */
#include "check.h"

#include "base/json.h"
#include "model/checkpoint.h"
#include "model/config.h"

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

RUN_TESTS(TEST(test_released))
