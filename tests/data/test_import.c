/* test_import.c - COCO and LVIS files to records, and what is wrong with them */
#include "check.h"

#include <stdbool.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "data/import.h"
#include "data/import_object.h"
#include "made.h"

/* ---- calls -------------------------------------------------------------- */

static int keep(void *ctx, const char *line, size_t len, qvl_err *err)
{
    (void)err;
    qvl_str_putn(ctx, line, len);
    return QVL_OK;
}

static int call(const qvl_import_options *o, const char *text, qvl_str *out,
                qvl_import_counts *counts, qvl_err *err)
{
    qvl_import_options options = *o;
    options.path = made_text("a.json", text);
    options.pictures = options.pictures != NULL ? options.pictures
                                                : made_dir();
    options.folder = options.folder != NULL ? options.folder : made_dir();
    qvl_str_reset(out);
    qvl_str_puts(out, "");
    return qvl_import(&options, keep, out, counts, err);
}

static void touch(const char *name)
{
    made_text(name, "");
}

#define IMAGES                                                                \
    "\"images\": [{\"id\": 7, \"width\": 100, \"height\": 50, "               \
    "\"file_name\": \"a.jpg\"}, {\"id\": 3, \"width\": 10, \"height\": 10, "  \
    "\"file_name\": \"b c.png\"}]"
#define CATEGORIES                                                            \
    "\"categories\": [{\"id\": 2, \"name\": \"tea  cup\"}, "                  \
    "{\"id\": 1, \"name\": \"bow_(tie)\"}]"

/* A file with these annotations, of the arena. */
static const char *file_with(qvl_arena *a, const char *annotations)
{
    return qvl_arena_printf(a, "{\"info\": {\"x\": []}, " IMAGES
                            ", \"annotations\": [%s], " CATEGORIES "}",
                            annotations);
}

static const char *const box_b =
    "{\"id\": 9, \"image_id\": 3, \"category_id\": 1, \"bbox\": [1, 2, 3, 4]}";

/* ---- boxes -------------------------------------------------------------- */

static void test_boxes(void)
{
    qvl_arena a = { 0 };
    qvl_str out = { 0 };
    qvl_err err;
    qvl_import_counts n;
    touch("a.jpg");
    touch("b c.png");
    const char *text = file_with(&a, qvl_arena_printf(&a, "%s,"
        "{\"image_id\": 7, \"bbox\": [199.84e-1, 0, 27.71, 50], "
        "\"category_id\": 2, \"iscrowd\": 0, \"segmentation\": 5},"
        "{\"image_id\": 7, \"category_id\": 1, \"bbox\": [-5, 40, 200, 20.5]},"
        "{\"image_id\": 3, \"category_id\": 2, \"bbox\": [0, 0, 10, 10], "
        "\"iscrowd\": false}", box_b));
    CHECK_OK(call(&(qvl_import_options){ 0 }, text, &out, &n, &err), err);
    CHECK_STR(out.p,
        "{\"images\": [\"a.jpg\"], \"width\": 100, \"height\": 50, \"objects\": "
        "[{\"bbox_2d\": [19.984, 0, 47.694, 50], \"desc\": \"tea cup\"}, "
        "{\"bbox_2d\": [0, 40, 100, 50], \"desc\": \"bow_(tie)\"}]}\n"
        "{\"images\": [\"b c.png\"], \"width\": 10, \"height\": 10, "
        "\"objects\": [{\"bbox_2d\": [1, 2, 4, 6], \"desc\": \"bow_(tie)\"}, "
        "{\"bbox_2d\": [0, 0, 10, 10], \"desc\": \"tea cup\"}]}\n", "records");
    CHECK_INT(n.n_records, 2, "records");
    CHECK_INT(n.n_pictures, 2, "pictures");
    CHECK_INT(n.n_annotations, 4, "annotations");
    CHECK_INT(n.of_kind[QVL_GEOM_BOX], 4, "boxes");
    CHECK_INT(n.n_renamed, 1, "renamed");
    qvl_str_release(&out);
    qvl_arena_release(&a);
}

static void test_left_out(void)
{
    static const struct {
        const char *bbox, *more;
        double min_size;
        int crowd, outside, small;
    } cases[] = {
        { "[1, 1, 5, 5]", ", \"iscrowd\": 1", 1, 1, 0, 0 },
        { "[1, 1, 5, 5]", ", \"iscrowd\": true", 1, 1, 0, 0 },
        { "[100, 1, 5, 5]", "", 1, 0, 1, 0 },
        { "[1, 50, 5, 5]", "", 1, 0, 1, 0 },
        { "[-5, 1, 5, 5]", "", 1, 0, 1, 0 },
        { "[1, -9, 5, 5]", "", 1, 0, 1, 0 },
        { "[99.5, 1, 5, 5]", "", 1, 0, 0, 1 },
        { "[99.5, 1, 5, 5]", "", 0.5, 0, 0, 0 },
        { "[99, 1, 5, 5]", "", 1, 0, 0, 0 },
        { "[1, 1, 5, 0]", "", 0, 0, 0, 1 },
        { "[1, 1, 0, 5]", "", 0, 0, 0, 1 },
        { "[200, 1, 0, 5]", "", 0, 0, 0, 1 },
        { "[1, 1, 1e-9, 5]", "", 0, 0, 0, 1 },
        { "[1, 1, 15.99, 40]", "", 16, 0, 0, 1 },
        { "[1, 1, 16, 40]", "", 16, 0, 0, 0 },
        { "[-1e300, -1e300, 1.5e300, 1.5e300]", "", 16, 0, 0, 0 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_str out = { 0 };
        qvl_err err;
        qvl_import_counts n;
        qvl_import_options o = { .min_size_px = cases[i].min_size };
        bool is_kept = cases[i].crowd + cases[i].outside + cases[i].small == 0;
        const char *text = file_with(&a, qvl_arena_printf(&a,
            "{\"image_id\": 7, \"category_id\": 1, \"bbox\": [0, 0, 99, 49]}, "
            "{\"image_id\": 7, \"category_id\": 1, \"bbox\": %s%s}",
            cases[i].bbox, cases[i].more));
        touch("a.jpg");
        CHECK_OK(call(&o, text, &out, &n, &err), err);
        CHECK_INT(n.of_kind[QVL_GEOM_BOX], 1 + is_kept, "%s", cases[i].bbox);
        CHECK_INT(n.n_crowd, cases[i].crowd, "%s", cases[i].bbox);
        CHECK_INT(n.n_outside, cases[i].outside, "%s", cases[i].bbox);
        CHECK_INT(n.n_small, cases[i].small, "%s", cases[i].bbox);
        CHECK_INT(n.n_empty, 1, "%s", cases[i].bbox);
        qvl_str_release(&out);
        qvl_arena_release(&a);
    }
}

/* ---- polygons ----------------------------------------------------------- */

/* Objects of a segmentation in the picture of 100 x 50 px. */
static void check_segmentation(const char *segmentation, int max_points,
                               const char *object, int place)
{
    qvl_arena a = { 0 };
    qvl_str out = { 0 };
    qvl_err err;
    qvl_import_counts n;
    qvl_import_options o = { .has_polygons = true,
                             .poly_max_points = max_points };
    touch("a.jpg");
    CHECK_OK(call(&o, file_with(&a, qvl_arena_printf(&a,
        "{\"image_id\": 7, \"category_id\": 1, \"bbox\": [10, 10, 20, 20]%s%s}",
        segmentation[0] != '\0' ? ", \"segmentation\": " : "", segmentation)),
        &out, &n, &err), err);
    CHECK_HAS(out.p, qvl_arena_printf(&a, "\"objects\": [{%s, \"desc\"", object),
              "%s", segmentation);
    CHECK_INT(n.n_masks, place == 1, "%s", segmentation);
    CHECK_INT(n.n_ringless, place == 2, "%s", segmentation);
    CHECK_INT(n.n_many_points, place == 3, "%s", segmentation);
    CHECK_INT(n.of_kind[QVL_GEOM_POLY], place == 0, "%s", segmentation);
    qvl_str_release(&out);
    qvl_arena_release(&a);
}

static void test_polygons(void)
{
    static const char box[] = "\"bbox_2d\": [10, 10, 30, 30]";
    static const struct {
        const char *segmentation;
        int max_points;
        const char *object;
        int place;  // 0: a polygon, 1: a mask, 2: no ring, 3: too many points
    } cases[] = {
        { "[[10, 10, 30, 10.5, 10, 30]]", 0,
          "\"poly\": [10, 10, 30, 10.5, 10, 30]", 0 },
        { "[[1, 1, 2, 1, 2, 2], [9, 9, 9, 1, 1, 1, 1, 9], [5, 5, 6, 5, 6, 6]]", 0,
          "\"poly\": [9, 9, 9, 1, 1, 1, 1, 9]", 0 },
        { "[[1, 1, 4, 1, 4, 4], [4, 4, 1, 4, 1, 1]]", 0,
          "\"poly\": [1, 1, 4, 1, 4, 4]", 0 },
        { "[[1, 1, 1, 1, 4, 1, 4, 1, 4, 4, 1, 1]]", 0,
          "\"poly\": [1, 1, 4, 1, 4, 4]", 0 },
        { "[[90, 10, 110, 10, 110, 30, 90, 30]]", 0,
          "\"poly\": [90, 10, 100, 10, 100, 30, 90, 30]", 0 },
        { "[[1, 1, 4, 1, 4, 4, 1, 4]]", 4, "\"poly\": [1, 1, 4, 1, 4, 4, 1, 4]",
          0 },
        { "[[1, 1, 4, 1, 4, 4, 1, 4]]", 3, "\"bbox_2d\": [1, 1, 4, 4]", 3 },
        { "[[5, 2, 4, 1, 3, 9, 1, 4.5, 2, 2]]", 4, "\"bbox_2d\": [1, 1, 5, 9]",
          3 },
        { "{\"counts\": [1, 2], \"size\": [50, 100]}", 0, box, 1 },
        { "{\"counts\": \"abc\", \"size\": [50, 100]}", 0, box, 1 },
        { "", 0, box, 2 },
        { "null", 0, box, 2 },
        { "[]", 0, box, 2 },
        { "[[]]", 0, box, 2 },
        { "[[1, 1, 4, 4]]", 0, box, 2 },
        { "[[1, 1, 4, 4, 2, 2]]", 0, box, 2 },
        { "[[1, 1, 1, 1, 1, 1]]", 0, box, 2 },
        { "[[110, 10, 120, 10, 120, 20]]", 0, box, 2 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        check_segmentation(cases[i].segmentation, cases[i].max_points,
                           cases[i].object, cases[i].place);
}

/* ---- clipping ----------------------------------------------------------- */

/* Is the point in the ring, by the parity of edges that a ray to the right meets? */
static bool is_inside(const double *ring, int n, double x, double y)
{
    bool in = false;
    for (int i = 0; i < n; i++) {
        const double *p = ring + 2 * i;
        const double *q = ring + 2 * ((i + 1) % n);
        if ((p[1] > y) != (q[1] > y)
            && x < p[0] + (y - p[1]) / (q[1] - p[1]) * (q[0] - p[0]))
            in = !in;
    }
    return in;
}

/* Distance of a point to the nearest edge. */
static double edge_distance(const double *ring, int n, double x, double y)
{
    double least = INFINITY;
    for (int i = 0; i < n; i++) {
        const double *p = ring + 2 * i;
        const double *q = ring + 2 * ((i + 1) % n);
        double dx = q[0] - p[0], dy = q[1] - p[1], len = dx * dx + dy * dy;
        double t = len > 0 ? ((x - p[0]) * dx + (y - p[1]) * dy) / len : 0;
        t = fmin(fmax(t, 0), 1);
        least = fmin(least, hypot(x - p[0] - t * dx, y - p[1] - t * dy));
    }
    return least;
}

/* Of any ring, clipping keeps what lies in the picture and adds nothing. */
static void test_clip_random(void)
{
    qvl_rng r = { .key = 8 };
    int n_seen = 0, n_gone = 0;
    for (int round = 0; round < 3000; round++) {
        qvl_arena a = { 0 };
        double ring[2 * 9];
        int n = 3 + (int)qvl_rng_below(&r, 7), n_out = n;
        for (int i = 0; i < 2 * n; i++)
            ring[i] = round % 3 == 0 ? (double)qvl_rng_below(&r, 31) - 10
                                     : qvl_rng_uniform(&r) * 30 - 10;
        const double *out = qvl_import_clip(ring, &n_out, 12, 7, &a);
        n_gone += n_out == 0;
        for (int i = 0; i < n_out; i++) {
            CHECK(out[2 * i] >= 0 && out[2 * i] <= 12 && out[2 * i + 1] >= 0
                      && out[2 * i + 1] <= 7, "round %d, point %d", round, i);
            int k = (i + 1) % n_out;
            CHECK(n_out == 1 || out[2 * i] != out[2 * k]
                      || out[2 * i + 1] != out[2 * k + 1], "twice in a row");
        }
        for (int k = 0; k < 40; k++) {
            double x = qvl_rng_uniform(&r) * 30 - 10;
            double y = qvl_rng_uniform(&r) * 30 - 10;
            bool in_picture = x > 0 && x < 12 && y > 0 && y < 7;
            if (edge_distance(ring, n, x, y) < 1e-3)
                continue;
            bool wanted = in_picture && is_inside(ring, n, x, y);
            CHECK(is_inside(out, n_out, x, y) == wanted, "round %d: %g, %g",
                  round, x, y);
            n_seen += wanted;
        }
        qvl_arena_release(&a);
    }
    CHECK(n_seen > 1000 && n_gone > 100, "%d seen, %d gone", n_seen, n_gone);
}

/* Rings are equal but for the vertex they begin with. */
static bool is_same_ring(const double *a, const double *b, int n)
{
    for (int from = 0; from < n; from++) {
        bool is_same = true;
        for (int i = 0; i < n; i++) {
            int k = (i + from) % n;
            is_same = is_same && a[2 * i] == b[2 * k]
                      && a[2 * i + 1] == b[2 * k + 1];
        }
        if (is_same)
            return true;
    }
    return false;
}

static void test_clip(void)
{
    static const struct {
        double ring[8], out[8];
        int n, n_out;
    } cases[] = {
        { { -10, 10, 50, 10, 50, 60, -10, 60 }, { 0, 10, 50, 10, 50, 60, 0, 60 },
          4, 4 },
        { { 50, -50, 150, 50, 50, 50 }, { 50, 0, 100, 0, 100, 50, 50, 50 }, 3, 4 },
        { { -1, -1, 101, -1, 101, 101, -1, 101 },
          { 0, 0, 100, 0, 100, 100, 0, 100 }, 4, 4 },
        { { 0, 0, 100, 0, 100, 100, 0, 100 }, { 0, 0, 100, 0, 100, 100, 0, 100 },
          4, 4 },
    };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        int n = cases[i].n;
        const double *out = qvl_import_clip(cases[i].ring, &n, 100, 100, &a);
        CHECK_INT(n, cases[i].n_out, "case %zu", i);
        CHECK(is_same_ring(out, cases[i].out, n), "case %zu", i);
        qvl_arena_release(&a);
    }
}

/* ---- names -------------------------------------------------------------- */

static void test_names(void)
{
    static const char url[] =
        "{\"images\": [{\"id\": 1, \"width\": 9, \"height\": 9, \"coco_url\": "
        "\"http://x.org/pics/val/%s.jpg\"}], \"annotations\": [{\"image_id\": 1,"
        " \"category_id\": 2, \"bbox\": [1, 1, 5, 5]}], " CATEGORIES "}";
    static const struct {
        const char *stem, *pictures, *folder, *name;
    } cases[] = {
        { "one", "up/pics", "up", "\"pics/val/one.jpg\"" },
        { "two", "up/pics", "up", "\"pics/two.jpg\"" },
        { "two", "up/pics/val", "up/pics/val", "\"two.jpg\"" },
        { "one", "up/pics", "up/pics/val", "\"../val/one.jpg\"" },
        { "one", "up/pics/../pics", "up/pics", "\"val/one.jpg\"" },
        { "one", "up/pics", "side", "\"../up/pics/val/one.jpg\"" },
    };
    CHECK_OK(qvl_file_make_dirs(made_path("up/pics/val"), &(qvl_err){ 0 }),
             (qvl_err){ 0 });
    CHECK_OK(qvl_file_make_dirs(made_path("side"), &(qvl_err){ 0 }),
             (qvl_err){ 0 });
    touch("up/pics/val/one.jpg");
    touch("up/pics/two.jpg");
    touch("up/pics/val/two.jpg");
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_str out = { 0 };
        qvl_err err;
        qvl_import_counts n;
        qvl_import_options o = { .format = QVL_IMPORT_LVIS,
                                 .pictures = made_path(cases[i].pictures),
                                 .folder = made_path(cases[i].folder) };
        if (i == 1)
            remove(made_path("up/pics/val/two.jpg"));
        if (i == 2)
            touch("up/pics/val/two.jpg");
        CHECK_OK(call(&o, qvl_arena_printf(&a, url, cases[i].stem), &out, &n,
                      &err), err);
        CHECK_HAS(out.p, cases[i].name, "case %zu", i);
        o.format = QVL_IMPORT_COCO;
        CHECK_FAILS(call(&o, qvl_arena_printf(&a, url, cases[i].stem), &out, &n,
                         &err), QVL_E_DATA, err,
                    "images[0].file_name: found nothing, expected the name of a "
                    "file");
        qvl_str_release(&out);
        qvl_arena_release(&a);
    }
}

/* ---- many --------------------------------------------------------------- */

typedef struct {
    int64_t id;
    int w, h, n_kept;
} picture;

/* A file of random pictures and boxes, and the lines it should give, written the slow
 * way. */
static void make_many(qvl_str *text, qvl_str *lines, int n, qvl_rng *r,
                      bool annotations_first)
{
    static const char *const desc[] = { "bow_(tie)", "tea cup" };
    enum { MOST = 1400 };
    picture p[MOST];
    qvl_str notes = { 0 }, images = { 0 }, *own = calloc(MOST, sizeof *own);
    CHECK(n <= MOST && own != NULL, "room");
    for (int i = 0; i < n; i++) {
        p[i] = (picture){ .id = (int64_t)(qvl_rng_next(r) >> 2) - (1LL << 61),
                          .w = 1 + (int)qvl_rng_below(r, 90),
                          .h = 1 + (int)qvl_rng_below(r, 90) };
        qvl_str_printf(&images, "%s{\"file_name\": \"m.png\", \"id\": %lld, "
                       "\"width\": %d,\n \"height\": %d}", i > 0 ? "," : "",
                       (long long)p[i].id, p[i].w, p[i].h);
    }
    for (int i = 0; i < 3 * n; i++) {
        int k = (int)qvl_rng_below(r, (uint64_t)n);
        int x = (int)qvl_rng_below(r, 100) - 5, y = (int)qvl_rng_below(r, 100) - 5;
        int w = (int)qvl_rng_below(r, 40), h = (int)qvl_rng_below(r, 40);
        int c = (int)qvl_rng_below(r, 2);
        int x1 = x + w < p[k].w ? x + w : p[k].w;
        int y1 = y + h < p[k].h ? y + h : p[k].h;
        qvl_str_printf(&notes, "%s{\"bbox\": [%d, %d, %d, %d],\n\"image_id\":%lld"
                       ",\"category_id\": %d}", i > 0 ? ", " : "", x, y, w, h,
                       (long long)p[k].id, 1 + c);
        x = x > 0 ? x : 0;
        y = y > 0 ? y : 0;
        if (x1 - x >= 2 && y1 - y >= 2)
            qvl_str_printf(&own[k], "%s{\"bbox_2d\": [%d, %d, %d, %d], \"desc\": "
                           "\"%s\"}", p[k].n_kept++ > 0 ? ", " : "", x, y, x1,
                           y1, desc[c]);
    }
    qvl_str_printf(text, "{%s, \"x\": [[{}]], ", annotations_first ? CATEGORIES
                                                                   : "\"y\": 1");
    qvl_str_printf(text, "\"%s\": [%s],", annotations_first ? "annotations"
                                                            : "images",
                   annotations_first ? notes.p : images.p);
    qvl_str_printf(text, "\"%s\": [%s]", annotations_first ? "images"
                                                           : "annotations",
                   annotations_first ? images.p : notes.p);
    qvl_str_puts(text, annotations_first ? "}" : ", " CATEGORIES "}");
    for (int i = 0; i < n; i++) {
        if (p[i].n_kept > 0)
            qvl_str_printf(lines, "{\"images\": [\"m.png\"], \"width\": %d, "
                           "\"height\": %d, \"objects\": [%s]}\n", p[i].w,
                           p[i].h, own[i].p);
        qvl_str_release(&own[i]);
    }
    free(own);
    qvl_str_release(&notes);
    qvl_str_release(&images);
}

static void test_many(void)
{
    static const int sizes[] = { 1, 2, 13, 511, 512, 513, 1399 };
    qvl_rng r = { .key = 6 };
    touch("m.png");
    for (size_t i = 0; i < QVL_COUNT(sizes); i++) {
        qvl_str text = { 0 }, lines = { 0 }, out = { 0 };
        while (lines.len == 0) {
            qvl_str_reset(&text);
            make_many(&text, &lines, sizes[i], &r, i % 2 == 0);
        }
        for (int threads = 1; threads < 8; threads += 3) {
            qvl_err err;
            qvl_import_counts n;
            qvl_import_options o = { .min_size_px = 2, .n_threads = threads };
            CHECK_OK(call(&o, text.p, &out, &n, &err), err);
            CHECK(strcmp(out.p, lines.p) == 0, "%d pictures, %d threads",
                  sizes[i], threads);
            CHECK_INT(n.n_annotations, 3 * sizes[i], "annotations");
            CHECK_INT(n.n_records + n.n_empty, sizes[i], "pictures");
        }
        qvl_str_release(&text);
        qvl_str_release(&lines);
        qvl_str_release(&out);
    }
}

/* ---- faults ------------------------------------------------------------- */

/* 99 characters of two bytes fit into a message behind two more bytes, 121 do not. */
#define E_11 "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
#define LONG_CUT E_11 E_11 E_11 E_11 E_11 E_11 E_11 E_11 E_11
#define LONG LONG_CUT E_11 E_11
#define BOX "\"bbox\": [1, 1, 5, 5]"

static void test_wrong_annotations(void)
{
    static const struct {
        const char *annotation, *part;
    } cases[] = {
        { "5", "JSON: found '5', expected a map" },
        { "{}", "annotations[1].image_id: found nothing, expected a whole number" },
        { "{\"image_id\": \"7\"}", "annotations[1].image_id: found \"7\"" },
        { "{\"image_id\": 7.5}", "annotations[1].image_id: found 7.5" },
        { "{\"image_id\": [1,\n\t2]}",
          "annotations[1].image_id: found [1,  2], expected a whole number" },
        { "{\"image_id\": \"a" LONG "\"}",
          "annotations[1].image_id: found \"a" LONG_CUT "..., expected" },
        { "{\"image_id\": 8}",
          "annotations[1].image_id: found 8, expected the id of one of images" },
        { "{\"image_id\": 7}", "annotations[1].category_id: found nothing" },
        { "{\"image_id\": 7, \"category_id\": \"x\"}", "found string" },
        { "{\"image_id\": 7, \"category_id\": 5}",
          "category_id: found 5, expected the id of one of categories" },
        { "{\"image_id\": 7, \"category_id\": 1}",
          "annotations[1].bbox: found nothing, expected four numbers" },
        { "{\"image_id\": 7, \"category_id\": 1, \"bbox\": {}}", "found map" },
        { "{\"image_id\": 7, \"category_id\": 1, \"bbox\": [1, 2, 3]}",
          "bbox: found another list" },
        { "{\"image_id\": 7, \"category_id\": 1, \"bbox\": [1, 2, 3, \"4\"]}",
          "bbox: found another list" },
        { "{\"image_id\": 7, \"category_id\": 1, \"bbox\": [1, 2, -3, 4]}",
          "w and h not below 0" },
        { "{\"image_id\": 7, \"category_id\": 1, \"bbox\": [1, 2, 3, 1e999]}",
          "fits a double" },
        { "{\"image_id\": 7, \"category_id\": 1, " BOX ", \"iscrowd\": 2}",
          "iscrowd: found integer, expected 0 or 1" },
        { "{\"image_id\": 7, \"category_id\": 1, " BOX ", \"iscrowd\": null}",
          "iscrowd: found null" },
        { "{\"image_id\": 7, \"category_id\": 1, " BOX ", " BOX "}",
          "key \"bbox\": found a second time" },
        { "{\"image_id\": 7, \"category_id\": 1, " BOX
          ", \"segmentation\": \"x\"}",
          "segmentation: found string, expected rings or a mask" },
        { "{\"image_id\": 7, \"category_id\": 1, " BOX
          ", \"segmentation\": [1, 2, 3, 4, 5, 6]}",
          "segmentation: found integer, expected rings: lists of numbers" },
        { "{\"image_id\": 7, \"category_id\": 1, " BOX
          ", \"segmentation\": [[1, 2, 3, 4, 5]]}", "found an odd count" },
        { "{\"image_id\": 7, \"category_id\": 1, " BOX
          ", \"segmentation\": [[1, 2, 3, null, 5, 6]]}",
          "found something else in a ring" },
    };
    qvl_import_options o = { .has_polygons = true };
    touch("a.jpg");
    touch("b c.png");
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_arena a = { 0 };
        qvl_str out = { 0 };
        qvl_err err;
        qvl_import_counts n = { .n_records = 77 };
        const char *text = file_with(&a, qvl_arena_printf(&a, "%s,\n %s", box_b,
                                                          cases[i].annotation));
        int rc = call(&o, text, &out, &n, &err);
        CHECK(rc == QVL_E_DATA || rc == QVL_E_FORMAT, "%s: %d",
              cases[i].annotation, rc);
        CHECK_HAS(err.msg, cases[i].part, "%s", cases[i].annotation);
        CHECK_HAS(err.msg, "a.json:2:", "%s", cases[i].annotation);
        CHECK_INT(n.n_records, 77, "counts changed");
        qvl_str_release(&out);
        qvl_arena_release(&a);
    }
}

/* Fields stay as they were when what is read is wrong. */
static void test_fields_stay(void)
{
    qvl_arena a = { 0 };
    qvl_err err;
    qvl_import_fields fields = { .at = { .line = 77 } };
    const qvl_import_fields before = fields;
    const char *text = file_with(&a, "{\"image_id\": 7, " BOX ", " BOX "}");
    qvl_import_file f = { .path = made_text("a.json", text) };
    CHECK_OK(qvl_import_file_open(&f, &err), err);
    CHECK_FAILS(qvl_import_read(&f, 0, true, &fields, &a, &err), QVL_E_FORMAT, err,
                "key \"bbox\": found a second time");
    CHECK(memcmp(&fields, &before, sizeof fields) == 0, "fields");
    qvl_import_file_close(&f);
    qvl_arena_release(&a);
}

static void test_wrong_files(void)
{
#define NOTES "\"annotations\": [{\"image_id\": 7, \"category_id\": 1, " BOX "}]"
#define IMAGE(fields) "{\"images\": [{" fields "}], " NOTES ", " CATEGORIES "}"
    static const struct {
        const char *text, *part;
    } cases[] = {
        { "", "a.json:1:1: JSON: found the end of the text, expected a map" },
        { "[]", "a.json:1:1: JSON: found '[', expected a map" },
        { "{}", "a.json: found no list images" },
        { "{" IMAGES ", " NOTES "}", "found no list categories" },
        { "{" IMAGES ", " CATEGORIES "}", "found no list annotations" },
        { "{" IMAGES ", " NOTES ", \"categories\": {}}",
          "categories: found no list, expected one" },
        { "{" IMAGES ", \"annotations\": 5, " CATEGORIES "}",
          "annotations: found no list, expected one" },
        { "{" IMAGES ", " NOTES ", " CATEGORIES ", " NOTES "}",
          "key \"annotations\": found a second time" },
        { "{" IMAGES ", " NOTES ", " CATEGORIES "} x", "the end of the text" },
        { "{" IMAGES ", " NOTES ", " CATEGORIES, "',' or '}'" },
        { "{" IMAGES ", \"annotations\": [{\"image_id\": 7, \"bbo",
          "JSON: found the end of the text, expected the end of a string" },
        { "{" IMAGES ", \"x\": [1, 01], " NOTES ", " CATEGORIES "}",
          "found '1', expected ',' or ']'" },
        { "{\"images\": [5], " NOTES ", " CATEGORIES "}",
          "images: found integer, expected maps" },
        { IMAGE("\"id\": \"7\", \"width\": 9, \"height\": 9, \"file_name\": \"a\""),
          "images[0].id: found string, expected a whole number" },
        { IMAGE("\"width\": 9, \"height\": 9, \"file_name\": \"a\""),
          "images[0].id: found nothing" },
        { IMAGE("\"id\": 7, \"width\": 0, \"height\": 9, \"file_name\": \"a\""),
          "images[0].width: found 0, expected a number of px" },
        { IMAGE("\"id\": 7, \"width\": 9, \"height\": 9.5, \"file_name\": \"a\""),
          "images[0].height: found 9.5" },
        { IMAGE("\"id\": 7, \"width\": 9, \"height\": 16777217"),
          "images[0].height: found 16777217" },
        { IMAGE("\"id\": 7, \"width\": 9, \"height\": 9, \"file_name\": \"\""),
          "images[0].file_name: found string" },
        { IMAGE("\"id\": 7, \"width\": 9, \"height\": 9, \"file_name\": 5"),
          "images[0].file_name: found 5" },
        { IMAGE("\"id\": 7, \"width\": 9, \"height\": 9, \"file_name\": \"no.png\""),
          "a.json:1:13: picture: found no file no.png in " },
        { IMAGE("\"id\": 7, \"width\": 9, \"height\": 9, \"file_name\": \".\""),
          "picture: found no file . in " },
        { "{\"images\": [{\"id\": 7, \"width\": 9, \"height\": 9, \"file_name\": "
          "\"a\"}, {\"id\": 7, \"width\": 9, \"height\": 9, \"file_name\": \"a\"}],"
          NOTES ", " CATEGORIES "}",
          "images[1].id: found 7, expected another id than images[0] has" },
        { "{" IMAGES ", " NOTES ", \"categories\": [{\"id\": 1}]}",
          "categories[0].name: found nothing, expected a text" },
        { "{" IMAGES ", " NOTES ", \"categories\": [{\"id\": 1, \"name\": \" \"}]}",
          "categories[0].name: found nothing in \" \"" },
        { "{" IMAGES ", " NOTES
          ", \"categories\": [{\"id\": 1, \"name\": \"<|x\"}]}",
          "begins control tokens" },
        { "{" IMAGES ", " NOTES ", \"categories\": [{\"id\": 1, \"name\": \"a\"}, "
          "{\"id\": 2, \"name\": \"b\"}, {\"id\": 1, \"name\": \"c\"}]}",
          "categories[2].id: found 1, expected another id than categories[0]" },
        { "{" IMAGES ", \"annotations\": [], " CATEGORIES "}",
          "found no object to keep in 0 annotations" },
        { "{\"images\": [], \"annotations\": [], \"categories\": []}",
          "found no object to keep" },
        { "{" IMAGES ", \"annotations\": [{\"image_id\": 7, \"category_id\": 1, "
          BOX ", \"iscrowd\": 1}], " CATEGORIES "}",
          "found no object to keep in 1 annotations" },
    };
    touch("a.jpg");
    touch("a");
    for (size_t i = 0; i < QVL_COUNT(cases); i++)
        for (int format = QVL_IMPORT_COCO; format <= QVL_IMPORT_LVIS; format++) {
            qvl_str out = { 0 };
            qvl_err err;
            qvl_import_counts n;
            qvl_import_options o = { .format = (qvl_import_format)format };
            int rc = call(&o, cases[i].text, &out, &n, &err);
            CHECK(rc == QVL_E_DATA || rc == QVL_E_FORMAT, "%s: %d",
                  cases[i].text, rc);
            CHECK_HAS(err.msg, cases[i].part, "%s", cases[i].text);
            qvl_str_release(&out);
        }
}

static int refuse(void *ctx, const char *line, size_t len, qvl_err *err)
{
    (void)line;
    (void)len;
    ++*(int *)ctx;
    return qvl_fail(err, QVL_E_IO, "no room");
}

static void test_other_faults(void)
{
    qvl_arena a = { 0 };
    qvl_str out = { 0 };
    qvl_err err;
    qvl_import_counts n;
    int n_called = 0;
    touch("b c.png");
    qvl_import_options o = { .path = made_text("a.json", file_with(&a, box_b)),
                             .pictures = made_dir(), .folder = made_dir() };
    CHECK_FAILS(qvl_import(&o, refuse, &n_called, &n, &err), QVL_E_IO, err,
                "no room");
    CHECK_INT(n_called, 1, "called");
    o.path = made_path("none.json");
    CHECK_FAILS(qvl_import(&o, keep, &out, &n, &err), QVL_E_IO, err, "none.json");
    o.path = made_dir();
    CHECK_FAILS(qvl_import(&o, keep, &out, &n, &err), QVL_E_IO, err,
                "Is a directory");
    o.path = made_path("a.json");
    o.pictures = made_path("b c.png");
    CHECK_FAILS(qvl_import(&o, keep, &out, &n, &err), QVL_E_IO, err, "b c.png");
    o.pictures = made_dir();
    o.folder = made_path("none");
    CHECK_FAILS(qvl_import(&o, keep, &out, &n, &err), QVL_E_IO, err, "none");
    qvl_str_release(&out);
    qvl_arena_release(&a);
}

static void test_out_of_memory(void)
{
    qvl_arena a = { 0 };
    qvl_import_counts n;
    int n_failed = 0;
    touch("b c.png");
    const char *text = file_with(&a, box_b);
    qvl_import_options o = { .path = made_text("a.json", text), .n_threads = 1,
                             .pictures = made_dir(), .folder = made_dir() };
    for (size_t limit = 0; limit < 400000; limit += 2111) {
        qvl_str out = { 0 };
        qvl_err err = { 0 };
        qvl_memory_limit(limit);
        int rc = qvl_import(&o, keep, &out, &n, &err);
        qvl_memory_limit(SIZE_MAX);
        CHECK(rc == QVL_OK || rc == QVL_E_MEMORY, "limit %zu: %s", limit,
              err.msg);
        n_failed += rc == QVL_E_MEMORY;
        qvl_str_release(&out);
    }
    CHECK(n_failed > 10 && n_failed < 180, "%d failed", n_failed);
    qvl_arena_release(&a);
}

RUN_TESTS(TEST(test_boxes), TEST(test_left_out), TEST(test_polygons),
          TEST(test_clip), TEST(test_clip_random), TEST(test_names),
          TEST(test_many), TEST(test_wrong_annotations),
          TEST(test_fields_stay), TEST(test_wrong_files),
          TEST(test_other_faults), TEST(test_out_of_memory))
