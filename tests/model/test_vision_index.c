/* test_vision_index.c - patch order, table cells, segments, against the
 * definitions written out */
#include "check.h"
#include "model/vision_index.h"

static const qvl_grid grids[] = {
    { 1, 4, 6 }, { 2, 4, 4 }, { 1, 2, 2 }, { 3, 10, 2 }, { 1, 48, 50 },
};
#define N ((int)QVL_COUNT(grids))

/* Walk frames, blocks and places inside blocks; call `see` for each patch. */
typedef void see_patch(int n, const qvl_grid *g, int row, int col);

static void each_patch(see_patch *see)
{
    int n = 0;
    for (int k = 0; k < N; k++)
        for (int t = 0; t < grids[k].t; t++)
            for (int br = 0; br < grids[k].h / 2; br++)
                for (int bc = 0; bc < grids[k].w / 2; bc++)
                    for (int in = 0; in < 4; in++)
                        see(n++, &grids[k], 2 * br + in / 2, 2 * bc + in % 2);
}

static int32_t *place;
static int32_t *index_of;
static float *weight_of;

static void see_place(int n, const qvl_grid *g, int row, int col)
{
    (void)g;
    CHECK_INT(place[2 * n], row, "row of patch %d", n);
    CHECK_INT(place[2 * n + 1], col, "column of patch %d", n);
}

static void test_places(void)
{
    qvl_arena arena = { 0 };
    size_t n = qvl_grid_patches(grids, N);
    place = qvl_arena_array(&arena, int32_t, 2 * n);
    CHECK_INT(n, 24 + 32 + 4 + 60 + 2400, "patches");
    CHECK_INT(qvl_grid_rows(grids, N, 2), n / 4, "merged rows");
    qvl_vision_places(place, grids, N, 2);
    each_patch(see_place);
    qvl_arena_release(&arena);
}

/* Value of the table 1000 r + c at a place, by the four cells: stretching is
 * exact for a table that is linear in both. */
static void see_cells(int n, const qvl_grid *g, int row, int col)
{
    double value = 0.0, sum = 0.0;
    for (int e = 0; e < 4; e++) {
        int at = index_of[4 * n + e];
        CHECK(at >= 0 && at < 48 * 48, "cell %d of patch %d", e, n);
        value += weight_of[4 * n + e] * (1000.0 * (at / 48) + at % 48);
        sum += weight_of[4 * n + e];
    }
    double want = 1000.0 * row * 47 / (g->h - 1) + col * 47.0 / (g->w - 1);
    /* f32 weights times cells of up to 47,047. */
    CHECK_NEAR(value, want, 1e-2, "patch %d", n);
    CHECK_NEAR(sum, 1.0, 3e-7, "patch %d", n);
}

static void test_cells(void)
{
    qvl_arena arena = { 0 };
    size_t n = qvl_grid_patches(grids, N);
    index_of = qvl_arena_array(&arena, int32_t, 4 * n);
    weight_of = qvl_arena_array(&arena, float, 4 * n);
    qvl_vision_cells(index_of, weight_of, grids, N, 2, 48);
    each_patch(see_cells);

    static const qvl_grid line = { 1, 1, 3 };
    static const int32_t want[] = { 0, 1, 3, 4, 1, 2, 4, 5, 2, 2, 5, 5 };
    qvl_vision_cells(index_of, weight_of, &line, 1, 1, 3);
    for (int k = 0; k < 12; k++) {
        CHECK_INT(index_of[k], want[k], "one row, cell %d", k);
        CHECK(weight_of[k] == (k % 4 == 0 ? 1.0f : 0.0f), "weight %d", k);
    }
    qvl_arena_release(&arena);
}

static void test_ranges(void)
{
    qvl_arena arena = { 0 };
    size_t n = qvl_grid_patches(grids, N);
    int32_t *range = qvl_arena_array(&arena, int32_t, 4 * n);
    qvl_vision_ranges(range, grids, N);
    size_t at = 0;
    int first = 0;
    for (int k = 0; k < N; k++)
        for (int t = 0; t < grids[k].t; t++) {
            int len = grids[k].h * grids[k].w;
            for (int i = 0; i < len; i++, at++) {
                const int32_t *r = range + 4 * at;
                CHECK(r[0] == first && r[1] == first + len && r[2] == first
                          && r[3] == first + len,
                      "patch %zu", at);
            }
            first += len;
        }
    CHECK_INT(at, n, "patches");
    qvl_arena_release(&arena);
}

static void test_read(void)
{
    static const struct {
        int64_t triple[3];
        int code;
        const char *part;
    } cases[] = {
        { { 1, 4, 6 }, QVL_OK, "" },
        { { 0, 4, 6 }, QVL_E_DATA, "found 0, 4, 6" },
        { { 1, 3, 6 }, QVL_E_DATA, "multiples of 2" },
        { { 1, 4, -2 }, QVL_E_DATA, "image_grid_thw (row 0)" },
        { { INT64_MAX, 2, 2 }, QVL_E_RANGE, "2^31" },
        { { 1, INT64_MAX - 1, 2 }, QVL_E_RANGE, "2^31" },
        { { 1 << 15, 1 << 8, 1 << 8 }, QVL_E_RANGE, "2^31" },
    };
    qvl_arena arena = { 0 };
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        qvl_err err = { 0 };
        qvl_grid *g = NULL;
        int rc = qvl_grid_read(&g, cases[i].triple, 1, 2, "image_grid_thw",
                               &arena, &err);
        CHECK_INT(rc, cases[i].code, "case %zu", i);
        if (rc != QVL_OK)
            CHECK_HAS(err.msg, cases[i].part, "case %zu", i);
    }
    qvl_arena_release(&arena);
}

RUN_TESTS(TEST(test_places), TEST(test_cells), TEST(test_ranges),
          TEST(test_read))
