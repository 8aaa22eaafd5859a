/* image_cases.c - decoded pixels, sizes and patches of a case, against its tensors */
#include "image_cases.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/node.h"
#include "crc.h"
#include "image/decode.h"
#include "image/patch.h"
#include "image/processor.h"
#include "image/resize.h"
#include "tensor/safetensors.h"

typedef struct {
    const char *folder;
    golden_image *out;
    qvl_err *err;
    qvl_arena arena;
    const qvl_node *json;
    qvl_st *expected;
    const char *file;  // the picture: path in the folder
    qvl_image im;      // as decoded
} run;

/* ---- comparing ---------------------------------------------------------- */

static void judge(run *r, bool holds, const char *what)
{
    r->out->n_compared++;
    if (holds)
        return;
    if (r->out->n_wrong++ == 0)
        snprintf(r->out->what, sizeof r->out->what, "%s: %s", r->file, what);
}

static int need_int(run *r, const qvl_node *map, const char *key,
                    int64_t *out)
{
    if (qvl_node_as_int(qvl_node_path(map, key), out))
        return QVL_OK;
    return qvl_node_fail(map, r->err, QVL_E_FORMAT,
                         "%s: found nothing, expected a whole number", key);
}

/* Compare the checksum of some bytes with the one under a key. */
static int compare_crc(run *r, const qvl_node *map, const char *key,
                       const void *p, size_t n, const char *what)
{
    const char *text;
    if (!qvl_node_as_string(qvl_node_path(map, key), &text))
        return qvl_node_fail(map, r->err, QVL_E_FORMAT,
                             "%s: found nothing, expected a checksum", key);
    uint32_t want = (uint32_t)strtoul(text, NULL, 16);
    judge(r, crc_of(p, n) == want, what);
    return QVL_OK;
}

static const qvl_st_tensor *find_tensor(const run *r, const char *name)
{
    return r->expected != NULL ? qvl_st_find(r->expected, name) : NULL;
}

/* Compare bytes with a stored tensor, if there is one. */
static void compare_tensor(run *r, const char *suffix, const void *p,
                           size_t n)
{
    const char *slash = strrchr(r->file, '/');
    const char *name = qvl_arena_printf(&r->arena, "%s.%s",
                                        slash != NULL ? slash + 1 : r->file,
                                        suffix);
    const qvl_st_tensor *t = find_tensor(r, name);
    if (t != NULL)
        judge(r, t->bytes == n && memcmp(t->data, p, n) == 0, name);
}

/* ---- steps of a picture ------------------------------------------------- */

static int compare_decoded(run *r, const qvl_node *map, const qvl_image *im)
{
    int64_t h, w;
    QVL_TRY(need_int(r, map, "height", &h));
    QVL_TRY(need_int(r, map, "width", &w));
    judge(r, im->h == h && im->w == w, "size");
    return compare_crc(r, map, "crc32", im->pixel, qvl_image_bytes(im),
                       "decoded pixels");
}

/* A profile of a case whose arrays are `suffix`es of its own. */
static int compare_profile(run *r, const qvl_node *map,
                           const qvl_processor *p, const qvl_patch_plan *plan,
                           bool has_arrays)
{
    const char *name = p->profile->name;
    const qvl_node *want = qvl_node_find(map, name);
    qvl_image out;
    size_t n = plan->n_patches * qvl_processor_patch_values(p);
    float *rows = qvl_arena_array(&r->arena, float, n);
    QVL_TRY(qvl_image_resize(&out, &r->im, plan->h, plan->w,
                             p->profile->resize, r->err));
    qvl_patch_cut(rows, &out, 1, p);
    int rc = compare_crc(r, want, "resized_crc32", out.pixel,
                         qvl_image_bytes(&out), "resized pixels");
    if (rc == QVL_OK)
        rc = compare_crc(r, want, "pixel_values_crc32", rows,
                         n * sizeof *rows, "rows of patches");
    if (has_arrays) {
        compare_tensor(r, qvl_arena_printf(&r->arena, "%s.resized", name),
                       out.pixel, qvl_image_bytes(&out));
        compare_tensor(r, qvl_arena_printf(&r->arena, "%s.pixel_values", name),
                       rows, n * sizeof *rows);
    }
    qvl_image_release(&out);
    return rc;
}

/* Only cases that Pillow 13 resizes in another order say what it gives. */
static int compare_pillow13(run *r, const qvl_node *map,
                            const qvl_patch_plan *plan)
{
    const char *key = "pillow_13_resized_crc32";
    if (qvl_node_find(map, key) == NULL)
        key = "pillow.resized_crc32";
    qvl_image out;
    QVL_TRY(qvl_image_resize(&out, &r->im, plan->h, plan->w,
                             QVL_RESIZE_PILLOW13, r->err));
    int rc = compare_crc(r, map, key, out.pixel, qvl_image_bytes(&out),
                         "resized pixels, columns first");
    qvl_image_release(&out);
    return rc;
}

static int compare_plan(run *r, const qvl_node *map,
                        const qvl_patch_plan *plan)
{
    int64_t h, w;
    QVL_TRY(need_int(r, map, "resized_height", &h));
    QVL_TRY(need_int(r, map, "resized_width", &w));
    judge(r, plan->h == h && plan->w == w, "resized size");
    const qvl_node *grid = qvl_node_find(map, "grid_thw");
    for (size_t i = 0; grid != NULL && i < grid->n && i < 3; i++)
        judge(r, grid->items[i].i == plan->grid[i], "grid");
    return QVL_OK;
}

/* One pair of bounds. Arrays were stored for the first of them. */
static int compare_run(run *r, const qvl_node *map, bool has_arrays)
{
    static const char *const names[] = { "pillow", "torchvision" };
    for (size_t i = 0; i < QVL_COUNT(names); i++) {
        int64_t low, high, patch, frames, merge;
        qvl_patch_plan plan;
        qvl_processor p = { .rescale = 1.0 / 255.0 };
        QVL_TRY(need_int(r, map, "min_pixels", &low));
        QVL_TRY(need_int(r, map, "max_pixels", &high));
        QVL_TRY(need_int(r, r->json, "patch_size", &patch));
        QVL_TRY(need_int(r, r->json, "temporal_patch_size", &frames));
        QVL_TRY(need_int(r, r->json, "merge_size", &merge));
        p.patch = (int)patch;
        p.frames = (int)frames;
        p.merge = (int)merge;
        for (int c = 0; c < QVL_IMAGE_CHANNELS; c++)
            if (!qvl_node_as_float(qvl_node_find(r->json, "mean"), &p.mean[c])
                || !qvl_node_as_float(qvl_node_find(r->json, "std"),
                                      &p.std[c]))
                return qvl_node_fail(r->json, r->err, QVL_E_FORMAT,
                                     "mean, std: expected numbers");
        QVL_TRY(qvl_profile_find(&p.profile, names[i], r->err));
        QVL_TRY(qvl_processor_set_bounds(&p, low, high, r->err));
        QVL_TRY(qvl_processor_plan(&p, r->im.h, r->im.w, &plan, r->err));
        QVL_TRY(compare_plan(r, map, &plan));
        QVL_TRY(compare_profile(r, map, &p, &plan, has_arrays));
        if (i == 0)
            QVL_TRY(compare_pillow13(r, map, &plan));
    }
    return QVL_OK;
}

/* ---- pictures ----------------------------------------------------------- */

/* Decode the picture of the case, and compare it and its runs. */
static int compare_picture(run *r, const qvl_node *decoded,
                           const qvl_node *runs, bool is_default)
{
    const qvl_profile *profile;
    int h, w;
    const char *path = qvl_arena_printf(&r->arena, "%s/%s", r->folder,
                                        r->file);
    QVL_TRY(qvl_profile_find(&profile, is_default ? "pillow" : "utility",
                             r->err));
    QVL_TRY(qvl_image_load(&r->im, path, &profile->decode, r->err));
    QVL_TRY(qvl_image_load_size(&h, &w, path, &profile->decode, r->err));
    judge(r, h == r->im.h && w == r->im.w, "measured size");
    QVL_TRY(compare_decoded(r, decoded, &r->im));
    if (is_default)
        compare_tensor(r, "decoded", r->im.pixel, qvl_image_bytes(&r->im));
    for (size_t i = 0; runs != NULL && i < runs->n; i++)
        QVL_TRY(compare_run(r, &runs->items[i], is_default && i == 0));
    qvl_image_release(&r->im);
    return QVL_OK;
}

/* Pixels of another decoder differ, so the stored ones are resized. */
static int compare_stored(run *r, const qvl_node *map)
{
    const char *slash = strrchr(r->file, '/');
    const char *name = qvl_arena_printf(&r->arena, "%s.decoded",
                                        slash != NULL ? slash + 1 : r->file);
    const qvl_st_tensor *t = find_tensor(r, name);
    const qvl_node *runs = qvl_node_find(map, "runs");
    r->out->n_left_out++;
    if (t == NULL || t->rank != 3)
        return QVL_OK;
    QVL_TRY(qvl_image_init(&r->im, (int)t->shape[0], (int)t->shape[1],
                           r->err));
    memcpy(r->im.pixel, t->data, qvl_image_bytes(&r->im));
    for (size_t i = 0; runs != NULL && i < runs->n; i++)
        QVL_TRY(compare_run(r, &runs->items[i], i == 0));
    qvl_image_release(&r->im);
    return QVL_OK;
}

static int compare_case(run *r, const qvl_node *map)
{
    if (!qvl_node_as_string(qvl_node_find(map, "file"), &r->file))
        return qvl_node_fail(map, r->err, QVL_E_FORMAT,
                             "file: found nothing, expected a path");
    bool is_exact = strcmp(qvl_image_jpeg_decoder(), "libjpeg-turbo") == 0;
    if (!is_exact && strstr(r->file, ".jpg") != NULL)
        return compare_stored(r, map);
    const qvl_node *decoded = qvl_node_find(map, "decoded");
    const qvl_node *utility = qvl_node_find(map, "decoded_utility_profile");
    QVL_TRY(compare_picture(r, decoded, qvl_node_find(map, "runs"), true));
    return compare_picture(r, utility != NULL ? utility : decoded,
                           qvl_node_find(map, "utility_profile_runs"), false);
}

static int compare_all(void *arg)
{
    run *r = arg;
    const char *path = qvl_arena_printf(&r->arena, "%s/cases.json",
                                        r->folder);
    char *text;
    size_t len;
    qvl_node *root;
    QVL_TRY(qvl_file_read(path, &text, &len, &r->arena, r->err));
    QVL_TRY(qvl_json_parse(&root, text, len, path, &r->arena, r->err));
    r->json = root;
    path = qvl_arena_printf(&r->arena, "%s/expected.safetensors", r->folder);
    if (qvl_file_exists(path))
        QVL_TRY(qvl_st_open(&r->expected, path, r->err));
    const qvl_node *cases = qvl_node_find(root, "cases");
    for (size_t i = 0; cases != NULL && i < cases->n; i++)
        QVL_TRY(compare_case(r, &cases->items[i]));
    return QVL_OK;
}

int golden_image_case(const char *folder, golden_image *out, qvl_err *err)
{
    *out = (golden_image){ 0 };
    run r = { .folder = folder, .out = out, .err = err };
    int rc = qvl_guard(compare_all, &r, err);
    qvl_image_release(&r.im);
    qvl_st_close(r.expected);
    qvl_arena_release(&r.arena);
    return rc;
}
