/* config.c - config.json, checked
 *
 * Dims are read by the keys of the architecture's table, all else by name. The order
 * counts: the tie is decided before the dims, one of which may be it; the size of the
 * vocabulary is read before the ids that must lie below it. The table `fixed` holds
 * keys of which the architectures express one value alone.
 */
#include "model/config.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/str.h"
#include "tensor/dtype.h"

#define TEXT_OF(macro) TEXT_OF_IT(macro)
#define TEXT_OF_IT(text) #text

/* Values that the architectures do not express: any other would be computed
 * wrongly without a word. An absent key is fine. */
static const struct {
    const char *key;  // in the text part, or with a path from the top
    const char *is;   // as spelled
} fixed[] = {
    { "hidden_act", "silu" },
    { "attention_bias", "false" },
    { "mlp_bias", "false" },
    { "use_sliding_window", "false" },
    { "vision_config.hidden_act", "gelu_pytorch_tanh" },
};

/* ---- single values ---------------------------------------------------- */

/* KEY (FILE:LINE:COL): found X, expected Y. `at` is NULL when the key is
 * missing. */
static int wrong(const qvl_node *root, const qvl_node *at, const char *key,
                 const char *expected, qvl_err *err)
{
    if (at == NULL)
        return qvl_fail(err, QVL_E_MODEL, "%s (%s): found nothing, expected %s",
                        key, root->file, expected);
    const char *text = at->s != NULL ? at->s : "";
    return qvl_fail(err, QVL_E_MODEL,
                    "%s (%s:%d:%d): found %s%s%.60s, expected %s", key,
                    at->file, at->line, at->col, qvl_node_kind_name(at->kind),
                    text[0] != '\0' ? " " : "", text, expected);
}

/* The key is named with the part of the file that lacks it. */
static int missing(const qvl_node *root, const qvl_node *map,
                   const char *key, const char *expected, qvl_err *err)
{
    for (size_t i = 0; i < root->n; i++)
        if (&root->items[i] == map)
            return qvl_fail(err, QVL_E_MODEL,
                            "%s.%s (%s): found nothing, expected %s",
                            root->keys[i].s, key, root->file, expected);
    return wrong(root, NULL, key, expected, err);
}

static int need_int(const qvl_node *root, const qvl_node *map,
                    const char *key, int64_t low, int *out, qvl_err *err)
{
    const qvl_node *n = qvl_node_given(map, key);
    const char *expected =
        low > 0 ? "a whole number above 0" : "a whole number";
    int64_t v;
    if (n == NULL)
        return missing(root, map, key, expected, err);
    if (!qvl_node_as_int(n, &v) || v < low || v > INT_MAX)
        return wrong(root, n, key, expected, err);
    *out = (int)v;
    return QVL_OK;
}

/* The same, but absent leaves *out alone. */
static int want_int(const qvl_node *root, const qvl_node *map,
                    const char *key, int64_t low, int *out, qvl_err *err)
{
    return qvl_node_given(map, key) == NULL ? QVL_OK
                                  : need_int(root, map, key, low, out, err);
}

static int need_positive(const qvl_node *root, const qvl_node *map,
                         const char *key, double *out, qvl_err *err)
{
    const qvl_node *n = qvl_node_given(map, key);
    double v;
    if (n == NULL)
        return missing(root, map, key, "a number above 0", err);
    if (!qvl_node_as_float(n, &v) || !(v > 0.0))
        return wrong(root, n, key, "a number above 0", err);
    *out = v;
    return QVL_OK;
}

static int want_positive(const qvl_node *root, const qvl_node *map,
                         const char *key, double *out, qvl_err *err)
{
    return qvl_node_given(map, key) == NULL ? QVL_OK
                                  : need_positive(root, map, key, out, err);
}

const qvl_node *qvl_model_config_text(const qvl_node *root)
{
    const qvl_node *text = qvl_node_given(root, "text_config");
    return text != NULL ? text : root;
}

/* ---- dims of the architecture ----------------------------------------- */

static int read_tied(const qvl_node *root, bool *out, qvl_err *err)
{
    const char *key = "tie_word_embeddings";
    const qvl_node *n = qvl_node_given(root, key);
    if (n == NULL)
        n = qvl_node_given(qvl_model_config_text(root), key);
    *out = false;
    if (n != NULL && !qvl_node_as_bool(n, out))
        return wrong(root, n, key, "true or false", err);
    return QVL_OK;
}

static int read_list(qvl_dims *d, int list, const qvl_node *root,
                     const char *key, qvl_err *err)
{
    const qvl_node *n = qvl_node_given(root, key);
    if (n == NULL || n->kind != QVL_NODE_LIST || n->n > QVL_MAX_LIST)
        return wrong(root, n, key, "a list of at most " TEXT_OF(QVL_MAX_LIST)
                     " whole numbers", err);
    for (size_t i = 0; i < n->n; i++) {
        int64_t v;
        if (!qvl_node_as_int(&n->items[i], &v) || v < 0 || v > INT_MAX)
            return wrong(root, &n->items[i], key, "whole numbers", err);
        d->list[list][i] = (int)v;
    }
    d->n_list[list] = (int)n->n;
    return QVL_OK;
}

static int read_bool(int64_t *out, const qvl_model_config *c,
                     const qvl_node *root, const char *key, qvl_err *err)
{
    const char *last = strrchr(key, '.');
    if (strcmp(last != NULL ? last + 1 : key, "tie_word_embeddings") == 0) {
        *out = c->tied;
        return QVL_OK;
    }
    const qvl_node *n = qvl_node_given(root, key);
    bool v;
    if (!qvl_node_as_bool(n, &v))
        return wrong(root, n, key, "true or false", err);
    *out = v;
    return QVL_OK;
}

static int read_dim(qvl_model_config *c, int i, const qvl_node *root,
                    qvl_err *err)
{
    const qvl_arch_dim *dim = &c->arch->dim[i];
    qvl_dims *d = &c->dims;
    int v;
    switch (dim->type) {
    case QVL_DIM_INT:
        QVL_TRY(need_int(root, root, dim->key, 1, &v, err));
        d->i[i] = v;
        return QVL_OK;
    case QVL_DIM_FLOAT:
        return need_positive(root, root, dim->key, &d->f[i], err);
    case QVL_DIM_BOOL:
        return read_bool(&d->i[i], c, root, dim->key, err);
    case QVL_DIM_LIST:
        return read_list(d, dim->list, root, dim->key, err);
    }
    assert(!"dim type");
    return QVL_E_INTERNAL;
}

static int read_dims(qvl_model_config *c, const qvl_node *root, qvl_err *err)
{
    assert(c->arch->n_dims <= QVL_MAX_DIMS);

    for (int i = 0; i < c->arch->n_dims; i++)
        if (c->arch->dim[i].source == QVL_DIM_CONFIG)
            QVL_TRY(read_dim(c, i, root, err));
    int rc = c->arch->derive(&c->dims, err);
    if (rc != QVL_OK)
        qvl_err_add(err, "%s", root->file);
    return rc;
}

/* ---- rotary positions -------------------------------------------------- */

static int read_sections(qvl_rope_config *r, const qvl_node *root,
                         const qvl_node *scaling, qvl_err *err)
{
    const qvl_node *n = qvl_node_given(scaling, "mrope_section");
    if (n == NULL)
        return QVL_OK;
    if (n->kind != QVL_NODE_LIST || n->n != 3)
        return wrong(root, n, "mrope_section", "three whole numbers", err);
    int64_t sum = 0;
    for (int k = 0; k < 3; k++) {
        int64_t v;
        if (!qvl_node_as_int(&n->items[k], &v) || v < 0 || v > r->dim)
            return wrong(root, &n->items[k], "mrope_section",
                         "three whole numbers", err);
        r->section[k] = (int)v;
        sum += v;
    }
    if (sum != r->dim / 2)
        return qvl_fail(err, QVL_E_MODEL,
                        "mrope_section (%s:%d:%d): found a sum of %lld, "
                        "expected half of head_dim, %d",
                        n->file, n->line, n->col, (long long)sum, r->dim / 2);
    const qvl_node *interleaved = qvl_node_given(scaling, "mrope_interleaved");
    bool v = true;
    if (interleaved != NULL && (!qvl_node_as_bool(interleaved, &v) || !v))
        return wrong(root, interleaved, "mrope_interleaved", "true", err);
    return QVL_OK;
}

static int read_yarn(qvl_rope_config *r, const qvl_node *root,
                     const qvl_node *s, qvl_err *err)
{
    static const char *const refused[] = { "mscale", "mscale_all_dim",
                                           "truncate" };
    for (size_t i = 0; i < QVL_COUNT(refused); i++)
        if (qvl_node_given(s, refused[i]) != NULL)
            return wrong(root, qvl_node_given(s, refused[i]), refused[i],
                         "no such key with yarn", err);
    r->beta_fast = 32.0;  // of the published method, as are 1 and 0.1
    r->beta_slow = 1.0;
    QVL_TRY(need_positive(root, s, "factor", &r->factor, err));
    QVL_TRY(need_positive(root, s, "original_max_position_embeddings",
                          &r->original_positions, err));
    QVL_TRY(want_positive(root, s, "beta_fast", &r->beta_fast, err));
    QVL_TRY(want_positive(root, s, "beta_slow", &r->beta_slow, err));
    return want_positive(root, s, "attention_factor", &r->attention_factor,
                         err);
}

static int read_rope(qvl_model_config *c, const qvl_node *root, qvl_err *err)
{
    const qvl_node *text = qvl_model_config_text(root);
    qvl_rope_config *r = &c->rope;
    QVL_TRY(need_int(root, text, "head_dim", 2, &r->dim, err));
    if (r->dim % 2 != 0)
        return wrong(root, qvl_node_given(text, "head_dim"), "head_dim",
                     "an even number", err);

    const qvl_node *scaling = qvl_node_given(text, "rope_parameters");
    if (scaling == NULL)
        scaling = qvl_node_given(text, "rope_scaling");
    if (scaling != NULL && scaling->kind != QVL_NODE_MAP)
        return wrong(root, scaling, "rope_scaling", "a map", err);
    const qvl_node *where =
        qvl_node_given(text, "rope_theta") != NULL ? text : scaling;
    QVL_TRY(need_positive(root, where, "rope_theta", &r->theta, err));
    if (scaling == NULL)
        return QVL_OK;

    QVL_TRY(read_sections(r, root, scaling, err));
    const qvl_node *type = qvl_node_given(scaling, "rope_type");
    if (type == NULL)
        type = qvl_node_given(scaling, "type");
    const char *name = "default";
    if (type != NULL && !qvl_node_as_string(type, &name))
        return wrong(root, type, "rope_type", "a name", err);
    if (strcmp(name, "default") == 0)
        return QVL_OK;
    if (strcmp(name, "yarn") != 0)
        return wrong(root, type, "rope_type", "default or yarn", err);
    r->type = QVL_ROPE_YARN;
    return read_yarn(r, root, scaling, err);
}

/* That they are there, and divide, is the architecture's to check. */
static int read_sharing(qvl_model_config *c, const qvl_node *root,
                        qvl_err *err)
{
    int heads = 1, key_heads = 1;
    const qvl_node *text = qvl_model_config_text(root);
    QVL_TRY(want_int(root, text, "num_attention_heads", 1, &heads, err));
    QVL_TRY(want_int(root, text, "num_key_value_heads", 1, &key_heads, err));
    c->n_sharing = heads / key_heads;
    return QVL_OK;
}

/* ---- vision ------------------------------------------------------------ */

static int read_tokens(qvl_model_config *c, const qvl_node *root,
                       qvl_err *err)
{
    qvl_vision_config *v = &c->vision;
    const struct {
        const char *key;
        int *out;
    } id[] = {
        { "image_token_id", &v->image_token },
        { "video_token_id", &v->video_token },
        { "vision_start_token_id", &v->start_token },
        { "vision_end_token_id", &v->end_token },
    };
    for (size_t i = 0; i < QVL_COUNT(id); i++) {
        QVL_TRY(need_int(root, root, id[i].key, 0, id[i].out, err));
        if (*id[i].out >= c->vocab)
            return wrong(root, qvl_node_given(root, id[i].key), id[i].key,
                         "an id below vocab_size", err);
    }
    return QVL_OK;
}

/* Taps that are never reached, or reached in another order, would leave a
 * merger without a use. */
static int check_taps(const qvl_node *root, const qvl_node *part,
                      qvl_err *err)
{
    const char *key = "deepstack_visual_indexes";
    const qvl_node *n = qvl_node_given(part, key);
    if (n == NULL)
        return QVL_OK;
    int depth;
    QVL_TRY(need_int(root, part, "depth", 1, &depth, err));
    if (n->kind != QVL_NODE_LIST)
        return wrong(root, n, key, "a list", err);
    int64_t last = -1;
    for (size_t i = 0; i < n->n; i++) {
        int64_t v;
        if (!qvl_node_as_int(&n->items[i], &v) || v <= last || v >= depth)
            return wrong(root, &n->items[i], key,
                         "increasing numbers below depth", err);
        last = v;
    }
    return QVL_OK;
}

static int read_grid_side(qvl_model_config *c, const qvl_node *root,
                          const qvl_node *part, qvl_err *err)
{
    const char *key = "num_position_embeddings";
    int n;
    QVL_TRY(need_int(root, part, key, 1, &n, err));
    int side = (int)lround(sqrt((double)n));
    if ((int64_t)side * side != n)
        return wrong(root, qvl_node_given(part, key), key, "a square number",
                     err);
    c->vision.grid_side = side;
    return QVL_OK;
}

static int read_vision(qvl_model_config *c, const qvl_node *root,
                       qvl_err *err)
{
    const qvl_node *part = qvl_node_given(root, "vision_config");
    c->vision = (qvl_vision_config){ .image_token = -1, .video_token = -1,
                                     .start_token = -1, .end_token = -1 };
    c->has_vision = part != NULL;
    if (part == NULL)
        return QVL_OK;

    int hidden, heads, channels, frames, patch, out, text_hidden;
    QVL_TRY(need_int(root, part, "hidden_size", 1, &hidden, err));
    QVL_TRY(need_int(root, part, "num_heads", 1, &heads, err));
    QVL_TRY(need_int(root, part, "in_channels", 1, &channels, err));
    QVL_TRY(need_int(root, part, "temporal_patch_size", 1, &frames, err));
    QVL_TRY(need_int(root, part, "patch_size", 1, &patch, err));
    QVL_TRY(need_int(root, part, "out_hidden_size", 1, &out, err));
    QVL_TRY(need_int(root, part, "spatial_merge_size", 1, &c->vision.merge,
                     err));
    QVL_TRY(need_int(root, qvl_model_config_text(root), "hidden_size", 1, &text_hidden,
                     err));
    if (hidden % heads != 0 || hidden / heads % 4 != 0)
        return wrong(root, qvl_node_given(part, "num_heads"), "num_heads",
                     "heads whose size is a multiple of 4", err);
    if (out != text_hidden)
        return wrong(root, qvl_node_given(part, "out_hidden_size"),
                     "out_hidden_size", "hidden_size of the text part", err);
    if (channels > 16 || frames > 64 || patch > 1024 || c->vision.merge > 64)
        return wrong(root, part, "vision_config",
                     "in_channels <= 16, temporal_patch_size <= 64, patch_size "
                     "<= 1024, spatial_merge_size <= 64", err);
    c->vision.n_angles = hidden / heads / 2;
    c->vision.patch = patch;
    c->vision.patch_values = channels * frames * patch * patch;
    QVL_TRY(read_grid_side(c, root, part, err));
    QVL_TRY(check_taps(root, part, err));
    return read_tokens(c, root, err);
}

/* ---- the rest ---------------------------------------------------------- */

static int check_fixed(const qvl_node *root, qvl_err *err)
{
    for (size_t i = 0; i < QVL_COUNT(fixed); i++) {
        bool is_path = strchr(fixed[i].key, '.') != NULL;
        const qvl_node *n = qvl_node_given(is_path ? root : qvl_model_config_text(root),
                                 fixed[i].key);
        if (n != NULL && (n->s == NULL || strcmp(n->s, fixed[i].is) != 0))
            return wrong(root, n, fixed[i].key, fixed[i].is, err);
    }
    return QVL_OK;
}

static int read_eos(qvl_model_config *c, const qvl_node *root, qvl_err *err)
{
    const char *key = "eos_token_id";
    const qvl_node *n = qvl_node_given(root, key);
    if (n == NULL)
        n = qvl_node_given(qvl_model_config_text(root), key);
    if (n == NULL)
        return QVL_OK;
    bool is_list = n->kind == QVL_NODE_LIST;
    size_t count = is_list ? n->n : 1;
    if (count > QVL_MAX_EOS)
        return wrong(root, n, key, "at most 8 ids", err);
    for (size_t i = 0; i < count; i++) {
        int64_t v;
        if (!qvl_node_as_int(is_list ? &n->items[i] : n, &v) || v < 0
            || v >= c->vocab)
            return wrong(root, n, key, "ids below vocab_size", err);
        c->eos[c->n_eos++] = (int)v;
    }
    return QVL_OK;
}

/* The storage type is told by the tensors themselves; the name in the file is
 * kept for reports. */
static int read_dtype(qvl_model_config *c, const qvl_node *root, qvl_err *err)
{
    static const char *const key[] = { "dtype", "torch_dtype" };
    const qvl_node *part[] = { root, qvl_model_config_text(root) };
    c->dtype = -1;
    for (size_t p = 0; p < 2; p++)
        for (size_t k = 0; k < 2; k++) {
            const qvl_node *n = qvl_node_given(part[p], key[k]);
            const char *name;
            if (n == NULL)
                continue;
            if (!qvl_node_as_string(n, &name)
                || qvl_dtype_parse(name, &c->dtype, NULL) != QVL_OK)
                return wrong(root, n, key[k], "the name of a type", err);
            return QVL_OK;
        }
    return QVL_OK;
}

int qvl_model_config_read(qvl_model_config *config, const qvl_node *root,
                          const qvl_arch *arch, qvl_arena *arena,
                          qvl_err *err)
{
    qvl_model_config c = { .arch = arch };
    const char *type;
    const qvl_node *n = qvl_node_given(root, "model_type");
    if (!qvl_node_as_string(n, &type))
        return wrong(root, n, "model_type", "a name", err);
    c.model_type = qvl_arena_strdup(arena, type);

    int positions = 0;
    QVL_TRY(check_fixed(root, err));
    QVL_TRY(read_tied(root, &c.tied, err));
    QVL_TRY(need_int(root, qvl_model_config_text(root), "vocab_size", 1, &c.vocab, err));
    QVL_TRY(want_int(root, qvl_model_config_text(root), "max_position_embeddings", 1,
                     &positions, err));
    c.max_positions = positions;
    QVL_TRY(read_rope(&c, root, err));
    QVL_TRY(read_sharing(&c, root, err));
    QVL_TRY(read_vision(&c, root, err));
    QVL_TRY(read_eos(&c, root, err));
    QVL_TRY(read_dtype(&c, root, err));
    QVL_TRY(read_dims(&c, root, err));
    *config = c;
    return QVL_OK;
}

static int unknown_type(const qvl_node *root, const qvl_node *n,
                        const char *type, qvl_arena *arena, qvl_err *err)
{
    int n_archs;
    const qvl_arch *const *arch = qvl_archs(&n_archs);
    const char *list = "";
    for (int a = 0; a < n_archs; a++)
        for (int i = 0; i < arch[a]->n_model_types; i++)
            list = qvl_arena_printf(arena, "%s%s%s", list,
                                    list[0] != '\0' ? ", " : "",
                                    arch[a]->model_type[i]);
    return qvl_fail(err, QVL_E_MODEL,
                    "model_type (%s:%d:%d): found %s, expected one of %s",
                    root->file, n->line, n->col, type, list);
}

int qvl_model_config_load(qvl_model_config *config, const char *folder,
                          qvl_arena *arena, qvl_err *err)
{
    QVL_TRY(qvl_folder_check(folder, "model folder", QVL_E_MODEL, err));
    const char *path = qvl_arena_printf(arena, "%s/config.json", folder);
    char *text;
    size_t len;
    qvl_node *root;
    int rc = qvl_file_read(path, &text, &len, arena, err);
    if (rc == QVL_OK)
        rc = qvl_json_parse(&root, text, len, path, arena, err);
    if (rc != QVL_OK) {
        if (err != NULL && rc != QVL_E_MEMORY)
            err->code = QVL_E_MODEL;
        return rc == QVL_E_MEMORY ? rc : QVL_E_MODEL;
    }
    if (root->kind != QVL_NODE_MAP)
        return wrong(root, root, "config", "a map", err);

    const qvl_node *n = qvl_node_given(root, "model_type");
    const char *type;
    if (!qvl_node_as_string(n, &type))
        return wrong(root, n, "model_type", "a name", err);
    const qvl_arch *arch = qvl_arch_for(type);
    if (arch == NULL)
        return unknown_type(root, n, type, arena, err);
    return qvl_model_config_read(config, root, arch, arena, err);
}
