/* tiny.c - the small model */
#include "tiny.h"

#include <string.h>

#include "base/half.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "check.h"
#include "tensor/safetensors.h"

/* ---- values ------------------------------------------------------------- */

void tiny_stream(const char *name, float *out, size_t n)
{
    uint64_t seed = qvl_rng_hash(name, strlen(name));
    for (size_t k = 0; k < n; k++) {
        uint64_t z = seed + (k + 1) * 0x9E3779B97F4A7C15u;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        z ^= z >> 31;
        out[k] = (float)(z >> 40) / 8388608.0f - 1.0f;
    }
}

static size_t elems(const qvl_arch_param *p)
{
    size_t n = 1;
    for (int k = 0; k < p->rank; k++)
        n *= p->shape[k];
    return n;
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* value = offset + scale * u. */
static void scale_of(const qvl_arch_param *p, float *offset, float *scale)
{
    *offset = 0.0f;
    *scale = 1.0f;
    if (p->rank == 1) {
        bool is_bias = ends_in(p->name, "bias");
        *offset = is_bias ? 0.0f : 1.0f;
        *scale = is_bias ? 0.125f : 0.25f;
    } else if (!ends_in(p->name, "embed_tokens.weight")
               && !ends_in(p->name, "pos_embed.weight")) {
        size_t inner = elems(p) / p->shape[0];
        int bits = 0;
        while (inner >> bits != 0)
            bits++;
        *scale = ldexpf(1.0f, 1 - (bits - 1) / 2);
    }
}

void tiny_weights(const qvl_arch_param *p, float *out)
{
    float offset, scale;
    scale_of(p, &offset, &scale);
    tiny_stream(p->name, out, elems(p));
    for (size_t i = 0; i < elems(p); i++)
        out[i] = offset + scale * out[i];
}

/* ---- configuration ------------------------------------------------------ */

const char tiny_config[] =
    "{\"model_type\": \"qwen3_vl\", \"image_token_id\": 190,\n"
    " \"video_token_id\": 191, \"vision_start_token_id\": 192,\n"
    " \"vision_end_token_id\": 193, \"tie_word_embeddings\": false,\n"
    " \"text_config\": {\"vocab_size\": 200, \"hidden_size\": 96,\n"
    "  \"intermediate_size\": 160, \"num_hidden_layers\": 5,\n"
    "  \"num_attention_heads\": 4, \"num_key_value_heads\": 2,\n"
    "  \"head_dim\": 128, \"hidden_act\": \"silu\", \"rms_norm_eps\": 1e-06,\n"
    "  \"rope_theta\": 5000000, \"max_position_embeddings\": 262144,\n"
    "  \"rope_scaling\": {\"rope_type\": \"default\",\n"
    "   \"mrope_section\": [24, 20, 20], \"mrope_interleaved\": true},\n"
    "  \"eos_token_id\": 199, \"dtype\": \"float32\"},\n"
    " \"vision_config\": {\"depth\": 6, \"hidden_size\": 144,\n"
    "  \"intermediate_size\": 200, \"num_heads\": 2, \"in_channels\": 3,\n"
    "  \"patch_size\": 16, \"temporal_patch_size\": 2,\n"
    "  \"spatial_merge_size\": 2, \"out_hidden_size\": 96,\n"
    "  \"num_position_embeddings\": 2304,\n"
    "  \"deepstack_visual_indexes\": [1, 3, 4],\n"
    "  \"hidden_act\": \"gelu_pytorch_tanh\"}}\n";

/* ---- the architecture --------------------------------------------------- */

#define TEXT "text_config."
#define VISION "vision_config."

enum { V, H, I, L, NH, NKV, HD, EPS, TIED, DEPTH, VH, VI, NV, TABLE, TAPS,
       P, T, M, R, Q, C };

static const qvl_arch_dim dims[] = {
    [V] = { "V", QVL_DIM_INT, QVL_DIM_CONFIG, TEXT "vocab_size", 0 },
    [H] = { "H", QVL_DIM_INT, QVL_DIM_CONFIG, TEXT "hidden_size", 0 },
    [I] = { "I", QVL_DIM_INT, QVL_DIM_CONFIG, TEXT "intermediate_size", 0 },
    [L] = { "L", QVL_DIM_INT, QVL_DIM_CONFIG, TEXT "num_hidden_layers", 0 },
    [NH] = { "nh", QVL_DIM_INT, QVL_DIM_CONFIG, TEXT "num_attention_heads",
             0 },
    [NKV] = { "nkv", QVL_DIM_INT, QVL_DIM_CONFIG, TEXT "num_key_value_heads",
              0 },
    [HD] = { "hd", QVL_DIM_INT, QVL_DIM_CONFIG, TEXT "head_dim", 0 },
    [EPS] = { "eps", QVL_DIM_FLOAT, QVL_DIM_CONFIG, TEXT "rms_norm_eps", 0 },
    [TIED] = { "tied", QVL_DIM_BOOL, QVL_DIM_CONFIG, "tie_word_embeddings",
               0 },
    [DEPTH] = { "depth", QVL_DIM_INT, QVL_DIM_CONFIG, VISION "depth", 0 },
    [VH] = { "h", QVL_DIM_INT, QVL_DIM_CONFIG, VISION "hidden_size", 0 },
    [VI] = { "i", QVL_DIM_INT, QVL_DIM_CONFIG, VISION "intermediate_size",
             0 },
    [NV] = { "nv", QVL_DIM_INT, QVL_DIM_CONFIG, VISION "num_heads", 0 },
    [TABLE] = { "table", QVL_DIM_INT, QVL_DIM_CONFIG,
                VISION "num_position_embeddings", 0 },
    [TAPS] = { "taps", QVL_DIM_LIST, QVL_DIM_CONFIG,
               VISION "deepstack_visual_indexes", 0 },
    [P] = { "P", QVL_DIM_INT, QVL_DIM_DERIVED, NULL, 0 },
    [T] = { "T", QVL_DIM_INT, QVL_DIM_BATCH, NULL, 0 },
    [M] = { "M", QVL_DIM_INT, QVL_DIM_BATCH, NULL, 0 },
    [R] = { "R", QVL_DIM_INT, QVL_DIM_BATCH, NULL, 0 },
    [Q] = { "Q", QVL_DIM_INT, QVL_DIM_BATCH, NULL, 0 },
    [C] = { "C", QVL_DIM_INT, QVL_DIM_BATCH, NULL, 0 },
};

enum { PIXELS, POS, POS_WEIGHT, POS_START, POS_ENTRY, PATCH_ANGLES,
       PATCH_RANGE, TOKEN, TOKEN_WEIGHT, TOKEN_START, TOKEN_ENTRY,
       VISION_ROW, TEXT_ANGLES, TEXT_RANGE, LOGIT_ROW, LOSS_ROW, LABEL,
       LOSS_SCALE, N_INPUTS };

static const qvl_arch_input inputs[] = {
    [PIXELS] = { "pixel_values", QVL_INPUT_F32, -1 },
    [POS] = { "pos", QVL_INPUT_INDEX, -1 },
    [POS_WEIGHT] = { "pos.weight", QVL_INPUT_WEIGHT, POS },
    [POS_START] = { "pos.start", QVL_INPUT_START, POS },
    [POS_ENTRY] = { "pos.entry", QVL_INPUT_ENTRY, POS },
    [PATCH_ANGLES] = { "patch_angles", QVL_INPUT_ANGLES, -1 },
    [PATCH_RANGE] = { "patch_range", QVL_INPUT_RANGE, -1 },
    [TOKEN] = { "token", QVL_INPUT_INDEX, -1 },
    [TOKEN_WEIGHT] = { "token.weight", QVL_INPUT_WEIGHT, TOKEN },
    [TOKEN_START] = { "token.start", QVL_INPUT_START, TOKEN },
    [TOKEN_ENTRY] = { "token.entry", QVL_INPUT_ENTRY, TOKEN },
    [VISION_ROW] = { "vision_row", QVL_INPUT_INDEX, -1 },
    [TEXT_ANGLES] = { "text_angles", QVL_INPUT_ANGLES, -1 },
    [TEXT_RANGE] = { "text_range", QVL_INPUT_RANGE, -1 },
    [LOGIT_ROW] = { "logit_row", QVL_INPUT_INDEX, -1 },
    [LOSS_ROW] = { "loss_row", QVL_INPUT_INDEX, -1 },
    [LABEL] = { "label", QVL_INPUT_I32, -1 },
    [LOSS_SCALE] = { "loss_scale", QVL_INPUT_F32, -1 },
};

static int derive(qvl_dims *d, qvl_err *err)
{
    if (d->i[NH] % d->i[NKV] != 0)
        return qvl_fail(err, QVL_E_MODEL, "nh %% nkv == 0 does not hold");
    d->i[P] = d->i[M] * 4;
    return QVL_OK;
}

static void index_sizes(qvl_input_size *size, int first, size_t rows,
                        size_t cols, size_t n_table)
{
    size[first] = (qvl_input_size){ rows * cols, cols, n_table };
    size[first + 1] = (qvl_input_size){ rows * cols, cols, 0 };
    size[first + 2] = (qvl_input_size){ n_table + 1, 1, 0 };
    size[first + 3] = (qvl_input_size){ rows * cols, cols, 0 };
}

static void input_sizes(qvl_input_size *size, const qvl_dims *d)
{
    size_t p = (size_t)d->i[P], t = (size_t)d->i[T], r = (size_t)d->i[R];
    size_t a = (size_t)d->i[HD] / 2;
    size_t b = (size_t)(d->i[VH] / d->i[NV]) / 2;
    size[PIXELS] = (qvl_input_size){ p * 1536, 1536, 0 };
    index_sizes(size, POS, p, 4, (size_t)d->i[TABLE]);
    size[PATCH_ANGLES] = (qvl_input_size){ p * 2 * b, b, 0 };
    size[PATCH_RANGE] = (qvl_input_size){ p * 4, 4, 0 };
    index_sizes(size, TOKEN, t, 1, (size_t)d->i[V]);
    size[VISION_ROW] = (qvl_input_size){ t, 1, (size_t)d->i[M] };
    size[TEXT_ANGLES] = (qvl_input_size){ t * 2 * a, a, 0 };
    size[TEXT_RANGE] = (qvl_input_size){ t * 4, 4, 0 };
    size[LOGIT_ROW] = (qvl_input_size){ (size_t)d->i[Q], 1, t };
    size[LOSS_ROW] = (qvl_input_size){ r, 1, t };
    size[LABEL] = (qvl_input_size){ r, 1, 0 };
    size[LOSS_SCALE] = (qvl_input_size){ 1, 1, 0 };
}

/* ---- parameters --------------------------------------------------------- */

static void add(qvl_param_list *list, const char *group, const char *name,
                size_t rows, size_t cols)
{
    size_t shape[2] = { rows, cols };
    qvl_param_list_add(list, name, group, cols > 0 ? 2 : 1, shape, -1, false);
}

/* A weight [out, in] (a norm's when in is 0) with its bias [out]. */
static void add_biased(qvl_param_list *list, const char *group,
                       const char *name, size_t out, size_t in)
{
    add(list, group, qvl_arena_printf(list->arena, "%s.weight", name), out,
        in);
    add(list, group, qvl_arena_printf(list->arena, "%s.bias", name), out, 0);
}

static void add_vision(qvl_param_list *list, const qvl_dims *d)
{
    const char *g = "vision";
    size_t h = (size_t)d->i[VH], i = (size_t)d->i[VI];
    qvl_param_list_add(list, "model.visual.patch_embed.proj.weight", g, 5,
                       (size_t[]){ h, 3, 2, 16, 16 }, -1, false);
    add(list, g, "model.visual.patch_embed.proj.bias", h, 0);
    add(list, g, "model.visual.pos_embed.weight", (size_t)d->i[TABLE], h);
    for (int b = 0; b < d->i[DEPTH]; b++) {
        const char *at =
            qvl_arena_printf(list->arena, "model.visual.blocks.%d", b);
#define AT(name) qvl_arena_printf(list->arena, "%s." name, at)
        add_biased(list, g, AT("norm1"), h, 0);
        add_biased(list, g, AT("attn.qkv"), 3 * h, h);
        add_biased(list, g, AT("attn.proj"), h, h);
        add_biased(list, g, AT("norm2"), h, 0);
        add_biased(list, g, AT("mlp.linear_fc1"), i, h);
        add_biased(list, g, AT("mlp.linear_fc2"), h, i);
    }
}

static void add_aligner(qvl_param_list *list, const qvl_dims *d)
{
    const char *g = "aligner";
    size_t h = (size_t)d->i[VH], out = (size_t)d->i[H];
    for (int k = -1; k < d->n_list[0]; k++) {
        const char *at =
            k < 0 ? "model.visual.merger"
                  : qvl_arena_printf(list->arena,
                                     "model.visual.deepstack_merger_list.%d",
                                     k);
        add_biased(list, g, AT("norm"), k < 0 ? h : 4 * h, 0);
        add_biased(list, g, AT("linear_fc1"), 4 * h, 4 * h);
        add_biased(list, g, AT("linear_fc2"), out, 4 * h);
    }
}

static void add_text(qvl_param_list *list, const qvl_dims *d)
{
    const char *g = "text";
    size_t v = (size_t)d->i[V], h = (size_t)d->i[H], i = (size_t)d->i[I];
    size_t hd = (size_t)d->i[HD];
    size_t q = (size_t)d->i[NH] * hd, kv = (size_t)d->i[NKV] * hd;
    int embed = list->n;
    add(list, g, "model.language_model.embed_tokens.weight", v, h);
    for (int l = 0; l < d->i[L]; l++) {
        const char *at = qvl_arena_printf(
            list->arena, "model.language_model.layers.%d", l);
        add(list, g, AT("input_layernorm.weight"), h, 0);
        add(list, g, AT("self_attn.q_proj.weight"), q, h);
        add(list, g, AT("self_attn.k_proj.weight"), kv, h);
        add(list, g, AT("self_attn.v_proj.weight"), kv, h);
        add(list, g, AT("self_attn.q_norm.weight"), hd, 0);
        add(list, g, AT("self_attn.k_norm.weight"), hd, 0);
        add(list, g, AT("self_attn.o_proj.weight"), h, q);
        add(list, g, AT("post_attention_layernorm.weight"), h, 0);
        add(list, g, AT("mlp.gate_proj.weight"), i, h);
        add(list, g, AT("mlp.up_proj.weight"), i, h);
        add(list, g, AT("mlp.down_proj.weight"), h, i);
    }
    add(list, g, "model.language_model.norm.weight", h, 0);
    qvl_param_list_add(list, "lm_head.weight", g, 2, (size_t[]){ v, h },
                       d->i[TIED] ? embed : -1, false);
}

static void params_of(qvl_param_list *list, const qvl_dims *d)
{
    add_vision(list, d);
    add_aligner(list, d);
    add_text(list, d);
}

static const char *const model_types[] = { "qwen3_vl" };

const qvl_arch tiny_arch = {
    .name = "tiny",
    .model_type = model_types,
    .n_model_types = 1,
    .dim = dims,
    .n_dims = (int)QVL_COUNT(dims),
    .input = inputs,
    .n_inputs = N_INPUTS,
    .derive = derive,
    .params = params_of,
    .input_sizes = input_sizes,
};

void tiny_open(qvl_model_config *config, qvl_param_list *params,
               const char *text, qvl_arena *arena)
{
    qvl_err err = { 0 };
    qvl_node *root;
    CHECK_OK(qvl_json_parse(&root, text, strlen(text), "config.json", arena,
                            &err),
             err);
    CHECK_OK(qvl_model_config_read(config, root, &tiny_arch, arena, &err),
             err);
    *params = (qvl_param_list){ .arena = arena };
    tiny_arch.params(params, &config->dims);
}

/* ---- folders ------------------------------------------------------------ */

static const char *file_name(const qvl_arch_param *p, const tiny_folder *f,
                             qvl_arena *arena)
{
    if (p->same_as != -1 && f->rename == NULL)
        return "";
    return f->rename != NULL ? f->rename(p->name, arena) : p->name;
}

static void write_tensor(qvl_st_writer *w, const qvl_arch_param *p, int dtype,
                         qvl_arena *arena)
{
    qvl_err err = { 0 };
    size_t n = elems(p);
    float *full = qvl_arena_array(arena, float, n);
    uint16_t *half = qvl_arena_array(arena, uint16_t, n);
    tiny_weights(p, full);
    for (size_t i = 0; i < n; i++)
        half[i] = qvl_f32_to_bf16(full[i]);
    if (dtype == QVL_F32)
        CHECK_OK(qvl_st_writer_write(w, full, n * sizeof *full, &err), err);
    else
        CHECK_OK(qvl_st_writer_write(w, half, n * sizeof *half, &err), err);
}

/* Parameters number part, part + parts, ... in one file. */
static void write_file(const char *path, const qvl_param_list *params,
                       const tiny_folder *f, int part, int parts,
                       qvl_arena *arena)
{
    qvl_err err = { 0 };
    qvl_st_writer *w;
    CHECK_OK(qvl_st_writer_open(&w, path, &err), err);
    for (int pass = 0; pass < 2; pass++)
        for (int i = part; i < params->n; i += parts) {
            const qvl_arch_param *p = &params->item[i];
            const char *name = file_name(p, f, arena);
            if (name[0] == '\0')
                continue;
            if (pass == 0)
                CHECK_OK(qvl_st_writer_declare(w, name, f->dtype, p->shape,
                                               p->rank, &err),
                         err);
            else
                write_tensor(w, p, f->dtype, arena);
        }
    CHECK_OK(qvl_st_writer_commit(w, &err), err);
}

static void write_index(const char *dir, const qvl_param_list *params,
                        const tiny_folder *f, qvl_arena *arena)
{
    qvl_err err = { 0 };
    const char *text = "{\"metadata\": {}, \"weight_map\": {";
    const char *sep = "";
    for (int i = 0; i < params->n; i++) {
        const char *name = file_name(&params->item[i], f, arena);
        if (name[0] == '\0')
            continue;
        text = qvl_arena_printf(arena, "%s%s\"%s\": \"part%d.safetensors\"",
                                text, sep, name, i % f->n_files);
        sep = ", ";
    }
    text = qvl_arena_printf(arena, "%s}}", text);
    const char *path =
        qvl_arena_printf(arena, "%s/model.safetensors.index.json", dir);
    CHECK_OK(qvl_file_write_all(path, text, strlen(text), &err), err);
}

const char *tiny_write(const char *name, const qvl_param_list *params,
                       const tiny_folder *f)
{
    qvl_err err = { 0 };
    qvl_arena arena = { 0 };
    const char *dir = check_path(name);
    const char *config = f->config != NULL ? f->config : tiny_config;
    CHECK_OK(qvl_file_make_dirs(dir, &err), err);
    CHECK_OK(qvl_file_write_all(qvl_arena_printf(&arena, "%s/config.json",
                                                 dir),
                                config, strlen(config), &err),
             err);
    int n = f->n_files > 1 ? f->n_files : 1;
    for (int k = 0; k < n; k++) {
        const char *path =
            n == 1 ? qvl_arena_printf(&arena, "%s/model.safetensors", dir)
                   : qvl_arena_printf(&arena, "%s/part%d.safetensors", dir,
                                      k);
        write_file(path, params, f, k, n, &arena);
    }
    if (n > 1)
        write_index(dir, params, f, &arena);
    qvl_arena_release(&arena);
    return dir;
}

/* ---- the batch ---------------------------------------------------------- */

const int64_t tiny_ids[TINY_TOKENS] = {
    5,   6,   7,   192, 190, 190, 190, 190, 190, 190, 193, 9,   10,  11,
    12,  192, 191, 191, 191, 191, 193, 13,  14,  192, 191, 191, 191, 191,
    193, 15,  192, 190, 190, 190, 190, 190, 193, 20,  21,  22,  23,
};
const int64_t tiny_image_grid[2][3] = { { 1, 4, 6 }, { 1, 10, 2 } };
const int64_t tiny_video_grid[1][3] = { { 2, 4, 4 } };

const int32_t tiny_positions[3][TINY_TOKENS] = {
    { 0,  1,  2,  3,  4,  4,  4,  4,  4,  4,  7,  8,  9,  10,
      11, 12, 13, 13, 13, 13, 15, 16, 17, 18, 19, 19, 19, 19,
      21, 22, 23, 24, 24, 24, 24, 24, 29, 30, 31, 32, 33 },
    { 0,  1,  2,  3,  4,  4,  4,  5,  5,  5,  7,  8,  9,  10,
      11, 12, 13, 13, 14, 14, 15, 16, 17, 18, 19, 19, 20, 20,
      21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33 },
    { 0,  1,  2,  3,  4,  5,  6,  4,  5,  6,  7,  8,  9,  10,
      11, 12, 13, 14, 13, 14, 15, 16, 17, 18, 19, 20, 19, 20,
      21, 22, 23, 24, 24, 24, 24, 24, 29, 30, 31, 32, 33 },
};
