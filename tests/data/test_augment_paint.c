/* test_augment_paint.c - objects are painted, augmented, and found again
 *
 * Every object has a colour of its own on a white picture. Behind any chain of ops,
 * a pixel well inside of one object's new geometry alone has its colour, and a pixel
 * well outside of all has none of theirs.
 */
#include <math.h>

#include "augment_rules.h"
#include "base/rng.h"
#include "check.h"
#include "data/augment/augment.h"
#include "image/edit.h"

#define W 200
#define H 150
#define N_OBJECTS 7
#define LINE_PX 6.0
#define CONCAVE 4

static const double boxes[3][4] = { { 10, 10, 50, 40 }, { 80, 8, 120, 30 },
                                    { 150, 100, 196, 146 } };
static const double square[] = { 80, 50, 110, 50, 110, 80, 80, 80 };
static const double angle[] = { 10, 60, 60, 60, 60, 75, 25, 75, 25, 110, 10, 110 };
static const double triangle[] = { 130, 40, 180, 40, 155, 90 };
static const double stroke[] = { 70, 100, 100, 130, 130, 100 };
static const qvl_object objects[N_OBJECTS] = {
    { QVL_GEOM_BOX, 2, boxes[0], "a" },   { QVL_GEOM_BOX, 2, boxes[1], "b" },
    { QVL_GEOM_BOX, 2, boxes[2], "c" },   { QVL_GEOM_POLY, 4, square, "d" },
    { QVL_GEOM_POLY, 6, angle, "e" },     { QVL_GEOM_POLY, 3, triangle, "f" },
    { QVL_GEOM_LINE, 3, stroke, "g" },
};
static const uint8_t colours[N_OBJECTS][3] = {
    { 255, 0, 0 }, { 0, 255, 0 }, { 0, 0, 255 }, { 255, 255, 0 },
    { 255, 0, 255 }, { 0, 255, 255 }, { 0, 0, 0 },
};

/* ---- geometry of a pixel -------------------------------------------------- */

static double distance_to(const double *a, const double *b, double x, double y)
{
    double dx = b[0] - a[0], dy = b[1] - a[1], n = dx * dx + dy * dy;
    double t = n > 0 ? ((x - a[0]) * dx + (y - a[1]) * dy) / n : 0;
    t = fmin(fmax(t, 0), 1);
    return hypot(a[0] + t * dx - x, a[1] + t * dy - y);
}

/* The four corners of a box. */
static void corners(double *out, const double *p)
{
    const double c[] = { p[0], p[1], p[2], p[1], p[2], p[3], p[0], p[3] };
    memcpy(out, c, sizeof c);
}

/* How deep a place is inside of an object, in px; negative: how far outside. */
static double depth_of(const qvl_object *o, double x, double y)
{
    double box[8], least = INFINITY;
    const double *p = o->point;
    int n = o->n;
    bool is_inside = false;
    if (o->kind == QVL_GEOM_BOX) {
        corners(box, p);
        p = box;
        n = 4;
    }
    int n_edges = o->kind == QVL_GEOM_LINE ? n - 1 : n;
    for (int i = 0; i < n_edges; i++) {
        const double *a = p + 2 * i, *b = p + 2 * ((i + 1) % n);
        least = fmin(least, distance_to(a, b, x, y));
        if ((a[1] > y) != (b[1] > y)
            && x < a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]))
            is_inside = !is_inside;
    }
    if (o->kind == QVL_GEOM_LINE)
        return LINE_PX - least;
    return is_inside ? least : -least;
}

static void paint(qvl_image *im)
{
    qvl_err err = { 0 };
    CHECK_OK(qvl_image_init(im, H, W, &err), err);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            uint8_t *p = qvl_image_row(im, y) + 3 * x;
            memset(p, 255, 3);
            for (int k = 0; k < N_OBJECTS; k++)
                if (depth_of(&objects[k], x + .5, y + .5) > 0)
                    memcpy(p, colours[k], 3);
        }
}

/* ---- what is seen --------------------------------------------------------- */

typedef struct {
    const qvl_record *out;
    const qvl_augment_report *report;
    const qvl_image *im;
    double scale;      // of lengths, at least and at most: strokes grow as well
    double most_scale;
    const char *rules;
    int epoch;
} seen;

static bool is_near(const uint8_t *p, const uint8_t *q)
{
    for (int c = 0; c < 3; c++)
        if (abs(p[c] - q[c]) > 24)
            return false;
    return true;
}

/* An object that is there no more may still be seen in part; so may one that came apart
 * at a border, of which the largest piece is kept. */
static bool is_dropped(const seen *s, int source)
{
    if (source == CONCAVE || objects[source].kind == QVL_GEOM_LINE)
        return true;
    for (int i = 0; i < s->out->n_objects; i++)
        if (s->report->source[i] == source && s->report->coverage[i] > 0.999)
            return false;
    return true;
}

/* Ends of a line may lie on the border of a picture, where grey mixes in. */
static bool is_at_end(const qvl_object *o, double x, double y)
{
    const double *a = o->point, *b = o->point + 2 * (o->n - 1);
    return o->kind == QVL_GEOM_LINE
           && fmin(hypot(a[0] - x, a[1] - y), hypot(b[0] - x, b[1] - y)) < 5.0;
}

static void check_pixel(const seen *s, int x, int y, int *n_inside)
{
    const uint8_t *p = qvl_image_row(s->im, y) + 3 * x;
    int inside = -1, n_near = 0;
    for (int i = 0; i < s->out->n_objects; i++) {
        const qvl_object *o = &s->out->object[i];
        bool is_line = o->kind == QVL_GEOM_LINE;
        double depth = depth_of(o, x + .5, y + .5);
        double margin = is_line ? LINE_PX - s->scale * LINE_PX + 3 : 2.5;
        double reach = is_line ? LINE_PX - s->most_scale * LINE_PX - 2.5 : -2.5;
        if (depth > margin && !is_at_end(o, x + .5, y + .5))
            inside = i;
        n_near += depth > reach;
    }
    if (inside >= 0 && n_near == 1) {
        const uint8_t *want = colours[s->report->source[inside]];
        CHECK(is_near(p, want), "%s, epoch %d: (%d, %d) is %d %d %d, not object %d",
              s->rules, s->epoch, x, y, p[0], p[1], p[2], inside);
        n_inside[inside]++;
    }
    for (int k = 0; k < N_OBJECTS && n_near == 0; k++)
        CHECK(is_dropped(s, k) || !is_near(p, colours[k]),
              "%s, epoch %d: (%d, %d) has the colour of object %d", s->rules, s->epoch,
              x, y, k);
}

/* Returns how many objects had a pixel that was looked at. */
static int check_picture(const seen *s)
{
    int n_inside[2 * N_OBJECTS] = { 0 }, n_found = 0;
    CHECK(s->out->n_objects <= 2 * N_OBJECTS, "%d objects", s->out->n_objects);
    CHECK(s->im->w == s->out->w && s->im->h == s->out->h, "%s: %d x %d, said %d x %d",
          s->rules, s->im->w, s->im->h, s->out->w, s->out->h);
    for (int y = 0; y < s->im->h; y++)
        for (int x = 0; x < s->im->w; x++)
            check_pixel(s, x, y, n_inside);
    for (int i = 0; i < s->out->n_objects; i++)
        n_found += n_inside[i] > 0;
    return n_found;
}

/* ---- chains --------------------------------------------------------------- */

/* Augment once; returns objects that were found. */
static int try_rules(const char *rules, uint64_t epoch, double scale, double most)
{
    const qvl_record record = { .index = 1, .w = W, .h = H, .object = objects,
                                .n_objects = N_OBJECTS };
    qvl_arena arena = { 0 };
    qvl_augmentation r;
    qvl_augment_report report;
    const qvl_record *out;
    qvl_image im;
    qvl_err err = { 0 };
    augment_rules(&r, rules, &arena);
    const qvl_augmenter a = { .rules = &r, .seed = 4, .total_steps = 1 };
    CHECK_OK(qvl_augment(&a, &record, &(qvl_sample_at){ .epoch = epoch }, QVL_MODE_DENSE,
                         &arena, &out, &report, &err), err);
    paint(&im);
    if (out->edit != NULL)
        CHECK_OK(qvl_edit_run(&im, out->edit, &err), err);
    seen s = { out, &report, &im, scale, most, rules, (int)epoch };
    int n_found = check_picture(&s);
    qvl_image_release(&im);
    qvl_arena_release(&arena);
    return n_found;
}

static const struct {
    const char *op;
    double scale, most;  // of lengths
} parts[] = {
    { "{name: hflip, params: {prob: 1}}", 1, 1 },
    { "{name: vflip, params: {prob: 1}}", 1, 1 },
    { "{name: rotate, params: {max_deg: 180, prob: 1}}", 1, 1 },
    { "{name: scale, params: {lo: 0.7, hi: 1.4, prob: 1}}", 0.7, 1.4 },
    { "{name: expand_to_fit_affine, params: {multiple: 8, max_pixels: 60000}}", .6, 1 },
    { "{name: pad_to_multiple, params: {multiple: 32}}", 1, 1 },
    { "{name: resize_by_scale, params: {lo: 0.7, hi: 1.5, align_multiple: 4}}", .7, 1.6 },
    { "{name: random_crop, params: {scale: [0.3, 1], min_objects: 1, skip_if_line: "
      "false}}", 1, 1 },
    { "{name: center_crop, params: {scale: 0.5, min_objects: 1, skip_if_line: false}}",
      1, 1 },
    { "{name: roi_crop, params: {anchor_classes: [a, d], min_crop_size: 60, prob: 1}}",
      1, 1 },
    { "{name: small_object_zoom_paste, params: {prob: 1, max_size: 35, scale: [1.2, "
      "1.6], context: 0, overlap_threshold: 0, max_attempts: 50}}", 1, 1 },
};

/* Each op alone, several times. */
static void test_each(void)
{
    for (size_t i = 0; i < QVL_COUNT(parts); i++) {
        char rules[512];
        int n_found = 0;
        snprintf(rules, sizeof rules, "ops: [%s]", parts[i].op);
        for (uint64_t epoch = 0; epoch < 6; epoch++)
            n_found += try_rules(rules, epoch, parts[i].scale, parts[i].most);
        CHECK(n_found >= 6, "%s: %d objects found", rules, n_found);
    }
}

/* Three to five ops in any order. What is pasted would be taken for what it was
 * pasted from, so pasting comes last. */
static void test_chains(void)
{
    qvl_rng rng = { .key = 9 };
    int n_found = 0;
    for (int round = 0; round < 60; round++) {
        qvl_str rules = { 0 };
        double scale = 1, most = 1;
        int n = 3 + (int)qvl_rng_below(&rng, 3);
        qvl_str_puts(&rules, "ops: [");
        for (int k = 0; k < n; k++) {
            size_t i = (size_t)qvl_rng_below(&rng, QVL_COUNT(parts) - 1);
            if (i == 4)  // aligns: the last one that changes the size would have to
                i = 2;
            qvl_str_printf(&rules, "%s%s", k > 0 ? ", " : "", parts[i].op);
            scale *= parts[i].scale;
            most *= parts[i].most;
        }
        qvl_str_puts(&rules, "]");
        n_found += try_rules(rules.p, (uint64_t)round, scale, most);
        qvl_str_release(&rules);
    }
    CHECK(n_found > 60, "%d objects found", n_found);
}

RUN_TESTS(TEST(test_each), TEST(test_chains))
