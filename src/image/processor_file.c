/* processor_file.c - preprocessor_config.json and its twin for videos
 *
 * Both files are read by one function and must agree in what they share but the bounds:
 * pictures and videos are cut into the same patches. Bounds are numbers of pixels, also
 * where a file calls them edges; those of a profile replace the ones of pictures alone.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/node.h"
#include "image/processor.h"

/* Steps that are always done, and the only filter there is. */
static const struct {
    const char *key;
    const char *is;  // as spelled
} fixed[] = {
    { "do_convert_rgb", "true" }, { "do_resize", "true" },
    { "do_rescale", "true" },     { "do_normalize", "true" },
    { "resample", "3" },
};

/* What both files say. */
typedef struct {
    int patch, frames, merge;
    int64_t min_pixels, max_pixels;
    double mean[QVL_IMAGE_CHANNELS];
    double std[QVL_IMAGE_CHANNELS];
    double rescale;
} common;

/* KEY (FILE:LINE:COL): found X, expected Y. `at` is NULL when the key is
 * missing. */
static int wrong(const qvl_node *root, const qvl_node *at, const char *key,
                 const char *expected, qvl_err *err)
{
    if (at == NULL)
        return qvl_fail(err, QVL_E_MODEL, "%s (%s): found nothing, expected %s",
                        key, root->file, expected);
    return qvl_fail(err, QVL_E_MODEL,
                    "%s (%s:%d:%d): found %s %.60s, expected %s", key,
                    at->file, at->line, at->col, qvl_node_kind_name(at->kind),
                    at->s != NULL ? at->s : "", expected);
}

/* The node of a key; NULL when it is absent or null. */
static const qvl_node *find(const qvl_node *root, const char *key)
{
    const qvl_node *n = qvl_node_path(root, key);
    return n != NULL && n->kind != QVL_NODE_NULL ? n : NULL;
}

static int need_count(const qvl_node *root, const char *key, int most,
                      int *out, qvl_err *err)
{
    const qvl_node *n = find(root, key);
    int64_t v;
    char expected[64];
    snprintf(expected, sizeof expected, "a whole number from 1 to %d", most);
    if (!qvl_node_as_int(n, &v) || v < 1 || v > most)
        return wrong(root, n, key, expected, err);
    *out = (int)v;
    return QVL_OK;
}

/* The same, but absent leaves *out alone. */
static int want_count(const qvl_node *root, const char *key, int *out,
                      qvl_err *err)
{
    return find(root, key) == NULL ? QVL_OK
                                   : need_count(root, key, INT_MAX, out, err);
}

static int want_positive(const qvl_node *root, const char *key, double *out,
                         qvl_err *err)
{
    const qvl_node *n = find(root, key);
    double v;
    if (n == NULL)
        return QVL_OK;
    if (!qvl_node_as_float(n, &v) || !(v > 0.0))
        return wrong(root, n, key, "a number above 0", err);
    *out = v;
    return QVL_OK;
}

/* A number for each channel, all above `low`. */
static int need_channels(const qvl_node *root, const char *key, double low,
                         double out[QVL_IMAGE_CHANNELS], qvl_err *err)
{
    const qvl_node *n = find(root, key);
    if (n == NULL || n->kind != QVL_NODE_LIST || n->n != QVL_IMAGE_CHANNELS)
        return wrong(root, n, key, "a list of three numbers", err);
    for (size_t i = 0; i < n->n; i++) {
        double v;
        if (!qvl_node_as_float(&n->items[i], &v) || !(v > low))
            return wrong(root, &n->items[i], key,
                         low < 0.0 ? "a number" : "a number above 0", err);
        out[i] = v;
    }
    return QVL_OK;
}

/* The key of a bound: its plain name, or an "edge", which it is not. */
static const char *bound_key(const qvl_node *root, const char *name,
                             const char *edge)
{
    return find(root, name) != NULL ? name : edge;
}

static int need_bounds(const qvl_node *root, common *c, qvl_err *err)
{
    const char *least = bound_key(root, "min_pixels", "size.shortest_edge");
    const char *most = bound_key(root, "max_pixels", "size.longest_edge");
    int a, b;
    QVL_TRY(need_count(root, least, INT_MAX, &a, err));
    QVL_TRY(need_count(root, most, INT_MAX, &b, err));
    c->min_pixels = a;
    c->max_pixels = b;
    if (a > b)
        return wrong(root, find(root, least), least,
                     "at most as many pixels as the largest size", err);
    return QVL_OK;
}

static int check_fixed(const qvl_node *root, qvl_err *err)
{
    for (size_t i = 0; i < QVL_COUNT(fixed); i++) {
        const qvl_node *n = find(root, fixed[i].key);
        if (n != NULL && (n->s == NULL || strcmp(n->s, fixed[i].is) != 0))
            return wrong(root, n, fixed[i].key, fixed[i].is, err);
    }
    return QVL_OK;
}

static int read_common(common *c, const qvl_node *root, qvl_err *err)
{
    /* Sides beyond these would only overflow: a patch has 16 pixels. */
    const int most = 1024;
    QVL_TRY(check_fixed(root, err));
    QVL_TRY(need_count(root, "patch_size", most, &c->patch, err));
    QVL_TRY(need_count(root, "temporal_patch_size", most, &c->frames, err));
    QVL_TRY(need_count(root, "merge_size", most, &c->merge, err));
    QVL_TRY(need_bounds(root, c, err));
    QVL_TRY(need_channels(root, "image_mean", -1e9, c->mean, err));
    QVL_TRY(need_channels(root, "image_std", 0.0, c->std, err));
    c->rescale = 1.0 / 255.0;
    return want_positive(root, "rescale_factor", &c->rescale, err);
}

static int read_file(const qvl_node **root, const char *path,
                     qvl_arena *arena, qvl_err *err)
{
    char *text;
    size_t len;
    qvl_node *out;
    int rc = qvl_file_read(path, &text, &len, arena, err);
    if (rc == QVL_OK)
        rc = qvl_json_parse(&out, text, len, path, arena, err);
    if (rc == QVL_OK && out->kind != QVL_NODE_MAP)
        return wrong(out, out, "file", "a map", err);
    if (rc == QVL_OK)
        *root = out;
    if (rc == QVL_OK || rc == QVL_E_MEMORY)
        return rc;
    if (err != NULL)
        err->code = QVL_E_MODEL;
    return QVL_E_MODEL;
}

/* Do both files cut the same patches out of the same numbers? */
static bool is_same(const common *a, const common *b)
{
    return a->patch == b->patch && a->frames == b->frames
           && a->merge == b->merge && a->rescale == b->rescale
           && memcmp(a->mean, b->mean, sizeof a->mean) == 0
           && memcmp(a->std, b->std, sizeof a->std) == 0;
}

static int read_video(qvl_processor *p, const common *pictures,
                      const qvl_node *root, qvl_err *err)
{
    common c;
    qvl_video_rule rule = { .fps = 2.0, .min_frames = 4, .max_frames = 768 };
    QVL_TRY(read_common(&c, root, err));
    QVL_TRY(want_positive(root, "fps", &rule.fps, err));
    QVL_TRY(want_count(root, "min_frames", &rule.min_frames, err));
    QVL_TRY(want_count(root, "max_frames", &rule.max_frames, err));
    if (rule.min_frames > rule.max_frames)
        return wrong(root, find(root, "max_frames"), "max_frames",
                     "min_frames or more", err);
    if (!is_same(&c, pictures))
        return qvl_fail(err, QVL_E_MODEL,
                        "patches (%s): found sizes, mean, std or "
                        "rescale_factor that differ, expected those of "
                        "preprocessor_config.json",
                        root->file);
    p->has_video = true;
    p->min_video_pixels = c.min_pixels;
    p->max_video_pixels = c.max_pixels;
    p->video = rule;
    return QVL_OK;
}

int qvl_processor_load(qvl_processor *out, const char *folder,
                       const qvl_profile *profile, qvl_arena *arena,
                       qvl_err *err)
{
    common c;
    const qvl_node *root;
    QVL_TRY(qvl_folder_check(folder, "model folder", QVL_E_MODEL, err));
    const char *path = qvl_arena_printf(arena, "%s/preprocessor_config.json",
                                        folder);
    QVL_TRY(read_file(&root, path, arena, err));
    QVL_TRY(read_common(&c, root, err));
    qvl_processor p = {
        .profile = profile,
        .patch = c.patch,
        .frames = c.frames,
        .merge = c.merge,
        .min_pixels = c.min_pixels,
        .max_pixels = c.max_pixels,
        .rescale = c.rescale,
    };
    memcpy(p.mean, c.mean, sizeof p.mean);
    memcpy(p.std, c.std, sizeof p.std);
    if (profile->max_pixels > 0)
        QVL_TRY(qvl_processor_set_bounds(&p, profile->min_pixels,
                                         profile->max_pixels, err));
    path = qvl_arena_printf(arena, "%s/video_preprocessor_config.json",
                            folder);
    if (qvl_file_exists(path)) {
        QVL_TRY(read_file(&root, path, arena, err));
        QVL_TRY(read_video(&p, &c, root, err));
    }
    *out = p;
    return QVL_OK;
}
