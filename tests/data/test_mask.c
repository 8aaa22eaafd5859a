/* test_mask.c - masks against the rules applied pixel by pixel */
#include "check.h"

#include <stdbool.h>

#include "base/rng.h"
#include "data/mask.h"

enum { SIDE = QVL_MASK_SIDE };

static bool has_pixel(const qvl_mask *m, int x, int y)
{
    if (y < m->y0 || y >= m->y0 + m->n_rows)
        return false;
    for (int s = m->first[y - m->y0]; s < m->first[y - m->y0 + 1]; s++)
        if (x >= m->span[s].x0 && x < m->span[s].x1)
            return true;
    return false;
}

/* Even-odd rule for the centre of a pixel, in whole numbers: all doubled. */
static bool is_inside(const int *p, int n, int x, int y)
{
    bool inside = false;
    int64_t cx = 2 * x + 1;
    int64_t cy = 2 * y + 1;
    for (int i = 0; i < n; i++) {
        const int *a = &p[2 * i];
        const int *b = &p[2 * ((i + 1) % n)];
        if (a[1] > b[1]) {
            const int *t = a;
            a = b;
            b = t;
        }
        if (2 * a[1] > cy || 2 * b[1] <= cy)
            continue;
        if ((cx - 2 * a[0]) * (b[1] - a[1]) >= (cy - 2 * a[1]) * (b[0] - a[0]))
            inside = !inside;
    }
    return inside;
}

/* Distance to a line at most r, in whole numbers: all doubled. */
static bool is_close(const int *p, int n, int64_t r, int x, int y)
{
    for (int i = 0; i < n - (n > 1); i++) {
        const int *a = &p[2 * i];
        const int *b = n > 1 ? a + 2 : a;
        int64_t dx = 2 * (b[0] - a[0]), dy = 2 * (b[1] - a[1]);
        int64_t ax = 2 * x + 1 - 2 * a[0], ay = 2 * y + 1 - 2 * a[1];
        int64_t along = ax * dx + ay * dy, len2 = dx * dx + dy * dy;
        int64_t bx = ax - dx, by = ay - dy, cross = ax * dy - ay * dx;
        if (along <= 0 ? ax * ax + ay * ay <= 4 * r * r
            : along >= len2 ? bx * bx + by * by <= 4 * r * r
                            : cross * cross <= 4 * r * r * len2)
            return true;
    }
    return false;
}

static uint64_t state = 5;

static int below(int n)
{
    state = qvl_rng_mix(state, 1);
    return (int)((state >> 11) % (uint64_t)n);
}

static void to_double(double *to, const int *from, int n)
{
    for (int i = 0; i < 2 * n; i++)
        to[i] = from[i];
}

static void check_mask(const qvl_mask *m, const int *p, int n, int radius)
{
    int64_t area = 0;
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            bool wanted = radius > 0 ? is_close(p, n, radius, x, y)
                                     : is_inside(p, n, x, y);
            area += wanted;
            if (has_pixel(m, x, y) != wanted)
                CHECK(false, "pixel %d %d of %d points from %d %d, radius %d",
                      x, y, n, p[0], p[1], radius);
        }
    }
    CHECK_INT(m->area, area, "area");
}

static void test_regions(void)
{
    static const int fixed[][9] = {
        { 4, 0, 0, 1000, 0, 1000, 1000, 0, 1000 },
        { 3, 0, 0, 10, 0, 0, 10 },
        { 3, 999, 0, 999, 7, 990, 3 },
        { 4, 0, 0, 100, 100, 100, 0, 0, 100 },  // crosses itself
        { 4, 5, 5, 5, 5, 5, 5, 5, 5 },
        { 3, 0, 500, 1000, 500, 500, 500 },
        { 1, 3, 3 },
        { 2, 0, 0, 9, 9 },
    };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(fixed) + 12; i++) {
        int p[16], n = 3 + below(6);
        double d[16];
        for (int k = 0; k < 2 * n; k++)
            p[k] = below(i % 2 == 0 ? 1001 : 40);
        if (i < QVL_COUNT(fixed)) {
            n = fixed[i][0];
            memcpy(p, &fixed[i][1], 8 * sizeof *p);
        }
        qvl_mask m;
        to_double(d, p, n);
        qvl_mask_region(&m, d, n, &arena);
        check_mask(&m, p, n, 0);
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

static void test_boxes(void)
{
    static const int box[][4] = {
        { 0, 0, 1000, 1000 }, { 10, 20, 30, 40 }, { 5, 5, 6, 6 },
        { 999, 999, 1000, 1000 }, { 7, 7, 7, 9 }, { 0, 0, 1, 1000 },
    };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(box); i++) {
        const int *b = box[i];
        int ring[8] = { b[0], b[1], b[2], b[1], b[2], b[3], b[0], b[3] };
        double d[4];
        qvl_mask m;
        to_double(d, b, 2);
        qvl_mask_box(&m, d, &arena);
        check_mask(&m, ring, 4, 0);
        CHECK_INT(m.area, (b[2] - b[0]) * (b[3] - b[1]), "area %zu", i);
    }
    qvl_arena_release(&arena);
}

static void test_strokes(void)
{
    qvl_arena arena = { 0 };
    static const int fixed[][7] = {
        { 2, 0, 0, 1000, 1000 }, { 2, 100, 50, 100, 60 },
        { 2, 3, 999, 990, 999 }, { 1, 500, 500 }, { 3, 5, 5, 5, 5, 9, 5 },
    };
    static const int radii[] = { 1, 8, 40 };
    for (size_t i = 0; i < QVL_COUNT(fixed) + 10; i++) {
        int p[12], n = 2 + below(4);
        double d[12];
        int radius = radii[i % 3];
        for (int k = 0; k < 2 * n; k++)
            p[k] = below(i % 2 == 0 ? 1001 : 60);
        if (i < QVL_COUNT(fixed)) {
            n = fixed[i][0];
            memcpy(p, &fixed[i][1], 6 * sizeof *p);
        }
        qvl_mask m;
        to_double(d, p, n);
        qvl_mask_stroke(&m, d, n, radius, &arena);
        check_mask(&m, p, n, radius);
        qvl_arena_reset(&arena);
    }
    qvl_arena_release(&arena);
}

static void box_mask(qvl_mask *m, double x0, double y0, double x1, double y1,
                     qvl_arena *arena)
{
    qvl_mask_box(m, (double[]){ x0, y0, x1, y1 }, arena);
}

static void test_overlap(void)
{
    qvl_arena arena = { 0 };
    qvl_mask a, b, none, ring;
    box_mask(&a, 0, 0, 100, 100, &arena);
    box_mask(&b, 50, 0, 150, 100, &arena);
    box_mask(&none, 5, 5, 5, 5, &arena);
    CHECK_NEAR(qvl_mask_iou(&a, &b), 1.0 / 3, 0, "half of each");
    CHECK_NEAR(qvl_mask_iou(&a, &a), 1, 0, "itself");
    CHECK_NEAR(qvl_mask_iou(&a, &none), 0, 0, "empty");
    CHECK_NEAR(qvl_mask_iou(&none, &none), 0, 0, "both empty");
    box_mask(&b, 100, 0, 200, 100, &arena);
    CHECK_NEAR(qvl_mask_iou(&a, &b), 0, 0, "side by side");
    box_mask(&b, 0, 200, 100, 300, &arena);
    CHECK_NEAR(qvl_mask_iou(&a, &b), 0, 0, "below each other");
    /* An L against the square it is cut from. */
    double l[] = { 0, 0, 100, 0, 100, 50, 50, 50, 50, 100, 0, 100 };
    qvl_mask_region(&ring, l, 6, &arena);
    CHECK_NEAR(qvl_mask_iou(&a, &ring), 0.75, 0, "three quarters");
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_regions), TEST(test_boxes), TEST(test_strokes),
          TEST(test_overlap))
