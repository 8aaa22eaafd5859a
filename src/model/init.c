/* init.c - weights drawn in chunks, written in order
 *
 * A chunk depends on the seed, the name of its tensor and its place, so threads
 * draw chunks in any order. What a failed run leaves is removed.
 */
#include "model/init.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/half.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/yaml.h"
#include "model/config.h"
#include "model/init_files.h"
#include "tensor/dtype.h"
#include "tensor/safetensors.h"

/* Written by the build from configs/model/. */
extern const char *const qvl_size_names[];
extern const char *const qvl_size_texts[];
extern const int qvl_n_sizes;

#define CHUNK 65536  // elements drawn by one stream

/* How weights are drawn; a negative deviation stands for the named scheme. */
typedef struct {
    double linear;     // < 0: fan_in
    double embedding;
    double positions;  // < 0: sine
} scheme;

typedef struct {
    const qvl_init_options *o;
    qvl_arena arena;
    qvl_node *size;
    scheme scheme;
    int dtype;
    char *part;  // folder while it is being written
    qvl_model_config config;
    qvl_param_list params;
    qvl_err *err;
} maker;

/* ---- the size ---- */

static int unknown_size(const char *size, qvl_err *err)
{
    qvl_str list = {0};
    for (int i = 0; i < qvl_n_sizes; i++)
        qvl_str_printf(&list, "%s%s", i ? ", " : "", qvl_size_names[i]);
    int rc = qvl_fail(err, QVL_E_USAGE,
                      "unknown size (--size): found '%s', expected one of %s, "
                      "or a .yaml file", size, list.p);
    qvl_str_release(&list);
    return rc;
}

static int read_size(qvl_node **node, const char *size, qvl_arena *arena,
                     qvl_err *err)
{
    size_t len = strlen(size);
    if (len > 5 && strcmp(size + len - 5, ".yaml") == 0) {
        char *text;
        QVL_TRY(qvl_file_read(size, &text, &len, arena, err));
        return qvl_yaml_parse(node, text, len, size, arena, err);
    }
    for (int i = 0; i < qvl_n_sizes; i++)
        if (strcmp(qvl_size_names[i], size) == 0)
            return qvl_yaml_parse(node, qvl_size_texts[i],
                                  strlen(qvl_size_texts[i]), size, arena, err);
    return unknown_size(size, err);
}

/* One of the maps of a size, which has something in it. */
static int find_map(const qvl_node **map, const qvl_node *size,
                    const char *name, const char *file, qvl_err *err)
{
    *map = qvl_node_find(size, name);
    if (*map != NULL && (*map)->kind == QVL_NODE_MAP && (*map)->n > 0)
        return QVL_OK;
    return qvl_fail(err, QVL_E_CONFIG, "size of a model (%s): found no map '%s', "
                    "expected config, processor and init", file, name);
}

int qvl_init_config(qvl_model_config *config, const char *size,
                    qvl_arena *arena, qvl_err *err)
{
    qvl_node *node;
    const qvl_node *root;
    const char *type;
    QVL_TRY(read_size(&node, size, arena, err));
    QVL_TRY(find_map(&root, node, "config", size, err));
    const qvl_node *name = qvl_node_find(root, "model_type");
    const qvl_arch *arch = qvl_node_as_string(name, &type)
                               ? qvl_arch_for(type) : NULL;
    if (arch == NULL)
        return qvl_fail(err, QVL_E_MODEL, "model_type (%s): found %s, expected "
                        "that of an architecture of this build", size,
                        name != NULL && name->s != NULL ? name->s : "nothing");
    return qvl_model_config_read(config, root, arch, arena, err);
}

/* A deviation, or the word that stands for another scheme. */
static int read_scheme_key(const maker *m, const char *path, const char *word,
                           double *out)
{
    const qvl_node *n = qvl_node_path(m->size, path);
    const char *text;
    if (word && qvl_node_as_string(n, &text) && strcmp(text, word) == 0) {
        *out = -1.0;
        return QVL_OK;
    }
    if (n && qvl_node_as_float(n, out) && *out >= 0.0)
        return QVL_OK;
    return qvl_fail(m->err, QVL_E_CONFIG,
                    "how weights are drawn (%s, %s): found %s, expected a "
                    "standard deviation%s%s",
                    m->o->size, path, n && n->s ? n->s : "nothing",
                    word ? " or " : "", word ? word : "");
}

/* The type of the weights: as asked for, else as the size says. */
static int choose_dtype(maker *m, const qvl_node *config)
{
    const qvl_node *n = qvl_node_find(config, "dtype");
    const char *text;
    if (!qvl_node_as_string(n, &text))
        return qvl_node_fail(n != NULL ? n : config, m->err, QVL_E_CONFIG,
                             "dtype: found %s, expected float32, bfloat16 or "
                             "float16",
                             n == NULL        ? "none"
                             : n->s != NULL ? n->s
                                            : qvl_node_kind_name(n->kind));
    m->dtype = m->o->dtype;
    if (m->dtype < 0)
        QVL_TRY(qvl_dtype_parse(text, &m->dtype, m->err));
    if (m->dtype == QVL_F32 || m->dtype == QVL_BF16 || m->dtype == QVL_F16)
        return QVL_OK;
    return qvl_fail(m->err, QVL_E_USAGE, "type of the weights: found %s, "
                    "expected f32, bf16 or f16", qvl_dtype_name(m->dtype));
}

static int check_size(maker *m)
{
    const qvl_node *config, *map;
    const char *file = m->o->size;
    QVL_TRY(find_map(&config, m->size, "config", file, m->err));
    if (qvl_node_given(config, "vision_config") != NULL)
        QVL_TRY(find_map(&map, m->size, "processor", file, m->err));
    QVL_TRY(find_map(&map, m->size, "init", file, m->err));
    QVL_TRY(read_scheme_key(m, "init.linear", "fan_in", &m->scheme.linear));
    QVL_TRY(read_scheme_key(m, "init.embedding", NULL, &m->scheme.embedding));
    QVL_TRY(
        read_scheme_key(m, "init.positions", "sine", &m->scheme.positions));
    return choose_dtype(m, config);
}

/* ---- weights ---- */

static bool ends_with(const char *name, const char *tail)
{
    size_t n = strlen(name);
    size_t k = strlen(tail);
    return n >= k && strcmp(name + n - k, tail) == 0;
}

static size_t n_elems(const qvl_arch_param *p)
{
    size_t n = 1;
    for (int i = 0; i < p->rank; i++)
        n *= p->shape[i];
    return n;
}

/* Layers of the tower whose residual branch the matrix ends; 0: it ends none. */
static int64_t branch_layers(const maker *m, const char *name)
{
    const qvl_node *config = qvl_node_find(m->size, "config");
    const qvl_node *key = NULL;
    if (ends_with(name, ".o_proj.weight") || ends_with(name, "down_proj.weight") ||
        ends_with(name, "experts.down_proj"))
        key = qvl_node_find(qvl_model_config_text(config), "num_hidden_layers");
    if (strstr(name, ".blocks.") && (ends_with(name, ".attn.proj.weight") ||
                                     ends_with(name, ".linear_fc2.weight")))
        key = qvl_node_path(config, "vision_config.depth");
    int64_t n = 0;
    bool is_read = key == NULL || qvl_node_as_int(key, &n);
    assert(is_read && "the config was checked when it was written");
    (void)is_read;
    return n;
}

/* Standard deviation of a parameter of rank 2 and more. */
static double deviation(const maker *m, const qvl_arch_param *p)
{
    if (ends_with(p->name, "embed_tokens.weight"))
        return m->scheme.embedding;
    if (ends_with(p->name, "pos_embed.weight"))
        return m->scheme.positions;
    if (m->scheme.linear >= 0.0)
        return m->scheme.linear;
    bool is_experts = p->rank == 3;  // [experts, out, in]
    double inputs = (double)(is_experts ? p->shape[2]
                                        : n_elems(p) / p->shape[0]);
    int64_t layers = branch_layers(m, p->name);
    return 1.0 / sqrt(inputs * (layers > 0 ? 2.0 * (double)layers : 1.0));
}

static void draw(float *w, size_t n, uint64_t seed, const char *name,
                 size_t chunk, double s)
{
    qvl_rng r;
    qvl_rng_init(&r,
                 &(qvl_rng_id){.seed = seed,
                               .dataset = qvl_rng_hash(name, strlen(name)),
                               .record = chunk},
                 QVL_RNG_INIT);
    for (size_t i = 0; i < n; i++)
        w[i] = (float)(s * qvl_rng_normal(&r));
}

/* Rows of the smooth table of positions: see init.h. */
static void draw_sine(float *w, size_t first, size_t n, size_t side, size_t h)
{
    size_t q = h / 4;
    for (size_t i = 0; i < n; i++) {
        size_t row = (first + i) / h;
        size_t col = (first + i) % h;
        size_t at = col < 2 * q ? row / side : row % side;
        size_t c = col % (2 * q);
        double f = 2.0 * M_PI * pow(2.0, 4.0 * (double)(c % q) / (double)q);
        double angle = (double)at / (double)side * f;
        w[i] = (float)(sqrt(2.0) * (c < q ? sin(angle) : cos(angle)));
    }
}

static void fill(const maker *m, const qvl_arch_param *p, float *w,
                 size_t first, size_t n)
{
    if (p->rank == 1) {
        float v = ends_with(p->name, ".bias") ? 0.0f : 1.0f;
        for (size_t i = 0; i < n; i++)
            w[i] = v;
        return;
    }
    double s = deviation(m, p);
    if (s < 0.0)
        draw_sine(w, first, n, (size_t)lround(sqrt((double)p->shape[0])),
                  p->shape[1]);
    else
        draw(w, n, m->o->seed, p->name, first / CHUNK, s);
}

static void convert(const float *w, uint16_t *half, size_t n, int dtype)
{
    for (size_t i = 0; i < n; i++)
        half[i] = dtype == QVL_BF16 ? qvl_f32_to_bf16(w[i])
                                    : qvl_f32_to_f16(w[i]);
}

/* A batch of chunks at a time, drawn by all threads, written in order. */
static int write_param(const maker *m, const qvl_arch_param *p,
                       qvl_st_writer *out, float *w, uint16_t *half,
                       size_t room)
{
    size_t n = n_elems(p);
    size_t bytes = qvl_dtype_bytes(m->dtype);
    for (size_t at = 0; at < n; at += room) {
        size_t count = n - at < room ? n - at : room;
        long chunks = (long)((count + CHUNK - 1) / CHUNK);
#pragma omp parallel for schedule(dynamic)
        for (long c = 0; c < chunks; c++) {
            size_t i = (size_t)c * CHUNK;
            size_t k = count - i < CHUNK ? count - i : CHUNK;
            fill(m, p, w + i, at + i, k);
            if (m->dtype != QVL_F32)
                convert(w + i, half + i, k, m->dtype);
        }
        const void *from = m->dtype == QVL_F32 ? (const void *)w : half;
        QVL_TRY(qvl_st_writer_write(out, from, count * bytes, m->err));
    }
    return QVL_OK;
}

static int write_data(const maker *m, qvl_st_writer *out)
{
    size_t room = 16 * CHUNK;
    float *w = malloc(room * sizeof *w);
    uint16_t *half = malloc(room * sizeof *half);
    int rc = QVL_OK;
    if (!w || !half)
        rc = qvl_fail(m->err, QVL_E_MEMORY,
                      "weights (%s): found no memory for %zu bytes of them", m->part,
                      room * (sizeof *w + sizeof *half));
    for (int i = 0; i < m->params.n && rc == QVL_OK; i++)
        if (m->params.item[i].same_as < 0)
            rc = write_param(m, &m->params.item[i], out, w, half, room);
    free(w);
    free(half);
    return rc;
}

static int write_weights(maker *m)
{
    qvl_st_writer *out;
    const char *path = qvl_arena_printf(&m->arena, "%s/model.safetensors", m->part);
    QVL_TRY(qvl_st_writer_open(&out, path, m->err));
    int rc = qvl_st_writer_meta(out, "format", "pt", m->err);
    for (int i = 0; i < m->params.n && rc == QVL_OK; i++) {
        const qvl_arch_param *p = &m->params.item[i];
        if (p->same_as < 0)
            rc = qvl_st_writer_declare(out, p->name, m->dtype, p->shape,
                                       p->rank, m->err);
    }
    if (rc == QVL_OK)
        rc = write_data(m, out);
    if (rc == QVL_OK)
        return qvl_st_writer_commit(out, m->err);
    qvl_st_writer_abort(out);
    return rc;
}

/* ---- the folder ---- */

static int write_folder(void *arg)
{
    maker *m = arg;
    qvl_node *config = (qvl_node *)qvl_node_find(m->size, "config");
    static const char *const spelling[] = {
        [QVL_F32] = "float32", [QVL_BF16] = "bfloat16", [QVL_F16] = "float16"};
    if (m->o->tokenizer) {
        QVL_TRY(qvl_init_use_tokenizer(config, m->o->tokenizer, &m->arena,
                                       m->err));
        QVL_TRY(qvl_init_copy_tokenizer(m->o->tokenizer, m->part, &m->arena,
                                        m->err));
    }
    QVL_TRY(qvl_init_write_texts(m->size, m->part, spelling[m->dtype],
                                 &m->arena, m->err));
    QVL_TRY(qvl_model_config_load(&m->config, m->part, &m->arena, m->err));
    m->params.arena = &m->arena;
    m->config.arch->params(&m->params, &m->config.dims);
    return write_weights(m);
}

/* The folder's name without slashes behind it, as its neighbour has it too. */
static const char *name_of(maker *m)
{
    size_t n = strlen(m->o->output);
    while (n > 1 && m->o->output[n - 1] == '/')
        n--;
    return qvl_arena_strndup(&m->arena, m->o->output, n);
}

static int make(void *arg)
{
    maker *m = arg;
    const char *output = name_of(m);
    QVL_TRY(read_size(&m->size, m->o->size, &m->arena, m->err));
    QVL_TRY(check_size(m));
    if (output[0] == '\0' || qvl_file_exists(output))
        return qvl_fail(m->err, QVL_E_USAGE,
                        "the model folder (--output): found '%s'%s, expected a "
                        "new name", output,
                        output[0] != '\0' ? " there already" : "");
    m->part = qvl_arena_printf(&m->arena, "%s.part", output);
    QVL_TRY(qvl_file_make_dirs(m->part, m->err));
    int rc = qvl_guard(write_folder, m, m->err);  // or the folder would stay
    if (rc == QVL_OK && rename(m->part, output) != 0)
        rc = qvl_file_fail("cannot rename to", output, errno, "a new name",
                           m->err);
    if (rc != QVL_OK)
        qvl_init_remove(m->part);
    return rc;
}

int qvl_init_model(const qvl_init_options *options, qvl_err *err)
{
    maker m = {.o = options, .err = err};
    qvl_arena_init(&m.arena);
    int rc = qvl_guard(make, &m, err);
    qvl_arena_release(&m.arena);
    return rc;
}
